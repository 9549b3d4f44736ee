// Owns converters that pick parts between delimiters (manual 7.3.1): field counts every delimiter, word none that touches another.

import type { ArgSpec, ArgValues, ByteString, ConverterSpec, Fail } from '../../core/sample.ts'
import { converter, textSample } from './convert.ts'

const ARGS: readonly ArgSpec[] = [
  { name: 'index', type: 'sint' },
  { name: 'delimiters', type: 'str' },
  { name: 'count', type: 'sint', optional: true },
]

interface Pick {
  /** 1 is the first, -1 the last. */
  readonly index: number
  readonly delimiters: ByteString
  /** Infinity: all that remain. */
  readonly count: number
}

const MOST = 2n ** 31n

function pickArguments(args: ArgValues, fail: Fail): Pick | undefined {
  const index = args.int(0)
  if (index === 0n) return fail('Unexpected value 0 for index', '1 is the first, -1 the last')
  if (!args.has(1)) return fail('Empty separators list')
  const count = args.int(2, 1n)
  return { index: index > MOST ? Number(MOST) : index < -MOST ? -Number(MOST) : Number(index), delimiters: args.str(1), count: count <= 0n ? Infinity : Number(count) }
}

/** Begin and end of each part, from left to right. */
type Spans = (text: ByteString, delimiters: ByteString) => (readonly [number, number])[]

const fields: Spans = (text, delimiters) => {
  const spans: [number, number][] = []
  let begin = 0
  for (let i = 0; i <= text.length; i++) {
    if (i < text.length && !delimiters.includes(text[i] ?? '')) continue
    spans.push([begin, i])
    begin = i + 1
  }
  return spans
}

const words: Spans = (text, delimiters) => fields(text, delimiters).filter(([begin, end]) => end > begin)

/** What `count` parts span, delimiters between them included; to the end of the text when there are fewer. */
function pick(text: ByteString, spans: readonly (readonly [number, number])[], { index, count }: Pick): ByteString | undefined {
  const at = index > 0 ? index - 1 : spans.length + index
  const here = spans[at]
  if (here === undefined) return undefined
  if (index > 0) return text.slice(here[0], spans[at + count - 1]?.[1] ?? text.length)
  return text.slice(spans[at - count + 1]?.[0] ?? 0, here[1])
}

export const wordConverters: readonly ConverterSpec[] = [
  converter('field', 'str', 'str', 'The field at <index> (from the end when negative), or <count> of them, 0 for all that remain. No value when there is none.', ARGS, (args, fail) => {
    const which = pickArguments(args, fail)
    return which && ((text) => textSample('str', pick(text, fields(text, which.delimiters), which)))
  }),
  converter('word', 'str', 'str', 'The word at <index> (from the end when negative), or <count> of them, 0 for all that remain. Empty when there is none.', ARGS, (args, fail) => {
    const which = pickArguments(args, fail)
    return which && ((text) => textSample('str', pick(text, words(text, which.delimiters), which) ?? ''))
  }),
]
