// Owns who waits for a slot of a backend: first come, first served, each for at most `timeout queue`.

import { Timer, type Wheel } from '../util/wheel.ts'
import type { Sourced } from './balance.ts'
import type { Server } from './server.ts'

export interface Waiter extends Sourced {
  /** A slot is taken for it on this server. */
  admitted(server: Server): void
  /** Its time is over. */
  queueTimeout(): void
}

export class Ticket extends Timer {
  readonly waiter: Waiter
  readonly #queue: Queue
  /** How many were before it when it came. */
  readonly position: number
  /** The one server that will do, while it is up; undefined: any. */
  readonly only: Server | undefined

  constructor(queue: Queue, waiter: Waiter, position: number, only: Server | undefined) {
    super()
    this.#queue = queue
    this.waiter = waiter
    this.position = position
    this.only = only
  }

  strike(): void {
    this.#queue.leave(this)
    this.waiter.queueTimeout()
  }
}

export class Queue {
  readonly #wheel: Wheel
  /** In order of arrival: a Set keeps it, and lets anyone leave from the middle. */
  readonly #waiting = new Set<Ticket>()
  /** How many of them any server will do for. */
  anyServer = 0

  constructor(wheel: Wheel) {
    this.#wheel = wheel
  }

  get length(): number {
    return this.#waiting.size
  }

  /** timeoutMs 0: no limit. */
  join(waiter: Waiter, timeoutMs: number, only?: Server): Ticket {
    const ticket = new Ticket(this, waiter, this.#waiting.size, only)
    this.#waiting.add(ticket)
    if (only === undefined) this.anyServer++
    if (timeoutMs > 0) this.#wheel.arm(ticket, timeoutMs)
    return ticket
  }

  leave(ticket: Ticket): void {
    if (this.#waiting.delete(ticket) && ticket.only === undefined) this.anyServer--
    this.#wheel.disarm(ticket)
  }

  /**
   * Admits from the front while `slot` finds a server with a free slot and takes it. Who finds none holds up those behind, unless he
   * waits for one server, or all do (`each`).
   */
  admit(slot: (ticket: Ticket) => Server | undefined, each: boolean): void {
    for (const ticket of this.#waiting) {
      const server = slot(ticket)
      if (server === undefined) {
        if (each || ticket.only !== undefined) continue
        return
      }
      this.leave(ticket)
      ticket.waiter.admitted(server)
    }
  }
}
