// Owns `npm run bench`: Headgate, HAProxy and nginx in turn on the same work, several rounds, ratios with their spread.
//
//   npm run bench -- --only keep,close --rounds 5 --seconds 4 --provider node,linux --json
//
// Every round asks every proxy once, one after the other, and each ratio is made within a round: what disturbs the machine
// disturbs both. The proxy has CPU 1 to itself; load and backend share CPU 0, so a rate can be the load's limit: then the CPU
// time per unit tells more. "others" is what other processes used of the proxy's CPU: figures of a round with much of it say little.

import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { sleep } from '../kit/program.ts'
import { holdable } from './descriptors.ts'
import { available, cpus, direct, stage } from './subjects.ts'
import type { Stage, Subject } from './subjects.ts'
import { capacity, missing, WORKS } from './works.ts'
import type { Figure, Options, Work } from './works.ts'

const HELP = `npm run bench -- [options]
  --only NAME,…       these works: ${WORKS.map((work) => work.name).join(', ')}
                      (default: all but syscalls)
  --rounds N          rounds (default 5)
  --seconds N         length of each run (default 4)
  --provider NAME,…   Headgate on these providers: node, linux (default: its own choice)
  --subjects NAME,…   only these proxies: haproxy, nginx, headgate
  --against NAME      what the ratios are made to (default haproxy)
  --rate N            requests per second of the latency work (default: half of what the reference can do)
  --idle N            connections held for the memory works (default 10000; fewer where descriptors are limited)
  --direct            ask the backends without a proxy too: the most that the load tools can do
  --json              figures as JSON on standard output
`

const { values: given } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
    provider: { type: 'string', default: '' },
    subjects: { type: 'string' },
    against: { type: 'string', default: 'haproxy' },
    rate: { type: 'string' },
    idle: { type: 'string', default: '10000' },
    direct: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

const list = (text: string): string[] => text.split(',').filter((word) => word !== '')
const say = (text: string): void => void (given.json ? process.stderr : process.stdout).write(`${text}\n`)

interface Sample {
  readonly figures: Record<string, number>
  /** Share of the proxy's CPU that other processes used, 0 to 1. */
  readonly others: number
}

/** name of the work → name of the proxy → one sample for each round that succeeded, by round. */
type Results = Map<string, Map<string, (Sample | undefined)[]>>

/** Before the first round, unmeasured, for all alike: V8 is at its best after some seconds of the same work. */
const WARM_UP_S = 4

function busyOfProxyCpu(): { busy: number; all: number } {
  const row = new RegExp(`^cpu${cpus > 1 ? 1 : 0} (.*)$`, 'm').exec(readFileSync('/proc/stat', 'latin1'))?.[1] ?? ''
  const times = row.split(' ').map(Number)
  const all = times.slice(0, 8).reduce((sum, time) => sum + time, 0)
  return { busy: 10 * (all - (times[3] ?? 0) - (times[4] ?? 0)), all: 10 * all }
}

async function measure(work: Work, subject: Subject, options: Options): Promise<Sample> {
  const before = busyOfProxyCpu()
  const cpu = subject.program?.cpu() ?? 0
  const figures = await work.run(subject, options)
  const after = busyOfProxyCpu()
  const own = (subject.program?.cpu() ?? 0) - cpu
  return { figures, others: Math.max(0, (after.busy - before.busy - own) / (after.all - before.all)) }
}

function spread(numbers: readonly number[]): { min: number; median: number; max: number } {
  const sorted = numbers.filter((number) => Number.isFinite(number)).toSorted((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  return {
    min: sorted[0] ?? Number.NaN,
    median: ((sorted[Math.floor(middle)] ?? Number.NaN) + (sorted[Math.ceil(middle)] ?? Number.NaN)) / 2,
    max: sorted.at(-1) ?? Number.NaN,
  }
}

const number = (value: number, digits: number): string => (Number.isNaN(value) ? '–' : value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits }))

/** Ratios of one proxy to the reference, one for each round in which both have the figure. */
function ratios(of: readonly (Sample | undefined)[], to: readonly (Sample | undefined)[], figure: Figure): number[] {
  return of.flatMap((sample, round) => {
    const mine = sample?.figures[figure.key]
    const theirs = to[round]?.figures[figure.key]
    return mine === undefined || theirs === undefined || theirs === 0 ? [] : [mine / theirs]
  })
}

