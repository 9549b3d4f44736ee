// The built-in handlers: each against the contract, and what each is for. TLS has tests of its own.

import { X509Certificate } from 'node:crypto'
import fc from 'fast-check'
import { generate } from 'selfsigned'
import t from 'tap'
import { buildProxyV1, buildProxyV2, originFact, proxyHeaderFact, readCertificate, textTlv, TLV, tlsFact, uniqueIdFact } from '../../src/plugin.ts'
import type { Address, App, FactKey, MakeHandler, Origin, TlsFacts } from '../../src/plugin.ts'
import { configured, FakeHandshake, handlerContract, type ContractCase, type Configured, type FakeOptions, type Outcome } from '../kit/index.ts'

const LISTEN = 'listen l\n bind :80'
const ip = (host: string, port: number): Address => ({ family: host.includes(':') ? 'ipv6' : 'ipv4', host, port })
const from = (host: string): FakeOptions => ({ src: ip(host, 40000) })
const STREAM: App = { name: 'stream', open: (conn) => conn.attach({ ready: () => undefined, expired: () => undefined }) }

/** A configuration that has to be read without a word. */
function reads(text: string): Configured {
  const found = configured(`defaults\n timeout client 1s\n timeout server 1s\n timeout connect 1s\n${text}`, [], STREAM)
  if (found.problems.length > 0) throw new Error(found.problems.join('\n'))
  return found
}

/** The one handler of a line that has this name. */
function handler(found: Configured, name: string, line = found.bind()): MakeHandler {
  const make = found.handlers(line).find((m) => m().name === name)
  if (make === undefined) throw new Error(`the line has no handler '${name}'`)
  return make
}

function refusal(outcome: Outcome | undefined): readonly (string | boolean | undefined)[] {
  return outcome !== undefined && 'refused' in outcome ? [outcome.refused, outcome.why.cause, outcome.why.detail, outcome.why.quiet] : [JSON.stringify(outcome)]
}

// ── the contract ─────────────────────────────────────────────────────────────────────────────────────────────────

const V1 = buildProxyV1(ip('203.0.113.9', 1234), ip('198.51.100.7', 443))
const V2 = buildProxyV2({ command: 'PROXY', src: ip('203.0.113.9', 1234), dst: ip('198.51.100.7', 443), tlvs: [textTlv(TLV.authority, 'a.example')], crc32c: true })
const MONITORED = 'monitor-net 10.0.0.0/8'
const HTTP_OK = 'HTTP/1.0 200 OK\r\n\r\n'
const HTTP_503 = 'HTTP/1.0 503 Service Unavailable\r\n\r\n'

