// Backends: which server is chosen and which may be, who waits and for how long, and where a server is.

import t from 'tap'
import type { Address } from '../../src/core/address.ts'
import type { EngineConnection } from '../../src/net/connection.ts'
import { LiveList } from '../../src/net/live.ts'
import { First, LeastConn, Random, RoundRobin, SourceHash, type Balance } from '../../src/proxy/balance.ts'
import { GaugeMemory } from '../../src/proxy/gauge.ts'
import { Queue, type Waiter } from '../../src/proxy/queue.ts'
import { addressesFor, Server, type ServerSettings } from '../../src/proxy/server.ts'
import { fakeWheel } from '../kit/fake-clock.ts'
import { randomFrom } from '../kit/subject.ts'
import { address, counts, LINE, world, type World } from './world.ts'

const gauges = new GaugeMemory()
const { wheel } = fakeWheel()

function server(name: string, settings: Partial<ServerSettings> = {}): Server {
  const plan = { side: 'connect' as const, handlers: [], handshakeMs: 0, drainMs: 0, bufferSize: 0, wheel, clock: () => 0, facts: new Map(), live: new LiveList<EngineConnection>() }
  return new Server(
    { name, id: 1, addresses: [address('10.0.0.1:80')], portOffset: undefined, weight: 1, backup: false, maxconn: 0, connect: {}, sourcePorts: 1, plan, ...settings },
    gauges.gauge(),
    false,
  )
}

const from = (host: string): { source: Address } => ({ source: { family: host.includes(':') ? 'ipv6' : 'ipv4', host, port: 1 } })

/** Names of `n` choices; `hold`: each takes a slot and keeps it. */
function picks(balance: Balance, servers: readonly Server[], n: number, hold = false): string[] {
  return Array.from({ length: n }, () => {
    const picked = balance.pick(servers, from('192.0.2.1'))
    if (hold) picked?.sessions.add(1)
    return picked?.name ?? '-'
  })
}

const tally = (names: readonly string[]): Record<string, number> => {
  const all: Record<string, number> = {}
  for (const name of names) all[name] = (all[name] ?? 0) + 1
  return all
}

t.test('roundrobin: exact shares over each round of weights, evenly spread', async (t) => {
  for (const weights of [[1, 1, 1], [1, 2, 3], [5, 1], [256, 1, 128], [7, 7, 1]]) {
    const servers = weights.map((weight, i) => server(String(i), { weight }))
    const balance = new RoundRobin()
    const total = weights.reduce((a, b) => a + b)
    for (let round = 0; round < 3; round++) {
      t.same(tally(picks(balance, servers, total)), Object.fromEntries(weights.map((w, i) => [String(i), w])), `round ${round} of ${weights.join(', ')}`)
    }
  }
  const servers = [server('a', { weight: 5 }), server('b'), server('c')]
  const names = picks(new RoundRobin(), servers, 7)
  t.notMatch(names.join(''), /aaaa/, `spread: ${names.join('')}`)
})

t.test('roundrobin: full ones are passed over and do not save up turns', async (t) => {
  const [a, b] = [server('a', { maxconn: 1 }), server('b')]
  const balance = new RoundRobin()
  a.sessions.add(1)
  t.same(picks(balance, [a, b], 20), Array.from({ length: 20 }, () => 'b'))
  a.sessions.add(-1)
  t.same(tally(picks(balance, [a, b], 10)), { a: 5, b: 5 })
  a.sessions.add(1)
  t.equal(balance.pick([a]), undefined, 'none has a slot')
})

t.test('leastconn: the fewest for its weight, ties in turn', async (t) => {
  const servers = [server('a'), server('b'), server('c', { weight: 2 })]
  t.same(tally(picks(new LeastConn(), servers, 40, true)), { a: 10, b: 10, c: 20 })
  const idle = [server('a'), server('b'), server('c')]
  t.same(tally(picks(new LeastConn(), idle, 9)), { a: 3, b: 3, c: 3 }, 'idle servers take turns')
  idle[0]?.sessions.add(5)
  t.same(tally(picks(new LeastConn(), idle, 8)), { b: 4, c: 4 })
  const full = server('x', { maxconn: 1 })
  full.sessions.add(1)
  t.equal(new LeastConn().pick([full]), undefined)
})

t.test('first: the lowest id that has a slot', async (t) => {
  const [a, b] = [server('a', { id: 20, maxconn: 1 }), server('b', { id: 10, maxconn: 2 })]
  t.same(picks(new First(), [a, b], 4, true), ['b', 'b', 'a', '-'])
})

