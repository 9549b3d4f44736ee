// Owns sample expressions: a fetch with arguments and a chain of converters, compiled once to one closure.
//
//   src,ipmask(24),map_ip(/etc/nets.map)
//   fetch  converter   converter

import type { ArgSpec, ConverterSpec, Convert, Fail, Fetch, Fetched, MatchMethod, OutputType, Sample, Scope, Source, Subject } from '../core/sample.ts'
import { NOT_YET } from '../core/sample.ts'
import type { Word } from '../core/keyword.ts'
import { cutArguments, signature, typeArguments } from './arguments.ts'
import { cast, castable, typeText } from './cast.ts'
import { noteReferences } from './references.ts'
import { fitted } from './room.ts'
import { available, sourceText } from './stage.ts'
import { notYet } from '../config/language.ts'
import { didYouMean } from '../config/near.ts'
import { vocabulary } from './vocabulary.ts'

export interface Expression {
  readonly text: string
  readonly fetch: string
  readonly source: Source
  readonly type: OutputType
  /** The matching method that an ACL word implies; gone when a converter follows. */
  readonly match: MatchMethod | undefined
  readonly evaluate: Fetch
}

interface Step {
  readonly input: OutputType
  readonly convert: Convert
  readonly tooLong: ConverterSpec['tooLong']
}

/** Reads words of which a later one may be a converter of the expression: `src ipmask(24)` is `src,ipmask(24)`. */
export interface ExpressionWords {
  peek(): Word | undefined
  next(): Word | undefined
}

/**
 * Compiles the expression at the next word, and takes the words behind it that are converters. Reports without the name of its
 * place: callers add `error detected while …`. Where its value is not available is for checkStage() to say.
 */
export function compileExpression(words: ExpressionWords, scope: Scope, fail: Fail): Expression | undefined {
  const first = words.next()
  if (first === undefined || first.text === '') return fail('missing fetch method', 'write a sample expression such as src or dst_port', first)
  let expression = compileWord(first, scope, fail, false)
  while (expression !== undefined) {
    const more = words.peek()
    if (more === undefined || !vocabulary(scope.plugins).converters.has(nameAt(more.text, 0))) return traced(expression)
    words.next()
    expression = extend(expression, more, scope, fail)
  }
  return undefined
}

/**
 * Compiles what an ACL tests: one word, and behind a comma at its end the converters of the next one, as HAProxy does:
 * `req.payload(0,0), mqtt_is_valid`. HAProxy takes that word for the first pattern as well, which only a test of a boolean has no use for.
 */
export function compileCriterion(words: readonly Word[], scope: Scope, fail: Fail): { readonly expression: Expression; readonly words: number } | undefined {
  const first = words[0] ?? { text: '', column: 0 }
  const expression = compileWord(first, scope, fail, true)
  if (expression === undefined) return undefined
  const more = first.text.endsWith(',') ? words[1] : undefined
  if (more === undefined || !vocabulary(scope.plugins).converters.has(nameAt(more.text, 0))) return { expression: traced(expression), words: 1 }
  const extended = extend(expression, more, scope, fail)
  return extended === undefined ? undefined : { expression: traced(extended), words: 2 }
}

/** Compiles one word as a whole. `acl`: words that are for ACLs only are allowed. */
export function compileText(word: Word, scope: Scope, fail: Fail, acl: boolean): Expression | undefined {
  const expression = compileWord(word, scope, fail, acl)
  return expression === undefined ? undefined : traced(expression)
}

/** It tells its value where somebody listens, and notes where that is not the last word. */
function traced(expression: Expression): Expression {
  const { text, evaluate } = expression
  return {
    ...expression,
    evaluate: (subject) => {
      const value = evaluate(subject)
      if (value === NOT_YET || value?.mayChange === true) subject.unsettled = true
      if (subject.trace !== undefined) subject.trace.value(text, value)
      return value
    },
  }
}

function compileWord(word: Word, scope: Scope, fail: Fail, acl: boolean): Expression | undefined {
  const text = word.text
  const name = nameAt(text, 0)
  if (name === '') return fail('missing fetch method', 'write a sample expression such as src or dst_port', word)
  const known = vocabulary(scope.plugins).fetches
  const spec = known.get(name)
  if (spec === undefined || (spec.aclOnly === true && !acl)) return unknown('fetch', name, fail, word, known)
  const specs = spec.args ?? []
  let at = name.length
  let texts: readonly string[] = []
  if (text[at] === '(') {
    const raw = cutArguments(text, at + 1, specs.length)
    if (typeof raw === 'string') return fail(`fetch method '${name}' : ${raw}`, usage(name, specs), word)
    texts = raw.texts
    at = raw.end
  }
  const args = typeArguments(texts, specs)
  if ('problem' in args) return fail(`${args.own === true ? 'invalid args in ' : ''}fetch method '${name}' : ${args.problem}`, usage(name, specs), word)
  if (at < text.length && text[at] !== ',') return fail(`missing comma after fetch keyword '${name}'`, undefined, word)
  noteReferences(texts, specs, `${acl ? 'ACL' : 'sample fetch'} keyword '${name}'`, scope)
  const fetch = spec.compile(args, scope, (detail, hint) => fail(`invalid args in fetch method '${name}' : ${detail}`, hint ?? usage(name, specs), word))
  if (fetch === undefined) return undefined
  const bare: Expression = { text: text.slice(0, at), fetch: name, source: spec.source, type: spec.output, match: spec.match, evaluate: fetch }
  return chain(bare, text, at, word, scope, fail)
}

