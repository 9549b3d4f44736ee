// Owns what rules do on both programs: who is let in, who waits, where a connection goes, and what the log says of it.

import t from 'tap'
import { oracle } from '../kit/oracle.ts'
import type { Scenario, World } from '../kit/oracle.ts'
import { timed } from '../kit/oracle-pair.ts'
import { echo } from '../kit/peers.ts'

const DEFAULTS = `
  mode tcp
  timeout connect 2s
  timeout client 10s
  timeout server 10s`

/** A frontend with these lines and a log format, and a backend with an echo server. */
const one =
  (name: string, format: string, lines: readonly string[], back: readonly string[] = []): Scenario['config'] =>
  (places) =>
    `
frontend f-${name}
  bind 127.0.0.1:${places.port('front')}
  log-format '${format}'
${lines.map((line) => `  ${line}`).join('\n')}
  default_backend b-${name}
backend b-${name}
${back.map((line) => `  ${line}`).join('\n')}
  server s 127.0.0.1:${places.port('server')}
`

/** One exchange with the echo server: what the client saw, and the line that was logged. */
async function exchange(w: World, say = 'hello'): Promise<unknown> {
  await w.serve('server', { on: echo })
  const client = await w.connect('front')
  client.end(say)
  return { client: await client.over(), got: client.text, log: await w.log.lines(1) }
}

/** The same with what is said in parts, and the end when all of it has come back. */
const inParts =
  (...parts: readonly string[]): Scenario['run'] =>
  async (w) => {
    await w.serve('server', { on: echo })
    const client = await w.connect('front')
    for (const part of parts) {
      await client.after(150)
      client.send(part)
    }
    await client.gotBytes(parts.join('').length)
    client.end()
    return { client: await client.over(), got: client.text, log: await w.log.lines(1) }
  }

