// Owns what TLS is asked to be on a bind or server line, and what is known of a session once made: settings and facts, as data.
// Nothing here does TLS: net/tls.ts turns settings into layers, handlers/tls.ts turns keywords into settings.

import type { Bytes } from './bytes.ts'
import { factKey } from './handler.ts'
import type { Sock, TlsLayer } from './sock.ts'

export type TlsVersion = 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3'

export const TLS_VERSIONS: readonly TlsVersion[] = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3']

/** Certificates (or revocation lists) in PEM, and the name of the file they came from, for messages. */
export interface PemFile {
  readonly file: string
  readonly pem: Buffer
}

/** One certificate with its chain and key. The bytes stay Buffers: a key is never copied into a string. */
export interface TlsCertificate extends PemFile {
  /** PEM of the private key; the same bytes as `pem` where one file holds both. */
  readonly key: Buffer
  /** What the key can sign with: an 'ec' certificate is preferred where the client knows ECDSA, 'rsa' serves the rest. */
  readonly keyType: 'rsa' | 'ec' | 'dsa' | 'other'
  /** DNS names that it is for, lower case, `*.example.com` among them: subjectAltName, or the common name where there is none. */
  readonly names: readonly string[]
}

/** Numbers of OpenSSL (X509_V_ERR_*) that are let pass when a certificate is verified, or all of them. */
export type IgnoredErrors = 'all' | ReadonlySet<number>

/** What both sides choose from. What is undefined is OpenSSL's default. */
export interface TlsOffer {
  readonly minVersion?: TlsVersion
  readonly maxVersion?: TlsVersion
  /** Up to TLS 1.2, OpenSSL's cipher list format. */
  readonly ciphers?: string
  /** TLS 1.3, names separated by colons. */
  readonly ciphersuites?: string
  /** Groups for the key exchange, separated by colons. */
  readonly curves?: string
  /** Signature algorithms, separated by colons. */
  readonly sigalgs?: string
  /** ALPN protocols, most wanted first. Empty: ALPN is not spoken. */
  readonly alpn: readonly string[]
  /** Session tickets (TLS 1.2: RFC 5077; TLS 1.3: stateless). false: sessions resume from a cache where the layer has one. */
  readonly tickets: boolean
  /** Secrets of TLS 1.3 are kept while their connection is open (`tune.ssl.keylog`). Default false. */
  readonly keyLog?: boolean
}

/**
 * What one name of a bind line serves. Two settings never share sessions: a session made where no client certificate was asked
 * for resumes nowhere else, because ticket keys and the session id context belong to the settings they were made with.
 */
export interface TlsServerSettings extends TlsOffer {
  readonly certificate: TlsCertificate
  /** 'optional': a client certificate is asked for, may be missing, and has to be good when it is there. */
  readonly verify: 'none' | 'optional' | 'required'
  /** Whom client certificates may be signed by; also the names sent to clients as a hint. */
  readonly ca?: PemFile
  /** Further authorities that are accepted and not named to clients (`ca-verify-file`). */
  readonly caVerify?: PemFile
  readonly crl?: PemFile
  /** Faults of the client's certificate itself, and of those above it, that do not end the handshake. */
  readonly ignoreCrt?: IgnoredErrors
  readonly ignoreCa?: IgnoredErrors
  /** Parameters for DHE key exchange. Default: OpenSSL's choice by the size of the key. */
  readonly dh?: PemFile
  /** The client's order of ciphers decides, not the server's. */
  readonly preferClientCiphers: boolean
  /** Sessions kept for clients without tickets, where the layer has a cache. Default 20000 (`tune.ssl.cachesize`). */
  readonly cacheSize?: number
  /** How long a session may be resumed, seconds. Default 300 (`tune.ssl.lifetime`). */
  readonly lifetime?: number
}

/** One entry of what a bind line presents: a certificate (or a line of a crt-list) and the names that choose it. */
export interface TlsHost {
  /** Lower case; `*.example.com` stands for one label. The certificate's names, or the filters of a crt-list line. */
  readonly names: readonly string[]
  /** Names that a wildcard of this entry does not stand for (`!name` in a crt-list). */
  readonly except: readonly string[]
  readonly settings: TlsServerSettings
}

export interface TlsClientSettings extends TlsOffer {
  /** 'none': the server's certificate is not looked at. */
  readonly verify: 'none' | 'required'
  /** Whom the server's certificate may be signed by. */
  readonly ca?: PemFile
  readonly crl?: PemFile
  /** Presented when the server asks. */
  readonly certificate?: TlsCertificate
  /** The name that the certificate has to be for when no server name is sent; without either, names are not checked. */
  readonly verifyHost?: string
  /** Resume the last session with this server. Default true. */
  readonly reuse: boolean
}

