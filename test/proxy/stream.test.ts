// The stream: what a session is, from the first byte to the end of both sides, its one log line and its counts.

import fc from 'fast-check'
import t from 'tap'
import type { PeerSock } from './peer-sock.ts'
import { counts, idle, LINE, world, type World, type WorldOptions } from './world.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)

const plain = (front = '', back = '', server = ''): string => `
defaults
  mode tcp
  timeout client 10s
  timeout server 8s
  timeout connect 2s
frontend f
  bind 127.0.0.1:1001
  ${LINE}
  ${front}
  default_backend b
backend b
  ${back}
  server s 127.0.0.2:2001 ${server}
`

const on = (front = '', back = '', server = '', options: WorldOptions = {}): Promise<World> => world(plain(front, back, server), options)

/** A client and its server, joined. */
async function joined(front = '', back = '', server = ''): Promise<{ w: World; client: PeerSock; server: PeerSock }> {
  const w = await on(front, back, server)
  const client = w.accept()
  w.server().connected()
  return { w, client, server: w.server() }
}

/** The two letters of each log line. */
const letters = (w: World): string[] => w.lines.map((line) => line.split(' ')[3] ?? '')

function rests(t: { same(a: unknown, b: unknown, message: string): unknown }, w: World): void {
  w.pass(20_000)
  t.same(Object.entries(counts(w)).filter(([, n]) => n !== 0), [], 'nothing is left')
  t.same(w.bugs, [], 'no bugs')
}

t.test('half-close: the answer after the client\'s end, and bytes of the client after the server\'s', async (t) => {
  const { w, client, server } = await joined()
  server.capacity = 3
  client.arrive('requ')
  client.arrive('est')
  client.end()
  server.takes(1)
  t.equal(server.said, 'requ')
  t.notOk(server.hasEnded, 'the end waits for the bytes before it')
  server.arrive('answer')
  server.end()
  t.equal(client.said, 'answer')
  t.ok(client.hasEnded)
  t.notOk(client.isClosed)
  server.takes()
  t.equal(server.said, 'request', 'nothing that the client said is lost because the server ended first')
  w.settle()
  t.ok(idle(w), JSON.stringify(counts(w)))
  t.same(w.lines, ['f:b/s 0/0/0 7/6 -- 1/0/0/0 0'], 'counted until the end')
  t.same([client.done, server.done], [['FIN', 'closed'], ['FIN', 'closed']])
})

