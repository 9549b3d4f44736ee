// The runtime: start, hold, pause, resume and both ends of all proxies of a thread; what building them refuses; names.

import t from 'tap'
import { GaugeMemory } from '../../src/proxy/gauge.ts'
import { resolveName } from '../../src/proxy/resolve.ts'
import { BuildError } from '../../src/proxy/runtime.ts'
import { loadText } from '../kit/configuration.ts'
import { counts, idle, LINE, world, type World } from './world.ts'

const TWO = `
defaults
  mode tcp
  timeout client 1m
  timeout server 1m
  timeout connect 2s
frontend f
  ${LINE}
  bind 127.0.0.1:1001
  bind 127.0.0.1:1002
  default_backend b
frontend g
  bind 127.0.0.1:1003
  default_backend b
backend b
  server s 127.0.0.2:2001
  server t 127.0.0.2:2002 disabled
`

/** No resolver needs to be asked: a label has 63 letters at most. */
const NOBODY = `${'x'.repeat(64)}.test`

const open = (w: World): number => w.provider.listeners.filter((l) => !l.closed).length

t.test('start: all listeners or none, with a line for each that failed', async (t) => {
  const w = await world(TWO)
  t.same(w.runtime.listening(), ['127.0.0.1:1001', '127.0.0.1:1002', '127.0.0.1:1003'])
  t.equal(open(w), 3)
  w.runtime.softStop()
  await w.runtime.finished

  const busy = await world(TWO)
  busy.runtime.pause()
  busy.provider.refused.set(1001, 'EADDRINUSE').set(1003, 'EACCES')
  t.same(await busy.runtime.resume(), [
    'Binding [t.cfg:9] for frontend f: cannot bind socket (Address already in use) for [127.0.0.1:1001]',
    'Binding [t.cfg:13] for frontend g: cannot bind socket (Permission denied) for [127.0.0.1:1003]',
  ])
  t.equal(open(busy), 1, 'the others listen')
  busy.provider.refused.clear()
  t.same(await busy.runtime.resume(), [])
  t.equal(open(busy), 3)
  busy.runtime.pause()
  busy.provider.refused.set(1002, 'EADDRINUSE')
  t.equal((await busy.runtime.start()).length, 1)
  t.equal(open(busy), 0, 'at the start it is all or nothing')
})

t.test('hold: nothing is accepted while it holds, for whatever other reason too', async (t) => {
  const w = await world(TWO)
  w.runtime.hold(true)
  w.runtime.hold(true)
  t.ok(w.provider.listeners.every((l) => l.paused))
  w.runtime.hold(false)
  t.ok(w.provider.listeners.every((l) => !l.paused))
})

t.test('pause gives the ports back, resume takes them again; sessions go on', async (t) => {
  const w = await world(TWO)
  const client = w.accept()
  w.server().connected()
  w.runtime.pause()
  w.runtime.pause()
  t.equal(open(w), 0)
  client.arrive('still')
  t.equal(w.server().said, 'still')
  const [one, two] = [w.runtime.resume(), w.runtime.resume()]
  t.same([await one, await two], [[], []])
  t.equal(open(w), 3, 'asked twice, opened once')
  t.ok(w.provider.listeners.filter((l) => !l.closed).every((l) => !l.paused))
})

t.test('a stop while listeners are being opened leaves none open', async (t) => {
  const w = await world(TWO)
  w.runtime.pause()
  const resumed = w.runtime.resume()
  w.runtime.softStop()
  await resumed
  await w.runtime.finished
  t.equal(open(w), 0)
  t.same(await w.runtime.resume(), [], 'and nothing opens them again')
  t.equal(open(w), 0)

  const paused = await world(TWO)
  paused.runtime.pause()
  const again = paused.runtime.resume()
  paused.runtime.pause()
  await again
  t.equal(open(paused), 0)
  await paused.runtime.resume()
  t.equal(open(paused), 3)
})

t.test('soft stop: finished when the last session has ended; kill hurries it', async (t) => {
  const w = await world(TWO)
  let finished = 0
  void w.runtime.finished.then(() => finished++)
  const client = w.accept()
  w.server().connected()
  w.runtime.softStop()
  w.runtime.softStop()
  t.equal(open(w), 0)
  await Promise.resolve()
  t.equal(finished, 0)
  t.equal(w.runtime.remaining(), 2)
  client.arrive('x')
  t.equal(w.server().said, 'x', 'sessions go on')
  client.end()
  w.server().end()
  await w.runtime.finished
  t.equal(finished, 1)
  t.ok(idle(w), JSON.stringify(counts(w)))

  const hurried = await world(TWO)
  const held = hurried.accept()
  hurried.server().connected()
  hurried.accept({ src: '192.0.2.9:1' })
  hurried.runtime.softStop()
  hurried.runtime.kill()
  hurried.runtime.kill()
  await hurried.runtime.finished
  t.same(held.done, ['closed'])
  t.equal(hurried.runtime.remaining(), 0)
})

