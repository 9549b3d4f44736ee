// Owns one thread's epoll descriptor: who is behind each descriptor, whose turn it is, and when the process may exit.
//
//   kernel ──► epoll fd ──► Node's loop (poll phase) ──► setImmediate ──► turn(): events to their owners, then the work list;
//                                                                        while it is busy, that again
//
//   after a busy turn, until a wait brought nothing:   turn() waits by itself ──► setImmediate ──► turn() …
//
// Node's way of telling about a descriptor costs as much as a request or two. So after a busy turn the poller is awake: Node's loop watches
// nothing, runs its other phases between the turns, and each turn waits for events itself, for 1 ms at most.
//
// The turn runs as an immediate (the phase right after poll), because the poll callback of koffi runs outside Node's callback
// scope: promises would not be settled there, nor errors reported. An immediate is an ordinary entry into JavaScript.
//
// Events are edge-triggered and carry the generation that the descriptor's owner was given at its registration, so what was
// queued for an owner that is gone cannot reach the next one under the same number, not even within one batch.

import {
  E,
  EPOLL_CLOEXEC,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EVENT_FD,
  EVENT_GENERATION,
  EVENT_WORDS,
  systemError,
  type Kernel,
  type Watch,
} from './syscalls.ts'

const BATCH = 512
/** Times that a turn asks the kernel: the way through Node's loop costs as much as a request or two, so a busy turn asks again at once. */
const ROUNDS = 8
/** How long a turn waits while awake: Node's timers and other descriptors are late by that at most. ms */
const WAIT_MS = 1

/** Whoever stands behind a descriptor. */
export interface Pollable {
  /** Set by Poller.add(). */
  generation: number
  /** Something happened on the descriptor: EPOLL* flags. */
  events(flags: number): void
}

/** Somebody with work to do that no event will announce. */
export interface Worker {
  /** True while in the work list: set and cleared by the Poller alone. */
  queued: boolean
  /** The one behind it in the work list: the Poller's alone. */
  behind: Worker | null
  work(): void
}

/** Their handles must not be collected while anything waits for them, whoever else still knows the poller. */
const ALIVE = new Set<Poller>()

export class Poller {
  readonly kernel: Kernel
  /** Sends what a turn has put together: called after its events and after its work list. */
  batch: { submit(): void } | undefined
  /** Enough descriptors are served in this turn for putting together to be worth it. */
  busy = false
  readonly #many: number
  readonly #epoll: number
  readonly #watch: Watch
  readonly #batchWords = new Int32Array(EVENT_WORDS * BATCH)
  readonly #batch = new Uint8Array(this.#batchWords.buffer)
  readonly #eventWords = new Int32Array(EVENT_WORDS)
  readonly #event = new Uint8Array(this.#eventWords.buffer)
  readonly #owners: (Pollable | undefined)[] = []
  readonly #turn = (): void => this.turn()
  #begin = (): void => undefined
  #end = (): void => undefined
  #generation = 0
  #firstWork: Worker | null = null
  #lastWork: Worker | null = null
  #scheduled = false
  #pending = false
  /** Turns follow each other and wait for events by themselves. */
  #awake = false
  #turning = false
  #users = 0
  #closed = false

