// Owns fetches of buffer contents (manual 7.3.5): what a side has said and is not yet forwarded.

import type { ByteString, Fetched, FetchSpec, Source, Subject } from '../../core/sample.ts'
import { bool, NOT_YET, sint, toText } from '../../core/sample.ts'
import type { Contents } from '../../core/view.ts'
import { readDistcc } from '../distcc.ts'
import { looksLikeHttp } from '../http-head.ts'
import { readRdpCookie } from '../rdp.ts'
import { roomOf } from '../room.ts'

type Side = 'request' | 'response'
/** Which side's bytes: fixed, or (`payload`) those that are being inspected. */
export type Choose = (subject: Subject) => Contents | undefined

export const REQUEST: Choose = (subject) => subject.request
export const RESPONSE: Choose = (subject) => subject.response
const INSPECTED: Choose = (subject) => subject.response ?? subject.request

/** What could not be had is final only when no more will come. */
export function missing(contents: Contents | undefined): Fetched {
  return contents === undefined || contents.final ? undefined : NOT_YET
}

/** As missing(), of bytes that reach up to `end`: what no buffer holds will never come. */
function missingTo(end: number, contents: Contents, subject: Subject): Fetched {
  return end > roomOf(subject) + 1 ? undefined : missing(contents)
}

function length(name: string, side: Side, choose: Choose): FetchSpec {
  return {
    name,
    output: 'sint',
    source: side,
    doc: `How many bytes of the ${side} are in the buffer.`,
    compile: () => (subject) => {
      const contents = choose(subject)
      return contents === undefined ? undefined : { type: 'sint', value: BigInt(contents.bytes.length), mayChange: !contents.final }
    },
  }
}

function payload(name: string, source: Source, choose: Choose): FetchSpec {
  return {
    name,
    args: [
      { name: 'offset', type: 'sint' },
      { name: 'length', type: 'sint' },
    ],
    output: 'bin',
    source,
    doc: '<length> bytes from <offset> on; 0: all that there are.',
    compile(args, _scope, fail) {
      const offset = Number(args.int(0))
      const size = Number(args.int(1))
      if (offset < 0 || size < 0) return fail('offset and length cannot be negative')
      return (subject) => {
        const contents = choose(subject)
        if (contents === undefined) return undefined
        const { bytes, final } = contents
        if (size === 0) return bytes.length < offset ? missingTo(offset, contents, subject) : { type: 'bin', value: bytes.toString('latin1', offset), mayChange: !final }
        return bytes.length < offset + size ? missingTo(offset + size, contents, subject) : { type: 'bin', value: bytes.toString('latin1', offset, offset + size) }
      }
    },
  }
}

/** A longer number than this many bytes is no length of anything that a buffer holds. */
const LENGTH_BYTES = 6

function payloadLv(name: string, source: Source, choose: Choose): FetchSpec {
  return {
    name,
    args: [
      { name: 'offset1', type: 'sint' },
      { name: 'length', type: 'sint' },
      { name: 'offset2', type: 'str', optional: true },
    ],
    output: 'bin',
    source,
    doc: 'A block whose length is written in <length> bytes at <offset1>; it begins behind them, or at <offset2>, from there with a sign.',
    compile(args, _scope, fail) {
      const lengthAt = Number(args.int(0))
      const size = Number(args.int(1))
      if (lengthAt < 0) return fail('payload offset1 must be positive')
      if (size <= 0) return fail('payload length must be > 0')
      const second = toText(args.str(2))
      if (!/^([+-]?[0-9]{1,9})?$/.test(second)) return fail('payload offset2 is not a number')
      const begin = /^[+-]?$|^[+-]/.test(second) ? lengthAt + size + Number(second) : Number(second)
      if (begin < 0) return fail('payload offset2 too negative')
      return (subject) => {
        const contents = choose(subject)
        if (contents === undefined) return undefined
        const { bytes } = contents
        if (bytes.length < lengthAt + size) return missingTo(lengthAt + size, contents, subject)
        const high = bytes.subarray(lengthAt, lengthAt + Math.max(0, size - LENGTH_BYTES))
        if (high.some((byte) => byte !== 0)) return undefined
        const width = Math.min(size, LENGTH_BYTES)
        const length = bytes.readUIntBE(lengthAt + size - width, width)
        if (length === 0) return undefined
        const end = begin + length
        return bytes.length < end ? missingTo(end, contents, subject) : { type: 'bin', value: bytes.toString('latin1', begin, end) }
      }
    },
  }
}

