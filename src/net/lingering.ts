// Owns how many ended connections of nobody may keep their descriptors: a server that does not end its side holds one of ours for as long as
// a drain may take, and no limit on connections counts it any more.

/** An ended connection that waits for its peer's end. */
export interface Lingerer {
  /** Lets go of the descriptor now. */
  abandon(): void
}

export class Lingering {
  readonly #most: number
  /** In the order in which they ended. */
  readonly #all = new Set<Lingerer>()

  /** `most` in this thread; beyond that, the one that has waited longest waits no more. Default: no limit. */
  constructor(most = Infinity) {
    this.#most = most
  }

  get size(): number {
    return this.#all.size
  }

  /** It may be given up at once. */
  add(one: Lingerer): void {
    this.#all.add(one)
    while (this.#all.size > this.#most) {
      const [oldest] = this.#all
      if (oldest === undefined) break
      this.#all.delete(oldest)
      oldest.abandon()
    }
  }

  /** It has come to its end, by whatever way; if it was never added, nothing happens. */
  delete(one: Lingerer): void {
    this.#all.delete(one)
  }
}
