// Owns the subjects that rules and formats are evaluated on: a connection in its handshake, and a session.

import type { Address } from '../core/address.ts'
import type { Handshake } from '../core/handler.ts'
import type { SessionRecord } from '../core/record.ts'
import type { Subject, Variables } from '../core/sample.ts'
import type { Contents, Peer, ProxyView, ServerView } from '../core/view.ts'
import { FRONTEND } from '../core/view.ts'
import { connectionVariables } from './variables.ts'

/** Reads through to the handshake, so that what an earlier handler changed is seen. */
export class HandshakeSubject implements Subject {
  readonly client: Peer
  readonly server = undefined
  readonly request = undefined
  readonly response = undefined
  readonly backend = undefined
  readonly target = undefined
  readonly #now: () => number

  /** @param now the clock, ms since the epoch */
  constructor(hs: Handshake, now: () => number) {
    this.client = hs
    this.#now = now
  }

  now(): number {
    return this.#now()
  }

  get src(): Address {
    return this.client.src
  }

  set src(address: Address) {
    this.client.src = address
  }

  get dst(): Address {
    return this.client.dst
  }

  set dst(address: Address) {
    this.client.dst = address
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
    return { ...NO_SESSION, client: this.src, local: this.dst, acceptDate: this.#now(), frontend: name, backend: name }
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
  src: Address
  dst: Address
  readonly client: Peer
  server: Peer | undefined
  request: Contents | undefined
  response: Contents | undefined
  frontend: ProxyView | undefined
  backend: ProxyView | undefined
  target: ServerView | undefined
  record: SessionRecord | undefined
  readonly #now: () => number

  /** @param now the clock, ms since the epoch */
  constructor(client: Peer, now: () => number) {
    this.client = client
    this.src = client.src
    this.dst = client.dst
    this.frontend = client.get(FRONTEND)
    this.#now = now
  }

  now(): number {
    return this.#now()
  }

  get variables(): Variables {
    return connectionVariables(this.client)
  }
}
