// Owns what is known to go wrong with configurations that are valid: rules with names, each of which a comment can silence.
//
//   use_backend api if { req.ssl_sni api.example }   # lint-ignore: sni-without-wait
//
// A comment on a line of its own speaks for the line below it, and above the first section for the whole file. HAProxy reads such a
// file as it ever did.

import { readFileSync } from 'node:fs'
import type { Problem } from '../core/keyword.ts'
import type { Plugin } from '../core/plugin.ts'
import type { Configuration } from '../config/configuration.ts'
import { acceptProxyOpen } from './lint/accept-proxy-open.ts'
import { clientCertificates } from './lint/client-certificates.ts'
import type { LintRule } from './lint/lint-rule.ts'
import { missingTimeouts } from './lint/missing-timeouts.ts'
import { sniWithoutWait } from './lint/sni-without-wait.ts'
import { unreachableRules } from './lint/unreachable-rules.ts'

export const lintRules: readonly LintRule[] = [sniWithoutWait, acceptProxyOpen, unreachableRules, clientCertificates, missingTimeouts]

const COMMENT = /#\s*lint-ignore\s*:?\s*([A-Za-z0-9_, -]+)/
const SECTION = /^\s*(?:global|defaults|frontend|backend|listen)\b/

/** Names that comments silence: for single lines, and for a whole file as line 0. */
function silencedIn(file: string): ReadonlyMap<number, readonly string[]> {
  const silenced = new Map<number, readonly string[]>()
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    return silenced
  }
  if (!text.includes('lint-ignore')) return silenced
  let begun = false
  for (const [i, line] of text.split('\n').entries()) {
    begun ||= SECTION.test(line)
    const names = COMMENT.exec(line)?.[1]?.split(/[\s,]+/).filter((name) => name !== '')
    if (names === undefined) continue
    const alone = /^\s*#/.test(line)
    const at = !begun ? 0 : alone ? i + 2 : i + 1
    silenced.set(at, [...(silenced.get(at) ?? []), ...names])
  }
  return silenced
}

/** Findings as notices, in the order of the files. Names that no rule has, in comments, are findings themselves. */
export function lint(configuration: Configuration, plugins: readonly Plugin[], without: (rule: LintRule) => boolean = () => false): Problem[] {
  const silenced = new Map(configuration.files.map((file) => [file, silencedIn(file)]))
  const problems: Problem[] = []
  for (const rule of lintRules) {
    if (without(rule)) continue
    for (const { place, text, instead } of rule.find(configuration, plugins)) {
      const here = silenced.get(place.file)
      if (here?.get(place.line)?.includes(rule.name) === true || here?.get(0)?.includes(rule.name) === true) continue
      problems.push({ ...place, level: 'notice', text: `${text} [${rule.name}]`, hint: instead })
    }
  }
  const known = lintRules.map((rule) => rule.name)
  for (const [file, lines] of silenced) {
    for (const [line, names] of lines) {
      for (const name of names) if (!known.includes(name)) problems.push({ file, line, level: 'notice', text: `lint-ignore names '${name}', which is no rule`, hint: `one of ${known.join(', ')}` })
    }
  }
  const order = (problem: Problem): number => configuration.files.indexOf(problem.file)
  return problems.sort((a, b) => order(a) - order(b) || a.line - b.line)
}
