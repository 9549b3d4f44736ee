// Owns the actions that end a rule set or the connection: accept, reject, close, silent-drop, expect-….

import type { ActionResult, ActionSpec } from '../../core/action.ts'

const ACCEPT: ActionResult = { result: 'accept' }
const REJECT: ActionResult = { result: 'reject' }
const CLOSE: ActionResult = { result: 'close' }
const DROP: ActionResult = { result: 'drop' }

/** A header is awaited: its handler comes before those that follow. */
function expect(name: string, handler: string, doc: string): ActionSpec {
  const insert: ActionResult = { result: 'insert', handler }
  return {
    name,
    rules: ['connection'],
    args: 'layer4',
    inserts: [handler],
    doc,
    compile(words, scope, fail) {
      const layer = words.next()
      if (layer?.text === 'layer4') return () => insert
      return fail(`'${scope.rule.replace(/^\S+ | rule$/g, '')} ${name}' only supports 'layer4' in ${scope.rule.split(' ')[0] ?? ''} '${scope.proxy}' (got '${layer?.text ?? ''}')`, undefined, layer ?? words.word)
    },
  }
}

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
    doc: 'Ends the connection: the client sees RST from connection rules, FIN from all others.',
    compile: () => () => REJECT,
  },
  { name: 'close', rules: ['response'], args: '', doc: "Ends the server's connection at once, with RST. What the server has said so far goes to the client.", compile: () => () => CLOSE },
  {
    name: 'silent-drop',
    rules: ['connection', 'handshake', 'session', 'request', 'response'],
    args: '',
    doc: 'Forgets the connection without telling the client.',
    compile: () => () => DROP,
  },
  expect('expect-proxy', 'accept-proxy', 'Waits for a PROXY header, as accept-proxy on the bind line would.'),
  expect('expect-netscaler-cip', 'accept-netscaler-cip', 'Waits for a NetScaler Client IP header of the magic number that the bind line has (accept-netscaler-cip), 0 without one.'),
]
