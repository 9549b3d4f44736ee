// Owns what a set of patterns is, whatever its matching method: a test finds the pattern that a sample matches.

import type { ByteString, Sample } from '../../core/sample.ts'

/** One pattern of a list or file; a map has a value with it. */
export interface Pattern {
  /** Rising with the order of declaration. */
  readonly id: number
  readonly text: ByteString
  value: ByteString | undefined
}

/** Patterns of one matching method. */
export interface PatternIndex {
  /** Adds one. A string: why it is not a pattern of this kind, `'abc' is not a number`. */
  add(pattern: Pattern): string | undefined
  /** Forgets every pattern with this text. */
  remove(text: ByteString): void
  /** The pattern that matches: the longest for networks, else the first declared. The sample is of any type; one that cannot be compared matches none. */
  find(sample: Sample): Pattern | undefined
}
