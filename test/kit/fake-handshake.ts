// Owns a connection without a network: the real engine on a FakeSock and a clock that stands still until a test moves it.
//
// Handlers, and services behind them, are tried as they will run: what the engine does with a verdict is not imitated here.

import { next, serve } from 'headgate/plugin'
import type { Address, App, Connection, FactKey, MakeHandler, Why } from 'headgate/plugin'
import { EngineConnection } from '../../src/net/connection.ts'
import { LiveList } from '../../src/net/live.ts'
import { Wheel } from '../../src/util/wheel.ts'
import { FakeSock } from './fake-sock.ts'

export interface FakeOptions {
  /** Default 'accept'. */
  readonly side?: 'accept' | 'connect'
  /** The ends as the kernel knows them. Defaults 192.0.2.1:40000 and 198.51.100.1:443. */
  readonly src?: Address
  readonly dst?: Address
  /** tune.bufsize. Default 16384. */
  readonly bufferSize?: number
  /** The deadline of the handshake, ms. Default 10000. */
  readonly handshakeMs?: number
  /** How long a polite end waits for the peer's. Default 5000 ms. */
  readonly drainMs?: number
  /** Facts that handlers before these would have set. */
  readonly facts?: (conn: { set<T>(key: FactKey<T>, value: T): void }) => void
}

/** How a handshake came out. */
export type Outcome =
  /** `app` is the name of what was served, PASSED_ON when every handler said next(). */
  | { readonly served: string }
  | { readonly refused: string; readonly why: Why }

/** The name of the app behind the handlers under test. */
export const PASSED_ON = 'passed on'

export class FakeHandshake {
  readonly sock: FakeSock
  readonly connection: EngineConnection
  outcome: Outcome | undefined
  /** The descriptor was released. */
  released = false
  /** What was thrown where no verdict was awaited. */
  readonly bugs: unknown[] = []
  #now = 0
  #tick: { readonly at: number; readonly run: () => void } | undefined

  constructor(handlers: MakeHandler | readonly MakeHandler[], options: FakeOptions = {}) {
    const side = options.side ?? 'accept'
    const src: Address = options.src ?? { family: 'ipv4', host: '192.0.2.1', port: 40000 }
    const dst: Address = options.dst ?? { family: 'ipv4', host: '198.51.100.1', port: 443 }
    this.sock = side === 'accept' ? new FakeSock(dst, src) : new FakeSock(src, dst)
    const rest: App = { name: PASSED_ON, open: passedOn }
    const wheel = new Wheel({
      now: () => this.#now,
      wakeIn: (ms, run) => {
        this.#tick = { at: this.#now + ms, run }
      },
      rest: () => {
        this.#tick = undefined
      },
    })
    this.connection = new EngineConnection(
      this.sock,
      {
        side,
        handlers: [...(typeof handlers === 'function' ? [handlers] : handlers), serving(rest)].map((make) => this.#watched(make)),
        handshakeMs: options.handshakeMs ?? 10_000,
        drainMs: options.drainMs ?? 5_000,
        bufferSize: options.bufferSize ?? 16_384,
        wheel,
        clock: () => this.#now,
        facts: new Map(),
        live: new LiveList(),
      },
      {
        refused: (_conn, refused, why) => {
          this.outcome = { refused, why }
        },
        released: () => {
          this.released = true
        },
        bug: (_conn, _handler, error) => {
          this.bugs.push(error)
        },
      },
    )
    options.facts?.(this.connection)
    this.connection.start()
  }

  /** The handler, with what it serves noted. */
  #watched(make: MakeHandler): MakeHandler {
    return () => {
      const handler = make()
      return {
        name: handler.name,
        ...(handler.details === undefined ? {} : { details: handler.details }),
        step: (hs) => {
          const verdict = handler.step(hs)
          if (verdict.verdict === 'serve') this.outcome = { served: verdict.app.name }
          if (verdict.verdict === 'next' && verdict.insert !== undefined) return next(...verdict.insert.map((inserted) => this.#watched(inserted)))
          return verdict
        },
        end: () => handler.end?.(),
      }
    }
  }

  /** The peer says something; each call is one read. */
  arrive(bytes: Uint8Array | string): void {
    this.sock.arrive(bytes)
  }

  peerEnds(): void {
    this.sock.peerEnds()
  }

  /** Time passes, and deadlines strike on the way. ms */
  elapse(ms: number): void {
    const until = this.#now + ms
    for (let tick = this.#tick; tick !== undefined && tick.at <= until; tick = this.#tick) {
      this.#tick = undefined
      this.#now = Math.max(this.#now, tick.at)
      tick.run()
    }
    this.#now = until
  }

  /** Lets wake() and settled promises act. */
  async settle(): Promise<void> {
    for (let i = 0; i < 8; i++) await Promise.resolve()
  }

  get said(): Buffer {
    return this.sock.said
  }

  /** What nobody took: it belongs to whoever comes after. */
  get rest(): Buffer {
    return Buffer.concat([this.connection.input.view(), this.sock.unread])
  }

  get src(): Address {
    return this.connection.src
  }

  get dst(): Address {
    return this.connection.dst
  }

  get<T>(key: FactKey<T>): T | undefined {
    return this.connection.get(key)
  }
}

/** Sends what handlers said, and leaves what comes unread until the test asks for `rest`. */
function passedOn(conn: Connection): void {
  const ready = (): void => {
    conn.layer.flush(conn.output)
  }
  conn.attach({ ready, expired: () => undefined })
  ready()
}

/** A handler that serves an app: to try a service, `new FakeHandshake(serving(app))`. */
export function serving(app: App): MakeHandler {
  return () => ({ name: 'serving', step: () => serve(app) })
}

