// Owns the numbers of the reasons why a connection fails (manual 7.3.3, fc_err_str).

import { connectFailureFact } from '../../core/connect-failure.ts'
import { tlsFact } from '../../core/tls.ts'
import type { Peer } from '../../core/view.ts'

const TEXTS: readonly string[] = [
  'Success',
  'Reached configured maxconn value',
  'Too many sockets on the process',
  'Too many sockets on the system',
  'Out of system buffers',
  'Protocol or address family not supported',
  'General socket error',
  'Source port range exhausted',
  "Can't bind to source address",
  'Out of local source ports on the system',
  'Local source address already in use',
  'Connection closed while waiting for PROXY protocol header',
  'Connection error while waiting for PROXY protocol header',
  'Timeout while waiting for PROXY protocol header',
  'Truncated PROXY protocol header received',
  'Received something which does not look like a PROXY protocol header',
  'Received an invalid PROXY protocol header',
  'Received an unhandled protocol in the PROXY protocol header',
  'Connection closed while waiting for NetScaler Client IP header',
  'Connection error while waiting for NetScaler Client IP header',
  'Timeout while waiting for a NetScaler Client IP header',
  'Truncated NetScaler Client IP header received',
  'Received an invalid NetScaler Client IP magic number',
  'Received an unhandled protocol in the NetScaler Client IP header',
  'Connection closed during SSL handshake',
  'Connection error during SSL handshake',
  'Timeout during SSL handshake',
  'Too many SSL connections',
  'Out of memory when initializing an SSL connection',
  'Rejected a client-initiated SSL renegotiation attempt',
  'SSL client CA chain cannot be verified',
  'SSL client certificate not trusted',
  'Server presented an SSL certificate different from the configured one',
  'Server presented an SSL certificate different from the expected one',
  'SSL handshake failure',
  'SSL handshake failure after heartbeat',
  'Stopped a TLSv1 heartbeat attack (CVE-2014-0160)',
  'Attempt to use SSL on an unknown target (internal error)',
  'Server refused early data',
  'SOCKS4 Proxy write error during handshake',
  'SOCKS4 Proxy read error during handshake',
  'SOCKS4 Proxy deny the request',
  'SOCKS4 Proxy handshake aborted by server',
  'SSL fatal error',
]
const GENERAL = 6
const CLIENT_GONE = 24
const HANDSHAKE_FAILED = 34
const TLS_BROKE = 43

/** 0 for none; a text that is not in the table counts as a general error. What follows in parentheses does not matter. */
export function connectionErrorNumber(text: string): number {
  if (text === '') return 0
  const known = TEXTS.indexOf(text.replace(/ \([^()]*\)$/, ''))
  return known >= 0 ? known : Math.max(TEXTS.indexOf(text), GENERAL)
}

export function connectionErrorText(number: number): string {
  return TEXTS[number] ?? ''
}

/** Refused, unreachable: what the network answered has no number in HAProxy either. */
const ANSWERED = new Set(['ECONNREFUSED', 'ETIMEDOUT', 'EHOSTUNREACH', 'ECONNRESET'])
const BY_NAME: Readonly<Record<string, number>> = { EMFILE: 2, ENFILE: 3, ENOBUFS: 4, ENOMEM: 4, EAFNOSUPPORT: 5, EPROTONOSUPPORT: 5, EADDRINUSE: 10 }
const CANNOT_BIND = 8
const OUT_OF_PORTS = 9

/** Of a connection to a server, made or not. undefined: it has no number, as when the server did not answer. */
export function serverErrorNumber(server: Peer): number | undefined {
  const failure = server.get(connectFailureFact)
  if (failure === undefined) return server.get(tlsFact)?.live?.failure === undefined ? 0 : TLS_BROKE
  const { why, handler, bound } = failure
  if (why.cause === 'timeout') return undefined
  const detail = why.detail ?? ''
  if (handler !== '') {
    const number = connectionErrorNumber(detail)
    return number === CLIENT_GONE ? HANDSHAKE_FAILED : number
  }
  if (ANSWERED.has(detail) && server.dst.family !== 'unix') return undefined
  if (detail === 'EADDRNOTAVAIL') return bound ? CANNOT_BIND : OUT_OF_PORTS
  return BY_NAME[detail] ?? GENERAL
}

/** Of a client's connection. `error`: why it was refused, '' when it was not. */
export function clientErrorNumber(client: Peer, error: string): number {
  return error === '' && client.get(tlsFact)?.live?.failure !== undefined ? TLS_BROKE : connectionErrorNumber(error)
}
