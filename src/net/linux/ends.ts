// Owns the two ends of a socket: kept as the kernel's numbers, asked for as late as possible, text only on demand.

import { NO_ADDRESS, type Address } from '../../core/address.ts'
import type { KernelSock } from '../../core/sock.ts'
import { decodeSockaddr, ipv4Text, ipv6Text, prepareSockaddr, SOCKADDR, SOCKADDR_SIZE, SOCKADDR_WORDS, sockaddrPort } from './sockaddr.ts'
import { originalDestination, SockOptions, type Descriptor } from './sock-options.ts'
import { AF_INET, AF_INET6 } from './syscalls.ts'
import type { Thread } from './thread.ts'

export class Ends implements Descriptor {
  /** The descriptor; -1 once it is closed or handed on. */
  fd: number
  /** AF_INET, AF_INET6 or AF_UNIX. */
  readonly family: number
  protected readonly thread: Thread
  #local: Address | undefined
  #remote: Address | undefined
  /** Accepted, and nobody asked yet whether it was redirected. */
  #redirected = false
  #port = 0
  #host0 = 0
  #host1 = 0
  #host2 = 0
  #host3 = 0

  /** The addresses where they are known without asking. */
  constructor(thread: Thread, fd: number, family: number, local: Address | undefined, remote: Address | undefined) {
    this.thread = thread
    this.fd = fd
    this.family = family
    this.#local = local
    this.#remote = remote
  }

  /** For accept4: the peer's address is in `SOCKADDR`; it is kept as numbers, because after a reset nobody could tell it. */
  keepRemote(): void {
    const words = SOCKADDR_WORDS
    this.#redirected = this.family === AF_INET || this.family === AF_INET6
    if (this.family === AF_INET) {
      this.#port = sockaddrPort()
      this.#host0 = words[1] ?? 0
    } else if (this.family === AF_INET6) {
      this.#port = sockaddrPort()
      this.#host0 = words[2] ?? 0
      this.#host1 = words[3] ?? 0
      this.#host2 = words[4] ?? 0
      this.#host3 = words[5] ?? 0
    } else {
      this.#remote = decodeSockaddr()
    }
  }

  get kernel(): KernelSock {
    return new SockOptions(this.thread.kernel, this)
  }

  /**
   * Asked from the kernel once; NO_ADDRESS when that is too late. Whether a connection was redirected to its listener is known to nobody
   * before, so that it costs a call, which is made when somebody wants the address.
   */
  local(): Address {
    if (this.#redirected && this.fd >= 0) {
      this.#redirected = false
      this.#local = originalDestination(this.thread.kernel, this.fd, this.family) ?? this.#local
    }
    if (this.#local === undefined) {
      prepareSockaddr()
      if (this.fd < 0 || this.thread.kernel.getsockname(this.fd, SOCKADDR, SOCKADDR_SIZE) < 0) return NO_ADDRESS
      this.#local = decodeSockaddr()
    }
    return this.#local
  }

  remote(): Address {
    this.#remote ??=
      this.family === AF_INET
        ? { family: 'ipv4', host: ipv4Text(this.#host0), port: this.#port }
        : { family: 'ipv6', host: ipv6Text(this.#host0, this.#host1, this.#host2, this.#host3), port: this.#port }
    return this.#remote
  }
}
