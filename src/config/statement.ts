// Owns a line within a section: which keyword it is, or why it is none.

import type { Keyword, Place, Section, Word } from '../core/keyword.ts'
import { LineReader, type Home, type Manner, type Reading } from './args.ts'
import { notYet } from './language.ts'
import { SECTION_NAMES } from './sections.ts'
import { didYouMean, nearest } from './near.ts'

const PROXY: readonly Section[] = ['defaults', 'frontend', 'backend']
const ALL: readonly Section[] = ['global', ...PROXY]

/** Said where a capability is missing and HAProxy does not just ignore the line. */
const REFUSED = new Set(['server', 'default-server', 'server-template', 'tcp-request', 'tcp-response'])

/** Reads one line of a section. Returns false when the line looks like the beginning of a section, whose lines are then not read. */
export function readStatement(reading: Reading, home: Home, line: readonly Word[], place: Place): boolean {
  const manner = mannerOf(line[0]?.text ?? '')
  const words = manner === 'set' ? line : line.slice(1)
  const found = reading.table.find(home.sections, words, 0)
  if (found === undefined) return new Stranger(reading, home, words, place, manner).explain()
  const name = words
    .slice(0, found.words)
    .map((w) => w.text)
    .join(' ')
  const section = home.sections.find((s) => found.keyword.sections.includes(s)) ?? 'global'
  const reader = new LineReader(reading, home, name, section, { ...place, column: words[0]?.column ?? 1 }, { words, at: found.words, faults: 0 })
  if (manner !== 'set' && found.keyword.negate === undefined) refuseManner(reader, found.keyword)
  else if (reader.run(found.keyword, home.values, manner)) reader.finish()
  return true
}

function mannerOf(word: string): Manner {
  return word === 'no' || word === 'default' ? word : 'set'
}

function refuseManner(reader: LineReader, keyword: Keyword<unknown>): void {
  const option = /^option (.*)$/.exec(keyword.name)?.[1]
  const what = option === undefined ? `'${keyword.name}'` : `option '${option}'`
  reader.fail(`negation/default is not supported for ${what}.`)
}

/** A line that no keyword of its section begins. */
class Stranger {
  readonly #reading: Reading
  readonly #home: Home
  readonly #words: readonly Word[]
  readonly #place: Place
  readonly #manner: Manner

  constructor(reading: Reading, home: Home, words: readonly Word[], place: Place, manner: Manner) {
    this.#reading = reading
    this.#home = home
    this.#words = words
    this.#place = place
    this.#manner = manner
  }

  #say(level: 'alert' | 'warning', text: string, hint?: string, at = this.#words[0]): void {
    const place = at === undefined ? this.#place : { ...this.#place, column: at.column }
    this.#reading.problems.say(level, place, text, hint, level === 'warning' ? 'no-effect' : undefined)
  }

  explain(): boolean {
    const first = this.#words[0]?.text ?? ''
    if (first === '') {
      this.#say('alert', this.#manner === 'set' ? `unknown keyword '' in '${this.#home.kind}' section` : `'${this.#manner}' expects a keyword behind it.`)
      return true
    }
    return this.#misplaced(this.#home.kind === 'global' ? [] : PROXY) || this.#later() || this.#misplaced(ALL) || this.#stray(first)
  }

  /** A keyword of another section. */
  #misplaced(among: readonly Section[]): boolean {
    const found = this.#reading.table.find(among, this.#words, 0)
    if (found === undefined) return false
    const { kind, name } = this.#home
    const { keyword } = found
    const where = `it may stand in ${list(ALL.filter((s) => keyword.sections.includes(s)))}`
    const missing = kind === 'frontend' ? 'backend' : 'frontend'
    const lacks = (kind === 'frontend' || kind === 'backend') && keyword.sections.includes(missing)
    if (!lacks) this.#say('alert', `'${keyword.name}' not allowed in '${kind}' section`, where)
    else if (REFUSED.has(this.#words[0]?.text ?? '')) this.#say('alert', `'${keyword.name}' not allowed because ${kind} '${name}' has no ${missing} capability.`)
    else this.#say('warning', `'${keyword.name}' ignored because ${kind} '${name}' has no ${missing} capability.`)
    return true
  }

  #later(): boolean {
    const texts = this.#words.map((w) => w.text)
    const later = notYet(this.#home.kind, texts)
    // A word of the language may begin a family that is here in part: `option` is not the answer to `option nonsense`.
    const family = this.#reading.table.family(this.#home.sections, this.#words)
    if (later === undefined || later.keyword === family?.prefix.join(' ')) return false
    this.#say('alert', later.text, later.hint)
    return true
  }

  #stray(first: string): boolean {
    const { table } = this.#reading
    const family = table.family(this.#home.sections, this.#words)
    if (family !== undefined) {
      const prefix = family.prefix.join(' ')
      const next = this.#words[family.prefix.length]
      const got = next?.text ?? ''
      const hint = didYouMean(got, family.members)
      if (prefix !== 'option') this.#say('alert', `'${prefix}' supports ${list([...family.members])} (got '${got}')`, hint, next)
      else if (got === '') this.#say('alert', "'option' expects an option name.")
      else if (this.#manner === 'set') this.#say('alert', `unknown option '${got}'`, hint, next)
      else this.#say('alert', `negation/default is not supported for option '${got}'.`, hint, next)
      return true
    }
    const section = nearest(first, SECTION_NAMES)
    const hint = didYouMean(first, [...table.firstWords(this.#home.sections), ...SECTION_NAMES])
    this.#say('alert', `unknown keyword '${first}' in '${this.#home.kind}' section`, hint)
    return section === undefined || hint !== didYouMean(first, [section])
  }
}

/** `'a', 'b' and 'c'` */
function list(names: readonly string[]): string {
  const quoted = names.map((name) => `'${name}'`)
  const last = quoted.pop() ?? ''
  return quoted.length === 0 ? last : `${quoted.join(', ')} and ${last}`
}
