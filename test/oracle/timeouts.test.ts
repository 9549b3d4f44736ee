// Owns when a connection ends by time, what is said then, and how long a connection waits for its turn.

import t from 'tap'
import { about, oracle } from '../kit/oracle.ts'
import type { Scenario, World } from '../kit/oracle.ts'
import { clientEnds, line, pair, timed, tlsFront } from '../kit/oracle-pair.ts'
import { echo, endBack, greet } from '../kit/peers.ts'
import type { Server, Wire } from '../kit/peers.ts'

/**
 * As timed(), where a full pipe is what is waited for. Its end is not sharp: the kernel hands the last bytes on when its persist
 * timer fires, 200 ms and then 400 ms later, and each of them is activity that the timeout counts from.
 */
async function fullPipe(f: () => Promise<unknown>, expected: number, since: number): Promise<string> {
  await f()
  return about(performance.now() - since, expected, 1500)
}

const established: Scenario[] = [
  {
    name: 'trap 6: timeout server-fin: the client has ended, the server is silent',
    config: pair('server-fin', { back: 'timeout server-fin 500ms' }),
    run: async (w) => {
      const server = await w.serve('server')
      const client = await w.connect('front')
      client.end('hello')
      const wire = await server.wire()
      await wire.over()
      return { ...(await clientEnds(w, client, 500)), server: wire.events }
    },
  },
  {
    name: 'trap 6: timeout client-fin: the server has ended, the client is silent',
    config: pair('client-fin', { front: 'timeout client-fin 500ms' }),
    run: async (w) => {
      const server = await w.serve('server')
      const client = await w.connect('front')
      const wire = await server.wire()
      wire.end('bye')
      await client.over()
      const when = await timed(() => wire.over(), 500, client.since)
      return { when, client: client.events, server: wire.events, log: await w.log.lines(1) }
    },
  },
  {
    name: "trap 6: both -fin timeouts, the client has ended: the server's counts",
    config: pair('both-fin', { front: 'timeout client-fin 2s', back: 'timeout server-fin 500ms' }),
    run: async (w) => {
      const server = await w.serve('server')
      const client = await w.connect('front')
      client.end('hello')
      await (await server.wire()).over()
      return clientEnds(w, client, 500)
    },
  },
  {
    name: 'timeout tunnel replaces client and server once both are connected',
    config: pair('tunnel', { front: 'timeout client 300ms', back: 'timeout server 300ms\n  timeout tunnel 1s' }),
    run: async (w) => {
      const server = await w.serve('server', { on: echo })
      const client = await w.connect('front')
      client.send('hello')
      await client.got('hello')
      return { ...(await clientEnds(w, client, 1000)), server: (await server.wire()).events[0] }
    },
  },
  {
    name: 'timeout tunnel and client-fin: the server has ended, so client-fin counts',
    config: pair('tunnel-fin', { front: 'timeout client-fin 500ms', back: 'timeout tunnel 5s' }),
    run: async (w) => {
      const server = await w.serve('server')
      const client = await w.connect('front')
      const wire = await server.wire()
      wire.end('bye')
      await client.over()
      const when = await timed(() => wire.over(), 500, client.since)
      return { when, server: wire.events, log: await w.log.lines(1) }
    },
  },
  {
    name: 'timeout client-fin says nothing about a client that has ended: timeout server counts',
    config: pair('client-fin-ended', { front: 'timeout client-fin 300ms', back: 'timeout server 1s' }),
    run: async (w) => {
      const server = await w.serve('server')
      const client = await w.connect('front')
      client.end('hello')
      await (await server.wire()).over()
      return clientEnds(w, client, 1000)
    },
  },
  {
    name: 'timeout client: the server is told, and its last answer goes to the client, also a late one: cD',
    config: pair('client-given-up', { front: 'timeout client 500ms\n  timeout client-fin 300ms', back: 'timeout server 5s' }),
    run: async (w) => {
      const server = await w.serve('server')
      const client = await w.connect('front')
      const wire = await server.wire()
      const when = await timed(() => wire.over(), 500, client.since)
      client.send('nobody listens')
      await wire.after(600)
      const before = client.events
      wire.end('last')
      return { when, before, client: await client.over(), server: wire.events, log: await w.log.lines(1) }
    },
  },
  {
    name: 'timeout server: the client is told, and what it still says goes to the server: sD',
    config: pair('server-given-up', { front: 'timeout client 5s', back: 'timeout server 500ms' }),
    run: async (w) => {
      const server = await w.serve('server')
      const client = await w.connect('front')
      const wire = await server.wire()
      const when = await timed(() => client.over(), 500, client.since)
      await client.after(600)
      client.end('bye')
      return { when, client: client.events, server: await wire.over(), log: await w.log.lines(1) }
    },
  },
  {
    name: 'timeout client, then a server that stays silent: it has what is left of its own time, or timeout server-fin',
    config: pair('both-given-up', { front: 'timeout client 500ms', back: 'timeout server 1500ms' }),
    run: async (w) => {
      await w.serve('server')
      const client = await w.connect('front')
      return clientEnds(w, client, 1500)
    },
  },
  {
    name: 'timeout client, then a silent server under timeout server-fin',
    config: pair('given-up-fin', { front: 'timeout client 500ms', back: 'timeout server 5s\n  timeout server-fin 500ms' }),
    run: async (w) => {
      await w.serve('server')
      const client = await w.connect('front')
      return clientEnds(w, client, 1000)
    },
  },
  {
    name: 'timeout client counts from before content rules wait, where nothing was said',
    config: pair('rules-silent', { front: 'timeout client 1500ms\n  tcp-request inspect-delay 1s\n  tcp-request content accept if { req.len gt 0 }' }),
    run: async (w) => {
      const server = await w.serve('server')
      const client = await w.connect('front')
      const wire = await server.wire()
      const when = await timed(() => wire.over(), 1500, client.since)
      wire.end('bye')
      return { when, client: await client.over(), log: (await w.log.lines(1)).map((text) => text.replace(/ \d+\/0\/0 /, ' waited/0/0 ')) }
    },
  },
  {
    name: 'timeout client strikes a client that has said too little for the rules: cR',
    config: pair('rules-little', { front: 'timeout client 1500ms\n  tcp-request inspect-delay 5s\n  tcp-request content accept if { req.len gt 10 }' }),
    run: async (w) => {
      const client = await w.connect('front')
      await client.after(200)
      const since = performance.now()
      client.send('abc')
      const when = await timed(() => client.over(), 1500, since)
      return { when, client: client.events, log: (await w.log.lines(1)).map((text) => text.slice(-18)) }
    },
  },
  {
    name: 'timeout client while a server is connected to: the connect goes on, cC',
    config: pair('deaf-silent', { front: 'timeout client 500ms', back: 'timeout connect 1500ms\n  retries 0' }),
    run: async (w) => {
      await w.deaf('server')
      const client = await w.connect('front')
      return clientEnds(w, client, 1500)
    },
  },
  {
    name: 'a client that ends without a byte while rules wait is connected to its server',
    config: pair('rules-ended', { front: 'tcp-request inspect-delay 5s\n  tcp-request content accept if { req.len gt 0 }' }),
    run: async (w) => {
      const server = await w.serve('server')
      const client = await w.connect('front')
      await client.after(100)
      client.end()
      const wire = await server.wire()
      await wire.over()
      wire.end('banner')
      return { client: await client.over(), server: wire.events, log: (await w.log.lines(1)).map((text) => text.replace(/ \d+\/0\/0 /, ' waited/0/0 ')) }
    },
  },
  {
    name: 'a silent client lives on while the server talks to it',
    config: pair('server-talks', { front: 'timeout client 600ms' }),
    run: async (w) => {
      const server = await w.serve('server')
      const client = await w.connect('front')
      const wire = await server.wire()
      for (let i = 0; i < 6; i++) {
        wire.send('.')
        await client.after(230)
      }
      const alive = !client.ended
      wire.end()
      client.end()
      await client.over()
      return { alive, client: client.events, log: await w.log.lines(1) }
    },
  },
  {
    name: 'a silent server lives on while the client talks to it',
    config: pair('client-talks', { back: 'timeout server 600ms' }),
    run: async (w) => {
      const server = await w.serve('server')
      const client = await w.connect('front')
      for (let i = 0; i < 6; i++) {
        client.send('.')
        await client.after(230)
      }
      const alive = !client.ended
      client.end()
      const wire = await server.wire()
      await wire.over()
      wire.end()
      await client.over()
      return { alive, server: wire.events, log: await w.log.lines(1) }
    },
  },
  {
    name: 'a client that does not read: timeout client, cD',
    config: pair('deaf-client', { front: 'timeout client 700ms' }),
    run: async (w) => {
      const server = await w.serve('server')
      const client = await w.connect('front')
      client.pause()
      const wire = await server.wire()
      wire.send(Buffer.alloc(16 << 20))
      const when = await fullPipe(() => wire.over(), 700, client.since)
      return { when, server: wire.events, log: (await w.log.lines(1)).map((text) => text.replace(/ \d+ (\S\S) /, ' bytes $1 ')) }
    },
  },
  {
    name: 'a server that does not read: timeout server, sD',
    config: pair('deaf-server', { back: 'timeout server 700ms' }),
    run: async (w) => {
      await w.serve('server', { paused: true })
      const client = await w.connect('front')
      client.send(Buffer.alloc(16 << 20))
      const when = await fullPipe(() => client.over(), 700, client.since)
      return { when, client: client.events, log: await w.log.lines(1) }
    },
  },
  {
    name: 'timeout client while the TLS handshake is awaited',
    config: pair('tls-silent', tlsFront({ front: 'timeout client 500ms' })),
    run: async (w) => {
      const client = await w.connect('front')
      return clientEnds(w, client, 500)
    },
  },
  {
    name: 'a TLS handshake that stops in the middle of the ClientHello',
    config: pair('tls-half', tlsFront({ front: 'timeout client 500ms' })),
    run: async (w) => {
      const client = await w.connect('front')
      client.send(Buffer.from('16030102000100', 'hex'))
      return clientEnds(w, client, 500)
    },
  },
  {
    name: 'a PROXY header that comes in pieces and never ends',
    config: pair('proxy-half', { bind: 'accept-proxy', front: 'timeout client 500ms' }),
    run: async (w) => {
      const client = await w.connect('front')
      client.send('PROXY TCP4 1.2.3.4')
      const when = await timed(() => client.over(), 500, client.since)
      return { when }
    },
    differs: {
      why: 'HAProxy wants the PROXY header in one piece; the protocol lets it come in several, so Headgate waits',
      headgate: { when: 'about 500 ms' },
    },
  },
]

