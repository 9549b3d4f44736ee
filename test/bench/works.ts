// Owns the work that is measured: each runs a real load tool against one proxy and gives figures.

import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { connect, connectTls } from '../kit/peers.ts'
import { installed, sleep, start, tool } from '../kit/program.ts'
import type { Program } from '../kit/program.ts'
import { LOAD_CPU } from './subjects.ts'
import type { Front, Stage, Subject } from './subjects.ts'

export interface Figure {
  readonly key: string
  readonly unit: string
  /** Whether a larger figure is a better one. */
  readonly up: boolean
  readonly digits: number
  /** Says how far the run can be trusted; nothing to compare. */
  readonly note?: boolean
}

export interface Work {
  readonly name: string
  readonly title: string
  readonly figures: readonly Figure[]
  readonly needs: readonly string[]
  /** A proxy started for this work alone. */
  readonly fresh?: boolean
  /** Also asked of the backend without a proxy, at the same rate. */
  readonly direct?: boolean
  run(subject: Subject, options: Options): Promise<Record<string, number>>
}

export interface Options {
  readonly seconds: number
  readonly stage: Stage
  readonly idle: number
  /** Requests per second of the latency work. */
  readonly rate: number
}

const CONNECTIONS = 64
const onLoadCpu = (command: readonly string[]): string[] => (LOAD_CPU === undefined ? [...command] : ['taskset', '-c', String(LOAD_CPU), ...command])

/** Runs `f` and gives the proxy's CPU time meanwhile, ms; NaN without a proxy. */
async function charged<T>(program: Program | undefined, f: () => Promise<T>): Promise<{ result: T; cpu: number }> {
  const before = program?.cpu() ?? Number.NaN
  const result = await f()
  return { result, cpu: (program?.cpu() ?? Number.NaN) - before }
}

const BYTES: Record<string, number> = { B: 1, KB: 1 << 10, MB: 1 << 20, GB: 1 << 30 }

interface WrkResult {
  readonly requests: number
  readonly seconds: number
  readonly bytes: number
}

async function wrk(url: string, seconds: number, args: readonly string[] = []): Promise<WrkResult> {
  const ran = await tool(onLoadCpu(['wrk', '-t', '1', '-c', String(CONNECTIONS), '-d', `${seconds}s`, '--timeout', '10s', ...args, url]), { ms: 1000 * seconds + 30_000 })
  const found = /(\d+) requests in ([\d.]+)(m?)s, ([\d.]+)([KMG]?B) read/.exec(ran.stdout)
  if (found === null) throw new Error(`wrk said: ${ran.stdout}${ran.stderr}`)
  const errors = /Non-2xx or 3xx responses: (\d+)/.exec(ran.stdout)
  if (errors !== null) throw new Error(`wrk got ${errors[1]} refusals`)
  return { requests: Number(found[1]), seconds: Number(found[2]) / (found[3] === 'm' ? 1000 : 1), bytes: Number(found[4]) * (BYTES[found[5] ?? 'B'] ?? 1) }
}

const requests =
  (front: Front, args: readonly string[] = []) =>
  async (subject: Subject, { seconds }: Options): Promise<Record<string, number>> => {
    const { result, cpu } = await charged(subject.program, () => wrk(`${front === 'https' ? 'https' : 'http'}://127.0.0.1:${subject.port(front)}/`, seconds, args))
    return { rate: result.requests / result.seconds, cpu: (1000 * cpu) / result.requests }
  }

const RATE = (unit: string): Figure[] => [
  { key: 'rate', unit: `${unit}/s`, up: true, digits: 0 },
  { key: 'cpu', unit: `CPU µs/${unit}`, up: false, digits: 1 },
]
const BULK: Figure[] = [
  { key: 'rate', unit: 'GB/s', up: true, digits: 2 },
  { key: 'cpu', unit: 'CPU ms/GB', up: false, digits: 0 },
]

const iperf =
  (args: readonly string[]) =>
  async (subject: Subject, { seconds }: Options): Promise<Record<string, number>> => {
    const command = ['iperf3', '-c', '127.0.0.1', '-p', String(subject.port('bulk')), '-t', String(seconds), '-J', ...args]
    const { result, cpu } = await charged(subject.program, () => tool(onLoadCpu(command), { ms: 1000 * seconds + 30_000 }))
    const bytes = Number(/"sum_received":\s*\{[^}]*"bytes":\s*(\d+)/.exec(result.stdout)?.[1])
    const rate = Number(/"sum_received":\s*\{[^}]*"bits_per_second":\s*([\d.e+]+)/.exec(result.stdout)?.[1]) / 8e9
    if (!(bytes > 0)) throw new Error(`iperf3 said: ${result.stdout.slice(-300)}${result.stderr}`)
    return { rate, cpu: cpu / (bytes / 1e9) }
  }

async function tlsDownload(subject: Subject, { seconds }: Options): Promise<Record<string, number>> {
  const { result, cpu } = await charged(subject.program, () => wrk(`https://127.0.0.1:${subject.port('https')}/big`, seconds))
  return { rate: result.bytes / result.seconds / 1e9, cpu: cpu / (result.bytes / 1e9) }
}

