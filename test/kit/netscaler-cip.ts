// Owns the building of NetScaler Client IP headers, good and bad.

import { parseIPv4, parseIPv6 } from '../../src/core/ip.ts'

export interface CipOptions {
  readonly magic: number
  readonly src?: string
  readonly dst?: string
  readonly ports?: readonly [src: number, dst: number]
  /** Default: legacy. */
  readonly standard?: boolean
  /** What stands in the place of the IP version, of the protocol, and of the lengths. */
  readonly version?: number
  readonly protocol?: number
  readonly length?: number
  readonly total?: number
  readonly type?: number
  /** IPv4 and TCP options, behind their headers. */
  readonly ipOptions?: Uint8Array
  readonly tcpOptions?: Uint8Array
  /** IPv4 header length in words, where it is not the truth. */
  readonly words?: number
}

export function cipHeader(options: CipOptions): Buffer {
  const { src = '203.0.113.9', dst = '198.51.100.7', ports = [1234, 443], ipOptions = new Uint8Array(), tcpOptions = new Uint8Array() } = options
  const four = parseIPv4(src)
  const from = four ?? parseIPv6(src)
  const to = four === undefined ? parseIPv6(dst) : parseIPv4(dst)
  if (from === undefined || to === undefined) throw new Error(`${src} → ${dst}`)
  const tcp = Buffer.concat([Buffer.alloc(20), tcpOptions])
  tcp.writeUInt16BE(ports[0], 0)
  tcp.writeUInt16BE(ports[1], 2)
  tcp[12] = (tcp.length / 4) << 4
  const fixed = Buffer.alloc(four === undefined ? 8 : 12)
  fixed[0] = ((options.version ?? (four === undefined ? 6 : 4)) << 4) | (four === undefined ? 0 : (options.words ?? 5 + ipOptions.length / 4))
  fixed[four === undefined ? 6 : 9] = options.protocol ?? 6
  const packet = Buffer.concat([fixed, from, to, ipOptions, tcp])
  const length = options.length ?? packet.length
  const head = Buffer.alloc(options.standard === true ? 12 : 8)
  head.writeUInt32BE(options.magic, 0)
  if (options.standard === true) {
    head.writeUInt32BE(options.total ?? packet.length + 12, 4)
    head.writeUInt16BE(options.type ?? 1, 8)
    head.writeUInt16BE(length, 10)
  } else head.writeUInt32BE(length, 4)
  return Buffer.concat([head, packet])
}
