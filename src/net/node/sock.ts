// Owns one socket of the node provider: turns a node:net stream, which pushes, into a Sock, which is pulled.
//
// 'data' hands over one chunk; when the owner does not take it at once, the stream is paused until the next fill(). So at most
// one chunk waits here and, above it, what node:net itself reads ahead (its high-water mark). flush() hands the buffer to
// node:net, which owns it from then on, and reports FULL_OUT while node:net could not pass everything to the kernel.

import type { Socket } from 'node:net'
import { NO_ADDRESS, type Address } from '../../core/address.ts'
import type { Bytes } from '../../core/bytes.ts'
import { EMPTY_IN, ERR_IN, ERR_OUT, FULL_OUT, SHUT_IN, SHUT_OUT, type Flow, type Owner, type Sock } from '../../core/sock.ts'

export const HIGH_WATER = 65536

const NOBODY: Owner = { ready: () => undefined }

/** The system error name of an error, or its message in short. */
export function errorName(error: unknown): string {
  if (error instanceof Error) return 'code' in error && typeof error.code === 'string' ? error.code : error.message
  return String(error)
}

/** The pull side of a node stream: net.Socket, or tls.TLSSocket on top of one. */
export class StreamSock implements Sock {
  readonly provider = 'node'
  owner: Owner = NOBODY
  error = ''
  connecting = false
  readonly socket: Socket
  readonly #onData = (chunk: Buffer): void => this.#arrived(chunk)
  #chunk: Buffer | null = null
  #ended = false
  #ending = false
  #closed = false
  #local: Address = NO_ADDRESS
  #remote: Address = NO_ADDRESS

