// Owns reading a TLS ClientHello before any TLS is done: which name is asked for, and what the client can do (RFC 8446 section 4.1.2,
// RFC 6066 for the name, RFC 7301 for ALPN). The hello may be spread over several records, cut at any byte.
//
//   record:     type 22 | version 2 | length 2 | fragment          handshake: type 1 | length 3 | body
//   body:       version 2 | random 32 | session id <1> | cipher suites <2> | compression <1> | extensions <2>

import { factKey } from './handler.ts'
import type { FactKey } from './handler.ts'

/** A ClientHello, as far as choosing a certificate and rules about it need. */
export interface ClientHello {
  /** The server name, lower case; '' when none was sent. */
  readonly sni: string
  /** The server name as it was sent, bytes. */
  readonly serverName: string
  /** Protocols offered, in the client's order. */
  readonly alpn: readonly string[]
  /** legacy_version of the hello: 0x0303 for TLS 1.2 and 1.3. */
  readonly version: number
  /** The highest version offered, supported_versions counted. */
  readonly maxVersion: number
  /** Cipher suite numbers, GREASE included. */
  readonly ciphers: readonly number[]
  /** Extension numbers in order. */
  readonly extensions: readonly number[]
  /** Signature algorithms; empty when the extension is missing. */
  readonly sigalgs: readonly number[]
  /** Groups for the key exchange (`supported_groups`), GREASE included; undefined: the extension is missing. */
  readonly groups: readonly number[] | undefined
  /** Point formats, one byte each; empty when the extension is missing. */
  readonly pointFormats: readonly number[]
  /** Bytes of the session ticket (RFC 5077); undefined: the extension is missing. */
  readonly ticket: number | undefined
  /** 32 bytes of the client's, and its session id: latin1. */
  readonly random: string
  readonly sessionId: string
  /** Bytes of the records it came in. */
  readonly size: number
}

export type HelloState =
  | { readonly state: 'hello'; readonly hello: ClientHello }
  /** Not complete: no decision can be made before `total` bytes are there. */
  | { readonly state: 'more'; readonly total: number }
  /** Not a ClientHello. */
  | { readonly state: 'bad' }

const BAD: HelloState = { state: 'bad' }
const RECORD_HEADER = 5
const MAX_RECORD = 16384
/** A longer hello is not a hello: browsers with post-quantum keys stay below 4 KiB. */
const MAX_HELLO = 65536

const SERVER_NAME = 0
const SUPPORTED_GROUPS = 10
const POINT_FORMATS = 11
const SIGNATURE_ALGORITHMS = 13
const ALPN = 16
const SESSION_TICKET = 35
const SUPPORTED_VERSIONS = 43

/** A cursor that refuses to leave its window. */
class Reader {
  readonly #bytes: Buffer
  #at: number
  readonly #end: number
  overrun = false

  constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = bytes
    this.#at = start
    this.#end = end
  }

  get left(): number {
    return this.#end - this.#at
  }

  uint(size: 1 | 2 | 3): number {
    if (this.left < size) {
      this.overrun = true
      this.#at = this.#end
      return 0
    }
    const value = this.#bytes.readUIntBE(this.#at, size)
    this.#at += size
    return value
  }

  skip(n: number): void {
    if (this.left < n) this.overrun = true
    this.#at = Math.min(this.#at + n, this.#end)
  }

  /** A window of n bytes from here, which are skipped. */
  window(n: number): Reader {
    if (this.left < n) this.overrun = true
    const end = Math.min(this.#at + n, this.#end)
    const inner = new Reader(this.#bytes, this.#at, end)
    this.#at = end
    return inner
  }

  text(): string {
    const text = this.#bytes.toString('latin1', this.#at, this.#end)
    this.#at = this.#end
    return text
  }
}

/** The hello that TLS with a client began with, and how many bytes of each of its lists may be shown. Set where it is to be kept. */
export const capturedHelloFact: FactKey<{ readonly hello: ClientHello; readonly limit: number }> = factKey<{ readonly hello: ClientHello; readonly limit: number }>('client hello')

/** A number that means nothing (RFC 8701): clients send some so that nobody relies on knowing them all. */
export function isGrease(n: number): boolean {
  return (n & 0x0f0f) === 0x0a0a && n >> 8 === (n & 0xff)
}

/** Reads the ClientHello at the front of `bytes`. What follows it is not looked at. */
export function readClientHello(bytes: Buffer): HelloState {
  let at = 0
  let message: Buffer | undefined // the fragments so far; nearly always there is exactly one
  for (;;) {
    if (bytes.length > at && bytes[at] !== 22) return BAD
    if (bytes.length > at + 1 && bytes[at + 1] !== 3) return BAD
    if (bytes.length < at + RECORD_HEADER) return { state: 'more', total: at + RECORD_HEADER }
    const size = bytes.readUInt16BE(at + 3)
    if (size === 0 || size > MAX_RECORD) return BAD
    const begin = at + RECORD_HEADER
    at = begin + size
    const fragment = bytes.subarray(begin, Math.min(at, bytes.length))
    message = message === undefined ? fragment : Buffer.concat([message, fragment])
    if (message.length > 0 && message[0] !== 1) return BAD
    const need = message.length < 4 ? MAX_HELLO : 4 + message.readUIntBE(1, 3)
    if (need > MAX_HELLO) return BAD
    if (bytes.length < at) return { state: 'more', total: at }
    if (message.length >= need) return parseBody(message, need, at)
  }
}

function parseBody(message: Buffer, end: number, size: number): HelloState {
  const body = new Reader(message, 4, end)
  const version = body.uint(2)
  if (version >> 8 !== 3) return BAD
  const random = body.window(32).text()
  const idLength = body.uint(1)
  if (idLength > 32) return BAD
  const sessionId = body.window(idLength).text()
  const suites = body.window(body.uint(2))
  const ciphers: number[] = []
  while (suites.left >= 2) ciphers.push(suites.uint(2))
  body.skip(body.uint(1))
  let serverName = ''
  let groups: number[] | undefined
  let pointFormats: number[] = []
  let ticket: number | undefined
  let alpn: string[] = []
  let maxVersion = version
  let sigalgs: number[] = []
  const extensions: number[] = []
  if (body.left > 0) {
    const list = body.window(body.uint(2))
    if (body.left > 0) return BAD
    while (list.left > 0) {
      const type = list.uint(2)
      const data = list.window(list.uint(2))
      if (list.overrun) return BAD
      extensions.push(type)
      if (type === SERVER_NAME) serverName = readName(data)
      else if (type === ALPN) alpn = readAlpn(data)
      else if (type === SIGNATURE_ALGORITHMS) sigalgs = readNumbers(data.window(data.uint(2)))
      else if (type === SUPPORTED_GROUPS) groups = readNumbers(data.window(data.uint(2)))
      else if (type === POINT_FORMATS) pointFormats = readBytes(data.window(data.uint(1)))
      else if (type === SESSION_TICKET) ticket = data.left
      else if (type === SUPPORTED_VERSIONS) {
        for (const offered of readNumbers(data.window(data.uint(1)))) if (offered >> 8 === 3 && offered > maxVersion) maxVersion = offered
      }
      if (data.overrun) return BAD
    }
  }
  if (body.overrun || suites.overrun) return BAD
  return { state: 'hello', hello: { sni: serverName.toLowerCase(), serverName, alpn, version, maxVersion, ciphers, extensions, sigalgs, groups, pointFormats, ticket, random, sessionId, size } }
}

function readName(data: Reader): string {
  const list = data.window(data.uint(2))
  while (list.left > 0) {
    const type = list.uint(1)
    const name = list.window(list.uint(2))
    if (list.overrun) break
    if (type === 0) return name.text()
  }
  return ''
}

function readAlpn(data: Reader): string[] {
  const list = data.window(data.uint(2))
  const protocols: string[] = []
  while (list.left > 0) protocols.push(list.window(list.uint(1)).text())
  return protocols
}

function readBytes(list: Reader): number[] {
  const bytes: number[] = []
  while (list.left >= 1) bytes.push(list.uint(1))
  return bytes
}

function readNumbers(list: Reader): number[] {
  const numbers: number[] = []
  while (list.left >= 2) numbers.push(list.uint(2))
  return numbers
}

/** The client can verify ECDSA signatures: by its signature algorithms, or before TLS 1.3 by having an ECDSA cipher suite. */
export function knowsEcdsa(hello: ClientHello): boolean {
  if (hello.sigalgs.length > 0 && !hello.sigalgs.some((a) => a === 0x0403 || a === 0x0503 || a === 0x0603 || a === 0x0203)) return false
  if (hello.maxVersion >= 0x0304) return true
  return hello.ciphers.some((c) => ECDSA_SUITES.has(c))
}

/** ECDHE-ECDSA suites up to TLS 1.2 (RFC 8422, 5289, 7251, 7905). */
const ECDSA_SUITES = new Set([
  0xc007, 0xc008, 0xc009, 0xc00a, 0xc023, 0xc024, 0xc02b, 0xc02c, 0xc048, 0xc049, 0xc05c, 0xc05d, 0xc072, 0xc073, 0xc086, 0xc087, 0xc0ac, 0xc0ad, 0xc0ae,
  0xc0af, 0xcca9,
])
