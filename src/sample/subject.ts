// Owns the subjects that rules and formats are evaluated on: a connection in its handshake, and a session.

import type { Address } from '../core/address.ts'
import type { Handshake } from '../core/handler.ts'
import { uniqueIdFact, type SessionRecord } from '../core/record.ts'
import type { SessionEffects, Subject, Variables } from '../core/sample.ts'
import { TRACE } from '../core/trace.ts'
import type { Trace } from '../core/trace.ts'
import type { Contents, Peer, ProxyView, ServerView } from '../core/view.ts'
import { FRONTEND, SESSION_ENDS } from '../core/view.ts'
import { connectionVariables, processVariables, SessionVariables, VARIABLES } from './variables.ts'

/** Reads through to the handshake, so that what an earlier handler changed is seen. */
export class HandshakeSubject implements Subject {
  readonly client: Peer
  readonly server = undefined
  readonly request = undefined
  readonly response = undefined
  readonly backend = undefined
  readonly target = undefined
  readonly effects = undefined
  unsettled = false
  readonly trace: Trace | undefined
  readonly #now: () => number
  readonly #session: boolean
  readonly #number: number

  /**
   * @param now the clock, ms since the epoch
   * @param session rules set the session's ends and leave the connection's as they are
   */
  constructor(hs: Handshake, now: () => number, session = false) {
    this.client = hs
    this.trace = hs.get(TRACE)
    this.#now = now
    this.#session = session
    this.#number = hs.id
  }

  now(): number {
    return this.#now()
  }

  get src(): Address {
    return (this.#session ? this.client.get(SESSION_ENDS)?.src : undefined) ?? this.client.src
  }

  set src(address: Address) {
    if (this.#session) this.client.set(SESSION_ENDS, { src: address, dst: this.dst })
    else this.client.src = address
  }

  get dst(): Address {
    return (this.#session ? this.client.get(SESSION_ENDS)?.dst : undefined) ?? this.client.dst
  }

  set dst(address: Address) {
    if (this.#session) this.client.set(SESSION_ENDS, { src: this.src, dst: address })
    else this.client.dst = address
  }

  get frontend(): ProxyView | undefined {
    return this.client.get(FRONTEND)
  }

  get variables(): Variables {
    return connectionVariables(this.client)
  }

  /** What is known of a session that there is not yet. */
  get record(): SessionRecord {
    const name = this.frontend?.name ?? ''
    return { ...NO_SESSION, sessionNumber: this.#number, uniqueId: this.client.get(uniqueIdFact), client: this.src, local: this.dst, acceptDate: this.#now(), frontend: name, backend: name }
  }
}

/** A connection that ended in its handshake, for its log line: `record` has what is known beyond the connection itself. */
export class ConnectionSubject extends HandshakeSubject {
  readonly #known: Partial<SessionRecord>

  constructor(hs: Handshake, now: () => number, known: Partial<SessionRecord>) {
    super(hs, now)
    this.#known = known
  }

  override get record(): SessionRecord {
    return { ...super.record, ...this.#known }
  }
}

const NO_SESSION: Omit<SessionRecord, 'client' | 'local' | 'acceptDate' | 'frontend' | 'backend'> = {
  bind: '',
  tls: undefined,
  server: undefined,
  serverLocal: undefined,
  serverAddress: undefined,
  handshakeTime: 0,
  queueTime: -1,
  connectTime: -1,
  totalTime: 0,
  bytesUp: 0,
  bytesDown: 0,
  receivedUp: 0,
  receivedDown: 0,
  termination: '--',
  processConnections: 0,
  frontendConnections: 0,
  backendConnections: 0,
  serverConnections: 0,
  retries: 0,
  redispatched: false,
  serverQueue: 0,
  backendQueue: 0,
  early: false,
  growing: false,
  sessionNumber: 0,
  logNumber: 0,
  uniqueId: undefined,
  requestCaptures: [],
  responseCaptures: [],
  error: '',
}

/**
 * A session: whoever runs it keeps one of these and fills in what comes to be. `src` and `dst` begin as the client connection's and
 * are then the session's own: rules that set them leave the connection as it was.
 */
export class SessionSubject implements Subject {
  #src: Address | undefined
  #dst: Address | undefined
  readonly client: Peer
  server: Peer | undefined
  request: Contents | undefined
  response: Contents | undefined
  frontend: ProxyView | undefined
  backend: ProxyView | undefined
  target: ServerView | undefined
  #record: SessionRecord | undefined
  #variables: Variables | undefined
  readonly effects: SessionEffects = { logLevel: undefined, priorityClass: 0, priorityOffset: 0, requestCaptures: [], responseCaptures: [] }
  unsettled = false
  readonly trace: Trace | undefined
  readonly #now: () => number

  /** @param now the clock, ms since the epoch */
  constructor(client: Peer, now: () => number) {
    this.client = client
    this.trace = client.get(TRACE)
    this.frontend = client.get(FRONTEND)
    this.#now = now
  }

  /** What a listen section's rules said of its own servers does not hold for others'. */
  route(backend: ProxyView): void {
    this.backend = backend
    if (this.effects.retries !== undefined && backend.name !== this.frontend?.name) this.effects.retries = undefined
  }

  get src(): Address {
    return (this.#src ??= this.client.get(SESSION_ENDS)?.src ?? this.client.src)
  }

  set src(address: Address) {
    this.#src = address
  }

  /** Asking costs a call to the kernel, once. */
  get dst(): Address {
    return (this.#dst ??= this.client.get(SESSION_ENDS)?.dst ?? this.client.dst)
  }

  set dst(address: Address) {
    this.#dst = address
  }

  now(): number {
    return this.#now()
  }

  /** The response begins with the server's connection, or with the log line of a session that had none. */
  get variables(): Variables {
    if (this.#variables === undefined) {
      this.#variables = new SessionVariables(connectionVariables(this.client), () => this.server !== undefined || this.#record !== undefined)
      // for those who know only the connection: expressions of its server's line
      this.client.set(VARIABLES, this.#variables)
    }
    return this.#variables
  }

  /** Until it is set, what is known without it. */
  get record(): SessionRecord {
    const name = this.frontend?.name ?? ''
    return this.#record ?? { ...NO_SESSION, uniqueId: this.client.get(uniqueIdFact), client: this.src, local: this.dst, acceptDate: this.#now(), frontend: name, backend: this.backend?.name ?? name }
  }

  set record(record: SessionRecord) {
    this.#record = record
  }
}

const NOBODY: Address = { family: 'none' }

/** Nobody: what is evaluated while the configuration is read. Only internal state and the process's variables are there. */
export const noSubject: Subject = {
  now: () => Date.now(),
  src: NOBODY,
  dst: NOBODY,
  client: undefined,
  server: undefined,
  request: undefined,
  response: undefined,
  frontend: undefined,
  backend: undefined,
  target: undefined,
  variables: processVariables,
  record: undefined,
  effects: undefined,
}