/** What is known of a TLS session once its handshake is done. */
export interface TlsFacts {
  readonly version: TlsVersion
  /** OpenSSL's name: `TLS_AES_256_GCM_SHA384`, `ECDHE-ECDSA-AES128-GCM-SHA256`. */
  readonly cipher: string
  /** Strength of the cipher in bits, as used and as the algorithm has it. 0: not known. */
  readonly cipherBits: number
  readonly algorithmBits: number
  /** The protocol agreed upon; '' for none. */
  readonly alpn: string
  /** The server name that the client sent (or that we sent to a server); '' for none. Lower case. */
  readonly sni: string
  readonly resumed: boolean
  /** DER of the peer's certificate; it may come from the session that was resumed. */
  readonly peer: Buffer | undefined
  /** The peer showed its certificate in this handshake, not only in the one that was resumed. */
  readonly peerShown: boolean
  /** X509_V_ERR code of the verification, 0 for good. Without a certificate, or without verification, 0. */
  readonly verifyResult: number
  /** The first fault of the peer's certificate itself, and of those above it with its depth, ignored ones too. Absent: none was found. */
  readonly crtError?: number
  readonly caError?: number
  readonly caErrorDepth?: number
  /** Our own certificate; undefined on the connect side without one. */
  readonly own: TlsCertificate | undefined
  /** The session itself, for what is asked when a rule wants it. Absent where it is only imagined. */
  readonly live?: TlsLive
}

/** What is known of a session while its connection is open. */
export interface TlsLive {
  /** undefined once the connection is closed. */
  secrets(): TlsSecrets | undefined
  /**
   * DER, one behind the other, of the certificates that the peer showed in this handshake, as it sent them: a server's with its own, a
   * client's without. undefined: there are none, or the layer does not tell.
   */
  chain(): Buffer | undefined
  /** A secret of TLS 1.3 by its label in key logs (`CLIENT_TRAFFIC_SECRET_0`), hexadecimal. undefined: there is none, or none are kept. */
  keyLogged(label: string): string | undefined
  /** The group of the key exchange by OpenSSL's name, such as x25519. undefined: the connection is closed, or there is none. Absent: the layer does not tell. */
  group?(): string | undefined
  /** What broke the session after its handshake. */
  readonly failure: TlsFailure | undefined
}

/** What only the two ends know of a session, and what they could name it by. */
export interface TlsSecrets {
  readonly sessionId: Buffer
  readonly masterKey: Buffer
  /** The first Finished message of the handshake (RFC 5929 section 3). */
  readonly uniqueId: Buffer
  /** undefined: the layer does not tell. */
  readonly clientRandom: Buffer | undefined
  readonly serverRandom: Buffer | undefined
}

/** TLS with the client (on an accepted connection) or with the server (on one that we opened). Set once the handshake is done. */
export const tlsFact = factKey<TlsFacts>('tls')

/** An error of OpenSSL. */
export interface TlsError {
  /** The library and its reason, packed: what `openssl errstr` takes, in hexadecimal. */
  readonly number: number
  /** `error:0A0000C1:SSL routines::no shared cipher`. */
  readonly text: string
}

/** Why a handshake failed. */
export interface TlsFailure {
  /** In the words of HAProxy's log: `SSL handshake failure`, `Connection closed during SSL handshake` … */
  readonly detail: string
  /** OpenSSL's reason: `no shared cipher`, `certificate has expired`; '' when the peer just ended. */
  readonly reason: string
  /** The first error that OpenSSL raised. Absent: none, the peer just ended. */
  readonly error?: TlsError
  /** The server name that the client had asked for, where it was known. */
  readonly sni?: string
  /** As in TlsFacts: what was found wrong with the client's certificate. */
  readonly crtError?: number
  readonly caError?: number
  readonly caErrorDepth?: number
}

/** Why TLS could not be agreed upon; set on the connection beside its end. */
export const tlsFailureFact = factKey<TlsFailure>('tls failure')

const SSL_LIBRARY = 20

/** An error by its number, or by OpenSSL's reason in its SSL library. */
export function tlsError(number: number, library: string, reason: string): TlsError {
  return { number, text: `error:${number.toString(16).toUpperCase().padStart(8, '0')}:${library}::${reason}` }
}

export function sslError(reason: number, text: string): TlsError {
  return tlsError(SSL_LIBRARY * 2 ** 23 + reason, 'SSL routines', text)
}

export const CERTIFICATE_VERIFY_FAILED: TlsError = sslError(134, 'certificate verify failed')

/** A TLS layer with what handlers want to know of it. */
export interface TlsSession extends TlsLayer {
  /** Set once handshake() said 'failed', or an error of TLS broke the session later. */
  readonly failure: TlsFailure | undefined
  /** Once handshake() said 'done'. */
  facts(): TlsFacts
}

/** A LayerMaker that makes TLS. */
export type TlsMaker = (lower: Sock, rest: Bytes) => TlsSession

export const HANDSHAKE_FAILURE = 'SSL handshake failure'
/** Of a session that an error of TLS ended. */
export const TLS_FATAL = 'SSL fatal error'
export const HANDSHAKE_CLOSED = 'Connection closed during SSL handshake'