t.test('source: an IPv4 address is its number, modulo the weights; anything else is spread', async (t) => {
  const servers = ['a', 'b', 'c'].map((name) => server(name))
  const balance = new SourceHash()
  const of = (host: string): string => balance.pick(servers, from(host))?.name ?? '-'
  for (const host of ['10.0.0.0', '10.0.0.1', '10.0.0.2', '192.0.2.255', '255.255.255.255']) {
    const n = host.split('.').reduce((all, part) => all * 256 + Number(part), 0)
    t.equal(of(host), servers[n % 3]?.name, host)
  }
  const v6 = Array.from({ length: 300 }, (_, i) => of(`2001:db8::${i.toString(16)}`))
  t.same(v6, Array.from({ length: 300 }, (_, i) => of(`2001:db8::${i.toString(16)}`)), 'the same again')
  for (const n of Object.values(tally(v6))) t.ok(n > 60 && n < 140, `${n} of 300`)
  const weighted = [server('x', { weight: 1 }), server('y', { weight: 3 })]
  const shares = tally(Array.from({ length: 256 }, (_, i) => balance.pick(weighted, from(`10.0.0.${i}`))?.name ?? '-'))
  t.same(shares, { x: 64, y: 192 })
  const full = server('z', { maxconn: 1 })
  full.sessions.add(1)
  t.equal(balance.pick([full], from('10.0.0.1')), full, 'a full one keeps its sources waiting')
})

t.test('random: by weight, the less loaded of the draws', async (t) => {
  const numbers = randomFrom(7)
  const random = (): number => numbers(1_000_000) / 1_000_000
  const servers = [server('a', { weight: 1 }), server('b', { weight: 3 })]
  const one = tally(picks(new Random(1, random), servers, 4000))
  t.ok((one['a'] ?? 0) > 850 && (one['a'] ?? 0) < 1150, JSON.stringify(one))
  const even = [server('a'), server('b'), server('c'), server('d')]
  picks(new Random(2, random), even, 400, true)
  const loads = even.map((s) => s.connections)
  t.ok(Math.max(...loads) - Math.min(...loads) <= 12, `two draws keep loads together: ${loads.join(', ')}`)
  t.equal(new Random(2, () => 0.999_999_999_999_999_9).pick(even)?.name, 'd', 'the largest number there is')
  for (const s of even) s.disabled = true
  const full = server('x', { maxconn: 1 })
  full.sessions.add(1)
  t.equal(new Random(2, random).pick([full]), undefined)
})

t.test('where a server is: ports by offset, addresses as the client meant them', async (t) => {
  const at = (settings: Pick<ServerSettings, 'addresses' | 'portOffset'>, dst: Address): unknown => addressesFor(settings, dst).map((a) => ('host' in a ? `${a.host}:${a.port}` : a.family))
  const dst = address('198.51.100.7:8080')
  t.same(at({ addresses: [address('10.0.0.1:80')], portOffset: undefined }, dst), ['10.0.0.1:80'])
  t.same(at({ addresses: [address('10.0.0.1:0'), address('10.0.0.2:0')], portOffset: 0 }, dst), ['10.0.0.1:8080', '10.0.0.2:8080'])
  t.same(at({ addresses: [address('10.0.0.1:0')], portOffset: 1000 }, dst), ['10.0.0.1:9080'])
  t.same(at({ addresses: [address('10.0.0.1:0')], portOffset: -80 }, dst), ['10.0.0.1:8000'])
  t.same(at({ addresses: [address('10.0.0.1:0')], portOffset: 60_000 }, dst), ['10.0.0.1:2544'], 'wrapped')
  t.same(at({ addresses: [address('0.0.0.0:443')], portOffset: undefined }, dst), ['198.51.100.7:443'])
  t.same(at({ addresses: [{ family: 'ipv6', host: '::', port: 0 }], portOffset: 0 }, { family: 'ipv6', host: '2001:db8::1', port: 5 }), ['2001:db8::1:5'])
  t.same(at({ addresses: [{ family: 'unix', path: '/run/x', abstract: false }], portOffset: 0 }, dst), ['unix'])
})

t.test('a range of source ports: each in turn, the others behind it', async (t) => {
  const s = server('s', { connect: { from: address('10.0.0.9:5000') }, sourcePorts: 3 })
  const ports = (): number[] => s.targetsFor({ src: address('9.8.7.6:54'), dst: address('1.2.3.4:5') }).map(({ from }) => (from !== undefined && 'port' in from ? from.port : 0))
  t.same([ports(), ports(), ports(), ports()], [[5000, 5001, 5002], [5001, 5002, 5000], [5002, 5000, 5001], [5000, 5001, 5002]])
  const plain = server('p')
  t.equal(plain.targetsFor({ src: address('9.8.7.6:54'), dst: address('1.2.3.4:5') }), plain.targetsFor({ src: address('9.8.7.6:55'), dst: address('9.9.9.9:9') }), 'made once where it is always the same')
})

