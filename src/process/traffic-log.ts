// Owns where proxies' log lines go: from `log` lines to sinks, with levels, samples and formats per target (manual 4.2, "log").

import type { LogLevel, LogSink } from '../core/log-sink.ts'
import type { ProcessLog } from '../core/process-log.ts'
import type { Problem, Values } from '../core/keyword.ts'
import type { Configuration } from '../config/configuration.ts'
import { logSendHostname } from '../config/keywords/environment.ts'
import { log, logTag } from '../config/keywords/log.ts'
import type { LogTarget } from '../config/keywords/log.ts'
import type { LogSample } from '../config/keywords/logsample.ts'
import { didYouMean } from '../config/near.ts'
import { NAME } from '../config/version.ts'
import { hostname as systemName } from 'node:os'
import { BuildError } from '../proxy/runtime.ts'
import { LineFormat, SEVERITY } from './log-format.ts'
import { destinationKey, openTransport, resolveDestination } from './log-targets.ts'
import type { LogTransport } from './log-targets.ts'
import { messageOf } from '../util/shown.ts'

export interface TrafficLog {
  /** The sink of a proxy's `log` lines, those of `global` included where it says `log global`. undefined: it logs nowhere. */
  sink(proxy: Values): LogSink | undefined
  /** Starts and exits of the process: the targets of `global`. */
  readonly global: LogSink | undefined
  /** Lines that no target took. */
  lost(): number
  /** For the last moments of a process that cannot wait. */
  flushSync(): void
  /** Resolves when everything logged so far has been handed to the system. */
  drained(): Promise<void>
  close(): void
}

/** One target as one proxy writes to it. */
export class TargetSink {
  readonly #transport: LogTransport
  readonly #format: LineFormat
  readonly #least: number
  readonly #most: number
  readonly #sample: LogSample | undefined
  #count = 0

  constructor(target: LogTarget, format: LineFormat, transport: LogTransport) {
    this.#transport = transport
    this.#format = format
    this.#least = SEVERITY[target.level]
    this.#most = SEVERITY[target.minLevel]
    this.#sample = target.sample
  }

  write(severity: number, line: string, structured: string | undefined, now: number): void {
    if (severity > this.#least) return
    if (this.#sample !== undefined && !this.#sampled(this.#sample)) return
    this.#transport.send(this.#format.line(Math.max(severity, this.#most), line, structured, now))
  }

  #sampled(sample: LogSample): boolean {
    const number = this.#count + 1
    this.#count = number === sample.size ? 0 : number
    return sample.ranges.some((range) => number >= range.low && number <= range.high)
  }
}

class Sink implements LogSink {
  readonly #targets: readonly TargetSink[]

  constructor(targets: readonly TargetSink[]) {
    this.#targets = targets
  }

  write(level: LogLevel, line: string, structured?: string): void {
    const now = Date.now()
    const severity = SEVERITY[level]
    for (const target of this.#targets) target.write(severity, line, structured, now)
  }
}

type Logged = Pick<Configuration, 'global' | 'proxies'>

/** One of each destination, as first written. */
function targetsOf({ global, proxies }: Logged): ReadonlyMap<string, LogTarget> {
  const targets = new Map<string, LogTarget>()
  for (const target of [global, ...proxies.map(({ values }) => values)].flatMap((values) => values.get(log)?.targets ?? [])) {
    const key = destinationKey(target.to)
    if (!targets.has(key)) targets.set(key, target)
  }
  return targets
}

/** HAProxy's words for a name that has no address: it looks for it while it reads. */
function unusable({ to, text, place }: LogTarget, error: unknown): Problem {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const lost = to.kind === 'udp' && error instanceof Error && 'syscall' in error && error.syscall === 'getaddrinfo'
  if (!lost) return { ...place, level: 'alert', text: `log : cannot log to '${text}' : ${messageOf(error)}` }
  const meant = didYouMean(to.host, ['stdout', 'stderr'])
  const hint = `${meant === undefined ? '' : `${meant} `}'${to.host}' is taken for the name of a host and has no address (${code}): write an IP address or a name that resolves, stdout, stderr, fd@<n>, or the path of a Unix socket`
  return { ...place, level: 'alert', text: `log : invalid address: '${to.host}' in '${text}'`, hint }
}

/** The targets that could not be had: names that do not resolve. Opens nothing. */
export async function checkLogTargets(configuration: Logged): Promise<readonly Problem[]> {
  const problems: Problem[] = []
  for (const target of targetsOf(configuration).values()) {
    try {
      await resolveDestination(target.to)
    } catch (error) {
      problems.push(unusable(target, error))
    }
  }
  return problems
}

/** Rejects with a BuildError about the targets that cannot be had; then none is left open. */
export async function openTrafficLog(configuration: Logged, report: ProcessLog): Promise<TrafficLog> {
  const { global } = configuration
  const sent = global.get(logSendHostname)
  const hostname = sent === true ? systemName() : sent
  const globalTag = global.get(logTag) ?? NAME
  const globalTargets = global.get(log)?.targets ?? []
  const transports = new Map<string, LogTransport>()
  const problems: Problem[] = []
  for (const [key, target] of targetsOf(configuration)) {
    try {
      transports.set(key, await openTransport(target.to, report))
    } catch (error) {
      problems.push(unusable(target, error))
    }
  }
  if (problems.length > 0) {
    for (const transport of transports.values()) transport.close()
    throw new BuildError(problems)
  }

  function make(targets: readonly LogTarget[], tag: string): LogSink | undefined {
    const sinks: TargetSink[] = []
    for (const target of targets) {
      const transport = transports.get(destinationKey(target.to))
      if (transport === undefined) throw new Error(`log ${target.text}: not among the targets that were opened`)
      sinks.push(new TargetSink(target, new LineFormat(target, { tag, hostname, pid: process.pid }), transport))
    }
    return sinks.length === 0 ? undefined : new Sink(sinks)
  }

  const all = (): LogTransport[] => [...transports.values()]
  return {
    global: make(globalTargets, globalTag),
    sink(proxy) {
      const settings = proxy.get(log)
      if (settings === undefined) return undefined
      return make([...settings.targets, ...(settings.global ? globalTargets : [])], proxy.get(logTag) ?? globalTag)
    },
    lost: () => all().reduce((sum, transport) => sum + transport.lost, 0),
    flushSync: () => all().forEach((transport) => transport.flushSync()),
    drained: async () => void (await Promise.all(all().map((transport) => transport.drained()))),
    close: () => all().forEach((transport) => transport.close()),
  }
}
