// The engine of a connection: what verdicts mean for a socket, the one deadline, and the staged end.

import t from 'tap'
import { Bytes } from '../../src/core/bytes.ts'
import type { Connection } from '../../src/core/connection.ts'
import { close, drop, factKey, more, next, reset, serve, wait, type App, type Handler, type Handshake, type Verdict, type Why } from '../../src/core/handler.ts'
import { closed, CLOSED, ended, R, W } from '../../src/core/shut.ts'
import type { DataLayer, Sock } from '../../src/core/sock.ts'
import { EngineConnection } from '../../src/net/connection.ts'
import { LiveList } from '../../src/net/live.ts'
import { fakeWheel, type FakeClock } from '../kit/fake-clock.ts'
import { RecordedSock } from './recorded-sock.ts'

interface World {
  readonly sock: RecordedSock
  readonly conn: EngineConnection
  readonly clock: FakeClock
  readonly refused: (Why & { handler: string })[]
  readonly bugs: string[]
  released: number
}

function world(handlers: readonly (Handler | ((hs: Handshake) => Verdict))[], side: 'accept' | 'connect' = 'accept', connecting = false): World {
  const { wheel, clock } = fakeWheel()
  const sock = new RecordedSock()
  sock.connecting = connecting
  const plan = {
    side,
    handlers: handlers.map((h) => () => (typeof h === 'function' ? { name: 'step', step: h } : h)),
    handshakeMs: 1000,
    drainMs: 500,
    bufferSize: 64,
    wheel,
    clock: () => 5_000_000,
    facts: new Map(),
    live: new LiveList<EngineConnection>(),
  }
  const w = { sock, clock, refused: new Array<Why & { handler: string }>(), bugs: new Array<string>(), released: 0 }
  const conn = new EngineConnection(sock, plan, {
    refused: (_conn, handler, why) => w.refused.push({ handler, ...why }),
    released: () => w.released++,
    bug: (_conn, handler) => w.bugs.push(handler),
  })
  return Object.assign(w, { conn })
}

