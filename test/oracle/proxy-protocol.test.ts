// Owns the PROXY protocol on the wire: what is sent to servers, byte for byte, and what is made of headers that clients send; and the
// NetScaler Client IP header, which is only received.

import t from 'tap'
import { oracle } from '../kit/oracle.ts'
import type { Places, Scenario, World } from '../kit/oracle.ts'
import { pair } from '../kit/oracle-pair.ts'
import { checksumHolds, ipv4, ipv6, readHeader, unixPaths, v2, withChecksum } from '../kit/proxy-header.ts'
import { cipHeader } from '../kit/netscaler-cip.ts'
import { connect, echo, greet, serve } from '../kit/peers.ts'
import type { Wire } from '../kit/peers.ts'

/** Ports of a header by name: the frontend's, the client's own, or the number. */
const portNames =
  (w: World, client: Wire) =>
  (port: number): string =>
    port === w.port('front') ? 'front' : port === client.port ? 'client' : String(port)

const sent = (name: string, words: string, more: { title?: string; front?: string; bind?: (places: Places) => string; client?: (w: World) => Promise<Wire> } = {}): Scenario => ({
  name: more.title ?? `${words}: the header on the wire`,
  config: pair(name, (places) => ({ server: words, ...(more.front === undefined ? {} : { front: more.front }), ...(more.bind === undefined ? {} : { bind: more.bind(places) }) })),
  run: async (w) => {
    const server = await w.serve('server')
    const client = await (more.client?.(w) ?? w.connect('front'))
    client.send('hello')
    const wire = await server.wire()
    await wire.got('hello')
    return { header: readHeader(wire.bytes, portNames(w, client)), checksum: wire.bytes[0] === 0x0d ? checksumHolds(wire.bytes) : undefined }
  },
})

const tlsFront = ({ certificates }: Places): string => `ssl crt ${certificates.server.pem} ca-file ${certificates.caFile} verify optional alpn h2,http/1.1`
const tlsClient = (w: World): Promise<Wire> =>
  w.connectTls('front', { servername: 'server.test', ALPNProtocols: ['h2'], minVersion: 'TLSv1.3', cert: w.certificates.client.cert, key: w.certificates.client.key })
