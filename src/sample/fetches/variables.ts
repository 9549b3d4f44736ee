// Owns `dump_all_vars(…)`: the variables of a scope as one text (manual 7.3.2 since 3.4).

import type { ByteString, FetchSpec, Sample, VariableScope } from '../../core/sample.ts'
import { cast } from '../cast.ts'

/** As the manual has them, and the order in which all of them are written. */
const SCOPES: readonly VariableScope[] = ['sess', 'txn', 'req', 'res', 'proc']
/** What is longer than a buffer is not cut, but no value. */
const LONGEST = 16_384

const ESCAPED: Readonly<Record<string, string>> = { '"': '\\"', '\\': '\\\\', '\r': '\\r', '\n': '\\n', '\b': '\\b', '\0': '\\0' }

/** Texts are quoted, bytes are hexadecimal behind an x, all others as they are. */
function written(value: Sample): ByteString {
  switch (value.type) {
    case 'str':
      return `"${value.value.replace(/["\\\r\n\b\0]/g, (c) => ESCAPED[c] ?? c)}"`
    case 'bin':
      return `x${Buffer.from(value.value, 'latin1').toString('hex')}`
    case 'bool':
      return String(value.value)
    default: {
      const text = cast(value, 'str')
      return text?.type === 'str' ? text.value : ''
    }
  }
}

export const variableFetches: readonly FetchSpec[] = [
  {
    name: 'dump_all_vars',
    args: [
      { name: 'scope', type: 'str', optional: true },
      { name: 'prefix', type: 'str', optional: true },
      { name: 'delimiter', type: 'str', optional: true },
    ],
    output: 'str',
    source: 'constant',
    doc: 'All variables, or those of a scope, or those whose names begin with <prefix>: txn.a="x", txn.b=1. No value when that is more than 16 KiB.',
    compile(args, _scope, fail) {
      const only = args.str(0)
      const scopes = only === '' ? SCOPES : SCOPES.filter((scope) => scope === only)
      if (scopes.length === 0) return fail(`unknown scope '${only}'`, `one of ${SCOPES.join(', ')}`)
      const prefix = args.str(1)
      const delimiter = args.has(2) ? args.str(2) : ', '
      return ({ variables }) => {
        const parts: ByteString[] = []
        let size = -delimiter.length
        for (const scope of scopes) {
          variables.each(scope, (name, value) => {
            if (!name.startsWith(prefix) || size > LONGEST) return
            const part = `${scope}.${name}=${written(value)}`
            size += delimiter.length + part.length
            parts.push(part)
          })
        }
        return size > LONGEST ? undefined : { type: 'str', value: parts.join(delimiter) }
      }
    },
  },
]
