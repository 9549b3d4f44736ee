// Owns which TLS settings share sessions: the same ones in several threads do, any others never.
//
// A ticket is sealed with keys, and a session bound to an id, that follow from a secret of the process and from everything that the
// settings say. So a session made where no client certificate was asked for is no session at all where one is required, and one
// made in a data thread is resumed in every other.

import { createHash, createHmac, randomBytes } from 'node:crypto'
import { getEnvironmentData, isMainThread, setEnvironmentData } from 'node:worker_threads'
import type { IgnoredErrors, PemFile, TlsServerSettings } from '../core/tls.ts'

const NAME = 'headgate: secret of TLS sessions'

/** Made once per process. Threads inherit it; one that did not has its own, and only resumption in other threads is lost. */
function secret(): Uint8Array {
  const inherited: unknown = getEnvironmentData(NAME)
  if (inherited instanceof Uint8Array) return inherited
  const made = new Uint8Array(randomBytes(32))
  if (isMainThread) setEnvironmentData(NAME, made)
  return made
}

const SECRET = secret()

function digest(file: PemFile | undefined): string {
  return file === undefined ? '' : createHash('sha256').update(file.pem).digest('hex')
}

function numbers(ignored: IgnoredErrors | undefined): unknown {
  return ignored === undefined || ignored === 'all' ? (ignored ?? '') : [...ignored].sort((a, b) => a - b)
}

/** All that the settings say, as text; names of files apart. */
function fingerprint(s: TlsServerSettings): string {
  return JSON.stringify([
    digest(s.certificate),
    s.verify,
    digest(s.ca),
    digest(s.caVerify),
    digest(s.crl),
    numbers(s.ignoreCrt),
    numbers(s.ignoreCa),
    s.minVersion ?? '',
    s.maxVersion ?? '',
    s.ciphers ?? '',
    s.ciphersuites ?? '',
    s.curves ?? '',
    s.sigalgs ?? '',
    s.alpn,
    s.tickets,
    s.preferClientCiphers,
    digest(s.dh),
    s.lifetime ?? 0,
  ])
}

export interface SessionScope {
  /** Session id context: 32 bytes, the most that OpenSSL takes. */
  readonly id: Buffer
  /** Key material for tickets: 80 bytes. */
  readonly keys: Buffer
}

export function sessionScope(settings: TlsServerSettings): SessionScope {
  const text = fingerprint(settings)
  const part = (label: string, hash: string): Buffer => createHmac(hash, SECRET).update(label).update(text).digest()
  return { id: part('id', 'sha256'), keys: Buffer.concat([part('keys 1', 'sha512'), part('keys 2', 'sha512')]).subarray(0, 80) }
}
