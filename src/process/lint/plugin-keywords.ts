// Owns finding what plugins contribute to the language by its name: lint knows `accept-proxy` and `tcp-request connection`, not their modules.

import type { Keyword } from '../../core/keyword.ts'
import type { Plugin } from '../../core/plugin.ts'
import type { ProxySection } from '../../config/configuration.ts'
import type { Rule } from '../../sample/rules.ts'

/** A keyword that a plugin brings, by its name. */
export function keywordNamed(plugins: readonly Plugin[], name: string, section: string): Keyword<unknown> | undefined {
  return plugins.flatMap((plugin) => plugin.keywords ?? []).find((keyword) => keyword.name === name && keyword.sections.some((s) => s === section))
}

function isRule(value: unknown): value is Rule {
  return typeof value === 'object' && value !== null && 'act' in value && 'keyword' in value
}

/** The rules of a set that a plugin brings. */
export function pluginRules(proxy: ProxySection, plugins: readonly Plugin[], name: string): readonly Rule[] {
  const keyword = keywordNamed(plugins, name, 'frontend')
  const value: unknown = keyword === undefined ? undefined : proxy.values.get(keyword)
  return Array.isArray(value) ? value.filter(isRule) : []
}