const CONTRACTS: readonly (Omit<ContractCase, 'make'> & { readonly text: string; readonly handler: string; readonly connect?: true })[] = [
  { name: 'health', text: `${LISTEN}\n mode health`, handler: 'health', input: 'anything', outcome: 'refused', says: 'OK\n' },
  { name: 'health, HTTP', text: `${LISTEN}\n mode health\n option httpchk`, handler: 'health', input: 'GET / HTTP/1.0\r\n\r\n', outcome: 'refused', says: HTTP_OK },
  { name: 'monitor, a client', text: `${LISTEN}\n ${MONITORED}`, handler: 'monitor', input: '' },
  { name: 'monitor, a probe', text: `${LISTEN}\n ${MONITORED}`, handler: 'monitor', input: 'probe', outcome: 'refused', options: from('10.1.2.3') },
  { name: 'monitor, an HTTP probe', text: `${LISTEN}\n ${MONITORED}\n option httpchk`, handler: 'monitor', input: 'GET /', outcome: 'refused', says: HTTP_OK, options: from('10.1.2.3') },
  { name: 'monitor, failing', text: `${LISTEN}\n ${MONITORED}\n monitor fail if TRUE`, handler: 'monitor', input: '', outcome: 'refused', options: from('10.1.2.3') },
  { name: 'accept-proxy, version 1', text: `${LISTEN} accept-proxy`, handler: 'accept-proxy', input: V1 },
  { name: 'accept-proxy, version 2', text: `${LISTEN} accept-proxy`, handler: 'accept-proxy', input: V2 },
  { name: 'accept-proxy, LOCAL', text: `${LISTEN} accept-proxy`, handler: 'accept-proxy', input: buildProxyV2({ command: 'LOCAL', src: ip('1.1.1.1', 1), dst: ip('1.1.1.1', 1) }) },
  { name: 'accept-proxy, UNKNOWN', text: `${LISTEN} accept-proxy`, handler: 'accept-proxy', input: 'PROXY UNKNOWN\r\n' },
  { name: 'accept-proxy, no header', text: `${LISTEN} accept-proxy`, handler: 'accept-proxy', input: 'G', outcome: 'refused' },
  { name: 'accept-proxy, a bad header', text: `${LISTEN} accept-proxy`, handler: 'accept-proxy', input: 'PROXY TCP4 1.2.3.4 1.2.3.400 1 2\r\n', outcome: 'refused' },
  { name: 'tcp-rules connection', text: `${LISTEN}\n tcp-request connection accept if { src 192.0.2.1 }`, handler: 'tcp-rules connection', input: '' },
  { name: 'tcp-rules connection, reject', text: `${LISTEN}\n tcp-request connection reject`, handler: 'tcp-rules connection', input: 'x', outcome: 'refused' },
  { name: 'tcp-rules handshake, reject', text: `${LISTEN}\n tcp-request handshake reject`, handler: 'tcp-rules handshake', input: 'x', outcome: 'refused' },
  { name: 'tcp-rules session, reject', text: `${LISTEN}\n tcp-request session reject`, handler: 'tcp-rules session', input: 'x', outcome: 'refused' },
  { name: 'expect-proxy', text: `${LISTEN}\n tcp-request connection expect-proxy layer4`, handler: 'tcp-rules connection', input: V1 },
  { name: 'unique-id', text: `${LISTEN}\n unique-id-format %ci`, handler: 'unique-id', input: '' },
  { name: 'session', text: LISTEN, handler: 'session', input: '', outcome: 'served' },
  { name: 'demo-service', text: `${LISTEN}\n demo-service`, handler: 'demo-service', input: '', outcome: 'served' },
  { name: 'send-proxy', text: 'backend b\n server s 1.2.3.4:80 send-proxy', connect: true, handler: 'send-proxy', input: '', says: 'PROXY TCP4 192.0.2.1 198.51.100.1 40000 443\r\n' },
]

for (const { text, handler: name, connect, ...contract } of CONTRACTS) {
  t.test(`contract: ${contract.name}`, async (t) => {
    const found = reads(`${text}\nfrontend other\n bind :81`)
    const make = handler(found, name, connect === true ? found.server() : found.bind())
    await handlerContract(t, { ...contract, make, options: { ...contract.options, ...(connect === true ? { side: 'connect' } : {}) } })
  })
}

t.test('the contract finds what it is for', async (t) => {
  const complaints = async (make: MakeHandler, input = 'abc', outcome?: 'refused'): Promise<string> => {
    let found = ''
    await handlerContract({ same: (problems) => (found = JSON.stringify(problems)) }, { name: 'bad', make, input, ...(outcome === undefined ? {} : { outcome }) })
    return found
  }
  const three = (step: (hs: Parameters<ReturnType<MakeHandler>['step']>[0]) => ReturnType<ReturnType<MakeHandler>['step']>): MakeHandler => () => ({ name: 'bad', step })
  t.match(await complaints(three(() => ({ verdict: 'next' }))), /left .*abc/, 'one that takes nothing of its input')
  t.match(await complaints(three((hs) => (hs.take(hs.bytes.length), { verdict: 'next' }))), /left/, 'one that takes what is not its own')
  t.match(await complaints(three((hs) => ({ verdict: 'more', total: hs.bytes.length }))), /asks for 0 bytes and has 0/)
  t.match(await complaints(three((hs) => (hs.bytes.length < 3 ? { verdict: 'more', total: 3 } : { verdict: 'wait' }))), /waits/, 'one that never ends')
  t.match(await complaints(three((hs) => (hs.bytes.length === 3 ? (hs.take(3), { verdict: 'next' }) : { verdict: 'more', total: 3 }))), /more behind it/, 'one that wants exactly its input')
  t.match(await complaints(three(() => { throw new Error('boom') })), /boom/)
  t.match(await complaints(three(() => ({ verdict: 'reset', why: { cause: 'denied', detail: 'two\nlines' } })), 'a', 'refused'), /not one line/)
})

