// Owns the oracle: the same configuration text and the same script run on HAProxy and on Headgate, and what the peers saw compared.
//
//   scenario.config(world) ─► one file per group ─► haproxy  ─► scenario.run(world) ─► observation ┐
//                                                └► headgate ─► scenario.run(world) ─► observation ┴► deep equality
//
// A group's scenarios share one process of each program and run side by side; each has its own proxies, ports and log sink.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type tap from 'tap'
import { certificates } from './certificates.ts'
import type { Certificates } from './certificates.ts'
import { asked, boundPorts, commandOf } from './command.ts'
import type { Kind } from './command.ts'
import { deafListener } from './deaf.ts'
import { connect, connectTls, serve } from './peers.ts'
import type { Server, ServerOptions, Wire } from './peers.ts'
import { runPool } from './pool.ts'
import { claimPorts } from './ports.ts'
import type { Ports } from './ports.ts'
import { sleep, start } from './program.ts'
import type { Program, StartOptions } from './program.ts'
import { syslog } from './syslog.ts'
import type { Syslog } from './syslog.ts'

/** Plain data that can be compared. */
export type Observation = unknown

/** What a scenario has to work with. Names are its own: two scenarios never share a port. */
export interface World {
  readonly kind: Kind
  readonly program: Program
  readonly log: Syslog
  readonly certificates: Certificates
  readonly folder: string
  port(name: string): number
  range(name: string, n: number): number
  /** A path for a Unix socket or a file. */
  path(name: string): string
  connect(name: string, options?: { countOnly?: boolean }): Promise<Wire>
  connectTls(name: string, options?: Parameters<typeof connectTls>[1], before?: Uint8Array): ReturnType<typeof connectTls>
  /** A server on the port with this name; closed after the scenario. */
  serve(name: string, options?: ServerOptions): Promise<Server>
  /** A listener on the port with this name whose backlog is full: who connects gets no answer. Until the scenario is over. */
  deaf(name: string): Promise<void>
  /** Called after the scenario. */
  teardown(f: () => void): void
  /** Replaces numbers of this scenario's ports by their names, other ports' numbers are the caller's business. */
  named(text: string): string
}

/** Before the program runs: only names. */
export type Places = Pick<World, 'kind' | 'port' | 'range' | 'path' | 'certificates' | 'folder'> & { readonly logPort: number }

export interface Scenario {
  readonly name: string
  /** Proxies only; the group's defaults stand before it. */
  readonly config: (places: Places) => string
  readonly run: (world: World) => Promise<Observation>
  /** What both show. Lets the scenario run without HAProxy, and keeps the harness honest. */
  readonly expect?: Observation
  /** Where Headgate differs on purpose: why, and what it shows. The README lists it. */
  readonly differs?: { readonly why: string; readonly headgate: Observation }
  /** The waits in log lines (for a turn, for the server) are compared, in half seconds; otherwise only whether there are any. */
  readonly logTimes?: boolean
  /** Left HAProxy or never was in it: only Headgate is asked. Must have `expect`. */
  readonly headgateOnly?: string
  /** What Headgate still lacks for it: only HAProxy is asked, and the test shows as one to be done. */
  readonly notYet?: string
}

export interface Group {
  /** The global section, without its heading. */
  readonly global?: (places: Places) => string
  /** The defaults section of each scenario, without its heading. */
  readonly defaults?: string
  readonly scenarios: readonly Scenario[]
  readonly start?: StartOptions
  /** Scenarios at a time; 8 unless given. */
  readonly together?: number
  /** It matters here how long things take: a scenario that fails is asked once more, with nothing beside it. */
  readonly times?: boolean
  /** Headgate is asked on the node provider too. */
  readonly bothProviders?: boolean
}

const DEFAULTS = `
  mode tcp
  timeout connect 2s
  timeout client 10s
  timeout server 10s
  option tcplog`

interface Stage {
  readonly scenario: Scenario
  readonly places: Places
  readonly log: Syslog
  readonly named: (text: string) => string
}

async function stageOf(scenario: Scenario, kind: Kind, ports: Ports, folder: string, index: number, certs: Certificates): Promise<Stage> {
  const prefix = `${index}/`
  const nameOf = (port: number): string | undefined => {
    const name = ports.nameOf(port)
    return name?.startsWith(prefix) === true ? name.slice(prefix.length) : name
  }
  const log = await syslog(nameOf, scenario.logTimes ?? false)
  const places: Places = {
    kind,
    logPort: log.port,
    certificates: certs,
    folder,
    port: (name) => ports.port(prefix + name),
    range: (name, n) => ports.range(prefix + name, n),
    path: (name) => path.join(folder, `${index}-${name}`),
  }
  const named = (text: string): string => text.replace(/\b\d{5}\b/g, (digits) => nameOf(Number(digits)) ?? digits)
  return { scenario, places, log, named }
}

