// Owns the actions that end a rule set or the connection: accept, reject, close, silent-drop, expect-proxy.

import type { ActionResult, ActionSpec } from '../../core/action.ts'

const ACCEPT: ActionResult = { result: 'accept' }
const REJECT: ActionResult = { result: 'reject' }
const CLOSE: ActionResult = { result: 'close' }
const DROP: ActionResult = { result: 'drop' }

export const verdictActions: readonly ActionSpec[] = [
  {
    name: 'accept',
    rules: ['connection', 'handshake', 'session', 'request', 'response'],
    args: '',
    doc: 'No further rule of this set is evaluated, and the connection goes on.',
    compile: () => () => ACCEPT,
  },
  {
    name: 'reject',
    rules: ['connection', 'handshake', 'session', 'request', 'response'],
    args: '',
    doc: 'Ends the connection.',
    compile: () => () => REJECT,
  },
  { name: 'close', rules: ['response'], args: '', doc: "Ends the server's connection at once.", compile: () => () => CLOSE },
  {
    name: 'silent-drop',
    rules: ['connection', 'handshake', 'session', 'request', 'response'],
    args: '',
    doc: 'Forgets the connection without telling the client.',
    compile: () => () => DROP,
  },
  {
    name: 'expect-proxy',
    rules: ['connection'],
    args: 'layer4',
    inserts: ['accept-proxy'],
    doc: 'Waits for a PROXY header, as accept-proxy on the bind line would.',
    compile(words, scope, fail) {
      const layer = words.next()
      if (layer?.text !== 'layer4') {
        return fail(`'${scope.rule.replace(/^\S+ | rule$/g, '')} expect-proxy' only supports 'layer4' in ${scope.rule.split(' ')[0] ?? ''} '${scope.proxy}' (got '${layer?.text ?? ''}')`, undefined, layer ?? words.word)
      }
      const insert: ActionResult = { result: 'insert', handler: 'accept-proxy' }
      return () => insert
    },
  },
]
