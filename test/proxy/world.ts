// Owns a world without a system for tests of proxies: a configuration's text becomes running proxies on pretended socks and a clock
// that only moves when told.

import type { Address } from '../../src/core/address.ts'
import type { ConnectSpec, Listener, ListenEvents, ListenSpec, Provider } from '../../src/core/provider.ts'
import { GaugeMemory } from '../../src/proxy/gauge.ts'
import { buildRuntime, type Runtime } from '../../src/proxy/runtime.ts'
import type { Plugin } from '../../src/core/plugin.ts'
import { contributed } from '../../src/sample/contributed.ts'
import { allPlugins, loadText } from '../kit/configuration.ts'
import { fakeWheel, type FakeClock } from '../kit/fake-clock.ts'
import { PeerSock, turns } from './peer-sock.ts'

export const address = (text: string): Address => {
  const at = text.lastIndexOf(':')
  return { family: 'ipv4', host: text.slice(0, at), port: Number(text.slice(at + 1)) }
}

export class FakeListener implements Listener {
  readonly address: Address
  readonly spec: ListenSpec
  readonly events: ListenEvents
  paused = false
  closed = false

  constructor(spec: ListenSpec, events: ListenEvents) {
    this.spec = spec
    this.events = events
    this.address = spec.address
  }

  pause(): void {
    this.paused = true
  }

  resume(): void {
    this.paused = false
  }

  close(): void {
    this.closed = true
  }
}

export class FakeProvider implements Provider {
  readonly name: 'node' | 'linux'
  readonly listeners: FakeListener[] = []
  /** Outgoing socks in order, and where they go. */
  readonly connects: { readonly to: Address; readonly sock: PeerSock; readonly spec: ConnectSpec }[] = []
  readonly agains = new Set<PeerSock>()
  /** What connect() does about a new sock before it is returned; a throw is connect()'s. */
  onConnect: (sock: PeerSock, to: Address) => void = () => undefined
  /** Ports that cannot be listened on, and the error. */
  readonly refused = new Map<number, string>()
  #port = 50_000

  constructor(name: 'node' | 'linux' = 'linux') {
    this.name = name
  }

  async listen(spec: ListenSpec, events: ListenEvents): Promise<Listener> {
    await Promise.resolve()
    const code = 'port' in spec.address ? this.refused.get(spec.address.port) : undefined
    if (code !== undefined) throw Object.assign(new Error(`listen ${code}`), { code })
    const listener = new FakeListener(spec, events)
    this.listeners.push(listener)
    return listener
  }

  connect(spec: ConnectSpec): PeerSock {
    const { to } = spec
    const sock = new PeerSock(this.agains, { family: 'ipv4', host: '10.0.0.1', port: this.#port++ }, to)
    sock.connecting = true
    this.onConnect(sock, to)
    this.connects.push({ to, sock, spec })
    return sock
  }
}

export interface World {
  readonly runtime: Runtime
  readonly provider: FakeProvider
  readonly clock: FakeClock
  readonly gauges: GaugeMemory
  /** `level line` of every log line, when the proxy has a `log` line or not. */
  readonly lines: string[]
  readonly bugs: string[]
  readonly notices: string[]
  /** A client comes to the n-th listener. */
  accept(options?: { listener?: number; src?: string; dst?: string; make?: (sock: PeerSock) => void }): PeerSock
  /** The n-th outgoing sock, from 0. Throws when there is none. */
  server(n?: number): PeerSock
  /** Lets the loop turn until nothing is left to do. */
  settle(): void
  /** Moves time in small steps, with turns of the loop between. ms */
  pass(ms: number): void
}

export interface WorldOptions {
  /** Connections of the process. Default 0: no limit. */
  readonly maxconn?: number
  readonly bufferSize?: number
  readonly plugins?: readonly Plugin[]
  readonly random?: () => number
  /** What the provider says it is. Default: linux. */
  readonly provider?: 'node' | 'linux'
  readonly gauges?: GaugeMemory
  /** Servers' connections that may wait for their peer's end when their sessions are over. Default: no limit. */
  readonly lingering?: number
}

/** What a log line says without a date: `f:b/s Tw/Tc/Tt B ts ac/fc/bc/sc/rc sq/bq`. */
export const LINE = 'log-format "%ft:%b/%s %Tw/%Tc/%Tt %U/%B %ts %fc/%bc/%sc/%rc %bq"'

/** Starts the proxies of this text. Rejects with what is wrong with it. */
export async function world(text: string, options: WorldOptions = {}): Promise<World> {
  const { wheel, clock } = fakeWheel()
  const plugins = [...allPlugins, ...(options.plugins ?? []).map(contributed)]
  const { configuration, problems } = loadText(text, { plugins })
  const alerts = problems.filter((p) => p.level === 'alert')
  if (alerts.length > 0) throw new Error(alerts.map((p) => `${p.line}: ${p.text}`).join('\n'))
  const provider = new FakeProvider(options.provider)
  const gauges = options.gauges ?? new GaugeMemory()
  const lines: string[] = []
  const bugs: string[] = []
  const notices: string[] = []
  const runtime = await buildRuntime(configuration, {
    provider,
    wheel,
    gauges,
    clock: () => 1_700_000_000_000 + clock.time,
    random: options.random ?? Math.random,
    plugins,
    global: configuration.global,
    bufferSize: options.bufferSize ?? 16_384,
    maxconn: options.maxconn ?? 0,
    ...(options.lingering === undefined ? {} : { lingering: options.lingering }),
    sinkFor: () => ({ write: (level, line) => void lines.push(level === 'info' ? line : `${level} ${line}`) }),
    warnOnce: (text) => void (notices.includes(text) ? 0 : notices.push(text)),
    notice: (line) => void notices.push(line),
    bug: (where, error) => void bugs.push(`${where}: ${error instanceof Error ? error.message : String(error)}`),
  })
  const failed = await runtime.start()
  if (failed.length > 0) throw new Error(failed.join('\n'))
  return {
    runtime,
    provider,
    clock,
    gauges,
    lines,
    bugs,
    notices,
    accept({ listener = 0, src = '192.0.2.1:40000', dst = '198.51.100.1:80', make } = {}) {
      const sock = new PeerSock(provider.agains, address(dst), address(src))
      make?.(sock)
      const at = provider.listeners[listener]
      if (at === undefined) throw new Error(`no listener ${listener}`)
      at.events.accepted(sock)
      turns(provider.agains)
      return sock
    },
    server(n = 0) {
      const found = provider.connects[n]
      if (found === undefined) throw new Error(`connection ${n} was not asked for (${provider.connects.length} were)`)
      return found.sock
    },
    settle: () => turns(provider.agains),
    pass(ms) {
      for (let left = ms; left > 0; left -= 50) {
        turns(provider.agains)
        clock.advance(Math.min(50, left))
      }
      turns(provider.agains)
    },
  }
}

/** What all counts of a world come to when nothing goes on any more. */
export function counts(w: World): Record<string, number> {
  const all: Record<string, number> = { live: w.runtime.remaining() }
  for (const f of w.runtime.frontends) {
    all[`frontend ${f.name}`] = f.connections
    for (const bind of f.binds) all[`bind ${f.name}/${bind.name}`] = bind.connections
  }
  for (const b of w.runtime.backends) {
    all[`backend ${b.name}`] = b.connections
    all[`queue ${b.name}`] = b.queued
    for (const s of b.servers) all[`server ${b.name}/${s.name}`] = s.connections
  }
  return all
}

export const idle = (w: World): boolean => Object.values(counts(w)).every((n) => n === 0)
