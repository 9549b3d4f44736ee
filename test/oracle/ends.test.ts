// Owns how a connection ends in mode tcp: what client, server and log see, for each way it can end once it is there or refused.

import t from 'tap'
import { oracle } from '../kit/oracle.ts'
import type { Scenario } from '../kit/oracle.ts'
import { clientEnds, line, pair, tlsFront, underWay } from '../kit/oracle-pair.ts'
import { echo, endBack } from '../kit/peers.ts'

const refused: Scenario[] = [
  {
    name: 'tcp-request connection reject: RST at once, no log line',
    config: pair('conn-reject', { front: 'tcp-request connection reject' }),
    run: async (w) => {
      const client = await w.connect('front')
      client.send('hello')
      return { client: await client.over(), log: await w.log.quiet() }
    },
    expect: { client: ['RST'], log: [] },
  },
  {
    name: 'tcp-request session reject: FIN, no log line',
    config: pair('sess-reject', { front: 'tcp-request session reject' }),
    run: async (w) => {
      const client = await w.connect('front')
      return { client: await client.over(), log: await w.log.quiet() }
    },
    expect: { client: ['FIN'], log: [] },
  },
  {
    name: 'tcp-request content reject with data pending: FIN, PR',
    config: pair('content-reject', { front: 'tcp-request inspect-delay 5s\n  tcp-request content reject if { req.len gt 0 }' }),
    run: async (w) => {
      const client = await w.connect('front')
      client.send('some data')
      return { client: await client.over(), log: await w.log.lines(1) }
    },
    expect: { client: ['FIN'], log: ['<134>tag: 127.0.0.1:port [date] f-content-reject f-content-reject/<NOSRV> -1/-1/0 0 PR #/1/0/0/0 0/0'] },
  },
  {
    name: 'trap 10: a content rule is final when its delay is over: FIN at 0.5 s',
    config: pair('content-delay', { front: 'tcp-request inspect-delay 500ms\n  tcp-request content accept if { req.len gt 100 }\n  tcp-request content reject' }),
    run: async (w) => {
      const client = await w.connect('front')
      client.send('short')
      return clientEnds(w, client, 500)
    },
    expect: {
      when: 'about 500 ms',
      client: ['FIN'],
      log: ['<134>tag: 127.0.0.1:port [date] f-content-delay f-content-delay/<NOSRV> -1/-1/0 0 PR #/1/0/0/0 0/0'],
    },
  },
  {
    name: 'trap 10: a content rule is final at once when the client has ended',
    config: pair('content-end', { front: 'tcp-request inspect-delay 4s\n  tcp-request content accept if { req.len gt 100 }\n  tcp-request content reject' }),
    run: async (w) => {
      const client = await w.connect('front')
      client.end('short')
      return clientEnds(w, client, 0)
    },
    expect: {
      when: 'about 0 ms',
      client: ['FIN'],
      log: ['<134>tag: 127.0.0.1:port [date] f-content-end f-content-end/<NOSRV> -1/-1/0 0 PR #/1/0/0/0 0/0'],
    },
  },
  {
    name: 'trap 10: a content rule is final when the buffer is full',
    config: pair('content-full', { front: 'tcp-request inspect-delay 4s\n  tcp-request content accept if { req.len gt 1000000 }\n  tcp-request content reject' }),
    run: async (w) => {
      const client = await w.connect('front')
      client.send(Buffer.alloc(100_000, 'x'))
      return clientEnds(w, client, 0)
    },
    expect: {
      when: 'about 0 ms',
      client: ['FIN'],
      log: ['<134>tag: 127.0.0.1:port [date] f-content-full f-content-full/<NOSRV> -1/-1/0 0 PR #/1/0/0/0 0/0'],
    },
  },
  {
    name: 'trap 10: "not yet" while more may come: the rule waits for the second byte',
    config: pair('content-wait', { front: 'tcp-request inspect-delay 4s\n  tcp-request content accept if { req.len ge 2 }\n  tcp-request content reject' }),
    run: async (w) => {
      const server = await w.serve('server', { on: echo })
      const client = await w.connect('front')
      client.send('a')
      await client.after(200)
      const reached = server.wires.length
      client.send('b')
      await client.got('ab')
      client.end()
      return { reached, client: await client.over(), log: await w.log.lines(1) }
    },
    expect: {
      reached: 0,
      client: ['got ab', 'FIN'],
      log: [line('content-wait', '0/0/0', 2, '--')],
    },
  },
  {
    name: 'trap 11: silent-drop: nothing, ever',
    config: pair('silent', { front: 'tcp-request connection silent-drop' }),
    run: async (w) => {
      const client = await w.connect('front')
      const quiet = await client.after(400)
      return { client: quiet, log: await w.log.quiet() }
    },
    expect: { client: [], log: [] },
  },
  {
    name: 'no server in the backend: FIN, SC',
    config: ({ port }) => `
frontend f-none
  bind 127.0.0.1:${port('front')}
  default_backend b-none
backend b-none
`,
    run: async (w) => {
      const client = await w.connect('front')
      client.send('hello')
      return { client: await client.over(), log: await w.log.lines(1) }
    },
    expect: { client: ['FIN'], log: ['<134>tag: 127.0.0.1:port [date] f-none b-none/<NOSRV> -1/-1/0 0 SC #/1/0/0/0 0/0'] },
  },
  {
    name: 'server refuses, a silent client (client 1.5 s, connect 1 s, retries 3): FIN at 1.5 s, cC, 2 retries',
    config: pair('refuses-silent', { front: 'timeout client 1500ms', back: 'timeout connect 1s' }),
    run: async (w) => {
      const client = await w.connect('front')
      return clientEnds(w, client, 1500)
    },
    expect: { when: 'about 1500 ms', client: ['FIN'], log: [line('refuses-silent', '0/-1/0', 0, 'cC', '#/1/0/0/2 0/0')] },
  },
  {
    name: 'server refuses, the client has sent: FIN when the three retries are over, SC',
    config: pair('refuses', { front: 'timeout client 2s', back: 'timeout connect 1s' }),
    run: async (w) => {
      const client = await w.connect('front')
      client.send('hello')
      return clientEnds(w, client, 3000)
    },
    expect: { when: 'about 3000 ms', client: ['FIN'], log: [line('refuses', '0/-1/0', 0, 'SC', '#/1/0/0/3 0/0')] },
  },
  {
    name: 'bad PROXY header, data left unread: RST, and the line that says so',
    config: pair('badproxy', { bind: 'accept-proxy' }),
    run: async (w) => {
      const client = await w.connect('front')
      client.send('GET / HTTP/1.0\r\nHost: somewhere.example\r\n\r\n')
      return { client: await client.over(), log: await w.log.lines(1) }
    },
    expect: {
      client: ['RST'],
      log: ['<134>tag: 127.0.0.1:port [date] f-badproxy/1: Received something which does not look like a PROXY protocol header'],
    },
  },
  {
    name: 'PROXY header never comes: FIN after timeout client',
    config: pair('noproxy', { bind: 'accept-proxy', front: 'timeout client 500ms' }),
    run: async (w) => {
      const client = await w.connect('front')
      return clientEnds(w, client, 500)
    },
    expect: {
      when: 'about 500 ms',
      client: ['FIN'],
      log: ['<134>tag: 127.0.0.1:port [date] f-noproxy/1: Timeout while waiting for PROXY protocol header'],
    },
  },
  {
    name: 'junk on a TLS port: FIN, the input drained',
    config: pair('junktls', tlsFront()),
    run: async (w) => {
      const client = await w.connect('front')
      client.send('this is not a ClientHello, not at all\r\n'.repeat(20))
      const events = await client.over()
      return { client: events.filter((event) => !event.startsWith('got ')), log: await w.log.lines(1) }
    },
    expect: { client: ['FIN'], log: ['<134>tag: 127.0.0.1:port [date] f-junktls/1: SSL handshake failure'] },
  },
]

