// Owns log-format strings (manual 8.2.6): text, %aliases and %[expressions], compiled once to a list of parts.
//
//   %ci:%cp [%t] %{+Q}[ssl_fc_sni]
//   alias   alias  flags expression

import type { Word } from '../core/keyword.ts'
import type { ByteString, Fail, Scope, Subject } from '../core/sample.ts'
import { toBytes } from '../core/sample.ts'
import { asText } from './cast.ts'
import { compileText } from './expression.ts'
import type { Expression } from './expression.ts'
import { alias, aliasNames, isHttpAlias } from './log-aliases.ts'
import { available, sourceText } from './stage.ts'
import { didYouMean } from '../config/near.ts'

/** Q: in quotes; X: hexadecimal; E: escaped for RFC 5424 structured data. */
export interface LogFlags {
  readonly quote: boolean
  readonly hex: boolean
  readonly escape: boolean
}

export interface LogFormat {
  /** As written. */
  readonly text: string
  /** It has a field that only the end of the session knows: bytes, total time, termination state. Otherwise the line is written once the server is connected. */
  readonly needsEnd: boolean
  /** What it always gives; undefined when that depends on the subject. */
  readonly constant: ByteString | undefined
  /** Bytes, one character each: write it as 'latin1'. */
  format(subject: Subject): ByteString
}

/**
 * 'log': for people. Runs of blanks become one, what is absent is `-`, control characters of samples are written #XX so that no
 * client can forge a line. 'value': for variables and names. Everything as it is, what is absent is empty.
 */
export type LogMode = 'log' | 'value'

type Part = (subject: Subject) => ByteString

const NO_FLAGS: LogFlags = { quote: false, hex: false, escape: false }

/** Compiles a format. Problems are worded without `failed to parse log-format : `, which the caller adds. */
export function compileLogFormat(word: Word, mode: LogMode, scope: Scope, fail: Fail): LogFormat | undefined {
  const { text } = word
  const parts: (Part | ByteString)[] = []
  let literal = ''
  let flags = NO_FLAGS
  let needsEnd = false
  const flush = (): void => {
    if (literal !== '') parts.push(toBytes(literal))
    literal = ''
  }
  for (let at = 0; at < text.length; ) {
    const c = text[at] ?? ''
    if (c !== '%') {
      if (mode === 'value' || c !== ' ') literal += c
      else if (!literal.endsWith(' ') && (literal !== '' || parts.length > 0)) literal += ' '
      at++
      continue
    }
    at++
    if (at >= text.length) return fail("truncated line after '%'", "write '%%' for a single '%'", word)
    if (text[at] === '%') {
      literal += '%'
      at++
      continue
    }
    let own = flags
    let modifier = ''
    if (text[at] === '{') {
      const end = text.indexOf('}', at)
      if (end < 0) return fail(`truncated line after '${text.slice(at + 1)}'`, undefined, word)
      modifier = text.slice(at - 1, end + 1)
      const changed = changeFlags(flags, text.slice(at + 1, end))
      if (typeof changed === 'string') return fail(changed, 'the flags are Q, X and E, such as %{+Q,-X}ci', word)
      own = changed
      at = end + 1
    }
    if (text[at] === '[') {
      const end = endOfExpression(text, at + 1)
      const inner = text.slice(at + 1, end ?? text.length)
      if (end === undefined) return fail(`missing ']' after '${inner}'`, undefined, word)
      const expression = compileText({ text: inner, column: word.column + at + 1 }, scope, (problem, hint) => fail(`failed to parse sample expression <${inner}> : ${problem}`, hint, word), false)
      if (expression === undefined) return undefined
      if (!available(expression.source, scope.stage)) {
        return fail(`sample fetch <${inner}> may not be reliably used here because it needs '${sourceText(expression.source)}' which is not available here`, 'set a variable where it is available, and use that', word)
      }
      flush()
      needsEnd ||= expression.source === 'end'
      parts.push(expressionPart(expression, own, mode))
      at = end + 1
      continue
    }
    const name = /^[A-Za-z]+/.exec(text.slice(at))?.[0] ?? ''
    if (name === '') {
      if (modifier !== '') return fail(`parse argument modifier without variable name near '${modifier}'`, undefined, word)
      const rest = text.slice(at)
      return fail(`unexpected variable name near '${rest}' at position ${at} line : '${text}'. Maybe you want to write a single '%', use the syntax '%%'`, undefined, word)
    }
    at += name.length
    if (name === 'o') {
      flags = own
      continue
    }
    const known = alias(name)
    if (known === undefined) {
      if (isHttpAlias(name)) return fail(`format variable '${name}' is reserved for HTTP mode`, undefined, word)
      return fail(`no such format variable '${name}'. If you wanted to emit the '%' character verbatim, you need to use '%%'`, didYouMean(name, aliasNames()), word)
    }
    flush()
    needsEnd ||= known.needsEnd
    parts.push(known.make(own, mode))
  }
  flush()
  const constant = parts.every((part) => typeof part === 'string') ? parts.join('') : undefined
  return { text, needsEnd, constant, format: joiner(parts, mode) }
}

