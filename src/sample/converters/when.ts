// Owns `when(…)`: a value that is only there when something holds of the session (manual 7.3.1 since 3.1).

import type { ConverterSpec, Subject } from '../../core/sample.ts'
import { toText } from '../../core/sample.ts'
import { allOf } from '../fetches/acls.ts'
import { didYouMean } from '../../config/near.ts'

type Holds = (subject: Subject) => boolean

/** It went as it should so far: what `option dontlog-normal` leaves out. */
const normal: Holds = ({ record }) => record === undefined || (record.termination === '--' && record.retries === 0 && !record.redispatched)
const forwarded: Holds = (subject) => subject.record?.server !== undefined || subject.target !== undefined
const toapplet: Holds = (subject) => subject.effects?.service !== undefined

const CONDITIONS: Readonly<Record<string, Holds>> = {
  error: (subject) => !normal(subject),
  normal,
  forwarded,
  toapplet,
  processed: (subject) => forwarded(subject) || toapplet(subject),
  stopping: (subject) => (subject.frontend ?? subject.backend)?.process.stopping ?? false,
}
const NAMES = [...Object.keys(CONDITIONS), 'acl']

export const whenConverter: ConverterSpec = {
  name: 'when',
  args: [
    { name: '[!]condition', type: 'str' },
    { name: 'acl', type: 'str', optional: true },
  ],
  input: 'any',
  output: 'same',
  doc: `The value when the condition holds, else none; ! inverts it. Conditions: ${NAMES.join(', ')} (with the name of one).`,
  compile(args, scope, fail) {
    const text = toText(args.str(0))
    const name = text.replace(/^!/, '')
    const wanted = name === text
    let holds = Object.hasOwn(CONDITIONS, name) ? CONDITIONS[name] : undefined
    if (name === 'acl') {
      if (!args.has(1)) return fail("'acl' expects the name of an ACL as second argument")
      const test = allOf([toText(args.str(1))], scope, fail)
      if (test === undefined) return undefined
      holds = (subject) => test(subject) === 'pass'
    } else if (args.has(1)) return fail(`condition '${name}' takes no argument`)
    if (holds === undefined) return fail(`unknown condition '${name}'`, didYouMean(name, NAMES) ?? `one of ${NAMES.join(', ')}`)
    const condition = holds
    return (sample, subject) => (condition(subject) === wanted ? sample : undefined)
  },
}
