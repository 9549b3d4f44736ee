// Owns the subject of an outgoing connection's own expressions (`sni`): the client's connection, and the server's as it is being made.

import type { Address } from '../core/address.ts'
import { originFact, type Handshake, type Origin } from '../core/handler.ts'
import type { Subject, Variables } from '../core/sample.ts'
import { TRACE } from '../core/trace.ts'
import type { Trace } from '../core/trace.ts'
import { FRONTEND, type Peer, type ProxyView } from '../core/view.ts'
import { connectionVariables } from './variables.ts'

/** Without an origin (a check) nothing is known of a client. */
export class ConnectSubject implements Subject {
  readonly client: Peer | undefined
  readonly server: Peer
  readonly request = undefined
  readonly response = undefined
  readonly backend = undefined
  readonly target = undefined
  readonly record = undefined
  readonly effects = undefined
  readonly trace: Trace | undefined
  src: Address
  dst: Address

  constructor(hs: Handshake) {
    const origin = hs.get(originFact)
    this.server = hs
    this.trace = hs.get(TRACE)
    this.client = origin === undefined ? undefined : peerOf(origin)
    this.src = (origin ?? hs).src
    this.dst = (origin ?? hs).dst
  }

  now(): number {
    return Date.now()
  }

  get frontend(): ProxyView | undefined {
    return this.client?.get(FRONTEND)
  }

  get variables(): Variables {
    return connectionVariables(this.client ?? this.server)
  }
}

/** An expression that is asked here sets nothing on the client's connection. */
function peerOf(origin: Origin): Peer {
  return { src: origin.src, dst: origin.dst, get: (key) => origin.get(key), set: () => undefined }
}
