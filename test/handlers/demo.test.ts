// The demonstration service: HTTP enough for curl and load tools, an echo for the rest, and nothing that bad input can break.

import { execFile } from 'node:child_process'
import net from 'node:net'
import fc from 'fast-check'
import t from 'tap'
import { buildProxyV2, sslTlv, textTlv, TLV, tlsFact, type Address } from '../../src/plugin.ts'
import { nodeProvider } from '../kit/node-provider.ts'
import { EngineConnection } from '../../src/net/connection.ts'
import { LiveList } from '../../src/net/live.ts'
import { Wheel } from '../../src/util/wheel.ts'
import { configured, type FakeHandshake, type FakeOptions } from '../kit/index.ts'

const TIMEOUTS = 'defaults\n timeout client 1s\n timeout server 1s\n timeout connect 1s\n'
const ip = (host: string, port: number): Address => ({ family: 'ipv4', host, port })

function demo(bind = '', options?: FakeOptions): FakeHandshake {
  const found = configured(`${TIMEOUTS}frontend f\n bind :80 ${bind}\n demo-service`)
  if (found.problems.length > 0) throw new Error(found.problems.join('\n'))
  return found.accept(options)
}

/** Takes answers apart; throws when they are not HTTP with a length. */
function answers(said: Buffer, heads = false): readonly { readonly status: number; readonly fields: string; readonly body: string }[] {
  const found: { status: number; fields: string; body: string }[] = []
  for (let rest = said.toString('latin1'); rest !== ''; ) {
    const end = rest.indexOf('\r\n\r\n')
    const fields = rest.slice(0, end)
    const status = Number(/^HTTP\/1\.[01] ([0-9]{3}) /.exec(fields)?.[1])
    const length = heads ? 0 : Number(/^content-length: ([0-9]+)$/im.exec(fields)?.[1])
    if (end === -1 || Number.isNaN(status + length)) throw new Error(`no answer: ${JSON.stringify(rest.slice(0, 200))}`)
    found.push({ status, fields, body: rest.slice(end + 4, end + 4 + length) })
    rest = rest.slice(end + 4 + length)
  }
  return found
}

