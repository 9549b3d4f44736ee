// Owns base64 in its two alphabets (RFC 4648 sections 4 and 5), strictly.

import type { ByteString } from '../../core/sample.ts'

/** Padded, as section 4 has it; undefined when it is not. */
export function fromBase64(text: ByteString): ByteString | undefined {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined
  return Buffer.from(text, 'base64').toString('latin1')
}

/** The URL-safe alphabet; padding is optional. */
export function fromBase64url(text: ByteString): ByteString | undefined {
  const bare = /^([A-Za-z0-9_-]*)(={0,2})$/.exec(text)
  if (bare === null || (bare[1] ?? '').length % 4 === 1 || (bare[2] !== '' && text.length % 4 !== 0)) return undefined
  return Buffer.from(bare[1] ?? '', 'base64url').toString('latin1')
}

export function toBase64(bytes: ByteString, url: boolean): ByteString {
  return Buffer.from(bytes, 'latin1').toString(url ? 'base64url' : 'base64')
}