t.test('who ended it and where', async (t) => {
  await t.test('--: both ended', async (t) => {
    const { w, client, server } = await joined()
    client.arrive('ping')
    client.end()
    t.ok(server.hasEnded, 'half-close is carried through')
    w.pass(300)
    server.arrive('late')
    t.equal(client.said, 'late')
    server.end()
    t.same(letters(w), ['--'])
    rests(t, w)
  })
  await t.test('CD: the client resets, and the server is reset too', async (t) => {
    const { w, client, server } = await joined()
    client.arrive('ping')
    client.break()
    t.same(letters(w), ['CD'])
    t.same(server.done, ['RST'])
    rests(t, w)
  })
  await t.test('CD: the client resets after the server has said all: the server gets an end', async (t) => {
    const { w, client, server } = await joined()
    server.arrive('all')
    server.end()
    client.break()
    t.same(letters(w), ['CD'])
    t.ok(server.hasEnded)
    rests(t, w)
  })
  await t.test('cD: the client is silent', async (t) => {
    const { w, client, server } = await joined('', 'timeout server 1m')
    w.pass(9000)
    client.arrive('still here')
    w.pass(9000)
    server.arrive('me too')
    w.pass(9900)
    t.same(w.lines, [])
    w.pass(200)
    t.ok(server.hasEnded, 'the server is told')
    t.notOk(client.hasEnded, 'and may still answer')
    t.same(letters(w), [])
    client.arrive('too late')
    w.pass(20_000)
    server.arrive('the answer')
    t.same([client.said.endsWith('the answer'), server.said], [true, 'still here'], 'a client that is given up is heard no more')
    server.end()
    t.same(letters(w), ['cD'])
    t.ok(client.hasEnded)
    client.end()
    t.ok(idle(w))
    rests(t, w)
  })
  await t.test('cD: the client is silent, then the server: the first of them is named', async (t) => {
    const { w, client, server } = await joined('timeout client 5s')
    w.pass(5100)
    t.ok(server.hasEnded)
    w.pass(2700)
    t.notOk(client.hasEnded, 'the server has what is left of its 8 s')
    w.pass(400)
    t.same(letters(w), ['cD'])
    t.ok(client.hasEnded)
    client.end()
    server.end()
    rests(t, w)
  })
  await t.test('cD: once the client is given up, timeout server-fin is what the server has', async (t) => {
    const { w, client, server } = await joined('timeout client 5s', 'timeout server-fin 1s')
    w.pass(5100)
    t.ok(server.hasEnded)
    t.same(letters(w), [])
    w.pass(1100)
    t.same(letters(w), ['cD'])
    client.end()
    server.end()
    rests(t, w)
  })
  await t.test('cD: a client that is given up and does not take the answer', async (t) => {
    const { w, client, server } = await joined('timeout client 5s', 'timeout server 1m')
    client.capacity = 3
    w.pass(5100)
    server.arrive('answer')
    t.equal(client.said, 'ans')
    w.pass(10_100)
    t.same(letters(w), ['cD'])
    client.takes()
    client.end()
    server.end()
    rests(t, w)
  })
  await t.test('cD: both are silent for as long', async (t) => {
    const { w, client, server } = await joined('', 'timeout tunnel 5s')
    w.pass(5100)
    t.same(letters(w), ['cD'])
    t.ok(client.hasEnded && server.hasEnded, 'both get an end')
    client.end()
    server.end()
    rests(t, w)
  })
  await t.test('cD: silence counts from before there was a server; what was said before, from then on', async (t) => {
    for (const [said, ms] of [['', 8500], ['x', 10_000]] as const) {
      const w = await on('', 'timeout server 1m')
      const client = w.accept()
      if (said !== '') client.arrive(said)
      w.pass(1500)
      w.server().connected()
      w.pass(ms - 200)
      t.notOk(w.server().hasEnded)
      w.pass(400)
      t.ok(w.server().hasEnded)
      w.server().end()
      t.same(letters(w), ['cD'])
      client.end()
      rests(t, w)
    }
  })
  await t.test('SD: the server resets; the client gets what it said, and an end', async (t) => {
    const { w, client, server } = await joined()
    client.capacity = 3
    server.arrive('answer')
    server.break()
    t.same(letters(w), [], 'what it said is still on its way')
    client.takes()
    t.equal(client.said, 'answer')
    t.same(letters(w), ['SD'])
    t.same(client.done, ['FIN'], 'not a reset')
    client.end()
    rests(t, w)
  })
  await t.test('SD: a server that takes no more while it answers is heard to its end', async (t) => {
    const { w, client, server } = await joined()
    server.readSize = 1000
    client.capacity = 0
    for (let i = 0; i < 80; i++) server.arrive(Buffer.alloc(1000, 97))
    server.break('EPIPE')
    client.arrive('more')
    client.takes()
    w.settle()
    t.equal(client.saidBytes, 80_000)
    t.same(letters(w), ['SD'])
    client.end()
    rests(t, w)
  })
  await t.test('SD: what it said last waits for a slow client', async (t) => {
    const { w, client, server } = await joined()
    client.capacity = 3
    server.capacity = 0
    client.arrive('more')
    server.error = 'EPIPE'
    server.arrive('answer')
    t.equal(client.said, 'ans')
    client.takes()
    t.equal(client.said, 'answer')
    t.same(letters(w), ['SD'])
    client.end()
    rests(t, w)
  })
  await t.test('sD: the server is silent while the client waits', async (t) => {
    const { w, client, server } = await joined()
    client.arrive('ping')
    w.pass(8200)
    t.ok(client.hasEnded, 'the client is told')
    t.same(letters(w), [])
    server.arrive('too late')
    client.arrive(' bye')
    t.same([client.said, server.said], ['', 'ping bye'])
    client.end()
    t.same(letters(w), ['sD'])
    server.end()
    rests(t, w)
  })
  await t.test('sD: the server is silent while rules wait for what it says', async (t) => {
    const { w, client, server } = await joined('', 'tcp-response inspect-delay 20s\n  tcp-response content accept if { res.len gt 5 }')
    w.pass(8200)
    t.same(letters(w), ['sD'])
    client.end()
    server.end()
    rests(t, w)
  })
  await t.test('CC: the client ends without a word while connecting', async (t) => {
    const w = await on()
    const client = w.accept()
    client.end()
    t.same(letters(w), ['CC'])
    t.same(w.server().done, ['RST'], 'nobody waits for the server any more')
    t.same(w.lines, ['f:b/s 0/-1/0 0/0 CC 1/0/0/0 0'])
    rests(t, w)
  })
  await t.test('a client that spoke and ended waits for its server, unless abortonclose', async (t) => {
    const patient = await on()
    const client = patient.accept()
    client.arrive('request')
    client.end()
    t.same(patient.lines, [])
    patient.server().connected()
    t.equal(patient.server().said, 'request')
    t.ok(patient.server().hasEnded, 'an end and the bytes before it arrive together')
    patient.server().end()
    t.same(letters(patient), ['--'])
    rests(t, patient)

    const w = await on('', 'option abortonclose')
    const hasty = w.accept()
    hasty.arrive('request')
    hasty.end()
    t.same(letters(w), ['CC'])
    rests(t, w)
  })
  await t.test('CD: a client that resets while connecting', async (t) => {
    const w = await on()
    w.accept().break()
    t.same(letters(w), ['CD'])
    rests(t, w)
  })
  await t.test('cC: the client\'s time is over while connecting: the server may still come', async (t) => {
    const w = await on('timeout client 1s', 'retries 0')
    const client = w.accept()
    w.pass(1100)
    t.same(letters(w), [])
    w.pass(1000)
    t.same(letters(w), ['cC'])
    client.end()
    rests(t, w)
    const met = await on('timeout client 1s')
    const other = met.accept()
    met.pass(1100)
    met.server().connected()
    t.ok(met.server().hasEnded)
    met.server().arrive('answer')
    met.server().end()
    t.same([letters(met), other.said], [['cC'], 'answer'])
    other.end()
    rests(t, met)
    const spoke = await on('timeout client 1s')
    const waiting = spoke.accept({ make: (sock) => sock.arrive('x') })
    spoke.pass(1100)
    spoke.server().connected()
    t.notOk(spoke.server().hasEnded, 'who has spoken waits for the server, and nobody for him')
    waiting.break()
    rests(t, spoke)
  })
  await t.test('cC: the client\'s time is over between two attempts', async (t) => {
    const w = await on('timeout client 1500ms')
    const client = w.accept()
    w.server(0).break('ECONNREFUSED')
    w.pass(1100)
    w.server(1).break('ECONNREFUSED')
    w.pass(500)
    t.same(letters(w), ['cC'])
    client.end()
    rests(t, w)
  })
  await t.test('a client that had ended before a server was looked for is connected all the same; in a queue it does not wait', async (t) => {
    const rules = 'tcp-request inspect-delay 5s\n  tcp-request content accept if { req.len gt 0 }'
    const w = await on(rules)
    const client = w.accept()
    client.end()
    t.same(letters(w), [])
    w.server().connected()
    t.ok(w.server().hasEnded)
    w.server().arrive('banner')
    w.server().end()
    t.same([letters(w), client.said], [['--'], 'banner'])
    rests(t, w)
    const full = await on(rules, '', 'maxconn 1')
    const first = full.accept({ make: (sock) => sock.arrive('x') })
    full.server().connected()
    full.accept().end()
    t.same(letters(full), ['CQ'])
    first.end()
    full.server().end()
    rests(t, full)
    const refused = await on(rules)
    refused.accept().end()
    refused.server().break('ECONNREFUSED')
    t.same(letters(refused), ['CC'], 'nor does it wait for a second attempt')
    rests(t, refused)
  })
  await t.test('cR: rules wait for more than the client says in its time', async (t) => {
    const w = await on('timeout client 1s\n  tcp-request inspect-delay 5s\n  tcp-request content accept if { req.len gt 5 }')
    const client = w.accept()
    w.pass(300)
    client.arrive('ab')
    w.pass(900)
    t.same(letters(w), [])
    client.arrive('c')
    w.pass(900)
    t.same(letters(w), [])
    w.pass(200)
    t.same(letters(w), ['cR'])
    client.end()
    rests(t, w)
  })
  await t.test('SC: nobody answers; retries on the same server, a second apart', async (t) => {
    const w = await on('', 'retries 2')
    const client = w.accept({ make: (sock) => sock.arrive('x') })
    for (let i = 0; i < 3; i++) {
      t.equal(w.provider.connects.length, i + 1)
      w.server(i).break('ECONNREFUSED')
      if (i < 2) {
        w.pass(900)
        t.equal(w.provider.connects.length, i + 1, 'not at once')
        w.pass(200)
      }
    }
    t.same(w.lines, ['f:b/s 0/-1/2200 1/0 SC 1/0/0/2 0'])
    t.same(client.done, ['FIN'])
    client.end()
    rests(t, w)
  })
  await t.test('sC: the server lets the connect timeout pass, each time anew', async (t) => {
    const w = await on('', 'retries 1')
    const client = w.accept({ make: (sock) => sock.arrive('x') })
    w.pass(2050)
    t.equal(w.provider.connects.length, 2, 'again at once: it has waited enough')
    w.pass(2050)
    t.same(letters(w), ['sC'])
    client.end()
    rests(t, w)
  })
  await t.test('SC: no server at all, or none that may be used', async (t) => {
    const none = await world(`defaults\n  mode tcp\nfrontend f\n  bind :1001\n  ${LINE}\n`)
    none.accept().end()
    t.same(none.lines, ['f:f/<NOSRV> -1/-1/0 0/0 SC 1/0/0/0 0'])
    const w = await on('', '', 'disabled')
    w.accept().end()
    t.same(w.lines, ['f:b/<NOSRV> -1/-1/0 0/0 SC 1/0/0/0 0'])
    rests(t, w)
  })
  await t.test('PR: rejected by rules', async (t) => {
    const w = await on('tcp-request content reject')
    const client = w.accept({ make: (sock) => sock.arrive('x') })
    t.same(w.lines, ['f:f/<NOSRV> -1/-1/0 1/0 PR 1/0/0/0 0'])
    t.ok(client.hasEnded, 'politely')
    client.end()
    rests(t, w)
  })
  await t.test('PD: what the server says is refused by rules', async (t) => {
    const { w, client, server } = await joined('', 'tcp-response content reject')
    server.arrive('secret')
    t.equal(client.said, '')
    t.same(letters(w), ['PD'])
    client.end()
    server.end()
    rests(t, w)
  })
  await t.test('sQ and CQ: in the queue', async (t) => {
    const w = await on('', 'timeout queue 1s', 'maxconn 1')
    const first = w.accept()
    w.server().connected()
    const late = w.accept()
    const gone = w.accept()
    gone.end()
    t.same(w.lines, ['f:b/<NOSRV> 0/-1/0 0/0 CQ 3/2/0/0 2'])
    w.pass(1100)
    t.same(w.lines.slice(1).map((line) => line.replace(/ \d+\/-1\/\d+ /, ' … ')), ['f:b/<NOSRV> … 0/0 sQ 2/1/0/0 1'])
    t.ok(late.hasEnded)
    late.end()
    first.end()
    w.server().end()
    t.equal(w.provider.connects.length, 1)
    rests(t, w)
  })
  await t.test('PD: an operator kills it', async (t) => {
    const { w, client } = await joined()
    w.runtime.kill()
    t.same(client.done, ['closed'], 'the process ends: let go as it is')
    t.equal(w.runtime.remaining(), 0)
  })
})

