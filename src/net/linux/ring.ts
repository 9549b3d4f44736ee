// Owns the io_uring through which the small sends of one turn go to the kernel in one call.
//
//   fill() ─recv─► slab ─flush()─► entry ┐
//   fill() ─recv─► slab ─flush()─► entry ┤  end of the turn: one io_uring_enter() sends them all
//   fill() ─recv─► slab ─flush()─► entry ┘
//
// Only bytes in the slab go this way: they stay where they are until they are sent. Every entry is a send that does not block, so
// all answers are there when the call returns; what was not taken whole is told to its sock, which keeps the rest.
// Where io_uring is missing or forbidden there is no ring, and every flush() is a call of its own.

import { E, MSG_DONTWAIT, MSG_NOSIGNAL, type Kernel } from './syscalls.ts'

/** Sends put together at most: more would let the peers wait for each other. */
const ENTRIES = 64
/** Bytes that one read into the slab asks for. */
export const SLAB_READ = 16384
const SLAB_SIZE = ENTRIES * SLAB_READ

const SETUP_SINGLE_ISSUER = 1 << 12
const SETUP_DEFER_TASKRUN = 1 << 13
const FEAT_SINGLE_MMAP = 1
const OFF_SQ_RING = 0
const OFF_SQES = 0x10000000
const ENTER_GETEVENTS = 1
const OP_SEND = 26
const FLAGS = MSG_DONTWAIT | MSG_NOSIGNAL
const SQE_WORDS = 16
const CQE_WORDS = 4
/** struct io_uring_params, in 32-bit words, and the fields used here. */
const PARAMS_WORDS = 30
const P = { sqEntries: 0, cqEntries: 1, flags: 2, features: 5, sqTail: 11, sqMask: 12, sqArray: 16, cqHead: 20, cqTail: 21, cqMask: 22, cqes: 25 } as const

export interface RingSender {
  readonly fd: number
  /** The answer for `size` bytes at `start` of the slab: how many were taken, or -errno. Nothing may be put into the ring from here. */
  sent(result: number, start: number, size: number): void
}

export class SendRing {
  /** What is read here may be sent from here. */
  readonly slab = Buffer.allocUnsafeSlow(SLAB_SIZE)
  /** The slab's address. */
  readonly base: number
  /** Where the next read goes: what is before it waits to be sent. */
  cursor = 0
  readonly #kernel: Kernel
  readonly #fd: number
  readonly #params: Uint32Array
  readonly #ring: Int32Array<ArrayBuffer>
  readonly #sqes: Int32Array<ArrayBuffer>
  readonly #sqTail: number
  readonly #sqMask: number
  readonly #cqHead: number
  readonly #cqTail: number
  readonly #cqMask: number
  readonly #cqes: number
  readonly #senders: RingSender[] = []
  readonly #starts = new Int32Array(ENTRIES)
  readonly #sizes = new Int32Array(ENTRIES)
  #broken = false

  constructor(kernel: Kernel, fd: number, params: Uint32Array, ring: ArrayBuffer, sqes: ArrayBuffer) {
    this.#kernel = kernel
    this.#fd = fd
    this.#params = params
    this.#ring = new Int32Array(ring)
    this.#sqes = new Int32Array(sqes)
    this.#sqTail = this.#at(P.sqTail)
    this.#sqMask = this.#word(this.#at(P.sqMask))
    this.#cqHead = this.#at(P.cqHead)
    this.#cqTail = this.#at(P.cqTail)
    this.#cqMask = this.#word(this.#at(P.cqMask))
    this.#cqes = this.#at(P.cqes)
    const entries = params[P.sqEntries] ?? 0
    for (let i = 0; i < entries; i++) this.#ring[this.#at(P.sqArray) + i] = i
    this.base = kernel.address(this.slab)
  }

  /** An offset that the kernel gave in bytes, as an index of words. */
  #at(field: number): number {
    return (this.#params[field] ?? 0) / 4
  }

