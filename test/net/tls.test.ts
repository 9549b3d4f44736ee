// TLS layers, on every provider that has one: what node's own TLS clients and servers, and OpenSSL's program, see of them.

import { createHash, X509Certificate } from 'node:crypto'
import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import tls from 'node:tls'
import { generate } from 'selfsigned'
import t, { type Test } from 'tap'
import { Bytes } from '../../src/core/bytes.ts'
import { readCertificate } from '../../src/core/certificate.ts'
import { knownDhParams } from '../../src/core/dh-params.ts'
import type { Provider } from '../../src/core/provider.ts'
import { FULL_OUT } from '../../src/core/sock.ts'
import type { PemFile, TlsFacts, TlsServerSettings } from '../../src/core/tls.ts'
import { linuxProvider } from '../../src/net/linux/provider.ts'
import { loadKernel } from '../../src/net/linux/syscalls.ts'
import { nodeProvider } from '../kit/node-provider.ts'
import { tlsClient, tlsServer } from '../../src/net/tls.ts'
import { certificates } from '../kit/certificates.ts'
import { certificate, clientSettings, connectTls, type End, type Ends, listenTls, serverSettings } from '../kit/tls-ends.ts'

const made = await certificates()
const CA = { file: made.caFile, pem: Buffer.from(made.ca) }
/** What a TLS client says first. */
const HELLO = await new Promise<Buffer>((resolve) => {
  const server = net.createServer((socket) => {
    socket.once('data', (bytes: Buffer) => {
      resolve(bytes)
      socket.destroy()
      server.close()
    })
  })
  server.listen(0, '127.0.0.1', () => {
    const address = server.address()
    tls.connect({ port: typeof address === 'object' && address !== null ? address.port : 0, host: '127.0.0.1', servername: 'server.test', ALPNProtocols: ['h2'] }).on('error', () => undefined)
  })
})

const providers: Provider[] = [nodeProvider]
const kernel = loadKernel()
if ('reason' in kernel) t.pass(`no linux provider here: ${kernel.reason}`, { skip: kernel.reason })
else {
  const linux = linuxProvider(kernel)
  providers.push(linux)
  t.teardown(() => linux.close())
}


