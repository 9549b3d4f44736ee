// Owns one connected (or connecting) socket's operations: reading, sending, splicing, and how it is let go of.
//
// Events are edges, and what they tell is remembered (readiness.ts), so that no call is made whose answer is known. Small sends of a
// busy turn are put together (ring.ts): flush() takes the bytes, and their fate is known at the end of the turn, or as soon as
// anything else is done with the sock.

import type { Address } from '../../core/address.ts'
import type { Bytes } from '../../core/bytes.ts'
import { EMPTY_IN, ERR_IN, ERR_OUT, FULL_OUT, REFUSED, SHUT_IN, SHUT_OUT, type Flow, type Pipe, type Sock, type Spliceable } from '../../core/sock.ts'
import { LinuxPipe } from './pipes.ts'
import * as is from './readiness.ts'
import { SLAB_READ, type RingSender } from './ring.ts'
import { makeRoom } from './room.ts'
import * as sys from './syscalls.ts'
import { READ_SIZE, type Thread } from './thread.ts'
import { Watched } from './watched.ts'

const SEND_FLAGS = sys.MSG_NOSIGNAL | sys.MSG_DONTWAIT
const SPLICE_FLAGS = sys.SPLICE_F_MOVE | sys.SPLICE_F_NONBLOCK

const NOTHING = new Uint8Array(1)
const ABORT = new Uint8Array(new Int32Array([1, 0]).buffer) // struct linger: on, 0 s

export class LinuxSock extends Watched implements Sock, Spliceable, RingSender {
  readonly provider = 'linux'

  /** Takes over a connected descriptor. `local` when it is known without asking. */
  constructor(thread: Thread, fd: number, family: number, local?: Address, remote?: Address) {
    super(thread, fd, family, local, remote)
  }