function textOf(group: Group, stages: readonly Stage[]): string {
  const first = stages[0]
  const parts = [`global\n  ${first?.places.kind === 'haproxy' ? 'nbthread 1' : ''}\n${first === undefined ? '' : (group.global?.(first.places) ?? '')}`]
  for (const { scenario, places } of stages) {
    const defaults = `${group.defaults ?? DEFAULTS}\n  log 127.0.0.1:${places.logPort} local0`
    parts.push(`# ${scenario.name}\ndefaults\n${defaults}\n`, scenario.config(places))
  }
  return `${parts.join('\n')}\n`
}

export type Outcome = { readonly observation: Observation } | { readonly failure: string }

async function play({ scenario, places, log, named }: Stage, program: Program): Promise<Outcome> {
  const last: (() => void | Promise<void>)[] = []
  const keep = (wire: Wire): void => void last.push(() => wire.destroy())
  const world: World = {
    ...places,
    program,
    log,
    named,
    async connect(name, options) {
      const wire = await connect(places.port(name), options)
      keep(wire)
      return wire
    },
    async connectTls(name, options, before) {
      const wire = await connectTls(places.port(name), options, before)
      keep(wire)
      return wire
    },
    async serve(name, options) {
      const server = await serve(places.port(name), options)
      last.push(() => server.close())
      return server
    },
    async deaf(name) {
      const listener = await deafListener(places.port(name))
      last.push(() => listener.stop())
    },
    teardown: (f) => void last.push(f),
  }
  let patience: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    patience = setTimeout(() => reject(new Error('the scenario did not end within 30 s')), 30_000)
  })
  try {
    const observation: Observation = await Promise.race([scenario.run(world), late])
    return { observation }
  } catch (error) {
    return { failure: `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\nits log: ${JSON.stringify(log.raw)}` }
  } finally {
    clearTimeout(patience)
    for (const f of last.reverse()) await f()
  }
}

async function startOne(kind: Kind, group: Group, stages: readonly Stage[], folder: string, file: string): Promise<Program> {
  const text = textOf(group, stages)
  const config = path.join(folder, file)
  writeFileSync(config, text)
  const program = start(kind, commandOf(kind, '-f', config), group.start)
  try {
    await program.listening(boundPorts(text), 8000)
  } catch (error) {
    await program.stop()
    throw error
  }
  return program
}

async function runGroup(kind: Kind, group: Group): Promise<Map<Scenario, Outcome>> {
  const outcomes = new Map<Scenario, Outcome>()
  const folder = mkdtempSync(path.join(os.tmpdir(), 'headgate-oracle-'))
  const ports = await claimPorts()
  const certs = await certificates()
  const mine = group.scenarios.filter((scenario) => (kind === 'haproxy' ? scenario.headgateOnly : scenario.notYet) === undefined)
  const stages: Stage[] = []
  for (const scenario of mine) stages.push(await stageOf(scenario, kind, ports, folder, stages.length, certs))
  const programs: Program[] = []
  try {
    const program = await startOne(kind, group, stages, folder, 'all.cfg')
    programs.push(program)
    const played = await runPool(stages, group.together ?? 8, (stage) => play(stage, program))
    for (const [i, stage] of stages.entries()) outcomes.set(stage.scenario, played[i] ?? { failure: 'not run' })
    if (!program.running()) throw new Error(`${kind} ended by itself:\n${program.output()}`)
  } catch (whole) {
    // One configuration for all did not do: one for each, so that the failure names its scenario.
    await Promise.all(programs.map((program) => program.stop()))
    const played = await runPool(stages, 4, async (stage): Promise<Outcome> => {
      try {
        const program = await startOne(kind, group, [stage], folder, `${stages.indexOf(stage)}.cfg`)
        programs.push(program)
        const outcome = await play(stage, program)
        if (!program.running()) return { failure: `${kind} ended by itself:\n${program.output()}` }
        return stages.length > 1 ? outcome : { failure: String(whole) }
      } catch (error) {
        return { failure: String(error) }
      }
    })
    for (const [i, stage] of stages.entries()) outcomes.set(stage.scenario, played[i] ?? { failure: String(whole) })
    if (played.every((outcome) => 'observation' in outcome) && mine[0] !== undefined) outcomes.set(mine[0], { failure: `all in one process: ${String(whole)}` })
  } finally {
    await Promise.all(programs.map((program) => program.stop()))
    for (const stage of stages) stage.log.close()
    ports.release()
    rmSync(folder, { recursive: true, force: true })
  }
  return outcomes
}

