// Owns one connected (or connecting) socket: a descriptor, what is known of its readiness, and how it is let go of.
//
// Events are edges, and what they tell is remembered (readiness.ts), so that no call is made whose answer is known.
//
// It is registered at the first DRY or FULL, once and for both ways, and never changed: a connection that is served in one go
// never is. The registration itself reports what happened until then.

import type { Address } from '../../core/address.ts'
import type { Bytes } from '../../core/bytes.ts'
import {
  EMPTY_IN,
  ERR_IN,
  ERR_OUT,
  FULL_OUT,
  REFUSED,
  SHUT_IN,
  SHUT_OUT,
  type Flow,
  type Owner,
  type Pipe,
  type Sock,
  type Spliceable,
} from '../../core/sock.ts'
import { Ends } from './ends.ts'
import type { Pollable, Worker } from './epoll.ts'
import { LinuxPipe } from './pipes.ts'
import * as is from './readiness.ts'
import { makeRoom } from './room.ts'
import * as sys from './syscalls.ts'
import { READ_SIZE, type Thread } from './thread.ts'

const WATCHED = sys.EPOLLIN | sys.EPOLLPRI | sys.EPOLLOUT | sys.EPOLLRDHUP | sys.EPOLLET
const SEND_FLAGS = sys.MSG_NOSIGNAL | sys.MSG_DONTWAIT
const SPLICE_FLAGS = sys.SPLICE_F_MOVE | sys.SPLICE_F_NONBLOCK

const NOBODY: Owner = { ready: () => undefined }
const NOTHING = new Uint8Array(1)
const ABORT = new Uint8Array(new Int32Array([1, 0]).buffer) // struct linger: on, 0 s

export class LinuxSock extends Ends implements Sock, Spliceable, Pollable, Worker {
  readonly provider = 'linux'
  owner: Owner = NOBODY
  error = ''
  /** Set by the poller. */
  generation = 0
  queued = false
  #state: number
  /** What connect() came to, for the next turn: 0 or -errno; 1 while the kernel has not said. */
  #answer = 1

  /** Takes over a connected descriptor. `local` when it is known without asking. */
  constructor(thread: Thread, fd: number, family: number, local?: Address, remote?: Address) {
    super(thread, fd, family, local, remote)
    this.#state = (family === sys.AF_UNIX ? is.STREAM_MARKS : 0) | (thread.pipes.options.max === 0 ? is.NO_SPLICE : 0)
    thread.poller.hold()
  }

  /** For connect(): it came to `answer` (0 or -errno). The owner is told in the next turn, never before he has the sock. */
  startConnecting(answer: number, fastOpen: boolean): void {
    this.#state |= is.CONNECTING
    if (answer === -sys.E.EINPROGRESS) {
      const result = this.#register()
      if (result === 0) return
      answer = result
    } else if (answer === 0 && fastOpen) this.#state |= is.FAST_OPEN
    this.#answer = answer
    this.thread.poller.queue(this)
  }

