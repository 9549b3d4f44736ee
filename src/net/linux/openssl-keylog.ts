// Owns the key logs of the connections that run on OpenSSL here, where tune.ssl.keylog asks for them. OpenSSL names a connection by its SSL *.

import { KeyLog } from '../key-log.ts'
import { onKeyLog } from './openssl-calls.ts'

const logs = new Map<number, KeyLog>()

onKeyLog((handle, line) => {
  let log = logs.get(handle)
  if (log === undefined) logs.set(handle, (log = new KeyLog()))
  log.take(line)
})

export function keyLogged(handle: number, label: string): string | undefined {
  return logs.get(handle)?.secret(label)
}

/** Connections whose secrets are in memory. */
export function keptKeyLogs(): number {
  return logs.size
}

/** Before the connection is freed: its number is given out again. */
export function forgetKeyLog(handle: number): void {
  if (logs.size === 0) return
  logs.get(handle)?.wipe()
  logs.delete(handle)
}
