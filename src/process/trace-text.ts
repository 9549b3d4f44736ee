// Owns how what a trace tells is written: values, verdicts, results. And the trace of debug mode, one line per handler and rule.

import type { ActionResult } from '../core/action.ts'
import type { Verdict, Why } from '../core/handler.ts'
import type { Place } from '../core/keyword.ts'
import type { Fetched, Sample } from '../core/sample.ts'
import { NOT_YET, toText } from '../core/sample.ts'
import type { Trace } from '../core/trace.ts'
import { formatIPv4, formatIPv6 } from '../util/ip.ts'

const LONGEST = 120

/** Text as a string literal, bytes in hexadecimal, the rest as it is. */
function sampleText(sample: Sample): string {
  switch (sample.type) {
    case 'bool':
      return String(sample.value)
    case 'sint':
      return String(sample.value)
    case 'ipv4':
      return formatIPv4(sample.value)
    case 'ipv6':
      return formatIPv6(sample.value)
    case 'str':
      return short(JSON.stringify(toText(sample.value)))
    case 'bin':
      return short(sample.value === '' ? 'no bytes' : `0x${Buffer.from(sample.value, 'latin1').toString('hex')}`)
  }
}

function short(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}… (${text.length} characters)` : text
}

export function valueText(value: Fetched): string {
  if (value === undefined) return 'no value'
  if (value === NOT_YET) return 'not yet known'
  return [value, ...(value.others ?? [])].map(sampleText).join(', ') + (value.mayChange === true ? ' (may change)' : '')
}

function whyText({ cause, detail }: Why): string {
  return detail === undefined ? cause : `${cause} (${detail})`
}

export function verdictText(verdict: Verdict): string {
  switch (verdict.verdict) {
    case 'next':
      return verdict.insert === undefined ? 'done' : `done, ${verdict.insert.length} inserted behind it`
    case 'more':
      return `needs ${verdict.total} ${verdict.total === 1 ? 'byte' : 'bytes'}`
    case 'wait':
      return 'waits'
    case 'serve':
      return `serves '${verdict.app.name}'`
    case 'close':
      return `closes: ${whyText(verdict.why)}${verdict.lastChunk === undefined ? '' : `, after ${verdict.lastChunk.length} last bytes`}`
    case 'reset':
      return `resets: ${whyText(verdict.why)}`
    case 'drop':
      return `leaves without a word: ${whyText(verdict.why)}`
  }
}

export function resultText(result: ActionResult): string {
  switch (result.result) {
    case 'next':
      return 'next rule'
    case 'pause':
      return `pause of ${result.ms} ms`
    case 'tarpit':
      return result.ms === undefined ? 'tarpit' : `tarpit of ${result.ms} ms`
    case 'insert':
      return `inserts handler '${result.handler}'`
    case 'serve':
      return `serves '${result.app.name}'`
    default:
      return result.result
  }
}

export const TRUTHS: Readonly<Record<'pass' | 'fail' | 'wait', string>> = { pass: 'holds', fail: 'does not hold', wait: 'not known yet' }

export function ruleText(keyword: string, text: string, { file, line }: Place): string {
  return `${file}:${line} ${keyword} ${text}`
}

/**
 * One line per handler and rule, with the connection's number:
 *   [trace] 000002a1 my.cfg:12 tcp-request connection reject if { src 10.0.0.0/8 }: does not hold (src = 192.0.2.1)
 */
export class DebugTrace implements Trace {
  readonly #id: string
  readonly #write: (line: string) => void
  #rule = ''
  #seen: string[] = []

  /** @param write gets whole lines, with their ends */
  constructor(connection: number, write: (line: string) => void) {
    this.#id = connection.toString(16).padStart(8, '0')
    this.#write = write
  }

  #line(text: string): void {
    const seen = this.#seen.length === 0 ? '' : ` (${this.#seen.join(', ')})`
    this.#seen = []
    this.#write(`[trace] ${this.#id} ${text}${seen}\n`)
  }

  asked(): void {
    // said() tells it all
  }

  said(handler: string, verdict: Verdict): void {
    this.#line(`handler ${handler}: ${verdictText(verdict)}`)
  }

  rule(keyword: string, text: string, place: Place): void {
    this.#rule = ruleText(keyword, text, place)
  }

  ruled(truth: 'pass' | 'fail' | 'wait', result: ActionResult | undefined): void {
    this.#line(`${this.#rule}: ${result === undefined ? TRUTHS[truth] : resultText(result)}`)
  }

  test(): void {
    // its value and the rule's outcome tell it
  }

  value(text: string, value: Fetched): void {
    this.#seen.push(`${text} = ${valueText(value)}`)
  }

  note(text: string): void {
    this.#line(text)
  }
}
