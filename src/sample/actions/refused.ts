// Owns the actions that are known and cannot be had: each is refused by name with the reason.

import type { ActionSpec, RuleSet } from '../../core/action.ts'

function refuse(name: string, rules: readonly RuleSet[], why: string, hint?: string): ActionSpec {
  return { name, rules, args: '', doc: `Refused: ${why}.`, compile: (_words, _scope, fail) => fail(`'${name}' : ${why}.`, hint) }
}

const NO_HTTP = 'this proxy does not parse HTTP'
const CONTENT: readonly RuleSet[] = ['request', 'response']
const YET = 'not supported yet'

export const refusedActions: readonly ActionSpec[] = [
  refuse('switch-mode', ['request'], NO_HTTP, 'send the connection to an HTTP proxy with use_backend'),
  refuse('send-spoe-group', CONTENT, 'SPOE is not supported: write a plugin with an action'),
  ...['do-resolve', 'do-log', 'set-bandwidth-limit', 'attach-srv'].map((name) => refuse(name, CONTENT, YET)),
]
