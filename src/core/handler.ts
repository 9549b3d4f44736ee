// Owns the handler interface: what a step of a connection's handshake sees, and the verdicts it can give.
//
// A connection carries an ordered list of handlers, planned once per bind or server line. The engine calls step() of the
// first one whenever there may be something new. A handler that succeeds leaves the list; one that cannot go on says what it
// waits for and is called again when that has come. Only the engine reads, writes, arms deadlines and ends the connection.

import type { Address } from './address.ts'
import type { DataLayer, LayerMaker } from './sock.ts'
import type { Connection } from './connection.ts'

/** Why a connection came to its end. The handler's name is added by the engine: handler × cause, apart. */
export type Cause = 'answered' | 'denied' | 'malformed' | 'failed' | 'empty' | 'short' | 'timeout' | 'bug'

export interface Why {
  readonly cause: Cause
  /** One line for the log that its reader can act on. */
  readonly detail?: string
  /** Nothing is logged for this end: probes, silent rules. */
  readonly quiet?: boolean
}

/** What comes after the last handler: a proxied stream or an application. `open` takes the connection over. */
export interface App {
  readonly name: string
  open(conn: Connection): void
}

export type Verdict =
  | { readonly verdict: 'next'; readonly insert?: readonly MakeHandler[] }
  | { readonly verdict: 'more'; readonly total: number }
  | { readonly verdict: 'wait' }
  | { readonly verdict: 'serve'; readonly app: App }
  | { readonly verdict: 'close'; readonly why: Why; readonly lastChunk?: Uint8Array }
  | { readonly verdict: 'reset'; readonly why: Why }
  | { readonly verdict: 'drop'; readonly why: Why }

const NEXT: Verdict = { verdict: 'next' }
const WAIT: Verdict = { verdict: 'wait' }

/** Done: this handler leaves the list; `insert` come in its place, in this order. */
export function next(...insert: MakeHandler[]): Verdict {
  return insert.length === 0 ? NEXT : { verdict: 'next', insert }
}

/**
 * Call again when `hs.bytes.length >= total`. If the peer ends first the engine closes the connection with cause 'empty' (no
 * byte ever came) or 'short'; a total beyond the buffer size (16 KiB unless tune.bufsize says otherwise) is 'malformed'.
 */
export function more(total: number): Verdict {
  return { verdict: 'more', total }
}

/** Call again after hs.wake(), or when the data layer made progress. Input stays where it is. */
export function wait(): Verdict {
  return WAIT
}

/** The handshake is over and `app` gets the connection, with the bytes that nobody took. */
export function serve(app: App): Verdict {
  return { verdict: 'serve', app }
}

/** Ends politely: `lastChunk` is said, input drained, FIN sent, the peer's end awaited for a while. */
export function close(why: Why, lastChunk?: Uint8Array): Verdict {
  return lastChunk === undefined ? { verdict: 'close', why } : { verdict: 'close', why, lastChunk }
}

/** Ends at once with RST. */
export function reset(why: Why): Verdict {
  return { verdict: 'reset', why }
}

/** Forgets the connection without a word: neither FIN nor RST where the provider can, else as late as possible. */
export function drop(why: Why): Verdict {
  return { verdict: 'drop', why }
}

export interface Handler {
  readonly name: string
  /** What the log says when the engine ends a connection in this handler: on 'timeout', 'empty', 'short'. */
  readonly details?: Readonly<Partial<Record<Cause, string>>>
  /** Looks at what has arrived and says what is next. Never blocks; a throw is a bug and costs this connection only. */
  step(hs: Handshake): Verdict
  /** Exactly once per handler that was in the list, however it came to its end. */
  end?(): void
}

/** Called once per connection. A handler without state of its own may return the same object each time (and then has no end()). */
export type MakeHandler = () => Handler

/** A typed fact of a connection: the key object carries the type of its value. */
export interface FactKey<T> {
  readonly fact: string
  /** Never set: it carries T for the compiler. */
  readonly type?: T
}

export function factKey<T>(fact: string): FactKey<T> {
  return { fact }
}

/** The view of a connection that a handler gets. */
export interface Handshake {
  /** Unique in this process; in each of its threads, rising. */
  readonly id: number
  /** 'accept': a client came to us. 'connect': we went to a server. */
  readonly side: 'accept' | 'connect'
  /** Source and destination as the handlers before this one left them: accept-proxy rewrites them. */
  src: Address
  dst: Address
  /** Arrived and not taken: a view, valid until the next take() or the end of step(). */
  readonly bytes: Buffer
  /** The peer has ended: no more bytes will come than are in `bytes`. */
  readonly ended: boolean
  /** Removes n bytes from the front of `bytes`. */
  take(n: number): void
  /** Says something. Sent in order, before anything that a later handler or the app says. Copied. */
  write(bytes: Uint8Array): void
  /** Call step() of the current handler again, soon. Harmless after the connection's end. */
  wake(): void
  /**
   * Puts a data layer (TLS) on top; what was written goes out below it, bytes not taken go to it. The engine calls step() again as
   * the layer makes progress.
   */
  upgrade(layer: LayerMaker): DataLayer
  get<T>(key: FactKey<T>): T | undefined
  set<T>(key: FactKey<T>, value: T): void
}

/** The accepted connection that an outgoing one is made for: its ends as the last handler left them, and its facts. */
export interface Origin {
  readonly src: Address
  readonly dst: Address
  get<T>(key: FactKey<T>): T | undefined
}

/** Set on an outgoing connection before its handshake. Not set: the connection is our own (a check, a peer). */
export const originFact: FactKey<Origin> = factKey<Origin>('origin')
