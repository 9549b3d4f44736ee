// Owns which implementation makes a TLS layer: node:tls on a sock of node:net, OpenSSL by itself on a descriptor of the linux provider, and
// none where a connection is only imagined.

import type { TlsClientSettings, TlsMaker, TlsServerSettings } from '../core/tls.ts'
import { handedOver, linuxClient, linuxServer } from './linux/tls.ts'
import { nodeClient, nodeServer } from './node/tls.ts'
import { ScriptedSock } from './scripted/sock.ts'
import { scriptedClient, scriptedServer } from './scripted/tls.ts'

/** Makes on the first call, keeps what it made. */
function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => (made ??= { value: make() }).value
}

/**
 * The layer for clients of a bind line. Made at start-up: throws an Error whose message is OpenSSL's when settings do not fit
 * together (a key that is not the certificate's, a cipher list without ciphers).
 */
export function tlsServer(settings: TlsServerSettings): TlsMaker {
  const node = nodeServer(settings)
  const linux = once(() => linuxServer(settings) ?? handedOver(node))
  const imagined = scriptedServer(settings)
  return (lower, rest) => (lower instanceof ScriptedSock ? imagined(lower, rest) : (lower.provider === 'linux' ? linux() : node)(lower, rest))
}

/** The layer towards a server, for the server name to send ('' for none). Made at start-up, as tlsServer(). */
export function tlsClient(settings: TlsClientSettings): (servername: string) => TlsMaker {
  const node = nodeClient(settings)
  const linux = once(() => linuxClient(settings) ?? ((servername: string) => handedOver(node(servername))))
  return (servername) => (lower, rest) =>
    lower instanceof ScriptedSock ? scriptedClient(settings, servername)(lower, rest) : (lower.provider === 'linux' ? linux() : node)(servername)(lower, rest)
}
