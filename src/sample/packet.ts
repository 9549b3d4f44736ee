// Owns reading a packet as it was on the wire: Ethernet (IEEE 802.3, 802.1Q), IPv4 (RFC 791), IPv6 (RFC 8200) and TCP (RFC 9293)
// headers. What is cut off or is none of these has no value; nothing is checked that the kernel has checked.
//
//   eth  dst 6 │ src 6 │ (81 00 or 88 a8 │ VLAN 2)… │ type 2 │ IP …
//   ip   header with options or extensions │ transport header …
//   tcp  src 2 │ dst 2 │ seq 4 │ ack 4 │ offset, flags 2 │ window 2 │ sum 2 │ urgent 2 │ options

import type { ByteString } from '../core/sample.ts'

const byte = (bytes: ByteString, at: number): number => bytes.charCodeAt(at) // NaN beyond the end
const word = (bytes: ByteString, at: number): number => byte(bytes, at) * 256 + byte(bytes, at + 1)

/** `size` bytes; undefined: they are not all there. */
function slice(bytes: ByteString, at: number, size: number): ByteString | undefined {
  return at + size > bytes.length ? undefined : bytes.slice(at, at + size)
}

function present(value: number): number | undefined {
  return Number.isNaN(value) ? undefined : value
}

const VLAN_TAGS: ReadonlySet<number> = new Set([0x8100, 0x88a8])
const ETHERNET_ADDRESSES = 12

/** How long an Ethernet header is with its VLAN tags, what the type behind them says, and the last VLAN. undefined: cut off. */
export function ethernet(frame: ByteString): { readonly size: number; readonly type: number; readonly vlan: number | undefined } | undefined {
  let at = ETHERNET_ADDRESSES
  let vlan: number | undefined
  let type = word(frame, at)
  while (VLAN_TAGS.has(type)) {
    vlan = word(frame, at + 2) & 0xfff
    at += 4
    type = word(frame, at)
  }
  return Number.isNaN(type) ? undefined : { size: at + 2, type, vlan }
}

export const ethernetDestination = (frame: ByteString): ByteString | undefined => slice(frame, 0, 6)
export const ethernetSource = (frame: ByteString): ByteString | undefined => slice(frame, 6, 6)

/** The first four bits, which are 4 or 6 in what is an IP packet. undefined: nothing is there. */
export function ipVersion(packet: ByteString): number | undefined {
  return packet === '' ? undefined : byte(packet, 0) >> 4
}

interface IpFields {
  readonly tos: (packet: ByteString) => number
  readonly ttl: (packet: ByteString) => number
  /** Don't fragment: IPv6 never does. */
  readonly df: (packet: ByteString) => number
  readonly addresses: readonly [source: number, destination: number, size: number]
}

const V4: IpFields = {
  tos: (packet) => byte(packet, 1),
  ttl: (packet) => byte(packet, 8),
  df: (packet) => (packet.length < 7 ? NaN : (byte(packet, 6) >> 6) & 1),
  addresses: [12, 16, 4],
}
const V6: IpFields = {
  tos: (packet) => (packet.length < 2 ? NaN : (word(packet, 0) >> 4) & 0xff),
  ttl: (packet) => byte(packet, 7),
  df: () => 1,
  addresses: [8, 24, 16],
}

function fieldsOf(packet: ByteString): IpFields | undefined {
  const version = ipVersion(packet)
  return version === 4 ? V4 : version === 6 ? V6 : undefined
}

/** A field of the fixed part of the header; undefined: cut off, or no IP. */
export function ipField(packet: ByteString, name: 'tos' | 'ttl' | 'df'): number | undefined {
  const fields = fieldsOf(packet)
  return fields === undefined ? undefined : present(fields[name](packet))
}

/** 4 or 16 bytes. */
export function ipAddress(packet: ByteString, which: 'source' | 'destination'): ByteString | undefined {
  const fields = fieldsOf(packet)
  if (fields === undefined) return undefined
  const [source, destination, size] = fields.addresses
  return slice(packet, which === 'source' ? source : destination, size)
}

export interface IpHeader {
  /** With options or extensions; all of it is there. */
  readonly size: number
  /** Of the transport: 6 is TCP. */
  readonly protocol: number
  readonly options: boolean
  /** What the header says that follows it, bytes. */
  readonly payload: number
}

const V4_SHORTEST = 20
const V6_SIZE = 40
const FRAGMENT = 44
const AUTHENTICATION = 51
/** Extensions with their length in their second byte (RFC 6564): hop by hop, routing, destination, mobility, host identity, shim6. */
const EXTENSIONS: ReadonlySet<number> = new Set([0, 43, FRAGMENT, AUTHENTICATION, 60, 135, 139, 140])

function extensionSize(protocol: number, length: number): number {
  return protocol === FRAGMENT ? 8 : protocol === AUTHENTICATION ? (length + 2) * 4 : (length + 1) * 8
}

/** undefined: cut off, or no IP. */
export function ipHeader(packet: ByteString): IpHeader | undefined {
  const version = ipVersion(packet)
  if (version === 4) {
    const size = (byte(packet, 0) & 15) * 4
    if (size < V4_SHORTEST || size > packet.length) return undefined
    return { size, protocol: byte(packet, 9), options: size > V4_SHORTEST, payload: word(packet, 2) - size }
  }
  if (version !== 6 || packet.length < V6_SIZE) return undefined
  let size = V6_SIZE
  let protocol = byte(packet, 6)
  while (EXTENSIONS.has(protocol)) {
    const next = byte(packet, size)
    size += extensionSize(protocol, byte(packet, size + 1))
    if (!(size <= packet.length)) return undefined
    protocol = next
  }
  return { size, protocol, options: size > V6_SIZE, payload: word(packet, 4) - (size - V6_SIZE) }
}