t.test('usesrc: the session is the source, transparently; without an IP address the configured one is', async (t) => {
  const dst = address('1.2.3.4:5')
  const from = (clientSource: 'client' | 'clientip', src: Address): unknown => server('s', { connect: { from: address('10.0.0.9:0') }, clientSource }).targetsFor({ src, dst }).map(({ from, transparent }) => ({ from, transparent }))
  t.same(from('client', address('9.8.7.6:54')), [{ from: address('9.8.7.6:54'), transparent: true }])
  t.same(from('clientip', address('9.8.7.6:54')), [{ from: address('9.8.7.6:0'), transparent: true }])
  t.same(from('client', { family: 'unix', path: '', abstract: false }), [{ from: address('10.0.0.9:0'), transparent: undefined }])
})

// ── queue ────────────────────────────────────────────────────────────────────────────────────────────────────────────

t.test('queue: in order, each for its time, anyone may leave', async (t) => {
  const { wheel, clock } = fakeWheel()
  const queue = new Queue(wheel, new GaugeMemory().gauge())
  const log: string[] = []
  const waiter = (name: string): Waiter => ({ source: address('192.0.2.1:1'), admitted: (s) => log.push(`${name} on ${s.name}`), queueTimeout: () => log.push(`${name} gave up`), unservable: (error) => log.push(`${name}: ${String(error)}`) })
  const [one, two, , four] = ['one', 'two', 'three', 'four'].map((name, i) => queue.join(waiter(name), i === 3 ? 0 : 1000))
  t.same([one?.position, two?.position, four?.position], [0, 1, 3])
  if (two !== undefined) {
    queue.leave(two)
    queue.leave(two)
  }
  t.equal(queue.length, 3)
  const s = server('s')
  let slots = 1
  const slot = (): Server | undefined => (slots-- > 0 ? s : undefined)
  queue.admit(slot, false)
  t.same(log.splice(0), ['one on s'])
  clock.advance(1100)
  t.same(log.splice(0), ['three gave up'])
  clock.advance(100_000)
  t.equal(queue.length, 1, 'without a limit one waits for ever')
  slots = 5
  queue.admit(slot, false)
  t.same(log.splice(0), ['four on s'])
  t.equal(queue.length, 0)
  clock.advance(10_000)
  t.same(log, [], 'who left is not called any more')
  t.notOk(clock.waking)

  const [, second] = ['a', 'b'].map((name) => queue.join(waiter(name), 0))
  queue.admit((ticket) => (ticket === second ? s : undefined), false)
  t.same(log, [], 'nobody is passed')
  queue.admit((ticket) => (ticket === second ? s : undefined), true)
  t.same(log, ['b on s'], 'unless each waits for a server of its own')
})

// ── backends ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const farm = (lines: string, front = ''): Promise<World> => world(`
defaults
  mode tcp
  timeout client 10m
  timeout server 10m
  timeout connect 2s
  timeout queue 1m
frontend f
  bind 127.0.0.1:1001
  ${LINE}
  ${front}
  default_backend b
backend b
  ${lines}
