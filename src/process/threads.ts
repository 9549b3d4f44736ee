// Owns the data threads: the control thread listens and gives its descriptors to nbthread workers, each with its own event loop and
// its own proxies; it passes on what is to be done, and replaces a thread that broke.
//
//   control: listening descriptors, signals, logs of the process        (accepts nothing itself)
//      ├─ data thread 0 ─ epoll ─ duplicates of the descriptors ─ connections
//      └─ data thread n …                                  counts of all in shared memory (proxy/gauge.ts)
//
// A thread that throws outside a handler closes what it has and ends; its counts are taken back, and another takes its place.
// The descriptors are the control thread's, so listening never stops.

import { Worker } from 'node:worker_threads'
import type { ProcessLog } from '../core/process-log.ts'
import type { KeptAnswers } from '../config/kept-files.ts'
import type { GaugeMemory } from '../proxy/gauge.ts'
import type { CommandLine } from './arguments.ts'
import type { Runtime } from './runtime.ts'
import { stackOf } from '../util/shown.ts'

/** What the control thread tells a data thread to do. */
export type ThreadOrder =
  | { readonly order: 'hold'; readonly on: boolean }
  | { readonly order: 'softStop' | 'kill' }
  | Turn

/** Answered with 'turned'. */
type Turn = { readonly order: 'pause' } | { readonly order: 'resume'; readonly descriptors: Descriptors }

/** `frontend/listener` → descriptor. */
export type Descriptors = ReadonlyMap<string, number>

export type ThreadReport =
  | { readonly said: 'listening' }
  /** It has paused or resumed as it was told. */
  | { readonly said: 'turned' }
  | { readonly said: 'problems'; readonly lines: readonly string[] }
  /** A warning that other threads may have given. */
  | { readonly said: 'once'; readonly text: string }
  | { readonly said: 'log'; readonly level: 'alert' | 'warning' | 'notice'; readonly text: string }

/** Everything a data thread is made from. */
export interface ThreadSeed {
  readonly line: CommandLine
  /** This thread's row of `gauges`, and how many there are. */
  readonly thread: number
  readonly threads: number
  readonly gauges: SharedArrayBuffer
  /** What the control thread has read, before the process became somebody who may not. */
  readonly files: KeptAnswers
  readonly descriptors: Descriptors
  /** It begins paused, or holding. */
  readonly paused: boolean
  readonly held: boolean
}

export interface Listening {
  readonly frontend: string
  readonly listener: number
  readonly fd: number
}

/** The control thread's proxies: they listen and accept nothing. */
export interface ControlRuntime extends Runtime {
  descriptors(): readonly Listening[]
}

export interface ThreadsOptions {
  readonly control: ControlRuntime
  readonly count: number
  readonly line: CommandLine
  readonly gauges: GaugeMemory
  readonly files: KeptAnswers
  readonly log: ProcessLog
  /** Says a warning unless it was said before. */
  readonly warnOnce: (text: string) => void
  /** The module that a data thread runs. */
  readonly entry: URL
  /** Ends the process at once: threads that do not end by themselves cannot be ended alone while they serve. */
  readonly abandon: (status: number) => void
  /** Threads that broke are replaced after this pause, twice as long each time they do not last. ms, default 100 */
  readonly pause?: number
}

/** The longest pause before a thread that does not last is replaced. ms */
const LONGEST_PAUSE = 5000
/** A thread that served for so long lasts: its end is not another of the same. ms */
const LASTS = 1000

/** How long threads get to close after kill(). ms */
const KILL_GRACE = 500

/** A thread that could not even load what the control thread has loaded. Node tells a file that it cannot open as one that is not there, too. */
function isShortage(error: Error): boolean {
  return /EMFILE/.test(error.message) || ('code' in error && (error.code === 'ERR_MODULE_NOT_FOUND' || error.code === 'ERR_DLOPEN_FAILED'))
}

export class Threads implements Runtime {
  readonly finished: Promise<void>
  readonly #options: ThreadsOptions
  readonly #workers = new Map<number, Worker>()
  readonly #replacing = new Map<number, NodeJS.Timeout>()
  /** How often each has ended without lasting, and what was said of it. */
  readonly #ends = new Map<number, { times: number; said: Set<string> }>()
  #finish: () => void = () => undefined
  #stopping = false
  /** Threads are replaced from then on; before, one that ends ends the start. */
  #started = false
  /** What threads that begin now are told. */
  #paused = false
  #held = false
  /** The last word of pause() and resume() that nobody has acted on. */
  #asked: Turn['order'] | undefined
  #turning: Promise<readonly string[]> | undefined
  /** Threads that have not yet turned as they were told. */
  readonly #awaited = new Map<Worker, () => void>()

