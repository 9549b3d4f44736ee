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
  }

  /** Lets go of what the thread itself holds. Socks and listeners have to be closed before. */
  close(): void {
    this.pipes.trim()
    this.ring?.close()
    this.poller.close()
  }
}
