// Owns the check of names that rules use: backends of use_backend, servers of use-server. A name that is computed is looked up per connection.

import type { Plugin } from '../core/plugin.ts'
import type { Check, ProxySection } from '../config/configuration.ts'
import { hasBackend, hasFrontend } from '../config/configuration.ts'
import { disabled } from '../config/keywords/proxy.ts'
import { serverLines } from '../config/lines.ts'
import { didYouMean } from '../config/near.ts'
import { checkReferences } from '../sample/references.ts'
import { useBackendRules, useServerRules } from '../sample/switching.ts'

export const checkRuleNames: Check = (configuration, report) => {
  const backends = new Map(configuration.proxies.filter((p) => hasBackend(p.kind)).map((p) => [p.name, p]))
  const hint = (name: string, names: Iterable<string>): { hint?: string } => {
    const meant = didYouMean(name, names)
    return meant === undefined ? {} : { hint: meant }
  }
  const checkFrontend = (proxy: ProxySection): void => {
    for (const { name, place } of proxy.values.get(useBackendRules) ?? []) {
      if (name === undefined) continue
      const found = backends.get(name)
      if (found === undefined) report({ ...place, level: 'alert', text: `Proxy '${proxy.name}': unable to find required use_backend: '${name}'.`, ...hint(name, backends.keys()) })
      else if (found === proxy) report({ ...place, level: 'alert', text: `Proxy '${proxy.name}': loop detected for use_backend: '${name}'.` })
    }
  }
  const checkBackend = (proxy: ProxySection): void => {
    const servers = new Set((proxy.values.get(serverLines) ?? []).map((line) => line.name))
    for (const { name, place } of proxy.values.get(useServerRules) ?? []) {
      if (name === undefined || servers.has(name)) continue
      report({ ...place, level: 'alert', text: `backend '${proxy.name}' : unable to find server '${name}' referenced in a 'use-server' rule.`, ...hint(name, servers) })
    }
  }
  for (const proxy of configuration.proxies) {
    if (proxy.values.get(disabled) === true) continue
    if (hasFrontend(proxy.kind)) checkFrontend(proxy)
    if (hasBackend(proxy.kind)) checkBackend(proxy)
  }
}

/** Names that expressions mention, of a configuration that was read with these plugins: an alert for each that is nobody's. */
export function checkSampleNames(plugins: readonly Plugin[]): Check {
  return ({ proxies }, report) => {
    const named = (name: string, can: (kind: ProxySection['kind']) => boolean): ProxySection | undefined => proxies.find((proxy) => proxy.name === name && can(proxy.kind))
    const problems = checkReferences(plugins, {
      frontend: (name) => named(name, hasFrontend) !== undefined,
      backend: (name) => named(name, hasBackend) !== undefined,
      server: (backend, server) => named(backend, hasBackend)?.values.get(serverLines)?.some((line) => line.name === server) ?? (named(backend, hasBackend) === undefined ? undefined : false),
      table: () => false,
    })
    for (const problem of problems) report(problem)
  }
}
