// Owns one listening socket: how it is made, and accepting from it.
//
// It is level-triggered, unlike the connections: what a batch leaves in the queue is announced again in the next turn, after
// everybody else's events, so that no listener starves another. Where several threads share the socket, one of them is woken.

import type { Address } from '../../core/address.ts'
import type { ListenEvents, Listener, ListenSpec } from '../../core/provider.ts'
import type { Pollable } from './epoll.ts'
import { familyOf, OptionSetter } from './options.ts'
import { decodeSockaddr, encodeAddress, prepareSockaddr, SOCKADDR, SOCKADDR_SIZE } from './sockaddr.ts'
import { LinuxSock } from './sock.ts'
import * as sys from './syscalls.ts'
import type { Thread } from './thread.ts'
import { checkReplaceable, removeQuietly, temporaryPath, UnixPath } from './unix-path.ts'

const STREAM = sys.SOCK_STREAM | sys.SOCK_NONBLOCK | sys.SOCK_CLOEXEC
const ACCEPTED = sys.SOCK_NONBLOCK | sys.SOCK_CLOEXEC
/** HAProxy's defer-accept: a connection without data is accepted after this many seconds. */
const DEFER_SECONDS = 1
const { E } = sys

/** Connections that a listener takes in at most before it closes: what a full queue holds. */
const LAST = 4096

/** How sure the listener can get of what its clients do, and how often it looks whether they still do. */
const CERTAIN = 8
const LOOK_AGAIN = 32

/** Connections that died in the queue, and the network's passing errors, which Linux reports here: the next one may be fine. */
const PASSING: ReadonlySet<number> = new Set([
  -E.EINTR,
  -E.ECONNABORTED,
  -E.EPROTO,
  -E.EPERM,
  -E.ENETDOWN,
  -E.ENOPROTOOPT,
  -E.EHOSTUNREACH,
  -E.EOPNOTSUPP,
  -E.ENETUNREACH,
  -E.ECONNRESET,
  -E.ETIMEDOUT,
])

class LinuxListener implements Listener, Pollable {
  readonly address: Address
  /** Set by the poller. */
  generation = 0
  readonly #thread: Thread
  readonly #events: ListenEvents
  readonly #family: number
  readonly #path: UnixPath | undefined
  /** What an accepted sock's own address is without asking: the listener's, where it stands for one address only (a transparent one does not). */
  readonly #local: Address | undefined
  readonly #batch: number
  #fd: number
  #paused = true
  /** Above 0: what clients say first tends to be there when they are accepted. Below: not yet. */
  #talkative = 0
  #accepts = 0

  /** Takes over a listening, non-blocking descriptor. */
  constructor(thread: Thread, fd: number, address: Address, events: ListenEvents, batch: number, transparent: boolean, path?: UnixPath) {
    this.#thread = thread
    this.#fd = fd
    this.address = address
    this.#events = events
    this.#family = familyOf(address)
    this.#path = path
    this.#batch = batch
    this.#local = !transparent && standsForOne(address) ? address : undefined
    thread.poller.hold()
  }

  get fd(): number {
    return this.#fd
  }

