// Owns the look-up of fetches, converters and actions by name among the plugins that are loaded.

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
