// Owns what a sock remembers of its descriptor, as bits of one number, and what an event changes in it.
//
// Events are edges: the kernel tells once that something changed. So the sock remembers what it knows and makes no call whose
// answer it knows already:
//
//   DRY     the last read emptied it: set by a read that got nothing, or less than it asked for; cleared by an event
//   FULL    the last write filled it: cleared by an event
//   HUNG    the peer's end (EPOLLRDHUP) is in the queue: a read that gets less than it asked for has then seen the last byte

import { EPOLLERR, EPOLLHUP, EPOLLOUT, EPOLLPRI, EPOLLRDHUP } from './syscalls.ts'

export const CONNECTING = 1
export const REGISTERED = 2
export const DRY = 4
export const FULL = 8
export const HUNG = 16
export const BROKEN = 32 // EPOLLERR, or EPOLLHUP that is not of our own making: the next call says why
export const END = 64 // all was read, the peer's end too
export const FIN_SENT = 128
export const FIN_WANTED = 256 // shutCtrl() while connecting
export const CLOSED = 512
export const STREAM_MARKS = 1024 // a short read may end at a mark in the stream (urgent data, Unix messages): it proves nothing
export const FAST_OPEN = 2048 // connect() only took note: the first send() connects
export const NO_SPLICE = 4096
export const FIN_DUE = 8192 // shutCtrl() was called in this turn; the call is made at its end
export const AGAIN = 16384
export const SENDING = 32768 // bytes of this sock are in the ring and unanswered
export const BULK = 65536 // the last read brought all that it asked for, and that was not little
export const HEARD = 131072 // something was read

/** The state after an event with these EPOLL* flags. */
export function seen(state: number, flags: number): number {
  if ((flags & EPOLLERR) !== 0 || ((flags & EPOLLHUP) !== 0 && (state & FIN_SENT) === 0)) state |= BROKEN
  if ((flags & EPOLLRDHUP) !== 0) state |= HUNG
  if ((flags & EPOLLPRI) !== 0) state |= STREAM_MARKS
  if ((flags & ~EPOLLOUT) !== 0) state &= ~DRY
  if ((flags & (EPOLLOUT | EPOLLERR | EPOLLHUP)) !== 0) state &= ~FULL
  return state
}
