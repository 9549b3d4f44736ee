// Owns a frontend: counts and gates what its listeners (bind.ts) accept, opens a stream for each connection that came through its
// handshake, and logs how connections and sessions ended.

import type { App, Cause, Why } from '../core/handler.ts'
import type { Connection, ConnectionUser } from '../core/connection.ts'
import type { LogLevel, LogSink } from '../core/log-sink.ts'
import type { Provider } from '../core/provider.ts'
import type { Subject } from '../core/sample.ts'
import type { Sock } from '../core/sock.ts'
import type { CaptureLengths, ProcessView, ProxyView, ServerView } from '../core/view.ts'
import type { EngineConnection } from '../net/connection.ts'
import type { PauseReason } from '../net/listener.ts'
import type { LogFormat } from '../sample/log-format.ts'
import { ConnectionSubject } from '../sample/subject.ts'
import { visible } from '../util/shown.ts'
import { Alarm, type Wheel } from '../util/wheel.ts'
import type { Backend } from './backend.ts'
import { bindFact, type Bind, type BindHost } from './bind.ts'
import type { Gauge, Rate } from './gauge.ts'
import type { Profiles } from './profile.ts'
import type { RunQueue } from './run-queue.ts'
import { StreamRecord } from './record.ts'
import { Stream } from './stream.ts'
import type { StreamHost, StreamSettings } from './stream-host.ts'

export interface FrontendSettings extends StreamSettings {
  readonly name: string
  readonly id: number
  readonly kind: 'frontend' | 'listen'
  /** Connections at a time; 0: no limit. */
  readonly maxconn: number
  readonly defaultBackend: string | undefined
  /** Connections that end before a byte came are not logged. */
  readonly dontLogNull: boolean
  /** Only what ended with an error, a timeout, a retry or a redispatch is logged. */
  readonly dontLogNormal: boolean
  readonly logAsap: boolean
  /** Ends with errors are logged at level err. */
  readonly logSeparateErrors: boolean
  /** Sessions that begin: connections that came through their handshakes and rules. */
  readonly sessionRate: Rate
  readonly captures: CaptureLengths
  /** How long its tarpits hold that do not say. ms */
  readonly tarpitTimeout: number
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
  /** Who measures sessions; undefined: nobody asks. */
  readonly profiles?: Profiles | undefined
  /** In which order sessions are served; undefined: as their events come. */
  readonly runQueue?: RunQueue | undefined
  /** Connections of all frontends of the process, and their limit; 0: none. */
  readonly connections: Gauge
  readonly maxconn: number
  /** A connection of `frontend` has gone: others may have waited for its place. */
  someoneLeft(frontend: Frontend): void
  /** The process log. */
  bug(where: string, error: unknown): void
}

/** How often a full frontend looks whether other threads have made room. ms */
const LOOK_AGAIN_MS = 10

/** A client that left, or fell silent, before its handshake was over: `option dontlognull` leaves it out, as HAProxy does. */
const SAID_NOTHING: ReadonlySet<Cause> = new Set<Cause>(['empty', 'short', 'timeout'])

