// Owns the subject of a connection's handshake: what rules can see before there is a stream.

import type { Address } from '../core/address.ts'
import type { Handshake } from '../core/handler.ts'
import type { Subject, Variables } from '../core/sample.ts'
import type { Peer, ProxyView } from '../core/view.ts'
import { FRONTEND } from '../core/view.ts'
import { connectionVariables } from './variables.ts'

/** Reads through to the handshake, so that what an earlier handler changed is seen. */
export class HandshakeSubject implements Subject {
  readonly client: Peer
  readonly server = undefined
  readonly request = undefined
  readonly response = undefined
  readonly backend = undefined
  readonly target = undefined
  readonly record = undefined
  readonly #now: () => number

  /** @param now the clock, ms since the epoch */
  constructor(hs: Handshake, now: () => number) {
    this.client = hs
    this.#now = now
  }

  now(): number {
    return this.#now()
  }

  get src(): Address {
    return this.client.src
  }

  set src(address: Address) {
    this.client.src = address
  }

  get dst(): Address {
    return this.client.dst
  }

  set dst(address: Address) {
    this.client.dst = address
  }

  get frontend(): ProxyView | undefined {
    return this.client.get(FRONTEND)
  }

  get variables(): Variables {
    return connectionVariables(this.client)
  }
}
