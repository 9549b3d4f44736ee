// Owns TLS on both sides as peers see it: versions, ALPN, names, client certificates, verification of servers.

import t from 'tap'
import { onNodeProvider } from '../kit/command.ts'
import { oracle } from '../kit/oracle.ts'
import type { Places, Scenario, World } from '../kit/oracle.ts'
import { line, pair } from '../kit/oracle-pair.ts'
import { echo } from '../kit/peers.ts'
import type { Wire } from '../kit/peers.ts'
import { tool } from '../kit/program.ts'

type TlsOptions = NonNullable<Parameters<World['connectTls']>[1]>

/** What became of a handshake, and one echo through it. */
async function tried(w: World, options: TlsOptions | ((w: World) => TlsOptions) = {}): Promise<unknown> {
  const client = await w.connectTls('front', typeof options === 'function' ? options(w) : options)
  const { tls } = client
  // A TLS 1.3 server refuses after its client is done: the answer to the first bytes tells.
  client.send('ping')
  await client.until('an answer', () => client.received > 0 || client.ended)
  const answered = client.received > 0
  const peer: { subject?: { CN?: unknown } } | null = tls.getPeerCertificate()
  const seen = { answered, protocol: tls.getProtocol(), alpn: answered ? tls.alpnProtocol : null, peer: peer?.subject?.CN, ends: failure(client, onNodeProvider(w.kind)) }
  client.end()
  if (answered) await client.over()
  return seen
}

/** The failure by its kind: OpenSSL's words for alerts differ with the side and version of the library. */
function failure(client: Wire, onNode: boolean): string {
  const end = client.events.find((event) => !event.startsWith('got '))
  // node:tls looks at a client's certificate when the handshake is over: an untrusted one gets an end without the alert.
  if (onNode && end === 'FIN') return 'ALERT_UNKNOWN_CA'
  return end === undefined ? 'alive' : (/ALERT_(\w+)|alert ([\w ]+?)(?::|$)/.exec(end)?.[0] ?? end)
}

const front = (name: string, words: string | ((places: Places) => string), options: readonly (TlsOptions | ((w: World) => TlsOptions))[], title: string, more: Partial<Scenario> = {}): Scenario => ({
  name: title,
  config: pair(name, (places) => ({
    bind: `ssl crt ${places.certificates.server.pem} ${typeof words === 'function' ? words(places) : words}`,
  })),
  run: async (w) => {
    await w.serve('server', { on: echo })
    const seen: unknown[] = []
    for (const one of options) {
      seen.push(await tried(w, one))
      await w.log.lines(seen.length)
    }
    return { seen, log: await w.log.lines(options.length) }
  },
  ...more,
})

const own = (w: World): TlsOptions => ({ cert: w.certificates.client.cert, key: w.certificates.client.key })
const strange = (w: World): TlsOptions => ({ cert: w.certificates.stranger.cert, key: w.certificates.stranger.key })

