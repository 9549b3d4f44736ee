// Owns the shapes that most converters have: from bytes or text to one value, with arguments or without.

import type { ArgSpec, ArgValues, ByteString, ConverterSpec, Fail, Sample, Subject, VariableName } from '../../core/sample.ts'
import { toText } from '../../core/sample.ts'
import { cast } from '../cast.ts'
import { parseVariable } from '../variables.ts'

type Text = 'str' | 'bin'

/** A converter of text or bytes; `change` is made from the arguments, and gives a sample or nothing. */
export function converter(
  name: string,
  input: Text,
  output: ConverterSpec['output'],
  doc: string,
  args: readonly ArgSpec[],
  make: (args: ArgValues, fail: Fail) => ((text: ByteString, subject: Subject) => Sample | undefined) | undefined,
): ConverterSpec {
  return {
    name,
    args,
    input,
    output,
    doc,
    compile(values, _scope, fail) {
      const change = make(values, fail)
      if (change === undefined) return undefined
      return (sample, subject) => (sample.type === 'str' || sample.type === 'bin' ? change(sample.value, subject) : undefined)
    },
  }
}

/** Without arguments. */
export function plain(name: string, input: Text, output: Text, doc: string, change: (text: ByteString) => ByteString | undefined): ConverterSpec {
  return converter(name, input, output, doc, [], () => (text) => textSample(output, change(text)))
}

export function textSample(type: Text, value: ByteString | undefined): Sample | undefined {
  return value === undefined ? undefined : { type, value }
}

/** An argument that is the name of a variable; reports and returns undefined when it is none. */
export function variableArgument(args: ArgValues, index: number, fail: Fail): VariableName | undefined {
  const text = toText(args.str(index))
  const variable = parseVariable(text)
  return typeof variable === 'string' ? fail(`failed to register variable name '${text}'`, variable) : variable
}

/** A variable's value as text or bytes. undefined: it is not set. */
export function variableText(subject: Subject, variable: VariableName, type: Text): ByteString | undefined {
  const value = subject.variables.get(variable)
  const text = value === undefined ? undefined : cast(value, type)
  return text?.type === 'str' || text?.type === 'bin' ? text.value : undefined
}

export const bytesOf = (text: ByteString): Buffer => Buffer.from(text, 'latin1')
