// Owns the pull interface between the engine and a socket: what every provider's sock and every data layer can do.
//
// Nothing is delivered. A sock tells its owner that there may be something new (ready), and the owner looks: fill() moves what
// has arrived into its Bytes, flush() moves its Bytes out. The owner decides when; not calling fill() is back-pressure, and the
// sock stops reading on its own. A data layer (TLS) is a DataLayer on top of a sock, with the same operations.

import type { Address } from './address.ts'
import type { Bytes } from './bytes.ts'

/** Flags that the four operations report with; several can be set. 0: progress was made and more may be possible. */
export const EMPTY_IN = 1 // nothing more to read now; ready() will be called when that changes
export const FULL_OUT = 2 // nothing more can be sent now; ready() will be called when that changes
export const SHUT_IN = 4 // the peer has ended; all it said has been delivered
export const SHUT_OUT = 8 // this side has already ended its output
export const ERR_IN = 16 // broken; see error. Nothing more will be delivered
export const ERR_OUT = 32 // broken; see error. What was not sent is lost
/** toPipe(), fromPipe() only: the kernel does not splice here, and nothing was moved. Use fill() and flush(). */
export const REFUSED = 64
export type Flow = number

export interface Owner {
  /** Something may have changed: look again. Never called from within an operation of the same sock. */
  ready(): void
}

/** A kernel pipe that holds one direction's bytes in place of a buffer. */
export interface Pipe {
  /** What it holds now. */
  readonly bytes: number
  /** Moves all that it holds behind what is unread in `into`: an end turned out not to splice. */
  drain(into: Bytes): void
  /** Gives it back: to the pool when it is empty, else what it holds is lost. Idempotent. */
  release(): void
}

/**
 * Moving bytes without looking at them. While a pipe holds bytes they come before whatever is read next, so a channel goes on
 * with fromPipe() until it is empty before it uses fill() again.
 */
export interface Spliceable {
  /** An empty pipe from the pool; undefined when there is none to be had (maxpipes). */
  pipe(): Pipe | undefined
  /**
   * Moves what has arrived, up to `max` bytes, into the pipe. 0: something was moved. FULL_OUT: the pipe takes no more now; empty
   * it and come again. Else as fill(), or REFUSED.
   */
  toPipe(pipe: Pipe, max: number): Flow
  /** Sends what the pipe holds, as flush(), or REFUSED. */
  fromPipe(pipe: Pipe): Flow
}

export interface DataLayer {
  /** Where the layer below is a socket that the kernel can splice from and to, and nothing stands between. */
  readonly splice?: Spliceable | undefined
  /** Told of every change. Set by whoever takes the sock over. */
  owner: Owner
  /** Why ERR_IN or ERR_OUT was reported: a system error name such as 'ECONNRESET', or the data layer's own; '' while sound. */
  readonly error: string
  /** Moves what has arrived behind what is unread in `into`: at most one read. An empty `into` may get a lent buffer. */
  fill(into: Bytes): Flow
  /**
   * Sends from the front of `from` as much as is taken without blocking. `last`: shutCtrl() will follow as soon as all is taken, and
   * the end of the bytes may wait for it, to travel together.
   */
  flush(from: Bytes, last?: boolean): Flow
  /** Ends this layer's own output (close_notify; nothing for raw). True when completed, false: ready() will follow. */
  shutData(): boolean
  /** Announces the end: FIN, after all output. True when completed, false: ready() will follow. */
  shutCtrl(): boolean
  /** Lets go of the descriptor. Politeness is up to the caller: unread input makes the kernel send RST. */
  close(): void
  /** RST, and lets go of the descriptor. */
  reset(): void
  /** Calls ready() in the loop's next turn: the owner stopped though it could have gone on. */
  again(): void
  /** The ends of the connection as the kernel knows them: of an accepted one where the peer meant to go, before a REDIRECT or DNAT rule where the provider can ask. */
  local(): Address
  remote(): Address
}

/** A provider's socket: raw bytes. */
export interface Sock extends DataLayer {
  /** Whose sock it is: 'node', 'linux'. */
  readonly provider: string
  /** An outgoing sock whose connect() has not been answered. When it is, ready() is called; `error` tells how it went. */
  readonly connecting: boolean
  /** Lets go of the descriptor without FIN or RST, where the provider can. */
  drop?(): void
  readonly kernel?: KernelSock | undefined
}

/** What the kernel knows of a TCP connection. Times in microseconds, counts in packets. */
export interface TcpInfo {
  readonly rtt: number
  readonly rttvar: number
  readonly unacked: number
  readonly sacked: number
  readonly lost: number
  readonly retrans: number
  readonly fackets: number
  readonly reordering: number
}

/** What only a sock on the kernel's own calls can do. A string is '' or the name of a system error. */
export interface KernelSock {
  /** undefined where there is no TCP. */
  tcpInfo(): TcpInfo | undefined
  /** SO_MARK, for routing and filters; needs CAP_NET_ADMIN. */
  setMark(mark: number): string
  /** The TOS (IPv4) or traffic class (IPv6) byte. */
  setTos(tos: number): string
  /** The headers of the SYN that an accepted connection began with, where its listener saves them. The kernel tells them once. */
  savedSyn(): Buffer | undefined
}

export type HandshakeState = 'busy' | 'done' | 'failed'

export interface TlsLayer extends DataLayer {
  /** Goes on with the handshake as far as possible. On 'failed', error says why. */
  handshake(): HandshakeState
}

/** Makes a data layer on top of a sock; `rest` are bytes that arrived and were not taken, now the layer's. */
export type LayerMaker = (lower: Sock, rest: Bytes) => DataLayer
