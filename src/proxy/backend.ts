// Owns a backend: its servers, who may be chosen now, and the queue of those who wait for one.

import type { ProcessView, ProxyView } from '../core/view.ts'
import { Alarm, type Wheel } from '../util/wheel.ts'
import type { Balance, Sourced } from './balance.ts'
import type { Gauge } from './gauge.ts'
import type { InspectionPlan } from './inspection.ts'
import type { Subject } from '../core/sample.ts'
import { chooseServer, type SwitchingRule } from '../sample/switching.ts'
import { Queue, type Ticket, type Waiter } from './queue.ts'
import type { Server } from './server.ts'

/** How often those who wait look whether another thread has given a place back. ms */
const LOOK_AGAIN_MS = 10

export interface BackendSettings {
  readonly name: string
  readonly id: number
  readonly kind: 'backend' | 'listen'
  /** ms; 0: none. */
  readonly connectTimeout: number
  readonly serverTimeout: number
  readonly serverFinTimeout: number | undefined
  readonly tunnelTimeout: number | undefined
  /** Default: the connect timeout. */
  readonly queueTimeout: number
  readonly retries: number
  /** From which retry on another server is tried: n > 0 every nth, n < 0 from the nth before the last; undefined: never. */
  readonly redispatch: number | undefined
  /** How long its tarpits hold that do not say. ms */
  readonly tarpitTimeout: number
  readonly abortOnClose: boolean
  /** The ACK that ends a connection's setup waits for the client's first bytes where they are there. */
  readonly smartConnect: boolean
  readonly noLinger: boolean
  /** All backup servers share the load, not only the first usable one. */
  readonly allBackups: boolean
  /** Rules on the client's and on the server's first bytes. */
  readonly inspection: InspectionPlan | undefined
  readonly useServer: readonly SwitchingRule[]
  readonly responseInspection: InspectionPlan | undefined
}

export class Backend implements ProxyView {
  readonly settings: BackendSettings
  readonly name: string
  readonly id: number
  readonly kind: 'backend' | 'listen'
  readonly process: ProcessView
  readonly servers: readonly Server[]
  readonly sessions: Gauge
  readonly #waiting: Gauge
  readonly defaultBackend = undefined
  readonly #balance: Balance
  readonly #queue: Queue
  readonly #wheel: Wheel
  readonly #wasUsable: boolean[] = []
  #usable: readonly Server[] | undefined
  readonly #lookAgain = new Alarm(() => this.admit())
  /** Sessions that end while others are admitted ask for it again: once more then, not within. */
  #admitting = false
  #admitAgain = false

  constructor(settings: BackendSettings, servers: readonly Server[], balance: Balance, sessions: Gauge, waiting: Gauge, wheel: Wheel, process: ProcessView) {
    this.settings = settings
    this.name = settings.name
    this.id = settings.id
    this.kind = settings.kind
    this.process = process
    this.servers = servers
    this.#balance = balance
    this.sessions = sessions
    this.#wheel = wheel
    this.#waiting = waiting
    this.#queue = new Queue(wheel, waiting)
  }

  get sessionRate(): number {
    return this.sessions.perSecond
  }

  get timeouts(): ProxyView['timeouts'] {
    const { serverTimeout, tunnelTimeout, connectTimeout, queueTimeout, tarpitTimeout } = this.settings
    return { server: serverTimeout, tunnel: tunnelTimeout, connect: connectTimeout, queue: queueTimeout, tarpit: tarpitTimeout }
  }

  get retries(): number {
    return this.settings.retries
  }

  get connections(): number {
    return this.sessions.value
  }

  /** The algorithm gives a source the same server each time. */
  get sticky(): boolean {
    return this.#balance.sticky
  }

  get queued(): number {
    return this.#waiting.value
  }

  /** Those that may be chosen: active ones, or backups when there is no active one. */
  usable(except?: Server): readonly Server[] {
    if (except !== undefined) return this.#select(except)
    // Whether a server is usable changes seldom, and is asked for each session.
    let changed = this.#usable === undefined
    for (let i = 0; i < this.servers.length; i++) {
      const now = this.servers[i]?.usable === true
      if (this.#wasUsable[i] !== now) {
        this.#wasUsable[i] = now
        changed = true
      }
    }
    return changed || this.#usable === undefined ? (this.#usable = this.#select(undefined)) : this.#usable
  }

  #select(except: Server | undefined): Server[] {
    // A server that one session could not reach is not down: backups wait until all active ones are.
    const active = this.servers.filter((s) => s.usable && !s.settings.backup)
    if (active.length > 0) return active.filter((s) => s !== except)
    const backups = this.servers.filter((s) => s.usable && s.settings.backup)
    return (this.settings.allBackups ? backups : backups.slice(0, 1)).filter((s) => s !== except)
  }

  /**
   * Takes a slot on a server; 'full' when all are and the session should queue; 'none' when no server may be used.
   * `except` is passed over while there is another.
   */
  choose(from: Sourced, except?: Server): Server | 'full' | 'none' {
    let usable = this.usable(except)
    if (usable.length === 0) usable = this.usable()
    if (usable.length === 0) return 'none'
    if (this.#queue.anyServer > 0 && !this.sticky) return 'full' // whoever came first goes first
    return this.#take(usable, from) ?? 'full'
  }

  /** The server that rules name for this session, when they name one that is up. */
  ruled(subject: Subject): Server | undefined {
    return chooseServer(
      this.settings.useServer,
      subject,
      (name) => this.servers.find((s) => s.name === name),
      (s) => !s.disabled,
    )
  }

  /** A slot on this server and no other, or 'full'. */
  take(server: Server): Server | 'full' {
    return server.sessions.take(server.settings.maxconn) ? server : 'full'
  }

  #take(usable: readonly Server[], from: Sourced): Server | undefined {
    const server = this.#balance.pick(usable, from)
    return server !== undefined && server.sessions.take(server.settings.maxconn) ? server : undefined
  }

  /** `only`: no other server will do. */
  join(waiter: Waiter, only: Server | undefined): Ticket {
    this.#wheel.arm(this.#lookAgain, LOOK_AGAIN_MS)
    return this.#queue.join(waiter, this.settings.queueTimeout, only)
  }

  leave(ticket: Ticket): void {
    this.#queue.leave(ticket)
  }

  /** Looks whether those who wait can go on: a slot was freed, a server came back. What goes wrong with one of them is its own, not the caller's. */
  admit(): void {
    this.#admitAgain = true
    if (this.#admitting) return
    this.#admitting = true
    while (this.#admitAgain) {
      this.#admitAgain = false
      this.#admit()
    }
    this.#admitting = false
  }

  #admit(): void {
    if (this.#queue.length === 0) {
      this.#wheel.disarm(this.#lookAgain)
      return
    }
    this.#wheel.arm(this.#lookAgain, LOOK_AGAIN_MS)
    const usable = this.usable()
    // Where a source has one server, who waits for another does not wait for it.
    this.#queue.admit(({ only, waiter }) => {
      if (only !== undefined && only.up) return only.sessions.take(only.settings.maxconn) ? only : undefined
      return usable.length > 0 ? this.#take(usable, waiter) : undefined
    }, this.sticky)
  }
}
