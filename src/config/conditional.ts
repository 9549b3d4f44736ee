// Owns conditions: what `.if` and `.elif` evaluate, and `-cc` (manual 2.4).
//
//   or  := and { '||' and }      term := { '!' } ( '(' or ')' | integer | predicate [ '(' text { ',' text } ')' ] )
//   and := term { '&&' term }

import { COMPATIBLE_VERSION } from './version.ts'

/** What predicates can ask about the program. */
export interface Facts {
  /** Names for feature(), as -vv lists them with a '+'. */
  readonly features: ReadonlySet<string>
  /** Names for enabled(), upper case: POLL, EPOLL, SPLICE … */
  readonly enabled: ReadonlySet<string>
  /** `OpenSSL 3.0.17`: what ssllib_name_startswith() and openssl_version_atleast() look at. */
  readonly sslLibrary: string
}

/** True of every build: Node's own TLS and resolver. A caller that knows its sock provider adds to it. */
export const BASE_FACTS: Facts = {
  features: new Set(['OPENSSL', 'GETADDRINFO', 'THREAD', 'IPV6']),
  enabled: new Set(['POLL', 'GETADDRINFO']),
  sslLibrary: `OpenSSL ${process.versions.openssl}`,
}

export type Evaluation =
  | { readonly ok: true; readonly value: boolean }
  /** `column` is 1-based in the condition. */
  | { readonly ok: false; readonly text: string; readonly column: number }

/** Parentheses may be nested this deep. */
export const MAX_DEPTH = 340

/** Stops the evaluation; never leaves this module. */
class Unparsable extends Error {
  readonly at: number
  constructor(text: string, at: number) {
    super(text)
    this.at = at
  }
}

interface Predicate {
  /** How many arguments; all must be given when it is two, a single one may be left out and is then ''. */
  readonly arity: 1 | 2
  readonly holds: (first: string, second: string, condition: Condition) => boolean
}

const PREDICATES: Readonly<Record<string, Predicate>> = {
  defined: { arity: 1, holds: (name, _, c) => c.env.get(name) !== undefined },
  feature: { arity: 1, holds: (name, _, c) => c.facts.features.has(name) },
  enabled: { arity: 1, holds: (name, _, c) => c.facts.enabled.has(name.toUpperCase()) },
  streq: { arity: 2, holds: (a, b) => a === b },
  strneq: { arity: 2, holds: (a, b) => a !== b },
  version_atleast: { arity: 1, holds: (v, _, c) => c.compare(COMPATIBLE_VERSION, v) >= 0 },
  version_before: { arity: 1, holds: (v, _, c) => c.compare(COMPATIBLE_VERSION, v) < 0 },
  openssl_version_atleast: { arity: 1, holds: (v, _, c) => c.compare(c.openssl(), v) >= 0 },
  openssl_version_before: { arity: 1, holds: (v, _, c) => c.compare(c.openssl(), v) < 0 },
  ssllib_name_startswith: { arity: 1, holds: (name, _, c) => c.facts.sslLibrary.startsWith(name) },
}

const VERSION = /^(\d+)(?:\.(\d+))?(?:\.(\d+))?([a-z])?(?:-dev(\d+))?(?:-(\d+))?$/

/** A version as numbers that compare from left to right; a -dev comes before its release, an OpenSSL letter after it. */
function version(text: string): number[] | undefined {
  const m = VERSION.exec(text)
  if (m === null) return undefined
  const n = (i: number): number => Number(m[i] ?? 0)
  return [n(1), n(2), m[5] === undefined ? 1 : 0, n(3), m[4]?.charCodeAt(0) ?? 0, n(5), n(6)]
}

class Condition {
  readonly env: ReadonlyMap<string, string>
  readonly facts: Facts
  readonly #text: string
  #at = 0
  #depth = 0
  /** Where the predicate being evaluated begins, for faults in its argument. */
  #began = 0

  constructor(text: string, env: ReadonlyMap<string, string>, facts: Facts) {
    this.#text = text
    this.env = env
    this.facts = facts
  }

  openssl(): string {
    return this.facts.sslLibrary.slice(this.facts.sslLibrary.indexOf(' ') + 1).replace(/[+].*$/, '')
  }

