// Owns the side of OpenSSL that goes to servers: connect, the name expected, sessions to resume.

import { isIP } from 'node:net'
import type { Bytes } from '../../core/bytes.ts'
import type { TlsCertificate, TlsClientSettings, TlsFailure } from '../../core/tls.ts'
import { serverFailure } from '../x509.ts'
import type { OpenSsl } from './openssl-calls.ts'
import type { TlsContext } from './openssl-context.ts'
import { OpenSslLayer } from './openssl-layer.ts'
import type { LinuxSock } from './sock.ts'

const NO_PARTIAL_WILDCARDS = 4

/** Sessions to resume with one server, by server name: SSL_SESSION *, each counted once for being here. */
export class OpenSslSessions {
  readonly #ssl: OpenSsl
  readonly #byName = new Map<string, number>()

  constructor(ssl: OpenSsl) {
    this.#ssl = ssl
  }

  get(name: string): number {
    return this.#byName.get(name) ?? 0
  }

  /** Takes over one count of the session; the oldest of too many is forgotten. */
  put(name: string, session: number): void {
    this.drop(name)
    this.#byName.set(name, session)
    if (this.#byName.size <= 1000) return
    const oldest = this.#byName.keys().next()
    if (oldest.done !== true) this.drop(oldest.value)
  }

  drop(name: string): void {
    const had = this.#byName.get(name)
    if (had === undefined) return
    this.#byName.delete(name)
    this.#ssl.sessionFree(had)
  }
}

export class OpenSslClient extends OpenSslLayer {
  protected readonly own: TlsCertificate | undefined
  protected readonly verifies: boolean
  protected readonly shown = true
  readonly #servername: string
  readonly #sessions: OpenSslSessions | undefined
  readonly #alpn: boolean

  constructor(ssl: OpenSsl, context: TlsContext, settings: TlsClientSettings, servername: string, sessions: OpenSslSessions | undefined, lower: LinuxSock, rest: Bytes) {
    super(ssl, context, lower, rest)
    this.own = settings.certificate
    this.verifies = settings.verify === 'required'
    this.#servername = servername
    this.#sessions = sessions
    this.#alpn = settings.alpn.length > 0
    const { handle } = this
    if (handle === 0) return
    if (servername !== '') ssl.setServerName(handle, servername)
    const expected = servername === '' ? (settings.verifyHost ?? '') : servername
    if (this.verifies && expected !== '') {
      ssl.setHostFlags(handle, NO_PARTIAL_WILDCARDS)
      if (isIP(expected) !== 0) ssl.setIp(ssl.verifyParam(handle), expected)
      else ssl.setHost(handle, expected)
    }
    const session = sessions?.get(servername) ?? 0
    if (session !== 0) ssl.setSession(handle, session)
  }

  protected step(): number {
    return this.ssl.connect(this.handle)
  }

  /** The session that was tried may be why. */
  protected override failed(): void {
    this.#sessions?.drop(this.#servername)
  }

  /** By now the server's tickets have come, if any did. */
  protected override settled(): void {
    if (this.#sessions === undefined) return
    const session = this.ssl.session(this.handle)
    if (session === 0) return
    if (this.ssl.sessionResumable(session) === 1) this.#sessions.put(this.#servername, session)
    else this.ssl.sessionFree(session)
  }

  protected refused(verifyResult: number): TlsFailure {
    return serverFailure(verifyResult, this.#servername !== '')
  }

  protected sni(): string {
    return this.#servername
  }

  protected alpn(): string {
    if (!this.#alpn) return ''
    const pointer = Buffer.alloc(8)
    const size = Buffer.alloc(4)
    this.ssl.alpnSelected(this.handle, pointer, size)
    const name = Buffer.alloc(size.readUInt32LE())
    if (name.length > 0) this.ssl.copyOut(name, Number(pointer.readBigUInt64LE()), name.length)
    return name.toString('latin1')
  }
}
