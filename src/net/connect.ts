// Owns one attempt to reach a server: tries its addresses in order until one connection has come through its handshake.
//
// Retries, back-off and the choice of another server are its owner's (proxy/stream.ts): they depend on who asks.

import { NO_ADDRESS } from '../core/address.ts'
import { connectFailureFact } from '../core/connect-failure.ts'
import type { Connection } from '../core/connection.ts'
import { factKey, serve, type App, type FactKey, type Handler, type MakeHandler, type Why } from '../core/handler.ts'
import type { ConnectSpec, Provider } from '../core/provider.ts'
import type { Sock } from '../core/sock.ts'
import { EngineConnection, type ConnectionEvents, type ConnectionPlan, type FactSource } from './connection.ts'
import { messageOf } from '../util/shown.ts'

export interface AttemptEvents {
  /** Facts that the connection's handlers may ask for; undefined: none of this key. */
  fact(key: FactKey<unknown>): unknown
  /** Bytes are at hand or expected that will be sent as soon as there is a connection. Default: not known. */
  readonly speaks?: boolean
  /** Through its handshake: the connection is the owner's. */
  connected(conn: Connection): void
  /**
   * No address answered. `handler` is '' when it was connect() itself; the last address' cause. `conn` is its connection, about to be
   * released: undefined when not even that could be tried.
   */
  failed(handler: string, why: Why, conn: Connection | undefined): void
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

export class Attempt implements ConnectionEvents, FactSource, App {
  readonly name = 'connect'
  readonly #provider: Provider
  readonly #targets: readonly ConnectSpec[]
  readonly #plan: ConnectionPlan
  readonly #events: AttemptEvents
  #tried = 0
  #current: EngineConnection | null = null
  #over = false

  constructor(provider: Provider, targets: readonly ConnectSpec[], plan: ConnectionPlan, events: AttemptEvents) {
    this.#provider = provider
    this.#targets = targets
    this.#plan = plan
    this.#events = events
  }

  start(): void {
    let why: Why = { cause: 'failed', detail: 'no address' }
    let sock: Sock | undefined
    while (sock === undefined) {
      const target = this.#targets[this.#tried++]
      if (target === undefined) return this.#fail('', why, undefined)
      try {
        sock = this.#provider.connect(target, this.#events.speaks)
      } catch (error) {
        why = { cause: 'failed', detail: messageOf(error) }
      }
    }
    const conn = new EngineConnection(sock, this.#plan, this, this)
    this.#current = conn
    conn.start()
  }

  fact(key: FactKey<unknown>): unknown {
    return key === askedBy ? this : this.#events.fact(key)
  }

  /** The handshake is over. Called by the engine. */
  open(conn: Connection): void {
    this.#over = true
    this.#current = null
    this.#events.connected(conn)
  }

  /** Another app would never be ended, and who asked would wait for ever. */
  serves(app: App): boolean {
    return app === this
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
    if (why.cause === 'bug') this.#events.bug(`handler ${handler}`, why.detail ?? 'no verdict')
    if (this.#tried < this.#targets.length) this.start()
    else {
      const target = this.#targets.at(-1)
      if (target !== undefined) conn.dst = target.to // not every provider knows it of a socket that was never connected
      const { src } = conn // asked for while there is a descriptor to ask; without a port it was given no address
      if ('port' in src && src.port === 0) conn.src = NO_ADDRESS
      conn.set(connectFailureFact, { why, handler, bound: target?.from !== undefined })
      this.#fail(handler, why, conn)
    }
  }

  released(): void {
    // Its owner was told of the end that mattered; the descriptor is the engine's.
  }

  bug(_conn: EngineConnection, where: string, error: unknown): void {
    this.#events.bug(where, error)
  }

  #fail(handler: string, why: Why, conn: Connection | undefined): void {
    this.#over = true
    this.#events.failed(handler, why, conn)
  }
}