async function tlsUpload(subject: Subject, { seconds, stage }: Options): Promise<Record<string, number>> {
  const script = path.join(stage.folder, 'upload.lua')
  writeFileSync(script, 'wrk.method = "POST"\nwrk.body = string.rep("x", 1048576)\n')
  const { result, cpu } = await charged(subject.program, () => wrk(`https://127.0.0.1:${subject.port('https')}/`, seconds, ['-s', script]))
  const bytes = result.requests * (1 << 20)
  return { rate: bytes / result.seconds / 1e9, cpu: cpu / (bytes / 1e9) }
}

/** Handshakes by four openssl clients at once, TLS 1.2 (s_time reads no tickets of 1.3). */
const handshakes =
  (how: '-new' | '-reuse') =>
  async (subject: Subject, { seconds }: Options): Promise<Record<string, number>> => {
    const command = ['openssl', 's_time', '-connect', `127.0.0.1:${subject.port('https')}`, '-tls1_2', how, '-time', String(seconds)]
    const { result, cpu } = await charged(subject.program, () =>
      Promise.all(Array.from({ length: 4 }, () => tool(onLoadCpu(command), { ms: 1000 * seconds + 30_000 }))),
    )
    let count = 0
    let real = 0
    for (const { stdout, stderr } of result) {
      const found = /(\d+) connections in (\d+) real seconds/.exec(stdout)
      if (found === null) throw new Error(`openssl s_time said: ${stdout.slice(-300)}${stderr.slice(-300)}`)
      count += Number(found[1])
      real = Math.max(real, Number(found[2]))
      if (how === '-reuse' && (stdout.match(/r/g)?.length ?? 0) < (stdout.match(/\*/g)?.length ?? 0)) throw new Error('the proxy did not resume sessions')
    }
    // s_time counts whole seconds and runs into the last one.
    return { rate: count / Math.max(seconds, real - 1), cpu: (1000 * cpu) / count }
  }

/** Holds connections that say nothing, after a few have come and gone. */
const idle =
  (front: 'hold' | 'holdtls') =>
  async ({ program, port }: Subject, options: Options): Promise<Record<string, number>> => {
    if (program === undefined) return {}
    const held: net.Socket[] = []
    let reached = 0
    const server = net.createServer((socket) => {
      reached++
      socket.on('error', () => {})
      held.push(socket)
    })
    await new Promise<void>((resolve) => server.listen({ port: options.stage.ports.port('hold'), host: '127.0.0.1', backlog: 4096 }, resolve))
    const opens: Promise<void>[] = []
    const open = async (n: number): Promise<void> => {
      reached = 0
      for (let i = 0; i < n; i += 50) {
        opens.length = 0
        for (let k = 0; k < 50; k++) opens.push(front === 'hold' ? holdPlain(held, port(front)) : holdTls(held, port(front)))
        await Promise.all(opens)
      }
      for (let i = 0; i < 200 && reached < n; i++) await sleep(50)
      if (reached < n) throw new Error(`only ${reached} of ${n} connections reached the server`)
      await sleep(1000)
    }
    await open(200)
    for (const socket of held.splice(0)) socket.resetAndDestroy()
    await sleep(1000)
    const before = program.memory().rss
    await open(options.idle)
    const rss = program.memory().rss - before
    for (const socket of held.splice(0)) socket.resetAndDestroy()
    await new Promise((resolve) => server.close(resolve))
    return { memory: rss / options.idle / 1024 }
  }

async function holdPlain(held: net.Socket[], port: number): Promise<void> {
  held.push((await connect(port)).raw)
}

async function holdTls(held: net.Socket[], port: number): Promise<void> {
  held.push((await connectTls(port)).raw)
}

const CLIENTS = 16

/** Requests per second through the subject when h2load does not hold back. */
export async function capacity(subject: Subject, { seconds }: Options): Promise<number> {
  const url = `http://127.0.0.1:${subject.port('http')}/`
  const ran = await tool(onLoadCpu(['h2load', '--h1', '-c', String(CLIENTS), '-D', String(seconds), url]), { ms: 1000 * seconds + 30_000 })
  return Number(/finished in [^,]*, ([\d.]+) req\/s/.exec(ran.stdout)?.[1] ?? Number.NaN)
}

async function latency(subject: Subject, { seconds, stage, rate }: Options): Promise<Record<string, number>> {
  const log = path.join(stage.folder, 'latency.log')
  rmSync(log, { force: true })
  const command = ['h2load', '--h1', '-c', String(CLIENTS), '-D', String(seconds), `--rps=${Math.max(1, Math.round(rate / CLIENTS))}`, `--log-file=${log}`, `http://127.0.0.1:${subject.port('http')}/`]
  const ran = await tool(onLoadCpu(command), { ms: 1000 * seconds + 30_000 })
  const times = readFileSync(log, 'latin1')
    .split('\n')
    .map((row) => row.split('\t'))
    .filter(([, status]) => status === '200')
    .map(([, , took]) => Number(took))
    .toSorted((a, b) => a - b)
  const met = times.length / (rate * seconds)
  if (met < 0.5) throw new Error(`only ${Math.round(100 * met)} % of the rate was met: ${ran.stderr}`)
  const at = (share: number): number => times[Math.floor(share * (times.length - 1))] ?? Number.NaN
  return { p50: at(0.5), p99: at(0.99), met: 100 * met }
}

