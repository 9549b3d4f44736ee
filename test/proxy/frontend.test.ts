// Frontends: limits and who is held by them, over threads too; what is logged of connections that never became sessions.

import t from 'tap'
import { close, reset, type App, type Handler } from '../../src/core/handler.ts'
import type { Plugin } from '../../src/core/plugin.ts'
import { GaugeMemory } from '../../src/proxy/gauge.ts'
import type { PeerSock } from './peer-sock.ts'
import { counts, idle, LINE, world, type World, type WorldOptions } from './world.ts'

const on = (front: string, options: WorldOptions = {}): Promise<World> => world(`
defaults
  mode tcp
  timeout client 1m
  timeout server 1m
  timeout connect 2s
${front.replaceAll('LINE', LINE)}
backend b
  server s 127.0.0.2:2001
`, options)

const F = 'frontend f\n  LINE\n  default_backend b'
const paused = (w: World): boolean[] => w.provider.listeners.map((l) => l.paused)

function leave(w: World, sock: PeerSock): void {
  sock.break()
  w.settle()
}

t.test('maxconn of a frontend: all its listeners stop, and go on when one has gone', async (t) => {
  const w = await on(`${F}\n  bind :1001\n  bind :1002\n  maxconn 2\nfrontend g\n  bind :1003\n  default_backend b`)
  const first = w.accept()
  t.same(paused(w), [false, false, false])
  const second = w.accept({ listener: 1 })
  t.same(paused(w), [true, true, false])
  leave(w, first)
  t.same(paused(w), [false, false, false])
  const third = w.accept()
  t.same(paused(w), [true, true, false])
  leave(w, second)
  leave(w, third)
  t.ok(idle(w), JSON.stringify(counts(w)))
  w.pass(100)
  t.notOk(w.clock.waking, 'nothing looks again when nothing waits')
})

t.test('maxconn of a bind line stops that listener alone', async (t) => {
  const w = await on(`${F}\n  bind :1001 maxconn 1\n  bind :1002`)
  const first = w.accept()
  t.same(paused(w), [true, false])
  leave(w, first)
  t.same(paused(w), [false, false])
})

t.test('maxconn of the process stops all', async (t) => {
  const w = await on(`${F}\n  bind :1001\nfrontend g\n  bind :1002\n  default_backend b`, { maxconn: 2 })
  const first = w.accept()
  w.accept({ listener: 1 })
  t.equal(w.runtime.remaining(), 4, 'the two to the server do not count')
  w.pass(20)
  t.ok(paused(w)[1])
  const late = w.accept({ listener: 0 })
  t.same(late.done, [])
  t.same(paused(w), [true, true])
  leave(w, first)
  t.equal(counts(w)['frontend f'], 1, 'who was held is let in')
  leave(w, late)
  w.pass(20)
  t.same(paused(w), [false, false])
})

t.test('accepted too late: held unread in order, then served; nobody is lost', async (t) => {
  const w = await on(`${F}\n  bind :1001\n  maxconn 1`)
  const all = [1, 2, 3].map((n) => w.accept({ make: (sock) => sock.arrive(`${n}`) }))
  t.equal(w.provider.connects.length, 1)
  t.same(all.map((sock) => sock.unread), [0, 1, 1])
  t.equal(counts(w)['frontend f'], 1)
  for (const n of [0, 1, 2]) {
    w.server(n).connected()
    t.equal(w.server(n).said, `${n + 1}`)
    const sock = all[n]
    if (sock !== undefined) leave(w, sock)
  }
  t.ok(idle(w), JSON.stringify(counts(w)))
  t.same(paused(w), [false])
})

t.test('who waits for a place on one listener holds up no other', async (t) => {
  const w = await on(`${F}\n  bind :1001 maxconn 1\n  bind :1002`)
  const first = w.accept()
  const held = w.accept()
  t.equal(counts(w)['frontend f'], 1)
  w.pass(50)
  t.same(paused(w), [true, false])
  const other = w.accept({ listener: 1 })
  leave(w, other)
  t.equal(counts(w)['frontend f'], 1)
  leave(w, first)
  t.equal(counts(w)['frontend f'], 1)
  leave(w, held)
  t.ok(idle(w))
})

t.test('one limit for two threads', async (t) => {
  const gauges = new GaugeMemory(0, 2)
  const text = `${F}\n  bind :1001\n  maxconn 2`
  const [a, b] = [await on(text, { gauges }), await on(text, { gauges: new GaugeMemory(1, 2, gauges.shared) })]
  const first = a.accept()
  b.accept()
  t.same(paused(b), [true])
  const late = a.accept()
  t.equal(counts(a)['frontend f'], 2)
  t.same(paused(a), [true])
  leave(a, first)
  t.equal(counts(b)['frontend f'], 2, 'who was held took the place')
  leave(a, late)
  b.pass(20)
  t.same(paused(b), [false], 'the other thread looks now and then')
  gauges.takeBack(1)
  t.ok(idle(a), 'a thread that dies gives its places back')
})

t.test('connections that never became sessions: logged with their cause, or not at all', async (t) => {
  const app: App = {
    name: 'thrower',
    open: () => {
      throw new Error('no')
    },
  }
  const step = (src: { readonly host?: string }): ReturnType<Handler['step']> => {
    if (src.host === '1.1.1.1') return reset({ cause: 'denied', detail: 'unwanted' })
    if (src.host === '1.1.1.2') return close({ cause: 'answered', quiet: true }, Buffer.from('OK'))
    if (src.host === '1.1.1.3') throw new Error('boom')
    if (src.host === '1.1.1.4') return { verdict: 'more', total: 4 }
    if (src.host === '1.1.1.6') return reset({ cause: 'denied', detail: 'said "x\n<134>forged\0"' })
    return { verdict: 'serve', app }
  }
  const handler: Handler = { name: 'gate', step: (hs) => step('host' in hs.src ? hs.src : {}) }
  const plugin: Plugin = { name: 'test', handlers: [{ name: 'gate', side: 'accept', after: ['tls'], plan: () => () => handler }] }
  const w = await on(`${F}\n  bind 127.0.0.1:1001\n  timeout client 3s\n  error-log-format "%ci"`, { plugins: [plugin] })
  const visit = (src: string): PeerSock => w.accept({ src: `${src}:1` })
  t.same(visit('1.1.1.1').done, ['RST'])
  t.equal(w.lines.length, 1)
  t.equal(visit('1.1.1.2').said, 'OK')
  t.equal(w.lines.length, 1, 'probes are not logged')
  visit('1.1.1.3')
  t.match(w.bugs.splice(0), [/frontend f: handler gate: .*boom/])
  t.equal(w.lines.length, 2)
  visit('1.1.1.4').end()
  t.equal(w.lines.length, 3)
  t.same(visit('1.1.1.5').done, ['RST'], 'an app that throws costs its connection')
  t.match(w.bugs.splice(0), [/frontend f: app thrower: no/])
  visit('1.1.1.4')
  w.pass(3100)
  t.equal(w.lines.length, 4, 'the deadline of the handshake')
  const quoting = await on(`${F}\n  bind 127.0.0.1:1001\n  error-log-format "%[fc_err_str]"`, { plugins: [plugin] })
  quoting.accept({ src: '1.1.1.6:1' })
  t.same(quoting.lines, ['said "x#0A<134>forged#00"'])
  w.pass(60_000)
  t.ok(idle(w), JSON.stringify(counts(w)))
})
