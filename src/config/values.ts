// Owns the values of a section or a line: its own, then those of what it inherits from.

import type { Keyword, Place, Values } from '../core/keyword.ts'

/** What parse() of a keyword returned is of that keyword's type: the one place where the map's types are believed. */
function isValueOf<T>(_k: Keyword<T>, value: unknown): value is T {
  return value !== undefined
}

interface Entry {
  /** undefined: reset with `default`, so that nothing is inherited either. */
  readonly value: unknown
  readonly place: Place
}

export class SectionValues implements Values {
  readonly #own = new Map<Keyword<unknown>, Entry>()
  readonly #under: Values | undefined

  constructor(under?: Values) {
    this.#under = under
  }

  get<T>(keyword: Keyword<T>): T | undefined {
    const entry = this.#own.get(keyword)
    if (entry === undefined) return this.#under?.get(keyword)
    return isValueOf(keyword, entry.value) ? entry.value : undefined
  }

  /** What this section itself has said. */
  own<T>(keyword: Keyword<T>): T | undefined {
    const value = this.#own.get(keyword)?.value
    return isValueOf(keyword, value) ? value : undefined
  }

  placeOf(keyword: Keyword<unknown>): Place | undefined {
    return this.#own.get(keyword)?.place ?? this.#under?.placeOf(keyword)
  }

  set(keyword: Keyword<unknown>, value: unknown, place: Place): void {
    this.#own.set(keyword, { value, place })
  }
}

/** Nothing is set. */
export const NO_VALUES: Values = { get: () => undefined, placeOf: () => undefined }
