// Owns `log-format`, `log-format-sd`, `error-log-format`, and the options that stand for formats: the last word of a section holds.

import type { Args, Keyword } from '../core/keyword.ts'
import { keyword } from '../core/keyword.ts'
import type { Scope } from '../core/sample.ts'
import { sided } from '../config/keywords/arguments.ts'
import { compileLogFormat } from './log-format.ts'
import type { LogFormat } from './log-format.ts'
import { argsScope } from './scope.ts'

const FOR_HTTP = /is reserved for HTTP mode$|is an HTTP keyword, not supported/

const WEB = new WeakMap<LogFormat, string>()

/** In `defaults`, where each frontend may say better: a format that only HTTP could fill. */
function webFormat(text: string, problem: string): LogFormat {
  const format: LogFormat = { text, needsEnd: false, constant: '', format: () => '' }
  WEB.set(format, problem)
  return format
}

/** Why a frontend cannot use this format of its `defaults`, the whole alert; undefined: it can. */
export function webProblem(format: LogFormat): string | undefined {
  return WEB.get(format)
}

function formatKeyword(name: string, doc: string, read?: (args: Args, before: LogFormat | undefined) => void): Keyword<LogFormat> {
  return keyword<LogFormat>({
    name,
    sections: ['defaults', 'frontend'],
    args: '<string>',
    doc,
    parse(args, before) {
      read?.(args, before)
      const word = args.next()
      if (word === undefined || word.text === '') return args.fail(`${name} expects an argument.`)
      const more = args.next()
      if (more !== undefined) return args.fail(`${name} expects only one argument, don't forget to escape spaces!`, undefined, more)
      let web: string | undefined
      const format = compileLogFormat(word, 'log', argsScope(args, 'log', name), (text, hint, at) => {
        const problem = `failed to parse ${name} : ${text}.`
        if (args.sectionKind !== 'defaults' || !FOR_HTTP.test(text)) return args.fail(problem, hint, at)
        web = problem
        return undefined
      })
      return format ?? (web === undefined ? undefined : webFormat(word.text, web))
    },
  })
}

export const logFormat: Keyword<LogFormat> = formatKeyword('log-format', 'The line that is logged for a session.', overrides)
export const logFormatSd: Keyword<LogFormat> = formatKeyword('log-format-sd', 'The structured data of RFC 5424 that is logged for a session.')
export const errorLogFormat: Keyword<LogFormat> = formatKeyword('error-log-format', 'The line that is logged for a connection that failed before there was a session.')

function fixed(text: string): LogFormat {
  const nothing: Scope = {
    stage: 'log',
    rule: 'log-format',
    section: 'defaults',
    proxy: '',
    values: { get: () => undefined, placeOf: () => undefined },
    place: { file: '', line: 0 },
    plugins: [],
    warn: () => {},
    readFile: () => undefined,
  }
  const format = compileLogFormat({ text, column: 0 }, 'log', nothing, (problem) => {
    throw new Error(`${text}: ${problem}`)
  })
  if (format === undefined) throw new Error(text)
  return format
}

/** Without any option: written when the server is connected, or at the end without one. */
export const connectFormat: LogFormat = fixed('Connect from %ci:%cp to %fi:%fp (%f/TCP)')
/** `option tcplog`, manual 8.2.2. */
export const tcplogFormat: LogFormat = fixed('%ci:%cp [%t] %ft %b/%s %Tw/%Tc/%Tt %B %ts %ac/%fc/%bc/%sc/%rc %sq/%bq')

/** What an option asked for that only HTTP could fill. */
const httplogFormat: LogFormat = { ...tcplogFormat }
const httpslogFormat: LogFormat = { ...tcplogFormat }

/** `option httplog` or `option httpslog`, where that is what the lines of tcplog are written for. */
export function fallbackOption(format: LogFormat): string | undefined {
  return format === httplogFormat ? 'option httplog' : format === httpslogFormat ? 'option httpslog' : undefined
}

/** Said in `defaults` only, as in HAProxy. */
function overrides(args: Args, before: LogFormat | undefined): void {
  if (before === undefined || args.sectionKind !== 'defaults') return
  const previous = before === tcplogFormat ? 'option tcplog' : (fallbackOption(before) ?? 'log-format')
  args.warn(`'${args.keyword}' overrides previous '${previous}' in 'defaults' section.`, undefined, undefined, 'overwritten')
}

function option(name: string, format: LogFormat, doc: string, clf = false): Keyword<LogFormat> {
  return sided<LogFormat>('frontend', {
    name: `option ${name}`,
    args: clf ? '[clf]' : '',
    doc,
    ignored: (kind, section) => `${kind} '${section}' : 'option ${name}' directive is ignored in backends.`,
    writes: logFormat,
    parse: (args, before) => {
      overrides(args, before)
      const extra = clf ? args.peek() : undefined
      if (extra === undefined || extra.text === '') return format
      args.next()
      return extra.text === 'clf' ? format : args.fail(`keyword '${name}' only supports option 'clf'.`, undefined, extra)
    },
  })
}

const INSTEAD = 'The same as `option tcplog`, with a warning: the line of an HTTP request is not to be had.'

export const logKeywords: readonly Keyword<unknown>[] = [
  logFormat,
  logFormatSd,
  errorLogFormat,
  option('tcplog', tcplogFormat, 'Connections are logged with their timers, byte counts, termination state and queue positions.'),
  option('httplog', httplogFormat, INSTEAD, true),
  option('httpslog', httpslogFormat, INSTEAD),
]

/** A failed handshake without error-log-format, manual 8.2.5: what follows it is a blank and the record's error. */
export const errorFormat: LogFormat = {
  text: '%ci:%cp [%t] %f/<bind>: <error>',
  needsEnd: false,
  constant: undefined,
  format(subject) {
    const { record } = subject
    return record === undefined ? '' : `${errorHead.format(subject)}/${record.bind}: ${record.error}`
  },
}
const errorHead = fixed('%ci:%cp [%t] %f')
