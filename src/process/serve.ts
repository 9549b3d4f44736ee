// Owns the way from a configuration without alerts to a process that serves: limits, provider, logs, proxies, then run().

import type { Plugin } from '../core/plugin.ts'
import type { ProcessLog } from '../core/process-log.ts'
import type { Configuration } from '../config/configuration.ts'
import type { KeptFiles } from '../config/kept-files.ts'
import { gid, hardStopAfter, nbthread, pidfile, uid, zeroWarning } from '../config/keywords/global.ts'
import { NAME } from '../config/version.ts'
import { loadKernel } from '../net/linux/syscalls.ts'
import { GaugeMemory } from '../proxy/gauge.ts'
import type { CommandLine } from './arguments.ts'
import { saysWarning, WARNINGS_REFUSED, type Messages } from './messages.ts'
import { buildProxies } from './proxies.ts'
import { reportBugs, run } from './run.ts'
import type { Runtime } from './runtime.ts'
import type { Signals } from './signals.ts'
import { Threads } from './threads.ts'
import { unblock } from './unblock.ts'

export interface ServeOptions {
  /** With what the command line changes of it. */
  readonly configuration: Configuration
  readonly line: CommandLine
  readonly plugins: readonly Plugin[]
  /** What the configuration was read through, and certificates will be. */
  readonly files: KeptFiles
  readonly messages: Messages
  readonly signals: Signals
  /** The module that data threads run. */
  readonly threadEntry: URL
  /** Called once everything listens. */
  readonly listening: (runtime: Runtime) => void
}

/** Runs until the process is to leave; resolves with its exit status. */
export async function serve(options: ServeOptions): Promise<number> {
  const { configuration, line, files, messages } = options
  const { global } = configuration
  const { log, ready } = lateLog(messages)
  const refuse = (text: string): number => {
    log.alert(`[${NAME}.main()] ${text}`)
    return 1
  }
  const warned = new Set<string>()
  const warnOnce = (text: string): void => {
    if (warned.has(text)) return
    warned.add(text)
    log.warning(text)
  }
  const threads = global.get(nbthread) ?? 1
  const gauges = new GaugeMemory(0, threads)
  const proxies = await buildProxies({ configuration, line, plugins: options.plugins, files, log, warnOnce, gauges })
  if (!('runtime' in proxies)) {
    messages.problems(proxies.problems)
    return refuse(proxies.refusal)
  }
  const { traffic } = proxies
  const { warnings } = proxies.runtime
  messages.problems(warnings)
  if (saysWarning(warnings) && global.get(zeroWarning) === true) {
    messages.alert(WARNINGS_REFUSED)
    return 1
  }
  let runtime: Runtime = proxies.runtime
  if (threads > 1 && proxies.provider === 'linux') runtime = new Threads({ control: proxies.runtime, count: threads, line, gauges, files: files.kept, log, warnOnce, entry: options.threadEntry, abandon: endProcess })
  else if (threads > 1) log.notice(`nbthread ${threads}: the node provider has one data thread`)
  reportBugs(log)
  const status = await run({
    runtime,
    log,
    sink: traffic.global,
    signals: options.signals,
    pidFile: global.get(pidfile),
    identity: { uid: global.get(uid), gid: global.get(gid) },
    hardStopAfter: global.get(hardStopAfter),
    memory: line.memory === 0 ? undefined : line.memory,
    listening() {
      messages.introduced()
      unblock(2) // what was said until now is said whole, however slow its reader is
      ready()
      options.listening(runtime)
    },
    logs: traffic,
  })
  return status
}

/** Without unwinding threads, which koffi does not survive while they serve. */
function endProcess(status: number): void {
  const kernel = loadKernel()
  if ('reason' in kernel) process.exit(status)
  kernel.exit(status)
}

/** Start-up speaks for itself; once everything listens, pino is loaded and has the process log. */
function lateLog(messages: Messages): { log: ProcessLog; ready: () => void } {
  let current: ProcessLog = messages
  return {
    log: { alert: (text) => current.alert(text), warning: (text) => current.warning(text), notice: (text) => current.notice(text) },
    // Where it does not load, start-up's log goes on.
    ready: () => void import('./log.ts').then(({ processLog }) => (current = processLog(messages)), () => undefined),
  }
}
