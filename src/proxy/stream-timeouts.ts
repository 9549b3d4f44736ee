// Owns which timeout a side of a session is under, and whether that side is the one that all wait for.

import type { Connection } from '../core/connection.ts'
import { ended, ending, R, W } from '../core/shut.ts'
import type { BackendSettings } from './backend.ts'
import type { Channel } from './channel.ts'
import type { StreamHost } from './stream-host.ts'

/** ms; 0: none. `joined`: there is a connection to the server. */
export function timeoutOf(conn: Connection, isClient: boolean, joined: boolean, host: StreamHost, settings: BackendSettings | undefined): number {
  const half = ended(conn.shut, R) || ending(conn.shut, W)
  const fin = isClient ? host.clientFinTimeout : settings?.serverFinTimeout
  if (half && fin !== undefined) return fin
  if (joined && settings?.tunnelTimeout !== undefined) return settings.tunnelTimeout
  return isClient ? host.clientTimeout : (settings?.serverTimeout ?? 0)
}

/** It has not ended and may send, or it does not take what there is for it. `inward` is what it says, `outward` what it is told. */
export function isAwaited(conn: Connection, inward: Channel | undefined, outward: Channel | undefined): boolean {
  if (inward === undefined && conn.input.length > 0) return false // it has spoken, and waits for the server
  if (outward !== undefined && !outward.empty) return true
  return !ended(conn.shut, R) && (inward === undefined || inward.empty)
}
