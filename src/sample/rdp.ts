// Owns reading the cookie of an RDP connection request (MS-RDPBCGR 2.2.1.1): `Cookie: name=value` behind 11 bytes of TPKT and X.224.

import type { ByteString } from '../core/sample.ts'
import { lower } from './patterns/strings.ts'

const HEADER = 11
const PREFIX = 'cookie:'
/** No cookie is longer. */
const LIMIT = 1024

/** The value of the cookie, with this name if one is given. 'short': that cannot be told yet; undefined: there is none. */
export function readRdpCookie(bytes: Buffer, name: ByteString): ByteString | 'short' | undefined {
  if (bytes.length <= HEADER + PREFIX.length) return 'short'
  const text = bytes.toString('latin1', HEADER, HEADER + LIMIT)
  if (lower(text.slice(0, PREFIX.length)) !== PREFIX) return undefined
  const begin = text.slice(PREFIX.length).replace(/^ +/, '')
  let value: ByteString
  if (name === '') {
    const equals = begin.search(/[=\r]/)
    if (equals < 0) return 'short'
    if (begin[equals] !== '=') return undefined
    value = begin.slice(equals + 1)
  } else {
    if (begin.length <= name.length) return 'short'
    if (begin[name.length] !== '=' || lower(begin.slice(0, name.length)) !== lower(name)) return undefined
    value = begin.slice(name.length + 1)
  }
  const end = value.indexOf('\r')
  if (end < 0) return text.length < LIMIT ? 'short' : undefined
  if (end + 1 === value.length) return 'short'
  return value[end + 1] === '\n' ? value.slice(0, end) : undefined
}