  /** `many`: from how many events a turn is busy. Throws a system error when there is no epoll to be had. */
  constructor(kernel: Kernel, many: number) {
    this.kernel = kernel
    this.#many = many
    this.#epoll = kernel.epollCreate(EPOLL_CLOEXEC)
    if (this.#epoll < 0) throw systemError('epoll_create1', this.#epoll, '')
    this.#watch = kernel.watch(this.#epoll, () => {
      this.#pending = true
      this.#schedule()
    })
    this.#watch.unref()
    ALIVE.add(this)
  }

  /** One more descriptor is open that keeps the process alive. */
  hold(): void {
    if (this.#users++ === 0) this.#watch.ref()
  }

  /** One less. */
  release(): void {
    if (--this.#users === 0 && !this.#closed) this.#watch.unref()
  }

  /** Registers a descriptor for `flags`, once. Returns 0 or -errno. */
  add(fd: number, owner: Pollable, flags: number): number {
    const generation = (this.#generation = (this.#generation + 1) | 0)
    owner.generation = generation
    this.#eventWords[0] = flags
    this.#eventWords[EVENT_FD] = fd
    this.#eventWords[EVENT_GENERATION] = generation
    const result = this.kernel.epollCtl(this.#epoll, EPOLL_CTL_ADD, fd, this.#event)
    if (result < 0) return result
    this.#owners[fd] = owner
    return 0
  }

  /**
   * Forgets a descriptor that is about to be closed. The kernel forgets it by itself then, unless another process has it too:
   * such a descriptor, or one that lives on, is taken out with `out`.
   */
  remove(fd: number, out: boolean): void {
    this.#owners[fd] = undefined
    if (out && !this.#closed) this.kernel.epollCtl(this.#epoll, EPOLL_CTL_DEL, fd, this.#event)
  }

  /** Calls work() once, in the next turn; within a turn that is after its events. A second request before that changes nothing. */
  queue(worker: Worker): void {
    if (worker.queued) return
    worker.queued = true
    if (this.#lastWork === null) this.#firstWork = worker
    else this.#lastWork.behind = worker
    this.#lastWork = worker
    if (!this.#turning) this.#schedule()
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(this.#turn)
  }

  /** Calls these around each round of a turn. */
  eachTurn(begin: () => void, end: () => void): void {
    this.#begin = begin
    this.#end = end
  }

  turn(): void {
    this.#scheduled = false
    this.#turning = true
    let wait = this.#awake && this.#firstWork === null ? WAIT_MS : 0
    let idle = wait > 0
    let busy = false
    if (this.#awake) this.#pending = true
    for (let round = 1; !this.#closed; round++) {
      if (this.#round(wait) !== 0) idle = false
      wait = 0
      if (!this.busy) break
      busy = true
      if (round === ROUNDS) break
      this.#pending = true
    }
    this.busy = false
    this.#turning = false
    if (this.#closed) return
    if (idle) {
      this.#awake = false
      this.#watch.start()
    } else if (busy && !this.#awake) {
      this.#awake = true
      this.#watch.stop()
    }
    if (this.#awake || this.#firstWork !== null) this.#schedule()
  }

  /** What the kernel has announced, or does within `wait` ms, then the work list as it was before any of it was done. Returns how many events there were, or -errno. */
  #round(wait: number): number {
    let count = 0
    this.busy = false
    this.#begin()
    if (this.#pending) {
      this.#pending = false
      count = this.#dispatch(wait)
      this.batch?.submit()
    }
    let worker = this.#firstWork
    this.#firstWork = null
    this.#lastWork = null
    while (worker !== null) {
      const next: Worker | null = worker.behind
      worker.behind = null
      worker.queued = false
      try {
        worker.work()
      } catch (error) {
        raise(error)
      }
      worker = next
    }
    this.batch?.submit()
    this.#end()
    return count
  }

  #dispatch(wait: number): number {
    const words = this.#batchWords
    const count = this.kernel.epollWait(this.#epoll, this.#batch, BATCH, wait)
    if (count < 0) {
      // Interrupted: the loop above us is level-triggered and calls again, and so does an awake turn. Anything else is a bug here.
      if (count !== -E.EINTR) raise(systemError('epoll_wait', count, ''))
      return count
    }
    this.busy = count >= this.#many
    for (let at = 0; at < count * EVENT_WORDS; at += EVENT_WORDS) {
      const owner = this.#owners[words[at + EVENT_FD] ?? -1]
      if (owner === undefined || owner.generation !== words[at + EVENT_GENERATION]) continue
      try {
        owner.events(words[at] ?? 0)
      } catch (error) {
        raise(error)
      }
    }
    return count
  }

  /**
   * Lets go of the epoll descriptor. Whoever is registered hears nothing more. An event that came while a thread is already ending would
   * find no JavaScript to call, and koffi would end the process for it: so this is done at exit at the latest.
   */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#watch.close()
    this.kernel.close(this.#epoll)
    ALIVE.delete(this)
  }
}

/** A bug in one owner must not cost the others their events, which are edges and do not come again: it is thrown by itself. */
function raise(error: unknown): void {
  setImmediate(() => {
    throw error
  })
}
