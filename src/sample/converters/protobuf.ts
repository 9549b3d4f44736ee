// Owns protobuf and ungrpc (manual 7.3.1): one field of a protocol buffers message, by its number and those of the messages around it.

import type { ByteString, ConverterSpec, Sample } from '../../core/sample.ts'
import { toText } from '../../core/sample.ts'
import { bytesOf, converter, textSample } from './convert.ts'

const VARINT = 0
const FIXED64 = 1
const LENGTH = 2
const FIXED32 = 5

/** How a field is written, and the integer that its bytes are. */
interface FieldType {
  readonly wire: number
  read(bytes: Buffer): bigint
}

const varint = (bytes: Buffer): bigint => {
  let value = 0n
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 7n) | BigInt((bytes[i] ?? 0) & 0x7f)
  return BigInt.asIntN(64, value)
}
const zigzag = (bytes: Buffer): bigint => {
  const value = BigInt.asUintN(64, varint(bytes))
  return (value >> 1n) ^ -(value & 1n)
}
const whole = (value: number): bigint => (Number.isFinite(value) ? BigInt.asIntN(64, BigInt(Math.trunc(value))) : 0n)

const TYPES: ReadonlyMap<string, FieldType> = new Map<string, FieldType>([
  ...['int32', 'int64', 'uint32', 'uint64', 'bool', 'enum'].map((name): [string, FieldType] => [name, { wire: VARINT, read: varint }]),
  ...['sint32', 'sint64'].map((name): [string, FieldType] => [name, { wire: VARINT, read: zigzag }]),
  ['fixed32', { wire: FIXED32, read: (bytes) => BigInt(bytes.readUInt32LE()) }],
  ['sfixed32', { wire: FIXED32, read: (bytes) => BigInt(bytes.readInt32LE()) }],
  ['float', { wire: FIXED32, read: (bytes) => whole(bytes.readFloatLE()) }],
  ['fixed64', { wire: FIXED64, read: (bytes) => bytes.readBigInt64LE() }],
  ['sfixed64', { wire: FIXED64, read: (bytes) => bytes.readBigInt64LE() }],
  ['double', { wire: FIXED64, read: (bytes) => whole(bytes.readDoubleLE()) }],
])

/** Where a varint that begins at `at` ends; undefined when it does not within 10 bytes. */
function varintEnd(bytes: Buffer, at: number): number | undefined {
  for (let i = at; i < bytes.length && i < at + 10; i++) if ((bytes[i] ?? 0) < 0x80) return i + 1
  return undefined
}

/** The first field at the path, with the wire type wanted when one is. undefined: none, or the message is broken before it. */
function findField(message: Buffer, path: readonly number[], wire: number | undefined): Buffer | undefined {
  let window = message
  for (const [depth, number] of path.entries()) {
    const last = depth === path.length - 1
    let found: Buffer | undefined
    for (let at = 0; at < window.length && found === undefined; ) {
      const behind = varintEnd(window, at)
      if (behind === undefined) return undefined
      const key = BigInt.asUintN(64, varint(window.subarray(at, behind)))
      const kind = Number(key & 7n)
      const field = fieldAt(window, behind, kind)
      if (field === undefined) return undefined
      if (key >> 3n === BigInt(number) && (last ? wire === undefined || kind === wire : kind === LENGTH)) found = field
      else if (key >> 3n === BigInt(number)) return undefined
      at = field.byteOffset - window.byteOffset + field.length
    }
    if (found === undefined) return undefined
    window = found
  }
  return window
}

/** The value that begins at `at`. */
function fieldAt(window: Buffer, at: number, wire: number): Buffer | undefined {
  switch (wire) {
    case VARINT: {
      const end = varintEnd(window, at)
      return end === undefined ? undefined : window.subarray(at, end)
    }
    case FIXED64:
      return at + 8 > window.length ? undefined : window.subarray(at, at + 8)
    case FIXED32:
      return at + 4 > window.length ? undefined : window.subarray(at, at + 4)
    case LENGTH: {
      const begin = varintEnd(window, at)
      if (begin === undefined) return undefined
      const length = BigInt.asUintN(64, varint(window.subarray(at, begin)))
      return length > BigInt(window.length - begin) ? undefined : window.subarray(begin, begin + Number(length))
    }
    default:
      return undefined
  }
}

/** A gRPC message: a flag, its length in 4 bytes, then the protocol buffers message. */
function withoutGrpcHeader(bytes: ByteString): Buffer | undefined {
  const all = bytesOf(bytes)
  if (all.length < 5) return undefined
  const end = 5 + all.readUInt32BE(1)
  return end > all.length ? undefined : all.subarray(5, end)
}

function fieldConverter(name: string, doc: string, message: (bytes: ByteString) => Buffer | undefined): ConverterSpec {
  const made = converter(
    name,
    'bin',
    'any',
    doc,
    [
      { name: 'field_number', type: 'str' },
      { name: 'field_type', type: 'str', optional: true },
    ],
    (args, fail) => {
      const dotted = toText(args.str(0))
      if (!/^[1-9][0-9]{0,8}(\.[1-9][0-9]{0,8})*$/.test(dotted)) return fail(`failed to parse '${dotted}' as type 'Protocol buffers field number' at position 1`)
      const path = dotted.split('.').map(Number)
      const typeName = toText(args.str(1))
      const type = TYPES.get(typeName)
      if (args.has(1) && type === undefined) return fail(`Wrong protocol buffer type '${typeName}'`, `one of ${[...TYPES.keys()].join(', ')}`)
      return (bytes): Sample | undefined => {
        const body = message(bytes)
        const field = body === undefined ? undefined : findField(body, path, type?.wire)
        if (field === undefined) return undefined
        return type === undefined ? textSample('bin', field.toString('latin1')) : { type: 'sint', value: type.read(field) }
      }
    },
  )
  return made
}

export const protobufConverters: readonly ConverterSpec[] = [
  fieldConverter('protobuf', 'A field of a protocol buffers message, by its numbers (1.2.3): its bytes, or with <field_type> an integer.', bytesOf),
  fieldConverter('ungrpc', 'As protobuf, of a gRPC message: without its header.', withoutGrpcHeader),
]
