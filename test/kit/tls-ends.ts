// Owns the smallest engine that a TLS layer can run on: one sock, a layer on it, what came and how it ended. For tests of layers.

import { Bytes } from '../../src/core/bytes.ts'
import { readCertificate } from '../../src/core/certificate.ts'
import type { Listener, Provider } from '../../src/core/provider.ts'
import { EMPTY_IN, ERR_IN, ERR_OUT, SHUT_IN, type Owner, type Sock } from '../../src/core/sock.ts'
import type { TlsCertificate, TlsClientSettings, TlsMaker, TlsServerSettings, TlsSession } from '../../src/core/tls.ts'
import type { OpenSsl } from '../../src/net/linux/openssl-calls.ts'
import type { Leaf } from './certificates.ts'

export function certificate(leaf: Leaf): TlsCertificate {
  const read = readCertificate(leaf.pem, Buffer.from(`${leaf.cert}\n${leaf.key}\n`))
  if (!read.ok) throw new Error(read.text)
  return read.certificate
}

export function serverSettings(leaf: Leaf, more: Partial<TlsServerSettings> = {}): TlsServerSettings {
  return { certificate: certificate(leaf), verify: 'none', alpn: [], tickets: true, preferClientCiphers: false, ...more }
}

export function clientSettings(more: Partial<TlsClientSettings> = {}): TlsClientSettings {
  return { verify: 'none', alpn: [], tickets: true, reuse: true, ...more }
}

/** OpenSSL with its SSL objects counted. */
export interface Counted {
  readonly calls: OpenSsl
  /** Those that are not freed. */
  alive(): number
}

export function counted(openssl: OpenSsl): Counted {
  let alive = 0
  const calls: OpenSsl = {
    ...openssl,
    sslNew(ctx) {
      alive++
      return openssl.sslNew(ctx)
    },
    sslFree(ssl) {
      alive--
      openssl.sslFree(ssl)
    },
  }
  return { calls, alive: () => alive }
}

export class End implements Owner {
  readonly sock: Sock
  layer: TlsSession | undefined
  readonly input = new Bytes()
  readonly output = new Bytes()
  text = ''
  received = 0
  /** Counts what comes instead of keeping it, and stops reading when false. */
  reading = true
  ended = false
  error = ''
  state: 'new' | 'busy' | 'done' | 'failed' = 'new'
  readonly #make: TlsMaker
  readonly #peek: number
  #waiting: (() => void)[] = []

  /** `peek`: bytes to have read, as a handler would, before the layer is made. */
  constructor(sock: Sock, make: TlsMaker, peek = 0) {
    this.sock = sock
    this.#make = make
    this.#peek = peek
    sock.owner = this
    this.ready()
  }

  ready(): void {
    if (this.state === 'new') this.#begin()
    const layer = this.layer
    if (layer !== undefined) {
      if (this.state === 'busy') this.state = layer.handshake()
      if (this.state === 'done') this.#move(layer)
      if (this.state === 'failed') this.error = layer.failure?.reason ?? '?'
    }
    for (const wake of this.#waiting.splice(0)) wake()
  }

  #begin(): void {
    if (this.sock.connecting) return
    if (this.sock.error !== '') {
      this.error = this.sock.error
      this.state = 'failed'
      return
    }
    while (this.input.length < this.#peek) {
      const flow = this.sock.fill(this.input)
      this.input.keep()
      if (flow & (SHUT_IN | ERR_IN)) break
      if (flow & EMPTY_IN && this.input.length < this.#peek) return
    }
    const rest = new Bytes()
    if (this.input.length > 0) rest.append(this.input.view())
    this.input.clear()
    this.layer = this.#make(this.sock, rest)
    this.layer.owner = this
    this.state = 'busy'
  }

  #move(layer: TlsSession): void {
    while (this.output.length > 0) {
      const flow = layer.flush(this.output)
      if (flow & ERR_OUT) this.error = layer.error
      if (flow !== 0) break
    }
    while (this.reading && !this.ended && this.error === '') {
      const flow = layer.fill(this.input)
      this.received += this.input.length
      if (this.received < 100_000) this.text += this.input.view().toString('latin1')
      this.input.clear()
      if (flow & SHUT_IN) this.ended = true
      if (flow & ERR_IN) this.error = layer.error
      if (flow & EMPTY_IN) break
    }
  }

  say(text: string | Buffer): void {
    this.output.append(Buffer.from(text))
    this.ready()
  }

  /** Ends output in stages, as the engine does. */
  async end(): Promise<void> {
    const layer = this.layer
    if (layer === undefined) return
    await this.until(() => this.output.length === 0 || this.error !== '')
    await this.until(() => layer.shutData())
    await this.until(() => layer.shutCtrl())
  }

  async until(what: () => boolean): Promise<void> {
    while (!what()) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  /** The handshake is over. */
  async over(): Promise<this> {
    await this.until(() => this.state === 'done' || this.state === 'failed')
    return this
  }

  close(): void {
    if (this.layer === undefined) this.sock.close()
    else this.layer.close()
  }
}

export interface Ends {
  readonly port: number
  /** The next accepted connection, in order. */
  next(): Promise<End>
  /** Every connection accepted so far. */
  readonly all: readonly End[]
  close(): void
}

/** A listener of the provider; every accepted sock becomes an End. `make` may be changed between connections. */
export async function listenTls(provider: Provider, make: () => TlsMaker, peek = 0): Promise<Ends> {
  const waiting: ((end: End) => void)[] = []
  const fresh: End[] = []
  const all: End[] = []
  const listener: Listener = await provider.listen(
    { address: { family: 'ipv4', host: '127.0.0.1', port: 0 } },
    {
      accepted(sock) {
        const end = new End(sock, make(), peek)
        all.push(end)
        const wake = waiting.shift()
        if (wake === undefined) fresh.push(end)
        else wake(end)
      },
      failed(error) {
        throw new Error(`accept: ${error}`)
      },
    },
  )
  const a = listener.address
  return {
    port: 'port' in a ? a.port : 0,
    all,
    next: () => {
      const end = fresh.shift()
      return end === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(end)
    },
    close() {
      listener.close()
      for (const end of all) end.close()
    },
  }
}

export function connectTls(provider: Provider, port: number, make: TlsMaker): End {
  return new End(provider.connect({ to: { family: 'ipv4', host: '127.0.0.1', port } }), make)
}