t.test('redispatch: another server at once, and the counts move with it', async (t) => {
  const w = await on('', 'balance first\n  option redispatch 1\n  retries 3\n  server t 127.0.0.3:2002', '')
  const client = w.accept({ make: (sock) => sock.arrive('x') })
  // 't' is the first in the text.
  t.equal(counts(w)['server b/t'], 1)
  w.server(0).break('ECONNREFUSED')
  t.same([counts(w)['server b/t'], counts(w)['server b/s']], [0, 1])
  w.server(1).connected()
  t.equal(w.server(1).said, 'x')
  w.server(1).end()
  client.end()
  t.same(w.lines, ['f:b/s 0/0/0 1/0 -- 1/0/0/+1 0'])
  rests(t, w)
})

t.test('a slot that is given back admits who waits, in order', async (t) => {
  const w = await on('', 'timeout queue 60s\n  timeout server 60s', 'maxconn 1')
  const clients = [1, 2, 3].map((n) => w.accept({ src: `192.0.2.${n}:1`, make: (sock) => sock.arrive(`from ${n}`) }))
  w.server(0).connected()
  t.equal(counts(w)['queue b'], 2)
  for (const n of [0, 1, 2]) {
    w.server(n).connected()
    t.equal(w.server(n).said, `from ${n + 1}`)
    t.equal(counts(w)['server b/s'], 1, 'never more than maxconn')
    w.server(n).end()
    clients[n]?.end()
    w.settle()
  }
  t.same(letters(w), ['--', '--', '--'])
  rests(t, w)
})

