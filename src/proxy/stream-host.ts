// Owns the contract between a stream and the frontend it came in by, and how a stream's end is told.

import type { ConnectionUser } from '../core/connection.ts'
import type { Provider } from '../core/provider.ts'
import type { Wheel } from '../util/wheel.ts'
import type { Backend } from './backend.ts'
import type { InspectionPlan } from './inspection.ts'
import type { Stream } from './stream.ts'

/** Who ended it (manual 8.5): client, server, proxy, a bug (I); c and s by their timeouts. */
export type EndedBy = 'C' | 'S' | 'P' | 'c' | 's' | 'I' | '-'
/** Where: in rules, the queue, connecting, data. */
export type EndedIn = 'R' | 'Q' | 'C' | 'D' | '-'

/** What a frontend's section says about its sessions. */
export interface StreamSettings {
  /** Most bytes that are read from a client while there is no server (tune.bufsize). */
  readonly bufferSize: number
  /** ms; 0: none. */
  readonly clientTimeout: number
  readonly clientFinTimeout: number | undefined
  readonly noLinger: boolean
  /** Bulk data may pass through kernel pipes, each way. */
  readonly spliceRequest: boolean
  readonly spliceResponse: boolean
  /** Content rules; undefined: none. */
  readonly inspection: InspectionPlan | undefined
}

/** What a stream needs of the frontend it came in by. */
export interface StreamHost {
  readonly provider: Provider
  readonly wheel: Wheel
  /** Wall clock, ms since the epoch. */
  readonly clock: () => number
  readonly settings: StreamSettings
  /** Who stands between the connections of a session and itself; undefined: nobody. */
  readonly userOf?: ((stream: Stream) => ConnectionUser) | undefined
  /** The backend for this connection; undefined: none is configured. */
  route(stream: Stream): Backend | undefined
  /** The server is connected: the line is written now where `logasap` asks for it. */
  joined(stream: Stream): void
  /** The session is over and its record complete; backend and server no longer count it, the frontend does. */
  over(stream: Stream): void
  /** A bug that cost this session only. */
  report(where: string, error: unknown): void
}
