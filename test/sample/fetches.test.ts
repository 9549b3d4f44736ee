// Fetches and converters: the whole vocabulary, input cut at any byte, random bytes, and what HAProxy 2.6 cannot be asked for.

import { createHash, X509Certificate } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { connectFailureFact } from '../../src/core/connect-failure.ts'
import type { Why } from '../../src/core/handler.ts'
import { oneLine, rfc2253, nameEntry } from '../../src/core/distinguished-name.ts'
import type { Fetched, Sample, VariableScope } from '../../src/core/sample.ts'
import { NOT_YET } from '../../src/core/sample.ts'
import type { KernelSock, TcpInfo } from '../../src/core/sock.ts'
import type { Peer } from '../../src/core/view.ts'
import { tlsFact } from '../../src/core/tls.ts'
import type { TlsFacts, TlsLive } from '../../src/core/tls.ts'
import { readX509 } from '../../src/core/x509-fields.ts'
import { languageWords, notYet } from '../../src/config/language.ts'
import { foreignWords } from '../../src/config/foreign.ts'
import { builtinPlugins } from '../../handlers/builtin.ts'
import { samplePlugin } from '../../src/sample/builtin.ts'
import { compileExpression } from '../../src/sample/expression.ts'
import { argsScope } from '../../src/sample/scope.ts'
import { processVariables } from '../../src/sample/variables.ts'
import { strftime } from '../../src/sample/strftime.ts'
import { connectionErrorName } from '../../src/sample/fetches/connection-errors.ts'
import { ConnectionSubject, SessionSubject } from '../../src/sample/subject.ts'
import { certificates } from '../kit/certificates.ts'
import { proxyView, Section, StillHandshake, subject, words } from './section.ts'
import { FIX, MQTT, PROTOBUF } from '../oracle/converter-messages.ts'

const SEED = Number(process.env['FUZZ_SEED'] ?? Date.now() % 1_000_000)
const RUNS = Number(process.env['FUZZ_RUNS'] ?? 300)
t.comment(`FUZZ_SEED=${SEED} FUZZ_RUNS=${RUNS}`)

t.test('every word of the language is there or answered', async (t) => {
  const plugins = [samplePlugin, ...builtinPlugins]
  const known = { fetch: new Set(plugins.flatMap((p) => (p.fetches ?? []).map((f) => f.name))), converter: new Set(plugins.flatMap((p) => (p.converters ?? []).map((c) => c.name))) }
  for (const place of ['fetch', 'converter'] as const) {
    const silent = languageWords(place).filter((word) => !known[place].has(word) && notYet(place, [word]) === undefined)
    t.same(silent, [], place)
    for (const { place: at, name } of foreignWords()) if (at === place) t.notOk(known[place].has(name), `${name} is not both there and refused`)
  }
  const section = new Section()
  const refused = (text: string): string => String(section.evaluate(text, subject()))
  t.match(refused('req.hdr(host)'), /'req.hdr' is an HTTP keyword, not supported/)
  t.match(refused('sc0_get_gpc0'), /'sc_get_gpc0' is not supported yet/)
  t.match(refused('src,in_table(t)'), /'in_table' is not supported yet/)
  t.match(refused('src,language(fr)'), /'language' is an HTTP keyword/)
  t.match(refused('ssl_c_policies'), /'ssl_c_policies' is not supported yet/)
  t.match(refused('req.ssl_sny'), /unknown fetch method 'req.ssl_sny'/)
  t.match(refused('src,uppr'), /unknown converter 'uppr'/)
})

const section = new Section()
const evaluate = (expression: string, bytes: Buffer, final: boolean): Fetched | string => section.evaluate(expression, subject({ bytes, final }))

/** What a client of node:tls said, for Www.Example.com with ALPN h2 and http/1.1. */
const hello = Buffer.from(
  '16030101820100017e0303f20ed94d163093312492aa11501019f61076849c61cb573b95a22b330ba67f1320488738e89fa5ed78912d3c6d59dc00edd12233f73e6b81a370692a7ab21629' +
  '390076130213031301c02fc02bc030c02c009ec0270067c028006b00a3009fcca9cca8ccaac0afc0adc0a3c09fc05dc061c057c05300a2c0aec0acc0a2c09ec05cc060c056c052c024006a' +
  'c0230040c00ac01400390038c009c01300330032009dc0a1c09dc051009cc0a0c09cc050003d003c0035002f00ff010000bf00000014001200000f5777772e4578616d706c652e636f6d00' +
  '0b000403000102000a00160014001d0017001e0019001801000101010201030104002300000010000e000c02683208687474702f312e310016000000170000000d002a0028040305030603' +
  '080708080809080a080b080408050806040105010601030303010302040205020602002b00050403040303002d00020101003300260024001d0020a5ec0680cf2b4ca045cbb4e383c8144b' +
  '1f86f1bfc560e35d0ed513898282bf19',
  'hex',
)