function extend(expression: Expression, word: Word, scope: Scope, fail: Fail): Expression | undefined {
  return chain(expression, `,${word.text}`, 0, word, scope, fail)
}

/** A word that is known to be of no use here needs no suggestion. */
function unknown(place: 'fetch' | 'converter', name: string, fail: Fail, word: Word, known: ReadonlyMap<string, unknown>): undefined {
  if (name.startsWith('lua.')) return fail(`'${name}' is for Lua, not supported`, 'plugins are written in JavaScript or TypeScript', word)
  const later = notYet(place, [name.replace(/^sc[0-2]_/, 'sc_')])
  if (later !== undefined) return fail(later.text.replace(/\.$/, ''), later.hint, word)
  return fail(`unknown ${place === 'fetch' ? 'fetch method' : 'converter'} '${name}'`, didYouMean(name, known.keys()), word)
}

/** Appends the converters that `text` has from `at` on, each behind a comma. */
function chain(bare: Expression, text: string, at: number, word: Word, scope: Scope, fail: Fail): Expression | undefined {
  const known = vocabulary(scope.plugins).converters
  const steps: Step[] = []
  let type = bare.type
  const from = at
  while (at < text.length) {
    if (text[at] !== ',') return fail(`missing comma after converter`, undefined, word)
    while (text[at] === ',') at++
    if (at >= text.length) break
    const name = nameAt(text, at)
    const spec = known.get(name)
    if (spec === undefined) return unknown('converter', name, fail, word, known)
    const specs = spec.args ?? []
    at += name.length
    let texts: readonly string[] = []
    if (text[at] === '(') {
      const raw = cutArguments(text, at + 1, specs.length)
      if (typeof raw === 'string') return fail(`invalid arg ${Math.max(1, specs.length)} in converter '${name}' : ${raw}`, usage(name, specs), word)
      texts = raw.texts
      at = raw.end
    }
    const args = typeArguments(texts, specs)
    if ('problem' in args) return fail(`invalid ${args.own === true ? 'args' : `arg ${args.position}`} in converter '${name}' : ${args.problem}`, usage(name, specs), word)
    if (!castable(type, spec.input)) return fail(`converter '${name}' cannot be applied`, `it needs a ${typeText(spec.input)}, and here is a ${typeText(type)}`, word)
    noteReferences(texts, specs, `conversion keyword '${name}'`, scope)
    const convert = spec.compile(args, scope, (detail, hint) => fail(`invalid args in converter '${name}' : ${detail}`, hint ?? usage(name, specs), word))
    if (convert === undefined) return undefined
    steps.push({ input: spec.input, convert, tooLong: spec.tooLong })
    type = spec.output === 'same' ? spec.input : spec.output
  }
  if (steps.length === 0) return bare
  return { ...bare, text: bare.text + text.slice(from), type, match: undefined, evaluate: compose(bare.evaluate, steps) }
}

function compose(fetch: Fetch, steps: readonly Step[]): Fetch {
  return (subject): Fetched => {
    const fetched = fetch(subject)
    if (fetched === undefined || fetched === NOT_YET) return fetched
    const mayChange = fetched.mayChange === true
    const sample = fetched.others === undefined ? convertBy(steps, fetched, subject) : convertAll(steps, fetched, fetched.others, subject)
    if (sample === undefined) return absent(mayChange)
    return mayChange && sample.mayChange !== true ? { ...sample, mayChange: true } : sample
  }
}

function convertBy(steps: readonly Step[], from: Sample, subject: Subject): Sample | undefined {
  let sample = from
  for (const step of steps) {
    const input = cast(sample, step.input)
    const output = input === undefined ? undefined : step.convert(input, subject)
    const fits = output === undefined ? undefined : fitted(output, step.tooLong, subject)
    if (fits === undefined) return undefined
    sample = fits
  }
  return sample
}

/** Each of several values by itself; those that cannot be converted drop out. */
function convertAll(steps: readonly Step[], first: Sample, others: readonly Sample[], subject: Subject): Sample | undefined {
  const [converted, ...more] = [first, ...others].map((sample) => convertBy(steps, sample, subject)).filter((sample) => sample !== undefined)
  return converted === undefined ? undefined : { ...converted, others: more }
}

/** What a converter could not do with bytes that may change, it may be able to do later. */
function absent(mayChange: boolean): Fetched {
  return mayChange ? NOT_YET : undefined
}

/** The name that begins at `at`: up to a parenthesis or a comma. */
function nameAt(text: string, at: number): string {
  let end = at
  while (end < text.length && text[end] !== '(' && text[end] !== ',') end++
  return text.slice(at, end)
}

function usage(name: string, specs: readonly ArgSpec[]): string {
  return specs.length === 0 ? `${name} takes no argument` : `usage: ${name}${signature(specs)}`
}

/** Reports when the expression can have no value where it is used. `name`: how the message calls it. */
export function checkStage(expression: Expression, scope: Scope, fail: Fail, name: string, at?: Word): Expression | undefined {
  if (available(expression.source, scope.stage)) return expression
  return fail(`fetch method '${name}' extracts information from '${sourceText(expression.source)}', none of which is available here`, undefined, at)
}
