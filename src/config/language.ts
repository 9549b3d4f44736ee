// Owns the answer for words of HAProxy's language that no keyword table has: which of them are known, and what is said of them.
// Silence is never an answer, and "unknown keyword" is for words that HAProxy does not know either.

import { foreign } from './foreign.ts'
import { instead } from './instead.ts'
import { LANGUAGE } from './languagedata.ts'

export interface NotYet {
  /** The words that were recognized: `option mysql-check`. */
  readonly keyword: string
  /** The whole answer, such as `'option mysql-check' is not supported yet.` */
  readonly text: string
  /** What to do about it. */
  readonly hint?: string
}

/** Kinds of proxy sections share one list. */
const PLACES: Readonly<Record<string, string>> = { defaults: 'proxy', frontend: 'proxy', backend: 'proxy', listen: 'proxy' }

/** Words of the longest: `set rate-limit sessions global`. */
const LONGEST = 4

const KNOWN: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries(LANGUAGE).map(([place, text]) => [place, new Set(split(text))]),
)

function split(text: string): string[] {
  return text
    .split(',')
    .map((word) => word.trim().replaceAll(/\s+/g, ' '))
    .filter((word) => word !== '')
}

/** All the words of a place, sorted: for tests and the reference. Unknown places have none. */
export function languageWords(place: string): readonly string[] {
  return [...(KNOWN.get(PLACES[place] ?? place) ?? [])]
}

/** The places that have words: global, proxy, bind, server, action, fetch, converter … */
export function languagePlaces(): readonly string[] {
  return [...KNOWN.keys()]
}

/**
 * What to say of a line or option that begins with `words` and that no keyword entry reads; undefined when HAProxy does not know it
 * either. `place` is a kind of section (global, defaults, frontend, backend, listen), an option list (bind, server), a place of the rule
 * language (action, fetch, converter), `section` for the name of a section, or `runtime` for commands. An argument in parentheses does
 * not belong to a word: `set-var(txn.a)` is `set-var`.
 */
export function notYet(place: string, words: readonly string[]): NotYet | undefined {
  const at = Object.hasOwn(PLACES, place) ? (PLACES[place] ?? place) : place
  for (let n = Math.min(LONGEST, words.length); n > 0; n--) {
    const keyword = words
      .slice(0, n)
      .map((word) => word.replace(/\(.*$/s, ''))
      .join(' ')
    const text = foreign(at, keyword) ?? (KNOWN.get(at)?.has(keyword) === true ? `'${keyword}' is not supported yet.` : undefined)
    if (text === undefined) continue
    const hint = text.endsWith('is not supported yet.') ? instead(keyword) : undefined
    return { keyword, text, ...(hint === undefined ? {} : { hint }) }
  }
  return undefined
}
