// Owns scripted TCP, Unix and TLS peers: each end of a connection records what it sees, in order, and does only what it is told.

import net from 'node:net'
import tls from 'node:tls'
import { sleep } from './program.ts'

/** Where to connect or listen: a TCP port of 127.0.0.1, a host and port, or the path of a Unix socket ('\0name': abstract). */
export type Place = number | string | { readonly host: string; readonly port: number; readonly localAddress?: string }

type Seen = { readonly data: Buffer[]; length: number } | string

const SHOWN = 400

/** One end of a connection. Nothing is answered and nothing ended by itself: half-open is allowed. */
export class Wire {
  readonly socket: net.Socket
  /** What TLS runs over; the same as `socket` without TLS. */
  readonly raw: net.Socket
  /** Its own port, once connected. */
  port = 0
  /** When it was made, before it was connected: performance.now(). */
  readonly since = performance.now()
  readonly #seen: Seen[] = []
  /** When the last event came, ms since this wire was made. */
  lastAt = 0
  #watchers = new Set<() => void>()
  /** Bytes are counted and dropped: for large transfers. */
  countOnly = false
  received = 0

  constructor(socket: net.Socket, raw = socket) {
    this.socket = socket
    this.raw = raw
    this.port = raw.localPort ?? 0
    raw.once('connect', () => (this.port = raw.localPort ?? 0))
    socket.on('data', (bytes: Buffer) => {
      this.received += bytes.length
      const last = this.#seen.at(-1)
      const kept = this.countOnly ? [] : [bytes]
      if (last !== undefined && typeof last !== 'string') {
        last.length += bytes.length
        last.data.push(...kept)
      } else this.#seen.push({ data: kept, length: bytes.length })
      this.#note()
    })
    socket.on('end', () => this.#add('FIN'))
    socket.on('error', (error: NodeJS.ErrnoException) => this.#add(error.code === 'ECONNRESET' ? 'RST' : (error.code ?? error.message)))
    socket.on('close', () => this.#note())
  }

  #add(event: string): void {
    this.#seen.push(event)
    this.#note()
  }

  #note(): void {
    this.lastAt = performance.now() - this.since
    for (const watch of this.#watchers) watch()
  }

  /** What was seen: received bytes as text (or their number), 'FIN', 'RST', or a system error's name. */
  get events(): string[] {
    return this.#seen.map((seen) => {
      if (typeof seen === 'string') return seen
      const bytes = Buffer.concat(seen.data)
      return seen.length > SHOWN || this.countOnly ? `${seen.length} bytes` : `got ${bytes.toString('latin1')}`
    })
  }

  /** All bytes received. */
  get bytes(): Buffer {
    return Buffer.concat(this.#seen.flatMap((seen) => (typeof seen === 'string' ? [] : seen.data)))
  }

  get text(): string {
    return this.bytes.toString('latin1')
  }

  has(event: string): boolean {
    return this.#seen.includes(event)
  }

  /** The connection is over as far as this end can know. */
  get ended(): boolean {
    return this.#seen.some((seen) => typeof seen === 'string') || this.socket.destroyed
  }

  send(data: string | Uint8Array): this {
    this.socket.write(data)
    return this
  }

  /** FIN after what was sent (over TLS: close_notify and FIN). */
  end(data?: string | Uint8Array): this {
    if (data === undefined) this.socket.end()
    else this.socket.end(data)
    return this
  }

  reset(): this {
    this.raw.resetAndDestroy()
    return this
  }

  /** Stops reading: the kernel's buffers fill, then the peer's. */
  pause(): this {
    this.socket.pause()
    return this
  }

  resume(): this {
    this.socket.resume()
    return this
  }

  /** Waits until `ready`; throws with what was seen after `ms`. */
  async until(what: string, ready: () => boolean, ms = 8000): Promise<this> {
    if (ready()) return this
    await new Promise<void>((resolve, reject) => {
      const patience = setTimeout(() => {
        this.#watchers.delete(watch)
        reject(new Error(`expected ${what} within ${ms} ms, saw ${JSON.stringify(this.events)}`))
      }, ms)
      const watch = (): void => {
        if (!ready()) return
        clearTimeout(patience)
        this.#watchers.delete(watch)
        resolve()
      }
      this.#watchers.add(watch)
    })
    return this
  }

  /** Waits for text among the bytes received. */
  got(text: string, ms?: number): Promise<this> {
    return this.until(JSON.stringify(text), () => this.text.includes(text), ms)
  }

  gotBytes(n: number, ms?: number): Promise<this> {
    return this.until(`${n} bytes`, () => this.received >= n, ms)
  }

  /** Waits for the peer's end, however it comes, and gives what was seen. */
  async over(ms?: number): Promise<string[]> {
    await this.until('an end', () => this.ended, ms)
    return this.events
  }

  /** What was seen after `ms` more: for what must not come. */
  async after(ms: number): Promise<string[]> {
    await sleep(ms)
    return this.events
  }

  destroy(): void {
    this.socket.destroy()
  }
}

function connectOptions(place: Place): net.NetConnectOpts {
  if (typeof place === 'number') return { host: '127.0.0.1', port: place, allowHalfOpen: true, noDelay: true }
  if (typeof place === 'string') return { path: place, allowHalfOpen: true }
  return { ...place, allowHalfOpen: true, noDelay: true }
}

/** Connects, and waits until that is done (or has failed: the wire then says why). */
export async function connect(place: Place, options: { countOnly?: boolean } = {}): Promise<Wire> {
  const socket = net.connect(connectOptions(place))
  const wire = new Wire(socket)
  wire.countOnly = options.countOnly ?? false
  await new Promise<void>((resolve) => {
    socket.once('connect', () => resolve())
    socket.once('close', () => resolve())
  })
  return wire
}

/** Connects and shakes hands; `before` is sent in the clear first. A handshake that fails is an event of the wire. */
export async function connectTls(place: Place, options: tls.ConnectionOptions = {}, before?: Uint8Array): Promise<Wire & { tls: tls.TLSSocket }> {
  const raw = net.connect(connectOptions(place))
  raw.on('error', () => {})
  if (before !== undefined) raw.write(before)
  const socket = tls.connect({ socket: raw, rejectUnauthorized: false, ...options })
  // A TLSSocket over a socket takes allowHalfOpen from it.
  const wire = Object.assign(new Wire(socket, raw), { tls: socket })
  await new Promise<void>((resolve) => {
    for (const event of ['secureConnect', 'end', 'error', 'close']) socket.once(event, () => resolve())
  })
  return wire
}

export interface ServerOptions {
  /** Called with each connection; without it the server only records. */
  readonly on?: (wire: Wire, index: number) => void
  readonly backlog?: number
  readonly countOnly?: boolean
  /** Not read until resume(). */
  readonly paused?: boolean
  readonly tls?: tls.TlsOptions
}

/** A server whose connections are recorded. */
export class Server {
  readonly wires: Wire[] = []
  /** TLS handshakes that failed: why. */
  readonly failures: string[] = []
  readonly #server: net.Server
  #arrived = new Set<() => void>()

