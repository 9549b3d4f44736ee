// Owns `tcp-request connection|handshake|session`: rules asked at up to three places of the handshake.
//
//   tcp-rules connection → accept-proxy → tcp-rules handshake → tls → tcp-rules session
//
// connection: nothing has been read; a rejected client gets RST. handshake: the announced source is known, TLS has not begun.
// session: all handshakes are done. None is logged: these rules are for what comes in masses.

import { close, drop, HandshakeSubject, next, reset, ruleKeyword, RuleRun, serve } from 'headgate/plugin'
import type { Handler, HandlerSpec, Handshake, Keyword, MakeHandler, PlanLine, Plugin, Rule, Verdict, Why } from 'headgate/plugin'

type Place = 'connection' | 'handshake' | 'session'

export const connectionRules: Keyword<readonly Rule[]> = ruleKeyword('connection', 'Rules for a connection that was just accepted, before anything is read from it.')
export const handshakeRules: Keyword<readonly Rule[]> = ruleKeyword('handshake', 'Rules between the PROXY header and TLS: the announced source is known, nothing was spent on TLS.')
export const sessionRules: Keyword<readonly Rule[]> = ruleKeyword('session', 'Rules for a connection whose handshakes are done.')

const DENIED: Why = { cause: 'denied', quiet: true }
const now = (): number => Date.now()

class TcpRules implements Handler {
  readonly name: string
  readonly #place: Place
  readonly #rules: readonly Rule[]
  readonly #insert: ReadonlyMap<string, MakeHandler>

  constructor(place: Place, rules: readonly Rule[], insert: ReadonlyMap<string, MakeHandler>) {
    this.name = `tcp-rules ${place}`
    this.#place = place
    this.#rules = rules
    this.#insert = insert
  }

  /** All rules at once: nothing here can wait. */
  step(hs: Handshake): Verdict {
    const subject = new HandshakeSubject(hs, now, this.#place === 'session')
    const run = new RuleRun(this.#rules)
    const insert: MakeHandler[] = []
    for (;;) {
      const done = run.evaluate(subject, true)
      switch (done.result) {
        case 'next':
        case 'accept':
          return next(...insert)
        case 'reject':
        case 'close':
          return this.#place === 'connection' ? reset(DENIED) : close(DENIED)
        case 'drop':
          return drop(DENIED)
        case 'serve':
          return serve(done.app)
        case 'insert': {
          const make = this.#insert.get(done.handler)
          if (make !== undefined && !insert.includes(make)) insert.push(make)
          break
        }
        case 'wait':
        case 'pause':
        case 'tarpit':
          throw new Error(`${this.name}: '${done.result}' where nothing can wait`)
      }
    }
  }
}

function spec(place: Place, rules: Keyword<readonly Rule[]>, slot: { after?: readonly string[]; before?: readonly string[] }): HandlerSpec {
  return {
    name: `tcp-rules ${place}`,
    side: 'accept',
    ...slot,
    plan(line: PlanLine): MakeHandler | null {
      const list = line.proxy.get(rules)
      if (list === undefined || list.length === 0) return null
      const insert = new Map<string, MakeHandler>()
      for (const rule of list) {
        for (const name of rule.inserts) {
          const make = line.handler(name)
          if (make === null) line.report({ ...rule.place, level: 'alert', text: `'${rule.text}' needs the handler '${name}', which is not there` })
          else insert.set(name, make)
        }
      }
      // stateless: one object serves every connection
      const handler = new TcpRules(place, list, insert)
      return () => handler
    },
  }
}

export const tcpRules: Plugin = {
  name: 'tcp-rules',
  keywords: [connectionRules, handshakeRules, sessionRules],
  handlers: [
    spec('connection', connectionRules, { before: ['accept-proxy'] }),
    spec('handshake', handshakeRules, { after: ['accept-proxy'], before: ['tls'] }),
    spec('session', sessionRules, { after: ['tls'] }),
  ],
}
