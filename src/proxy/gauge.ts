// Owns counts that threads share: each is one slot of shared memory, changed with atomics, so that a limit of 100 is 100 for the
// process and not for each thread. Every thread builds its proxies in the same order and so finds the same slots.
//
//   row 0      the totals
//   row 1 + n  what thread n has added: when it dies, that is taken back
//
// Only its own thread writes a row above 0, so the totals alone need atomics.

/** Enough for 60,000 servers. Memory that nobody counts in is never touched. */
const SLOTS = 262_144

/** The configuration has more to count than there is memory for. */
export class TooManyCounters extends Error {
  constructor(slots: number) {
    super(`more than ${slots} counters are needed: too many proxies and servers for one process`)
  }
}

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
    const slots = shared.byteLength / ((1 + threads) * Int32Array.BYTES_PER_ELEMENT)
    this.#totals = row(shared, 0, slots)
    this.#own = row(shared, 1 + thread, slots)
  }

  /** With a clock, it also knows how many were added in a second. */
  gauge(clock?: () => number): Gauge {
    return new Gauge(this.#totals, this.#own, this.#take(1), clock === undefined ? undefined : this.rate(clock))
  }

  /** Events per second; `clock` is in ms since the epoch, the same for all threads. */
  rate(clock: () => number): Rate {
    return new Rate(this.#totals, this.#take(3), clock)
  }

  #take(slots: number): number {
    const at = this.#taken
    if (at + slots > this.#totals.length) throw new TooManyCounters(this.#totals.length)
    this.#taken += slots
    return at
  }

  /** Takes back what a thread that is gone had added. */
  takeBack(thread: number): void {
    const totals = this.#totals
    const gone = row(this.shared, 1 + thread, totals.length)
    for (let i = 0; i < gone.length; i++) {
      const n = gone[i] ?? 0
      if (n !== 0) Atomics.sub(totals, i, n)
    }
    gone.fill(0)
  }
}

function row(shared: SharedArrayBuffer, n: number, slots: number): Int32Array {
  return new Int32Array(shared, n * slots * Int32Array.BYTES_PER_ELEMENT, slots)
}

/**
 * How often something happened in the last second: all of the second that goes on, and of the one before as much as is not over a second
 * ago. Three slots: the second, its count, the count of the one before. What a dead thread had counted is forgotten in time.
 */
export class Rate {
  readonly #totals: Int32Array
  readonly #at: number
  readonly #clock: () => number

  constructor(totals: Int32Array, at: number, clock: () => number) {
    this.#totals = totals
    this.#at = at
    this.#clock = clock
  }

  tick(): void {
    const totals = this.#totals
    const at = this.#at
    const second = Math.floor(this.#clock() / 1000) | 0
    const was = Atomics.load(totals, at)
    // one thread turns the page
    if (was !== second && Atomics.compareExchange(totals, at, was, second) === was) {
      const count = Atomics.exchange(totals, at + 1, 0)
      Atomics.store(totals, at + 2, second - was === 1 ? count : 0)
    }
    Atomics.add(totals, at + 1, 1)
  }

  get value(): number {
    const now = this.#clock()
    const ago = (Math.floor(now / 1000) | 0) - Atomics.load(this.#totals, this.#at)
    const count = Atomics.load(this.#totals, this.#at + 1)
    const left = 1 - (now % 1000) / 1000
    if (ago === 0) return count + Math.floor(Atomics.load(this.#totals, this.#at + 2) * left)
    return ago === 1 ? Math.floor(count * left) : 0
  }
}

export class Gauge {
  readonly #rate: Rate | undefined
  readonly #totals: Int32Array
  readonly #own: Int32Array
  readonly #at: number

  constructor(totals: Int32Array, own: Int32Array, at: number, rate?: Rate) {
    this.#rate = rate
    this.#totals = totals
    this.#own = own
    this.#at = at
  }

  get value(): number {
    return Atomics.load(this.#totals, this.#at)
  }

  /** How many were added in the last second; 0 where that is not counted. */
  get perSecond(): number {
    return this.#rate?.value ?? 0
  }

  /** Adds and returns the new value. */
  add(n: number): number {
    if (n > 0) this.#rate?.tick()
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
        this.#rate?.tick()
        this.#own[this.#at] = (this.#own[this.#at] ?? 0) + 1
        return true
      }
      seen = was
    }
    return false
  }
}
