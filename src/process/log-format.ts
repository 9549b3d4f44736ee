// Owns what a log line looks like on its way to a target: the syslog headers, byte for byte as HAProxy writes them (manual 4.2, "log").
//
//   local     <134>Nov 21 08:01:52 headgate[4711]: text
//   rfc3164   <134>Nov 21 08:01:52 host headgate[4711]: text           host: `localhost` unless log-send-hostname
//   rfc5424   <134>1 2026-11-21T08:01:52.148638+00:00 host headgate 4711 - - text       `-` unless log-send-hostname
//   priority  <134>text      short  <6>text      timed  <6>2026-… text      iso  2026-… text      raw  text

import { LOG_LEVELS } from '../core/log-sink.ts'
import type { LogLevel } from '../core/log-sink.ts'
import type { ByteString } from '../core/sample.ts'
import { toBytes } from '../core/sample.ts'
import { FACILITIES } from '../config/keywords/log.ts'
import type { SyslogFormat, LogTarget } from '../config/keywords/log.ts'

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const

/** Position of a level in RFC 5424: 0 is the most important. */
export const SEVERITY: Readonly<Record<LogLevel, number>> = {
  emerg: LOG_LEVELS.indexOf('emerg'),
  alert: LOG_LEVELS.indexOf('alert'),
  crit: LOG_LEVELS.indexOf('crit'),
  err: LOG_LEVELS.indexOf('err'),
  warning: LOG_LEVELS.indexOf('warning'),
  notice: LOG_LEVELS.indexOf('notice'),
  info: LOG_LEVELS.indexOf('info'),
  debug: LOG_LEVELS.indexOf('debug'),
}

export interface Sender {
  readonly tag: string
  /** log-send-hostname: what to say as the host; undefined where it was not asked for. */
  readonly hostname: string | undefined
  readonly pid: number
}

function two(n: number): string {
  return n < 10 ? `0${n}` : String(n)
}

/** `Nov  1 08:01:52`, local time. */
function syslogDate(date: Date): string {
  const day = String(date.getDate()).padStart(2)
  return `${MONTHS[date.getMonth()] ?? ''} ${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}

/** The parts around the fraction of a second: `2026-11-21T08:01:52.` and `+00:00`, local time. */
function isoDate(date: Date): readonly [string, string] {
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
  const offset = -date.getTimezoneOffset()
  const size = Math.abs(offset)
  return [`${day}T${time}.`, `${offset < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`]
}

/** Cuts to at most `bytes`, never inside a character of UTF-8. */
export function cut(line: ByteString, bytes: number): ByteString {
  if (line.length <= bytes) return line
  let end = bytes
  while (end > 0 && bytes - end < 3 && (line.charCodeAt(end) & 0xc0) === 0x80) end--
  return line.slice(0, end)
}

/** Makes the lines of one target. Headers are kept for the second they hold for. */
export class LineFormat {
  readonly #format: SyslogFormat
  readonly #facility: number
  readonly #limit: number
  readonly #sender: Sender
  #second = -1
  #date = ''
  #zone = ''

  constructor(target: LogTarget, sender: Sender) {
    this.#format = target.format ?? (sender.hostname === undefined ? 'local' : 'rfc3164')
    this.#facility = FACILITIES.indexOf(target.facility) * 8
    // As observed: a datagram's newline comes on top of `len`, a descriptor's counts.
    this.#limit = target.to.kind === 'fd' ? target.length - 1 : target.length
    this.#sender = { ...sender, tag: toBytes(sender.tag), hostname: sender.hostname === undefined ? undefined : toBytes(sender.hostname) }
  }

  /** The line with its newline, bytes like `text`. `now` in ms since the epoch; `structured` is RFC 5424's structured data, if any. */
  line(severity: number, text: ByteString, structured: ByteString | undefined, now: number): ByteString {
    return `${cut(this.#header(severity, structured, now) + text, this.#limit)}\n`
  }

  #header(severity: number, structured: string | undefined, now: number): string {
    const { tag, hostname, pid } = this.#sender
    switch (this.#format) {
      case 'raw':
        return ''
      case 'short':
        return `<${severity}>`
      case 'priority':
        return `<${this.#facility + severity}>`
      case 'local':
        return `<${this.#facility + severity}>${this.#syslog(now)} ${tag}[${pid}]: `
      case 'rfc3164':
        return `<${this.#facility + severity}>${this.#syslog(now)} ${hostname ?? 'localhost'} ${tag}[${pid}]: `
      case 'iso':
        return `${this.#iso(now)} `
      case 'timed':
        return `<${severity}>${this.#iso(now)} `
      case 'rfc5424':
        return `<${this.#facility + severity}>1 ${this.#iso(now)} ${hostname ?? '-'} ${tag} ${pid} - ${structured ?? '-'} `
    }
  }

  #syslog(now: number): string {
    const second = Math.floor(now / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.#date = syslogDate(new Date(now))
    }
    return this.#date
  }

  /** Six digits of a second as HAProxy's; the clock that is asked has three. */
  #iso(now: number): string {
    const second = Math.floor(now / 1000)
    if (second !== this.#second) {
      this.#second = second
      ;[this.#date, this.#zone] = isoDate(new Date(now))
    }
    return `${this.#date}${String(Math.floor(now) - second * 1000).padStart(3, '0')}000${this.#zone}`
  }
}
