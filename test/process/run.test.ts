// Holds the life of the process with a runtime that is a fake: signals, soft and hard stop, pid file, limits, bugs, and -D's pieces.

import { EventEmitter } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { namedDescriptors, takeDaemonMark } from '../../src/process/daemon.ts'
import { descriptorLimit, planConnections, watchMemory } from '../../src/process/limits.ts'
import { keywordLists } from '../../src/process/keyword-lists.ts'
import { applyCommandLine } from '../../src/process/overrides.ts'
import { parseArguments } from '../../src/process/arguments.ts'
import { reportBugs, run } from '../../src/process/run.ts'
import type { RunOptions } from '../../src/process/run.ts'
import type { Runtime } from '../../src/process/runtime.ts'
import { Signals } from '../../src/process/signals.ts'
import { hardStopAfter, localpeer, nosplice, pidfile } from '../../src/config/keywords/global.ts'
import { maxconn } from '../../src/config/keywords/proxy.ts'
import { serverInitAddr } from '../../src/config/keywords/server.ts'
import { serverLines } from '../../src/config/lines.ts'
import { allPlugins, loadText } from '../kit/configuration.ts'
import { sleep } from '../kit/program.ts'

interface Fake {
  readonly runtime: Runtime
  readonly calls: string[]
  /** The last session ends. */
  finish(): void
  left: number
}

function fakeRuntime(problems: readonly string[] = []): Fake {
  const calls: string[] = []
  let finish = (): void => {}
  const finished = new Promise<void>((resolve) => (finish = resolve))
  const fake: Fake = {
    calls,
    finish,
    left: 0,
    runtime: {
      start: async () => problems,
      listening: () => ['127.0.0.1:80'],
      hold: (on) => void calls.push(`hold ${on}`),
      pause: () => void calls.push('pause'),
      resume: async () => {
        calls.push('resume')
        return ['Binding [a.cfg:1] for frontend f: cannot bind socket (Address already in use) for [127.0.0.1:80]']
      },
      softStop: () => void calls.push('softStop'),
      kill: () => void calls.push('kill'),
      finished,
      describe: () => ['Server b/s is UP.'],
      remaining: () => fake.left,
    },
  }
  return fake
}

interface Running extends Fake {
  readonly log: string[]
  readonly sink: string[]
  readonly signals: EventEmitter
  readonly status: Promise<number>
}

function running(fake: Fake, over: Partial<RunOptions> = {}): Running {
  const log: string[] = []
  const sink: string[] = []
  const source = new EventEmitter()
  const status = run({
    runtime: fake.runtime,
    log: { alert: (text) => void log.push(`alert ${text}`), warning: (text) => void log.push(`warning ${text}`), notice: (text) => void log.push(`notice ${text}`) },
    sink: { write: (level, line) => void sink.push(`${level} ${line}`) },
    signals: new Signals(source),
    pidFile: undefined,
    identity: { uid: undefined, gid: undefined },
    hardStopAfter: undefined,
    memory: undefined,
    listening: () => void log.push('listening'),
    logs: { drained: async () => void log.push('drained'), flushSync: () => void log.push('flushed') },
    ...over,
  })
  // Handlers of signals stand once run() has gone through its first turns.
  return Object.assign(fake, { log, sink, signals: source, status })
}

t.test('what cannot be bound ends the start with 1, all of it said', async (t) => {
  const fake = running(fakeRuntime(['Binding [a:1] …', 'Binding [a:2] …']))
  t.equal(await fake.status, 1)
  t.same(fake.log, ['alert Binding [a:1] …', 'alert Binding [a:2] …', 'alert [headgate.main()] Some protocols failed to start their listeners! Exiting.'])
})

t.test('SIGUSR1 lets sessions finish, once, and the process leaves with 0', async (t) => {
  const fake = running(fakeRuntime())
  await sleep(0)
  fake.signals.emit('SIGUSR1', 'SIGUSR1')
  fake.signals.emit('SIGUSR1', 'SIGUSR1')
  fake.signals.emit('SIGTTOU', 'SIGTTOU')
  fake.signals.emit('SIGTTIN', 'SIGTTIN')
  t.same(fake.calls, ['softStop'], 'a second one and a pause mean nothing any more')
  fake.finish()
  t.equal(await fake.status, 0)
  t.same(fake.log, ['listening', 'notice SIGUSR1: listens no more; sessions go on until they end', 'drained', 'flushed'])
})

