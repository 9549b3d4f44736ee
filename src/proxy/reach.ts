// Owns the way of a session to a server: one is chosen or waited for, connected to, and tried again or exchanged when that fails.
//
//   choose ──► (queue) ──► connect ──► joined
//     ▲                      │ failed
//     └── redispatch ◄───────┴──► back off, then connect again

import type { Address } from '../core/address.ts'
import type { Connection } from '../core/connection.ts'
import { originFact, type FactKey, type Why } from '../core/handler.ts'
import type { Provider } from '../core/provider.ts'
import type { SessionEffects } from '../core/sample.ts'
import { TRACE, type Trace } from '../core/trace.ts'
import { Attempt, type AttemptEvents } from '../net/connect.ts'
import type { SessionSubject } from '../sample/subject.ts'
import { Alarm, type Wheel } from '../util/wheel.ts'
import type { Backend } from './backend.ts'
import type { Priority, Ticket, Waiter } from './queue.ts'
import type { Server } from './server.ts'

/** The session that a server is sought for. */
export interface Seeker {
  readonly client: Connection
  /** Its ends: rules may have set other ones than the connection's. */
  readonly ends: { readonly src: Address; readonly dst: Address }
  /** What rules said: of its place in a queue, of retries, of packets. undefined: nothing. */
  readonly effects: SessionEffects | undefined
  readonly subject: SessionSubject
  /** Whether its client has ended, or been silent for too long, and so the session is over: nobody connects for it. */
  gone(): boolean
  joined(conn: Connection): void
  /** No server was to be had: 's' and 'Q' when it waited too long, 's' or 'S' and 'C' when none could be connected to. */
  unreached(by: 's' | 'S', where: 'Q' | 'C'): void
  report(where: string, error: unknown): void
  /** A bug where nobody called who could be told: it costs the session. Never throws. */
  failed(where: string, error: unknown): void
}

/** The pause before a retry on the same server, unless the connect timeout is shorter. ms */
const BACK_OFF_MS = 1000

export class Reach implements AttemptEvents, Waiter {
  readonly backend: Backend
  /** Holds a slot of it. */
  server: Server | undefined
  /** When it was given its server, in whole ms of the wheel; -1: not yet. */
  assignedAt = -1
  retries = 0
  redispatched = false
  /** The last connection that was not made, once no other is tried. */
  lost: Connection | undefined
  /** How many waited before this one when it queued, itself included; 0: it did not. */
  queuedBehind = 0
  readonly #seeker: Seeker
  readonly #provider: Provider
  readonly #wheel: Wheel
  readonly #trace: Trace | undefined
  #attempt: Attempt | undefined
  #ticket: Ticket | undefined
  #backOff: Alarm | undefined
  #stopped = false

  constructor(seeker: Seeker, backend: Backend, provider: Provider, wheel: Wheel) {
    this.#seeker = seeker
    this.backend = backend
    this.#provider = provider
    this.#wheel = wheel
    this.#trace = seeker.client.get(TRACE)
  }

  /** Where it is: in the queue, or connecting. */
  get where(): 'Q' | 'C' {
    return this.#ticket === undefined ? 'C' : 'Q'
  }

  /** A server is being connected to; false while it waits in a queue, or for the next attempt. */
  get connecting(): boolean {
    return this.#attempt !== undefined
  }

  get source(): Address {
    return this.#seeker.ends.src
  }

  get priority(): Priority | undefined {
    return this.#seeker.effects
  }

  start(): void {
    this.#choose(undefined)
  }

  #choose(except: Server | undefined): void {
    const { backend } = this
    const ruled = except === undefined && backend.settings.useServer.length > 0 ? backend.ruled(this.#seeker.subject) : undefined
    const choice = ruled === undefined ? backend.choose(this, except) : backend.take(ruled)
    if (choice === 'none') {
      this.#trace?.note('no server is up')
      this.#seeker.unreached('S', 'C')
    } else if (choice === 'full') {
      this.#trace?.note('every server is full: it waits in the queue')
      const ticket = backend.join(this, ruled)
      this.#ticket = ticket
      this.queuedBehind = ticket.position + 1
      this.#seeker.gone()
    } else this.admitted(choice)
  }

  // What timers, queues and attempts call is guarded: a throw there would be somebody else's, or nobody's.

