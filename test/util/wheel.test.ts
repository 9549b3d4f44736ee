// The timer wheel: never early, at most a slot late, exact order of arming kept out of it, nothing wakes an idle process.

import fc from 'fast-check'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import t from 'tap'
import { Alarm, Wheel } from '../../src/util/wheel.ts'
import { fakeWheel, type FakeClock } from '../kit/fake-clock.ts'

const SLOT = 4

function strikes(wheel: Wheel, clock: FakeClock, ms: number): { alarm: Alarm; at: number[] } {
  const at: number[] = []
  const alarm = new Alarm(() => at.push(clock.time))
  wheel.arm(alarm, ms)
  return { alarm, at }
}

t.test('strikes once, never early and at most two slots late, near and far and very far', async (t) => {
  for (const ms of [1, 3, 4, 5, 100, 1023, 1024, 1025, 5000, 60_000, 262_000, 300_000, 3_600_000]) {
    const { wheel, clock } = fakeWheel()
    const { at } = strikes(wheel, clock, ms)
    clock.advance(ms - 1)
    t.same(at, [], `${ms} ms: not early`)
    clock.advance(2 * SLOT + 1)
    t.equal(at.length, 1, `${ms} ms: struck`)
    clock.advance(4_000_000)
    t.equal(at.length, 1, `${ms} ms: once`)
    t.notOk(clock.waking, 'nothing wakes an idle process')
  }
})

t.test('disarmed and moved timers', async (t) => {
  const { wheel, clock } = fakeWheel()
  const gone = strikes(wheel, clock, 50)
  const moved = strikes(wheel, clock, 50)
  wheel.disarm(gone.alarm)
  wheel.disarm(gone.alarm)
  wheel.arm(moved.alarm, 2000)
  clock.advance(1999)
  t.same(moved.at, [])
  clock.advance(10)
  t.equal(moved.at.length, 1)
  t.same(gone.at, [])
  t.notOk(clock.waking)
})

t.test('a timer that is moved later again and again strikes once, at its last time; moved nearer, at that', async (t) => {
  for (const far of [100, 2000, 70_000, 400_000]) {
    const { wheel, clock } = fakeWheel()
    const { alarm, at } = strikes(wheel, clock, far)
    for (let i = 0; i < 5; i++) {
      clock.advance(far - 1)
      wheel.arm(alarm, far)
    }
    t.same(at, [], `${far} ms: not yet`)
    const due = clock.time + far
    clock.advance(far - 1)
    t.same(at, [])
    clock.advance(2 * SLOT + 1)
    t.equal(at.length, 1)
    t.ok((at[0] ?? 0) >= due && (at[0] ?? 0) <= due + 2 * SLOT, `${far} ms: ${(at[0] ?? 0) - due} ms late`)
    wheel.arm(alarm, far)
    wheel.arm(alarm, 2 * far)
    wheel.arm(alarm, 50)
    clock.advance(50 + 2 * SLOT)
    t.equal(at.length, 2)
    clock.advance(4 * far)
    t.equal(at.length, 2)
    t.notOk(clock.waking)
  }
})

t.test('a timer may arm itself and others while it strikes', async (t) => {
  const { wheel, clock } = fakeWheel()
  let n = 0
  const every = new Alarm(() => {
    if (++n < 5) wheel.arm(every, 10)
  })
  wheel.arm(every, 10)
  clock.advance(200)
  t.equal(n, 5)
})

t.test('a timer that throws in its strike stops no other', async (t) => {
  const { wheel, clock } = fakeWheel()
  const bad = new Alarm(() => {
    throw new Error('strike')
  })
  wheel.arm(bad, 10)
  const good = strikes(wheel, clock, 20)
  t.throws(() => clock.advance(15), /strike/)
  clock.advance(50)
  t.equal(good.at.length, 1)
})

t.test('any set of timers strikes as a sorted list would', async (t) => {
  const seed = Date.now() & 0xffff
  t.comment(`seed ${seed}`)
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 600_000 }), fc.integer({ min: 0, max: 5000 })), { maxLength: 60 }), (timers) => {
      const { wheel, clock } = fakeWheel()
      const all: { due: number; at: number[] }[] = []
      for (const [ms, pause] of timers) {
        all.push({ due: clock.time + ms, at: strikes(wheel, clock, ms).at })
        clock.advance(pause)
      }
      clock.advance(700_000)
      return all.every(({ due, at }) => at.length === 1 && (at[0] ?? 0) >= due && (at[0] ?? 0) <= due + 3 * SLOT)
    }),
    { seed, numRuns: 200 },
  )
})

t.test('after a stall, what arrived meanwhile is heard before anybody is struck for silence', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const accepted = new Promise<Socket>((done) => server.once('connection', done))
  const peer = connect(address.port, '127.0.0.1')
  const socket = await accepted
  t.teardown(() => {
    peer.destroy()
    socket.destroy()
    server.close()
  })
  const wheel = new Wheel()
  const struck: string[] = []
  let heard = 0
  const silent = new Alarm(() => struck.push('silent'))
  const talking = new Alarm(() => struck.push('talking'))
  // The linux provider hears of what has arrived one immediate after the poll phase.
  socket.on('data', () => setImmediate(() => ((heard = struck.length), wheel.arm(talking, 60_000))))
  t.teardown(() => wheel.disarm(talking))
  await new Promise<void>((done) => {
    setImmediate(() => {
      wheel.arm(silent, 20)
      wheel.arm(talking, 20)
      peer.write('x')
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100)
      setTimeout(done, 50)
    })
  })
  t.equal(heard, 0)
  t.same(struck, ['silent'], 'late, but not never')
})
