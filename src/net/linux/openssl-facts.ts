// Owns what OpenSSL knows of a session, read while it can be: ciphers, the peer's certificate, what was agreed on.

import type { TlsFacts, TlsLive } from '../../core/tls.ts'
import type { OpenSsl } from './openssl-calls.ts'
import { versionName } from './openssl-context.ts'

const BIO_CTRL_PENDING = 10

export interface Cipher {
  readonly name: string
  readonly bits: number
  readonly algorithm: number
}

/** OpenSSL's ciphers are constants: each is asked about once. */
const ciphers = new Map<number, Cipher>()

function cipherOf(ssl: OpenSsl, pointer: number): Cipher {
  let cipher = ciphers.get(pointer)
  if (cipher === undefined) {
    const algorithm = Buffer.alloc(4)
    const bits = ssl.cipherBits(pointer, algorithm)
    cipher = { name: ssl.cipherName(pointer), bits, algorithm: algorithm.readInt32LE() }
    ciphers.set(pointer, cipher)
  }
  return cipher
}

/** DER of the certificate that the peer showed, now or in the session that was resumed. */
export function peerCertificate(ssl: OpenSsl, handle: number): Buffer | undefined {
  const x509 = ssl.peerCertificate(handle)
  if (x509 === 0) return undefined
  const der = derOf(ssl, x509)
  ssl.x509Free(x509)
  return der
}

function derOf(ssl: OpenSsl, x509: number): Buffer {
  const bio = ssl.bioMem()
  ssl.x509ToBio(bio, x509)
  const der = Buffer.alloc(ssl.bioCtrl(bio, BIO_CTRL_PENDING, 0))
  ssl.bioRead(bio, der, der.length)
  ssl.bioFree(bio)
  return der
}

/** DER of the certificates that the peer showed in this handshake, one behind the other: a server's with its own, a client's without. */
export function peerChain(ssl: OpenSsl, handle: number): Buffer | undefined {
  const stack = ssl.reused(handle) === 1 ? 0 : ssl.peerChain(handle)
  const size = stack === 0 ? 0 : ssl.stackSize(stack)
  return size <= 0 ? undefined : Buffer.concat(Array.from({ length: size }, (_, i) => derOf(ssl, ssl.stackItem(stack, i))))
}

/** The group of the key exchange. undefined: the session has none. */
export function groupOf(ssl: OpenSsl, handle: number): string | undefined {
  const group = ssl.negotiatedGroup(handle)
  return group === 0 ? undefined : (ssl.groupName(handle, group) ?? undefined)
}

/** What the layer knows by itself, and whether the peer has a certificate to show and OpenSSL looks at it. */
export interface Known extends Pick<TlsFacts, 'alpn' | 'sni' | 'own'> {
  readonly live: TlsLive
  readonly shown: boolean
  readonly verifies: boolean
}

export function sessionFacts(ssl: OpenSsl, handle: number, { alpn, sni, own, live, shown, verifies }: Known): TlsFacts {
  const cipher = cipherOf(ssl, ssl.currentCipher(handle))
  const resumed = ssl.reused(handle) === 1
  const peer = shown ? peerCertificate(ssl, handle) : undefined
  return {
    version: versionName(ssl.protocol(handle)),
    cipher: cipher.name,
    cipherBits: cipher.bits,
    algorithmBits: cipher.algorithm,
    alpn,
    sni,
    resumed,
    peer,
    peerShown: peer !== undefined && !resumed,
    verifyResult: peer === undefined || !verifies ? 0 : ssl.verifyResult(handle),
    own,
    live,
  }
}
