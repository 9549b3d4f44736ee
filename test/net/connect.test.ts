// One attempt to reach a server: every address in turn, one answer, and nothing after it was given up.

import t from 'tap'
import { NO_ADDRESS, type Address } from '../../src/core/address.ts'
import type { Connection } from '../../src/core/connection.ts'
import { close, next, originFact, serve, type MakeHandler, type Why } from '../../src/core/handler.ts'
import type { ConnectSpec } from '../../src/core/provider.ts'
import type { LayerMaker } from '../../src/core/sock.ts'
import { Attempt, handOver } from '../../src/net/connect.ts'
import { EngineConnection } from '../../src/net/connection.ts'
import { LiveList } from '../../src/net/live.ts'
import { fakeWheel, type FakeClock } from '../kit/fake-clock.ts'
import { RecordedSock } from './recorded-sock.ts'

interface World {
  readonly attempt: Attempt
  readonly clock: FakeClock
  readonly asked: { readonly spec: ConnectSpec; readonly sock: RecordedSock }[]
  /** `connected N`, `failed handler cause detail`. */
  readonly log: string[]
  readonly live: LiveList<EngineConnection>
  /** Where the connection that failed came from. */
  lost: Address | undefined
  connection: Connection | undefined
}

const to = (n: number): Address => ({ family: 'ipv4', host: `10.0.0.${n}`, port: 80 })

function world(addresses: number, options: { handlers?: readonly MakeHandler[]; make?: (sock: RecordedSock, n: number) => void } = {}): World {
  const { wheel, clock } = fakeWheel()
  const live = new LiveList<EngineConnection>()
  const plan = { side: 'connect' as const, handlers: [...(options.handlers ?? []), handOver], handshakeMs: 1000, drainMs: 500, bufferSize: 64, wheel, clock: () => 0, facts: new Map(), live }
  const w = { clock, live, asked: new Array<World['asked'][number]>(), log: new Array<string>(), lost: undefined as Address | undefined, connection: undefined as Connection | undefined }
  const provider = {
    name: 'linux' as const,
    listen: () => Promise.reject(new Error('not here')),
    connect(spec: ConnectSpec) {
      const sock = new RecordedSock()
      sock.connecting = true
      options.make?.(sock, w.asked.length)
      w.asked.push({ spec, sock })
      return sock
    },
  }
  const attempt = new Attempt(
    provider,
    Array.from({ length: addresses }, (_, i) => ({ to: to(i + 1), keepAlive: true })),
    plan,
    {
      fact: (key) => (key === originFact ? 'the client' : undefined),
      connected(conn) {
        w.connection = conn
        conn.attach({ ready: () => undefined, expired: () => undefined })
        w.log.push('connected')
      },
      failed(handler: string, why: Why, conn: Connection | undefined) {
        w.lost = conn?.src
        w.log.push(`failed '${handler}' ${why.cause} ${why.detail ?? ''}`.trim())
      },
      bug: (where) => void w.log.push(`bug ${where}`),
    },
  )
  return Object.assign(w, { attempt })
}

function answers(w: World, n: number, error = ''): void {
  const sock = w.asked[n]?.sock
  if (sock === undefined) throw new Error(`address ${n} was not tried`)
  sock.connecting = false
  if (error === '') sock.owner.ready()
  else sock.break(error)
}

t.test('addresses in order, until one answers', async (t) => {
  const w = world(3)
  w.attempt.start()
  answers(w, 0, 'ECONNREFUSED')
  answers(w, 1, 'EHOSTUNREACH')
  t.same(w.log, [], 'one that refuses is nothing to report')
  answers(w, 2)
  t.same(w.log, ['connected'])
  t.same(w.asked.map(({ spec }) => spec), [1, 2, 3].map((n) => ({ to: to(n), keepAlive: true })))
  t.equal(w.live.size, 1, 'those that refused are released')
  t.equal(w.connection?.get(originFact), 'the client', 'handlers know whom it is for')
})

t.test('none answers: the last one\'s cause', async (t) => {
  const w = world(2)
  w.attempt.start()
  answers(w, 0, 'ECONNREFUSED')
  answers(w, 1, 'ENETUNREACH')
  t.same(w.log, ["failed '' failed ENETUNREACH"])
  t.equal(w.live.size, 0)
  const none = world(0)
  none.attempt.start()
  t.same(none.log, ["failed '' failed no address"])

  for (const port of [0, 4711]) {
    const from: Address = { family: 'ipv4', host: '10.0.0.9', port }
    const refused = world(1, { make: (sock) => void (sock.to = from) })
    refused.attempt.start()
    answers(refused, 0, 'ECONNREFUSED')
    t.same(refused.lost, port === 0 ? NO_ADDRESS : from, 'it came from somewhere only if it was given a port')
  }
})

