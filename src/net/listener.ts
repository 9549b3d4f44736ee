// Owns when a listener accepts: it is paused while anyone has a reason against it, and goes on when the last reason is gone.

import type { Address } from '../core/address.ts'
import type { Listener, ListenSpec, Provider } from '../core/provider.ts'
import type { Sock } from '../core/sock.ts'
import { Alarm, type Wheel } from '../util/wheel.ts'

/** Why a listener does not accept. 'descriptors': accept() ran out of them. 'full': maxconn of the line, the frontend or the process. 'operator': a signal or command. */
export type PauseReason = 'descriptors' | 'full' | 'operator'

/** How long after EMFILE, ENFILE, ENOBUFS or ENOMEM accepting is tried again. ms */
const RETRY_MS = 100
/** One log line while descriptors are short, and one when they are back: after this long without a failure. ms */
const CALM_MS = 5000

/** One line about connections that could not wait. ms */
const QUIET_MS = 5000

export interface ListenerEvents {
  accepted(sock: Sock): void
  /** One line for the process log. */
  notice(text: string): void
  /** Another thread's descriptor to listen on, asked at each open(); 'none': it has none, and open() opens nothing; undefined: one of our own is opened. */
  descriptor?(): number | 'none' | undefined
}

export class GatedListener {
  readonly #provider: Provider
  readonly #spec: ListenSpec
  readonly #events: ListenerEvents
  readonly #wheel: Wheel
  readonly #reasons = new Set<PauseReason>()
  readonly #retry: Alarm
  readonly #calm: Alarm
  #listener: Listener | null = null
  #bound: Address
  #opening: Promise<void> | null = null
  /** open() was the last word, not close(). */
  #wanted = false
  #short = false
  #quietUntil = -Infinity

  constructor(provider: Provider, spec: ListenSpec, wheel: Wheel, events: ListenerEvents) {
    this.#provider = provider
    this.#spec = spec
    this.#bound = spec.address
    this.#events = events
    this.#wheel = wheel
    this.#retry = new Alarm(() => this.resume('descriptors'))
    this.#calm = new Alarm(() => {
      this.#short = false
      events.notice('descriptors are available again, accepting normally')
    })
  }

  /**
   * Rejects with an Error whose code is the system error name. After close(), opens the same address again, the real port included.
   * Idempotent; a close() meanwhile wins.
   */
  open(): Promise<void> {
    this.#wanted = true
    if (this.#listener !== null) return Promise.resolve()
    this.#opening ??= this.#open().finally(() => (this.#opening = null))
    return this.#opening
  }

  async #open(): Promise<void> {
    const shared = this.#events.descriptor?.()
    if (shared === 'none') return
    const spec = { ...this.#spec, address: this.#bound, ...(shared === undefined ? {} : { fd: shared, shared: true }) }
    const listener = await this.#provider.listen(spec, {
      accepted: (sock) => this.#events.accepted(sock),
      failed: (error) => this.#failed(error),
      overflowed: (limit) => this.#overflowed(limit),
    })
    if (!this.#wanted) {
      listener.close()
      return
    }
    this.#listener = listener
    this.#bound = listener.address
    if (this.#reasons.size > 0) this.#listener.pause()
  }

  /** The bound address, or the configured one before open(). */
  get address(): Address {
    return this.#bound
  }

  /** Whether close() can be followed by open(): an inherited descriptor would be gone. */
  get reopens(): boolean {
    return this.#spec.fd === undefined
  }

  get isOpen(): boolean {
    return this.#listener !== null
  }

  /** The listening descriptor, for other threads; undefined where the provider has none to give. */
  get fd(): number | undefined {
    return this.#listener?.fd
  }

  get accepting(): boolean {
    return this.#listener !== null && this.#reasons.size === 0
  }

  pausedFor(reason: PauseReason): boolean {
    return this.#reasons.has(reason)
  }

  pause(reason: PauseReason): void {
    if (this.#reasons.has(reason)) return
    if (this.#reasons.size === 0) this.#listener?.pause()
    this.#reasons.add(reason)
  }

  resume(reason: PauseReason): void {
    if (this.#reasons.delete(reason) && this.#reasons.size === 0) this.#listener?.resume()
  }

  close(): void {
    this.#wanted = false
    this.#listener?.close() // which may take in whoever waits, and find a reason to pause
    this.#listener = null
    this.#wheel.disarm(this.#retry)
    this.#wheel.disarm(this.#calm)
    this.#reasons.delete('descriptors') // nobody would take it back
    this.#short = false
  }

  #overflowed(limit: number): void {
    if (this.#wheel.now() < this.#quietUntil) return
    this.#quietUntil = this.#wheel.now() + QUIET_MS
    this.#events.notice(`${limit} connections wait to be accepted, more are reset (node provider): raise maxconn`)
  }

  /** Stops accepting for a moment: what waits stays in the kernel's queue. */
  #failed(error: string): void {
    if (!this.#short) {
      this.#short = true
      this.#events.notice(`accept() failed (${error}): not accepting until descriptors return; raise ulimit -n or lower maxconn`)
    }
    this.pause('descriptors')
    this.#wheel.arm(this.#retry, RETRY_MS)
    this.#wheel.arm(this.#calm, CALM_MS)
  }
}
