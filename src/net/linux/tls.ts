// Owns the makers of TLS layers on a LinuxSock: on OpenSSL where Node exports it, else by handing the descriptor to node:tls.

import { Socket } from 'node:net'
import type { Bytes } from '../../core/bytes.ts'
import type { Sock } from '../../core/sock.ts'
import type { TlsClientSettings, TlsMaker, TlsServerSettings } from '../../core/tls.ts'
import { HIGH_WATER, NodeSock } from '../node/sock.ts'
import { loadOpenSsl } from './openssl-calls.ts'
import { clientContext, serverContext } from './openssl-context.ts'
import { OpenSslClient, OpenSslSessions } from './openssl-client.ts'
import { OpenSslServer } from './openssl-server.ts'
import { LinuxSock } from './sock.ts'
import { loadKernel } from './syscalls.ts'

/** Which TLS the linux provider has, for -vv: a version, or why node:tls does it. */
export function linuxTls(): string {
  const ssl = loadOpenSsl()
  return 'reason' in ssl ? `node:tls (${ssl.reason})` : `${ssl.version}, as exported by Node`
}

/** Why verification cannot be judged fault by fault here: '' when it can, on the linux provider. */
export function noFaultsByNumber(): string {
  const kernel = loadKernel()
  const ssl = loadOpenSsl()
  return 'reason' in kernel ? kernel.reason : 'reason' in ssl ? ssl.reason : ''
}

function linuxSock(lower: Sock): LinuxSock {
  if (!(lower instanceof LinuxSock)) throw new Error(`TLS of the linux provider on a sock of '${lower.provider}'`)
  return lower
}

/** undefined where OpenSSL cannot be had. Throws what OpenSSL finds wrong with the settings. */
export function linuxServer(settings: TlsServerSettings): TlsMaker | undefined {
  const ssl = loadOpenSsl()
  if ('reason' in ssl) return undefined
  const context = serverContext(ssl, settings)
  return (lower, rest) => new OpenSslServer(ssl, context, settings, linuxSock(lower), rest)
}

export function linuxClient(settings: TlsClientSettings): ((servername: string) => TlsMaker) | undefined {
  const ssl = loadOpenSsl()
  if ('reason' in ssl) return undefined
  const context = clientContext(ssl, settings)
  const sessions = settings.reuse ? new OpenSslSessions(ssl) : undefined
  return (servername) => (lower, rest) => new OpenSslClient(ssl, context, settings, servername, sessions, linuxSock(lower), rest)
}

/** The descriptor of a LinuxSock in a socket of node:net, and node:tls on top. The ends were asked for while they could be. */
export function handedOver(make: TlsMaker): TlsMaker {
  return (lower: Sock, rest: Bytes) => {
    const sock = linuxSock(lower)
    sock.local()
    const options = { fd: sock.handOver(), allowHalfOpen: true, readable: true, writable: true, highWaterMark: HIGH_WATER }
    return make(new NodeSock(new Socket(options)), rest)
  }
}
