// Owns the contract of a sock provider: where socks come from. net/node and net/linux fill it.

import type { Address } from './address.ts'
import type { Sock } from './sock.ts'

export interface ListenSpec {
  /** Where to listen; port 0 takes a free one. Ignored when `fd` is given. */
  readonly address: Address
  /** An already listening descriptor that was inherited. */
  readonly fd?: number
  /** `fd` is another thread's and stays so: the listener takes a duplicate. */
  readonly shared?: boolean
  readonly backlog?: number
  /** IPv6 sockets: true refuses IPv4-mapped peers. Default: the system's. */
  readonly v6only?: boolean
  /** Unix sockets: permission bits and owner of the path. */
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
  /** Only where the provider can; one that cannot refuses with an error that names it. */
  readonly interface?: string
  readonly transparent?: boolean
  readonly tcpFastOpen?: boolean
  readonly deferAccept?: boolean
  /** The ACK for what a client says first may wait for our answer (option tcp-smart-accept). Without effect where the provider cannot. */
  readonly smartAccept?: boolean
  readonly mss?: number
  /** Keep the headers of SYNs: 1 from IP on, 2 from Ethernet on. */
  readonly saveSyn?: 1 | 2
  /** TCP_USER_TIMEOUT, ms. */
  readonly userTimeout?: number
  readonly keepAlive?: boolean
}

export interface Listener {
  /** The bound address, the real port included. */
  readonly address: Address
  /** The listening descriptor, where the provider has one to give to other threads. */
  readonly fd?: number
  /** Stops accepting; connections wait in the kernel's queue. */
  pause(): void
  resume(): void
  /** Closes the descriptor; accepted socks live on. A Unix path that this process made is removed. */
  close(): void
}

export interface ListenEvents {
  accepted(sock: Sock): void
  /** accept() failed with this system error name (EMFILE, ENFILE, ENOBUFS …); the listener goes on when resumed. */
  failed(error: string): void
  /** A provider that cannot leave connections in the kernel's queue while it is paused holds `limit` itself, and resets what comes beyond. Once per pause. */
  overflowed?(limit: number): void
}

/** How the kernel marks what it sends on one outgoing connection, from its SYN on. */
export interface OutgoingPackets {
  /** SO_MARK. */
  readonly mark?: number
  /** The TOS (IPv4) or traffic class (IPv6) byte. */
  readonly tos?: number
  /** The kernel did not want to, for the reason of this system error name; the connection is made without. */
  refused(what: 'mark' | 'tos', error: string): void
}

export interface ConnectSpec {
  readonly to: Address
  /** Source address to bind; port 0 lets the kernel choose. */
  readonly from?: Address
  readonly interface?: string
  readonly transparent?: boolean
  readonly tcpFastOpen?: boolean
  readonly userTimeout?: number
  readonly keepAlive?: boolean
  /** Only where the provider can. */
  readonly packets?: OutgoingPackets
}

export interface Provider {
  /** Calls `begin` and `end` around each turn in which it tells socks' owners of events, where it has such turns. */
  eachTurn?(begin: () => void, end: () => void): void
  readonly name: 'node' | 'linux'
  /** Rejects with an Error whose `code` is the system error name. */
  listen(spec: ListenSpec, events: ListenEvents): Promise<Listener>
  /**
   * The sock is returned connecting; its owner is told when that is over. Immediate failures are reported the same way.
   * `speaks`: its first bytes are at hand or expected, and the ACK that ends the connection's setup may travel with them.
   */
  connect(spec: ConnectSpec, speaks?: boolean): Sock
}
