// Owns what is known of a connection to a server that was not made: a fact of it, for rules and logs.

import { factKey } from './handler.ts'
import type { Why } from './handler.ts'

export interface ConnectFailure {
  readonly why: Why
  /** In which handler; '' while connecting, when `why` has the system's name of the error. */
  readonly handler: string
  /** It was given an address to come from. */
  readonly bound: boolean
}

export const connectFailureFact = factKey<ConnectFailure>('connect failure')
