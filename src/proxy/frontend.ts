// Owns a frontend: counts and gates what its listeners accept, opens a stream for each connection that came through its
// handshake, and logs how connections and sessions ended.

import type { App, Why } from '../core/handler.ts'
import { factKey } from '../core/handler.ts'
import type { Connection } from '../core/connection.ts'
import type { LogSink } from '../core/log-sink.ts'
import type { Provider } from '../core/provider.ts'
import type { Sock } from '../core/sock.ts'
import type { ProcessView, ProxyView, ServerView } from '../core/view.ts'
import { EngineConnection, type ConnectionEvents, type ConnectionPlan } from '../net/connection.ts'
import type { GatedListener, PauseReason } from '../net/listener.ts'
import type { LogFormat } from '../sample/log-format.ts'
import { ConnectionSubject } from '../sample/subject.ts'
import type { Wheel } from '../util/wheel.ts'
import type { Backend } from './backend.ts'
import type { Gauge } from './gauge.ts'
import type { InspectionPlan } from './inspection.ts'
import { StreamRecord } from './record.ts'
import { Stream, type StreamHost } from './stream.ts'

export interface FrontendSettings {
  readonly name: string
  readonly id: number
  readonly kind: 'frontend' | 'listen'
  /** Connections at a time; 0: no limit. */
  readonly maxconn: number
  /** ms; 0: none. */
  readonly clientTimeout: number
  readonly clientFinTimeout: number | undefined
  readonly noLinger: boolean
  /** Connections that end before a byte came are not logged. */
  readonly dontLogNull: boolean
  /** Only what ended with an error, a timeout, a retry or a redispatch is logged. */
  readonly dontLogNormal: boolean
  readonly logAsap: boolean
  /** Ends with errors are logged at level err. */
  readonly logSeparateErrors: boolean
  readonly bufferSize: number
  readonly spliceRequest: boolean
  readonly spliceResponse: boolean
  /** Content rules; undefined: none. */
  readonly inspection: InspectionPlan | undefined
}

/** Where a frontend's lines go, and what they say. */
export interface FrontendLog {
  readonly sink: LogSink
  readonly session: LogFormat
  /** Structured data for RFC 5424 targets. */
  readonly structured: LogFormat | undefined
  /** For connections that failed before there was a session. */
  readonly error: LogFormat
}

/** What all frontends of a thread share. */
export interface FrontendHost {
  readonly provider: Provider
  readonly wheel: Wheel
  /** Wall clock, ms since the epoch. */
  readonly clock: () => number
  readonly process: ProcessView
  /** Connections of all frontends of the process, and their limit; 0: none. */
  readonly connections: Gauge
  readonly maxconn: number
  /** Pauses or resumes every listener of this thread. */
  gateAll(shut: boolean): void
  /** The process log. */
  bug(where: string, error: unknown): void
}

/** The listener that a connection came in by. */
export const bindFact = factKey<Bind>('bind')

/** One listener of a bind line: what its connections go through, and who is told how that ended. */
export class Bind implements ConnectionEvents {
  /** Its `name`, or its number in the frontend from 1: `f/1` in logs. */
  readonly name: string
  /** The line that it stands on, for messages: `my.cfg:3`. */
  readonly place: string
  readonly listener: GatedListener
  /** Connections of this listener; its own limit, 0: none. */
  readonly connections: Gauge
  readonly #maxconn: number
  readonly #plan: ConnectionPlan
  readonly #frontend: Frontend

