// Services: the callbacks and what is seen to for them, on the real engine without a network.

import t from 'tap'
import type { Bytes } from '../../src/core/bytes.ts'
import { factKey } from '../../src/core/handler.ts'
import { service, type ServiceEvents, type ServicePeer } from '../../src/core/service.ts'
import { FakeHandshake, serving, type FakeOptions } from '../kit/fake-handshake.ts'

interface Scene {
  readonly hs: FakeHandshake
  readonly peer: ServicePeer
  /** What the service was told, in order. */
  readonly log: string[]
}

function scene(events: (peer: ServicePeer, log: string[]) => Partial<ServiceEvents> = () => ({}), options: FakeOptions & { first?: string } = {}): Scene {
  const log: string[] = []
  const peers: ServicePeer[] = []
  const app = service('test', (peer) => {
    peers.push(peer)
    log.push('open')
    return {
      data: (bytes) => log.push(`data ${bytes.toString('latin1')}`),
      drained: () => log.push('drained'),
      closed: (error) => log.push(`closed ${error}`),
      ...events(peer, log),
    }
  })
  const hs = new FakeHandshake(serving(app), options)
  const [peer] = peers
  if (peer === undefined) throw new Error('the service was not opened')
  return { hs, peer, log }
}

const BIG = Buffer.alloc(70_000, 'b')

t.test('data in, answers out', async (t) => {
  const { hs, peer, log } = scene((p) => ({ data: (bytes) => p.write(`<${bytes.toString()}>`) }))
  hs.arrive('one')
  hs.arrive('two')
  t.equal(hs.said.toString(), '<one><two>')
  t.ok(peer.write('later'), 'from outside a callback too')
  t.equal(hs.said.toString(), '<one><two>later')
  t.same(log, ['open'])
  t.equal(peer.waiting, 0)
  t.match(peer.src, { host: '192.0.2.1' })
  t.match(peer.dst, { port: 443 })
  t.type(peer.id, 'number')
})

t.test('bytes that the handshake left, and facts', async (t) => {
  const fact = factKey<string>('x')
  const app = service('test', (peer) => ({ data: (bytes) => peer.write(`${bytes.toString()} ${peer.get(fact) ?? ''}`) }))
  const hs = new FakeHandshake(() => ({
    name: 'four',
    step(h) {
      if (h.bytes.length < 4) return { verdict: 'more', total: 4 }
      h.take(4)
      h.set(fact, 'known')
      return { verdict: 'serve', app }
    },
  }))
  hs.arrive('HEADrest')
  t.equal(hs.said.toString(), 'rest known')
})

t.test('the peer ends', async (t) => {
  const plain = scene((p) => ({ data: (bytes) => p.write(bytes) }))
  plain.hs.arrive('last')
  plain.hs.peerEnds()
  t.equal(plain.hs.said.toString(), 'last')
  t.same(plain.hs.sock.done, ['FIN', 'closed'], 'without ended() it is answered with our end')
  t.same(plain.log, ['open', 'closed '])
  t.ok(plain.hs.released)

  const half = scene((_p, log) => ({ ended: () => log.push('ended') }))
  half.hs.peerEnds()
  half.hs.peerEnds()
  t.same(half.log, ['open', 'ended'], 'told once')
  half.peer.write('the answer comes later')
  t.same(half.hs.sock.done, [], 'half-closed')
  half.peer.end()
  t.equal(half.hs.said.toString(), 'the answer comes later')
  t.same(half.log, ['open', 'ended', 'closed '])
  t.same(half.hs.sock.done, ['FIN', 'closed'])
})

t.test('the end and the last data arrive together', async (t) => {
  const { hs, log } = scene((p, l) => ({ ended: () => (l.push('ended'), p.end()) }))
  hs.sock.owner = { ready: () => undefined }
  hs.sock.arrive('last')
  hs.sock.peerEnds()
  hs.sock.owner = hs.connection
  hs.connection.ready()
  t.same(log, ['open', 'data last', 'ended', 'closed '])
})

t.test('end() loses nothing and drains what still comes', async (t) => {
  const { hs, peer, log } = scene()
  hs.sock.capacity = 10
  peer.write('0123456789abcdef')
  peer.end()
  t.same(hs.sock.done, [], 'not before the last byte is out')
  hs.arrive('late')
  hs.sock.takes(100)
  t.equal(hs.said.toString(), '0123456789abcdef')
  t.same(hs.sock.done, ['FIN'], "the peer's end is awaited")
  t.same(log, ['open', 'closed '], 'what came after end() is nobody’s')
  t.notOk(peer.write('more'), 'nothing is said after the end')
  peer.end()
  hs.arrive('later still')
  t.equal(hs.rest.length, 0, 'drained')
  hs.peerEnds()
  t.same(hs.sock.done, ['FIN', 'closed'])
  t.equal(hs.said.toString(), '0123456789abcdef')
})

t.test('back-pressure', async (t) => {
  let got = 0
  const { hs, peer, log } = scene((p) => ({ data: (bytes) => ((got += bytes.length), p.write(bytes)) }))
  hs.sock.capacity = 0
  hs.arrive(BIG)
  t.equal(got, 70_000)
  t.equal(peer.waiting, 70_000)
  t.notOk(peer.write('x'), 'more than enough waits')
  for (let i = 0; i < 10; i++) hs.arrive(BIG)
  t.equal(got, 70_000, 'nothing is read meanwhile')
  hs.sock.takes(6000)
  t.same([got, log], [140_000, ['open']], 'reading goes on below the mark')
  hs.sock.takes(Infinity)
  while (hs.sock.turn());
  t.equal(got, 770_000)
  t.equal(hs.said.length, 770_001)
  t.ok(log.includes('drained'))
  t.ok(peer.write('y'))
})