  constructor(options: ServerOptions) {
    const take = (socket: net.Socket, raw = socket): void => {
      const wire = new Wire(socket, raw)
      wire.countOnly = options.countOnly ?? false
      if (options.paused === true) wire.pause()
      this.wires.push(wire)
      options.on?.(wire, this.wires.length - 1)
      for (const arrived of this.#arrived) arrived()
    }
    const secured = options.tls === undefined ? undefined : tls.createServer({ ...options.tls, allowHalfOpen: true })
    // Kept by the peer's port, so that a TLS peer can be reset too: a TLSSocket itself cannot.
    const raws = new Map<number, net.Socket>()
    secured?.on('secureConnection', (socket) => take(socket, raws.get(socket.remotePort ?? 0)))
    secured?.on('tlsClientError', (error) => this.failures.push(error.message))
    this.#server = net.createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: options.paused ?? false }, (socket) => {
      if (secured === undefined) take(socket)
      else {
        raws.set(socket.remotePort ?? 0, socket)
        secured.emit('connection', socket)
      }
    })
  }

  listen(place: Place, backlog = 511): Promise<void> {
    const where =
      typeof place === 'number' ? { host: '127.0.0.1', port: place } : typeof place === 'string' ? { path: place } : { host: place.host, port: place.port }
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ ...where, backlog }, resolve)
    })
  }

  /** The connection with this number, from 0, when it has come. */
  async wire(index = 0, ms = 8000): Promise<Wire> {
    const found = this.wires[index]
    if (found !== undefined) return found
    await new Promise<void>((resolve, reject) => {
      const patience = setTimeout(() => reject(new Error(`connection ${index} did not reach the server within ${ms} ms (${this.wires.length} did)`)), ms)
      const arrived = (): void => {
        if (this.wires[index] === undefined) return
        clearTimeout(patience)
        this.#arrived.delete(arrived)
        resolve()
      }
      this.#arrived.add(arrived)
    })
    return this.wire(index)
  }

  /** Stops listening and breaks what is open. */
  close(): Promise<void> {
    for (const wire of this.wires) wire.destroy()
    return new Promise((resolve) => this.#server.close(() => resolve()))
  }
}

export async function serve(place: Place, options: ServerOptions = {}): Promise<Server> {
  const server = new Server(options)
  await server.listen(place, options.backlog)
  return server
}

/** Ready-made behaviour for ServerOptions.on. */
export const echo = (wire: Wire): void => {
  wire.socket.on('data', (bytes: Buffer) => wire.send(bytes))
  wire.socket.on('end', () => wire.end())
}

/** Says `text` at once and goes on recording. */
export const greet =
  (text: string) =>
  (wire: Wire): void => {
    wire.send(text)
  }

/** Only records, and ends when the other side has. */
export const endBack = (wire: Wire): void => {
  wire.socket.on('end', () => wire.end())
}