  admitted(server: Server): void {
    this.#ticket = undefined
    this.server = server
    try {
      this.#approach(server)
    } catch (error) {
      this.#seeker.failed('the way to a server', error)
    }
  }

  #approach(server: Server): void {
    this.#trace?.note(`server ${this.backend.name}/${server.name}`)
    if (this.assignedAt < 0) this.assignedAt = this.#wheel.now()
    this.#connect(server)
  }

  queueTimeout(): void {
    try {
      this.#seeker.unreached('s', 'Q')
    } catch (error) {
      this.#seeker.failed('the end of a session', error)
    }
  }

  unservable(error: unknown): void {
    this.#seeker.failed('the choice of a server', error)
  }

  /** Something will be said as soon as there is a connection: by its first handler or, where there is none, by the client. */
  get speaks(): boolean {
    const { server } = this
    if (server === undefined || !this.backend.settings.smartConnect) return false
    if (server.settings.plan.handlers.length !== 1) return server.settings.speaks === true
    return this.#seeker.client.input.length > 0 || server.hearsFirst
  }

  #connect(server: Server): void {
    const targets = server.targetsFor(this.#seeker.ends)
    const packets = this.#seeker.effects?.serverPackets
    const attempt = new Attempt(this.#provider, packets === undefined ? targets : targets.map((target) => ({ ...target, packets })), server.settings.plan, this)
    this.#attempt = attempt
    attempt.start()
  }

  /** What the outgoing connection's handlers may ask: for whom it is made. */
  fact(key: FactKey<unknown>): unknown {
    if (key !== originFact) return undefined
    const { client, ends } = this.#seeker
    return ends === client ? client : { src: ends.src, dst: ends.dst, get: (k: FactKey<unknown>) => client.get(k) }
  }

  connected(conn: Connection): void {
    this.#attempt = undefined
    this.#seeker.joined(conn)
  }

  failed(_handler: string, why: Why, conn: Connection | undefined): void {
    const { server } = this
    this.#attempt = undefined
    if (server === undefined || this.#stopped) return
    try {
      this.#again(server, why, conn)
    } catch (error) {
      this.#seeker.failed('the way to another server', error)
    }
  }

  #again(server: Server, why: Why, conn: Connection | undefined): void {
    const { backend } = this
    const timedOut = why.cause === 'timeout'
    if (this.retries >= this.#maxRetries) {
      this.lost = conn
      this.#seeker.unreached(timedOut ? 's' : 'S', 'C')
      return
    }
    if (this.#seeker.gone()) return
    this.retries++
    if (this.#redispatches()) {
      this.redispatched = true
      this.server = undefined
      this.assignedAt = -1
      server.sessions.add(-1)
      backend.admit()
      this.#choose(server)
    } else if (timedOut) this.#connect(server)
    else {
      this.#backOff ??= new Alarm(() => {
        if (this.server === undefined || this.#stopped) return
        try {
          this.#connect(this.server)
        } catch (error) {
          this.#seeker.failed('the way to a server', error)
        }
      })
      const { connectTimeout } = backend.settings
      this.#wheel.arm(this.#backOff, connectTimeout > 0 ? Math.min(BACK_OFF_MS, connectTimeout) : BACK_OFF_MS)
    }
  }

  get #maxRetries(): number {
    return this.#seeker.effects?.retries ?? this.backend.settings.retries
  }

  #redispatches(): boolean {
    const { redispatch } = this.backend.settings
    if (redispatch === undefined || redispatch === 0) return false
    if (this.backend.usable(this.server).length === 0) return false
    // Where any server is as good as another there is nothing to wait for; a source keeps to its server until the last moment.
    if (!this.backend.sticky) return true
    return redispatch > 0 ? this.retries % redispatch === 0 : this.retries === this.#maxRetries + 1 + redispatch
  }

  bug(where: string, error: unknown): void {
    this.#seeker.report(where, error)
  }

  /** Gives up what is under way. Idempotent. The slot stays its owner's to give back. */
  stop(): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#attempt?.abort()
    if (this.#backOff !== undefined) this.#wheel.disarm(this.#backOff)
    if (this.#ticket === undefined) return
    this.backend.leave(this.#ticket)
    this.#ticket = undefined
    this.assignedAt = this.#wheel.now() // what it waited for nothing is queue time too
  }
}
