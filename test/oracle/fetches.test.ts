// Fetches of bytes in the buffer, of connections and of sessions, their values taken from HAProxy.

import { once } from 'node:events'
import net from 'node:net'
import tls from 'node:tls'
import type { ConnectionOptions } from 'node:tls'
import { generate } from 'selfsigned'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import t from 'tap'
import { certificates } from '../kit/certificates.ts'
import { asked } from '../kit/command.ts'
import { compareObserved, observe } from './observed-values.ts'
import { acls, compareValues, exprs } from './sample-values.ts'
import type { ValueCase, ValueGroup } from './sample-values.ts'

// ── bytes in the buffer ──────────────────────────────────────────────────────────────────────────────────────────

/** What a client of node:tls says first. */
async function hello(options: ConnectionOptions): Promise<Buffer> {
  const server = net.createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const client = tls.connect({ port: typeof address === 'object' && address !== null ? address.port : 0, host: '127.0.0.1', ...options })
  client.on('error', () => {})
  const [socket] = await once(server, 'connection')
  if (!(socket instanceof net.Socket)) throw new Error('no socket')
  const [bytes] = await once(socket, 'data')
  client.destroy()
  socket.destroy()
  server.close()
  if (!Buffer.isBuffer(bytes)) throw new Error('no bytes')
  return bytes
}

