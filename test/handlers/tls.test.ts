// The tls handler: what lines say about TLS and what is wrong with them, and connections that come to it over real sockets.

import { mkdirSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import tlsModule from 'node:tls'
import t, { type Test } from 'tap'
import { EMPTY_IN, serve, SHUT_IN, tlsFact, tlsFailureFact, type Connection, type MakeHandler, type TlsFacts, type Why } from 'headgate/plugin'
import { tls } from '../../handlers/tls.ts'
import { bindLines, serverLines } from '../../src/config/lines.ts'
import { EngineConnection, type ConnectionEvents, type ConnectionPlan } from '../../src/net/connection.ts'
import { LiveList } from '../../src/net/live.ts'
import { nodeProvider } from '../kit/node-provider.ts'
import { Wheel } from '../../src/util/wheel.ts'
import { certificates } from '../kit/certificates.ts'
import { allKeywords, loadText } from '../kit/configuration.ts'
import { handlerContract } from '../kit/handler-contract.ts'
import { configured } from '../kit/configured.ts'

const made = await certificates()
const file = (name: string, text: string): string => {
  const at = path.join(made.folder, name)
  writeFileSync(at, text)
  return at
}

interface Planned {
  readonly make: MakeHandler | null
  readonly problems: readonly string[]
}

/** Plans the tls handler for a line in a configuration. What parsing finds comes first. */
function plan(words: string, side: 'bind' | 'server' = 'bind', global = '', defaults = ''): Planned {
  const lines = side === 'bind' ? [`bind 127.0.0.1:1 ${words}`, 'server s 127.0.0.1:2'] : ['bind 127.0.0.1:1', defaults, `server s 127.0.0.1:2 ${words}`]
  const loaded = loadText(`global\n  ${global}\nlisten l\n  mode tcp\n  timeout client 1s\n  timeout server 1s\n  timeout connect 1s\n  ${lines.join('\n  ')}\n`, { keywords: allKeywords })
  const found = loaded.problems.filter((p) => p.level === 'alert').map((p) => p.text.replace(/^'bind .*?' in section 'listen' : /, '').replace(/^'server .*?' : /, ''))
  if (found.length > 0) return { make: null, problems: found }
  const values = loaded.proxy('l')
  const line = side === 'bind' ? values.get(bindLines)?.[0]?.values : values.get(serverLines)?.[0]?.values
  if (line === undefined) throw new Error('no line')
  const spec = tls.handlers?.find((s) => s.side === (side === 'bind' ? 'accept' : 'connect'))
  const planned = spec?.plan({
    ...configured('frontend f\n timeout client 9s\n bind :1').bind(),
    get: (key) => line.get(key),
    placeOf: (key) => line.placeOf(key),
    global: loaded.global,
    report: (p) => found.push(p.level === 'alert' ? p.text : `${p.level}: ${p.text}`),
  })
  return { make: planned ?? null, problems: found }
}

t.test('what is wrong with a bind line', async (t) => {
  const ok = made.server.pem
  const nokey = file('nokey.pem', made.server.cert)
  const junk = file('junk.pem', 'junk\n')
  const cut = file('cut.pem', made.server.cert.slice(0, 300))
  const bent = file('bent.pem', `${made.server.cert.replace(/MII/, 'MIX')}\n${made.server.key}`)
  const other = file('other-key.pem', `${made.server.cert}\n${made.client.key}`)
  const sealed = file('sealed.pem', `${made.server.cert}\n-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n`)
  const empty = path.join(made.folder, 'empty')
  mkdirSync(empty)
  const beside = file('beside.pem', made.server.cert)
  file('beside.pem.key', made.server.key)
  const cases: readonly (readonly [string, readonly (string | RegExp)[], string?])[] = [
    ['ssl', ["no SSL certificate specified for this line (use 'crt')."]],
    ['ssl crt', ["'crt' : missing certificate location"]],
    [`ssl crt ${made.folder}/nofile.pem`, [`unable to stat SSL certificate from file '${made.folder}/nofile.pem' : No such file or directory.`]],
    [`ssl crt ${nokey}`, [`No Private Key found in '${nokey}.key'.`]],
    [`ssl crt ${junk}`, [new RegExp(`unable to load certificate from file '${junk}': it has no complete CERTIFICATE block`)]],
    [`ssl crt ${cut}`, [/unable to load certificate from file .*no complete CERTIFICATE block/]],
    [`ssl crt ${bent}`, [/unable to load certificate from file .*the certificate is malformed/]],
    [`ssl crt ${other}`, [`inconsistencies between private key and certificate loaded '${other}'.`]],
    [`ssl crt ${sealed}`, [/passphrase, which is not supported yet/]],
    [`ssl crt ${empty}`, ["no SSL certificate specified for this line (use 'crt')."]],
    [`ssl crt ${beside}`, []],
    ['ssl strict-sni', [/^warning: no SSL certificate specified .* ssl connections will fail/]],
    [`crt ${ok}`, []],
    [`ssl crt ${ok} verify`, ["'verify' : missing verify method"]],
    [`ssl crt ${ok} verify foo`, ["'verify' : unknown verify method 'foo', only 'none', 'optional', and 'required' are supported"]],
    [`ssl crt ${ok} verify required`, ['verify is enabled but no CA file specified for this line.']],
    [`ssl crt ${ok} ca-file ${made.folder}/none verify required`, [`'ca-file' : unable to load ${made.folder}/none (No such file or directory).`]],
    [`ssl crt ${ok} ca-file ${junk} verify required`, [`'ca-file' : unable to load ${junk} (no certificate or crl found).`]],
    [`ssl crt ${ok} ca-file ${made.caFile} crl-file ${junk} verify required`, [`'crl-file' : unable to load ${junk} (no certificate or crl found).`]],
    [`ssl crt ${ok} ciphers NOPE`, ["unable to set SSL cipher list to 'NOPE'."]],
    [`ssl crt ${ok} ciphersuites NOPE`, ["unable to set TLS 1.3 cipher suites to 'NOPE'."]],
    [`ssl crt ${ok} curves NOPE`, ["unable to set SSL curves list to 'NOPE'."]],
    [`ssl crt ${ok}`, ["unable to set SSL cipher list to 'NOPE'."], 'ssl-default-bind-ciphers NOPE'],
    [`ssl crt ${ok} ssl-min-ver`, ["'ssl-min-ver' : missing the ssl/tls version"]],
    [`ssl crt ${ok} ssl-min-ver TLSv9`, ["'TLSv9' : unknown ssl/tls version"]],
    [`ssl crt ${ok} ssl-min-ver TLSv1.3 ssl-max-ver TLSv1.2`, ['all SSL/TLS versions are disabled for this line.']],
    [`ssl crt ${ok} no-tlsv12 no-tlsv13`, ['all SSL/TLS versions are disabled for this line.']],
    [`ssl crt ${ok} force-sslv3`, ['all SSL/TLS versions are disabled for this line.']],
    [`ssl crt ${ok} no-tlsv12`, []],
    [`ssl crt ${ok} ssl-min-ver TLSv1.1 no-tlsv12`, [/^warning: SSL\/TLS versions range not contiguous: TLSv1.2/]],
    [`ssl crt ${ok} alpn`, ["'alpn' : missing the comma-delimited ALPN protocol suite"]],
    [`ssl crt ${ok} alpn h2,,x`, ["'alpn' : empty protocol name in 'h2,,x'"]],
    [`ssl crt ${ok} crt-ignore-err 10,x`, ["'crt-ignore-err' : ID '0' out of range (1..94) in error IDs list '10,x'"]],
    [`ssl crt ${ok} ca-ignore-err`, ["'ca-ignore-err' : missing error IDs list"]],
    [`ssl crt ${ok} verify required ca-file ${made.caFile} ca-ignore-err all crt-ignore-err 10,20`, []],
    [`ssl crt ${ok} verify required ca-file ${made.caFile} crt-ignore-err 10`, [/need the linux provider, save when both are 'all': 'provider node' was asked for/], 'provider node'],
    [`ssl crt ${ok} npn h2`, []],
    [`ssl crt ${ok} allow-0rtt`, [/not supported yet/]],
    [`ssl crt ${ok} generate-certificates`, [/not supported yet/]],
    [`ssl crt server.pem`, [], `crt-base ${made.folder}`],
    [`ssl crt ${ok} ca-file ca.crt verify optional`, [], `ca-base ${made.folder}`],
    [`ssl crt-list ${made.folder}/nolist`, [`'crt-list' : cannot open file '${made.folder}/nolist' : No such file or directory`]],
    [`ssl crt-list ${file('l2', `${ok} [foo bar]\n`)}`, [`'crt-list' : parsing [${made.folder}/l2:1]: unknown ssl keyword foo`]],
    [`ssl crt-list ${file('l3', `\n# comment\n${made.folder}/nofile.pem\n`)}`, [/l3:3\]: unable to stat SSL certificate/]],
    [`ssl crt-list ${file('l4', `${ok} [alpn h2\n`)}`, [/l4:1\]: .* is not closed/]],
    [`ssl crt-list ${file('l5', `${ok} [alpn]\n`)}`, [/ssl args out of '\[\]' for alpn/]],
    [`ssl crt-list ${file('l6', `${ok} name [alpn h2]\n`)}`, [/filters can't be between filename and options/]],
    [`ssl crt-list ${file('l7', `${ok} [verify required] name\n`)}`, [/verify is enabled but no CA file/]],
    [`ssl crt-list ${file('l8', '')}`, ["no SSL certificate specified for this line (use 'crt')."]],
  ]
  for (const [words, wanted, global] of cases) {
    const { make, problems } = plan(words, 'bind', global)
    t.match(problems, wanted, words)
    t.equal(problems.length, wanted.length, `${words}: ${problems.join(' | ')}`)
    t.equal(make !== null, words.startsWith('ssl') && problems.every((p) => p.startsWith('warning')), words)
  }
})

t.test('what is wrong with a server line', async (t) => {
  const cases: readonly (readonly [string, readonly (string | RegExp)[], string?, string?])[] = [
    ['ssl', [/^verify is enabled by default but no CA file specified/]],
    ['ssl', [], 'ssl-server-verify none'],
    ['ssl verify none', []],
    ['ssl verify', ["'verify' : missing verify method."]],
    ['ssl verify optional', ["'verify' : unknown verify method 'optional', only 'none' and 'required' are supported."]],
    ['ssl ca-file @system-ca', []],
    [`ssl ca-file ${made.folder}/none`, [/unable to load/]],
    [`ssl verify none crt ${made.folder}/none`, [/unable to stat SSL certificate/]],
    ['ssl verify none sni', ["'sni' : missing sni expression."]],
    ['ssl verify none sni foo', [/unknown fetch method 'foo'/]],
    ['ssl verify none sni str(x)', []],
    ['ssl verify none verifyhost', ["'verifyhost' : missing hostname to verify against."]],
    ['ssl verify none ciphers NOPE', ["unable to set SSL cipher list to 'NOPE'."]],
    ['ssl verify none ssl-min-ver X', ["'X' : unknown ssl/tls version."]],
    ['ssl verify none alpn', ["'alpn' : missing the comma-delimited ALPN protocol suite."]],
    ['no-ssl', [], '', 'default-server ssl'],
    ['', [], '', 'default-server ssl verify none'],
  ]
  for (const [words, wanted, global, defaults] of cases) {
    const { make, problems } = plan(words, 'server', global, defaults)
    t.match(problems, wanted, words)
    t.equal(problems.length, wanted.length, `${words}: ${problems.join(' | ')}`)
    t.equal(make !== null, words !== 'no-ssl' && problems.length === 0, words)
  }
})

interface Front {
  readonly port: number
  readonly refused: { handler: string; why: Why; reason: string | undefined }[]
  readonly facts: TlsFacts[]
  open: number
}

const wheel = new Wheel()

/** Reads what comes and says it again; ends when the peer does. */
function echo(front: Front): (conn: Connection) => void {
  return (conn) => {
    const facts = conn.get(tlsFact)
    if (facts !== undefined) front.facts.push(facts)
    const user = {
      ready(c: Connection): void {
        for (;;) {
          const flow = c.input.length > 0 ? 0 : c.layer.fill(c.input)
          if (c.input.length > 0) c.output.append(c.input.view())
          c.input.clear()
          while (c.output.length > 0 && c.layer.flush(c.output) === 0);
          if (flow & SHUT_IN) {
            c.readEnded()
            c.finish()
            return
          }
          if (flow & EMPTY_IN || flow !== 0) return
        }
      },
      expired: () => undefined,
    }
    conn.attach(user)
    user.ready(conn)
  }
}

async function front(t: Test, words: string, more: Partial<ConnectionPlan> = {}): Promise<Front> {
  const { make, problems } = plan(words)
  if (make === null) throw new Error(problems.join())
  const front: Front = { port: 0, refused: [], facts: [], open: 0 }
  const app = { name: 'echo', open: echo(front) }
  const events: ConnectionEvents = {
    refused: (conn, handler, why) => front.refused.push({ handler, why, reason: conn.get(tlsFailureFact)?.reason }),
    released: () => front.open--,
    bug: (_conn, handler, error) => t.fail(`${handler}: ${String(error)}`),
  }
  const connections = new LiveList<EngineConnection>()
  const listener = await nodeProvider.listen(
    { address: { family: 'ipv4', host: '127.0.0.1', port: 0 } },
    {
      accepted(sock) {
        front.open++
        const conn = new EngineConnection(
          sock,
          { side: 'accept', handlers: [make, () => ({ name: 'end', step: () => serve(app) })], handshakeMs: 5000, drainMs: 1000, bufferSize: 16384, wheel, clock: Date.now, facts: new Map(), live: connections, ...more },
          events,
        )
        conn.start()
      },
      failed: (error) => t.fail(error),
    },
  )
  t.teardown(() => {
    listener.close()
    for (const conn of connections.all()) conn.reset()
  })
  const { address } = listener
  return Object.assign(front, { port: 'port' in address ? address.port : 0 })
}

/** Sends text through TLS and returns the echo, the certificate's name and the ALPN protocol; or the error. */
async function ask(front: Front, options: tlsModule.ConnectionOptions = {}): Promise<string> {
  return await new Promise((resolve) => {
    const socket = tlsModule.connect({ port: front.port, host: '127.0.0.1', rejectUnauthorized: false, ...options })
    let text = ''
    let cn = ''
    socket.on('secureConnect', () => {
      cn = `${socket.getPeerX509Certificate()?.subject.replace('CN=', '') ?? ''} ${String(socket.alpnProtocol)} ${String(socket.getProtocol())}`
      socket.end('hello')
    })
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()))
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    socket.on('close', () => resolve(`${text} ${cn}`))
  })
}

t.test('connections', async (t) => {
  t.test('one certificate', async (t) => {
    const f = await front(t, `ssl crt ${made.server.pem}`)
    t.match(await ask(f, { servername: 'whatever.test' }), /^hello server.test false/)
    t.match(f.facts, [{ sni: 'whatever.test', version: 'TLSv1.3', own: { file: made.server.pem } }])
  })

  t.test('ca-verify-file: believed, too', async (t) => {
    const stranger = { cert: made.stranger.cert, key: made.stranger.key, maxVersion: 'TLSv1.2' } as const
    const both = await front(t, `ssl crt ${made.server.pem} verify required ca-file ${made.caFile} ca-verify-file ${made.wrongCaFile}`)
    t.match(await ask(both, stranger), /^hello server.test/)
    const one = await front(t, `ssl crt ${made.server.pem} verify required ca-file ${made.caFile}`)
    t.notMatch(await ask(one, stranger), /^hello/)
  })

  t.test('the certificate is chosen by name', async (t) => {
    const f = await front(t, `ssl crt ${made.server.pem} crt ${made.other.pem} alpn h2,http/1.1`)
    t.match(await ask(f, { servername: 'other.test' }), /^hello other.test/)
    t.match(await ask(f, { servername: 'OTHER.test', ALPNProtocols: ['http/1.1'] }), /^hello other.test http\/1.1/)
    t.match(await ask(f, { servername: 'x.wild.test', ALPNProtocols: ['x'] }), /^hello server.test false/)
    t.match(await ask(f, { servername: 'nowhere.test' }), /^hello server.test/)
    t.match(await ask(f), /^hello server.test/)
    const strict = await front(t, `ssl crt ${made.server.pem} crt ${made.other.pem} strict-sni`)
    t.match(await ask(strict, { servername: 'other.test' }), /^hello other.test/)
    t.equal(await ask(strict, { servername: 'nowhere.test' }), 'ERR_SSL_TLSV1_UNRECOGNIZED_NAME')
    t.equal(await ask(strict), 'ERR_SSL_TLSV1_UNRECOGNIZED_NAME')
    t.match(strict.refused, [{ handler: 'tls', why: { cause: 'failed', detail: 'SSL handshake failure' }, reason: 'unrecognized name' }, {}])
  })

  t.test('a crt-list: settings and names per line', async (t) => {
    const list = file('list', `${made.server.pem} !*\n# comment\n${made.other.pem} [alpn h2 ssl-max-ver TLSv1.2] *.list.test !not.list.test\n${made.client.pem} [verify required ca-file ${made.caFile}] locked.test\n`)
    const f = await front(t, `ssl crt-list ${list}`)
    t.match(await ask(f, { servername: 'server.test' }), /^hello server.test false TLSv1.3/, 'only as the default')
    t.match(await ask(f, { servername: 'a.list.test', ALPNProtocols: ['h2'] }), /^hello other.test h2 TLSv1.2/)
    t.match(await ask(f, { servername: 'not.list.test', ALPNProtocols: ['h2'] }), /^hello server.test false/)
    t.match(await ask(f, { servername: 'locked.test', maxVersion: 'TLSv1.2' }), /ERR_SSL|ECONNRESET/)
    t.match(await ask(f, { servername: 'locked.test', cert: made.client.cert, key: made.client.key }), /^hello client.test/)
    t.ok(f.facts.at(-1)?.peer)
    // A session made under a name that asks for no certificate opens nothing under one that does.
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const session = await new Promise<Buffer>((resolve) => {
        const socket = tlsModule.connect({ port: f.port, host: '127.0.0.1', rejectUnauthorized: false, servername: 'server.test', maxVersion })
        socket.on('session', (made: Buffer) => (resolve(made), socket.end()))
        socket.on('secureConnect', () => socket.write('x'))
        socket.on('error', () => undefined)
      })
      const served = f.facts.length
      t.notMatch(await ask(f, { servername: 'locked.test', maxVersion, session }), /^hello/, maxVersion)
      t.equal(f.facts.length, served)
      t.match(await ask(f, { servername: 'server.test', maxVersion, session }), /^hello/)
      t.equal(f.facts.at(-1)?.resumed, true)
    }
  })

  t.test('the handler contract: junk, a hello without the name, an old hello', async (t) => {
    const one = plan(`ssl crt ${made.server.pem}`).make
    const strict = plan(`ssl crt ${made.server.pem} strict-sni`).make
    if (one === null || strict === null) throw new Error('no plan')
    await handlerContract(t, { name: 'junk', make: one, input: 'SSH-2.', outcome: 'refused' })
    const hello = await new Promise<Buffer>((resolve) => {
      const server = net.createServer((socket) => socket.once('data', (bytes: Buffer) => (resolve(bytes), socket.destroy(), server.close())))
      server.listen(0, '127.0.0.1', () => {
        const a = server.address()
        tlsModule.connect({ port: typeof a === 'object' && a !== null ? a.port : 0, host: '127.0.0.1', servername: 'nowhere.test' }).on('error', () => undefined)
      })
    })
    await handlerContract(t, { name: 'strict-sni', make: strict, input: hello, outcome: 'refused', says: Buffer.from([21, 3, 3, 0, 2, 2, 112]) })
  })

  t.test('what is not TLS is ended politely, with one cause', async (t) => {
    const f = await front(t, `ssl crt ${made.server.pem}`)
    const say = async (bytes: string | Buffer, end = false): Promise<string> =>
      await new Promise((resolve) => {
        const socket = net.connect({ port: f.port, host: '127.0.0.1', allowHalfOpen: true })
        const seen: Buffer[] = []
        socket.on('data', (chunk: Buffer) => seen.push(chunk))
        socket.on('end', () => (resolve(`${Buffer.concat(seen).toString('hex')} FIN`), socket.destroy()))
        socket.on('error', (error: NodeJS.ErrnoException) => resolve(String(error.code)))
        socket.write(bytes)
        if (end) socket.end()
      })
    t.equal(await say('GET / HTTP/1.0\r\n\r\n'), ' FIN')
    t.equal(await say(Buffer.alloc(300_000, 'junk')), ' FIN', 'unread input does not turn it into a RST')
    t.equal(await say('abc', true), ' FIN')
    t.equal(await say('', true), ' FIN')
    t.match(await say(Buffer.from('16030100050100000178', 'hex')), /^15030300020232 FIN/)
    t.match(f.refused, [
      { handler: 'tls', why: { cause: 'failed', detail: 'SSL handshake failure' } },
      { handler: 'tls', why: { cause: 'failed', detail: 'SSL handshake failure' } },
      { handler: 'tls', why: { cause: 'short', detail: 'Connection closed during SSL handshake' } },
      { handler: 'tls', why: { cause: 'empty', detail: 'Connection closed during SSL handshake' } },
      { handler: 'tls', why: { cause: 'failed', detail: 'SSL handshake failure' } },
    ])
  })

  t.test('silence is a timeout that is named', async (t) => {
    const f = await front(t, `ssl crt ${made.server.pem}`, { handshakeMs: 60, drainMs: 60 })
    const socket = net.connect(f.port, '127.0.0.1')
    t.teardown(() => socket.destroy())
    await new Promise((resolve) => socket.on('end', resolve).resume())
    t.match(f.refused, [{ handler: 'tls', why: { cause: 'timeout', detail: 'Timeout during SSL handshake' } }])
  })
})

t.test('towards a server', async (t) => {
  const names: unknown[] = []
  const server = tlsModule.createServer({ cert: made.server.cert, key: made.server.key }, (socket) => {
    names.push(Reflect.get(socket, 'servername'))
    socket.on('error', () => undefined)
    socket.pipe(socket)
  })
  server.on('tlsClientError', () => undefined)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const bound = server.address()
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0

  const open = async (words: string): Promise<string> =>
    await new Promise((resolve) => {
      const { make, problems } = plan(words, 'server')
      if (make === null) return resolve(problems.join())
      const conn: EngineConnection = new EngineConnection(
        nodeProvider.connect({ to: { family: 'ipv4', host: '127.0.0.1', port } }),
        { side: 'connect', handlers: [make, () => ({ name: 'end', step: () => serve({ name: 'app', open: () => (resolve(`done ${conn.get(tlsFact)?.version}`), conn.finish()) }) })], handshakeMs: 5000, drainMs: 500, bufferSize: 16384, wheel, clock: Date.now, facts: new Map(), live: new LiveList() },
        { refused: (_c, handler, why) => resolve(`${handler}: ${why.detail}`), released: () => undefined, bug: (_c, handler, error) => t.fail(`${handler}: ${String(error)}`) },
      )
      conn.start()
    })

  t.equal(await open(`ssl ca-file ${made.caFile}`), 'done TLSv1.3')
  t.equal(await open(`ssl ca-file ${made.caFile} sni str(server.test)`), 'done TLSv1.3')
  t.equal(await open(`ssl ca-file ${made.caFile} sni str(evil.test)`), 'tls: Server presented an SSL certificate different from the expected one')
  t.equal(await open(`ssl ca-file ${made.caFile} verifyhost evil.test`), 'tls: Server presented an SSL certificate different from the configured one')
  t.equal(await open(`ssl ca-file ${made.wrongCaFile}`), 'tls: SSL handshake failure')
  t.equal(await open('ssl verify none ssl-max-ver TLSv1.2'), 'done TLSv1.2')
  t.same(names.filter((name) => name !== false), ['server.test', 'evil.test'])
})