// ── probes ───────────────────────────────────────────────────────────────────────────────────────────────────────

t.test('health comes before everything and leaves no trace', async (t) => {
  const hs = reads(`${LISTEN} accept-proxy\n mode health\n tcp-request connection reject`).accept()
  t.equal(hs.said.toString(), 'OK\n')
  t.same(refusal(hs.outcome), ['health', 'answered', undefined, true], 'nothing is logged')
  t.same(hs.sock.done, ['FIN'], 'the end is announced, and the descriptor kept')
  hs.arrive('a late request')
  t.equal(hs.rest.length, 0, 'its input is drained')
  hs.peerEnds()
  t.same(hs.sock.done, ['FIN', 'closed'])
})

t.test('monitor-net: who is a probe', async (t) => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ['10.0.0.0/8', '10.255.0.1', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['10.0.0.0/255.0.0.0', '10.1.1.1', true],
    ['10.1.2.3', '10.1.2.3', true],
    ['10.1.2.3', '10.1.2.4', false],
    ['10.1.2.3/8', '10.9.9.9', true],
    ['0.0.0.0/0', '192.0.2.1', true],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['2001:db8::/32', '2001:db8:1::1', true],
    ['2001:db8::/33', '2001:db8:8000::1', false],
    ['10.0.0.0/8', '::ffff:10.0.0.1', true],
    ['::/0', '10.0.0.1', false],
  ]
  for (const [network, source, probe] of cases) {
    const hs = reads(`${LISTEN}\n monitor-net ${network}`).accept(from(source))
    t.equal(hs.outcome !== undefined && 'refused' in hs.outcome, probe, `${source} in ${network}`)
    if (probe) t.same([refusal(hs.outcome), hs.said.length, hs.sock.done], [['monitor', 'answered', undefined, true], 0, ['FIN']], 'ended politely without a byte')
  }
  const unix = reads(`${LISTEN}\n monitor-net 0.0.0.0/0`).accept({ src: { family: 'unix', path: '', abstract: false } })
  t.same(unix.outcome, { served: 'stream' })
})

t.test('monitor fail', async (t) => {
  const probe = (text: string, source = '10.0.0.1'): FakeHandshake => reads(`${LISTEN}\n ${MONITORED}\n${text}`).accept(from(source))
  t.same(probe(' monitor fail if { src 10.0.0.1 }').sock.done, ['RST'])
  t.same(probe(' monitor fail unless { src 10.0.0.1 }').sock.done, ['FIN'])
  t.same(probe(' monitor fail if { src 10.0.0.2 }\n monitor fail if { src 10.0.0.1 }').sock.done, ['RST'], 'one that holds is enough')
  t.same(probe(' acl down always_true\n monitor fail if down !down').sock.done, ['FIN'])
  const http = probe(' option httpchk\n monitor fail if TRUE')
  t.same([http.said.toString(), http.sock.done], [HTTP_503, ['FIN']])
  t.same(probe(' monitor fail if TRUE', '192.0.2.1').outcome, { served: 'stream' }, 'clients are served')
})

t.test('monitor: what is refused', async (t) => {
  const problem = (line: string): string => configured(`${LISTEN}\n ${line}`).problems[0] ?? ''
  t.match(problem('monitor-net'), /line 3: 'monitor-net' expects an address or network/)
  for (const bad of ['example.com', '10.0.0.0/33', '10.0.0/8', '::1/129', '10.0.0.1/255.0', '10.0.0.1/08', '010.0.0.1', '1.2.3.4/']) t.match(problem(`monitor-net ${bad}`), `'${bad}' is no address or network`)
  for (const bad of ['monitor fail', 'monitor fail if', 'monitor fail when TRUE']) t.match(problem(bad), /requires either 'if' or 'unless' followed by a condition/)
  t.match(problem('monitor fail if nope'), /no such ACL : 'nope'/)
})

// ── accept-proxy ─────────────────────────────────────────────────────────────────────────────────────────────────

