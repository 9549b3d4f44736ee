// Data threads of the built program: limits are exact over four threads, a broken thread is replaced and listening never stops.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { connect as netConnect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { loadKernel } from '../../src/net/linux/syscalls.ts'
import { certificates } from '../kit/certificates.ts'
import { MAIN } from '../kit/command.ts'
import { connect, connectTls, serve } from '../kit/peers.ts'
import { claimPorts } from '../kit/ports.ts'
import { installed, sleep, start, type Program } from '../kit/program.ts'

if ('reason' in loadKernel()) {
  t.plan(0, 'data threads need the linux provider, which does not load here')
  process.exit(0)
}

const PLUGIN = fileURLToPath(new URL('./throws.plugin.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'headgate-threads-'))
t.teardown(() => rmSync(folder, { recursive: true }))

async function running(t: { teardown(fn: () => unknown): unknown }, text: string, ports: readonly number[], node: readonly string[] = [], before: readonly string[] = []): Promise<Program> {
  const file = join(folder, `${ports[0]}.cfg`)
  writeFileSync(file, text)
  const program = start('headgate', [...before, process.execPath, ...node, MAIN, '-db', '-V', '-f', file], { env: { HEADGATE_PLUGINS: PLUGIN } })
  t.teardown(() => program.stop())
  await program.listening(ports)
  return program
}

/** A client makes the thread that serves it throw; the next client is served. */
async function threadThrows(front: number): Promise<void> {
  const bad = await connect(front)
  bad.send('throw')
  await bad.over()
  const next = await connect(front)
  next.send('still there')
  await next.got('still there')
  next.end()
  await next.over()
}

/** How many descriptors of each kind the program has open, files that it reads left out, and what it has mapped of rings. */
function held(program: Program): Record<string, number> {
  const found: Record<string, number> = { threads: readdirSync(`/proc/${program.pid}/task`).length }
  const count = (kind: string): number => (found[kind] = (found[kind] ?? 0) + 1)
  for (const fd of readdirSync(`/proc/${program.pid}/fd`)) {
    try {
      const what = readlinkSync(`/proc/${program.pid}/fd/${fd}`)
      if (!what.startsWith('/')) count(what.replace(/:\[\d+\]$/, ''))
    } catch {
      // closed meanwhile
    }
  }
  const maps = readFileSync(`/proc/${program.pid}/maps`, 'latin1')
  found['ring mappings'] = maps.split('io_uring').length - 1
  return Object.fromEntries(Object.entries(found).toSorted())
}

/** Waits, however long a loaded machine takes, until the program holds just that. */
async function holdsAgain(program: Program, what: Record<string, number>): Promise<Record<string, number>> {
  const wanted = JSON.stringify(what)
  const deadline = Date.now() + 60_000
  while (JSON.stringify(held(program)) !== wanted && Date.now() < deadline) await sleep(50)
  return held(program)
}

/** What the program holds when that changes no more. */
async function atRest(program: Program): Promise<Record<string, number>> {
  await program.says(/Listening on/)
  let last = ''
  for (let same = 0; same < 20; ) {
    await sleep(50)
    const now = JSON.stringify(held(program))
    same = now === last ? same + 1 : 0
    last = now
  }
  return held(program)
}

const DEFAULTS = `
global
  nbthread 4
  log stdout format raw local0
defaults
  mode tcp
  log global
  timeout client 10s
  timeout server 10s
  timeout connect 5s
`

t.test('maxconn of a frontend and of a server are exact over four threads', async (t) => {
  const ports = await claimPorts()
  t.teardown(() => ports.release())
  const [front, direct, back] = [ports.port('front'), ports.port('direct'), ports.port('back')]
  const program = await running(
    t,
    `${DEFAULTS}
frontend f
  bind 127.0.0.1:${front}
  maxconn 7
  log-format "front %fc"
  default_backend b
frontend d
  bind 127.0.0.1:${direct}
  log-format "server %sc"
  default_backend limited
backend b
  server s 127.0.0.1:${back}
backend limited
  timeout queue 20s
  server s 127.0.0.1:${back} maxconn 5
`,
    [front, direct],
  )
  let open = 0
  let most = 0
  const server = await serve(back, {
    on: (wire) => {
      most = Math.max(most, ++open)
      wire.send('x')
      // Its place is free once this end has arrived, which may be before we hear that all is over.
      setTimeout(() => {
        open--
        wire.end()
      }, 5)
    },
  })
  t.teardown(() => server.close())

  const visit = async (port: number): Promise<void> => {
    const wire = await connect(port)
    await wire.gotBytes(1)
    wire.end()
    await wire.over()
  }
  const many = (port: number, clients: number, times: number): Promise<unknown> =>
    Promise.all(
      Array.from({ length: clients }, async () => {
        for (let i = 0; i < times; i++) await visit(port)
      }),
    )
  await many(front, 40, 8)
  await many(direct, 40, 8)
  await sleep(200)
  const counts = (name: string): number[] => [...program.output().matchAll(new RegExp(`^${name} (\\d+)$`, 'gm'))].map((m) => Number(m[1]))
  t.equal(counts('front').length, 320)
  t.equal(counts('server').length, 320)
  t.ok(Math.max(...counts('front')) <= 7, `at most 7 in the frontend, saw ${Math.max(...counts('front'))}`)
  t.ok(Math.max(...counts('server')) <= 5, `at most 5 on the server, saw ${Math.max(...counts('server'))}`)
  t.ok(most <= 7, `the server itself never saw more than 7, saw ${most}`)
  const { exited } = program
  program.signal('SIGUSR1')
  t.same(await exited, { code: 0, signal: null }, 'all threads are idle: a soft stop ends')
})

t.test('a thread that throws outside a handler is replaced; others go on, listening never stops, counts are taken back', async (t) => {
  const ports = await claimPorts()
  t.teardown(() => ports.release())
  const front = ports.port('front')
  const program = await running(t, `${DEFAULTS}\nfrontend f\n  bind 127.0.0.1:${front}\n  maxconn 20\n  throws-service\n`, [front])
  // Connections spread over the threads; one of them throws.
  const wires = await Promise.all(Array.from({ length: 16 }, () => connect(front)))
  for (const wire of wires) wire.send('hello')
  for (const wire of wires) await wire.got('hello')
  for (let round = 0; round < 3; round++) await threadThrows(front)
  await program.says(/(bug: data thread \d: [\s\S]*outside a handler[\s\S]*){3}/)
  // What those threads held has been given back: all twenty places can be had.
  for (const wire of wires) wire.destroy()
  const fresh = await Promise.all(Array.from({ length: 20 }, () => connect(front)))
  for (const wire of fresh) wire.send('place')
  for (const wire of fresh) await wire.got('place')
  for (const wire of fresh) wire.destroy()
  program.signal('SIGTERM')
  t.same(await program.exited, { code: 0, signal: null })
})

t.test('ports that are given back and taken again at once: no thread is left without, none gets another one\'s', async (t) => {
  const ports = await claimPorts()
  t.teardown(() => ports.release())
  const [one, two] = [ports.port('one'), ports.port('two')]
  const program = await running(t, `${DEFAULTS}\nfrontend one\n  bind 127.0.0.1:${one}\n  throws-service\nfrontend two\n  bind 127.0.0.1:${two}\n  throws-service\n`, [one, two])
  for (let i = 0; i < 20; i++) {
    program.signal('SIGTTOU')
    program.signal('SIGTTIN')
    await sleep(i % 5)
  }
  // Until the last word is acted on a connection may be refused or reset.
  await program.says(/SIGTTIN: listens again/)
  const echoes = (front: number): Promise<boolean> =>
    new Promise((resolve) => {
      const socket = netConnect(front, '127.0.0.1', () => socket.write('hello'))
      socket.on('data', () => socket.destroy())
      socket.on('error', () => undefined)
      socket.on('close', () => resolve(socket.bytesRead === 5))
    })
  for (const front of [one, two]) {
    for (let served = 0; served < 20; ) {
      if (await echoes(front)) served++
      else {
        program.signal('SIGTTIN') // of two that wait the kernel delivers SIGTTIN first, whichever was sent first
        await sleep(10)
      }
    }
  }
  t.notMatch(program.output(), /cannot bind/)
  program.signal('SIGTERM')
  t.same(await program.exited, { code: 0, signal: null })
})

t.test('a thread that ends gives back all that it held: sockets, pipes in use, its ring, its epoll', async (t) => {
  const ports = await claimPorts()
  t.teardown(() => ports.release())
  const [front, bulk, secure, back] = [ports.port('front'), ports.port('bulk'), ports.port('secure'), ports.port('back')]
  const { cert, key } = (await certificates()).server
  const pem = join(folder, 'held.pem')
  writeFileSync(pem, `${cert}\n${key}`)
  const server = await serve(back, { on: (wire) => wire.send(Buffer.alloc(4 << 20)), countOnly: true })
  t.teardown(() => server.close())
  const syslog = join(folder, 'log.sock')
  // That nobody reads there is no matter: each thread has a socket for it.
  const program = await running(
    t,
    `${DEFAULTS.replace('nbthread 4', `nbthread 2\n  log ${syslog} local1`)}
frontend f
  bind 127.0.0.1:${front}
  throws-service
listen b
  bind 127.0.0.1:${bulk}
  option splice-auto
  server s 127.0.0.1:${back}
listen s
  bind 127.0.0.1:${secure} ssl crt ${pem}
  server s 127.0.0.1:${back}
`,
    [front, bulk, secure],
  )
  const before = await atRest(program)
  for (const word of ['throw', 'leave']) {
    // The receivers stop: bulk data stays in pipes.
    const wires = await Promise.all(Array.from({ length: 12 }, async () => (await connect(bulk)).pause()))
    wires.push(...(await Promise.all(Array.from({ length: 6 }, async () => (await connectTls(secure)).pause()))))
    wires.push(...(await Promise.all(Array.from({ length: 12 }, () => connect(front)))))
    const deadline = Date.now() + 30_000
    while ((held(program)['pipe'] ?? 0) <= (before['pipe'] ?? 0) && Date.now() < deadline) await sleep(20)
    t.ok((held(program)['pipe'] ?? 0) > (before['pipe'] ?? 0), 'pipes are in use')
    for (let ends = 0; ends < 3; ends++) {
      const bad = await connect(front)
      bad.send(word)
      await bad.over()
    }
    for (const wire of wires) wire.destroy()
    t.same(await holdsAgain(program, before), before, word)
  }
  t.ok((before['anon_inode:[eventpoll]'] ?? 0) > 2 && (before['socket'] ?? 0) > 0, JSON.stringify(before))
})

t.test('a data thread without memory ends the process: nobody else can close what it had open', async (t) => {
  const ports = await claimPorts()
  t.teardown(() => ports.release())
  const front = ports.port('front')
  const program = await running(t, `${DEFAULTS}\nfrontend f\n  bind 127.0.0.1:${front}\n  throws-service\n`, [front], ['--max-old-space-size=40'])
  const wire = await connect(front)
  wire.send('grow')
  const { code, signal } = await program.exited
  await wire.over()
  // V8 may also give up by itself, which ends the process with a signal.
  t.comment(`ended with ${code ?? signal}`)
  t.ok(code === 1 || signal !== null || (code ?? 0) > 128, `${code} ${signal}`)
  if (code === 1) t.match(program.output(), /data thread \d has no memory left and cannot close its connections/)
})

const SETPRIV = installed('setpriv') && process.getuid?.() === 0

t.test('what the process may not do is said once, not by each thread', { skip: !SETPRIV && 'needs root and setpriv' }, async (t) => {
  const ports = await claimPorts()
  t.teardown(() => ports.release())
  const front = ports.port('front')
  const lines = `${DEFAULTS}\nfrontend f\n  bind 127.0.0.1:${front}\n  tcp-request session set-mark 7\n  throws-service\n`
  const program = await running(t, lines, [front], [], ['setpriv', '--bounding-set', '-net_admin,-net_raw'])
  for (let round = 0; round < 3; round++) {
    const wires = await Promise.all(Array.from({ length: 20 }, () => connect(front)))
    for (const wire of wires) wire.send('served')
    for (const wire of wires) await wire.got('served')
    for (const wire of wires) wire.destroy()
  }
  await program.says(/'set-mark' has no effect/)
  await sleep(100)
  t.same(program.output().match(/.*set-mark.*/g)?.map((line) => line.replace(/^.*: frontend/, 'frontend')), ["frontend f: 'set-mark' has no effect: EPERM, it takes CAP_NET_ADMIN"])
})

t.test('a thread that is made late needs no file: they may be gone, or no longer be readable to who the process has become', async (t) => {
  const ports = await claimPorts()
  t.teardown(() => ports.release())
  const [front, secure] = [ports.port('front'), ports.port('secure')]
  const { cert, key } = (await certificates()).server
  const keys = join(folder, 'keys')
  mkdirSync(keys)
  const pem = join(keys, 'late.pem')
  const list = join(folder, 'late.list')
  writeFileSync(pem, cert)
  writeFileSync(`${pem}.key`, key, { mode: 0o600 })
  writeFileSync(list, `${pem}\n`)
  const program = await running(
    t,
    `${DEFAULTS.replace('nbthread 4', 'nbthread 2')}
frontend f
  bind 127.0.0.1:${front}
  throws-service
frontend s
  bind 127.0.0.1:${secure} ssl crt ${keys} crt-list ${list}
  throws-service
`,
    [front, secure],
  )
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true })
  for (let round = 0; round < 6; round++) await threadThrows(front)
  t.notMatch(program.output(), /No such file|ended before it listened/)
})

