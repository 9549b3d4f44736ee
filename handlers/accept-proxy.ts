// Owns `accept-proxy`: waits for the PROXY header that the bind line asks for, and makes the announced ends those of the connection.
// A rule can ask for it too (`tcp-request connection expect-proxy layer4`).
//
// What came instead of a good header is left unread, so the end is RST, as in HAProxy.

import { CONNECTED_ENDS, bool, flag, more, next, proxyHeaderFact, readProxyHeader, reset, TLV, tlvOf, tuneBufsize } from 'headgate/plugin'
import type { FetchSpec, Handler, Handshake, MakeHandler, PlanLine, Plugin, ProxyHeader, Sample, Verdict } from 'headgate/plugin'

export const acceptProxy = flag('accept-proxy', ['bind'], 'Every connection begins with a PROXY protocol header, version 1 or 2, and is known by the addresses in it.')

/** As HAProxy logs them: people search for these words. What exactly is wrong follows in parentheses. */
const MALFORMED = {
  invalid: 'Received an invalid PROXY protocol header',
  unhandled: 'Received an unhandled protocol in the PROXY protocol header',
} as const

const NAMED = new Map<string, number>([
  ['ALPN', TLV.alpn],
  ['AUTHORITY', TLV.authority],
  ['CRC32C', TLV.crc32c],
  ['NOOP', TLV.noop],
  ['UNIQUE_ID', TLV.uniqueId],
  ['SSL', TLV.ssl],
  ['NETNS', TLV.netns],
])

class AcceptProxy implements Handler {
  readonly name = 'accept-proxy'
  readonly details = {
    timeout: 'Timeout while waiting for PROXY protocol header',
    empty: 'Connection closed while waiting for PROXY protocol header',
    short: 'Truncated PROXY protocol header received',
  }
  /** Longest header that is read, bytes. */
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  step(hs: Handshake): Verdict {
    // The bind line and a rule may both have asked; there is one header.
    if (hs.get(proxyHeaderFact) !== undefined) return next()
    const read = readProxyHeader(hs.bytes, this.#limit)
    switch (read.state) {
      case 'more':
        return more(read.total)
      case 'other':
        return reset({ cause: 'malformed', detail: 'Received something which does not look like a PROXY protocol header' })
      case 'malformed':
        return reset({ cause: 'malformed', detail: `${MALFORMED[read.kind]} (${read.why})` })
      case 'header': {
        const { header } = read
        hs.take(header.length)
        hs.set(proxyHeaderFact, header)
        if (hs.get(CONNECTED_ENDS) === undefined) hs.set(CONNECTED_ENDS, { src: hs.src, dst: hs.dst })
        // Announced without addresses (LOCAL, UNKNOWN): the connection keeps its own.
        if (header.src.family !== 'none') hs.src = header.src
        if (header.dst.family !== 'none') hs.dst = header.dst
        return next()
      }
    }
  }
}

/** A value of the header, byte for byte. */
function value(header: ProxyHeader | undefined, type: number): Sample | undefined {
  const bytes = header === undefined ? undefined : tlvOf(header, type)
  return bytes === undefined ? undefined : { type: 'str', value: Buffer.from(bytes).toString('latin1') }
}

const FETCHES: readonly FetchSpec[] = [
  {
    name: 'fc_rcvd_proxy',
    output: 'bool',
    source: 'client-l4',
    doc: 'Whether the connection began with a PROXY header.',
    compile: () => (subject) => bool(subject.client?.get(proxyHeaderFact) !== undefined),
  },
  {
    name: 'fc_pp_authority',
    output: 'str',
    source: 'client-l4',
    doc: 'The host name that the PROXY header says the client asked for.',
    compile: () => (subject) => value(subject.client?.get(proxyHeaderFact), TLV.authority),
  },
  {
    name: 'fc_pp_unique_id',
    output: 'str',
    source: 'client-l4',
    doc: 'The unique id in the PROXY header.',
    compile: () => (subject) => value(subject.client?.get(proxyHeaderFact), TLV.uniqueId),
  },
  {
    name: 'fc_pp_tlv',
    args: [{ name: 'id', type: 'str' }],
    output: 'str',
    source: 'client-l4',
    doc: 'The value of this type in the PROXY header: a number up to 255, or ALPN, AUTHORITY, CRC32C, NOOP, UNIQUE_ID, SSL, NETNS.',
    compile(args, _scope, fail) {
      const id = args.str(0)
      const type = /^[0-9]{1,3}$|^0x[0-9a-fA-F]{1,2}$/.test(id) ? Number(id) : NAMED.get(id)
      if (type === undefined || type > 255) return fail(`'${id}' is no TLV type`, 'a number from 0 to 255, or one of ' + [...NAMED.keys()].join(', '))
      return (subject) => value(subject.client?.get(proxyHeaderFact), type)
    },
  },
]

function make(line: PlanLine): MakeHandler {
  // what it knows of a connection is in the connection: one object serves the line
  const handler = new AcceptProxy(line.global.get(tuneBufsize) ?? 16384)
  return () => handler
}

export const acceptProxyPlugin: Plugin = {
  name: 'accept-proxy',
  keywords: [acceptProxy],
  handlers: [
    {
      name: 'accept-proxy',
      side: 'accept',
      after: ['monitor'],
      plan: (line) => (line.get(acceptProxy) === true ? make(line) : null),
      insert: make,
    },
  ],
  fetches: FETCHES,
}
