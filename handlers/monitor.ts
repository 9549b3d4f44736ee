// Owns `monitor-net` and `monitor fail`: probes from one network are answered before anything else is asked of them, never logged
// and never forwarded.
//
//              plain              option httpchk
//   alive      polite end         HTTP/1.0 200
//   failing    RST                HTTP/1.0 503

import { argsScope, compileCondition, HandshakeSubject, inNetwork, keyword, next, optionHttpchk, parseIPv4, parseIPv6, parseNetwork, reset } from 'headgate/plugin'
import type { Address, Condition, Handler, Handshake, Network, Plugin, Verdict } from 'headgate/plugin'
import { lastChunk } from './send-last-chunk.ts'

const ALIVE = lastChunk(Buffer.from('HTTP/1.0 200 OK\r\n\r\n'))
const FAILING = lastChunk(Buffer.from('HTTP/1.0 503 Service Unavailable\r\n\r\n'))
const ALIVE_PLAIN = lastChunk()
const FAILING_PLAIN = reset({ cause: 'answered', quiet: true })

/** Where probes come from. */
export const monitorNet = keyword<Network>({
  name: 'monitor-net',
  sections: ['defaults', 'frontend'],
  args: '<source>',
  doc: 'Connections from this address or network are probes: they are answered at once, not logged and not forwarded.',
  parse(args) {
    const word = args.next()
    if (word === undefined) return args.fail("'monitor-net' expects an address or network.", '10.0.0.0/8 or 2001:db8::/32')
    return parseNetwork(word.text) ?? args.fail(`'monitor-net' : '${word.text}' is no address or network.`, '10.0.0.0/8, 10.0.0.0/255.0.0.0 or 2001:db8::/32; names are not supported yet', word)
  },
})

/** Probes fail when one of these holds. */
export const monitorFail = keyword<readonly Condition[]>({
  name: 'monitor fail',
  sections: ['frontend'],
  args: '{ if | unless } <condition>',
  doc: 'Probes of monitor-net are told that this proxy fails while the condition holds.',
  inherits: 'add',
  parse(args, before) {
    const words = args.rest()
    if (words.length < 2 || (words[0]?.text !== 'if' && words[0]?.text !== 'unless')) {
      return args.fail("'monitor fail' requires either 'if' or 'unless' followed by a condition.", undefined, words[0])
    }
    const scope = argsScope(args, 'connection', 'frontend monitor-net')
    const condition = compileCondition(words, scope, (text, hint, at) => args.fail(text, hint, at))
    return condition === undefined ? undefined : [...(before ?? []), condition]
  },
})

class Monitor implements Handler {
  readonly name = 'monitor'
  readonly #network: Network
  readonly #fails: readonly Condition[]
  readonly #alive: Verdict
  readonly #failing: Verdict

  constructor(network: Network, fails: readonly Condition[], http: boolean) {
    this.#network = network
    this.#fails = fails
    this.#alive = http ? ALIVE : ALIVE_PLAIN
    this.#failing = http ? FAILING : FAILING_PLAIN
  }

  step(hs: Handshake): Verdict {
    if (!isFrom(this.#network, hs.src)) return next()
    if (this.#fails.length === 0) return this.#alive
    const subject = new HandshakeSubject(hs, Date.now)
    return this.#fails.some((fail) => fail.test(subject, true) === 'pass') ? this.#failing : this.#alive
  }
}

function isFrom(network: Network, source: Address): boolean {
  if (source.family !== 'ipv4' && source.family !== 'ipv6') return false
  const address = source.family === 'ipv4' ? parseIPv4(source.host) : parseIPv6(source.host)
  return address !== undefined && inNetwork(network, address)
}

export const monitor: Plugin = {
  name: 'monitor',
  keywords: [monitorNet, monitorFail],
  handlers: [
    {
      name: 'monitor',
      side: 'accept',
      after: ['health'],
      plan({ proxy }) {
        const network = proxy.get(monitorNet)
        if (network === undefined) return null
        // it has no state of its own: one object serves every connection of the line
        const handler = new Monitor(network, proxy.get(monitorFail) ?? [], proxy.get(optionHttpchk) === true)
        return () => handler
      },
    },
  ],
}
