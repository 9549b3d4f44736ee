// Owns the connection log: the lines, field by field, and when they are written.

import os from 'node:os'
import t from 'tap'
import { oracle } from '../kit/oracle.ts'
import type { Scenario, World } from '../kit/oracle.ts'
import { pair } from '../kit/oracle-pair.ts'
import { echo, endBack } from '../kit/peers.ts'

/** One exchange of five bytes each way. */
async function exchange(w: World): Promise<void> {
  await w.serve('server', { on: echo })
  const client = await w.connect('front')
  client.end('hello')
  await client.over()
}

const logged = (name: string, title: string, front: string, more: Partial<Scenario> = {}): Scenario => ({
  name: title,
  config: pair(name, { front }),
  run: async (w) => {
    await exchange(w)
    return w.log.lines(1)
  },
  ...more,
})

const lines: Scenario[] = [
  {
    name: 'option tcplog, each field of the raw line',
    config: pair('tcplog'),
    run: async (w) => {
      const before = Date.now()
      await exchange(w)
      await w.log.lines(1)
      const raw = w.log.raw[0] ?? ''
      const fields =
        /^<134>(\w{3} [ \d]\d \d\d:\d\d:\d\d) (haproxy|headgate)\[(\d+)\]: 127\.0\.0\.1:(\d+) \[(\d\d)\/(\w{3})\/(\d{4}):(\d\d:\d\d:\d\d)\.(\d{3})\] f-tcplog b-tcplog\/s (\d+)\/(\d+)\/(\d+) 5 -- (\d+)\/1\/0\/0\/0 0\/0\n?$/.exec(raw)
      if (fields === null) return raw
      const accepted = new Date(`${fields[5]} ${fields[6]} ${fields[7]} ${fields[8]}.${fields[9]}`).getTime()
      return { pid: Number(fields[3]) === w.program.pid, accepted: Math.abs(accepted - before) < 2000, ends: raw.endsWith('\n') }
    },
  },
  {
    name: 'the default line, without any format',
    config: (places) => `
defaults
  mode tcp
  timeout connect 1s
  timeout client 1s
  timeout server 1s
  log 127.0.0.1:${places.logPort} local0
${pair('default-line')(places)}`,
    run: async (w) => {
      await exchange(w)
      return w.log.lines(1)
    },
    expect: ['<134>tag: Connect from 127.0.0.1:port to 127.0.0.1:front (f-default-line/TCP)'],
  },
  {
    name: 'option logasap: the line is written when the server is connected, with + before what may grow',
    config: pair('logasap', { front: 'option logasap' }),
    run: async (w) => {
      await w.serve('server', { on: endBack })
      const client = await w.connect('front')
      client.send('hello')
      const early = await w.log.lines(1)
      client.end()
      await client.over()
      return { early, all: (await w.log.quiet()).length }
    },
  },
  {
    name: 'option logasap: a line of a session that never got a server has the + too',
    config: pair('logasap-never', { front: `option logasap
  log-format '%ts %B %U %{+X}B'
  tcp-request inspect-delay 2s
  tcp-request content reject if { req.len gt 0 }` }),
    run: async (w) => {
      const client = await w.connect('front')
      client.send('hello')
      return { client: await client.over(), log: await w.log.lines(1) }
    },
  },
  {
    name: 'bytes are written as they came, whether they are text or not',
    config: pair('bytes', { front: `tcp-request inspect-delay 2s
  tcp-request content capture req.payload(0,6) len 9
  tcp-request content set-var(txn.p) req.payload(0,6) if { req.len ge 6 }
  log-format 'é %[str(é)] %[bin(c3a9ff41)] %[var(txn.p)] %{+Q}[var(txn.p)] %hr ✓'` }),
    run: async (w) => {
      await w.serve('server', { on: endBack })
      const client = await w.connect('front')
      client.send(Buffer.from([0xc3, 0xa9, 0xff, 0x80, 0x41, 0xe9]))
      client.end()
      await client.over()
      return w.log.lines(1)
    },
  },
  {
    name: 'where an expression in a line ends',
    config: pair('expressions', { front: `log-format '%[str(a\\b)] %[str(a]b)] %[str("a)]b")] %[str(a\\\\)] %[str("a\\"]b")] %{+Q}[str(a\\"b)] %{+E}[str("a]b")] %[str(a\\)] %[str(a1),regsub(\\d,x)] %[str(a1),regsub("[0-9]",x)] e'` }),
    run: async (w) => {
      await w.serve('server', { on: endBack })
      const client = await w.connect('front')
      client.end('x')
      await client.over()
      return w.log.lines(1)
    },
    expect: ['<134>tag: a\\b a]b a)]b a\\ a"]b "a"b" a\\]b a\\ ax ax e'],
  },
  {
    name: 'lists of captures without slots',
    config: pair('slotless', { front: "log-format '[%hr] [%hrl] [%hs] [%hsl] [%{+Q}hrl] [%{+E}hsl] [%{+Q}hr]'" }),
    run: async (w) => {
      await w.serve('server', { on: endBack })
      const client = await w.connect('front')
      client.end('x')
      await client.over()
      return w.log.lines(1)
    },
  },
  ...['option logasap', "log-format '%ci'"].map(
    (lines, i): Scenario => ({
      name: `option dontlognull is too late for a line that is written early: ${lines}`,
      config: pair(`dontlognull-early${i}`, { front: `option dontlognull\n  ${lines}` }),
      run: async (w) => {
        await w.serve('server', { on: endBack })
        const client = await w.connect('front')
        await client.after(100)
        client.end()
        return { client: await client.over(), log: await w.log.lines(1) }
      },
    }),
  ),
  {
    name: 'option dontlognull: a connection without a byte is not logged',
    config: pair('dontlognull', { front: 'option dontlognull' }),
    run: async (w) => {
      await w.serve('server', { on: endBack })
      const client = await w.connect('front')
      await client.after(100)
      client.end()
      await client.over()
      const none = await w.log.quiet()
      const other = await w.connect('front')
      other.end('x')
      await other.over()
      return { none, one: await w.log.lines(1) }
    },
  },
  ...['', 'accept-proxy'].map(
    (more, i): Scenario => ({
      name: `option dontlognull: who leaves or falls silent before TLS${more === '' ? '' : ', or before a PROXY header,'} is not logged, what fails is`,
      config: pair(`nullhandshake${i}`, ({ certificates }) => ({ bind: `${more} ssl crt ${certificates.server.pem}`, front: 'option dontlognull\n  timeout client 500ms' })),
      run: async (w) => {
        await w.serve('server', { on: endBack })
        const header = more === '' ? '' : 'PROXY TCP4 10.1.2.3 10.4.5.6 4000 443\r\n'
        const hello = Buffer.concat([Buffer.from(header), Buffer.from('160301020001000001fc0303', 'hex')])
        for (const said of [Buffer.alloc(0), Buffer.from(header), hello]) {
          for (const ends of [false, true]) {
            const client = await w.connect('front')
            if (said.length > 0) client.send(said)
            await client.after(100)
            if (ends) client.end()
            await client.over()
            client.end()
          }
        }
        const none = await w.log.quiet()
        const other = await w.connect('front')
        other.send(`${header}this is no hello`)
        await other.over()
        return { none, one: await w.log.lines(1) }
      },
    }),
  ),
  {
    name: 'option dontlog-normal: only what went wrong',
    config: pair('dontlognormal', { front: 'option dontlog-normal' }),
    run: async (w) => {
      const server = await w.serve('server', { on: echo })
      const client = await w.connect('front')
      client.end('fine')
      await client.over()
      const bad = await w.connect('front')
      bad.send('x')
      // A reset before the connection is seen to be there would be a failed try.
      await bad.got('x')
      ;(await server.wire(1)).reset()
      await bad.over()
      await w.log.lines(1)
      return (await w.log.quiet()).map((line) => line.replace(/\d SD/, 'n SD'))
    },
  },
  logged('log-tag', 'log-tag', 'log-tag mytag', {
    run: async (w) => {
      await exchange(w)
      await w.log.lines(1)
      return (w.log.raw[0] ?? '').replace(/^(<\d+>)\w{3} [ \d]\d \d\d:\d\d:\d\d (\w+)\[\d+\].*\n?$/, '$1 $2')
    },
  }),
  logged('no-log', 'no log: nothing is written', 'no log', {
    run: async (w) => {
      await exchange(w)
      return w.log.quiet()
    },
    expect: [],
  }),
  {
    name: 'what global says of the process: its variables are in lines, its node name is not',
    config: (places) =>
      `global\n  node a-node\n  description some text\n  localpeer me\n  setenv LOG_SET one\n${pair('process', { front: `log-format "%[env(HAPROXY_LOCALPEER)] \${HAPROXY_LOCALPEER} %[env(LOG_SET)] %[env(LOG_LATER)] %H=%[hostname]"` })(places)}
global
  setenv LOG_LATER two
`,
    run: async (w) => {
      await exchange(w)
      return (await w.log.lines(1)).map((text) => text.replaceAll(os.hostname(), 'host'))
    },
  },
  {
    name: 'log levels: a destination takes what is severe enough, and lowers what is too severe',
    config: (places) => `
frontend f-levels
  bind 127.0.0.1:${places.port('front')}
  no log
  log 127.0.0.1:${places.logPort} local3 notice
  log 127.0.0.1:${places.logPort} daemon info notice
  default_backend b-levels
backend b-levels
  server s 127.0.0.1:${places.port('server')}
`,
    run: async (w) => {
      await exchange(w)
      await w.log.lines(1)
      return (await w.log.quiet()).map((text) => text.slice(0, text.indexOf('>') + 1))
    },
  },
  {
    name: 'syslog formats: rfc5424, short, raw, timed, priority',
    config: (places) => `
frontend f-formats
  bind 127.0.0.1:${places.port('front')}
  no log
  log-format "%f %b"
${['rfc3164', 'rfc5424', 'short', 'raw', 'timed', 'priority', 'iso'].map((format) => `  log 127.0.0.1:${places.logPort} format ${format} local0`).join('\n')}
  default_backend b-formats
backend b-formats
  server s 127.0.0.1:${places.port('server')}
`,
    run: async (w) => {
      await exchange(w)
      await w.log.lines(7)
      return w.log.raw.map((text) =>
        text
          .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?[+-]\d\d:\d\d/g, (_all, fraction: string | undefined) => `ISO${fraction === undefined ? '' : `.${fraction.length - 1}`}`)
          .replace(/\w{3} [ \d]\d \d\d:\d\d:\d\d/g, 'DATE')
          .replaceAll(String(w.program.pid), 'PID')
          .replace(/ (haproxy|headgate)(?=\[| )/, ' PROGRAM')
          .replace(` ${os.hostname()} `, ' HOST '),
      )
    },
  },
]