/** Both names of a fetch: the old one with underscores is an alias. */
function named(names: readonly string[], make: (name: string) => FetchSpec): readonly FetchSpec[] {
  return names.map(make)
}

function rdpCookie(name: string, counts: boolean): FetchSpec {
  return {
    name,
    args: [{ name: 'name', type: 'str', optional: true }],
    output: counts ? 'sint' : 'str',
    source: 'request',
    doc: counts ? 'How many RDP cookies (of this name) the request begins with, 0 or 1.' : "The RDP cookie (of this name) that the request begins with.",
    compile(args) {
      const wanted = args.str(0)
      return (subject) => {
        const contents = subject.request
        if (contents === undefined) return undefined
        const cookie = readRdpCookie(contents.bytes, wanted)
        if (cookie === 'short') return missing(contents)
        if (counts) return sint(cookie === undefined ? 0 : 1)
        return cookie === undefined ? undefined : { type: 'str', value: cookie }
      }
    },
  }
}

function distcc(name: string, output: 'sint' | 'bin', value: (found: { readonly param: number; readonly body: ByteString | 'short' }) => Fetched | 'short'): FetchSpec {
  return {
    name,
    args: [
      { name: 'token', type: 'str' },
      { name: 'occ', type: 'sint', optional: true },
    ],
    output,
    source: 'request',
    doc: output === 'sint' ? 'The parameter of a token of the distcc protocol, the first of that name or <occ>.' : 'The body of a token of the distcc protocol, the first of that name or <occ>.',
    compile(args, _scope, fail) {
      const token = args.str(0)
      if (token.length !== 4) return fail('token name must be exactly 4 characters')
      const occurrence = args.int(1, 1n)
      if (occurrence < 0n) return fail('an occurrence is 1 or more')
      return (subject) => {
        const contents = INSPECTED(subject)
        if (contents === undefined) return undefined
        const found = readDistcc(contents.bytes, token, Math.max(1, Number(occurrence)))
        const result = found === 'short' ? 'short' : found === undefined ? undefined : value(found)
        return result === 'short' ? missing(contents) : result
      }
    },
  }
}

export const layer6Fetches: readonly FetchSpec[] = [
  ...named(['req.len', 'req_len'], (name) => length(name, 'request', REQUEST)),
  length('res.len', 'response', RESPONSE),
  payload('req.payload', 'request', REQUEST),
  payload('res.payload', 'response', RESPONSE),
  { ...payload('payload', 'contents', INSPECTED), match: 'bin' },
  payloadLv('req.payload_lv', 'request', REQUEST),
  payloadLv('res.payload_lv', 'response', RESPONSE),
  { ...payloadLv('payload_lv', 'contents', INSPECTED), match: 'bin' },
  ...named(['req.rdp_cookie', 'req_rdp_cookie', 'rdp_cookie'], (name) => rdpCookie(name, false)),
  ...named(['req.rdp_cookie_cnt', 'req_rdp_cookie_cnt', 'rdp_cookie_cnt'], (name) => rdpCookie(name, true)),
  distcc('distcc_param', 'sint', ({ param }) => sint(param)),
  distcc('distcc_body', 'bin', ({ body }) => (body === 'short' ? 'short' : { type: 'bin', value: body })),
  ...named(['req.proto_http', 'req_proto_http'], (name) => ({
    name,
    output: 'bool',
    source: 'request',
    doc: 'True when the request begins with a whole head of HTTP/1; it waits for one while it can become one.',
    compile: () => (subject) => {
      const contents = subject.request
      if (contents === undefined) return undefined
      const http = looksLikeHttp(contents.bytes)
      return http === 'short' ? missing(contents) : http ? bool(true) : undefined
    },
  })),
  {
    name: 'wait_end',
    output: 'bool',
    source: 'internal',
    doc: 'True when the inspection is over; until then it makes the rule wait.',
    compile: () => (subject) => {
      const contents = INSPECTED(subject)
      return contents === undefined || contents.final ? bool(true) : NOT_YET
    },
  },
]
