// Owns the addresses of bind and server lines (manual chapter 11, "bind", "server").
//
//   [stream+|tcp…] family@ host : port        the port is behind the last colon; brackets around an IPv6 host are optional
//                                             and needed where there is no port

import type { Address, UnixAddress } from '../core/address.ts'
import { canonicalIP } from '../core/ip.ts'

/** Where to listen. A name is for the start-up to resolve; fd is an inherited listening descriptor. `text` is as written. */
export type ListenAddress =
  | { readonly kind: 'literal'; readonly address: Address; readonly text: string }
  | { readonly kind: 'name'; readonly host: string; readonly family: 'ipv4' | 'ipv6' | 'any'; readonly port: number; readonly text: string }
  | { readonly kind: 'fd'; readonly fd: number; readonly text: string }

/** Fixed, or the port that the client came to plus an offset (0: the same port). */
export type ServerPort = { readonly fixed: number } | { readonly offset: number }

/** Where a server is. Host 0.0.0.0 or :: means the address that the client came to. */
export type ServerAddress =
  | { readonly kind: 'ip'; readonly family: 'ipv4' | 'ipv6'; readonly host: string; readonly port: ServerPort; readonly text: string }
  | { readonly kind: 'name'; readonly host: string; readonly family: 'ipv4' | 'ipv6' | 'any'; readonly port: ServerPort; readonly text: string }
  | { readonly kind: 'unix'; readonly address: UnixAddress; readonly text: string }

/** Hears what is wrong; returns undefined so that a parser can return what it returns. */
export type Fail = (text: string) => undefined

type Env = ReadonlyMap<string, string>
type Family = 'ipv4' | 'ipv6' | 'any' | 'unix' | 'abns' | 'fd'

/** sun_path less its NUL. */
const MAX_PATH = 107

const FAMILIES: Readonly<Record<string, Family>> = {
  ip: 'any', ipv4: 'ipv4', ipv6: 'ipv6', unix: 'unix', abns: 'abns', fd: 'fd', tcp: 'any', tcp4: 'ipv4', tcp6: 'ipv6',
  'stream+ip': 'any', 'stream+ipv4': 'ipv4', 'stream+ipv6': 'ipv6', 'stream+unix': 'unix', 'stream+abns': 'abns',
}
const NOT_YET = new Set(['sockpair', 'abnsz', 'rhttp', 'mptcp', 'mptcp4', 'mptcp6', 'quic4', 'quic6', 'quic+ipv4', 'quic+ipv6'])
const DATAGRAM = /^(?:dgram\+(?:ip|ipv4|ipv6|unix|abns)|udp[46]?|uxdg)$/
const HOST_NAME = /^(?=.{1,253}$)[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?$/

/**
 * Puts the values of $NAME and ${NAME} in. Addresses do this whatever the quotes around them were; a variable that is not set is empty.
 * There are no defaults in this form: `"${NAME-default}"` in double quotes has been replaced before.
 */
export function expandVariables(text: string, env: Env, fail: Fail): string | undefined {
  if (!text.includes('$')) return text
  let bad: string | undefined
  const expanded = text.replace(/\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*)|(\{[^}]*\}?)?)/g, (whole, braced?: string, bare?: string) => {
    const name = braced ?? bare
    if (name === undefined) bad ??= whole
    return name === undefined ? '' : (env.get(name) ?? '')
  })
  return bad === undefined ? expanded : fail(`'${bad}' is not an environment variable in '${text}': write $NAME or \${NAME}, or "\${NAME-default}" in double quotes`)
}

interface Parts {
  readonly family: Family
  /** Behind the prefix. */
  readonly rest: string
}

/** Takes the prefix off. What is no known prefix is part of the address, which is then invalid for its '@'. */
function prefix(text: string, whole: string, fail: Fail): Parts | undefined {
  if (text.startsWith('/')) return { family: 'unix', rest: text }
  const at = text.indexOf('@')
  const name = at < 0 ? '' : text.slice(0, at)
  if (NOT_YET.has(name)) return fail(`'${name}@' addresses are not supported yet in '${whole}'`)
  if (DATAGRAM.test(name)) return fail(`dgram-type address not acceptable in '${whole}'`)
  const family = Object.hasOwn(FAMILIES, name) ? FAMILIES[name] : undefined
  return family === undefined ? { family: 'any', rest: text } : { family, rest: text.slice(at + 1) }
}

function unix(family: 'unix' | 'abns', path: string, whole: string, fail: Fail): UnixAddress | undefined {
  if (path === '') return fail(`missing ${family === 'unix' ? 'path' : 'name'} of a socket in '${whole}'`)
  if (path.includes('\0')) return fail(`NUL character in the socket path in '${whole}'`)
  if (Buffer.byteLength(path) > MAX_PATH) return fail(`socket path '${whole}' too long (max ${MAX_PATH})`)
  return { family: 'unix', path, abstract: family === 'abns' }
}

/** Cuts host and port apart; `port` is undefined where there is no colon for one. */
function split(text: string): { host: string; port: string | undefined } {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/s.exec(text)
  if (bracketed !== null) return { host: `[${bracketed[1] ?? ''}]`, port: bracketed[2] }
  const colon = text.lastIndexOf(':')
  return colon < 0 ? { host: text, port: undefined } : { host: text.slice(0, colon), port: text.slice(colon + 1) }
}

