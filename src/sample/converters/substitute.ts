// Owns replacing what a regular expression matches (manual 7.3.1 regsub): groups by number, escapes.

import type { ByteString } from '../../core/sample.ts'

/** `\0` to `\9` as groups, `\xHH` as a byte; a backslash frees any other character. */
function fill(replacement: ByteString, match: RegExpExecArray): ByteString {
  return replacement.replace(/\\(?:([0-9])|x([0-9a-fA-F]{2})|(.))/gs, (_, group?: string, byte?: string, freed?: string) => {
    if (group !== undefined) return match[Number(group)] ?? ''
    return byte === undefined ? (freed ?? '') : String.fromCharCode(Number.parseInt(byte, 16))
  })
}

/** @param regex has the flag g */
export function substitute(text: ByteString, regex: RegExp, replacement: ByteString, all: boolean): ByteString {
  let out = ''
  let at = 0
  regex.lastIndex = 0
  while (at <= text.length) {
    const match = regex.exec(text)
    if (match === null) break
    out += text.slice(at, match.index) + fill(replacement, match)
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
