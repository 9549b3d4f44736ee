// Owns the running proxies of one thread: builds them from a configuration, opens and closes their listeners, tells when they are done.

import { formatAddress } from '../core/address.ts'
import type { Problem } from '../core/keyword.ts'
import type { ProcessView } from '../core/view.ts'
import { hasBackend, hasFrontend, type Configuration, type ProxySection } from '../config/configuration.ts'
import { nbthread, profilingTasks } from '../config/keywords/global.ts'
import { bindNice } from '../config/keywords/bind.ts'
import { disabled, proxyId } from '../config/keywords/proxy.ts'
import { bindLines } from '../config/lines.ts'
import type { EngineConnection } from '../net/connection.ts'
import type { LiveList } from '../net/live.ts'
import { rulesOf } from '../sample/rules.ts'
import { profileWanted } from '../sample/fetches/profile.ts'
import { errorText } from '../util/errno.ts'
import type { Backend } from './backend.ts'
import { Build, type BuildHost } from './build.ts'
import { buildBackend } from './build-backend.ts'
import { buildFrontend } from './build-frontend.ts'
import type { Frontend, FrontendHost } from './frontend.ts'
import { TooManyCounters } from './gauge.ts'
import { Profiles } from './profile.ts'
import { RunQueue } from './run-queue.ts'

export interface RuntimeHost extends BuildHost {
  /** Connections of the process at a time; 0: no limit. */
  readonly maxconn: number
  /** Something does not work as it was asked for; told as often as it happens, to be said once. */
  warnOnce(text: string): void
  /** A bug was survived: where, and what was thrown. */
  bug(where: string, error: unknown): void
}

/** Start-up failed before anything listened; every problem is told. */
export class BuildError extends Error {
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[]) {
    super(problems.map((p) => p.text).join('\n'))
    this.problems = problems
  }
}

export class Runtime {
  readonly frontends: readonly Frontend[]
  readonly backends: readonly Backend[]
  /** What was found while they were built, and keeps nothing from running. */
  readonly warnings: readonly Problem[]
  /** Nothing listens and no connection is left, after softStop() or kill(). Never rejects. */
  readonly finished: Promise<void>
  readonly #live: LiveList<EngineConnection>
  #finish: () => void = () => undefined
  #stopping = false
  /** start() or resume() was the last word, not pause() or a stop. */
  #listens = false

