// Owns `log`, `no log` and `log-tag`: where log lines go and how they look (manual 3.1, 4.2).

import { keyword } from '../../core/keyword.ts'
import type { Args, Keyword, Place, Word } from '../../core/keyword.ts'
import { LOG_LEVELS } from '../../core/log-sink.ts'
import type { LogLevel } from '../../core/log-sink.ts'
import { expandVariables } from '../address.ts'
import { end } from './endpoint.ts'
import type { UnixEnd } from './endpoint.ts'
import { word } from './arguments.ts'
import { sample, type LogSample } from './logsample.ts'

const EVERYWHERE = ['global', 'defaults', 'frontend', 'backend'] as const

/** Position in this list is the facility's number in RFC 5424. */
export const FACILITIES = [
  'kern', 'user', 'mail', 'daemon', 'auth', 'syslog', 'lpr', 'news',
  'uucp', 'cron', 'auth2', 'ftp', 'ntp', 'audit', 'alert', 'cron2',
  'local0', 'local1', 'local2', 'local3', 'local4', 'local5', 'local6', 'local7',
] as const
export type Facility = (typeof FACILITIES)[number]

const SYSLOG_FORMATS = ['local', 'rfc3164', 'rfc5424', 'priority', 'short', 'timed', 'iso', 'raw'] as const
export type SyslogFormat = (typeof SYSLOG_FORMATS)[number]

export type LogDestination =
  /** stdout is 1 and stderr 2. */
  | { readonly kind: 'fd'; readonly fd: number }
  /** The port is 514 where none was given. */
  | { readonly kind: 'udp'; readonly host: string; readonly port: number; readonly family: 'ipv4' | 'ipv6' | 'any' }
  | UnixEnd

export interface LogTarget {
  readonly to: LogDestination
  /** As written, for messages. */
  readonly text: string
  readonly place: Place
  /** The longest line in bytes; longer ones are cut. 80 to 65535, default 1024. Not for fd. */
  readonly length: number
  /** undefined: local, or rfc3164 with `log-send-hostname`. */
  readonly format: SyslogFormat | undefined
  readonly sample: LogSample | undefined
  readonly facility: Facility
  /** Lines less important than this are not sent. Default debug: all are. */
  readonly level: LogLevel
  /** Lines more important than this are sent as of this level. Default emerg: none is. */
  readonly minLevel: LogLevel
}

/** What a section's log lines say together. */
export interface LogSettings {
  /** `log global`: the targets of `global` get this proxy's lines too. */
  readonly global: boolean
  readonly targets: readonly LogTarget[]
}

const NONE: LogSettings = { global: false, targets: [] }
const MISSING = 'expects <address> and <facility>'

function choose<T extends string>(list: readonly T[], w: Word | undefined): T | undefined {
  return list.find((name) => name === w?.text)
}

function destination(args: Args, written: Word): LogDestination | undefined {
  const text = expandVariables(written.text, args.env, (problem) => args.fail(`log : ${problem}`, undefined, written))
  if (text === undefined) return undefined
  const w = { ...written, text }
  if (w.text === 'stdout') return { kind: 'fd', fd: 1 }
  if (w.text === 'stderr') return { kind: 'fd', fd: 2 }
  if (w.text.startsWith('fd@')) {
    const digits = w.text.slice(3)
    if (/^[0-9]+$/.test(digits)) return { kind: 'fd', fd: Number(digits) }
    return args.fail(`log : file descriptor '${digits}' is not a valid integer in '${w.text}'`, undefined, w)
  }
  const later = /^(ring|tcp|tcp4|tcp6|uxst|uxdg|backend)@/.exec(w.text)?.[1]
  if (later !== undefined) return args.fail(`log : '${later}@' is not supported yet in '${w.text}'`, undefined, w)
  const udp = /^udp([46]?)@(.*)$/s.exec(w.text)
  const at = udp === null ? w : { ...w, text: `ip${udp[1] === '' ? '' : `v${udp[1] ?? ''}`}@${udp[2] ?? ''}` }
  const to = end(args, at, { prefix: 'log : ', port: 'optional' })
  if (to === undefined || to.kind === 'unix') return to
  return { kind: 'udp', host: to.host, port: to.port === 0 ? 514 : to.port, family: to.family }
}

