// Owns converters between bytes and their written forms (manual 7.3.1): base64, hexadecimal, numbers, URL encoding.

import type { ArgSpec, ArgValues, ByteString, ConverterSpec, Fail } from '../../core/sample.ts'
import { roomOf } from '../room.ts'
import { fromBase64, fromBase64url, toBase64 } from './base64.ts'
import { bytesOf, converter, plain, textSample } from './convert.ts'

const CHUNKS: readonly ArgSpec[] = [
  { name: 'separator', type: 'str', optional: true },
  { name: 'chunk_size', type: 'sint', optional: true },
  { name: 'truncate', type: 'sint', optional: true },
]

interface Chunks {
  readonly separator: ByteString
  /** Bytes. */
  readonly size: number
  readonly truncate: boolean
}

function chunkArguments(args: ArgValues, fail: Fail, wrong: (size: bigint) => string | undefined): Chunks | undefined {
  const size = args.int(1, 0n)
  const problem = wrong(size)
  if (problem !== undefined) return fail(problem)
  const truncate = args.int(2, 0n)
  if (truncate !== 0n && truncate !== 1n) return fail(`Unsupported truncate value (${truncate})`, '0 keeps a last, shorter chunk, 1 leaves it out')
  return { separator: args.str(0), size: Number(size), truncate: truncate === 1n }
}

/** Each chunk written, joined. */
function join(bytes: ByteString, { separator, size, truncate }: Chunks, write: (chunk: ByteString) => ByteString): ByteString {
  const parts: ByteString[] = []
  for (let at = 0; at < bytes.length; at += size) {
    if (truncate && at + size > bytes.length) break
    parts.push(write(bytes.slice(at, at + size)))
  }
  return parts.join(separator)
}

function decimal(name: string, doc: string, big: boolean): ConverterSpec {
  return converter(name, 'bin', 'str', doc, CHUNKS, (args, fail) => {
    const chunks = chunkArguments(args, fail, (size) => (size < 1n || size > 8n ? `chunk_size out of [1..8] range (${size})` : undefined))
    if (chunks === undefined) return undefined
    return (bytes) =>
      textSample(
        'str',
        join(bytes, chunks, (chunk) => {
          let value = 0n
          for (let i = 0; i < chunk.length; i++) value = value * 256n + BigInt(chunk.charCodeAt(big ? i : chunk.length - 1 - i))
          return value.toString()
        }),
      )
  })
}

const hex = (bytes: ByteString): ByteString => bytesOf(bytes).toString('hex').toUpperCase()

/** `%41` as A; with `form`, + is a blank everywhere, and behind a question mark in any case. undefined: a % without two digits. */
function urlDecode(text: ByteString, form: boolean): ByteString | undefined {
  let query = form
  let out = ''
  for (let i = 0; i < text.length; i++) {
    const c = text[i] ?? ''
    if (c === '%') {
      const digits = text.slice(i + 1, i + 3)
      if (!/^[0-9a-fA-F]{2}$/.test(digits)) return undefined
      out += String.fromCharCode(Number.parseInt(digits, 16))
      i += 2
      continue
    }
    if (c === '?') query = true
    out += c === '+' && query ? ' ' : c
  }
  return out
}

export const encodingConverters: readonly ConverterSpec[] = [
  { ...plain('base64', 'bin', 'str', 'The bytes in base64.', (bytes) => toBase64(bytes, false)), tooLong: 'absent' },
  plain('b64dec', 'str', 'bin', 'The bytes that base64 stands for; no value when it is malformed.', fromBase64),
  { ...plain('ub64enc', 'bin', 'str', 'The bytes in base64url, without padding.', (bytes) => toBase64(bytes, true)), tooLong: 'absent' },
  plain('ub64dec', 'str', 'bin', 'The bytes that base64url stands for; no value when it is malformed.', fromBase64url),
  plain('base2', 'bin', 'str', 'Eight binary digits per byte.', (bytes) => Array.from(bytes, (c) => c.charCodeAt(0).toString(2).padStart(8, '0')).join('')),
  plain('hex', 'bin', 'str', 'Two hexadecimal digits per byte, upper case.', hex),
  {
    name: 'hex2i',
    input: 'str',
    output: 'sint',
    doc: 'The number that hexadecimal digits write, the last 64 bits of it; no value for anything else.',
    compile: () => (sample) => {
      if (sample.type !== 'str' || !/^[0-9a-fA-F]*$/.test(sample.value)) return undefined
      return { type: 'sint', value: BigInt.asIntN(64, BigInt(`0x0${sample.value.slice(-16)}`)) }
    },
  },
  {
    name: 'htonl',
    input: 'sint',
    output: 'bin',
    doc: 'The low 32 bits of an integer as four bytes, most significant first.',
    compile: () => (sample) => {
      if (sample.type !== 'sint') return undefined
      const bytes = Buffer.alloc(4)
      bytes.writeUInt32BE(Number(BigInt.asUintN(32, sample.value)))
      return { type: 'bin', value: bytes.toString('latin1') }
    },
  },
  decimal('be2dec', 'Big-endian chunks as unsigned decimal numbers, with <separator> between them.', true),
  decimal('le2dec', 'Little-endian chunks as unsigned decimal numbers, with <separator> between them.', false),
  converter('be2hex', 'bin', 'str', 'The bytes in hexadecimal, with <separator> between chunks.', CHUNKS, (args, fail) => {
    const separated = args.has(0) || args.count > 1
    const chunks = chunkArguments(args, fail, (size) => (size < 0n || (size === 0n && args.has(0)) ? `chunk_size needs to be positive (${size})` : undefined))
    if (chunks === undefined) return undefined
    if (!separated || chunks.size === 0) return (bytes) => textSample('str', hex(bytes))
    return (bytes) => textSample('str', join(bytes, chunks, hex))
  }),
  converter(
    'bytes',
    'bin',
    'bin',
    'The bytes from <offset> on, at most <length> of them.',
    [
      { name: 'offset', type: 'sint' },
      { name: 'length', type: 'sint', optional: true },
    ],
    (args) => {
      const offset = args.int(0)
      const length = args.int(1, -1n)
      const end = length < 0n ? undefined : Number(offset + length)
      return (bytes) => textSample('bin', offset < 0n || offset >= BigInt(bytes.length) ? '' : bytes.slice(Number(offset), end))
    },
  ),
  converter('url_dec', 'str', 'str', 'URL decoding; with a number other than 0 of a form, where + is a blank. No value when a % has no two digits behind it.', [{ name: 'in_form', type: 'sint', optional: true }], (args) => {
    const form = args.int(0, 0n) !== 0n
    return (text) => textSample('str', urlDecode(text, form))
  }),
  converter('url_enc', 'str', 'str', 'URL encoding of all but letters, digits and - . _ ~', [{ name: 'enc_type', type: 'str', optional: true }], (args, fail) => {
    if (args.has(0) && args.str(0) !== 'query') return fail("Unexpected encode type. Allowed value is 'query'")
    return (text, subject) => {
      const escaped = text.replace(/[^A-Za-z0-9._~-]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
      const room = roomOf(subject)
      return textSample('str', escaped.length < room ? escaped : escaped.slice(0, room - 1).replace(/%.?$/, '')) // whole escapes
    }
  }),
]