t.test('conditions come out in every thread as they do at the start', async (t) => {
  const ports = await claimPorts()
  t.teardown(() => ports.release())
  const front = ports.port('front')
  await running(t, `${DEFAULTS}\nfrontend f\n  bind 127.0.0.1:${front}\n.if enabled(EPOLL) && feature(LINUX_SPLICE)\n  throws-service\n.endif\n`, [front])
  for (let i = 0; i < 8; i++) {
    const wire = await connect(front)
    wire.send('served')
    await wire.got('served')
    wire.destroy()
  }
})

t.test('idle threads cost nothing', async (t) => {
  const ports = await claimPorts()
  t.teardown(() => ports.release())
  const front = ports.port('front')
  const program = await running(t, `${DEFAULTS}\nfrontend f\n  bind 127.0.0.1:${front}\n  throws-service\n`, [front])
  const held = await Promise.all(Array.from({ length: 50 }, () => connect(front)))
  // The threads finish their start (compilation, garbage) when they get to it: one quiet second must come.
  let spent = Infinity
  for (let second = 0; second < 15 && spent >= 50; second++) {
    const before = program.cpu()
    await sleep(1000)
    spent = program.cpu() - before
  }
  t.ok(spent < 50, `${spent} ms of CPU in a second with 50 idle connections`)
  for (const wire of held) wire.destroy()
})
