// Owns the way from files to a configuration: reads in order, reports everything, checks at the end.

import type { Keyword, Problem } from '../core/keyword.ts'
import type { Check, Configuration } from './configuration.ts'

/** What the loader needs of the file system. Functions throw an Error with a message for the reader. */
export interface Files {
  /** Whether the path is a folder; throws when it does not exist. */
  isFolder(path: string): boolean
  /** Names in a folder, in any order. */
  list(path: string): string[]
  read(path: string): Buffer
}

export interface LoadOptions {
  /** -f arguments in order; a folder means its *.cfg, sorted. */
  readonly paths: readonly string[]
  readonly files: Files
  readonly keywords: readonly Keyword<unknown>[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly checks?: readonly Check[]
  /** -dD: `.diag` lines speak. */
  readonly diag?: boolean
}

export interface Loaded {
  /** What could be read; not to be started while an alert is among the problems. */
  readonly configuration: Configuration
  /** In the order found. */
  readonly problems: readonly Problem[]
}

export declare function loadConfiguration(options: LoadOptions): Loaded
