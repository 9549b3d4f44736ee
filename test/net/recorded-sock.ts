// Owns a sock without a system, which a test moves as it goes: what arrives, what can be sent; what was asked of it is recorded in order.

import { NO_ADDRESS, type Address } from '../../src/core/address.ts'
import type { Bytes } from '../../src/core/bytes.ts'
import { EMPTY_IN, ERR_IN, ERR_OUT, FULL_OUT, SHUT_IN, SHUT_OUT, type Flow, type Owner, type Sock } from '../../src/core/sock.ts'

export class RecordedSock implements Sock {
  readonly provider = 'fake'
  owner: Owner = { ready: () => undefined }
  error = ''
  connecting = false
  /** In order: `sent:text`, `close_notify`, `FIN`, `close`, `RST`. */
  readonly log: string[] = []
  /** Bytes that can be sent before it is full. */
  room = Infinity
  /** The peer takes nothing any more, though it may still say something. */
  unheard = false
  /** shutData and shutCtrl complete at once. */
  quick = true
  from: Address = { family: 'ipv4', host: '192.0.2.1', port: 1234 }
  to: Address = NO_ADDRESS
  #chunks: Buffer[] = []
  #ended = false
  #shut = false

  /** The peer says something. */
  arrive(text: string | Uint8Array): void {
    this.#chunks.push(Buffer.from(text))
    this.owner.ready()
  }

  /** The peer ends. */
  end(): void {
    this.#ended = true
    this.owner.ready()
  }

  /** The peer resets. */
  break(error = 'ECONNRESET'): void {
    this.error = error
    this.owner.ready()
  }

  get unread(): number {
    return this.#chunks.reduce((n, c) => n + c.length, 0)
  }

  fill(into: Bytes): Flow {
    const chunk = this.#chunks.shift()
    if (chunk !== undefined) {
      into.append(chunk)
      return 0
    }
    if (this.error !== '') return ERR_IN
    return this.#ended ? SHUT_IN : EMPTY_IN
  }

  flush(from: Bytes): Flow {
    if (this.error !== '' || this.unheard) return ERR_OUT
    if (this.#shut) return SHUT_OUT
    if (this.connecting) return FULL_OUT
    const n = Math.min(this.room, from.length)
    if (n > 0) {
      this.log.push(`sent:${from.view().subarray(0, n).toString('latin1')}`)
      from.take(n)
      this.room -= n
    }
    return from.length > 0 || this.room === 0 ? FULL_OUT : 0
  }

  shutData(): boolean {
    if (this.quick) this.log.push('close_notify')
    return this.quick
  }

  shutCtrl(): boolean {
    if (!this.#shut) this.log.push('FIN')
    this.#shut = true
    return this.quick
  }

  close(): void {
    this.log.push(this.unread > 0 ? 'close over unread' : 'close')
  }

  reset(): void {
    this.log.push('RST')
  }

  again(): void {
    queueMicrotask(() => this.owner.ready())
  }

  local(): Address {
    return this.to
  }

  remote(): Address {
    return this.from
  }
}
