// Owns what an action of a rule is: `accept`, `reject`, `set-var(…)` …, and what it may say to the rule set that runs it.

import type { App } from './handler.ts'
import type { Word } from './keyword.ts'
import type { Fail, Scope, Subject } from './sample.ts'

/** Which rules: `tcp-request connection|handshake|session`, `tcp-request content`, `tcp-response content`. */
export type RuleSet = 'connection' | 'handshake' | 'session' | 'request' | 'response'

/**
 * What happens after an action.
 *   next     the next rule
 *   wait     its value is not there yet and may come: the same action again when more has arrived
 *   accept   no further rule of this set
 *   reject   ends the connection; `close` (responses) ends the server's side; `drop` leaves the client without a word
 *   pause    the next rule after `ms`
 *   tarpit   holds the client for `ms`, then rejects; undefined: for as long as the proxy's `timeout tarpit` says
 *   insert   the named handler comes before the handlers that follow, and the next rule is evaluated
 *   serve    an application answers instead of a server
 */
export type ActionResult =
  | { readonly result: 'next' | 'wait' | 'accept' | 'reject' | 'close' | 'drop' }
  | { readonly result: 'pause'; readonly ms: number }
  | { readonly result: 'tarpit'; readonly ms: number | undefined }
  | { readonly result: 'insert'; readonly handler: string }
  | { readonly result: 'serve'; readonly app: App }

export const NEXT_RULE: ActionResult = { result: 'next' }
export const WAIT_RULE: ActionResult = { result: 'wait' }

/** `final`: nothing more will come, so that an action may not say 'wait'. */
export type Act = (subject: Subject, final: boolean) => ActionResult

/** The words of a rule behind the action's name, up to `if` or `unless`. An action must read all that are its own. */
export interface ActionWords {
  /** What stood in parentheses behind the name, as written: `set-var(txn.x)` gives `txn.x`. undefined without parentheses. */
  readonly inner: string | undefined
  readonly word: Word
  peek(): Word | undefined
  next(): Word | undefined
}

export interface ActionSpec {
  readonly name: string
  readonly rules: readonly RuleSet[]
  /** As the manual writes it, with parentheses and arguments, '' for none. */
  readonly args: string
  readonly doc: string
  /** Names of handlers that its result 'insert' may name, so that they are planned at start-up. */
  readonly inserts?: readonly string[]
  /** It asks for what only the kernel's own calls can do: a rule with it stops the start where the provider has not got them. */
  readonly needsKernel?: boolean
  compile(words: ActionWords, scope: Scope, fail: Fail): Act | undefined
}
