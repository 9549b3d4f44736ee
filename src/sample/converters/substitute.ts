// Owns replacing what a regular expression matches (manual 7.3.1 regsub): groups by number, escapes.

import type { ByteString } from '../../core/sample.ts'

/** Text as it is, and groups by number. */
export type Replacement = readonly (ByteString | number)[]

/** `\0` to `\9` as groups, `\xHH` as a byte; a backslash frees any other character. */
export function parseReplacement(text: ByteString): Replacement {
  const parts: (ByteString | number)[] = []
  for (const [, group, byte, freed, plain] of text.matchAll(/\\(?:([0-9])|x([0-9a-fA-F]{2})|(.))|([^\\]+|\\$)/gs)) {
    parts.push(group !== undefined ? Number(group) : byte !== undefined ? String.fromCharCode(Number.parseInt(byte, 16)) : (freed ?? plain ?? ''))
  }
  return parts
}

/** @param regex has the flag g. @param room no more is replaced once the result is longer than this. */
export function substitute(text: ByteString, regex: RegExp, replacement: Replacement, all: boolean, room: number): ByteString {
  let out = ''
  let at = 0
  regex.lastIndex = 0
  while (at <= text.length && out.length <= room) {
    const match = regex.exec(text)
    if (match === null) break
    out += text.slice(at, match.index)
    for (const part of replacement) out += typeof part === 'number' ? (match[part] ?? '') : part
    at = match.index + match[0].length
    if (!all) break
    if (match[0] === '') {
      // an empty match: one character goes by, so that the search goes on
      out += text.slice(at, at + 1)
      at++
    }
    regex.lastIndex = at
  }
  return out + text.slice(at)
}
