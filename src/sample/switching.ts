// Owns `use_backend` and `use-server`: names, fixed or written as log formats, with conditions (manual 4.2).

import type { Args, Keyword, Place } from '../core/keyword.ts'
import { keyword } from '../core/keyword.ts'
import type { SampleStage, Subject } from '../core/sample.ts'
import { toText } from '../core/sample.ts'
import { compileBareCondition } from './condition.ts'
import type { Condition } from './condition.ts'
import { compileLogFormat } from './log-format.ts'
import type { LogFormat } from './log-format.ts'
import { growing } from './growing.ts'
import { inOrder } from './rules.ts'
import { argsScope } from './scope.ts'

export interface SwitchingRule {
  /** As written: `web if { dst_port 80 }`. */
  readonly text: string
  /** `use_backend` or `use-server`. */
  readonly keyword: string
  readonly place: Place
  readonly section: string
  /** The name when it does not depend on the connection: start-up checks that there is such a one. */
  readonly name: string | undefined
  readonly format: LogFormat
  /** undefined: always. */
  readonly condition: Condition | undefined
}

function parseSwitching(args: Args, stage: SampleStage, what: string, needsCondition: boolean): SwitchingRule | undefined {
  const word = args.next()
  if (word === undefined || word.text === '') return args.fail(`'${args.keyword}' expects a ${what} name.`)
  const kind = args.sectionKind === 'listen' ? (stage === 'route' ? 'frontend' : 'backend') : args.sectionKind
  const scope = argsScope(args, stage, `${kind} ${args.keyword} rule`)
  const format = compileLogFormat(word, 'value', scope, (text, hint, at) => args.fail(`error detected while parsing switching rule : ${text}.`, hint, at ?? word))
  if (format === undefined) return undefined
  const words = args.rest()
  const first = words[0]
  let condition: Condition | undefined
  if (first === undefined ? needsCondition : needsCondition && first.text !== 'if' && first.text !== 'unless') {
    return args.fail(`'${args.keyword}' requires either 'if' or 'unless' followed by a condition.`, undefined, first)
  }
  if (first !== undefined) {
    if (first.text !== 'if' && first.text !== 'unless') {
      return args.fail(`unexpected keyword '${first.text}' after switching rule, only 'if' and 'unless' are allowed.`, undefined, first)
    }
    condition = compileBareCondition(words, scope, (text, hint, at) => args.fail(`error detected while parsing switching rule : ${text}.`, hint, at))
    if (condition === undefined) return undefined
  }
  return {
    text: [word, ...words].map((w) => w.text).join(' '),
    keyword: args.keyword,
    place: args.place,
    section: args.sectionName,
    name: format.constant === undefined ? undefined : toText(format.constant),
    format,
    condition,
  }
}

const addedBackend = growing<SwitchingRule>()
const addedServer = growing<SwitchingRule>()

export const useBackendRules: Keyword<readonly SwitchingRule[]> = keyword<readonly SwitchingRule[]>({
  name: 'use_backend',
  sections: ['frontend'],
  args: '<backend> [{if | unless} <condition>]',
  doc: 'Sends connections to this backend when the condition holds, or always. The first rule that holds decides.',
  parse(args, before) {
    const rule = parseSwitching(args, 'route', 'backend', false)
    return rule === undefined ? undefined : addedBackend(args.values, before, rule)
  },
})

export const useServerRules: Keyword<readonly SwitchingRule[]> = keyword<readonly SwitchingRule[]>({
  name: 'use-server',
  sections: ['backend'],
  args: '<server> {if | unless} <condition>',
  doc: 'Sends connections to this server when the condition holds and it is up.',
  parse(args, before) {
    const rule = parseSwitching(args, 'server', 'server', true)
    return rule === undefined ? undefined : addedServer(args.values, before, rule)
  },
})

inOrder('use_backend', useBackendRules)
inOrder('use-server', useServerRules)

/** The name that the first rule gives whose condition holds; undefined: none does. A dynamic name may be nobody's. */
export function chooseBackend(rules: readonly SwitchingRule[], subject: Subject): string | undefined {
  for (const rule of rules) if (holds(rule, subject)) return nameOf(rule, subject)
  return undefined
}

/**
 * The server that a rule names. Rules whose server `usable` refuses are passed over; a dynamic name that is nobody's ends the search,
 * and balancing decides.
 */
export function chooseServer<S>(rules: readonly SwitchingRule[], subject: Subject, find: (name: string) => S | undefined, usable: (server: S) => boolean): S | undefined {
  for (const rule of rules) {
    if (!holds(rule, subject)) continue
    const server = find(nameOf(rule, subject))
    if (server === undefined) return undefined
    if (usable(server)) return server
  }
  return undefined
}

function holds(rule: SwitchingRule, subject: Subject): boolean {
  const { trace } = subject
  trace?.rule(rule.keyword, rule.text, rule.place)
  const truth = rule.condition?.test(subject, true) ?? 'pass'
  trace?.ruled(truth, undefined)
  return truth === 'pass'
}

function nameOf(rule: SwitchingRule, subject: Subject): string {
  return rule.name ?? toText(rule.format.format(subject))
}
