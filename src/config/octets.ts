// Owns words that are not text: bytes that are no UTF-8, kept in a string without loss.
//
// A configuration is read as UTF-8. A byte that does not belong to any character (a \xNN escape, a Latin-1 file) becomes the lone
// surrogate U+DC00 + byte, which no valid text contains, so that a word can still be turned back into exactly its bytes.

const STRICT = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const LONE = /[\udc80-\udcff]/

/** The text of bytes; those that are no UTF-8 become lone surrogates. */
export function textOf(bytes: Uint8Array): string {
  try {
    return STRICT.decode(bytes)
  } catch {
    return mixed(bytes)
  }
}

function mixed(bytes: Uint8Array): string {
  let text = ''
  let at = 0
  while (at < bytes.length) {
    const size = character(bytes, at)
    text += size === 0 ? String.fromCharCode(0xdc00 + (bytes[at] ?? 0)) : STRICT.decode(bytes.subarray(at, at + size))
    at += size === 0 ? 1 : size
  }
  return text
}

/** Bytes of the character that begins at `at`; 0 when none does. */
function character(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0
  if (first < 0x80) return 1
  const size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0
  if (size === 0 || at + size > bytes.length) return 0
  try {
    STRICT.decode(bytes.subarray(at, at + size))
    return size
  } catch {
    return 0
  }
}

/** Exactly the bytes that a word stands for: what a probe sends, what a pattern compares. */
export function bytesOf(word: string): Buffer {
  if (!LONE.test(word)) return Buffer.from(word, 'utf8')
  const parts: Buffer[] = []
  for (const c of word) {
    const code = c.codePointAt(0) ?? 0
    parts.push(code >= 0xdc80 && code <= 0xdcff ? Buffer.from([code - 0xdc00]) : Buffer.from(c, 'utf8'))
  }
  return Buffer.concat(parts)
}

/** A byte as a character of a word; settle() joins neighbours that together are UTF-8. */
export function octet(byte: number): string {
  return String.fromCharCode(byte < 0x80 ? byte : 0xdc00 + byte)
}

export function settle(word: string): string {
  return LONE.test(word) ? textOf(bytesOf(word)) : word
}