t.test("how long a client that was ended politely is held until its own end: 5 s, or timeout client-fin", async (t) => {
  for (const [front, ms] of [['', 5000], ['timeout client-fin 1s', 1000], ['timeout client-fin 7s', 7000]] as const) {
    const w = await on(`${front}\n  tcp-request content reject`)
    const client = w.accept()
    t.same(client.done, ['FIN'])
    w.pass(ms - 100)
    t.notOk(client.isClosed, `${ms}: it has its time`)
    w.pass(200)
    t.ok(client.isClosed, `${ms}: and no more`)
    rests(t, w)
  }
})

t.test('timeouts of halves: client-fin, server-fin and tunnel', async (t) => {
  const fin = await joined('timeout client-fin 1s', 'timeout server-fin 3s')
  fin.server.end()
  t.ok(fin.client.hasEnded)
  fin.w.pass(1100)
  t.same(letters(fin.w), ['cD'], 'a client that does not end after us')
  rests(t, fin.w)

  const other = await joined('timeout client-fin 9s', 'timeout server-fin 3s')
  other.client.arrive('x')
  other.client.end()
  other.w.pass(3100)
  t.same(letters(other.w), ['sD'])
  rests(t, other.w)

  const full = await joined('timeout client 9s\n  timeout client-fin 1s')
  full.client.arrive('x')
  full.client.end()
  full.client.capacity = 0
  full.server.arrive('answer')
  full.w.pass(1100)
  t.same(letters(full.w), ['cD'], 'a client that has ended, and does not take the answer')
  rests(t, full.w)

  const tunnel = await joined('', 'timeout tunnel 1m')
  tunnel.client.arrive('x')
  tunnel.w.pass(30_000)
  t.same(tunnel.w.lines, [], 'once joined, the tunnel\'s timeout is the only one')
  tunnel.w.pass(31_000)
  t.equal(tunnel.w.lines.length, 1)
})

