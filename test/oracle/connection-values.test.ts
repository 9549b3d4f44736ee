// Names of cipher suites, chains of certificates and secrets of TLS, as both programs tell them of real sessions.

import { once } from 'node:events'
import tls from 'node:tls'
import t from 'tap'
import { asked, onNodeProvider } from '../kit/command.ts'
import type { Ports } from '../kit/ports.ts'
import { observeSessions } from './observed-values.ts'
import type { Sessions } from './observed-values.ts'
import { chained, closed, compareSessions, deep, flat, helloOf, made, middle, older, root, rootFile, says, servers, speaks, waits, with_ } from './tls-sessions.ts'

// ── names of cipher suites ───────────────────────────────────────────────────────────────────────────────────────

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)
const grease = range(0, 16).map((n) => (n * 16 + 10) * 257)
const suites = [...grease, ...range(0, 0x110), ...range(0x1300, 0x1310), 0x5600, ...range(0xc000, 0xc110), ...range(0xcca0, 0xccb0), ...range(0xff80, 0xff90), 0xffff]
const lists: Record<string, Sessions['acts'][string]> = {}
for (let at = 0; at < suites.length; at += 200) lists[`suites from ${at}`] = (ports) => says(ports.port('f'), helloOf(suites.slice(at, at + 200)))

for (const size of [4096, 5]) {
  await compareSessions(t, `names of cipher suites, ${size} bytes kept`, {
    name: 'suites',
    global: `tune.ssl.capture-buffer-size ${size}`,
    expressions: ['ssl_fc_cipherlist_str', 'ssl_fc_cipherlist_str(1)', 'ssl_fc_cipherlist_hex', 'ssl_fc_cipherlist_hex(1)', 'ssl_fc_cipherlist_bin(1),hex'],
    config: (ports, fields) => `frontend f
  bind 127.0.0.1:${ports.port('f')} ssl crt ${made.server.pem}
  error-${fields}`,
    acts: size === 5 ? { few: (ports) => says(ports.port('f'), helloOf([0x0a0a, 0xc02b, 0xc02f])) } : lists,
  })
}

// ── chains ───────────────────────────────────────────────────────────────────────────────────────────────────────

let kept: Buffer | undefined
const none = { 'ssl_c_chain_der,hex': 'absent' }
const acts: Sessions['acts'] = {
  ...Object.fromEntries((['TLSv1.2', 'TLSv1.3'] as const).map((version) => [`${version} with a chain`, with_('f', older(version, chained))])),
  'with a certificate alone': with_('f', { cert: flat.cert, key: flat.private }),
  'with more than is needed': with_('f', { cert: `${deep.cert}\n${middle.cert}\n${root.cert}`, key: deep.private }),
  'without a certificate': with_('f', {}),
}
await compareSessions(
  t,
  "a client's chain",
  {
    name: 'chain',
    expressions: ['ssl_c_chain_der,hex', 'ssl_c_s_dn', 'ssl_fc_is_resumed'],
    config: (ports, fields) => `frontend f
  bind 127.0.0.1:${ports.port('f')} ssl crt ${made.server.pem} ca-file ${rootFile} verify optional
  tcp-request inspect-delay 1s
  tcp-request content reject if { req.len gt 0 }
  ${fields}`,
    acts: {
      ...acts,
      // a line of its own for the session that is resumed: the one before is a session like any other
      async resumed(ports) {
        let session: Buffer | undefined
        await new Promise<void>((resolve) => {
          const client = tls.connect({ port: ports.port('f'), host: '127.0.0.1', rejectUnauthorized: false, maxVersion: 'TLSv1.2', ...chained })
          client.on('error', () => {})
          client.on('session', (given: Buffer) => (session = given))
          client.once('secureConnect', () => client.write('x'))
          client.resume()
          client.once('close', () => resolve())
        })
        kept = session
      },
      'resumed again': (ports) => speaks(ports.port('f'), { maxVersion: 'TLSv1.2', ...chained, ...(kept === undefined ? {} : { session: kept }) }),
    },
  },
  {},
  Object.fromEntries([...Object.keys(acts), 'resumed'].map((name) => [name, none])),
)