/** An authority that has revoked one of its two certificates; made by OpenSSL's program, which alone can. */
function revocation(): { ca: PemFile; crl: PemFile; good: { cert: Buffer; key: Buffer }; revoked: { cert: Buffer; key: Buffer } } {
  const folder = mkdtempSync(path.join(made.folder, 'revocation-'))
  const openssl = (...args: string[]): unknown => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=Revoking CA')
  writeFileSync(path.join(folder, 'index'), '')
  writeFileSync(path.join(folder, 'serial'), '01')
  writeFileSync(path.join(folder, 'ca.cnf'), '[ca]\ndefault_ca=d\n[d]\ndatabase=index\nserial=serial\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p\ncertificate=ca.pem\nprivate_key=ca.key\ndefault_days=2\ndefault_crl_days=2\nunique_subject=no\n[p]\ncommonName=supplied\n')
  const leaf = (name: string): { cert: Buffer; key: Buffer } => {
    openssl('req', '-new', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`)
    openssl('ca', '-batch', '-config', 'ca.cnf', '-in', `${name}.csr`, '-out', `${name}.pem`, '-notext')
    return { cert: readFileSync(path.join(folder, `${name}.pem`)), key: readFileSync(path.join(folder, `${name}.key`)) }
  }
  const good = leaf('good')
  const revoked = leaf('revoked')
  openssl('ca', '-config', 'ca.cnf', '-revoke', 'revoked.pem')
  openssl('ca', '-config', 'ca.cnf', '-gencrl', '-out', 'crl.pem')
  const file = (name: string): PemFile => ({ file: name, pem: readFileSync(path.join(folder, name)) })
  return { ca: file('ca.pem'), crl: file('crl.pem'), good, revoked }
}

async function serve(t: Test, provider: Provider, more: Partial<TlsServerSettings> = {}, peek = 0): Promise<Ends> {
  const make = tlsServer(serverSettings(made.server, more))
  const ends = await listenTls(provider, () => make, peek)
  t.teardown(() => ends.close())
  return ends
}

/** A client of node's own, with everything it saw. */
class Client {
  readonly socket: tls.TLSSocket
  text = ''
  received = 0
  ended = false
  closed = false
  error = ''
  session: Buffer | undefined
  #waiting: (() => void)[] = []

  constructor(t: Test, port: number, options: tls.ConnectionOptions = {}) {
    const all: tls.ConnectionOptions & { allowHalfOpen: boolean } = { port, host: '127.0.0.1', allowHalfOpen: true, rejectUnauthorized: false, ...options }
    this.socket = tls.connect(all)
    this.socket.on('data', (chunk: Buffer) => {
      this.received += chunk.length
      if (this.received < 100_000) this.text += chunk.toString('latin1')
      this.#wake()
    })
    this.socket.on('secureConnect', () => this.#wake())
    this.socket.on('session', (session: Buffer) => {
      this.session = session
      this.#wake()
    })
    this.socket.on('end', () => {
      this.ended = true
      this.#wake()
    })
    this.socket.on('error', (error: NodeJS.ErrnoException) => {
      this.error = error.code ?? error.message
      this.#wake()
    })
    this.socket.on('close', () => {
      this.closed = true
      this.#wake()
    })
    t.teardown(() => this.socket.destroy())
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake()
  }

  async until(what: () => boolean): Promise<void> {
    while (!what()) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }
}

async function factsOf(t: Test, ends: Ends, options: tls.ConnectionOptions = {}): Promise<{ facts: TlsFacts; client: Client; end: End }> {
  const client = new Client(t, ends.port, options)
  const end = await (await ends.next()).over()
  if (end.state !== 'done' || end.layer === undefined) throw new Error(`the handshake failed: ${end.error}`)
  return { facts: end.layer.facts(), client, end }
}

/** A resumable session of this server, made with `options`. */
async function sessionOf(t: Test, ends: Ends, options: tls.ConnectionOptions): Promise<Buffer> {
  const { client, end } = await factsOf(t, ends, options)
  end.say('x')
  await client.until(() => client.session !== undefined && client.text === 'x')
  client.socket.end()
  await end.until(() => end.ended)
  end.close()
  if (client.session === undefined) throw new Error('no session')
  return client.session
}

for (const provider of providers) {
  t.test(`${provider.name}: a server`, async (t) => {
    t.test('handshake, data both ways, each end in turn', async (t) => {
      for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
        const ends = await serve(t, provider)
        const { facts, client, end } = await factsOf(t, ends, { maxVersion, servername: 'Server.test' })
        t.match(facts, { version: maxVersion, alpn: '', sni: 'server.test', resumed: false, peer: undefined, peerShown: false, verifyResult: 0, cipherBits: 256, algorithmBits: 256 })
        t.match(facts.cipher, maxVersion === 'TLSv1.3' ? /^TLS_AES_256_GCM/ : /^ECDHE-ECDSA-AES256/)
        t.equal(facts.own?.file, made.server.pem)
        client.socket.write('hello')
        await end.until(() => end.text === 'hello')
        // the client ends; we hear it, and can still speak
        client.socket.end()
        await end.until(() => end.ended)
        end.say('late words')
        await end.end()
        await client.until(() => client.ended)
        t.equal(client.text, 'late words')
        t.equal(client.error, '')
        end.close()
      }
    })

    t.test('we end first, and go on hearing', async (t) => {
      const ends = await serve(t, provider)
      const { client, end } = await factsOf(t, ends)
      end.say('done')
      await end.end()
      await client.until(() => client.ended)
      t.equal(client.text, 'done')
      client.socket.end('still here')
      await end.until(() => end.ended)
      t.equal(end.text, 'still here')
    })

    t.test('bytes that were read before the layer was made', async (t) => {
      for (const peek of [1, 5, 6, 100, 200]) {
        const ends = await serve(t, provider, {}, peek)
        const { client, end, facts } = await factsOf(t, ends, { servername: 'server.test' })
        t.equal(facts.sni, 'server.test')
        client.socket.write(`peeked ${peek}`)
        await end.until(() => end.text !== '')
        t.equal(end.text, `peeked ${peek}`)
      }
    })

    t.test('a record cut anywhere, and another behind it: both are read, though nothing more comes', async (t) => {
      const ends = await serve(t, provider)
      for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
        for (const flight of [false, true]) {
          // 5: all of the header; 40: within the end of the handshake, where that is held, too
          for (const cut of [3, 5, 6, 40, 90, 2000]) {
            const held: Buffer[] = []
            let holding = false
            let to: net.Socket | undefined
            const hands = net.createServer((from) => {
              to = net.connect(ends.port, '127.0.0.1').setNoDelay(true)
              from.on('data', (chunk: Buffer) => {
                if (holding) held.push(chunk)
                else to?.write(chunk)
                holding ||= flight // all behind the hello
              })
              to.pipe(from)
              t.teardown(() => (from.destroy(), to?.destroy()))
            })
            await new Promise<void>((resolve) => hands.listen(0, '127.0.0.1', resolve))
            t.teardown(() => hands.close())
            const address = hands.address()
            const client = tls.connect({ port: typeof address === 'object' && address !== null ? address.port : 0, host: '127.0.0.1', servername: 'server.test', ca: made.ca, maxVersion })
            t.teardown(() => client.destroy())
            const end = await ends.next()
            // TLS 1.2 has a second flight of the client before it is secure
            if (flight && maxVersion === 'TLSv1.2') while (held.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
            else await new Promise((resolve) => client.once('secureConnect', resolve))
            if (!flight) await end.over()
            holding = true
            if (!flight || maxVersion === 'TLSv1.3') {
              client.write('a'.repeat(3000))
              client.write('b'.repeat(500))
              while (Buffer.concat(held).length < 3500) await new Promise((resolve) => setTimeout(resolve, 5))
            }
            const bytes = Buffer.concat(held)
            to?.write(bytes.subarray(0, cut))
            await new Promise((resolve) => setTimeout(resolve, 20)) // so that the pieces are read one by one
            holding = false
            to?.write(bytes.subarray(cut))
            if (flight && maxVersion === 'TLSv1.2') await end.over()
            else await Promise.race([end.until(() => end.text.length >= 3500), new Promise((resolve) => setTimeout(resolve, 3000, 'stuck'))])
            t.equal(end.state, 'done')
            if (!flight || maxVersion === 'TLSv1.3') t.equal(end.text.length, 3500, `${maxVersion} cut at ${cut}${flight ? ' of the last flight' : ''}`)
            client.destroy()
            end.close()
          }
        }
      }
    })

    t.test('a hello that comes byte by byte', async (t) => {
      const ends = await serve(t, provider, {}, 3)
      // an unpatched TLS client whose first flight goes through a slow pair of hands
      const slow = net.createServer((from) => {
        const to = net.connect(ends.port, '127.0.0.1')
        to.setNoDelay(true)
        let first = true
        from.on('data', async (chunk: Buffer) => {
          if (!first) return void to.write(chunk)
          first = false
          from.pause()
          for (const byte of chunk) {
            to.write(Buffer.from([byte]))
            await new Promise((resolve) => setImmediate(resolve))
          }
          from.resume()
        })
        to.pipe(from)
        t.teardown(() => (from.destroy(), to.destroy()))
      })
      await new Promise<void>((resolve) => slow.listen(0, '127.0.0.1', resolve))
      t.teardown(() => slow.close())
      const address = slow.address()
      const client = new Client(t, typeof address === 'object' && address !== null ? address.port : 0)
      const end = await (await ends.next()).over()
      t.equal(end.state, 'done')
      client.socket.write('ok')
      await end.until(() => end.text === 'ok')
    })

    t.test('ALPN: agreed upon by our order, and no quarrel when there is nothing in common', async (t) => {
      const ends = await serve(t, provider, { alpn: ['h2', 'http/1.1'] }, 200)
      t.equal((await factsOf(t, ends, { ALPNProtocols: ['http/1.1', 'h2'] })).facts.alpn, 'h2')
      t.equal((await factsOf(t, ends, { ALPNProtocols: ['http/1.1'] })).facts.alpn, 'http/1.1')
      t.equal((await factsOf(t, ends, { ALPNProtocols: ['spdy/3'] })).facts.alpn, '')
      t.equal((await factsOf(t, ends)).facts.alpn, '')
    })

    t.test('versions and ciphers', async (t) => {
      const ends = await serve(t, provider, { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256', curves: 'P-384' })
      const { facts } = await factsOf(t, ends)
      t.match(facts, { version: 'TLSv1.2', cipher: 'ECDHE-ECDSA-AES128-GCM-SHA256', cipherBits: 128 })
      const old = new Client(t, ends.port, { minVersion: 'TLSv1.3' })
      const refused = await (await ends.next()).over()
      t.equal(refused.state, 'failed')
      t.equal(refused.layer?.failure?.detail, 'SSL handshake failure')
      t.match(refused.error, /unsupported protocol/)
      await old.until(() => old.closed)
      t.match(old.error, /PROTOCOL_VERSION/, 'the client is told by an alert')
      const other = new Client(t, ends.port, { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384' })
      t.match((await (await ends.next()).over()).error, /no shared cipher/)
      await other.until(() => other.closed)
    })

    t.test('suites of TLS 1.3', async (t) => {
      const ends = await serve(t, provider, { ciphersuites: 'TLS_CHACHA20_POLY1305_SHA256' })
      t.equal((await factsOf(t, ends)).facts.cipher, 'TLS_CHACHA20_POLY1305_SHA256')
    })

    t.test('client certificates', async (t) => {
      for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
        const required = await serve(t, provider, { verify: 'required', ca: CA })
        const { facts } = await factsOf(t, required, { maxVersion, cert: made.client.cert, key: made.client.key })
        t.ok(facts.peer?.equals(new X509Certificate(made.client.cert).raw))
        t.match(facts, { peerShown: true, verifyResult: 0, resumed: false })

        const none = new Client(t, required.port, { maxVersion })
        const end = await (await required.next()).over()
        t.equal(end.state, 'failed', `${maxVersion}: no certificate`)
        t.match(end.error, /peer did not return a certificate/)
        await none.until(() => none.closed || none.ended || none.error !== '')
        end.close()

        const stranger = new Client(t, required.port, { maxVersion, cert: made.stranger.cert, key: made.stranger.key })
        const bad = await (await required.next()).over()
        t.equal(bad.state, 'failed', `${maxVersion}: an unknown authority`)
        t.equal(bad.layer?.failure?.detail, 'SSL client certificate not trusted')
        await bad.end()
        bad.close()
        await stranger.until(() => stranger.closed || stranger.ended || stranger.error !== '')

        const optional = await serve(t, provider, { verify: 'optional', ca: CA })
        t.equal((await factsOf(t, optional, { maxVersion })).facts.peer, undefined)
        t.ok((await factsOf(t, optional, { maxVersion, cert: made.client.cert, key: made.client.key })).facts.peer)
        new Client(t, optional.port, { maxVersion, cert: made.stranger.cert, key: made.stranger.key })
        const wrong = await (await optional.next()).over()
        t.equal(wrong.state, 'failed', `${maxVersion}: optional does not mean any`)
        wrong.close()
      }
    })

    t.test('authorities that are believed beside those that are named to clients', async (t) => {
      const stranger = { cert: made.stranger.cert, key: made.stranger.key }
      const ends = await serve(t, provider, { verify: 'required', ca: CA, caVerify: { file: made.wrongCaFile, pem: Buffer.from(made.wrongCa) } })
      for (const one of [stranger, { cert: made.client.cert, key: made.client.key }]) t.match((await factsOf(t, ends, one)).facts, { peerShown: true, verifyResult: 0 })
      const alone = await serve(t, provider, { verify: 'required', caVerify: { file: made.wrongCaFile, pem: Buffer.from(made.wrongCa) } })
      t.equal((await factsOf(t, alone, stranger)).facts.verifyResult, 0, 'without any that is named')
      new Client(t, alone.port, { cert: made.client.cert, key: made.client.key })
      t.equal((await (await alone.next()).over()).state, 'failed', 'and nobody else is')

      const told = new Promise<string>((resolve) => execFile('openssl', ['s_client', '-connect', `127.0.0.1:${ends.port}`, '-tls1_2'], (_error, out) => resolve(out)).stdin?.end())
      const end = await (await ends.next()).over()
      end.close()
      const names = /Acceptable client certificate CA names\n((?:.*CN.*\n)+)/.exec(await told)?.[1]
      t.match(names, /Headgate test CA/)
      t.equal(names?.includes('Another CA'), provider.name === 'node', 'node:tls names all that it believes')
    })

    t.test('faults that are let pass', async (t) => {
      const stranger = { cert: made.stranger.cert, key: made.stranger.key }
      const all = await serve(t, provider, { verify: 'required', ca: CA, ignoreCrt: 'all', ignoreCa: 'all' })
      const { facts } = await factsOf(t, all, stranger)
      t.ok(facts.peer)
      t.not(facts.verifyResult, 0)
      new Client(t, all.port)
      t.match(await (await all.next()).over(), { state: 'failed', error: /did not return a certificate/ }, 'none at all is no fault of one')
      const other = await serve(t, provider, { verify: 'required', ca: CA, ignoreCrt: new Set([10]) })
      new Client(t, other.port, stranger)
      t.equal((await (await other.next()).over()).state, 'failed', 'another fault than that')
    })

    t.test('revoked client certificates', async (t) => {
      const { ca, crl, good, revoked } = revocation()
      const ends = await serve(t, provider, { verify: 'required', ca, crl })
      t.ok((await factsOf(t, ends, good)).facts.peer)
      const bad = new Client(t, ends.port, revoked)
      const end = await (await ends.next()).over()
      t.match(end, { state: 'failed', error: 'cert revoked' })
      end.close()
      await bad.until(() => bad.closed || bad.ended || bad.error !== '')
    })

    t.test('DHE with the parameters given', async (t) => {
      const rsa = await generate([{ name: 'commonName', value: 'rsa.test' }], { keyType: 'rsa' })
      const read = readCertificate('rsa', Buffer.from(`${rsa.cert}\n${rsa.private}`))
      if (!read.ok) throw new Error(read.text)
      for (const bits of [2048, 3072]) {
        const ends = await serve(t, provider, { certificate: read.certificate, ciphers: 'DHE-RSA-AES128-GCM-SHA256', maxVersion: 'TLSv1.2', dh: knownDhParams(bits) })
        const { client, facts } = await factsOf(t, ends, { ciphers: 'DHE-RSA-AES128-GCM-SHA256' })
        t.equal(facts.cipher, 'DHE-RSA-AES128-GCM-SHA256')
        t.match(client.socket.getEphemeralKeyInfo(), { type: 'DH', size: bits })
      }
    })

    t.test('resumption, and where it must not happen', async (t) => {
      for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
        const open = await serve(t, provider)
        const session = await sessionOf(t, open, { maxVersion })
        t.equal((await factsOf(t, open, { maxVersion, session })).facts.resumed, true, `${maxVersion} resumes`)

        // A session made where no certificate is asked for is worth nothing where one is required.
        const strict = await serve(t, provider, { verify: 'required', ca: CA })
        const sneak = new Client(t, strict.port, { maxVersion, session })
        const end = await (await strict.next()).over()
        t.equal(end.state, 'failed', `${maxVersion}: does not resume where a certificate is required`)
        end.close()
        sneak.socket.destroy()

        // Nor under any other settings, however little they differ; but under the same ones, as another thread has them.
        const near = await serve(t, provider, { lifetime: 299 })
        t.equal((await factsOf(t, near, { maxVersion, session })).facts.resumed, false)
        const twin = await serve(t, provider)
        t.equal((await factsOf(t, twin, { maxVersion, session })).facts.resumed, true)

        // One made with a certificate does resume there, and the certificate is still known.
        const good = { maxVersion, cert: made.client.cert, key: made.client.key }
        const own = await sessionOf(t, strict, good)
        const { facts } = await factsOf(t, strict, { ...good, session: own })
        t.equal(facts.resumed, true)
        t.ok(facts.peer?.equals(new X509Certificate(made.client.cert).raw))
        t.equal(facts.peerShown, false)
        t.equal(facts.verifyResult, 0)
      }
    })

    t.test('without tickets nothing is sealed for the client', async (t) => {
      const ends = await serve(t, provider, { tickets: false })
      const { client, end } = await factsOf(t, ends, { maxVersion: 'TLSv1.2' })
      end.say('x')
      await client.until(() => client.text === 'x')
      t.equal(client.socket.getTLSTicket(), undefined)
    })

    t.test('bulk both ways, every byte', async (t) => {
      const ends = await serve(t, provider)
      const { client, end } = await factsOf(t, ends)
      const size = 3_000_017
      const sent = Buffer.alloc(size, 'some bytes that do not divide evenly ')
      const hash = createHash('sha1')
      client.socket.on('data', (chunk: Buffer) => hash.update(chunk))
      end.say(sent)
      client.socket.write(sent)
      await Promise.all([client.until(() => client.received === size), end.until(() => end.received === size)])
      t.equal(hash.digest('hex'), createHash('sha1').update(sent).digest('hex'))
    })

    t.test('who does not read is not read for', async (t) => {
      const ends = await serve(t, provider)
      const { client, end } = await factsOf(t, ends)
      end.reading = false
      client.socket.removeAllListeners('data')
      client.socket.pause()
      const chunk = Buffer.alloc(1 << 20)
      for (let i = 0; i < 64; i++) client.socket.write(chunk)
      // towards a client that does not read, flush() says so after what the kernel's buffers hold
      let flow = 0
      const out = new Bytes()
      let taken = 0
      for (; taken < 64 && (flow & FULL_OUT) === 0; taken++) {
        out.append(chunk)
        while (out.length > 0 && (flow & FULL_OUT) === 0) flow = end.layer?.flush(out) ?? 0
      }
      t.ok(flow & FULL_OUT, 'full')
      t.ok(taken < 32, `${taken} MiB taken`)
      await new Promise((resolve) => setTimeout(resolve, 100))
      t.ok(client.socket.bytesWritten > 0)
      t.ok(client.socket.writableLength > 40 << 20, `${client.socket.writableLength} bytes wait at the sender`)
      end.reading = true
      end.layer?.again()
      await end.until(() => end.received === 64 << 20)
    })

    t.test('resets, both ways', async (t) => {
      const ends = await serve(t, provider)
      const one = await factsOf(t, ends)
      one.end.say('x')
      await one.client.until(() => one.client.text === 'x')
      one.end.layer?.reset()
      await one.client.until(() => one.client.closed)
      t.equal(one.client.error, 'ECONNRESET')

      const raw = net.connect(ends.port, '127.0.0.1')
      t.teardown(() => raw.destroy())
      const socket = tls.connect({ socket: raw, rejectUnauthorized: false })
      socket.on('error', () => undefined)
      const end = await (await ends.next()).over()
      t.equal(end.state, 'done')
      raw.resetAndDestroy()
      await end.until(() => end.error !== '' || end.ended)
      t.ok(end.error === 'ECONNRESET' || end.ended, 'node sends a FIN before its RST')
    })

    t.test('what is not TLS fails, and nothing else is disturbed', async (t) => {
      const ends = await serve(t, provider)
      const { client: other, end: otherEnd } = await factsOf(t, ends)
      const say = async (bytes: Buffer | string, end = false): Promise<{ seen: Buffer; failed: End }> => {
        const socket = net.connect({ port: ends.port, host: '127.0.0.1', allowHalfOpen: true })
        t.teardown(() => socket.destroy())
        const seen: Buffer[] = []
        socket.on('data', (chunk: Buffer) => seen.push(chunk))
        socket.on('error', () => undefined)
        socket.write(bytes)
        if (end) socket.end()
        const failed = await (await ends.next()).over()
        t.equal(failed.state, 'failed')
        if (!end) {
          const over = new Promise((resolve) => socket.on('end', resolve).on('close', resolve))
          await failed.end()
          await over
        }
        failed.close()
        return { seen: Buffer.concat(seen), failed }
      }
      t.match((await say('GET / HTTP/1.0\r\n\r\n')).failed.layer?.failure, { detail: 'SSL handshake failure', reason: /http request/ })
      t.match((await say('0123456789abcdef')).failed.layer?.failure, { detail: 'SSL handshake failure', reason: /wrong version number/ })
      t.equal((await say(Buffer.from('160301000568656c6c6f', 'hex'))).seen.toString('hex'), '1503030002020a', 'unexpected message, as an alert')
      t.equal((await say(Buffer.from('16030100050100000178', 'hex'))).seen.toString('hex'), '15030300020232', 'decode error, as an alert')
      t.match((await say('abc', true)).failed.layer?.failure, { detail: 'Connection closed during SSL handshake' })
      t.match((await say('', true)).failed.layer?.failure, { detail: 'Connection closed during SSL handshake' })
      other.socket.write('untouched')
      await otherEnd.until(() => otherEnd.text === 'untouched')
    })

    t.test('hellos that were tampered with', async (t) => {
      const ends = await serve(t, provider, { alpn: ['h2'] })
      const seed = Date.now() | 0
      t.comment(`seed ${seed}`)
      let state = seed
      const random = (n: number): number => ((state = (Math.imul(state, 1664525) + 1013904223) | 0) >>> 8) % n
      let failed = 0
      for (let i = 0; i < 120; i++) {
        const bytes = Buffer.from(HELLO)
        for (let n = random(4); n >= 0; n--) bytes[random(bytes.length)] = random(256)
        const socket = net.connect({ port: ends.port, host: '127.0.0.1' })
        socket.on('error', () => undefined)
        socket.end(bytes)
        const end = await (await ends.next()).over()
        if (end.state === 'failed') failed++
        end.close()
        socket.destroy()
      }
      t.equal(failed, 120, 'all fail, and nothing else happens')
      t.equal((await factsOf(t, ends)).facts.version, 'TLSv1.3')
    })

    t.test('a broken record after the handshake', async (t) => {
      const ends = await serve(t, provider)
      const raw = net.connect(ends.port, '127.0.0.1')
      t.teardown(() => raw.destroy())
      const socket = tls.connect({ socket: raw, rejectUnauthorized: false })
      socket.on('error', () => undefined)
      raw.on('error', () => undefined)
      await new Promise((resolve) => socket.on('secureConnect', resolve))
      const end = await (await ends.next()).over()
      raw.write(Buffer.from('170303001300000000000000000000000000000000000000', 'hex'))
      await end.until(() => end.error !== '')
      t.match(end.error, /bad record mac|DECRYPTION_FAILED_OR_BAD_RECORD_MAC/i)
    })
  })

  t.test(`${provider.name}: towards a server`, async (t) => {
    const listen = async (options: tls.TlsOptions, on: (socket: tls.TLSSocket) => void): Promise<number> => {
      const server = tls.createServer({ cert: made.server.cert, key: made.server.key, allowHalfOpen: true, ...options }, (socket) => {
        socket.on('error', () => undefined)
        t.teardown(() => socket.destroy())
        on(socket)
      })
      server.on('tlsClientError', () => undefined)
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      t.teardown(() => server.close())
      const address = server.address()
      return typeof address === 'object' && address !== null ? address.port : 0
    }
    const open = async (port: number, more: Parameters<typeof clientSettings>[0] = {}, name = ''): Promise<End> => {
      const end = connectTls(provider, port, tlsClient(clientSettings(more))(name))
      t.teardown(() => end.close())
      return await end.over()
    }

    t.test('verification', async (t) => {
      const port = await listen({}, (socket) => socket.end('hi'))
      const required = { verify: 'required', ca: CA } as const
      const good = await open(port, required)
      t.equal(good.state, 'done', good.error)
      await good.until(() => good.ended)
      t.equal(good.text, 'hi')
      t.ok(good.layer?.facts().peer?.equals(new X509Certificate(made.server.cert).raw))
      t.equal((await open(port, required, 'server.test')).state, 'done', 'a name of the certificate')
      t.equal((await open(port, required, 'a.wild.test')).state, 'done', 'a wildcard')
      t.match(await open(port, required, 'other.test'), { state: 'failed', error: /hostname mismatch/ })
      t.match(await open(port, { ...required, verifyHost: 'other.test' }), { state: 'failed', error: /hostname mismatch/ })
      t.equal((await open(port, { ...required, verifyHost: 'other.test' }, 'server.test')).state, 'done', 'the name sent is what counts')
      t.match(await open(port, { verify: 'required', ca: { file: made.wrongCaFile, pem: Buffer.from(made.wrongCa) } }), { state: 'failed', error: /issuer|signature|self.signed/ })
      t.equal((await open(port, { verify: 'none' }, 'other.test')).state, 'done')
    })

    t.test('server name, ALPN, our certificate', async (t) => {
      const seen: unknown[] = []
      const port = await listen({ requestCert: true, ca: made.ca, rejectUnauthorized: true, ALPNProtocols: ['b', 'a'] }, (socket) => {
        seen.push([Reflect.get(socket, 'servername'), socket.alpnProtocol, socket.getPeerCertificate().subject.CN])
        socket.end()
      })
      const end = await open(port, { alpn: ['a', 'c'], certificate: certificate(made.client) }, 'server.test')
      t.equal(end.state, 'done', end.error)
      await end.until(() => end.ended)
      t.same(seen, [['server.test', 'a', 'client.test']])
      t.match(end.layer?.facts(), { alpn: 'a', sni: 'server.test', own: { file: made.client.pem } })
    })

    t.test('the last session is resumed, unless not wanted', async (t) => {
      for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
        const port = await listen({ maxVersion }, (socket) => {
          socket.write('hi')
          socket.on('end', () => socket.end())
          socket.resume()
        })
        for (const reuse of [true, false]) {
          const make = tlsClient(clientSettings({ reuse, verify: 'required', ca: CA }))
          const resumed: (boolean | undefined)[] = []
          for (let i = 0; i < 3; i++) {
            const end = connectTls(provider, port, make('server.test'))
            await end.over()
            await end.until(() => end.text === 'hi')
            resumed.push(end.layer?.facts().resumed)
            await end.end()
            await end.until(() => end.ended)
            end.close()
          }
          t.same(resumed, [false, reuse, reuse], `${maxVersion}, reuse ${reuse}`)
        }
      }
    })

    t.test('a fatal alert after the handshake is an error, not an end', async (t) => {
      const port = await listen({ requestCert: true, rejectUnauthorized: true, ca: made.ca, minVersion: 'TLSv1.3' }, () => undefined)
      const end = await open(port)
      await end.until(() => end.error !== '' || end.ended)
      t.match(end.error, /certificate required|ALERT_CERTIFICATE_REQUIRED/i)
      t.equal(end.ended, false)
    })

    t.test('a server that is none', async (t) => {
      const server = net.createServer((socket) => socket.on('error', () => undefined).end('SSH-2.0-not-tls\r\n'))
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      t.teardown(() => server.close())
      const address = server.address()
      const end = await open(typeof address === 'object' && address !== null ? address.port : 0)
      t.equal(end.state, 'failed')
      t.equal(end.layer?.failure?.detail, 'SSL handshake failure')
    })
  })

  t.test(`${provider.name}: nothing is left behind`, async (t) => {
    const ends = await serve(t, provider, { verify: 'required', ca: CA })
    const descriptors = (): number => readdirSync('/proc/self/fd').length
    const round = async (n: number): Promise<void> => {
      for (let i = 0; i < n; i++) {
        const kind = i % 4
        const socket = kind === 0 ? tls.connect({ port: ends.port, host: '127.0.0.1', rejectUnauthorized: false, cert: made.client.cert, key: made.client.key }) : kind === 1 ? tls.connect({ port: ends.port, host: '127.0.0.1', rejectUnauthorized: false }) : net.connect(ends.port, '127.0.0.1')
        socket.on('error', () => undefined)
        if (kind === 2) socket.write('junk that is no hello')
        if (kind === 3) socket.end(Buffer.from('16030100', 'hex'))
        const end = await (await ends.next()).over()
        end.close()
        socket.destroy()
      }
    }
    await round(8)
    await new Promise((resolve) => setTimeout(resolve, 50))
    const before = descriptors()
    await round(80)
    await new Promise((resolve) => setTimeout(resolve, 50))
    t.ok(descriptors() <= before, `${before} descriptors before, ${descriptors()} after`)
  })
}
