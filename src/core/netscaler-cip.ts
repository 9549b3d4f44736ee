// Owns the reading of the NetScaler Client IP header, byte by byte if need be: the IP and TCP headers of the packet that a client sent
// to the appliance, put in front of the connection's data.
//
//   legacy     magic (4)  length of what follows (4)                                     IP header  TCP header
//   standard   magic (4)  length of it all (4)        type (2)  length of what follows (2)  IP header  TCP header
//
// The two are told apart by the byte where a legacy header has its IP version. Of the standard form's first length and its type nothing
// depends on what they say: HAProxy takes any, so there are senders that nobody has ever refused.

import type { InetAddress } from './address.ts'
import { formatIP } from './ip.ts'

export type NetscalerRead =
  /** So many bytes, from the first on, are needed to say more. */
  | { readonly state: 'more'; readonly total: number }
  | { readonly state: 'malformed'; readonly kind: 'magic' | 'unhandled' | 'truncated'; readonly why: string }
  | { readonly state: 'header'; readonly src: InetAddress; readonly dst: InetAddress; readonly length: number }

const LEGACY_FIXED = 8
const STANDARD_FIXED = 12
const IPV6_HEADER = 40
const TCP_HEADER = 20
const TCP = 6

/** Reads the header at the front of `bytes`. `limit` bounds its whole length. Nothing of `bytes` is kept; it never throws. */
export function readNetscalerCip(bytes: Buffer, magic: number, limit: number): NetscalerRead {
  for (let i = 0; i < 4; i++) {
    const byte = bytes[i]
    if (byte === undefined) return more(i + 1)
    if (byte !== ((magic >>> (24 - 8 * i)) & 0xff)) return malformed('magic', `byte ${i} is 0x${byte.toString(16).padStart(2, '0')}`)
  }
  const kind = bytes[LEGACY_FIXED]
  if (kind === undefined) return more(LEGACY_FIXED + 1)
  const legacy = kind >> 4 === 4 || kind >> 4 === 6
  const at = legacy ? LEGACY_FIXED : STANDARD_FIXED
  if (!legacy && bytes.length < STANDARD_FIXED) return more(STANDARD_FIXED)
  const declared = legacy ? bytes.readUInt32BE(4) : bytes.readUInt16BE(10)
  const length = at + declared
  if (length > limit) return malformed('truncated', `${length} bytes, more than ${limit}`)
  const first = declared === 0 ? undefined : bytes[at]
  if (first === undefined) return declared === 0 ? malformed('truncated', 'it has no IP header') : more(at + 1)
  const version = first >> 4
  if (version !== 4 && version !== 6) return malformed('unhandled', `IP version ${version}`)
  const ipHeader = version === 6 ? IPV6_HEADER : 4 * (first & 0x0f)
  if (ipHeader < 20) return malformed('truncated', `an IP header of ${ipHeader} bytes`)
  if (declared < ipHeader + TCP_HEADER) return malformed('truncated', `${declared} bytes where an IPv${version} and a TCP header take ${ipHeader + TCP_HEADER}`)
  const protocol = bytes[at + (version === 4 ? 9 : 6)]
  if (protocol !== undefined && protocol !== TCP) return malformed('unhandled', `protocol ${protocol}`)
  if (bytes.length < length) return more(length)

  const address = (offset: number, port: number): InetAddress => ({
    family: version === 4 ? 'ipv4' : 'ipv6',
    host: formatIP(bytes.subarray(at + offset, at + offset + (version === 4 ? 4 : 16))),
    port: bytes.readUInt16BE(at + ipHeader + port),
  })
  return { state: 'header', src: address(version === 4 ? 12 : 8, 0), dst: address(version === 4 ? 16 : 24, 2), length }
}

function more(total: number): NetscalerRead {
  return { state: 'more', total }
}

function malformed(kind: 'magic' | 'unhandled' | 'truncated', why: string): NetscalerRead {
  return { state: 'malformed', kind, why }
}
