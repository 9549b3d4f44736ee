// Owns converters on integers (manual 7.3.1).

import type { ArgSpec, ArgValues, ConverterSpec, Fail, Subject } from '../../core/sample.ts'
import { toText } from '../../core/sample.ts'
import { cast, clamp64, INT64_MAX, INT64_MIN } from '../cast.ts'
import { parseVariable } from '../variables.ts'

/** An argument that is an integer or the name of a variable that holds one. undefined: reported. */
export function integerArgument(args: ArgValues, index: number, fail: Fail): ((subject: Subject) => bigint | undefined) | undefined {
  const text = toText(args.str(index))
  if (/^[+-]?[0-9]{1,20}$/.test(text)) {
    const n = BigInt(text.startsWith('+') ? text.slice(1) : text)
    if (n <= INT64_MAX && n >= INT64_MIN) return () => n
  }
  const variable = parseVariable(text)
  if (typeof variable === 'string') return fail('expects an integer or a variable name')
  return (subject) => {
    const value = subject.variables.get(variable)
    const n = value === undefined ? undefined : cast(value, 'sint')
    return n?.type === 'sint' ? n.value : undefined
  }
}

const VALUE: readonly ArgSpec[] = [{ name: 'value', type: 'str' }]

/** A converter of two integers: the sample and its argument. */
function binary(name: string, doc: string, result: (a: bigint, b: bigint) => bigint | undefined): ConverterSpec {
  return {
    name,
    args: VALUE,
    input: 'sint',
    output: 'sint',
    doc,
    compile(args, _scope, fail) {
      const other = integerArgument(args, 0, fail)
      if (other === undefined) return undefined
      return (sample, subject) => {
        const b = other(subject)
        if (sample.type !== 'sint' || b === undefined) return undefined
        const value = result(sample.value, b)
        return value === undefined ? undefined : { type: 'sint', value }
      }
    },
  }
}

export const integerConverters: readonly ConverterSpec[] = [
  binary('add', 'The sum; it stops at the ends of 64 bits.', (a, b) => clamp64(a + b)),
]
