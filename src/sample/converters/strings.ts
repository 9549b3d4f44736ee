// Owns converters on strings (manual 7.3.1).

import type { ArgSpec, ByteString, ConverterSpec } from '../../core/sample.ts'
import { toText } from '../../core/sample.ts'
import { lower } from '../patterns/strings.ts'
import { compileRegex } from '../patterns/regexes.ts'
import { converter, plain, textSample, variableArgument, variableText } from './convert.ts'
import { roomOf } from '../room.ts'
import { parseReplacement, substitute } from './substitute.ts'

const VAR: readonly ArgSpec[] = [{ name: 'var', type: 'str' }]
const CHARS: readonly ArgSpec[] = [{ name: 'chars', type: 'str', optional: true }]

/** The host and the port of `host:port`, `[::1]:80` or either alone. The port of what is none is 0. */
function hostAndPort(text: ByteString): { readonly host: ByteString; readonly port: number } {
  const colon = text.lastIndexOf(':')
  if (colon <= text.lastIndexOf(']')) return { host: text, port: 0 }
  const digits = /^[0-9]{1,5}$/.exec(text.slice(colon + 1))
  return { host: text.slice(0, colon), port: digits === null ? 0 : Number(digits[0]) }
}

/** `com.example` of `example.com`; the dot at its end is nobody's. undefined: a label is empty. */
function reverseLabels(name: ByteString): ByteString | undefined {
  const labels = name.replace(/\.$/, '').split('.')
  return labels.includes('') ? undefined : labels.reverse().join('.')
}

/** As memcmp: the difference of the first bytes that differ, or the sign of that of the lengths. */
function compare(a: ByteString, b: ByteString): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const difference = a.charCodeAt(i) - b.charCodeAt(i)
    if (difference !== 0) return difference
  }
  return Math.sign(a.length - b.length)
}

export const stringConverters: readonly ConverterSpec[] = [
  plain('lower', 'str', 'str', 'ASCII letters in lower case.', lower),
  plain('upper', 'str', 'str', 'ASCII letters in upper case.', (text) => text.replace(/[a-z]+/g, (letters) => letters.toUpperCase())),
  plain('cut_crlf', 'str', 'str', 'What stands before the first carriage return or newline.', (text) => text.replace(/[\r\n].*$/s, '')),
  plain('host_only', 'str', 'str', 'The host of `host:port`, in lower case.', (text) => lower(hostAndPort(text).host)),
  plain('reverse', 'str', 'str', 'The bytes from the last to the first.', (text) => Array.from(text).reverse().join('')),
  plain('reverse_dom', 'str', 'str', 'The labels of a host name from the last to the first; no value when one is empty.', reverseLabels),
  converter('port_only', 'str', 'sint', 'The port of `host:port`, 0 without one.', [], () => (text) => ({ type: 'sint', value: BigInt(hostAndPort(text).port) })),
  converter('length', 'str', 'sint', 'How many bytes it has.', [], () => (text) => ({ type: 'sint', value: BigInt(text.length) })),
  converter('ltrim', 'str', 'str', 'Without the characters of <chars> at its beginning.', CHARS, (args) => {
    const chars = args.str(0)
    return (text) => {
      let at = 0
      while (at < text.length && chars.includes(text[at] ?? '')) at++
      return textSample('str', text.slice(at))
    }
  }),
  converter('rtrim', 'str', 'str', 'Without the characters of <chars> at its end.', CHARS, (args) => {
    const chars = args.str(0)
    return (text) => {
      let end = text.length
      while (end > 0 && chars.includes(text[end - 1] ?? '')) end--
      return textSample('str', text.slice(0, end))
    }
  }),
  converter(
    'concat',
    'str',
    'str',
    'The string with <start>, a variable and <end> behind it; the variable counts as empty when it is not set.',
    [
      { name: 'start', type: 'str', optional: true },
      { name: 'var', type: 'str', optional: true },
      { name: 'end', type: 'str', optional: true },
    ],
    (args, fail) => {
      const variable = args.has(1) ? variableArgument(args, 1, fail) : undefined
      if (args.has(1) && variable === undefined) return undefined
      return (text, subject) => textSample('str', text + args.str(0) + (variable === undefined ? '' : (variableText(subject, variable, 'str') ?? '')) + args.str(2))
    },
  ),
  converter(
    'add_item',
    'str',
    'str',
    'The string with <delim>, a variable and <suff> behind it; the delimiter only between two things that are not empty.',
    [
      { name: 'delim', type: 'str' },
      { name: 'var', type: 'str' },
      { name: 'suff', type: 'str', optional: true },
    ],
    (args, fail) => {
      if (!args.has(1) && !args.has(2)) return fail('one of the optional arguments has to be nonempty')
      const variable = args.has(1) ? variableArgument(args, 1, fail) : undefined
      if (args.has(1) && variable === undefined) return undefined
      return (text, subject) => {
        const item = (variable === undefined ? '' : (variableText(subject, variable, 'str') ?? '')) + args.str(2)
        return textSample('str', text + (text === '' || item === '' ? '' : args.str(0)) + item)
      }
    },
  ),
  {
    name: 'iif',
    args: [
      { name: 'true', type: 'str' },
      { name: 'false', type: 'str' },
    ],
    input: 'bool',
    output: 'str',
    doc: 'One string for true and another for false.',
    compile(args) {
      const [yes, no] = [textSample('str', args.str(0)), textSample('str', args.str(1))]
      return (sample) => (sample.type !== 'bool' ? undefined : sample.value ? yes : no)
    },
  },
  converter('strcmp', 'str', 'sint', "Compares with a variable: 0 when they are the same, below 0 when the variable's is the greater.", VAR, (args, fail) => {
    const variable = variableArgument(args, 0, fail)
    if (variable === undefined) return undefined
    return (text, subject) => {
      const other = variableText(subject, variable, 'str')
      return other === undefined ? undefined : { type: 'sint', value: BigInt(compare(text, other)) }
    }
  }),
  converter(
    'regsub',
    'str',
    'str',
    'What a regular expression matches, replaced: \\0 to \\9 stand for its groups. Flags: g all of them, i without regard to case.',
    [
      { name: 'regex', type: 'str' },
      { name: 'subst', type: 'str' },
      { name: 'flags', type: 'str', optional: true },
    ],
    (args, fail) => {
      const flags = toText(args.str(2))
      const odd = /[^gi]/.exec(flags)
      if (odd !== null) return fail(`invalid regex flag '${odd[0]}', only 'i' and 'g' are supported`)
      if (!args.has(0)) return fail('missing regex in arg 1')
      const regex = compileRegex(args.str(0), flags.includes('i'), 'all')
      if (typeof regex === 'string') return fail(regex)
      const replacement = parseReplacement(args.str(1))
      const all = flags.includes('g')
      return (text, subject) => textSample('str', substitute(text, regex, replacement, all, roomOf(subject)))
    },
  ),
  converter(
    'param',
    'str',
    'str',
    'The value of <name> in `name=value&…`; empty when the name has none, no value when it is not there.',
    [
      { name: 'name', type: 'str' },
      { name: 'delim', type: 'str', optional: true },
    ],
    (args, fail) => {
      const name = args.str(0)
      const delimiter = args.has(1) ? args.str(1) : '&'
      if (name === '') return fail('a name is expected')
      if (delimiter.length !== 1) return fail('the delimiter is one character')
      return (text) => {
        for (const part of text.split(delimiter)) {
          if (part === name) return textSample('str', '')
          if (part.startsWith(`${name}=`)) return textSample('str', part.slice(name.length + 1))
        }
        return undefined
      }
    },
  ),
]
