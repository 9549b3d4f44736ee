// Owns a frontend: accepts on its bind lines, runs their handshakes, opens a stream for each connection that came through, logs.

import type { App, Why } from '../core/handler.ts'
import type { Connection } from '../core/connection.ts'
import type { LogSink } from '../core/log-sink.ts'
import type { Provider } from '../core/provider.ts'
import type { Sock } from '../core/sock.ts'
import { EngineConnection, type ConnectionEvents, type ConnectionPlan } from '../net/connection.ts'
import type { GatedListener, PauseReason } from '../net/listener.ts'
import type { Wheel } from '../util/wheel.ts'
import type { Backend } from './backend.ts'
import type { Gauge } from './gauge.ts'
import { endpointText, logDate } from './log-line.ts'
import { Stream, type StreamHost } from './stream.ts'

export interface FrontendSettings {
  readonly name: string
  readonly id: number
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
}

/** One listener of a bind line: what its connections go through, and who is told how that ended. */
export class Bind implements ConnectionEvents {
  /** Its `name`, or its number in the frontend from 1: `f/1` in logs. */
  readonly name: string
  readonly listener: GatedListener
  /** Connections of this listener; its own limit, 0: none. */
  readonly connections: Gauge
  readonly #maxconn: number
  readonly #plan: ConnectionPlan
  readonly #frontend: Frontend

  constructor(name: string, frontend: Frontend, plan: ConnectionPlan, maxconn: number, connections: Gauge, makeListener: (accepted: (sock: Sock) => void) => GatedListener) {
    this.name = name
    this.#frontend = frontend
    this.#plan = plan
    this.#maxconn = maxconn
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

/** What all frontends of the process share. */
export interface FrontendHost {
  readonly provider: Provider
  readonly wheel: Wheel
  /** Connections of all frontends, and their limit; 0: none. */
  readonly connections: Gauge
  readonly maxconn: number
  /** Pauses or resumes every listener of this thread. */
  gateAll(shut: boolean): void
  /** The process log. */
  bug(where: string, error: unknown): void
}

/** What is logged of a session: the compiled format of the frontend. */
export type SessionLine = (stream: Stream) => string

export class Frontend implements StreamHost, App {
  readonly name: string
  readonly settings: FrontendSettings
  readonly provider: Provider
  readonly wheel: Wheel
  readonly connections: Gauge
  binds: readonly Bind[] = []
  readonly #host: FrontendHost
  readonly #sink: LogSink | undefined
  readonly #line: SessionLine
  readonly #route: (stream: Stream) => Backend | undefined
  #live = 0
  #idle: (() => void) | undefined

  constructor(settings: FrontendSettings, host: FrontendHost, connections: Gauge, sink: LogSink | undefined, line: SessionLine, route: (stream: Stream) => Backend | undefined) {
    this.name = settings.name
    this.settings = settings
    this.#host = host
    this.provider = host.provider
    this.wheel = host.wheel
    this.connections = connections
    this.#sink = sink
    this.#line = line
    this.#route = route
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

  get processConnections(): number {
    return this.#host.connections.value
  }

  // ── accepting ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** A connection was accepted. */
  entered(): void {
    const { settings } = this
    this.#live++
    const mine = this.connections.add(1)
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
    const mine = this.connections.add(-1)
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

  refused(bind: Bind, conn: Connection, handler: string, why: Why): void {
    if (why.cause === 'bug') this.report(`handler ${handler}`, why.detail ?? 'no verdict')
    if (why.quiet === true || (why.cause === 'empty' && this.settings.dontLogNull)) return
    const text = why.detail !== undefined && why.cause !== 'bug' ? why.detail : `${why.cause} in handler '${handler}'`
    this.#sink?.write(this.settings.logSeparateErrors ? 'err' : 'info', `${endpointText(conn.src)} [${logDate(conn.since)}] ${this.name}/${bind.name}: ${text}`)
  }

  // ── streams ────────────────────────────────────────────────────────────────────────────────────────────────────

  route(stream: Stream): Backend | undefined {
    return this.#route(stream)
  }

  joined(stream: Stream): void {
    if (this.settings.logAsap) this.#log(stream)
  }

  over(stream: Stream): void {
    if (!this.settings.logAsap || stream.connection === undefined) this.#log(stream)
  }

  #log(stream: Stream): void {
    const { settings } = this
    if (this.#sink === undefined) return
    const normal = (stream.by === '-' || stream.by === 'I') && stream.retries === 0
    if (settings.dontLogNormal && normal) return
    if (settings.dontLogNull && stream.connection === undefined && stream.by === 'C' && stream.client.input.length === 0) return
    this.#sink.write(settings.logSeparateErrors && !normal ? 'err' : 'info', this.#line(stream))
  }

  report(where: string, error: unknown): void {
    this.#host.bug(`frontend ${this.name}: ${where}`, error)
  }
}
