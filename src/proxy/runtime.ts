// Owns the running proxies of one thread: builds them from a configuration, opens and closes their listeners, tells when they are done.

import { formatAddress } from '../core/address.ts'
import type { Problem } from '../core/keyword.ts'
import { hasBackend, hasFrontend, type Configuration } from '../config/configuration.ts'
import { disabled, proxyId } from '../config/keywords/proxy.ts'
import { errorText } from '../util/errno.ts'
import type { Backend } from './backend.ts'
import { Build, type BuildHost } from './build.ts'
import { buildBackend } from './build-backend.ts'
import { buildFrontend } from './build-frontend.ts'
import type { Frontend, FrontendHost } from './frontend.ts'

export interface RuntimeHost extends BuildHost {
  /** Connections of the process at a time; 0: no limit. */
  readonly maxconn: number
  /** A bug was survived: where, and what was thrown. */
  bug(where: string, error: unknown): void
}

/** Start-up failed; every problem is told. */
export class StartError extends Error {
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[]) {
    super(problems.map((p) => p.text).join('\n'))
    this.problems = problems
  }
}

export class Runtime {
  readonly frontends: readonly Frontend[]
  readonly backends: readonly Backend[]
  /** Resolves when no connection is left after softStop(). */
  readonly finished: Promise<void>
  readonly #starting: ReadonlyMap<Frontend, Problem>
  #finish: () => void = () => undefined

  constructor(frontends: ReadonlyMap<Frontend, Problem>, backends: readonly Backend[]) {
    this.frontends = [...frontends.keys()]
    this.backends = backends
    this.#starting = frontends
    this.finished = new Promise((resolve) => (this.#finish = resolve))
  }

  /** Opens all listeners. Rejects with a StartError that names each that could not be opened; then none is left open. */
  async start(): Promise<void> {
    const problems: Problem[] = []
    for (const [frontend, place] of this.#starting) {
      for (const { listener } of frontend.binds) {
        try {
          await listener.open()
        } catch (error) {
          const text = `Starting frontend ${frontend.name}: cannot bind socket (${errorText(error)}) [${formatAddress(listener.address)}]`
          problems.push({ ...place, text })
        }
      }
    }
    if (problems.length === 0) return
    this.#closeListeners()
    throw new StartError(problems)
  }

  #closeListeners(): void {
    for (const { binds } of this.frontends) for (const { listener } of binds) listener.close()
  }

  /** What is listened on: `frontend address`. */
  listening(): string[] {
    return this.frontends.flatMap((f) => f.binds.map((b) => `${f.name} ${formatAddress(b.listener.address)}`))
  }

  pause(): void {
    for (const frontend of this.frontends) frontend.gate('operator', true)
  }

  resume(): void {
    for (const frontend of this.frontends) frontend.gate('operator', false)
  }

  /** Stops listening and lets the connections finish. */
  softStop(): void {
    void Promise.all(this.frontends.map((f) => f.drain())).then(this.#finish)
  }
}

/** Builds the proxies of a configuration that has no alerts. Rejects with a StartError. */
export async function buildRuntime(configuration: Configuration, host: RuntimeHost): Promise<Runtime> {
  const build = new Build(host)
  const active = configuration.proxies.filter((p) => p.values.get(disabled) !== true)
  const backends = new Map<string, Backend>()
  for (const section of active) {
    if (hasBackend(section.kind)) backends.set(section.name, await buildBackend(build, section, section.values.get(proxyId) ?? section.number))
  }
  const frontends = new Map<Frontend, Problem>()
  const shared: FrontendHost = {
    provider: host.provider,
    wheel: host.wheel,
    connections: build.gauges.gauge(),
    maxconn: host.maxconn,
    gateAll: (shut) => {
      for (const frontend of frontends.keys()) frontend.gate('process full', shut)
    },
    bug: (where, error) => host.bug(where, error),
  }
  for (const section of active) {
    if (!hasFrontend(section.kind)) continue
    const frontend = await buildFrontend(build, shared, section, section.values.get(proxyId) ?? section.number, backends)
    frontends.set(frontend, { ...section.place, level: 'alert', text: '' })
  }
  if (build.problems.some((p) => p.level === 'alert')) throw new StartError(build.problems)
  return new Runtime(frontends, [...backends.values()])
}
