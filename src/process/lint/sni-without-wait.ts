// Owns the lint rule about the client hello: whoever asks for its name before it is there gets none, and guesses.

import type { Place } from '../../core/keyword.ts'
import type { ProxySection } from '../../config/configuration.ts'
import { hasFrontend } from '../../config/configuration.ts'
import { disabled } from '../../config/keywords/proxy.ts'
import { requestInspectDelay, requestRules } from '../../sample/content.ts'
import type { Condition } from '../../sample/condition.ts'
import { useBackendRules } from '../../sample/switching.ts'
import type { Finding, LintRule } from './lint-rule.ts'

const HELLO = /\breq[._]ssl_(?:sni|alpn|ec_ext|st_ext|hello_type|ver)\b/

interface AskingRule {
  readonly text: string
  readonly keyword: string
  readonly place: Place
  readonly condition: Condition | undefined
}

function asks({ text, condition }: AskingRule): boolean {
  return HELLO.test(text) || (condition?.tests().some((test) => HELLO.test(test.text)) ?? false)
}

function findIn(proxy: ProxySection): Finding[] {
  const content = proxy.values.get(requestRules) ?? []
  const routes: readonly AskingRule[] = hasFrontend(proxy.kind) ? (proxy.values.get(useBackendRules) ?? []) : []
  const asking = [...content.filter(asks), ...routes.filter(asks)]
  const [first] = asking
  if (first === undefined) return []
  const delay = proxy.values.get(requestInspectDelay) ?? 0
  if (delay > 0 && content.some(asks)) return []
  // one finding says it all: the lines to add are the same for every rule
  return [
    {
      place: first.place,
      text: `'${first.keyword} ${first.text}' looks at the client's TLS hello, and nothing waits for it: a hello that comes a moment later, or in two pieces, counts as one without a name.`,
      instead: `add 'tcp-request inspect-delay 5s' and 'tcp-request content accept if { req.ssl_hello_type 1 }' to ${proxy.kind} '${proxy.name}'`,
    },
  ]
}

export const sniWithoutWait: LintRule = {
  name: 'sni-without-wait',
  doc: "A rule on the client's TLS hello where nothing waits for the hello.",
  find: ({ proxies }) => proxies.filter((proxy) => proxy.values.get(disabled) !== true).flatMap(findIn),
}
