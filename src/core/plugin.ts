// Owns what a plugin contributes. The built-in handlers are plugins: there is no other door.

import type { Files } from './files.ts'
import type { Keyword, Place, Problem, Values } from './keyword.ts'
import type { ActionSpec } from './action.ts'
import type { App, MakeHandler } from './handler.ts'
import type { ConverterSpec, FetchSpec } from './sample.ts'

/** What a handler is planned from: one bind line (side 'accept') or one server line (side 'connect'). */
export interface PlanLine extends Values {
  readonly place: Place
  /** The section that the line is in: a frontend's own keywords, or a backend's. */
  readonly proxy: Values & { readonly name: string; readonly kind: 'frontend' | 'backend' }
  readonly global: Values
  /** Start-up reads every file through this, and nothing by itself: threads that are made later have to find what the first ones found. */
  readonly files: Files
  /** Reports a problem of this line that only start-up can find (a certificate that does not load). Start-up then fails. */
  report(problem: Omit<Problem, keyof Place> & Partial<Place>): void
  /** The app that the engine proposes for this line (the proxied stream); a handler may serve it or another. Accept side only. */
  readonly app: App | undefined
  /**
   * The handler of that name for this line, for a rule that may insert it in its own place (expect-proxy). null when there is no
   * such handler or it cannot be inserted: it has no insert().
   */
  handler(name: string): MakeHandler | null
}

export interface HandlerSpec {
  readonly name: string
  readonly side: 'accept' | 'connect'
  /** Slots: names of handlers that this one stands directly relative to. Unknown names are refused at start-up; a cycle too. */
  readonly after?: readonly string[]
  readonly before?: readonly string[]
  /** Takes over every connection that reaches it: it stands behind all others of its side and needs no slot. One per side. */
  readonly last?: boolean
  /**
   * It says something as soon as it may: on the accept side as soon as the peer has spoken, on the connect side as soon as there is a
   * connection. The system's ACKs may wait for those bytes then. Default: no.
   */
  readonly speaks?: boolean
  /** Called once per line at start-up. null: this line needs no such handler, and its connections never see it. */
  plan(line: PlanLine): MakeHandler | null
  /** Makes it for a line that did not ask for it itself; a rule will insert it. Handlers without it cannot be inserted. */
  insert?(line: PlanLine): MakeHandler | null
}

export interface Plugin {
  readonly name: string
  readonly keywords?: readonly Keyword<unknown>[]
  readonly handlers?: readonly HandlerSpec[]
  /** Application services by name, for `use-service`. */
  readonly services?: Readonly<Record<string, App>>
  /** The rule language: what samples can be taken, changed into others, and what rules can do. */
  readonly fetches?: readonly FetchSpec[]
  readonly converters?: readonly ConverterSpec[]
  readonly actions?: readonly ActionSpec[]
}