function report(work: Work, results: Map<string, (Sample | undefined)[]>, against: string): string {
  const rows: string[] = [`\n${work.title}`]
  const reference = results.get(against)
  const compared = work.figures.filter((figure) => figure.note !== true)
  for (const [name, samples] of results) {
    const cells = work.figures.map((figure) => {
      const { min, median, max } = spread(samples.flatMap((sample) => sample?.figures[figure.key] ?? []))
      return `${number(median, figure.digits).padStart(11)} ${figure.unit} (${number(min, figure.digits)} … ${number(max, figure.digits)})`.padEnd(52)
    })
    const others = spread(samples.flatMap((sample) => (sample === undefined ? [] : [sample.others])))
    rows.push(`  ${name.padEnd(16)}${cells.join('')}others ${number(100 * others.max, 0)} %`)
  }
  if (reference === undefined) return rows.join('\n')
  for (const [name, samples] of results) {
    if (name === against || name === 'direct') continue
    const cells = compared.map((figure) => {
      const { min, median, max } = spread(ratios(samples, reference, figure))
      return `${number(median, 2).padStart(11)} × ${figure.unit} (${number(min, 2)} … ${number(max, 2)})`.padEnd(52)
    })
    rows.push(`  ${`${name} / ${against}`.padEnd(16)}`.padEnd(18) + cells.join(''))
  }
  const without = results.get('direct')
  if (work.direct === true && without !== undefined) {
    for (const [name, samples] of results) {
      if (name === 'direct') continue
      const added = compared.map((figure) => {
        const extra = samples.flatMap((sample, round) => {
          const mine = sample?.figures[figure.key]
          const bare = without[round]?.figures[figure.key]
          return mine === undefined || bare === undefined ? [] : [mine - bare]
        })
        const { min, median, max } = spread(extra)
        return `${`+${number(median, figure.digits)}`.padStart(11)} ${figure.unit} (${number(min, figure.digits)} … ${number(max, figure.digits)})`.padEnd(52)
      })
      rows.push(`  ${`${name} adds`.padEnd(16)}${added.join('')}`)
    }
  }
  return rows.join('\n')
}

/** Half of what the reference can do when the load tool does not hold back. */
async function halfLoad(running: ReadonlyMap<string, Subject>, options: Options, against: string): Promise<number> {
  if (given.rate !== undefined) return Number(given.rate)
  const reference = running.get(against)
  return reference === undefined ? 10_000 : (await capacity(reference, options)) / 2
}

async function runWork(work: Work, names: readonly string[], running: ReadonlyMap<string, Subject>, at: Stage, options: Options): Promise<Map<string, (Sample | undefined)[]>> {
  const rounds = Number(given.rounds)
  const all = work.direct === true || (given.direct && work.fresh !== true && !work.name.startsWith('tls')) ? ['direct', ...names] : [...names]
  const found = new Map<string, (Sample | undefined)[]>(all.map((name) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    // Each round begins with another proxy.
    const order = [...all.slice(round % all.length), ...all.slice(0, round % all.length)]
    for (const name of order) {
      const fresh = work.fresh === true ? await at.start(name) : undefined
      const subject = fresh ?? running.get(name) ?? direct(at.ports)
      try {
        if (round === 0 && fresh === undefined && work.name !== 'syscalls') await work.run(subject, { ...options, seconds: WARM_UP_S })
        found.get(name)?.push(await measure(work, subject, options))
      } catch (error) {
        found.get(name)?.push(undefined)
        say(`  ${work.name}, ${name}, round ${round + 1} failed: ${error instanceof Error ? error.message : String(error)}`)
      }
      await fresh?.program?.stop()
      await sleep(200)
    }
  }
  return found
}

async function main(): Promise<void> {
  if (given.help) return say(HELP)
  const wanted = given.only === undefined ? WORKS.filter((work) => work.name !== 'syscalls') : WORKS.filter((work) => list(given.only ?? '').includes(work.name))
  const names = available(list(given.provider)).filter((name) => given.subjects === undefined || list(given.subjects).includes(name.split('-')[0] ?? ''))
  const works = wanted.filter((work) => {
    const tools = missing(work)
    if (tools.length > 0) say(`${work.name}: skipped, ${tools.join(', ')} not installed`)
    return tools.length === 0
  })
  say(`${names.join(', ')}; ${given.rounds} rounds of ${given.seconds} s; ${cpus} CPUs; median (min … max)`)
  const { held, problem } = holdable(Number(given.idle))
  if (problem !== undefined && works.some((work) => work.name.endsWith('idle'))) say(problem)
  const at = await stage(Math.max(held, 1000))
  const running = new Map<string, Subject>()
  const results: Results = new Map()
  try {
    for (const name of names) {
      try {
        running.set(name, await at.start(name))
      } catch (error) {
        say(`${name} does not start: ${error instanceof Error ? error.message : String(error)}`)
      }
    }
    const started = names.filter((name) => running.has(name))
    const against = started.includes(given.against) ? given.against : (started[0] ?? '')
    const options: Options = { seconds: Number(given.seconds), stage: at, idle: held, rate: 0 }
    for (const work of works) {
      // Works that start proxies anew need their ports.
      if (work.fresh === true) {
        await Promise.all([...running.values()].map((subject) => subject.program?.stop()))
        running.clear()
      }
      const rate = work.name === 'latency' ? await halfLoad(running, options, against) : 0
      if (rate > 0) say(`\nlatency at ${number(rate, 0)} requests/s`)
      const found = await runWork(work, started, running, at, { ...options, rate })
      results.set(work.name, found)
      say(report(work, found, against))
      if (work.fresh === true) for (const name of started) running.set(name, await at.start(name))
    }
    if (given.json) {
      const plain = Object.fromEntries([...results].map(([work, found]) => [work, Object.fromEntries(found)]))
      process.stdout.write(`${JSON.stringify({ rounds: Number(given.rounds), seconds: Number(given.seconds), against, works: plain }, null, 1)}\n`)
    }
  } finally {
    await Promise.all([...running.values()].map((subject) => subject.program?.stop()))
    await at.end()
  }
}

await main()
