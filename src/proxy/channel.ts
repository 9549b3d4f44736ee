// Owns one direction of a stream: moves bytes from one connection's layer to the other's, through the one buffer of that direction.
//
//     from.layer ──fill──► bytes (= from.input) ──flush──► to.layer
//
// What is full stops the reading and nothing else does: a pump that ends with bytes left goes on when `to` is ready again.

import type { Bytes } from '../core/bytes.ts'
import type { Connection } from '../core/connection.ts'
import { ended, R } from '../core/shut.ts'
import { EMPTY_IN, ERR_IN, ERR_OUT, FULL_OUT, SHUT_IN, SHUT_OUT, type Flow } from '../core/sock.ts'

/** Reads of one direction before others get their turn. */
const ROUNDS = 16

export class Channel {
  readonly from: Connection
  readonly to: Connection
  /** Read and not yet taken by `to`. */
  readonly bytes: Bytes
  /** Bytes that `to` has taken since the beginning. */
  total = 0
  /** The last pump read something. */
  read = false
  /** The last pump wrote something. */
  wrote = false

  constructor(from: Connection, to: Connection) {
    this.from = from
    this.to = to
    this.bytes = from.input
  }

  /** All that `from` said, its end included, has gone to `to`. */
  get finished(): boolean {
    return this.bytes.length === 0 && ended(this.from.shut, R)
  }

  /** Moves what can be moved now. The flags say why it stopped; SHUT_IN stays set once `from` has ended. */
  pump(): Flow {
    const { from, to, bytes } = this
    let flow: Flow = 0
    this.read = false
    this.wrote = false
    for (let round = 0; ; round++) {
      if (to.output.length > 0) {
        flow |= to.layer.flush(to.output) & (ERR_OUT | SHUT_OUT | FULL_OUT)
        if (to.output.length > 0) break
      }
      if (bytes.length > 0) {
        const before = bytes.length
        flow |= to.layer.flush(bytes) & (ERR_OUT | SHUT_OUT | FULL_OUT)
        const sent = before - bytes.length
        if (sent > 0) {
          this.total += sent
          this.wrote = true
        }
        if (bytes.length > 0) flow |= FULL_OUT
        if (flow & (ERR_OUT | SHUT_OUT | FULL_OUT)) break
      }
      if (flow & (EMPTY_IN | SHUT_IN | ERR_IN)) break
      if (ended(from.shut, R)) {
        flow |= SHUT_IN
        break
      }
      if (round === ROUNDS) {
        from.layer.again()
        break
      }
      flow |= from.layer.fill(bytes) & (EMPTY_IN | SHUT_IN | ERR_IN)
      if (flow & SHUT_IN) from.readEnded()
      if (bytes.length > 0) this.read = true
    }
    bytes.keep()
    return flow
  }
}
