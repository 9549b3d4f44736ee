// Owns a connection's life: runs its handshake handlers, then hands it to its user, and ends it in stages.
//
//   start() ── handlers step until serve() ──► user.ready() on every event ──► finish()/reset() ──► released
//                     │ close, reset, timeout, the peer's end
//                     └──────────────► refused ──► drain ──► released
//
// There is one deadline. During the handshake it is the plan's, and what it struck in is the name of the handler whose turn it was;
// then it is the user's; during the end it bounds the drain. How far the end has come is core/shut.ts's number and nothing else.

import type { Address } from '../core/address.ts'
import { Bytes } from '../core/bytes.ts'
import type { Connection, ConnectionUser } from '../core/connection.ts'
import type { App, FactKey, Handshake, MakeHandler, Verdict, Why } from '../core/handler.ts'
import { Pipeline } from '../core/pipeline.ts'
import * as shutting from '../core/shut.ts'
import { R, W, type Shut } from '../core/shut.ts'
import { EMPTY_IN, ERR_IN, ERR_OUT, SHUT_IN, type DataLayer, type KernelSock, type LayerMaker, type Owner, type Sock } from '../core/sock.ts'
import { TRACE, TRACER } from '../core/trace.ts'
import { Timer, type Wheel } from '../util/wheel.ts'
import { advance, type Ending } from './closing.ts'
import type { Lingerer, Lingering } from './lingering.ts'
import type { Listed, LiveList } from './live.ts'
import { nextNumber } from './numbers.ts'
import { serve } from './serve.ts'

/** What is the same for all connections of a bind or server line. */
export interface ConnectionPlan {
  readonly side: 'accept' | 'connect'
  readonly handlers: readonly MakeHandler[]
  /** From start() to serve(), connect included; 0: no limit. ms */
  readonly handshakeMs: number
  /** How long a polite end waits for the peer's. ms */
  readonly drainMs: number
  /** Most bytes that handlers may ask for (tune.bufsize). */
  readonly bufferSize: number
  readonly wheel: Wheel
  /** Wall clock, ms since the epoch. */
  readonly clock: () => number
  /** Facts that all these connections have from the beginning. */
  readonly facts: ReadonlyMap<unknown, unknown>
  /** All connections of the thread that hold a descriptor. */
  readonly live: LiveList<EngineConnection>
  /** Where they end that no limit counts by then; undefined: each counts until its descriptor is released. */
  readonly lingering?: Lingering | undefined
}

/** Facts of one connection that somebody else has; undefined: not one of them. */
export interface FactSource {
  fact(key: FactKey<unknown>): unknown
}

export interface ConnectionEvents {
  /** The connection ended before it was served, in this handler ('' while connecting). Before its descriptor is released. */
  refused(conn: EngineConnection, handler: string, why: Why): void
  /** Whether this app may have the connection. Default: any may. */
  serves?(app: App): boolean
  /** The descriptor is released: the last event, exactly once. */
  released(conn: EngineConnection): void
  /** `where` threw where nobody waits for its verdict: 'end() of handler x', 'app x'. */
  bug(conn: EngineConnection, where: string, error: unknown): void
}

/** How long a dropped connection is held by a provider that cannot let go of it silently. */
const SILENCE_MS = 300_000

export class EngineConnection extends Timer implements Connection, Handshake, Owner, Listed, Lingerer, Ending {
  readonly id = nextNumber()
  readonly since: number
  readonly began: number
  readonly sock: Sock
  readonly input = new Bytes()
  readonly output = new Bytes()
  readonly #plan: ConnectionPlan
  readonly #events: ConnectionEvents
  readonly #given: FactSource | null
  layer: DataLayer
  shut: Shut = 0
  place = 0
  #src: Address | null = null
  #dst: Address | null = null
  #facts: Map<FactKey<unknown>, unknown> | null = null
  #pipeline: Pipeline | null = null
  #user: ConnectionUser | null = null
  /** Bytes that the current handler waits for; 0 when it waits for something else. */
  #need = 0
  #heard = false
  /** A handler has been called: until then an outgoing connection is connecting. */
  #begun = false
  #stepping = false
  #woken = false
  #released = false

  /** `given`: facts that it has from the beginning, beside its plan's. */
  constructor(sock: Sock, plan: ConnectionPlan, events: ConnectionEvents, given: FactSource | null = null) {
    super()
    this.sock = sock
    this.layer = sock
    this.#plan = plan
    this.#events = events
    this.#given = given
    this.since = plan.clock()
    this.began = plan.wheel.now()
    plan.live.add(this)
    sock.owner = this
  }

  get side(): 'accept' | 'connect' {
    return this.#plan.side
  }

  get kernel(): KernelSock | undefined {
    return this.sock.kernel
  }

