// Owns the pipes that bytes are spliced through: a pool per thread, bounded by maxpipes.
//
// Making a pipe costs two descriptors and three calls, so an empty one is kept for the next transfer. One that still holds bytes
// can never be: they belong to a connection that is gone.

import { readSync } from 'node:fs'
import type { Bytes } from '../../core/bytes.ts'
import type { Pipe } from '../../core/sock.ts'
import { F_SETPIPE_SZ, O_CLOEXEC, O_NONBLOCK, type Kernel } from './syscalls.ts'

export class LinuxPipe implements Pipe {
  bytes = 0
  /** Descriptors of the two ends; -1 once closed. */
  readEnd: number
  writeEnd: number
  readonly #pool: PipePool
  /** Held by a channel, not by the pool. */
  out = true

  constructor(pool: PipePool, readEnd: number, writeEnd: number) {
    this.#pool = pool
    this.readEnd = readEnd
    this.writeEnd = writeEnd
  }

  drain(into: Bytes): void {
    while (this.bytes > 0) {
      const chunk = Buffer.allocUnsafeSlow(this.bytes)
      const n = readSync(this.readEnd, chunk)
      this.bytes -= n
      into.append(chunk.subarray(0, n))
    }
  }

  release(): void {
    if (!this.out) return
    this.out = false
    this.#pool.give(this)
  }
}

const ENDS = new Uint8Array(8)
const ENDS_VALUE = new Int32Array(ENDS.buffer)

export interface PipeOptions {
  /** How many pipes may exist at once; 0 turns splicing off. */
  readonly max: number
  /** Bytes that a pipe can hold; 0 leaves the kernel's default of 64 KiB. What the kernel refuses is left as it was. */
  readonly size: number
}

export class PipePool {
  readonly #kernel: Kernel
  readonly #free: LinuxPipe[] = []
  readonly #all = new Set<LinuxPipe>()
  readonly options: PipeOptions

  constructor(kernel: Kernel, options: PipeOptions) {
    this.#kernel = kernel
    this.options = options
  }

  /** Pipes that exist, free ones included. */
  get count(): number {
    return this.#all.size
  }

  /** undefined when there are maxpipes already, or the kernel has no descriptors left: bytes then pass through buffers. */
  take(): LinuxPipe | undefined {
    const kept = this.#free.pop()
    if (kept !== undefined) {
      kept.out = true
      return kept
    }
    if (this.count >= this.options.max || this.#kernel.pipe2(ENDS, O_NONBLOCK | O_CLOEXEC) < 0) return undefined
    const pipe = new LinuxPipe(this, ENDS_VALUE[0] ?? -1, ENDS_VALUE[1] ?? -1)
    this.#all.add(pipe)
    if (this.options.size > 0) this.#kernel.fcntl(pipe.writeEnd, F_SETPIPE_SZ, this.options.size)
    return pipe
  }

  give(pipe: LinuxPipe): void {
    if (!this.#all.has(pipe)) return // the pool is closed
    if (pipe.bytes === 0) this.#free.push(pipe)
    else this.#discard(pipe)
  }

  #discard(pipe: LinuxPipe): void {
    this.#kernel.close(pipe.readEnd)
    this.#kernel.close(pipe.writeEnd)
    pipe.readEnd = -1
    pipe.writeEnd = -1
    pipe.bytes = 0
    this.#all.delete(pipe)
  }

  /** Closes the pipes that nobody uses. */
  trim(): void {
    for (const pipe of this.#free.splice(0)) this.#discard(pipe)
  }

  /** Closes all pipes, those in use too: whoever has one does nothing with it any more. */
  close(): void {
    this.#free.length = 0
    for (const pipe of this.#all) this.#discard(pipe)
  }
}
