// Owns `acl(…)`: named ACLs as a value (manual 7.3.2 since 2.9).

import type { ArgSpec, FetchSpec, Scope, Subject } from '../../core/sample.ts'
import { bool, NOT_YET, toText } from '../../core/sample.ts'
import type { Truth } from '../acl.ts'
import { every, findAcl, type Term } from '../condition.ts'

const AT_MOST = 12
const NAMES: readonly ArgSpec[] = Array.from({ length: AT_MOST }, (_, i) => ({ name: '[!]name', type: 'str' as const, ...(i === 0 ? {} : { optional: true }) }))

/** Whether more bytes may still come for rules of this place. An ACL is asked by whatever names it: all there is to go by is what is held for rules. */
function finality(scope: Scope): (subject: Subject) => boolean {
  switch (scope.stage) {
    case 'request':
    case 'backend-request':
      return (subject) => subject.request?.final ?? true
    case 'response':
      return (subject) => subject.response?.final ?? true
    default:
      return scope.rule === 'acl' ? (subject) => (subject.response ?? subject.request)?.final ?? true : () => true
  }
}

/** All of them hold; undefined: one has no such name, which was reported. */
export function allOf(names: readonly string[], scope: Scope, fail: (text: string, hint?: string) => undefined): ((subject: Subject) => Truth) | undefined {
  const terms: Term[] = []
  for (const name of names) {
    const bare = name.replace(/^!/, '')
    const acl = findAcl(bare, scope, fail)
    if (acl === undefined) return undefined
    terms.push({ negated: bare !== name, text: bare, tests: acl.tests })
  }
  const final = finality(scope)
  return (subject) => every(terms, subject, final(subject))
}

export const aclFetches: readonly FetchSpec[] = [
  {
    name: 'acl',
    args: NAMES,
    output: 'bool',
    source: 'internal',
    doc: 'Whether all of these ACLs hold, up to 12; ! inverts one.',
    compile(args, scope, fail) {
      const test = allOf(Array.from({ length: args.count }, (_, i) => toText(args.str(i))), scope, fail)
      if (test === undefined) return undefined
      return (subject) => {
        const truth = test(subject)
        return truth === 'wait' ? NOT_YET : bool(truth === 'pass')
      }
    },
  },
]
