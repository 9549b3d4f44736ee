// Owns OpenSSL's numbers and names for what is wrong with a certificate (X509_V_ERR_*, x509_vfy.h of OpenSSL 3.0).

import { CERTIFICATE_VERIFY_FAILED, HANDSHAKE_FAILURE, type TlsFailure } from '../core/tls.ts'

/** By number, as node:tls names them in `authorizationError`. Numbers that are missing here have no name there either. */
const NAMES: readonly (readonly [number, string])[] = [
  [2, 'UNABLE_TO_GET_ISSUER_CERT'],
  [3, 'UNABLE_TO_GET_CRL'],
  [4, 'UNABLE_TO_DECRYPT_CERT_SIGNATURE'],
  [5, 'UNABLE_TO_DECRYPT_CRL_SIGNATURE'],
  [6, 'UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY'],
  [7, 'CERT_SIGNATURE_FAILURE'],
  [8, 'CRL_SIGNATURE_FAILURE'],
  [9, 'CERT_NOT_YET_VALID'],
  [10, 'CERT_HAS_EXPIRED'],
  [11, 'CRL_NOT_YET_VALID'],
  [12, 'CRL_HAS_EXPIRED'],
  [13, 'ERROR_IN_CERT_NOT_BEFORE_FIELD'],
  [14, 'ERROR_IN_CERT_NOT_AFTER_FIELD'],
  [15, 'ERROR_IN_CRL_LAST_UPDATE_FIELD'],
  [16, 'ERROR_IN_CRL_NEXT_UPDATE_FIELD'],
  [17, 'OUT_OF_MEM'],
  [18, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  [19, 'SELF_SIGNED_CERT_IN_CHAIN'],
  [20, 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'],
  [21, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  [22, 'CERT_CHAIN_TOO_LONG'],
  [23, 'CERT_REVOKED'],
  [24, 'INVALID_CA'],
  [25, 'PATH_LENGTH_EXCEEDED'],
  [26, 'INVALID_PURPOSE'],
  [27, 'CERT_UNTRUSTED'],
  [28, 'CERT_REJECTED'],
  [62, 'HOSTNAME_MISMATCH'],
]

const BY_NAME = new Map(NAMES.map(([number, name]) => [name, number]))
const BY_NUMBER = new Map(NAMES)

/** The number behind a name; 1 (unspecified) for one that is not known. */
export function verifyNumber(name: string): number {
  return BY_NAME.get(name) ?? 1
}

/** `certificate has expired`-like words for a number. */
function verifyText(number: number): string {
  return (BY_NUMBER.get(number) ?? `verify error ${number}`).toLowerCase().replaceAll('_', ' ')
}

/** What is wrong further up than with the certificate itself, as far as the number tells. */
const OF_CHAIN = new Set([2, 19, 22, 24, 25])

export const CHAIN_UNVERIFIED = 'SSL client CA chain cannot be verified'

/** Why a client's certificate is refused. `depth`: where in the chain, when that is known. */
export function clientFailure(number: number, depth = OF_CHAIN.has(number) ? 1 : 0): TlsFailure {
  return { detail: depth > 0 ? CHAIN_UNVERIFIED : 'SSL client certificate not trusted', reason: verifyText(number), error: CERTIFICATE_VERIFY_FAILED }
}

/** It is for another name, mail address or IP address. */
const MISMATCH = new Set([62, 63, 64])

/** Why a server's certificate is refused. `asked`: it was asked for by a server name. */
export function serverFailure(number: number, asked: boolean): TlsFailure {
  const mismatch = `Server presented an SSL certificate different from the ${asked ? 'expected' : 'configured'} one`
  return { detail: MISMATCH.has(number) ? mismatch : HANDSHAKE_FAILURE, reason: verifyText(number), error: CERTIFICATE_VERIFY_FAILED }
}
