// Owns counts that threads share: each is one slot of shared memory, changed with atomics, so that a limit of 100 is 100 for the
// process and not for each thread. Every thread builds its proxies in the same order and so finds the same slots.
//
//   row 0      the totals
//   row 1 + n  what thread n has added: when it dies, that is taken back
//
// Only its own thread writes a row above 0, so the totals alone need atomics.

const SLOTS = 16384

/** The memory behind all gauges of a process; `shared` is what other threads are given. */
export class GaugeMemory {
  readonly shared: SharedArrayBuffer
  /** This thread's number, from 0. */
  readonly thread: number
  readonly #totals: Int32Array
  readonly #own: Int32Array
  #taken = 0

  /** `thread` is this thread's number among `threads`, from 0. `shared` is another thread's memory of the same `threads`. */
  constructor(thread = 0, threads = 1, shared = new SharedArrayBuffer((1 + threads) * SLOTS * Int32Array.BYTES_PER_ELEMENT)) {
    this.shared = shared
    this.thread = thread
    this.#totals = row(shared, 0)
    this.#own = row(shared, 1 + thread)
  }

  gauge(): Gauge {
    if (this.#taken >= SLOTS) throw new RangeError(`more than ${SLOTS} counters: too many proxies and servers`)
    return new Gauge(this.#totals, this.#own, this.#taken++)
  }

  /** Takes back what a thread that is gone had added. */
  static takeBack(shared: SharedArrayBuffer, thread: number): void {
    const totals = row(shared, 0)
    const gone = row(shared, 1 + thread)
    for (let i = 0; i < SLOTS; i++) {
      const n = gone[i] ?? 0
      if (n !== 0) Atomics.sub(totals, i, n)
    }
    gone.fill(0)
  }
}

function row(shared: SharedArrayBuffer, n: number): Int32Array {
  return new Int32Array(shared, n * SLOTS * Int32Array.BYTES_PER_ELEMENT, SLOTS)
}

export class Gauge {
  readonly #totals: Int32Array
  readonly #own: Int32Array
  readonly #at: number

  constructor(totals: Int32Array, own: Int32Array, at: number) {
    this.#totals = totals
    this.#own = own
    this.#at = at
  }

  get value(): number {
    return Atomics.load(this.#totals, this.#at)
  }

  /** Adds and returns the new value. */
  add(n: number): number {
    this.#own[this.#at] = (this.#own[this.#at] ?? 0) + n
    return Atomics.add(this.#totals, this.#at, n) + n
  }

  /** Adds one unless the value has reached the limit (0: none). Exact over threads: it is never above the limit. */
  take(limit: number): boolean {
    if (limit === 0) {
      this.add(1)
      return true
    }
    for (let seen = this.value; seen < limit; ) {
      const was = Atomics.compareExchange(this.#totals, this.#at, seen, seen + 1)
      if (was === seen) {
        this.#own[this.#at] = (this.#own[this.#at] ?? 0) + 1
        return true
      }
      seen = was
    }
    return false
  }
}
