// Owns `accept-netscaler-cip`: waits for the NetScaler Client IP header that the bind line asks for, and makes the client and the
// destination that it tells of those of the connection. A rule can ask for it too (`tcp-request connection expect-netscaler-cip layer4`).
// It comes before a PROXY header where a line has both.
//
// What came instead of a good header is left unread, so the end is RST, as in HAProxy.

import { CONNECTED_ENDS, factKey, keyword, more, next, readNetscalerCip, reset, tuneBufsize } from 'headgate/plugin'
import type { FactKey, Handler, Handshake, MakeHandler, PlanLine, Plugin, Verdict } from 'headgate/plugin'

const MAX_MAGIC = 0xffff_ffff

/** The magic number. */
export const acceptNetscalerCip = keyword<number>({
  name: 'accept-netscaler-cip',
  sections: ['bind'],
  args: '<magic number>',
  doc: 'Every connection begins with a NetScaler Client IP header of this magic number, and is known by the addresses in it.',
  parse(args) {
    const word = args.next()
    if (word === undefined || word.text === '') return args.fail("'accept-netscaler-cip' : missing value")
    const magic = /^[0-9]{1,10}$/.test(word.text) ? Number(word.text) : 0
    if (magic < 1 || magic > MAX_MAGIC) return args.fail(`'accept-netscaler-cip' : invalid value ${word.text}, must be between 1 and ${MAX_MAGIC}`, 'write the number that the appliance is set to, in decimal', word)
    return magic
  },
})

/** As HAProxy logs them: people search for these words. What exactly is wrong follows in parentheses. */
const MALFORMED = {
  magic: 'Received an invalid NetScaler Client IP magic number',
  unhandled: 'Received an unhandled protocol in the NetScaler Client IP header',
  truncated: 'Truncated NetScaler Client IP header received',
} as const

const received: FactKey<true> = factKey<true>('netscaler-cip')

class AcceptNetscalerCip implements Handler {
  readonly name = 'accept-netscaler-cip'
  readonly details = {
    timeout: 'Timeout while waiting for a NetScaler Client IP header',
    empty: 'Connection closed while waiting for NetScaler Client IP header',
    short: MALFORMED.truncated,
  }
  readonly #magic: number
  /** Longest header that is read, bytes. */
  readonly #limit: number

  constructor(magic: number, limit: number) {
    this.#magic = magic
    this.#limit = limit
  }

  step(hs: Handshake): Verdict {
    // The bind line and a rule may both have asked; there is one header.
    if (hs.get(received) === true) return next()
    const read = readNetscalerCip(hs.bytes, this.#magic, this.#limit)
    switch (read.state) {
      case 'more':
        return more(read.total)
      case 'malformed':
        return reset({ cause: 'malformed', detail: `${MALFORMED[read.kind]} (${read.why})` })
      case 'header':
        hs.take(read.length)
        hs.set(received, true)
        if (hs.get(CONNECTED_ENDS) === undefined) hs.set(CONNECTED_ENDS, { src: hs.src, dst: hs.dst })
        hs.src = read.src
        hs.dst = read.dst
        return next()
    }
  }
}

/** A line without the word has the magic number 0, for rules. */
function make(line: PlanLine): MakeHandler {
  // what it knows of a connection is in the connection: one object serves the line
  const handler = new AcceptNetscalerCip(line.get(acceptNetscalerCip) ?? 0, line.global.get(tuneBufsize) ?? 16384)
  return () => handler
}

export const acceptNetscalerCipPlugin: Plugin = {
  name: 'accept-netscaler-cip',
  keywords: [acceptNetscalerCip],
  handlers: [
    {
      name: 'accept-netscaler-cip',
      side: 'accept',
      after: ['monitor', 'tcp-rules connection'],
      before: ['accept-proxy'],
      plan: (line) => (line.get(acceptNetscalerCip) === undefined ? null : make(line)),
      insert: make,
    },
  ],
}
