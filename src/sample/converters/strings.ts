// Owns converters on strings (manual 7.3.1).

import type { ByteString, ConverterSpec } from '../../core/sample.ts'
import { lower } from '../patterns/strings.ts'

/** A converter from string to string without arguments. */
function stringConverter(name: string, doc: string, change: (text: ByteString) => ByteString): ConverterSpec {
  return {
    name,
    input: 'str',
    output: 'str',
    doc,
    compile: () => (sample) => (sample.type === 'str' ? { type: 'str', value: change(sample.value) } : undefined),
  }
}

export const stringConverters: readonly ConverterSpec[] = [
  stringConverter('lower', 'ASCII letters in lower case.', lower),
  stringConverter('upper', 'ASCII letters in upper case.', (text) => text.replace(/[a-z]+/g, (letters) => letters.toUpperCase())),
]
