// Owns the translation of regular expressions from PCRE's language over bytes to a JavaScript expression that can be run without
// backtracking: byte sets are written out, case is folded in ASCII, counted repetitions are unrolled.

/** What was read of an expression, as JavaScript. */
interface Piece {
  readonly js: string
  /** It has a group that is wanted by number. */
  readonly captures: boolean
}

/** Why an expression cannot be had, and where. */
export class RegexError extends Error {
  readonly offset: number

  constructor(message: string, offset: number) {
    super(message)
    this.offset = offset
  }
}

/** Unrolled repetitions beyond this many characters are refused. */
const MAX_SOURCE = 20_000
const MAX_COUNT = 1000
const MAX_DEPTH = 100

const DIGIT = set((c) => c >= 48 && c <= 57)
const UPPER = set((c) => c >= 65 && c <= 90)
const LOWER = set((c) => c >= 97 && c <= 122)
const ALPHA = union(UPPER, LOWER)
const SPACE = set((c) => c === 32 || (c >= 9 && c <= 13))
const BLANK = set((c) => c === 32 || c === 9)
const WORD = union(ALPHA, DIGIT, set((c) => c === 95))
const GRAPH = set((c) => c > 32 && c < 127)
const POSIX: Readonly<Record<string, Uint8Array>> = {
  alpha: ALPHA,
  digit: DIGIT,
  alnum: union(ALPHA, DIGIT),
  upper: UPPER,
  lower: LOWER,
  space: SPACE,
  blank: BLANK,
  punct: set((c) => (GRAPH[c] ?? 0) === 1 && (ALPHA[c] ?? 0) === 0 && (DIGIT[c] ?? 0) === 0),
  print: set((c) => c >= 32 && c < 127),
  graph: GRAPH,
  cntrl: set((c) => c < 32 || c === 127),
  xdigit: set((c) => (c >= 48 && c <= 57) || (c >= 65 && c <= 70) || (c >= 97 && c <= 102)),
  word: WORD,
  ascii: set((c) => c < 128),
}
const TYPES: Readonly<Record<string, Uint8Array>> = { d: DIGIT, D: not(DIGIT), w: WORD, W: not(WORD), s: SPACE, S: not(SPACE), h: BLANK, H: not(BLANK), N: set((c) => c !== 10), v: set((c) => c >= 10 && c <= 13), V: set((c) => c < 10 || c > 13) }
const CONTROLS: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, f: 12, e: 27, a: 7 }

function set(has: (c: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, c) => (has(c) ? 1 : 0))
}
function union(...sets: readonly Uint8Array[]): Uint8Array {
  return set((c) => sets.some((s) => s[c] === 1))
}
function not(s: Uint8Array): Uint8Array {
  return s.map((v) => 1 - v)
}
function fold(s: Uint8Array): Uint8Array {
  return set((c) => s[c] === 1 || (ALPHA[c] === 1 && s[c ^ 32] === 1))
}

/** A set of bytes as a class. */
function classOf(s: Uint8Array): string {
  let js = ''
  for (let c = 0; c < 256; c++) {
    if (s[c] !== 1) continue
    let to = c
    while (to < 255 && s[to + 1] === 1) to++
    js += to === c ? byte(c) : `${byte(c)}-${byte(to)}`
    c = to
  }
  return js === '' ? '[^\\x00-\\xff]' : `[${js}]`
}

function byte(c: number): string {
  const text = String.fromCharCode(c)
  return /[A-Za-z0-9_]/.test(text) ? text : `\\x${c.toString(16).padStart(2, '0')}`
}

/**
 * Translates. `groups`: captures are wanted by number, and `$` is a place only; otherwise it also takes a last newline.
 * Throws a RegexError.
 */
export function translateRegex(source: string, ignoreCase: boolean, groups: boolean): string {
  return new Translator(source, groups).all(ignoreCase)
}

class Translator {
  readonly #text: string
  readonly #groups: boolean
  #at = 0
  #fold = false
  #dotAll = false
  #depth = 0

  constructor(text: string, groups: boolean) {
    this.#text = text
    this.#groups = groups
  }

  all(ignoreCase: boolean): string {
    this.#fold = ignoreCase
    const { js } = this.#alternatives()
    if (this.#at < this.#text.length) throw new RegexError('unmatched closing parenthesis', this.#at)
    return js
  }

  #next(): string {
    return this.#text[this.#at++] ?? ''
  }

