import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import tls from 'node:tls'
import type { ConnectionOptions } from 'node:tls'
import { generate } from 'selfsigned'
import t from 'tap'
import { certificates } from '../kit/certificates.ts'
import { asked, onNodeProvider } from '../kit/command.ts'
import type { Kind } from '../kit/command.ts'
import type { Ports } from '../kit/ports.ts'
import { observeSessions } from './observed-values.ts'
import type { Sessions } from './observed-values.ts'

/** What Headgate says on purpose where HAProxy says something else: on both providers, or on the node provider. */
type Differs = Readonly<Record<string, Readonly<Record<string, string>>>>

async function compareSessions(name: string, sessions: Sessions, differs: Differs = {}, onNode: Differs = {}): Promise<void> {
  await t.test(name, async (t) => {
    const kinds = asked(true)
    const seen = new Map<Kind, Map<string, Map<string, string>>>()
    for (const kind of kinds) seen.set(kind, await observeSessions(kind, sessions))
    const [first] = kinds
    if (first === undefined) return
    for (const kind of kinds) {
      for (const [session, values] of seen.get(kind) ?? []) {
        for (const [expression, value] of values) {
          const other = kind === 'haproxy' ? undefined : ((onNodeProvider(kind) ? onNode[session]?.[expression] : undefined) ?? differs[session]?.[expression])
          t.equal(value, other ?? seen.get(first)?.get(session)?.get(expression), `${kind}, ${session}: ${expression}${other === undefined ? '' : ', differs'}`)
        }
      }
    }
  })
}

const folder = mkdtempSync(path.join(os.tmpdir(), 'headgate-tls-values-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))
const file = (name: string, text: string): string => {
  const at = path.join(folder, name)
  writeFileSync(at, text)
  return at
}

const made = await certificates()
const DAY = 86_400_000
const named = (value: string) => [{ name: 'commonName', value }]
const signing = [{ name: 'basicConstraints' as const, cA: true, critical: true }]
const root = await generate(named('Root of values'), { keyType: 'ec', algorithm: 'sha256', extensions: signing })
const middle = await generate(named('Middle of values'), { keyType: 'ec', algorithm: 'sha256', ca: { key: root.private, cert: root.cert }, extensions: signing })
const deep = await generate(named('deep.test'), { keyType: 'ec', algorithm: 'sha256', ca: { key: middle.private, cert: middle.cert } })
const flat = await generate(named('flat.test'), { keyType: 'ec', algorithm: 'sha256', ca: { key: root.private, cert: root.cert } })
const expired = await generate(named('expired.test'), { keyType: 'ec', algorithm: 'sha256', ca: { key: root.private, cert: root.cert }, notBeforeDate: new Date(Date.now() - 3 * DAY), notAfterDate: new Date(Date.now() - DAY) })
const rootFile = file('root.pem', root.cert)
const chained = { cert: `${deep.cert}\n${middle.cert}`, key: deep.private }

// ── who comes ────────────────────────────────────────────────────────────────────────────────────────────────────

/** Whether it ends or breaks. */
const closed = (socket: net.Socket): Promise<void> => new Promise((resolve) => void socket.once('close', () => resolve()))

/** Says it, waits for the answer or a while, and goes. */
async function says(port: number, bytes: Buffer): Promise<void> {
  const socket = net.connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.resume()
  socket.write(bytes)
  const late = setTimeout(() => socket.end(), 300)
  await closed(socket)
  clearTimeout(late)
}

/** A whole TLS session, or what comes of it. */
async function speaks(port: number, options: ConnectionOptions = {}, then: (client: tls.TLSSocket) => Promise<void> | void = () => {}): Promise<void> {
  const client = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options })
  client.on('error', () => {})
  client.resume()
  client.once('secureConnect', () => {
    void then(client)
    client.write('x')
  })
  await closed(client)
}

const u16 = (n: number): Buffer => Buffer.from([n >> 8, n & 255])

