// Owns converters on integers (manual 7.3.1).

import type { ArgSpec, ArgValues, ConverterSpec, Fail, Subject } from '../../core/sample.ts'
import { toText } from '../../core/sample.ts'
import { cast, clamp64, INT64_MAX } from '../cast.ts'
import { parseVariable } from '../variables.ts'

/** An argument that is an integer or the name of a variable that holds one. undefined: reported. */
function integerArgument(args: ArgValues, index: number, fail: Fail): ((subject: Subject) => bigint | undefined) | undefined {
  const text = toText(args.str(index))
  if (/^[+-]?[0-9]{1,20}$/.test(text)) {
    const n = clamp64(BigInt(text.startsWith('+') ? text.slice(1) : text))
    return () => n
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

function unary(name: string, doc: string, result: (a: bigint) => bigint): ConverterSpec {
  return { name, input: 'sint', output: 'sint', doc, compile: () => (sample) => (sample.type === 'sint' ? { type: 'sint', value: result(sample.value) } : undefined) }
}

function test(name: string, doc: string, result: (a: bigint) => boolean): ConverterSpec {
  return { name, input: 'sint', output: 'bool', doc, compile: () => (sample) => (sample.type === 'sint' ? { type: 'bool', value: result(sample.value) } : undefined) }
}

export const integerConverters: readonly ConverterSpec[] = [
  binary('add', 'The sum; it stops at the ends of 64 bits.', (a, b) => clamp64(a + b)),
  binary('sub', 'The difference; it stops at the ends of 64 bits.', (a, b) => clamp64(a - b)),
  binary('mul', 'The product; it stops at the ends of 64 bits.', (a, b) => clamp64(a * b)),
  binary('div', 'The quotient, towards zero; the largest number when divided by 0.', (a, b) => (b === 0n ? INT64_MAX : clamp64(a / b))),
  binary('mod', 'The remainder, with the sign of the sample; 0 when divided by 0.', (a, b) => (b === 0n ? 0n : a % b)),
  binary('and', 'Bits set in both.', (a, b) => a & b),
  binary('or', 'Bits set in either.', (a, b) => a | b),
  binary('xor', 'Bits set in one of both.', (a, b) => a ^ b),
  unary('cpl', 'All bits flipped.', (a) => ~a),
  unary('neg', 'The opposite.', (a) => clamp64(-a)),
  test('bool', 'Whether it is other than 0.', (a) => a !== 0n),
  test('not', 'Whether it is 0.', (a) => a === 0n),
  test('even', 'Whether it is even.', (a) => (a & 1n) === 0n),
  test('odd', 'Whether it is odd.', (a) => (a & 1n) === 1n),
]