const scenarios: Scenario[] = [
  {
    name: 'the first rule that decides is the last',
    config: one('first', '%ts %[var(txn.a)] %[var(txn.b)]', ['tcp-request content set-var(txn.a) str(one)', 'tcp-request content accept if { src 127.0.0.0/8 }', 'tcp-request content set-var(txn.b) str(two)', 'tcp-request content reject']),
    run: (w) => exchange(w),
  },
  {
    name: 'named ACLs that add up, or, not, unless',
    config: one('acls', '%ts %[var(txn.a)]', ['acl me src 10.0.0.0/8', 'acl me src 127.0.0.1', 'acl low src_port lt 1', 'tcp-request connection reject if low or !me', 'tcp-request session reject unless me', 'tcp-request content set-var(txn.a) str(in) if me !low']),
    run: (w) => exchange(w),
  },
  {
    name: 'variables of every scope in a log line',
    config: one('vars', '%[var(sess.c)] %[var(txn.c)] %[var(sess.s)] %[var(txn.t)] %[var(req.r)] %[var(res.q)] %[var(txn.rr)] %[var(txn.p)] %ts', [
      'tcp-request connection set-var(sess.c) str(c)',
      'tcp-request connection set-var(txn.c) str(c)',
      'tcp-request session set-var(sess.s) dst_port,add(-1),add(1)',
      'tcp-request content set-var(txn.t) src,ipmask(8)',
      'tcp-request content set-var(req.r) str(r)',
    ], ['tcp-request content set-var(txn.p) var(req.r)', 'tcp-response content set-var(res.q) str(q)', 'tcp-response content set-var(txn.rr) var(req.r)']),
    run: async (w) => {
      const seen = await exchange(w)
      return JSON.parse(w.named(JSON.stringify(seen)))
    },
  },
  {
    name: 'set-src and its kin change the session, not the connection',
    config: one('ends', '%ci:%cp %[src]:%[src_port] %fi:%fp %[dst]:%[dst_port] %ts', ['tcp-request content set-src str(9.9.9.9)', 'tcp-request content set-src-port int(70000)', 'tcp-request content set-dst ipv6(2001:db8::1)', 'tcp-request content set-dst-port int(7)']),
    run: (w) => exchange(w),
  },
  {
    name: 'set-src by a connection rule',
    config: one('connends', '%ci %[src] %fi:%fp %ts', ['tcp-request connection set-src str(9.9.9.9)', 'tcp-request session set-dst str(8.8.8.8)', 'tcp-request session set-dst-port int(53)']),
    run: (w) => exchange(w),
  },
  {
    name: 'captures in slots',
    config: one('captures', '%hr %hrl %hs %ts', ['tcp-request inspect-delay 2s', 'tcp-request content capture src len 5', 'tcp-request content capture req.payload(0,3) len 2', 'tcp-request content capture var(txn.none) len 2']),
    run: (w) => exchange(w),
  },
  {
    name: 'declared slots, among those of rules, written from a backend too',
    config: one('declared', '%hr %hrl %hs %hsl %{+Q}hr %{+E}hs %ts 0=%[capture.req.hdr(0)] 3=%[capture.req.hdr(3)] 9=%[capture.req.hdr(9)] r=%[capture.res.hdr(0)] v=%[var(txn.v)]', [
      'declare capture request len 5',
      'declare capture response len 6',
      'tcp-request content capture int(1234567),capture-req(3) len 3',
      'declare capture request len 12',
      'declare capture response len 30',
      'tcp-request content set-var(txn.v) str(helloworldhello),capture-req(2)',
      'declare capture request len 2',
      'declare capture request len 2',
      'tcp-request content set-var(txn.a) str(),capture-req(4)',
      'tcp-request content set-var(txn.a) str(x),capture-req(5)',
      'tcp-request content set-var(txn.b) bin(41227c7d0d0a5d5c7e7fc3a4237b),capture-res(1)',
    ], ['tcp-request content set-var(txn.q) str(in-backend),capture-req(0)', 'tcp-response content set-var(txn.r) str(backend),capture-res(0)']),
    run: async (w) => {
      const seen = await exchange(w)
      return JSON.parse(w.named(JSON.stringify(seen)))
    },
  },
  {
    name: 'declared slots that nothing fills',
    config: one('unfilled', '%hr %hrl %hs %hsl', ['declare capture request len 5', 'declare capture request len 5', 'declare capture response len 5']),
    run: (w) => exchange(w),
  },
  {
    name: 'a nice session',
    config: one('nice', '%ts %B', ['tcp-request inspect-delay 1s', 'tcp-request content set-nice 5 if { req.len gt 0 }'], ['tcp-response content set-nice -5']),
    run: (w) => exchange(w),
  },
  {
    name: 'a silent session',
    config: one('silent', '%ts %B', ['tcp-request content set-log-level silent if { src 127.0.0.1 }']),
    run: async (w) => {
      await w.serve('server', { on: echo })
      const client = await w.connect('front')
      client.end('x')
      return { client: await client.over(), log: await w.log.quiet() }
    },
  },
  {
    name: 'a louder session',
    config: one('loud', '%ts %B', ['tcp-request content set-log-level crit']),
    run: (w) => exchange(w),
  },
  {
    name: 'rules wait for what they ask for, and not longer',
    config: one('wait', '%ts %[var(txn.first)]', ['tcp-request inspect-delay 3s', 'tcp-request content set-var(txn.first) req.payload(0,3) if { req.len ge 3 }', 'tcp-request content reject unless { req.payload(0,3) -m str abc }']),
    run: inParts('ab', 'cd'),
  },
  {
    name: 'what was set from a part of the bytes is set from all, while a condition waits',
    config: one('anew', '%ts %hr len=%[var(txn.len)] first=%[var(txn.first)] all=%[var(txn.all)] made=%[var(txn.made)] text=%[var(txn.text)] last=%[var(txn.last)] back=%[var(txn.back)] answer=%[var(txn.answer)]', [
      'tcp-request inspect-delay 3s',
      'tcp-request content set-var(txn.len) req.len',
      'tcp-request content set-var(txn.first) req.payload(0,1)',
      'tcp-request content set-var(txn.all) req.payload(0,0)',
      'tcp-request content set-var(txn.made) var(txn.all),upper',
      'tcp-request content set-var-fmt(txn.text) "<%[req.payload(0,3)]>"',
      'tcp-request content capture req.len len 5',
      'tcp-request content accept if { req.len ge 4 }',
      'tcp-request content set-var(txn.last) int(1)',
    ], [
      'tcp-request inspect-delay 3s',
      'tcp-request content set-var(txn.back) req.len',
      'tcp-request content accept if { req.len ge 6 }',
      'tcp-response inspect-delay 3s',
      'tcp-response content set-var(txn.answer) res.len',
      'tcp-response content accept if { res.len ge 6 }',
    ]),
    run: inParts('ab', 'cd', 'ef'),
  },
  {
    name: 'rules that route see an inspection that is over',
    config: (places) => `${one('over', '%ts %b %s', ['tcp-request inspect-delay 3s', 'tcp-request content accept if { req.len ge 2 }', 'use_backend b-none if !{ wait_end }', 'use_backend b-none if { req.payload(0,9) -m found }'], ['use-server s if WAIT_END', 'server t 127.0.0.1:1'])(places)}backend b-none
  server x 127.0.0.1:1
`,
    run: (w) => exchange(w),
  },
  {
    name: 'what no buffer holds is not waited for',
    config: one('nobuffer', '%ts a=%[var(txn.a)] b=%[var(txn.b)] c=%[var(txn.c)] d=%[var(txn.d)] len=%[var(txn.len)]', [
      'tcp-request inspect-delay 3s',
      'tcp-request content set-var(txn.a) int(1) if !{ req.payload(0,16385) -m found }',
      'tcp-request content set-var(txn.b) int(1) if !{ req.payload(16385,0) -m found }',
      'tcp-request content set-var(txn.c) int(1) if { req.len ge 3 }',
      'tcp-request content set-var(txn.d) int(1) if !{ req.payload_lv(0,2) -m found }',
      'tcp-request content set-var(txn.len) req.len',
    ]),
    run: async (w) => {
      await w.serve('server', { on: echo })
      const client = await w.connect('front')
      client.send('POST')
      await client.gotBytes(4)
      client.send('more')
      await client.gotBytes(8)
      client.end()
      return { client: await client.over(), got: client.text, log: await w.log.lines(1) }
    },
  },
  ...['tcp-request content set-var(txn.o) int(1)', 'tcp-request content reject'].map(
    (rule, i): Scenario => ({
      name: `a client that breaks off while rules wait: they decide, then ${rule}`,
      config: one(`broken${i}`, '%ts %b %s %U %[var(txn.len)] %[var(txn.o)]', ['tcp-request inspect-delay 3s', 'tcp-request content set-var(txn.len) req.len', 'tcp-request content accept if { req.len ge 50 }', rule]),
      run: async (w) => {
        await w.serve('server', { on: echo })
        const client = await w.connect('front')
        await client.after(100)
        client.send('hello')
        await client.after(200)
        client.reset()
        return w.log.lines(1)
      },
    }),
  ),
  ...[['tcp-request content set-var(txn.a) be_name'], ['tcp-response content set-var(txn.a) be_name'], ['tcp-response inspect-delay 1s', 'tcp-response content set-var(txn.a) be_name if { be_name -m beg b- }'], ['use-server s if { be_name -m beg b- }', 'tcp-request content set-var(txn.a) be_name']].map(
    (back, i): Scenario => ({
      name: `the first rules of a session are its backend's, and know it: ${back.at(-1) ?? ''}`,
      config: one(`first-back${i}`, '%ts %b %[be_name] %[var(txn.a)]', [], back),
      run: (w) => exchange(w),
    }),
  ),
  {
    name: 'a rule that had all it needs is not done again while a condition waits',
    config: one('once', '%ts n=%[var(txn.n)]', [
      'tcp-request inspect-delay 3s',
      'tcp-request content set-var(txn.n) var(txn.n,0),add(1)',
      'tcp-request content accept if { req.len ge 4 }',
    ]),
    run: inParts('ab', 'cd'),
    differs: { why: 'HAProxy asks all rules for every chunk', headgate: { client: ['got abcd', 'FIN'], got: 'abcd', log: ['<134>tag: -- n=1'] } },
  },
  {
    name: 'an action that waits goes on where it waited',
    config: one('waits', '%ts %hr n=%[var(txn.n)] o=%[var(txn.o)]', [
      'tcp-request inspect-delay 3s',
      'tcp-request content set-var(txn.n) var(txn.n,0),add(1)',
      'tcp-request content capture req.payload(0,4) len 9',
      'tcp-request content set-var(txn.o) var(txn.o,0),add(1)',
    ]),
    run: inParts('ab', 'cd'),
  },
  {
    name: 'WAIT_END waits for the delay',
    config: one('waitend', '%ts', ['tcp-request inspect-delay 500ms', 'tcp-request content reject if WAIT_END']),
    run: async (w) => {
      const since = performance.now()
      const client = await w.connect('front')
      client.send('x')
      return { when: await timed(() => client.over(), 500, since), client: client.events, log: await w.log.lines(1) }
    },
  },
  {
    name: 'a rule that waits for a client that stays silent lets it pass when the delay is over',
    config: one('smtp', '%ts', ['tcp-request inspect-delay 400ms', 'tcp-request content reject if { req.len gt 0 }']),
    run: async (w) => {
      await w.serve('server', { on: (wire) => (wire.send('220 ready\r\n'), wire.socket.on('end', () => wire.end())) })
      const since = performance.now()
      const client = await w.connect('front')
      const when = await timed(() => client.gotBytes(11), 400, since)
      client.end()
      return { when, client: await client.over(), got: client.text }
    },
  },
  {
    name: 'a backend has rules of its own, with a delay of its own',
    config: one('two', '%ts %[var(txn.f)]', ['tcp-request inspect-delay 300ms', 'tcp-request content set-var(txn.f) str(f) if WAIT_END'], ['tcp-request inspect-delay 300ms', 'tcp-request content reject if WAIT_END']),
    run: async (w) => {
      const since = performance.now()
      const client = await w.connect('front')
      client.send('x')
      return { when: await timed(() => client.over(), 600, since), client: client.events, log: await w.log.lines(1) }
    },
  },
  {
    name: 'use_backend by condition, by name, and by default',
    config: (places) => `
frontend f-use
  bind 127.0.0.1:${places.port('front')}
  tcp-request inspect-delay 2s
  tcp-request content accept if { req.len ge 4 }
  tcp-request content set-var(txn.want) req.payload(0,4)
  acl is_a req.payload(0,4) -m str aaaa
  use_backend b-use-a if is_a
  use_backend b-use-%[req.payload(0,4)] if { req.payload(0,1) -m str d }
  default_backend b-use-z
  log-format '%b %s %ts'
backend b-use-a
  server s 127.0.0.1:${places.port('server')}
backend b-use-dddd
  server s 127.0.0.1:${places.port('server')}
backend b-use-z
  server s 127.0.0.1:${places.port('server')}
`,
    run: async (w) => {
      await w.serve('server', { on: echo })
      for (const [i, say] of ['aaaa', 'dddd', 'dxxx', 'zzzz'].entries()) {
        const client = await w.connect('front')
        client.end(say)
        await client.over()
        await w.log.lines(i + 1)
      }
      return w.log.lines(4)
    },
  },
  {
    name: 'use-server by condition, by name, and past a server that is out',
    config: (places) => `
frontend f-srv
  bind 127.0.0.1:${places.port('front')}
  tcp-request inspect-delay 2s
  tcp-request content accept if { req.len ge 2 }
  default_backend b-srv
  log-format '%s %ts'
backend b-srv
  use-server out if { req.payload(0,1) -m str o }
  use-server s2 if { req.payload(0,2) -m str o2 }
  use-server %[req.payload(0,2)] if { req.payload(0,1) -m str s }
  server s1 127.0.0.1:${places.port('server')} weight 0
  server s2 127.0.0.1:${places.port('server')} weight 0
  server out 127.0.0.1:${places.port('server')} disabled
  server rest 127.0.0.1:${places.port('server')}
`,
    run: async (w) => {
      await w.serve('server', { on: echo })
      for (const [i, say] of ['s1', 's2', 's9', 'o2', 'ox', 'zz'].entries()) {
        const client = await w.connect('front')
        client.end(say)
        await client.over()
        await w.log.lines(i + 1)
      }
      return w.log.lines(6)
    },
  },
  {
    name: 'tcp-response content: reject',
    config: one('resrej', '%ts', [], ['tcp-response inspect-delay 2s', 'tcp-response content reject if { res.payload(0,3) -m str bad }']),
    run: (w) => exchange(w, 'bad news'),
  },
  ...['tcp-response content close', 'tcp-response inspect-delay 2s|tcp-response content close if { res.len gt 0 }', 'tcp-response inspect-delay 300ms|tcp-response content close if WAIT_END'].map(
    (lines, i): Scenario => ({
      name: `tcp-response content: ${lines.split('|').at(-1)}`,
      config: one(`resclose${i}`, '%ts %B %U', [], lines.split('|')),
      async run(w) {
        const server = await w.serve('server', { on: (wire) => wire.send('greetings') })
        const client = await w.connect('front')
        const seen = { client: await client.over(), got: client.text }
        const wire = await server.wire(0)
        return { ...seen, server: await wire.over(), log: await w.log.lines(1) }
      },
    }),
  ),
  {
    name: 'tcp-response content: close, when the server has broken off',
    config: one('resbroken', '%ts %B', [], ['tcp-response inspect-delay 2s', 'tcp-response content close if !{ res.len ge 3 }']),
    async run(w) {
      const server = await w.serve('server')
      const client = await w.connect('front')
      client.send('x')
      const wire = await server.wire(0)
      await wire.gotBytes(1)
      wire.reset()
      return { client: await client.over(), log: await w.log.lines(1) }
    },
  },
  {
    name: 'tcp-response content: accept',
    config: one('resacc', '%ts %B %[var(txn.r)]', [], ['tcp-response inspect-delay 2s', 'tcp-response content set-var(txn.r) res.payload(0,4) if { res.len ge 4 }', 'tcp-response content accept']),
    run: (w) => exchange(w, 'good news'),
  },
  {
    name: 'expect-proxy for some, then the announced source is what rules and logs see',
    config: one('pp', '%ci:%cp %[src] %ts', ['tcp-request connection expect-proxy layer4 if { src 127.0.0.0/8 }', 'tcp-request session reject unless { src 192.0.2.0/24 }']),
    run: (w) => exchange(w, 'PROXY TCP4 192.0.2.7 198.51.100.1 4000 443\r\nhello'),
  },
  {
    name: 'flags of log fields',
    config: one('flags', '%{+Q}ci %{+X}fi %{+Q}b %{+Q}s %{+E}[str("a\\"b]")] %{+Q}[var(txn.none)] %[var(txn.none)]   x  %% %ts', []),
    run: (w) => exchange(w),
  },
  {
    name: 'process variables of the global section',
    config: one('proc', '%[var(proc.one)] %[var(proc.two)] %ts', []),
    run: (w) => exchange(w),
  },
]

await oracle(t, 'rules', { times: true, defaults: DEFAULTS, global: () => '  set-var proc.one int(200),add(1)\n  set-var-fmt proc.two "a %[var(proc.one)]"\n', scenarios })
