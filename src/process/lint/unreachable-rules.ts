// Owns the lint rule about rules that can never be asked, because one above them always ends the set.

import type { Place } from '../../core/keyword.ts'
import type { Plugin } from '../../core/plugin.ts'
import type { ProxySection } from '../../config/configuration.ts'
import { hasBackend, hasFrontend } from '../../config/configuration.ts'
import { defaultBackend, disabled } from '../../config/keywords/proxy.ts'
import { requestRules, responseRules } from '../../sample/content.ts'
import type { Condition } from '../../sample/condition.ts'
import { useBackendRules, useServerRules } from '../../sample/switching.ts'
import type { Finding, LintRule } from './lint-rule.ts'
import { pluginRules } from './plugin-keywords.ts'

interface Ordered {
  readonly keyword: string
  readonly text: string
  readonly place: Place
  readonly condition: Condition | undefined
  /** When its condition holds, nothing behind it is asked. */
  readonly final: boolean
}

const FINAL: ReadonlySet<string> = new Set(['accept', 'reject', 'close', 'silent-drop', 'tarpit', 'use-service'])
const ALWAYS = /^(?:if (?:TRUE|\{ always_true \})|unless (?:FALSE|\{ always_false \}))$/

const always = ({ condition }: Ordered): boolean => condition === undefined || ALWAYS.test(condition.text)

/** The words of a condition when it does not depend on how often it is asked. */
function fixed({ condition }: Ordered): string | undefined {
  return condition === undefined || condition.tests().some(({ fetch }) => /^(?:rand|uuid|date)/.test(fetch)) ? undefined : condition.text
}

function unreachable(rules: readonly Ordered[]): Finding[] {
  const findings: Finding[] = []
  /** The first that ends the set whatever comes, and the first that does under each condition above it. */
  let end: Ordered | undefined
  const ends = new Map<string, Ordered>()
  for (const rule of rules) {
    const text = fixed(rule)
    const above = (text === undefined ? undefined : ends.get(text)) ?? end
    if (above === undefined) {
      if (rule.final && always(rule)) end = rule
      else if (rule.final && text !== undefined) ends.set(text, rule)
      continue
    }
    const why = always(above) ? 'always ends these rules' : 'ends them under the same condition'
    findings.push({ place: rule.place, text: `'${rule.keyword} ${rule.text}' can never be reached: '${above.keyword} ${above.text}' on line ${above.place.line} ${why}.`, instead: 'put it above that line, or remove it' })
  }
  return findings
}

function findIn(proxy: ProxySection, plugins: readonly Plugin[]): Finding[] {
  const { values } = proxy
  const findings: Finding[] = []
  if (hasFrontend(proxy.kind)) {
    for (const set of ['connection', 'handshake', 'session']) {
      findings.push(...unreachable(pluginRules(proxy, plugins, `tcp-request ${set}`).map((rule) => ({ ...rule, final: FINAL.has(rule.action) }))))
    }
    const routes = (values.get(useBackendRules) ?? []).map((rule) => ({ ...rule, final: true }))
    findings.push(...unreachable(routes))
    // a name that is computed may be nobody's: then no other rule is asked, and default_backend holds
    const certain = routes.find(always)
    const fallback = values.placeOf(defaultBackend)
    // one that a defaults section gives serves other proxies too
    if (certain?.name !== undefined && fallback !== undefined && fallback.file === proxy.place.file && fallback.line > proxy.place.line) {
      findings.push({ place: fallback, text: `'default_backend ${values.get(defaultBackend) ?? ''}' can never be reached: '${certain.keyword} ${certain.text}' on line ${certain.place.line} always decides.`, instead: 'give that rule a condition, or remove one of the two' })
    }
  }
  for (const keyword of [requestRules, responseRules]) findings.push(...unreachable((values.get(keyword) ?? []).map((rule) => ({ ...rule, final: FINAL.has(rule.action) }))))
  if (hasBackend(proxy.kind)) findings.push(...unreachable((values.get(useServerRules) ?? []).map((rule) => ({ ...rule, final: always({ ...rule, final: true }) }))))
  return findings
}

export const unreachableRules: LintRule = {
  name: 'unreachable-rule',
  doc: 'A rule below one that always ends its rule set.',
  find: ({ proxies }, plugins) => proxies.filter((proxy) => proxy.values.get(disabled) !== true).flatMap((proxy) => findIn(proxy, plugins)),
}