  pause(): void {
    if (this.#paused || this.#fd < 0) return
    this.#paused = true
    this.#thread.poller.remove(this.#fd, true)
  }

  /** Throws a system error when the descriptor cannot be watched. */
  resume(): void {
    if (!this.#paused || this.#fd < 0) return
    const result = this.#thread.poller.add(this.#fd, this, sys.EPOLLIN | sys.EPOLLEXCLUSIVE)
    if (result < 0) throw sys.systemError('epoll_ctl', result, 'on a listening socket')
    this.#paused = false
  }

  events(): void {
    this.#take(this.#batch)
  }

  #take(most: number): void {
    const kernel = this.#thread.kernel
    for (let left = most; left > 0 && !this.#paused; left--) {
      prepareSockaddr()
      const fd = kernel.accept4(this.#fd, SOCKADDR, SOCKADDR_SIZE, ACCEPTED)
      if (fd >= 0) {
        const sock = new LinuxSock(this.#thread, fd, this.#family, this.#local)
        sock.keepRemote()
        const early = this.#talkative >= 0 || ++this.#accepts % LOOK_AGAIN === 0
        // Where nothing is expected, the first read would be for nothing: the registration, which comes anyway, tells of it.
        if (!early) sock.waitIn()
        this.#accepted(sock)
        if (early && (sock.heard || sock.dry)) this.#talkative = Math.max(-CERTAIN, Math.min(CERTAIN, this.#talkative + (sock.heard ? 1 : -1)))
      } else if (fd === -E.EAGAIN) {
        return
      } else if (!PASSING.has(fd)) {
        this.pause() // level-triggered: it would be announced for ever
        this.#events.failed(sys.errnoName(fd))
        return
      }
    }
  }

  #accepted(sock: LinuxSock): void {
    try {
      this.#events.accepted(sock)
    } catch (error) {
      sock.reset()
      throw error
    }
  }

  /** Whoever waits in the queue is connected already and would be reset: unless it is paused, a listener takes them in before it goes. */
  close(): void {
    const fd = this.#fd
    if (fd < 0) return
    try {
      this.#take(LAST)
    } finally {
      this.pause()
      this.#fd = -1
      this.#path?.remove()
      this.#thread.kernel.close(fd)
      this.#thread.poller.release()
    }
  }
}

function standsForOne(address: Address): boolean {
  return address.family === 'unix' || (address.family === 'ipv4' && address.host !== '0.0.0.0') || (address.family === 'ipv6' && address.host !== '::')
}

/** Throws an Error whose `code` is the system error name. `batch`: connections accepted in one turn at most. */
export function listen(thread: Thread, spec: ListenSpec, events: ListenEvents, batch: number): LinuxListener {
  const { kernel } = thread
  const inherited = spec.fd !== undefined
  const given = inherited && spec.shared !== true
  const fd = spec.fd === undefined ? kernel.socket(familyOf(spec.address), STREAM, 0) : given ? spec.fd : kernel.fcntl(spec.fd, sys.F_DUPFD_CLOEXEC, 0)
  if (fd < 0) throw sys.systemError(inherited ? 'dup' : 'socket', fd, describe(spec.address))
  try {
    const path = inherited ? adopt(kernel, fd) : open(kernel, fd, spec)
    const address = boundAddress(kernel, fd, spec.address, path !== undefined)
    if (address.family !== 'unix') setOptions(kernel, fd, { ...spec, address })
    const listener = new LinuxListener(thread, fd, address, events, batch, spec.transparent === true, path)
    listener.resume()
    return listener
  } catch (error) {
    if (!given) kernel.close(fd)
    throw error
  }
}

function describe(address: Address): string {
  switch (address.family) {
    case 'ipv4':
      return `${address.host}:${address.port}`
    case 'ipv6':
      return `[${address.host}]:${address.port}`
    case 'unix':
      return address.abstract ? `abns@${address.path}` : address.path
    case 'none':
      return 'no address'
  }
}

function check(call: string, result: number, spec: ListenSpec): void {
  if (result < 0) throw sys.systemError(call, result, describe(spec.address))
}

function open(kernel: sys.Kernel, fd: number, spec: ListenSpec): UnixPath | undefined {
  const { address } = spec
  const backlog = spec.backlog ?? 4096
  if (address.family !== 'unix') {
    sys.setInt(kernel, fd, sys.SOL_SOCKET, sys.SO_REUSEADDR, 1)
    beforeBind(kernel, fd, spec)
    bindTo(kernel, fd, address, spec)
    check('listen', kernel.listen(fd, backlog), spec)
    return undefined
  }
  if (address.abstract) {
    bindTo(kernel, fd, address, spec)
    check('listen', kernel.listen(fd, backlog), spec)
    return undefined
  }
  checkReplaceable(address.path)
  const aside = temporaryPath(address.path)
  const tooLong = encodeAddress(address)
  if (typeof tooLong === 'number') check('bind', tooLong, spec)
  removeQuietly(aside)
  try {
    bindTo(kernel, fd, { family: 'unix', path: aside, abstract: false }, spec)
    check('listen', kernel.listen(fd, backlog), spec)
    return new UnixPath(aside, address.path, spec)
  } catch (error) {
    removeQuietly(aside)
    throw error
  }
}

function bindTo(kernel: sys.Kernel, fd: number, address: Address, spec: ListenSpec): void {
  const sockaddr = encodeAddress(address)
  if (typeof sockaddr === 'number') check('bind', sockaddr, spec)
  else check('bind', kernel.bind(fd, sockaddr, sockaddr.length), spec)
}

function refused(options: OptionSetter, spec: ListenSpec): void {
  const { errno, option } = options.outcome
  if (errno < 0) throw sys.systemError('setsockopt', errno, `for "${option}" on ${describe(spec.address)}`)
}

/** What has to be known before the address is taken. */
function beforeBind(kernel: sys.Kernel, fd: number, spec: ListenSpec): void {
  const options = new OptionSetter(kernel, fd, familyOf(spec.address))
  if (spec.address.family === 'ipv6' && spec.v6only !== undefined) options.int('v6only', sys.SOL_IPV6, sys.IPV6_V6ONLY, spec.v6only ? 1 : 0)
  options.common(spec)
  if (spec.mss !== undefined) options.int('mss', sys.SOL_TCP, sys.TCP_MAXSEG, spec.mss)
  refused(options, spec)
}

/** What connections inherit, or the listening socket does by itself. Set on inherited descriptors too. */
function setOptions(kernel: sys.Kernel, fd: number, spec: ListenSpec): void {
  const options = new OptionSetter(kernel, fd, familyOf(spec.address))
  options.int('nodelay', sys.SOL_TCP, sys.TCP_NODELAY, 1)
  if (spec.smartAccept === true) options.int('tcp-smart-accept', sys.SOL_TCP, sys.TCP_QUICKACK, 0)
  if (spec.keepAlive === true) options.int('keep-alive', sys.SOL_SOCKET, sys.SO_KEEPALIVE, 1)
  if (spec.deferAccept === true) options.int('defer-accept', sys.SOL_TCP, sys.TCP_DEFER_ACCEPT, DEFER_SECONDS)
  if (spec.saveSyn !== undefined) options.int('tcp-ss', sys.SOL_TCP, sys.TCP_SAVE_SYN, spec.saveSyn)
  if (spec.tcpFastOpen === true) options.int('tfo', sys.SOL_TCP, sys.TCP_FASTOPEN, spec.backlog ?? 4096)
  refused(options, spec)
}

/** An inherited descriptor must listen; it is made ours. */
function adopt(kernel: sys.Kernel, fd: number): undefined {
  const listening = sys.getInt(kernel, fd, sys.SOL_SOCKET, sys.SO_ACCEPTCONN)
  if (listening < 0) throw sys.systemError('getsockopt', listening, `on the inherited descriptor ${fd}`)
  if (listening === 0) throw sys.systemError('listen', -E.EINVAL, `: the inherited descriptor ${fd} is not a listening socket`)
  const flags = kernel.fcntl(fd, sys.F_GETFL, 0)
  kernel.fcntl(fd, sys.F_SETFL, Math.max(flags, 0) | sys.O_NONBLOCK)
  kernel.fcntl(fd, sys.F_SETFD, sys.FD_CLOEXEC)
}

function boundAddress(kernel: sys.Kernel, fd: number, wanted: Address, moved: boolean): Address {
  if (moved) return wanted // the kernel knows the name before the move
  prepareSockaddr()
  const result = kernel.getsockname(fd, SOCKADDR, SOCKADDR_SIZE)
  if (result < 0) throw sys.systemError('getsockname', result, describe(wanted))
  return decodeSockaddr()
}