t.test('SIGTERM ends at once; a second one does not wait for what is left', async (t) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const fake = running(fakeRuntime())
    await sleep(0)
    fake.signals.emit(signal, signal)
    t.same(fake.calls, ['kill'])
    fake.signals.emit(signal, signal)
    t.equal(await fake.status, 0, 'though nothing has finished')
  }
})

t.test('SIGTERM hurries a soft stop', async (t) => {
  const fake = running(fakeRuntime(), { hardStopAfter: 60_000 })
  await sleep(0)
  fake.signals.emit('SIGUSR1', 'SIGUSR1')
  fake.signals.emit('SIGTERM', 'SIGTERM')
  t.same(fake.calls, ['softStop', 'kill'])
  fake.finish()
  t.equal(await fake.status, 0)
})

t.test('hard-stop-after ends a soft stop that takes too long, and sessions that resist', async (t) => {
  const fake = running(fakeRuntime(), { hardStopAfter: 20 })
  fake.left = 1
  await sleep(0)
  fake.signals.emit('SIGUSR1', 'SIGUSR1')
  t.equal(await fake.status, 0)
  t.same(fake.calls, ['softStop', 'kill'])
  const said = ['soft-stop running for too long, performing a hard-stop.', 'Some tasks resisted to hard-stop, exiting now.']
  t.same(fake.log, ['listening', 'notice SIGUSR1: listens no more; sessions go on until they end', ...said.map((text) => `warning ${text}`), 'drained', 'flushed'])
  t.same(fake.sink, said.map((text) => `warning ${text}`), 'the log targets of global hear of it too')
})

t.test('SIGTTOU pauses, SIGTTIN resumes, SIGHUP describes, SIGQUIT tells of memory, SIGUSR2 and SIGPIPE do nothing', async (t) => {
  const fake = running(fakeRuntime())
  await sleep(0)
  for (const signal of ['SIGTTOU', 'SIGTTIN', 'SIGHUP', 'SIGQUIT', 'SIGUSR2', 'SIGPIPE'] as const) fake.signals.emit(signal, signal)
  await sleep(0)
  t.same(fake.calls, ['pause', 'resume'])
  t.same(fake.log.filter((line) => line.startsWith('warning')), ['warning SIGHUP received, dumping servers states.', 'warning SIGHUP: Server b/s is UP.'])
  const notices = fake.log.filter((line) => line.startsWith('notice'))
  t.equal(notices[0], 'notice SIGTTOU: ports are given back; SIGTTIN takes them again')
  t.match(notices[1], /^notice SIGQUIT: memory: resident [\d.]+ MiB, heap /)
  t.equal(notices.length, 2, 'that it listens again is not said: it does not')
  t.match(fake.log.find((line) => line.startsWith('alert')), 'Address already in use', 'what cannot be opened again is said')
  fake.finish()
  t.equal(await fake.status, 0)
})

t.test('signals that come before the process runs are kept', async (t) => {
  const source = new EventEmitter()
  const signals = new Signals(source)
  source.emit('SIGUSR1', 'SIGUSR1')
  t.equal(source.listenerCount('SIGTERM'), 0, 'SIGTERM still ends a process that does nothing yet')
  const fake = fakeRuntime()
  const status = running(fake, { signals }).status
  await sleep(0)
  t.same(fake.calls, ['softStop'])
  fake.finish()
  t.equal(await status, 0)
  signals.close()
  t.same(source.eventNames(), [])
})

t.test('the pid file holds the pid that serves; without it there is no start', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-run-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'pid')
  const fake = running(fakeRuntime(), { pidFile: file })
  await sleep(0)
  t.equal(readFileSync(file, 'utf8'), `${process.pid}\n`)
  fake.finish()
  t.equal(await fake.status, 0)
  t.equal(readFileSync(file, 'utf8'), `${process.pid}\n`, 'it stays')

  const refused = running(fakeRuntime(), { pidFile: join(folder, 'no', 'pid') })
  refused.finish()
  t.equal(await refused.status, 1)
  t.same(refused.log, [`alert [headgate.main()] Cannot create pidfile ${join(folder, 'no', 'pid')}`])
  t.same(refused.calls, ['kill'])
})

