// Owns reading tokens of the distcc protocol: 4 letters, 8 hexadecimal digits, and behind some of them as many bytes as these say.

import type { ByteString } from '../core/sample.ts'

/** All others have a body, those that nobody knows too. */
const WITHOUT_BODY: ReadonlySet<string> = new Set(['ARGC', 'DIST', 'DONE', 'NFIL', 'STAT'])
const HEAD = 12

export interface DistccToken {
  readonly param: number
  /** 'short': it has not arrived whole. */
  readonly body: ByteString | 'short'
}

/** The nth token of this name, from 1. 'short': more bytes may have it; undefined: it is not there. */
export function readDistcc(bytes: Buffer, name: ByteString, nth: number): DistccToken | 'short' | undefined {
  let seen = 0
  for (let at = 0; ; ) {
    if (bytes.length < at + HEAD) return 'short'
    const token = bytes.toString('latin1', at, at + 4)
    const digits = bytes.toString('latin1', at + 4, at + HEAD)
    if (!/^[0-9a-fA-F]{8}$/.test(digits)) return undefined
    const param = Number.parseInt(digits, 16)
    const size = WITHOUT_BODY.has(token) ? 0 : param
    at += HEAD
    if (token === name && ++seen === nth) return { param, body: at + size > bytes.length ? 'short' : bytes.toString('latin1', at, at + size) }
    at += size
  }
}
