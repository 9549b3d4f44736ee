// Owns how log lines get to a descriptor: one string per turn of the event loop, bounded, with what is lost counted.
//
//   add() ──▶ pending (bounded) ──once a turn──▶ under way (one write at a time) ──▶ descriptor
//
// The write is asynchronous so that a slow pipe or disk never holds the proxy up. Other threads write to the same descriptor: a file takes
// each write whole, a pipe no more than PIPE_BUF of one, so there it is whole lines of that much at a time (pipe(7)).

import { fstatSync, write, writeSync } from 'node:fs'

/** Characters that may wait, 1 MiB. */
const BOUND = 1 << 20
/** What a pipe takes without mixing it with what others write, bytes. */
const PIPE_BUF = 4096
const LF = 10
/** How long to wait, ms, when a non-blocking descriptor is full. */
const RETRY = 10
/** After a report of lost lines the next one comes no sooner, ms: a descriptor that is gone loses lines all the time. */
const REPORT_EVERY = 5000

export interface LineWriterEvents {
  /** Lines were lost since the last report, because of `error`: EAGAIN when the reader is behind, or the descriptor's own error. */
  lost(lines: number, error: string): void
}

export class LineWriter {
  readonly fd: number
  readonly #events: LineWriterEvents
  readonly #bound: number
  #pending = ''
  /** Writes of any size stay whole. */
  readonly #whole: boolean
  #scheduled = false
  #underWay: Buffer | undefined
  /** How much of it the system has been given; 0: it was full, and is asked again. */
  #given = 0
  #lost = 0
  #totalLost = 0
  /** When loss was last reported. */
  #reported = -Infinity
  #broken = ''
  #idle: (() => void)[] = []

  constructor(fd: number, events: LineWriterEvents, bound = BOUND) {
    this.fd = fd
    this.#events = events
    this.#bound = bound
    this.#whole = isFile(fd)
  }

  /** Lines that were never written. */
  get lost(): number {
    return this.#totalLost
  }

  /** One line with its newline, bytes, one character each. Never blocks, never throws. */
  add(line: string): void {
    if (this.#pending.length + line.length > this.#bound) {
      this.#lose(1)
      return
    }
    this.#pending += line
    if (this.#scheduled || this.#underWay !== undefined) return
    this.#scheduled = true
    setImmediate(this.#turn)
  }

  /** Writes what waits before it returns: for the last moments of a process. */
  flushSync(): void {
    let rest = Buffer.concat([this.#takeRest(), Buffer.from(this.#pending, 'latin1')])
    this.#pending = ''
    try {
      while (rest.length > 0) rest = rest.subarray(writeSync(this.fd, rest.subarray(0, this.#piece(rest))))
    } catch {
      // A full or broken descriptor at the very end: there is no time left to wait for it.
    }
  }

  /** Resolves when everything added so far has been written or given up. */
  drained(): Promise<void> {
    if (this.#pending === '' && this.#underWay === undefined) {
      this.#report(0)
      return Promise.resolve()
    }
    return new Promise((resolve) => this.#idle.push(resolve))
  }

  readonly #turn = (): void => {
    this.#scheduled = false
    if (this.#pending === '') {
      if (this.#idle.length > 0) this.#report(0)
      for (const resolve of this.#idle.splice(0)) resolve()
      return
    }
    this.#underWay = Buffer.from(this.#pending, 'latin1')
    this.#pending = ''
    this.#write()
  }

  #write(): void {
    if (this.#underWay === undefined) return
    this.#given = this.#piece(this.#underWay)
    write(this.fd, this.#underWay, 0, this.#given, this.#written)
  }

  /** How many of these bytes may be written at once. They end with a newline; a line that is longer than a piece goes alone. */
  #piece(bytes: Buffer): number {
    if (this.#whole || bytes.length <= PIPE_BUF) return bytes.length
    const last = bytes.lastIndexOf(LF, PIPE_BUF - 1)
    const end = last < 0 ? bytes.indexOf(LF) : last
    return end < 0 ? bytes.length : end + 1
  }

  /** Takes what is under way and not yet given to the system. */
  #takeRest(): Buffer {
    const all = this.#underWay
    if (all === undefined) return Buffer.alloc(0)
    this.#underWay = all.subarray(0, this.#given)
    return all.subarray(this.#given)
  }

  readonly #written = (error: NodeJS.ErrnoException | null, n: number): void => {
    if (error?.code === 'EAGAIN' || error?.code === 'EINTR') {
      this.#given = 0
      setTimeout(() => this.#write(), RETRY)
      return
    }
    if (error !== null) {
      this.#broken = error.code ?? error.message
      this.#lose(linesOf(this.#underWay))
      this.#underWay = undefined
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
    this.#report(REPORT_EVERY)
    this.#turn()
  }

  #lose(lines: number): void {
    this.#lost += lines
    this.#totalLost += lines
  }

  /** `every`: no sooner than this after the last report, ms. */
  #report(every: number): void {
    const now = performance.now()
    if (this.#lost === 0 || now - this.#reported < every) return
    this.#reported = now
    const lost = this.#lost
    this.#lost = 0
    this.#events.lost(lost, this.#broken === '' ? 'EAGAIN' : this.#broken)
  }
}

function isFile(fd: number): boolean {
  try {
    return fstatSync(fd).isFile()
  } catch {
    return false // who opens it says so
  }
}

function linesOf(bytes: Buffer | undefined): number {
  let lines = 0
  for (const byte of bytes ?? []) if (byte === LF) lines++
  return lines
}
