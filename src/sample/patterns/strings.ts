// Owns matching of strings: exact, prefix, suffix, substring, subdir, domain (manual 7.1.3) and hexadecimal blocks (7.1.5).

import type { ByteString, MatchMethod, Sample } from '../../core/sample.ts'
import { cast } from '../cast.ts'
import type { Pattern, PatternIndex } from './pattern.ts'

type StringMethod = Extract<MatchMethod, 'str' | 'beg' | 'end' | 'sub' | 'dir' | 'dom' | 'bin'>

/** What string methods compare; binary samples end at their first NUL. `raw`: they are compared whole. */
function bytesOf(sample: Sample, raw = false): ByteString | undefined {
  if (sample.type === 'str' || (raw && sample.type === 'bin')) return sample.value
  const s = cast(sample, 'str')
  return s?.type === 'str' ? s.value : undefined
}

/** ASCII only, as HAProxy's. */
export function lower(text: ByteString): ByteString {
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c >= 0x41 && c <= 0x5a) return text.replace(/[A-Z]/g, (upper) => upper.toLowerCase())
  }
  return text
}

/** `48656c6c6f` to its bytes; undefined: not an even number of hexadecimal digits. */
export function fromHex(text: string): ByteString | undefined {
  return text.length % 2 === 0 && /^[0-9a-fA-F]*$/.test(text) ? Buffer.from(text, 'hex').toString('latin1') : undefined
}

export function makeStrings(method: StringMethod, ignoreCase: boolean): PatternIndex {
  switch (method) {
    case 'str':
    case 'bin':
      return new Exact(method === 'bin', ignoreCase)
    case 'beg':
      return new Edge('start', ignoreCase)
    case 'end':
      return new Edge('end', ignoreCase)
    case 'sub':
      return new Search(ignoreCase, (text, pattern) => text.includes(pattern), undefined)
    case 'dir':
      return new Search(ignoreCase, (text, pattern) => between(text, pattern, '/'), '/')
    case 'dom':
      return new Search(ignoreCase, (text, pattern) => between(text, pattern, './:?'), './:?')
  }
}

/** Hash look-up. */
class Exact implements PatternIndex {
  readonly #hex: boolean
  readonly #fold: boolean
  readonly #map = new Map<ByteString, Pattern>()

  constructor(hex: boolean, fold: boolean) {
    this.#hex = hex
    this.#fold = fold
  }

  #key(text: ByteString): ByteString | undefined {
    if (this.#hex) return fromHex(text)
    return this.#fold ? lower(text) : text
  }

  add(pattern: Pattern): string | undefined {
    const key = this.#key(pattern.text)
    if (key === undefined) return pattern.text.length % 2 === 1 ? 'an even number of hex digit is expected' : 'an hex digit is expected'
    if (!this.#map.has(key)) this.#map.set(key, pattern)
    return undefined
  }

  remove(text: ByteString): void {
    const key = this.#key(text)
    if (key !== undefined) this.#map.delete(key)
  }

  find(sample: Sample): Pattern | undefined {
    const text = bytesOf(sample, this.#hex)
    if (text === undefined) return undefined
    return this.#map.get(this.#fold && !this.#hex ? lower(text) : text)
  }
}

/** Prefixes or suffixes: one hash per length that occurs, so the work is the number of lengths and not of patterns. */
class Edge implements PatternIndex {
  readonly #side: 'start' | 'end'
  readonly #fold: boolean
  readonly #byLength = new Map<number, Map<ByteString, Pattern>>()
  #lengths: number[] = []

  constructor(side: 'start' | 'end', fold: boolean) {
    this.#side = side
    this.#fold = fold
  }

  add(pattern: Pattern): string | undefined {
    const key = this.#fold ? lower(pattern.text) : pattern.text
    let same = this.#byLength.get(key.length)
    if (same === undefined) {
      this.#byLength.set(key.length, (same = new Map()))
      this.#lengths = [...this.#byLength.keys()].sort((a, b) => b - a)
    }
    if (!same.has(key)) same.set(key, pattern)
    return undefined
  }

  remove(text: ByteString): void {
    const key = this.#fold ? lower(text) : text
    this.#byLength.get(key.length)?.delete(key)
  }

  /** The longest prefix; of suffixes, the one declared first. */
  find(sample: Sample): Pattern | undefined {
    let text = bytesOf(sample)
    if (text === undefined) return undefined
    if (this.#fold) text = lower(text)
    let first: Pattern | undefined
    for (const length of this.#lengths) {
      if (length > text.length) continue
      const part = this.#side === 'start' ? text.slice(0, length) : text.slice(text.length - length)
      const pattern = this.#byLength.get(length)?.get(part)
      if (pattern === undefined) continue
      if (this.#side === 'start' && !this.#fold) return pattern
      if (first === undefined || pattern.id < first.id) first = pattern
    }
    return first
  }
}

/** What has to be looked for from left to right, one pattern after the other. */
class Search implements PatternIndex {
  readonly #fold: boolean
  readonly #test: (text: ByteString, pattern: ByteString) => boolean
  readonly #trim: string | undefined
  #list: { readonly key: ByteString; readonly pattern: Pattern }[] = []

  constructor(fold: boolean, test: (text: ByteString, pattern: ByteString) => boolean, trim: string | undefined) {
    this.#fold = fold
    this.#test = test
    this.#trim = trim
  }

  add(pattern: Pattern): string | undefined {
    let key = this.#fold ? lower(pattern.text) : pattern.text
    if (this.#trim !== undefined) key = trim(key, this.#trim)
    this.#list.push({ key, pattern })
    return undefined
  }

  remove(text: ByteString): void {
    this.#list = this.#list.filter((entry) => entry.pattern.text !== text)
  }

  find(sample: Sample): Pattern | undefined {
    let text = bytesOf(sample)
    if (text === undefined) return undefined
    if (this.#fold) text = lower(text)
    for (const { key, pattern } of this.#list) if (this.#test(text, key)) return pattern
    return undefined
  }
}

function trim(text: string, delimiters: string): string {
  let from = 0
  let to = text.length
  while (from < to && delimiters.includes(text[from] ?? '')) from++
  while (to > from && delimiters.includes(text[to - 1] ?? '')) to--
  return text.slice(from, to)
}

/** Whether the pattern occurs with a delimiter, the beginning or the end of the text on both of its sides. */
function between(text: string, pattern: string, delimiters: string): boolean {
  if (pattern === '') return false
  for (let at = text.indexOf(pattern); at >= 0; at = text.indexOf(pattern, at + 1)) {
    const end = at + pattern.length
    if ((at === 0 || delimiters.includes(text[at - 1] ?? '')) && (end === text.length || delimiters.includes(text[end] ?? ''))) return true
  }
  return false
}
