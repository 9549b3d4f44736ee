// Owns the aliases of log formats (manual 8.2.6): what %ci, %Tw and the others print of a session record.

import { hostname } from 'node:os'
import type { Address } from '../core/address.ts'
import type { SessionRecord } from '../core/record.ts'
import type { ByteString, Subject } from '../core/sample.ts'
import { toBytes } from '../core/sample.ts'
import { parseIPv4, parseIPv6 } from '../util/ip.ts'
import { dateLocal, dateGmt, dateMillis } from './log-dates.ts'
import { dress, textField } from './log-format.ts'
import type { LogFlags, LogMode } from './log-format.ts'

export interface Alias {
  readonly needsEnd: boolean
  make(flags: LogFlags, mode: LogMode): (subject: Subject) => ByteString
}

type Of<T> = (record: SessionRecord) => T

/** Text that takes quotes. */
function text(of: Of<string | undefined>, needsEnd = false): Alias {
  return { needsEnd, make: (flags, mode) => (subject) => textField(subject.record === undefined ? '' : toBytes(of(subject.record) ?? ''), flags, mode) }
}

/** As it is, whatever the flags. */
function plain(of: Of<string | number>, needsEnd = false): Alias {
  return { needsEnd, make: () => (subject) => (subject.record === undefined ? '-' : toBytes(String(of(subject.record)))) }
}

/** A number that the X flag prints in hexadecimal, of at least `width` digits. */
function number(of: Of<number>, width = 0, needsEnd = false): Alias {
  return {
    needsEnd,
    make: (flags) => (subject) => {
      if (subject.record === undefined) return '-'
      const n = of(subject.record)
      return flags.hex ? n.toString(16).toUpperCase().padStart(width, '0') : String(n)
    },
  }
}

function address(of: Of<Address | undefined>): Alias {
  return {
    needsEnd: false,
    make: (flags, mode) => (subject) => {
      const a = subject.record === undefined ? undefined : of(subject.record)
      return textField(a === undefined ? '' : hostText(a, flags.hex), flags, mode)
    },
  }
}

function hostText(a: Address, hex: boolean): string {
  switch (a.family) {
    case 'ipv4':
      return hex ? (parseIPv4(a.host) ?? 0).toString(16).toUpperCase().padStart(8, '0') : a.host
    case 'ipv6':
      return hex ? Buffer.from(parseIPv6(a.host) ?? []).toString('hex').toUpperCase() : a.host
    case 'unix':
      return 'unix'
    case 'none':
      return ''
  }
}

function port(of: Of<Address | undefined>, unix: Of<string>): Alias {
  return {
    needsEnd: false,
    make: (flags) => (subject) => {
      const { record } = subject
      const a = record === undefined ? undefined : of(record)
      if (record === undefined || a === undefined || a.family === 'none') return '-'
      if (a.family === 'unix') return unix(record)
      return flags.hex ? a.port.toString(16).toUpperCase().padStart(4, '0') : String(a.port)
    },
  }
}

