// Owns converters of packets (manual 7.3.1 since 3.4): the parts of a saved SYN. What is cut off has no value.

import type { ByteString, ConverterSpec, Sample } from '../../core/sample.ts'
import { sint } from '../../core/sample.ts'
import { word32 } from '../../util/ip.ts'
import { ethernet, ethernetDestination, ethernetSource, fingerprint, FINGERPRINT_OPTIONS, FINGERPRINT_SOURCE, FINGERPRINT_TTL, ipAddress, ipField, ipHeader, ipVersion, MSS, SACK_PERMITTED, tcpDestination, tcpFlags, tcpOption, tcpOptions, tcpSequence, tcpSource, tcpWindow, TIMESTAMPS, WINDOW_SCALE } from '../packet.ts'
import type { TcpOptions } from '../packet.ts'
import { bytesOf, converter, plain, textSample } from './convert.ts'

function number(name: string, doc: string, value: (bytes: ByteString) => number | undefined): ConverterSpec {
  return converter(name, 'bin', 'sint', doc, [], () => (bytes) => {
    const n = value(bytes)
    return n === undefined ? undefined : sint(n)
  })
}

const block = (name: string, doc: string, value: (bytes: ByteString) => ByteString | undefined): ConverterSpec => plain(name, 'bin', 'bin', doc, value)

/** What stands behind a header; undefined: nothing does. */
const behind = (bytes: ByteString, size: number | undefined): ByteString | undefined => (size === undefined || size >= bytes.length ? undefined : bytes.slice(size))

function address(name: string, doc: string, which: 'source' | 'destination'): ConverterSpec {
  return converter(name, 'bin', 'ip', doc, [], () => (packet): Sample | undefined => {
    const bytes = ipAddress(packet, which)
    if (bytes === undefined) return undefined
    const value = new Uint8Array(bytesOf(bytes))
    return value.length === 4 ? { type: 'ipv4', value: word32(value, 0) } : { type: 'ipv6', value }
  })
}

/** Asked of the options of a TCP header that is all there. */
function option(name: string, doc: string, value: (segment: ByteString, options: TcpOptions) => number | undefined): ConverterSpec {
  return number(name, doc, (segment) => {
    const options = tcpOptions(segment)
    return options === undefined ? undefined : value(segment, options)
  })
}

const MODES = BigInt(FINGERPRINT_TTL + FINGERPRINT_OPTIONS + FINGERPRINT_SOURCE)

export const packetConverters: readonly ConverterSpec[] = [
  block('eth.hdr', 'The Ethernet header of a frame, with its VLAN tags.', (frame) => {
    const header = ethernet(frame)
    return header === undefined ? undefined : frame.slice(0, header.size)
  }),
  block('eth.data', 'What a frame holds behind its Ethernet header and VLAN tags: an IP packet.', (frame) => behind(frame, ethernet(frame)?.size)),
  block('eth.dst', 'The destination of a frame, 6 bytes.', ethernetDestination),
  block('eth.src', 'The source of a frame, 6 bytes.', ethernetSource),
  number('eth.proto', 'What a frame carries, behind its VLAN tags: 0x800 is IPv4, 0x86dd IPv6.', (frame) => ethernet(frame)?.type),
  number('eth.vlan', 'The last VLAN in the header of a frame; no value when there is none.', (frame) => ethernet(frame)?.vlan),
  block('ip.hdr', 'The header of an IP packet, with its options or extensions.', (packet) => {
    const header = ipHeader(packet)
    return header === undefined ? undefined : packet.slice(0, header.size)
  }),
  block('ip.data', 'What an IP packet holds behind its header with options or extensions: a TCP segment.', (packet) => behind(packet, ipHeader(packet)?.size)),
  number('ip.ver', 'The version of an IP packet, 4 or 6.', ipVersion),
  address('ip.src', 'The source address of an IP packet.', 'source'),
  address('ip.dst', 'The destination address of an IP packet.', 'destination'),
  number('ip.proto', 'The transport protocol of an IP packet, behind extensions: 6 is TCP.', (packet) => ipHeader(packet)?.protocol),
  number('ip.tos', 'The type of service of an IPv4 packet, the traffic class of an IPv6 one.', (packet) => ipField(packet, 'tos')),
  number('ip.ttl', 'The time to live of an IPv4 packet, the hop limit of an IPv6 one.', (packet) => ipField(packet, 'ttl')),
  number('ip.df', 'Whether an IP packet must not be fragmented, 1 or 0; of IPv6 always 1.', (packet) => ipField(packet, 'df')),
  converter('ip.fp', 'bin', 'bin', 'A fingerprint of the host that sent this SYN, 8 bytes; <mode> adds the TTL (1), the kinds of TCP options (2), the source (4).', [{ name: 'mode', type: 'sint', optional: true }], (args, fail) => {
    const mode = args.int(0, 0n)
    if (mode < 0n || mode > MODES) return fail(`mode ${mode} is not within 0 and ${MODES}`, 'the sum of 1 (TTL), 2 (TCP options) and 4 (source address)')
    return (packet) => textSample('bin', fingerprint(packet, Number(mode)))
  }),
  number('tcp.src', 'The source port of a TCP segment.', tcpSource),
  number('tcp.dst', 'The destination port of a TCP segment.', tcpDestination),
  number('tcp.seq', 'The sequence number of a TCP segment.', tcpSequence),
  number('tcp.flags', 'The flags of a TCP segment, from 1 for FIN to 128 for CWR.', tcpFlags),
  number('tcp.win', 'The window of a TCP segment as it was sent, not scaled.', tcpWindow),
  option('tcp.options.mss', 'The maximum segment size that a SYN announces; 0 without one.', (segment, options) => tcpOption(segment, options, MSS) ?? 0),
  option('tcp.options.sack', 'Whether a SYN permits selective acknowledgements: 1, else 0.', (_segment, options) => (options.at(SACK_PERMITTED) === undefined ? 0 : 1)),
  option('tcp.options.tsopt', 'Whether a TCP segment has timestamps: 1, else 0.', (_segment, options) => (options.at(TIMESTAMPS) === undefined ? 0 : 1)),
  option('tcp.options.tsval', "The sender's timestamp in a TCP segment; no value without one.", (segment, options) => tcpOption(segment, options, TIMESTAMPS)),
  option('tcp.options.wscale', 'How many bits a SYN wants windows to be scaled by; 0 without that option.', (segment, options) => tcpOption(segment, options, WINDOW_SCALE) ?? 0),
  option('tcp.options.wsopt', 'Whether a SYN has the window scale option: 1, else 0.', (_segment, options) => (options.at(WINDOW_SCALE) === undefined ? 0 : 1)),
  block('tcp.options_list', 'The kinds of the options of a TCP segment in their order, a byte each, the end of options left out.', (segment) => tcpOptions(segment)?.kinds),
]
