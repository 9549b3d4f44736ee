// nice: who is served first among sessions that are ready in the same turn, and that nobody pays for it who does not use it.

import t from 'tap'
import { NICE } from '../../src/core/nice.ts'
import type { ConnectionUser } from '../../src/core/connection.ts'
import { RunQueue, type Served } from '../../src/proxy/run-queue.ts'
import { FakeHandshake } from '../kit/index.ts'
import { idle, LINE, world, type World } from './world.ts'

const connection = (): FakeHandshake['connection'] => new FakeHandshake(() => ({ name: 'waits', step: () => ({ verdict: 'wait' }) })).connection

t.test('in the order of nice, and among equals as they came', async (t) => {
  let over: (() => void) | undefined
  let asked = 0
  const queue = new RunQueue((then) => {
    asked++
    over = then
  })
  const served: string[] = []
  const bugs: string[] = []
  const places = new Map<string, { conn: ReturnType<typeof connection>; user: ConnectionUser }>()
  const add = (name: string, nice: number, ready: () => void = () => undefined): void => {
    const session: Served = {
      ready: () => {
        served.push(name)
        ready()
      },
      expired: () => void served.push(`${name} expired`),
      broken: () => void served.push(`${name} broken`),
      failed: (where, error) => void bugs.push(`${name}: ${where}: ${String(error)}`),
    }
    const conn = connection()
    places.set(name, { conn, user: queue.before(session, session, conn, nice) })
  }
  const ready = (...names: string[]): void => {
    for (const name of names) {
      const place = places.get(name)
      if (place === undefined) throw new Error(name)
      place.user.ready(place.conn)
    }
  }
  const turn = (): string[] => {
    const then = over
    over = undefined
    then?.()
    return served.splice(0)
  }
  add('a', 0)
  add('b', 10)
  add('c', -5)
  add('d', 0)
  add('e', -5, () => ready('b', 'c'))
  add('f', 10, () => {
    throw new Error('boom')
  })
  ready('a', 'b', 'c', 'd')
  t.same(served, [], 'nobody before all have been heard')
  t.same(turn(), ['c', 'a', 'd', 'b'])
  t.equal(asked, 1, 'one end of the turn is asked for')
  ready('a', 'a', 'a')
  t.same(turn(), ['a'], 'once, however often it was told')
  ready('a', 'e')
  t.same(turn(), ['e', 'a'])
  t.same(turn(), ['c', 'b'], 'what becomes ready meanwhile is served in another round')
  const nice = places.get('a')?.conn.get(NICE)
  if (nice !== undefined) nice.nice = -1024
  ready('c', 'a')
  t.same(turn(), ['a', 'c'], 'a rule has changed its mind')
  ready('f', 'b', 'a')
  t.same(turn(), ['a', 'f', 'b'], 'a bug of one costs no other its turn')
  t.same(bugs, ["f: ready() of a connection's user: Error: boom"])
  const { user, conn } = places.get('a') ?? { user: undefined, conn: connection() }
  user?.expired(conn)
  user?.broken?.(conn)
  t.same(served.splice(0), ['a expired', 'a broken'], 'deadlines and bugs do not wait')
})

const on = (bind: string, front: readonly string[] = [], back: readonly string[] = []): Promise<World> =>
  world(`
defaults
  mode tcp
  timeout client 1m
  timeout server 1m
  timeout connect 2s
frontend first
  bind 127.0.0.1:1001
  ${LINE}
  default_backend b
frontend second
  bind 127.0.0.1:1002 ${bind}
  ${LINE}
  ${front.join('\n  ')}
  default_backend b
backend b
  ${back.join('\n  ')}
  server s 127.0.0.2:2001
`)

const turn = async (w: World): Promise<void> => {
  await Promise.resolve()
  w.settle()
  await Promise.resolve()
  w.settle()
}

/** Two sessions, of the first frontend and then of the second, are told of data in this order. Whose reached its server first? */
async function order(w: World): Promise<string> {
  const clients = [w.accept({ listener: 0 }), w.accept({ listener: 1 })]
  for (const n of [0, 1]) w.server(n).connected()
  await turn(w)
  const seen: string[] = []
  for (const n of [0, 1]) {
    const server = w.server(n)
    const flush = server.flush.bind(server)
    server.flush = (from) => {
      if (from.length > 0) seen.push(n === 0 ? 'first' : 'second')
      return flush(from)
    }
  }
  for (const client of clients) client.arrive('hello')
  await turn(w)
  for (const n of [0, 1]) t.equal(w.server(n).said, 'hello')
  for (const client of clients) client.end()
  await turn(w)
  for (const n of [0, 1]) w.server(n).end()
  await turn(w)
  w.pass(5000)
  await turn(w)
  t.ok(idle(w), 'nothing is left')
  t.same(w.bugs, [])
  return [...new Set(seen)].join(' ')
}

t.test('on bind lines and in rules', async (t) => {
  t.equal(await order(await on('')), 'first second')
  t.equal(await order(await on('nice -5')), 'second first')
  t.equal(await order(await on('nice 5')), 'first second')
  t.equal(await order(await on('nice 5', ['tcp-request content set-nice -1'])), 'second first', 'a rule has the last word')
  t.equal(await order(await on('', ['tcp-request content set-nice -1 if { src 10.0.0.0/8 }'])), 'first second')
  const plain = await on('nice 0')
  t.ok(plain.runtime.frontends.every((frontend) => frontend.userOf === undefined), 'nothing in between where nobody says nice')
  t.ok((await on('', [], ['tcp-response content set-nice 5'])).runtime.frontends.every((frontend) => frontend.userOf !== undefined))
})
