// Owns the configuration most oracle scenarios need: one frontend, one backend, one server, each of them with further lines.

import { about } from './oracle.ts'
import type { Places } from './oracle.ts'

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