t.test('drained() is called once per full(), and may write', async (t) => {
  let rounds = 3
  const { hs, peer, log } = scene((p, l) => ({
    drained() {
      l.push(`drained at ${p.waiting}`)
      if (rounds-- > 0) p.write(BIG)
      else p.end()
    },
  }))
  hs.sock.capacity = 0
  peer.write(BIG)
  hs.sock.takes(70_000)
  t.same(log, ['open', 'drained at 0'])
  hs.sock.takes(Infinity)
  t.same(log, ['open', ...Array.from({ length: 4 }, () => 'drained at 0'), 'closed '])
  t.equal(hs.said.length, 280_000)
})

t.test('silence', async (t) => {
  const plain = scene()
  plain.hs.elapse(59_000)
  plain.hs.arrive('x')
  plain.hs.elapse(59_000)
  t.same(plain.hs.sock.done, [], 'anything that moves begins it anew')
  plain.hs.elapse(2_000)
  t.same(plain.hs.sock.done, ['FIN'])
  t.same(plain.log, ['open', 'data x', 'closed '])

  const own = scene((p, l) => ({ expired: () => (l.push('expired'), l.filter((e) => e === 'expired').length < 3 ? undefined : p.end()) }))
  own.peer.idle(100)
  own.hs.elapse(450)
  t.same(own.log, ['open', 'expired', 'expired', 'expired', 'closed '])

  const never = scene()
  never.peer.idle(0)
  never.hs.elapse(1e9)
  t.same(never.hs.sock.done, [])

  const stuck = scene()
  stuck.hs.sock.capacity = 0
  stuck.peer.write('nobody takes this')
  stuck.peer.end()
  stuck.hs.elapse(61_000)
  t.same(stuck.log, ['open', 'closed '], 'a peer that does not take the last answer')
  stuck.hs.elapse(6_000)
  t.ok(stuck.hs.released)
})

t.test('a broken connection', async (t) => {
  const { hs, peer, log } = scene()
  hs.sock.breaks('ECONNRESET')
  t.same(log, ['open', 'closed ECONNRESET'])
  t.ok(hs.released)
  peer.write('x')
  peer.end()
  peer.reset()
  peer.idle(5)
  hs.elapse(100)
  t.same(log, ['open', 'closed ECONNRESET'], 'nothing after it')

  const writing = scene()
  writing.hs.sock.capacity = 0
  writing.peer.write('x')
  writing.hs.sock.breaks('EPIPE')
  t.same(writing.log, ['open', 'closed EPIPE'])

  const own = scene()
  own.peer.reset()
  t.same(own.hs.sock.done, ['RST'])
  t.same(own.log, ['open', 'closed '])
})

t.test('a throw costs one connection', async (t) => {
  const warned: string[] = []
  const listen = (warning: Error): void => {
    if (warning.name === 'ServiceBug') warned.push(warning.message.split('\n')[0] ?? '')
  }
  process.on('warning', listen)
  t.teardown(() => process.off('warning', listen))
  const boom = (): never => {
    throw new Error('boom')
  }
  const inData = scene(() => ({ data: boom }))
  inData.hs.arrive('x')
  t.same(inData.hs.sock.done, ['RST'])
  t.same(inData.log, ['open', 'closed '])

  const inClosed = scene(() => ({ closed: boom }))
  inClosed.peer.end()
  const inOpen = new FakeHandshake(serving(service('test', boom)))
  t.same(inOpen.sock.done, ['RST'])
  await new Promise((resolve) => setImmediate(resolve))
  t.same(warned.splice(0), ['Error: boom', 'Error: boom', 'Error: boom'], 'and its author is told')

  const late = scene((p) => ({ data: async (bytes) => { const text = bytes.toString(); await Promise.resolve(); if (text === 'bad') boom(); p.write(text) } }))
  late.hs.arrive('good')
  await late.hs.settle()
  t.equal(late.hs.said.toString(), 'good', 'a callback may be async')
  late.hs.arrive('bad')
  await late.hs.settle()
  t.same(late.hs.sock.done, ['RST'], 'its rejection is a throw')
  t.same(late.log, ['open', 'closed '])

  const untyped = (value: unknown): value is ServiceEvents => value !== boom
  for (const events of [Promise.reject(new Error('nobody awaits it')), undefined, {}]) {
    const hs = new FakeHandshake(serving(service('test', () => (untyped(events) ? events : boom()))))
    t.same(hs.sock.done, ['RST'])
  }
  await new Promise((resolve) => setImmediate(resolve))
  t.same(warned, ['Error: boom', ...['a Promise', 'undefined', 'an object'].map((what) => `Error: it was opened with ${what}, where an object with data() is needed`)])
})

t.test('one connection cannot keep the loop', async (t) => {
  let reads = 0
  const { hs } = scene(() => ({ data: () => reads++ }))
  const endless = { fill: (into: Bytes) => (into.append(Buffer.from('x')), 0) }
  hs.sock.fill = endless.fill
  hs.connection.ready()
  t.equal(reads, 16)
  t.ok(hs.sock.turn(), 'it asked for the next turn')
  t.equal(reads, 32)
})
