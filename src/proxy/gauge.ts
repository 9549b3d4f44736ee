// Owns counts that threads share: each is one slot of shared memory, changed with atomics, so that a limit of 100 is 100 for the
// process and not for each thread. Every thread builds its proxies in the same order and so finds the same slots.

const SLOTS = 65536

/** The memory behind all gauges of a process; `shared` is what other threads are given. */
export class GaugeMemory {
  readonly shared: SharedArrayBuffer
  readonly #cells: Int32Array
  #taken = 0

  constructor(shared: SharedArrayBuffer = new SharedArrayBuffer(SLOTS * Int32Array.BYTES_PER_ELEMENT)) {
    this.shared = shared
    this.#cells = new Int32Array(shared)
  }

  gauge(): Gauge {
    if (this.#taken >= this.#cells.length) throw new RangeError(`more than ${this.#cells.length} counters`)
    return new Gauge(this.#cells, this.#taken++)
  }
}

export class Gauge {
  readonly #cells: Int32Array
  readonly #at: number

  constructor(cells: Int32Array, at: number) {
    this.#cells = cells
    this.#at = at
  }

  get value(): number {
    return Atomics.load(this.#cells, this.#at)
  }

  /** Adds and returns the new value. */
  add(n: number): number {
    return Atomics.add(this.#cells, this.#at, n) + n
  }

  /** Adds one unless that would exceed the limit (0: none). */
  take(limit: number): boolean {
    if (this.add(1) <= limit || limit === 0) return true
    this.add(-1)
    return false
  }

  set(value: number): void {
    Atomics.store(this.#cells, this.#at, value)
  }
}