function joiner(parts: readonly (Part | ByteString)[], mode: LogMode): Part {
  if (mode === 'value') {
    return (subject) => {
      let out = ''
      for (const part of parts) out += typeof part === 'string' ? part : part(subject)
      return out
    }
  }
  return (subject) => {
    let out = ''
    // blanks meet where a field between them is empty
    let blank = true
    for (const part of parts) {
      if (typeof part === 'string') {
        out += blank && part.startsWith(' ') ? part.slice(1) : part
        blank = part.endsWith(' ')
      } else {
        const field = part(subject)
        out += field
        if (field !== '') blank = false
      }
    }
    return out
  }
}

/** `+Q,-X` applied to flags. A string: what is wrong. */
function changeFlags(flags: LogFlags, text: string): LogFlags | string {
  let { quote, hex, escape } = flags
  for (const item of text.split(',')) {
    const m = /^([+-])([QXE])$/.exec(item)
    if (m === null) return `unknown flag '${item}' in '{${text}}'`
    const on = m[1] === '+'
    if (m[2] === 'Q') quote = on
    else if (m[2] === 'X') hex = on
    else escape = on
  }
  return { quote, hex, escape }
}

/** The index of the `]` behind an expression that begins at `from`: not within parentheses, which a backslash does not free. */
function endOfExpression(text: string, from: number): number | undefined {
  let depth = 0
  let quote = ''
  for (let i = from; i < text.length; i++) {
    const c = text[i]
    if (quote !== '') {
      if (c === '\\' && quote === '"') i++
      else if (c === quote) quote = ''
    } else if (depth > 0 && c === '\\' && /[\\"']/.test(text[i + 1] ?? '')) i++
    else if (depth > 0 && (c === '"' || c === "'")) quote = c
    else if (c === '(') depth = 1
    else if (c === ')') depth = 0
    else if (c === ']' && depth === 0) return i
  }
  return undefined
}

function expressionPart(expression: Expression, flags: LogFlags, mode: LogMode): Part {
  return (subject) => textField(asText(expression.evaluate(subject)) ?? '', flags, mode)
}

/** A text with its flags; an empty one is a dash where people read it. */
export function textField(text: ByteString, flags: LogFlags, mode: LogMode): ByteString {
  if (flags.quote) return `"${dress(text, flags, mode)}"`
  return text === '' && mode === 'log' ? '-' : dress(text, flags, mode)
}

export function dress(text: ByteString, flags: LogFlags, mode: LogMode): ByteString {
  const escaped = flags.escape ? text.replace(/["\\\]]/g, '\\$&') : text
  return mode === 'log' ? printable(escaped) : escaped
}

/** Control characters as #XX. */
function printable(text: ByteString): ByteString {
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c < 0x20 || c === 0x7f) return text.replace(/[^\x20-\x7e\x80-\xff]/g, (control) => `#${control.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase()}`)
  }
  return text
}