type Host = { readonly kind: 'ip'; readonly family: 'ipv4' | 'ipv6'; readonly host: string } | { readonly kind: 'name'; readonly family: 'ipv4' | 'ipv6' | 'any'; readonly host: string }

function readHost(host: string, family: 'ipv4' | 'ipv6' | 'any', whole: string, fail: Fail): Host | undefined {
  if (host === '' || host === '*') return family === 'ipv6' ? { kind: 'ip', family, host: '::' } : { kind: 'ip', family: 'ipv4', host: '0.0.0.0' }
  const bracketed = host.startsWith('[') && host.endsWith(']')
  const literal = canonicalIP(bracketed ? host.slice(1, -1) : host)
  if (literal !== undefined && !(bracketed && literal.family === 'ipv4')) {
    if (family === 'any' || family === literal.family) return { kind: 'ip', ...literal }
    return fail(`invalid address: '${host}' in '${whole}' is no ${family === 'ipv4' ? 'IPv4' : 'IPv6'} address`)
  }
  if (HOST_NAME.test(host) && !/^[0-9.]+$/.test(host)) return { kind: 'name', family, host }
  const brackets = host.endsWith(':') ? '; write an IPv6 address without a port in brackets' : ''
  return fail(`invalid address: '${host}' in '${whole}'${brackets}`)
}

const MAX_PORT = 65535

/** A port or a range of them, both ends included. */
function readPorts(port: string, whole: string, fail: Fail): { first: number; last: number } | undefined {
  const found = /^([0-9]*)(?:-([0-9]*))?$/.exec(port)
  if (found === null) return fail(`invalid character '${/[^0-9-]/.exec(port)?.[0] ?? '-'}' in port number '${port}' in '${whole}'`)
  for (const part of found.slice(1)) {
    if (part !== undefined && (part === '' || part.length > 5 || Number(part) > MAX_PORT || Number(part) === 0)) return fail(`invalid port '${part}'`)
  }
  const first = Number(found[1])
  const last = found[2] === undefined ? first : Number(found[2])
  return last < first ? fail(`invalid port range '${port}'`) : { first, last }
}

function listenOne(text: string, written: string, fail: Fail): ListenAddress[] | undefined {
  const parts = prefix(text, written, fail)
  if (parts === undefined) return undefined
  const { family, rest } = parts
  if (family === 'unix' || family === 'abns') {
    const address = unix(family, rest, written, fail)
    return address && [{ kind: 'literal', address, text: written }]
  }
  if (family === 'fd') {
    if (!/^[0-9]{1,9}$/.test(rest)) return fail(`file descriptor '${rest}' is not a valid integer in '${written}'`)
    return [{ kind: 'fd', fd: Number(rest), text: written }]
  }
  const { host, port } = split(rest)
  if (port === undefined || (port === '' && (host === '' || host === '*' || host.endsWith(':')))) return fail(`missing port specification in '${written}'`)
  if (/^[+-]/.test(port)) return fail(`port offset not permitted here in '${written}'`)
  const where = readHost(host, family, written, fail)
  if (where === undefined) return undefined
  const ports = readPorts(port, written, fail)
  if (ports === undefined) return undefined
  return Array.from({ length: ports.last - ports.first + 1 }, (_, i): ListenAddress => {
    const p = ports.first + i
    return where.kind === 'name' ? { ...where, port: p, text: written } : { kind: 'literal', address: { family: where.family, host: where.host, port: p }, text: written }
  })
}

/** The addresses of a bind line, separated by commas; all that are wrong are reported. */
export function parseListenAddresses(text: string, env: Env, fail: Fail): ListenAddress[] | undefined {
  const addresses: ListenAddress[] = []
  let sound = true
  const elements = text.split(',')
  for (const [i, written] of elements.entries()) {
    if (written === '' && i > 0 && i === elements.length - 1) continue // `:80,` is one address
    const expanded = expandVariables(written, env, fail)
    const found = expanded === undefined ? undefined : listenOne(expanded, written, fail)
    if (found === undefined) sound = false
    else addresses.push(...found)
  }
  return sound ? addresses : undefined
}

function serverPort(port: string | undefined, whole: string, fail: Fail): ServerPort | undefined {
  if (port === undefined || port === '' || /^0+$/.test(port)) return { offset: 0 }
  if (/^[+-]/.test(port)) {
    const offset = Number(port)
    if (!/^[+-][0-9]{1,5}$/.test(port) || Math.abs(offset) >= MAX_PORT) return fail(`invalid port offset '${port}' in '${whole}'`)
    return { offset: offset === 0 ? 0 : offset }
  }
  if (/^[0-9]+-/.test(port)) return fail(`port range not permitted here in '${whole}'`)
  const ports = readPorts(port, whole, fail)
  return ports && { fixed: ports.first }
}

/** The address of a server line. */
export function parseServerAddress(text: string, env: Env, fail: Fail): ServerAddress | undefined {
  const expanded = expandVariables(text, env, fail)
  const parts = expanded === undefined ? undefined : prefix(expanded, text, fail)
  if (parts === undefined) return undefined
  const { family, rest } = parts
  if (family === 'fd') return fail(`a file descriptor is not acceptable here in '${text}'`)
  if (family === 'unix' || family === 'abns') {
    const address = unix(family, rest, text, fail)
    return address && { kind: 'unix', address, text }
  }
  const { host, port: portText } = split(rest)
  const where = readHost(host, family, text, fail)
  const port = where && serverPort(portText, text, fail)
  return where && port && { ...where, port, text }
}