  compare(have: string, asked: string): number {
    const [a, b] = [version(have), version(asked)]
    if (a === undefined || b === undefined) throw new Unparsable(`'${asked}' is no version: it is written as 2.6, 2.6.12 or 2.6-dev3`, this.#began)
    for (const [i, part] of a.entries()) {
      const difference = part - (b[i] ?? 0)
      if (difference !== 0) return difference
    }
    return 0
  }

  whole(): boolean {
    this.#blank()
    if (this.#at === this.#text.length) return false
    const value = this.#or(0)
    if (this.#at < this.#text.length) {
      throw new Unparsable(`unexpected character '${this.#text.charAt(this.#at)}' at the end of conditional expression '${this.#text}'`, this.#at)
    }
    return value
  }

  #blank(): void {
    while (this.#text.charAt(this.#at) === ' ' || this.#text.charAt(this.#at) === '\t') this.#at++
  }

  #or(begin: number): boolean {
    let value = this.#and(begin)
    while (this.#operator('||')) value = this.#and(this.#at - 2) || value
    return value
  }

  #and(begin: number): boolean {
    let value = this.#term(begin)
    while (this.#operator('&&')) value = this.#term(this.#at - 2) && value
    return value
  }

  #operator(name: string): boolean {
    if (!this.#text.startsWith(name, this.#at)) return false
    this.#at += name.length
    return true
  }

  /** `begin` is where a message points when nothing follows. Blanks behind the term are read. */
  #term(begin: number): boolean {
    this.#blank()
    const start = this.#at
    let negated = false
    while (this.#text.charAt(this.#at) === '!') {
      negated = !negated
      this.#at++
      this.#blank()
    }
    const value = this.#text.charAt(this.#at) === '(' ? this.#group() : (this.#integer() ?? this.#predicate())
    if (value === undefined) {
      const at = start === this.#text.length ? begin : start
      throw new Unparsable(`unparsable conditional expression '${this.#text.slice(at)}'`, at)
    }
    this.#blank()
    return value !== negated
  }

  #group(): boolean {
    const open = this.#at++
    if (++this.#depth > MAX_DEPTH) throw new Unparsable(`unparsable conditional sub-expression '${this.#text.slice(open)}'`, open)
    const value = this.#or(open)
    if (this.#text.charAt(this.#at) !== ')') throw new Unparsable(`expected ')' after conditional expression '${this.#text.slice(open)}'`, open)
    this.#at++
    this.#depth--
    return value
  }

  #integer(): boolean | undefined {
    const found = /^[+-]?(0[xX][0-9a-fA-F]+|[0-9]+)/.exec(this.#text.slice(this.#at, this.#at + 64))
    if (found === null) return undefined
    this.#at += found[0].length
    return Number(found[1]) !== 0
  }

  #predicate(): boolean | undefined {
    const begin = this.#at
    const name = /^[a-z_]+/.exec(this.#text.slice(begin, begin + 64))?.[0] ?? ''
    const predicate = Object.hasOwn(PREDICATES, name) ? PREDICATES[name] : undefined
    if (predicate === undefined) return undefined
    this.#began = begin
    this.#at += name.length
    const where = `of predicate '${name}' used in conditional expression`
    const args = this.#text.charAt(this.#at) === '(' ? this.#args(predicate.arity, where) : []
    if (predicate.arity === 2 && args.length < 2) {
      const given = args.length === 1 && args[0] === '' ? 0 : args.length
      throw new Unparsable(`missing arguments (got ${Math.max(1, given)}/2), type 'string' expected in argument 1 ${where}`, this.#text.charAt(this.#at - 1) === ')' ? this.#at - 1 : this.#at)
    }
    return predicate.holds(args[0] ?? '', args[1] ?? '', this)
  }

  /** Arguments have a quoting of their own; what the line's quoting has left of it. */
  #args(most: number, where: string): string[] {
    const args = ['']
    let quote = ''
    let opened = 0
    for (this.#at++; this.#at < this.#text.length; this.#at++) {
      const c = this.#text.charAt(this.#at)
      const last = args.length - 1
      if (c === quote) {
        quote = ''
      } else if (quote === '' && (c === '"' || c === "'")) {
        quote = c
        opened = this.#at
      } else if (c === '\\' && quote !== "'" && this.#at + 1 < this.#text.length) {
        const escaped = this.#text.charAt(++this.#at)
        const plain = { n: '\n', r: '\r', t: '\t', '\\': '\\', '"': '"', "'": "'", ' ': ' ', ',': ',', ')': ')', '(': '(' }[escaped]
        args[last] += plain ?? `\\${escaped}`
      } else if (quote === '' && c === ')') {
        this.#at++
        return args
      } else if (quote === '' && c === ',') {
        if (args.length === most) throw new Unparsable(`expected ')' before '${this.#text.slice(this.#at)}' in argument 1 ${where}`, this.#at)
        args.push('')
      } else {
        args[last] += c
      }
    }
    if (quote !== '') throw new Unparsable('unmatched quote', opened)
    throw new Unparsable(`expected ')' in argument 1 ${where}`, this.#at)
  }
}

/** Evaluates a condition; an empty one is false. Every part is read, also behind what decides. Never throws. */
export function evaluateCondition(text: string, env: ReadonlyMap<string, string>, facts: Facts = BASE_FACTS): Evaluation {
  try {
    return { ok: true, value: new Condition(text, env, facts).whole() }
  } catch (error) {
    if (error instanceof Unparsable) return { ok: false, text: error.message, column: error.at + 1 }
    throw error
  }
}