/** Until all that setImmediate() was asked for has been done. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

class Recorder implements App {
  readonly name = 'recorder'
  conn: Connection | undefined
  readies = 0
  expiries = 0
  open(conn: Connection): void {
    this.conn = conn
    conn.attach({ ready: () => this.readies++, expired: () => this.expiries++ })
  }
}

t.test('handlers in order, bytes taken from the front, what is left goes to the app', async (t) => {
  const app = new Recorder()
  const w = world([
    (hs) => (hs.bytes.length < 3 ? more(3) : (hs.take(3), next())),
    (hs) => (hs.bytes.length < 2 ? more(2) : (hs.take(2), serve(app))),
  ])
  w.conn.start()
  for (const c of 'abcdefg') w.sock.arrive(c)
  t.equal(app.conn, w.conn)
  t.equal(w.conn.input.length, 0, 'bytes behind the handshake are not read for the app')
  t.equal(w.sock.unread, 2, 'they wait where they are: back-pressure')
  const all = world([(hs) => (hs.bytes.length < 3 ? more(3) : (hs.take(3), serve(app)))])
  all.conn.start()
  all.sock.arrive('abcdefg')
  t.equal(all.conn.input.view().toString(), 'defg', 'bytes of the same segment are the app\'s first')
  t.equal(w.released + all.released, 0)
})

t.test('the peer ends, breaks or is silent: the handler is named, the cause is its own', async (t) => {
  const asks: Handler = { name: 'asks', details: { timeout: 'asked in vain' }, step: () => more(4) }
  const empty = world([asks])
  empty.conn.start()
  empty.sock.end()
  t.same(empty.refused, [{ handler: 'asks', cause: 'empty' }])
  t.same(empty.sock.log, ['close_notify', 'FIN', 'close'], 'ended politely and released')

  const short = world([asks])
  short.conn.start()
  short.sock.arrive('ab')
  short.sock.end()
  t.same(short.refused, [{ handler: 'asks', cause: 'short' }])

  const broken = world([asks])
  broken.conn.start()
  broken.sock.break()
  t.same(broken.refused, [{ handler: 'asks', cause: 'failed', detail: 'ECONNRESET' }])

  const silent = world([asks])
  silent.conn.start()
  silent.clock.advance(999)
  t.same(silent.refused, [])
  silent.clock.advance(10)
  t.same(silent.refused, [{ handler: 'asks', cause: 'timeout', detail: 'asked in vain' }])
  t.same(silent.sock.log, ['close_notify', 'FIN'], 'and the drain waits for the peer')
  silent.clock.advance(510)
  t.equal(silent.released, 1)
  t.same(silent.sock.log, ['close_notify', 'FIN', 'close'])
  for (const w of [empty, short, broken]) t.equal(w.released, 1)
})

t.test('a last chunk: said, input drained, FIN, the peer\'s end awaited, closed over nothing unread', async (t) => {
  const w = world([() => close({ cause: 'answered', quiet: true }, Buffer.from('OK\n'))])
  w.sock.arrive('GET / HTTP/1.0\r\n\r\n')
  w.conn.start()
  t.same(w.sock.log, ['sent:OK\n', 'close_notify', 'FIN'])
  t.equal(w.sock.unread, 0, 'drained')
  w.sock.arrive('more of it')
  t.equal(w.sock.unread, 0, 'and drained on')
  w.sock.end()
  t.same(w.sock.log, ['sent:OK\n', 'close_notify', 'FIN', 'close'])
  t.equal(w.released, 1)
  t.ok(closed(w.conn.shut))
})

t.test('a last chunk that the peer takes slowly is not cut', async (t) => {
  const w = world([() => close({ cause: 'answered' }, Buffer.from('0123456789'))])
  w.sock.room = 4
  w.conn.start()
  t.same(w.sock.log, ['sent:0123'])
  w.sock.room = 4
  w.sock.owner.ready()
  t.same(w.sock.log, ['sent:0123', 'sent:4567'])
  w.sock.room = Infinity
  w.sock.owner.ready()
  t.same(w.sock.log.slice(2), ['sent:89', 'close_notify', 'FIN'])
})

t.test('a drain leaves the loop to others now and then', async (t) => {
  const w = world([() => close({ cause: 'answered' })])
  for (let i = 0; i < 100; i++) w.sock.arrive('x')
  w.conn.start()
  t.ok(w.sock.unread > 0, 'not all at once')
  await turn()
  t.equal(w.sock.unread, 0, 'but all of it, though no event came')
  w.sock.end()
  t.same(w.sock.log, ['close_notify', 'FIN', 'close'])
})

t.test('what cannot be said any more: nobody waits for an answer to it, but what comes in is still the user\'s', async (t) => {
  const last = world([() => close({ cause: 'answered' }, Buffer.from('OK'))])
  last.sock.unheard = true
  last.conn.start()
  t.equal(last.released, 1)
  t.same(last.sock.log, ['close'], 'neither good-bye nor drain')

  const app = new Recorder()
  const w = world([() => serve(app)])
  w.conn.start()
  w.sock.unheard = true
  w.conn.write(Buffer.from('bye'))
  w.conn.shutw()
  t.ok(ended(w.conn.shut, W))
  t.notOk(ended(w.conn.shut, R))
  t.equal(w.released, 0)
})

t.test('stages that take their time are resumed by events, in order', async (t) => {
  const w = world([() => close({ cause: 'denied' })])
  w.sock.quick = false
  w.conn.start()
  t.same(w.sock.log, [], 'the data layer has not ended yet')
  w.sock.quick = true
  w.sock.owner.ready()
  t.same(w.sock.log, ['close_notify', 'FIN'])
  w.sock.end()
  t.same(w.sock.log, ['close_notify', 'FIN', 'close'])
})

t.test('reset and drop', async (t) => {
  const w = world([() => reset({ cause: 'denied', quiet: true })])
  w.conn.start()
  t.same(w.sock.log, ['RST'].concat('close'), 'RST, then the descriptor is let go')
  t.equal(w.released, 1)
  const d = world([() => drop({ cause: 'denied', quiet: true })])
  d.conn.start()
  d.clock.advance(60_000)
  t.same(d.sock.log, [], 'not a word')
  d.clock.advance(300_000)
  t.equal(d.released, 1)
})

t.test('bugs cost their own connection only, and every end() is called once', async (t) => {
  const ends: string[] = []
  const ending = (name: string, step: Handler['step']): Handler => ({ name, step, end: () => ends.push(name) })
  const w = world([ending('first', () => next()), ending('thrower', () => { throw new Error('oops') }), ending('last', () => next())])
  w.conn.start()
  t.equal(w.refused[0]?.handler, 'thrower')
  t.equal(w.refused[0]?.cause, 'bug')
  t.match(w.refused[0]?.detail, /oops/)
  t.same(ends, ['first', 'thrower', 'last'])

  const greedy = world([() => more(65)])
  greedy.conn.start()
  t.equal(greedy.refused[0]?.cause, 'malformed', 'more than the buffer')
  for (const total of [0, -1, Number.NaN]) {
    const loop = world([() => more(total)])
    loop.conn.start()
    t.equal(loop.refused[0]?.cause, 'bug', `asking for what there is would never end: more(${total})`)
  }
  const backwards = world([(hs) => (hs.take(-5), more(1))])
  backwards.conn.start()
  t.match(backwards.refused[0], { cause: 'bug', detail: /take\(-5\)/ }, 'nothing is taken that has not come')
})

t.test('who threw is told that it has cost the connection', async (t) => {
  const told: string[] = []
  const user = (what: string): App => ({
    name: what,
    open(conn) {
      conn.attach({
        ready: () => { throw new Error('ready') },
        expired: () => { throw new Error('expired') },
        broken: () => {
          told.push(what)
          if (what === 'worse') throw new Error('broken')
        },
      })
      if (what === 'expired') conn.deadline(100)
      if (what === 'open') throw new Error('open')
      return what === 'async' ? Promise.reject(new Error('open, later')) : undefined
    },
  })
  for (const what of ['ready', 'expired', 'open', 'async', 'worse']) {
    const w = world([() => serve(user(what))])
    w.conn.start()
    if (what === 'expired') w.clock.advance(200)
    else if (what === 'async') await turn()
    else w.sock.arrive('x')
    t.equal(told.pop(), what)
    t.same(told, [], 'once')
    t.equal(w.released, 1)
    t.equal(w.bugs.length, what === 'worse' ? 2 : 1)
  }
})

t.test('wait and wake; inserted handlers; facts', async (t) => {
  const key = factKey<number>('answer')
  const app = new Recorder()
  let handshake: Handshake | undefined
  let answer = 0
  const w = world([
    (hs) => {
      handshake = hs
      return answer === 0 ? wait() : (hs.set(key, answer), next(() => ({ name: 'inserted', step: (h) => (h.get(key) === 42 ? next() : reset({ cause: 'bug' })) })))
    },
    () => serve(app),
  ])
  w.conn.start()
  t.equal(app.conn, undefined)
  answer = 42
  handshake?.wake()
  handshake?.wake()
  await turn()
  t.equal(app.conn, w.conn)
  t.equal(w.conn.get(key), 42)
  handshake?.wake()
  await turn()
  t.equal(app.readies, 0, 'a late wake() is harmless')

  let asked = 0
  const restless = world([(hs) => (asked++, void Promise.resolve().then(() => hs.wake()), hs.wake(), wait())])
  restless.conn.start()
  await turn()
  await turn()
  t.ok(asked >= 2 && asked <= 6, `one that wakes itself whenever it is asked leaves the loop to others, asked ${asked} times in two turns`)
  restless.conn.reset()
})

t.test('an outgoing connection: handlers wait for the connect; what they say goes out first', async (t) => {
  const app = new Recorder()
  const w = world([(hs) => (hs.write(Buffer.from('PROXY\r\n')), next()), () => serve(app)], 'connect', true)
  w.conn.start()
  t.same(w.sock.log, [])
  w.sock.connecting = false
  w.sock.owner.ready()
  t.equal(app.conn, w.conn)
  w.conn.shutw()
  t.same(w.sock.log, ['sent:PROXY\r\n', 'close_notify', 'FIN'])

  const refused = world([() => serve(app)], 'connect', true)
  refused.conn.start()
  refused.sock.connecting = false
  refused.sock.break('ECONNREFUSED')
  t.same(refused.refused, [{ handler: '', cause: 'failed', detail: 'ECONNREFUSED' }])
  const late = world([() => serve(app)], 'connect', true)
  late.conn.start()
  late.clock.advance(1010)
  t.same(late.refused, [{ handler: '', cause: 'timeout' }], 'the deadline covers the connect')
})

t.test('a data layer on top gets the bytes that nobody took', async (t) => {
  const app = new Recorder()
  let given = ''
  const layer = (lower: Sock, rest: Bytes): DataLayer => {
    given = rest.view().toString()
    return lower
  }
  const w = world([(hs) => (hs.bytes.length < 2 ? more(2) : (hs.take(2), hs.upgrade(layer), next())), () => serve(app)])
  w.conn.start()
  w.sock.arrive('abHELLO')
  t.equal(given, 'HELLO')
  t.equal(w.conn.input.length, 0)

  const above = (lower: Sock): DataLayer => ((lower instanceof RecordedSock ? lower : w.sock).log.push('upgraded'), lower)
  const speaks = (hs: Handshake): Verdict => (hs.write(Buffer.from('PROXY')), hs.upgrade(above), next())
  const said = world([speaks, () => serve(app)])
  said.conn.start()
  t.same(said.sock.log, ['sent:PROXY', 'upgraded'], 'what was said before goes below it')
  const stuck = world([speaks, () => serve(app)])
  stuck.sock.room = 2
  stuck.conn.start()
  t.match(stuck.refused[0], { cause: 'bug', detail: /3 bytes wait/ }, 'or not at all')
})

t.test('ending is idempotent, and a second end does not change the first', async (t) => {
  const app = new Recorder()
  const w = world([() => serve(app)])
  w.conn.start()
  w.conn.write(Buffer.from('bye'))
  w.conn.finish()
  w.conn.finish()
  t.same(w.sock.log, ['sent:bye', 'close_notify', 'FIN'])
  w.sock.end()
  w.conn.finish()
  w.conn.reset()
  t.same(w.sock.log, ['sent:bye', 'close_notify', 'FIN', 'close'])
  t.equal(w.released, 1)
  t.equal(w.conn.shut, CLOSED)
  t.equal(app.readies, 0, 'the user hears nothing more')
})

t.test('the user\'s deadline, and half-close', async (t) => {
  const app = new Recorder()
  const w = world([() => serve(app)])
  w.conn.start()
  w.conn.deadline(100)
  w.clock.advance(90)
  w.conn.deadline(100)
  w.clock.advance(90)
  t.equal(app.expiries, 0)
  w.clock.advance(20)
  t.equal(app.expiries, 1)
  w.conn.shutw()
  t.same(w.sock.log, ['close_notify', 'FIN'])
  t.equal(w.released, 0)
  w.conn.readEnded()
  w.sock.owner.ready()
  t.equal(w.released, 0, 'both ways ended: it is the user\'s until it says so')
  w.conn.finish()
  t.equal(w.released, 1)
  t.same(w.sock.log, ['close_notify', 'FIN', 'close'])
})