const fronts: Scenario[] = [
  front('plain', '', [{}, { maxVersion: 'TLSv1.2' }], 'TLS 1.3 and 1.2'),
  front('min13', 'ssl-min-ver TLSv1.3', [{}, { maxVersion: 'TLSv1.2' }], 'ssl-min-ver TLSv1.3 refuses 1.2'),
  front('max12', 'ssl-max-ver TLSv1.2', [{}, { minVersion: 'TLSv1.3' }], 'ssl-max-ver TLSv1.2 refuses 1.3'),
  front('no13', 'no-tlsv13', [{}], 'no-tlsv13'),
  front('force12', 'force-tlsv12', [{}], 'force-tlsv12'),
  front('ciphers', 'ciphers ECDHE-ECDSA-AES256-GCM-SHA384', [
    { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' },
    { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384' },
  ], 'ciphers: none in common, and one'),
  front('alpn', 'alpn h2,http/1.1', [{ ALPNProtocols: ['http/1.1', 'h2'] }, { ALPNProtocols: ['spdy'] }, {}], "alpn: the server's order, no overlap, none offered"),
  front('sni', ({ certificates }) => `crt ${certificates.other.pem}`, [{ servername: 'other.test' }, { servername: 'server.test' }, { servername: 'a.wild.test' }, { servername: 'unknown.test' }, {}], 'the certificate by name: exact, wildcard, unknown, none'),
  front('strict', ({ certificates }) => `crt ${certificates.other.pem} strict-sni`, [{ servername: 'other.test' }, { servername: 'unknown.test' }, {}], 'strict-sni refuses unknown names and none'),
  front('required', ({ certificates }) => `ca-file ${certificates.caFile} verify required`, [own, {}, strange], 'client certificate required: right, none, wrong authority'),
  front('optional', ({ certificates }) => `ca-file ${certificates.caFile} verify optional`, [own, {}, strange], 'client certificate optional: right, none, wrong authority'),
  front('none', ({ certificates }) => `ca-file ${certificates.caFile} verify none`, [own, strange], 'client certificate not asked'),
  front('required12', ({ certificates }) => `ca-file ${certificates.caFile} verify required ssl-max-ver TLSv1.2`, [own, {}, strange], 'client certificate required, TLS 1.2'),
  front('ignore', ({ certificates }) => `ca-file ${certificates.caFile} verify required crt-ignore-err all ca-ignore-err all`, [own, strange], 'crt-ignore-err and ca-ignore-err let a wrong certificate pass'),
]

const resumption: Scenario[] = [
  {
    name: 'a session is resumed, TLS 1.2 and 1.3',
    config: pair('resume', ({ certificates }) => ({ bind: `ssl crt ${certificates.server.pem}` })),
    run: async (w) => {
      await w.serve('server', { on: echo })
      const reused: boolean[] = []
      for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
        const first = await w.connectTls('front', { maxVersion })
        const session = new Promise<Buffer>((resolve) => first.tls.once('session', resolve))
        first.send('ping')
        await first.got('ping')
        const saved = maxVersion === 'TLSv1.2' ? (first.tls.getSession() ?? Buffer.alloc(0)) : await session
        first.end()
        await first.over()
        const again = await w.connectTls('front', { maxVersion, session: saved })
        again.send('ping')
        await again.got('ping')
        reused.push(again.tls.isSessionReused())
        again.end()
        await again.over()
      }
      return reused
    },
    expect: [true, true],
  },
  {
    name: 'a session made where no certificate is asked does not resume where one is required',
    config: (places) => `
listen open
  bind 127.0.0.1:${places.port('front')} ssl crt ${places.certificates.server.pem}
  server s 127.0.0.1:${places.port('server')}
listen closed
  bind 127.0.0.1:${places.port('closed')} ssl crt ${places.certificates.server.pem} ca-file ${places.certificates.caFile} verify required
  server s 127.0.0.1:${places.port('server')}
`,
    run: async (w) => {
      await w.serve('server', { on: echo })
      const first = await w.connectTls('front', { maxVersion: 'TLSv1.2' })
      first.send('ping')
      await first.got('ping')
      const session = first.tls.getSession() ?? Buffer.alloc(0)
      first.end()
      await first.over()
      const second = await w.connectTls('closed', { maxVersion: 'TLSv1.2', session })
      second.send('ping')
      await second.until('an answer', () => second.received > 0 || second.ended)
      return { answered: second.received > 0 }
    },
    expect: { answered: false },
  },
]

const back = (name: string, title: string, words: string | ((places: Places) => string), leaf: 'server' | 'other' | 'stranger' = 'server', more: { ca?: boolean } = {}): Scenario => ({
  name: title,
  config: pair(name, (places) => ({ back: 'retries 0', server: `ssl ${typeof words === 'function' ? words(places) : words}` })),
  run: async (w) => {
    const { certificates } = w
    const asks = more.ca === true ? { requestCert: true, rejectUnauthorized: true, ca: certificates.ca } : {}
    const names: (string | false | null)[] = []
    const server = await w.serve('server', {
      tls: { ...certificates[leaf], ...asks, ALPNProtocols: ['h2', 'http/1.1'], SNICallback: (name, done) => {
        names.push(name)
        done(null)
      } },
      on: echo,
    })
    const client = await w.connect('front')
    client.send('hello')
    client.end()
    await client.over()
    const wire = server.wires[0]
    return { client: client.events, names, reached: wire?.text || 'nothing', log: await w.log.lines(1) }
  },
})

const backs: Scenario[] = [
  back('b-none', 'to a server, verify none', 'verify none'),
  back('b-required', 'to a server, verify required with the right authority', ({ certificates }) => `verify required ca-file ${certificates.caFile}`),
  back('b-wrong', 'to a server, verify required with the wrong authority: SSL handshake failure', ({ certificates }) => `verify required ca-file ${certificates.wrongCaFile}`),
  back('b-host', 'verifyhost that fits', ({ certificates }) => `verify required ca-file ${certificates.caFile} verifyhost server.test`),
  back('b-badhost', 'verifyhost that does not fit', ({ certificates }) => `verify required ca-file ${certificates.caFile} verifyhost other.test`),
  back('b-sni', 'sni: the name is said', 'verify none sni str(server.test)'),
  back('b-sni-host', 'sni is the name that is verified', ({ certificates }) => `verify required ca-file ${certificates.caFile} sni str(server.test)`),
  back('b-sni-bad', 'sni that the certificate does not have', ({ certificates }) => `verify required ca-file ${certificates.caFile} sni str(nobody.test)`),
  back('b-crt', 'crt: the server asks for a certificate and gets it', ({ certificates }) => `verify none crt ${certificates.client.pem}`, 'server', { ca: true }),
  back('b-nocrt', 'the server asks for a certificate and gets none', 'verify none', 'server', { ca: true }),
  back('b-alpn', 'alpn to a server', 'verify none alpn http/1.1'),
]

const tools: Scenario[] = [
  {
    name: 'openssl s_client: the chain, the protocol, the echo',
    config: pair('s-client', ({ certificates }) => ({ bind: `ssl crt ${certificates.server.pem}` })),
    run: async (w) => {
      await w.serve('server', { on: (wire) => wire.socket.once('data', (bytes: Buffer) => wire.end(bytes)) })
      const ran = await tool(['openssl', 's_client', '-connect', `127.0.0.1:${w.port('front')}`, '-CAfile', w.certificates.caFile, '-servername', 'server.test', '-verify_return_error', '-quiet'], { input: 'hello\n' })
      return { code: ran.code, echoed: ran.stdout }
    },
  },
  {
    name: 'junk after the handshake, and a plain-text request on a TLS port',
    config: pair('plain-on-tls', ({ certificates }) => ({ bind: `ssl crt ${certificates.server.pem}` })),
    run: async (w) => {
      const client = await w.connect('front')
      client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      await client.over()
      return { ends: client.events.at(-1), log: await w.log.lines(1) }
    },
    expect: { ends: 'FIN', log: ['<134>tag: 127.0.0.1:port [date] f-plain-on-tls/1: SSL handshake failure'] },
  },
  {
    name: 'a client that leaves in the middle of the handshake',
    config: pair('leaves', ({ certificates }) => ({ bind: `ssl crt ${certificates.server.pem}` })),
    run: async (w) => {
      const client = await w.connect('front')
      client.send(Buffer.from('16030102000100', 'hex'))
      client.end()
      return { client: await client.over(), log: await w.log.lines(1) }
    },
  },
  {
    name: 'a client that leaves before a byte of the handshake',
    config: pair('leaves-first', ({ certificates }) => ({ bind: `ssl crt ${certificates.server.pem}` })),
    run: async (w) => {
      const client = await w.connect('front')
      client.end()
      return { client: await client.over(), log: await w.log.lines(1) }
    },
  },
  {
    name: 'TLS on both sides: 1 MiB through and back',
    config: pair('both-tls', ({ certificates }) => ({ bind: `ssl crt ${certificates.server.pem}`, server: 'ssl verify none' })),
    run: async (w) => {
      await w.serve('server', { tls: w.certificates.server, on: echo, countOnly: true })
      const client = await w.connectTls('front')
      client.countOnly = true
      client.send(Buffer.alloc(1 << 20, 'z'))
      await client.gotBytes(1 << 20, 20_000)
      client.end()
      return { client: await client.over(), log: await w.log.lines(1) }
    },
    expect: { client: [`${1 << 20} bytes`, 'FIN'], log: [line('both-tls', '0/0/0', 1 << 20, '--').replace('f-both-tls ', 'f-both-tls~ ')] },
  },
]

await oracle(t, 'clients', { bothProviders: true, scenarios: fronts })
await oracle(t, 'sessions', { bothProviders: true, scenarios: resumption })
await oracle(t, 'servers', { bothProviders: true, scenarios: backs })
await oracle(t, 'strange clients and tools', { bothProviders: true, scenarios: tools })