  #word(index: number): number {
    return this.#ring[index] ?? 0
  }

  /** Whether there is room for one more read, and for its send. submit() makes room. */
  get open(): boolean {
    return this.#senders.length < ENTRIES && this.cursor + SLAB_READ <= SLAB_SIZE && !this.#broken
  }

  /** Takes `size` bytes at `start` of the slab, where the last read put them. Only while open. */
  push(sender: RingSender, start: number, size: number): void {
    const n = this.#senders.push(sender) - 1
    const tail = this.#word(this.#sqTail)
    const at = (tail & this.#sqMask) * SQE_WORDS
    const address = this.base + start
    const sqes = this.#sqes // the words that are not written here stay 0
    sqes[at] = OP_SEND
    sqes[at + 1] = sender.fd
    sqes[at + 4] = address | 0
    sqes[at + 5] = address / 0x1_0000_0000
    sqes[at + 6] = size
    sqes[at + 7] = FLAGS
    sqes[at + 8] = n
    this.#ring[this.#sqTail] = (tail + 1) | 0
    this.#starts[n] = start
    this.#sizes[n] = size
    this.cursor = (start + size + 63) & ~63
  }

  /** Sends all that was pushed: every sender has its answer when this returns. */
  submit(): void {
    const count = this.#senders.length
    if (count > 0) {
      let left = count
      let answered = 0
      while (answered < count) {
        const result = left > 0 ? this.#kernel.ioUringEnter(this.#fd, left, 0, 0) : this.#kernel.ioUringEnter(this.#fd, 0, 1, ENTER_GETEVENTS)
        if (result > 0) left -= result
        answered += this.#reap()
        if (result <= 0 && left > 0 && result !== -E.EINTR) {
          this.#giveUp(count - left)
          break
        }
      }
      this.#senders.length = 0
    }
    this.cursor = 0
  }

  #reap(): number {
    const ring = this.#ring
    const tail = Atomics.load(ring, this.#cqTail)
    let head = this.#word(this.#cqHead)
    let n = 0
    for (; head !== tail; head = (head + 1) | 0, n++) {
      const at = this.#cqes + (head & this.#cqMask) * CQE_WORDS
      this.#answer(this.#word(at), this.#word(at + 2))
    }
    Atomics.store(ring, this.#cqHead, head)
    return n
  }

  #answer(n: number, result: number): void {
    this.#senders[n]?.sent(result, this.#starts[n] ?? 0, this.#sizes[n] ?? 0)
  }

  /** The kernel takes no more entries: what is left is sent one by one, and the ring is not used again. */
  #giveUp(from: number): void {
    this.#broken = true
    for (let n = from; n < this.#senders.length; n++) {
      const start = this.#starts[n] ?? 0
      const size = this.#sizes[n] ?? 0
      this.#answer(n, this.#kernel.send(this.#senders[n]?.fd ?? -1, this.slab.subarray(start, start + size), size, FLAGS))
    }
  }

  close(): void {
    this.#broken = true
    this.#kernel.unmapRing(this.#ring.buffer)
    this.#kernel.unmapRing(this.#sqes.buffer)
    this.#kernel.close(this.#fd)
  }
}

/** undefined where the kernel has no io_uring for us. */
export function openRing(kernel: Kernel): SendRing | undefined {
  const params = new Uint32Array(PARAMS_WORDS)
  params[P.flags] = SETUP_SINGLE_ISSUER | SETUP_DEFER_TASKRUN // Linux 6.1: no work on our behalf but within our own calls
  const fd = kernel.ioUringSetup(ENTRIES, new Uint8Array(params.buffer))
  if (fd < 0) return undefined
  const entries = params[P.sqEntries] ?? 0
  const ringSize = Math.max((params[P.sqArray] ?? 0) + entries * 4, (params[P.cqes] ?? 0) + (params[P.cqEntries] ?? 0) * CQE_WORDS * 4)
  const single = ((params[P.features] ?? 0) & FEAT_SINGLE_MMAP) !== 0
  const ring = single ? kernel.mapRing(fd, OFF_SQ_RING, ringSize) : undefined
  const sqes = ring === undefined ? undefined : kernel.mapRing(fd, OFF_SQES, entries * SQE_WORDS * 4)
  if (ring !== undefined && sqes !== undefined) return new SendRing(kernel, fd, params, ring, sqes)
  if (ring !== undefined) kernel.unmapRing(ring)
  kernel.close(fd)
  return undefined
}
