// Owns `accept-proxy`: waits for the PROXY header that the bind line asks for, and makes the announced ends those of the connection.
// A rule can ask for it too (`tcp-request connection expect-proxy layer4`).
//
// What came instead of a good header is left unread, so the end is RST, as in HAProxy.

import { flag, more, next, proxyErrorFact, proxyHeaderFact, readProxyHeader, reset, tuneBufsize } from 'headgate/plugin'
import type { Handler, Handshake, MakeHandler, PlanLine, Plugin, Verdict } from 'headgate/plugin'

export const acceptProxy = flag('accept-proxy', ['bind'], 'Every connection begins with a PROXY protocol header, version 1 or 2, and is known by the addresses in it.')

/** As HAProxy logs them: people search for these words. */
const MALFORMED = {
  invalid: 'Received an invalid PROXY protocol header',
  unhandled: 'Received an unhandled protocol in the PROXY protocol header',
} as const

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
        hs.set(proxyErrorFact, read.why)
        return reset({ cause: 'malformed', detail: MALFORMED[read.kind] })
      case 'header': {
        const { header } = read
        hs.take(header.length)
        hs.set(proxyHeaderFact, header)
        // Announced without addresses (LOCAL, UNKNOWN): the connection keeps its own.
        if (header.src.family !== 'none') hs.src = header.src
        if (header.dst.family !== 'none') hs.dst = header.dst
        return next()
      }
    }
  }
}

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
}
