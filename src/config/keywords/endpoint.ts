// Owns addresses of single ends: what `source`, `dispatch`, a server's `addr` and `log` name. One address, at most one port.

import { isIPv4, isIPv6 } from 'node:net'
import type { Args, Word } from '../../core/keyword.ts'
import type { UnixAddress } from '../../core/address.ts'

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

export type End = InetEnd | UnixEnd

export interface EndRule {
  /** In front of every text: `'dispatch' : `. */
  readonly prefix: string
  readonly port: 'none' | 'optional' | 'required' | 'range'
  readonly unix?: boolean
}

const PREFIX = /^(ipv4|ipv6|udp|udp4|udp6|unix|abns)@(.*)$/s

/** Reads one end out of a word that has been read; reports and returns undefined when it cannot. */
export function end(args: Args, w: Word, rule: EndRule): End | undefined {
  const fail = (text: string): undefined => args.fail(`${rule.prefix}${text}`, undefined, w)
  if (w.text === '') return fail("'' resolves to an empty address (environment variable missing?)")
  const prefixed = PREFIX.exec(w.text)
  const family = prefixed?.[1] ?? ''
  const text = prefixed?.[2] ?? w.text
  if (family === 'unix' || family === 'abns' || text.startsWith('/')) {
    if (rule.unix !== true) return fail(`a Unix socket is not possible here in '${w.text}'`)
    if (text === '') return fail(`missing path of a Unix socket in '${w.text}'`)
    return { kind: 'unix', address: { family: 'unix', path: text, abstract: family === 'abns' } }
  }
  const { host, port } = split(text)
  const wanted = family.endsWith('4') ? 'ipv4' : family.endsWith('6') ? 'ipv6' : 'any'
  const named = name(host, wanted)
  if (named === undefined) return fail(`invalid address: '${host}' in '${w.text}'`)
  const ports = readPort(port, w.text, rule, fail)
  return ports === undefined ? undefined : { ...named, ...ports }
}

/** Splits at the last colon, unless brackets end behind it. */
function split(text: string): { host: string; port: string | undefined } {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/s.exec(text)
  if (bracketed !== null) return { host: bracketed[1] ?? '', port: bracketed[2] }
  if (isIPv6(text)) return { host: text, port: undefined }
  const colon = text.lastIndexOf(':')
  return colon < 0 ? { host: text, port: undefined } : { host: text.slice(0, colon), port: text.slice(colon + 1) }
}

function name(host: string, wanted: 'ipv4' | 'ipv6' | 'any'): Pick<InetEnd, 'kind' | 'family' | 'host'> | undefined {
  if (host === '' || host === '*') {
    return wanted === 'ipv6' ? { kind: 'ip', family: 'ipv6', host: '::' } : { kind: 'ip', family: 'ipv4', host: '0.0.0.0' }
  }
  if (isIPv4(host)) return wanted === 'ipv6' ? undefined : { kind: 'ip', family: 'ipv4', host }
  if (isIPv6(host)) return wanted === 'ipv4' ? undefined : { kind: 'ip', family: 'ipv6', host }
  return /^[0-9A-Za-z_](?:[0-9A-Za-z_.-]*[0-9A-Za-z_])?\.?$/.test(host) && !/^[0-9.]+$/.test(host) ? { kind: 'name', family: wanted, host } : undefined
}

function readPort(
  port: string | undefined,
  whole: string,
  rule: EndRule,
  fail: (text: string) => undefined,
): { port: number; lastPort?: number } | undefined {
  if (port === undefined || port === '') {
    return rule.port === 'required' ? fail(`missing port specification in '${whole}'`) : { port: 0 }
  }
  if (rule.port === 'none') return fail(`port specification not permitted here in '${whole}'`)
  if (/^[+-]/.test(port)) return fail(`port offset not permitted here in '${whole}'`)
  const range = /^([0-9]+)(?:-([0-9]+))?$/.exec(port)
  if (range === null) return fail(`invalid character '${/[^0-9]/.exec(port)?.[0] ?? ''}' in port number '${port}' in '${whole}'`)
  const first = Number(range[1])
  const last = range[2] === undefined ? undefined : Number(range[2])
  if (last !== undefined && rule.port !== 'range') return fail(`port range not permitted here in '${whole}'`)
  if (first > 65535 || (last ?? 0) > 65535 || (first === 0 && rule.port === 'required')) return fail(`invalid port '${port}'`)
  if (last === undefined) return { port: first }
  return last < first ? fail(`invalid port range '${port}' in '${whole}'`) : { port: first, lastPort: last }
}