const connecting: Scenario[] = [
  {
    name: 'timeout connect to a server that does not answer: sC',
    config: pair('deaf', { back: 'timeout connect 500ms\n  retries 0' }),
    run: async (w) => {
      await w.deaf('server')
      const client = await w.connect('front')
      client.send('hello')
      return clientEnds(w, client, 500)
    },
  },
  {
    name: 'timeout connect counts for each try: retries 2',
    config: pair('deaf-retries', { back: 'timeout connect 500ms\n  retries 2' }),
    run: async (w) => {
      await w.deaf('server')
      const client = await w.connect('front')
      client.send('hello')
      const since = performance.now()
      await client.over()
      return { when: about(performance.now() - since, 1500), client: client.events, log: await w.log.lines(1) }
    },
  },
]

/** The only place of a server with maxconn 1 is taken. */
async function taken(w: World): Promise<{ readonly server: Server; readonly first: Wire }> {
  const server = await w.serve('server', { on: endBack })
  const first = await w.connect('front')
  first.send('first')
  await (await server.wire()).got('first')
  return { server, first }
}

const queued: Scenario[] = [
  {
    name: 'maxconn of a server: the second waits until the first has ended',
    logTimes: true,
    config: pair('queue', { server: 'maxconn 1' }),
    run: async (w) => {
      const { server, first } = await taken(w)
      const second = await w.connect('front')
      second.send('second')
      await second.after(550)
      const waiting = server.wires.length
      first.end()
      await first.over()
      await (await server.wire(1)).got('second')
      second.end()
      await second.over()
      return { waiting, log: await w.log.lines(2) }
    },
  },
  {
    name: 'timeout queue: sQ',
    logTimes: true,
    config: pair('queue-timeout', { back: 'timeout queue 500ms', server: 'maxconn 1' }),
    run: async (w) => {
      const { server } = await taken(w)
      const second = await w.connect('front')
      second.send('second')
      const when = await timed(() => second.over(), 500, second.since)
      const log = await w.log.lines(1)
      return { when, second: second.events, servers: server.wires.length, log }
    },
  },
  {
    name: 'a client that breaks while it is in the queue: CD',
    config: pair('queue-leave', { server: 'maxconn 1' }),
    run: async (w) => {
      const { server } = await taken(w)
      const second = await w.connect('front')
      await second.after(100)
      second.reset()
      const log = await w.log.lines(1)
      return { servers: server.wires.length, log }
    },
  },
  {
    name: 'the queue is served in order',
    config: pair('queue-order', { server: 'maxconn 1' }),
    run: async (w) => {
      const { server, first } = await taken(w)
      const waiting = []
      for (const name of ['1', '2', '3']) {
        const client = await w.connect('front')
        client.end(name)
        waiting.push(client)
        await client.after(50)
      }
      first.end()
      for (const client of waiting) await client.over()
      return { order: server.wires.map((wire) => wire.text) }
    },
    expect: { order: ['first', '1', '2', '3'] },
  },
  {
    name: 'maxconn of a frontend: the second waits in the backlog, unaccepted',
    config: pair('maxconn', { front: 'maxconn 1' }),
    run: async (w) => {
      const server = await w.serve('server', { on: greet('hi') })
      const first = await w.connect('front')
      await first.got('hi')
      const second = await w.connect('front')
      const quiet = await second.after(200)
      const waiting = server.wires.length
      first.end()
      ;(await server.wire()).end()
      await first.over()
      await second.got('hi')
      second.end()
      ;(await server.wire(1)).end()
      await second.over()
      return { quiet, waiting, second: second.events, log: await w.log.lines(2) }
    },
    expect: {
      quiet: [],
      waiting: 1,
      second: ['got hi', 'FIN'],
      log: [line('maxconn', '0/0/0', 2, '--'), line('maxconn', '0/0/0', 2, '--')],
    },
  },
]

await oracle(t, 'established', { bothProviders: true, scenarios: established, times: true, together: 12 })
await oracle(t, 'connecting', { bothProviders: true, scenarios: connecting, times: true })
await oracle(t, 'waiting for a turn', { bothProviders: true, scenarios: queued, times: true })
await oracle(t, 'half-closed', {
  bothProviders: true,
  scenarios: [
    {
      name: 'trap 6: a half-closed session that waits uses no CPU',
      config: pair('spin', { front: 'timeout client-fin 3s', back: 'timeout server-fin 3s' }),
      run: async (w) => {
        const server = await w.serve('server')
        const client = await w.connect('front')
        client.end('hello')
        await (await server.wire()).over()
        const other = await w.connect('front')
        const wire = await server.wire(1)
        wire.end('bye')
        await other.over()
        await other.after(300)
        const before = w.program.cpu()
        await other.after(1000)
        const used = w.program.cpu() - before
        return { used: used <= 150 ? 'little' : `${used} ms in 1 s` }
      },
      expect: { used: 'little' },
    },
  ],
})
