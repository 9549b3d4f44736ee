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

  constructor(queue: Queue, waiter: Waiter, position: number) {
    super()
    this.#queue = queue
    this.waiter = waiter
    this.position = position
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

  constructor(wheel: Wheel) {
    this.#wheel = wheel
  }

  get length(): number {
    return this.#waiting.size
  }

  /** timeoutMs 0: no limit. */
  join(waiter: Waiter, timeoutMs: number): Ticket {
    const ticket = new Ticket(this, waiter, this.#waiting.size)
    this.#waiting.add(ticket)
    if (timeoutMs > 0) this.#wheel.arm(ticket, timeoutMs)
    return ticket
  }

  leave(ticket: Ticket): void {
    this.#waiting.delete(ticket)
    this.#wheel.disarm(ticket)
  }

  /** Admits from the front while `slot` finds a server with a free slot and takes it; `all`: those behind one without may have one. */
  admit(slot: (waiter: Waiter) => Server | undefined, all: boolean): void {
    for (const ticket of this.#waiting) {
      const server = slot(ticket.waiter)
      if (server === undefined) {
        if (all) continue
        return
      }
      this.leave(ticket)
      ticket.waiter.admitted(server)
    }
  }
}