function plain(outcome: Outcome | undefined): Observation {
  if (outcome === undefined) return 'not asked'
  return 'failure' in outcome ? { failure: outcome.failure } : outcome.observation
}

type Asked = ReadonlyMap<Scenario, Outcome>

async function askAll(group: Group): Promise<ReadonlyMap<Kind, Asked>> {
  const kinds = asked(group.bothProviders)
  return new Map(await Promise.all(kinds.map(async (kind): Promise<[Kind, Asked]> => [kind, await runGroup(kind, group)])))
}

/** What this one should have shown: what is written down, else what HAProxy showed; undefined when neither is known. */
function wanted(kind: Kind, scenario: Scenario, theirs: Outcome | undefined): { readonly observation: Observation } | undefined {
  if (kind !== 'haproxy' && scenario.differs !== undefined) return { observation: scenario.differs.headgate }
  if ('expect' in scenario) return { observation: scenario.expect }
  return kind === 'haproxy' || theirs === undefined || 'failure' in theirs ? undefined : theirs
}

function holds(scenario: Scenario, outcomes: ReadonlyMap<Kind, Asked>): boolean {
  const theirs = outcomes.get('haproxy')?.get(scenario)
  return [...outcomes].every(([kind, all]) => {
    const outcome = all.get(scenario)
    const want = wanted(kind, scenario, theirs)
    return outcome === undefined || (!('failure' in outcome) && (want === undefined || isDeepStrictEqual(outcome.observation, want.observation)))
  })
}

const shown = (outcomes: ReadonlyMap<Kind, Asked>, scenario: Scenario): string =>
  [...outcomes].map(([kind, all]) => `  ${kind.padEnd(8)} ${JSON.stringify(plain(all.get(scenario)))}`).join('\n')

/** Runs a group on both programs at once, and makes one test of each scenario. */
export async function oracle(t: Pick<typeof tap, 'test' | 'setTimeout'>, name: string, group: Group): Promise<void> {
  t.setTimeout(115_000)
  await t.test(name, async (t) => {
    const first = await askAll(group)
    for (const scenario of group.scenarios) {
      const again = group.times === true && !holds(scenario, first)
      const outcomes = again ? await askAll({ ...group, scenarios: [scenario] }) : first
      const theirs = outcomes.get('haproxy')?.get(scenario)
      await t.test(scenario.name, async (t) => {
        if (process.env['HEADGATE_ORACLE_SHOW'] !== undefined) console.error(`${scenario.name}\n${shown(outcomes, scenario)}`)
        if (again) t.comment(`asked twice; first:\n${shown(first, scenario)}`)
        if (scenario.notYet !== undefined) t.pass('not asked of Headgate', { todo: `Headgate lacks ${scenario.notYet}` })
        for (const [kind, all] of outcomes) {
          const outcome = all.get(scenario)
          const want = wanted(kind, scenario, theirs)
          if (outcome === undefined) continue
          if ('failure' in outcome) t.fail(kind, { failure: outcome.failure })
          else if (want !== undefined) t.strictSame(outcome.observation, want.observation, kind === 'haproxy' ? kind : [kind, scenario.differs?.why ?? scenario.headgateOnly ?? ''].filter(Boolean).join(': '))
          else if (kind !== 'haproxy') t.pass('not compared', { skip: 'haproxy is not installed, and nothing to compare with is written down' })
        }
      })
    }
  })
}

/**
 * `'about 500 ms'` when `ms` is that; the number otherwise. Late by up to 450 ms or a quarter on a busy machine (at once: by up to
 * 1.5 s), and early by up to two fifths: the clock of the scenario may start late too.
 */
export function about(ms: number, expected: number, late = expected === 0 ? 1500 : Math.max(450, expected / 4)): string {
  const early = Math.min(300, 0.4 * expected)
  return ms >= expected - early && ms <= expected + late ? `about ${expected} ms` : `${Math.round(ms)} ms, not ${expected}`
}

export { sleep }