t.test('a hard stop takes nobody in any more, a soft one whoever waits', async (t) => {
  for (const how of ['kill', 'softStop', 'pause'] as const) {
    const w = await world(TWO)
    w.runtime[how]()
    t.ok(w.provider.listeners.every((l) => l.closed && l.paused === (how === 'kill')), how)
  }
})

t.test('held ones are refused at the stop', async (t) => {
  const w = await world(TWO.replace('frontend f\n', 'frontend f\n  maxconn 1\n'))
  const served = w.accept()
  const held = w.accept()
  w.runtime.softStop()
  t.same(held.done, ['RST'])
  served.break()
  await w.runtime.finished
  t.ok(idle(w))
})

t.test('describe', async (t) => {
  const w = await world(TWO)
  w.accept()
  t.same(w.runtime.describe(), [
    'Proxy f: 1 connections.',
    'Proxy g: 0 connections.',
    'Server b/s is UP. Conn: 1 act, 0 pend.',
    'Server b/t is DOWN. Conn: 0 act, 0 pend.',
  ])
})

t.test('describe tells what all threads have, those who wait too', async (t) => {
  const gauges = new GaugeMemory(0, 2)
  const text = `defaults\n  mode tcp\n  timeout client 1m\n  timeout server 1m\n  timeout connect 1s\n  timeout queue 1s\nfrontend f\n  bind 127.0.0.1:1\n  default_backend b\nbackend b\n  server s 127.0.0.2:1 maxconn 1\n`
  const [control, a] = [await world(text, { gauges }), await world(text, { gauges: new GaugeMemory(1, 2, gauges.shared) })]
  a.accept()
  const gone = a.accept()
  a.accept()
  t.equal(control.runtime.describe().at(-1), 'Server b/s is UP. Conn: 1 act, 2 pend.')
  gone.end()
  a.settle()
  t.equal(control.runtime.describe().at(-1), 'Server b/s is UP. Conn: 1 act, 1 pend.')
  a.pass(1200)
  t.equal(control.runtime.describe().at(-1), 'Server b/s is UP. Conn: 1 act, 0 pend.', 'in time nobody waits')
})

t.test('a disabled proxy is not built; a server that cannot be resolved is told with its line', async (t) => {
  const w = await world(TWO.replace('frontend g\n', 'frontend g\n  disabled\n'))
  t.same(w.runtime.listening(), ['127.0.0.1:1001', '127.0.0.1:1002'])
  const failed = await world(TWO.replace('server s 127.0.0.2:2001', `server s ${NOBODY}:80`)).then(
    () => [],
    (error: unknown) => (error instanceof BuildError ? error.problems : [error]),
  )
  t.match(failed, [{ file: 't.cfg', line: 16, level: 'alert', text: /'server b\/s' : could not resolve address 'x{64}\.test'/ }])
})

t.test('resolve: all addresses of a name, of the family that was asked for', async (t) => {
  t.ok((await resolveName({ host: 'localhost', family: 'ipv4' }, 80)).some((a) => a.host === '127.0.0.1' && a.port === 80 && a.family === 'ipv4'))
  t.same(await resolveName({ host: '::1', family: 'any' }, 7), [{ family: 'ipv6', host: '::1', port: 7 }])
  await t.rejects(resolveName({ host: NOBODY, family: 'any' }, 80), { message: /could not resolve address 'x{64}\.test' \(ENOTFOUND\)/ })
})

t.test('names that rules use have to exist', async (t) => {
  const problems = (text: string): string[] => [...loadText(text).lines]
  const back = 'backend shop\n  server s 127.0.0.1:1\nbackend other\n  server s 127.0.0.1:1\n'
  const front = (rules: string): string => `defaults\n  mode tcp\n  timeout client 1s\n  timeout server 1s\n  timeout connect 1s\nfrontend f\n  bind :1\n${rules}${back}`
  t.same(problems(front('  use_backend shop if { src 10.0.0.0/8 }\n  use_backend other\n')), [])
  t.match(problems(front('  use_backend shpo\n')), [/^8 alert: Proxy 'f': unable to find required use_backend: 'shpo'\./])
  t.same(problems(front('  use_backend %[src]\n')), [], 'a computed name is looked up later')
  t.match(problems(front('') + '  use-server x if { src 10.0.0.1 }\n'), [/alert: backend 'other' : unable to find server 'x' referenced in a 'use-server' rule/])
  t.same(problems(front('') + '  use-server s if { src 10.0.0.1 }\n'), [])
  t.same(problems(front('  disabled\n  use_backend gone\n')), [], 'a disabled proxy needs nothing')
  const loop = 'defaults\n  mode tcp\n  timeout client 1s\n  timeout server 1s\n  timeout connect 1s\nlisten l\n  bind :1\n  use_backend l if { src 1.2.3.4 }\n  server s 127.0.0.1:1\n'
  t.match(problems(loop), [/loop detected for use_backend: 'l'/])
})
