// Owns what most oracle scenarios need: one frontend, one backend, one server, each of them with further lines, and the steps that many take.

import { about } from './oracle.ts'
import type { Places, World } from './oracle.ts'
import type { ServerOptions, Wire } from './peers.ts'

export interface Pair {
  /** Words after the bind address. */
  readonly bind?: string
  /** Lines of the frontend. */
  readonly front?: string
  /** Lines of the backend. */
  readonly back?: string
  /** Words after the server's address. */
  readonly server?: string
}

/** Frontend f-NAME on port 'front', backend b-NAME with server s on port 'server'. */
export const pair =
  (name: string, lines: Pair | ((places: Places) => Pair) = {}) =>
  (places: Places): string => {
    const { bind = '', front = '', back = '', server = '' } = typeof lines === 'function' ? lines(places) : lines
    return `
frontend f-${name}
  bind 127.0.0.1:${places.port('front')} ${bind}
  ${front}
  default_backend b-${name}
backend b-${name}
  ${back}
  server s 127.0.0.1:${places.port('server')} ${server}
`
  }

/** A pair whose clients speak TLS. */
export const tlsFront =
  (lines: Pair = {}) =>
  ({ certificates }: Places): Pair => ({ ...lines, bind: `ssl crt ${certificates.server.pem}` })

/** The default tcplog line of a pair in a comparable form; `rest` is times, bytes, state and counts. */
export const line = (name: string, times: string, bytes: number, state: string, counts = '#/1/0/0/0 0/0'): string =>
  `<134>tag: 127.0.0.1:port [date] f-${name} b-${name}/s ${times} ${bytes} ${state} ${counts}`

/**
 * How long `f` took, as about() says it. With `since` (performance.now()) something at that time or later started the clock: it is too
 * early where less has passed since then, and too late where `f` itself took longer, however busy the machine was before.
 */
export async function timed(f: () => Promise<unknown>, expected: number, since = performance.now()): Promise<string> {
  const begun = performance.now()
  await f()
  const now = performance.now()
  return about(Math.max(now - begun, Math.min(now - since, expected)), expected)
}

export interface ClientEnd {
  readonly when: string
  readonly client: string[]
  readonly log: string[]
}

/** When the client sees its end, `ms` after it began (0: after now), what it has seen, and the session's line. */
export async function clientEnds(w: World, client: Wire, ms: number): Promise<ClientEnd> {
  const when = await timed(() => client.over(), ms, ms === 0 ? performance.now() : client.since)
  return { when, client: client.events, log: await w.log.lines(1) }
}

/** A session of a pair that is under way: the client's `hello` has come to the server. */
export async function underWay(w: World, options?: ServerOptions): Promise<{ readonly client: Wire; readonly wire: Wire }> {
  const server = await w.serve('server', options)
  const client = await w.connect('front')
  client.send('hello')
  return { client, wire: await (await server.wire()).got('hello') }
}
