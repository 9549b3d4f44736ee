// Owns matching by regular expressions, in time linear to the input.
//
// V8 can run an expression without backtracking, at a cost, if it uses neither back-references nor look-around. With the flags below
// it starts with its fast engine and changes over after 50,000 backtracks, so no input makes it slow. Whether an expression
// can be run so is found by compiling it with the flag `l`; one that cannot is refused. regex-source.ts writes all of PCRE that can be had so in that form.

import { setFlagsFromString } from 'node:v8'
import type { ByteString, Sample } from '../../core/sample.ts'
import { cast } from '../cast.ts'
import type { Pattern, PatternIndex } from './pattern.ts'
import { RegexError, translateRegex } from './regex-source.ts'

setFlagsFromString('--enable-experimental-regexp-engine')
setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks')
setFlagsFromString('--regexp-backtracks-before-fallback=50000')

/**
 * A regular expression of PCRE's language, over bytes. `use`: 'match' asks only whether it matches; 'groups' keeps groups by number,
 * 'all' also finds every match. A string: why it is refused.
 */
export function compileRegex(source: ByteString, ignoreCase: boolean, use: 'match' | 'groups' | 'all' = 'match'): RegExp | string {
  let js: string
  try {
    js = translateRegex(source, ignoreCase, use !== 'match')
  } catch (error) {
    if (error instanceof RegexError) return `regex '${source}' is invalid (error=${error.message}, erroffset=${error.offset})`
    throw error
  }
  const flags = use === 'all' ? 'g' : ''
  try {
    // the flag l throws for what cannot be run without backtracking
    void new RegExp(js, `${flags}l`)
    return new RegExp(js, flags)
  } catch {
    return `regex '${source}' is refused: it could take exponential time`
  }
}

export class Regexes implements PatternIndex {
  readonly #ignoreCase: boolean
  #list: { readonly regex: RegExp; readonly pattern: Pattern }[] = []

  constructor(ignoreCase: boolean) {
    this.#ignoreCase = ignoreCase
  }

  add(pattern: Pattern): string | undefined {
    const regex = compileRegex(pattern.text, this.#ignoreCase)
    if (typeof regex === 'string') return regex
    this.#list.push({ regex, pattern })
    return undefined
  }

  remove(text: ByteString): void {
    this.#list = this.#list.filter((entry) => entry.pattern.text !== text)
  }

  find(sample: Sample): Pattern | undefined {
    const s = cast(sample, 'str')
    if (s?.type !== 'str') return undefined
    for (const { regex, pattern } of this.#list) if (regex.test(s.value)) return pattern
    return undefined
  }
}