t.test('accept-proxy: the announced ends are the connection’s', async (t) => {
  const hs = reads(`${LISTEN} accept-proxy`).accept()
  hs.arrive(Buffer.concat([V2, Buffer.from('GET')]))
  t.same([hs.src, hs.dst], [ip('203.0.113.9', 1234), ip('198.51.100.7', 443)])
  t.match(hs.get(proxyHeaderFact), { version: 2, authority: 'a.example' })
  t.equal(hs.rest.toString(), 'GET')
  t.same(hs.outcome, { served: 'stream' })

  for (const header of [Buffer.from('PROXY UNKNOWN\r\n'), buildProxyV2({ command: 'LOCAL', src: ip('1.1.1.1', 1), dst: ip('1.1.1.1', 1) })]) {
    const own = reads(`${LISTEN} accept-proxy`).accept()
    own.arrive(header)
    t.same([own.src, own.dst, own.outcome], [ip('192.0.2.1', 40000), ip('198.51.100.1', 443), { served: 'stream' }], 'or its own')
    t.type(own.get(proxyHeaderFact), 'object')
  }
  const unix = reads(`${LISTEN} accept-proxy`).accept()
  const path = { family: 'unix', path: '/run/x', abstract: false } as const
  unix.arrive(buildProxyV2({ command: 'PROXY', src: path, dst: path }))
  t.same(unix.src, path)
})

t.test('accept-proxy: causes as HAProxy logs them', async (t) => {
  const refused = (act: (hs: FakeHandshake) => void): readonly [FakeHandshake, readonly (string | boolean | undefined)[]] => {
    const hs = reads(`${LISTEN} accept-proxy`).accept()
    act(hs)
    return [hs, refusal(hs.outcome)]
  }
  const bad = (bytes: string | Buffer): readonly unknown[] => {
    const [hs, why] = refused((h) => h.arrive(bytes))
    t.same(hs.sock.done, ['RST'], 'what came is left unread: RST')
    return why.slice(0, 3)
  }
  t.same(bad('GET / HTTP/1.0\r\n\r\n'), ['accept-proxy', 'malformed', 'Received something which does not look like a PROXY protocol header'])
  t.same(bad('PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n'), ['accept-proxy', 'malformed', 'Received an invalid PROXY protocol header (port 65536 is beyond 65535)'])
  t.same(bad('PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n'), ['accept-proxy', 'malformed', 'Received an unhandled protocol in the PROXY protocol header (unknown protocol "UD")'])
  const spoiled = Buffer.from(V2)
  spoiled[20] = 0
  t.equal(bad(spoiled)[2], 'Received an invalid PROXY protocol header (CRC32C does not match)')

  const [silent, late] = refused((hs) => hs.elapse(10_100))
  t.same([late.slice(0, 3), silent.sock.done], [['accept-proxy', 'timeout', 'Timeout while waiting for PROXY protocol header'], ['FIN']])
  t.same(refused((hs) => hs.peerEnds())[1].slice(0, 3), ['accept-proxy', 'empty', 'Connection closed while waiting for PROXY protocol header'])
  t.same(refused((hs) => (hs.arrive('PROXY TCP4'), hs.peerEnds()))[1].slice(0, 3), ['accept-proxy', 'short', 'Truncated PROXY protocol header received'])
})

t.test('accept-proxy: a header is as long as a buffer', async (t) => {
  const long = (n: number): Buffer => buildProxyV2({ command: 'LOCAL', src: ip('1.1.1.1', 1), dst: ip('1.1.1.1', 1), tlvs: [{ type: TLV.noop, value: new Uint8Array(n) }] })
  const sent = (text: string, n: number, bufferSize: number): unknown => {
    const hs = reads(`${text}${LISTEN} accept-proxy`).accept({ bufferSize })
    hs.arrive(long(n))
    return refusal(hs.outcome)[2] ?? hs.outcome
  }
  t.same(sent('', 16_384 - 19, 16_384), { served: 'stream' })
  t.equal(sent('', 16_384 - 18, 16_384), 'Received an invalid PROXY protocol header (16385 bytes, more than 16384)')
  t.same(sent('global\n tune.bufsize 65536\n', 60_000, 65_536), { served: 'stream' })
  t.equal(sent('global\n tune.bufsize 1024\n', 2_000, 1_024), 'Received an invalid PROXY protocol header (2019 bytes, more than 1024)')
})

