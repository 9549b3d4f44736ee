// Owns a proxied session: from the client's connection to a server reached and joined, to the end of both and its record.
//
//   rules ──► route ──► backend's rules ──► reach a server (reach.ts) ──► data ──► over

import type { Address } from '../core/address.ts'
import type { Connection, ConnectionUser } from '../core/connection.ts'
import type { App } from '../core/handler.ts'
import { ended, ending, R, W } from '../core/shut.ts'
import type { SessionEffects } from '../core/sample.ts'
import { EMPTY_IN, ERR_IN, ERR_OUT, SHUT_IN, SHUT_OUT, type Flow } from '../core/sock.ts'
import { TRACE, type Trace } from '../core/trace.ts'
import { SESSION_ENDS } from '../core/view.ts'
import { serve } from '../net/serve.ts'
import { SessionSubject } from '../sample/subject.ts'
import type { Backend } from './backend.ts'
import { Channel, readAhead } from './channel.ts'
import { InspectedConnection, Inspection, type Decision, type InspectionPlan } from './inspection.ts'
import { Reach, type Seeker } from './reach.ts'
import type { Server } from './server.ts'
import type { EndedBy, EndedIn, StreamHost } from './stream-host.ts'
import { StreamTimeouts, type TimedStream } from './stream-timeouts.ts'

export class Stream implements ConnectionUser, Seeker, TimedStream {
  readonly client: Connection
  readonly #host: StreamHost
  /** Monotonic times in whole ms; -1: never came to it. */
  readonly openedAt: number
  connectedAt = -1
  overAt = -1
  backend: Backend | undefined
  connection: Connection | undefined
  by: EndedBy = '-'
  /** How it comes to a server; undefined: no backend has been asked for one. */
  reach: Reach | undefined
  /** Where it ended, once it has. */
  #endedIn: EndedIn = '-'
  #subject: SessionSubject | undefined
  #inspection: Inspection | undefined
  /** The server's first bytes are held for rules. */
  #answer: Inspection | undefined
  request: Channel | undefined
  response: Channel | undefined
  readonly #timeouts: StreamTimeouts
  /** The first side that was silent for too long, and where the session was: what the log says, however it went on. */
  #struck: { readonly by: EndedBy; readonly where: EndedIn } | undefined
  /** A rule gave the connection to an application, left the client without a word, or ended the server's connection. */
  #served: App | undefined
  #silent = false
  #severed = false
  /** One of the two has said something to the other. */
  #spoken = false
  /** The client broke off while rules were asked: they decide with what they have, and no server is sought. */
  #brokeOff = false
  readonly #trace: Trace | undefined
  /** Itself, or who stands before it. */
  readonly #user: ConnectionUser

  constructor(host: StreamHost, client: Connection) {
    this.#host = host
    this.client = client
    this.#trace = client.get(TRACE)
    this.#user = host.userOf?.(this) ?? this
    this.openedAt = host.wheel.now()
    this.#timeouts = new StreamTimeouts(this, host)
  }

  get ends(): { readonly src: Address; readonly dst: Address } {
    return this.#subject ?? this.client.get(SESSION_ENDS) ?? this.client
  }

  get effects(): SessionEffects | undefined {
    return this.#subject?.effects
  }

  get server(): Server | undefined {
    return this.reach?.server
  }

  /** Where it is, or where it ended. */
  get where(): EndedIn {
    if (this.isOver) return this.#endedIn
    return this.connection !== undefined ? 'D' : (this.reach?.where ?? 'R')
  }

  get isOver(): boolean {
    return this.overAt >= 0
  }

  /** Bytes that went to the server, and to the client. */
  get bytesUp(): number {
    return this.request?.total ?? 0
  }

  get bytesDown(): number {
    return this.response?.total ?? 0
  }

  /** Bytes that came from the client, and from the server. */
  get received(): { readonly up: number; readonly down: number } {
    return { up: this.request?.received ?? this.client.input.length, down: this.response?.received ?? 0 }
  }

