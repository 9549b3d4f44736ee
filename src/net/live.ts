// Owns the list of a thread's connections that hold a descriptor. Adding and removing cost a few assignments.

/** Whoever can be in one list. */
export interface Listed {
  /** Where in the list: the list's alone. */
  place: number
}

export class LiveList<T extends Listed> {
  readonly #all: T[] = []

  get size(): number {
    return this.#all.length
  }

  /** Only what is not in it. */
  add(one: T): void {
    one.place = this.#all.length
    this.#all.push(one)
  }

  /** Only what is in it; the last one takes its place. */
  delete(one: T): void {
    const last = this.#all.pop()
    if (last === undefined || last === one) return
    this.#all[one.place] = last
    last.place = one.place
  }

  /** Those of now, whatever becomes of them meanwhile. */
  all(): readonly T[] {
    return [...this.#all]
  }
}
