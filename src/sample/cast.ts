// Owns the casts between sample types (manual 7.1, 7.3.1): what a converter or a matching method asks for, made of what there is.

import { NOT_YET } from '../core/sample.ts'
import type { ByteString, Fetched, OutputType, Sample, SampleType } from '../core/sample.ts'
import { formatIPv4, formatIPv6, embeddedIPv4, mapIPv4, parseIPv4, parseIPv6 } from '../util/ip.ts'

/** 'ip' asks for either family; 'any' takes all. undefined: this sample has no such value. mayChange is kept. */
export function cast(sample: Sample, to: OutputType): Sample | undefined {
  if (sample.type === to || to === 'any') return sample
  const out = convert(sample, to)
  return out === undefined || sample.mayChange !== true ? out : { ...out, mayChange: true }
}

/** What was fetched as an integer; undefined: there is no value now, or none that is one. */
export function asInt(fetched: Fetched): bigint | undefined {
  return fetched === undefined || fetched === NOT_YET ? undefined : castInt(fetched)
}

/** What was fetched as a string; undefined: there is no value now. */
export function asText(fetched: Fetched): ByteString | undefined {
  return fetched === undefined || fetched === NOT_YET ? undefined : castText(fetched)
}

function convert(s: Sample, to: OutputType): Sample | undefined {
  switch (to) {
    case 'bool': {
      if (s.type === 'sint') return { type: 'bool', value: s.value !== 0n }
      const n = castInt(s)
      return n === undefined ? undefined : { type: 'bool', value: n !== 0n }
    }
    case 'sint': {
      const n = castInt(s)
      return n === undefined ? undefined : { type: 'sint', value: n }
    }
    case 'str': {
      const text = castText(s)
      return text === undefined ? undefined : { type: 'str', value: text }
    }
    case 'bin':
      return castBin(s)
    case 'ip':
    case 'ipv4':
    case 'ipv6':
      return castAddress(s, to)
    case 'any':
      return s
  }
}

function castInt(s: Sample): bigint | undefined {
  switch (s.type) {
    case 'bool':
      return s.value ? 1n : 0n
    case 'sint':
      return s.value
    case 'ipv4':
      return BigInt(s.value)
    case 'ipv6':
      return undefined
    case 'str':
      return s.value === '' ? undefined : leadingInt(s.value)
    case 'bin':
      return undefined
  }
}

/** The number that a string begins with, 0 when it begins with none. */
function leadingInt(text: string): bigint {
  const digits = /^([+-]?)([0-9]{1,40})/.exec(text)
  if (digits === null) return 0n
  const n = BigInt(digits[2] ?? '0')
  return clamp64(digits[1] === '-' ? -n : n)
}

export const INT64_MAX = 0x7fff_ffff_ffff_ffffn
export const INT64_MIN = -0x8000_0000_0000_0000n

export function clamp64(n: bigint): bigint {
  return n > INT64_MAX ? INT64_MAX : n < INT64_MIN ? INT64_MIN : n
}

function castText(s: Sample): string | undefined {
  switch (s.type) {
    case 'bool':
      return s.value ? '1' : '0'
    case 'sint':
      return s.value.toString()
    case 'ipv4':
      return formatIPv4(s.value)
    case 'ipv6':
      return formatIPv6(s.value)
    case 'str':
      return s.value
    case 'bin': {
      // a string ends at the first NUL
      const nul = s.value.indexOf('\0')
      return nul < 0 ? s.value : s.value.slice(0, nul)
    }
  }
}

function castBin(s: Sample): Sample | undefined {
  switch (s.type) {
    case 'bool':
    case 'sint': {
      const bytes = Buffer.alloc(8)
      bytes.writeBigInt64BE(s.type === 'bool' ? (s.value ? 1n : 0n) : s.value)
      return { type: 'bin', value: bytes.toString('latin1') }
    }
    case 'ipv4':
      return { type: 'bin', value: String.fromCharCode(s.value >>> 24, (s.value >>> 16) & 255, (s.value >>> 8) & 255, s.value & 255) }
    case 'ipv6':
      return { type: 'bin', value: String.fromCharCode(...s.value) }
    case 'str':
      return { type: 'bin', value: s.value }
    case 'bin':
      return s
  }
}

function castAddress(s: Sample, to: 'ip' | 'ipv4' | 'ipv6'): Sample | undefined {
  switch (s.type) {
    case 'ipv4':
      return to === 'ipv6' ? { type: 'ipv6', value: mapIPv4(s.value) } : s
    case 'ipv6': {
      if (to !== 'ipv4') return s
      const v4 = embeddedIPv4(s.value)
      return v4 === undefined ? undefined : { type: 'ipv4', value: v4 }
    }
    case 'sint':
      return castAddress({ type: 'ipv4', value: Number(BigInt.asUintN(32, s.value)) }, to)
    case 'str': {
      const v4 = parseIPv4(s.value)
      if (v4 !== undefined) return castAddress({ type: 'ipv4', value: v4 }, to)
      const v6 = parseIPv6(s.value)
      return v6 === undefined ? undefined : castAddress({ type: 'ipv6', value: v6 }, to)
    }
    case 'bin':
    case 'bool':
      return undefined
  }
}

const TYPES: Readonly<Record<OutputType, string>> = { bool: 'boolean', sint: 'integer', ipv4: 'IPv4 address', ipv6: 'IPv6 address', ip: 'address', str: 'string', bin: 'binary', any: 'value' }

/** As messages and the reference call it. */
export function typeText(type: OutputType): string {
  return TYPES[type]
}

/** Whether a cast can ever give a value: what check time can say. */
export function castable(from: OutputType, to: OutputType): boolean {
  if (from === to || from === 'any' || to === 'any') return true
  const sources: readonly SampleType[] = from === 'ip' ? ['ipv4', 'ipv6'] : [from]
  return sources.some((type) => {
    switch (to) {
      case 'sint':
      case 'bool':
        return type !== 'ipv6' && type !== 'bin'
      case 'ip':
      case 'ipv4':
      case 'ipv6':
        return type !== 'bool' && type !== 'bin'
      default:
        return true
    }
  })
}