t.test('bugs are reported with their stack, a few each second', async (t) => {
  const alerts: string[] = []
  const before = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  const stop = reportBugs({ alert: (text) => void alerts.push(text), warning: () => {}, notice: () => {} })
  for (let i = 0; i < 20; i++) for (const listener of process.listeners('uncaughtException')) listener(new Error(`boom ${i}`), 'uncaughtException')
  stop()
  for (const listener of before) process.on('uncaughtException', listener)
  t.ok(alerts.length >= 5 && alerts.length <= 11, `${alerts.length} of 20`)
  t.match(alerts[0], /^bug: uncaught exception: Error: boom 0\n\s+at /)
})

t.test('what was thrown and cannot be looked at is a bug like any other', async (t) => {
  const before = process.listeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection')
  const alerts: string[] = []
  const stop = reportBugs({ alert: (text) => void alerts.push(text), warning: () => {}, notice: () => {} })
  const nothing = Promise.resolve()
  for (const thrown of [Object.create(null), Symbol('s'), undefined, 'text']) for (const listener of process.listeners('unhandledRejection')) listener(thrown, nothing)
  stop()
  for (const listener of before) process.on('unhandledRejection', listener)
  t.same(alerts, ['threw what has no text', 'Symbol(s)', 'undefined', 'text'].map((text) => `bug: unhandled rejection: ${text}`))
})

t.test('connections are planned from the descriptors that there are', async (t) => {
  const none = { commandLine: undefined, configured: undefined, descriptorsAsked: undefined, descriptorsAtMost: undefined }
  const use = { listeners: 2, threads: 1, pipes: 256, held: 0 }
  const own = 64 + 2 + 12
  t.same(planConnections(none, use, 20_000), { maxconn: (20_000 - own - 64) / 2 - 256, lingering: 64, pipes: 256, held: 0 })
  t.same(planConnections({ ...none, configured: 0 }, use, 20_000), planConnections(none, use, 20_000), '0 is as unset')
  const rest = 20_000 - own - 2 * 256
  t.same(planConnections({ ...none, configured: 500 }, use, 20_000), { maxconn: 500, lingering: rest - 1000, pipes: 256, held: 0 })
  t.same(planConnections({ ...none, configured: 500, commandLine: 7 }, use, 20_000), { maxconn: 7, lingering: rest - 14, pipes: 256, held: 0 }, '-n wins')
  t.same(planConnections({ ...none, configured: 900_000 }, use, 20_000), { maxconn: 9961, lingering: 0, pipes: 0, held: 0, problem: `Cannot raise FD limit to ${1_800_000 + own}, limit is 20000.` })
  t.match(planConnections({ ...none, descriptorsAsked: 9_000_000 }, use, 20_000), { problem: 'Cannot raise FD limit to 9000000, limit is 20000.' })
  t.match(planConnections({ ...none, descriptorsAtMost: 278 }, { ...use, pipes: 0 }, 20_000), { maxconn: 97, lingering: 6, pipes: 0 })
  t.same(planConnections({ ...none, configured: 500 }, use, Infinity), { maxconn: 500, lingering: Infinity, pipes: 256, held: 0 })
  t.same(planConnections(none, use, Infinity), { maxconn: 1_000_000, lingering: Infinity, pipes: 256, held: 0 })
  t.same(planConnections(none, use, 10), { maxconn: 1, lingering: 0, pipes: 0, held: 0 }, 'never none at all')

  t.same(planConnections(none, use, 1024), { maxconn: 340, lingering: 30, pipes: 118, held: 0 }, 'pipes take a quarter where there is little')
  t.same(planConnections({ ...none, configured: 470 }, use, 1024), { maxconn: 470, lingering: 4, pipes: 1, held: 0 }, 'and what connections leave where these are wanted')
  t.same(planConnections(none, { listeners: 2, threads: 1, pipes: 0, held: 511 }, 1024), { maxconn: 340, lingering: 30, pipes: 0, held: 118 }, 'so do those that a full listener holds')
  for (const threads of [1, 2, 4, 16]) {
    for (const listeners of [0, 1, 10, 40]) {
      for (const limit of [2048, 4096, 65_536]) {
        for (const configured of [undefined, 100, 300]) {
          for (const beside of [{ pipes: 256, held: 0 }, { pipes: 0, held: 511 }]) {
            const { maxconn, lingering, pipes, held } = planConnections({ ...none, configured }, { threads, listeners, ...beside }, limit)
            const all = 64 + listeners + threads * 12 + (threads > 1 ? 2 * threads * listeners : 0) + 2 * maxconn + threads * (lingering + 2 * pipes) + listeners * held
            t.ok(all <= limit, `${threads} threads, ${listeners} listeners, maxconn ${configured}: ${all} of ${limit}`)
            t.ok(lingering >= 0 && pipes >= 0 && held >= 0)
          }
        }
      }
    }
  }
  t.equal(descriptorLimit(() => 'Max open files            1024                 4096                 files\n'), 1024)
  t.equal(descriptorLimit(() => 'Max open files            unlimited            unlimited            files\n'), Infinity)
  t.equal(descriptorLimit(() => { throw new Error('no /proc') }), Infinity)
  t.ok(descriptorLimit() > 0)
})

