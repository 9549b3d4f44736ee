// Owns the life of the process: graceful and hard ends, inherited descriptors, several files, what it listens on.

import { existsSync, mkdtempSync, readFileSync, readlinkSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import t from 'tap'
import { asked, commandOf } from '../kit/command.ts'
import type { Kind } from '../kit/command.ts'
import { connect, echo, serve } from '../kit/peers.ts'
import { claimPorts } from '../kit/ports.ts'
import type { Ports } from '../kit/ports.ts'
import { listeningPorts, sleep, start } from '../kit/program.ts'
import type { Program, StartOptions } from '../kit/program.ts'

interface Bench {
  readonly kind: Kind
  readonly ports: Ports
  readonly folder: string
  /** Writes a file into the folder and gives its path. */
  file(name: string, text: string): string
  start(args: readonly string[], options?: StartOptions): Program
}

const DEFAULTS = 'defaults\n  mode tcp\n  timeout connect 2s\n  timeout client 20s\n  timeout server 20s\n'

const proxy = (ports: Ports, name = 'front', server = 'server'): string =>
  `listen ${name}\n  bind 127.0.0.1:${ports.port(name)}\n  server s 127.0.0.1:${ports.port(server)}\n`

/** The script on each program; what it returns must be the same on all, and as expected. */
function both(name: string, script: (bench: Bench) => Promise<unknown>, expected: unknown, only?: Kind): void {
  void t.test(name, async (t) => {
    for (const kind of asked()) {
      if (only !== undefined && kind !== only) continue
      const ports = await claimPorts()
      const folder = mkdtempSync(path.join(os.tmpdir(), 'headgate-process-'))
      const programs: Program[] = []
      try {
        const seen = await script({
          kind,
          ports,
          folder,
          file(file, text) {
            const place = path.join(folder, file)
            writeFileSync(place, text)
            return place
          },
          start(args, options) {
            const program = start(kind, commandOf(kind, ...args), options)
            programs.push(program)
            return program
          },
        })
        t.strictSame(seen, expected, kind)
      } catch (error) {
        t.fail(kind, { error: String(error), output: programs.map((program) => program.output()) })
      } finally {
        await Promise.all(programs.map((program) => program.stop()))
        ports.release()
        rmSync(folder, { recursive: true, force: true })
      }
    }
  })
}

/** A running program with one proxy in front of an echo server, and one client whose session is open. */
async function withSession(bench: Bench, extra = ''): Promise<{ program: Program; client: Awaited<ReturnType<typeof connect>>; done: () => Promise<void> }> {
  const server = await serve(bench.ports.port('server'), { on: echo })
  const program = bench.start(['-f', bench.file('a.cfg', `global\n  ${extra}\n${DEFAULTS}${proxy(bench.ports)}`)])
  await program.listening([bench.ports.port('front')])
  const client = await connect(bench.ports.port('front'))
  client.send('one ')
  await client.got('one ')
  return {
    program,
    client,
    async done() {
      client.destroy()
      await server.close()
    },
  }
}

both(
  'SIGUSR1 stops listening at once, lets the session finish, then exits 0',
  async (bench) => {
    const { program, client, done } = await withSession(bench)
    program.signal('SIGUSR1')
    while (listeningPorts().has(bench.ports.port('front'))) await sleep(10)
    const refused = await connect(bench.ports.port('front'))
    client.send('two')
    await client.got('two')
    const running = program.running()
    client.end()
    await client.over()
    const exit = await program.exited
    await done()
    return { refused: refused.events, running, client: client.events, exit }
  },
  { refused: ['ECONNREFUSED'], running: true, client: ['got one two', 'FIN'], exit: { code: 0, signal: null } },
)

both(
  'SIGUSR1 without a session exits at once with 0',
  async (bench) => {
    const program = bench.start(['-f', bench.file('a.cfg', DEFAULTS + proxy(bench.ports))])
    await program.listening([bench.ports.port('front')])
    program.signal('SIGUSR1')
    return program.exited
  },
  { code: 0, signal: null },
)

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  both(
    `${signal} ends at once, session or not`,
    async (bench) => {
      const { program, client, done } = await withSession(bench)
      const since = performance.now()
      program.signal(signal)
      const exit = await program.exited
      await client.over()
      await done()
      // HAProxy installs no exit status for these: it is ended by the signal, or exits 0.
      return { clean: exit.code === 0 || exit.code === 130 || exit.signal === signal, quick: performance.now() - since < 1500, ended: client.ended }
    },
    { clean: true, quick: true, ended: true },
  )
}

both(
  'hard-stop-after ends what a graceful end left open',
  async (bench) => {
    const { program, client, done } = await withSession(bench, 'hard-stop-after 700ms')
    const since = performance.now()
    program.signal('SIGUSR1')
    await client.over()
    const exit = await program.exited
    const took = performance.now() - since
    await done()
    return { exit, inTime: took > 600 && took < 3500 }
  },
  { exit: { code: 0, signal: null }, inTime: true },
)

both(
  'SIGTERM after SIGUSR1 hurries',
  async (bench) => {
    const { program, client, done } = await withSession(bench)
    program.signal('SIGUSR1')
    await sleep(200)
    const running = program.running()
    program.signal('SIGTERM')
    const since = performance.now()
    await program.exited
    await done()
    client.destroy()
    return { running, quick: performance.now() - since < 1500 }
  },
  { running: true, quick: true },
)

