// Owns what is measured of one session where somebody asks for it: how often it was called, how long that took, how long it waited.

import { factKey } from './handler.ts'
import type { FactKey } from './handler.ts'

export interface SessionProfile {
  /** Events of its connections that it was called for, the one it is in included. */
  readonly calls: number
  /** Spent in those that are over, ns. */
  readonly cpuNs: bigint
  /** How long they waited for other sessions that were served earlier in the same turn of the event loop, ns. */
  readonly latencyNs: bigint
}

/** Of a client's connection, where the process measures. */
export const PROFILE: FactKey<SessionProfile> = factKey<SessionProfile>('profile')