  constructor(socket: Socket) {
    this.socket = socket
    this.connecting = socket.connecting
    socket.on('data', this.#onData)
    socket.on('end', () => {
      if (!this.#ending && isReset(socket)) return this.broke('ECONNRESET')
      this.#ended = true
      this.owner.ready()
    })
    socket.on('drain', () => this.owner.ready())
    socket.on('finish', () => this.owner.ready())
    socket.on('error', (error: unknown) => this.broke(errorName(error)))
    socket.on('close', () => {
      // Destroyed beneath us without an error of its own: what was not delivered is lost.
      if (!this.#closed && !(this.#ended && socket.writableFinished)) this.broke('ECONNRESET')
    })
    if (this.connecting) {
      socket.on('connect', () => {
        this.connecting = false
        this.#keepEnds()
        this.owner.ready()
      })
    } else this.#keepEnds()
    socket.pause()
  }

  /** Marks the sock as broken, once; the first cause stays. */
  protected broke(error: string): void {
    if (this.error === '') this.error = error
    this.connecting = false
    this.owner.ready()
  }

  #arrived(chunk: Buffer): void {
    this.#chunk = this.#chunk === null ? chunk : Buffer.concat([this.#chunk, chunk])
    this.owner.ready()
    if (this.#chunk !== null) this.socket.pause()
  }

  fill(into: Bytes): Flow {
    const chunk = this.#chunk
    if (chunk !== null) {
      this.#chunk = null
      if (into.length === 0) into.adopt(chunk)
      else into.append(chunk)
      return 0
    }
    if (this.error !== '') return ERR_IN
    if (this.#ended) return SHUT_IN
    if (this.#closed) return ERR_IN
    if (this.socket.isPaused()) this.socket.resume()
    return EMPTY_IN
  }

  flush(from: Bytes): Flow {
    if (this.error !== '' || this.#closed) return ERR_OUT
    if (this.#ending) return SHUT_OUT
    const socket = this.socket
    if (this.connecting || (socket.writableLength > 0 && socket.writableNeedDrain)) return FULL_OUT
    if (from.length === 0) return 0
    from.keep()
    socket.write(from.view())
    from.clear()
    return socket.writableLength > 0 && socket.writableNeedDrain ? FULL_OUT : 0
  }

  shutData(): boolean {
    return true
  }

  shutCtrl(): boolean {
    if (this.error !== '' || this.#closed) return true
    if (!this.#ending) {
      this.#ending = true
      this.socket.end()
    }
    return this.socket.writableFinished
  }

  close(): void {
    this.#closed = true
    this.owner = NOBODY
    this.#chunk = null
    this.socket.destroy()
  }

  reset(): void {
    this.#closed = true
    this.owner = NOBODY
    this.#chunk = null
    if (this.socket.connecting) this.socket.destroy()
    else this.resetLower()
  }

  /** RST where the socket is TCP; an end without a FIN's politeness elsewhere. */
  protected resetLower(): void {
    abort(this.socket)
  }

  /** Hands the stream over to a layer on top, which reads from now on; what arrived and was not filled goes to it. */
  release(): Socket {
    this.owner = NOBODY
    this.socket.off('data', this.#onData)
    this.socket.pause() // a flowing stream without a reader throws away what is put back
    if (this.#chunk !== null) this.socket.unshift(this.#chunk)
    this.#chunk = null
    return this.socket
  }

  again(): void {
    setImmediate(() => this.owner.ready())
  }

  local(): Address {
    return this.#local
  }

  remote(): Address {
    return this.#remote
  }

  /** node:net forgets the ends of a socket that is destroyed. */
  #keepEnds(): void {
    const { socket } = this
    this.#local = inet(socket.localFamily, socket.localAddress, socket.localPort)
    this.#remote = inet(socket.remoteFamily, socket.remoteAddress, socket.remotePort)
  }
}

/**
 * RST at once. resetAndDestroy() would end the stream first, and a peer that reads would see FIN and be told no more; the
 * flag is what it sets to make destroy() abort. Where a stream has no RST (Unix sockets) this is a plain close. `top` is the stream
 * that writes to it.
 */
export function abort(socket: Socket, top = socket): void {
  if (endsNow(top)) setImmediate(() => destroy(socket, !endsNow(top)))
  else destroy(socket, true)
}

/**
 * Its FIN is on the way to the kernel, for one turn of the loop unless the peer takes nothing. Meanwhile libuv refuses to reset, and
 * node:net forgets the handle of a refused reset without closing it: the descriptor would stay open for ever.
 */
function endsNow(socket: Socket): boolean {
  return socket.writableEnded && !socket.writableFinished && socket.writableLength === 0
}

/**
 * libuv tells RST behind bytes that it has not read as an end, and may drop some of them. A TCP connection whose peer has ended still has
 * its peer; one that was reset has none (nor has one that both have ended). Not asked through the socket, which remembers its answer.
 */
function isReset(socket: Socket): boolean {
  const handle: unknown = Reflect.get(socket, '_handle')
  if (typeof handle !== 'object' || handle === null) return false
  const getpeername: unknown = Reflect.get(handle, 'getpeername')
  return typeof getpeername === 'function' && Reflect.apply(getpeername, handle, [{}]) < 0
}

function destroy(socket: Socket, reset: boolean): void {
  Reflect.set(socket, 'resetAndClosing', reset && socket.remoteFamily !== undefined)
  socket.destroy()
}

function inet(family: string | undefined, host: string | undefined, port: number | undefined): Address {
  if (host === undefined || port === undefined) return NO_ADDRESS
  return { family: family === 'IPv6' ? 'ipv6' : 'ipv4', host, port }
}

/** A socket of node:net. */
export class NodeSock extends StreamSock {
  readonly #unix: Address | undefined

  /** `unix` is the listener's or the server's address when the socket is a Unix one: node:net does not tell it. */
  constructor(socket: Socket, unix?: Address) {
    super(socket)
    this.#unix = unix
  }

  override local(): Address {
    return this.#unix ?? super.local()
  }

  override remote(): Address {
    return this.#unix ?? super.remote()
  }
}
