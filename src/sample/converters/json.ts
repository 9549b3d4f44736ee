// Owns the JSON converters (manual 7.3.1): escaping text into a JSON string, and asking a JSON text for one value.

import type { ArgValues, ByteString, ConverterSpec, Fail, Sample } from '../../core/sample.ts'
import { toText } from '../../core/sample.ts'
import { INT64_MAX, INT64_MIN } from '../cast.ts'
import { jsonValue, parseJsonPath } from '../json-path.ts'
import { converter, textSample } from './convert.ts'

/** What is done with bytes that are no UTF-8. overlong: accepted; skip: left out, where else there is no value. */
interface Decoder {
  readonly utf8: boolean
  readonly overlong: boolean
  readonly skip: boolean
}

const DECODERS: ReadonlyMap<string, Decoder> = new Map<string, Decoder>([
  ['', { utf8: false, overlong: false, skip: false }],
  ['ascii', { utf8: false, overlong: false, skip: false }],
  ['utf8', { utf8: true, overlong: false, skip: false }],
  ['utf8s', { utf8: true, overlong: false, skip: true }],
  ['utf8p', { utf8: true, overlong: true, skip: false }],
  ['utf8ps', { utf8: true, overlong: true, skip: true }],
])

const SHORT: Readonly<Record<string, string>> = { '"': '\\"', '\\': '\\\\', '/': '\\/', '\b': '\\b', '\f': '\\f', '\r': '\\r', '\n': '\\n', '\t': '\\t' }

function written(code: number): string {
  const c = String.fromCharCode(code)
  return SHORT[c] ?? (code >= 0x20 && code < 0x7f ? c : `\\u${code.toString(16).padStart(4, '0')}`)
}

/** How many bytes lead to how many more, by the first byte's high bits: the smallest character that needs so many. */
const LEADS: readonly { readonly mask: number; readonly lead: number; readonly more: number; readonly least: number }[] = [
  { mask: 0x80, lead: 0x00, more: 0, least: 0 },
  { mask: 0xe0, lead: 0xc0, more: 1, least: 0x80 },
  { mask: 0xf0, lead: 0xe0, more: 2, least: 0x800 },
  { mask: 0xf8, lead: 0xf0, more: 3, least: 0x10000 },
]

function escapeJson(text: ByteString, { utf8, overlong, skip }: Decoder): ByteString | undefined {
  let out = ''
  for (let at = 0; at < text.length; ) {
    const first = text.charCodeAt(at++)
    if (!utf8) {
      out += written(first)
      continue
    }
    const form = LEADS.find(({ mask, lead }) => (first & mask) === lead)
    let code = form === undefined ? 0 : first & (form.more === 0 ? 0x7f : 0x3f >> form.more)
    let more = form?.more ?? 0
    for (; more > 0 && at < text.length && (text.charCodeAt(at) & 0xc0) === 0x80; more--) code = (code << 6) | (text.charCodeAt(at++) & 0x3f)
    const good = form !== undefined && more === 0 && (overlong || code >= form.least) && code < 0xfffe && (code < 0xd800 || code > 0xdfff)
    if (good) out += written(code)
    else if (!skip) return undefined
  }
  return out
}

/** A value of a JSON text as json_query gives it; undefined when the arguments are wrong, which has been reported. */
export function jsonQuery(args: ArgValues, fail: Fail): ((json: ByteString) => Sample | undefined) | undefined {
  const parsed = parseJsonPath(args.str(0))
  if (typeof parsed === 'string') return fail(parsed)
  if (args.has(1) && args.str(1) !== 'int') return fail('output_type only supports "int" as argument')
  const integer = args.has(1)
  return (json) => {
    const found = jsonValue(json, parsed.path)
    if (found === undefined) return undefined
    if (found.kind === 'boolean') return { type: 'bool', value: found.value }
    if (found.kind === 'string') return textSample('str', found.value)
    return integer ? integerOf(found.value) : textSample('str', decimal(found.value))
  }
}

/** The digits before a point or an exponent, when 64 bits hold them. */
function integerOf(text: ByteString): Sample | undefined {
  const value = BigInt(/^-?[0-9]+/.exec(text)?.[0] ?? '0')
  return value > INT64_MAX || value < INT64_MIN ? undefined : { type: 'sint', value }
}

/** Integers as they are written; others without an exponent or trailing zeros. */
function decimal(text: ByteString): ByteString {
  return /^-?[0-9]+$/.test(text) ? text : String(Number(text))
}

export const jsonConverters: readonly ConverterSpec[] = [
  { ...converter('json', 'str', 'str', 'The string escaped for use within the quotes of a JSON string. <input-code>: ascii, utf8, utf8s, utf8p or utf8ps.', [{ name: 'input-code', type: 'str', optional: true }], (args, fail) => {
    const decoder = DECODERS.get(toText(args.str(0)))
    if (decoder === undefined) return fail("Unexpected input code type. Allowed value are 'ascii', 'utf8', 'utf8s', 'utf8p' and 'utf8ps'")
    return (text) => textSample('str', escapeJson(text, decoder))
  }), tooLong: 'absent' },
  {
    name: 'json_query',
    args: [
      { name: 'json_path', type: 'str' },
      { name: 'output_type', type: 'str', optional: true },
    ],
    input: 'str',
    output: 'any',
    doc: 'The value at a path of a JSON text, `$.key[0]`; a number as a string, or with int as an integer.',
    compile(args, _scope, fail) {
      const query = jsonQuery(args, fail)
      return query && ((sample) => (sample.type === 'str' ? query(sample.value) : undefined))
    },
  },
]
