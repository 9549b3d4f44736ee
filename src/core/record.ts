// Owns the session record: the causes of what a log line says about one session. Whoever runs the session fills it, or is it; the
// log formats read it (manual 8.2). Times are ms. -1: never came to it.

import type { Address } from './address.ts'
import { factKey } from './handler.ts'
import type { FactKey } from './handler.ts'
import type { ByteString } from './sample.ts'

/** The id that unique-id-format made for a client's connection. */
export const uniqueIdFact: FactKey<ByteString> = factKey<ByteString>('unique id')

export interface SessionRecord {
  /** The client's end as announced (PROXY) and as rules have set it, and the end it connected to. */
  readonly client: Address
  readonly local: Address
  /** When the connection was accepted, ms since the epoch. */
  readonly acceptDate: number
  readonly frontend: string
  /** The bind line's name, or its number from 1. */
  readonly bind: string
  readonly tls: { readonly version: string; readonly cipher: string } | undefined
  /** The backend's name; the frontend's while none is chosen. */
  readonly backend: string
  /** undefined prints <NOSRV>. */
  readonly server: string | undefined
  /** Our end of the server's connection, and the server's. */
  readonly serverLocal: Address | undefined
  readonly serverAddress: Address | undefined
  /** PROXY, TLS and the like on the client's side, ms. */
  readonly handshakeTime: number
  readonly queueTime: number
  readonly connectTime: number
  /** From accept to now, or to the end of both sides. */
  readonly totalTime: number
  /** Bytes that went from the client to the server, and from the server to the client: `%U` and `%B` count what was received. */
  readonly bytesUp: number
  readonly bytesDown: number
  /** Bytes that came from the client, and from the server, whether or not they were passed on. */
  readonly receivedUp: number
  readonly receivedDown: number
  /** Two letters, manual 8.5. */
  readonly termination: string
  /** Connections of the process, the frontend, the backend and the server, this one included while it counts. */
  readonly processConnections: number
  readonly frontendConnections: number
  readonly backendConnections: number
  readonly serverConnections: number
  readonly retries: number
  readonly redispatched: boolean
  /** How many were before it in the server's queue and in the backend's. */
  readonly serverQueue: number
  readonly backendQueue: number
  /** The line is written before the end (logasap): bytes do not count yet. */
  readonly early: boolean
  /** The frontend's lines are written early where they can be (logasap): times and bytes of all of them get a `+`. */
  readonly growing: boolean
  /** Of this session in the process, unique, and of this line in the frontend's log, from 0. */
  readonly sessionNumber: number
  readonly logNumber: number
  readonly uniqueId: string | undefined
  /** What `capture` actions kept, by slot; undefined: nothing in that slot. Byte strings. */
  readonly requestCaptures: readonly (string | undefined)[]
  readonly responseCaptures: readonly (string | undefined)[]
  /** For error-log-format: why the connection failed, '' for none. */
  readonly error: string
}
