// Owns one listener of a bind line: which of its connections begin, what they go through, and whom it tells how that ended.

import type { Why } from '../core/handler.ts'
import { factKey } from '../core/handler.ts'
import type { Sock } from '../core/sock.ts'
import { LISTENER } from '../core/view.ts'
import type { ListenerView } from '../core/view.ts'
import { EngineConnection, type ConnectionEvents, type ConnectionPlan } from '../net/connection.ts'
import type { GatedListener } from '../net/listener.ts'
import type { Gauge } from './gauge.ts'

/** What a frontend does for its listeners. */
export interface BindHost {
  /** Counts a connection in; false: a limit of the frontend or of the process is reached. */
  enter(): boolean
  /** A connection that was counted in is gone. */
  left(): void
  /** Keeps what was accepted a moment too late until there is a place. */
  hold(bind: Bind, sock: Sock): void
  /** Stops or resumes accepting, as limits have it now. */
  gateWhileFull(): void
  /** A connection ended in its handshake. */
  refused(bind: Bind, conn: EngineConnection, handler: string, why: Why): void
  report(where: string, error: unknown): void
}

/** The listener that a connection came in by. */
export const bindFact = factKey<Bind>('bind')

export class Bind implements ConnectionEvents, ListenerView {
  readonly id: number
  readonly label: string | undefined
  /** Its `name`, or its number in the frontend from 1: `f/1` in logs. */
  readonly name: string
  /** The line that it stands on, for messages: `my.cfg:3`. */
  readonly place: string
  /** Of its sessions, until a rule says otherwise. */
  readonly nice: number
  readonly listener: GatedListener
  readonly #connections: Gauge
  /** 0: no limit. */
  readonly #maxconn: number
  readonly #plan: ConnectionPlan
  readonly #frontend: BindHost

  constructor(
    identity: { readonly id: number; readonly label: string | undefined; readonly place: string; readonly maxconn: number; readonly nice: number },
    frontend: BindHost,
    plan: ConnectionPlan,
    connections: Gauge,
    makeListener: (accepted: (sock: Sock) => void) => GatedListener,
  ) {
    this.id = identity.id
    this.label = identity.label
    this.name = identity.label ?? String(identity.id)
    this.place = identity.place
    this.nice = identity.nice
    this.#maxconn = identity.maxconn
    this.#frontend = frontend
    this.#plan = { ...plan, facts: new Map<unknown, unknown>([...plan.facts, [bindFact, this], [LISTENER, this]]) }
    this.#connections = connections
    this.listener = makeListener((sock) => this.#accepted(sock))
  }

  #accepted(sock: Sock): void {
    if (!this.admit(sock)) this.#frontend.hold(this, sock)
  }

  /** Starts a connection if all limits allow it. */
  admit(sock: Sock): boolean {
    if (!this.#connections.take(this.#maxconn)) return false
    if (!this.#frontend.enter()) {
      this.#connections.add(-1)
      return false
    }
    if (this.full) this.#frontend.gateWhileFull()
    new EngineConnection(sock, this.#plan, this).start()
    return true
  }

  get full(): boolean {
    return this.#maxconn > 0 && this.connections >= this.#maxconn
  }

  get connections(): number {
    return this.#connections.value
  }

  refused(conn: EngineConnection, handler: string, why: Why): void {
    this.#frontend.refused(this, conn, handler, why)
  }

  released(): void {
    this.#connections.add(-1)
    this.#frontend.left()
  }

  bug(_conn: EngineConnection, where: string, error: unknown): void {
    this.#frontend.report(where, error)
  }
}
