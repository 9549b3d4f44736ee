// Owns services: an application that answers a connection itself, written as callbacks over the pull interface.
//
//   peer says something ──► data(bytes) ──► peer.write(…) ──► sent as the peer takes it
//   peer ends           ──► ended()     ──► peer.end()    ──► what was written, then the end; both ways closed in stages
//
// What it sees to, so that a service need not:
//   – back-pressure: while more than 64 KiB of answers wait to be sent, nothing is read, so data() is not called
//   – ends: end() loses nothing that was written before it, and what still arrives is drained so that no reset overtakes the answer
//   – silence: a peer that neither sends nor takes anything for the idle time is ended
//   – a throw in a callback, or an async one's rejection, costs this connection only

import type { Address } from './address.ts'
import type { Connection, ConnectionUser } from './connection.ts'
import type { App, FactKey } from './handler.ts'
import { EMPTY_IN, ERR_IN, ERR_OUT, FULL_OUT, SHUT_IN, SHUT_OUT } from './sock.ts'
import { disown, isPromise, shown, stackOf } from '../util/shown.ts'

/** The one whom a service talks to. All of it may be called at any time, from callbacks too; after the end it does nothing. */
export interface ServicePeer {
  readonly id: number
  readonly src: Address
  readonly dst: Address
  /** A fact that handlers left: proxyHeaderFact, tlsFact, a plugin's own. */
  get<T>(key: FactKey<T>): T | undefined
  /** Written and not yet sent, bytes. */
  readonly waiting: number
  /** Says something; strings are UTF-8. Returns false while it is wise to write no more before drained() is called. */
  write(what: Uint8Array | string): boolean
  /** Says no more: what was written is sent, the rest of the input is drained, the connection ends. data() is not called any more. */
  end(): void
  /** RST at once. */
  reset(): void
  /** How long nothing may move before expired() is called, ms; 0: for ever. */
  idle(ms: number): void
}

/** What a service does about its peer. Callbacks may be async; nobody waits for them. */
export interface ServiceEvents {
  /** Arrived: a view that is valid until it returns, or awaits. */
  data(bytes: Buffer): void
  /** The peer said its last. Without it: end(). */
  ended?(): void
  /** All that was written has been sent, after a write() that returned false. */
  drained?(): void
  /** Nothing moved for the idle time. Without it: end(). A peer that does not take what was written has no more time than this. */
  expired?(): void
  /** It is over: exactly once, and nothing is called after it. '' after end() and reset(), else what broke: `ECONNRESET`. */
  closed?(error: string): void
}

/** Default idle time, ms. */
const IDLE_MS = 60_000
/** Answers that may wait before reading stops, bytes. */
const HIGH_WATER = 65_536
/** Reads in a row before others get their turn. */
const READS_PER_TURN = 16

/** Makes an App of a function that is called once per connection and returns what is to be done about it. */
export function service(name: string, open: (peer: ServicePeer) => ServiceEvents): App {
  return {
    name,
    open(conn) {
      const served = new Served(name, conn)
      conn.attach(served)
      served.begin(open)
    },
  }
}

class Served implements ConnectionUser, ServicePeer {
  readonly #name: string
  readonly #conn: Connection
  #events: ServiceEvents | undefined
  #idleMs = IDLE_MS
  /** Inside pump(): what callbacks ask for is done by the loop that called them. */
  #pumping = false
  #ending = false
  #inputEnded = false
  #over = false
  /** A write() returned false, and drained() is due. */
  #full = false

  constructor(name: string, conn: Connection) {
    this.#name = name
    this.#conn = conn
  }

