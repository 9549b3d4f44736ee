// Owns a proxied session: from the client's connection to a server chosen, reached and joined, to the end of both and its record.
//
//   rules ──► route ──► backend's rules ──► choose ──► (queue) ──► connect ──► data ──► over
//                                             ▲                      │ failed
//                                             └── redispatch ◄───────┴──► back off, then connect again
//
// How it ends is told by two letters (manual 8.5): who ended it (C client, S server, P proxy; c and s by their timeouts) and where
// (R rules, Q queue, C connect, D data).

import type { Address } from '../core/address.ts'
import type { Connection, ConnectionUser } from '../core/connection.ts'
import { originFact, type App, type FactKey, type Why } from '../core/handler.ts'
import { ended, ending, R, W } from '../core/shut.ts'
import { EMPTY_IN, ERR_IN, ERR_OUT, SHUT_IN, SHUT_OUT, type Flow } from '../core/sock.ts'
import type { Provider } from '../core/provider.ts'
import { Attempt, type AttemptEvents } from '../net/connect.ts'
import { TRACE, type Trace } from '../core/trace.ts'
import { Alarm, type Wheel } from '../util/wheel.ts'
import { SESSION_ENDS } from '../core/view.ts'
import { SessionSubject } from '../sample/subject.ts'
import type { Backend } from './backend.ts'
import { Channel } from './channel.ts'
import { Inspection, type Decision, type InspectionPlan } from './inspection.ts'
import type { Priority, Ticket, Waiter } from './queue.ts'
import type { Server } from './server.ts'

export type EndedBy = 'C' | 'S' | 'P' | 'c' | 's' | 'I' | '-'
export type EndedIn = 'R' | 'Q' | 'C' | 'D' | '-'

/** What a stream needs of the frontend it came in by. */
export interface StreamHost {
  readonly provider: Provider
  readonly wheel: Wheel
  /** Most bytes that are read from a client while there is no server (tune.bufsize). */
  readonly bufferSize: number
  /** ms; 0: none. */
  readonly clientTimeout: number
  readonly clientFinTimeout: number | undefined
  readonly noLinger: boolean
  /** Bulk data may pass through kernel pipes, each way. */
  readonly spliceRequest: boolean
  readonly spliceResponse: boolean
  /** The frontend's content rules; undefined: it has none. */
  readonly inspection: InspectionPlan | undefined
  /** Wall clock, ms since the epoch. */
  readonly clock: () => number
  /** The backend for this connection; undefined: none is configured. */
  route(stream: Stream): Backend | undefined
  /** The server is connected: the line is written now where `logasap` asks for it. */
  joined(stream: Stream): void
  /** The session is over and its record complete; backend and server no longer count it, the frontend does. */
  over(stream: Stream): void
  /** A bug that cost this session only. */
  report(where: string, error: unknown): void
}

/** The pause before a retry on the same server, unless the connect timeout is shorter. ms */
const BACK_OFF_MS = 1000

export class Stream implements ConnectionUser, AttemptEvents, Waiter {
  readonly client: Connection
  readonly #host: StreamHost
  /** Monotonic times in whole ms; -1: never came to it. */
  readonly openedAt: number
  assignedAt = -1
  connectedAt = -1
  overAt = -1
  backend: Backend | undefined
  server: Server | undefined
  connection: Connection | undefined
  retries = 0
  redispatched = false
  /** How many waited before this one when it queued. */
  queuedBehind = 0
  by: EndedBy = '-'
  where: EndedIn = 'R'
  #subject: SessionSubject | undefined
  #inspection: Inspection | undefined
  /** The server's first bytes are held for rules. */
  #answer: Inspection | undefined
  #request: Channel | undefined
  #response: Channel | undefined
  #attempt: Attempt | undefined
  #ticket: Ticket | undefined
  #backOff: Alarm | undefined
  #clientActive: number
  #serverActive = 0
  /** A rule gave the connection to an application, or left the client without a word. */
  #served: App | undefined
  #silent = false
  readonly #trace: Trace | undefined

  constructor(host: StreamHost, client: Connection) {
    this.#host = host
    this.client = client
    this.#trace = client.get(TRACE)
    this.openedAt = host.wheel.now()
    this.#clientActive = this.openedAt
  }

