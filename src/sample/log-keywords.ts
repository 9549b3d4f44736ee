// Owns `log-format`, `log-format-sd`, `error-log-format`, and the formats that options stand for.

import type { Keyword } from '../core/keyword.ts'
import { keyword } from '../core/keyword.ts'
import type { Scope } from '../core/sample.ts'
import { compileLogFormat } from './log-format.ts'
import type { LogFormat } from './log-format.ts'
import { argsScope } from './scope.ts'

function formatKeyword(name: string, doc: string): Keyword<LogFormat> {
  return keyword<LogFormat>({
    name,
    sections: ['defaults', 'frontend'],
    args: '<string>',
    doc,
    parse(args) {
      const word = args.next()
      if (word === undefined || word.text === '') return args.fail(`${name} expects an argument.`)
      const more = args.next()
      if (more !== undefined) return args.fail(`${name} expects only one argument, don't forget to escape spaces!`, undefined, more)
      return compileLogFormat(word, 'log', argsScope(args, 'log', name), (text, hint, at) => args.fail(`failed to parse ${name} : ${text}.`, hint, at))
    },
  })
}

export const logFormat: Keyword<LogFormat> = formatKeyword('log-format', 'The line that is logged for a session.')
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
