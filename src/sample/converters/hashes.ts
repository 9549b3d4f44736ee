// Owns hashes, digests and ciphers (manual 7.3.1).

import { createDecipheriv, createCipheriv, createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { ArgSpec, ArgValues, ByteString, ConverterSpec, Fail, Subject } from '../../core/sample.ts'
import { toText } from '../../core/sample.ts'
import { crc32c } from '../../core/crc32c.ts'
import { avalanche, crc32, djb2, sdbm, wt6 } from '../../util/hashes.ts'
import { xxh3, xxh32, xxh64 } from '../../util/xxhash.ts'
import { parseVariable } from '../variables.ts'
import { fromBase64, toBase64 } from './base64.ts'
import { bytesOf, converter, textSample, variableArgument, variableText } from './convert.ts'

const AVALANCHE: readonly ArgSpec[] = [{ name: 'avalanche', type: 'sint', optional: true }]
const SEED: readonly ArgSpec[] = [{ name: 'seed', type: 'sint', optional: true }]

function hash32(name: string, called: string, hash: (bytes: Buffer) => number): ConverterSpec {
  return converter(name, 'bin', 'sint', `The ${called} hash of the bytes, 32 bits unsigned; spread over all of them with <avalanche> 1.`, AVALANCHE, (args) => {
    const spread = args.int(0, 0n) !== 0n
    return (bytes) => {
      const value = hash(bytesOf(bytes))
      return { type: 'sint', value: BigInt(spread ? avalanche(value) : value) }
    }
  })
}

function hash64(name: string, called: string, hash: (bytes: Buffer, seed: bigint) => bigint): ConverterSpec {
  return converter(name, 'bin', 'sint', `The ${called} hash of the bytes, 64 bits signed.`, SEED, (args) => {
    const seed = BigInt.asUintN(64, args.int(0, 0n))
    return (bytes) => ({ type: 'sint', value: BigInt.asIntN(64, hash(bytesOf(bytes), seed)) })
  })
}

function digestOf(algorithm: string): (bytes: ByteString) => ByteString {
  return (bytes) => createHash(algorithm).update(bytes, 'latin1').digest().toString('latin1')
}

function knownDigest(args: ArgValues, fail: Fail): string | undefined {
  const algorithm = toText(args.str(0))
  try {
    createHash(algorithm).digest()
    return algorithm
  } catch {
    return fail('algorithm must be a valid OpenSSL message digest name.', 'such as sha256')
  }
}

/** An argument in base64, or the name of a variable that holds base64. undefined: reported. */
function secretArgument(args: ArgValues, index: number, what: string, fail: Fail): ((subject: Subject) => ByteString | undefined) | undefined {
  const text = toText(args.str(index))
  const variable = parseVariable(text)
  if (typeof variable !== 'string') {
    return (subject) => {
      const value = variableText(subject, variable, 'str')
      return value === undefined ? undefined : fromBase64(value)
    }
  }
  const value = fromBase64(text)
  if (value === undefined) return fail(`failed to parse ${what} : argument needs to be base64 encoded, and can either be a string or a variable`)
  return () => value
}

const AES: readonly ArgSpec[] = [
  { name: 'bits', type: 'sint' },
  { name: 'nonce', type: 'str' },
  { name: 'key', type: 'str' },
  { name: 'aead_tag', type: 'str' },
  { name: 'aad', type: 'str', optional: true },
]

type Cipher = 'aes-128-gcm' | 'aes-192-gcm' | 'aes-256-gcm'
const CIPHERS: ReadonlyMap<bigint, Cipher> = new Map<bigint, Cipher>([[128n, 'aes-128-gcm'], [192n, 'aes-192-gcm'], [256n, 'aes-256-gcm']])

function aesGcm(encrypt: boolean): ConverterSpec {
  const doc = encrypt ? 'The bytes encrypted with AES-GCM; the tag goes to the variable <aead_tag>, in base64.' : 'The bytes decrypted with AES-GCM; no value when the tag is not theirs.'
  return converter(encrypt ? 'aes_gcm_enc' : 'aes_gcm_dec', 'bin', 'bin', doc, AES, (args, fail) => {
    const cipher = CIPHERS.get(args.int(0))
    if (cipher === undefined) return fail('key size must be 128, 192 or 256 (bits).')
    const bits = Number(args.int(0))
    const nonce = secretArgument(args, 1, 'nonce', fail)
    if (nonce === undefined) return undefined
    const key = secretArgument(args, 2, 'key', fail)
    if (key === undefined) return undefined
    const aad = args.has(4) ? secretArgument(args, 4, 'aad', fail) : (): ByteString => ''
    if (aad === undefined) return undefined
    const ready = (subject: Subject): { key: Buffer; nonce: Buffer; aad: Buffer } | undefined => {
      const [k, n, a] = [key(subject), nonce(subject), aad(subject)]
      if (k === undefined || n === undefined || a === undefined || k.length * 8 !== bits || n === '') return undefined
      return { key: bytesOf(k), nonce: bytesOf(n), aad: bytesOf(a) }
    }
    if (encrypt) {
      const into = variableArgument(args, 3, fail)
      if (into === undefined) return undefined
      return (bytes, subject) => {
        const with_ = ready(subject)
        if (with_ === undefined) return undefined
        const work = createCipheriv(cipher, with_.key, with_.nonce).setAAD(with_.aad)
        const out = work.update(bytes, 'latin1', 'latin1') + work.final('latin1')
        subject.variables.set(into, { type: 'str', value: toBase64(work.getAuthTag().toString('latin1'), false) })
        return textSample('bin', out)
      }
    }
    const tag = secretArgument(args, 3, 'aead_tag', fail)
    if (tag === undefined) return undefined
    return (bytes, subject) => {
      const with_ = ready(subject)
      const t = tag(subject)
      if (with_ === undefined || t?.length !== 16) return undefined
      const work = createDecipheriv(cipher, with_.key, with_.nonce).setAAD(with_.aad).setAuthTag(bytesOf(t))
      try {
        return textSample('bin', work.update(bytes, 'latin1', 'latin1') + work.final('latin1'))
      } catch {
        return undefined
      }
    }
  })
}

type CbcCipher = 'aes-128-cbc' | 'aes-192-cbc' | 'aes-256-cbc'
const CBC: ReadonlyMap<bigint, CbcCipher> = new Map<bigint, CbcCipher>([[128n, 'aes-128-cbc'], [192n, 'aes-192-cbc'], [256n, 'aes-256-cbc']])
const CBC_BLOCK = 16

/** The fourth argument is for modes that authenticate: CBC has nothing to do with it. */
function aesCbc(encrypt: boolean): ConverterSpec {
  const doc = encrypt ? 'The bytes encrypted with AES-CBC, padded (PKCS #7).' : 'The bytes decrypted with AES-CBC; no value when their padding is none.'
  const args = AES.slice(0, 3)
  return converter(encrypt ? 'aes_cbc_enc' : 'aes_cbc_dec', 'bin', 'bin', doc, args, (values, fail) => {
    const cipher = CBC.get(values.int(0))
    if (cipher === undefined) return fail('key size must be 128, 192 or 256 (bits).')
    const bits = Number(values.int(0))
    const nonce = secretArgument(values, 1, 'nonce', fail)
    const key = nonce === undefined ? undefined : secretArgument(values, 2, 'key', fail)
    if (nonce === undefined || key === undefined) return undefined
    return (bytes, subject) => {
      const [k, n] = [key(subject), nonce(subject)]
      if (k === undefined || n === undefined || k.length * 8 !== bits || n.length !== CBC_BLOCK) return undefined
      const work = encrypt ? createCipheriv(cipher, bytesOf(k), bytesOf(n)) : createDecipheriv(cipher, bytesOf(k), bytesOf(n))
      try {
        return textSample('bin', work.update(bytes, 'latin1', 'latin1') + work.final('latin1'))
      } catch {
        return undefined
      }
    }
  })
}

export const hashConverters: readonly ConverterSpec[] = [
  hash32('crc32', 'CRC-32', crc32),
  hash32('crc32c', 'CRC-32C', (bytes) => crc32c(bytes)),
  hash32('djb2', 'DJB2', djb2),
  hash32('sdbm', 'SDBM', sdbm),
  hash32('wt6', 'WT6', wt6),
  converter('xxh32', 'bin', 'sint', 'The XXH32 hash of the bytes, 32 bits unsigned.', SEED, (args) => {
    const seed = Number(BigInt.asUintN(32, args.int(0, 0n)))
    return (bytes) => ({ type: 'sint', value: BigInt(xxh32(bytesOf(bytes), seed)) })
  }),
  hash64('xxh64', 'XXH64', xxh64),
  hash64('xxh3', 'XXH3', xxh3),
  converter('sha1', 'bin', 'bin', 'The SHA-1 digest of the bytes.', [], () => {
    const digest = digestOf('sha1')
    return (bytes) => textSample('bin', digest(bytes))
  }),
  converter('sha2', 'bin', 'bin', 'The SHA-224, -256, -384 or -512 digest of the bytes; 256 without <bits>.', [{ name: 'bits', type: 'sint', optional: true }], (args, fail) => {
    const bits = args.int(0, 256n)
    if (![224n, 256n, 384n, 512n].includes(bits)) return fail(`Unsupported number of bits: '${bits}'`, '224, 256, 384 and 512 are')
    const digest = digestOf(`sha${bits}`)
    return (bytes) => textSample('bin', digest(bytes))
  }),
  converter('digest', 'bin', 'bin', 'A digest of the bytes by any algorithm that OpenSSL has.', [{ name: 'algorithm', type: 'str' }], (args, fail) => {
    const algorithm = knownDigest(args, fail)
    if (algorithm === undefined) return undefined
    const digest = digestOf(algorithm)
    return (bytes) => textSample('bin', digest(bytes))
  }),
  converter(
    'hmac',
    'bin',
    'bin',
    'The authentication code of the bytes with a key in base64, given or in a variable.',
    [
      { name: 'algorithm', type: 'str' },
      { name: 'key', type: 'str' },
    ],
    (args, fail) => {
      const algorithm = knownDigest(args, fail)
      const key = algorithm === undefined ? undefined : secretArgument(args, 1, 'key', fail)
      if (algorithm === undefined || key === undefined) return undefined
      return (bytes, subject) => {
        const k = key(subject)
        return k === undefined ? undefined : textSample('bin', createHmac(algorithm, bytesOf(k)).update(bytes, 'latin1').digest().toString('latin1'))
      }
    },
  ),
  aesGcm(true),
  aesGcm(false),
  aesCbc(true),
  aesCbc(false),
  converter('secure_memcmp', 'bin', 'bool', 'Whether the bytes are those of a variable, in a time that does not tell where they differ.', [{ name: 'var', type: 'str' }], (args, fail) => {
    const variable = variableArgument(args, 0, fail)
    if (variable === undefined) return undefined
    return (bytes, subject) => {
      const other = variableText(subject, variable, 'bin')
      if (other === undefined) return undefined
      return { type: 'bool', value: other.length === bytes.length && timingSafeEqual(bytesOf(bytes), bytesOf(other)) }
    }
  }),
]