t.test('accept-proxy: rules and logs see what the header says', async (t) => {
  const passes = (condition: string, header: Buffer = V2): boolean => {
    const hs = reads(`${LISTEN} accept-proxy\n tcp-request session accept if ${condition}\n tcp-request session reject`).accept()
    hs.arrive(header)
    return hs.outcome !== undefined && 'served' in hs.outcome
  }
  for (const [condition, truth] of [
    ['{ fc_rcvd_proxy }', true],
    ['{ fc_pp_authority a.example }', true],
    ['{ fc_pp_authority b.example }', false],
    ['{ fc_pp_unique_id -m found }', false],
    ['{ fc_pp_tlv(2) a.example }', true],
    ['{ fc_pp_tlv(AUTHORITY) a.example }', true],
    ['{ fc_pp_tlv(0x02) a.example }', true],
    ['{ fc_pp_tlv(CRC32C) -m len 4 }', true],
    ['{ fc_pp_tlv(255) -m found }', false],
  ] as const) {
    t.equal(passes(condition), truth, condition)
  }
  t.notOk(passes('{ fc_pp_authority -m found }', V1))
  t.same(reads(`${LISTEN}\n tcp-request session reject if { fc_rcvd_proxy }`).accept().outcome, { served: 'stream' })
  for (const bad of ['256', '-1', 'NOPE', '0x100']) t.match(configured(`${LISTEN}\n tcp-request session reject if { fc_pp_tlv(${bad}) -m found }`).problems[0], `'${bad}' is no TLV type`)
})

t.test('expect-proxy: one header, whoever asked for it', async (t) => {
  const rule = '\n tcp-request connection expect-proxy layer4 if { src 192.0.2.0/24 }'
  const some = reads(`${LISTEN}${rule}`)
  const trusted = some.accept()
  trusted.arrive(V1)
  t.same([trusted.src, trusted.outcome], [ip('203.0.113.9', 1234), { served: 'stream' }])
  t.same(some.accept(from('192.0.3.1')).outcome, { served: 'stream' }, 'nothing is expected of others')
  const both = reads(`${LISTEN} accept-proxy${rule}`).accept()
  both.arrive(V1)
  t.same(both.outcome, { served: 'stream' })
})

t.test('the rules see the source that is known where they stand', async (t) => {
  const text = (place: string): string => `${LISTEN} accept-proxy\n tcp-request ${place} reject if { src 203.0.113.9 }`
  for (const [place, served] of [['connection', true], ['handshake', false], ['session', false]] as const) {
    const hs = reads(text(place)).accept()
    hs.arrive(V1)
    t.equal(hs.outcome !== undefined && 'served' in hs.outcome, served, place)
  }
})

// ── send-proxy ───────────────────────────────────────────────────────────────────────────────────────────────────

function sent(options: string, origin?: Partial<Origin>): Buffer {
  const found = reads(`backend b\n server s 1.2.3.4:80 ${options}\nfrontend f\n bind :80`)
  const facts: FakeOptions['facts'] = (conn) => {
    if (origin !== undefined) conn.set(originFact, { src: ip('127.0.0.1', 0xe0c6), dst: ip('127.0.0.1', 0x5541), get: () => undefined, ...origin })
  }
  return found.connect({ facts }).said
}

