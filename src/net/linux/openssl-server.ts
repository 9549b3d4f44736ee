// Owns the side of OpenSSL that clients are met with: accept, and the choice of a protocol.

import type { Bytes } from '../../core/bytes.ts'
import type { IgnoredErrors, TlsCertificate, TlsFacts, TlsFailure, TlsServerSettings } from '../../core/tls.ts'
import { clientFailure } from '../x509.ts'
import { onAlpn, onVerify, type OpenSsl } from './openssl-calls.ts'
import type { TlsContext } from './openssl-context.ts'
import { OpenSslLayer } from './openssl-layer.ts'
import type { LinuxSock } from './sock.ts'

/** The connection whose handshake runs: OpenSSL calls back from inside it. */
const running: { server?: OpenSslServer | undefined } = {}
onAlpn((offered) => running.server?.choose(offered) ?? -1)
onVerify((error, depth) => running.server?.tolerate(error, depth) ?? false)

export class OpenSslServer extends OpenSslLayer {
  protected readonly own: TlsCertificate
  protected readonly verifies: boolean
  protected readonly shown: boolean
  readonly #alpn: readonly string[]
  readonly #ignore: readonly [IgnoredErrors | undefined, IgnoredErrors | undefined]
  readonly #faults: { crtError?: number; caError?: number; caErrorDepth?: number } = {}
  #refusedAt = 0
  #chosen = ''

  constructor(ssl: OpenSsl, context: TlsContext, settings: TlsServerSettings, lower: LinuxSock, rest: Bytes) {
    super(ssl, context, lower, rest)
    this.own = settings.certificate
    this.verifies = settings.verify !== 'none'
    this.shown = this.verifies
    this.#alpn = settings.alpn
    this.#ignore = [settings.ignoreCrt, settings.ignoreCa]
  }

  protected step(): number {
    running.server = this
    try {
      return this.ssl.accept(this.handle)
    } finally {
      running.server = undefined
    }
  }

  /** Our order decides. */
  choose(offered: Buffer): number {
    for (const protocol of this.#alpn) {
      for (let at = 0; at < offered.length; ) {
        const size = offered[at] ?? 0
        if (offered.toString('latin1', at + 1, at + 1 + size) === protocol) {
          this.#chosen = protocol
          return at + 1
        }
        at += 1 + size
      }
    }
    return -1
  }

  protected refused(verifyResult: number): TlsFailure {
    return { ...clientFailure(verifyResult, this.#refusedAt), ...this.#faults }
  }

  /** The first fault at each level is kept, ignored or not. */
  tolerate(error: number, depth: number): boolean {
    const faults = this.#faults
    if (depth === 0) faults.crtError ??= error
    else if (faults.caError === undefined) {
      faults.caError = error
      faults.caErrorDepth = depth
    }
    this.#refusedAt = depth
    const ignored = this.#ignore[depth === 0 ? 0 : 1]
    return ignored === 'all' || (ignored?.has(error) ?? false)
  }

  override facts(): TlsFacts {
    return { ...super.facts(), ...this.#faults }
  }

  protected sni(): string {
    return this.ssl.serverName(this.handle, 0)?.toLowerCase() ?? ''
  }

  protected alpn(): string {
    return this.#chosen
  }
}
