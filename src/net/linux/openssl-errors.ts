// Owns what went wrong in OpenSSL: its queue of errors, taken and put into words.

import { tlsError, type TlsError } from '../../core/tls.ts'
import type { OpenSsl } from './openssl-calls.ts'
import { errnoName } from './syscalls.ts'

/** What SSL_get_error() answers. */
export const WANT_READ = 2
export const WANT_WRITE = 3
export const SYSCALL = 5
export const ZERO_RETURN = 6

/** What was first in the queue. */
export interface Raised {
  /** OpenSSL's number; 0: the queue was empty. */
  readonly number: number
  /** In words, or the system error's name, or ''. */
  readonly reason: string
}

/** Empties the queue. `errno` is what counts where it was empty. */
export function takeErrors(ssl: OpenSsl, errno: number): Raised {
  const number = ssl.errorGet()
  ssl.errorClear()
  if (number !== 0) return { number, reason: ssl.errorReason(number) ?? `error ${number.toString(16)}` }
  return { number, reason: errno > 0 ? errnoName(errno) : '' }
}

/** The peer has gone, without an alert. */
export function isGone(reason: string): boolean {
  return reason === 'ECONNRESET' || reason === 'EPIPE' || reason === 'unexpected eof while reading'
}

/** 0: there is none. */
export function errorOf(ssl: OpenSsl, number: number): TlsError | undefined {
  return number === 0 ? undefined : tlsError(number, ssl.errorLibrary(number) ?? `lib(${(number >>> 23) & 0xff})`, ssl.errorReason(number) ?? `reason(${number & 0x7fffff})`)
}

/** OpenSSL's SSL library, and the reasons that stand for alerts received. */
export function isAlert(error: number): boolean {
  const reason = error & 0x7fffff
  return ((error >>> 23) & 0xff) === 20 && reason >= 1000 && reason < 1256
}
