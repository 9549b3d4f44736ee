// Owns fetches of what went wrong with TLS (manual 7.3.4): OpenSSL's errors, in handshakes and after them.

import { connectFailureFact } from '../../core/connect-failure.ts'
import type { Fetched, FetchSpec, Subject } from '../../core/sample.ts'
import { sint, str } from '../../core/sample.ts'
import type { TlsError } from '../../core/tls.ts'
import { tlsFact, tlsFailureFact } from '../../core/tls.ts'
import type { Peer } from '../../core/view.ts'
import { of } from './of.ts'

/** A side whose TLS is, or was tried. 'none': no error. */
type Raised = (subject: Subject) => TlsError | 'none' | undefined

/** A handshake that ended without an error of OpenSSL is known by its words. */
const IN_HANDSHAKE = / during SSL handshake$/

/** The connection is one with TLS, though it did not come to be. */
export function failedInTls(subject: Subject, peer: Peer | undefined): boolean {
  if (peer === undefined) return false
  if (peer.get(tlsFailureFact) !== undefined) return true
  const failure = peer.get(connectFailureFact)
  return IN_HANDSHAKE.test(failure === undefined ? (peer === subject.client ? (subject.record?.error ?? '') : '') : (failure.why.detail ?? ''))
}

function raised(of: (subject: Subject) => Peer | undefined): Raised {
  return (subject) => {
    const peer = of(subject)
    const facts = peer?.get(tlsFact)
    if (facts !== undefined) return facts.live?.failure?.error ?? 'none'
    if (peer?.get(connectFailureFact)?.why.cause === 'timeout') return undefined
    return failedInTls(subject, peer) ? (peer?.get(tlsFailureFact)?.error ?? 'none') : undefined
  }
}

const FRONT = raised((subject) => subject.client)
const BACK = raised((subject) => subject.server)

const number = (e: TlsError | 'none'): Fetched => sint(e === 'none' ? 0 : e.number)
const text = (e: TlsError | 'none'): Fetched => (e === 'none' ? undefined : str(e.text))

export const tlsErrorFetches: readonly FetchSpec[] = [
  of('ssl_fc_err', 'client-l5', 'sint', "OpenSSL's number of the first error of TLS with the client, in the handshake or later; 0 for none.", FRONT, number),
  of('ssl_fc_err_str', 'client-l5', 'str', "OpenSSL's words for the first error of TLS with the client; no value for none.", FRONT, text),
  of('ssl_bc_err', 'server-l5', 'sint', "OpenSSL's number of the first error of TLS with the server, in the handshake or later; 0 for none.", BACK, number),
  of('ssl_bc_err_str', 'server-l5', 'str', "OpenSSL's words for the first error of TLS with the server; no value for none.", BACK, text),
]
