// Owns what OpenSSL knows of a session that only its two ends know: asked for when a rule wants it.

import type { TlsSecrets } from '../../core/tls.ts'
import type { OpenSsl } from './openssl-calls.ts'

const RANDOM = 32
/** SSL_MAX_MASTER_KEY_LENGTH of TLS 1.3, EVP_MAX_MD_SIZE, SSL_MAX_SSL_SESSION_ID_LENGTH: none is longer. */
const MOST = 256

type Getter = (from: number, into: Uint8Array, size: number) => number

function get(getter: Getter, from: number, size = MOST): Buffer {
  const into = Buffer.alloc(size)
  return into.subarray(0, Math.min(size, getter(from, into, size)))
}

export function opensslSecrets(ssl: OpenSsl, handle: number): TlsSecrets | undefined {
  const session = ssl.session(handle)
  if (session === 0) return undefined
  const size = Buffer.alloc(4)
  const id = ssl.sessionId(session, size)
  const sessionId = Buffer.alloc(Math.min(MOST, size.readUInt32LE()))
  if (sessionId.length > 0) ssl.copyOut(sessionId, id, sessionId.length)
  const masterKey = get(ssl.masterKey, session)
  ssl.sessionFree(session)
  // the client says Finished first, in a session that is resumed the server does
  const own = (ssl.isServer(handle) === 1) === (ssl.reused(handle) === 1)
  return { sessionId, masterKey, uniqueId: get(own ? ssl.finished : ssl.peerFinished, handle), clientRandom: get(ssl.clientRandom, handle, RANDOM), serverRandom: get(ssl.serverRandom, handle, RANDOM) }
}
