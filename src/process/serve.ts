// Owns the way from a configuration without alerts to a process that serves: limits, provider, logs, proxies, then run().

import type { Plugin } from '../core/plugin.ts'
import type { ProcessLog } from '../core/process-log.ts'
import type { Configuration } from '../config/configuration.ts'
import { chroot, fdHardLimit, gid, globalMaxconn, hardStopAfter, maxpipes, nbthread, nosplice, pidfile, provider, strictLimits, uid, ulimitN } from '../config/keywords/global.ts'
import { tuneBufsize, tuneMaxaccept, tunePipesize } from '../config/keywords/tune.ts'
import { describe } from '../config/report.ts'
import { NAME } from '../config/version.ts'
import { GaugeMemory } from '../proxy/gauge.ts'
import { BuildError, buildRuntime } from '../proxy/runtime.ts'
import { systemWheelClock, Wheel } from '../util/wheel.ts'
import type { CommandLine } from './arguments.ts'
import { descriptorLimit, planConnections } from './limits.ts'
import type { Messages } from './messages.ts'
import { chooseProvider } from './providers.ts'
import { reportBugs, run } from './run.ts'
import type { Runtime } from './runtime.ts'
import type { Signals } from './signals.ts'
import { openTrafficLog } from './traffic-log.ts'
import type { TrafficLog } from './traffic-log.ts'

export interface ServeOptions {
  /** With what the command line changes of it. */
  readonly configuration: Configuration
  readonly line: CommandLine
  readonly plugins: readonly Plugin[]
  readonly messages: Messages
  readonly signals: Signals
  /** Called once everything listens. */
  readonly listening: (runtime: Runtime) => void
}

const BUFFER = 16384

/** Runs until the process is to leave; resolves with its exit status. */
export async function serve(options: ServeOptions): Promise<number> {
  const { configuration, line, messages } = options
  const { global } = configuration
  const { log, ready } = lateLog(messages)
  const refuse = (text: string): number => {
    log.alert(`[${NAME}.main()] ${text}`)
    return 1
  }
  const plan = planConnections(
    { commandLine: line.maxconn, configured: global.get(globalMaxconn), descriptorsAsked: global.get(ulimitN), descriptorsAtMost: global.get(fdHardLimit) },
    descriptorLimit(),
  )
  if (plan.problem !== undefined) {
    if (global.get(strictLimits) !== false) return refuse(plan.problem)
    log.warning(`[${NAME}.main()] ${plan.problem} maxconn is ${plan.maxconn}.`)
  }
  const threads = global.get(nbthread) ?? 1
  if (threads > 1) log.notice(`'nbthread ${threads}' does not act yet: there is one data thread`)

  const socks = await chooseProvider({
    wanted: line.provider ?? global.get(provider),
    maxPipes: global.get(nosplice) === true ? 0 : global.get(maxpipes),
    pipeSize: global.get(tunePipesize),
    maxAccept: accepts(global.get(tuneMaxaccept)),
  })
  if (typeof socks === 'string') return refuse(socks)

  let traffic: TrafficLog
  try {
    traffic = await openTrafficLog(configuration, log)
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error))
  }
  const wheel = new Wheel(systemWheelClock())
  let runtime: Runtime
  try {
    runtime = await buildRuntime(configuration, {
      provider: socks,
      wheel,
      gauges: new GaugeMemory(),
      clock: Date.now,
      random: Math.random,
      plugins: options.plugins,
      global,
      bufferSize: global.get(tuneBufsize) ?? BUFFER,
      maxconn: plan.maxconn,
      sinkFor: (values) => traffic.sink(values),
      notice: (text) => log.notice(text),
      bug: (where, error) => reportBug(log, where, error),
    })
  } catch (error) {
    if (!(error instanceof BuildError)) throw error
    for (const problem of error.problems) messages.print(problem.level, describe(problem))
    return refuse('The configuration cannot be started! Exiting.')
  }
  reportBugs(log)
  const status = await run({
    runtime,
    log,
    sink: traffic.global,
    signals: options.signals,
    pidFile: global.get(pidfile),
    identity: { uid: global.get(uid), gid: global.get(gid), chroot: global.get(chroot) },
    hardStopAfter: global.get(hardStopAfter),
    memory: line.memory === 0 ? undefined : line.memory,
    listening() {
      messages.introduced()
      ready()
      options.listening(runtime)
    },
    logs: traffic,
  })
  return status
}

/** Start-up speaks for itself; once everything listens, pino is loaded and has the process log. */
function lateLog(messages: Messages): { log: ProcessLog; ready: () => void } {
  let current: ProcessLog = messages
  return {
    log: { alert: (text) => current.alert(text), warning: (text) => current.warning(text), notice: (text) => current.notice(text) },
    ready: () => void import('./log.ts').then(({ processLog }) => (current = processLog(messages))),
  }
}

/** -1 is no limit. */
function accepts(n: number | undefined): number | undefined {
  return n === undefined ? undefined : n < 1 ? 1_000_000 : n
}

function reportBug(log: ProcessLog, where: string, error: unknown): void {
  log.alert(`bug: ${where}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
}