  constructor(
    identity: { readonly name: string; readonly place: string; readonly maxconn: number },
    frontend: Frontend,
    plan: ConnectionPlan,
    connections: Gauge,
    makeListener: (accepted: (sock: Sock) => void) => GatedListener,
  ) {
    this.name = identity.name
    this.place = identity.place
    this.#maxconn = identity.maxconn
    this.#frontend = frontend
    this.#plan = { ...plan, facts: new Map<unknown, unknown>([...plan.facts, [bindFact, this]]) }
    this.connections = connections
    this.listener = makeListener((sock) => this.#accepted(sock))
  }

  #accepted(sock: Sock): void {
    this.#frontend.entered()
    if (this.connections.add(1) >= this.#maxconn && this.#maxconn > 0) this.listener.pause('bind full')
    new EngineConnection(sock, this.#plan, this).start()
  }

  refused(conn: EngineConnection, handler: string, why: Why): void {
    this.#frontend.refused(this, conn, handler, why)
  }

  released(): void {
    if (this.connections.add(-1) < this.#maxconn) this.listener.resume('bind full')
    this.#frontend.left()
  }

  bug(_conn: EngineConnection, handler: string, error: unknown): void {
    this.#frontend.report(`end() of handler ${handler}`, error)
  }
}

export class Frontend implements StreamHost, App, ProxyView {
  readonly name: string
  readonly id: number
  readonly kind: 'frontend' | 'listen'
  readonly settings: FrontendSettings
  readonly provider: Provider
  readonly wheel: Wheel
  readonly servers: readonly ServerView[] = []
  binds: readonly Bind[] = []
  readonly #host: FrontendHost
  readonly #connections: Gauge
  readonly #log: FrontendLog | undefined
  readonly #route: (stream: Stream) => Backend | undefined
  /** Connections of this thread. */
  #live = 0
  #logged = 0
  #idle: (() => void) | undefined

  constructor(settings: FrontendSettings, host: FrontendHost, connections: Gauge, log: FrontendLog | undefined, route: (stream: Stream) => Backend | undefined) {
    this.name = settings.name
    this.id = settings.id
    this.kind = settings.kind
    this.settings = settings
    this.#host = host
    this.provider = host.provider
    this.wheel = host.wheel
    this.#connections = connections
    this.#log = log
    this.#route = route
  }

  get connections(): number {
    return this.#connections.value
  }

  get process(): ProcessView {
    return this.#host.process
  }

  get inspection(): InspectionPlan | undefined {
    return this.settings.inspection
  }

  get clock(): () => number {
    return this.#host.clock
  }

  get bufferSize(): number {
    return this.settings.bufferSize
  }

  get clientTimeout(): number {
    return this.settings.clientTimeout
  }

  get clientFinTimeout(): number | undefined {
    return this.settings.clientFinTimeout
  }

  get spliceRequest(): boolean {
    return this.settings.spliceRequest
  }

  get spliceResponse(): boolean {
    return this.settings.spliceResponse
  }

  get noLinger(): boolean {
    return this.settings.noLinger
  }

  // ── accepting ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** A connection was accepted. */
  entered(): void {
    const { settings } = this
    this.#live++
    const mine = this.#connections.add(1)
    const all = this.#host.connections.add(1)
    if (settings.maxconn > 0 && mine >= settings.maxconn) this.gate('full', true)
    if (this.#host.maxconn > 0 && all >= this.#host.maxconn) this.#host.gateAll(true)
  }

  /** Stops or resumes accepting on all bind lines, for one reason. */
  gate(reason: PauseReason, shut: boolean): void {
    for (const { listener } of this.binds) {
      if (shut) listener.pause(reason)
      else listener.resume(reason)
    }
  }

  /** A connection's descriptor is released. */
  left(): void {
    const { settings } = this
    this.#live--
    const mine = this.#connections.add(-1)
    const all = this.#host.connections.add(-1)
    if (settings.maxconn > 0 && mine < settings.maxconn) this.gate('full', false)
    if (this.#host.maxconn > 0 && all < this.#host.maxconn) this.#host.gateAll(false)
    if (this.#live === 0) this.#idle?.()
  }

  /** Listens no more; resolves when the last connection of this thread has gone. */
  async drain(): Promise<void> {
    for (const { listener } of this.binds) listener.close()
    if (this.#live > 0) await new Promise<void>((resolve) => (this.#idle = resolve))
  }

  // ── a connection's handshake is over ───────────────────────────────────────────────────────────────────────────

  open(conn: Connection): void {
    new Stream(this, conn).start()
  }

  refused(bind: Bind, conn: EngineConnection, handler: string, why: Why): void {
    if (why.cause === 'bug') this.report(`handler ${handler}`, why.detail ?? 'no verdict')
    const log = this.#log
    if (log === undefined || why.quiet === true || (why.cause === 'empty' && this.settings.dontLogNull)) return
    const error = why.detail !== undefined && why.cause !== 'bug' ? why.detail : `${why.cause} in handler '${handler}'`
    const subject = new ConnectionSubject(conn, this.#host.clock, {
      bind: bind.name,
      error,
      acceptDate: conn.since,
      processConnections: this.process.connections,
      frontendConnections: this.connections,
      logNumber: this.#logged++,
      sessionNumber: conn.id,
    })
    log.sink.write(this.settings.logSeparateErrors ? 'err' : 'info', log.error.format(subject))
  }

  // ── streams ────────────────────────────────────────────────────────────────────────────────────────────────────

  route(stream: Stream): Backend | undefined {
    return this.#route(stream)
  }

  /** Whether the line is written as soon as the server is connected. */
  get #early(): boolean {
    return this.settings.logAsap || this.#log?.session.needsEnd === false
  }

  joined(stream: Stream): void {
    if (this.#early) this.#write(stream, this.settings.logAsap)
  }

  over(stream: Stream): void {
    if (!this.#early || stream.connection === undefined) this.#write(stream, false)
  }

  #write(stream: Stream, early: boolean): void {
    const { settings } = this
    const log = this.#log
    if (log === undefined) return
    const normal = stream.by === '-' && stream.retries === 0
    if (settings.dontLogNormal && normal) return
    if (settings.dontLogNull && stream.connection === undefined && stream.by === 'C' && stream.client.input.length === 0) return
    const { subject } = stream
    subject.record = new StreamRecord(stream, this, early, this.#logged++)
    subject.backend = stream.backend
    subject.target = stream.server
    subject.server = stream.connection
    const { logLevel } = subject.effects
    if (logLevel === 'silent') return
    log.sink.write(logLevel ?? (settings.logSeparateErrors && !normal ? 'err' : 'info'), log.session.format(subject), log.structured?.format(subject))
  }

  report(where: string, error: unknown): void {
    this.#host.bug(`frontend ${this.name}: ${where}`, error)
  }
}

