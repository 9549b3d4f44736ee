// Owns how nice a session is: who is served later when several are ready at the same time.

import { factKey } from './handler.ts'
import type { FactKey } from './handler.ts'

/** What `nice` and `set-nice` may say. */
export const NICEST = 1024

export interface Nice {
  /** -1024 to 1024: among sessions that are ready in the same turn of the event loop lower ones are served first. */
  nice: number
}

/** Of a client's connection, where anything in the configuration says nice. */
export const NICE: FactKey<Nice> = factKey<Nice>('nice')
