// Owns the reading of one line: its words from left to right, by a keyword's parser, and the storing of what that returns.

import type { Args, Keyword, Place, Section, Values, WarningName, Word } from '../core/keyword.ts'
import type { Plugin } from '../core/plugin.ts'
import { disown, isPromise, messageOf } from '../util/shown.ts'
import { notYet } from './language.ts'
import type { Problems } from './problems.ts'
import { didYouMean } from './near.ts'
import type { KeywordTable } from './table.ts'
import { SectionValues } from './values.ts'

/** What all lines of a configuration share. */
export interface Reading {
  readonly table: KeywordTable
  readonly env: Map<string, string>
  /** -L */
  readonly localPeer: string | undefined
  readonly problems: Problems
  readonly plugins: readonly Plugin[]
  /** Throws an Error with a message for the reader. */
  readonly readFile: (path: string, place: Place) => Buffer
}

/** The section that a line is in. */
export interface Home {
  readonly kind: 'global' | 'defaults' | 'frontend' | 'backend' | 'listen'
  readonly name: string
  readonly sections: readonly Section[]
  readonly values: SectionValues
}

export type Manner = 'set' | 'no' | 'default'

/** The words of a line and how far they have been read; shared by the line's keyword and its options. */
interface Cursor {
  readonly words: readonly Word[]
  at: number
  faults: number
}

export class LineReader implements Args {
  readonly keyword: string
  readonly section: Section
  readonly sectionKind: Home['kind']
  readonly sectionName: string
  readonly place: Place
  readonly values: Values
  readonly env: Map<string, string>
  readonly localPeer: string | undefined
  readonly plugins: readonly Plugin[]
  readonly #reading: Reading
  readonly #home: Home
  readonly #cursor: Cursor
  /** In front of every message: `'bind :80' in section 'frontend' : `. */
  readonly #prefix: string

  constructor(reading: Reading, home: Home, keyword: string, section: Section, place: Place, cursor: Cursor, prefix = '') {
    this.keyword = keyword
    this.section = section
    this.sectionKind = home.kind
    this.sectionName = home.name
    this.place = place
    this.values = home.values
    this.env = reading.env
    this.localPeer = reading.localPeer
    this.plugins = reading.plugins
    this.#reading = reading
    this.#home = home
    this.#cursor = cursor
    this.#prefix = prefix
  }

  peek(): Word | undefined {
    return this.#cursor.words[this.#cursor.at]
  }

  next(): Word | undefined {
    const word = this.peek()
    if (word !== undefined) this.#cursor.at++
    return word
  }

  rest(): Word[] {
    const words = this.#cursor.words.slice(this.#cursor.at)
    this.#cursor.at = this.#cursor.words.length
    return words
  }

  fail(text: string, hint?: string, at?: Word): undefined {
    this.#cursor.faults++
    this.#reading.problems.say('alert', this.#placeOf(at), this.#prefix + text, hint)
    return undefined
  }

  warn(text: string, hint?: string, at?: Word, name?: WarningName): void {
    this.#reading.problems.say('warning', this.#placeOf(at), this.#prefix + text, hint, name)
  }

  #placeOf(at: Word | undefined): Place {
    const column = (at ?? this.#cursor.words[this.#cursor.at - 1])?.column
    return column === undefined ? this.place : { ...this.place, column }
  }

  readFile(path: string, at?: Word): Buffer | undefined {
    try {
      return this.#reading.readFile(path, this.place)
    } catch (error) {
      return this.fail(`unable to read '${path}' : ${messageOf(error)}`, undefined, at)
    }
  }

  /** Lets the keyword read its arguments and keeps the result. Returns false when it reported an alert. */
  run(keyword: Keyword<unknown>, values: SectionValues, manner: Manner): boolean {
    const before = this.#cursor.faults
    const target = keyword.writes ?? keyword
    if (manner === 'default') {
      values.set(target, undefined, this.place)
    } else {
      const so = target.inherits === 'add' || keyword.inherits === 'add' ? values.get(target) : values.own(target)
      let value: unknown
      try {
        value = manner === 'no' ? keyword.negate?.(this, so) : keyword.parse(this, so)
      } catch (error) {
        return this.fail(`keyword '${keyword.name}' failed: ${messageOf(error)}; this is a bug of who made it`) ?? false
      }
      if (isPromise(value)) {
        disown(value)
        return this.fail(`keyword '${keyword.name}' failed: it returned a Promise, and a configuration is read in one go; this is a bug of who made it`) ?? false
      }
      if (value !== undefined && this.#cursor.faults === before) values.set(target, value, this.place)
    }
    return this.#cursor.faults === before
  }

  /** What a line keyword has left over is an error, save empty words: HAProxy ends a line at the first one. */
  finish(): void {
    const extra = this.#cursor.words.slice(this.#cursor.at).find((w) => w.text !== '')
    if (extra !== undefined) this.fail(`'${this.keyword}' cannot handle unexpected argument '${extra.text}'.`, undefined, extra)
  }

  options(section: 'bind' | 'server', under?: Values): Values {
    const values = new SectionValues(under)
    const prefix = this.#optionPrefix(section)
    const { words } = this.#cursor
    let sound = true
    for (;;) {
      const word = this.peek()
      if (word === undefined || words.slice(this.#cursor.at).every((w) => w.text === '')) break
      const found = this.#option(section, word)
      if (found === undefined) {
        // Behind a fault, words may be arguments of what could not be read: go on at the next word that is an option, be it one that is not done yet.
        if (sound || notYet(section, [word.text]) !== undefined) this.#unknownOption(section, word, prefix)
        sound = false
        this.#cursor.at++
        continue
      }
      this.#cursor.at += found.words
      const name = words.slice(this.#cursor.at - found.words, this.#cursor.at).map((w) => w.text)
      const reader = new LineReader(this.#reading, this.#home, name.join(' '), section, this.place, this.#cursor, prefix)
      sound = reader.run(found.keyword, values, found.manner)
    }
    this.#cursor.at = words.length
    return values
  }

  /** `no-X` is a keyword of its own, or else takes X back. */
  #option(section: Section, word: Word): { keyword: Keyword<unknown>; words: number; manner: Manner } | undefined {
    const found = this.#reading.table.find([section], this.#cursor.words, this.#cursor.at)
    if (found !== undefined) return { ...found, manner: 'set' }
    if (!word.text.startsWith('no-')) return undefined
    const negated = this.#reading.table.find([section], [{ ...word, text: word.text.slice(3) }], 0)
    return negated?.keyword.negate === undefined ? undefined : { ...negated, manner: 'no' }
  }

  #unknownOption(section: 'bind' | 'server', word: Word, prefix: string): void {
    const reader = new LineReader(this.#reading, this.#home, word.text, section, this.place, this.#cursor, prefix)
    const later = notYet(section, this.#cursor.words.slice(this.#cursor.at).map((w) => w.text))
    if (later !== undefined) reader.fail(later.text, later.hint, word)
    else reader.fail(`unknown keyword '${word.text}'`, didYouMean(word.text, this.#reading.table.firstWords([section])), word)
  }

  #optionPrefix(section: 'bind' | 'server'): string {
    const first = this.#cursor.words[1]?.text ?? ''
    if (section === 'bind') return `'${this.keyword} ${first}' in section '${this.sectionKind}' : `
    return this.keyword === 'server' ? `'server ${this.sectionName}/${first}' : ` : `'${this.keyword}' : `
  }
}
