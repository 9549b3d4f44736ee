// Owns how problems are printed: as HAProxy prints them, for people and for tools that read its lines.
//
//   [ALERT]    (4711) : config : parsing [a.cfg:3] : unknown keyword 'maxcon' in 'global' section; did you mean 'maxconn' maybe ?
//   [ALERT]    (4711) : config : Error(s) found in configuration file : a.cfg
//   [ALERT]    (4711) : config : Fatal errors found in configuration.

import type { Level, Problem } from '../core/keyword.ts'
import type { Loaded } from './load.ts'

/** `[ALERT]    `, as wide as HAProxy's. */
function tag(level: Level): string {
  return `[${level.toUpperCase()}]`.padEnd(11)
}

/** Control characters and bytes that are no text, made visible; line feeds stay. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}|\p{Cs}/gu, (c) => {
    const code = c.charCodeAt(0)
    if (c === '\n') return c
    if (c === '\t') return ' '
    return code >= 0xdc80 && code <= 0xdcff ? hex(code - 0xdc00) : code < 0x100 ? hex(code) : '\ufffd'
  })
}

function hex(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, '0')}`
}

/** A hint follows the text behind a semicolon, or on the first line of a text of several. */
function sentence(problem: Problem): string {
  if (problem.hint === undefined) return problem.text
  const [first = '', ...rest] = problem.text.split('\n')
  return [`${first.replace(/[.:]$/, '')}; ${problem.hint}`, ...rest].join('\n')
}

/** One problem without its tag: `config : parsing [a.cfg:3] : …`. A place without a line is not printed. */
export function describe(problem: Problem): string {
  const where = problem.line > 0 ? `parsing [${problem.file}:${problem.line}] : ` : ''
  return printable(`config : ${where}${sentence(problem)}`)
}

export interface Style {
  readonly pid: number
  /** Problems that are printed; the others are counted. Default 100. */
  readonly most?: number
  /** -q and the like leave these out. Default: all are printed. */
  readonly levels?: readonly Level[]
}

/** The lines to print for what loading found, with the closing lines of files in error. Empty when nothing was found. */
export function formatProblems(loaded: Pick<Loaded, 'problems' | 'faulty' | 'alerts' | 'total'>, style: Style): string[] {
  const { pid, most = 100, levels } = style
  const line = (level: Level, text: string): string => `${tag(level)}(${pid}) : ${text}`
  const lines: string[] = []
  let printed = 0
  let left = 0
  const close = (upTo: number, from: number): void => {
    for (const { file, after } of loaded.faulty) {
      if (after > from && after <= upTo) lines.push(line('alert', `config : Error(s) found in configuration file : ${printable(file)}`))
    }
  }
  for (const [i, problem] of loaded.problems.entries()) {
    if (levels === undefined || levels.includes(problem.level)) {
      if (printed < most) {
        lines.push(line(problem.level, describe(problem)))
        printed++
      } else {
        left++
      }
    }
    // Files are closed where they end, in so far as their problems are printed at all.
    if (left === 0) close(i + 1, i)
  }
  left += loaded.total - loaded.problems.length
  if (left > 0) {
    lines.push(line('notice', `config : ${left} more problems were found and are not printed`))
    const first = loaded.faulty.findIndex(({ after }) => after > printed)
    if (first >= 0) for (const { file } of loaded.faulty.slice(first)) lines.push(line('alert', `config : Error(s) found in configuration file : ${printable(file)}`))
  }
  if (loaded.alerts > 0) lines.push(line('alert', 'config : Fatal errors found in configuration.'))
  return lines
}
