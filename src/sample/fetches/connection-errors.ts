// Owns the numbers and names of the reasons why a connection fails (manual 7.3.3, fc_err_str).

import { connectFailureFact } from '../../core/connect-failure.ts'
import { tlsFact } from '../../core/tls.ts'
import type { Peer } from '../../core/view.ts'

/** By number: the name of 3.x's manual, and the text. */
const ERRORS: readonly (readonly [name: string, text: string])[] = [
  ['', 'Success'],
  ['CONF_FDLIM', 'Reached configured maxconn value'],
  ['PROC_FDLIM', 'Too many sockets on the process'],
  ['SYS_FDLIM', 'Too many sockets on the system'],
  ['SYS_MEMLIM', 'Out of system buffers'],
  ['NOPROTO', 'Protocol or address family not supported'],
  ['SOCK_ERR', 'General socket error'],
  ['PORT_RANGE', 'Source port range exhausted'],
  ['CANT_BIND', "Can't bind to source address"],
  ['FREE_PORTS', 'Out of local source ports on the system'],
  ['ADDR_INUSE', 'Local source address already in use'],
  ['PRX_EMPTY', 'Connection closed while waiting for PROXY protocol header'],
  ['PRX_ABORT', 'Connection error while waiting for PROXY protocol header'],
  ['PRX_TIMEOUT', 'Timeout while waiting for PROXY protocol header'],
  ['PRX_TRUNCATED', 'Truncated PROXY protocol header received'],
  ['PRX_NOT_HDR', 'Received something which does not look like a PROXY protocol header'],
  ['PRX_BAD_HDR', 'Received an invalid PROXY protocol header'],
  ['PRX_BAD_PROTO', 'Received an unhandled protocol in the PROXY protocol header'],
  ['CIP_EMPTY', 'Connection closed while waiting for NetScaler Client IP header'],
  ['CIP_ABORT', 'Connection error while waiting for NetScaler Client IP header'],
  ['CIP_TIMEOUT', 'Timeout while waiting for a NetScaler Client IP header'],
  ['CIP_TRUNCATED', 'Truncated NetScaler Client IP header received'],
  ['CIP_BAD_MAGIC', 'Received an invalid NetScaler Client IP magic number'],
  ['CIP_BAD_PROTO', 'Received an unhandled protocol in the NetScaler Client IP header'],
  ['SSL_EMPTY', 'Connection closed during SSL handshake'],
  ['SSL_ABORT', 'Connection error during SSL handshake'],
  ['SSL_TIMEOUT', 'Timeout during SSL handshake'],
  ['SSL_TOO_MANY', 'Too many SSL connections'],
  ['SSL_NO_MEM', 'Out of memory when initializing an SSL connection'],
  ['SSL_RENEG', 'Rejected a client-initiated SSL renegotiation attempt'],
  ['SSL_CA_FAIL', 'SSL client CA chain cannot be verified'],
  ['SSL_CRT_FAIL', 'SSL client certificate not trusted'],
  ['SSL_MISMATCH', 'Server presented an SSL certificate different from the configured one'],
  ['SSL_MISMATCH_SNI', 'Server presented an SSL certificate different from the expected one'],
  ['SSL_HANDSHAKE', 'SSL handshake failure'],
  ['SSL_HANDSHAKE_HB', 'SSL handshake failure after heartbeat'],
  ['SSL_KILLED_HB', 'Stopped a TLSv1 heartbeat attack (CVE-2014-0160)'],
  ['SSL_NO_TARGET', 'Attempt to use SSL on an unknown target (internal error)'],
  ['SSL_EARLY_FAILED', 'Server refused early data'],
  ['SOCKS4_SEND', 'SOCKS4 Proxy write error during handshake'],
  ['SOCKS4_RECV', 'SOCKS4 Proxy read error during handshake'],
  ['SOCKS4_DENY', 'SOCKS4 Proxy deny the request'],
  ['SOCKS4_ABORT', 'SOCKS4 Proxy handshake aborted by server'],
  ['SSL_FATAL', 'SSL fatal error'],
]
const TEXTS = ERRORS.map(([, text]) => text)
const GENERAL = 6
const CLIENT_GONE = 24
const HANDSHAKE_FAILED = 34
const TLS_BROKE = 43

/** 0 for none; a text that is not in the table counts as a general error. What follows in parentheses does not matter. */
function connectionErrorNumber(text: string): number {
  if (text === '') return 0
  const known = TEXTS.indexOf(text.replace(/ \([^()]*\)$/, ''))
  return known >= 0 ? known : Math.max(TEXTS.indexOf(text), GENERAL)
}

export function connectionErrorText(number: number): string {
  return TEXTS[number] ?? ''
}

/** One word; empty for no error. */
export function connectionErrorName(number: number): string {
  return ERRORS[number]?.[0] ?? ''
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
