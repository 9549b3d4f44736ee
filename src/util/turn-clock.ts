// Owns a clock that stands still during a turn of an event loop that asks it hundreds of times.

export class TurnClock {
  readonly #read: () => number
  /** The time of the turn that goes on; -1 when nobody has asked in it; 0 outside of turns. */
  #held = 0

  /** `read`: the time, never 0. */
  constructor(read: () => number) {
    this.#read = read
  }

  readonly now = (): number => {
    if (this.#held === 0) return this.#read()
    if (this.#held === -1) this.#held = this.#read()
    return this.#held
  }

  /** A turn begins: the first who asks gets the time, all others the same. */
  freeze(): void {
    this.#held = -1
  }

  thaw(): void {
    this.#held = 0
  }
}
