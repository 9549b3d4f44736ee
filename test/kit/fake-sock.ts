// Owns a socket without a socket: a test says what arrives and how much is taken, and reads what was done.

import { EMPTY_IN, ERR_IN, ERR_OUT, FULL_OUT, SHUT_IN, SHUT_OUT } from 'headgate/plugin'
import type { Address, Bytes, Flow, Owner, Sock } from 'headgate/plugin'

const NOBODY: Owner = { ready: () => undefined }

/** Bytes that have arrived are lent from one buffer that is overwritten by the next read, as providers do: a view that was kept shows. */
export class FakeSock implements Sock {
  readonly provider = 'fake'
  owner: Owner = NOBODY
  error = ''
  connecting = false
  /** How many more bytes are taken; flush() reports FULL_OUT beyond. */
  capacity = Infinity
  /** What was done, in order: 'FIN', 'RST', 'closed', 'dropped'. Bytes are in `said`. */
  readonly done: string[] = []
  readonly #arrived: Buffer[] = []
  readonly #said: Buffer[] = []
  #shared = Buffer.alloc(0)
  #ended = false
  #again = false
  readonly #local: Address
  readonly #remote: Address

  constructor(local: Address, remote: Address) {
    this.#local = local
    this.#remote = remote
  }

  // ── the test's side ────────────────────────────────────────────────────────────────────────────────────────────

  /** The peer says something; each call is one read. */
  arrive(bytes: Uint8Array | string): void {
    this.#arrived.push(Buffer.from(bytes))
    this.owner.ready()
  }

  /** The peer ends. */
  peerEnds(): void {
    this.#ended = true
    this.owner.ready()
  }

  /** The connection breaks with this system error. */
  breaks(error: string): void {
    this.error = error
    this.owner.ready()
  }

  /** The peer takes so many bytes more. */
  takes(bytes: number): void {
    this.capacity += bytes
    this.owner.ready()
  }

  /** The loop's next turn, for who asked for it with again(). Returns whether somebody did. */
  turn(): boolean {
    if (!this.#again) return false
    this.#again = false
    this.owner.ready()
    return true
  }

  /** What went out, in one piece. */
  get said(): Buffer {
    return Buffer.concat(this.#said)
  }

  /** Arrived and not read. */
  get unread(): Buffer {
    return Buffer.concat(this.#arrived)
  }

  // ── the engine's side ──────────────────────────────────────────────────────────────────────────────────────────

  fill(into: Bytes): Flow {
    if (this.error !== '') return ERR_IN
    const chunk = this.#arrived.shift()
    if (chunk === undefined) return this.#ended ? SHUT_IN : EMPTY_IN
    if (into.length > 0) into.append(chunk)
    else {
      this.#shared.fill(0x3f)
      if (this.#shared.length < chunk.length) this.#shared = Buffer.alloc(chunk.length)
      chunk.copy(this.#shared)
      into.lend(this.#shared, chunk.length)
    }
    if (this.#arrived.length > 0) return 0
    return this.#ended ? SHUT_IN : EMPTY_IN
  }

  flush(from: Bytes): Flow {
    if (this.error !== '') return ERR_OUT
    if (this.done.includes('FIN')) return SHUT_OUT
    const n = Math.min(from.length, this.capacity)
    if (n > 0) {
      this.#said.push(Buffer.from(from.view().subarray(0, n)))
      this.capacity -= n
      from.take(n)
    }
    return from.length > 0 ? FULL_OUT : 0
  }

  shutData(): boolean {
    return true
  }

  shutCtrl(): boolean {
    this.done.push('FIN')
    return true
  }

  close(): void {
    if (!this.done.includes('RST')) this.done.push('closed')
  }

  reset(): void {
    this.done.push('RST')
  }

  drop(): void {
    this.done.push('dropped')
  }

  again(): void {
    this.#again = true
  }

  local(): Address {
    return this.#local
  }

  remote(): Address {
    return this.#remote
  }
}