  constructor(options: ThreadsOptions) {
    this.#options = options
    this.finished = new Promise((resolve) => (this.#finish = resolve))
  }

  async start(): Promise<readonly string[]> {
    const { control, count } = this.#options
    control.hold(true)
    const problems = await control.start()
    if (problems.length > 0) return problems
    const failures = await Promise.all(Array.from({ length: count }, (_, thread) => this.#spawn(thread)))
    this.#started = true
    const failed = failures.flat()
    if (failed.length > 0) this.kill()
    else for (let thread = 0; thread < count; thread++) if (!this.#workers.has(thread)) this.#replace(thread, false)
    return failed
  }

  /** Resolves when the thread accepts, with nothing, or with why it does not. */
  #spawn(thread: number): Promise<readonly string[]> {
    const { count, line, gauges, files, log, entry } = this.#options
    // The same provider in all threads: what one cannot have must not make it serve otherwise.
    const seed: ThreadSeed = { line: { ...line, provider: 'linux' }, thread, threads: count, gauges: gauges.shared, files, descriptors: this.#descriptors(), paused: this.#paused, held: this.#held }
    const worker = new Worker(entry, { workerData: seed, name: `data thread ${thread}` })
    this.#workers.set(thread, worker)
    let listens = 0
    return new Promise((resolve) => {
      worker.on('message', (report: ThreadReport) => {
        if (report.said === 'listening') {
          listens = performance.now()
          resolve([])
        }
        else if (report.said === 'turned') this.#turned(worker)
        else if (report.said === 'problems') resolve(report.lines)
        else if (report.said === 'once') this.#options.warnOnce(report.text)
        else log[report.level](report.text)
      })
      worker.on('error', (error) => {
        if (listens === 0 && isShortage(error)) {
          resolve([`data thread ${thread}: too few file descriptors to start (${error.message}): raise the limit ('ulimit -n'), or lower nbthread or maxconn`])
          return
        }
        log.alert(`bug: data thread ${thread}: ${stackOf(error)}`)
        if (!('code' in error) || error.code !== 'ERR_WORKER_OUT_OF_MEMORY') return
        // It ran no more code, so what it had open stays open, and its clients would wait for ever.
        log.alert(`data thread ${thread} has no memory left and cannot close its connections: the process ends, as it does with one thread; raise node --max-old-space-size or lower maxconn`)
        this.#options.abandon(1)
      })
      worker.on('exit', () => {
        resolve([`data thread ${thread} ended before it listened`])
        this.#turned(worker)
        this.#ended(thread, listens > 0 && performance.now() - listens >= LASTS)
      })
    })
  }

  #descriptors(): Descriptors {
    return new Map(this.#options.control.descriptors().map((l) => [`${l.frontend}/${l.listener}`, l.fd]))
  }

  #ended(thread: number, lasted: boolean): void {
    this.#workers.delete(thread)
    this.#options.gauges.takeBack(thread)
    if (!this.#stopping && this.#started) this.#replace(thread, lasted)
    else if (this.#workers.size === 0) this.#finish()
  }

  /** One that does not last is given ever longer pauses, and what there is to say of it is said once until one lasts. */
  #replace(thread: number, lasted: boolean): void {
    const before = this.#ends.get(thread)
    const ends = before === undefined || lasted ? { times: 0, said: new Set<string>() } : before
    this.#ends.set(thread, ends)
    ends.times++
    const say = (text: string): void => {
      if (ends.said.has(text)) return
      ends.said.add(text)
      this.#options.log.alert(text)
    }
    if (ends.times === 1) say(`data thread ${thread} ended, another takes its place`)
    else say(`data thread ${thread} ends again and again: it is replaced after ever longer pauses, up to ${LONGEST_PAUSE / 1000} s, and not reported until one lasts`)
    const pause = Math.min(LONGEST_PAUSE, (this.#options.pause ?? 100) * 2 ** (ends.times - 1))
    this.#replacing.set(
      thread,
      setTimeout(() => {
        this.#replacing.delete(thread)
        void this.#spawn(thread).then((lines) => lines.forEach(say))
      }, pause),
    )
  }

  #order(order: ThreadOrder): void {
    for (const worker of this.#workers.values()) worker.postMessage(order)
  }

  listening(): readonly string[] {
    return this.#options.control.listening()
  }

  hold(on: boolean): void {
    this.#held = on
    this.#order({ order: 'hold', on })
  }

  /** Resolves when no thread listens any more. */
  async pause(): Promise<void> {
    this.#asked = 'pause'
    await this.#turn()
  }

  resume(): Promise<readonly string[]> {
    this.#asked = 'resume'
    return this.#turn()
  }

  #turn(): Promise<readonly string[]> {
    return (this.#turning ??= this.#turnAsAsked().finally(() => (this.#turning = undefined)))
  }

  /**
   * One after the other: threads are told descriptors by number, and a number means the same to all only as long as nobody closes it; a port is
   * free for the next one when the last thread has let go of it. Of many words that come meanwhile the last one counts.
   */
  async #turnAsAsked(): Promise<readonly string[]> {
    const { control } = this.#options
    let problems: readonly string[] = []
    for (let asked = this.#asked; asked !== undefined && !this.#stopping; asked = this.#asked) {
      this.#asked = undefined
      if (asked === 'pause') {
        problems = []
        this.#paused = true
        await this.#told({ order: 'pause' })
        await control.pause()
      } else {
        problems = await control.resume()
        control.hold(true)
        this.#paused = false
        await this.#told({ order: 'resume', descriptors: this.#descriptors() })
      }
    }
    return problems
  }

  /** Resolves when all threads have turned, or ended. */
  async #told(turn: Turn): Promise<void> {
    const all = [...this.#workers.values()].map((worker) => new Promise<void>((resolve) => this.#awaited.set(worker, resolve)))
    this.#order(turn)
    await Promise.all(all)
  }

  #turned(worker: Worker): void {
    this.#awaited.get(worker)?.()
    this.#awaited.delete(worker)
  }

  softStop(): void {
    this.#stop()
    this.#order({ order: 'softStop' })
    if (this.#workers.size === 0) this.#finish()
  }

  #stop(): void {
    this.#stopping = true
    for (const timeout of this.#replacing.values()) clearTimeout(timeout)
    this.#replacing.clear()
    this.#options.control.softStop()
  }

  kill(): void {
    this.#stop()
    this.#order({ order: 'kill' })
    if (this.#workers.size === 0) this.#finish()
    setTimeout(() => {
      if (this.#workers.size > 0) this.#options.abandon(0)
    }, KILL_GRACE).unref()
  }

  describe(): readonly string[] {
    return this.#options.control.describe()
  }

  remaining(): number {
    return this.#options.control.remaining()
  }
}