/** System calls per connection, by strace: slow, so in a run of its own. */
async function systemCalls(subject: Subject, options: Options): Promise<Record<string, number>> {
  if (subject.program === undefined) return {}
  const file = path.join(options.stage.folder, `${subject.name}.strace`)
  const strace = start('strace', ['strace', '-f', '-c', '-U', 'name,calls', '-o', file, '-p', String(subject.program.pid)])
  await strace.says(/attached/)
  const n = 2000
  const ran = await tool(onLoadCpu(['ab', '-q', '-n', String(n), '-c', '16', `http://127.0.0.1:${subject.port('http')}/`]), { ms: 60_000 })
  await sleep(300)
  strace.signal('SIGINT')
  await strace.exited
  if (ran.code !== 0) throw new Error(`ab said: ${ran.stderr}`)
  const rows = readFileSync(file, 'latin1').split('\n').map((row) => row.trim().split(/\s+/))
  const calls: Record<string, number> = {}
  for (const [name, count] of rows) if (name !== undefined && Number(count) > 0 && name !== 'total') calls[name] = Number(count) / n
  const top = Object.entries(calls).toSorted((a, b) => b[1] - a[1]).slice(0, 12)
  console.error(`  ${subject.name}: ${top.map(([name, count]) => `${name} ${count.toFixed(1)}`).join(', ')}`)
  return { calls: Object.values(calls).reduce((sum, count) => sum + count, 0) }
}

export const WORKS: readonly Work[] = [
  { name: 'keep', title: `small requests on ${CONNECTIONS} kept-open connections (wrk)`, figures: RATE('request'), needs: ['wrk'], run: requests('http') },
  { name: 'close', title: `new connections, ${CONNECTIONS} at a time (wrk, Connection: close)`, figures: RATE('connection'), needs: ['wrk'], run: requests('http', ['-H', 'Connection: close']) },
  { name: 'up', title: 'bulk from the client, one stream (iperf3)', figures: BULK, needs: ['iperf3'], run: iperf([]) },
  { name: 'down', title: 'bulk to the client, one stream (iperf3 -R)', figures: BULK, needs: ['iperf3'], run: iperf(['-R']) },
  { name: 'tls-keep', title: `TLS: small requests on ${CONNECTIONS} kept-open connections (wrk)`, figures: RATE('request'), needs: ['wrk'], run: requests('https') },
  { name: 'tls-close', title: 'TLS 1.3: new connections with a request each (wrk, Connection: close)', figures: RATE('connection'), needs: ['wrk'], run: requests('https', ['-H', 'Connection: close']) },
  { name: 'tls-full', title: 'TLS 1.2: full handshakes, 4 clients (openssl s_time)', figures: RATE('handshake'), needs: ['openssl'], run: handshakes('-new') },
  { name: 'tls-resumed', title: 'TLS 1.2: resumed handshakes, 4 clients (openssl s_time)', figures: RATE('handshake'), needs: ['openssl'], run: handshakes('-reuse') },
  { name: 'tls-up', title: 'TLS: bulk from the client, 1 MiB posts (wrk)', figures: BULK, needs: ['wrk'], run: tlsUpload },
  { name: 'tls-down', title: 'TLS: bulk to the client, 1 MiB answers (wrk)', figures: BULK, needs: ['wrk'], run: tlsDownload },
  {
    name: 'latency',
    title: 'latency at half load (h2load at a fixed rate)',
    figures: [
      { key: 'p50', unit: 'µs p50', up: false, digits: 0 },
      { key: 'p99', unit: 'µs p99', up: false, digits: 0 },
      { key: 'met', unit: '% of the rate', up: true, digits: 0, note: true },
    ],
    needs: ['h2load'],
    direct: true,
    run: latency,
  },
  { name: 'idle', title: 'memory of an idle connection', figures: [{ key: 'memory', unit: 'KiB RSS/connection', up: false, digits: 2 }], needs: [], fresh: true, run: idle('hold') },
  { name: 'tls-idle', title: 'memory of an idle TLS connection', figures: [{ key: 'memory', unit: 'KiB RSS/connection', up: false, digits: 2 }], needs: [], fresh: true, run: idle('holdtls') },
  { name: 'syscalls', title: 'system calls of a connection with one request (strace -c, ab)', figures: [{ key: 'calls', unit: 'calls/connection', up: false, digits: 1 }], needs: ['strace', 'ab'], run: systemCalls },
]

export const missing = (work: Work): string[] => work.needs.filter((name) => !installed(name))
