// Owns what is answered before there is a session: mode health, monitor-net, monitor fail. HAProxy has let go of them, so only
// Headgate is asked.

import t from 'tap'
import { oracle } from '../kit/oracle.ts'
import type { Scenario } from '../kit/oracle.ts'
import { connect } from '../kit/peers.ts'

const probes: Scenario[] = [
  {
    name: 'mode health says OK, drains and ends; nothing is logged',
    config: (places) => `
frontend f-health
  mode health
  bind 127.0.0.1:${places.port('front')}
`,
    run: async (w) => {
      const client = await w.connect('front')
      client.send(Buffer.alloc(100_000, 'junk'))
      client.end()
      return { client: await client.over(), log: await w.log.quiet() }
    },
    expect: { client: ['got OK\n', 'FIN'], log: [] },
    headgateOnly: 'mode health left HAProxy in 2.3',
  },
  {
    name: 'mode health with option httpchk says HTTP/1.0 200 OK',
    config: (places) => `
frontend f-health-http
  mode health
  option httpchk
  bind 127.0.0.1:${places.port('front')}
`,
    run: async (w) => {
      const client = await w.connect('front')
      client.send('GET / HTTP/1.0\r\n\r\n')
      return { client: await client.over(), log: await w.log.quiet() }
    },
    expect: { client: ['got HTTP/1.0 200 OK\r\n\r\n', 'FIN'], log: [] },
    headgateOnly: 'mode health left HAProxy in 2.3',
  },
  {
    name: 'monitor-net: a polite end without a byte, before the PROXY header, never forwarded, never logged',
    config: (places) => `
frontend f-monitor
  bind 127.0.0.1:${places.port('front')} accept-proxy
  monitor-net 127.0.0.2
  default_backend b-monitor
backend b-monitor
  server a 127.0.0.1:${places.port('a')}
`,
    run: async (w) => {
      const server = await w.serve('a')
      const probe = await connect({ host: '127.0.0.1', port: w.port('front'), localAddress: '127.0.0.2' })
      probe.send('anything')
      return { probe: await probe.over(), forwarded: server.wires.length, log: await w.log.quiet() }
    },
    expect: { probe: ['FIN'], forwarded: 0, log: [] },
    headgateOnly: 'monitor-net left HAProxy in 2.3 for mode tcp',
  },
]

const monitored = (name: string, title: string, lines: string, expect: unknown): Scenario => ({
  name: title,
  config: (places) => `
frontend f-${name}
  bind 127.0.0.1:${places.port('front')}
  monitor-net 127.0.0.2
  ${lines}
  default_backend b-${name}
backend b-${name}
  server a 127.0.0.1:${places.port('a')}
`,
  run: async (w) => {
    const probe = await connect({ host: '127.0.0.1', port: w.port('front'), localAddress: '127.0.0.2' })
    probe.send('GET / HTTP/1.0\r\n\r\n')
    return { probe: await probe.over(), log: await w.log.quiet() }
  },
  expect,
  headgateOnly: 'monitor-net left HAProxy in 2.3 for mode tcp',
})

probes.push(
  monitored('monitor-http', 'monitor-net with option httpchk', 'option httpchk', { probe: ['got HTTP/1.0 200 OK\r\n\r\n', 'FIN'], log: [] }),
  monitored('monitor-fail-not', 'monitor fail that does not apply', 'option httpchk\n  monitor fail if { src 127.0.0.1 }', { probe: ['got HTTP/1.0 200 OK\r\n\r\n', 'FIN'], log: [] }),
  monitored('monitor-fail', 'monitor fail in mode tcp: RST', 'monitor fail if { nbsrv(b-monitor-fail) ge 0 }', { probe: ['RST'], log: [] }),
  monitored('monitor-fail-http', 'monitor fail with option httpchk: 503', 'option httpchk\n  monitor fail if { always_true }', { probe: ['got HTTP/1.0 503 Service Unavailable\r\n\r\n', 'FIN'], log: [] }),
)

await oracle(t, 'probes', { bothProviders: true, scenarios: probes })
