// What is thrown where nobody called: in a timer, in a queue, on behalf of another session. It costs the session that it belongs to.

import t from 'tap'
import type { Plugin } from '../../src/core/plugin.ts'
import { idle, world, type World } from './world.ts'

const TIMES = '\n  mode tcp\n  timeout client 1m\n  timeout server 1m\n  timeout connect 500ms\n  timeout queue 5s\n'

const farm = (lines: string, more: { random?: () => number; plugins?: readonly Plugin[]; rules?: string } = {}): Promise<World> =>
  world(`frontend f${TIMES}  bind 127.0.0.1:1\n  log-format "%ci %ts"\n  ${more.rules ?? ''}\n  default_backend b\nbackend b${TIMES}  ${lines}\n`, more)

function bug(): never {
  throw new Error('thrown by a test')
}

/** An operation of an object that throws from now on. */
function spoil(target: object, name: string): void {
  Object.defineProperty(target, name, { configurable: true, value: bug })
}

function client(w: World, n: number): ReturnType<World['accept']> {
  return w.accept({ src: `192.0.2.${n}:1`, make: (sock) => sock.arrive(`from ${n}`) })
}

/** It got its end. */
function isOver(sock: ReturnType<World['accept']>): boolean {
  return sock.hasEnded || sock.isClosed
}

/** Ends the session of this client and server, as both would. */
function over(w: World, one: ReturnType<World['accept']>, server: ReturnType<World['server']>): void {
  one.end()
  server.end()
  w.settle()
}

t.test('the choice of a server throws while a place is given back: who waited pays, who left and who waits behind do not', async (t) => {
  let armed = false
  const once = (): number => {
    if (!armed) return 0
    armed = false
    return bug()
  }
  const w = await farm('balance random\n  server s 127.0.0.2:1 maxconn 1', { random: once })
  const [first, second, third] = [client(w, 1), client(w, 2), client(w, 3)]
  w.server(0).connected()
  t.equal(w.provider.connects.length, 1, 'two wait')
  armed = true
  over(w, first, w.server(0))
  t.same(w.bugs, ['frontend f: the choice of a server: thrown by a test'])
  t.ok(first.isClosed && isOver(second), 'the one that left has its end, and so has the one that could not be served')
  t.notOk(isOver(third))
  w.server(1).connected()
  t.equal(w.server(1).said, 'from 3', 'the place went to the next')
  over(w, third, w.server(1))
  second.end()
  w.pass(3000)
  t.same(w.lines, ['192.0.2.1 --', '192.0.2.2 IQ', '192.0.2.3 --'])
  t.ok(idle(w))
})

t.test('so it is when the look for a free place throws, which nobody asked for', async (t) => {
  let armed = false
  const w = await farm('balance random\n  server s 127.0.0.2:1 maxconn 1', { random: () => (armed ? bug() : 0) })
  const [first, second] = [client(w, 1), client(w, 2)]
  w.server(0).connected()
  w.runtime.backends[0]?.servers[0]?.sessions.add(-1) // as another thread would
  armed = true
  w.pass(50)
  t.same(w.bugs, ['frontend f: the choice of a server: thrown by a test'])
  t.ok(isOver(second))
  second.end()
  w.runtime.backends[0]?.servers[0]?.sessions.add(1)
  over(w, first, w.server(0))
  w.pass(3000)
  t.same(w.lines, ['192.0.2.2 IQ', '192.0.2.1 --'])
  t.ok(idle(w))
})

t.test('the way to the server throws for who was just admitted', async (t) => {
  const w = await farm('server s 127.0.0.2:1 maxconn 1')
  const [first, second, third] = [client(w, 1), client(w, 2), client(w, 3)]
  const server = w.runtime.backends[0]?.servers[0]
  if (server === undefined) throw new Error('no server')
  w.server(0).connected()
  const targets = server.targetsFor.bind(server)
  let calls = 0
  Object.defineProperty(server, 'targetsFor', { value: (ends: Parameters<typeof targets>[0]) => (calls++ === 0 ? bug() : targets(ends)) })
  over(w, first, w.server(0))
  t.same(w.bugs, ['frontend f: the way to a server: thrown by a test'])
  t.ok(isOver(second))
  w.server(1).connected()
  t.equal(w.server(1).said, 'from 3', 'its place was given back')
  second.end()
  over(w, third, w.server(1))
  w.pass(3000)
  t.ok(idle(w))
})

t.test('after a pause, or on another server: the retry throws', async (t) => {
  for (const [lines, where] of [
    ['retries 3\n  server s 127.0.0.2:1', 'the way to a server'],
    ['retries 3\n  option redispatch 1\n  balance random\n  server s 127.0.0.2:1\n  server z 127.0.0.2:2', 'the way to another server'],
  ] as const) {
    let armed = false
    const w = await farm(lines, { random: () => (armed ? bug() : 0) })
    const [one, other] = [client(w, 1), client(w, 2)]
    w.server(1).connected()
    const servers = w.runtime.backends[0]?.servers ?? []
    if (servers.length === 1) for (const server of servers) spoil(server, 'targetsFor')
    armed = true
    w.server(0).break('ECONNREFUSED')
    w.pass(1500)
    t.same(w.bugs, [`frontend f: ${where}: thrown by a test`])
    t.ok(isOver(one))
    t.notOk(isOver(other))
    one.end()
    over(w, other, w.server(1))
    w.pass(3000)
    t.same(w.lines, ['192.0.2.1 IC', '192.0.2.2 --'])
    t.ok(idle(w))
  }
})

t.test('its time in the queue is over, and its end throws: it is reset, the others wait on', async (t) => {
  const w = await farm('server s 127.0.0.2:1 maxconn 1')
  const first = client(w, 1)
  w.server(0).connected()
  const second = client(w, 2)
  w.pass(1000)
  const third = client(w, 3)
  spoil(second, 'shutCtrl')
  w.pass(4100)
  t.same(w.bugs, ['frontend f: the end of a session: thrown by a test'])
  t.ok(second.done.includes('RST'))
  t.notOk(isOver(first) || isOver(third))
  over(w, first, w.server(0))
  w.server(1).connected()
  over(w, third, w.server(1))
  w.pass(3000)
  t.ok(idle(w))
})

t.test('an application that a rule gave the connection to, late, throws when it is opened', async (t) => {
  const plugin: Plugin = {
    name: 'thrower',
    actions: [
      {
        name: 'throwing-app',
        rules: ['request'],
        args: '',
        doc: '',
        compile: () => (_subject, final) => (final ? { result: 'serve', app: { name: 'thrower', open: bug } } : { result: 'wait' }),
      },
      { name: 'throw-late', rules: ['request'], args: '', doc: '', compile: () => (_subject, final) => (final ? bug() : { result: 'wait' }) },
    ],
  }
  for (const [action, where] of [['throwing-app', 'app thrower'], ['throw-late', 'content rules']] as const) {
    const w = await farm('server s 127.0.0.2:1', { plugins: [plugin], rules: `tcp-request inspect-delay 1s\n  tcp-request content ${action} if { src 192.0.2.1 }` })
    const [one, other] = [client(w, 1), client(w, 2)]
    w.server(0).connected()
    w.pass(1100)
    t.same(w.bugs, [`frontend f: ${where}: thrown by a test`], action)
    t.ok(isOver(one))
    t.notOk(isOver(other))
    one.end()
    over(w, other, w.server(0))
    w.pass(3000)
    t.ok(idle(w))
  }
})