const FORMATS: readonly (readonly [string, string])[] = [
  ['addresses', '%ci:%cp %fi:%fp'],
  ['names', '%f %ft %b %s'],
  ['times', 'times %Tw/%Tc'],
  ['counts', '%fc/%bc/%sc/%rc %sq/%bq'],
  ['bytes', '%B %U %ts %tsc'],
  ['quoted', '%{+Q}f %{+Q}b %{-Q}s'],
  ['missing', '%sslc|%sslv|%{+Q}sslc'],
  ['spaces', 'a   b\\ \\ c'],
  ['hex', '%{+X}B'],
  ['percent', '100%% "%f"'],
  ['samples', '%[src] %[dst_port] %[fe_name] %[be_name]'],
  ['escape', '%{+E}o [%f] "%b"'],
  ['dates', '%t|%T|%Tl|%Ts'],
  ['backend', '%bi %si %sp'],
]

/** Bytes are those that were read, whatever became of them; a line written early counts none. */
const counted = (name: string, title: string, ...front: readonly string[]): Scenario => ({
  name: `%U and %B ${title}`,
  config: pair(`counted-${name}`, { front: ["log-format '%U %B %ts'", ...front].join('\n  ') }),
  run: async (w) => {
    await w.serve('server', { on: endBack })
    const client = await w.connect('front')
    client.send('abc')
    const lines = await w.log.lines(1)
    client.end()
    await client.over()
    return lines
  },
})

