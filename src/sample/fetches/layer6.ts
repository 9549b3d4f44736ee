// Owns fetches of buffer contents (manual 7.3.5): what a side has said and is not yet forwarded.

import type { Fetched, FetchSpec, Source, Subject } from '../../core/sample.ts'
import { NOT_YET } from '../../core/sample.ts'
import type { Contents } from '../../core/view.ts'

type Side = 'request' | 'response'

/** What could not be had is final only when no more will come. */
export function missing(contents: Contents | undefined): Fetched {
  return contents === undefined || contents.final ? undefined : NOT_YET
}

function length(name: string, side: Side, source: Source): FetchSpec {
  return {
    name,
    output: 'sint',
    source,
    doc: `How many bytes of the ${side} are in the buffer.`,
    compile: () => (s: Subject) => {
      const contents = s[side]
      return contents === undefined ? undefined : { type: 'sint', value: BigInt(contents.bytes.length), mayChange: !contents.final }
    },
  }
}

function payload(name: string, side: Side, source: Source): FetchSpec {
  return {
    name,
    args: [
      { name: 'offset', type: 'sint' },
      { name: 'length', type: 'sint' },
    ],
    output: 'bin',
    source,
    doc: `<length> bytes of the ${side} from <offset> on; 0: all that there are.`,
    compile(args, _scope, fail) {
      const offset = Number(args.int(0))
      const size = Number(args.int(1))
      if (offset < 0 || size < 0) return fail('offset and length cannot be negative')
      return (s) => {
        const contents = s[side]
        if (contents === undefined) return undefined
        const { bytes, final } = contents
        if (size === 0) return bytes.length < offset ? missing(contents) : { type: 'bin', value: bytes.toString('latin1', offset), mayChange: !final }
        return bytes.length < offset + size ? missing(contents) : { type: 'bin', value: bytes.toString('latin1', offset, offset + size) }
      }
    },
  }
}

export const layer6Fetches: readonly FetchSpec[] = [
  length('req.len', 'request', 'request'),
  length('req_len', 'request', 'request'),
  length('res.len', 'response', 'response'),
  payload('req.payload', 'request', 'request'),
  payload('res.payload', 'response', 'response'),
  {
    name: 'wait_end',
    output: 'bool',
    source: 'internal',
    doc: 'True when the inspection is over; until then it makes the rule wait.',
    compile: () => (s) => {
      const contents = s.response ?? s.request
      return contents === undefined || contents.final ? { type: 'bool', value: true } : NOT_YET
    },
  },
]
