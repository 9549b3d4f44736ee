// Content rules on a running session: when they wait, when that is over, and what each decision does to both peers.

import t from 'tap'
import { NEXT_RULE } from '../../src/core/action.ts'
import type { Plugin } from '../../src/core/plugin.ts'
import { service } from '../../src/core/service.ts'
import { counts, idle, LINE, world, type World } from './world.ts'

let counted = 0
const plugin: Plugin = {
  name: 'test',
  services: {
    late: {
      name: 'late',
      open: async () => {
        await Promise.resolve()
        throw new Error('too late')
      },
    },
    shout: service('shout', (peer) => ({ data: (bytes) => void peer.write(bytes.toString('latin1').toUpperCase()) })),
  },
  actions: [
    {
      name: 'boom',
      rules: ['request', 'response'],
      args: '',
      doc: 'Throws.',
      compile: () => () => {
        throw new Error('boom')
      },
    },
    {
      name: 'count',
      rules: ['request', 'response'],
      args: '',
      doc: 'Counts.',
      compile: () => () => {
        counted++
        return NEXT_RULE
      },
    },
  ],
}

const on = (front: readonly string[], back: readonly string[] = []): Promise<World> => {
  counted = 0
  return world(
    `
defaults
  mode tcp
  timeout client 1m
  timeout server 1m
  timeout connect 2s
frontend f
  bind 127.0.0.1:1001
  ${LINE}
  ${front.join('\n  ')}
  default_backend b
backend b
  ${back.join('\n  ')}
  server s 127.0.0.2:2001
`,
    { plugins: [plugin], bufferSize: 2000 },
  )
}

/** What was decided is acted upon in the turn that follows. */
async function turn(w: World): Promise<void> {
  await Promise.resolve()
  w.settle()
}

const letters = (w: World): string[] => w.lines.map((line) => line.split(' ')[3] ?? '')

t.test('rules wait for bytes, and are asked again as they come', async (t) => {
  const w = await on(['tcp-request inspect-delay 5s', 'tcp-request content count', 'tcp-request content accept if { req.len ge 5 }', 'tcp-request content reject'])
  const client = w.accept()
  for (const c of 'four') client.arrive(c)
  t.equal(w.provider.connects.length, 0, 'not yet')
  client.arrive('!')
  t.equal(w.provider.connects.length, 1, 'as soon as it can be told')
  t.equal(counted, 1, 'what was done is not done again')
  w.server().connected()
  t.equal(w.server().said, 'four!', 'nothing of what was looked at is lost')
  w.pass(10_000)
  t.same(w.lines, [], 'the delay does not strike later')
})

t.test('no more will come: at the end of the delay, at the peer\'s end, with the buffer full', async (t) => {
  const lines = ['tcp-request inspect-delay 5s', 'tcp-request content accept if { req.len ge 5000 }', 'tcp-request content reject']
  const late = await on(lines)
  const slow = late.accept()
  slow.arrive('abc')
  late.pass(3000)
  slow.arrive('def') // no delay starts again
  late.pass(1900)
  t.same(late.lines, [])
  late.pass(200)
  t.same(letters(late), ['PR'])
  t.match(late.lines[0], / -1\/-1\/50\d\d /)

  const ended = await on(lines)
  const client = ended.accept()
  client.arrive('abc')
  client.end()
  t.same(letters(ended), ['PR'])
  t.ok(idle(ended), JSON.stringify(counts(ended)))

  const full = await on(lines)
  full.accept().arrive(Buffer.alloc(3000))
  t.same(letters(full), ['PR'])

  const hurried = await on(['tcp-request content accept if { req.len ge 5 }', 'tcp-request content reject'])
  hurried.accept({ make: (sock) => sock.arrive('abc') })
  t.same(letters(hurried), ['PR'], 'without a delay nothing waits')
})

t.test('the frontend\'s rules, then the backend\'s, each with a delay of its own', async (t) => {
  const wait = (n: number): string[] => ['tcp-request inspect-delay 1s', `tcp-request content count if { req.len ge ${n} }`]
  const w = await on(wait(3), wait(6))
  const client = w.accept()
  w.pass(900)
  client.arrive('abc')
  t.equal(counted, 1)
  w.pass(900)
  t.equal(w.provider.connects.length, 0, 'the backend\'s delay began when its rules did')
  client.arrive('def')
  t.equal(counted, 2)
  t.equal(w.provider.connects.length, 1)
})

t.test('pause: the rules go on later, with what has come meanwhile', async (t) => {
  const w = await on(['tcp-request inspect-delay 1s', 'tcp-request content pause 3s', 'tcp-request content count', 'tcp-request content pause 500ms', 'tcp-request content reject if { req.len ge 1 }'])
  const client = w.accept()
  w.pass(2900)
  client.arrive('x')
  t.equal(counted, 0, 'bytes do not shorten it, nor does the delay')
  w.pass(200)
  t.equal(counted, 1)
  t.same(w.lines, [])
  w.pass(600)
  t.same(letters(w), ['PR'])
  const gone = await on(['tcp-request content pause 3s'])
  gone.accept().break()
  t.same(letters(gone), ['CR'], 'who breaks is not paused for')
  t.ok(idle(gone))
  t.notOk(gone.clock.waking, 'and leaves no timer')
})

