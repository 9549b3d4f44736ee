// Owns what a configuration is once it has been read: sections with resolved values. Nothing here has touched the system.

import type { Place, Problem, Values } from '../core/keyword.ts'

export type ProxyKind = 'frontend' | 'backend' | 'listen'

/** A frontend, backend or listen section. Its values are its own, then those of its defaults section. */
export interface ProxySection {
  readonly name: string
  readonly kind: ProxyKind
  /** Position among the proxies, from 1; an `id` keyword is a value like any other. */
  readonly number: number
  /** The name of the defaults section that it uses; '' for an anonymous one, undefined for none. */
  readonly from: string | undefined
  readonly place: Place
  readonly values: Values
}

/** Sections merge: `global` has the values of all global sections. */
export interface Configuration {
  readonly global: Values
  readonly proxies: readonly ProxySection[]
  /** The files that were read, in order; folders are replaced by what they hold. */
  readonly files: readonly string[]
  /** The environment after the last line: what setenv and its like made of it. */
  readonly env: ReadonlyMap<string, string>
}

/** Reports a problem that a check of the whole configuration found. */
export type Report = (problem: Problem) => void

/** Runs when everything has been read without an alert: looks for what no single line can know. */
export type Check = (configuration: Configuration, report: Report) => void

export function hasFrontend(kind: ProxyKind): boolean {
  return kind !== 'backend'
}

export function hasBackend(kind: ProxyKind): boolean {
  return kind !== 'frontend'
}
