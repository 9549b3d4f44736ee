// Owns the converters of encrypted JSON Web Tokens (manual 7.3.1 since 3.3): what a token holds, by a secret or a JSON Web Key.

import { createPrivateKey } from 'node:crypto'
import type { ByteString, ConverterSpec, Fail, Subject } from '../../core/sample.ts'
import { toText } from '../../core/sample.ts'
import { openToken } from '../jwe.ts'
import type { TokenKey } from '../jwe.ts'
import { parseVariable } from '../variables.ts'
import { variableText } from './convert.ts'

/** Base64 of either alphabet, padded or not. */
function secretOf(text: ByteString): Buffer | undefined {
  const bare = text.replace(/={1,2}$/, '')
  return bare !== '' && bare.length % 4 !== 1 && /^[A-Za-z0-9+/_-]*$/.test(bare) ? Buffer.from(bare, 'base64url') : undefined
}

const FIELDS = ['kty', 'crv', 'x', 'y', 'd', 'n', 'e', 'p', 'q', 'dp', 'dq', 'qi'] as const

/** RFC 7517: an octet sequence, or a private key of RSA or of an elliptic curve. */
function keyOf(text: ByteString): TokenKey | undefined {
  try {
    const jwk: unknown = JSON.parse(toText(text))
    if (typeof jwk !== 'object' || jwk === null) return undefined
    const given = new Map<string, unknown>(Object.entries(jwk))
    const kty = given.get('kty')
    if (kty === 'oct') {
      const k = given.get('k')
      return typeof k === 'string' ? secretOf(k) : undefined
    }
    if (kty !== 'EC' && kty !== 'RSA') return undefined
    const key: Record<string, string> = {}
    for (const name of FIELDS) {
      const value = given.get(name)
      if (typeof value === 'string') key[name] = value
    }
    return createPrivateKey({ key, format: 'jwk' })
  } catch {
    return undefined
  }
}

const EMPTY = { type: 'bin', value: '' } as const
/** Keys that variables have held: reading one costs more than opening a token. */
const KEPT = 16

function decrypt(name: string, arg: string, doc: string, read: (text: ByteString) => TokenKey | undefined, wrong: string): ConverterSpec {
  const kept = new Map<ByteString, TokenKey | undefined>()
  const known = (text: ByteString): TokenKey | undefined => {
    if (kept.has(text)) return kept.get(text)
    if (kept.size >= KEPT) kept.clear()
    const key = read(text)
    kept.set(text, key)
    return key
  }
  const source = (text: ByteString, fail: Fail): ((subject: Subject) => TokenKey | undefined) | undefined => {
    const variable = parseVariable(toText(text))
    if (typeof variable !== 'string') {
      return (subject) => {
        const value = variableText(subject, variable, 'str')
        return value === undefined ? undefined : known(value)
      }
    }
    const key = read(text)
    return key === undefined ? fail(`'${name}' : ${wrong}`) : () => key
  }
  return {
    name,
    args: [{ name: arg, type: 'str' }],
    input: 'bin',
    output: 'bin',
    doc,
    compile(args, _scope, fail) {
      const keyFor = source(args.str(0), fail)
      if (keyFor === undefined) return undefined
      return (sample, subject) => {
        const key = keyFor(subject)
        const opened = key === undefined || sample.type !== 'bin' ? undefined : openToken(sample.value, key)
        return opened === undefined ? EMPTY : { type: 'bin', value: opened.toString('latin1') }
      }
    },
  }
}

export const jweConverters: readonly ConverterSpec[] = [
  decrypt('jwt_decrypt_secret', 'secret', 'What an encrypted token holds, by a secret in base64 or a variable with one; empty when it does not open. A…KW, A…GCMKW, dir.', secretOf, 'the secret is not base64, nor the name of a variable'),
  decrypt('jwt_decrypt_jwk', 'jwk', 'What an encrypted token holds, by a JSON Web Key (oct, RSA, EC) or a variable with one; empty when it does not open. Not RSA1_5.', keyOf, 'this is no JSON Web Key of type oct, RSA or EC with its private part, nor the name of a variable'),
]
