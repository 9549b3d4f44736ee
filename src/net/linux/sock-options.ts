// Owns what a socket can be asked and told beside moving bytes: TCP_INFO, marks, TOS, the saved SYN, the original destination.

import type { Address } from '../../core/address.ts'
import type { KernelSock, TcpInfo } from '../../core/sock.ts'
import { decodeSockaddr, prepareSockaddr, SOCKADDR, SOCKADDR_SIZE } from './sockaddr.ts'
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  E,
  errnoName,
  IP6T_SO_ORIGINAL_DST,
  IP_TOS,
  IPV6_TCLASS,
  setInt,
  SO_MARK,
  SO_ORIGINAL_DST,
  SOL_IP,
  SOL_IPV6,
  SOL_SOCKET,
  SOL_TCP,
  TCP_INFO,
  TCP_SAVED_SYN,
  type Kernel,
} from './syscalls.ts'

/** As far into struct tcp_info as the fields below reach. */
const INFO_SIZE = 104

class Info implements TcpInfo {
  readonly #words: Uint32Array

  constructor(words: Uint32Array) {
    this.#words = words
  }

  #at(offset: number): number {
    return this.#words[offset / 4] ?? 0
  }

  get unacked(): number {
    return this.#at(24)
  }
  get sacked(): number {
    return this.#at(28)
  }
  get lost(): number {
    return this.#at(32)
  }
  get retrans(): number {
    return this.#at(36)
  }
  get fackets(): number {
    return this.#at(40)
  }
  get rtt(): number {
    return this.#at(68)
  }
  get rttvar(): number {
    return this.#at(72)
  }
  get reordering(): number {
    return this.#at(96)
  }
}

/** More than an Ethernet header with tags, an IPv6 header with extensions and a TCP header: what is longer is not told. */
const SYN_SIZE = 1024

/** Who has the descriptor: -1 once it is closed. */
export interface Descriptor {
  readonly fd: number
  /** AF_INET, AF_INET6 or AF_UNIX. */
  readonly family: number
}

function name(result: number): string {
  return result < 0 ? errnoName(result) : ''
}

/** Made when somebody asks, which few connections do. */
export class SockOptions implements KernelSock {
  readonly #kernel: Kernel
  readonly #of: Descriptor

  constructor(kernel: Kernel, of: Descriptor) {
    this.#kernel = kernel
    this.#of = of
  }

  /** Sets an option that has two names, one for each IP version. */
  #set(level: number, option: number, value: number): string {
    if (this.#of.fd < 0) return 'EBADF'
    return name(setInt(this.#kernel, this.#of.fd, level, option, value))
  }

  tcpInfo(): TcpInfo | undefined {
    const { fd, family } = this.#of
    if (fd < 0 || family === AF_UNIX) return undefined
    const words = new Uint32Array(INFO_SIZE / 4)
    const size = new Uint8Array(new Int32Array([INFO_SIZE]).buffer)
    return this.#kernel.getsockopt(fd, SOL_TCP, TCP_INFO, new Uint8Array(words.buffer), size) < 0 ? undefined : new Info(words)
  }

  setMark(mark: number): string {
    return this.#set(SOL_SOCKET, SO_MARK, mark | 0)
  }

  setTos(tos: number): string {
    switch (this.#of.family) {
      case AF_INET:
        return this.#set(SOL_IP, IP_TOS, tos)
      case AF_INET6:
        return this.#set(SOL_IPV6, IPV6_TCLASS, tos)
      default:
        return errnoName(E.EOPNOTSUPP)
    }
  }

  savedSyn(): Buffer | undefined {
    const { fd, family } = this.#of
    if (fd < 0 || family === AF_UNIX) return undefined
    const syn = Buffer.alloc(SYN_SIZE)
    const size = new Int32Array([SYN_SIZE])
    if (this.#kernel.getsockopt(fd, SOL_TCP, TCP_SAVED_SYN, syn, new Uint8Array(size.buffer)) < 0) return undefined
    const length = size[0] ?? 0
    return length > 0 ? syn.subarray(0, length) : undefined
  }
}

/** Where the peer meant to go before a REDIRECT or DNAT rule, as the kernel tracks it; undefined where it does not. For a connected TCP socket. */
export function originalDestination(kernel: Kernel, fd: number, family: number): Address | undefined {
  const [level, option] = family === AF_INET ? [SOL_IP, SO_ORIGINAL_DST] : [SOL_IPV6, IP6T_SO_ORIGINAL_DST]
  prepareSockaddr()
  return kernel.getsockopt(fd, level, option, SOCKADDR, SOCKADDR_SIZE) < 0 ? undefined : decodeSockaddr()
}
