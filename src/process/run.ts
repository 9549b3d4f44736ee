// Owns the life of the running process: start, pid file, identity, signals, soft and hard stop, the last words.

import { writeFileSync } from 'node:fs'
import type { LogSink } from '../core/log-sink.ts'
import type { ProcessLog } from '../core/process-log.ts'
import { toBytes } from '../core/sample.ts'
import { NAME } from '../config/version.ts'
import { changeIdentity } from './identity.ts'
import type { Identity } from './identity.ts'
import { watchMemory } from './limits.ts'
import type { Runtime } from './runtime.ts'
import type { Signals } from './signals.ts'
import { stackOf } from '../util/shown.ts'

/** ms that sessions get to close after a hard stop, and that logs get to be written, before the process leaves anyway. */
const HARD_STOP_GRACE = 1000
const LOG_GRACE = 500
/** Bugs reported in full each second; more are counted. */
const BUGS_PER_SECOND = 5

export interface RunOptions {
  readonly runtime: Runtime
  readonly log: ProcessLog
  /** Starts and exits go there too. */
  readonly sink: LogSink | undefined
  readonly signals: Pick<Signals, 'handle'>
  readonly pidFile: string | undefined
  readonly identity: Identity
  /** ms; undefined: sessions may take as long as they like. */
  readonly hardStopAfter: number | undefined
  /** MB, -m. */
  readonly memory: number | undefined
  /** Called when everything listens, the pid file is written and the identity changed. */
  readonly listening: () => void
  readonly logs: { drained(): Promise<void>; flushSync(): void }
}

function main(text: string): string {
  return `[${NAME}.main()] ${text}`
}

function within<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

/**
 * A bug costs what it hit and is reported with its stack; the process goes on. An exception that reaches the event loop has already left
 * its own stack, so the connections that it did not concern are sound.
 */
export function reportBugs(log: ProcessLog): () => void {
  let second = 0
  let count = 0
  const report = (kind: string) => (error: unknown): void => {
    const now = Math.floor(Date.now() / 1000)
    if (now !== second) {
      if (count > BUGS_PER_SECOND) log.alert(`${count - BUGS_PER_SECOND} more bugs in one second`)
      second = now
      count = 0
    }
    if (++count > BUGS_PER_SECOND) return
    log.alert(`bug: ${kind}: ${stackOf(error)}`)
  }
  const exception = report('uncaught exception')
  const rejection = report('unhandled rejection')
  process.on('uncaughtException', exception)
  process.on('unhandledRejection', rejection)
  return () => {
    process.off('uncaughtException', exception)
    process.off('unhandledRejection', rejection)
  }
}

/** Longest delay of a timer of Node's. */
const FOR_EVER = 0x7fffffff

/** Runs until nothing is left to do and resolves with the exit status. */
export async function run(options: RunOptions): Promise<number> {
  const { runtime, log, sink } = options
  const problems = await runtime.start()
  if (problems.length > 0) {
    for (const problem of problems) log.alert(problem)
    log.alert(main('Some protocols failed to start their listeners! Exiting.'))
    return 1
  }
  const refusal = writePid(options.pidFile) ?? changeIdentity(options.identity)
  if (refusal !== undefined) {
    log.alert(main(refusal))
    runtime.kill()
    await within(runtime.finished, HARD_STOP_GRACE)
    return 1
  }

  const warn = (text: string): void => {
    log.warning(text)
    sink?.write('warning', toBytes(text))
  }
  let softStopping = false
  let hurried: (() => void) | undefined
  const hurry = new Promise<void>((resolve) => (hurried = resolve))
  let hardStop: NodeJS.Timeout | undefined

  const kill = (): void => {
    clearTimeout(hardStop)
    runtime.kill()
    hardStop = setTimeout(() => {
      if (runtime.remaining() > 0) warn('Some tasks resisted to hard-stop, exiting now.')
      hurried?.()
    }, HARD_STOP_GRACE)
  }
  options.signals.handle({
    softStop() {
      if (softStopping) return
      softStopping = true
      runtime.softStop()
      log.notice('SIGUSR1: listens no more; sessions go on until they end')
      if (options.hardStopAfter === undefined) return
      hardStop = setTimeout(() => {
        warn('soft-stop running for too long, performing a hard-stop.')
        kill()
      }, options.hardStopAfter)
    },
    stop(again) {
      if (again) hurried?.()
      else kill()
    },
    pause() {
      if (softStopping) return
      const paused = runtime.pause()
      const tell = (): void => log.notice('SIGTTOU: ports are given back; SIGTTIN takes them again')
      if (paused === undefined) tell()
      else void paused.then(tell)
    },
    resume() {
      if (softStopping) return
      void runtime.resume().then((failed) => {
        for (const problem of failed) log.alert(problem)
        if (failed.length === 0) log.notice('SIGTTIN: listens again')
      })
    },
    describe() {
      log.warning('SIGHUP received, dumping servers states.')
      for (const line of runtime.describe()) warn(`SIGHUP: ${line}`)
    },
    memory: () => log.notice(memoryText()),
  })
  const unwatch = options.memory === undefined ? () => {} : guardMemory(options.memory, runtime, log)
  // Paused and without a session the process has nothing that the event loop waits for, and Node would leave.
  const alive = setInterval(() => {}, FOR_EVER)
  options.listening()

  await Promise.race([runtime.finished, hurry])
  clearInterval(alive)
  clearTimeout(hardStop)
  unwatch()
  await within(options.logs.drained(), LOG_GRACE)
  options.logs.flushSync()
  return 0
}

/** The file stays when the process ends, as HAProxy's does: whoever replaces the process writes it anew. */
function writePid(file: string | undefined): string | undefined {
  if (file === undefined) return undefined
  try {
    writeFileSync(file, `${process.pid}\n`, { mode: 0o644 })
    return undefined
  } catch {
    return `Cannot create pidfile ${file}`
  }
}

function guardMemory(megabytes: number, runtime: Runtime, log: ProcessLog): () => void {
  return watchMemory(megabytes, {
    rss: () => process.memoryUsage.rss(),
    full() {
      log.warning(`the process uses more than the ${megabytes} MB of -m: it takes no new connections`)
      runtime.hold(true)
    },
    free() {
      log.notice(`the process uses less than the ${megabytes} MB of -m again: it takes new connections`)
      runtime.hold(false)
    },
  })
}

function memoryText(): string {
  const mib = (bytes: number): string => `${(bytes / 1048576).toFixed(1)} MiB`
  const { rss, heapTotal, heapUsed, external, arrayBuffers } = process.memoryUsage()
  return `SIGQUIT: memory: resident ${mib(rss)}, heap ${mib(heapUsed)} of ${mib(heapTotal)}, outside the heap ${mib(external)}, buffers ${mib(arrayBuffers)}`
}
