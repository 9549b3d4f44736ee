// Owns the look-up of fetches, converters and actions by name among the plugins that are loaded, and "did you mean".

import { closest, distance } from 'fastest-levenshtein'
import type { ActionSpec, RuleSet } from '../core/action.ts'
import type { Plugin } from '../core/plugin.ts'
import type { ConverterSpec, FetchSpec } from '../core/sample.ts'

/** All names of one set of plugins. A later plugin's word replaces an earlier one's. */
export interface Vocabulary {
  readonly fetches: ReadonlyMap<string, FetchSpec>
  readonly converters: ReadonlyMap<string, ConverterSpec>
  /** Of all rule sets; the first spec of a name that has the set is the one. */
  actions(rules: RuleSet): ReadonlyMap<string, ActionSpec>
}

const made = new WeakMap<readonly Plugin[], Vocabulary>()

export function vocabulary(plugins: readonly Plugin[]): Vocabulary {
  const had = made.get(plugins)
  if (had !== undefined) return had
  const fetches = new Map<string, FetchSpec>()
  const converters = new Map<string, ConverterSpec>()
  const sets = new Map<RuleSet, Map<string, ActionSpec>>()
  for (const plugin of plugins) {
    for (const fetch of plugin.fetches ?? []) fetches.set(fetch.name, fetch)
    for (const converter of plugin.converters ?? []) converters.set(converter.name, converter)
    for (const action of plugin.actions ?? []) {
      for (const rules of action.rules) {
        let set = sets.get(rules)
        if (set === undefined) sets.set(rules, (set = new Map()))
        set.set(action.name, action)
      }
    }
  }
  const none = new Map<string, ActionSpec>()
  const result: Vocabulary = { fetches, converters, actions: (rules) => sets.get(rules) ?? none }
  made.set(plugins, result)
  return result
}

/** Two neighbours in the other order, as fingers have it: one slip, where the edit distance has two. */
function swapped(a: string, b: string): boolean {
  if (a.length !== b.length) return false
  let i = 0
  while (i < a.length && a[i] === b[i]) i++
  return a[i] === b[i + 1] && a[i + 1] === b[i] && a.slice(i + 2) === b.slice(i + 2)
}

/** The shortest name of which the word is the beginning or the end, up to a separator: `country` of `geo_country`, `len` of `req.len`. */
function holding(word: string, names: readonly string[]): string | undefined {
  if (word.length < 3) return undefined
  let found: string | undefined
  for (const name of names) {
    const lower = name.toLowerCase()
    const separator = lower.endsWith(word) ? name.at(-word.length - 1) : lower.startsWith(word) ? name[word.length] : undefined
    if (separator !== undefined && '._-'.includes(separator) && (found === undefined || name.length < found.length)) found = name
  }
  return found
}

/**
 * The name that was likely meant: one within an edit distance of a third of the word, and at least 1; one with two neighbours swapped;
 * one that the word is a part of. Capitals do not count.
 */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  const names = [...known]
  if (names.length === 0 || word === '') return undefined
  const lower = word.toLowerCase()
  const near = closest(lower, names.map((name) => name.toLowerCase()))
  if (distance(lower, near) <= Math.max(1, Math.floor(word.length / 3))) return names.find((name) => name.toLowerCase() === near)
  return names.find((name) => swapped(lower, name.toLowerCase())) ?? holding(lower, names)
}

/** `did you mean 'src'?`, or undefined when nothing is near. */
export function didYouMean(word: string, known: Iterable<string>): string | undefined {
  const name = nearest(word, known)
  return name === undefined ? undefined : `did you mean '${name}'?`
}
