// Owns the socket options that listeners and outgoing connections have in common, each set by name so that a refusal names it.

import type { Address } from '../../core/address.ts'
import * as sys from './syscalls.ts'

/** An errno, and the option that got it: for the message. 0 and '' when all went well. */
export interface Outcome {
  errno: number
  option: string
}

export interface CommonOptions {
  readonly interface?: string
  readonly transparent?: boolean
  readonly userTimeout?: number
  readonly keepAlive?: boolean
}

export function familyOf(address: Address): number {
  switch (address.family) {
    case 'ipv4':
      return sys.AF_INET
    case 'ipv6':
      return sys.AF_INET6
    case 'unix':
      return sys.AF_UNIX
    case 'none':
      return 0
  }
}

/** Applies options in order until one is refused. */
export class OptionSetter {
  readonly outcome: Outcome = { errno: 0, option: '' }
  readonly #kernel: sys.Kernel
  readonly #fd: number
  readonly #family: number

  constructor(kernel: sys.Kernel, fd: number, family: number) {
    this.#kernel = kernel
    this.#fd = fd
    this.#family = family
  }

  int(option: string, level: number, name: number, value: number): void {
    if (this.outcome.errno < 0) return
    const result = sys.setInt(this.#kernel, this.#fd, level, name, value)
    if (result < 0) {
      this.outcome.errno = result
      this.outcome.option = option
    }
  }

  /** One option with a name for each IP version. */
  ip(option: string, v4: number, v6: number, value: number): void {
    if (this.#family === sys.AF_INET) this.int(option, sys.SOL_IP, v4, value)
    else this.int(option, sys.SOL_IPV6, v6, value)
  }

  device(name: string): void {
    if (this.outcome.errno < 0) return
    const bytes = Buffer.from(name, 'utf8')
    const result = this.#kernel.setsockopt(this.#fd, sys.SOL_SOCKET, sys.SO_BINDTODEVICE, bytes, bytes.length)
    if (result < 0) {
      this.outcome.errno = result
      this.outcome.option = `interface ${name}`
    }
  }

  /** What a TCP socket of either kind may be told. */
  common(options: CommonOptions): void {
    if (options.interface !== undefined) this.device(options.interface)
    if (options.keepAlive === true) this.int('keep-alive', sys.SOL_SOCKET, sys.SO_KEEPALIVE, 1)
    if (options.userTimeout !== undefined) this.int('tcp-ut', sys.SOL_TCP, sys.TCP_USER_TIMEOUT, options.userTimeout)
    if (options.transparent === true) this.#transparent()
  }

  /** Full transparency takes CAP_NET_ADMIN; without it a foreign address can still be bound. */
  #transparent(): void {
    if (this.outcome.errno < 0) return
    this.ip('transparent', sys.IP_TRANSPARENT, sys.IPV6_TRANSPARENT, 1)
    if (this.outcome.errno >= 0) return
    this.outcome.errno = 0
    this.ip('transparent', sys.IP_FREEBIND, sys.IPV6_FREEBIND, 1)
  }
}
