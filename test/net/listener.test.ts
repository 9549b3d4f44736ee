// The gate of a listener: pauses with reasons, descriptors that run out, opening and closing in any order.

import fc from 'fast-check'
import t from 'tap'
import type { Listener, ListenEvents, ListenSpec } from '../../src/core/provider.ts'
import { GatedListener, type PauseReason } from '../../src/net/listener.ts'
import { fakeWheel, type FakeClock } from '../kit/fake-clock.ts'
import { RecordedSock } from './recorded-sock.ts'

interface Opened extends Listener {
  readonly spec: ListenSpec
  readonly events: ListenEvents
  paused: boolean
  closed: boolean
}

interface World {
  readonly gate: GatedListener
  readonly clock: FakeClock
  readonly opened: Opened[]
  readonly notices: string[]
  accepted: number
  /** What listen() throws. */
  refusal: string
}

function world(spec: Partial<ListenSpec> = {}, descriptor?: () => number | undefined): World {
  const { wheel, clock } = fakeWheel()
  const w = { clock, opened: new Array<Opened>(), notices: new Array<string>(), accepted: 0, refusal: '' }
  const provider = {
    name: 'linux' as const,
    connect: () => new RecordedSock(),
    async listen(asked: ListenSpec, events: ListenEvents): Promise<Listener> {
      await Promise.resolve()
      if (w.refusal !== '') throw Object.assign(new Error(w.refusal), { code: w.refusal })
      const port = 'port' in asked.address && asked.address.port !== 0 ? asked.address.port : 4711
      const one: Opened = {
        spec: asked,
        events,
        address: { family: 'ipv4', host: '127.0.0.1', port },
        paused: false,
        closed: false,
        pause: () => void (one.paused = true),
        resume: () => void (one.paused = false),
        close: () => void (one.closed = true),
      }
      w.opened.push(one)
      return one
    },
  }
  const gate = new GatedListener(provider, { address: { family: 'ipv4', host: '127.0.0.1', port: 0 }, ...spec }, wheel, {
    accepted: () => w.accepted++,
    notice: (line) => void w.notices.push(line),
    ...(descriptor === undefined ? {} : { descriptor }),
  })
  return Object.assign(w, { gate })
}

t.test('paused while anyone has a reason', async (t) => {
  const w = world()
  w.gate.pause('full')
  await w.gate.open()
  t.ok(w.opened[0]?.paused, 'also when the reason came before it was open')
  w.gate.pause('operator')
  w.gate.resume('full')
  t.ok(w.opened[0]?.paused)
  t.notOk(w.gate.accepting)
  w.gate.resume('operator')
  w.gate.resume('operator')
  t.notOk(w.opened[0]?.paused)
  t.ok(w.gate.accepting)
  w.opened[0]?.events.accepted(new RecordedSock())
  t.equal(w.accepted, 1)

  const reasons: readonly PauseReason[] = ['full', 'operator', 'descriptors']
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.constantFrom(...reasons), fc.boolean()), { maxLength: 20 }), async (steps) => {
      const p = world()
      await p.gate.open()
      const held = new Set<PauseReason>()
      for (const [reason, pause] of steps) {
        if (pause) {
          p.gate.pause(reason)
          held.add(reason)
        } else {
          p.gate.resume(reason)
          held.delete(reason)
        }
        if (p.opened[0]?.paused !== held.size > 0) throw new Error(`${[...held].join()} and ${p.opened[0]?.paused}`)
      }
    }),
    { numRuns: 200 },
  )
})

t.test('the port that was given is taken again', async (t) => {
  const w = world()
  t.notOk(w.gate.isOpen)
  await w.gate.open()
  t.same(w.gate.address, { family: 'ipv4', host: '127.0.0.1', port: 4711 })
  w.gate.close()
  w.gate.close()
  t.ok(w.opened[0]?.closed)
  await w.gate.open()
  t.match(w.opened[1]?.spec.address, { port: 4711 })
})

t.test('open and close in any order: the last word counts, and nothing is left behind', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom('open', 'close', 'turn'), { maxLength: 10 }), async (steps) => {
      const w = world()
      let wanted = false
      const all: Promise<void>[] = []
      for (const step of steps) {
        if (step === 'open') all.push(w.gate.open())
        else if (step === 'close') w.gate.close()
        else await new Promise(setImmediate)
        if (step !== 'turn') wanted = step === 'open'
      }
      await Promise.all(all)
      const open = w.opened.filter((one) => !one.closed).length
      if (open !== (wanted ? 1 : 0) || w.gate.isOpen !== wanted) throw new Error(`${open} open, wanted ${wanted}`)
    }),
    { numRuns: 200 },
  )
})

t.test('what cannot be opened can be tried again', async (t) => {
  const w = world()
  w.refusal = 'EADDRINUSE'
  await t.rejects(w.gate.open(), { code: 'EADDRINUSE' })
  t.notOk(w.gate.isOpen)
  w.refusal = ''
  await w.gate.open()
  t.ok(w.gate.isOpen)
})

t.test('descriptors run out: said once, tried again soon, and said when they are back', async (t) => {
  const w = world()
  await w.gate.open()
  const [one] = w.opened
  one?.events.failed('EMFILE')
  t.ok(one?.paused)
  t.match(w.notices, [/EMFILE.*ulimit -n/])
  for (let i = 0; i < 20; i++) {
    w.clock.advance(110)
    t.notOk(one?.paused)
    one?.events.failed('EMFILE')
  }
  t.equal(w.notices.length, 1)
  w.clock.advance(4800)
  t.equal(w.notices.length, 1)
  w.clock.advance(400)
  t.match(w.notices[1], /available again/)
  one?.events.failed('ENFILE')
  t.match(w.notices[2], /ENFILE/, 'and anew')
  w.gate.pause('operator')
  w.clock.advance(200)
  t.ok(one?.paused, 'another reason stays')
  w.gate.close()
  t.notOk(w.clock.waking, 'no timer is left')

  await w.gate.open()
  w.opened[1]?.events.failed('EMFILE')
  w.gate.close()
  w.gate.resume('operator')
  await w.gate.open()
  t.notOk(w.opened[2]?.paused, 'who closes while they are short and opens again accepts')
})

t.test('another thread\'s descriptor, asked at each opening', async (t) => {
  let fd: number | undefined = 7
  const w = world({}, () => fd)
  await w.gate.open()
  t.match(w.opened[0]?.spec, { fd: 7, shared: true })
  w.gate.close()
  fd = undefined
  await w.gate.open()
  t.equal(w.opened[1]?.spec.fd, undefined)
  t.ok(w.gate.reopens)
  t.notOk(world({ fd: 3 }).gate.reopens, 'an inherited one would be gone')
})

t.test('connections that cannot wait are told of now and then', async (t) => {
  const w = world()
  await w.gate.open()
  for (let i = 0; i < 3; i++) w.opened[0]?.events.overflowed?.(511)
  t.same(w.notices, ['511 connections wait to be accepted, more are reset (node provider): raise maxconn'])
  w.clock.advance(6000)
  w.opened[0]?.events.overflowed?.(511)
  t.equal(w.notices.length, 2)
})
