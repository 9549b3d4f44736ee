// Owns matching of integers: single values, ranges and operators (manual 7.1.2), on values or on lengths.

import type { Sample } from '../../core/sample.ts'
import { cast, INT64_MAX, INT64_MIN } from '../cast.ts'
import type { Pattern, PatternIndex } from './pattern.ts'

export type Operator = 'eq' | 'ge' | 'gt' | 'le' | 'lt'
const OPERATORS: readonly Operator[] = ['eq', 'ge', 'gt', 'le', 'lt']

export function isOperator(text: string): text is Operator {
  return OPERATORS.some((operator) => operator === text)
}

interface Range {
  readonly low: bigint
  readonly high: bigint
  readonly pattern: Pattern
}

const NUMBER = /^-?[0-9]{1,19}$/

/** How one number is written: 7.1.2 has decimal integers; version tests have `3.1`, which is 3 × 65536 + 1. */
export type ParseNumber = (text: string) => bigint | undefined

export const decimal: ParseNumber = (text) => {
  if (!NUMBER.test(text)) return undefined
  const n = BigInt(text)
  return n > INT64_MAX || n < INT64_MIN ? undefined : n
}

export const version: ParseNumber = (text) => {
  const m = /^([0-9]{1,5})(?:\.([0-9]{1,5}))?$/.exec(text)
  return m === null ? undefined : (BigInt(m[1] ?? '0') << 16n) | BigInt(m[2] ?? '0')
}

/** `5`, `5:7`, `:7`, `5:` with an operator; `5-7` is `5:7`, as HAProxy reads it. A string: what is wrong. */
function parseRange(written: string, operator: Operator, number: ParseNumber): { low: bigint; high: bigint } | string {
  const text = written.replace(/^([0-9.]+)-/, '$1:')
  const colon = text.indexOf(':')
  let low: bigint | undefined = INT64_MIN
  let high: bigint | undefined = INT64_MAX
  if (colon < 0) {
    low = high = number(text)
    if (low === undefined || high === undefined) return `'${written}' is not a number`
  } else {
    if (text === ':') return `'${written}' is not a valid number range`
    if (colon > 0) low = number(text.slice(0, colon))
    if (colon < text.length - 1) high = number(text.slice(colon + 1))
    if (low === undefined || high === undefined) return `'${written}' is not a number`
    if (low > high) return `'${written}' is not a valid number range`
  }
  switch (operator) {
    case 'eq':
      return { low, high }
    case 'ge':
      return { low, high: INT64_MAX }
    case 'gt':
      return { low: low + 1n, high: INT64_MAX }
    case 'le':
      return { low: INT64_MIN, high }
    case 'lt':
      return { low: INT64_MIN, high: high - 1n }
  }
}

/** What of a sample is compared: its value, or its length as a string. */
export type Measure = (sample: Sample) => bigint | undefined

export const valueOf: Measure = (sample) => {
  const n = cast(sample, 'sint')
  return n?.type === 'sint' ? n.value : undefined
}

export const lengthOf: Measure = (sample) => {
  const s = cast(sample, 'str')
  return s?.type === 'str' ? BigInt(s.value.length) : undefined
}

/** Patterns are ranges, with an operator in front if not `eq`: `gt 5`. */
export class Integers implements PatternIndex {
  readonly #measure: Measure
  readonly #number: ParseNumber
  readonly #single = new Map<bigint, Pattern>()
  #ranges: Range[] = []

  constructor(measure: Measure, number: ParseNumber = decimal) {
    this.#measure = measure
    this.#number = number
  }

  add(pattern: Pattern): string | undefined {
    const blank = pattern.text.indexOf(' ')
    const operator = blank < 0 ? 'eq' : pattern.text.slice(0, blank)
    const range = isOperator(operator) ? parseRange(pattern.text.slice(blank + 1), operator, this.#number) : `'${pattern.text}' is not a number`
    if (typeof range === 'string') return range
    if (range.low !== range.high) this.#ranges.push({ ...range, pattern })
    else if (!this.#single.has(range.low)) this.#single.set(range.low, pattern)
    return undefined
  }

  remove(text: string): void {
    this.#ranges = this.#ranges.filter((range) => range.pattern.text !== text)
    for (const [n, pattern] of this.#single) if (pattern.text === text) this.#single.delete(n)
  }

  find(sample: Sample): Pattern | undefined {
    const n = this.#measure(sample)
    if (n === undefined) return undefined
    const single = this.#single.get(n)
    for (const { low, high, pattern } of this.#ranges) {
      if (single !== undefined && single.id < pattern.id) break
      if (low <= n && n <= high) return pattern
    }
    return single
  }
}
