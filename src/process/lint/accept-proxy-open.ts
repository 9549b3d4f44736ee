// Owns the lint rule about PROXY and NetScaler headers that anybody may send: who sends one says who he is.

import type { Plugin } from '../../core/plugin.ts'
import type { BindLine } from '../../config/lines.ts'
import { bindLines } from '../../config/lines.ts'
import type { ProxySection } from '../../config/configuration.ts'
import { hasFrontend } from '../../config/configuration.ts'
import { disabled } from '../../config/keywords/proxy.ts'
import type { Rule } from '../../sample/rules.ts'
import type { Finding, LintRule } from './lint-rule.ts'
import { keywordNamed, pluginRules } from './plugin-keywords.ts'

const REFUSES: ReadonlySet<string> = new Set(['reject', 'silent-drop'])

/** Its condition depends on where the connection comes from. */
function onSource(rule: Rule): boolean {
  return rule.condition?.tests().some(({ fetch }) => /^(?:fc_)?src(?:_|$)/.test(fetch)) ?? false
}

/** Only this machine, or what may open a path, gets there. */
function isNear({ addresses }: BindLine): boolean {
  return addresses.every((address) => address.kind === 'literal' && (address.address.family === 'unix' || (address.address.family === 'ipv4' && address.address.host.startsWith('127.')) || (address.address.family === 'ipv6' && address.address.host === '::1')))
}

const HEADERS = [
  { header: 'PROXY', accept: 'accept-proxy', expect: 'expect-proxy' },
  { header: 'NetScaler', accept: 'accept-netscaler-cip', expect: 'expect-netscaler-cip' },
] as const

function instead(accept: string, expect: string): string {
  return `allow only the proxies in front: 'tcp-request connection reject unless { src <their network> }', or in place of ${accept} 'tcp-request connection ${expect} layer4 if { src <their network> }'`
}

/** A flag that is on, or a value. */
const asked = (value: unknown): boolean => value !== undefined && value !== false

function findIn(proxy: ProxySection, plugins: readonly Plugin[]): Finding[] {
  const rules = pluginRules(proxy, plugins, 'tcp-request connection')
  const guarded = rules.some((rule) => REFUSES.has(rule.action) && onSource(rule))
  const lines = proxy.values.get(bindLines) ?? []
  if (guarded || lines.every(isNear)) return []
  const findings: Finding[] = []
  for (const line of lines) {
    for (const { header, accept, expect } of HEADERS) {
      const keyword = keywordNamed(plugins, accept, 'bind')
      if (keyword === undefined || !asked(line.values.get(keyword)) || isNear(line)) continue
      findings.push({ place: line.place, text: `'bind ${line.text}' believes the ${header} header of any client: whoever reaches it can claim any address.`, instead: instead(accept, expect) })
    }
  }
  for (const rule of rules) {
    const expected = HEADERS.find(({ expect }) => expect === rule.action)
    if (expected === undefined || onSource(rule)) continue
    findings.push({ place: rule.place, text: `'${rule.keyword} ${rule.text}' believes the ${expected.header} header of any client: whoever reaches it can claim any address.`, instead: instead(expected.accept, expected.expect) })
  }
  return findings
}

export const acceptProxyOpen: LintRule = {
  name: 'accept-proxy-open',
  doc: 'A PROXY header is taken from any source.',
  find: ({ proxies }, plugins) => proxies.filter((proxy) => hasFrontend(proxy.kind) && proxy.values.get(disabled) !== true).flatMap((proxy) => findIn(proxy, plugins)),
}
