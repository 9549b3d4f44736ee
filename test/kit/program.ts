// Owns a program under test as a child process: start, wait until it listens, look at it from outside, stop it by its own pid.

import { spawn } from 'node:child_process'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import type { StdioOptions } from 'node:child_process'

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Descriptors 3, 4, … of the child. */
  readonly inherit?: readonly (number | 'ignore')[]
  /** ulimit -n of the child. */
  readonly descriptors?: number
  /** Run on this CPU only. */
  readonly cpu?: number
}

export interface Program {
  readonly name: string
  readonly pid: number
  /** All that it printed so far, both streams in order of arrival. */
  output(): string
  running(): boolean
  readonly exited: Promise<Exit>
  signal(name: NodeJS.Signals): void
  /** SIGTERM, and SIGKILL after 2 s. */
  stop(): Promise<Exit>
  /** Waits until all of these TCP ports are listened on; throws with the output when the program ends before. */
  listening(ports: readonly number[], ms?: number): Promise<void>
  /** Waits until the output matches. */
  says(pattern: RegExp, ms?: number): Promise<void>
  /** Open descriptors now. */
  descriptors(): number
  /** Resident memory now and at its highest, bytes. */
  memory(): { readonly rss: number; readonly peak: number }
  /** CPU time used so far, ms, user and system of all threads. */
  cpu(): number
}

/**
 * The test runner puts its loader into every program that a test starts, by NODE_OPTIONS, whatever environment is given: so it is
 * taken out on the other side. Programs under test start and run as they do without it.
 */
const WITHOUT_LOADER = ['env', '-u', 'NODE_OPTIONS']

const children = new Set<number>()
process.on('exit', () => {
  for (const pid of children) kill(pid, 'SIGKILL')
})

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended already.
  }
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Whether a program of this name is in the PATH. */
export function installed(name: string): boolean {
  return (process.env['PATH'] ?? '').split(':').concat('/usr/sbin', '/sbin').some((folder) => existsSync(`${folder}/${name}`))
}

/** TCP ports that are listened on in this network namespace, whoever does. Looking has no side effect, connecting would. */
export function listeningPorts(): Set<number> {
  const ports = new Set<number>()
  for (const file of ['/proc/net/tcp', '/proc/net/tcp6']) {
    if (!existsSync(file)) continue
    for (const line of readFileSync(file, 'latin1').split('\n').slice(1)) {
      const [, local, , state] = line.trim().split(/\s+/)
      if (state === '0A' && local !== undefined) ports.add(Number.parseInt(local.split(':').at(-1) ?? '', 16))
    }
  }
  return ports
}

function field(pid: number, name: string): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  return 1024 * Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? Number.NaN)
}

/** Starts `command`. The caller must stop() it; the end of this process kills what is left. */
export function start(name: string, command: readonly string[], options: StartOptions = {}): Program {
  const limited: string[] = []
  if (options.descriptors !== undefined) limited.push('sh', '-c', `ulimit -n ${options.descriptors}; exec "$@"`, 'sh')
  if (options.cpu !== undefined) limited.push('taskset', '-c', String(options.cpu))
  const [file = '', ...args] = [...WITHOUT_LOADER, ...limited, ...command]
  const stdio: StdioOptions = ['ignore', 'pipe', 'pipe', ...(options.inherit ?? [])]
  const child = spawn(file, args, {
    stdio,
    env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  })
  const pid = child.pid ?? 0
  if (pid !== 0) children.add(pid)
  let output = ''
  let exit: Exit | undefined
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (bytes: Buffer) => (output += bytes.toString('latin1')))
  const exited = new Promise<Exit>((resolve) => {
    const over = (code: number | null, signal: NodeJS.Signals | null): void => {
      children.delete(pid)
      exit = { code, signal }
      resolve(exit)
    }
    child.on('error', (error) => {
      output += `${error.message}\n`
      over(null, null)
    })
    child.on('close', over)
  })
  async function until(what: string, ready: () => boolean, ms: number): Promise<void> {
    const deadline = Date.now() + ms
    while (!ready()) {
      if (exit !== undefined) throw new Error(`${name} ended (${exit.code ?? exit.signal}) instead of ${what}:\n${output}`)
      if (Date.now() > deadline) throw new Error(`${name} was not ${what} after ${ms} ms:\n${output}`)
      await sleep(10)
    }
  }
  return {
    name,
    pid,
    output: () => output,
    running: () => exit === undefined,
    exited,
    signal: (signal) => kill(pid, signal),
    async stop() {
      if (exit === undefined && pid !== 0) {
        kill(pid, 'SIGTERM')
        const patience = setTimeout(() => kill(pid, 'SIGKILL'), 2000)
        await exited
        clearTimeout(patience)
      }
      return exited
    },
    listening: (ports, ms = 10_000) =>
      until(`listening on ${ports.join(', ')}`, () => {
        const open = listeningPorts()
        return ports.every((port) => open.has(port))
      }, ms),
    says: (pattern, ms = 10_000) => until(`saying ${pattern}`, () => pattern.test(output), ms),
    descriptors: () => readdirSync(`/proc/${pid}/fd`).length,
    memory: () => ({ rss: field(pid, 'VmRSS'), peak: field(pid, 'VmHWM') }),
    cpu: () => {
      const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? []
      return 10 * (Number(fields[11]) + Number(fields[12]))
    },
  }
}

export interface Ran extends Exit {
  readonly stdout: string
  readonly stderr: string
}

/** Runs a tool to its end. `input` is its whole standard input; without it, input is empty. Killed after `ms`. */
export function tool(command: readonly string[], options: { input?: string | Buffer; ms?: number; env?: Record<string, string> } = {}): Promise<Ran> {
  const [file = '', ...args] = [...WITHOUT_LOADER, ...command]
  return new Promise((resolve) => {
    const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...options.env } })
    let stdout = ''
    let stderr = ''
    const patience = setTimeout(() => child.kill('SIGKILL'), options.ms ?? 15_000)
    child.stdout.on('data', (bytes: Buffer) => (stdout += bytes.toString('latin1')))
    child.stderr.on('data', (bytes: Buffer) => (stderr += bytes.toString('latin1')))
    child.stdin.on('error', () => {})
    child.stdin.end(options.input ?? '')
    child.on('error', (error) => (stderr += error.message))
    child.on('close', (code, signal) => {
      clearTimeout(patience)
      resolve({ code, signal, stdout, stderr })
    })
  })
}
