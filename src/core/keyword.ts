// Owns what a keyword of the configuration is: a table entry with its sections, its parser and its one-line doc, and itself the
// typed key under which its value is found. The built-in keywords and those of plugins are made the same way.

import type { Plugin } from './plugin.ts'

/** Where a keyword may stand. 'bind' and 'server' are the options behind the address on such a line. */
export type Section = 'global' | 'defaults' | 'frontend' | 'backend' | 'bind' | 'server'
// A `listen` section is a frontend and a backend: it takes the keywords of both.

/** A word of a line after unquoting, with the column it began in (1-based, in characters of the source line). */
export interface Word {
  readonly text: string
  readonly column: number
}

export interface Place {
  readonly file: string
  readonly line: number
  readonly column?: number
}

export type Level = 'alert' | 'warning' | 'notice'

/** Warnings that can be silenced by their name where `headgate lint` reads the configuration; process/lint.ts has a line about each. */
export type WarningName = 'missing-timeouts' | 'rule-order' | 'never-matches' | 'no-bind' | 'no-effect' | 'overwritten'

export interface Problem extends Place {
  readonly level: Level
  /** Of warnings. Default: none, nothing silences it. */
  readonly name?: WarningName
  /** What is wrong, as the reader of the configuration would say it. */
  readonly text: string
  /** What to write instead. */
  readonly hint?: string
}

/** Values found so far, or at last, in a section or on a bind or server line. */
export interface Values {
  /** The value of a keyword; a section without one has its defaults section's. undefined: not set. */
  get<T>(keyword: Keyword<T>): T | undefined
  /** Where the value was set, for messages. */
  placeOf(keyword: Keyword<unknown>): Place | undefined
}

/** The words behind a keyword, read from left to right. A line keyword must read them all; what is left over is an error. */
export interface Args {
  /** Every plugin that is loaded, where rules find the fetches, converters, actions and services that they name. */
  readonly plugins: readonly Plugin[]
  /** The keyword as written, with its prefix words: `timeout client`. */
  readonly keyword: string
  readonly section: Section
  /** The kind as written: `listen`, `defaults` … and the section's name, '' where it has none. */
  readonly sectionKind: 'global' | 'defaults' | 'frontend' | 'backend' | 'listen'
  readonly sectionName: string
  readonly place: Place
  /** What this section (for bind and server: the line's section) has said so far: ACLs declared above, for instance. */
  readonly values: Values
  /** The next word without reading it. */
  peek(): Word | undefined
  next(): Word | undefined
  /** All remaining words. */
  rest(): Word[]
  /** Reports an alert at `at` or at the last word read, and returns undefined so that a parser can `return args.fail(…)`. */
  fail(text: string, hint?: string, at?: Word): undefined
  warn(text: string, hint?: string, at?: Word, name?: WarningName): void
  /** Reads a file named in the configuration, relative to the working directory (-C) and `default-path`. Reports and returns undefined when it cannot. */
  readFile(path: string, at?: Word): Buffer | undefined
  /**
   * The environment as the lines that follow will expand it: `setenv` and its like write it. Never the process's own object.
   */
  readonly env: Map<string, string>
  /** What -L names this process, which no line changes; undefined: not given. */
  readonly localPeer: string | undefined
  /**
   * Reads the rest of the line as options: keywords of section 'bind' or 'server'. Problems are reported there; what could be read is
   * returned. `under` has the values that hold where the line is silent (default-server).
   */
  options(section: 'bind' | 'server', under?: Values): Values
}

export interface Keyword<T> {
  /** As written; several words for families: `maxconn`, `timeout client`, `option tcplog`. */
  readonly name: string
  readonly sections: readonly Section[]
  /** Its arguments as the manual writes them, '' for none. Shown in errors and in the reference. */
  readonly args: string
  /** One line. */
  readonly doc: string
  /**
   * Reads the arguments and returns the value; undefined when it reported a problem. `before` is the value so far in the same
   * section or line, for keywords that add up. Defaults are inherited only while the section itself has said nothing, unless `inherits` says 'add'.
   */
  parse(args: Args, before: T | undefined): T | undefined
  /** `no KEYWORD …`: returns the value that it then has. Keywords without it refuse `no`. */
  negate?(args: Args, before: T | undefined): T | undefined
  /**
   * The keyword whose value this one writes, when it is not its own: `enabled` writes `disabled`'s, `no-backup` writes `backup`'s.
   * `before` is that value, and it is found with get() of that keyword only.
   */
  readonly writes?: Keyword<T>
  /** Whether a second use replaces the first ('last', the default) or is for parse() to add ('add', `before` carries inherited values too). */
  readonly inherits?: 'last' | 'add'
}

/** Declares a keyword; the result is the key for Values.get(). */
export function keyword<T>(k: Keyword<T>): Keyword<T> {
  return k
}

/** A keyword without arguments: true once written, false after `no`. */
export function flag(name: string, sections: readonly Section[], doc: string): Keyword<boolean> {
  return { name, sections, args: '', doc, parse: () => true, negate: () => false }
}
