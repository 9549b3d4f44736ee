// Owns the cutting of a line into words: quotes, escapes, comments, environment variables (manual 2.2, 2.3).
//
//   quoting     separators   # comment   \ escapes   "$VAR"
//   none        cut          yes         yes         no
//   "weak"      kept         no          yes         yes
//   'strong'    kept         no          no          no

import type { Word } from '../core/keyword.ts'
import { octet, settle } from './octets.ts'

/** HAProxy's limit; a line with more is refused. */
export const MAX_WORDS = 64

/** Variables that are made of each other double with every line; at some point it is no word any more. Characters. */
const LONGEST_WORD = 1 << 20

/** What stops the reading of a line, and the column it is at (1-based, in characters). */
export interface Fault {
  readonly text: string
  readonly column: number
  /** Whether the line is worth showing with it. */
  readonly shown: boolean
}

export interface Cut {
  readonly words: Word[]
  /** Set when the line cannot be read to its end; `words` are then of no use. */
  readonly fault: Fault | undefined
}

/** The value of an environment variable, or of a pseudo-variable (`.FILE`, `.LINE`, `.SECTION`); undefined: there is none. */
export type Lookup = (name: string) => string | undefined

const NAME = /[A-Za-z_][A-Za-z0-9_]*|\.(?:FILE|LINE|SECTION)(?![A-Za-z0-9_])/y
const HEX = /\\x([0-9a-fA-F]{2})/y
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '\\': '\\', '"': '"', "'": "'", '#': '#', ' ': ' ' }

class Cutter {
  readonly words: Word[] = []
  fault: Fault | undefined
  readonly #line: string
  readonly #lookup: Lookup
  #at = 0
  /** The word being read, undefined between words. */
  #word: string | undefined
  #column = 0

  constructor(line: string, lookup: Lookup) {
    this.#line = line
    this.#lookup = lookup
  }

  #stop(text: string, index: number): void {
    this.fault = { text: `${text} at position ${index + 1}`, column: index + 1, shown: true }
  }

  #add(text: string): void {
    if (this.#word === undefined) {
      this.#word = ''
      this.#column = this.#at + 1
    }
    if (this.#word.length + text.length > LONGEST_WORD) this.#stop(`a word is longer than ${LONGEST_WORD} characters`, this.#column - 1)
    else this.#word += text
  }

  #close(): void {
    if (this.#word === undefined) return
    const text = settle(this.#word)
    this.#word = undefined
    if (this.words.length < MAX_WORDS) this.words.push({ text, column: this.#column })
    else this.#tooMany()
  }

  #tooMany(): void {
    const last = this.words.at(-1)
    const column = last?.column ?? 1
    this.fault ??= { text: `too many words, truncating after word ${MAX_WORDS}, position ${column}: <${last?.text ?? ''}>.`, column, shown: false }
  }

  run(): void {
    const line = this.#line
    /** Where the open quote is, -1 for none. */
    let weak = -1
    let strong = -1
    while (this.fault === undefined && this.#at < line.length) {
      const c = line.charAt(this.#at)
      if (c === '\r') {
        if (/[^\s]/.test(line.slice(this.#at))) this.#stop('stray carriage return', this.#at)
        break
      }
      if (strong >= 0) {
        if (c === "'") strong = -1
        else this.#add(c)
        this.#at++
      } else if (c === '"') {
        this.#add('')
        weak = weak >= 0 ? -1 : this.#at
        this.#at++
      } else if (c === '\\') {
        this.#escape(weak >= 0)
      } else if (weak >= 0) {
        if (c === '$') {
          this.#variable()
        } else {
          this.#add(c)
          this.#at++
        }
      } else if (c === "'") {
        this.#add('')
        strong = this.#at++
      } else if (c === '#') {
        break
      } else if (c === ' ' || c === '\t') {
        this.#close()
        this.#at++
      } else {
        this.#add(c)
        this.#at++
      }
    }
    if (this.fault === undefined && (weak >= 0 || strong >= 0)) this.#stop('unmatched quote', Math.max(weak, strong))
    if (this.fault === undefined) this.#close()
  }

  /** A backslash before anything that needs none stays where it is. */
  #escape(weak: boolean): void {
    const c = this.#line.charAt(this.#at + 1)
    if (c === 'x') {
      HEX.lastIndex = this.#at
      const hex = HEX.exec(this.#line)?.[1]
      if (hex === undefined) return this.#stop('truncated or invalid hexadecimal sequence', this.#at)
      if (hex === '00') return this.#stop('a word cannot hold a NUL character', this.#at)
      this.#add(octet(Number.parseInt(hex, 16)))
      this.#at += 4
      return
    }
    const plain = c === '$' && weak ? '$' : ESCAPES[c]
    this.#add(plain ?? '\\')
    this.#at += plain === undefined ? 1 : 2
  }

  /** `$NAME`, `${NAME}`, `${NAME-default}`, `${NAME[*]}`, `${NAME[*]-default}`. Values are taken as they are, whatever is in them. */
  #variable(): void {
    const line = this.#line
    const dollar = this.#at
    const braced = line.charAt(dollar + 1) === '{'
    let at = dollar + (braced ? 2 : 1)
    NAME.lastIndex = at
    const name = NAME.exec(line)?.[0]
    if (name === undefined) return this.#stop('forbidden first char in environment variable name', at)
    at += name.length
    let value = this.#lookup(name)
    let split = false
    if (braced) {
      if (line.charAt(at) === '[') {
        if (!line.startsWith('[*]', at)) return this.#stop('truncated or invalid word expansion sequence', at)
        split = true
        at += 3
      }
      if (line.charAt(at) === '-') {
        const end = line.indexOf('}', at)
        if (end < 0) return this.#stop('unmatched brace in environment variable name', dollar + 1)
        value ??= line.slice(at + 1, end)
        at = end
      }
      if (line.charAt(at) !== '}') return this.#stop('unmatched brace in environment variable name', dollar + 1)
      at++
    }
    const parts = split ? (value ?? '').split(/[ \t\n\v\f\r]+/) : [value ?? '']
    for (const [i, part] of parts.entries()) {
      if (i > 0) this.#close()
      this.#add(part)
    }
    this.#at = at
  }
}

/** Cuts one line, without its LF. Never throws. */
export function cutLine(line: string, lookup: Lookup): Cut {
  const cutter = new Cutter(line, lookup)
  cutter.run()
  return { words: cutter.words, fault: cutter.fault }
}

const SHOWN = 76

/** The line and a caret under the column, as HAProxy shows them, behind a message that ends in a colon; long lines are cut around it. */
export function pointAt(line: string, column: number): string {
  const lead = /^\s*/.exec(line)?.[0].length ?? 0
  const begin = Math.min(lead, column - 1)
  const text = line.slice(begin).trimEnd()
  const at = column - 1 - begin
  const from = at < SHOWN ? 0 : at - SHOWN / 2
  const cut = text.slice(from, from + SHOWN).replace(/\s/g, ' ')
  const shown = (from > 0 ? '...' : '') + cut + (text.length > from + SHOWN ? '...' : '')
  return `  ${shown}\n  ${' '.repeat(at - from + (from > 0 ? 3 : 0))}^`
}
