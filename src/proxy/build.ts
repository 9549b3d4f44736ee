// Owns what building proxies needs in common: plans of handlers per line, gauges, clocks, and where problems go.

import type { App, MakeHandler } from '../core/handler.ts'
import type { Files } from '../core/files.ts'
import type { Place, Problem, Values } from '../core/keyword.ts'
import type { LogSink } from '../core/log-sink.ts'
import { insertable, orderHandlers, planLine } from '../core/plan.ts'
import type { HandlerSpec, Plugin, PlanLine } from '../core/plugin.ts'
import type { Provider } from '../core/provider.ts'
import type { ProxySection } from '../config/configuration.ts'
import { systemFiles } from '../config/files.ts'
import type { ConnectionPlan, EngineConnection } from '../net/connection.ts'
import { Lingering } from '../net/lingering.ts'
import { LiveList } from '../net/live.ts'
import { requestInspectDelay, requestRules, responseInspectDelay, responseRules } from '../sample/content.ts'
import { timeoutConnect, timeoutTarpit } from '../config/keywords/timeouts.ts'
import { TRACER } from '../core/trace.ts'
import type { Tracer } from '../core/trace.ts'
import type { Wheel } from '../util/wheel.ts'
import type { GaugeMemory } from './gauge.ts'
import type { InspectionPlan } from './inspection.ts'

/** How long a polite end waits for the peer's, unless client-fin says otherwise. ms */
const DRAIN_MS = 5000

/** What the process gives. */
export interface BuildHost {
  readonly provider: Provider
  readonly wheel: Wheel
  readonly gauges: GaugeMemory
  /** Wall clock, ms since the epoch. */
  readonly clock: () => number
  /** Numbers in [0, 1). */
  readonly random: () => number
  readonly plugins: readonly Plugin[]
  readonly global: Values
  /** What certificates and the like are read through. Default: the system's. */
  readonly files?: Files
  readonly bufferSize: number
  /** Servers' connections that may wait for their peer's end when their sessions are over, in this thread. Default: no limit. */
  readonly lingering?: number
  /** Who is told of every connection's way; nobody usually. */
  readonly tracer?: Tracer | undefined
  /** Where a proxy's log lines go; undefined: nowhere. */
  sinkFor(values: Values): LogSink | undefined
  /** Descriptors that another thread listens on, by frontend and number of its listener; 'none': nobody listens there. Without it they are opened. */
  readonly sharedDescriptor?: (frontend: string, listener: number) => number | 'none'
  /** One line for the process log. */
  notice(text: string): void
}

/** A bind or server line to be planned. */
export interface LineToPlan {
  readonly line: Values
  readonly place: Place
  readonly section: ProxySection
  readonly kind: 'frontend' | 'backend'
  readonly app: App | undefined
}

/** The content rules of a section; undefined: it has none. */
export function inspectionOf(values: Values, way: 'request' | 'response'): InspectionPlan | undefined {
  const rules = values.get(way === 'request' ? requestRules : responseRules) ?? []
  if (rules.length === 0) return undefined
  const delay = values.get(way === 'request' ? requestInspectDelay : responseInspectDelay) ?? 0
  return { rules, delay, tarpit: tarpitTimeout(values) }
}

/** ms */
export function tarpitTimeout(values: Values): number {
  return values.get(timeoutTarpit) ?? values.get(timeoutConnect) ?? 0
}

export class Build {
  readonly provider: Provider
  readonly wheel: Wheel
  readonly gauges: GaugeMemory
  readonly bufferSize: number
  readonly random: () => number
  readonly clock: () => number
  readonly live = new LiveList<EngineConnection>()
  readonly #lingering: Lingering
  readonly problems: Problem[] = []
  readonly #host: BuildHost
  readonly #orders: Readonly<Record<'accept' | 'connect', readonly HandlerSpec[]>>

  constructor(host: BuildHost) {
    this.#host = host
    this.provider = host.provider
    this.wheel = host.wheel
    this.gauges = host.gauges
    this.bufferSize = host.bufferSize
    this.random = host.random
    this.clock = host.clock
    this.#lingering = new Lingering(host.lingering)
    this.#orders = { accept: this.#order('accept'), connect: this.#order('connect') }
  }

  #order(side: 'accept' | 'connect'): readonly HandlerSpec[] {
    const { order, problems } = orderHandlers(this.#host.plugins.flatMap((p) => p.handlers ?? []), side)
    for (const text of problems ?? []) this.report({ file: 'plugins', line: 0, level: 'alert', text })
    return order ?? []
  }

  report(problem: Problem): void {
    this.problems.push(problem)
  }

  /** Reports what of these options, by their words, only the kernel's own calls can do, where the provider has not got them. */
  needsKernel(place: Place, line: string, options: Readonly<Record<string, unknown>>): void {
    if (this.provider.name === 'linux') return
    for (const [word, value] of Object.entries(options)) {
      if (value === undefined || value === false || value === 0) continue
      this.report({ ...place, level: 'alert', text: `'${line}' : '${word}' needs the linux provider, and this is '${this.provider.name}'`, hint: 'remove it, or see -vv for why linux is not used' })
    }
  }

  notice(text: string): void {
    this.#host.notice(text)
  }

  sharedDescriptor(frontend: string, listener: number): number | 'none' | undefined {
    return this.#host.sharedDescriptor?.(frontend, listener)
  }

  sinkFor(values: Values): LogSink | undefined {
    return this.#host.sinkFor(values)
  }

  /** The handlers of a line, in order, and whether they speak by themselves: one that answers a client, the first towards a server. */
  plan(side: 'accept' | 'connect', to: LineToPlan): { readonly handlers: MakeHandler[]; readonly speaks: boolean } {
    const order = this.#orders[side]
    const { line, place, section } = to
    const planned: PlanLine = {
      get: (key) => line.get(key),
      placeOf: (key) => line.placeOf(key),
      place,
      proxy: {
        name: section.name,
        kind: to.kind,
        get: (key) => section.values.get(key),
        placeOf: (key) => section.values.placeOf(key),
      },
      global: this.#host.global,
      files: this.#host.files ?? systemFiles,
      app: to.app,
      report: (problem) => this.report({ ...place, ...problem }),
      handler: (name) => insertable(order, name, planned),
    }
    const specs: HandlerSpec[] = []
    const handlers = planLine(order, planned, (spec) => specs.push(spec))
    return { handlers, speaks: (side === 'accept' ? specs : specs.slice(0, 1)).some((spec) => spec.speaks === true) }
  }

  connectionPlan(side: 'accept' | 'connect', handlers: readonly MakeHandler[], handshakeMs: number, more: { drainMs?: number | undefined; facts?: ReadonlyMap<unknown, unknown> } = {}): ConnectionPlan {
    return {
      side,
      handlers,
      handshakeMs,
      drainMs: more.drainMs ?? DRAIN_MS,
      bufferSize: this.bufferSize,
      wheel: this.wheel,
      clock: this.clock,
      facts: this.#host.tracer === undefined ? (more.facts ?? new Map()) : new Map<unknown, unknown>([...(more.facts ?? []), [TRACER, this.#host.tracer]]),
      live: this.live,
      ...(side === 'connect' ? { lingering: this.#lingering } : {}), // a client's counts as a connection until its descriptor is released
    }
  }
}