const carried: Scenario[] = [
  {
    name: 'client sends and ends, server echoes: data and FIN both ways',
    config: pair('echo'),
    run: async (w) => {
      const server = await w.serve('server', { on: echo })
      const client = await w.connect('front')
      client.end('hello')
      return { client: await client.over(), server: await (await server.wire()).over(), log: await w.log.lines(1) }
    },
    expect: { client: ['got hello', 'FIN'], server: ['got hello', 'FIN'], log: [line('echo', '0/0/0', 5, '--')] },
  },
  {
    name: 'client ends, server answers a while later: the late data arrives',
    config: pair('late'),
    run: async (w) => {
      const server = await w.serve('server')
      const client = await w.connect('front')
      client.end('question')
      const wire = await server.wire()
      const first = await wire.over()
      await wire.after(100)
      wire.end('answer')
      return { first, client: await client.over(), log: await w.log.lines(1) }
    },
    expect: { first: ['got question', 'FIN'], client: ['got answer', 'FIN'], log: [line('late', '0/0/0', 6, '--')] },
  },
  {
    name: 'server ends first, client goes on sending',
    config: pair('serverfirst'),
    run: async (w) => {
      const server = await w.serve('server')
      const client = await w.connect('front')
      const wire = await server.wire()
      wire.end('bye')
      const seen = await client.over()
      client.send('still ')
      await wire.got('still ')
      client.end('here')
      await wire.over()
      return { client: seen, server: wire.events, log: await w.log.lines(1) }
    },
    expect: { client: ['got bye', 'FIN'], server: ['got still here', 'FIN'], log: [line('serverfirst', '0/0/0', 3, '--')] },
  },
  {
    name: 'server RST: the client sees FIN, SD',
    config: pair('serverrst'),
    run: async (w) => {
      const { client, wire } = await underWay(w)
      wire.reset()
      return { client: await client.over(), log: await w.log.lines(1) }
    },
    expect: { client: ['FIN'], log: [line('serverrst', '0/0/0', 0, 'SD')] },
  },
  {
    name: 'client RST: the server sees RST, CD',
    config: pair('clientrst'),
    run: async (w) => {
      const { client, wire } = await underWay(w)
      client.reset()
      return { server: await wire.over(), log: await w.log.lines(1) }
    },
    expect: { server: ['got hello', 'RST'], log: [line('clientrst', '0/0/0', 0, 'CD')] },
  },
  {
    name: 'client RST after the server answered: what was answered counts, CD',
    config: pair('clientrst2'),
    run: async (w) => {
      const server = await w.serve('server', { on: echo })
      const client = await w.connect('front')
      client.send('hello')
      await client.got('hello')
      client.reset()
      return { server: await (await server.wire()).over(), log: await w.log.lines(1) }
    },
    expect: { server: ['got hello', 'RST'], log: [line('clientrst2', '0/0/0', 5, 'CD')] },
  },
  {
    name: 'server RST after the client has ended: SD',
    config: pair('serverrst2'),
    run: async (w) => {
      const server = await w.serve('server')
      const client = await w.connect('front')
      client.end('hello')
      const wire = await server.wire()
      await wire.over()
      wire.reset()
      return { client: await client.over(), log: await w.log.lines(1) }
    },
    expect: { client: ['FIN'], log: [line('serverrst2', '0/0/0', 0, 'SD')] },
  },
  {
    name: 'client RST after the server has ended',
    config: pair('clientrst3'),
    run: async (w) => {
      const server = await w.serve('server')
      const client = await w.connect('front')
      const wire = await server.wire()
      wire.end('bye')
      await client.over()
      client.reset()
      return { server: await wire.over(), log: await w.log.lines(1) }
    },
    expect: { server: ['FIN'], log: [line('clientrst3', '0/0/0', 3, 'CD')] },
  },
  {
    name: 'idle until timeout client: FIN to the client, the server sees an end, cD',
    config: pair('idle', { front: 'timeout client 500ms' }),
    run: async (w) => {
      const server = await w.serve('server', { on: endBack })
      const client = await w.connect('front')
      client.send('hello')
      return { ...(await clientEnds(w, client, 500)), server: await (await server.wire()).over() }
    },
    expect: {
      when: 'about 500 ms',
      client: ['FIN'],
      server: ['got hello', 'FIN'],
      log: [line('idle', '0/0/0', 0, 'cD')],
    },
  },
  {
    name: 'idle until timeout server: sD',
    config: pair('sidle', { back: 'timeout server 500ms' }),
    run: async (w) => {
      const server = await w.serve('server')
      const client = await w.connect('front')
      client.send('hello')
      client.socket.on('end', () => client.end())
      return { ...(await clientEnds(w, client, 500)), server: await (await server.wire()).over() }
    },
    expect: {
      when: 'about 500 ms',
      client: ['FIN'],
      server: ['got hello', 'FIN'],
      log: [line('sidle', '0/0/0', 0, 'sD')],
    },
  },
]

await oracle(t, 'refused or never begun', { bothProviders: true, scenarios: refused, times: true })
await oracle(t, 'carried to the end', { bothProviders: true, scenarios: carried, times: true })
