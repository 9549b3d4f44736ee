// Owns sets of patterns as they were declared (a file, or the words of one ACL), and the indexes that are built from them. What is
// added or taken away while running goes to every index of the set: all uses of a file are one set.

import type { Plugin } from '../../core/plugin.ts'
import type { ByteString } from '../../core/sample.ts'
import type { Pattern, PatternIndex } from './pattern.ts'

/** An index that is made anew when its set is cleared. */
export interface IndexSlot {
  index: PatternIndex
}

interface Attached {
  readonly slot: IndexSlot
  readonly make: () => PatternIndex
  /** Checks a map's value. A string: what is wrong. */
  readonly check: ((value: ByteString) => string | undefined) | undefined
}

export class PatternSet {
  /** The number that the configuration gives it (-u); undefined: none. */
  readonly fixed: number | undefined
  readonly #store: PatternStore
  /** The file's name as written, '' for an ACL's own words. */
  readonly file: string
  /** Where it is used: `acl 'a' file 'x.cfg' line 12`. */
  readonly usedBy: string[] = []
  #entries: Pattern[] = []
  #nextPattern = 1
  readonly #attached: Attached[] = []

  constructor(store: PatternStore, file: string, fixed?: number) {
    this.#store = store
    this.file = file
    this.fixed = fixed
  }

  /** Unique; the number that runtime commands call it by. It is settled when the configuration is read: others may be given numbers below. */
  get id(): number {
    return this.#store.idOf(this)
  }

  get entries(): readonly Pattern[] {
    return this.#entries
  }

  /** Adds a pattern to the set and to its indexes. A string: why not; then it is in none. */
  add(text: ByteString, value?: ByteString): string | undefined {
    const pattern: Pattern = { id: this.#nextPattern++, text, value }
    for (const { slot, check } of this.#attached) {
      const problem = (value === undefined ? undefined : check?.(value)) ?? slot.index.add(pattern)
      if (problem !== undefined) {
        this.#rebuild()
        return problem
      }
    }
    this.#entries.push(pattern)
    return undefined
  }

  /** Takes away every pattern of this text; false: there was none. */
  remove(text: ByteString): boolean {
    const left = this.#entries.filter((pattern) => pattern.text !== text)
    if (left.length === this.#entries.length) return false
    this.#entries = left
    for (const { slot } of this.#attached) slot.index.remove(text)
    return true
  }

  /** Gives another value to every pattern of this text. A string: why not; undefined also when there is none. */
  setValue(text: ByteString, value: ByteString): string | undefined {
    for (const { check } of this.#attached) {
      const problem = check?.(value)
      if (problem !== undefined) return problem
    }
    for (const pattern of this.#entries) if (pattern.text === text) pattern.value = value
    return undefined
  }

  clear(): void {
    this.#entries = []
    this.#rebuild()
  }

  /** Builds one more index of the set. A string: which pattern is not of its kind. */
  attach(make: () => PatternIndex, check?: (value: ByteString) => string | undefined): IndexSlot | { readonly problem: string; readonly pattern: Pattern } {
    const slot: IndexSlot = { index: make() }
    for (const pattern of this.#entries) {
      const problem = (pattern.value === undefined ? undefined : check?.(pattern.value)) ?? slot.index.add(pattern)
      if (problem !== undefined) return { problem, pattern }
    }
    this.#attached.push({ slot, make, check })
    return slot
  }

  #rebuild(): void {
    for (const { slot, make } of this.#attached) {
      slot.index = make()
      for (const pattern of this.#entries) slot.index.add(pattern)
    }
  }
}

/** All sets of one configuration. */
export class PatternStore {
  readonly #files = new Map<string, { readonly columns: 1 | 2; readonly set: PatternSet }>()
  readonly sets: PatternSet[] = []
  readonly #ids = new Map<PatternSet, number>()
  readonly #fixed = new Set<number>()
  #numbered = 0

  /**
   * The set of a file; `load` is called for the first use with the empty set. undefined: it could not be loaded. A string: the file
   * is used with another number of columns already.
   */
  ofFile(file: string, columns: 1 | 2, load: (set: PatternSet) => boolean): PatternSet | undefined | string {
    const had = this.#files.get(file)
    if (had !== undefined) {
      return had.columns === columns ? had.set : `The file "${file}" is already used as ${had.columns === 1 ? 'one column' : 'two columns'} file, it cannot be used by as ${columns === 1 ? 'one column' : 'two columns'} file.`
    }
    const set = new PatternSet(this, file)
    if (!load(set)) return undefined
    this.#files.set(file, { columns, set })
    this.sets.push(set)
    return set
  }

  /** A set of an ACL's own words, with the number that it is given. A string: why not. */
  own(fixed?: number): PatternSet | string {
    if (fixed !== undefined) {
      if (this.#fixed.has(fixed)) return 'the id is already used'
      this.#fixed.add(fixed)
    }
    const set = new PatternSet(this, '', fixed)
    this.sets.push(set)
    return set
  }

  /** Sets without a number of their own have the lowest that are free, in the order in which they were declared. */
  idOf(set: PatternSet): number {
    if (this.#numbered !== this.sets.length) this.#number()
    return this.#ids.get(set) ?? -1
  }

  #number(): void {
    this.#ids.clear()
    let next = 0
    for (const set of this.sets) {
      if (set.fixed === undefined) while (this.#fixed.has(next)) next++
      this.#ids.set(set, set.fixed ?? next++)
    }
    this.#numbered = this.sets.length
  }
}

const stores = new WeakMap<readonly Plugin[], PatternStore>()

/** The store of the configuration that is read with these plugins. */
export function patternStore(plugins: readonly Plugin[]): PatternStore {
  let store = stores.get(plugins)
  if (store === undefined) stores.set(plugins, (store = new PatternStore()))
  return store
}
