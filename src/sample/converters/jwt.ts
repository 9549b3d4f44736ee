// Owns the converters of JSON Web Tokens (manual 7.3.1, RFC 7515 in compact form): what a token says, and who signed it.

import { createHmac, createPublicKey, timingSafeEqual, verify } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import type { ArgSpec, ByteString, ConverterSpec, Sample, Scope, Subject } from '../../core/sample.ts'
import { toText } from '../../core/sample.ts'
import type { Plugin } from '../../core/plugin.ts'
import { parseVariable } from '../variables.ts'
import { fromBase64url } from './base64.ts'
import { bytesOf, textSample, variableText } from './convert.ts'
import { jsonQuery } from './json.ts'

const PATH: readonly ArgSpec[] = [
  { name: 'json_path', type: 'str', optional: true },
  { name: 'output_type', type: 'str', optional: true },
]

function partQuery(name: string, part: 0 | 1, called: string): ConverterSpec {
  return {
    name,
    args: PATH,
    input: 'bin',
    output: 'any',
    doc: `The ${called} of a token, decoded; with <json_path>, that value of it.`,
    compile(args, _scope, fail) {
      const query = args.has(0) ? jsonQuery(args, fail) : (json: ByteString): Sample | undefined => textSample('str', json)
      if (query === undefined) return undefined
      return (sample) => {
        if (sample.type !== 'bin') return undefined
        const json = fromBase64url(sample.value.split('.')[part] ?? '')
        return json === undefined || json === '' ? undefined : query(json)
      }
    },
  }
}

type Check = 'none' | { readonly hmac: string } | { readonly signature: string; readonly kind: 'rsa' | 'ec'; readonly size?: number }

const ALGORITHMS: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['none', 'none'],
  ['HS256', { hmac: 'sha256' }],
  ['HS384', { hmac: 'sha384' }],
  ['HS512', { hmac: 'sha512' }],
  ['RS256', { signature: 'sha256', kind: 'rsa' }],
  ['RS384', { signature: 'sha384', kind: 'rsa' }],
  ['RS512', { signature: 'sha512', kind: 'rsa' }],
  ['ES256', { signature: 'sha256', kind: 'ec', size: 64 }],
  ['ES384', { signature: 'sha384', kind: 'ec', size: 96 }],
  ['ES512', { signature: 'sha512', kind: 'ec', size: 132 }],
])
const PSS: ReadonlySet<string> = new Set(['PS256', 'PS384', 'PS512'])

const FAILURE = 0n
const SUCCESS = 1n
const UNKNOWN_ALGORITHM = -1n
const UNMANAGED_ALGORITHM = -2n
const INVALID_TOKEN = -3n
const UNKNOWN_CERTIFICATE = -5n

/** Public keys by the path that a configuration mentions: none is read while connections run. */
const keys = new WeakMap<readonly Plugin[], Map<string, KeyObject>>()

function keysOf(scope: Scope): Map<string, KeyObject> {
  let known = keys.get(scope.plugins)
  if (known === undefined) keys.set(scope.plugins, (known = new Map()))
  return known
}

/** Reads a certificate or a public key in PEM. A string: what is wrong with it; undefined: it cannot be read, which has been reported. */
function loadKey(path: string, scope: Scope): KeyObject | string | undefined {
  const known = keysOf(scope)
  const had = known.get(path)
  if (had !== undefined) return had
  const pem = scope.readFile(path)
  if (pem === undefined) return undefined
  try {
    const key = createPublicKey(pem)
    known.set(path, key)
    return key
  } catch {
    return `'${path}' holds neither a certificate nor a public key in PEM`
  }
}

function verifyToken(token: ByteString, check: Check, key: ByteString, known: ReadonlyMap<string, KeyObject>): bigint {
  const [header = '', payload = '', signature, ...rest] = token.split('.')
  if (signature === undefined || rest.length > 0 || header === '' || payload === '') return INVALID_TOKEN
  if (check === 'none') return signature === '' ? SUCCESS : FAILURE
  const given = signature === '' ? undefined : fromBase64url(signature)
  if (given === undefined) return INVALID_TOKEN
  const signed = bytesOf(`${header}.${payload}`)
  if ('hmac' in check) {
    const sum = createHmac(check.hmac, bytesOf(key)).update(signed).digest()
    return sum.length === given.length && timingSafeEqual(sum, bytesOf(given)) ? SUCCESS : FAILURE
  }
  const publicKey = known.get(toText(key))
  if (publicKey === undefined) return UNKNOWN_CERTIFICATE
  if (publicKey.asymmetricKeyType !== check.kind || (check.size !== undefined && given.length !== check.size)) return FAILURE
  try {
    return verify(check.signature, signed, check.kind === 'ec' ? { key: publicKey, dsaEncoding: 'ieee-p1363' } : publicKey, bytesOf(given)) ? SUCCESS : FAILURE
  } catch {
    return FAILURE
  }
}

export const jwtConverters: readonly ConverterSpec[] = [
  partQuery('jwt_header_query', 0, 'header'),
  partQuery('jwt_payload_query', 1, 'payload'),
  {
    name: 'jwt_verify',
    args: [
      { name: 'alg', type: 'str' },
      { name: 'key', type: 'str' },
    ],
    input: 'bin',
    output: 'sint',
    doc: "Whether a token's signature is good: 1; 0 when it is not, below 0 when that cannot be told. <key> is a secret, or the path of a certificate.",
    compile(args, scope, fail) {
      const [algorithm, key] = [toText(args.str(0)), toText(args.str(1))]
      const byVariable = parseVariable(algorithm)
      const keyVariable = parseVariable(key)
      const fixed = typeof byVariable === 'string' ? ALGORITHMS.get(algorithm) : undefined
      if (typeof byVariable === 'string') {
        if (PSS.has(algorithm)) return fail('RSASSA-PSS JWS signing not managed yet')
        if (fixed === undefined) return fail(`unknown JWT algorithm: ${algorithm}`, `one of ${[...ALGORITHMS.keys()].join(', ')}`)
      }
      // an algorithm that the token chooses may want a secret or a certificate: only what looks like a path is one
      const isPath = fixed === undefined ? /^[./]/.test(key) : typeof fixed === 'object' && 'signature' in fixed
      if (isPath && typeof keyVariable === 'string') {
        const loaded = loadKey(key, scope)
        if (loaded === undefined) return undefined
        if (typeof loaded === 'string') return fail(loaded)
      }
      const known = keysOf(scope)
      const keyOf = typeof keyVariable === 'string' ? (): ByteString => args.str(1) : (subject: Subject): ByteString | undefined => variableText(subject, keyVariable, 'str')
      return (sample, subject) => {
        if (sample.type !== 'bin') return undefined
        const secret = keyOf(subject)
        if (secret === undefined) return undefined
        if (fixed !== undefined) return { type: 'sint', value: verifyToken(sample.value, fixed, secret, known) }
        const named = typeof byVariable === 'string' ? algorithm : variableText(subject, byVariable, 'str')
        if (named === undefined) return undefined
        const check = ALGORITHMS.get(named)
        if (check === undefined) return { type: 'sint', value: PSS.has(named) ? UNMANAGED_ALGORITHM : UNKNOWN_ALGORITHM }
        return { type: 'sint', value: verifyToken(sample.value, check, secret, known) }
      }
    },
  },
]
