// Data threads of the built program: limits are exact over four threads, a broken thread is replaced and listening never stops.

import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { loadKernel } from '../../src/net/linux/syscalls.ts'
import { certificates } from '../kit/certificates.ts'
import { MAIN } from '../kit/command.ts'
import { connect, serve } from '../kit/peers.ts'
import { claimPorts } from '../kit/ports.ts'
import { sleep, start, type Program } from '../kit/program.ts'

if ('reason' in loadKernel()) {
  t.plan(0, 'data threads need the linux provider, which does not load here')
  process.exit(0)
}

const PLUGIN = fileURLToPath(new URL('./throws.plugin.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'headgate-threads-'))
t.teardown(() => rmSync(folder, { recursive: true }))

async function running(t: { teardown(fn: () => unknown): unknown }, text: string, ports: readonly number[]): Promise<Program> {
  const file = join(folder, `${ports[0]}.cfg`)
  writeFileSync(file, text)
  const program = start('headgate', [process.execPath, MAIN, '-db', '-f', file], { env: { HEADGATE_PLUGINS: PLUGIN } })
  t.teardown(() => program.stop())
  await program.listening(ports)
  return program
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
  for (let round = 0; round < 3; round++) {
    const bad = await connect(front)
    bad.send('throw')
    await bad.over()
    const next = await connect(front)
    next.send('still there')
    await next.got('still there')
    next.end()
    await next.over()
  }
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
  for (let round = 0; round < 6; round++) {
    const bad = await connect(front)
    bad.send('throw')
    await bad.over()
    const next = await connect(front)
    next.send('still there')
    await next.got('still there')
    next.end()
    await next.over()
  }
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
