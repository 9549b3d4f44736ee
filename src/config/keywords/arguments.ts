// Owns how keyword parsers read one argument: words, integers, choices, with HAProxy's wording where it has one.

import type { Args, Keyword, Section, Word } from '../../core/keyword.ts'
import { parseSize, parseTime } from '../units.ts'

/** The next word; reports `missing` when there is none. An empty word is none, as in HAProxy. */
export function word(args: Args, missing: string): Word | undefined {
  const w = args.next()
  return w === undefined || w.text === '' ? args.fail(missing) : w
}

/** What an integer may be, and what to say when it is not. */
export interface IntegerRule {
  /** Default 0. */
  readonly min?: number
  /** Default 2147483647. */
  readonly max?: number
  readonly missing?: string
  readonly wrong?: (found: string) => string
  readonly outside?: (found: string) => string
}

const MAX_INTEGER = 2147483647

/**
 * A decimal integer. HAProxy reads many of them with atol() and takes `abc` for 0; here a word that is not an integer is an error.
 */
export function integer(args: Args, rule: IntegerRule = {}): number | undefined {
  const { min = 0, max = MAX_INTEGER } = rule
  const w = word(args, rule.missing ?? `'${args.keyword}' expects an integer argument.`)
  if (w === undefined) return undefined
  if (!/^[+-]?[0-9]+$/.test(w.text)) {
    return args.fail(rule.wrong?.(w.text) ?? `'${args.keyword}' expects an integer argument, found '${w.text}'.`, undefined, w)
  }
  const n = Number(w.text)
  if (n < min || n > max) {
    return args.fail(rule.outside?.(w.text) ?? `'${args.keyword}' expects an integer between ${min} and ${max}, found '${w.text}'.`, undefined, w)
  }
  return n
}

/** What to say of a time that cannot be read. */
export interface TimeRule {
  readonly missing: string
  readonly wrong: (character: string) => string
  /** Without it: HAProxy's text for a timer overflow. */
  readonly overflow?: (found: string) => string
  /** What a number without a unit is. Default ms. */
  readonly unitless?: 's' | 'ms'
  /** A time of 0 is refused with this text. */
  readonly zero?: string
}

/** A delay in ms: digits and a unit (us, ms, s, m, h, d); without a unit it is ms. Fractions of 1 ms count as 1 ms. */
export function time(args: Args, rule: TimeRule): number | undefined {
  const w = word(args, rule.missing)
  if (w === undefined) return undefined
  const read = parseTime(w.text, rule.unitless)
  if (!read.ok) {
    if (read.overflow) {
      const text = `timer overflow in argument '${w.text}' to '${args.keyword}' (maximum value is 2147483647 ms or ~24.8 days)`
      return args.fail(rule.overflow?.(w.text) ?? text, undefined, w)
    }
    return args.fail(rule.wrong(read.character), 'write digits and one of us, ms, s, m, h, d, such as 30s', w)
  }
  if (read.value === 0 && rule.zero !== undefined) return args.fail(rule.zero, undefined, w)
  return read.value
}

/** A size in bytes: digits and k, m or g. */
export function size(args: Args, rule: { readonly min?: number; readonly missing: string; readonly wrong: string }): number | undefined {
  const w = word(args, rule.missing)
  if (w === undefined) return undefined
  const read = parseSize(w.text)
  if (!read.ok || read.value < (rule.min ?? 0) || read.value > MAX_INTEGER) return args.fail(rule.wrong, undefined, w)
  return read.value
}

/** All the words that are left, joined by one space. */
export function sentence(args: Args): string {
  return args
    .rest()
    .map((w) => w.text)
    .join(' ')
}

export type Side = 'frontend' | 'backend'

const SIDES = new WeakMap<Keyword<unknown>, Side>()

/** The side of a proxy that a keyword is for, though it may be written on the other with a warning. */
export function sideOf(k: Keyword<unknown>): Side | undefined {
  return SIDES.get(k)
}

export interface Sided<T> extends Omit<Keyword<T>, 'sections'> {
  /** Whether it may stand in `defaults`. Default true. */
  readonly defaults?: boolean
  /** Its name in the warning. Default: the keyword as written. */
  readonly short?: string
  /** The whole warning, where HAProxy's is a special one. */
  readonly ignored?: (kind: string, name: string) => string
}

/**
 * A keyword for one side of a proxy. As in HAProxy it may also stand in a section that has only the other side, where it has no
 * value and is warned about.
 */
export function sided<T>(side: Side, spec: Sided<T>): Keyword<T> {
  const { defaults = true, short, ignored, parse, negate, ...rest } = spec
  const sections: Section[] = defaults ? ['defaults', 'frontend', 'backend'] : ['frontend', 'backend']
  const elsewhere = (args: Args): boolean => {
    if (args.sectionKind !== (side === 'frontend' ? 'backend' : 'frontend')) return false
    args.rest()
    const lacks = `ignored because ${args.sectionKind} '${args.sectionName}' has no ${side} capability.`
    args.warn(ignored?.(args.sectionKind, args.sectionName) ?? `'${short ?? args.keyword}' ${lacks}`, undefined, undefined, 'no-effect')
    return true
  }
  const k: Keyword<T> = {
    ...rest,
    sections,
    parse: (args, before) => (elsewhere(args) ? undefined : parse(args, before)),
    ...(negate === undefined ? {} : { negate: (args: Args, before: T | undefined) => (elsewhere(args) ? undefined : negate(args, before)) }),
  }
  SIDES.set(k, side)
  return k
}

/** Words that HAProxy knows, that are read and checked as there, and that have nothing to act on here. */
const MEANINGLESS = new WeakSet<Keyword<unknown>>()

export function meaningless(k: Keyword<unknown>): boolean {
  return MEANINGLESS.has(k)
}

/** Declares a keyword whose absence nobody could observe: accepted without a word. */
export function withoutMeaning(k: Keyword<unknown>): Keyword<unknown> {
  MEANINGLESS.add(k)
  return k
}