/** A listening socket of this process whose number can be given to a child. */
async function inheritable(): Promise<{ fd: number; port: number; close: () => void }> {
  const server = net.createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const handle: unknown = Reflect.get(server, '_handle')
  const fd: unknown = typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'fd') : undefined
  if (typeof fd !== 'number' || address === null || typeof address === 'string') throw new Error('this Node tells no descriptor of a listener')
  return { fd, port: address.port, close: () => server.close() }
}

/** How many of a process's descriptors are listening TCP sockets. */
function listenersOf(pid: number): number {
  const inodes = readFileSync('/proc/net/tcp', 'latin1').split('\n').map((row) => row.trim().split(/\s+/)).filter((row) => row[3] === '0A').map((row) => `socket:[${row[9]}]`)
  return readdirSync(`/proc/${pid}/fd`).filter((fd) => {
    try {
      return inodes.includes(readlinkSync(`/proc/${pid}/fd/${fd}`))
    } catch {
      return false
    }
  }).length
}

for (const form of ['fd@3', 'fd@${LISTENER}']) {
  both(
    `trap 12: ${form}: an inherited listener is used, and only the listeners are open`,
    async (bench) => {
      const server = await serve(bench.ports.port('server'), { on: echo })
      const given = await inheritable()
      const text = `${DEFAULTS}listen inherited\n  bind "${form}"\n  server s 127.0.0.1:${bench.ports.port('server')}\n${proxy(bench.ports)}`
      const program = bench.start(['-f', bench.file('a.cfg', text)], { inherit: [given.fd], env: { LISTENER: '3' } })
      await program.listening([bench.ports.port('front')])
      given.close()
      const client = await connect(given.port)
      client.send('through')
      await client.got('through')
      client.end()
      await client.over()
      await server.close()
      return { client: client.events, listeners: listenersOf(program.pid) }
    },
    { client: ['got through', 'FIN'], listeners: 2 },
  )
}

both(
  'several -f: sections add up, a folder gives its *.cfg in order, global sections merge',
  async (bench) => {
    const server = await serve(bench.ports.port('server'), { on: echo })
    const first = bench.file('1.cfg', `global\n  maxconn 100\n${DEFAULTS}`)
    const second = bench.file('2.cfg', `global\n  log-tag second\n${proxy(bench.ports, 'front')}`)
    bench.file('ignored.txt', 'this is not a configuration\n')
    const folder = path.join(bench.folder)
    const program = bench.start(['-f', first, '-f', second, '--', bench.file('3.conf', proxy(bench.ports, 'third'))])
    await program.listening([bench.ports.port('front'), bench.ports.port('third')])
    await program.stop()
    const whole = bench.start(['-f', folder])
    await whole.listening([bench.ports.port('front')])
    const client = await connect(bench.ports.port('front'))
    client.send('x')
    await client.got('x')
    client.destroy()
    await server.close()
    return 'both ran'
  },
  'both ran',
)

both(
  'a port that is taken: the program says which and exits 1, and nothing else listens',
  async (bench) => {
    const server = await serve(bench.ports.port('front'))
    const program = bench.start(['-f', bench.file('a.cfg', DEFAULTS + proxy(bench.ports) + proxy(bench.ports, 'second'))])
    const exit = await program.exited
    const open = listeningPorts().has(bench.ports.port('second'))
    await server.close()
    return { code: exit.code, named: program.output().includes(String(bench.ports.port('front'))), open }
  },
  { code: 1, named: true, open: false },
)

both(
  '-D -p: the command returns 0 when the port is open, and the file holds the pid of the one that listens',
  async (bench) => {
    const pidFile = path.join(bench.folder, 'pid')
    const program = bench.start(['-D', '-f', bench.file('a.cfg', DEFAULTS + proxy(bench.ports)), '-p', pidFile])
    const exit = await program.exited
    const open = listeningPorts().has(bench.ports.port('front'))
    const pid = Number(readFileSync(pidFile, 'utf8').trim())
    const alive = existsSync(`/proc/${pid}`) && pid !== program.pid
    process.kill(pid, 'SIGTERM')
    const deadline = Date.now() + 3000
    while (listeningPorts().has(bench.ports.port('front')) && Date.now() < deadline) await sleep(10)
    return { exit, open, alive, gone: !listeningPorts().has(bench.ports.port('front')) }
  },
  { exit: { code: 0, signal: null }, open: true, alive: true, gone: true },
)

both(
  'a Unix socket: permissions are set, a stale path is replaced, it works',
  async (bench) => {
    const server = await serve(bench.ports.port('server'), { on: echo })
    const place = path.join(bench.folder, 'front.sock')
    const text = `${DEFAULTS}listen u\n  bind unix@${place} mode 600\n  server s 127.0.0.1:${bench.ports.port('server')}\n${proxy(bench.ports)}`
    const first = bench.start(['-f', bench.file('a.cfg', text)])
    await first.listening([bench.ports.port('front')])
    first.signal('SIGKILL')
    await first.exited
    const stale = existsSync(place)
    const second = bench.start(['-f', path.join(bench.folder, 'a.cfg')])
    await second.listening([bench.ports.port('front')])
    const client = await connect(place)
    client.send('x')
    await client.got('x')
    client.destroy()
    await server.close()
    return { stale, mode: (statSync(place).mode & 0o777).toString(8) }
  },
  { stale: true, mode: '600' },
)