t.test('nolinger: a server gets RST for an end, a client a FIN and RST when all is over', async (t) => {
  const front = await joined('option nolinger')
  front.server.arrive('bye')
  front.server.end()
  t.equal(front.client.said, 'bye')
  t.same(front.client.done, ['FIN'])
  front.client.arrive('goes on')
  front.client.end()
  t.equal(front.server.said, 'goes on')
  t.same(front.client.done, ['FIN', 'RST'])
  rests(t, front.w)
  const back = await joined('', 'option nolinger')
  back.client.arrive('bye')
  back.client.end()
  t.equal(back.server.said, 'bye')
  t.same(back.server.done, ['RST'])
  rests(t, back.w)
})

t.test('the peer\'s pace: one that does not read stops the other from being read', async (t) => {
  const { w, client, server } = await joined()
  server.capacity = 10
  for (let i = 0; i < 100; i++) client.arrive(Buffer.alloc(1000, i))
  t.ok(client.unread >= 98_000, 'at most what one read gives is held')
  client.capacity = 0
  for (let i = 0; i < 100; i++) server.arrive(Buffer.alloc(1000, i))
  t.ok(server.unread >= 98_000)
  server.takes()
  client.takes()
  w.settle()
  t.same([client.saidBytes, server.saidBytes], [100_000, 100_000])
  rests(t, w)
})

t.test('while there is no server, the client\'s bytes are kept up to the buffer\'s size', async (t) => {
  const w = await on('', '', '', { bufferSize: 2000 })
  const client = w.accept()
  for (let i = 0; i < 10; i++) client.arrive(Buffer.alloc(1000, 97 + i))
  t.equal(client.unread, 8000)
  w.server().connected()
  w.settle()
  t.equal(w.server().saidBytes, 10_000)
  client.end()
  w.server().end()
  rests(t, w)
})

