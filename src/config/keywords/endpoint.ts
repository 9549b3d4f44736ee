// Owns addresses of single ends: what `source`, `dispatch`, a server's `addr` and `log` name. One address, at most one port or range.

import type { Args, Word } from '../../core/keyword.ts'
import type { UnixAddress } from '../../core/address.ts'
import { parseServerAddress, type Fail } from '../address.ts'

/** 0.0.0.0 and :: stand for any address. A name is for the start-up to resolve. */
export interface InetEnd {
  readonly kind: 'ip' | 'name'
  readonly family: 'ipv4' | 'ipv6' | 'any'
  readonly host: string
  /** 0: none was given. */
  readonly port: number
  /** The last of a range that begins with `port`. */
  readonly lastPort?: number
}

export interface UnixEnd {
  readonly kind: 'unix'
  readonly address: UnixAddress
}

export interface EndRule {
  /** In front of every text: `'dispatch' : `. */
  readonly prefix: string
  readonly port: 'optional' | 'required' | 'range'
}

const RANGE = /^(.*:[0-9]{1,5})-([0-9]{1,5})$/s

/** Reads one end out of a word that has been read; reports and returns undefined when it cannot. */
export function end(args: Args, w: Word, rule: EndRule): InetEnd | UnixEnd | undefined {
  const fail: Fail = (text) => args.fail(`${rule.prefix}${text}`, undefined, w)
  if (w.text === '') return fail("'' resolves to an empty address (environment variable missing?)")
  const range = RANGE.exec(w.text)
  if (range !== null && rule.port !== 'range') return fail(`port range not permitted here in '${w.text}'`)
  const to = parseServerAddress(range?.[1] ?? w.text, args.env, fail)
  if (to === undefined) return undefined
  if (to.kind === 'unix') return { kind: 'unix', address: to.address }
  if ('offset' in to.port && to.port.offset !== 0) return fail(`port offset not permitted here in '${w.text}'`)
  const port = 'fixed' in to.port ? to.port.fixed : 0
  if (port === 0 && rule.port === 'required') return fail(`missing port specification in '${w.text}'`)
  const one: InetEnd = { kind: to.kind, family: to.family, host: to.host, port }
  if (range === null) return one
  const lastPort = Number(range[2])
  if (lastPort > 65535) return fail(`invalid port '${range[2] ?? ''}' in '${w.text}'`)
  return lastPort < port ? fail(`invalid port range '${port}-${lastPort}' in '${w.text}'`) : { ...one, lastPort }
}

/** As end(), where a Unix socket has no meaning. */
export function inetEnd(args: Args, w: Word, rule: EndRule): InetEnd | undefined {
  const to = end(args, w, rule)
  return to?.kind === 'unix' ? args.fail(`${rule.prefix}a Unix socket is not possible here in '${w.text}'`, undefined, w) : to
}
