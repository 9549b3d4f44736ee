// Owns time: one coarse timer wheel for all deadlines of a thread. Arming, moving and disarming cost a few assignments.
//
//   near  256 slots of 4 ms     (about 1 s ahead)
//   far   256 slots of 1.024 s  (about 4 min ahead), emptied into `near` as their second comes
//   late  one list for what is later still, looked through twice per turn of `far`, so before any of it is due
//
// A timer strikes up to one slot late and never early. While nothing is armed, nothing wakes the process.

const NEAR_MS = 4
const SLOTS = 256
const LATE_LOOK = SLOTS / 2

/** A deadline: extended by whoever has one, so that arming it allocates nothing. */
export abstract class Timer {
  /** When it strikes, in the wheel's milliseconds; 0 while disarmed. Only the wheel writes what is here. */
  at = 0
  /** When it was to strike as it was put where it is: never later than `at`. */
  placed = 0
  prev: Timer | null = null
  next: Timer | null = null
  /** Its time has come; it is disarmed and may be armed again. */
  abstract strike(): void
}

/** A timer for those who have no object of their own to extend. */
export class Alarm extends Timer {
  readonly #ring: () => void

  constructor(ring: () => void) {
    super()
    this.#ring = ring
  }

  strike(): void {
    this.#ring()
  }
}

/** A list of timers is a ring around a head that never strikes. */
function ring(): Timer {
  const head = new Alarm(() => undefined)
  head.prev = head
  head.next = head
  return head
}

function link(head: Timer, timer: Timer): void {
  const last = head.prev ?? head
  timer.prev = last
  timer.next = head
  last.next = timer
  head.prev = timer
}

function unlink(timer: Timer): void {
  if (timer.prev === null || timer.next === null) return
  timer.prev.next = timer.next
  timer.next.prev = timer.prev
  timer.prev = null
  timer.next = null
}

/** Where the wheel gets its time and its wake-ups from; tests give their own. */
export interface WheelClock {
  /** Monotonic milliseconds. */
  now(): number
  /** Calls tick once, ms from now; a later call replaces the one before. */
  wakeIn(ms: number, tick: () => void): void
  /** No wake-up is needed any more. */
  rest(): void
}

/** A tick that comes later than this finds a loop that stood still: a suspended process, a long turn. ms */
const STALL_MS = 2 * NEAR_MS

/**
 * `now`: monotonic whole milliseconds: small integers cost less than doubles, and nothing here is finer.
 *
 * After a stall Node's loop comes to its timers first, and only then learns what has arrived meanwhile. A tick that is late
 * lets all of that be heard before it strikes anybody for being silent: one immediate is behind the poll phase, the
 * second is behind those of the first, in which the linux provider does its work.
 */
export function systemWheelClock(now: () => number = monotonic): WheelClock {
  let timeout: NodeJS.Timeout | undefined
  let heard: NodeJS.Immediate | undefined
  const rest = (): void => {
    clearTimeout(timeout)
    clearImmediate(heard)
    timeout = undefined
    heard = undefined
  }
  return {
    now,
    wakeIn(ms, tick) {
      rest()
      const due = now() + ms
      timeout = setTimeout(() => {
        if (now() - due < STALL_MS) tick()
        else heard = setImmediate(() => (heard = setImmediate(tick)))
      }, ms)
    },
    rest,
  }
}

export function monotonic(): number {
  return Math.trunc(performance.now())
}

export class Wheel {
  readonly #clock: WheelClock
  readonly #near: Timer[] = []
  readonly #far: Timer[] = []
  readonly #late = ring()
  /** Number of the last near slot that was emptied. */
  #done: number
  #armed = 0
  /** Slot number for which a wake-up is ordered, Infinity without one. */
  #ordered = Infinity
  #turning = false
  readonly #tick = (): void => this.turn()

  constructor(clock: WheelClock = systemWheelClock()) {
    this.#clock = clock
    for (let i = 0; i < SLOTS; i++) {
      this.#near.push(ring())
      this.#far.push(ring())
    }
    this.#done = Math.floor(clock.now() / NEAR_MS)
  }

