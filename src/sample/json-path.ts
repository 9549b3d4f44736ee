// Owns looking one value up in JSON text by a path (`$.a.b[2]`), without building the document: what lies beside the path is passed over.

import type { ByteString } from '../core/sample.ts'
import { toBytes } from '../core/sample.ts'

/** A key, or an index of an array. */
type Step = ByteString | number
export type JsonPath = readonly Step[]

export type JsonValue =
  | { readonly kind: 'string'; readonly value: ByteString }
  /** As it is written. */
  | { readonly kind: 'number'; readonly value: ByteString }
  | { readonly kind: 'boolean'; readonly value: boolean }

/** `$`, then `.key` (a backslash frees a dot) and `[index]`. A string: what is wrong. */
export function parseJsonPath(text: ByteString): { readonly path: JsonPath } | string {
  if (text === '') return 'json_path must not be empty'
  if (!text.startsWith('$')) return `a path begins with '$', such as $.key`
  const path: Step[] = []
  for (let at = 1; at < text.length; ) {
    if (text[at] === '[') {
      const index = /^\[([0-9]{1,9})\]/.exec(text.slice(at))
      if (index === null) return `an index such as [0] is expected at '${text.slice(at)}'`
      path.push(Number(index[1]))
      at += index[0].length
    } else if (text[at] === '.') {
      const key = /^\.((?:\\.|[^.[\\])+)/s.exec(text.slice(at))
      if (key === null) return `a key is expected at '${text.slice(at)}'`
      path.push((key[1] ?? '').replace(/\\(.)/gs, '$1'))
      at += key[0].length
    } else {
      return `'.key' or '[index]' is expected at '${text.slice(at)}'`
    }
  }
  return { path }
}

const STRING = /"([^"\\]*(?:\\.[^"\\]*)*)"/sy
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
const BLANKS = /[ \t\r\n]*/y
/** All that ends a value or opens another: to pass over one. */
const MARK = /["{}[\],]/g

class Scanner {
  readonly #text: ByteString
  at = 0

  constructor(text: ByteString) {
    this.#text = text
  }

  match(regex: RegExp): RegExpExecArray | undefined {
    regex.lastIndex = this.at
    const found = regex.exec(this.#text)
    if (found === null) return undefined
    this.at = regex.lastIndex
    return found
  }

  blanks(): void {
    this.match(BLANKS)
  }

  /** Takes one character if it is this. */
  takes(c: string): boolean {
    this.blanks()
    if (this.#text[this.at] !== c) return false
    this.at++
    return true
  }

  string(): ByteString | undefined {
    this.blanks()
    return this.match(STRING)?.[1]
  }

  literal(word: string): boolean {
    if (!this.#text.startsWith(word, this.at)) return false
    this.at += word.length
    return true
  }

  /** Passes over one value, whatever it is. false: the text ends within it. */
  skip(): boolean {
    this.blanks()
    let depth = 0
    for (;;) {
      MARK.lastIndex = this.at
      const found = MARK.exec(this.#text)
      if (found === null) return false
      const c = found[0]
      if (depth === 0 && (c === ',' || c === '}' || c === ']')) {
        this.at = found.index
        return true
      }
      if (c === '"') {
        this.at = found.index
        if (this.match(STRING) === undefined) return false
      } else {
        this.at = found.index + 1
        if (c === '{' || c === '[') depth++
        else if (c !== ',') depth--
      }
      if (depth === 0 && c !== ',') return true
    }
  }
}

/** The value at the path, when it is a string, a number or a boolean. undefined: there is none such, or the text is broken before it. */
export function jsonValue(text: ByteString, path: JsonPath): JsonValue | undefined {
  const scan = new Scanner(text)
  for (const step of path) {
    if (!(typeof step === 'number' ? enterArray(scan, step) : enterObject(scan, step))) return undefined
  }
  scan.blanks()
  const string = scan.string()
  if (string !== undefined) {
    const value = unescapeJson(string)
    return value === undefined ? undefined : { kind: 'string', value }
  }
  if (scan.literal('true')) return { kind: 'boolean', value: true }
  if (scan.literal('false')) return { kind: 'boolean', value: false }
  const number = scan.match(NUMBER)
  return number === undefined ? undefined : { kind: 'number', value: number[0] }
}

/** Stands before the value of the first member of this name. */
function enterObject(scan: Scanner, key: ByteString): boolean {
  if (!scan.takes('{')) return false
  for (;;) {
    const name = scan.string()
    if (name === undefined || !scan.takes(':')) return false
    if (unescapeJson(name) === key) return true
    if (!scan.skip() || !scan.takes(',')) return false
  }
}

function enterArray(scan: Scanner, index: number): boolean {
  if (!scan.takes('[')) return false
  if (index === 0 && scan.takes(']')) return false
  for (let i = 0; i < index; i++) if (!scan.skip() || !scan.takes(',')) return false
  return true
}

const ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', '"': '"', '\\': '\\', '/': '/' }

/** What stands between the quotes of a JSON string, as UTF-8 bytes. undefined: an escape that is none. */
function unescapeJson(text: ByteString): ByteString | undefined {
  if (!text.includes('\\')) return text
  let good = true
  const out = text.replace(/((?:\\u[0-9a-fA-F]{4})+)|\\(.)/gs, (_, units?: string, c = '') => {
    if (units !== undefined) return toBytes(String.fromCharCode(...units.slice(2).split('\\u').map((unit) => Number.parseInt(unit, 16))))
    const plain = ESCAPES[String(c)]
    good &&= plain !== undefined
    return plain ?? ''
  })
  return good ? out : undefined
}