  constructor(frontends: readonly Frontend[], backends: readonly Backend[], live: LiveList<EngineConnection>, warnings: readonly Problem[]) {
    this.frontends = frontends
    this.backends = backends
    this.#live = live
    this.warnings = warnings
    this.finished = new Promise((resolve) => (this.#finish = resolve))
  }

  get stopping(): boolean {
    return this.#stopping
  }

  /** Opens all listeners. Resolves with one line per listener that could not be opened; then none is left open. */
  async start(): Promise<readonly string[]> {
    const problems = await this.#open()
    if (problems.length > 0) this.#closeListeners()
    return problems
  }

  async #open(): Promise<string[]> {
    const problems: string[] = []
    this.#listens = true
    for (const { name, binds } of this.frontends) {
      for (const { listener, place } of binds) {
        if (listener.isOpen || !this.#listens) continue
        try {
          await listener.open()
        } catch (error) {
          problems.push(`Binding [${place}] for frontend ${name}: cannot bind socket (${errorText(error)}) for [${formatAddress(listener.address)}]`)
        }
      }
    }
    return problems
  }

  #closeListeners(): void {
    for (const { binds } of this.frontends) for (const { listener } of binds) listener.close()
  }

  /** The addresses being listened on, real ports included. */
  listening(): string[] {
    return this.frontends.flatMap((f) => f.binds.map((b) => formatAddress(b.listener.address)))
  }

  /** The descriptors being listened on, for data threads; the provider's, so none on node. */
  descriptors(): { frontend: string; listener: number; fd: number }[] {
    return this.frontends.flatMap((f) => f.binds.flatMap(({ listener: { fd } }, listener) => (fd === undefined ? [] : [{ frontend: f.name, listener, fd }])))
  }

  /** Accepts nothing while it holds; what comes waits in the kernel's queue. Idempotent. */
  hold(on: boolean): void {
    for (const frontend of this.frontends) frontend.gate('operator', on)
  }

  /** Gives the ports back, so that another process can have them. Inherited descriptors are only held. Idempotent. */
  pause(): void {
    this.#listens = false
    // Not held before they close: they take in whoever waits.
    for (const { binds } of this.frontends) for (const { listener } of binds) if (listener.reopens) listener.close()
    this.hold(true)
  }

  /** Listens again. Resolves with one line per listener that could not be opened; the others listen. */
  async resume(): Promise<readonly string[]> {
    this.hold(false)
    return this.#stopping ? [] : this.#open()
  }

  /** Listens no more; sessions go on until they end by themselves. Idempotent. */
  softStop(): void {
    if (this.#stopping) return
    this.#stopping = true
    this.#listens = false
    void Promise.all(this.frontends.map((f) => f.drain())).then(this.#finish)
  }

  /** Lets go of everything at once. Idempotent. */
  kill(): void {
    this.hold(true) // nobody is taken in any more
    this.softStop()
    for (const conn of this.#live.all()) conn.abandon()
    this.#finish()
  }

  /** One line per proxy and server: its state and its connections. */
  describe(): string[] {
    const proxies = this.frontends.map((f) => `Proxy ${f.name}: ${f.connections} connections.`)
    const servers = this.backends.flatMap((b) =>
      b.servers.map((s) => `Server ${b.name}/${s.name} is ${s.usable ? 'UP' : 'DOWN'}. Conn: ${s.connections} act, ${b.queued} pend.`),
    )
    return [...proxies, ...servers]
  }

  /** Connections that hold a descriptor. */
  remaining(): number {
    return this.#live.size
  }
}

/** Something in it gives sessions another place than the order of their events. */
function saysNice({ values }: ProxySection): boolean {
  return (values.get(bindLines) ?? []).some((line) => (line.values.get(bindNice) ?? 0) !== 0) || rulesOf(values).some((rule) => rule.action === 'set-nice')
}

/** Sessions are measured where an expression asks for it, or all of them because of a word. */
function profilesOf({ global, plugins }: RuntimeHost): Profiles | undefined {
  const word = global.get(profilingTasks)
  return word === 'on' || profileWanted(plugins) ? new Profiles(word !== 'off') : undefined
}

/** A section that there are no counters left for is a problem of the configuration. */
async function counted<T>({ place, kind, name }: ProxySection, built: Promise<T>): Promise<T> {
  try {
    return await built
  } catch (error) {
    throw error instanceof TooManyCounters ? new BuildError([{ ...place, level: 'alert', text: `'${kind} ${name}' : ${error.message}` }]) : error
  }
}

/** Builds the proxies of a configuration that has no alerts. Rejects with a BuildError. */
export async function buildRuntime(configuration: Configuration, host: RuntimeHost): Promise<Runtime> {
  const build = new Build(host)
  const active = configuration.proxies.filter((p) => p.values.get(disabled) !== true)
  const backends = new Map<string, Backend>()
  const frontends = new Map<string, Frontend>()
  const connections = build.gauges.gauge()
  let runtime: Runtime | undefined
  const view: ProcessView = {
    thread: host.gauges.thread,
    bufferSize: host.bufferSize,
    threads: host.global.get(nbthread) ?? 1,
    get stopping() {
      return runtime?.stopping ?? false
    },
    get connections() {
      return connections.value
    },
    frontend: (name) => frontends.get(name),
    backend: (name) => backends.get(name),
    warnOnce: (text) => host.warnOnce(text),
  }
  // Rules of a defaults section are in every section that uses it, and told of once.
  for (const rule of new Set(active.flatMap(({ values }) => rulesOf(values)))) {
    if (rule.needsKernel) build.needsKernel(rule.place, rule.keyword, { [rule.action]: true })
  }
  for (const section of active) {
    if (hasBackend(section.kind)) backends.set(section.name, await counted(section, buildBackend(build, section, section.values.get(proxyId) ?? section.number, view)))
  }
  const shared: FrontendHost = {
    provider: host.provider,
    wheel: host.wheel,
    clock: host.clock,
    process: view,
    profiles: profilesOf(host),
    runQueue: active.some(saysNice) ? new RunQueue(host.provider.name === 'linux' ? queueMicrotask : (then) => void setImmediate(then)) : undefined,
    connections,
    maxconn: host.maxconn,
    someoneLeft: (frontend) => {
      for (const other of frontends.values()) if (other !== frontend) other.roomInProcess()
    },
    bug: (where, error) => host.bug(where, error),
  }
  for (const section of active) {
    if (!hasFrontend(section.kind)) continue
    frontends.set(section.name, await counted(section, buildFrontend(build, shared, section, section.values.get(proxyId) ?? section.number, backends)))
  }
  if (build.problems.some((p) => p.level === 'alert')) throw new BuildError(build.problems)
  runtime = new Runtime([...frontends.values()], [...backends.values()], build.live, build.problems)
  return runtime
}
