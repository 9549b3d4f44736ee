// Owns what happens while a server cannot be reached: retries, redispatch, a client that leaves, and the cause that is reported.

import t from 'tap'
import { about, oracle } from '../kit/oracle.ts'
import type { Places, Scenario, World } from '../kit/oracle.ts'
import { clientEnds, line, pair } from '../kit/oracle-pair.ts'
import { echo, greet } from '../kit/peers.ts'

/** One try a second, three at most: how many there were before the test went on is the machine's affair. */
const tries = (log: readonly string[]): string[] => log.map((text) => text.replace(/ 0\/[123]000\/0 /, ' 0/seconds/0 ').replace(/ #\/1\/0\/0\/[123] /, ' #/1/0/0/tries '))

const two =
  (name: string, lines: string, servers: readonly string[] = ['dead', 'live']) =>
  (places: Places): string => `
frontend f-${name}
  bind 127.0.0.1:${places.port('front')}
  default_backend b-${name}
backend b-${name}
  ${lines}
${servers.map((server) => `  server ${server} 127.0.0.1:${places.port(server)}`).join('\n')}
`

/** One client that sends and echoes, and how long that took. */
async function once(w: World, expected: number): Promise<unknown> {
  const client = await w.connect('front')
  client.end('hello')
  await client.over()
  return { when: about(performance.now() - client.since, expected), client: client.events }
}

const retries: Scenario[] = [
  {
    name: 'retries 0: the session ends at once, SC',
    logTimes: true,
    config: pair('retries0', { back: 'retries 0' }),
    run: async (w) => ({ seen: await once(w, 0), log: await w.log.lines(1) }),
  },
  {
    name: 'retries 1: a second after the first try',
    logTimes: true,
    config: pair('retries1', { back: 'retries 1' }),
    run: async (w) => ({ seen: await once(w, 1000), log: await w.log.lines(1) }),
  },
  {
    name: 'timeout connect of 300 ms is the pause before a retry, being shorter than a second',
    logTimes: true,
    config: pair('retries-short', { back: 'retries 2\n  timeout connect 300ms' }),
    run: async (w) => ({ seen: await once(w, 600), log: await w.log.lines(1) }),
  },
  {
    name: 'a server that comes back between two tries gets the session, with what the client sent',
    logTimes: true,
    config: pair('comes-back'),
    run: async (w) => {
      const client = await w.connect('front')
      client.send('kept')
      await client.after(300)
      await w.serve('server', { on: echo })
      await client.got('kept')
      client.end()
      return { client: await client.over(), log: tries(await w.log.lines(1)) }
    },
  },
]

const redispatch: Scenario[] = [
  {
    name: 'option redispatch with two retries: the other server at once',
    logTimes: true,
    config: two('redispatch', 'option redispatch\n  retries 2'),
    run: async (w) => {
      await w.serve('live', { on: echo })
      return { seen: await once(w, 0), log: await w.log.lines(1) }
    },
  },
  {
    name: 'option redispatch 1: the other server at once',
    logTimes: true,
    config: two('redispatch1', 'option redispatch 1'),
    run: async (w) => {
      await w.serve('live', { on: echo })
      return { seen: await once(w, 0), log: await w.log.lines(1) }
    },
  },
  {
    name: 'retries 1 with redispatch: the other server at once',
    logTimes: true,
    config: two('redispatch-one', 'option redispatch\n  retries 1'),
    run: async (w) => {
      await w.serve('live', { on: echo })
      return { seen: await once(w, 0), log: await w.log.lines(1) }
    },
  },
  {
    name: 'no redispatch: the dead server keeps its sessions, the live one answers the others',
    logTimes: true,
    config: two('no-redispatch', 'retries 1'),
    run: async (w) => {
      await w.serve('live', { on: echo })
      const dead = await once(w, 1000)
      return { dead, live: await once(w, 0), log: await w.log.lines(2) }
    },
  },
  {
    name: 'after a redispatch round robin goes on as if it had not been',
    config: two('redispatch-again', 'option redispatch 1', ['dead', 'live', 'third']),
    run: async (w) => {
      await w.serve('live', { on: greet('live') })
      await w.serve('third', { on: greet('third') })
      const servers: string[] = []
      for (let i = 0; i < 5; i++) {
        const client = await w.connect('front')
        await client.gotBytes(4)
        servers.push(client.text)
        client.end()
        w.teardown(() => client.destroy())
      }
      return { servers }
    },
  },
  {
    name: 'every server is dead: redispatch ends too, SC',
    config: two('all-dead', 'option redispatch 1\n  retries 2', ['dead', 'dead2']),
    run: async (w) => {
      const client = await w.connect('front')
      client.send('hello')
      await client.over()
      return { client: client.events, log: (await w.log.lines(1)).map((text) => text.replace(/ \S+ (\d+ SC)/, ' times $1')) }
    },
  },
  {
    name: 'redispatch away from a server that does not answer',
    logTimes: true,
    config: two('deaf', 'option redispatch 1\n  timeout connect 500ms', ['deaf', 'live']),
    run: async (w) => {
      await w.deaf('deaf')
      await w.serve('live', { on: echo })
      return { seen: await once(w, 500), log: await w.log.lines(1) }
    },
  },
]

const whileConnecting: Scenario[] = [
  {
    name: 'a client that ends without a byte before the server is connected aborts the session: CC',
    config: pair('cc'),
    run: async (w) => {
      const client = await w.connect('front')
      await client.after(150)
      client.end()
      return clientEnds(w, client, 0)
    },
    expect: { when: 'about 0 ms', client: ['FIN'], log: [line('cc', '0/-1/0', 0, 'CC', '#/1/0/0/1 0/0')] },
  },
  {
    name: 'trap 7: a client that sent bytes and ended waits for the server all the same',
    config: pair('cc-bytes'),
    logTimes: true,
    run: async (w) => {
      const client = await w.connect('front')
      client.send('hello')
      await client.after(150)
      client.end()
      await client.after(300)
      const before = client.events
      const server = await w.serve('server', { on: echo })
      return { before, client: await client.over(), server: await (await server.wire()).over(), log: tries(await w.log.lines(1)) }
    },
    expect: {
      before: [],
      client: ['got hello', 'FIN'],
      server: ['got hello', 'FIN'],
      log: [line('cc-bytes', '0/seconds/0', 5, '--', '#/1/0/0/tries 0/0')],
    },
  },
  {
    name: 'option abortonclose: a client that sent bytes and ended while connecting aborts',
    config: pair('abort', { back: 'option abortonclose' }),
    run: async (w) => {
      const client = await w.connect('front')
      client.send('hello')
      await client.after(150)
      client.end()
      return clientEnds(w, client, 0)
    },
    expect: { when: 'about 0 ms', client: ['FIN'], log: [line('abort', '0/-1/0', 0, 'CC', '#/1/0/0/1 0/0')] },
  },
  {
    name: "trap 7: a client's RST while connecting: CD",
    config: pair('rst-connecting'),
    run: async (w) => {
      const client = await w.connect('front')
      client.send('hello')
      await client.after(200)
      client.reset()
      return { log: tries(await w.log.lines(1)) }
    },
    expect: { log: [line('rst-connecting', '0/-1/0', 0, 'CD', '#/1/0/0/tries 0/0')] },
  },
]

/** A check's report of a server going down, without its duration. */
const down = async (w: World): Promise<unknown> =>
  (await w.log.lines(1, /is DOWN/)).map((text) => text.replace(/check duration: \d+ms/, 'check duration: some ms'))

const causes: Scenario[] = [
  {
    name: 'trap 13: a refused connection is reported with its cause',
    config: pair('cause-refused', { server: 'check inter 200ms fall 1' }),
    run: down,
    notYet: 'health checks',
  },
  {
    name: 'trap 13: a connect that timed out is reported with its cause',
    config: pair('cause-timeout', { back: 'timeout connect 300ms', server: 'check inter 300ms fall 6' }),
    run: async (w) => {
      await w.deaf('server')
      return down(w)
    },
    notYet: 'health checks',
  },
  {
    name: 'trap 13: an unreachable network is reported with its cause',
    config: ({ port }) => `
frontend f-unreachable
  bind 127.0.0.1:${port('front')}
  log-format "%b/%s %ts %[bc_err] %{+Q}[bc_err_str]"
  default_backend b-unreachable
backend b-unreachable
  retries 0
  source 127.0.0.1
  server s 255.255.255.255:9
`,
    run: async (w) => {
      const client = await w.connect('front')
      client.send('x')
      await client.over()
      return w.log.lines(1)
    },
    expect: ['<134>tag: b-unreachable/s SC 6 "General socket error"'],
  },
]

await oracle(t, 'retries', { bothProviders: true, scenarios: retries, times: true })
await oracle(t, 'redispatch', { bothProviders: true, scenarios: redispatch, times: true })
await oracle(t, 'causes', { bothProviders: true, scenarios: causes, times: true })
await oracle(t, 'ends while connecting', { bothProviders: true, scenarios: whileConnecting, times: true })
