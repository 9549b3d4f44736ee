// Owns the converters set-var and unset-var (manual 7.3.1): the value goes on as it came, and not at all where a condition forbids that the variable is set.

import type { ConverterSpec } from '../../core/sample.ts'
import { toText } from '../../core/sample.ts'
import { assign, parseTarget } from '../actions/variables.ts'

export const variableConverters: readonly ConverterSpec[] = [
  {
    name: 'set-var',
    args: [
      { name: 'var', type: 'var' },
      { name: 'cond', type: 'str', optional: true },
      { name: 'cond', type: 'str', optional: true },
      { name: 'cond', type: 'str', optional: true },
      { name: 'cond', type: 'str', optional: true },
    ],
    input: 'any',
    output: 'same',
    doc: 'Sets a variable to the value, which goes on; no value when a condition does not hold.',
    compile(args, _scope, fail) {
      const target = parseTarget(Array.from({ length: args.count }, (_, i) => toText(args.str(i))).join(','), fail)
      if (target === undefined) return undefined
      return (sample, subject) => (assign(target, sample, subject) ? sample : undefined)
    },
  },
  {
    name: 'unset-var',
    args: [{ name: 'var', type: 'var' }],
    input: 'any',
    output: 'same',
    doc: 'Forgets a variable; the value goes on.',
    compile(args) {
      const variable = args.variable(0)
      return (sample, subject) => {
        subject.variables.unset(variable)
        return sample
      }
    },
  },
]
