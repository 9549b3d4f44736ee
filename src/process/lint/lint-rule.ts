// Owns what a rule of lint is, and what it finds.

import type { Place } from '../../core/keyword.ts'
import type { Plugin } from '../../core/plugin.ts'
import type { Configuration } from '../../config/configuration.ts'

/** What a rule of lint found. */
export interface Finding {
  readonly place: Place
  readonly text: string
  /** What to write instead. */
  readonly instead: string
}

export interface LintRule {
  /** By which comments name it. */
  readonly name: string
  /** One line. */
  readonly doc: string
  /** HAProxy warns of it too: a check that has warned does not say it again. */
  readonly warned?: boolean
  find(configuration: Configuration, plugins: readonly Plugin[]): readonly Finding[]
}