t.test('tells who came and through what', async (t) => {
  const hs = demo('accept-proxy', {
    facts: (conn) =>
      conn.set(tlsFact, { version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', cipherBits: 128, algorithmBits: 128, alpn: 'http/1.1', sni: 'demo.example', resumed: true, peer: undefined, peerShown: false, verifyResult: 0, own: undefined }),
  })
  const header = buildProxyV2({ command: 'PROXY', src: ip('203.0.113.9', 1234), dst: ip('198.51.100.7', 443), tlvs: [textTlv(TLV.authority, 'front.example\x1b[2J'), { type: TLV.uniqueId, value: Buffer.from('id') }, sslTlv(1, 0, [textTlv(TLV.sslVersion, 'TLSv1.2'), textTlv(TLV.sslCn, 'someone')])] })
  hs.arrive(Buffer.concat([header, Buffer.from('GET /where?am=i HTTP/1.1\r\nHost: x\r\n\r\n')]))
  const [answer] = answers(hs.said)
  t.equal(answer?.status, 200)
  t.equal(
    answer?.body,
    [
      'Headgate demonstration service',
      '',
      'you      203.0.113.9:1234',
      'came to  198.51.100.7:443',
      'through  PROXY protocol version 2, PROXY',
      '         authority front.example?[2J',
      '         unique id 6964',
      '         TLSv1.2 before the proxy, client certificate of someone',
      'through  TLSv1.3, TLS_AES_128_GCM_SHA256, resumed',
      '         server name demo.example',
      '         ALPN http/1.1',
      'request  GET /where?am=i (number 1 of this connection)',
      '',
    ].join('\n'),
  )
  t.same(hs.sock.done, [], 'the connection is kept')
})

t.test('one connection, many requests, cut anywhere', async (t) => {
  const requests = 'GET /1 HTTP/1.1\r\n\r\nPOST /2 HTTP/1.1\r\nContent-Length: 5\r\n\r\nbody!GET /3 HTTP/1.1\r\nConnection: close\r\n\r\n'
  const whole = demo()
  whole.arrive(requests)
  const wanted = whole.said.toString()
  t.same(answers(whole.said).map(({ body }) => /request {2}(.*)/.exec(body)?.[1]), ['GET /1 (number 1 of this connection)', 'POST /2 (number 2 of this connection)', 'GET /3 (number 3 of this connection)'])
  t.same(whole.sock.done, ['FIN'], 'Connection: close')
  const differing: number[] = []
  for (let cut = 1; cut < requests.length; cut++) {
    const hs = demo()
    hs.arrive(requests.slice(0, cut))
    hs.arrive(requests.slice(cut))
    if (hs.said.toString() !== wanted) differing.push(cut)
  }
  t.same(differing, [])
  const bytewise = demo()
  for (const byte of requests) bytewise.arrive(byte)
  t.equal(bytewise.said.toString(), wanted)
})

t.test('keep-alive as clients expect it', async (t) => {
  const cases: readonly (readonly [string, boolean])[] = [
    ['GET / HTTP/1.1\r\n\r\n', true],
    ['GET / HTTP/1.1\r\nConnection: Close\r\n\r\n', false],
    ['GET / HTTP/1.1\r\nConnection: upgrade, close\r\n\r\n', false],
    ['GET / HTTP/1.0\r\n\r\n', false],
    ['GET / HTTP/1.0\r\nconnection: Keep-Alive\r\n\r\n', true],
    ['POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', false],
  ]
  for (const [request, kept] of cases) {
    const hs = demo()
    hs.arrive(request)
    const [answer, ...more] = answers(hs.said)
    t.same([hs.sock.done.length === 0, answer?.fields.includes(`Connection: ${kept ? 'keep-alive' : 'close'}`), more.length], [kept, true, 0], JSON.stringify(request))
  }
  const head = demo()
  head.arrive('HEAD / HTTP/1.1\r\n\r\nHEAD / HTTP/1.1\r\n\r\n')
  t.equal(answers(head.said, true).length, 2, 'HEAD has a length and no body')
})

t.test('what is not a request that can be answered', async (t) => {
  const bad = (request: string): readonly unknown[] => {
    const hs = demo()
    hs.arrive(request)
    return [answers(hs.said).map(({ status }) => status), hs.sock.done]
  }
  t.same(bad('GET / HTTP/1.1\r\n\r\nnonsense\r\n\r\n'), [[200, 400], ['FIN']])
  t.same(bad('GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n'), [[400], ['FIN']])
  t.same(bad('GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'), [[400], ['FIN']])
  t.same(bad(`GET / HTTP/1.1\r\nX: ${'x'.repeat(9000)}`), [[431], ['FIN']])
})

t.test('an echo of anything else', async (t) => {
  for (const text of ['hello', 'PING\r\n', 'GET lost\n', 'GET / HTTP/2.0\r\n', 'POSTAGE', '\x16\x03\x01 not TLS', `GET /${'x'.repeat(9000)}`]) {
    const hs = demo()
    hs.arrive(text)
    t.equal(hs.said.toString(), text, JSON.stringify(text.slice(0, 30)))
    hs.arrive('GET / HTTP/1.1\r\n\r\n')
    t.equal(hs.said.toString(), `${text}GET / HTTP/1.1\r\n\r\n`, 'and so to the end')
    hs.peerEnds()
    t.same(hs.sock.done, ['FIN', 'closed'])
  }
  const undecided = demo()
  undecided.arrive('GET')
  t.equal(undecided.said.length, 0)
  undecided.peerEnds()
  t.equal(undecided.said.toString(), 'GET')
})

t.test('property: any bytes, any cut: no throw, and the same answer', async (t) => {
  const seed = Number(process.env['SEED'] ?? 20261121)
  t.comment(`seed ${seed}`)
  const piece = fc.oneof(
    fc.constantFrom('GET / HTTP/1.1\r\n', 'POST /x HTTP/1.0\r\n', 'Content-Length: 7\r\n', 'Connection: keep-alive\r\n', '\r\n', '\r', '\n', 'G', 'HEAD '),
    fc.string({ maxLength: 20 }),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), fc.nat(200), (pieces, cut) => {
      const bytes = Buffer.from(pieces.join(''))
      const whole = demo()
      if (bytes.length > 0) whole.arrive(bytes)
      whole.peerEnds()
      const parts = demo()
      for (const part of [bytes.subarray(0, cut % (bytes.length + 1)), bytes.subarray(cut % (bytes.length + 1))]) if (part.length > 0) parts.arrive(part)
      parts.peerEnds()
      const ended = whole.sock.done.at(-1) === 'closed' && parts.sock.done.at(-1) === 'closed'
      return ended && whole.said.equals(parts.said)
    }),
    { seed, numRuns: 200 },
  )
  t.pass()
})

/** The demonstration service on a port, with the node provider. */
async function listening(t: { teardown(undo: () => void): unknown }): Promise<number> {
  const found = configured(`${TIMEOUTS}frontend f\n bind :80\n demo-service`)
  const live = new LiveList<EngineConnection>()
  const wheel = new Wheel()
  const nothing = (): void => undefined
  const plan = { side: 'accept', handlers: found.handlers(found.bind()), handshakeMs: 5000, drainMs: 2000, bufferSize: 16384, wheel, clock: Date.now, facts: new Map(), live } as const
  const listener = await nodeProvider.listen(
    { address: ip('127.0.0.1', 0) },
    { accepted: (sock) => new EngineConnection(sock, plan, { refused: nothing, released: nothing, bug: nothing }).start(), failed: nothing },
  )
  t.teardown(() => {
    for (const conn of live.all()) conn.reset()
    listener.close()
  })
  return listener.address.family === 'ipv4' ? listener.address.port : 0
}

t.test('curl and an echo over a real socket', async (t) => {
  const port = await listening(t)
  const url = `http://127.0.0.1:${port}/`
  const out = await new Promise<string>((resolve) => execFile('curl', ['-sS', '--max-time', '10', '-w', '%{num_connects} ', url, url, '-d', 'x'.repeat(3000)], (error, stdout, stderr) => resolve(error === null ? stdout : stderr)))
  t.match(out, /number 1 of this connection\)\n1 /)
  t.match(out, /number 2 of this connection\)\n0 /, 'the second request goes over the same connection')

  const big = Buffer.alloc(3_000_000, 'echo ')
  const back = await new Promise<Buffer>((resolve, reject) => {
    const got: Buffer[] = []
    const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    socket.on('data', (chunk: Buffer) => got.push(chunk))
    socket.on('end', () => resolve(Buffer.concat(got)))
    socket.on('error', reject)
    socket.end(big)
  })
  t.ok(back.equals(big), 'every byte of a half-closed client comes back')
})