t.test('log lines: early ones, silent ones, levels', async (t) => {
  const asap = await joined('option logasap')
  t.equal(asap.w.lines.length, 1, 'when joined')
  asap.client.end()
  asap.server.end()
  t.equal(asap.w.lines.length, 1, 'and not again')
  const never = await on('option logasap')
  never.accept().end()
  t.same(letters(never), ['CC'], 'one that never joined is logged at its end')
  const nothing = await on('option dontlognull')
  nothing.accept().end()
  t.same(nothing.lines, [], 'null connections')
  const errors = await joined('option dontlog-normal\n  option log-separate-errors')
  errors.client.arrive('x')
  errors.client.break()
  t.same(errors.w.lines.map((line) => line.split(' ')[0]), ['err'])
  const normal = await joined('option dontlog-normal')
  normal.client.end()
  normal.server.end()
  t.same(normal.w.lines, [])
})

// ── any order of events ──────────────────────────────────────────────────────────────────────────────────────────────

type Event =
  | { readonly do: 'say'; readonly who: 'client' | 'server'; readonly n: number }
  | { readonly do: 'end' | 'break'; readonly who: 'client' | 'server' }
  | { readonly do: 'room'; readonly who: 'client' | 'server'; readonly n: number }
  | { readonly do: 'connected' | 'refused' | 'turn' }
  | { readonly do: 'time'; readonly ms: number }

const who = fc.constantFrom<'client' | 'server'>('client', 'server')
const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant<'say'>('say'), who, n: fc.constantFrom(1, 5, 260_000) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom<'end' | 'break'>('end', 'end', 'end', 'break'), who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant<'room'>('room'), who, n: fc.constantFrom(1, 3, 100_000) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom<'connected' | 'refused' | 'turn'>('connected', 'connected', 'refused', 'turn') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant<'time'>('time'), ms: fc.constantFrom(10, 900, 5000) }) },
)

const SPEECH = Buffer.alloc(4_200_000)
for (let i = 0; i < SPEECH.length; i++) SPEECH[i] = (i ^ (i >> 8) ^ (i >> 16)) & 0xff

/** One session through these events; whatever happens, it ends, once, and leaves nothing. */
async function session(text: string, events: readonly Event[], options: { join: boolean; together: boolean; quick: boolean; room: number; splices: PeerSock['splices'] }): Promise<void> {
  const w = await world(text)
  const must = (holds: boolean, what: string): void => {
    if (!holds) throw new Error(`${what}; client ${client.done.join()} (${client.saidBytes} of ${said.server}), server ${server()?.done.join()} (${server()?.saidBytes} of ${said.client}), log ${w.lines.join('; ')}, ${JSON.stringify(counts(w))}`)
  }
  const make = (sock: PeerSock): void => {
    Object.assign(sock, { together: options.together, quick: options.quick, capacity: options.room, splices: options.splices })
  }
  w.provider.onConnect = make
  const said = { client: 0, server: 0 }
  const ended = { client: false, server: false }
  const broken = { client: false, server: false }
  let late = false
  let refused = false
  const client = w.accept({ make })
  /** The sock that is joined, or the last that was tried. */
  const server = (): PeerSock | undefined => w.provider.connects.at(-1)?.sock
  const alive = (name: 'client' | 'server'): PeerSock | undefined => {
    const sock = name === 'client' ? client : server()
    return sock === undefined || sock.isClosed || (name === 'server' && sock.connecting) ? undefined : sock
  }
  const begun: readonly Event[] = options.join ? [{ do: 'connected' }] : []
  for (const e of [...begun, ...events]) {
    if (e.do === 'say') {
      const sock = alive(e.who)
      if (sock === undefined || ended[e.who] || broken[e.who]) continue
      sock.arrive(SPEECH.subarray(said[e.who], said[e.who] + e.n))
      said[e.who] += e.n
    } else if (e.do === 'end' || e.do === 'break') {
      const sock = alive(e.who)
      if (sock === undefined) continue
      if (e.do === 'end') {
        sock.end()
        ended[e.who] = true
      } else {
        sock.break()
        broken[e.who] = true
      }
    } else if (e.do === 'room') alive(e.who)?.takes(e.n)
    else if (e.do === 'connected' && server()?.connecting === true) server()?.connected()
    else if (e.do === 'refused' && server()?.connecting === true) {
      server()?.break('ECONNREFUSED')
      refused = true
    }
    else if (e.do === 'turn') w.settle()
    else if (e.do === 'time') {
      w.pass(e.ms)
      if (w.lines.length > 0 || e.ms === 5000) late = true
    }
    must(w.lines.length <= 1, 'more than one log line')
  }
  client.quick = true
  client.takes()
  const to = server()
  if (to !== undefined) {
    to.quick = true
    if (to.connecting) to.connected()
    to.takes()
  }
  w.settle()
  const last = server()
  const sound = !broken.client && !broken.server && !refused && !late && last !== undefined && !last.connecting && w.provider.connects.length === 1
  if (sound && (w.lines.length === 0 || w.lines[0]?.includes(' -- ') === true)) {
    must(last.saidBytes === said.client, 'what the client said did not all arrive')
    must(client.saidBytes === said.server, 'what the server said did not all arrive')
    if (ended.client) must(last.hasEnded, 'the client\'s end was not passed on')
    if (ended.server) must(client.hasEnded, 'the server\'s end was not passed on')
    if (ended.client && ended.server) must(w.lines.length === 1, 'both have ended, and the session goes on')
  }
  if (broken.server && !refused && !broken.client && !late) must(client.saidBytes === said.server, 'what the server said before it broke did not all arrive')
  must(SPEECH.subarray(0, client.saidBytes).equals(client.saidBuffer), 'the client got something else than was said')
  must(last === undefined || SPEECH.subarray(0, last.saidBytes).equals(last.saidBuffer), 'the server got something else than was said')
  client.end()
  server()?.end()
  w.settle()
  w.pass(60_000)
  must(w.lines.length === 1, 'not logged once')
  must(idle(w), 'counts are left')
  must(client.isClosed, 'the client\'s sock is left open')
  must(w.provider.connects.every(({ sock }) => sock.isClosed), 'a server\'s sock is left open')
  must(w.provider.connects.every(({ sock }) => sock.done.filter((d) => d !== 'FIN').length === 1 && sock.done.lastIndexOf('FIN') <= 0), 'released more than once')
  must([client, ...w.provider.connects.map(({ sock }) => sock)].every((sock) => sock.given.every((pipe) => pipe.released === 1)), 'a pipe is left')
  must(w.bugs.length === 0, w.bugs.join('; '))
}

