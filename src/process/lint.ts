// Owns what is known to go wrong with configurations that are valid: rules with names, each of which a comment can silence.
//
//   use_backend api if { req.ssl_sni api.example }   # lint-ignore: sni-without-wait
//
// A comment on a line of its own speaks for the line below it, and above the first section for the whole file. HAProxy reads such a
// file as it ever did.

import { readFileSync } from 'node:fs'
import type { Place, Problem, WarningName } from '../core/keyword.ts'
import type { Plugin } from '../core/plugin.ts'
import type { Configuration } from '../config/configuration.ts'
import { acceptProxyOpen } from './lint/accept-proxy-open.ts'
import { clientCertificates } from './lint/client-certificates.ts'
import type { LintRule } from './lint/lint-rule.ts'
import { missingTimeouts } from './lint/missing-timeouts.ts'
import { sniWithoutWait } from './lint/sni-without-wait.ts'
import { unreachableRules } from './lint/unreachable-rules.ts'

const lintRules: readonly LintRule[] = [sniWithoutWait, acceptProxyOpen, unreachableRules, clientCertificates, missingTimeouts]

/** Of warnings that no rule here is about; `missing-timeouts` is the rule's and the warning's. */
const WARNINGS: Readonly<Record<Exclude<WarningName, 'missing-timeouts'>, string>> = {
  'rule-order': "A 'tcp-request' rule below one of a later set, which is asked before that all the same.",
  'never-matches': 'A condition that can never hold where it stands.',
  'no-bind': "A frontend without 'bind': nobody gets there.",
  'no-effect': 'A line that changes nothing, here or at all.',
  overwritten: 'A value that is set twice in a section: the second counts.',
}

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

/** What names mean in comments: those of the rules, and of the warnings that every reading may give. */
export const lintNames: ReadonlyMap<string, string> = new Map([...lintRules.map(({ name, doc }) => [name, doc] as const), ...Object.entries(WARNINGS)])

/** Its name in brackets, behind all of it. */
function signed(problem: Problem, name: string): Problem {
  return problem.hint === undefined ? { ...problem, text: `${problem.text} [${name}]` } : { ...problem, hint: `${problem.hint} [${name}]` }
}

/**
 * Findings as notices, and with them those of `warnings` that no comment silences, in the order of the files. Rules are not asked when
 * `without` says so, and say nothing where a warning says it. Names that nothing has, in comments, are findings themselves.
 */
export function lint(configuration: Configuration, plugins: readonly Plugin[], warnings: readonly Problem[] = [], without: (rule: LintRule) => boolean = () => false): Problem[] {
  const silenced = new Map(configuration.files.map((file) => [file, silencedIn(file)]))
  const silences = ({ file, line }: Place, name: string): boolean => [line, 0].some((at) => silenced.get(file)?.get(at)?.includes(name) === true)
  const problems: Problem[] = []
  for (const warning of warnings) {
    const { name } = warning
    if (name === undefined) problems.push(warning)
    else if (!silences(warning, name)) problems.push(signed(warning, name))
  }
  const warnedOf = (rule: LintRule, { file, line }: Place): boolean => warnings.some((warning) => warning.name === rule.name && warning.file === file && warning.line === line)
  for (const rule of lintRules) {
    if (without(rule)) continue
    for (const { place, text, instead } of rule.find(configuration, plugins)) {
      if (silences(place, rule.name) || warnedOf(rule, place)) continue
      problems.push(signed({ ...place, level: 'notice', text, hint: instead }, rule.name))
    }
  }
  for (const [file, lines] of silenced) {
    for (const [line, names] of lines) {
      for (const name of names) if (!lintNames.has(name)) problems.push({ file, line, level: 'notice', text: `lint-ignore names '${name}', which is no rule`, hint: `one of ${[...lintNames.keys()].join(', ')}` })
    }
  }
  const order = (problem: Problem): number => configuration.files.indexOf(problem.file)
  return problems.sort((a, b) => order(a) - order(b) || a.line - b.line)
}
