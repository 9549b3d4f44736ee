// Owns a descriptor's dealings with the poller: its registration, what events change, who is told, and the end of connecting.
//
// It is registered at the first DRY or FULL, once and for both ways, and never changed: a connection that is served in one go
// never is. The registration itself reports what happened until then.

import type { Address } from '../../core/address.ts'
import { EMPTY_IN, ERR_IN, ERR_OUT, FULL_OUT, type Flow, type Owner } from '../../core/sock.ts'
import { Ends } from './ends.ts'
import type { Pollable, Worker } from './epoll.ts'
import * as is from './readiness.ts'
import * as sys from './syscalls.ts'
import type { Thread } from './thread.ts'

const EVENTS = sys.EPOLLIN | sys.EPOLLPRI | sys.EPOLLOUT | sys.EPOLLRDHUP | sys.EPOLLET

const NOBODY: Owner = { ready: () => undefined }

export abstract class Watched extends Ends implements Pollable, Worker {
  owner: Owner = NOBODY
  error = ''
  /** Set by the poller. */
  generation = 0
  queued = false
  behind: Worker | null = null
  /** Bits of readiness.ts. */
  protected state: number
  /** Taken from the owner, and not by the kernel when its turn came. It goes before all else. */
  protected rest: Buffer | null = null
  /** What connect() came to, for the next turn: 0 or -errno; 1 while the kernel has not said. */
  #answer = 1

  constructor(thread: Thread, fd: number, family: number, local: Address | undefined, remote: Address | undefined) {
    super(thread, fd, family, local, remote)
    this.state = (family === sys.AF_UNIX ? is.STREAM_MARKS : 0) | (thread.pipes.options.max === 0 ? is.NO_SPLICE : 0)
    thread.poller.hold()
  }

  /** False: there is a new error. */
  protected abstract sendFin(): boolean
  /** The way out is open again, and there is a rest. */
  protected abstract sendRest(): void

  get connecting(): boolean {
    return (this.state & is.CONNECTING) !== 0
  }

  /** Known to have nothing to read, known to take nothing: until the next event, the calls would say EAGAIN. */
  get dry(): boolean {
    return (this.state & is.DRY) !== 0
  }
  get full(): boolean {
    return (this.state & is.FULL) !== 0
  }
  /** It was read from, and something came. */
  get heard(): boolean {
    return (this.state & is.HEARD) !== 0
  }
  /** A read that gets less than it asked for proves nothing: the peer's end, an error or a mark in the stream may be behind it. */
  get hung(): boolean {
    return (this.state & (is.HUNG | is.BROKEN | is.STREAM_MARKS)) !== 0
  }
  /** Names the error that an event told of, if there is one: nothing can be written any more, and what was not read is of no use to a handshake. */
  failed(): string {
    if ((this.state & is.BROKEN) === 0 || this.error !== '') return this.error
    const errno = sys.getInt(this.thread.kernel, this.fd, sys.SOL_SOCKET, sys.SO_ERROR)
    if (errno > 0) this.brokeIn(-errno)
    return this.error
  }

  /** The thread's read buffer, for data layers that read by themselves. Overwritten by the next read of any sock. */
  get shared(): Buffer {
    return this.thread.shared
  }

  /** For connect(): it came to `answer` (0 or -errno). The owner is told in the next turn, never before he has the sock. */
  startConnecting(answer: number, fastOpen: boolean): void {
    this.state |= is.CONNECTING
    if (answer === -sys.E.EINPROGRESS) {
      const result = this.#register()
      if (result === 0) return
      answer = result
    } else if (answer === 0 && fastOpen) this.state |= is.FAST_OPEN
    this.#answer = answer
    this.thread.poller.queue(this)
  }

  #register(): number {
    this.state |= is.REGISTERED
    const result = this.thread.poller.add(this.fd, this, EVENTS)
    if (result < 0) this.state &= ~is.REGISTERED
    return result
  }

  /** A read on the descriptor found it empty: ready() will be called when that changes. For data layers that read by themselves, too. */
  waitIn(): Flow {
    this.state |= is.DRY
    if ((this.state & is.REGISTERED) === 0) {
      const result = this.#register()
      if (result < 0) return this.brokeIn(result)
    }
    return EMPTY_IN
  }

  /** A write on the descriptor found it full: ready() will be called when that changes. */
  waitOut(): Flow {
    this.state |= is.FULL
    if ((this.state & is.REGISTERED) === 0) {
      const result = this.#register()
      if (result < 0) return this.brokeOut(result)
    }
    return FULL_OUT
  }

  events(flags: number): void {
    const before = this.state
    if ((before & is.CONNECTING) !== 0) {
      this.#connected(flags)
      return
    }
    this.state = is.seen(before, flags)
    if (this.rest !== null && (this.state & is.FULL) === 0) this.sendRest()
    const after = this.state
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
    this.state = is.seen(this.state, flags) | (answer === 0 && (flags & ~sys.EPOLLOUT) === 0 ? is.DRY : 0)
    this.#settle(answer)
  }

  #settle(answer: number): void {
    this.state &= ~is.CONNECTING
    if (answer < 0) this.brokeIn(answer)
    else if ((this.state & is.FIN_WANTED) !== 0) this.sendFin()
    this.owner.ready()
  }

  work(): void {
    if ((this.state & is.CLOSED) !== 0) return
    let again = (this.state & is.AGAIN) !== 0
    this.state &= ~is.AGAIN
    if ((this.state & is.FIN_DUE) !== 0 && !this.sendFin()) again = true
    if ((this.state & is.CONNECTING) !== 0 && this.#answer <= 0) this.#settle(this.#answer)
    else if (again) this.owner.ready()
  }

  again(): void {
    if ((this.state & is.CLOSED) !== 0) return
    this.state |= is.AGAIN
    this.thread.poller.queue(this)
  }

  protected broke(errno: number): void {
    if (this.error === '') this.error = sys.errnoName(errno)
  }

  protected brokeIn(errno: number): Flow {
    if (this.error === 'EPIPE') this.error = '' // a write was told less than the truth
    this.broke(errno)
    this.state = (this.state | is.END) & ~is.DRY
    return ERR_IN
  }

  protected brokeOut(errno: number): Flow {
    this.broke(errno)
    this.rest = null
    this.state &= ~(is.DRY | is.FULL) // the way in may still hold bytes, and no event will come
    return ERR_OUT
  }

  /** Forgets the descriptor and the owner. Returns the descriptor, -1 when that was done before. `livesOn`: nobody is about to close it. */
  protected forget(livesOn: boolean): number {
    const state = this.state
    if ((state & is.CLOSED) !== 0) return -1
    const fd = this.fd
    this.state = is.CLOSED
    this.fd = -1
    this.rest = null
    this.owner = NOBODY
    if ((state & is.REGISTERED) !== 0) this.thread.poller.remove(fd, livesOn)
    this.thread.poller.release()
    return fd
  }
}
