// Owns what all socks of one thread share: the kernel's table, the epoll descriptor, the buffer that reads go into, the pipes.

import { Poller } from './epoll.ts'
import { PipePool, type PipeOptions } from './pipes.ts'
import type { Kernel } from './syscalls.ts'

/** Size of the shared read buffer: one recv() brings at most this much. */
export const READ_SIZE = 65536

export class Thread {
  readonly kernel: Kernel
  readonly poller: Poller
  readonly pipes: PipePool
  /** Lent to whoever fills an empty window, and overwritten by the next fill() of any sock of this thread. */
  readonly shared = Buffer.allocUnsafeSlow(READ_SIZE)

  /** Throws a system error when there is no epoll to be had. */
  constructor(kernel: Kernel, pipes: PipeOptions) {
    this.kernel = kernel
    this.poller = new Poller(kernel)
    this.pipes = new PipePool(kernel, pipes)
  }
}
