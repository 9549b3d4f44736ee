// Owns half-close and break in both directions on TCP, Unix sockets and TLS, and that no byte is lost in an end.

import t from 'tap'
import { oracle } from '../kit/oracle.ts'
import type { Scenario, World } from '../kit/oracle.ts'
import { line, pair, timed, tlsFront, underWay } from '../kit/oracle-pair.ts'
import { connect, echo, endBack, serve } from '../kit/peers.ts'
import type { Server, Wire } from '../kit/peers.ts'

const MEGABYTE = 1 << 20

/** Ends in order, each direction on its own: the client's first, then the server's. */
async function clientFirst(client: Wire, server: Server): Promise<unknown> {
  client.end('question')
  const wire = await server.wire()
  const asked = [...(await wire.over())]
  const early = await client.after(150)
  wire.end('answer')
  return { asked, early, client: await client.over(), server: wire.events }
}

/** The server's end first; the client goes on. */
async function serverFirst(client: Wire, server: Server): Promise<unknown> {
  client.send('hello ')
  const wire = await server.wire()
  wire.end('bye')
  const told = [...(await client.over())]
  client.send('still ')
  await wire.got('still ')
  client.end('here')
  return { told, server: await wire.over() }
}

const unixPair =
  (name: string, scheme: string, tag: string) =>
  ({ path }: { path: (name: string) => string }): string => `
frontend f-${name}
  bind ${scheme}@${path(`${tag}f`)}
  default_backend b-${name}
backend b-${name}
  server s ${scheme}@${path(`${tag}s`)}
`

/** Over Unix sockets; an abstract name is its path without the leading NUL. */
const overUnix = (name: string, scheme: 'unix' | 'abns', script: typeof clientFirst): Scenario => ({
  name: `half-close over ${scheme === 'unix' ? 'Unix' : 'abstract'} sockets: ${whose(script)}`,
  config: unixPair(name, scheme, name),
  run: async (w) => {
    const place = (end: string): string => (scheme === 'unix' ? w.path(name + end) : `\0${w.path(name + end)}`.padEnd(108, '\0'))
    const server = await serve(place('s'))
    const client = await connect(place('f'))
    w.teardown(() => client.destroy())
    w.teardown(() => void server.close())
    return { ends: await script(client, server), log: (await w.log.lines(1)).map((text) => text.replace(/unix:\S+/, 'unix:')) }
  },
})

const whose = (script: typeof clientFirst): string => (script === clientFirst ? 'the client first' : 'the server first')

const fromTls = (script: typeof clientFirst): Scenario => ({
  name: `half-close over TLS from the client: ${whose(script)}`,
  config: pair(`tls-${script === clientFirst ? 'c' : 's'}`, tlsFront()),
  run: async (w) => {
    const server = await w.serve('server')
    return { ends: await script(await w.connectTls('front'), server), log: await w.log.lines(1) }
  },
})

const toTls = (script: typeof clientFirst): Scenario => ({
  name: `half-close over TLS to the server: ${whose(script)}`,
  config: pair(`totls-${script === clientFirst ? 'c' : 's'}`, { server: 'ssl verify none' }),
  run: async (w) => {
    const server = await w.serve('server', { tls: w.certificates.server })
    return { ends: await script(await w.connect('front'), server), log: await w.log.lines(1) }
  },
})

const halfClose: Scenario[] = [
  ...(['unix', 'abns'] as const).flatMap((scheme) => [
    overUnix(`${scheme}-c`, scheme, clientFirst),
    overUnix(`${scheme}-s`, scheme, serverFirst),
  ]),
  ...[clientFirst, serverFirst].flatMap((script) => [fromTls(script), toTls(script)]),
  {
    name: 'a TLS client breaks with RST: the server sees RST',
    config: pair('tls-rst', tlsFront()),
    run: async (w) => {
      const server = await w.serve('server')
      const client = await w.connectTls('front')
      client.send('hello')
      const wire = await server.wire()
      await wire.got('hello')
      client.reset()
      return { server: await wire.over(), log: await w.log.lines(1) }
    },
  },
  {
    name: 'a server behind TLS breaks with RST: the client sees FIN',
    config: pair('totls-rst', { server: 'ssl verify none' }),
    run: async (w) => {
      const { client, wire } = await underWay(w, { tls: w.certificates.server })
      wire.reset()
      return { client: await client.over(), log: await w.log.lines(1) }
    },
  },
]

