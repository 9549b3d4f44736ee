// Owns the contract of a connection after its handshake: what an app (the proxied stream, a service) may do with it.
// net/connection.ts is the one implementation.

import type { Address } from './address.ts'
import type { Bytes } from './bytes.ts'
import type { FactKey } from './handler.ts'
import type { Shut } from './shut.ts'
import type { DataLayer } from './sock.ts'

/** Who has a connection after its handshake. */
export interface ConnectionUser {
  /** Look again: input may have arrived, output may go on, the peer may have ended. */
  ready(conn: Connection): void
  /** The connection's deadline, armed by the user, struck. */
  expired(conn: Connection): void
  /** A bug of this user, or of the app that attached it, has cost the connection: it is reset already. What it had to do with others ends too. */
  broken?(conn: Connection): void
}

export interface Connection {
  readonly id: number
  readonly side: 'accept' | 'connect'
  /** When it was accepted or its connect began, ms since the epoch. */
  readonly since: number
  /** The same moment on the monotonic clock that deadlines are measured with. ms */
  readonly began: number
  src: Address
  dst: Address
  /** The top layer. A user calls fill() and flush() on it, and nothing else of it. */
  readonly layer: DataLayer
  /** Arrived during the handshake and not taken: read this before layer.fill(). */
  readonly input: Bytes
  /** Said by handlers and not yet sent: flush this before anything else. */
  readonly output: Bytes
  /** Closing state, see shut.ts. */
  readonly shut: Shut
  get<T>(key: FactKey<T>): T | undefined
  set<T>(key: FactKey<T>, value: T): void
  /** The new owner; every event goes to it from now on. */
  attach(user: ConnectionUser): void
  /** Strikes once, ms from now; replaces the deadline before it. 0 disarms. */
  deadline(ms: number): void
  /** fill() reported SHUT_IN: the peer's end was read. */
  readEnded(): void
  /** Ends output: what the user buffers itself has to be flushed before. The other direction goes on. */
  shutw(): void
  /** Polite end of both ways: output ended, input drained, closed. The user hears nothing more. Idempotent. */
  finish(): void
  /** RST. Idempotent; after finish() it hurries the end. */
  reset(): void
  /** Leaves the peer without a word: neither FIN nor RST where the provider can, else as late as possible. */
  drop(): void
}