  #starts(text: string): boolean {
    return this.#text.startsWith(text, this.#at)
  }

  #alternatives(): Piece {
    if (++this.#depth > MAX_DEPTH) throw new RegexError('parentheses are too deeply nested', this.#at)
    const folded = this.#fold
    const dotAll = this.#dotAll
    let js = ''
    let captures = false
    while (this.#at < this.#text.length && !this.#starts(')')) {
      if (this.#starts('|')) {
        this.#at++
        js += '|'
        continue
      }
      const piece = this.#quantified()
      js += piece.js
      captures ||= piece.captures
      if (js.length > MAX_SOURCE) throw new RegexError('its repetitions are too large', this.#at)
    }
    this.#fold = folded
    this.#dotAll = dotAll
    this.#depth--
    return { js, captures }
  }

  #quantified(): Piece {
    const start = this.#at
    let piece = this.#atom()
    for (;;) {
      const m = /^(?:([*+?])|\{(\d+)(,(\d*))?\})([?+]?)/.exec(this.#text.slice(this.#at, this.#at + 24))
      if (m === null) return piece
      if (piece.js === '' || piece.js === '^') throw new RegexError('quantifier does not follow a repeatable item', this.#at)
      if (m[5] === '+') throw new RegexError('possessive quantifiers are refused', this.#at)
      this.#at += m[0].length
      const lazy = m[5] ?? ''
      if (m[1] !== undefined) {
        piece = { js: `${single(piece.js)}${m[1]}${lazy}`, captures: piece.captures }
        continue
      }
      const low = Number(m[2])
      const high = m[3] === undefined ? low : m[4] === '' ? Infinity : Number(m[4])
      if (low > MAX_COUNT || (high !== Infinity && high > MAX_COUNT)) throw new RegexError('number too big in {} quantifier', start)
      if (high < low) throw new RegexError('numbers out of order in {} quantifier', start)
      piece = { js: this.#unroll(piece, low, high, lazy, start), captures: piece.captures }
    }
  }

  /** x{2,4} as xxx?x?: the same language, in the same order of preference. */
  #unroll(piece: Piece, low: number, high: number, lazy: string, start: number): string {
    const one = single(piece.js)
    if (piece.captures && (low > 1 || (high > 1 && high !== Infinity))) throw new RegexError('a group inside a counted repetition cannot be referred to', start)
    const count = low + (high === Infinity ? 1 : high - low)
    if (one.length * count > MAX_SOURCE) throw new RegexError('its repetitions are too large', start)
    const js = one.repeat(low) + (high === Infinity ? `${one}*${lazy}` : `${one}?${lazy}`.repeat(high - low))
    return `(?:${js})`
  }

  #atom(): Piece {
    const start = this.#at
    const c = this.#next()
    switch (c) {
      case '(':
        return this.#group(start)
      case '[':
        return plain(this.#class(start))
      case '.':
        return plain(this.#dotAll ? '[\\x00-\\xff]' : '[^\\n]')
      case '^':
        return plain('^')
      case '$':
        return plain(this.#groups ? '$' : '(?:\\n?$)')
      case '*':
      case '+':
      case '?':
        throw new RegexError('quantifier does not follow a repeatable item', start)
      case '\\':
        return this.#escape(start)
      default:
        return plain(this.#char(c.charCodeAt(0)))
    }
  }

  #char(c: number): string {
    if (c > 255) throw new RegexError('character outside of one byte', this.#at)
    return this.#fold && ALPHA[c] === 1 ? `[${byte(c)}${byte(c ^ 32)}]` : byte(c)
  }

  #group(start: number): Piece {
    let open = this.#groups ? '(' : '(?:'
    let captures = this.#groups
    const m = /^\?(?:(#[^)]*\))|(:)|(?:P?<([A-Za-z_]\w*)>|'([A-Za-z_]\w*)')|([a-zA-Z]*)(?:-([a-zA-Z]*))?([:)])|(.))/s.exec(this.#text.slice(this.#at))
    if (m !== null) {
      this.#at += m[0].length
      if (m[1] !== undefined) return plain('')
      if (m[8] !== undefined) throw new RegexError(/[=!<]/.test(m[8]) ? 'look-around is refused' : `(?${m[8]} is refused`, start)
      if (m[2] !== undefined || m[7] !== undefined) {
        open = '(?:'
        captures = false
      }
      if (m[7] !== undefined) {
        const before = { fold: this.#fold, dotAll: this.#dotAll }
        this.#flags(m[5] ?? '', true, start)
        this.#flags(m[6] ?? '', false, start)
        // (?i) holds up to the end of the group that it stands in, which puts things back
        if (m[7] === ')') return plain('')
        const inner = this.#alternatives()
        this.#close(start)
        this.#fold = before.fold
        this.#dotAll = before.dotAll
        return { js: `(?:${inner.js})`, captures: inner.captures }
      }
    } else if (this.#starts('*')) throw new RegexError('verbs are refused', start)
    const inner = this.#alternatives()
    this.#close(start)
    return { js: `${open}${inner.js})`, captures: captures || inner.captures }
  }

  #close(start: number): void {
    if (this.#next() !== ')') throw new RegexError('missing closing parenthesis', start + 1)
  }

  #flags(letters: string, on: boolean, start: number): void {
    for (const letter of letters) {
      if (letter === 'i') this.#fold = on
      else if (letter === 's') this.#dotAll = on
      else throw new RegexError(`flag (?${letter}) is refused`, start)
    }
  }

  #escape(start: number): Piece {
    const c = this.#next()
    if (c === '') throw new RegexError('\\ at end of pattern', start)
    const type = TYPES[c]
    if (type !== undefined) return plain(classOf(type))
    switch (c) {
      case 'b':
      case 'B':
        return plain(`\\${c}`)
      case 'A':
        return plain('^')
      case 'z':
        return plain('$')
      case 'Z':
        return plain(this.#groups ? '$' : '(?:\\n?$)')
      case 'R':
        return plain('(?:\\r\\n|[\\n-\\r\\x85])')
      case 'Q': {
        const end = this.#text.indexOf('\\E', this.#at)
        const literal = this.#text.slice(this.#at, end < 0 ? undefined : end)
        this.#at = end < 0 ? this.#text.length : end + 2
        return plain([...literal].map((l) => this.#char(l.charCodeAt(0))).join(''))
      }
      case 'E':
        return plain('')
    }
    if (/[1-9kg]/.test(c)) throw new RegexError('back-references are refused: they can take exponential time', start)
    if (/[pPXKGC]/.test(c)) throw new RegexError(`\\${c} is refused`, start)
    return plain(this.#char(this.#code(c, start)))
  }

  /** The byte that an escape stands for, in and outside of classes. */
  #code(c: string, start: number): number {
    const control = CONTROLS[c]
    if (control !== undefined) return control
    const rest = this.#text.slice(this.#at, this.#at + 8)
    if (c === 'x') {
      const m = /^\{([0-9a-fA-F]{1,2})\}|^([0-9a-fA-F]{0,2})/.exec(rest)
      this.#at += m?.[0].length ?? 0
      return Number.parseInt(m?.[1] ?? m?.[2] ?? '', 16) || 0
    }
    if (c === '0') {
      const m = /^[0-7]{0,2}/.exec(rest)
      this.#at += m?.[0].length ?? 0
      return Number.parseInt(m?.[0] ?? '', 8) || 0
    }
    if (c === 'c') return this.#next().toUpperCase().charCodeAt(0) ^ 64
    if (/[A-Za-z0-9]/.test(c)) throw new RegexError('unrecognized character follows \\', start + 1)
    return c.charCodeAt(0)
  }

  #class(start: number): string {
    const out = new Uint8Array(256)
    const negated = this.#starts('^')
    if (negated) this.#at++
    let first = true
    for (;;) {
      if (this.#at >= this.#text.length) throw new RegexError('missing terminating ] for character class', this.#at)
      if (this.#starts(']') && !first) break
      first = false
      const posix = /^\[:(\^?)([a-z]+):\]/.exec(this.#text.slice(this.#at, this.#at + 16))
      if (posix !== null) {
        const named = POSIX[posix[2] ?? '']
        if (named === undefined) throw new RegexError('unknown POSIX class name', this.#at)
        add(out, posix[1] === '^' ? not(named) : named)
        this.#at += posix[0].length
        continue
      }
      const low = this.#member(out, start)
      if (low === undefined) continue
      if (this.#starts('-') && this.#text[this.#at + 1] !== ']' && this.#at + 1 < this.#text.length) {
        this.#at++
        const high = this.#member(out, start)
        if (high === undefined) {
          out[low] = out[45] = 1
          continue
        }
        if (high < low) throw new RegexError('range out of order in character class', this.#at - 1)
        out.fill(1, low, high + 1)
      } else out[low] = 1
    }
    this.#at++
    const folded = this.#fold ? fold(out) : out
    return classOf(negated ? not(folded) : folded)
  }

  /** One character of a class; a type such as \d goes into the set at once. */
  #member(out: Uint8Array, start: number): number | undefined {
    const c = this.#next()
    if (c !== '\\') {
      const code = c.charCodeAt(0)
      if (code > 255) throw new RegexError('character outside of one byte', this.#at)
      return code
    }
    const escape = this.#next()
    const type = TYPES[escape]
    if (type !== undefined) {
      add(out, type)
      return undefined
    }
    if (escape === 'b') return 8
    return this.#code(escape, start)
  }
}

function add(out: Uint8Array, other: Uint8Array): void {
  for (let c = 0; c < 256; c++) if (other[c] === 1) out[c] = 1
}

function plain(js: string): Piece {
  return { js, captures: false }
}

/** What a quantifier can stand behind. */
function single(js: string): string {
  return js.length === 1 || /^(\\x[0-9a-f]{2}|\\.|\[[^\]]*\]|\((?:[^()\\]|\\.)*\))$/s.test(js) ? js : `(?:${js})`
}