t.test('any order of events: it ends once, is logged once, leaves nothing, and loses nothing without a cause', async (t) => {
  t.comment(`SEED=${seed}`)
  const texts = [plain(), plain('timeout client-fin 1s', 'timeout server-fin 1s\n  option abortonclose'), plain('', 'option redispatch 1\n  retries 2\n  server t 127.0.0.3:2002', 'maxconn 1')]
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...texts),
      fc.array(event, { maxLength: 16 }),
      fc.record({ join: fc.boolean(), together: fc.boolean(), quick: fc.boolean(), room: fc.constantFrom(0, 2, Infinity), splices: fc.constantFrom<PeerSock['splices']>('no', 'yes') }),
      session,
    ),
    { seed, numRuns: 500 },
  )
  t.pass('held')
})

t.test('servers that do not end when their sessions are over hold no more descriptors than there are to spare', async (t) => {
  const text = `
listen l
  bind 127.0.0.1:1001
  mode tcp
  timeout client 1m
  timeout server 1s
  timeout connect 1s
  retries 3
  server s 127.0.0.2:2001
`
  const w = await world(text, { lingering: 2 })
  const hung = (n: number): PeerSock => {
    const client = w.accept()
    w.server(n).connected()
    w.pass(1100)
    client.end()
    w.settle()
    t.same(client.done, ['FIN', 'closed'])
    return w.server(n)
  }
  const [one, two, three] = [hung(0), hung(1), hung(2)]
  t.same([one, two, three].map((s) => s.done), [['FIN', 'closed'], ['FIN'], ['FIN']], 'who waited longest waits no more')
  two.end()
  w.settle()
  const four = hung(3)
  t.same([two, three, four].map((s) => s.done), [['FIN', 'closed'], ['FIN'], ['FIN']], 'who has come to its end leaves its place')
  w.pass(6000)
  t.ok(idle(w))

  const none = await world(text, { lingering: 0 })
  const last = none.accept()
  none.server().connected()
  none.pass(1100)
  last.end()
  none.settle()
  t.same(none.server().done, ['FIN', 'closed'], 'none to spare')

  const dead = await world(text)
  dead.accept()
  dead.pass(4100)
  t.same(dead.provider.connects.map(({ sock }) => sock.done), [['RST'], ['RST'], ['RST'], ['RST']], 'an attempt that got no answer is no connection: nothing waits for its end')
})
