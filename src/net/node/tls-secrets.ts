// Owns what node:tls tells of a session that only its two ends know: its serialized form has the id and the key, the randoms it keeps.
//
//   SSL_SESSION { INTEGER version, INTEGER protocol, OCTET STRING cipher, OCTET STRING id, OCTET STRING key, … }

import type { TLSSocket } from 'node:tls'
import type { TlsSecrets } from '../../core/tls.ts'
import type { KeyLog } from '../key-log.ts'

const SEQUENCE = 0x30
const OCTET_STRING = 0x04

/** The contents of the DER element at `at`, and where the next begins; undefined: it is cut off. */
function element(der: Buffer, at: number): { readonly tag: number; readonly contents: Buffer; readonly end: number } | undefined {
  const tag = der[at]
  const first = der[at + 1]
  if (tag === undefined || first === undefined) return undefined
  const more = first < 0x80 ? 0 : first & 0x7f
  if (more > 4 || at + 2 + more > der.length) return undefined
  const begin = at + 2 + more
  const end = begin + (more === 0 ? first : der.readUIntBE(at + 2, more))
  return end > der.length ? undefined : { tag, contents: der.subarray(begin, end), end }
}

/** The client's random bytes are told by its key log, where there is one. */
export function nodeSecrets(socket: TLSSocket, isServer: boolean, log: KeyLog | undefined): TlsSecrets | undefined {
  if (socket.destroyed) return undefined
  const der = socket.getSession()
  const outer = der === undefined ? undefined : element(der, 0)
  if (outer?.tag !== SEQUENCE) return undefined
  const strings: Buffer[] = []
  for (let at = 0; strings.length < 3; ) {
    const found = element(outer.contents, at)
    if (found === undefined) break
    if (found.tag === OCTET_STRING) strings.push(found.contents)
    at = found.end
  }
  const [, sessionId, masterKey] = strings
  // the client says Finished first, in a session that is resumed the server does
  const first = isServer === socket.isSessionReused() ? socket.getFinished() : socket.getPeerFinished()
  if (sessionId === undefined || masterKey === undefined || first === undefined) return undefined
  return { sessionId, masterKey, uniqueId: first, clientRandom: log?.clientRandom, serverRandom: undefined }
}
