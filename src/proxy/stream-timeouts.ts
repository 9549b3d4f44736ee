// Owns a session's timeouts: which one a side is under, how long it has been quiet, whether it is the one that all wait for, and
// what follows when it struck.
//
// A side that is quiet for too long is taken to have ended: the other side is told, and what that one still says goes its way, as
// in HAProxy. The session ends where that cannot be: nobody is there to be told, the side does not take what there is for it, or both are due.

import type { Connection } from '../core/connection.ts'
import { ended, ending, R, W } from '../core/shut.ts'
import type { Backend, BackendSettings } from './backend.ts'
import type { Channel } from './channel.ts'
import type { EndedIn, StreamHost } from './stream-host.ts'

/** What timeouts are about. */
export interface TimedStream {
  readonly client: Connection
  readonly connection: Connection | undefined
  readonly backend: Backend | undefined
  readonly request: Channel | undefined
  readonly response: Channel | undefined
  /** Rules hold what the server says. */
  readonly holdsAnswer: boolean
  readonly where: EndedIn
  /** A server is being connected to. */
  readonly connecting: boolean
}

/** Whose timeout struck, and whether that is taken for its end (abandon) or ends the session. undefined: it has time yet. */
export type Struck = { readonly side: 'c' | 's'; readonly abandon: boolean } | undefined

/** ms; 0: none. `joined`: there is a connection to the server. */
function timeoutOf(conn: Connection, isClient: boolean, joined: boolean, host: StreamHost, settings: BackendSettings | undefined): number {
  const half = ended(conn.shut, R) || ending(conn.shut, W)
  const fin = isClient ? host.settings.clientFinTimeout : settings?.serverFinTimeout
  if (half && fin !== undefined) return fin
  if (joined && settings?.tunnelTimeout !== undefined) return settings.tunnelTimeout
  return isClient ? host.settings.clientTimeout : (settings?.serverTimeout ?? 0)
}

/** It has not ended and may send, or it does not take what there is for it. `inward` is what it says, `outward` what it is told. */
function isAwaited(conn: Connection, inward: Channel | undefined, outward: Channel | undefined): boolean {
  if (outward !== undefined && !outward.empty) return true
  return inward === undefined ? !ended(conn.shut, R) : !inward.over && inward.empty
}

export class StreamTimeouts {
  readonly #stream: TimedStream
  readonly #host: StreamHost
  /** When each side was last heard, or took something. */
  #clientActive: number
  #serverActive = 0

  constructor(stream: TimedStream, host: StreamHost) {
    this.#stream = stream
    this.#host = host
    this.#clientActive = host.wheel.now()
  }

  /** The client has said something that nobody has taken yet. */
  heard(): void {
    this.#clientActive = this.#host.wheel.now()
  }

  /** A server is there. What the client has said goes on now; one that was silent is silent still. In a tunnel both begin anew. */
  joined(): void {
    const { client, backend } = this.#stream
    const now = this.#host.wheel.now()
    if (client.input.length > 0 || backend?.settings.tunnelTimeout !== undefined) this.#clientActive = now
    this.#serverActive = now
    this.rearm()
  }

  /** What is read from one side and written to the other keeps both alive; what is only read, or only written, the side it was. */
  moved(request: Channel, response: Channel): void {
    const now = this.#host.wheel.now()
    if (request.read || response.wrote) this.#clientActive = now
    if (response.read || request.wrote) this.#serverActive = now
  }

  /** A side was told of the other's end. It has a timeout of its own for its last words, from now; without one, what it has left. */
  told(conn: Connection): void {
    const { client, backend } = this.#stream
    if (conn === client) {
      if (this.#host.settings.clientFinTimeout !== undefined) this.#clientActive = this.#host.wheel.now()
    } else if (backend?.settings.serverFinTimeout !== undefined) this.#serverActive = this.#host.wheel.now()
    this.rearm()
  }

  rearm(): void {
    const { client, connection } = this.#stream
    this.#arm(client)
    if (connection !== undefined) this.#arm(connection)
  }

  #arm(conn: Connection): void {
    const left = this.#leftOf(conn)
    conn.deadline(left === Infinity ? 0 : Math.max(left, 1))
  }

  #timeoutOf(conn: Connection): number {
    const { client, connection, backend } = this.#stream
    return timeoutOf(conn, conn === client, connection !== undefined, this.#host, backend?.settings)
  }

  /** How long a side may stay quiet yet, ms; Infinity: for ever. */
  #leftOf(conn: Connection): number {
    const limit = this.#timeoutOf(conn)
    return limit === 0 ? Infinity : (conn === this.#stream.client ? this.#clientActive : this.#serverActive) + limit - this.#host.wheel.now()
  }

  /** A connection's deadline is over. Where both sides are due, it was the client, as in HAProxy. Where neither is, it is armed anew. */
  struck(conn: Connection): Struck {
    const { client, connection, request, response, where } = this.#stream
    const clientDue = this.#leftOf(client) <= 0 && this.#awaitsClient(client, request, response, where)
    const serverDue = connection !== undefined && this.#leftOf(connection) <= 0 && isAwaited(connection, response, request)
    if (!clientDue && !serverDue) {
      const left = this.#leftOf(conn)
      if (left < Infinity) conn.deadline(left > 0 ? left : this.#timeoutOf(conn))
      return undefined
    }
    if (clientDue) return { side: 'c', abandon: !serverDue && (request === undefined || response === undefined ? this.#stream.connecting : !request.over && response.empty) }
    return { side: 's', abandon: response !== undefined && !response.over && request?.empty === true && !this.#stream.holdsAnswer }
  }

  /** Once rules have let it through, one that has spoken waits for the server. */
  #awaitsClient(client: Connection, request: Channel | undefined, response: Channel | undefined, where: EndedIn): boolean {
    if (request === undefined && client.input.length > 0) return where === 'R'
    return isAwaited(client, request, response)
  }

  /** After a side was abandoned: it may still have to take what the other says. */
  await(conn: Connection): void {
    conn.deadline(this.#timeoutOf(conn))
  }
}