const ANSWER = ['ssl_s_chain_der,hex', 'ssl_s_der,sha1,hex', 'ssl_bc_err', 'ssl_bc_err_str', 'bc_err', 'ssl_bc']
await compareSessions(
  t,
  'a server that answers',
  {
    name: 'answers',
    expressions: ANSWER.map((_, i) => `var(txn.a${i})`),
    config: (ports, fields) => `listen l
  bind 127.0.0.1:${ports.port('l')}
  tcp-response inspect-delay 1s
${ANSWER.map((expression, i) => `  tcp-response content set-var(txn.a${i}) ${expression}`).join('\n')}
  ${fields}
  server s 127.0.0.1:${ports.port('tls')} ssl verify none`,
    begin: servers,
    acts: { answer: (ports) => waits(ports.port('l')) },
  },
  {},
  { answer: { 'var(txn.a0)': 'absent' } },
)

// ── secrets of TLS 1.3 ───────────────────────────────────────────────────────────────────────────────────────────

const LABELS = ['CLIENT_EARLY_TRAFFIC_SECRET', 'CLIENT_HANDSHAKE_TRAFFIC_SECRET', 'SERVER_HANDSHAKE_TRAFFIC_SECRET', 'CLIENT_TRAFFIC_SECRET_0', 'SERVER_TRAFFIC_SECRET_0', 'EXPORTER_SECRET', 'EARLY_EXPORTER_SECRET']
const fetchOf = (side: 'fc' | 'bc', label: string): string => `ssl_${side}_${label.toLowerCase()}`

/** What the other end's key log says: by label, and the client's random bytes as RANDOM. */
function heard(into: Record<string, string>): (line: Buffer) => void {
  return (line) => {
    const [label = '', random = '', secret = ''] = line.toString('latin1').trim().split(' ')
    Object.assign(into, { [label]: secret, RANDOM: random })
  }
}

t.test('secrets of TLS 1.3', async (t) => {
  const versions = ['TLSv1.3', 'TLSv1.2'] as const
  for (const kind of asked(true)) {
    for (const on of ['on', 'off']) {
      const known = { 'TLSv1.3': {}, 'TLSv1.2': {} } satisfies Record<string, Record<string, string>>
      const found = await observeSessions(kind, {
        name: 'secrets',
        global: `tune.ssl.keylog ${on}`,
        expressions: [...LABELS.map((label) => fetchOf('fc', label)), 'ssl_fc_client_random,hex'],
        config: (ports, fields) => `frontend f
  bind 127.0.0.1:${ports.port('f')} ssl crt ${made.server.pem}
  tcp-request inspect-delay 1s
  tcp-request content reject if { req.len gt 0 }
  ${fields}`,
        acts: Object.fromEntries(
          versions.map((version) => [
            version,
            async (ports: Ports) => {
              const client = tls.connect({ port: ports.port('f'), host: '127.0.0.1', rejectUnauthorized: false, maxVersion: version })
              client.on('error', () => {})
              client.on('keylog', heard(known[version]))
              client.once('secureConnect', () => client.write('x'))
              client.resume()
              await closed(client)
            },
          ]),
        ),
      })
      for (const version of versions) {
        const log: Record<string, string> = known[version]
        for (const label of LABELS) {
          const expected = on === 'on' ? (log[label] ?? 'absent') : 'absent'
          t.equal(found.get(version)?.get(fetchOf('fc', label)), expected, `${kind}, ${version}, ${on}: ${label}`)
        }
        t.equal(Object.keys(log).length, version === 'TLSv1.3' ? 6 : 2)
        const random = found.get(version)?.get('ssl_fc_client_random,hex')?.toLowerCase()
        t.equal(random, onNodeProvider(kind) && on === 'off' ? 'absent' : log['RANDOM'], `${kind}, ${version}, ${on}: the client's random bytes`)
      }
    }
  }
})

t.test('secrets of TLS 1.3 with a server, which 2.6 does not tell', async (t) => {
  for (const kind of asked(true)) {
    if (kind === 'haproxy') continue
    const known: Record<string, string> = {}
    const found = await observeSessions(kind, {
      name: 'secrets of a server',
      global: 'tune.ssl.keylog on',
      expressions: LABELS.map((label) => fetchOf('bc', label)),
      config: (ports, fields) => `listen l
  bind 127.0.0.1:${ports.port('l')}
  ${fields}
  server s 127.0.0.1:${ports.port('server')} ssl verify none`,
      async begin(ports) {
        const server = tls.createServer(chained, (socket) => socket.on('error', () => {}).end('hi'))
        server.on('keylog', heard(known))
        server.listen(ports.port('server'), '127.0.0.1')
        await once(server, 'listening')
        return () => server.close()
      },
      acts: { one: (ports) => waits(ports.port('l')) },
    })
    for (const label of LABELS) t.equal(found.get('one')?.get(fetchOf('bc', label)), known[label] ?? 'absent', `${kind}: ${label}`)
    t.equal(Object.keys(known).length, 6)
  }
})
