// Owns where proxies' log lines go: from `log` lines to sinks, with levels, samples and formats per target (manual 4.2, "log").

import type { LogLevel, LogSink } from '../core/log-sink.ts'
import type { ProcessLog } from '../core/process-log.ts'
import type { Values } from '../core/keyword.ts'
import type { Configuration } from '../config/configuration.ts'
import { logSendHostname } from '../config/keywords/environment.ts'
import { log, logTag } from '../config/keywords/log.ts'
import type { LogTarget } from '../config/keywords/log.ts'
import type { LogSample } from '../config/keywords/logsample.ts'
import { NAME } from '../config/version.ts'
import { hostname as systemName } from 'node:os'
import { LineFormat, SEVERITY } from './log-format.ts'
import { destinationKey, openTransport } from './log-targets.ts'
import type { LogTransport } from './log-targets.ts'

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

/** Rejects with an Error whose message names the target that cannot be had. */
export async function openTrafficLog(configuration: Pick<Configuration, 'global' | 'proxies'>, report: ProcessLog): Promise<TrafficLog> {
  const { global, proxies } = configuration
  const sent = global.get(logSendHostname)
  const hostname = sent === true ? systemName() : sent
  const globalTag = global.get(logTag) ?? NAME
  const globalTargets = global.get(log)?.targets ?? []
  const transports = new Map<string, LogTransport>()
  for (const target of [...globalTargets, ...proxies.flatMap((proxy) => proxy.values.get(log)?.targets ?? [])]) {
    const key = destinationKey(target.to)
    if (transports.has(key)) continue
    try {
      transports.set(key, await openTransport(target.to, report))
    } catch (error) {
      throw new Error(`log ${target.text}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
    }
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
