// Priorities in a queue: classes first, then the time of arrival moved by an offset.

import t from 'tap'
import { GaugeMemory } from '../../src/proxy/gauge.ts'
import { Queue, type Priority, type Waiter } from '../../src/proxy/queue.ts'
import { fakeWheel } from '../kit/fake-clock.ts'
import { LINE, world } from './world.ts'

t.test('classes, then times moved by offsets, then arrival', async (t) => {
  const { wheel, clock } = fakeWheel()
  const queue = new Queue(wheel, new GaugeMemory().gauge())
  const w = await world('listen l\n  mode tcp\n  timeout client 1s\n  timeout server 1s\n  timeout connect 1s\n  bind 127.0.0.1:1\n  server s 127.0.0.2:1\n')
  const server = w.runtime.backends[0]?.servers[0]
  if (server === undefined) throw new Error('no server')
  const order: string[] = []
  const join = (name: string, priority?: Priority): void => {
    const waiter: Waiter = { source: { family: 'none' }, unservable: () => undefined, ...(priority === undefined ? {} : { priority }), admitted: () => order.push(name), queueTimeout: () => undefined }
    queue.join(waiter, 0)
    clock.advance(10)
  }
  join('first')
  join('second', { priorityClass: 0, priorityOffset: 0 })
  join('patient', { priorityClass: 0, priorityOffset: 100 })
  join('third')
  join('hurried', { priorityClass: 0, priorityOffset: -35 })
  join('last', { priorityClass: 7, priorityOffset: -1000 })
  join('chief', { priorityClass: -1, priorityOffset: 1000 })
  queue.admit(() => server, false)
  t.same(order, ['chief', 'first', 'hurried', 'second', 'third', 'patient', 'last'])
  t.equal(queue.length, 0)
})

t.test('rules set them', async (t) => {
  const w = await world(`
frontend f
  mode tcp
  ${LINE}
  timeout client 1m
  bind 127.0.0.1:1
  tcp-request content set-priority-class int(-1) if { src 192.0.2.3 }
  default_backend b
backend b
  mode tcp
  timeout server 1m
  timeout connect 1m
  server s 127.0.0.2:1 maxconn 1
`)
  const clients = [1, 2, 3].map((n) => w.accept({ src: `192.0.2.${n}:1`, make: (sock) => sock.arrive(`from ${n}`) }))
  for (const [at, n] of [1, 3, 2].entries()) {
    w.server(at).connected()
    t.equal(w.server(at).said, `from ${n}`)
    w.server(at).end()
    clients[n - 1]?.end()
    w.settle()
  }
})

t.test('a log format that throws costs its line and nothing else', async (t) => {
  const plugin = {
    name: 'thrower',
    fetches: [
      {
        name: 'throws',
        output: 'str' as const,
        source: 'constant' as const,
        doc: '',
        compile: () => () => {
          throw new Error('no such thing')
        },
      },
    ],
  }
  const format = (where: string): string =>
    `frontend f\n  mode tcp\n  timeout client 1s\n  bind 127.0.0.1:1 accept-proxy\n  ${where} "%[throws]"\n  default_backend b\nbackend b\n  mode tcp\n  timeout connect 1s\n  timeout server 1s\n  server s 127.0.0.2:1\n`
  const w = await world(format('log-format'), { plugins: [plugin] })
  const client = w.accept({ make: (sock) => sock.arrive('PROXY UNKNOWN\r\n') })
  w.server().connected()
  client.end()
  w.server().end()
  w.settle()
  t.same(w.bugs, ['frontend f: log format: no such thing'])
  t.equal(w.runtime.remaining(), 0)

  const refused = await world(format('error-log-format'), { plugins: [plugin] })
  refused.accept({ make: (sock) => sock.arrive('nonsense that is no header at all') })
  refused.settle()
  t.same(refused.bugs, ['frontend f: log format: no such thing'])
  t.equal(refused.runtime.remaining(), 0)
})
