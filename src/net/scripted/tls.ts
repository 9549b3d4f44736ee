// Owns TLS that is taken for granted, on a sock without a socket: the handshake is done as soon as the hello is there, and its facts are
// what would be agreed upon. Nothing is encrypted and no certificate is verified.

import type { Bytes } from '../../core/bytes.ts'
import { readClientHello } from '../../core/client-hello.ts'
import type { Address } from '../../core/address.ts'
import type { Flow, HandshakeState, Owner } from '../../core/sock.ts'
import { HANDSHAKE_FAILURE, TLS_VERSIONS } from '../../core/tls.ts'
import type { TlsClientSettings, TlsFacts, TlsFailure, TlsOffer, TlsServerSettings, TlsSession } from '../../core/tls.ts'
import type { ScriptedSock } from './sock.ts'

class TakenForGranted implements TlsSession {
  readonly #sock: ScriptedSock
  readonly #outcome: TlsFacts | TlsFailure

  constructor(sock: ScriptedSock, outcome: TlsFacts | TlsFailure) {
    this.#sock = sock
    this.#outcome = outcome
    sock.undoTls()
  }

  get failure(): TlsFailure | undefined {
    return 'reason' in this.#outcome ? this.#outcome : undefined
  }

  facts(): TlsFacts {
    if ('reason' in this.#outcome) throw new Error('facts of a handshake that failed')
    return this.#outcome
  }

  handshake(): HandshakeState {
    return this.failure === undefined ? 'done' : 'failed'
  }

  get owner(): Owner {
    return this.#sock.owner
  }

  set owner(owner: Owner) {
    this.#sock.owner = owner
  }

  get error(): string {
    return this.failure?.detail ?? ''
  }

  fill(into: Bytes): Flow {
    return this.#sock.fill(into)
  }

  flush(from: Bytes): Flow {
    return this.#sock.flush(from)
  }

  shutData(): boolean {
    return this.#sock.shutData()
  }

  shutCtrl(): boolean {
    return this.#sock.shutCtrl()
  }

  close(): void {
    this.#sock.close()
  }

  reset(): void {
    this.#sock.reset()
  }

  again(): void {
    this.#sock.again()
  }

  local(): Address {
    return this.#sock.local()
  }

  remote(): Address {
    return this.#sock.remote()
  }
}

const NEWEST = TLS_VERSIONS.length - 1

/** The newest version that both have; undefined: none. */
function agreed(offer: TlsOffer, theirs: number): number | undefined {
  const least = offer.minVersion === undefined ? 0 : TLS_VERSIONS.indexOf(offer.minVersion)
  const most = Math.min(theirs, offer.maxVersion === undefined ? NEWEST : TLS_VERSIONS.indexOf(offer.maxVersion))
  return most < least ? undefined : most
}

function session(version: number, more: Pick<TlsFacts, 'alpn' | 'sni' | 'peer' | 'own'>): TlsFacts {
  const cipher = version === NEWEST ? 'TLS_AES_256_GCM_SHA384' : 'ECDHE-RSA-AES256-GCM-SHA384'
  return { version: TLS_VERSIONS[version] ?? 'TLSv1.2', cipher, cipherBits: 256, algorithmBits: 256, resumed: false, peerShown: more.peer !== undefined, verifyResult: 0, ...more }
}

const failed = (reason: string): TlsFailure => ({ detail: HANDSHAKE_FAILURE, reason })

export function scriptedServer(settings: TlsServerSettings): (lower: ScriptedSock, rest: Bytes) => TlsSession {
  return (lower, rest) => {
    const read = readClientHello(rest.view())
    rest.clear()
    if (read.state !== 'hello') return new TakenForGranted(lower, failed('the client hello is broken or not whole'))
    const { hello } = read
    const version = agreed(settings, hello.maxVersion - 0x0301)
    if (version === undefined) return new TakenForGranted(lower, failed('unsupported protocol'))
    const peer = settings.verify === 'none' ? undefined : lower.script.certificate
    if (settings.verify === 'required' && peer === undefined) return new TakenForGranted(lower, failed('peer did not return a certificate'))
    const alpn = settings.alpn.find((protocol) => hello.alpn.includes(protocol)) ?? ''
    return new TakenForGranted(lower, session(version, { alpn, sni: hello.sni, peer, own: settings.certificate }))
  }
}

export function scriptedClient(settings: TlsClientSettings, servername: string): (lower: ScriptedSock, rest: Bytes) => TlsSession {
  return (lower, rest) => {
    rest.clear()
    const version = agreed(settings, NEWEST) ?? NEWEST
    return new TakenForGranted(lower, session(version, { alpn: settings.alpn[0] ?? '', sni: servername.toLowerCase(), peer: undefined, own: settings.certificate }))
  }
}
