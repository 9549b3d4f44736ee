// Owns the reading of PROXY protocol headers, byte by byte if need be: looks at what has arrived and says what it is, or how much is missing.
//
// The library does the two formats. In front of it stands what it lacks: partial input, the limits of both versions, the declared length,
// UNKNOWN and LOCAL, strict numbers, TLVs and their checksum. Reading never throws.
//
// What is said of some bytes is never taken back when more arrive: an error is found at the first byte that makes it one.

import { IPv4ProxyAddress, IPv6ProxyAddress, type Peer, UnixProxyAddress, V1ProxyProtocol, V2ProxyProtocol } from 'proxy-protocol-js'
import { NO_ADDRESS, type Address, type InetAddress, type UnixAddress } from './address.ts'
import { formatIP, parseIPv4, parseIPv6 } from './ip.ts'
import { TLV, V1_LIMIT, V1_SIGNATURE, V2_ADDRESS_LENGTH, V2_FIXED, V2_SIGNATURE, type ProxyHeader, type ProxyValues, type Tlv } from './proxy-header.ts'
import { headerChecksum, readValues, splitTlvs, TlvError } from './proxy-tlv.ts'

export type ProxyRead =
  /** So many bytes, from the first on, are needed to say more. */
  | { readonly state: 'more'; readonly total: number }
  /** No PROXY header: the byte at this offset is in neither version's signature. */
  | { readonly state: 'other'; readonly at: number }
  /** A header, but not a good one. 'unhandled': it names a protocol that does not exist. */
  | { readonly state: 'malformed'; readonly why: string; readonly kind: 'invalid' | 'unhandled' }
  | { readonly state: 'header'; readonly header: ProxyHeader }

/** Length limit where the caller has none of its own: HAProxy's default buffer. bytes */
const PROXY_HEADER_LIMIT = 16384

/** Reads the header at the front of `bytes`. `limit` bounds its whole length. Nothing of `bytes` is kept. */
export function readProxyHeader(bytes: Buffer, limit: number = PROXY_HEADER_LIMIT): ProxyRead {
  if (bytes.length === 0) return more(1)
  const signature = bytes[0] === V1_SIGNATURE[0] ? V1_SIGNATURE : V2_SIGNATURE
  for (let i = 0; i < signature.length; i++) {
    if (i === bytes.length) return more(i + 1)
    if (bytes[i] !== signature[i]) return { state: 'other', at: i }
  }
  return signature === V1_SIGNATURE ? readV1(bytes) : readV2(bytes, limit)
}

function more(total: number): ProxyRead {
  return { state: 'more', total }
}

function malformed(why: string, kind: 'invalid' | 'unhandled' = 'invalid'): ProxyRead {
  return { state: 'malformed', why, kind }
}

// ── version 1 ────────────────────────────────────────────────────────────────────────────────────────────────────

const WORDS = ['TCP4 ', 'TCP6 ', 'UNKNOWN ', 'UNKNOWN\r'] as const
const LF = 0x0a
const CR = 0x0d

function readV1(bytes: Buffer): ProxyRead {
  const text = bytes.toString('latin1', 0, V1_LIMIT)
  const rest = text.slice(V1_SIGNATURE.length)
  const word = WORDS.find((w) => (rest.length < w.length ? w.startsWith(rest) : rest.startsWith(w)))
  if (word === undefined) {
    let n = 1
    while (WORDS.some((w) => w.startsWith(rest.slice(0, n)))) n++
    return malformed(`unknown protocol ${JSON.stringify(rest.slice(0, n))}`, 'unhandled')
  }
  if (rest.length < word.length) return more(bytes.length + 1)

  // UNKNOWN: anything may stand before CRLF. Else neither CR nor LF may stand alone.
  const end = word.startsWith('UNKNOWN') ? text.indexOf('\r\n') : text.search(/[\r\n]/)
  if (end === -1 || end === V1_LIMIT - 1) return text.length === V1_LIMIT ? malformed(`no CRLF within ${V1_LIMIT} bytes`) : more(text.length + 1)
  if (text.charCodeAt(end) === LF) return malformed('the line ends with LF alone')
  if (end + 1 === text.length) return more(text.length + 1)
  if (text.charCodeAt(end) === CR && text.charCodeAt(end + 1) !== LF) return malformed('CR without LF')

  const length = end + 2
  const header = { version: 1, command: 'PROXY', tlvs: [], length } as const
  if (word.startsWith('UNKNOWN')) {
    return { state: 'header', header: { ...header, family: 'unspec', transport: 'unspec', src: NO_ADDRESS, dst: NO_ADDRESS } }
  }
  const line = text.slice(0, length)
  let parsed: V1ProxyProtocol
  try {
    parsed = V1ProxyProtocol.parse(line)
  } catch {
    return malformed(`not two addresses and two ports: ${JSON.stringify(line.slice(0, -2))}`)
  }
  const family = word === 'TCP4 ' ? 'ipv4' : 'ipv6'
  const src = readPeer(family, parsed.source)
  const dst = readPeer(family, parsed.destination)
  if (typeof src === 'string') return malformed(src)
  if (typeof dst === 'string') return malformed(dst)
  // The library reads 080 as 80, so it does not write what it read.
  if (parsed.build() !== line) return malformed('a port with leading zeros')
  return { state: 'header', header: { ...header, family, transport: 'stream', src, dst } }
}