/** Sends `n` bytes and ends, whatever the other side does meanwhile. */
const pour = (wire: Wire, n: number): Wire => wire.send(Buffer.alloc(n, 'x')).end()

const traps: Scenario[] = [
  {
    name: 'trap 1: a server that answers and closes while the client still sends: the answer arrives whole',
    config: pair('trap1'),
    run: async (w) => {
      const server = await w.serve('server', {
        on: (wire) => {
          wire.socket.once('data', () => wire.send(Buffer.alloc(MEGABYTE, 'a')).end())
        },
      })
      const client = await w.connect('front', { countOnly: true })
      client.send(Buffer.alloc(200_000, 'q'))
      await client.over()
      client.end()
      await (await server.wire()).over()
      return { client: client.events, log: await w.log.lines(1) }
    },
    expect: { client: [`${MEGABYTE} bytes`, 'FIN'], log: [line('trap1', '0/0/0', MEGABYTE, '--')] },
  },
  {
    name: 'trap 1: content reject with 300 kB of unread input: FIN before any RST',
    config: pair('trap1-reject', { front: 'tcp-request inspect-delay 2s\n  tcp-request content reject if { req.len gt 1000 }' }),
    run: async (w) => {
      const client = await w.connect('front')
      client.send(Buffer.alloc(300_000, 'q'))
      await client.over()
      return { first: client.events[0], log: (await w.log.lines(1)).length }
    },
  },
  {
    name: 'trap 2: a half-close is forwarded while the other direction lives on',
    config: pair('trap2'),
    run: async (w) => {
      const server = await w.serve('server')
      const client = await w.connect('front')
      client.send('a').end()
      const wire = await server.wire()
      const when = await timed(() => wire.over(), 0)
      for (const part of ['b', 'c', 'd']) {
        wire.send(part)
        await client.got(part)
      }
      wire.end()
      return { when, server: wire.events, client: await client.over(), log: await w.log.lines(1) }
    },
    expect: { when: 'about 0 ms', server: ['got a', 'FIN'], client: ['got bcd', 'FIN'], log: [line('trap2', '0/0/0', 3, '--')] },
  },
  {
    name: 'trap 3: the client aborted, so the server is aborted too, with the answer still flowing',
    config: pair('trap3'),
    run: async (w) => {
      const server = await w.serve('server')
      const client = await w.connect('front')
      client.pause()
      const wire = await server.wire()
      wire.send(Buffer.alloc(8 * MEGABYTE))
      await client.after(150)
      client.reset()
      await wire.over()
      return { server: wire.events, log: (await w.log.lines(1)).map((text) => text.replace(/ \d+ (\S\S) /, ' bytes $1 ')) }
    },
  },
  {
    name: 'trap 4: an end waits for buffered output: 4 MiB and FIN to a client that reads late',
    config: pair('trap4'),
    run: async (w) => {
      await w.serve('server', { on: (wire) => pour(wire, 4 * MEGABYTE) })
      const client = await w.connect('front', { countOnly: true })
      client.pause()
      await client.after(300)
      client.resume()
      client.end()
      return { client: await client.over(20_000), log: await w.log.lines(1) }
    },
    expect: { client: [`${4 * MEGABYTE} bytes`, 'FIN'], log: [line('trap4', '0/0/0', 4 * MEGABYTE, '--')] },
  },
  {
    name: 'trap 4: an end is not forgotten when the last block and the FIN arrive together, fifty times',
    config: pair('trap4-last'),
    run: async (w) => {
      await w.serve('server', { on: (wire) => wire.end('last block') })
      const seen = new Set<string>()
      for (let i = 0; i < 50; i++) {
        const client = await w.connect('front')
        client.end('go')
        seen.add((await client.over()).join(' '))
      }
      return { seen: [...seen], lines: (await w.log.lines(50)).length }
    },
  },
  {
    name: 'trap 4: both directions at once, 3 MiB each, and both ends',
    config: pair('both'),
    run: async (w) => {
      const server = await w.serve('server', { countOnly: true, on: (wire) => pour(wire, 3 * MEGABYTE) })
      const client = await w.connect('front', { countOnly: true })
      pour(client, 3 * MEGABYTE)
      await client.over(20_000)
      return { client: client.events, server: await (await server.wire()).over(20_000), log: await w.log.lines(1) }
    },
    expect: {
      client: [`${3 * MEGABYTE} bytes`, 'FIN'],
      server: [`${3 * MEGABYTE} bytes`, 'FIN'],
      log: [line('both', '0/0/0', 3 * MEGABYTE, '--')],
    },
  },
  {
    name: 'trap 4: 4 MiB and an end over TLS to a client that reads late',
    config: pair('trap4-tls', tlsFront()),
    run: async (w) => {
      await w.serve('server', { on: (wire) => pour(wire, 4 * MEGABYTE) })
      const client = await w.connectTls('front')
      client.countOnly = true
      client.pause()
      await client.after(300)
      client.resume()
      client.end()
      return { client: await client.over(20_000), log: await w.log.lines(1) }
    },
  },
  {
    name: 'trap 5: a break after an end changes nothing that was ended: one log line, the first cause',
    config: pair('trap5'),
    run: async (w) => {
      const server = await w.serve('server')
      const client = await w.connect('front')
      client.send('x')
      const wire = await server.wire()
      await wire.got('x')
      wire.end('done')
      await client.over()
      client.end()
      await wire.over()
      client.reset()
      wire.reset()
      return { client: client.events, server: wire.events, log: await w.log.quiet(500) }
    },
    expect: { client: ['got done', 'FIN'], server: ['got x', 'FIN'], log: [line('trap5', '0/0/0', 4, '--')] },
  },
  {
    name: 'trap 5: both ends break at once: one log line',
    config: pair('trap5-both'),
    run: async (w) => {
      const server = await w.serve('server')
      const client = await w.connect('front')
      client.send('x')
      const wire = await server.wire()
      await wire.got('x')
      wire.reset()
      client.reset()
      return { lines: (await w.log.quiet(500)).length }
    },
    expect: { lines: 1 },
  },
]