const modern = await hello({ servername: 'Www.Example.com', ALPNProtocols: ['h2', 'http/1.1'] })
const plain = await hello({})
const old = await hello({ servername: 'x.y', maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA' })

function changed(bytes: Buffer, at: number, byte: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[at] = byte
  return copy
}

function inRecords(bytes: Buffer, size: number): Buffer {
  const message = bytes.subarray(5)
  const records: Buffer[] = []
  for (let at = 0; at < message.length; at += size) {
    const part = message.subarray(at, at + size)
    records.push(Buffer.from([22, 3, 1, part.length >> 8, part.length & 0xff]), part)
  }
  return Buffer.concat(records)
}

/** Made anew for each group: values are kept by case. */
const helloCases = (): ValueCase[] => [
  ...exprs('req.ssl_hello_type', 'req_ssl_hello_type', 'req.ssl_sni', 'req_ssl_sni', 'req.ssl_alpn', 'req.ssl_ec_ext', 'req.ssl_st_ext', 'req.ssl_ver', 'req_ssl_ver', 'req.len', 'req_len', 'req.proto_http', 'req.rdp_cookie_cnt'),
  ...acls('req.ssl_ver 3.1', 'req.ssl_ver 3.3', 'req.ssl_ver 3.0:3.4', 'req.ssl_alpn http/1.1', 'req.ssl_alpn h2', 'req.ssl_alpn -m sub http', 'req.ssl_alpn,lower http/1.1', 'req.ssl_alpn nope', 'req.ssl_alpn,length 8', 'req.ssl_sni www.example.com', 'req.ssl_sni -i www.example.com', 'req.ssl_sni -m end .com', 'req.ssl_hello_type 1', 'req.ssl_sni -m found'),
]

/** Where what is broken, or not whole, counts as no hello here and as one without anything in HAProxy. */
function better(expected: Readonly<Record<string, string>>, why: string): ValueCase[] {
  return helloCases().map((c) => {
    const headgate = expected[c.expr ?? c.condition ?? '']
    return headgate === undefined ? c : { ...c, differs: { why, headgate } }
  })
}

const type1 = (headgate: string): Record<string, string> => ({ 'req.ssl_hello_type': headgate, req_ssl_hello_type: headgate, '{ req.ssl_hello_type 1 }': headgate })
const whole = Object.fromEntries(
  [
    ['req.ssl_sni', 'Www.Example.com'],
    ['req_ssl_sni', 'Www.Example.com'],
    ['req.ssl_alpn', 'h2'],
    ['req.ssl_ec_ext', '1'],
    ['req.ssl_st_ext', '1'],
    ...['http/1.1', 'h2', '-m sub http'].map((rest) => [`{ req.ssl_alpn ${rest} }`, '1']),
    ...['req.ssl_alpn,lower http/1.1', 'req.ssl_alpn,length 8', 'req.ssl_sni -i www.example.com', 'req.ssl_sni -m end .com', 'req.ssl_sni -m found'].map((rest) => [`{ ${rest} }`, '1']),
  ].map(([name, value]) => [name ?? '', value ?? '']),
)

const rdp = (cookie: string): Buffer => {
  const size = cookie.length + 11
  return Buffer.concat([Buffer.from([3, 0, size >> 8, size & 255, size - 5, 0xe0, 0, 0, 0, 0, 0]), Buffer.from(cookie, 'latin1')])
}
const rdpCases = (): ValueCase[] => exprs('req.rdp_cookie', 'rdp_cookie', 'req.rdp_cookie(mstshash)', 'req.rdp_cookie(MSTSHASH)', 'req.rdp_cookie(MSTS)', 'req.rdp_cookie_cnt', 'rdp_cookie_cnt', 'req.rdp_cookie_cnt(mstshash)', 'req.rdp_cookie_cnt(x)')

const token = (name: string, param: number, body = ''): string => name + param.toString(16).padStart(8, '0') + body
const distcc = Buffer.from(
  token('DIST', 1) + token('ARGC', 3) + token('ARGV', 2, 'cc') + token('ARGV', 2, '-c') + token('ARGV', 5, 'x.c\0z') + token('CDIR', 4, '/tmp') + token('NAME', 3, 'foo') + token('LINK', 3, 'bar') + token('NFIL', 2) + token('DOTD', 2, 'dd') + token('DOTI', 10, 'int main()') + token('DONE', 1) + token('STAT', 9) + token('SERR', 2, 'ee') + token('SOUT', 1, 'o') + token('DOTO', 2, 'OO') + token('XXXX', 7) + token('ARGC', 99),
  'latin1',
)

const heads = ['GET / HTTP/1.0\r\n\r\n', 'GET / HTTP/1.1\r\nHost: a\r\n\r\nbody', 'GET /\r\n\r\n', 'G T / HTTP/1.0\r\n\r\n', 'GET / HTTP/1.0\n\n', '\r\nGET / HTTP/1.0\r\n\r\n', 'GET  / HTTP/1.0\r\n\r\n', 'get / HTTP/1.0\r\n\r\n', 'GET / HTTP/1.0\r\nA b: c\r\n\r\n', 'GET / HTTP/1.0\r\nA:b\r\n c\r\n\r\n', 'GET / HTTP/1.0\r\nA b\r\n\r\n', 'GET / HTTP/1.0\r\n', 'G@T / HTTP/1.0\r\n\r\n', 'GET / HTTP/1.0 x\r\n\r\n', 'GET x HTTP/1.0\r\n\r\n', 'GET /\x80 HTTP/1.0\r\n\r\n', 'SSH-2.0-x\r\n', 'GET / HTTP/1.0\r\nA: \x01\r\n\r\n', 'GET /a b HTTP/1.0\r\n\r\n', 'GET / HTTP/1.0\r\n: c\r\n\r\n',
  'EHLO mail.example\r\n', 'MAIL FROM:<a@b>\r\n', 'hello there\n', 'HEAD /\r\n', 'get /\r\n', 'GETX /\r\n', 'GET / \r\n', 'GET / HTTP/1.1\r\n c\r\n\r\n', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 'GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n',
  ...['5', '5,5', '', '-1', 'x', '5,6', '5\r\nContent-Length: 5', '5\r\nContent-Length: 6'].map((length) => `POST / HTTP/1.1\r\nContent-Length: ${length}\r\n\r\n`),
  ...['chunked', 'gzip, chunked', 'chunked, gzip', 'foo'].map((coding) => `POST / HTTP/1.1\r\nTransfer-Encoding: ${coding}\r\n\r\n`)]

const blocks = Buffer.from([...Array(40).keys()])
const groups: readonly ValueGroup[] = [
  { name: 'a hello', bytes: modern, cases: helloCases() },
  { name: 'a hello and more', bytes: Buffer.concat([modern, Buffer.from('zz')]), cases: helloCases() },
  { name: 'a hello without a name', bytes: plain, cases: helloCases() },
  { name: 'an old hello', bytes: old, cases: helloCases() },
  { name: 'a hello in two records', bytes: inRecords(modern, 60), cases: better(whole, 'records are put together') },
  { name: 'a hello cut off', bytes: modern.subarray(0, -10), cases: helloCases() },
  { name: 'one byte of a hello', bytes: modern.subarray(0, 1), cases: helloCases() },
  { name: 'a record header', bytes: modern.subarray(0, 5), cases: helloCases() },
  { name: 'a hello with broken lists', bytes: changed(modern, 44 + (modern[43] ?? 0), 0xff), cases: better(type1('absent'), 'a broken hello is none') },
  { name: "a server's hello", bytes: changed(modern, 5, 2), cases: helloCases() },
  { name: 'an alert', bytes: Buffer.from([21, 3, 1, 0, 2, 2, 40]), cases: helloCases() },
  { name: 'a record of SSL 2', bytes: changed(modern, 1, 2), cases: helloCases() },
  { name: 'a hello of SSL 2', bytes: Buffer.from('802e0103010015000000100000350000390000380000330000320000040000050000ff0102030405060708090a0b0c0d0e0f10', 'hex'), cases: helloCases() },
  ...['mstshash=user\r\n', 'MSTS=1234.5.0\r\n', 'mstshash=user\r\nx', 'mstshash=\r\n', '=x\r\n', 'mstshash\r\n', 'mstshash=us', 'm_1=a b\r\n', ' mstshash=user\r\n', 'mstshash=user\n', 'mstshash =user\r\n'].map((cookie) => ({ name: `RDP: ${JSON.stringify(cookie)}`, bytes: rdp(`Cookie: ${cookie}`), cases: rdpCases() })),
  ...['Cookie:mstshash=user\r\n', 'cookie: mstshash=user\r\n', 'Xookie: mstshash=user\r\n', 'Coo', ''].map((text) => ({ name: `RDP: ${JSON.stringify(text)}`, bytes: rdp(text), cases: rdpCases() })),
  {
    name: 'distcc',
    bytes: distcc,
    cases: [
      ...['DIST', 'ARGC', 'ARGV', 'CDIR', 'NAME', 'LINK', 'NFIL', 'DOTD', 'DOTI', 'DONE', 'STAT', 'SERR', 'SOUT', 'DOTO', 'XXXX', 'argc', 'NOPE'].flatMap((name) => exprs(`distcc_param(${name})`, `distcc_body(${name})`)),
      ...exprs('distcc_param(ARGC,2)', 'distcc_body(ARGV,2)', 'distcc_body(ARGV,3)', 'distcc_body(ARGV,4)', 'distcc_body(ARGV,0)'),
    ],
  },
  ...[8, 12, 24, 30, 60].map((size) => ({ name: `distcc cut at ${size}`, bytes: distcc.subarray(0, size), cases: exprs('distcc_param(DIST)', 'distcc_param(ARGC)', 'distcc_param(ARGV)', 'distcc_body(ARGV)', 'distcc_param(DOTI)') })),
  { name: 'distcc without digits', bytes: Buffer.from('DISTzzzz0001ARGC00000001'), cases: exprs('distcc_param(DIST)', 'distcc_param(ARGC)') },
  ...heads.map((head) => ({ name: `HTTP? ${JSON.stringify(head)}`, bytes: Buffer.from(head, 'latin1'), cases: [...exprs('req.proto_http', 'req_proto_http'), { condition: 'HTTP' }, { condition: '!HTTP' }] })),
  {
    name: 'blocks with their length',
    bytes: blocks,
    cases: [
      ...['10', '36', '37'].map((offset) => ({ expr: `req.payload_lv(3,1,${offset}),hex`, differs: { why: 'an offset without a sign counts from the beginning', headgate: [0, 1, 2].map((i) => (Number(offset) + i).toString(16).toUpperCase().padStart(2, '0')).join('') } })),
      ...exprs(
      ...['0,1', '0,2', '1,1', '2,1', '3,1', '3,1,0', '3,1,+0', '3,1,+5', '3,1,-1', '3,1,-4', '3,1,+33', '3,1,+34', '0,4', '0,5', '0,8', '39,1', '40,1', '3,1,', '30,1'].flatMap((args) => [`req.payload_lv(${args})`, `payload_lv(${args})`]),
      ...['0,0', '0,3', '10,0', '39,1', '39,2', '40,0', '41,0', '0,40', '0,41'].flatMap((args) => [`req.payload(${args})`, `payload(${args})`]),
      ),
    ],
  },
  {
    name: 'constants of the process',
    cases: exprs('hostname', 'proc', 'nbproc', 'env(HOME)', 'env(NO_SUCH_VARIABLE)', 'rand(1)', 'stopping', 'prio_class', 'prio_offset', 'date,and(0)', 'date(0,ms),and(0)', 'date_us,and(0)', 'uuid,length', 'last_rule_line', 'bool(true),not', 'date(5),sub(3),div(1000000000)', 'date(0,us),div(1000000000000000)'),
  },
  { name: 'a session without TLS', cases: exprs('ssl_fc', 'ssl_fc_has_sni', 'ssl_fc_is_resumed', 'ssl_fc_sni', 'ssl_fc_cipher', 'ssl_fc_has_crt', 'ssl_c_used', 'ssl_c_verify', 'ssl_c_err', 'ssl_c_s_dn', 'ssl_f_der', 'ssl_fc_cipherlist_bin', 'fc_err', 'fc_err_str') },
]

await compareValues(t, 'bytes in the buffer', groups)

// ── TLS ──────────────────────────────────────────────────────────────────────────────────────────────────────────

const folder = mkdtempSync(path.join(os.tmpdir(), 'headgate-names-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))
const authority = await generate([{ name: 'commonName', value: 'CA of names' }], { keyType: 'ec', algorithm: 'sha256', extensions: [{ name: 'basicConstraints', cA: true }] })
const named = await generate(
  [
    { name: 'countryName', value: 'DE' },
    { name: 'organizationName', value: 'Org, "Inc" + <x>;' },
    { shortName: 'OU', value: 'A' },
    { shortName: 'OU', value: 'B' },
    { shortName: 'OU', value: 'c#d' },
    { name: 'commonName', value: 'client é' },
  ],
  { keyType: 'ec', algorithm: 'sha384', ca: { key: authority.private, cert: authority.cert } },
)
const authorityFile = path.join(folder, 'ca.pem')
writeFileSync(authorityFile, authority.cert)
const { server: leaf } = await certificates()

const CERTIFICATE = ['der,sha1,hex', 'sha1,hex', 'serial,hex', 's_dn', 's_dn(CN)', 's_dn(cn)', 's_dn(OU)', 's_dn(OU,2)', 's_dn(OU,-1)', 's_dn(OU,-3)', 's_dn(OU,4)', 's_dn(OU,0)', 's_dn(,0,rfc2253)', 's_dn(XX)', 'i_dn', 'i_dn(CN)', 'i_dn(,0,rfc2253)', 'notbefore', 'notafter', 'sig_alg', 'key_alg', 'version']
const SESSION = ['ssl_fc', 'ssl_fc_alpn', 'ssl_fc_cipher', 'ssl_fc_protocol', 'ssl_fc_use_keysize', 'ssl_fc_alg_keysize', 'ssl_fc_sni', 'ssl_fc_has_sni', 'ssl_fc_is_resumed', 'ssl_fc_has_crt', 'ssl_fc_has_early', 'ssl_fc_protocol_hello_id', 'ssl_fc_cipherlist_bin,hex', 'ssl_fc_cipherlist_bin(1),hex', 'ssl_fc_cipherlist_hex', 'ssl_fc_cipherlist_xxh', 'ssl_fc_extlist_bin,hex', 'ssl_fc_extlist_bin(1),hex', 'ssl_fc_eclist_bin,hex', 'ssl_fc_ecformats_bin,hex', 'ssl_c_used', 'ssl_c_verify', 'ssl_c_err', 'ssl_c_ca_err', 'ssl_c_ca_err_depth']

function session(options: ConnectionOptions): (port: number) => Promise<void> {
  return async (port) => {
    const client = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options })
    client.on('error', () => {})
    await once(client, 'secureConnect')
    client.write('x')
    client.resume()
    await once(client, 'close')
  }
}

for (const [name, options] of Object.entries<ConnectionOptions>({
  'TLS 1.3 with a certificate': { servername: 'foo.example', ALPNProtocols: ['h2'], cert: named.cert, key: named.private },
  'TLS 1.2 with a certificate': { servername: 'foo.example', ALPNProtocols: ['http/1.1'], maxVersion: 'TLSv1.2', cert: named.cert, key: named.private },
  'TLS without a certificate, a name or ALPN': { ciphers: 'TLS_AES_128_GCM_SHA256' },
})) {
  const run = session(options)
  await compareObserved(t, {
    name,
    global: 'tune.ssl.capture-buffer-size 4096',
    expressions: [...SESSION, ...CERTIFICATE.flatMap((suffix) => [`ssl_c_${suffix}`, `ssl_f_${suffix}`])],
    config: (ports, fields) => `frontend f
  bind 127.0.0.1:${ports.port('f')} ssl crt ${leaf.pem} ca-file ${authorityFile} verify optional alpn h2,http/1.1
  tcp-request inspect-delay 2s
  tcp-request content reject if { req.len gt 0 }
  ${fields}`,
    act: (ports) => run(ports.port('f')),
  })
}

t.test('what only the two ends know', async (t) => {
  const SECRETS = ['session_id', 'session_key', 'unique_id', 'client_random', 'server_random']
  for (const kind of asked(true)) {
    // what the client knows of the same session
    const known: Record<string, string> = {}
    const found = await observe(kind, {
      name: 'secrets',
      expressions: SECRETS.map((name) => `ssl_fc_${name},hex`),
      config: (ports, fields) => `frontend f
  bind 127.0.0.1:${ports.port('f')} ssl crt ${leaf.pem} no-tls-tickets
  tcp-request inspect-delay 2s
  tcp-request content reject if { req.len gt 0 }
  ${fields}`,
      async act(ports) {
        const client = tls.connect({ port: ports.port('f'), host: '127.0.0.1', rejectUnauthorized: false, maxVersion: 'TLSv1.2' })
        client.on('error', () => {})
        client.on('keylog', (line: Buffer) => {
          const [label, random = '', key = ''] = line.toString('latin1').trim().split(' ')
          if (label === 'CLIENT_RANDOM') Object.assign(known, { client_random: random, session_key: key })
        })
        await once(client, 'secureConnect')
        known['unique_id'] = client.getFinished()?.toString('hex') ?? ''
        known['session'] = client.getSession()?.toString('hex') ?? ''
        client.write('x')
        client.resume()
        await once(client, 'close')
      },
    })
    const value = (name: string): string => (found.get(`ssl_fc_${name},hex`) ?? '').toLowerCase()
    t.equal(value('session_key'), known['session_key'], `${kind}: the master key`)
    t.equal(value('unique_id'), known['unique_id'], `${kind}: the unique id`)
    t.match(value('session_id'), /^[0-9a-f]{64}$/, `${kind}: the session's id`)
    t.ok(known['session']?.includes(value('session_id')), `${kind}: is in what the client keeps`)
    t.equal(value('client_random'), kind === 'headgate-node' ? 'absent' : known['client_random'], `${kind}: the client's random bytes`)
    t.match(value('server_random'), kind === 'headgate-node' ? /^absent$/ : /^[0-9a-f]{64}$/, `${kind}: the server's random bytes`)
  }
})

// ── connections, proxies, servers ────────────────────────────────────────────────────────────────────────────────

const FRONT = ['fe_name', 'fe_req_rate', 'fe_req_rate(other)', 'cpu_calls,bool', 'fe_id', 'fe_conn', 'fe_conn(f)', 'fe_conn(other)', 'fe_sess_rate', 'fe_sess_rate(other)', 'be_sess_rate(b)', 'srv_sess_rate(b/s1)', 'fe_defbe', 'fe_client_timeout', 'so_id', 'so_name', 'dst_conn', 'src', 'dst', 'dst_port,bool', 'fc_src', 'fc_dst', 'fc_dst_port,bool', 'src_is_local', 'dst_is_local', 'fc_src_is_local', 'fc_dst_is_local', 'fc_err', 'fc_err_str', 'fc_rcvd_proxy', 'be_conn(b)', 'nbsrv(b)', 'nbsrv(down)', 'nbsrv(backup)', 'queue(b)', 'avg_queue(b)', 'connslots(b)', 'connslots(open)', 'be_conn_free(b)', 'be_conn_free(open)', 'be_conn_free(down)', 'srv_conn(b/s1)', 'srv_conn_free(b/s1)', 'srv_conn_free(open/s)', 'srv_is_up(b/s1)', 'srv_is_up(b/s2)', 'srv_iweight(b/s1)', 'srv_uweight(b/s1)', 'srv_weight(b/s1)', 'srv_queue(b/s1)', 'str(b),nbsrv', 'str(nope),nbsrv', 'str(b/s1),srv_queue', 'str(b/nope),srv_queue', 'thread,bool,not', 'last_rule_line']
const BACK = ['be_name', 'be_id', 'be_conn', 'be_sess_rate', 'nbsrv', 'queue', 'be_server_timeout', 'be_tunnel_timeout', 'fe_name', 'src', 'srv_is_up(s1)']
const BACK_RESPONSE = ['bc_dst', 'bc_dst_port,bool', 'bc_err', 'bc_err_str', 'ssl_bc', 'ssl_bc_alpn', 'srv_name', 'srv_id', 'srv_sess_rate(s1)', 'cur_server_timeout', 'cur_tunnel_timeout', 'res.len', 'res.payload(0,0)', 'payload(0,2)', 'res.ssl_hello_type', 'fe_name', 'be_name']
const LOG = ['be_name', 'srv_name', 'srv_id', 'bc_err', 'bc_err_str', 'ssl_bc', 'prio_class', 'prio_offset', 'last_rule_line', 'fe_name', 'so_name']
const variables = [...FRONT.map((_, i) => `var(txn.f${i})`), ...BACK.map((_, i) => `var(txn.b${i})`), ...BACK_RESPONSE.map((_, i) => `var(txn.r${i})`)]

await compareObserved(t, {
  name: 'connections, proxies and servers',
  expressions: [...variables, ...LOG],
  config: (ports, fields) => `frontend f
  id 42
  bind 127.0.0.1:${ports.port('f')} name web id 7
  tcp-request inspect-delay 1s
${FRONT.map((expression, i) => `  tcp-request content set-var(txn.f${i}) ${expression}`).join('\n')}
  tcp-request content set-priority-class int(3)
  tcp-request content set-priority-offset int(-5)
  default_backend b
  ${fields.slice(0, -1)} %B"
frontend other
  bind 127.0.0.1:${ports.port('other')}
  default_backend open
backend b
  id 43
  timeout tunnel 7s
${BACK.map((expression, i) => `  tcp-request content set-var(txn.b${i}) ${expression}`).join('\n')}
  tcp-request content accept if { dst_port gt 0 }
  tcp-response inspect-delay 1s
${BACK_RESPONSE.map((expression, i) => `  tcp-response content set-var(txn.r${i}) ${expression}`).join('\n')}
  server s1 127.0.0.1:${ports.port('server')} weight 20 maxconn 10
  server s2 127.0.0.1:${ports.port('server')} maxconn 10 disabled
backend open
  server s 127.0.0.1:${ports.port('server')}
backend down
  server s 127.0.0.1:${ports.port('server')} disabled
backend backup
  server s 127.0.0.1:${ports.port('server')} backup
  server t 127.0.0.1:${ports.port('server')} backup`,
  async act(ports) {
    const server = net.createServer((socket) => socket.end('bye'))
    server.listen(ports.port('server'), '127.0.0.1')
    await once(server, 'listening')
    const client = net.connect(ports.port('f'), '127.0.0.1')
    client.end('x')
    client.resume()
    await once(client, 'close')
    server.close()
  },
})

await compareObserved(t, {
  name: 'a session for which no backend was chosen',
  expressions: ['be_name', 'be_id', 'fe_name', 'srv_name', 'bc_src', 'be_conn(b)'],
  config: (ports, fields) => `frontend f
  id 42
  bind 127.0.0.1:${ports.port('f')}
  tcp-request inspect-delay 1s
  tcp-request content reject if { req.len gt 0 }
  default_backend b
  ${fields}
backend b
  server s 127.0.0.1:${ports.port('server')}`,
  async act(ports) {
    const client = net.connect(ports.port('f'), '127.0.0.1')
    client.end('x')
    client.resume()
    await once(client, 'close')
  },
})