/** `len`, `format` and `sample`, in this order as in HAProxy. */
function options(args: Args): Pick<LogTarget, 'length' | 'format' | 'sample'> | undefined {
  let length = 1024
  let format: SyslogFormat | undefined
  let part: LogSample | undefined
  if (args.peek()?.text === 'len') {
    args.next()
    const w = args.next()
    const text = w?.text ?? ''
    length = /^[0-9]+$/.test(text) ? Number(text) : 0
    if (length < 80 || length > 65535) return args.fail(`log : invalid log length '${text}', must be between 80 and 65535`, undefined, w)
  }
  if (args.peek()?.text === 'format') {
    args.next()
    const w = args.next()
    format = choose(SYSLOG_FORMATS, w)
    if (format === undefined) return args.fail(`log : unknown log format '${w?.text ?? ''}'`, `it is one of ${SYSLOG_FORMATS.join(', ')}`, w)
  }
  if (args.peek()?.text === 'sample') {
    args.next()
    part = sample(args, args.next())
    if (part === undefined) return undefined
  }
  return { length, format, sample: part }
}

function target(args: Args, w: Word): LogTarget | undefined {
  const to = destination(args, w)
  const how = to === undefined ? undefined : options(args)
  if (to === undefined || how === undefined) {
    args.rest()
    return undefined
  }
  const facilityWord = args.next()
  const facility = choose(FACILITIES, facilityWord)
  if (facility === undefined) {
    args.rest()
    return args.fail(`log : unknown log facility '${facilityWord?.text ?? ''}'`, `it is one of ${FACILITIES.join(', ')}`, facilityWord)
  }
  const level = severity(args, 'level', 'debug')
  const minLevel = level === undefined ? undefined : severity(args, 'minimum log level', 'emerg')
  if (level === undefined || minLevel === undefined) {
    args.rest()
    return undefined
  }
  const extra = args.next()
  if (extra !== undefined) {
    args.rest()
    return args.fail(`log : cannot handle unexpected argument '${extra.text}'`, undefined, extra)
  }
  return { to, text: w.text, place: { ...args.place, column: w.column }, ...how, facility, level, minLevel }
}

function severity(args: Args, what: 'level' | 'minimum log level', absent: LogLevel): LogLevel | undefined {
  const w = args.next()
  if (w === undefined) return absent
  return choose(LOG_LEVELS, w) ?? args.fail(`log : unknown optional ${what === 'level' ? 'log level' : what} '${w.text}'`, `it is one of ${LOG_LEVELS.join(', ')}`, w)
}

/** Adds up, the defaults section's included; `no log` forgets all of it. */
export const log = keyword<LogSettings>({
  name: 'log',
  sections: EVERYWHERE,
  args: '{ global | <target> [len <length>] [format <format>] [sample <ranges>:<sample_size>] <facility> [<level> [<minlevel>]] }',
  doc: 'Where log lines go: host:port (UDP), a Unix socket, fd@<n>, stdout, stderr; `global` for those of the global section.',
  inherits: 'add',
  parse: (args, before = NONE) => {
    const first = args.next()
    const inGlobal = args.section === 'global'
    const missing = `log : ${MISSING} ${inGlobal ? ' as arguments' : 'or global as arguments'}`
    if (first === undefined || first.text === '') return args.fail(missing)
    if (first.text === 'global' && args.peek() === undefined) {
      if (inGlobal) return args.fail("log : 'global' is not supported for a global syslog server", undefined, first)
      return { ...before, global: true }
    }
    if (args.peek() === undefined) return args.fail(missing)
    const found = target(args, first)
    return found === undefined ? undefined : { ...before, targets: [...before.targets, found] }
  },
  negate: (args) => {
    const extra = args.rest()
    return extra.length > 0 ? args.fail("log : 'no log' does not expect arguments", undefined, extra[0]) : NONE
  },
})

/** The program name in syslog headers. Default: `headgate`. A proxy's replaces that of `global`. */
export const logTag = keyword<string>({
  name: 'log-tag',
  sections: EVERYWHERE,
  args: '<string>',
  doc: "The program name in syslog headers. Default: the program's own.",
  parse: (args) => word(args, "'log-tag' expects a tag for use in syslog.")?.text,
})

export const logKeywords: readonly Keyword<unknown>[] = [log, logTag]
