// Owns the fields of an X.509 certificate that rules may ask for (RFC 5280 section 4.1), read from its DER.
//
//   Certificate { tbsCertificate { [0] version, serial, signature, issuer, validity, subject, subjectPublicKeyInfo … }, signatureAlgorithm … }

/** One part of a name: `CN=example`. */
export interface NamePart {
  /** Content bytes of the object identifier, in hex. */
  readonly oid: string
  /** The string's DER tag, its content bytes as latin1, and the whole element. */
  readonly tag: number
  readonly value: string
  readonly der: Buffer
  /** It belongs to the same relative name as the part before it. */
  readonly joined: boolean
}

export interface X509Fields {
  /** 1 to 3. */
  readonly version: number
  /** Magnitude, without leading zeros. */
  readonly serial: Buffer
  /** `YYMMDDhhmmssZ`: as OpenSSL keeps it, without the century. */
  readonly notBefore: string
  readonly notAfter: string
  readonly issuer: readonly NamePart[]
  readonly subject: readonly NamePart[]
  /** Object identifiers of what signed it and of its key, content bytes in hex. */
  readonly signature: string
  readonly key: string
}

interface Element {
  readonly tag: number
  /** The contents. */
  readonly from: number
  readonly to: number
  /** The whole element. */
  readonly begin: number
}

class Broken extends Error {}

/** Reads the elements between two places of a DER text, one after the other. */
class Der {
  readonly bytes: Buffer
  #at: number
  readonly #end: number

  constructor(bytes: Buffer, at: number, end: number) {
    this.bytes = bytes
    this.#at = at
    this.#end = end
  }

  get more(): boolean {
    return this.#at < this.#end
  }

  peek(): number {
    return this.bytes[this.#at] ?? -1
  }

  next(tag?: number): Element {
    const begin = this.#at
    const first = this.bytes[begin + 1]
    if (begin + 2 > this.#end || first === undefined || (tag !== undefined && this.bytes[begin] !== tag)) throw new Broken()
    const more = first < 0x80 ? 0 : first & 0x7f
    if (more > 4 || (first >= 0x80 && more === 0) || begin + 2 + more > this.#end) throw new Broken()
    const from = begin + 2 + more
    const to = from + (more === 0 ? first : this.bytes.readUIntBE(begin + 2, more))
    if (to > this.#end) throw new Broken()
    this.#at = to
    return { tag: this.bytes[begin] ?? 0, from, to, begin }
  }

  /** The elements within the next one. */
  inside(tag: number): Der {
    const { from, to } = this.next(tag)
    return new Der(this.bytes, from, to)
  }

  hex(tag: number): string {
    const { from, to } = this.next(tag)
    return this.bytes.toString('hex', from, to)
  }
}

const INTEGER = 0x02
const OID = 0x06
const SEQUENCE = 0x30
const SET = 0x31
const GENERALIZED_TIME = 0x18
const VERSION = 0xa0

function readName(der: Der): NamePart[] {
  const parts: NamePart[] = []
  const names = der.inside(SEQUENCE)
  while (names.more) {
    const set = names.inside(SET)
    for (let joined = false; set.more; joined = true) {
      const pair = set.inside(SEQUENCE)
      const oid = pair.hex(OID)
      const { tag, from, to, begin } = pair.next()
      parts.push({ oid, tag, value: der.bytes.toString('latin1', from, to), der: der.bytes.subarray(begin, to), joined })
    }
  }
  return parts
}

function readTime(der: Der): string {
  const { tag, from, to } = der.next()
  const text = der.bytes.toString('latin1', from, to)
  return tag === GENERALIZED_TIME ? text.slice(2) : text
}

/** undefined: it is no certificate. */
export function readX509(bytes: Buffer): X509Fields | undefined {
  try {
    const certificate = new Der(bytes, 0, bytes.length).inside(SEQUENCE)
    const tbs = certificate.inside(SEQUENCE)
    const version = tbs.peek() === VERSION ? (bytes[tbs.inside(VERSION).next(INTEGER).from] ?? 0) + 1 : 1
    const number = tbs.next(INTEGER)
    let zeros = number.from
    while (zeros < number.to - 1 && bytes[zeros] === 0) zeros++
    tbs.next(SEQUENCE)
    const issuer = readName(tbs)
    const validity = tbs.inside(SEQUENCE)
    const notBefore = readTime(validity)
    const notAfter = readTime(validity)
    const subject = readName(tbs)
    const key = tbs.inside(SEQUENCE).inside(SEQUENCE).hex(OID)
    const signature = certificate.inside(SEQUENCE).hex(OID)
    return { version, serial: bytes.subarray(zeros, number.to), notBefore, notAfter, issuer, subject, signature, key }
  } catch (error) {
    if (error instanceof Broken) return undefined
    throw error
  }
}

/** `2.5.4.3` of an object identifier's content bytes in hex. */
export function dottedOid(hex: string): string {
  const numbers: bigint[] = []
  let value = 0n
  for (const byte of Buffer.from(hex, 'hex')) {
    value = value * 128n + BigInt(byte & 0x7f)
    if (byte < 0x80) {
      numbers.push(value)
      value = 0n
    }
  }
  const first = numbers.shift() ?? 0n
  const top = first < 80n ? first / 40n : 2n
  return [top, first - top * 40n, ...numbers].join('.')
}