/** What would part slots, quotes, and all that is not plain ASCII, as #XX. */
function encoded(text: ByteString): ByteString {
  return text.replace(/[^\x20-\x7e]|["#{|}]/g, (one) => `#${one.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase()}`)
}

/** `{a|b}`, or `a b` in CLF style; nothing when there are no slots. */
function captures(of: Of<readonly (string | undefined)[]>, clf: boolean): Alias {
  return {
    needsEnd: false,
    make: (flags, mode) => (subject) => {
      const list = subject.record === undefined ? [] : of(subject.record)
      if (list.length === 0) return ''
      const show = (one: string): string => dress(encoded(one), flags, mode)
      if (clf) return list.map((one) => (one === undefined || flags.quote ? textField(encoded(one ?? ''), flags, mode) : show(one))).join(' ')
      const inner = `{${list.map((one) => show(one ?? '')).join('|')}}`
      return flags.quote ? `"${inner}"` : inner
    },
  }
}

/** Tu: what the user waited for; in mode tcp all but the handshake. */
const userTime: Of<number> = (r) => r.totalTime - Math.max(0, r.handshakeTime)
/** Td: the data phase; -1 without one. */
const dataTime: Of<number> = (r) => (r.connectTime < 0 ? -1 : Math.max(0, r.totalTime - Math.max(0, r.handshakeTime) - Math.max(0, r.queueTime) - r.connectTime))
/** Before what may grow where lines are written early: `%B` and the times, not `%U`. */
const plus = (r: SessionRecord): string => (r.growing ? '+' : '')
/** What was read of a side, whether or not the other got it. A line written early does not count yet. */
const transferred = (r: SessionRecord, way: 'receivedUp' | 'receivedDown'): number => (r.early ? 0 : r[way])
const HOST = hostname()

const ALIASES: ReadonlyMap<string, Alias> = new Map<string, Alias>([
  ['B', plain((r) => plus(r) + transferred(r, 'receivedDown'), true)],
  ['H', text(() => HOST)],
  ['ID', text((r) => r.uniqueId, true)],
  ['ST', plain(() => 0)],
  ['T', plain((r) => dateGmt(r.acceptDate))],
  ['Tc', plain((r) => r.connectTime, true)],
  ['Td', plain(dataTime, true)],
  ['Th', plain((r) => r.handshakeTime, true)],
  ['Tl', plain((r) => dateLocal(r.acceptDate))],
  ['Ts', number((r) => Math.floor(r.acceptDate / 1000), 8)],
  ['Tt', plain((r) => plus(r) + r.totalTime, true)],
  ['Tu', plain((r) => plus(r) + userTime(r), true)],
  ['Tw', plain((r) => r.queueTime, true)],
  ['U', plain((r) => transferred(r, 'receivedUp'), true)],
  ['ac', plain((r) => r.processConnections, true)],
  ['b', text((r) => r.backend)],
  ['bc', plain((r) => r.backendConnections, true)],
  ['bi', address((r) => r.serverLocal)],
  ['bp', port((r) => r.serverLocal, () => '0')],
  ['bq', plain((r) => r.backendQueue, true)],
  ['ci', address((r) => r.client)],
  ['cp', port((r) => r.client, (r) => r.bind)],
  ['f', text((r) => r.frontend)],
  ['fc', plain((r) => r.frontendConnections, true)],
  ['fi', address((r) => r.local)],
  ['fp', port((r) => r.local, (r) => r.bind)],
  ['ft', text((r) => (r.tls === undefined ? r.frontend : `${r.frontend}~`))],
  ['hr', captures((r) => r.requestCaptures, false)],
  ['hrl', captures((r) => r.requestCaptures, true)],
  ['hs', captures((r) => r.responseCaptures, false)],
  ['hsl', captures((r) => r.responseCaptures, true)],
  ['lc', plain((r) => r.logNumber)],
  ['ms', plain((r) => String(Math.floor(r.acceptDate) % 1000).padStart(3, '0'))],
  ['pid', number(() => process.pid, 4)],
  ['rc', plain((r) => (r.redispatched ? '+' : '') + r.retries, true)],
  ['rt', number((r) => r.sessionNumber, 4)],
  ['s', text((r) => r.server ?? '<NOSRV>')],
  ['sc', plain((r) => r.serverConnections, true)],
  ['si', address((r) => r.serverAddress)],
  ['sp', port((r) => r.serverAddress, () => '0')],
  ['sq', plain((r) => r.serverQueue, true)],
  ['sslc', text((r) => r.tls?.cipher)],
  ['sslv', text((r) => r.tls?.version)],
  ['t', plain((r) => dateMillis(r.acceptDate))],
  ['ts', plain((r) => r.termination, true)],
  // the last two letters are about the cookies of HTTP
  ['tsc', plain((r) => `${r.termination}--`, true)],
])

const OF_HTTP = new Set(['CC', 'CS', 'HM', 'HP', 'HPO', 'HQ', 'HU', 'HV', 'Ta', 'Ti', 'Tq', 'TR', 'Tr', 'r', 'tr', 'trg', 'trl'])

export function alias(name: string): Alias | undefined {
  return ALIASES.get(name)
}

export function aliasNames(): Iterable<string> {
  return ALIASES.keys()
}

export function isHttpAlias(name: string): boolean {
  return OF_HTTP.has(name)
}
