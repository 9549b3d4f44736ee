// Owns the converters of FIX messages (manual 7.3.1): `tag=value` fields, each ended by SOH.
//
//   8=FIX.4.4 | 9=<length of the body> | 35=<type> … | 10=<sum, 3 digits> |

import type { ByteString, ConverterSpec } from '../../core/sample.ts'
import { toText } from '../../core/sample.ts'
import { converter, textSample } from './convert.ts'

const SOH = '\x01'
const VERSIONS: ReadonlySet<string> = new Set(['FIX.4.0', 'FIX.4.1', 'FIX.4.2', 'FIX.4.3', 'FIX.4.4', 'FIXT.1.1'])
const BEGIN_STRING = 8
const BODY_LENGTH = 9
const CHECK_SUM = 10
const MSG_TYPE = 35
const TAGS: ReadonlyMap<string, number> = new Map([
  ['beginstring', BEGIN_STRING],
  ['bodylength', BODY_LENGTH],
  ['msgtype', MSG_TYPE],
  ['sendercompid', 49],
  ['targetcompid', 56],
  ['checksum', CHECK_SUM],
])
/** Tags are 32-bit numbers. */
const MOST = 2 ** 31 - 1

interface Field {
  readonly tag: number
  readonly value: ByteString
  /** Where the next field begins. */
  readonly end: number
}

/** The field at `at`. 'short': it has no end yet; undefined: it is none. */
function fieldAt(text: ByteString, at: number): Field | 'short' | undefined {
  let equals = at
  while (equals < text.length && /[0-9]/.test(text[equals] ?? '')) equals++
  if (equals === text.length) return 'short'
  const tag = Number(text.slice(at, equals))
  if (text[equals] !== '=' || tag === 0 || tag > MOST) return undefined
  const end = text.indexOf(SOH, equals)
  return end < 0 ? 'short' : { tag, value: text.slice(equals + 1, end), end: end + 1 }
}

/** undefined: the message has not arrived whole. */
function valid(text: ByteString): boolean | undefined {
  const begin = fieldAt(text, 0)
  if (typeof begin !== 'object') return begin === 'short' ? undefined : false
  if (begin.tag !== BEGIN_STRING || !VERSIONS.has(begin.value)) return false
  const length = fieldAt(text, begin.end)
  if (typeof length !== 'object') return length === 'short' ? undefined : false
  if (length.tag !== BODY_LENGTH || !/^[0-9]{1,9}$/.test(length.value)) return false
  const bodyEnd = length.end + Number(length.value)
  for (let at = length.end, first = true; at !== bodyEnd; first = false) {
    if (at > bodyEnd) return false
    const field = fieldAt(text, at)
    if (typeof field !== 'object') return field === 'short' ? undefined : false
    if (field.value === '' || field.tag === CHECK_SUM || (first && field.tag !== MSG_TYPE)) return false
    at = field.end
  }
  if (length.end === bodyEnd) return false
  const last = fieldAt(text, bodyEnd)
  if (typeof last !== 'object') return last === 'short' ? undefined : false
  if (last.tag !== CHECK_SUM || !/^[0-9]{3}$/.test(last.value)) return false
  let sum = 0
  for (let i = 0; i < bodyEnd; i++) sum += text.charCodeAt(i)
  return sum % 256 === Number(last.value)
}

function tagValue(text: ByteString, tag: number): ByteString | undefined {
  for (let at = 0; at < text.length; ) {
    const field = fieldAt(text, at)
    if (typeof field !== 'object') return undefined
    if (field.tag === tag) return field.value === '' ? undefined : field.value
    at = field.end
  }
  return undefined
}

export const fixConverters: readonly ConverterSpec[] = [
  converter('fix_is_valid', 'bin', 'bool', 'Whether the bytes begin with a good FIX message; no value while it is not whole.', [], () => (text) => {
    const good = valid(text)
    return good === undefined ? undefined : { type: 'bool', value: good }
  }),
  converter('fix_tag_value', 'bin', 'bin', 'The value of a tag of a FIX message, by number or name.', [{ name: 'tag', type: 'str' }], (args, fail) => {
    const name = toText(args.str(0))
    const tag = TAGS.get(name.toLowerCase()) ?? (/^[1-9][0-9]{0,9}$/.test(name) ? Number(name) : undefined)
    if (tag === undefined || tag > MOST) return fail(`Unknown FIX tag name '${name}'`)
    return (text) => textSample('bin', tagValue(text, tag))
  }),
]
