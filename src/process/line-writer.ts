// Owns how log lines get to a descriptor: one string and one write per turn of the event loop, bounded, with what is lost counted.
//
//   add() ──▶ pending (bounded) ──once a turn──▶ under way (one write at a time) ──▶ descriptor
//
// The write is asynchronous so that a slow pipe or disk never holds the proxy up.

import { write, writeSync } from 'node:fs'

/** Characters that may wait, 1 MiB. */
const BOUND = 1 << 20
/** How long to wait, ms, when a non-blocking descriptor is full. */
const RETRY = 10

export interface LineWriterEvents {
  /** Lines were lost since the last report, because of `error`: EAGAIN when the reader is behind, or the descriptor's own error. */
  lost(lines: number, error: string): void
}

export class LineWriter {
  readonly fd: number
  readonly #events: LineWriterEvents
  readonly #bound: number
  #pending = ''
  #pendingLines = 0
  #scheduled = false
  #underWay: Buffer | undefined
  #underWayLines = 0
  #lost = 0
  #totalLost = 0
  #broken = ''
  #idle: (() => void)[] = []

  constructor(fd: number, events: LineWriterEvents, bound = BOUND) {
    this.fd = fd
    this.#events = events
    this.#bound = bound
  }

  /** Lines that were never written. */
  get lost(): number {
    return this.#totalLost
  }

  /** One line with its newline. Never blocks, never throws. */
  add(line: string): void {
    if (this.#pending.length + line.length > this.#bound) {
      this.#lose(1)
      return
    }
    this.#pending += line
    this.#pendingLines++
    if (this.#scheduled || this.#underWay !== undefined) return
    this.#scheduled = true
    setImmediate(this.#turn)
  }

  /** Writes what waits before it returns: for the last moments of a process. */
  flushSync(): void {
    let rest = Buffer.from(this.#pending)
    this.#pending = ''
    this.#pendingLines = 0
    try {
      while (rest.length > 0) rest = rest.subarray(writeSync(this.fd, rest))
    } catch {
      // A full or broken descriptor at the very end: there is no time left to wait for it.
    }
  }

  /** Resolves when everything added so far has been written or given up. */
  drained(): Promise<void> {
    if (this.#pending === '' && this.#underWay === undefined) return Promise.resolve()
    return new Promise((resolve) => this.#idle.push(resolve))
  }

  readonly #turn = (): void => {
    this.#scheduled = false
    if (this.#pending === '') {
      for (const resolve of this.#idle.splice(0)) resolve()
      return
    }
    this.#underWay = Buffer.from(this.#pending)
    this.#underWayLines = this.#pendingLines
    this.#pending = ''
    this.#pendingLines = 0
    this.#write()
  }

  #write(): void {
    if (this.#underWay !== undefined) write(this.fd, this.#underWay, this.#written)
  }

  readonly #written = (error: NodeJS.ErrnoException | null, n: number): void => {
    if (error?.code === 'EAGAIN' || error?.code === 'EINTR') {
      setTimeout(() => this.#write(), RETRY)
      return
    }
    if (error !== null) {
      this.#broken = error.code ?? error.message
      this.#underWay = undefined
      this.#lose(this.#underWayLines)
    } else {
      const rest = this.#underWay?.subarray(n)
      if (rest !== undefined && rest.length > 0) {
        this.#underWay = rest
        this.#write()
        return
      }
      this.#underWay = undefined
      this.#broken = ''
    }
    this.#report()
    this.#turn()
  }

  #lose(lines: number): void {
    this.#lost += lines
    this.#totalLost += lines
  }

  #report(): void {
    if (this.#lost === 0) return
    const lost = this.#lost
    this.#lost = 0
    this.#events.lost(lost, this.#broken === '' ? 'EAGAIN' : this.#broken)
  }
}