  /** Its clock's milliseconds. */
  now(): number {
    return this.#clock.now()
  }

  /** Strikes once, ms from now; moves a timer that is armed already. Later is one assignment: it is looked at again where it is. */
  arm(timer: Timer, ms: number): void {
    const now = this.now()
    const at = now + Math.ceil(ms)
    if (timer.at === 0) this.#armed++
    else if (at >= timer.placed) {
      timer.at = at
      return
    } else unlink(timer)
    if (this.#armed === 1 && !this.#turning) this.#done = Math.floor(now / NEAR_MS)
    timer.at = at
    this.#place(timer)
    if (!this.#turning) this.#order(Math.ceil(timer.at / NEAR_MS))
  }

  disarm(timer: Timer): void {
    if (timer.at === 0) return
    unlink(timer)
    timer.at = 0
    if (--this.#armed === 0 && !this.#turning) {
      this.#ordered = Infinity
      this.#clock.rest()
    }
  }

  #place(timer: Timer): void {
    timer.placed = timer.at
    const slot = Math.max(Math.ceil(timer.at / NEAR_MS), this.#done + 1)
    const ahead = slot - this.#done
    if (ahead < SLOTS) link(this.#near[slot % SLOTS] ?? this.#late, timer)
    else if (ahead < SLOTS * (SLOTS - 1)) link(this.#far[Math.floor(slot / SLOTS) % SLOTS] ?? this.#late, timer)
    else link(this.#late, timer)
  }

  #order(slot: number): void {
    if (slot >= this.#ordered) return
    this.#ordered = slot
    this.#clock.wakeIn(Math.max(1, Math.ceil(slot * NEAR_MS - this.#clock.now())), this.#tick)
  }

  /** Strikes all that is due. Called by the clock; tests call it after moving theirs. */
  turn(): void {
    const present = Math.floor(this.#clock.now() / NEAR_MS)
    this.#turning = true
    this.#ordered = Infinity
    try {
      while (this.#done < present && this.#armed > 0) {
        this.#done++
        if (this.#done % SLOTS === 0) this.#cascade()
        this.#empty(this.#near[this.#done % SLOTS] ?? this.#late)
      }
      this.#done = Math.max(this.#done, present)
    } finally {
      this.#turning = false
      if (this.#armed > 0) this.#order(this.#nextSlot())
      else this.#clock.rest()
    }
  }

  #empty(head: Timer): void {
    // Only what was there when the slot came: a timer armed meanwhile goes to a later slot.
    for (let timer = head.next; timer !== null && timer !== head; timer = head.next) {
      unlink(timer)
      if (Math.ceil(timer.at / NEAR_MS) > this.#done) {
        this.#place(timer) // it was moved since
        continue
      }
      timer.at = 0
      this.#armed--
      timer.strike()
    }
  }

  #cascade(): void {
    const second = Math.floor(this.#done / SLOTS)
    this.#replace(this.#far[second % SLOTS] ?? this.#late)
    if (second % LATE_LOOK === 0) this.#replace(this.#late)
  }

  #replace(head: Timer): void {
    const timers: Timer[] = []
    for (let timer = head.next; timer !== null && timer !== head; timer = timer.next) timers.push(timer)
    for (const timer of timers) {
      unlink(timer)
      const due = Math.ceil(timer.at / NEAR_MS)
      if (due <= this.#done) link(this.#near[this.#done % SLOTS] ?? this.#late, timer)
      else this.#place(timer)
    }
  }

  /** The next slot in which something may be due, or the next cascade. */
  #nextSlot(): number {
    for (let slot = this.#done + 1; slot <= this.#done + SLOTS; slot++) {
      if (slot % SLOTS === 0) return slot
      const head = this.#near[slot % SLOTS]
      if (head !== undefined && head.next !== head) return slot
    }
    return this.#done + SLOTS
  }
}
