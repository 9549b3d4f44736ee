// Owns which implementation makes a TLS layer: node:tls on a sock of node:net.

import type { TlsClientSettings, TlsMaker, TlsServerSettings } from '../core/tls.ts'
import { nodeClient, nodeServer } from './node/tls.ts'

/**
 * The layer for clients of a bind line. Made at start-up: throws an Error whose message is OpenSSL's when settings do not fit
 * together (a key that is not the certificate's, a cipher list without ciphers).
 */
export function tlsServer(settings: TlsServerSettings): TlsMaker {
  return nodeServer(settings)
}

/** The layer towards a server, for the server name to send ('' for none). Made at start-up, as tlsServer(). */
export function tlsClient(settings: TlsClientSettings): (servername: string) => TlsMaker {
  return nodeClient(settings)
}
