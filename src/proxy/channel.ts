// Owns one direction of a stream: moves bytes from one connection's layer to the other's, through the one buffer of that direction,
// or through a kernel pipe once the direction is seen to be bulk and both ends can splice.
//
//     from.layer ──fill───► bytes (= from.input) ──flush────► to.layer
//     from.layer ──toPipe─► pipe ─────────────────fromPipe──► to.layer
//
// What is full stops the reading and nothing else does: a pump that ends with bytes left goes on when `to` is ready again.

import type { Bytes } from '../core/bytes.ts'
import type { Connection } from '../core/connection.ts'
import { ended, R } from '../core/shut.ts'
import { EMPTY_IN, ERR_IN, ERR_OUT, FULL_OUT, REFUSED, SHUT_IN, SHUT_OUT, type Flow, type Pipe } from '../core/sock.ts'

/** Reads of one direction before others get their turn, and bytes: at 0.3 s of CPU per GB these are some 300 µs that small talk waits for. */
const ROUNDS = 16
const TURN_BYTES = 1 << 20
/** A read of this size is a bulk one. */
const BULK_READ = 32768
/** So many bulk reads in a row make a direction bulk; a transfer through the pipe that moves less than one read ends it. */
const BULK_READS = 3
/** Bytes asked of one splice. */
const SPLICE_SIZE = 1 << 20

const IN = EMPTY_IN | SHUT_IN | ERR_IN
const OUT = FULL_OUT | SHUT_OUT | ERR_OUT

export class Channel {
  readonly from: Connection
  readonly to: Connection
  /** Read and not yet taken by `to`. */
  readonly bytes: Bytes
  /** Bytes that `to` has taken since the beginning. */
  total = 0
  /** `from` has been quiet for too long: nothing more is read of it, and all that it said so far is all. */
  abandoned = false
  /** The last pump read something. */
  read = false
  /** The last pump wrote something. */
  wrote = false
  /** Bulk reads in a row; NaN: never to be spliced. */
  #bulk: number
  #pipe: Pipe | null = null
  readonly #corks: boolean

  /** `corks`: the last bytes travel with the end; where `to` may get none, they must not wait for it. */
  constructor(from: Connection, to: Connection, splice: boolean, corks: boolean) {
    this.from = from
    this.to = to
    this.bytes = from.input
    this.#corks = corks
    this.#bulk = splice && from.layer.splice !== undefined && to.layer.splice !== undefined ? 0 : NaN
  }

  /** Bytes that came from `from` since the beginning. */
  get received(): number {
    return this.total + this.bytes.length + (this.#pipe?.bytes ?? 0)
  }

  /** Nothing is held between the two ends. */
  get empty(): boolean {
    return this.bytes.length === 0 && this.#pipe === null
  }

  /** All that `from` said, its end included, has gone to `to`. */
  get finished(): boolean {
    return this.empty && this.over
  }

  /** Nothing more comes from `from`. */
  get over(): boolean {
    return this.abandoned || ended(this.from.shut, R)
  }

  /** Moves what can be moved now. The flags say why it stopped; SHUT_IN stays set once `from` has ended. */
  pump(): Flow {
    this.read = false
    this.wrote = false
    if (this.#pipe !== null || (this.#bulk >= BULK_READS && this.bytes.length === 0 && this.to.output.length === 0)) {
      const flow = this.#splice()
      if ((flow & REFUSED) === 0) return flow
      if (this.#pipe !== null) this.#pipe.drain(this.bytes)
      this.release()
    }
    return this.#copy()
  }

  #copy(): Flow {
    const { from, to, bytes } = this
    let flow: Flow = 0
    let moved = 0
    for (let round = 0; ; round++) {
      if (to.output.length > 0) {
        flow |= to.layer.flush(to.output) & OUT
        if (to.output.length > 0) break
      }
      const before = bytes.length
      if (before > 0) {
        flow |= to.layer.flush(bytes, this.over && this.#corks) & OUT
        const left = bytes.length
        if (left < before) {
          moved += before - left
          this.total += before - left
          this.wrote = true
        }
        if (left > 0) flow |= FULL_OUT
      }
      if (flow & (IN | OUT)) break
      if (this.over) {
        flow |= SHUT_IN
        break
      }
      if (round === ROUNDS || moved >= TURN_BYTES || this.#bulk >= BULK_READS) {
        from.layer.again()
        break
      }
      flow |= from.layer.fill(bytes) & IN
      if (flow & SHUT_IN) from.readEnded()
      const size = bytes.length
      if (size > 0) this.read = true
      if (size >= BULK_READ) this.#bulk++
      else if (this.#bulk > 0) this.#bulk = 0
    }
    bytes.keep()
    return flow
  }

  #splice(): Flow {
    const source = this.from.layer.splice
    const sink = this.to.layer.splice
    if (source === undefined || sink === undefined) {
      this.#bulk = NaN
      return REFUSED
    }
    const pipe = (this.#pipe ??= source.pipe() ?? null)
    if (pipe === null) {
      this.#bulk = 0 // there are maxpipes of them now; while it stays bulk, it asks again
      return REFUSED
    }
    let flow: Flow = 0
    let moved = 0
    for (let round = 0; ; round++) {
      const before = pipe.bytes
      if (before > 0) {
        flow |= sink.fromPipe(pipe) & (OUT | REFUSED)
        moved += before - pipe.bytes
        if (pipe.bytes > 0) flow |= FULL_OUT
      }
      if (flow & (IN | OUT | REFUSED)) break
      if (this.over) {
        flow |= SHUT_IN
        break
      }
      if (round === ROUNDS || moved >= TURN_BYTES) {
        this.from.layer.again()
        break
      }
      const asked = source.toPipe(pipe, SPLICE_SIZE)
      if (pipe.bytes > 0) this.read = true
      flow |= asked & (IN | REFUSED)
      if (flow & SHUT_IN) this.from.readEnded()
    }
    if (moved > 0) {
      this.total += moved
      this.wrote = true
    }
    if (flow & REFUSED) this.#bulk = NaN
    else if (moved < BULK_READ && pipe.bytes === 0) this.#bulk = 0
    if (pipe.bytes === 0) this.release()
    return flow
  }

  /** `from` is about to go: what was read of it is `to`'s to send. Only before anything was spliced. */
  handOver(): void {
    const { length } = this.bytes
    this.to.output.append(this.bytes.view())
    this.bytes.take(length)
    this.total += length
  }

  /** Gives the pipe back; what it still holds is lost. */
  release(): void {
    this.#pipe?.release()
    this.#pipe = null
  }
}

/** Reads what is there, up to `limit` bytes, for somebody who looks before it goes on. The flow of the last read, 0 without one. */
export function readAhead(from: Connection, limit: number): Flow {
  let flow: Flow = 0
  while (!ended(from.shut, R) && from.input.length < limit) {
    flow = from.layer.fill(from.input)
    from.input.keep()
    if (flow & SHUT_IN) from.readEnded()
    if (flow & (ERR_IN | EMPTY_IN)) break
  }
  return flow
}