t.test('tarpit holds, then ends', async (t) => {
  const w = await on(['tcp-request content tarpit 2s'])
  const client = w.accept()
  client.arrive('x')
  w.pass(1900)
  t.same(client.done, [])
  w.pass(200)
  t.same(client.done, ['FIN'])
  t.same(letters(w), ['PR'])
  t.equal(w.provider.connects.length, 0)
})

t.test('drop and serve', async (t) => {
  const silent = await on(['tcp-request content silent-drop'])
  const dropped = silent.accept()
  silent.pass(60_000)
  t.same(dropped.done, [], 'not a word')
  t.same(letters(silent), ['PR'])
  silent.pass(300_000)
  t.same(dropped.done, ['closed'])
  t.ok(idle(silent))

  const w = await on(['tcp-request content use-service shout'])
  const client = w.accept({ make: (sock) => sock.arrive('first ') })
  client.arrive('second')
  t.equal(client.said, 'FIRST SECOND', 'what was read before is the service\'s')
  t.equal(w.lines.length, 1)
  client.end()
  t.ok(idle(w), JSON.stringify(counts(w)))
})

t.test('a service that is async and rejects costs its client', async (t) => {
  const w = await on(['tcp-request content use-service late'])
  const client = w.accept()
  t.same(client.done, [])
  await new Promise((resolve) => setImmediate(resolve))
  t.same(client.done, ['RST'])
  t.same(w.bugs, ['frontend f: app late: too late'])
  t.ok(idle(w), JSON.stringify(counts(w)))
})

t.test('a rule that throws costs its session, wherever its time comes', async (t) => {
  const late = await on(['tcp-request inspect-delay 1s', 'tcp-request content boom if WAIT_END'])
  const client = late.accept()
  late.pass(1200)
  t.same(client.done, ['FIN'])
  t.same(letters(late), ['IR'], 'at the end of the delay')
  t.same(late.bugs, ['frontend f: content rules: boom'])
  client.end()
  late.settle()
  t.ok(idle(late))
  t.notOk(late.clock.waking)

  const paused = await on(['tcp-request content pause 1s', 'tcp-request content boom'])
  paused.accept().end()
  paused.pass(1200)
  t.same(letters(paused), ['IR'], 'after a pause')
  t.ok(idle(paused))

  const arriving = await on(['tcp-request inspect-delay 1s', 'tcp-request content boom if { req.len gt 1 }'])
  const first = arriving.accept()
  first.arrive('xx')
  t.same(first.done, ['RST'])
  t.same(letters(arriving), ['IR'], 'when bytes arrive')
  t.equal(arriving.bugs.length, 1)
  t.ok(idle(arriving))
  t.notOk(arriving.clock.waking)

  const answering = await on([], ['tcp-response inspect-delay 1s', 'tcp-response content boom if { res.len gt 1 }'])
  const asks = answering.accept()
  answering.server().connected()
  answering.server().arrive('xx')
  t.same(answering.server().done, ['RST'])
  t.same(asks.done, ['FIN'], 'the other side is not left alone')
  t.same(letters(answering), ['ID'])
  asks.end()
  answering.settle()
  t.ok(idle(answering))

  const silent = await on([], ['tcp-response inspect-delay 1s', 'tcp-response content boom if WAIT_END'])
  silent.accept().arrive('x')
  silent.server().connected()
  silent.pass(1200)
  t.same(letters(silent), ['ID'])
})

t.test('what the server says first is held for rules', async (t) => {
  const w = await on([], ['tcp-response inspect-delay 5s', 'tcp-response content count if { res.len ge 4 }', 'tcp-response content reject if { res.payload(0,4) -m str EVIL }'])
  const good = w.accept()
  w.server().connected()
  w.server().arrive('GO')
  t.equal(good.said, '')
  good.arrive('meanwhile')
  t.equal(w.server().said, 'meanwhile', 'the other direction goes on')
  w.server().arrive('OD')
  await turn(w)
  t.equal(good.said, 'GOOD')
  t.equal(counted, 1)
  w.server().arrive('EVIL')
  t.equal(good.said, 'GOODEVIL', 'only the first bytes are asked about')

  const evil = w.accept()
  w.server(1).connected()
  w.server(1).arrive('EVIL')
  t.equal(evil.said, '')
  t.same(letters(w), ['PD'])

  const silent = w.accept()
  w.server(2).connected()
  w.server(2).arrive('GO')
  w.server(2).end()
  await turn(w)
  t.equal(silent.said, 'GO', 'its end makes it final')
  t.ok(silent.hasEnded)

  const slow = w.accept()
  w.server(3).connected()
  w.server(3).arrive('GO')
  w.pass(5100)
  await turn(w)
  t.equal(slow.said, 'GO', 'so does the delay')

  const broken = w.accept()
  w.server(4).connected()
  w.server(4).arrive('GO')
  w.server(4).break()
  await turn(w)
  t.equal(broken.said, 'GO', 'and an error')
  t.equal(letters(w).at(-1), 'SD')
})
