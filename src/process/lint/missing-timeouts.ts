// Owns the lint rule about timeouts that are missing or 0: a peer that says nothing more is then held for ever.

import type { Keyword } from '../../core/keyword.ts'
import type { ProxySection } from '../../config/configuration.ts'
import { hasBackend, hasFrontend } from '../../config/configuration.ts'
import { disabled } from '../../config/keywords/proxy.ts'
import { dispatch } from '../../config/keywords/source.ts'
import { timeoutClient, timeoutConnect, timeoutServer } from '../../config/keywords/timeouts.ts'
import { bindLines, serverLines } from '../../config/lines.ts'
import type { Finding, LintRule } from './lint-rule.ts'

function findIn(proxy: ProxySection): Finding[] {
  const { values } = proxy
  const listens = hasFrontend(proxy.kind) && (values.get(bindLines) ?? []).length > 0
  const serves = hasBackend(proxy.kind) && ((values.get(serverLines) ?? []).length > 0 || values.get(dispatch) !== undefined)
  const needed: readonly Keyword<number>[] = [...(listens ? [timeoutClient] : []), ...(serves ? [timeoutConnect, timeoutServer] : [])]
  const missing = needed.filter((keyword) => (values.get(keyword) ?? 0) === 0).map(({ name }) => name)
  if (missing.length === 0) return []
  return [
    {
      place: proxy.place,
      text: `${proxy.kind} '${proxy.name}' has no ${missing.map((name) => `'${name}'`).join(', no ')}: a peer that falls silent is held for ever.`,
      instead: `write ${missing.map((name) => `'${name} ${name === 'timeout connect' ? '5s' : '1m'}'`).join(', ')} there or in defaults`,
    },
  ]
}

export const missingTimeouts: LintRule = {
  name: 'missing-timeouts',
  doc: 'timeout client, connect or server is missing or 0.',
  warned: true,
  find: ({ proxies }) => proxies.filter((proxy) => proxy.values.get(disabled) !== true).flatMap(findIn),
}
