// Owns opening encrypted JSON Web Tokens in compact form (RFC 7516 with the algorithms of RFC 7518): whose key, then what it locked.
//
//   header . encrypted key . IV . ciphertext . tag        all base64url; the header is authenticated with the ciphertext
//
// Whatever is wrong with a token it just does not open: why is not told apart.

import { constants, createDecipheriv, createHash, createHmac, createPublicKey, diffieHellman, privateDecrypt, timingSafeEqual } from 'node:crypto'
import type { KeyObject } from 'node:crypto'

/** Bytes that are shared, or a private key: RSA or EC. */
export type TokenKey = Buffer | KeyObject

const BASE64URL = /^[A-Za-z0-9_-]*$/

function part(text: unknown): Buffer | undefined {
  return typeof text === 'string' && BASE64URL.test(text) && text.length % 4 !== 1 ? Buffer.from(text, 'base64url') : undefined
}

type Header = Readonly<Record<string, unknown>>

function isObject(value: unknown): value is Header {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function readHeader(bytes: Buffer | undefined): Header | undefined {
  if (bytes === undefined) return undefined
  try {
    const header: unknown = JSON.parse(bytes.toString('utf8'))
    return isObject(header) ? header : undefined
  } catch {
    return undefined
  }
}

/** How contents are encrypted: the bytes of its key, and of the half that authenticates where it has one. */
interface Content {
  readonly key: number
  readonly mac?: 'sha256' | 'sha384' | 'sha512'
}

const CONTENTS: ReadonlyMap<string, Content> = new Map<string, Content>([
  ['A128GCM', { key: 16 }],
  ['A192GCM', { key: 24 }],
  ['A256GCM', { key: 32 }],
  ['A128CBC-HS256', { key: 32, mac: 'sha256' }],
  ['A192CBC-HS384', { key: 48, mac: 'sha384' }],
  ['A256CBC-HS512', { key: 64, mac: 'sha512' }],
])

/** Bytes of the key that wraps another, by the end of the algorithm's name. */
const WRAPS: ReadonlyMap<string, number> = new Map([
  ['A128KW', 16],
  ['A192KW', 24],
  ['A256KW', 32],
])
const GCM_WRAPS: ReadonlyMap<string, number> = new Map([
  ['A128GCMKW', 16],
  ['A192GCMKW', 24],
  ['A256GCMKW', 32],
])
const OAEP: ReadonlyMap<string, string> = new Map([
  ['RSA-OAEP', 'sha1'],
  ['RSA-OAEP-256', 'sha256'],
])
const ECDH = 'ECDH-ES'
const GCM_IV = 12
const TAG = 16
const WRAP_IV = Buffer.alloc(8, 0xa6)

function unwrap(key: Buffer, wrapped: Buffer, size: number): Buffer | undefined {
  if (key.length !== size) return undefined
  const cipher = createDecipheriv(`id-aes${size * 8}-wrap`, key, WRAP_IV)
  return Buffer.concat([cipher.update(wrapped), cipher.final()])
}

function openGcm(key: Buffer, iv: Buffer | undefined, sealed: Buffer, tag: Buffer | undefined, aad: Buffer): Buffer | undefined {
  if (iv?.length !== GCM_IV || tag?.length !== TAG) return undefined
  const name = key.length === 16 ? 'aes-128-gcm' : key.length === 24 ? 'aes-192-gcm' : 'aes-256-gcm'
  const cipher = createDecipheriv(name, key, iv, { authTagLength: TAG })
  cipher.setAAD(aad)
  cipher.setAuthTag(tag)
  return Buffer.concat([cipher.update(sealed), cipher.final()])
}

function openCbc(key: Buffer, mac: string, iv: Buffer, sealed: Buffer, tag: Buffer, aad: Buffer): Buffer | undefined {
  const half = key.length / 2
  const bits = Buffer.alloc(8)
  bits.writeBigUInt64BE(BigInt(aad.length * 8))
  const sum = createHmac(mac, key.subarray(0, half)).update(aad).update(iv).update(sealed).update(bits).digest().subarray(0, half)
  if (iv.length !== 16 || tag.length !== half || !timingSafeEqual(sum, tag)) return undefined
  const cipher = createDecipheriv(`aes-${half * 8}-cbc`, key.subarray(half), iv)
  return Buffer.concat([cipher.update(sealed), cipher.final()])
}

function field(bytes: Buffer): Buffer {
  const size = Buffer.alloc(4)
  size.writeUInt32BE(bytes.length)
  return Buffer.concat([size, bytes])
}

/** RFC 7518 section 4.6.2: a key of `size` bytes for this algorithm. */
export function concatKdf(secret: Buffer, algorithm: string, apu: Buffer, apv: Buffer, size: number): Buffer {
  const word = (n: number): Buffer => {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(n)
    return bytes
  }
  const rounds = Array.from({ length: Math.ceil(size / 32) }, (_, i) =>
    createHash('sha256')
      .update(word(i + 1))
      .update(secret)
      .update(field(Buffer.from(algorithm, 'latin1')))
      .update(field(apu))
      .update(field(apv))
      .update(word(size * 8))
      .digest(),
  )
  return Buffer.concat(rounds).subarray(0, size)
}

/** The key that both sides agree upon. */
function agreed(key: KeyObject, header: Header, algorithm: string, size: number): Buffer | undefined {
  const { epk } = header
  const apu = header['apu'] === undefined ? Buffer.alloc(0) : part(header['apu'])
  const apv = header['apv'] === undefined ? Buffer.alloc(0) : part(header['apv'])
  if (!isObject(epk) || apu === undefined || apv === undefined || key.asymmetricKeyType !== 'ec') return undefined
  const { kty, crv, x, y } = epk
  if (kty !== 'EC' || typeof crv !== 'string' || typeof x !== 'string' || typeof y !== 'string') return undefined
  const publicKey = createPublicKey({ key: { kty, crv, x, y }, format: 'jwk' })
  if (publicKey.asymmetricKeyDetails?.namedCurve !== key.asymmetricKeyDetails?.namedCurve) return undefined
  return concatKdf(diffieHellman({ privateKey: key, publicKey }), algorithm, apu, apv, size)
}

/** The key of the contents. */
function contentKey(key: TokenKey, header: Header, algorithm: string, encryption: string, size: number, encrypted: Buffer): Buffer | undefined {
  if (Buffer.isBuffer(key)) {
    if (algorithm === 'dir') return encrypted.length === 0 ? key : undefined
    const wrap = WRAPS.get(algorithm)
    if (wrap !== undefined) return unwrap(key, encrypted, wrap)
    const gcm = GCM_WRAPS.get(algorithm)
    return gcm === undefined || key.length !== gcm ? undefined : openGcm(key, part(header['iv']), encrypted, part(header['tag']), Buffer.alloc(0))
  }
  const oaepHash = OAEP.get(algorithm)
  if (oaepHash !== undefined) return key.asymmetricKeyType === 'rsa' ? privateDecrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash }, encrypted) : undefined
  if (algorithm === ECDH) return encrypted.length === 0 ? agreed(key, header, encryption, size) : undefined
  const wrap = algorithm.startsWith(`${ECDH}+`) ? WRAPS.get(algorithm.slice(ECDH.length + 1)) : undefined
  const kek = wrap === undefined ? undefined : agreed(key, header, algorithm, wrap)
  return wrap === undefined || kek === undefined ? undefined : unwrap(kek, encrypted, wrap)
}

/** What a token holds; undefined: it is none, or the key does not open it. Tokens that are compressed or ask for extensions are not opened. */
export function openToken(token: string, key: TokenKey): Buffer | undefined {
  const parts = token.split('.')
  if (parts.length !== 5) return undefined
  const [protectedHeader = '', ...rest] = parts
  const header = readHeader(part(protectedHeader))
  const [encrypted, iv, sealed, tag] = rest.map(part)
  if (header === undefined || encrypted === undefined || iv === undefined || sealed === undefined || tag === undefined) return undefined
  const { alg, enc, zip, crit } = header
  const content = typeof enc === 'string' ? CONTENTS.get(enc) : undefined
  if (typeof alg !== 'string' || typeof enc !== 'string' || content === undefined || zip !== undefined || crit !== undefined) return undefined
  try {
    const cek = contentKey(key, header, alg, enc, content.key, encrypted)
    if (cek?.length !== content.key) return undefined
    const aad = Buffer.from(protectedHeader, 'latin1')
    return content.mac === undefined ? openGcm(cek, iv, sealed, tag, aad) : openCbc(cek, content.mac, iv, sealed, tag, aad)
  } catch {
    return undefined // OpenSSL says so of wrong keys, wrong tags and wrong padding
  }
}