  begin(open: (peer: ServicePeer) => ServiceEvents): void {
    this.#conn.deadline(this.#idleMs)
    this.#pumping = true
    this.#call(() => {
      const events = open(this)
      // Not every service is compiled against these types.
      if (typeof events?.data !== 'function') {
        disown(events)
        throw new Error(`it was opened with ${shown(events)}, where an object with data() is needed`)
      }
      this.#events = events
    })
    this.#pumping = false
    this.#pump()
  }

  // ── the service's side ─────────────────────────────────────────────────────────────────────────────────────────

  get id(): number {
    return this.#conn.id
  }

  get src(): Address {
    return this.#conn.src
  }

  get dst(): Address {
    return this.#conn.dst
  }

  get<T>(key: FactKey<T>): T | undefined {
    return this.#conn.get(key)
  }

  get waiting(): number {
    return this.#conn.output.length
  }

  write(what: Uint8Array | string): boolean {
    if (this.#over || this.#ending) return false
    this.#conn.output.append(typeof what === 'string' ? Buffer.from(what, 'utf8') : what)
    if (this.#conn.output.length > HIGH_WATER) this.#full = true
    if (!this.#pumping) this.#pump()
    return !this.#full && !this.#over
  }

  end(): void {
    if (this.#over || this.#ending) return
    this.#ending = true
    if (!this.#pumping) this.#pump()
  }

  reset(): void {
    if (this.#over) return
    this.#conn.reset()
    this.#close('')
  }

  idle(ms: number): void {
    this.#idleMs = ms
    if (!this.#over) this.#conn.deadline(ms)
  }

  // ── the engine's side ──────────────────────────────────────────────────────────────────────────────────────────

  ready(): void {
    if (!this.#pumping) this.#pump()
  }

  expired(): void {
    if (this.#over) return
    if (this.#ending || this.#events?.expired === undefined) {
      this.#finish()
      return
    }
    this.#pumping = true
    this.#call(() => this.#events?.expired?.())
    this.#pumping = false
    if (!this.#over) this.#conn.deadline(this.#idleMs)
    this.#pump()
  }

  #pump(): void {
    if (this.#over) return
    this.#pumping = true
    let moved = false
    for (let reads = 0; !this.#over; ) {
      if (this.#send()) moved = true
      if (this.#over) break
      const { input, output, layer } = this.#conn
      if (this.#full && output.length === 0) {
        this.#full = false
        this.#call(() => this.#events?.drained?.())
        continue
      }
      if (this.#ending) {
        if (output.length === 0) this.#finish()
        break
      }
      if (output.length > HIGH_WATER) break
      if (input.length === 0) {
        if (this.#inputEnded) break
        if (reads++ === READS_PER_TURN) {
          layer.again()
          break
        }
        const flow = layer.fill(input)
        if (flow & ERR_IN) {
          this.#fail(layer.error)
          break
        }
        if (flow & SHUT_IN) {
          this.#inputEnded = true
          this.#conn.readEnded()
        }
        if (input.length === 0) {
          if (this.#inputEnded) this.#call(() => (this.#events?.ended === undefined ? this.end() : this.#events.ended()))
          else if (flow & EMPTY_IN) break
          continue
        }
      }
      moved = true
      this.#call(() => this.#events?.data(input.view()))
      input.clear()
      if (this.#inputEnded && !this.#over) this.#call(() => (this.#events?.ended === undefined ? this.end() : this.#events.ended()))
    }
    this.#pumping = false
    if (moved && !this.#over) this.#conn.deadline(this.#idleMs)
  }

  /** Sends what the peer takes; returns whether it took something. */
  #send(): boolean {
    const { output, layer } = this.#conn
    const before = output.length
    while (output.length > 0) {
      const flow = layer.flush(output)
      if (flow & ERR_OUT) {
        this.#fail(layer.error)
        return false
      }
      if (flow & (FULL_OUT | SHUT_OUT)) break
    }
    return output.length < before
  }

  #call(callback: () => unknown): void {
    try {
      const later = callback()
      if (isPromise(later)) later.then(undefined, (error: unknown) => this.#broke(error))
    } catch (error) {
      this.#broke(error)
    }
  }

  /** Nobody waits for a callback: the service's author is told, its peer is gone, and everything else goes on. */
  #broke(error: unknown): void {
    process.emitWarning(stackOf(error), { type: 'ServiceBug', detail: `in service '${this.#name}'` })
    this.reset()
  }

  #finish(): void {
    this.#conn.finish()
    this.#close('')
  }

  #fail(error: string): void {
    this.#conn.reset()
    this.#close(error === '' ? 'broken' : error)
  }

  #close(error: string): void {
    this.#over = true
    const events = this.#events
    this.#events = undefined
    if (events?.closed !== undefined) this.#call(() => events.closed?.(error))
  }
}
