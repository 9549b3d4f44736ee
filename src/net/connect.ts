// Owns one attempt to reach a server: tries its addresses in order until one connection has come through its handshake.
//
// Retries, back-off and the choice of another server are its owner's (proxy/stream.ts): they depend on who asks.

import type { Address } from '../core/address.ts'
import type { Connection } from '../core/connection.ts'
import { factKey, serve, type App, type Handler, type MakeHandler, type Why } from '../core/handler.ts'
import type { ConnectSpec, Provider } from '../core/provider.ts'
import type { Sock } from '../core/sock.ts'
import { EngineConnection, type ConnectionEvents, type ConnectionPlan } from './connection.ts'

export interface AttemptEvents {
  /** Facts that the handlers need are set here, before the handshake. */
  prepare(conn: Connection): void
  /** Through its handshake: the connection is the owner's. */
  connected(conn: Connection): void
  /** No address answered. `handler` is '' when it was connect() itself; the last address' cause. */
  failed(handler: string, why: Why): void
  bug(where: string, error: unknown): void
}

/** Who asked for an outgoing connection. */
const askedBy = factKey<App>('asked by')

const HAND_OVER: Handler = {
  name: 'connect',
  step(hs) {
    const app = hs.get(askedBy)
    if (app === undefined) throw new Error('a connection that nobody asked for')
    return serve(app)
  },
}

/** The last handler of every outgoing plan: hands the connection to who asked for it. */
export const handOver: MakeHandler = () => HAND_OVER

export class Attempt implements ConnectionEvents, App {
  readonly name = 'connect'
  readonly #provider: Provider
  readonly #addresses: readonly Address[]
  readonly #spec: Omit<ConnectSpec, 'to'>
  readonly #plan: ConnectionPlan
  readonly #events: AttemptEvents
  #tried = 0
  #current: EngineConnection | null = null
  #over = false

  constructor(provider: Provider, addresses: readonly Address[], spec: Omit<ConnectSpec, 'to'>, plan: ConnectionPlan, events: AttemptEvents) {
    this.#provider = provider
    this.#addresses = addresses
    this.#spec = spec
    this.#plan = plan
    this.#events = events
  }

  start(): void {
    let why: Why = { cause: 'failed', detail: 'no address' }
    let sock: Sock | undefined
    while (sock === undefined) {
      const to = this.#addresses[this.#tried++]
      if (to === undefined) return this.#fail('', why)
      try {
        sock = this.#provider.connect({ ...this.#spec, to })
      } catch (error) {
        why = { cause: 'failed', detail: error instanceof Error ? error.message : String(error) }
      }
    }
    const conn = new EngineConnection(sock, this.#plan, this)
    this.#current = conn
    conn.set(askedBy, this)
    this.#events.prepare(conn)
    conn.start()
  }

  /** The handshake is over. Called by the engine. */
  open(conn: Connection): void {
    this.#over = true
    this.#current = null
    this.#events.connected(conn)
  }

  /** Gives up: the connection in progress is reset, and nothing is reported any more. */
  abort(): void {
    this.#over = true
    this.#current?.reset()
    this.#current = null
  }

  refused(conn: EngineConnection, handler: string, why: Why): void {
    if (this.#over || conn !== this.#current) return
    this.#current = null
    if (this.#tried < this.#addresses.length) this.start()
    else this.#fail(handler, why)
  }

  released(): void {
    // Its owner was told of the end that mattered; the descriptor is the engine's.
  }

  bug(_conn: EngineConnection, where: string, error: unknown): void {
    this.#events.bug(where, error)
  }

  #fail(handler: string, why: Why): void {
    this.#over = true
    this.#events.failed(handler, why)
  }
}