t.test('send-proxy: as HAProxy 2.6.12 wrote them', async (t) => {
  const hex = (options: string, origin?: Partial<Origin>): string => sent(options, origin).toString('hex').replace('0d0a0d0a000d0a515549540a', '')
  t.equal(sent('send-proxy', {}).toString(), 'PROXY TCP4 127.0.0.1 127.0.0.1 57542 21825\r\n')
  t.equal(sent('send-proxy', { src: ip('2001:db8::1', 1), dst: ip('2001:db8::2', 2) }).toString(), 'PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n')
  t.equal(sent('send-proxy', { src: { family: 'unix', path: '', abstract: false } }).toString(), 'PROXY UNKNOWN\r\n')
  t.equal(sent('send-proxy').toString(), 'PROXY TCP4 192.0.2.1 198.51.100.1 40000 443\r\n', 'a check announces the socket’s own ends')
  const inet = '7f0000017f000001e0c65541'
  t.equal(hex('send-proxy-v2', {}), `2111000c${inet}`)
  t.equal(hex('send-proxy-v2 proxy-v2-options crc32c', {}), `21110013${inet}030004b5d33177`)
  t.equal(hex('send-proxy-v2-ssl', {}), `21110014${inet}2000050000000000`)
  t.equal(hex('send-proxy-v2-ssl-cn', {}), `21110014${inet}2000050000000000`)
  t.equal(hex('send-proxy-v2 proxy-v2-options ssl-cipher', {}), `21110014${inet}2000050000000000`)
  t.equal(hex('send-proxy-v2 proxy-v2-options authority', {}), `2111000c${inet}`)
  t.equal(hex('send-proxy-v2', { src: { family: 'unix', path: '', abstract: false } }), '20000000')
  t.equal(hex('send-proxy-v2'), '20000000', 'a check is LOCAL')
  t.equal(hex('send-proxy-v2 proxy-v2-options crc32c'), '20000007030004a9b87e8f')
  t.equal(hex('send-proxy-v2-ssl-cn'), '200000082000050000000000')
  t.equal(sent('proxy-v2-options crc32c', {}).subarray(0, 6).toString(), 'PROXY ', 'options alone bring version 1')
  t.equal(sent('send-proxy no-send-proxy', {}).length, 0)
  t.equal(hex('send-proxy send-proxy-v2', {}), `2111000c${inet}`)
  t.equal(sent('send-proxy-v2 no-send-proxy-v2', {}).length, 0)
})