  /** For an accepted connection the peer is the source; for one of ours we are. */
  get src(): Address {
    return (this.#src ??= this.side === 'accept' ? this.sock.remote() : this.sock.local())
  }

  set src(address: Address) {
    this.#src = address
  }

  get dst(): Address {
    return (this.#dst ??= this.side === 'accept' ? this.sock.local() : this.sock.remote())
  }

  set dst(address: Address) {
    this.#dst = address
  }

  get<T>(key: FactKey<T>): T | undefined
  get(key: FactKey<unknown>): unknown {
    return this.#facts?.get(key) ?? this.#given?.fact(key) ?? this.#plan.facts.get(key)
  }

  set<T>(key: FactKey<T>, value: T): void {
    this.#facts ??= new Map()
    this.#facts.set(key, value)
  }

  // ── the handshake ──────────────────────────────────────────────────────────────────────────────────────────────

  /** Begins the handshake. Facts that the plan's handlers need are set before. */
  start(): void {
    const trace = this.get(TRACER)?.(this.id, this.side)
    if (trace !== undefined) this.set(TRACE, trace)
    this.#pipeline = new Pipeline(this.#plan.handlers, trace)
    this.#handshake()
    if (this.#pipeline !== null && this.#plan.handshakeMs > 0) this.#plan.wheel.arm(this, this.#plan.handshakeMs)
  }

  get bytes(): Buffer {
    return this.input.view()
  }

  get ended(): boolean {
    return shutting.ended(this.shut, R)
  }

  take(n: number): void {
    this.input.take(n)
  }

  write(bytes: Uint8Array): void {
    this.output.append(bytes)
  }

  wake(): void {
    if (this.#woken || this.#pipeline === null) return
    this.#woken = true
    // Not a microtask: a handler that wakes itself each time it is asked must not keep the event loop from everybody else.
    setImmediate(() => {
      this.#woken = false
      if (this.#pipeline !== null) this.#handshake()
    })
  }

  upgrade(make: LayerMaker): DataLayer {
    // What was said before belongs below the new layer: a PROXY header comes before TLS.
    if (this.output.length > 0) this.layer.flush(this.output)
    if (this.output.length > 0) throw new Error(`upgrade() while ${this.output.length} bytes wait to be sent`)
    const rest = new Bytes()
    if (this.input.length > 0) rest.append(this.input.view())
    this.input.clear()
    const layer: DataLayer | null = make(this.sock, rest)
    if (typeof layer?.fill !== 'function') throw new Error('upgrade(): what makes the layer returned none')
    this.layer = layer
    this.layer.owner = this
    return this.layer
  }

  ready(): void {
    if (this.#pipeline !== null) this.#handshake()
    else {
      if (this.#user !== null) this.#tell(this.#user)
      if (this.shut !== 0) this.#advance()
    }
  }

  #handshake(): void {
    if (this.#stepping) return // an event of the layer that a step is using: the step looks for itself
    this.#stepping = true
    try {
      while (this.#pipeline !== null && !this.sock.connecting && this.#said() && this.#heardEnough()) {
        this.#begun = true
        const verdict = this.#pipeline.run(this)
        if (!this.#act(verdict)) break
      }
    } finally {
      this.#stepping = false
      this.input.keep()
    }
  }

  /** What handlers said is out; the next one may rely on it. */
  #said(): boolean {
    if (this.side === 'connect' && this.sock.error !== '') return this.#refuse({ cause: 'failed', detail: this.sock.error }, 'reset')
    if (this.output.length === 0) return true
    const flow = this.layer.flush(this.output)
    if (flow & ERR_OUT) return this.#refuse({ cause: 'failed', detail: this.layer.error }, 'reset')
    return this.output.length === 0
  }

  #heardEnough(): boolean {
    while (this.input.length < this.#need) {
      if (this.ended) return this.#refuse({ cause: this.#heard ? 'short' : 'empty' }, 'finish')
      const flow = this.layer.fill(this.input)
      if (this.input.length > 0) this.#heard = true
      if (flow & SHUT_IN) this.readEnded()
      if (flow & ERR_IN) return this.#refuse({ cause: 'failed', detail: this.layer.error }, 'reset')
      if (flow & EMPTY_IN && this.input.length < this.#need) return false
    }
    return true
  }

  /** Returns whether the handshake goes on at once. */
  #act(verdict: Exclude<Verdict, { verdict: 'next' }>): boolean {
    switch (verdict.verdict) {
      case 'more':
        if (verdict.total > this.#plan.bufferSize) {
          return this.#refuse({ cause: 'malformed', detail: `wants ${verdict.total} bytes, more than the buffer of ${this.#plan.bufferSize}` }, 'finish')
        }
        // Asking for no more than there is would be a busy loop: it is a bug of the handler.
        if (!(verdict.total > this.input.length)) return this.#refuse({ cause: 'bug', detail: `asks for ${verdict.total} bytes and has ${this.input.length}` }, 'finish')
        this.#need = verdict.total
        return true
      case 'wait':
        this.#need = 0
        return false
      case 'serve': {
        if (this.#events.serves?.(verdict.app) === false) return this.#refuse({ cause: 'bug', detail: `serve(${verdict.app.name}) towards a server: its connection is for who asked for it` }, 'reset')
        this.#leaveHandshake()
        serve(verdict.app, this, (where, error) => this.#cost(where, error))
        return false
      }
      case 'close':
        if (verdict.lastChunk !== undefined) this.write(verdict.lastChunk)
        return this.#refuse(verdict.why, 'finish')
      case 'reset':
        return this.#refuse(verdict.why, 'reset')
      case 'drop':
        return this.#refuse(verdict.why, 'drop')
    }
  }

  #leaveHandshake(): void {
    this.#plan.wheel.disarm(this)
    const pipeline = this.#pipeline
    this.#pipeline = null
    pipeline?.end((handler, error) => this.#events.bug(this, `end() of handler ${handler}`, error))
  }

  #refuse(why: Why, how: 'finish' | 'reset' | 'drop'): false {
    const handler = this.side === 'connect' && !this.#begun ? '' : (this.#pipeline?.current ?? '')
    const detail = why.detail ?? this.#pipeline?.detail(why.cause)
    this.#leaveHandshake()
    this.get(TRACE)?.note(`${this.side === 'accept' ? 'refused' : 'not connected'}: ${why.cause}${detail === undefined ? '' : ` (${detail})`}${handler === '' ? '' : ` in handler '${handler}'`}, ${how === 'finish' ? 'ended politely' : how === 'reset' ? 'reset' : 'left without a word'}`)
    this.#events.refused(this, handler, detail === undefined ? why : { ...why, detail })
    if (how === 'finish') this.finish()
    else if (how === 'reset') this.reset()
    else this.drop()
    return false
  }

  // ── the user's ─────────────────────────────────────────────────────────────────────────────────────────────────

  attach(user: ConnectionUser): void {
    this.#user = user
  }

  #tell(user: ConnectionUser, what: 'ready' | 'expired' = 'ready'): void {
    try {
      if (what === 'ready') user.ready(this)
      else user.expired(this)
    } catch (error) {
      this.#cost(`${what}() of a connection's user`, error)
    }
  }

  /** A bug costs this connection only, and what its user has to do with it. */
  #cost(where: string, error: unknown): void {
    const user = this.#user
    this.#events.bug(this, where, error)
    this.reset()
    try {
      user?.broken?.(this)
    } catch (again) {
      this.#events.bug(this, "broken() of a connection's user", again)
    }
  }

  deadline(ms: number): void {
    if (ms > 0) this.#plan.wheel.arm(this, ms)
    else this.#plan.wheel.disarm(this)
  }

  strike(): void {
    // To whom there is no connection yet, nothing can be said.
    if (this.#pipeline !== null) this.#refuse({ cause: 'timeout' }, this.sock.connecting ? 'reset' : 'finish')
    else if (this.#user !== null) this.#tell(this.#user, 'expired')
    else this.abandon() // the peer had its time
  }

  // ── the end, in stages ─────────────────────────────────────────────────────────────────────────────────────────

  readEnded(): void {
    this.shut = shutting.completeAll(this.shut, R)
  }

  shutw(): void {
    this.shut = shutting.want(this.shut, W)
    this.#advance()
  }

  /** A polite end: what is in `output` is sent, input drained, both ends awaited for at most the plan's drainMs. */
  finish(): void {
    if (this.#released || (this.#user === null && this.#pipeline === null && shutting.ending(this.shut, W))) return
    this.#user = null
    this.#leaveHandshake()
    this.input.clear()
    this.shut = shutting.want(shutting.want(this.shut, W), R)
    this.#advance()
    if (this.#released) return
    this.#plan.wheel.arm(this, this.#plan.drainMs)
    this.#plan.lingering?.add(this)
  }

  reset(): void {
    if (this.#released) return
    this.#user = null
    this.#leaveHandshake()
    this.layer.reset()
    this.shut = shutting.CLOSED
    this.#release()
  }

  /** The drain or the process is over: the descriptor is let go of as it is, and nobody is told but `released`. */
  abandon(): void {
    this.#user = null
    this.#leaveHandshake()
    this.shut = shutting.CLOSED
    this.#release()
  }

  /** Where the provider cannot do it silently, nothing is read or said, and the descriptor is let go much later. */
  drop(): void {
    if (this.#released) return
    this.#user = null
    this.#leaveHandshake()
    if (this.sock.drop !== undefined) {
      this.sock.drop()
      this.shut = shutting.CLOSED
      this.#release()
    } else this.#plan.wheel.arm(this, SILENCE_MS)
  }

  #advance(): void {
    if (this.#released) return
    advance(this, this.#user === null)
    // A user may still hold what it has not read, and counts as a connection until it says finish() or reset().
    if (this.#user === null && shutting.closed(this.shut)) this.#release()
  }

  #release(): void {
    if (this.#released) return
    this.#released = true
    this.#plan.live.delete(this)
    this.#plan.lingering?.delete(this)
    this.#plan.wheel.disarm(this)
    this.layer.close()
    this.input.clear()
    this.output.clear()
    this.#events.released(this)
  }
}