  start(): void {
    this.client.attach(this.#user)
    this.client.deadline(this.#host.settings.clientTimeout)
    this.#readClient()
    if (this.isOver) return
    const { inspection } = this.#host.settings
    if (inspection === undefined) this.#route()
    else this.#inspect(inspection, () => this.#route())
    if (!this.isOver) this.ready()
  }

  // ── rules and routes ───────────────────────────────────────────────────────────────────────────────────────────

  /** What rules and log formats are asked about; made when first needed. */
  get subject(): SessionSubject {
    if (this.#subject !== undefined) return this.#subject
    this.#subject = new SessionSubject(this.client, this.#host.clock)
    if (this.backend !== undefined) this.#subject.route(this.backend)
    return this.#subject
  }

  /** Asks rules on the client's bytes; `then` when they accept. */
  #inspect(plan: InspectionPlan, then: () => void): void {
    const inspection = new Inspection(plan, this.subject, new InspectedConnection(this.client, this.#host.settings.bufferSize), this.#host.wheel, (decision) => {
      this.#inspection = undefined
      this.#decided(decision, then)
    }, this.#failed)
    this.#inspection = inspection
    this.subject.request = inspection
    this.#readClient()
    inspection.start()
    if (this.#brokeOff && !this.isOver) this.#end('C', 'R') // a pause is not waited for
  }

  #decided(decision: Decision, then: () => void): void {
    switch (decision.decision) {
      case 'accept':
        return then()
      case 'reject':
      case 'close':
      case 'drop':
        this.#silent = decision.decision === 'drop'
        return this.#end('P', 'R')
      case 'serve':
        this.#served = decision.app
        return this.#end('-', '-')
    }
  }

  #route(): void {
    const backend = this.#host.route(this)
    this.backend = backend
    this.#trace?.note(backend === undefined ? 'no backend' : `backend ${backend.name}`)
    if (backend === undefined) return this.#end('S', 'C')
    backend.sessions.add(1)
    if (this.#subject !== undefined) this.#subject.route(backend)
    const { inspection } = backend.settings
    if (inspection === undefined) this.#seek(backend)
    else this.#inspect(inspection, () => this.#seek(backend))
  }

  // ── a server is reached ────────────────────────────────────────────────────────────────────────────────────────

  #seek(backend: Backend): void {
    if (this.#brokeOff) return this.#end('C', 'R')
    this.reach = new Reach(this, backend, this.#host.provider, this.#host.wheel)
    this.reach.start()
  }

  unreached(by: 's' | 'S', where: 'Q' | 'C'): void {
    this.#end(by, where)
  }

  report(where: string, error: unknown): void {
    this.#host.report(where, error)
  }

  failed(where: string, error: unknown): void {
    this.#host.report(where, error)
    this.broken()
  }

  joined(conn: Connection): void {
    this.connection = conn
    this.connectedAt = this.#host.wheel.now()
    this.request = new Channel(this.client, conn, this.#host.settings.spliceRequest, this.backend?.settings.noLinger !== true)
    this.request.abandoned = this.#struck !== undefined
    this.response = new Channel(conn, this.client, this.#host.settings.spliceResponse, !this.#host.settings.noLinger)
    conn.attach(this.#user)
    this.#timeouts.joined()
    this.#host.joined(this)
    const { backend } = this
    if (backend?.settings.responseInspection !== undefined) this.#inspectAnswer(conn, backend.settings.responseInspection)
    if (!this.isOver) this.#pump()
  }

  // ── events ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** As an event, but nobody is there to see what it throws. */
  readonly #resume = (): void => {
    try {
      this.ready()
    } catch (error) {
      this.#failed(error)
    }
  }

  /** A bug where nobody called: it costs the session. */
  readonly #failed = (error: unknown): void => this.failed('content rules', error)

  /** One of its connections is gone by a bug, the other goes with it; if it was ending, how far that came nobody can say. */
  broken(): void {
    if (!this.isOver) return this.#end('I', this.where)
    this.client.reset()
    this.connection?.reset()
  }

  ready(): void {
    if (this.isOver) return
    if (this.request === undefined) this.#watchClient()
    else this.#pump()
  }

  /**
   * There is no server yet. A client that ends without a byte, or any under abortonclose, is not waited for; one that had ended
   * before a server was looked for is connected all the same, as in HAProxy.
   */
  #watchClient(): void {
    const before = ended(this.client.shut, R)
    this.#readClient()
    if (this.isOver) return
    if (this.#inspection === undefined) return before ? undefined : void this.gone()
    this.#inspection.look()
    if (this.#brokeOff && !this.isOver) this.#end('C', 'R')
  }

  /** Ends the session of a client that ended without a byte or, under abortonclose, at all. */
  gone(): boolean {
    const { client } = this
    if (!(ended(client.shut, R) || this.#struck !== undefined) || (client.input.length > 0 && this.backend?.settings.abortOnClose !== true)) return false
    this.#end('C', this.where)
    return true
  }

  /** Keeps the client's bytes, up to the buffer's size, and notices its end. */
  #readClient(): void {
    const { client } = this
    const before = client.input.length
    if (readAhead(client, this.#host.settings.bufferSize) & ERR_IN) {
      this.#brokeOff = this.#inspection !== undefined
      if (!this.#brokeOff) this.#end('C', 'D')
    } else if (client.input.length > before) this.#timeouts.heard()
  }

  #pump(): void {
    const { client, connection } = this
    const request = this.request
    const response = this.response
    if (connection === undefined || request === undefined || response === undefined) return
    const up = request.pump()
    const down = this.#answer === undefined ? response.pump() : this.#holdAnswer(connection, this.#answer)
    if (this.isOver) return
    if (request.read || request.wrote || response.read || response.wrote) this.#timeouts.moved(request, response)
    if (!this.#spoken && (request.wrote || response.wrote)) {
      this.#spoken = true
      this.server?.firstWord(request.wrote ? 'client' : 'server')
    }
    if (up & ERR_IN || down & ERR_OUT) return this.#end('C', 'D')
    if (down & ERR_IN || up & ERR_OUT) {
      // What the server said before it broke is still the client's, also what has not been read yet.
      if (response.empty && down & (EMPTY_IN | SHUT_IN | ERR_IN)) this.#end('S', 'D')
      return
    }
    const said = request.finished
    const answered = response.finished
    // A server that is not lingered for gets no half of an end, but RST: with it the session is over. A client does.
    if ((said && answered) || (said && this.backend?.settings.noLinger === true) || up & down & SHUT_OUT) this.#end('-', '-')
    else if (said && !ending(connection.shut, W)) this.#shutw(connection)
    else if (answered && !ending(client.shut, W)) this.#shutw(client)
  }

  /** Response rules are being asked: what the server says stays in its buffer. */
  #holdAnswer(connection: Connection, inspection: Inspection): Flow {
    const flow = readAhead(connection, this.#host.settings.bufferSize)
    inspection.look()
    return flow
  }

  /** Asks the backend's rules on the server's first bytes. */
  #inspectAnswer(connection: Connection, plan: InspectionPlan): void {
    const { subject } = this
    const inspection = new Inspection(plan, subject, new InspectedConnection(connection, this.#host.settings.bufferSize), this.#host.wheel, ({ decision }) => {
      this.#answer = undefined
      if (decision === 'accept' || decision === 'serve') queueMicrotask(this.#resume)
      else if (decision === 'close') this.#sever(connection)
      else {
        this.#silent = decision === 'drop'
        this.#end('P', 'D')
      }
    }, this.#failed)
    this.#answer = inspection
    subject.response = inspection
    subject.server = connection
    subject.target = this.server
    inspection.start()
  }

  /** Ends the server's connection at once. What it has said so far is the client's, and nothing went wrong. */
  #sever(connection: Connection): void {
    this.#severed = true
    this.response?.handOver()
    if (connection.layer.error === '') this.#end('-', '-')
    else this.#end('S', 'D')
  }

  /** Carries an end to the other side. */
  #shutw(conn: Connection): void {
    conn.shutw()
    this.#timeouts.told(conn)
  }

  get connecting(): boolean {
    return this.reach?.connecting === true
  }

  get holdsAnswer(): boolean {
    return this.#answer !== undefined
  }

  expired(conn: Connection): void {
    if (this.isOver) return
    const struck = this.#timeouts.struck(conn)
    if (struck === undefined) return
    if (!struck.abandon) return this.#end(struck.side, this.where)
    this.#struck ??= { by: struck.side, where: this.where }
    const channel = struck.side === 'c' ? this.request : this.response
    if (channel === undefined) return // the server is told when it is joined
    channel.abandoned = true
    this.#pump()
    if (!this.isOver) this.#timeouts.await(channel.from)
  }

  // ── the end ────────────────────────────────────────────────────────────────────────────────────────────────────

  #end(by: EndedBy, where: EndedIn): void {
    if (this.isOver) return
    this.overAt = this.#host.wheel.now()
    this.by = this.#struck?.by ?? by
    this.#endedIn = this.#struck?.where ?? where
    this.reach?.stop()
    this.#trace?.note(`session over: ${this.#served === undefined ? `${this.by}${this.#endedIn}` : `served by '${this.#served.name}'`}`)
    this.#inspection?.stop()
    this.#answer?.stop()
    this.backend?.sessions.add(-1)
    this.server?.sessions.add(-1)
    this.#host.over(this)
    this.backend?.admit()
    this.#close(this.#brokeOff || (by === 'C' && where === 'D'))
    this.request?.release()
    this.response?.release()
  }

  /** A client that breaks takes the server with it, unless the server has said all that it had to say. */
  #close(aborted: boolean): void {
    const { client, connection } = this
    const midway = connection !== undefined && !ended(connection.shut, R)
    if (connection !== undefined) {
      if (this.#severed || (midway && (aborted || (this.backend?.settings.noLinger === true && connection.output.length === 0)))) connection.reset()
      else connection.finish()
    }
    if (this.#served !== undefined) serve(this.#served, client, (where, error) => this.failed(where, error))
    else if (this.#silent) client.drop()
    else if (aborted) client.reset()
    else if (this.#host.settings.noLinger && client.output.length === 0) client.reset()
    else client.finish()
  }
}
