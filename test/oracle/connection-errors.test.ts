// Why connections failed, as fetches and log lines tell it on both programs: with clients, with servers, in TLS and before it.

import { once } from 'node:events'
import net from 'node:net'
import path from 'node:path'
import tls from 'node:tls'
import t from 'tap'
import type { Ports } from '../kit/ports.ts'
import type { Sessions } from './observed-values.ts'
import { closed, compareSessions, deep, expired, folder, helloOf, made, older, rootFile, servers, stays, to, waits, with_ } from './tls-sessions.ts'
import type { Differs } from './tls-sessions.ts'

// ── what went wrong with a client ────────────────────────────────────────────────────────────────────────────────

const ERRORS = ['fc_err', 'fc_err_str', 'ssl_fc_err', 'ssl_fc_err,hex', 'ssl_fc_err_str', 'ssl_fc', 'ssl_c_err', 'ssl_c_ca_err', 'ssl_c_ca_err_depth', 'ssl_fc_is_resumed', 'ssl_fc_sni', 'ssl_fc_client_traffic_secret_0']
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
  t,
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

await compareSessions(t, 'sessions of clients', {
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

// ── what went wrong before TLS ──────────────────────────────────────────────────────────────────────────────────

const binary = '\r\n\r\n\0\r\nQUIT\n'
const rest: Sessions['acts'] = {
  'no header': to('proxy', ''),
  'half a header': to('proxy', 'PROXY TCP4 1.2'),
  'no header at all': to('proxy', 'GET / HTTP/1.0\r\n'),
  'a protocol that nobody knows': to('proxy', 'PROXY FOO 1.2.3.4 1.2.3.4 1 2\r\n'),
  'a header with a port missing': to('proxy', 'PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n'),
  'a binary header too short for its addresses': to('proxy', Buffer.from(`${binary}\x21\x11\0\x04\x01\x01\x01\x01`, 'latin1')),
  'silence instead of a header': (ports) => stays(ports.port('slow-proxy'), ''),
  'silence instead of TLS': (ports) => stays(ports.port('slow-tls'), ''),
  'silence within a hello': (ports) => stays(ports.port('slow-tls'), '\x16\x03\x01'),
  'silence behind a header': (ports) => stays(ports.port('slow-both'), 'PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\n'),
  'silence instead of an appliance': (ports) => stays(ports.port('slow-cip'), ''),
  'no appliance': to('cip', 'GET / HTTP/1.0\r\n\r\n'),
  'an appliance that went': to('cip', ''),
}
await compareSessions(t, 'what went wrong before TLS', {
  name: 'before TLS',
  expressions: ['fc_err', 'ssl_fc_err', 'ssl_fc_err_str', 'ssl_fc', 'bc_err'],
  config: (ports, fields) =>
    [['', ''], ['slow-', 'timeout client 300ms']]
      .map(
        ([prefix, timeout]) => `frontend ${prefix}f
  ${timeout}
  bind 127.0.0.1:${ports.port(`${prefix}proxy`)} accept-proxy
  bind 127.0.0.1:${ports.port(`${prefix}tls`)} ssl crt ${made.server.pem}
  bind 127.0.0.1:${ports.port(`${prefix}both`)} accept-proxy ssl crt ${made.server.pem}
  bind 127.0.0.1:${ports.port(`${prefix}cip`)} accept-netscaler-cip 213905663
  error-${fields}
`,
      )
      .join(''),
  acts: rest,
})

// ── servers ────────────────────────────────────────────────────────────────────────────────────────────────────

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
  t,
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
