// Owns what the rule language may see of the running proxy: the ends of a connection, its bytes, proxies and servers with their
// counters. The engine's own objects have these fields; nothing is copied.

import type { Address } from './address.ts'
import { factKey } from './handler.ts'
import type { FactKey } from './handler.ts'
import type { KernelSock } from './sock.ts'

/** One of our connections: a Handshake or a Connection is one. */
export interface Peer {
  /** Unique in this process; in each of its threads, rising. */
  readonly id?: number
  src: Address
  dst: Address
  get<T>(key: FactKey<T>): T | undefined
  set<T>(key: FactKey<T>, value: T): void
  /** What the kernel knows of it, where the provider can ask. */
  readonly kernel?: KernelSock | undefined
}

/** One direction's bytes that were read and not forwarded. */
export interface Contents {
  /** A view, valid until the next read. */
  readonly bytes: Buffer
  /** No more will come: ended, broken, buffer full, or the inspect-delay is over. */
  readonly final: boolean
}

/** How much each capture slot of a frontend keeps, bytes, by slot. */
export interface CaptureLengths {
  readonly request: readonly number[]
  readonly response: readonly number[]
}

/** A frontend or a backend. Counts are of now. */
export interface ProxyView {
  readonly name: string
  readonly id: number
  readonly kind: 'frontend' | 'backend' | 'listen'
  /** Connections of a frontend, sessions of a backend. */
  readonly connections: number
  readonly process: ProcessView
  readonly servers: readonly ServerView[]
  /** Servers that balancing may choose from now: active ones, or backups when there is no active one. */
  usable(): readonly ServerView[]
  /** Sessions that wait for a server; 0 for a frontend. */
  readonly queued: number
  /** Sessions that began in the last second. */
  readonly sessionRate: number
  /** As configured, ms; undefined: not this kind of proxy's, or none. */
  readonly timeouts: { readonly client?: number | undefined; readonly server?: number | undefined; readonly tunnel?: number | undefined; readonly connect?: number | undefined; readonly queue?: number | undefined; readonly tarpit?: number | undefined }
  /** How often a connect is tried again; undefined: a frontend. */
  readonly retries?: number | undefined
  /** Where a frontend sends what no rule decides. */
  readonly defaultBackend: string | undefined
  /** A frontend's slots for captures. */
  readonly captures?: CaptureLengths | undefined
}

export interface ServerView {
  readonly name: string
  readonly id: number
  /** Sessions on it now. */
  readonly connections: number
  /** Sessions that came to it in the last second. */
  readonly sessionRate: number
  /** In service. */
  readonly up: boolean
  /** In service, and with a weight above 0: balancing may choose it. */
  readonly usable: boolean
  readonly backup: boolean
  /** As configured, and as it is now. */
  readonly initialWeight: number
  readonly weight: number
  /** Sessions at a time, and sessions that may wait for it; 0: no limit. */
  readonly maxconn: number
  readonly maxqueue: number
  /** Sessions that wait for this server and no other. */
  readonly queued: number
}

/** The process, by which a fetch finds the proxies that its arguments name. */
export interface ProcessView {
  readonly connections: number
  /** It accepts no more and waits for its last sessions. */
  readonly stopping: boolean
  /** The number of this data thread, from 0. */
  readonly thread: number
  /** tune.bufsize. Bytes, default 16384. */
  readonly bufferSize?: number
  /** How many data threads were asked for. */
  readonly threads?: number
  frontend(name: string): ProxyView | undefined
  backend(name: string): ProxyView | undefined
  /** A warning for the process log, the first time that it is said. */
  warnOnce(text: string): void
}

/** The listener that a connection came in by. */
export interface ListenerView {
  /** Its `id`, or its number in the frontend from 1. */
  readonly id: number
  /** Its `name`; undefined: it was given none. */
  readonly label: string | undefined
  /** Connections of this listener now. */
  readonly connections: number
}

export const LISTENER: FactKey<ListenerView> = factKey<ListenerView>('listener')

/** The frontend that accepted a connection. */
export const FRONTEND: FactKey<ProxyView> = factKey<ProxyView>('frontend')

/** The ends that a connection really has, where a PROXY header or the like has announced others. */
export const CONNECTED_ENDS: FactKey<{ readonly src: Address; readonly dst: Address }> = factKey<{ readonly src: Address; readonly dst: Address }>('connected ends')

/** What `tcp-request session` rules made of a connection's ends: the session begins with these, the connection keeps its own. */
export const SESSION_ENDS: FactKey<{ readonly src: Address; readonly dst: Address }> = factKey<{ readonly src: Address; readonly dst: Address }>('session ends')
