// Owns the linux provider: listeners and outgoing sockets on the kernel's own calls.

import type { Provider } from '../../core/provider.ts'
import { connect } from './connect.ts'
import { listen } from './listener.ts'
import type { LinuxSock } from './sock.ts'
import type { Kernel } from './syscalls.ts'
import { Thread } from './thread.ts'

export interface LinuxOptions {
  /** Pipes for splicing that may exist at once in this thread (maxpipes); 0 turns splicing off (nosplice). Default 256. */
  readonly maxPipes?: number
  /** Bytes a pipe can hold (tune.pipesize). Default 256 KiB; 0: the kernel’s own, 64 KiB. */
  readonly pipeSize?: number
  /** Connections accepted from one listener in one turn (tune.maxaccept). Default 64. */
  readonly maxAccept?: number
  /** From how many events in one turn small sends go through io_uring, where there is one; 0: never. Default 4. */
  readonly ringFrom?: number
}

export interface LinuxProvider extends Provider {
  readonly name: 'linux'
  connect(...args: Parameters<Provider['connect']>): LinuxSock
  readonly thread: Thread
  /** Closes what the provider itself holds: epoll, ring and pipes. Socks and listeners have to be closed before. */
  close(): void
}

/** One provider per thread. Throws a system error when there is no epoll to be had. */
export function linuxProvider(kernel: Kernel, options: LinuxOptions = {}): LinuxProvider {
  const thread = new Thread(kernel, { max: options.maxPipes ?? 256, size: options.pipeSize ?? 262144 }, options.ringFrom ?? 4)
  const batch = options.maxAccept ?? 64
  return {
    name: 'linux',
    thread,
    eachTurn: (begin, end) => thread.poller.eachTurn(begin, end),
    listen: async (spec, events) => listen(thread, spec, events, batch),
    connect: (spec, speaks) => connect(thread, spec, speaks),
    close: () => thread.close(),
  }
}
