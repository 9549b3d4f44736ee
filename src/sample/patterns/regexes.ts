// Owns matching by regular expressions, in time linear to the input.
//
// V8 can run an expression without backtracking, at a cost, if it uses neither back-references nor look-around. With the flags below
// it starts with its fast engine and changes over after 50,000 backtracks, so no input makes it slow. Whether an expression
// can be run so is found by compiling it with the flag `l`; one that cannot is refused.

import { setFlagsFromString } from 'node:v8'
import type { ByteString, Sample } from '../../core/sample.ts'
import { cast } from '../cast.ts'
import type { Pattern, PatternIndex } from './pattern.ts'

setFlagsFromString('--enable-experimental-regexp-engine')
setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks')
setFlagsFromString('--regexp-backtracks-before-fallback=50000')

/** A regular expression over bytes. A string: why it is refused. */
export function compileRegex(source: ByteString, flags: 'i' | 'g' | 'gi' | ''): RegExp | string {
  let regex: RegExp
  try {
    regex = new RegExp(source, `${flags}s`)
  } catch (error) {
    return `regex '${source}' is invalid (error=${error instanceof Error ? reason(error.message) : 'unknown'})`
  }
  try {
    new RegExp(source, `${flags}sl`)
  } catch {
    return `regex '${source}' is refused: back-references, look-around and large counts can take exponential time`
  }
  return regex
}

/** V8 repeats the expression in its message. */
function reason(message: string): string {
  return message.replace(/^Invalid regular expression: \/.*\/[a-z]*: /s, '')
}

export class Regexes implements PatternIndex {
  readonly #flags: 'i' | ''
  #list: { readonly regex: RegExp; readonly pattern: Pattern }[] = []

  constructor(ignoreCase: boolean) {
    this.#flags = ignoreCase ? 'i' : ''
  }

  add(pattern: Pattern): string | undefined {
    const regex = compileRegex(pattern.text, this.#flags)
    if (typeof regex === 'string') return regex
    this.#list.push({ regex, pattern })
    return undefined
  }

  remove(text: ByteString): void {
    this.#list = this.#list.filter((entry) => entry.pattern.text !== text)
  }

  find(sample: Sample): Pattern | undefined {
    const s = sample.type === 'bin' ? sample : cast(sample, 'str')
    if (s?.type !== 'str' && s?.type !== 'bin') return undefined
    for (const { regex, pattern } of this.#list) if (regex.test(s.value)) return pattern
    return undefined
  }
}