const counts: Scenario[] = [
  counted('rejected', 'of a session that rules reject', 'tcp-request inspect-delay 1s', 'tcp-request content reject if { req.len gt 0 }'),
  counted('early', 'with logasap', 'option logasap', 'tcp-request inspect-delay 1s', 'tcp-request content accept if { req.len gt 0 }'),
]

const formats: Scenario[] = FORMATS.map(([name, format]): Scenario => ({
  name: `log-format ${format}`,
  config: pair(`lf-${name}`, { front: `log-format '${format}'` }),
  run: async (w) => {
    await exchange(w)
    return (await w.log.lines(1)).map((text) =>
      w.named(text)
        .replace(/\d\d\/\w{3}\/\d{4}:\d\d:\d\d:\d\d(\.\d{3})?( [+-]\d{4})?/g, (_all, ms: string | undefined, zone: string | undefined) => `date${ms === undefined ? '' : '.ms'}${zone ?? ''}`)
        .replace(/\b1[789]\d{8}\b/g, 'seconds')
        .replace(/times \d{1,2}\/\d{1,2}$/, 'two short times'),
    )
  },
}))

await oracle(t, 'lines', { scenarios: lines })
await oracle(t, 'formats', { scenarios: formats })
await oracle(t, 'counts', { scenarios: counts })
