// Owns what stands between the parentheses of a fetch, a converter or an action: cutting at commas, unquoting (manual 2.2), types.

import type { ArgSpec, ArgType, ArgValues, ByteString, VariableName } from '../core/sample.ts'
import { toBytes } from '../core/sample.ts'
import { parseSize, parseTime } from '../config/units.ts'
import { parseIPv4, parseIPv6, mask4 } from '../util/ip.ts'
import { INT64_MAX, INT64_MIN } from './cast.ts'
import { parseVariable } from './variables.ts'

type Value = bigint | number | ByteString | Uint8Array | VariableName | undefined

/** Raw arguments, and where the text goes on behind the closing parenthesis. */
export interface RawArguments {
  readonly texts: readonly string[]
  readonly end: number
}

/** What a backslash frees, quoted weakly or not at all. Before anything else, a comma or a parenthesis too, it stays and means itself. */
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '\\': '\\', '"': '"', "'": "'", ' ': ' ' }

/**
 * Reads from behind the opening parenthesis at most `max` arguments. Quotes and backslashes are as at the top level, without \#, \$
 * and \xNN (manual 2.2): an argument holds commas and parentheses in quotes only. A string: what is wrong, without the name.
 */
export function cutArguments(text: string, from: number, max: number): RawArguments | string {
  const texts: string[] = []
  let current = ''
  let quote = ''
  let start = from
  for (let i = from; i < text.length; i++) {
    const c = text[i] ?? ''
    const freed = c === '\\' && quote !== "'" ? ESCAPES[text[i + 1] ?? ''] : undefined
    if (freed !== undefined) {
      current += freed
      i++
    } else if (quote !== '') {
      if (c === quote) quote = ''
      else current += c
    } else if (c === '"' || c === "'") {
      quote = c
    } else if (c === ',' || c === ')') {
      texts.push(current)
      if (texts.length > max && !(texts.length === 1 && current === '')) return `expected ')' before '${text.slice(start)}'`
      if (c === ')') return { texts: texts.length === 1 && current === '' ? [] : texts, end: i + 1 }
      start = i
      current = ''
    } else {
      current += c
    }
  }
  return quote === '' ? "expected ')'" : `unmatched quote (${quote}) in arguments`
}

const TYPE_NAMES: Readonly<Record<ArgType, string>> = {
  sint: 'integer',
  str: 'string',
  ipv4: 'IPv4 address',
  ipv6: 'IPv6 address',
  mask4: 'IPv4 mask',
  mask6: 'IPv6 mask',
  delay: 'delay',
  size: 'size',
  frontend: 'frontend',
  backend: 'backend',
  server: 'server',
  table: 'table',
  var: 'variable',
}

/** What is wrong, with the argument from 1 that it is about. */
export interface BadArgument {
  readonly position: number
  readonly problem: string
  /** It has the right shape and says nothing: told as the word's own complaint. */
  readonly own?: true
}

/** How they are written: `(<a>,<b>[,<c>])`; '' for none. One that may be repeated is written once. */
export function signature(specs: readonly ArgSpec[]): string {
  if (specs.length === 0) return ''
  let text = ''
  for (const [i, spec] of specs.entries()) {
    const again = i > 0 && specs[i - 1]?.name === spec.name
    if (again && specs[i + 1]?.name === spec.name) continue
    const written = `${i > 0 ? ',' : ''}${again ? '…' : `<${spec.name}>`}`
    text += spec.optional === true ? `[${written}]` : written
  }
  return `(${text})`
}

/** Gives the arguments their types. */
export function typeArguments(texts: readonly string[], specs: readonly ArgSpec[]): ArgValues | BadArgument {
  const values: Value[] = []
  for (const [i, spec] of specs.entries()) {
    const text = texts[i]
    const position = i + 1
    const expected = TYPE_NAMES[spec.type]
    if (text === undefined && spec.optional === true) break
    if (text === undefined && (i > 0 || spec.type === 'str')) {
      return { position, problem: `missing arguments (got ${texts.length}/${specs.filter((s) => s.optional !== true).length}), type '${expected}' expected` }
    }
    if (spec.type === 'var') {
      const variable = text === undefined || text === '' ? 'Empty variable name cannot be accepted' : parseVariable(text)
      if (typeof variable === 'string') return { position, problem: variable, own: true }
      values.push(variable)
      continue
    }
    if (text === undefined || (text === '' && spec.type !== 'str')) {
      if (spec.optional !== true) return { position, problem: `expected type '${expected}' at position ${position}, but got nothing` }
      values.push(undefined)
      continue
    }
    const value = parse(text, spec.type)
    if (value === undefined) return { position, problem: `failed to parse '${text}' as type '${expected}' at position ${position}` }
    values.push(value)
  }
  return new TypedArguments(values, texts)
}

function parse(text: string, type: ArgType): Value {
  switch (type) {
    case 'sint': {
      if (!/^[+-]?[0-9]{1,20}$/.test(text)) return undefined
      const n = BigInt(text.startsWith('+') ? text.slice(1) : text)
      return n > INT64_MAX || n < INT64_MIN ? undefined : n
    }
    case 'ipv4':
      return parseIPv4(text)
    case 'ipv6':
      return parseIPv6(text)
    case 'mask4':
      if (/^[0-9]{1,2}$/.test(text)) return Number(text) <= 32 ? mask4(Number(text)) : undefined
      return parseIPv4(text)
    case 'mask6': {
      if (!/^[0-9]{1,3}$/.test(text)) return parseIPv6(text)
      const bits = Number(text)
      if (bits > 128) return undefined
      return Uint8Array.from({ length: 16 }, (_, i) => (0xff00 >> Math.min(8, Math.max(0, bits - 8 * i))) & 0xff)
    }
    case 'delay':
    case 'size': {
      const read = type === 'delay' ? parseTime(text) : parseSize(text)
      return read.ok ? BigInt(read.value) : undefined
    }
    case 'var':
      return undefined // read by the one who can say what is wrong with it
    case 'str':
    case 'frontend':
    case 'backend':
    case 'server':
    case 'table':
      return toBytes(text)
  }
}

class TypedArguments implements ArgValues {
  readonly #values: readonly Value[]
  readonly #texts: readonly string[]

  constructor(values: readonly Value[], texts: readonly string[]) {
    this.#values = values
    this.#texts = texts
  }

  get count(): number {
    return this.#values.length
  }

  has(index: number): boolean {
    const value = this.#values[index]
    return value !== undefined && value !== ''
  }

  str(index: number): ByteString {
    return toBytes(this.#texts[index] ?? '')
  }

  int(index: number, otherwise?: bigint): bigint {
    const value = this.#values[index]
    if (typeof value === 'bigint') return value
    if (value === undefined && otherwise !== undefined) return otherwise
    throw new TypeError(`argument ${index} is no integer`)
  }

  ipv4(index: number): number {
    const value = this.#values[index]
    if (typeof value === 'number') return value
    throw new TypeError(`argument ${index} is no IPv4 address`)
  }

  ipv6(index: number): Uint8Array {
    const value = this.#values[index]
    if (value instanceof Uint8Array) return value
    throw new TypeError(`argument ${index} is no IPv6 address`)
  }

  variable(index: number): VariableName {
    const value = this.#values[index]
    if (typeof value === 'object' && 'scope' in value) return value
    throw new TypeError(`argument ${index} is no variable`)
  }
}