/** What a client sees of an end that its own unread input could turn into RST. */
const nolinger = (name: string, lines: { front?: string; back?: string }): Scenario => ({
  name: `option nolinger in the ${lines.front === undefined ? 'backend' : 'frontend'}`,
  config: pair(name, lines),
  run: async (w: World) => {
    const { client, wire } = await underWay(w, { on: lines.back === undefined ? echo : endBack })
    client.end()
    if (lines.back === undefined) await client.over()
    await wire.over()
    return { client: (await client.over()).at(-1), server: wire.events, log: await w.log.lines(1) }
  },
})

await oracle(t, 'half-close', { bothProviders: true, scenarios: halfClose })
await oracle(t, 'nothing is lost in an end', { bothProviders: true, scenarios: traps, together: 3 })
/** Not to linger is no reason to lose what was said before. */
const unhurried = (name: string, lines: { front?: string; back?: string }): Scenario[] => [
  {
    name: `${name}: the server's last words, while the client goes on`,
    config: pair(`${name.replaceAll(' ', '-')}-s`, lines),
    run: async (w) => {
      const { client, wire } = await underWay(w)
      wire.end('bye')
      const told = [...(await client.over())]
      client.end('still here')
      return { told, server: await wire.over(), log: await w.log.lines(1) }
    },
  },
  {
    name: `${name}: the server's last words to a client that has ended`,
    config: pair(`${name.replaceAll(' ', '-')}-c`, lines),
    run: async (w) => {
      const { client, wire } = await underWay(w)
      client.end()
      await wire.over()
      wire.end('bye')
      await client.over()
      return { got: client.text, log: await w.log.lines(1) }
    },
  },
]

await oracle(t, 'nolinger', {
  bothProviders: true,
  scenarios: [
    nolinger('nolinger-f', { front: 'option nolinger' }),
    nolinger('nolinger-b', { back: 'option nolinger' }),
    ...unhurried('nolinger in the frontend', { front: 'option nolinger' }),
    ...unhurried('nolinger in the backend', { back: 'option nolinger' }),
  ],
})