  /** The session's ends: rules may have set other ones than the connection's. */
  get #ends(): { readonly src: Address; readonly dst: Address } {
    return this.#subject ?? this.client.get(SESSION_ENDS) ?? this.client
  }

  get source(): Address {
    return this.#ends.src
  }

  /** What rules made of its place in a queue. */
  get priority(): Priority | undefined {
    return this.#subject?.effects
  }

  get isOver(): boolean {
    return this.overAt >= 0
  }

  /** Bytes that went to the server, and to the client. */
  get bytesUp(): number {
    return this.#request?.total ?? 0
  }

  get bytesDown(): number {
    return this.#response?.total ?? 0
  }

  start(): void {
    this.client.attach(this)
    this.client.deadline(this.#host.clientTimeout)
    this.#readClient()
    if (this.isOver) return
    const { inspection } = this.#host
    if (inspection === undefined) this.#route()
    else this.#inspect(inspection, () => this.#route())
    if (!this.isOver) this.ready()
  }

  // ── rules and routes ───────────────────────────────────────────────────────────────────────────────────────────

  /** What rules and log formats are asked about; made when first needed. */
  get subject(): SessionSubject {
    return (this.#subject ??= new SessionSubject(this.client, this.#host.clock))
  }

  /** Asks rules on the client's bytes; `then` when they accept. */
  #inspect(plan: InspectionPlan, then: () => void): void {
    const { client } = this
    const full = (): boolean => ended(client.shut, R) || client.input.length >= this.#host.bufferSize
    const side = {
      get bytes() {
        return client.input.view()
      },
      get complete() {
        return full()
      },
    }
    const inspection = new Inspection(plan, this.subject, side, this.#host.wheel, (decision) => {
      this.#inspection = undefined
      this.#decided(decision, then)
    })
    this.#inspection = inspection
    this.subject.request = inspection
    this.#readClient()
    if (!this.isOver) inspection.start()
  }

  #decided(decision: Decision, then: () => void): void {
    switch (decision.decision) {
      case 'accept':
        return then()
      case 'reject':
      case 'close':
        return this.#end('P', 'R')
      case 'drop':
        this.#silent = true
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
    if (backend === undefined) {
      this.#end('S', 'C')
      return
    }
    backend.sessions.add(1)
    if (this.#subject !== undefined) this.#subject.backend = backend
    const { inspection } = backend.settings
    if (inspection === undefined) this.#assign(undefined)
    else this.#inspect(inspection, () => this.#assign(undefined))
  }

  // ── a server is chosen and reached ─────────────────────────────────────────────────────────────────────────────

  #assign(except: Server | undefined): void {
    const { backend } = this
    if (backend === undefined) return
    const ruled = except === undefined && backend.settings.useServer.length > 0 ? backend.ruled(this.subject) : undefined
    const choice = ruled === undefined ? backend.choose(this, except) : backend.take(ruled)
    if (choice === 'none') {
      this.#trace?.note('no server is up')
      this.#end('S', 'C')
    } else if (choice === 'full') {
      this.#trace?.note('every server is full: it waits in the queue')
      this.where = 'Q'
      const ticket = backend.join(this, ruled)
      this.#ticket = ticket
      this.queuedBehind = ticket.position + 1
    } else this.admitted(choice)
  }

  admitted(server: Server): void {
    this.#ticket = undefined
    this.server = server
    this.#trace?.note(`server ${this.backend?.name ?? ''}/${server.name}`)
    this.where = 'C'
    if (this.assignedAt < 0) this.assignedAt = this.#host.wheel.now()
    // Nobody connects for a client that has gone already.
    if (!this.#gone()) this.#connect(server)
  }

  queueTimeout(): void {
    this.#end('s', 'Q')
  }

  #connect(server: Server): void {
    const { settings } = server
    const attempt = new Attempt(this.#host.provider, server.targetsFor(this.#ends), settings.plan, this)
    this.#attempt = attempt
    attempt.start()
  }

  /** What the outgoing connection's handlers may ask: for whom it is made. */
  fact(key: FactKey<unknown>): unknown {
    if (key !== originFact) return undefined
    const { client } = this
    const ends = this.#ends
    return ends === client ? client : { src: ends.src, dst: ends.dst, get: (k: FactKey<unknown>) => client.get(k) }
  }

  failed(_handler: string, why: Why): void {
    const { backend, server } = this
    this.#attempt = undefined
    if (backend === undefined || server === undefined || this.isOver) return
    const timedOut = why.cause === 'timeout'
    if (this.retries >= backend.settings.retries) {
      this.#end(timedOut ? 's' : 'S', 'C')
      return
    }
    this.retries++
    if (this.#redispatches(backend)) {
      this.redispatched = true
      this.server = undefined
      this.assignedAt = -1
      server.sessions.add(-1)
      backend.admit()
      this.#assign(server)
    } else if (timedOut) this.#connect(server)
    else {
      this.#backOff ??= new Alarm(() => {
        if (this.server !== undefined && !this.isOver) this.#connect(this.server)
      })
      const { connectTimeout } = backend.settings
      this.#host.wheel.arm(this.#backOff, connectTimeout > 0 ? Math.min(BACK_OFF_MS, connectTimeout) : BACK_OFF_MS)
    }
  }

  #redispatches(backend: Backend): boolean {
    const { redispatch, retries } = backend.settings
    if (redispatch === undefined || redispatch === 0) return false
    if (backend.usable(this.server).length === 0) return false
    // Where any server is as good as another there is nothing to wait for; a source keeps to its server until the last moment.
    if (!backend.sticky) return true
    return redispatch > 0 ? this.retries % redispatch === 0 : this.retries === retries + 1 + redispatch
  }

  bug(where: string, error: unknown): void {
    this.#host.report(where, error)
  }

  connected(conn: Connection): void {
    this.#attempt = undefined
    this.connection = conn
    this.where = 'D'
    const now = this.#host.wheel.now()
    this.connectedAt = now
    this.#clientActive = now
    this.#serverActive = now
    this.#request = new Channel(this.client, conn, this.#host.spliceRequest)
    this.#response = new Channel(conn, this.client, this.#host.spliceResponse)
    conn.attach(this)
    this.#rearm()
    this.#host.joined(this)
    const { backend } = this
    if (backend?.settings.responseInspection !== undefined) this.#inspectAnswer(conn, backend.settings.responseInspection)
    if (!this.isOver) this.#pump()
  }

  // ── events ─────────────────────────────────────────────────────────────────────────────────────────────────────

  ready(): void {
    if (this.isOver) return
    if (this.#request === undefined) this.#watchClient()
    else this.#pump()
  }

  /** There is no server yet. A client that ended without a byte, or any under abortonclose, is not waited for. */
  #watchClient(): void {
    this.#readClient()
    if (this.isOver) return
    if (this.#inspection !== undefined) this.#inspection.look()
    else this.#gone()
  }

  /** Ends the session of a client that ended without a byte or, under abortonclose, at all. */
  #gone(): boolean {
    const { client } = this
    if (!ended(client.shut, R) || (client.input.length > 0 && this.backend?.settings.abortOnClose !== true)) return false
    this.#end('C', this.where)
    return true
  }

  /** Keeps the client's bytes, up to the buffer's size, and notices its end. */
  #readClient(): void {
    const { client } = this
    while (!ended(client.shut, R) && client.input.length < this.#host.bufferSize) {
      const flow = client.layer.fill(client.input)
      client.input.keep()
      if (flow & ERR_IN) return this.#end('C', 'D')
      if (flow & SHUT_IN) client.readEnded()
      if (flow & EMPTY_IN) break
    }
  }

  #pump(): void {
    const { client, connection } = this
    const request = this.#request
    const response = this.#response
    if (connection === undefined || request === undefined || response === undefined) return
    const up = request.pump()
    const down = this.#answer === undefined ? response.pump() : this.#holdAnswer(connection, this.#answer)
    if (this.isOver) return
    if (request.read || request.wrote || response.read || response.wrote) this.#active(request, response)
    if (up & ERR_IN || down & ERR_OUT) return this.#end('C', 'D')
    if (down & ERR_IN || up & ERR_OUT) {
      // What the server said before it broke is still the client's, also what has not been read yet.
      if (response.empty && down & (EMPTY_IN | SHUT_IN | ERR_IN)) this.#end('S', 'D')
      return
    }
    const said = request.finished
    const answered = response.finished
    // Without lingering an end is not half of one: RST takes the rest with it.
    const unlingering = (said && this.backend?.settings.noLinger === true) || (answered && this.#host.noLinger)
    if ((said && answered) || unlingering || up & down & SHUT_OUT) this.#end('-', '-')
    else if (said && !ending(connection.shut, W)) this.#shutw(connection)
    else if (answered && !ending(client.shut, W)) this.#shutw(client)
  }

  /** Response rules are being asked: what the server says stays in its buffer. */
  #holdAnswer(connection: Connection, inspection: Inspection): Flow {
    let flow: Flow = 0
    while (!ended(connection.shut, R) && connection.input.length < this.#host.bufferSize) {
      flow = connection.layer.fill(connection.input)
      connection.input.keep()
      if (flow & SHUT_IN) connection.readEnded()
      if (flow & (ERR_IN | EMPTY_IN)) break
    }
    inspection.look()
    return flow
  }

  /** Asks the backend's rules on the server's first bytes. */
  #inspectAnswer(connection: Connection, plan: InspectionPlan): void {
    const full = (): boolean => ended(connection.shut, R) || connection.layer.error !== '' || connection.input.length >= this.#host.bufferSize
    const side = {
      get bytes() {
        return connection.input.view()
      },
      get complete() {
        return full()
      },
    }
    const { subject } = this
    const inspection = new Inspection(plan, subject, side, this.#host.wheel, ({ decision }) => {
      this.#answer = undefined
      if (decision === 'accept' || decision === 'serve') queueMicrotask(() => this.ready())
      else if (decision === 'drop') {
        this.#silent = true
        this.#end('P', 'D')
      } else this.#end('P', 'D')
    })
    this.#answer = inspection
    subject.response = inspection
    subject.server = connection
    subject.target = this.server
    inspection.start()
  }

  /** What is read from one side and written to the other keeps both alive; what is only read, or only written, the side it was. */
  #active(request: Channel, response: Channel): void {
    const now = this.#host.wheel.now()
    if (request.read || response.wrote) this.#clientActive = now
    if (response.read || request.wrote) this.#serverActive = now
  }

  /** Carries an end to the other side. A half-closed session has its own timeouts, from now. */
  #shutw(conn: Connection): void {
    conn.shutw()
    const now = this.#host.wheel.now()
    this.#clientActive = now
    this.#serverActive = now
    this.#rearm()
  }

  // ── timeouts ───────────────────────────────────────────────────────────────────────────────────────────────────

  #rearm(): void {
    this.client.deadline(this.#timeoutOf(this.client))
    this.connection?.deadline(this.#timeoutOf(this.connection))
  }

  /** ms; 0: none. */
  #timeoutOf(conn: Connection): number {
    const half = ended(conn.shut, R) || ending(conn.shut, W)
    const settings = this.backend?.settings
    const isClient = conn === this.client
    const fin = isClient ? this.#host.clientFinTimeout : settings?.serverFinTimeout
    if (half && fin !== undefined) return fin
    if (this.connection !== undefined && settings?.tunnelTimeout !== undefined) return settings.tunnelTimeout
    return isClient ? this.#host.clientTimeout : (settings?.serverTimeout ?? 0)
  }

  expired(conn: Connection): void {
    if (this.isOver) return
    const isClient = conn === this.client
    const limit = this.#timeoutOf(conn)
    const left = (isClient ? this.#clientActive : this.#serverActive) + limit - this.#host.wheel.now()
    if (limit === 0) return
    if (left > 0) conn.deadline(left)
    else if (this.#expectedOf(conn)) this.#end(isClient ? 'c' : 's', this.where)
    else conn.deadline(limit)
  }

  /** Whether this side is the one that all wait for: it has not ended and may send, or it does not take what there is for it. */
  #expectedOf(conn: Connection): boolean {
    const outward = conn === this.client ? this.#response : this.#request
    const inward = conn === this.client ? this.#request : this.#response
    if (inward === undefined && conn.input.length > 0) return false // it has spoken, and waits for the server
    if (outward !== undefined && !outward.empty) return true
    return !ended(conn.shut, R) && (inward === undefined || inward.empty)
  }

  // ── the end ────────────────────────────────────────────────────────────────────────────────────────────────────

  #end(by: EndedBy, where: EndedIn): void {
    if (this.isOver) return
    this.overAt = this.#host.wheel.now()
    this.by = by
    this.where = where
    this.#trace?.note(`session over: ${this.#served === undefined ? `${by}${where}` : `served by '${this.#served.name}'`}`)
    this.#attempt?.abort()
    this.#inspection?.stop()
    this.#answer?.stop()
    if (this.#ticket !== undefined) {
      this.backend?.leave(this.#ticket)
      this.assignedAt = this.overAt // what it waited for nothing is queue time too
    }
    if (this.#backOff !== undefined) this.#host.wheel.disarm(this.#backOff)
    this.backend?.sessions.add(-1)
    this.server?.sessions.add(-1)
    this.#host.over(this)
    this.backend?.admit()
    this.#close()
    this.#request?.release()
    this.#response?.release()
  }

  #close(): void {
    const { client, connection } = this
    // A client that breaks takes the server with it, unless the server has said all that it had to say.
    const aborted = this.by === 'C' && this.where === 'D'
    const midway = connection !== undefined && !ended(connection.shut, R)
    if (connection !== undefined) {
      if ((aborted && midway) || (this.backend?.settings.noLinger === true && connection.output.length === 0)) connection.reset()
      else connection.finish()
    }
    if (this.#served !== undefined) this.#served.open(client)
    else if (this.#silent) client.drop()
    else if (aborted) client.reset()
    else if (this.#host.noLinger && client.output.length === 0) client.reset()
    else client.finish()
  }
}
