// Owns what every thread that runs proxies does first: provider, logs, proxies built from the configuration.

import type { Plugin } from '../core/plugin.ts'
import type { Files } from '../core/files.ts'
import type { Problem } from '../core/keyword.ts'
import type { ProcessLog } from '../core/process-log.ts'
import type { Configuration } from '../config/configuration.ts'
import { globalMaxconn, maxpipes, nbthread, nosplice, provider } from '../config/keywords/global.ts'
import { fdHardLimit, strictLimits, ulimitN } from '../config/keywords/global.ts'
import { tuneBufsize, tuneMaxaccept, tunePipesize } from '../config/keywords/tune.ts'
import { bindLines } from '../config/lines.ts'
import type { GaugeMemory } from '../proxy/gauge.ts'
import { BuildError, buildRuntime, type Runtime } from '../proxy/runtime.ts'
import type { Trace } from '../core/trace.ts'
import { TurnClock } from '../util/turn-clock.ts'
import { monotonic, systemWheelClock, Wheel } from '../util/wheel.ts'
import type { CommandLine } from './arguments.ts'
import { writeStderr } from './messages.ts'
import { DebugTrace } from './trace-text.ts'
import { descriptorLimit, planConnections } from './limits.ts'
import { chooseProvider } from './providers.ts'
import { openTrafficLog, type TrafficLog } from './traffic-log.ts'
import { messageOf, stackOf } from '../util/shown.ts'

/** maxpipes where it is not set: pipes that a thread splices through. */
const PIPES = 256
/** Connections that a full listener of the node provider accepts all the same, as many as HAProxy's kernel queue used to take. */
const HELD = 511
/** tune.bufsize where it is not set. */
export const BUFFER_SIZE = 16384

export interface ProxiesOptions {
  /** With what the command line changes of it. */
  readonly configuration: Configuration
  readonly line: CommandLine
  readonly plugins: readonly Plugin[]
  readonly files: Files
  readonly log: ProcessLog
  readonly gauges: GaugeMemory
  /** Says a warning unless it was said before, by this thread or another. */
  readonly warnOnce: (text: string) => void
  /** Descriptors that another thread listens on, by frontend and number of its listener; 'none': it does not, so nobody does. */
  readonly sharedDescriptor?: (frontend: string, listener: number) => number | 'none'
}

export interface Proxies {
  readonly runtime: Runtime
  readonly traffic: TrafficLog
  readonly provider: 'node' | 'linux'
}

/** Why there are no proxies: what is wrong with the configuration, and the last word. */
export interface Unbuilt {
  readonly problems: readonly Problem[]
  readonly refusal: string
}

export async function buildProxies(options: ProxiesOptions): Promise<Proxies | Unbuilt> {
  const { configuration, line, log } = options
  const { global } = configuration
  const limits = { commandLine: line.maxconn, configured: global.get(globalMaxconn), descriptorsAsked: global.get(ulimitN), descriptorsAtMost: global.get(fdHardLimit) }
  const listeners = listenersOf(configuration)
  const descriptors = descriptorLimit()
  const plans = {
    linux: planConnections(limits, { listeners, threads: global.get(nbthread) ?? 1, pipes: global.get(nosplice) === true ? 0 : (global.get(maxpipes) ?? PIPES), held: 0 }, descriptors),
    node: planConnections(limits, { listeners, threads: 1, pipes: 0, held: HELD }, descriptors),
  }
  const socks = await chooseProvider({
    wanted: line.provider ?? global.get(provider),
    maxPipes: plans.linux.pipes,
    pipeSize: global.get(tunePipesize),
    maxAccept: accepts(global.get(tuneMaxaccept)),
    maxHeld: plans.node.held,
  })
  if (typeof socks === 'string') return { problems: [], refusal: socks }
  const plan = plans[socks.name]
  if (plan.problem !== undefined) {
    if (global.get(strictLimits) !== false) return { problems: [], refusal: plan.problem }
    log.warning(`${plan.problem} maxconn is ${plan.maxconn}.`)
  }
  try {
    const traffic = await openTrafficLog(configuration, log)
    const [ticks, wall] = [new TurnClock(monotonic), new TurnClock(Date.now)]
    const wheel = new Wheel(systemWheelClock(ticks.now))
    socks.eachTurn?.(
      () => {
        ticks.freeze()
        wall.freeze()
      },
      () => {
        ticks.thaw()
        wall.thaw()
      },
    )
    const runtime = await buildRuntime(configuration, {
      provider: socks,
      wheel,
      gauges: options.gauges,
      clock: wall.now,
      random: Math.random,
      plugins: options.plugins,
      global,
      files: options.files,
      bufferSize: global.get(tuneBufsize) ?? BUFFER_SIZE,
      maxconn: plan.maxconn,
      lingering: plan.lingering,
      sinkFor: (values) => traffic.sink(values),
      notice: (text) => log.notice(text),
      warnOnce: options.warnOnce,
      ...(line.debug ? { tracer: debugTracer } : {}),
      bug: (where, error) => log.alert(`bug: ${where}: ${stackOf(error)}`),
      ...(options.sharedDescriptor === undefined ? {} : { sharedDescriptor: options.sharedDescriptor }),
    })
    return { runtime, traffic, provider: socks.name }
  } catch (error) {
    if (error instanceof BuildError) return { problems: error.problems, refusal: 'The configuration cannot be started! Exiting.' }
    return { problems: [], refusal: messageOf(error) }
  }
}

function listenersOf({ proxies }: Configuration): number {
  return proxies.flatMap(({ values }) => values.get(bindLines) ?? []).reduce((sum, { addresses }) => sum + addresses.length, 0)
}

/** -d: each connection's way, line by line. */
function debugTracer(connection: number): Trace {
  return new DebugTrace(connection, writeStderr)
}

/** -1 is no limit. */
function accepts(n: number | undefined): number | undefined {
  return n === undefined ? undefined : n < 1 ? 1_000_000 : n
}
