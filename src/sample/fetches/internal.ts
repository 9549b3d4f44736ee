// Owns fetches of internal state (manual 7.3.2): constants and variables.

import type { FetchSpec, Sample } from '../../core/sample.ts'
import { bool } from '../../core/sample.ts'
import { fromHex } from '../patterns/strings.ts'

const TRUE = bool(true)
const FALSE = bool(false)

function constant(name: string, value: boolean): FetchSpec {
  const sample = bool(value)
  return { name, output: 'bool', source: 'constant', doc: `Always ${String(value)}.`, compile: () => () => sample }
}

export const internalFetches: readonly FetchSpec[] = [
  constant('always_true', true),
  constant('always_false', false),
  {
    name: 'bool',
    args: [{ name: 'value', type: 'str' }],
    output: 'bool',
    source: 'constant',
    doc: 'A constant boolean: true, false, 1 or 0.',
    compile(args, _scope, fail) {
      const text = args.str(0)
      if (/^(true|1)$/i.test(text)) return () => TRUE
      return /^(false|0)$/i.test(text) ? () => FALSE : fail("Expects 'true', 'false', '0' or '1'")
    },
  },
  {
    name: 'int',
    args: [{ name: 'integer', type: 'sint' }],
    output: 'sint',
    source: 'constant',
    doc: 'A constant integer.',
    compile(args) {
      const sample: Sample = { type: 'sint', value: args.int(0) }
      return () => sample
    },
  },
  {
    name: 'ipv4',
    args: [{ name: 'ipv4', type: 'ipv4' }],
    output: 'ipv4',
    source: 'constant',
    doc: 'A constant IPv4 address.',
    compile(args) {
      const sample: Sample = { type: 'ipv4', value: args.ipv4(0) }
      return () => sample
    },
  },
  {
    name: 'ipv6',
    args: [{ name: 'ipv6', type: 'ipv6' }],
    output: 'ipv6',
    source: 'constant',
    doc: 'A constant IPv6 address.',
    compile(args) {
      const sample: Sample = { type: 'ipv6', value: args.ipv6(0) }
      return () => sample
    },
  },
  {
    name: 'str',
    args: [{ name: 'string', type: 'str', optional: true }],
    output: 'str',
    source: 'constant',
    doc: 'A constant string.',
    compile(args) {
      const sample: Sample = { type: 'str', value: args.str(0) }
      return () => sample
    },
  },
  {
    name: 'bin',
    args: [{ name: 'hex', type: 'str' }],
    output: 'bin',
    source: 'constant',
    doc: 'A constant block of bytes, written in hexadecimal.',
    compile(args, _scope, fail) {
      const value = fromHex(args.str(0))
      if (value === undefined) return fail(args.str(0).length % 2 === 1 ? 'an even number of hex digit is expected' : `an hex digit is expected (found '${/[^0-9a-fA-F]/.exec(args.str(0))?.[0] ?? ''}')`)
      const sample: Sample = { type: 'bin', value }
      return () => sample
    },
  },
  {
    name: 'var',
    args: [
      { name: 'var-name', type: 'var' },
      { name: 'default', type: 'str', optional: true },
    ],
    output: 'any',
    source: 'constant',
    doc: "A variable's value, in the type that it was set with.",
    compile(args) {
      const variable = args.variable(0)
      const otherwise: Sample | undefined = args.count > 1 ? { type: 'str', value: args.str(1) } : undefined
      return (subject) => subject.variables.get(variable) ?? otherwise
    },
  },
]