function helloOf(suites: readonly number[]): Buffer {
  const list = Buffer.concat(suites.map(u16))
  const body = Buffer.concat([u16(0x0303), Buffer.alloc(32, 7), Buffer.from([0]), u16(list.length), list, Buffer.from([1, 0])])
  return Buffer.concat([Buffer.from([22, 3, 1]), u16(body.length + 4), Buffer.from([1, 0]), u16(body.length), body])
}

// ── names of cipher suites ───────────────────────────────────────────────────────────────────────────────────────

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)
const grease = range(0, 16).map((n) => (n * 16 + 10) * 257)
const suites = [...grease, ...range(0, 0x110), ...range(0x1300, 0x1310), 0x5600, ...range(0xc000, 0xc110), ...range(0xcca0, 0xccb0), ...range(0xff80, 0xff90), 0xffff]
const lists: Record<string, Sessions['acts'][string]> = {}
for (let at = 0; at < suites.length; at += 200) lists[`suites from ${at}`] = (ports) => says(ports.port('f'), helloOf(suites.slice(at, at + 200)))

for (const size of [4096, 5]) {
  await compareSessions(`names of cipher suites, ${size} bytes kept`, {
    name: 'suites',
    global: `tune.ssl.capture-buffer-size ${size}`,
    expressions: ['ssl_fc_cipherlist_str', 'ssl_fc_cipherlist_str(1)', 'ssl_fc_cipherlist_hex', 'ssl_fc_cipherlist_hex(1)', 'ssl_fc_cipherlist_bin(1),hex'],
    config: (ports, fields) => `frontend f
  bind 127.0.0.1:${ports.port('f')} ssl crt ${made.server.pem}
  error-${fields}`,
    acts: size === 5 ? { few: (ports) => says(ports.port('f'), helloOf([0x0a0a, 0xc02b, 0xc02f])) } : lists,
  })
}

// ── what went wrong with a client ────────────────────────────────────────────────────────────────────────────────

const ERRORS = ['fc_err', 'fc_err_str', 'ssl_fc_err', 'ssl_fc_err_str', 'ssl_fc', 'ssl_c_err', 'ssl_c_ca_err', 'ssl_c_ca_err_depth', 'ssl_fc_is_resumed', 'ssl_fc_sni', 'ssl_fc_client_traffic_secret_0']
const to = (name: string, bytes: Buffer | string) => (ports: Ports) => says(ports.port(name), Buffer.from(bytes))
const with_ = (name: string, options: ConnectionOptions) => (ports: Ports) => speaks(ports.port(name), options)