export class Frontend implements BindHost, StreamHost, App, ProxyView {
  readonly name: string
  readonly id: number
  readonly kind: 'frontend' | 'listen'
  readonly settings: FrontendSettings
  readonly provider: Provider
  readonly wheel: Wheel
  readonly clock: () => number
  readonly servers: readonly ServerView[] = []
  readonly queued = 0
  readonly profiles: Profiles | undefined
  readonly userOf: ((stream: Stream) => ConnectionUser) | undefined
  binds: readonly Bind[] = []
  readonly #host: FrontendHost
  readonly #connections: Gauge
  readonly #log: FrontendLog | undefined
  readonly #route: (stream: Stream) => Backend | undefined
  /** Connections of this thread. */
  #live = 0
  readonly #held: { readonly bind: Bind; readonly sock: Sock }[] = []
  readonly #lookAgain = new Alarm(() => this.#admitHeld())
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
    this.clock = host.clock
    this.profiles = host.profiles
    this.userOf = host.profiles === undefined && host.runQueue === undefined ? undefined : (stream) => this.#userOf(stream)
    this.#connections = connections
    this.#log = log
    this.#route = route
  }

  get connections(): number {
    return this.#connections.value
  }

  #userOf(stream: Stream): ConnectionUser {
    const { client } = stream
    const user = this.profiles?.before(stream, client) ?? stream
    return this.#host.runQueue?.before(user, stream, client, client.get(bindFact)?.nice ?? 0) ?? user
  }

  /** A frontend has none. */
  usable(): readonly ServerView[] {
    return this.servers
  }

  get sessionRate(): number {
    return this.settings.sessionRate.value
  }

  get timeouts(): ProxyView['timeouts'] {
    return { client: this.settings.clientTimeout, tarpit: this.settings.tarpitTimeout }
  }

  get defaultBackend(): string | undefined {
    return this.settings.defaultBackend
  }

  get process(): ProcessView {
    return this.#host.process
  }

  get captures(): CaptureLengths {
    return this.settings.captures
  }

  // ── accepting ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** Counts a connection in, unless that is more than maxconn of the frontend or of the process. */
  enter(): boolean {
    if (!this.#connections.take(this.settings.maxconn)) return false
    if (!this.#host.connections.take(this.#host.maxconn)) {
      this.#connections.add(-1)
      return false
    }
    this.#live++
    if (this.full || this.#processFull) this.gateWhileFull()
    return true
  }

  get #processFull(): boolean {
    return this.#host.maxconn > 0 && this.#host.connections.value >= this.#host.maxconn
  }

  get full(): boolean {
    return this.settings.maxconn > 0 && this.#connections.value >= this.settings.maxconn
  }

  /** Accepted a moment too late: another thread took the last place. It waits unread for one, as if it were in the kernel's queue. */
  hold(bind: Bind, sock: Sock): void {
    this.#held.push({ bind, sock })
    this.gateWhileFull()
  }

  /** Stops or resumes accepting on all bind lines, for one reason. */
  gate(reason: PauseReason, shut: boolean): void {
    for (const { listener } of this.binds) {
      if (shut) listener.pause(reason)
      else listener.resume(reason)
    }
  }

  /** Stops accepting where a limit is reached; goes on when a connection has gone, of this thread or, looked for now and then, of another. */
  gateWhileFull(): void {
    for (const bind of this.binds) {
      if (bind.full || this.full || this.#processFull || this.#held.some((one) => one.bind === bind)) bind.listener.pause('full')
      else bind.listener.resume('full')
    }
    if (this.binds.some((bind) => bind.listener.pausedFor('full'))) this.wheel.arm(this.#lookAgain, LOOK_AGAIN_MS)
    else this.wheel.disarm(this.#lookAgain)
  }

  /** Lets in who was held, as far as there is room, and opens what can be opened. */
  #admitHeld(): void {
    // In the order in which they came; who waits for a place of another listener holds up nobody.
    for (const one of this.#held.splice(0)) if (!one.bind.admit(one.sock)) this.#held.push(one)
    this.gateWhileFull()
  }

  /** A connection's descriptor is released. */
  left(): void {
    this.#live--
    const wasGated = this.#lookAgain.at !== 0
    this.#connections.add(-1)
    this.#host.connections.add(-1)
    if (wasGated) this.#admitHeld()
    if (this.#host.maxconn > 0) this.#host.someoneLeft(this)
    if (this.#live === 0) this.#idle?.()
  }

  /** Listens no more; resolves when the last connection of this thread has gone. */
  async drain(): Promise<void> {
    this.wheel.disarm(this.#lookAgain)
    for (const { listener } of this.binds) listener.close()
    for (const { sock } of this.#held.splice(0)) sock.reset()
    if (this.#live > 0) await new Promise<void>((resolve) => (this.#idle = resolve))
  }

  /** Someone else's connection has gone: there may be room under the limit of the process. */
  roomInProcess(): void {
    if (this.#lookAgain.at !== 0) this.#admitHeld()
  }

  // ── a connection's handshake is over ───────────────────────────────────────────────────────────────────────────

  open(conn: Connection): void {
    this.settings.sessionRate.tick()
    if (this.#log !== undefined) void conn.dst // asked for while there is a descriptor to ask: its line may be written after
    const stream = new Stream(this, conn)
    if (this.profiles === undefined) stream.start()
    else this.profiles.begin(conn, () => stream.start())
  }

  refused(bind: Bind, conn: EngineConnection, handler: string, why: Why): void {
    if (why.cause === 'bug') this.report(`handler ${handler}`, why.detail ?? 'no verdict')
    const log = this.#log
    if (log === undefined || why.quiet === true || (this.settings.dontLogNull && SAID_NOTHING.has(why.cause))) return
    // A plugin may quote what a client has sent, and no client writes lines of a log.
    const error = why.detail !== undefined && why.cause !== 'bug' ? visible(why.detail) : `${why.cause} in handler '${handler}'`
    const subject = new ConnectionSubject(conn, this.clock, {
      bind: bind.name,
      error,
      acceptDate: conn.since,
      processConnections: this.process.connections,
      frontendConnections: this.connections,
      logNumber: this.#logged++,
      sessionNumber: conn.id,
    })
    this.#say(log.sink, this.settings.logSeparateErrors ? 'err' : 'info', log.error, subject)
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
    const normal = stream.by === '-' && (stream.reach?.retries ?? 0) === 0
    if (settings.dontLogNormal && normal) return
    if (settings.dontLogNull && stream.isOver && stream.bytesUp === 0 && stream.client.input.length === 0) return
    const { subject } = stream
    subject.record = new StreamRecord(stream, this, early, this.#logged++)
    subject.backend = stream.backend
    subject.target = stream.server
    subject.server = stream.connection ?? stream.reach?.lost
    const { logLevel } = subject.effects
    if (logLevel === 'silent') return
    this.#say(log.sink, logLevel ?? (settings.logSeparateErrors && !normal ? 'err' : 'info'), log.session, subject, log.structured)
  }

  /** What a format throws (a plugin's fetch) costs the line: the connection has to come to its end all the same. */
  #say(sink: LogSink, level: LogLevel, line: LogFormat, subject: Subject, structured?: LogFormat): void {
    try {
      sink.write(level, line.format(subject), structured?.format(subject))
    } catch (error) {
      this.report('log format', error)
    }
  }

  report(where: string, error: unknown): void {
    this.#host.bug(`frontend ${this.name}: ${where}`, error)
  }
}
