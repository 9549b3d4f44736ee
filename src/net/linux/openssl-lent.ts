// Owns the addresses of the buffers that a thread lends, so that OpenSSL reads into them and writes from them at any offset.

import type { OpenSsl } from './openssl-calls.ts'

/** Where the buffers that a thread lends are: there are two or three, and they stay where they are. */
const addresses = new WeakMap<Buffer, number>()
let lastBuffer: Buffer | undefined
let lastAddress = 0

export function addressOf(ssl: OpenSsl, lent: Buffer): number {
  if (lent === lastBuffer) return lastAddress
  lastAddress = addresses.get(lent) ?? ssl.addressOf(lent)
  addresses.set(lent, lastAddress)
  lastBuffer = lent
  return lastAddress
}