const older = (version: 'TLSv1.2' | 'TLSv1.3', options: ConnectionOptions): ConnectionOptions => ({ ...options, maxVersion: version })
const refusals: Sessions['acts'] = {
  'plain HTTP': to('f', 'GET / HTTP/1.0\r\n\r\n'),
  'POST': to('f', 'POST / HTTP/1.0\r\n\r\n'),
  'CONNECT': to('f', 'CONNECT a:443 HTTP/1.0\r\n\r\n'),
  'OPTIONS': to('f', 'OPTIONS / HTTP/1.0\r\n\r\n'),
  'zeros': to('f', Buffer.alloc(100)),
  'nothing': to('f', ''),
  'a record cut off': to('f', Buffer.from('160301020001', 'hex')),
  'an alert': to('f', Buffer.from('15030100020228', 'hex')),
  'a broken hello': to('f', Buffer.from('16030100050100000100', 'hex')),
  'no suite that is known': to('f', helloOf([0x1234, 0x0a0a])),
  'a fallback that is none': to('f', helloOf([0xc02b, 0x5600])),
  'an old version': with_('f', { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' }),
  'only TLS 1.3 of one who speaks 1.2': with_('old', { minVersion: 'TLSv1.3' }),
  'no shared cipher': with_('old', { ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256', maxVersion: 'TLSv1.2' }),
  ...Object.fromEntries(
    (['TLSv1.2', 'TLSv1.3'] as const).flatMap((version) => [
      [`${version} without a certificate`, with_('asked', older(version, { servername: 'www.example.com' }))],
      [`${version} with a certificate of somebody else's`, with_('asked', older(version, { cert: made.client.cert, key: made.client.key }))],
      [`${version} with one that has expired`, with_('asked', older(version, { cert: expired.cert, key: expired.private }))],
      [`${version} with a chain that is broken`, with_('asked', older(version, { cert: deep.cert, key: deep.private }))],
    ]),
  ),
  'no name': with_('strict', {}),
  'an unknown name': with_('strict', { servername: 'nobody.test' }),
}
// node:tls tells the last fault of a chain, OpenSSL the first
const last = Object.fromEntries(Object.keys(refusals).flatMap((name) => (/somebody|broken$/.test(name) && name.startsWith('TLSv1') ? [[name, { ssl_c_err: '21' }]] : [])))

await compareSessions(
  'what went wrong with a client',
  {
    name: 'refusals',
    global: 'tune.ssl.keylog on',
    expressions: ERRORS,
    config: (ports, fields) => `frontend f
  bind 127.0.0.1:${ports.port('f')} ssl crt ${made.server.pem}
  bind 127.0.0.1:${ports.port('old')} ssl crt ${made.server.pem} ssl-max-ver TLSv1.2 ciphers ECDHE-ECDSA-AES256-GCM-SHA384
  bind 127.0.0.1:${ports.port('asked')} ssl crt ${made.server.pem} ca-file ${rootFile} verify required
  bind 127.0.0.1:${ports.port('strict')} ssl crt ${made.server.pem} strict-sni
  error-${fields}`,
    acts: refusals,
  },
  {},
  last,
)

/** A record that was never encrypted, in the middle of a session. */
async function breaks(port: number): Promise<void> {
  const raw = net.connect(port, '127.0.0.1')
  raw.on('error', () => {})
  await once(raw, 'connect')
  const client = tls.connect({ socket: raw, rejectUnauthorized: false })
  client.on('error', () => {})
  client.resume()
  await once(client, 'secureConnect')
  client.write('x')
  await new Promise((resolve) => setTimeout(resolve, 200))
  raw.write(Buffer.concat([Buffer.from('1703030014', 'hex'), Buffer.alloc(20)]))
  await closed(raw)
}

await compareSessions('sessions of clients', {
  name: 'sessions',
  expressions: ERRORS,
  config: (ports, fields) => `frontend plain
  bind 127.0.0.1:${ports.port('plain')}
  tcp-request inspect-delay 1s
  tcp-request content reject if { req.len gt 0 }
  ${fields}
frontend f
  bind 127.0.0.1:${ports.port('f')} ssl crt ${made.server.pem}
  tcp-request inspect-delay 1s
  tcp-request content reject if { req.len gt 0 }
  ${fields}
frontend broken
  bind 127.0.0.1:${ports.port('broken')} ssl crt ${made.server.pem}
  default_backend b
  ${fields}
backend b
  server s 127.0.0.1:${ports.port('silent')}`,
  async begin(ports) {
    const silent = net.createServer((socket) => socket.on('error', () => {}).resume())
    silent.listen(ports.port('silent'), '127.0.0.1')
    await once(silent, 'listening')
    return () => silent.close()
  },
  acts: { 'without TLS': to('plain', 'x'), 'with TLS': with_('f', {}), 'broken later': (ports) => breaks(ports.port('broken')) },
})

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

// ── servers ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** Servers of all kinds; closed by what it returns. */
async function servers(ports: Ports): Promise<() => void> {
  const opened: net.Server[] = []
  const open = async (name: string, server: net.Server): Promise<void> => {
    server.listen(ports.port(name), '127.0.0.1')
    await once(server, 'listening')
    opened.push(server)
  }
  const answering = (options: tls.TlsOptions): tls.Server => {
    const server = tls.createServer(options, (socket) => socket.on('error', () => {}).end('hi'))
    return server.on('tlsClientError', () => {})
  }
  const raw = (then: (socket: net.Socket) => void): net.Server => net.createServer((socket) => void socket.on('error', () => {}).once('data', () => then(socket)))
  await open('http', raw((socket) => socket.end('HTTP/1.0 400 Bad\r\n\r\n')))
  await open('closing', raw((socket) => socket.end()))
  await open('resetting', raw((socket) => socket.resetAndDestroy()))
  await open('silent', raw((socket) => socket.resume()))
  await open('tls', answering(chained))
  await open('asking', answering({ ...chained, ca: made.ca, requestCert: true, rejectUnauthorized: true }))
  return () => {
    for (const server of opened) server.close()
  }
}

/** Stays until the proxy ends it. */
async function waits(port: number): Promise<void> {
  const socket = net.connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write('x')
  socket.resume()
  await closed(socket)
}

const LINES: Readonly<Record<string, (ports: Ports) => string>> = {
  refused: (ports) => `127.0.0.1:${ports.port('nobody')}`,
  'at a path that is not there': () => path.join(folder, 'nowhere'),
  'from an address that is not ours': (ports) => `127.0.0.1:${ports.port('http')} source 192.0.2.77`,
  'without TLS': (ports) => `127.0.0.1:${ports.port('http')} ssl verify none`,
  'of an unknown authority': (ports) => `127.0.0.1:${ports.port('tls')} ssl ca-file ${made.caFile}`,
  'of another name': (ports) => `127.0.0.1:${ports.port('tls')} ssl ca-file ${rootFile} sni str(other.test)`,
  'of another name than configured': (ports) => `127.0.0.1:${ports.port('tls')} ssl ca-file ${rootFile} verifyhost other.test`,
  closing: (ports) => `127.0.0.1:${ports.port('closing')} ssl verify none`,
  resetting: (ports) => `127.0.0.1:${ports.port('resetting')} ssl verify none`,
  silent: (ports) => `127.0.0.1:${ports.port('silent')} ssl verify none`,
  'without a shared cipher': (ports) => `127.0.0.1:${ports.port('tls')} ssl verify none ssl-max-ver TLSv1.2 ciphers ECDHE-RSA-AES256-GCM-SHA384`,
  'that asks for a certificate, TLS 1.2': (ports) => `127.0.0.1:${ports.port('asking')} ssl verify none ssl-max-ver TLSv1.2`,
  good: (ports) => `127.0.0.1:${ports.port('http')}`,
}
const names = Object.keys(LINES)
/** HAProxy tells 0.0.0.0 unless the line asked for it in another way before. */
const sources = (refused: string): Differs => Object.fromEntries(names.map((name) => [name, { bc_src: name.startsWith('at a path') || name.startsWith('from an') ? 'absent' : name === 'refused' ? refused : '127.0.0.1' }]))

await compareSessions(
  'servers that are not reached',
  {
    name: 'servers',
    expressions: ['bc_err', 'bc_err_str', 'ssl_bc_err', 'ssl_bc_err_str', 'ssl_bc', 'bc_dst', 'bc_src', 'fc_err', 'srv_name'],
    config: (ports, fields) =>
      names
        .map((name, i) => `listen l${i}\n  bind 127.0.0.1:${ports.port(`l${i}`)}\n  timeout connect 700ms\n  retries 0\n  ${fields}\n  server s ${LINES[name]?.(ports) ?? ''}\n`)
        .join(''),
    begin: servers,
    acts: Object.fromEntries(names.map((name, i) => [name, (ports: Ports) => waits(ports.port(`l${i}`))])),
  },
  sources('127.0.0.1'),
  sources('absent'), // node:net does not tell
)

const ANSWER = ['ssl_s_chain_der,hex', 'ssl_s_der,sha1,hex', 'ssl_bc_err', 'ssl_bc_err_str', 'bc_err', 'ssl_bc']
await compareSessions(
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
