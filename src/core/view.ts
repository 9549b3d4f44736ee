// Owns what the rule language may see of the running proxy: the ends of a connection, its bytes, proxies and servers with their
// counters. The engine's own objects have these fields; nothing is copied.

import type { Address } from './address.ts'
import { factKey } from './handler.ts'
import type { FactKey } from './handler.ts'

/** One of our connections: a Handshake or a Connection is one. */
export interface Peer {
  src: Address
  dst: Address
  get<T>(key: FactKey<T>): T | undefined
  set<T>(key: FactKey<T>, value: T): void
}

/** One direction's bytes that were read and not forwarded. */
export interface Contents {
  /** A view, valid until the next read. */
  readonly bytes: Buffer
  /** No more will come: ended, broken, buffer full, or the inspect-delay is over. */
  readonly final: boolean
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
}

export interface ServerView {
  readonly name: string
  readonly id: number
  /** Sessions on it now. */
  readonly connections: number
}

/** The process, by which a fetch finds the proxies that its arguments name. */
export interface ProcessView {
  readonly connections: number
  frontend(name: string): ProxyView | undefined
  backend(name: string): ProxyView | undefined
}

/** The frontend that accepted a connection. */
export const FRONTEND: FactKey<ProxyView> = factKey<ProxyView>('frontend')

/** What `tcp-request session` rules made of a connection's ends: the session begins with these, the connection keeps its own. */
export const SESSION_ENDS: FactKey<{ readonly src: Address; readonly dst: Address }> = factKey<{ readonly src: Address; readonly dst: Address }>('session ends')