const plainTlsClient = (w: World): Promise<Wire> => w.connectTls('front', { servername: 'server.test', maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' })

const outgoing: Scenario[] = [
  sent('v1', 'send-proxy'),
  sent('v2', 'send-proxy-v2'),
  sent('v2-crc', 'send-proxy-v2 proxy-v2-options crc32c'),
  sent('v2-id', 'send-proxy-v2 proxy-v2-options unique-id', { front: 'unique-id-format id-%f' }),
  sent('v2-id-long', 'send-proxy-v2 proxy-v2-options unique-id,crc32c', { title: 'unique-id: at most 127 bytes', front: `unique-id-format ${'i'.repeat(200)}` }),
  sent('v2-id-none', 'send-proxy-v2 proxy-v2-options unique-id', { title: 'unique-id without a format' }),
  ...(['connection', 'session', 'content'] as const).map((rules) =>
    sent(`set-${rules}`, 'send-proxy', { title: `the ends as tcp-request ${rules} rules set them`, front: `tcp-request ${rules} set-src str(10.9.8.7)\n  tcp-request ${rules} set-dst-port int(77)` }),
  ),
  sent('v2-ssl-plain', 'send-proxy-v2-ssl', { title: 'send-proxy-v2-ssl from a client without TLS' }),
  sent('v2-ssl', 'send-proxy-v2-ssl', { title: 'send-proxy-v2-ssl from a TLS 1.3 client with a certificate', bind: tlsFront, client: tlsClient }),
  sent('v2-ssl12', 'send-proxy-v2-ssl', { title: 'send-proxy-v2-ssl from a TLS 1.2 client without a certificate', bind: tlsFront, client: plainTlsClient }),
  sent('v2-cn', 'send-proxy-v2-ssl-cn', { title: "send-proxy-v2-ssl-cn: the client certificate's name", bind: tlsFront, client: tlsClient }),
  sent('v2-all', 'send-proxy-v2 proxy-v2-options ssl,cert-cn,ssl-cipher,cert-sig,cert-key,authority,crc32c', {
    title: 'proxy-v2-options: all that TLS knows',
    bind: tlsFront,
    client: plainTlsClient,
  }),
  {
    name: 'send-proxy over IPv6',
    config: ({ port }) => `
frontend f-v1-6
  bind [::1]:${port('front')}
  default_backend b-v1-6
backend b-v1-6
  server s 127.0.0.1:${port('server')} send-proxy
  server s2 127.0.0.1:${port('server')} send-proxy-v2
`,
    run: async (w) => {
      const server = await w.serve('server')
      const headers: unknown[] = []
      for (let i = 0; i < 2; i++) {
        const client = await connect({ host: '::1', port: w.port('front') })
        w.teardown(() => client.destroy())
        client.send('hello')
        const wire = await server.wire(i)
        await wire.got('hello')
        headers.push(readHeader(wire.bytes, portNames(w, client)))
      }
      return headers
    },
  },
  {
    name: 'send-proxy from a Unix client: UNKNOWN and unspecified',
    config: ({ port, path }) => `
frontend f-v1-unix
  bind unix@${path('ppf')}
  default_backend b-v1-unix
backend b-v1-unix
  server s 127.0.0.1:${port('server')} send-proxy
  server s2 127.0.0.1:${port('server')} send-proxy-v2
`,
    run: async (w) => {
      const server = await w.serve('server')
      const headers: unknown[] = []
      for (let i = 0; i < 2; i++) {
        const client = await connect(w.path('ppf'))
        w.teardown(() => client.destroy())
        client.send('hello')
        const wire = await server.wire(i)
        await wire.got('hello')
        const read = readHeader(wire.bytes, String)
        headers.push({ ...read, addresses: read.addresses?.replaceAll(w.path('ppf'), 'PATH') })
      }
      return headers
    },
  },
  ...['send-proxy', 'send-proxy-v2'].map(
    (words, i): Scenario => ({
      name: `trap 8: ${words} is said at once, before any data of the client, so that a server that speaks first can`,
      config: pair(`first${i}`, { server: words }),
      run: async (w) => {
        await w.serve('server', { on: (wire) => wire.socket.once('data', () => wire.send('220 ready')) })
        const client = await w.connect('front')
        await client.got('220 ready')
        return client.events
      },
      expect: ['got 220 ready'],
    }),
  ),
  {
    name: 'send-proxy before TLS to the server',
    config: pair('v1-tls', { server: 'send-proxy ssl verify none' }),
    run: async (w) => {
      const server = await serve(w.port('server'))
      w.teardown(() => void server.close())
      const client = await w.connect('front')
      const wire = await server.wire()
      await wire.gotBytes(60)
      const { line, rest } = readHeader(wire.bytes, portNames(w, client))
      return { line, hello: Buffer.from(rest, 'latin1').subarray(0, 2).toString('hex') }
    },
  },
]

const SRC = '%ci:%cp %fi:%fp'
const received = (
  name: string,
  title: string,
  bytes: readonly (string | Uint8Array)[],
  extra: Partial<Pick<Scenario, 'expect' | 'differs' | 'notYet'>> & { format?: string; bind?: string } = {},
): Scenario => ({
  name: `${extra.bind ?? 'accept-proxy'}: ${title}`,
  config: pair(name, { bind: extra.bind ?? 'accept-proxy', front: `log-format "${extra.format ?? SRC} %ts"`, server: 'send-proxy' }),
  run: async (w) => {
    const server = await w.serve('server', { on: echo })
    const client = await w.connect('front')
    const last = bytes.at(-1) ?? ''
    for (const part of bytes.slice(0, -1)) {
      client.send(part)
      await client.after(30)
    }
    // The end of the header and what follows it come together.
    client.end(Buffer.concat([Buffer.from(last), Buffer.from('ping')]))
    await client.over()
    const wire = server.wires[0]
    const seen = wire === undefined ? 'not reached' : readHeader(wire.bytes, portNames(w, client))
    // Headgate says what exactly is wrong, in parentheses behind HAProxy's words.
    const log = (await w.log.lines(1)).map((text) => text.replaceAll(String(client.port), 'client').replace(/(header|number|received) \(.*\)$/, '$1'))
    return { ends: client.events.at(-1), server: seen, log }
  },
  ...(extra.expect === undefined ? {} : { expect: extra.expect }),
  ...(extra.differs === undefined ? {} : { differs: extra.differs }),
  ...(extra.notYet === undefined ? {} : { notYet: extra.notYet }),
})

const taken = (why: string, source: string, to: string, line: string): Partial<Scenario> => ({
  differs: { why, headgate: { ends: 'FIN', server: { version: 1, line, rest: 'ping' }, log: [`<134>tag: ${source} ${to} --`] } },
})
const OWN = ['127.0.0.1:port', '127.0.0.1:front', 'PROXY TCP4 127.0.0.1 127.0.0.1 client front'] as const
const ANNOUNCED = ['10.1.2.3:port', '10.4.5.6:port', 'PROXY TCP4 10.1.2.3 10.4.5.6 4000 443'] as const
const announcing = (why: string, facts: string): Partial<Scenario> => ({
  differs: { why, headgate: { ends: 'FIN', server: { version: 1, line: OWN[2], rest: 'ping' }, log: [`<134>tag: ${facts} --`] } },
})
const refused = (name: string, why: string): Partial<Scenario> => ({
  differs: { why, headgate: { ends: 'RST', server: 'not reached', log: [`<134>tag: 127.0.0.1:port [date] f-${name}/1: Received an invalid PROXY protocol header`] } },
})

const V4 = ipv4('10.1.2.3', 4000, '10.4.5.6', 443)
const V6 = ipv6('20010db8000000000000000000000001', 4000, '20010db8000000000000000000000002', 443)
const PP_FACTS = '%[fc_rcvd_proxy] %[fc_pp_authority] %[fc_pp_unique_id] %ci:%cp'

const OWN_ENDS = '%[src] %[dst] %[fc_src] %[fc_dst] %[fc_src_is_local] %[fc_dst_is_local]'

const incoming: Scenario[] = [
  received('in-tcp4', 'v1 TCP4', ['PROXY TCP4 10.1.2.3 10.4.5.6 4000 443\r\n']),
  received('in-tcp6', 'v1 TCP6', ['PROXY TCP6 2001:db8::1 2001:db8::2 4000 443\r\n']),
  received('in-unknown', 'v1 UNKNOWN', ['PROXY UNKNOWN\r\n']),
  received('in-v2-4', 'v2 over IPv4', [v2({ addresses: V4 })]),
  received('in-v2-6', 'v2 over IPv6', [v2({ family: 0x21, addresses: V6 })]),
  received('in-v2-ends', 'fc_src and its like are of the connection, whatever is announced', [v2({ addresses: V4 })], { format: OWN_ENDS }),
  received('in-v2-ends-local', 'of a header without addresses, too', [v2({ command: 0x20, family: 0 })], { format: OWN_ENDS }),
  received('in-v2-local', 'v2 LOCAL', [v2({ command: 0x20, family: 0 })]),
  received('in-v2-local-addr', 'v2 LOCAL with addresses: they do not count', [v2({ command: 0x20, addresses: V4 })]),
  received('in-v2-local-tlv', 'trap 8: TLVs also with LOCAL', [v2({ command: 0x20, addresses: V4, tlvs: [[0x02, 'name.test'], [0x05, 'id-1']] })], {
    format: PP_FACTS,
    ...announcing('LOCAL hides the addresses, not what else the proxy says', '1 name.test id-1 127.0.0.1:port'),
  }),
  received('in-v2-tlv', 'v2 with authority and unique id', [v2({ addresses: V4, tlvs: [[0x02, 'name.test'], [0x04, 'padding'], [0x05, 'id-1'], [0xee, 'ours']] })], { format: PP_FACTS }),
  received('in-v2-skip', 'trap 8: exactly the declared length is skipped', [v2({ addresses: V4, tlvs: [[0x04, Buffer.alloc(300)]] })]),
  received('in-v2-crc', 'v2 with a right checksum', [withChecksum({ addresses: V4 })]),
  received('in-v2-badcrc', 'v2 with a wrong checksum', [withChecksum({ addresses: V4 }, false)], refused('in-v2-badcrc', 'HAProxy has already taken the address it found in a header that is wrong')),
  received('in-v2-over', 'trap 8: a TLV that claims more than the header holds', [
    Buffer.concat([v2({ addresses: V4, length: 12 + 5 }), Buffer.from([0x02, 0, 200]), Buffer.from('ab'), Buffer.alloc(200, 'z')]),
  ], { format: PP_FACTS, ...refused('in-v2-over', 'HAProxy has already taken the address it found in a header that is wrong') }),
  received('in-v2-short', 'v2 whose length is less than its addresses', [v2({ addresses: V4.subarray(0, 8) })]),
  received('in-v2-version', 'version 3', [v2({ command: 0x31, addresses: V4 })]),
  received('in-v2-command', 'v2 with an unknown command', [v2({ command: 0x22, addresses: V4 })]),
  received('in-v1-long', 'v1 of more than 107 bytes', [`PROXY TCP4 10.1.2.3 10.4.5.6 4000 443${' '.repeat(90)}\r\n`]),
  received('in-v1-noaddr', 'v1 with an address missing', ['PROXY TCP4 10.1.2.3 4000 443\r\n']),
  received('in-v1-family', 'v1 TCP5', ['PROXY TCP5 10.1.2.3 10.4.5.6 4000 443\r\n']),
  // Without a CRLF behind it HAProxy's words for it depend on what its buffer held before.
  received('in-v1-lf', 'v1 that ends with LF only', ['PROXY TCP4 10.1.2.3 10.4.5.6 4000 443\nGET / HTTP/1.0\r\n\r\n']),
  received('in-v1-mixed', 'v1 TCP4 with IPv6 addresses', ['PROXY TCP4 ::1 ::2 4000 443\r\n']),
  received('in-v1-pieces', 'v1 in pieces', ['PROXY TCP4 10.1.2.3 10.4', '.5.6 4000 4', '43\r', '\n'], taken('HAProxy wants the header in one piece; the protocol does not', ...ANNOUNCED)),
  received('in-v2-pieces', 'v2 in pieces', [v2({ addresses: V4 }).subarray(0, 14), v2({ addresses: V4 }).subarray(14)], taken('HAProxy wants the header in one piece; the protocol does not', ...ANNOUNCED)),
  received('in-v1-unknown-text', 'v1 UNKNOWN with text to be ignored', ['PROXY UNKNOWN some text 1 2 3\r\n'], taken('the protocol: anything after UNKNOWN is to be ignored', ...OWN)),
  received('in-v2-unix', 'v2 AF_UNIX with PROXY', [v2({ family: 0x31, addresses: unixPaths('/from', '/to') })], taken('the protocol knows Unix addresses', 'unix:port', 'unix:port', 'PROXY UNKNOWN')),
  received('in-v2-unspec', 'v2 AF_UNSPEC with PROXY', [v2({ family: 0, addresses: Buffer.alloc(0) })], taken('the protocol: UNSPEC is to be accepted', ...OWN)),
  received('in-v1-port', 'v1 with port 65536', ['PROXY TCP4 10.1.2.3 10.4.5.6 65536 443\r\n'], refused('in-v1-port', 'no port is 65536; HAProxy makes 0 of it')),
  received('in-v1-octet', 'v1 with 1.2.3.400', ['PROXY TCP4 1.2.3.400 10.4.5.6 4000 443\r\n'], refused('in-v1-octet', 'no address is 1.2.3.400; HAProxy wraps it')),
  {
    name: 'trap 9: the header alone, then a server that speaks first',
    config: pair('speaks-first', { bind: 'accept-proxy' }),
    run: async (w) => {
      await w.serve('server', { on: greet('220 ready') })
      const client = await w.connect('front')
      client.send('PROXY TCP4 10.1.2.3 10.4.5.6 4000 443\r\n')
      await client.got('220 ready')
      return client.events
    },
    expect: ['got 220 ready'],
  },
  {
    name: 'a header and a ClientHello in one segment',
    config: pair('header-tls', ({ certificates }) => ({ bind: `accept-proxy ssl crt ${certificates.server.pem}`, server: 'send-proxy' })),
    run: async (w) => {
      const server = await w.serve('server', { on: echo })
      const client = await w.connectTls('front', {}, v2({ addresses: V4, tlvs: [[0x05, 'id-of-the-first']] }))
      client.send('hello')
      await client.got('hello')
      return readHeader((await server.wire()).bytes, portNames(w, client))
    },
  },
  ...[true, false].map(
    (announced): Scenario => ({
      name: `authority, ${announced ? 'as announced to us, is passed on, whatever the server name of TLS' : 'not announced, is the server name of TLS'}`,
      config: pair(`authority-${announced}`, ({ certificates }) => ({ bind: `accept-proxy ssl crt ${certificates.server.pem}`, server: 'send-proxy-v2 proxy-v2-options authority' })),
      run: async (w) => {
        const server = await w.serve('server', { on: echo })
        const client = await w.connectTls('front', { servername: 'name.of.tls' }, v2({ addresses: V4, tlvs: announced ? [[0x02, 'name.announced']] : [] }))
        client.send('hello')
        await client.got('hello')
        return readHeader((await server.wire()).bytes, portNames(w, client))
      },
    }),
  ),
  {
    name: 'a header that ends early: the client leaves',
    config: pair('early', { bind: 'accept-proxy' }),
    run: async (w) => {
      const nothing = await w.connect('front')
      nothing.end()
      const empty = await nothing.over()
      return { empty, log: await w.log.lines(1) }
    },
  },
]

const MAGIC = 195_948_557
const cip = (name: string, title: string, bytes: readonly (string | Uint8Array)[], extra: Parameters<typeof received>[3] = {}): Scenario => received(`cip-${name}`, title, bytes, { bind: `accept-netscaler-cip ${MAGIC}`, ...extra })
const cipRefused = (name: string, why: string, text: string): Partial<Scenario> => ({
  differs: { why, headgate: { ends: 'RST', server: 'not reached', log: [`<134>tag: 127.0.0.1:port [date] f-cip-${name}/1: ${text}`] } },
})
const SIX = { src: '2001:db8::1', dst: '2001:db8::2' }
const CIP_ANNOUNCED = ['203.0.113.9:port', '198.51.100.7:port', 'PROXY TCP4 203.0.113.9 198.51.100.7 1234 443'] as const
const TRUNCATED = 'Truncated NetScaler Client IP header received'

const netscaler: Scenario[] = [
  cip('4', 'legacy, IPv4', [cipHeader({ magic: MAGIC })]),
  cip('6', 'legacy, IPv6', [cipHeader({ magic: MAGIC, ...SIX })]),
  cip('s4', 'standard, IPv4', [cipHeader({ magic: MAGIC, standard: true })]),
  cip('s6', 'standard, IPv6', [cipHeader({ magic: MAGIC, standard: true, ...SIX })]),
  cip('options', 'IP and TCP options', [cipHeader({ magic: MAGIC, ipOptions: Buffer.alloc(8, 1), tcpOptions: Buffer.alloc(12, 1) })]),
  cip('longer', 'more in it than the two headers', [Buffer.concat([cipHeader({ magic: MAGIC, length: 60 }), Buffer.alloc(20)])]),
  cip('type', 'standard, another type, another total', [cipHeader({ magic: MAGIC, standard: true, type: 2, total: 7 })]),
  cip('ends', 'fc_src and its like are of the connection', [cipHeader({ magic: MAGIC })], { format: OWN_ENDS }),
  cip('magic', 'a wrong magic number', [cipHeader({ magic: MAGIC + 1 })]),
  cip('version', 'IP version 5', [cipHeader({ magic: MAGIC, standard: true, version: 5 })]),
  cip('udp', 'UDP', [cipHeader({ magic: MAGIC, protocol: 17 })]),
  cip('udp6', 'IPv6 with an extension header', [cipHeader({ magic: MAGIC, ...SIX, protocol: 0 })]),
  cip('huge', 'a length beyond all', [cipHeader({ magic: MAGIC, length: 0x7fff_ffff })]),
  cip('short', 'a length that leaves out TCP', [cipHeader({ magic: MAGIC, length: 20 })], cipRefused('short', 'HAProxy gives the rest of the header to the server', TRUNCATED)),
  cip('ihl', 'an IP header of 16 bytes', [cipHeader({ magic: MAGIC, words: 4 })], cipRefused('ihl', 'HAProxy takes the ports from the wrong place', TRUNCATED)),
  cip('pieces', 'in pieces', [cipHeader({ magic: MAGIC }).subarray(0, 3), cipHeader({ magic: MAGIC }).subarray(3, 20), cipHeader({ magic: MAGIC }).subarray(20)], taken('HAProxy wants the header in one piece', ...CIP_ANNOUNCED)),
  cip('both', 'before a PROXY header', [Buffer.concat([cipHeader({ magic: MAGIC }), Buffer.from('PROXY TCP4 10.1.2.3 10.4.5.6 4000 443\r\n')])], { bind: `accept-proxy accept-netscaler-cip ${MAGIC}` }),
  {
    name: 'tcp-request connection expect-netscaler-cip: the magic number is 0',
    config: pair('cip-rule', { front: 'tcp-request connection expect-netscaler-cip layer4 if { src 127.0.0.1 }', server: 'send-proxy' }),
    run: async (w) => {
      const server = await w.serve('server', { on: echo })
      const client = await w.connect('front')
      client.send(Buffer.concat([cipHeader({ magic: 0 }), Buffer.from('hello')]))
      await client.got('hello')
      return readHeader((await server.wire()).bytes, portNames(w, client))
    },
  },
  {
    name: 'no NetScaler header: the client leaves',
    config: pair('cip-early', { bind: `accept-netscaler-cip ${MAGIC}` }),
    run: async (w) => {
      const nothing = await w.connect('front')
      nothing.end()
      const empty = await nothing.over()
      return { empty, log: await w.log.lines(1) }
    },
  },
]

const trusted: Scenario[] = [
  {
    name: 'tcp-request connection expect-proxy layer4 if a source matches',
    config: pair('expect', { front: 'tcp-request connection expect-proxy layer4 if { src 127.0.0.1 }', server: 'send-proxy' }),
    run: async (w) => {
      const server = await w.serve('server', { on: echo })
      const client = await w.connect('front')
      client.send('PROXY TCP4 10.1.2.3 10.4.5.6 4000 443\r\nhello')
      await client.got('hello')
      return readHeader((await server.wire()).bytes, portNames(w, client))
    },
  },
  {
    name: 'connection rules see the connected source, session rules the announced one',
    config: pair('rules', {
      bind: 'accept-proxy',
      front: 'tcp-request connection reject if { src 10.1.2.3 }\n  tcp-request session reject if { src 10.1.2.4 }',
    }),
    run: async (w) => {
      await w.serve('server', { on: echo })
      const seen: string[] = []
      for (const source of ['10.1.2.3', '10.1.2.4']) {
        const client = await w.connect('front')
        client.send(`PROXY TCP4 ${source} 10.4.5.6 4000 443\r\n${source === '10.1.2.3' ? 'hello' : ''}`)
        if (source === '10.1.2.3') client.end()
        seen.push((await client.over()).join(' '))
      }
      return seen
    },
  },
]

await oracle(t, 'what is sent', { bothProviders: true, scenarios: outgoing })
await oracle(t, 'what is received', { bothProviders: true, scenarios: incoming })
await oracle(t, 'NetScaler headers', { bothProviders: true, scenarios: netscaler })
await oracle(t, 'whom to believe', { bothProviders: true, scenarios: trusted })