/** The address, or why it is none. */
function readPeer(family: 'ipv4' | 'ipv6', peer: Peer): InetAddress | string {
  const bytes = family === 'ipv4' ? parseIPv4(peer.ipAddress) : parseIPv6(peer.ipAddress)
  if (bytes === undefined) return `${JSON.stringify(peer.ipAddress)} is no ${family === 'ipv4' ? 'IPv4' : 'IPv6'} address`
  if (peer.port > 65535) return `port ${peer.port} is beyond 65535`
  return { family, host: formatIP(bytes), port: peer.port }
}

// ── version 2 ────────────────────────────────────────────────────────────────────────────────────────────────────

const FAMILIES = ['unspec', 'ipv4', 'ipv6', 'unix'] as const
const TRANSPORTS = ['unspec', 'stream', 'dgram'] as const

function readV2(bytes: Buffer, limit: number): ProxyRead {
  const versionCommand = bytes[12]
  if (versionCommand === undefined) return more(13)
  // Signature and version together are what tells version 2 from anything else.
  if (versionCommand >> 4 !== 2) return { state: 'other', at: 12 }
  if ((versionCommand & 0x0f) > 1) return malformed(`command ${versionCommand & 0x0f}`)
  const local = (versionCommand & 0x0f) === 0

  const familyTransport = bytes[13]
  if (familyTransport === undefined) return more(14)
  const family = FAMILIES[familyTransport >> 4]
  const transport = TRANSPORTS[familyTransport & 0x0f]
  if (!local && family === undefined) return malformed(`address family ${familyTransport >> 4}`)
  if (!local && transport === undefined) return malformed(`transport protocol ${familyTransport & 0x0f}`)

  if (bytes.length < V2_FIXED) return more(bytes.length + 1)
  const declared = bytes.readUInt16BE(14)
  const length = V2_FIXED + declared
  if (length > limit) return malformed(`${length} bytes, more than ${limit}`)
  const addressLength = family === undefined ? 0 : V2_ADDRESS_LENGTH[family]
  if (!local && declared < addressLength) return malformed(`${declared} bytes where the ${family} addresses take ${addressLength}`)
  if (bytes.length < length) return more(length)

  const whole = bytes.subarray(0, length)
  // Where no address has to be there and the family is not to be trusted, what follows may be TLVs or not.
  const lenient = local || family === 'unspec' || transport === 'unspec'
  const tlvsAt = V2_FIXED + (declared < addressLength ? 0 : addressLength)
  const values = family === undefined ? NO_VALUES : readTlvs(whole, tlvsAt, lenient)
  if ('state' in values) return values

  const announced = local || lenient || family === undefined ? undefined : readAddresses(whole)
  return {
    state: 'header',
    header: {
      ...values,
      version: 2,
      command: local ? 'LOCAL' : 'PROXY',
      family: local || family === undefined ? 'unspec' : family,
      transport: local || transport === undefined ? 'unspec' : transport,
      src: announced?.src ?? NO_ADDRESS,
      dst: announced?.dst ?? NO_ADDRESS,
      length,
    },
  }
}

const NO_VALUES: { readonly tlvs: readonly Tlv[] } = { tlvs: [] }

function readTlvs(whole: Buffer, at: number, lenient: boolean): ProxyRead | (ProxyValues & { readonly tlvs: readonly Tlv[] }) {
  if (at === whole.length) return NO_VALUES
  try {
    const block = Buffer.from(whole.subarray(at))
    const tlvs = splitTlvs(block)
    const values = readValues(tlvs)
    // A wrong checksum is never lenient: the command itself cannot be believed.
    const sum = tlvs.find((tlv) => tlv.type === TLV.crc32c)?.value
    if (sum !== undefined && headerChecksum(whole, at + sum.byteOffset - block.byteOffset) !== values.crc32c) return malformed('CRC32C does not match')
    return { ...values, tlvs }
  } catch (error) {
    if (error instanceof TlvError) return lenient ? NO_VALUES : malformed(error.message)
    throw error
  }
}

function readAddresses(whole: Buffer): { readonly src: Address; readonly dst: Address } | undefined {
  const { proxyAddress } = V2ProxyProtocol.parse(whole)
  if (proxyAddress instanceof IPv4ProxyAddress || proxyAddress instanceof IPv6ProxyAddress) {
    const family = proxyAddress instanceof IPv4ProxyAddress ? 'ipv4' : 'ipv6'
    return {
      src: { family, host: formatIP(Uint8Array.from(proxyAddress.sourceAddress.address)), port: proxyAddress.sourcePort },
      dst: { family, host: formatIP(Uint8Array.from(proxyAddress.destinationAddress.address)), port: proxyAddress.destinationPort },
    }
  }
  if (proxyAddress instanceof UnixProxyAddress) {
    return { src: unixAddress(proxyAddress.sourceAddress.address), dst: unixAddress(proxyAddress.destinationAddress.address) }
  }
  return undefined
}

/** 108 bytes as in sockaddr_un: a path up to its first NUL; behind a leading NUL, a name without the NULs that pad it. */
function unixAddress(bytes: readonly number[]): UnixAddress {
  const all = Buffer.from(bytes)
  if (all[0] !== 0) {
    const nul = all.indexOf(0)
    return { family: 'unix', path: all.toString('utf8', 0, nul === -1 ? all.length : nul), abstract: false }
  }
  let end = all.length
  while (end > 1 && all[end - 1] === 0) end--
  return { family: 'unix', path: all.toString('utf8', 1, end), abstract: end > 1 }
}
