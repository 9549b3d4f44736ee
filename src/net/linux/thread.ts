// Owns what all socks of one thread share: the kernel's table, the epoll descriptor, the buffer that reads go into, the pipes.

import { Poller } from './epoll.ts'
import { PipePool, type PipeOptions } from './pipes.ts'
import { openRing, type SendRing } from './ring.ts'
import type { Kernel } from './syscalls.ts'

/**
 * Size of the shared read buffer: one recv() brings at most this much. Bulk through the buffer costs 350-510 ms of CPU per GB with
 * 64 KiB, 290-390 with this (HAProxy beside it 420-650); twice as much gains little more, and what a slow receiver leaves is kept.
 */
export const READ_SIZE = 131072

/** A thread may end at any moment, its process goes on, and descriptors are the process's: what is not closed stays open for good. */
const OPEN = new Set<Thread>()
let exitHeard = false

function closeAtExit(): void {
  if (exitHeard) return
  exitHeard = true
  process.on('exit', () => {
    for (const thread of OPEN) thread.close()
  })
}

export class Thread {
  readonly kernel: Kernel
  readonly poller: Poller
  readonly pipes: PipePool
  readonly ring: SendRing | undefined
  /** Lent to whoever fills an empty window, and overwritten by the next fill() of any sock of this thread. */
  readonly shared = Buffer.allocUnsafeSlow(READ_SIZE)

  /** `ringFrom`: how many events make a turn whose sends go through io_uring; 0: none ever. Throws a system error when there is no epoll to be had. */
  constructor(kernel: Kernel, pipes: PipeOptions, ringFrom: number) {
    this.kernel = kernel
    this.poller = new Poller(kernel, ringFrom)
    this.pipes = new PipePool(kernel, pipes)
    this.ring = ringFrom > 0 ? openRing(kernel) : undefined
    this.poller.batch = this.ring
    OPEN.add(this)
    closeAtExit()
  }

  /** Lets go of what the thread itself holds. Socks and listeners have to be closed before. Idempotent. */
  close(): void {
    if (!OPEN.delete(this)) return
    this.poller.close()
    this.pipes.close()
    this.ring?.close()
  }
}
