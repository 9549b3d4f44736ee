// Owns the reading of one file: lines, directives, section lines, and statements in the section that was begun last.

import type { Files } from '../core/files.ts'
import type { Place } from '../core/keyword.ts'
import type { Home, Reading } from './args.ts'
import type { Facts } from './conditional.ts'
import { Directives } from './directives.ts'
import { textOf } from './octets.ts'
import { SECTION_NAMES, SKIPPED, type Sections } from './sections.ts'
import { readStatement } from './statement.ts'
import { didYouMean, nearest } from './near.ts'
import { cutLine, pointAt } from './words.ts'
import { messageOf } from '../util/shown.ts'

const LF = 10
const NUL = 0

export class ConfigurationReader {
  readonly #reading: Reading
  readonly #sections: Sections
  readonly #facts: Facts
  readonly #diag: boolean
  /** Sections do not go on in the next file; defaults do. */
  #home: Home | typeof SKIPPED | undefined

  constructor(reading: Reading, sections: Sections, facts: Facts, diag: boolean) {
    this.#reading = reading
    this.#sections = sections
    this.#facts = facts
    this.#diag = diag
  }

  /** Reads all lines of the file, past every problem but a NUL: what has one is no text. */
  read(file: string, files: Files): void {
    const { problems } = this.#reading
    let bytes: Buffer
    try {
      bytes = files.read(file)
    } catch (error) {
      problems.say('alert', { file, line: 0 }, `Cannot open configuration file ${file} : ${messageOf(error)}`)
      return
    }
    const directives = new Directives(this.#reading.env, this.#facts, this.#diag)
    this.#home = undefined
    let line = 0
    for (let start = 0; start < bytes.length; ) {
      line++
      const found = bytes.indexOf(LF, start)
      const end = found < 0 ? bytes.length : found
      const raw = bytes.subarray(start, end)
      const nul = raw.indexOf(NUL)
      if (nul >= 0) {
        problems.say('alert', { file, line, column: nul + 1 }, `Stray NUL character at position ${nul + 1}.`, 'this is no text file; what follows was not read')
        break
      }
      const text = textOf(raw)
      this.#line(text, { file, line }, directives)
      if (found < 0) {
        const column = text.length + 1
        problems.say('alert', { file, line, column }, `Missing LF on last line, file might have been truncated at position ${column}.`)
      }
      start = end + 1
    }
    if (directives.open !== undefined) problems.say('alert', { file, line }, "non-terminated '.if' block.", `the '.if' of line ${directives.open} has no '.endif'`)
  }

  #line(text: string, place: Place, directives: Directives): void {
    const { problems } = this.#reading
    const { words, fault } = cutLine(text, (name) => this.#variable(name, place))
    if (fault !== undefined) {
      problems.say('alert', { ...place, column: fault.column }, fault.shown ? `${fault.text}:\n${pointAt(text, fault.column)}` : fault.text)
      return
    }
    const first = words[0]
    if (first === undefined) return
    const isDirective = directives.take(words, place.line, (level, message, at) => problems.say(level, at === undefined ? place : { ...place, column: at.column }, message))
    if (isDirective || !directives.reading) return
    const begun = this.#sections.begin(words, place)
    if (begun !== undefined) {
      this.#home = begun
    } else if (this.#home === undefined) {
      const hint = first.text.startsWith('\uFEFF') ? 'an invisible byte order mark (U+FEFF) stands before it: save the file without' : didYouMean(first.text, SECTION_NAMES)
      problems.say('alert', { ...place, column: first.column }, `unknown keyword '${first.text}' out of section`, hint)
      if (hint !== undefined) this.#home = SKIPPED
    } else if (this.#home === SKIPPED) {
      // What looks like the next section must not go under in one that is skipped.
      const section = first.column === 1 ? nearest(first.text, SECTION_NAMES) : undefined
      if (section !== undefined) problems.say('alert', { ...place, column: 1 }, `unknown keyword '${first.text}' out of section`, didYouMean(first.text, SECTION_NAMES))
    } else if (!readStatement(this.#reading, this.#home, words, place)) {
      this.#home = SKIPPED
    }
  }

  #variable(name: string, place: Place): string | undefined {
    switch (name) {
      case '.FILE':
        return place.file
      case '.LINE':
        return String(place.line)
      case '.SECTION':
        return this.#home === undefined || this.#home === SKIPPED ? '' : this.#home.name === '' ? this.#home.kind : this.#home.name
      default:
        return this.#reading.env.get(name)
    }
  }
}