  /** What is known of the way in without a call: a Flow, or -1 when the kernel has to be asked. */
  #knownIn(): Flow | -1 {
    const state = this.state
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
    this.state &= ~is.FAST_OPEN
    const result = this.thread.kernel.send(this.fd, NOTHING, 0, SEND_FLAGS)
    if (result >= 0) return this.waitIn()
    if (result !== -sys.E.EINPROGRESS && result !== -sys.E.EAGAIN) return this.brokeIn(result)
    this.state |= is.CONNECTING
    return this.waitIn()
  }

  fill(into: Bytes): Flow {
    const known = this.#knownIn()
    if (known !== -1) return known
    if (into.end !== into.start) return this.#fillBehind(into)
    const { poller, ring } = this.thread
    if (poller.busy && ring !== undefined && (this.state & is.BULK) === 0) {
      if (!ring.open) ring.submit()
      if (ring.open) return this.#fillSlab(into, ring)
    }
    const { kernel, shared } = this.thread
    let n = kernel.recv(this.fd, shared, READ_SIZE, sys.MSG_DONTWAIT)
    while (n === -sys.E.EINTR) n = kernel.recv(this.fd, shared, READ_SIZE, sys.MSG_DONTWAIT)
    if (n < SLAB_READ) this.state &= ~is.BULK
    if (n <= 0) return this.#nothingRead(n)
    this.state |= is.HEARD
    into.lend(shared, n)
    return n === READ_SIZE ? 0 : this.#shortRead()
  }

  /** Little is expected, and it will be sent with others: it goes where the ring can send it from. */
  #fillSlab(into: Bytes, ring: NonNullable<Thread['ring']>): Flow {
    const { kernel } = this.thread
    const start = ring.cursor
    let n = kernel.recvAt(this.fd, ring.base + start, SLAB_READ, sys.MSG_DONTWAIT)
    while (n === -sys.E.EINTR) n = kernel.recvAt(this.fd, ring.base + start, SLAB_READ, sys.MSG_DONTWAIT)
    if (n <= 0) return this.#nothingRead(n)
    this.state |= is.HEARD
    into.lend(ring.slab, n, start)
    if (n < SLAB_READ) return this.#shortRead()
    this.state |= is.BULK
    return 0
  }

  #fillBehind(into: Bytes): Flow {
    const { kernel } = this.thread
    const room = makeRoom(into)
    const target = into.buffer.subarray(into.end)
    let n = kernel.recv(this.fd, target, room, sys.MSG_DONTWAIT)
    while (n === -sys.E.EINTR) n = kernel.recv(this.fd, target, room, sys.MSG_DONTWAIT)
    if (n <= 0) return this.#nothingRead(n)
    into.end += n
    return n === room ? 0 : this.#shortRead()
  }

  /** Less came than was asked for: that was all, and where the peer's end is known to be behind it, that was seen, too. */
  #shortRead(): Flow {
    if ((this.state & (is.STREAM_MARKS | is.BROKEN)) !== 0) return 0
    if ((this.state & is.HUNG) === 0) return this.waitIn()
    this.state |= is.END
    return this.#endFlow()
  }

  #nothingRead(result: number): Flow {
    if (result === 0) {
      this.state |= is.END
      return this.#endFlow()
    }
    return result === -sys.E.EAGAIN ? this.waitIn() : this.brokeIn(result)
  }

  /** What is known of the way out without a call: a Flow, or -1 when the kernel has to be asked. */
  #knownOut(): Flow | -1 {
    if ((this.state & is.SENDING) !== 0) this.thread.ring?.submit()
    const state = this.state
    if (this.error !== '' || (state & is.CLOSED) !== 0) return ERR_OUT
    if ((state & (is.FIN_SENT | is.FIN_WANTED)) !== 0) return SHUT_OUT
    return (state & (is.CONNECTING | is.FULL)) !== 0 ? FULL_OUT : -1
  }

  flush(from: Bytes, last = false): Flow {
    const known = this.#knownOut()
    if (known !== -1) return known
    const size = from.end - from.start
    if (size === 0) return 0
    const { kernel, ring, poller } = this.thread
    // The last bytes shall travel with the end, which is said only when they are known to be taken.
    if (from.lent && !last && ring !== undefined && from.buffer === ring.slab && poller.busy && ring.open && (this.state & is.FAST_OPEN) === 0) {
      this.state |= is.SENDING
      ring.push(this, from.start, size)
      from.clear()
      return 0
    }
    const bytes = from.start === 0 ? from.buffer : from.buffer.subarray(from.start, from.end)
    const flags = last ? SEND_FLAGS | sys.MSG_MORE : SEND_FLAGS
    let n = kernel.send(this.fd, bytes, size, flags)
    while (n === -sys.E.EINTR) n = kernel.send(this.fd, bytes, size, flags)
    this.state &= ~is.FAST_OPEN
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
    return result === -sys.E.EAGAIN || result === -sys.E.EINPROGRESS ? this.waitOut() : this.brokeOut(result)
  }

  sent(result: number, start: number, size: number): void {
    this.state &= ~is.SENDING
    if (result === size) return
    if (result < 0 && result !== -sys.E.EAGAIN && result !== -sys.E.EINTR) {
      this.brokeOut(result)
      this.again()
      return
    }
    const slab = this.thread.ring?.slab
    if (slab !== undefined) this.rest = Buffer.from(slab.subarray(start + Math.max(result, 0), start + size))
    if (result === -sys.E.EINTR) this.sendRest()
    else if ((this.waitOut() & ERR_OUT) !== 0) this.again()
  }

  protected sendRest(): void {
    const { kernel } = this.thread
    while (this.rest !== null) {
      const n = kernel.send(this.fd, this.rest, this.rest.length, SEND_FLAGS)
      if (n === this.rest.length) {
        this.rest = null
      } else if (n !== -sys.E.EINTR) {
        if (n > 0) this.rest = this.rest.subarray(n)
        if (((n > 0 ? this.waitOut() : this.#notSent(n)) & ERR_OUT) !== 0) this.again()
        return
      }
    }
    if ((this.state & is.FIN_WANTED) !== 0 && !this.sendFin()) this.again()
  }

  get splice(): Spliceable | undefined {
    return (this.state & is.NO_SPLICE) === 0 ? this : undefined
  }

  pipe(): Pipe | undefined {
    return this.thread.pipes.take()
  }

  toPipe(pipe: Pipe, max: number): Flow {
    if (!(pipe instanceof LinuxPipe) || (this.state & is.NO_SPLICE) !== 0) return REFUSED
    const known = this.#knownIn()
    if (known !== -1) return known
    const { kernel } = this.thread
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
    const { kernel } = this.thread
    let n = kernel.splice(pipe.readEnd, this.fd, pipe.bytes, SPLICE_FLAGS)
    while (n === -sys.E.EINTR) n = kernel.splice(pipe.readEnd, this.fd, pipe.bytes, SPLICE_FLAGS)
    this.state &= ~is.FAST_OPEN
    if (n >= 0) {
      pipe.bytes -= n
      return pipe.bytes === 0 ? 0 : this.waitOut()
    }
    if (this.#refused(n)) return REFUSED
    return this.#notSent(n)
  }

  #refused(result: number): boolean {
    if (result !== -sys.E.EINVAL && result !== -sys.E.ENOSYS && result !== -sys.E.EOPNOTSUPP) return false
    this.state |= is.NO_SPLICE
    return true
  }

  shutData(): boolean {
    return true
  }

  shutCtrl(): boolean {
    if ((this.state & is.SENDING) !== 0) this.thread.ring?.submit()
    if (this.error !== '' || (this.state & (is.CLOSED | is.FIN_SENT)) !== 0) return true
    if ((this.state & is.FAST_OPEN) !== 0 && (this.state & is.CONNECTING) === 0) this.#connectNow()
    if ((this.state & is.CONNECTING) !== 0 || this.rest !== null) {
      this.state |= is.FIN_WANTED // shutting down a connecting socket would abort it
      return false
    }
    // Nothing can keep it from being sent, so it is completed. The call waits for the end of this turn: where both ends are over by
    // then, close() says the same in one call.
    this.state |= is.FIN_SENT | is.FIN_DUE
    this.thread.poller.queue(this)
    return true
  }

  protected sendFin(): boolean {
    this.state = (this.state | is.FIN_SENT) & ~is.FIN_DUE
    const result = this.thread.kernel.shutdown(this.fd, sys.SHUT_WR)
    if (result >= 0 || result === -sys.E.ENOTCONN) return true // ENOTCONN: the peer has reset it, and reads will say so
    this.broke(result)
    return false
  }

  /** Before the descriptor is let go of: entries in the ring name it, and an end that was said politely goes out before anything else. */
  #settleOutput(): void {
    if ((this.state & is.SENDING) !== 0) this.thread.ring?.submit()
    // Closing over unread input is a reset, so the FIN needs its own call; where all was read, closing says it.
    if ((this.state & (is.FIN_DUE | is.END)) === is.FIN_DUE) this.sendFin()
  }

  close(): void {
    this.#settleOutput()
    const fd = this.forget(false)
    if (fd >= 0) this.thread.kernel.close(fd)
  }

  reset(): void {
    this.state &= ~is.FIN_DUE
    // Where the peer was first, there is nobody to tell.
    if (this.fd >= 0 && this.family !== sys.AF_UNIX && this.error !== 'ECONNRESET') this.thread.kernel.setsockopt(this.fd, sys.SOL_SOCKET, sys.SO_LINGER, ABORT, ABORT.length)
    this.close()
  }

  /**
   * In repair mode the kernel closes without a word. That takes CAP_NET_ADMIN; without it the RST gets a time to live of one hop,
   * so that a peer behind a router never sees it.
   */
  drop(): void {
    this.state &= ~is.FIN_DUE
    this.#settleOutput()
    const fd = this.fd
    const { kernel } = this.thread
    if (fd >= 0 && this.family !== sys.AF_UNIX && sys.setInt(kernel, fd, sys.SOL_TCP, sys.TCP_REPAIR, 1) < 0) {
      if (this.family === sys.AF_INET) sys.setInt(kernel, fd, sys.SOL_IP, sys.IP_TTL, 1)
      else sys.setInt(kernel, fd, sys.SOL_IPV6, sys.IPV6_UNICAST_HOPS, 1)
      this.reset()
    }
    this.close()
  }

  /** Hands the descriptor on: it is somebody else's from now on, and this sock is closed. -1 when it was closed before. */
  handOver(): number {
    this.#settleOutput()
    if ((this.state & is.FIN_DUE) !== 0) this.sendFin()
    return this.forget(true)
  }
}