t.test('-m stops new connections while the process is over its limit', async (t) => {
  const calls: string[] = []
  let rss = 50
  const stop = watchMemory(100, { rss: () => rss * 1024 * 1024, full: () => void calls.push('full'), free: () => void calls.push('free') }, 1)
  t.teardown(stop)
  const until = async (n: number): Promise<void> => {
    const deadline = Date.now() + 5000
    while (calls.length < n && Date.now() < deadline) await sleep(1)
  }
  rss = 101
  await until(1)
  rss = 99
  await sleep(10)
  t.same(calls, ['full'], 'a little less is not enough')
  rss = 90
  await until(2)
  t.same(calls, ['full', 'free'])
})

t.test('a background copy is marked, and inherits the descriptors that its configuration names', async (t) => {
  t.same(namedDescriptors('bind fd@7\n bind fd@${A} \n bind "fd@$B"\n log fd@"${A}" x\n log fd@2 y\n bind fd@${GONE}', { A: '12', B: '9' }), [7, 9, 12])
  const env: NodeJS.ProcessEnv = { HEADGATE_DAEMON: '1' }
  t.equal(takeDaemonMark(env), process.send !== undefined)
  t.same(env, {}, 'the configuration never sees the mark')
})

t.test('the command line wins over the configuration', async (t) => {
  const { configuration } = loadText(`global
  pidfile /a
  hard-stop-after 3s
defaults
  timeout client 1s
  timeout connect 1s
  timeout server 1s
frontend f
  bind :1
  default_backend b
frontend g
  bind :2
  maxconn 5
  default_backend b
backend b
  server s somewhere.invalid:1
  server t somewhere.invalid:1 init-addr libc
`)
  const parsed = parseArguments(['-f', 'x', '-p', '/b', '-N', '9', '-L', 'me', '-dS', '-dr'])
  if (parsed.kind !== 'run') throw new Error(parsed.kind)
  const { global, proxies } = applyCommandLine(configuration, parsed.line)
  t.equal(global.get(pidfile), '/b')
  t.equal(global.get(localpeer), 'me')
  t.equal(global.get(nosplice), true)
  t.equal(global.get(hardStopAfter), 3000, 'what it does not name stays')
  t.same(proxies.map((p) => p.values.get(maxconn)), [9, 5, 9], '-N is a default')
  t.same(proxies[2]?.values.get(serverLines)?.map((s) => s.values.get(serverInitAddr)), [['last', 'libc', 'none'], ['libc', 'none']])
})

t.test('-dK lists what is registered', async (t) => {
  t.match(keywordLists(['help'], [], []), /^# List of supported keyword classes:\nall: list all keywords\nacl: /)
  t.match(keywordLists(['cfg', 'nonsense'], [], []), /^ignoring unknown keyword class 'nonsense'/)
  const all = keywordLists(['all'], [], allPlugins)
  t.match(all, /# List of registered sample fetch functions:\n(.*\n)*src\n/)
  t.match(all, /\nbind\n(.*\n)*\taccept-proxy\n/)
})