t.test('send-proxy: the TLS session, as HAProxy 2.6.12 wrote it', async (t) => {
  const made = await generate([{ name: 'commonName', value: 'client one' }], { keySize: 2048, algorithm: 'sha256' })
  const own = readCertificate('srv.pem', Buffer.from(`${made.cert}\n${made.private}`))
  if (!own.ok) throw new Error(own.text)
  const tls: TlsFacts = {
    version: 'TLSv1.2',
    cipher: 'ECDHE-RSA-AES256-GCM-SHA384',
    cipherBits: 256,
    algorithmBits: 256,
    alpn: '',
    sni: '',
    resumed: false,
    peer: new X509Certificate(made.cert).raw,
    peerShown: true,
    verifyResult: 0,
    own: own.certificate,
  }
  const hex = (options: string, facts: Partial<TlsFacts>): string => {
    const session: TlsFacts = { ...tls, ...facts }
    function get<T>(key: FactKey<T>): T | undefined
    function get(key: FactKey<unknown>): unknown {
      return key === tlsFact ? session : undefined
    }
    return sent(`send-proxy-v2 ${options}`, { get }).toString('hex').slice(56)
  }
  const everything = 'proxy-v2-options ssl,cert-cn,ssl-cipher,cert-sig,cert-key,authority'
  t.equal(
    hex(everything, {}),
    '2000510700000000210007544c5376312e3222000a636c69656e74206f6e652500075253413230343824000a5253412d53484132353623001b45434448452d5253412d4145533235362d47434d2d534841333834',
  )
  t.equal(
    hex(everything, { version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', alpn: 'h2', sni: 'a.example', peer: undefined, peerShown: false }),
    '0100026832020009612e6578616d706c6520003f0100000000210007544c5376312e332500075253413230343824000a5253412d534841323536230016544c535f4145535f3235365f47434d5f534841333834',
  )
  t.equal(hex('', { alpn: 'h2' }), '0100026832', 'ALPN needs no option')
  t.equal(hex('send-proxy-v2-ssl', {}), '20000f0700000000210007544c5376312e32')
  t.equal(hex('send-proxy-v2-ssl-cn', {}), '20001c0700000000210007544c5376312e3222000a636c69656e74206f6e65')
  t.match(hex('send-proxy-v2-ssl', { verifyResult: 21, peerShown: false }), /^20000f0500000015/, 'a certificate of the session, not verified')
  t.equal(hex('send-proxy-v2-ssl', { own: undefined, peer: undefined, peerShown: false }), '20000f0100000000210007544c5376312e32')
})

t.test('send-proxy: the header is out before the server says a word, and before TLS', async (t) => {
  const hs = reads('backend b\n server s 1.2.3.4:80 send-proxy\nfrontend f\n bind :80').connect()
  t.equal(hs.said.toString().slice(0, 6), 'PROXY ')
  t.same(hs.outcome, { served: 'passed on' })
})

t.test('unique-id-format: made once, where the handshakes are done, and sent to servers', async (t) => {
  const id = (format: string, more = ''): string | undefined => {
    const hs = reads(`${LISTEN} accept-proxy\n unique-id-format ${format}${more}`).accept()
    hs.arrive(V1)
    t.same(hs.outcome, { served: 'stream' })
    return hs.get(uniqueIdFact)
  }
  t.equal(id('%{+X}o\\ %ci:%cp_%fi:%fp'), 'CB007109:04D2_C6336407:01BB', 'as the manual writes it, of the announced ends')
  t.equal(id('"%{+X}o  %cp  x-%[str(a)]-%[var(sess.none)]-"'), '04D2 x-a--', 'blanks in a row are one, what is absent is empty')
  t.equal(id(`${'a'.repeat(120)}%[str(${'b'.repeat(20)})]`), `${'a'.repeat(120)}${'b'.repeat(7)}`, 'at most 127 bytes')
  t.match(id('%rt'), /^[1-9]\d*$/, 'the number of the connection')
  t.equal(id('%[var(sess.a)]', '\n tcp-request session set-var(sess.a) str(seen)'), 'seen')
  t.equal(reads(LISTEN).accept().get(uniqueIdFact), undefined)

  function get<T>(key: FactKey<T>): T | undefined
  function get(key: FactKey<unknown>): unknown {
    return key === uniqueIdFact ? 'id\xe9' : undefined
  }
  t.equal(sent('send-proxy-v2-ssl proxy-v2-options unique-id', { get }).toString('hex').slice(56), '0500036964e92000050000000000')
  t.equal(sent('send-proxy-v2 proxy-v2-options unique-id', {}).toString('hex').slice(56), '050000', 'without a format it is empty, as in HAProxy')
  const problem = (line: string): string => configured(`${LISTEN}\n ${line}`).problems[0] ?? ''
  t.match(problem('unique-id-format'), /unique-id-format expects an argument/)
  t.match(problem('unique-id-format a b'), /unique-id-format expects only one argument/)
  t.match(problem('unique-id-format %[nope]'), /failed to parse unique-id : .*nope/)
})

t.test('send-proxy: options come from default-server too, and bad ones are refused', async (t) => {
  const found = reads('backend b\n default-server send-proxy-v2 proxy-v2-options crc32c\n server s 1.2.3.4:80 proxy-v2-options authority\nfrontend f\n bind :80')
  t.match(found.connect().said.toString('hex'), /030004a9b87e8f$/)
  const problem = (options: string): string => configured(`backend b\n server s 1.2.3.4:80 ${options}\nfrontend f\n bind :80`).problems[0] ?? ''
  t.match(problem('proxy-v2-options ssl,foo'), /'foo' : proxy v2 option not implemented/)
  t.match(problem('proxy-v2-options'), /'' : proxy v2 option not implemented/)
})

t.test('property: what send-proxy says, accept-proxy understands', async (t) => {
  const seed = Number(process.env['SEED'] ?? 20261121)
  t.comment(`seed ${seed}`)
  const accept = handler(reads(`${LISTEN} accept-proxy`), 'accept-proxy')
  const octet = fc.integer({ min: 0, max: 255 })
  const end = fc.tuple(octet, octet, octet, octet, fc.integer({ min: 0, max: 65535 })).map(([a, b, c, d, port]) => ip(`${a}.${b}.${c}.${d}`, port))
  const variants = ['send-proxy', 'send-proxy-v2', 'send-proxy-v2-ssl-cn proxy-v2-options crc32c,authority']
  const makers = variants.map((options) => {
    const found = reads(`backend b\n server s 1.2.3.4:80 ${options}\nfrontend f\n bind :80`)
    return handler(found, 'send-proxy', found.server())
  })
  fc.assert(
    fc.property(end, end, fc.nat(variants.length - 1), (src, dst, n) => {
      const make = makers[n]
      if (make === undefined) return false
      const sender = new FakeHandshake(make, { side: 'connect', facts: (conn) => conn.set(originFact, { src, dst, get: () => undefined }) })
      const receiver = new FakeHandshake(accept)
      receiver.arrive(sender.said)
      return JSON.stringify([receiver.src, receiver.dst, receiver.rest.length]) === JSON.stringify([src, dst, 0])
    }),
    { seed, numRuns: 200 },
  )
  t.pass()
})
