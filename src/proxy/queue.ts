// Owns who waits for a slot of a backend, each for at most `timeout queue`: first come, first served, unless rules have set priorities.

import { Timer, type Wheel } from '../util/wheel.ts'
import type { Sourced } from './balance.ts'
import type { Gauge } from './gauge.ts'
import type { Server } from './server.ts'

/** Set by set-priority-class and set-priority-offset. */
export interface Priority {
  /** Lower ones go first. */
  readonly priorityClass: number
  /** Within a class: so much later than it came, or earlier. ms */
  readonly priorityOffset: number
}

export interface Waiter extends Sourced {
  /** undefined: class 0, no offset. Read when it joins. */
  readonly priority?: Priority | undefined
  /** A slot is taken for it on this server. Never throws: whoever gave the place back is somebody else. */
  admitted(server: Server): void
  /** Its time is over. Never throws. */
  queueTimeout(): void
  /** To look for a server for it threw: it waits no more, and has no slot. */
  unservable(error: unknown): void
}

export class Ticket extends Timer {
  readonly waiter: Waiter
  readonly #queue: Queue
  /** How many waited when it came, in all threads. */
  readonly position: number
  /** The one server that will do, while it is up; undefined: any. */
  readonly only: Server | undefined
  readonly #class: number
  /** The time by which it is ordered within its class. ms */
  readonly #due: number

  constructor(queue: Queue, waiter: Waiter, position: number, only: Server | undefined, now: number) {
    super()
    this.#class = waiter.priority?.priorityClass ?? 0
    this.#due = now + (waiter.priority?.priorityOffset ?? 0)
    this.#queue = queue
    this.waiter = waiter
    this.position = position
    this.only = only
  }

  /** Negative: before the other. */
  compare(other: Ticket): number {
    return this.#class - other.#class || this.#due - other.#due
  }

  strike(): void {
    this.#queue.leave(this)
    this.waiter.queueTimeout()
  }
}

export class Queue {
  readonly #wheel: Wheel
  /** Those of all threads. */
  readonly #gauge: Gauge
  /** In order of arrival: a Set keeps it, and lets anyone leave from the middle. */
  readonly #waiting = new Set<Ticket>()
  /** How many of them any server will do for. */
  anyServer = 0
  /** Somebody with a priority has joined since it was last empty: the order of arrival is not the order. */
  #ranked = false

  constructor(wheel: Wheel, gauge: Gauge) {
    this.#wheel = wheel
    this.#gauge = gauge
  }

  /** Those of this thread. */
  get length(): number {
    return this.#waiting.size
  }

  /** timeoutMs 0: no limit. */
  join(waiter: Waiter, timeoutMs: number, only?: Server): Ticket {
    const ticket = new Ticket(this, waiter, this.#gauge.add(1) - 1, only, this.#wheel.now())
    const { priority } = waiter
    if (priority !== undefined && (priority.priorityClass !== 0 || priority.priorityOffset !== 0)) this.#ranked = true
    this.#waiting.add(ticket)
    if (only === undefined) this.anyServer++
    if (timeoutMs > 0) this.#wheel.arm(ticket, timeoutMs)
    return ticket
  }

  leave(ticket: Ticket): void {
    if (this.#waiting.delete(ticket)) {
      this.#gauge.add(-1)
      if (ticket.only === undefined) this.anyServer--
    }
    if (this.#waiting.size === 0) this.#ranked = false
    this.#wheel.disarm(ticket)
  }

  /**
   * Admits from the front while `slot` finds a server with a free slot and takes it. Who finds none holds up those behind, unless he
   * waits for one server, or all do (`each`).
   */
  admit(slot: (ticket: Ticket) => Server | undefined, each: boolean): void {
    const line = this.#ranked ? [...this.#waiting].sort((a, b) => a.compare(b)) : this.#waiting
    for (const ticket of line) {
      if (!this.#waiting.has(ticket)) continue // gone, because of who was admitted before
      let server: Server | undefined
      try {
        server = slot(ticket)
      } catch (error) {
        this.leave(ticket)
        ticket.waiter.unservable(error)
        continue
      }
      if (server === undefined) {
        if (each || ticket.only !== undefined) continue
        return
      }
      this.leave(ticket)
      ticket.waiter.admitted(server)
    }
  }
}
