// Owns what can be told of a connection's way while it goes it: handlers, rules, conditions, values. Nobody listens unless asked to
// (`headgate explain`, debug mode), and then each place where something is decided says it once.

import type { ActionResult } from './action.ts'
import { factKey } from './handler.ts'
import type { FactKey, Verdict } from './handler.ts'
import type { Place } from './keyword.ts'
import type { Fetched } from './sample.ts'

/** Of one connection. Calls come in the order in which things happen; none may throw. */
export interface Trace {
  /** A handler is asked, and what it said. */
  asked(handler: string): void
  said(handler: string, verdict: Verdict): void
  /** A rule is asked; then what its condition came to, and its action where it was done. */
  rule(keyword: string, text: string, place: Place): void
  ruled(truth: 'pass' | 'fail' | 'wait', result: ActionResult | undefined): void
  /** One ACL of a condition. */
  test(text: string, truth: 'pass' | 'fail' | 'wait'): void
  /** An expression's value. */
  value(text: string, value: Fetched): void
  /** Anything else that is decided: a backend, a server, an end. */
  note(text: string): void
}

/** Makes the trace of a connection. */
export type Tracer = (connection: number, side: 'accept' | 'connect') => Trace

/** A fact of every connection of a process that is traced. */
export const TRACER: FactKey<Tracer> = factKey<Tracer>('tracer')
/** A fact of a connection that is traced. */
export const TRACE: FactKey<Trace> = factKey<Trace>('trace')