t.test('each address has the whole time', async (t) => {
  const w = world(2)
  w.attempt.start()
  w.clock.advance(990)
  t.equal(w.asked.length, 1)
  w.clock.advance(20)
  t.equal(w.asked.length, 2)
  w.clock.advance(970)
  t.same(w.log, [])
  w.clock.advance(40)
  t.same(w.log, ["failed '' timeout"])
})

t.test('a failure before connect() returns, or told in the same turn', async (t) => {
  const thrown = world(3, {
    make(_sock, n) {
      if (n === 0 && thrown.log.push('thrown') === 1) throw new Error('source address is not ours')
    },
  })
  thrown.attempt.start()
  t.equal(thrown.asked.length, 1, 'the next one is tried')
  t.same(thrown.asked[0]?.spec.to, to(2))
  const never = world(2, {
    make() {
      throw new Error('source address is not ours')
    },
  })
  never.attempt.start()
  t.same(never.log, ["failed '' failed source address is not ours"])

  const at = world(2, {
    make(sock, n) {
      if (n > 0) return
      sock.connecting = false
      sock.error = 'EADDRNOTAVAIL'
    },
  })
  at.attempt.start()
  t.equal(at.asked.length, 2)
  answers(at, 1)
  t.same(at.log, ['connected'])
})

t.test('a handshake that fails is a failure of that address, and its handler is named', async (t) => {
  const w = world(2, { handlers: [() => ({ name: 'picky', step: (hs) => ('host' in hs.dst && hs.dst.host === '192.0.2.1' ? close({ cause: 'denied', detail: 'not this one' }) : next()) })] })
  w.attempt.start()
  answers(w, 0)
  answers(w, 1)
  t.same(w.log, ["failed 'picky' denied not this one"])
  t.equal(w.live.size, 2, 'they say goodbye first')
  w.clock.advance(600)
  t.equal(w.live.size, 0)
})

t.test('given up: reset, and nothing is reported any more', async (t) => {
  const w = world(2)
  w.attempt.start()
  w.attempt.abort()
  w.attempt.abort()
  t.same(w.asked.map(({ sock }) => sock.log), [['RST', 'close']])
  w.clock.advance(5000)
  t.same(w.log, [])
  t.equal(w.asked.length, 1)
  const after = world(1)
  after.attempt.start()
  answers(after, 0)
  after.attempt.abort()
  t.notMatch(after.asked[0]?.sock.log, ['RST'], 'once connected it is its owner\'s')
})

t.test('a bug of a handler is told with its place, and costs that address', async (t) => {
  const boom = (): never => {
    throw new Error('boom')
  }
  const w = world(1, { handlers: [() => ({ name: 'clumsy', step: boom })] })
  w.attempt.start()
  answers(w, 0)
  t.equal(w.log[0], 'bug handler clumsy')
  t.match(w.log[1], /^failed 'clumsy' bug .*boom/)

  const greedy = world(1, { handlers: [() => ({ name: 'greedy', step: () => serve({ name: 'other', open: boom }) })] })
  greedy.attempt.start()
  answers(greedy, 0)
  t.match(greedy.log, ['bug handler greedy', /^failed 'greedy' bug serve\(other\) towards a server/], 'nobody else gets the connection')
  t.equal(greedy.live.size, 0)

  const isMaker = (value: unknown): value is LayerMaker => typeof value === 'function'
  const none: unknown = () => null // JavaScript is not held to the types
  const bare = world(1, { handlers: [() => ({ name: 'bare', step: (hs) => (isMaker(none) && hs.upgrade(none), next()) })] })
  bare.attempt.start()
  answers(bare, 0)
  t.match(bare.log, ['bug handler bare', /^failed 'bare' bug .*returned none/], 'a layer that is none is not stood upon')
  bare.clock.advance(600)
  t.equal(bare.live.size, 0, 'and the connection comes to its end')
})

t.test('a bug in an end() is told, and costs nothing', async (t) => {
  const handlers: MakeHandler[] = [
    () => ({
      name: 'clumsy',
      step: () => next(),
      end: () => {
        throw new Error('oops')
      },
    }),
  ]
  const w = world(1, { handlers })
  w.attempt.start()
  answers(w, 0, 'ECONNREFUSED')
  t.same(w.log, ['bug end() of handler clumsy', "failed '' failed ECONNREFUSED"])
})
