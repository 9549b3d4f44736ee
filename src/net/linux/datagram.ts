// Owns sending datagrams to a Unix socket such as /dev/log, which Node has no socket for.

import { encodeAddress } from './sockaddr.ts'
import * as sys from './syscalls.ts'

export interface DatagramSender {
  /** Sends one datagram without blocking. Returns '' or the name of a system error: EAGAIN when the reader is behind. */
  send(bytes: Uint8Array): string
  close(): void
}

/** Each datagram is addressed by itself, so that a reader which comes back under the same path is found. */
class UnixDatagram implements DatagramSender {
  readonly #kernel: sys.Kernel
  readonly #to: Uint8Array
  #fd: number

  constructor(kernel: sys.Kernel, fd: number, to: Uint8Array) {
    this.#kernel = kernel
    this.#fd = fd
    this.#to = to
  }

  send(bytes: Uint8Array): string {
    if (this.#fd < 0) return 'EBADF'
    const flags = sys.MSG_DONTWAIT | sys.MSG_NOSIGNAL
    let result = this.#kernel.sendto(this.#fd, bytes, bytes.length, flags, this.#to, this.#to.length)
    while (result === -sys.E.EINTR) result = this.#kernel.sendto(this.#fd, bytes, bytes.length, flags, this.#to, this.#to.length)
    return result < 0 ? sys.errnoName(result) : ''
  }

  close(): void {
    if (this.#fd < 0) return
    this.#kernel.close(this.#fd)
    this.#fd = -1
  }
}

/** `path` need not exist yet. Throws a system error when there is no socket to be had, or the path is too long for one. */
export function openUnixDatagram(kernel: sys.Kernel, path: string, abstract = false): DatagramSender {
  const to = encodeAddress({ family: 'unix', path, abstract })
  if (typeof to === 'number') throw sys.systemError('connect', to, path)
  const fd = kernel.socket(sys.AF_UNIX, sys.SOCK_DGRAM | sys.SOCK_NONBLOCK | sys.SOCK_CLOEXEC, 0)
  if (fd < 0) throw sys.systemError('socket', fd, path)
  return new UnixDatagram(kernel, fd, to)
}
