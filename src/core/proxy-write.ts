// Owns the making of PROXY protocol headers, versions 1 and 2. The library makes the line and the fixed part; TLVs, the length that
// counts them and the checksum are added here.

import {
  Command,
  INETProtocol,
  IPv4Address,
  IPv4ProxyAddress,
  IPv6Address,
  IPv6ProxyAddress,
  Peer,
  TransportProtocol,
  UnixAddress as LibraryUnixAddress,
  UnixProxyAddress,
  UnspecProxyAddress,
  V1ProxyProtocol,
  V2ProxyProtocol,
} from 'proxy-protocol-js'
import type { Address, UnixAddress } from './address.ts'
import { formatIP, mapIPv4, parseIPv4, parseIPv6 } from './ip.ts'
import { TLV, V2_FIXED, type Tlv } from './proxy-header.ts'
import { headerChecksum, joinTlvs } from './proxy-tlv.ts'

/** sun_path, as the protocol carries it. bytes */
const UNIX_PATH = 108

/**
 * The version 1 line: TCP4, TCP6, or UNKNOWN when one of the ends is no IP address. When they are of different families the IPv4 one
 * is written as `::ffff:a.b.c.d`, as HAProxy does.
 */
export function buildProxyV1(src: Address, dst: Address): Buffer {
  const ends = sameFamily(src, dst)
  if (ends === undefined) return Buffer.from('PROXY UNKNOWN\r\n', 'latin1')
  const protocol = ends.src.length === 4 ? INETProtocol.TCP4 : INETProtocol.TCP6
  const line = new V1ProxyProtocol(protocol, new Peer(formatIP(ends.src), ends.srcPort), new Peer(formatIP(ends.dst), ends.dstPort))
  return Buffer.from(line.build(), 'latin1')
}

export interface ProxyV2 {
  /** LOCAL says nothing of addresses. Two ends that no family can say together are sent as LOCAL too. */
  readonly command: 'LOCAL' | 'PROXY'
  readonly src: Address
  readonly dst: Address
  /** Default 'stream'. */
  readonly transport?: 'stream' | 'dgram'
  readonly tlvs?: readonly Tlv[]
  /** Puts the checksum first of the values. */
  readonly crc32c?: boolean
}

/** The version 2 header. Throws RangeError when the values do not fit its 16-bit length, or a Unix path its 108 bytes. */
export function buildProxyV2(what: ProxyV2): Buffer {
  const transport = what.transport === 'dgram' ? TransportProtocol.DGRAM : TransportProtocol.STREAM
  const address = what.command === 'LOCAL' ? undefined : proxyAddress(what.src, what.dst)
  const fixed =
    address === undefined
      ? new V2ProxyProtocol(Command.LOCAL, TransportProtocol.UNSPEC, new UnspecProxyAddress()).build()
      : new V2ProxyProtocol(Command.PROXY, transport, address).build()
  const sum: readonly Tlv[] = what.crc32c === true ? [{ type: TLV.crc32c, value: new Uint8Array(4) }] : []
  const header = Buffer.concat([fixed, joinTlvs([...sum, ...(what.tlvs ?? [])])])
  if (header.length - V2_FIXED > 0xffff) throw new RangeError(`a PROXY header of ${header.length} bytes`)
  // The library counts the addresses only.
  header.writeUInt16BE(header.length - V2_FIXED, 14)
  if (what.crc32c === true) header.writeUInt32BE(headerChecksum(header, fixed.length + 3), fixed.length + 3)
  return header
}

interface Ends {
  readonly src: Uint8Array
  readonly srcPort: number
  readonly dst: Uint8Array
  readonly dstPort: number
}

/** Both ends in one family, IPv4 mapped into IPv6 when they differ; undefined when one is no IP address. */
function sameFamily(src: Address, dst: Address): Ends | undefined {
  if ((src.family !== 'ipv4' && src.family !== 'ipv6') || (dst.family !== 'ipv4' && dst.family !== 'ipv6')) return undefined
  const from = parseIPv4(src.host) ?? parseIPv6(src.host)
  const to = parseIPv4(dst.host) ?? parseIPv6(dst.host)
  if (from === undefined || to === undefined) return undefined
  const same = from.length === to.length
  return { src: same || from.length === 16 ? from : mapIPv4(from), srcPort: src.port, dst: same || to.length === 16 ? to : mapIPv4(to), dstPort: dst.port }
}

function proxyAddress(src: Address, dst: Address): IPv4ProxyAddress | IPv6ProxyAddress | UnixProxyAddress | undefined {
  if (src.family === 'unix' && dst.family === 'unix') return new UnixProxyAddress(LibraryUnixAddress.createFrom(sunPath(src)), LibraryUnixAddress.createFrom(sunPath(dst)))
  const ends = sameFamily(src, dst)
  if (ends === undefined) return undefined
  const from = [...ends.src]
  const to = [...ends.dst]
  return from.length === 4
    ? new IPv4ProxyAddress(IPv4Address.createFrom(from), ends.srcPort, IPv4Address.createFrom(to), ends.dstPort)
    : new IPv6ProxyAddress(IPv6Address.createFrom(from), ends.srcPort, IPv6Address.createFrom(to), ends.dstPort)
}

function sunPath(address: UnixAddress): number[] {
  const path = Buffer.from(address.abstract ? `\0${address.path}` : address.path, 'utf8')
  if (path.length > UNIX_PATH) throw new RangeError(`a Unix path of ${path.length} bytes, more than ${UNIX_PATH}`)
  return [...path]
}