t.test('what is cut at any byte is either not yet there or what it is in the end', async (t) => {
  const messages: readonly (readonly [Buffer, readonly string[]])[] = [
    [hello, ['req.ssl_hello_type', 'req.ssl_sni', 'req.ssl_alpn', 'req.ssl_ver', 'req.ssl_st_ext', 'req.ssl_ec_ext', 'req.payload_lv(3,2)', 'req.payload(10,20)']],
    [Buffer.from('\x03\x00\x00\x2b\x26\xe0\0\0\0\0\0Cookie: mstshash=user\r\nrest', 'latin1'), ['req.rdp_cookie', 'req.rdp_cookie(mstshash)', 'req.rdp_cookie(x)', 'req.rdp_cookie_cnt', 'req.rdp_cookie_cnt(x)']],
    [Buffer.from('DIST00000001ARGC00000002ARGV00000002ccDOTI00000003int'), ['distcc_param(DIST)', 'distcc_param(DOTI)', 'distcc_body(ARGV)', 'distcc_body(DOTI)', 'distcc_body(NOPE)']],
    [Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'), ['req.proto_http']],
    [Buffer.from('EHLO me\r\n'), ['req.proto_http', 'req.ssl_hello_type', 'req.ssl_sni', 'req.ssl_ver']],
    ...Object.values(MQTT).map((text) => [Buffer.from(text, 'hex'), ['req.payload(0,0),mqtt_is_valid', 'req.payload(0,0),mqtt_field_value(connect,client_identifier)']] as const),
    ...Object.values(FIX).map((text) => [Buffer.from(text, 'latin1'), ['req.payload(0,0),fix_is_valid']] as const),
  ]
  for (const [message, expressions] of messages) {
    for (const expression of expressions) {
      const end = evaluate(expression, message, true)
      const wrong: number[] = []
      for (let n = 0; n <= message.length; n++) {
        const now = evaluate(expression, message.subarray(0, n), false)
        const settled = now !== NOT_YET && !(typeof now === 'object' && now.mayChange === true)
        if (settled && JSON.stringify(value(now)) !== JSON.stringify(value(end))) wrong.push(n)
        if (evaluate(expression, message.subarray(0, n), true) === NOT_YET) wrong.push(-n)
      }
      t.same(wrong, [], `${expression} of ${message.toString('latin1', 0, 12)}`)
    }
  }
})

function value(fetched: Fetched | string): unknown {
  return typeof fetched === 'object' ? [fetched.type, String(fetched.value)] : fetched
}

const EXPRESSIONS = [
  'req.ssl_hello_type', 'req.ssl_sni', 'req.ssl_alpn', 'req.ssl_ver', 'req.ssl_st_ext', 'req.ssl_ec_ext', 'req.rdp_cookie', 'req.rdp_cookie_cnt(mstshash)', 'distcc_param(DOTI)', 'distcc_body(ARGV,2)', 'req.proto_http',
  'req.payload_lv(0,1)', 'req.payload_lv(0,2,-1)', 'req.payload_lv(0,8)', 'req.payload(1,0)',
  ...['mqtt_is_valid', 'mqtt_field_value(connect,username)', 'mqtt_field_value(connack,17)', 'fix_is_valid', 'fix_tag_value(35)', 'protobuf(1)', 'protobuf(3.1,int32)', 'protobuf(9.1.1)', 'ungrpc(1,int32)', 'json(utf8s)', 'json(utf8p)', 'json_query($.a.b[1])', 'json_query($.a)', 'jwt_header_query($.alg)', 'jwt_payload_query', 'jwt_verify(HS256,key)', 'url_dec', 'url_enc', 'b64dec', 'ub64dec', 'hex2i', 'xxh3', 'xxh64', 'wt6', 'field(2,.)', 'word(-1,.,2)', 'be2dec(.,3)', 'be2hex(:,2,1)', 'regsub(a*,b,g)', 'host_only', 'port_only', 'hex2i,utime(%c)', 'param(a)'].map((c) => `req.payload(0,0),${c}`),
]

t.test('no bytes make anything throw, and values are of the types that are declared', async () => {
  const seeds = [hello, ...Object.values(MQTT).map((text) => Buffer.from(text, 'hex')), ...Object.values(FIX).map((text) => Buffer.from(text, 'latin1')), Buffer.from(PROTOBUF, 'hex'), Buffer.from('{"a":{"b":[1,{"c":"\\u00e9"}]}}'), Buffer.from('eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.AAAA')]
  const mutated = fc.tuple(fc.nat(seeds.length - 1), fc.array(fc.tuple(fc.nat(300), fc.nat(255)), { maxLength: 4 }), fc.nat(300)).map(([which, changes, size]) => {
    const bytes = Buffer.from(seeds[which] ?? '')
    for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte
    return bytes.subarray(0, Math.min(bytes.length, size === 0 ? bytes.length : size))
  })
  const bytes = fc.oneof(mutated, fc.uint8Array({ maxLength: 400 }).map((array) => Buffer.from(array)))
  fc.assert(
    fc.property(bytes, fc.boolean(), (input, final) => {
      for (const expression of EXPRESSIONS) {
        const found = evaluate(expression, input, final)
        if (typeof found === 'string' && found !== NOT_YET) throw new Error(`${expression}: ${found}`)
        if (final && found === NOT_YET) throw new Error(`${expression} waits for what cannot come`)
      }
    }),
    { seed: SEED, numRuns: RUNS },
  )
  fc.assert(
    fc.property(bytes, (input) => void readX509(input)),
    { seed: SEED, numRuns: RUNS },
  )
})

t.test('parsers take time in proportion to what they read', async (t) => {
  const large = [Buffer.alloc(16384, '{"a":'), Buffer.alloc(16384, '8=FIX.4.4\x019=1\x01'), Buffer.alloc(16384, 0x0a), Buffer.alloc(16384, 'A: b\r\n'), Buffer.alloc(16384, '[[["\\'), Buffer.alloc(16384, 0x16)]
  for (const bytes of large) {
    const began = process.cpuUsage()
    for (const expression of EXPRESSIONS) evaluate(expression, bytes, true)
    const { user, system } = process.cpuUsage(began)
    t.ok(user + system < 4_000_000, `${bytes.toString('latin1', 0, 6)}: all expressions on 16 KiB`)
  }
})

t.test('words that came after 2.6', async (t) => {
  const session = subject()
  session.frontend = proxyView({ name: 'f' })
  const found = (expression: string): unknown => value(section.evaluate(expression, session))
  // NIST SP 800-38A, F.2.1 and F.2.5: the first block, and here a block of padding behind it
  const [iv, key128, key256, plain] = ['AAECAwQFBgcICQoLDA0ODw==', 'K34VFiiu0qar9xWICc9PPA==', 'YD3rEBXKcb4rc67whX13gR81LAc7YQjXLZgQowkU3/Q=', '6bc1bee22e409f96e93d7e117393172a']
  t.match(found(`bin(${plain}),aes_cbc_enc(128,${iv},${key128}),hex`), ['str', /^7649ABAC8119B246CEE98E9B12E9197D[0-9A-F]{32}$/])
  t.match(found(`bin(${plain}),aes_cbc_enc(256,${iv},${key256}),hex`), ['str', /^F58C4C04D6E5F1BA779EABFB5F7BFBD6[0-9A-F]{32}$/])
  for (const [bits, key] of [[128, key128], [256, key256]] as const) t.strictSame(found(`str(secret),aes_cbc_enc(${bits},${iv},${key}),aes_cbc_dec(${bits},${iv},${key})`), ['bin', 'secret'])
  t.equal(found(`str(secret),aes_cbc_enc(128,${iv},${key128}),aes_cbc_dec(256,${iv},${key256})`), undefined)
  t.equal(found(`str(junk),aes_cbc_dec(128,${iv},${key128})`), undefined)
  t.equal(found(`str(x),aes_cbc_enc(128,AAAA,${key128})`), undefined, 'a nonce is a block')
  t.match(found(`str(x),aes_cbc_enc(100,${iv},${key128})`), /key size must be 128, 192 or 256/)
  t.match(found(`str(x),aes_cbc_enc(128,${iv},*)`), /failed to parse key/)
  t.strictSame(found('str(f),fe_exists'), ['bool', 'true'])
  t.strictSame(found('str(nope),fe_exists'), ['bool', 'false'])
  t.equal(found('str(f/none),srv_is_up'), undefined)
})

t.test('a session of later versions: entities, numbers, certificates', async (t) => {
  const session = subject()
  const found = (expression: string): unknown => value(section.evaluate(expression, session))
  t.same(found('txn.id32'), ['sint', '1'])
  t.same([found('last_entity'), found('waiting_entity')], [undefined, undefined])
  session.effects.lastRule = { file: 'my.cfg', line: 12 }
  session.effects.waitingRule = { file: 'my.cfg', line: 7 }
  t.same([found('last_entity'), found('waiting_entity')], [['str', 'my.cfg:12'], ['str', 'my.cfg:7']])
  for (const name of ['ssl_fc_curve', 'ssl_bc_curve', 'ssl_fc_crtname', 'ssl_fc_early_rcvd', 'ssl_c_san']) t.equal(section.evaluate(name, session), undefined, `${name} without TLS`)
  const { client, server } = await certificates()
  const facts = (cert: string | undefined, live?: TlsLive): TlsFacts => ({ version: 'TLSv1.3', cipher: 'x', cipherBits: 0, algorithmBits: 0, alpn: '', sni: '', resumed: false, peer: cert === undefined ? undefined : new X509Certificate(cert).raw, peerShown: true, verifyResult: 0, own: { file: 'certs/a.pem', pem: Buffer.from(server.cert), key: Buffer.alloc(0), keyType: 'ec', names: [] }, ...(live === undefined ? {} : { live }) })
  const live = (group: string | undefined): TlsLive => ({ secrets: () => undefined, chain: () => undefined, keyLogged: () => undefined, group: () => group, failure: undefined })
  session.server = new StillHandshake()
  session.client.set(tlsFact, facts(client.cert, live('x25519')))
  session.server.set(tlsFact, facts(server.cert, live(undefined)))
  const log = (expression: string): unknown => {
    const args = section.args('log-format', words(expression))
    return value(compileExpression(args, argsScope(args, 'log', 'log-format'), (problem) => args.fail(problem))?.evaluate(session))
  }
  t.same([found('ssl_fc_curve'), log('ssl_bc_curve')], [['str', 'x25519'], undefined])
  t.same([found('ssl_fc_crtname'), found('ssl_fc_early_rcvd')], [['str', 'certs/a.pem'], ['bool', 'false']])
  t.same(found('ssl_c_san'), ['str', 'DNS:client.test, IP Address:127.0.0.1'])
  session.client.set(tlsFact, facts(undefined))
  t.equal(found('ssl_c_san'), undefined, 'no certificate')
  session.client.set(tlsFact, { ...facts(undefined), peer: Buffer.from('junk') })
  t.equal(found('ssl_c_san'), undefined, 'none that can be read')
})

t.test('all variables as a text', async (t) => {
  const session = subject()
  const found = (expression: string): unknown => value(section.evaluate(expression, session))
  t.same(found('dump_all_vars(txn)'), ['str', ''])
  const set = (scope: VariableScope, name: string, sample: Sample): boolean => session.variables.set({ scope, name }, sample)
  set('txn', 'name', { type: 'str', value: 'John "Doe" \\ \r\n\b\0 \t.' })
  set('txn', 'data', { type: 'bin', value: 'Hello\xff' })
  set('txn', 'count', { type: 'sint', value: -42n })
  set('txn', 'active', { type: 'bool', value: true })
  set('txn', 'client', { type: 'ipv4', value: 0xc0a80101 })
  set('sess', 'user.id', { type: 'sint', value: 7n })
  set('sess', 'user', { type: 'bool', value: false })
  set('sess', 'other', { type: 'ipv6', value: new Uint8Array(16) })
  set('req', 'r', { type: 'str', value: '' })
  const txn = ['txn.name="John \\"Doe\\" \\\\ \\r\\n\\b\\0 \t."', 'txn.data=x48656c6c6fff', 'txn.count=-42', 'txn.active=true', 'txn.client=192.168.1.1']
  const sess = ['sess.user.id=7', 'sess.user=false', 'sess.other=::']
  t.same(found('dump_all_vars(txn)'), ['str', txn.join(', ')])
  t.same(found('dump_all_vars(sess)'), ['str', sess.join(', ')])
  t.same(found('dump_all_vars(sess,user)'), ['str', sess.slice(0, 2).join(', ')])
  t.same(found('dump_all_vars(sess,user,|)'), ['str', sess.slice(0, 2).join('|')])
  t.same(found("dump_all_vars(txn,c,'; ')"), ['str', 'txn.count=-42; txn.client=192.168.1.1'])
  t.match(found('dump_all_vars'), ['str', [...sess, ...txn, 'req.r=""'].join(', ')])
  t.same(found('dump_all_vars(res)'), ['str', ''])
  session.server = session.client
  set('res', 'a', { type: 'bool', value: true })
  t.same([found('dump_all_vars(res)'), found('dump_all_vars(req)')], [['str', 'res.a=true'], ['str', '']], 'those of the request are gone')
  t.match(String(section.evaluate('dump_all_vars(nope)', session)), /unknown scope 'nope'/)
  set('txn', 'long', { type: 'str', value: 'x'.repeat(16_384) })
  t.equal(found('dump_all_vars(txn)'), undefined, 'what is too long is not cut')
  t.same(found('dump_all_vars(txn,count)'), ['str', 'txn.count=-42'])
  processVariables.set({ scope: 'proc', name: 'dumped' }, { type: 'sint', value: 1n })
  t.teardown(() => processVariables.unset({ scope: 'proc', name: 'dumped' }))
  t.same(found('dump_all_vars(proc,dump)'), ['str', 'proc.dumped=1'])
})

t.test('what the kernel knows', async (t) => {
  const info: TcpInfo = { rtt: 12_345, rttvar: 2000, unacked: 1, sacked: 2, lost: 3, retrans: 4, fackets: 5, reordering: 6 }
  class Known extends StillHandshake implements Peer {
    readonly kernel: KernelSock = { tcpInfo: () => info, setMark: () => '', setTos: () => '', savedSyn: () => Buffer.from('45') }
  }
  const session = new SessionSubject(new Known(), () => 0)
  session.server = new Known('10.0.0.1:1', '10.0.0.2:2')
  const found = (expression: string): unknown => value(section.evaluate(expression, session))
  for (const [expression, n] of [['fc_rtt', 12], ['fc_rtt(us)', 12_345], ['fc_rtt(ms)', 12], ['fc_rttvar', 2], ['fc_unacked', 1], ['fc_sacked', 2], ['fc_lost', 3], ['fc_retrans', 4], ['fc_fackets', 5], ['fc_reordering', 6]] as const) t.same(found(expression), ['sint', String(n)], expression)
  t.strictSame(found('fc_saved_syn'), ['bin', '45'])
  for (const expression of ['fc_rtt', 'fc_saved_syn']) t.equal(section.evaluate(expression, subject()), undefined, `${expression}: a provider that cannot ask`)
  t.match(String(section.evaluate('fc_rtt(ns)', session)), /expects 'us' or 'ms', got 'ns'/)
})

t.test('why a server was not reached', async (t) => {
  class Lost extends StillHandshake implements Peer {}
  const session = new SessionSubject(new Lost(), () => 0)
  const found = (expression: string): unknown => value(section.evaluate(expression, session))
  const lost = (handler: string, why: Why, bound = false, dst = '10.0.0.2:2'): void => {
    session.server = new Lost('10.0.0.1:1', dst)
    session.server.set(connectFailureFact, { handler, why, bound })
  }
  for (const expression of ['bc_err', 'bc_err_name']) t.equal(section.evaluate(expression, session), undefined, 'nobody was tried')
  for (const [name, number, bound] of [['ENETUNREACH', 6], ['EACCES', 6], ['EMFILE', 2], ['ENFILE', 3], ['ENOBUFS', 4], ['EAFNOSUPPORT', 5], ['EADDRINUSE', 10, true], ['EADDRNOTAVAIL', 8, true], ['EADDRNOTAVAIL', 9]] as const) {
    lost('', { cause: 'failed', detail: name }, bound)
    t.same(found('bc_err'), ['sint', String(number)], name)
  }
  for (const name of ['ECONNREFUSED', 'ETIMEDOUT', 'EHOSTUNREACH']) {
    lost('', { cause: 'failed', detail: name })
    t.same([section.evaluate('bc_err', session), section.evaluate('bc_err_str', session)], [undefined, undefined], `${name}: as the network answered`)
  }
  lost('', { cause: 'timeout' })
  t.equal(section.evaluate('bc_err', session), undefined, 'no answer')
  for (const [detail, number, text, name] of [
    ['SSL handshake failure', 34, 'SSL handshake failure', 'SSL_HANDSHAKE'],
    ['Connection closed during SSL handshake', 34, 'SSL handshake failure', 'SSL_HANDSHAKE'],
    ['Server presented an SSL certificate different from the expected one', 33, 'Server presented an SSL certificate different from the expected one', 'SSL_MISMATCH_SNI'],
    ['something of a plugin', 6, 'General socket error', 'SOCK_ERR'],
  ] as const) {
    lost('tls', { cause: 'failed', detail })
    t.same([found('bc_err'), found('bc_err_str'), found('bc_err_name')], [['sint', String(number)], ['str', text], ['str', name]], detail)
  }
  session.server = new Lost('10.0.0.1:1', '10.0.0.2:2')
  t.same([found('bc_err'), found('bc_err_str'), found('bc_err_name')], [['sint', '0'], ['str', 'Success'], ['str', '']])
  // the table of the manual of 3.4, fc_err_str
  for (const [number, name] of [[0, ''], [1, 'CONF_FDLIM'], [10, 'ADDR_INUSE'], [11, 'PRX_EMPTY'], [17, 'PRX_BAD_PROTO'], [18, 'CIP_EMPTY'], [23, 'CIP_BAD_PROTO'], [24, 'SSL_EMPTY'], [34, 'SSL_HANDSHAKE'], [38, 'SSL_EARLY_FAILED'], [42, 'SOCKS4_ABORT'], [43, 'SSL_FATAL'], [44, '']] as const) t.equal(connectionErrorName(number), name, String(number))
  const refused = (error: string): unknown => value(section.evaluate('fc_err_name', new ConnectionSubject(new StillHandshake(), () => 0, { error })))
  t.same(refused(''), ['str', ''])
  t.same(refused('Received something which does not look like a PROXY protocol header (an HTTP request)'), ['str', 'PRX_NOT_HDR'])
  t.same(refused('Timeout during SSL handshake'), ['str', 'SSL_TIMEOUT'])
})

t.test('certificates and their names', async (t) => {
  // made with OpenSSL: version 1, a serial above 2^63, two-part and odd names, valid beyond 2049
  const pem = `-----BEGIN CERTIFICATE-----
MIIDBTCCAe0CCQDx4tPEtaaXiDANBgkqhkiG9w0BAQwFADBBMQswCQYDVQQGEwJG
UjERMA8GA1UECgwIVGVzdCBPcmcxDzANBgNVBAsMBlNlY29uZDEOMAwGA1UEAwwF
TXkgQ0EwIBcNMjYxMTIxMDkyNDE0WhgPMjA4MTA4MjQwOTI0MTRaMIIBDzELMAkG
A1UEBhMCREUxEzARBgNVBAgMClNvbWUgU3RhdGUxDTALBgNVBAcMBFRvd24xFzAV
BgNVBAoMDk9yZywgSW5jICsgPHg+MQowCAYDVQQLDAFBMQowCAYDVQQLDAFCMQow
CAYDVQQLDAFDMRIwEAYDVQQDDAljbGllbnQgw6kxFDASBgkqhkiG9w0BCQEWBWFA
Yi5jMQwwCgYDVQQFEwMxMjMxDDAKBgNVBAQMA1N1cjEMMAoGA1UEKgwDR2l2MRcw
FQYKCZImiZPyLGQBGRYHZXhhbXBsZTEUMBIGCgmSJomT8ixkAQEMBHVpZDExDDAK
BgNVBAwMA1QveDEOMAwGAlMEDAZvZGRpdHkwWTATBgcqhkjOPQIBBggqhkjOPQMB
BwNCAATDj5MOWQvP39mYlfmAyorzHL4x8fsYVxMUP0y/C5Xmc0eK0IWN8zUSaXVH
d83dcv16zP1Vm+jTv3xkruVm20fiMA0GCSqGSIb3DQEBDAUAA4IBAQB0Is5im8zG
eaTIg5bzvZsvJpoI5/mTEF1nET6dH0qOlEYq4UdSiGeOEkeLQDp14Q/+ndgpVGtl
3tLESoIQMjcyeDJvwu7fA1k1mejoiaVpaPmA2ge/+J+vSCKp9hyRjugErxj/E/f4
TW89LJrNlcMi+q7C64xTs/q17F6nGECr1uRsjZoheKhRoENGHG6mSXIksUx5s8za
7ctc595L8K9a4GxslEDcVz43lr3UU+WJBMs3Evx5LDFh50/959d8v2tHTzXPSXl9
Kf6ewRCtP3rfYxyT8PyZhVCtst2FLGQrl2eJhuH2CWrN2Zq7263xyEG8ws2Cj7gN
FHihorD4e2bc
-----END CERTIFICATE-----`
  const x509 = new X509Certificate(pem)
  const fields = readX509(x509.raw)
  if (fields === undefined) throw new Error('not read')
  t.equal(oneLine(fields.subject), '/C=DE/ST=Some State/L=Town/O=Org, Inc + <x>/OU=A/OU=B/OU=C/CN=client \xc3\xa9/emailAddress=a@b.c/serialNumber=123/SN=Sur/GN=Giv/DC=example/UID=uid1/title=T/x/2.3.4=oddity')
  t.equal(rfc2253(fields.subject), '2.3.4=#0C066F6464697479,title=T/x,UID=uid1,DC=example,GN=Giv,SN=Sur,serialNumber=123,emailAddress=a@b.c,CN=client \\C3\\A9,OU=C,OU=B,OU=A,O=Org\\, Inc \\+ \\<x\\>,L=Town,ST=Some State,C=DE')
  t.equal(oneLine(fields.issuer), '/C=FR/O=Test Org/OU=Second/CN=My CA')
  t.equal(nameEntry(fields.subject, 'ou', -1), 'C')
  t.equal(nameEntry(fields.subject, 'OU', 4), undefined)
  t.equal(fields.serial.toString('hex'), x509.serialNumber.toLowerCase())
  t.equal(fields.version, 1)
  t.match(fields.notAfter, /^81\d{10}Z$/)
  t.equal(createHash('sha1').update(x509.raw).digest('hex'), x509.fingerprint.replaceAll(':', '').toLowerCase())
  for (let n = 0; n < x509.raw.length; n++) t.equal(readX509(x509.raw.subarray(0, n)), undefined)
})

t.test('strings of names that are not UTF-8', async (t) => {
  // As `openssl x509 -nameopt RFC2253` writes them; string_mask of a request's configuration makes such names.
  const text = (tag: number, hex: string): string => rfc2253([{ oid: '550403', tag, value: Buffer.from(hex, 'hex').toString('latin1'), der: Buffer.alloc(0), joined: false }])
  t.equal(text(0x1e, '006100e920ac'), 'CN=a\\C3\\A9\\E2\\82\\AC', 'BMPString: two bytes a character')
  t.equal(text(0x1c, '000000610001f600'), 'CN=a\\F0\\9F\\98\\80', 'UniversalString: four')
  t.equal(text(0x1c, '0011000000'), 'CN=\\EF\\BF\\BD', 'beyond Unicode, and a piece of a character')
  t.equal(text(0x14, '61e9'), 'CN=a\\C3\\A9', 'T61String: one')
})

t.test('dates of any year', async (t) => {
  for (const [seconds, text] of [[0n, '1970-01-01 00:00:00 4 001'], [-1n, '1969-12-31 23:59:59 3 365'], [951782400n, '2000-02-29 00:00:00 2 060'], [-62167219200n, '0-01-01 00:00:00 6 001'], [253402300800n, '10000-01-01 00:00:00 6 001']] as const) {
    t.equal(strftime('%F %T %u %j', seconds, false), text)
  }
  fc.assert(
    fc.property(fc.bigInt({ min: -62_135_596_800n, max: 253_402_300_799n }), (seconds) => strftime('%Y-%m-%dT%H:%M:%S.000Z', seconds, false).padStart(24, '0') === new Date(Number(seconds) * 1000).toISOString()),
    { seed: SEED, numRuns: RUNS },
  )
})