`)

/** Whom the next session goes to; it stays there. */
function next(w: World, src = '192.0.2.1:40000'): string {
  const before = w.provider.connects.length
  w.accept({ src })
  const to = w.provider.connects[before]?.to
  return to !== undefined && 'port' in to ? String(to.port) : '-'
}

const servers = (w: World): readonly Server[] => w.runtime.backends[0]?.servers ?? []
function disable(w: World, name: string, disabled = true): void {
  for (const s of servers(w)) if (s.name === name) s.disabled = disabled
}

t.test('backups serve when no other can, one of them or all', async (t) => {
  const text = 'server a 127.0.0.2:1\n  server b 127.0.0.2:2 backup\n  server c 127.0.0.2:3 backup'
  const w = await farm(text)
  t.same([next(w), next(w)], ['1', '1'])
  disable(w, 'a')
  t.same([next(w), next(w)], ['2', '2'], 'the first backup alone')
  disable(w, 'b')
  t.equal(next(w), '3')
  disable(w, 'a', false)
  t.equal(next(w), '1', 'and back')
  const all = await farm(`option allbackups\n  ${text}`)
  disable(all, 'a')
  t.same(tally([next(all), next(all), next(all), next(all)]), { 2: 2, 3: 2 })
  disable(all, 'b')
  disable(all, 'c')
  t.equal(next(all), '-')
  t.match(all.lines.at(-1) ?? '', /<NOSRV>.* SC /)
})

t.test('weight 0 and disabled get nothing; full ones queue', async (t) => {
  const w = await farm('server a 127.0.0.2:1 weight 0\n  server b 127.0.0.2:2 disabled\n  server c 127.0.0.2:3 maxconn 2')
  t.same([next(w), next(w), next(w)], ['3', '3', '-'])
  t.equal(counts(w)['queue b'], 1)
  disable(w, 'b', false)
  w.pass(50)
  t.equal(w.provider.connects.length, 3, 'who waits goes to a server that came back')
  t.equal(counts(w)['queue b'], 0)
})

t.test('who comes while others wait, waits behind them', async (t) => {
  const w = await farm('server a 127.0.0.2:1 maxconn 1')
  const first = w.accept({ make: (sock) => sock.arrive('1') })
  w.accept({ make: (sock) => sock.arrive('2') })
  w.server(0).connected()
  w.server(0).end()
  first.end()
  w.settle()
  w.accept({ make: (sock) => sock.arrive('3') })
  w.server(1).connected()
  t.equal(w.server(1).said, '2')
  t.equal(counts(w)['queue b'], 1)
})

t.test('a source waits for its server, and no one else for it', async (t) => {
  const w = await farm('balance source\n  server a 127.0.0.2:1 maxconn 1\n  server b 127.0.0.2:2 maxconn 1')
  t.equal(next(w, '10.0.0.0:1'), '1')
  t.equal(next(w, '10.0.0.2:1'), '-', 'the same server, full')
  t.equal(next(w, '10.0.0.1:1'), '2', 'another source is not held up')
  w.server(1).break('ECONNREFUSED')
  t.equal(counts(w)['queue b'], 1, 'it does not go elsewhere')
})

t.test('use-server: the named one while it is up, and it is waited for', async (t) => {
  const w = await farm('use-server b if { src 10.1.0.0/16 }\n  server a 127.0.0.2:1\n  server b 127.0.0.2:2 weight 0 maxconn 1')
  t.equal(next(w, '10.0.0.1:1'), '1')
  const first = w.accept({ src: '10.1.0.1:1', make: (sock) => sock.arrive('x') })
  t.same(w.provider.connects.at(-1)?.to, address('127.0.0.2:2'), 'weight does not matter')
  t.equal(next(w, '10.1.0.2:1'), '-', 'it is full')
  w.pass(100)
  t.equal(counts(w)['queue b'], 1, 'a rule is not forgotten while one waits')
  t.equal(next(w, '10.0.0.1:1'), '1', 'those whom no rule sends there do not wait')
  w.server(1).connected()
  w.server(1).end()
  first.end()
  w.settle()
  t.same(w.provider.connects.at(-1)?.to, address('127.0.0.2:2'))
  t.equal(counts(w)['queue b'], 0)
  disable(w, 'b')
  t.equal(next(w, '10.1.0.3:1'), '1', 'one that is down is passed over')
})

t.test('redispatch passes over the one that failed, while there is another', async (t) => {
  const w = await farm('retries 3\n  option redispatch 1\n  balance first\n  server a 127.0.0.2:1\n  server b 127.0.0.2:2')
  w.accept({ make: (sock) => sock.arrive('x') })
  w.server(0).break('ECONNREFUSED')
  t.same(w.provider.connects.at(-1)?.to, address('127.0.0.2:2'))
  disable(w, 'a')
  w.server(1).break('ECONNREFUSED')
  w.pass(1100)
  t.same(w.provider.connects.at(-1)?.to, address('127.0.0.2:2'), 'with nobody else the same again, after a pause')
})

t.test('set-retries: how often, for this session', async (t) => {
  const TIMES = '  mode tcp\n  timeout client 1m\n  timeout server 1m\n  timeout connect 1s\n'
  const tries = async (text: string): Promise<number> => {
    const w = await world(text)
    w.accept({ make: (sock) => sock.arrive('x') })
    for (let n = 0; n < w.provider.connects.length; n++) {
      w.server(n).break('ECONNREFUSED')
      w.pass(1100)
    }
    return w.provider.connects.length
  }
  const backend = (rules: string): string => `frontend f\n${TIMES}  bind :1\n  default_backend b\nbackend b\n${TIMES}  retries 1\n${rules}  server s 127.0.0.2:1\n`
  const listen = (rules: string): string => `listen l\n${TIMES}  bind :1\n  retries 1\n${rules}  server s 127.0.0.2:1\nbackend b\n${TIMES}  retries 2\n  server s 127.0.0.2:1\n`
  for (const [text, expected] of [
    [backend(''), 2],
    [backend('  tcp-request content set-retries 0\n'), 1],
    [backend('  tcp-request content set-retries 4 if FALSE\n'), 2],
    [backend('  tcp-request content set-retries int(4) if TRUE\n'), 5],
    [listen('  tcp-request content set-retries 3\n'), 4],
    [listen('  tcp-request content set-retries 7\n  use_backend b\n'), 3],
  ] as const) t.equal(await tries(text), expected, text)
})