export const TCP = 6

export const tcpSource = (segment: ByteString): number | undefined => present(word(segment, 0))
export const tcpDestination = (segment: ByteString): number | undefined => present(word(segment, 2))
export const tcpSequence = (segment: ByteString): number | undefined => present(word(segment, 4) * 65536 + word(segment, 6))
export const tcpFlags = (segment: ByteString): number | undefined => present(byte(segment, 13))
export const tcpWindow = (segment: ByteString): number | undefined => present(word(segment, 14))

const TCP_SHORTEST = 20

/** Bytes of the header with its options; undefined: cut off, or none. */
function tcpHeaderSize(segment: ByteString): number | undefined {
  const size = (byte(segment, 12) >> 4) * 4
  return size >= TCP_SHORTEST && size <= segment.length ? size : undefined
}

const END_OF_OPTIONS = 0
const NO_OPERATION = 1
export const MSS = 2
export const WINDOW_SCALE = 3
export const SACK_PERMITTED = 4
export const TIMESTAMPS = 8
/** Of those that have one length only. */
const OPTION_SIZES: ReadonlyMap<number, number> = new Map([
  [MSS, 4],
  [WINDOW_SCALE, 3],
  [SACK_PERMITTED, 2],
  [TIMESTAMPS, 10],
])

export interface TcpOptions {
  /** Of the complete ones in their order, the end left out: a character each. */
  readonly kinds: ByteString
  /** Where an option's contents begin, by its kind: the first that is as long as this kind is. */
  at(kind: number): number | undefined
}

/** They end where one says so, or is broken. undefined: the header is cut off. */
export function tcpOptions(segment: ByteString): TcpOptions | undefined {
  const end = tcpHeaderSize(segment)
  if (end === undefined) return undefined
  const places = new Map<number, number>()
  let kinds = ''
  for (let at = TCP_SHORTEST; at < end; ) {
    const kind = byte(segment, at)
    if (kind === END_OF_OPTIONS) break
    const size = kind === NO_OPERATION ? 1 : at + 1 < end ? byte(segment, at + 1) : 0
    if (size < 1 || (kind !== NO_OPERATION && size < 2) || at + size > end) break
    kinds += String.fromCharCode(kind)
    if (OPTION_SIZES.get(kind) === size && !places.has(kind)) places.set(kind, at + 2)
    at += size
  }
  return { kinds, at: (kind) => places.get(kind) }
}

/** The value of an option of 1, 2 or 4 bytes; undefined: it is not there. */
export function tcpOption(segment: ByteString, options: TcpOptions, kind: typeof MSS | typeof WINDOW_SCALE | typeof TIMESTAMPS): number | undefined {
  const at = options.at(kind)
  if (at === undefined) return undefined
  return kind === WINDOW_SCALE ? byte(segment, at) : kind === MSS ? word(segment, at) : word(segment, at) * 65536 + word(segment, at + 2)
}

const FLAG_CWR = 0x80
const FLAG_ECE = 0x40
const OPTIONS_MAPPED = 8
export const FINGERPRINT_TTL = 1
export const FINGERPRINT_OPTIONS = 2
export const FINGERPRINT_SOURCE = 4

/**
 * What stays the same of the SYNs of one host (manual 3.4, ip.fp): 8 bytes, and behind them what `mode` asks for. undefined: cut off, or no
 * TCP over IP. Whether there are data is what the IP header says: of a saved SYN only headers are kept.
 */
export function fingerprint(packet: ByteString, mode: number): ByteString | undefined {
  const ip = ipHeader(packet)
  const ttl = ipField(packet, 'ttl')
  const source = ipAddress(packet, 'source')
  if (ip === undefined || ip.protocol !== TCP || ttl === undefined || source === undefined) return undefined
  const segment = packet.slice(ip.size)
  const size = tcpHeaderSize(segment)
  const options = tcpOptions(segment)
  if (size === undefined || options === undefined) return undefined
  const flags = byte(segment, 13)
  const scale = tcpOption(segment, options, WINDOW_SCALE)
  const mss = tcpOption(segment, options, MSS) ?? 0
  const window = word(segment, 14)
  const second =
    (source.length === 16 ? 0x80 : 0) |
    ((ipField(packet, 'df') ?? 0) << 6) |
    ((ttl <= 32 ? 0 : ttl <= 64 ? 1 : ttl <= 128 ? 2 : 3) << 4) |
    (ip.options ? 8 : 0) |
    (ip.payload > size ? 4 : 0) |
    ((flags & FLAG_CWR) !== 0 ? 2 : 0) |
    ((flags & FLAG_ECE) !== 0 ? 1 : 0)
  let kinds = 0
  for (let i = 0; i < options.kinds.length; i++) {
    const kind = byte(options.kinds, i)
    if (kind > OPTIONS_MAPPED) kinds |= 0x80
    else if (kind >= MSS) kinds |= 1 << (kind - MSS)
  }
  const third = ((size / 4) << 4) | (scale === undefined ? 0 : Math.min(15, scale + 1))
  let out = String.fromCharCode(ipField(packet, 'tos') ?? 0, second, third, window >> 8, window & 0xff, mss >> 8, mss & 0xff, kinds)
  if ((mode & FINGERPRINT_TTL) !== 0) out += String.fromCharCode(ttl)
  if ((mode & FINGERPRINT_OPTIONS) !== 0) out += options.kinds
  if ((mode & FINGERPRINT_SOURCE) !== 0) out += source
  return out
}