  get connecting(): boolean {
    return (this.#state & is.CONNECTING) !== 0
  }

  /** Known to have nothing to read, known to take nothing: until the next event, the calls would say EAGAIN. */
  get dry(): boolean {
    return (this.#state & is.DRY) !== 0
  }
  get full(): boolean {
    return (this.#state & is.FULL) !== 0
  }
  /** A read that gets less than it asked for proves nothing: the peer's end, an error or a mark in the stream may be behind it. */
  get hung(): boolean {
    return (this.#state & (is.HUNG | is.BROKEN | is.STREAM_MARKS)) !== 0
  }
  /** The thread's read buffer, for data layers that read by themselves. Overwritten by the next read of any sock. */
  get shared(): Buffer {
    return this.thread.shared
  }

  #register(): number {
    this.#state |= is.REGISTERED
    const result = this.thread.poller.add(this.fd, this, WATCHED)
    if (result < 0) this.#state &= ~is.REGISTERED
    return result
  }

  /** A read on the descriptor found it empty: ready() will be called when that changes. For data layers that read by themselves, too. */
  waitIn(): Flow {
    this.#state |= is.DRY
    if ((this.#state & is.REGISTERED) === 0) {
      const result = this.#register()
      if (result < 0) return this.#brokeIn(result)
    }
    return EMPTY_IN
  }

  /** A write on the descriptor found it full: ready() will be called when that changes. */
  waitOut(): Flow {
    this.#state |= is.FULL
    if ((this.#state & is.REGISTERED) === 0) {
      const result = this.#register()
      if (result < 0) return this.#brokeOut(result)
    }
    return FULL_OUT
  }

  events(flags: number): void {
    const before = this.#state
    if ((before & is.CONNECTING) !== 0) {
      this.#connected(flags)
      return
    }
    const after = is.seen(before, flags)
    this.#state = after
    if ((before & ~after) !== 0 || (after & ~before & (is.HUNG | is.BROKEN)) !== 0) this.owner.ready()
  }

  /** The first event of a connecting socket. Only a flagged error is worth asking for. */
  #connected(flags: number): void {
    let answer = 0
    if ((flags & (sys.EPOLLERR | sys.EPOLLHUP)) !== 0) {
      const error = sys.getInt(this.thread.kernel, this.fd, sys.SOL_SOCKET, sys.SO_ERROR)
      answer = error === 0 ? -sys.E.ECONNRESET : error > 0 ? -error : error
    }
    // The event tells of input, too: where it does not, there is none, and the first read needs no call.
    this.#state = is.seen(this.#state, flags) | (answer === 0 && (flags & ~sys.EPOLLOUT) === 0 ? is.DRY : 0)
    this.#settle(answer)
  }

  #settle(answer: number): void {
    this.#state &= ~is.CONNECTING
    if (answer < 0) this.#brokeIn(answer)
    else if ((this.#state & is.FIN_WANTED) !== 0) this.#sendFin()
    this.owner.ready()
  }

  work(): void {
    if ((this.#state & is.CLOSED) !== 0) return
    let again = (this.#state & is.AGAIN) !== 0
    this.#state &= ~is.AGAIN
    if ((this.#state & is.FIN_DUE) !== 0 && !this.#sendFin()) again = true
    if ((this.#state & is.CONNECTING) !== 0 && this.#answer <= 0) this.#settle(this.#answer)
    else if (again) this.owner.ready()
  }

  #broke(errno: number): void {
    if (this.error === '') this.error = sys.errnoName(errno)
  }
  #brokeIn(errno: number): Flow {
    if (this.error === 'EPIPE') this.error = '' // a write was told less than the truth
    this.#broke(errno)
    this.#state = (this.#state | is.END) & ~is.DRY
    return ERR_IN
  }
  #brokeOut(errno: number): Flow {
    this.#broke(errno)
    this.#state &= ~(is.DRY | is.FULL) // the way in may still hold bytes, and no event will come
    return ERR_OUT
  }

  /** What is known of the way in without a call: a Flow, or -1 when the kernel has to be asked. */
  #knownIn(): Flow | -1 {
    const state = this.#state
    if ((state & (is.DRY | is.CONNECTING | is.END | is.CLOSED | is.FAST_OPEN)) === 0) return -1
    if ((state & is.CLOSED) !== 0) return ERR_IN
    if ((state & is.END) !== 0) return this.#endFlow()
    if ((state & is.FAST_OPEN) !== 0 && (state & is.CONNECTING) === 0) return this.#connectNow()
    return EMPTY_IN
  }

  /** A reset seen by a write makes later reads say "end"; only after a broken pipe is that the peer's own. */
  #endFlow(): Flow {
    return this.error === '' || this.error === 'EPIPE' ? SHUT_IN : ERR_IN
  }

  /** Reads without having written: the connection that fast open held back has to be made without data. */
  #connectNow(): Flow {
    this.#state &= ~is.FAST_OPEN
    const result = this.thread.kernel.send(this.fd, NOTHING, 0, SEND_FLAGS)
    if (result >= 0) return this.waitIn()
    if (result !== -sys.E.EINPROGRESS && result !== -sys.E.EAGAIN) return this.#brokeIn(result)
    this.#state |= is.CONNECTING
    return this.waitIn()
  }

  fill(into: Bytes): Flow {
    const known = this.#knownIn()
    if (known !== -1) return known
    const kernel = this.thread.kernel
    let asked = READ_SIZE
    let target: Uint8Array = this.thread.shared
    const had = into.end - into.start
    if (had > 0) {
      asked = makeRoom(into)
      target = into.buffer.subarray(into.end)
    }
    let n = kernel.recv(this.fd, target, asked, sys.MSG_DONTWAIT)
    while (n === -sys.E.EINTR) n = kernel.recv(this.fd, target, asked, sys.MSG_DONTWAIT)
    if (n > 0) {
      if (had > 0) into.end += n
      else into.lend(this.thread.shared, n)
      if (n === asked || (this.#state & (is.STREAM_MARKS | is.BROKEN)) !== 0) return 0
      if ((this.#state & is.HUNG) === 0) return this.waitIn()
      this.#state |= is.END
      return this.#endFlow()
    }
    return this.#nothingRead(n)
  }

  #nothingRead(result: number): Flow {
    if (result === 0) {
      this.#state |= is.END
      return this.#endFlow()
    }
    return result === -sys.E.EAGAIN ? this.waitIn() : this.#brokeIn(result)
  }

  /** What is known of the way out without a call: a Flow, or -1 when the kernel has to be asked. */
  #knownOut(): Flow | -1 {
    const state = this.#state
    if (this.error !== '' || (state & is.CLOSED) !== 0) return ERR_OUT
    if ((state & (is.FIN_SENT | is.FIN_WANTED)) !== 0) return SHUT_OUT
    return (state & (is.CONNECTING | is.FULL)) !== 0 ? FULL_OUT : -1
  }

  flush(from: Bytes, last = false): Flow {
    const known = this.#knownOut()
    if (known !== -1) return known
    const size = from.end - from.start
    if (size === 0) return 0
    const kernel = this.thread.kernel
    const bytes = from.start === 0 ? from.buffer : from.buffer.subarray(from.start, from.end)
    const flags = last ? SEND_FLAGS | sys.MSG_MORE : SEND_FLAGS
    let n = kernel.send(this.fd, bytes, size, flags)
    while (n === -sys.E.EINTR) n = kernel.send(this.fd, bytes, size, flags)
    this.#state &= ~is.FAST_OPEN
    if (n === size) {
      from.clear()
      return 0
    }
    if (n >= 0) {
      from.take(n)
      return this.waitOut()
    }
    return this.#notSent(n)
  }

  #notSent(result: number): Flow {
    // EINPROGRESS: fast open without a cookie; the connection is on its way and an event will say so.
    return result === -sys.E.EAGAIN || result === -sys.E.EINPROGRESS ? this.waitOut() : this.#brokeOut(result)
  }

  get splice(): Spliceable | undefined {
    return (this.#state & is.NO_SPLICE) === 0 ? this : undefined
  }

  pipe(): Pipe | undefined {
    return this.thread.pipes.take()
  }

  toPipe(pipe: Pipe, max: number): Flow {
    if (!(pipe instanceof LinuxPipe) || (this.#state & is.NO_SPLICE) !== 0) return REFUSED
    const known = this.#knownIn()
    if (known !== -1) return known
    const kernel = this.thread.kernel
    let n = kernel.splice(this.fd, pipe.writeEnd, max, SPLICE_FLAGS)
    while (n === -sys.E.EINTR) n = kernel.splice(this.fd, pipe.writeEnd, max, SPLICE_FLAGS)
    if (n > 0) {
      pipe.bytes += n
      return 0
    }
    if (n === -sys.E.EAGAIN && pipe.bytes > 0) return FULL_OUT // it cannot be told from an empty socket
    if (this.#refused(n)) return REFUSED
    return this.#nothingRead(n)
  }

  fromPipe(pipe: Pipe): Flow {
    if (!(pipe instanceof LinuxPipe)) return REFUSED
    const known = this.#knownOut()
    if (known !== -1) return known
    if (pipe.bytes === 0) return 0
    const kernel = this.thread.kernel
    let n = kernel.splice(pipe.readEnd, this.fd, pipe.bytes, SPLICE_FLAGS)
    while (n === -sys.E.EINTR) n = kernel.splice(pipe.readEnd, this.fd, pipe.bytes, SPLICE_FLAGS)
    this.#state &= ~is.FAST_OPEN
    if (n >= 0) {
      pipe.bytes -= n
      return pipe.bytes === 0 ? 0 : this.waitOut()
    }
    if (this.#refused(n)) return REFUSED
    return this.#notSent(n)
  }

  #refused(result: number): boolean {
    if (result !== -sys.E.EINVAL && result !== -sys.E.ENOSYS && result !== -sys.E.EOPNOTSUPP) return false
    this.#state |= is.NO_SPLICE
    return true
  }

  shutData(): boolean {
    return true
  }

  shutCtrl(): boolean {
    if (this.error !== '' || (this.#state & (is.CLOSED | is.FIN_SENT)) !== 0) return true
    if ((this.#state & is.FAST_OPEN) !== 0 && (this.#state & is.CONNECTING) === 0) this.#connectNow()
    if ((this.#state & is.CONNECTING) !== 0) {
      this.#state |= is.FIN_WANTED // shutting down a connecting socket would abort it
      return false
    }
    // Nothing can keep it from being sent, so it is completed. The call waits for the end of this turn: where both ends are over by
    // then, close() says the same in one call.
    this.#state |= is.FIN_SENT | is.FIN_DUE
    this.thread.poller.queue(this)
    return true
  }

  /** False: there is a new error. */
  #sendFin(): boolean {
    this.#state = (this.#state | is.FIN_SENT) & ~is.FIN_DUE
    const result = this.thread.kernel.shutdown(this.fd, sys.SHUT_WR)
    if (result >= 0 || result === -sys.E.ENOTCONN) return true // ENOTCONN: the peer has reset it, and reads will say so
    this.#broke(result)
    return false
  }

  close(): void {
    // Closing over unread input is a reset. What was ended politely before that shall have its FIN first.
    if ((this.#state & (is.FIN_DUE | is.END)) === is.FIN_DUE) this.#sendFin()
    const fd = this.#forget()
    if (fd >= 0) this.thread.kernel.close(fd)
  }

  reset(): void {
    this.#state &= ~is.FIN_DUE
    if (this.fd >= 0 && this.family !== sys.AF_UNIX) this.thread.kernel.setsockopt(this.fd, sys.SOL_SOCKET, sys.SO_LINGER, ABORT, ABORT.length)
    this.close()
  }

  /**
   * In repair mode the kernel closes without a word. That takes CAP_NET_ADMIN; without it the RST gets a time to live of one hop,
   * so that a peer behind a router never sees it.
   */
  drop(): void {
    this.#state &= ~is.FIN_DUE
    const fd = this.fd
    const kernel = this.thread.kernel
    if (fd >= 0 && this.family !== sys.AF_UNIX && sys.setInt(kernel, fd, sys.SOL_TCP, sys.TCP_REPAIR, 1) < 0) {
      if (this.family === sys.AF_INET) sys.setInt(kernel, fd, sys.SOL_IP, sys.IP_TTL, 1)
      else sys.setInt(kernel, fd, sys.SOL_IPV6, sys.IPV6_UNICAST_HOPS, 1)
      this.reset()
    }
    this.close()
  }

  /** Hands the descriptor on: it is somebody else's from now on, and this sock is closed. -1 when it was closed before. */
  handOver(): number {
    if ((this.#state & is.FIN_DUE) !== 0) this.#sendFin()
    return this.#forget(true)
  }

  #forget(livesOn = false): number {
    const state = this.#state
    if ((state & is.CLOSED) !== 0) return -1
    const fd = this.fd
    this.#state = is.CLOSED
    this.fd = -1
    this.owner = NOBODY
    if ((state & is.REGISTERED) !== 0) this.thread.poller.remove(fd, livesOn)
    this.thread.poller.release()
    return fd
  }

  again(): void {
    if ((this.#state & is.CLOSED) !== 0) return
    this.#state |= is.AGAIN
    this.thread.poller.queue(this)
  }
}
