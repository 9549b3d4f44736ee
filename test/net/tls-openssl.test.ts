// What only the layer on Node's exported OpenSSL has: its calls made to fail, what it holds and frees, and what happens without it.

import net from 'node:net'
import tls from 'node:tls'
import t from 'tap'
import type { TlsMaker } from '../../src/core/tls.ts'
import { nodeServer } from '../../src/net/node/tls.ts'
import { loadOpenSsl, type OpenSsl } from '../../src/net/linux/openssl-calls.ts'
import { OpenSslClient, OpenSslSessions } from '../../src/net/linux/openssl-client.ts'
import { clientContext, serverContext } from '../../src/net/linux/openssl-context.ts'
import { OpenSslServer } from '../../src/net/linux/openssl-server.ts'
import { linuxProvider } from '../../src/net/linux/provider.ts'
import { LinuxSock } from '../../src/net/linux/sock.ts'
import { loadKernel } from '../../src/net/linux/syscalls.ts'
import { handedOver, linuxTls } from '../../src/net/linux/tls.ts'
import { certificates } from '../kit/certificates.ts'
import { clientSettings, connectTls, counted, End, listenTls, serverSettings } from '../kit/tls-ends.ts'

const made = await certificates()
const kernel = loadKernel()
const openssl = loadOpenSsl()
const reason = 'reason' in kernel ? kernel.reason : 'reason' in openssl ? openssl.reason : undefined

if (reason !== undefined || 'reason' in kernel || 'reason' in openssl) t.pass('no OpenSSL layer here', { skip: reason ?? '' })
else {
  const provider = linuxProvider(kernel)
  t.teardown(() => provider.close())

  const server = (ssl: OpenSsl, more: Parameters<typeof serverSettings>[1] = {}): TlsMaker => {
    const settings = serverSettings(made.server, more)
    const context = serverContext(ssl, settings)
    return (lower, rest) => {
      if (!(lower instanceof LinuxSock)) throw new Error('no LinuxSock')
      return new OpenSslServer(ssl, context, settings, lower, rest)
    }
  }
  const client = (ssl: OpenSsl): { make: TlsMaker; sessions: OpenSslSessions } => {
    const settings = clientSettings({ verify: 'required', ca: { file: 'ca', pem: Buffer.from(made.ca) } })
    const context = clientContext(ssl, settings)
    const sessions = new OpenSslSessions(ssl)
    return {
      sessions,
      make: (lower, rest) => {
        if (!(lower instanceof LinuxSock)) throw new Error('no LinuxSock')
        return new OpenSslClient(ssl, context, settings, 'server.test', sessions, lower, rest)
      },
    }
  }
  const pair = async (ssl: OpenSsl): Promise<{ a: End; b: End; close(): void }> => {
    const make = server(ssl)
    const ends = await listenTls(provider, () => make)
    const a = connectTls(provider, ends.port, client(ssl).make)
    const b = await (await ends.next()).over()
    await a.over()
    return { a, b, close: () => (a.close(), ends.close()) }
  }

  t.match(linuxTls(), /^OpenSSL 3.*exported by Node/)

  t.test('a maker for every setting that OpenSSL refuses throws, and says which', async (t) => {
    t.throws(() => server(openssl, { ciphers: 'NOPE' }), /ciphers 'NOPE': no cipher match/)
    t.throws(() => server(openssl, { ciphersuites: 'NOPE' }), /ciphersuites 'NOPE'/)
    t.throws(() => server(openssl, { curves: 'NOPE' }), /curves 'NOPE'/)
    t.throws(() => server(openssl, { sigalgs: 'NOPE' }), /signature algorithms 'NOPE'/)
    const { certificate } = serverSettings(made.server)
    t.throws(() => server(openssl, { certificate: { ...certificate, key: Buffer.from(made.client.key) } }), /private key of .*key values mismatch/)
    t.throws(() => server(openssl, { certificate: { ...certificate, pem: Buffer.from('junk') } }), /certificate .*: no start line/)
  })

  t.test('the group of the key exchange, on both sides while they are open', async (t) => {
    const found: (string | undefined)[][] = []
    for (const [curves, version] of [['P-384', 'TLSv1.3'], ['X25519', 'TLSv1.3'], ['P-256', 'TLSv1.2']] as const) {
      const make = server(openssl, { curves, maxVersion: version })
      const ends = await listenTls(provider, () => make)
      const a = connectTls(provider, ends.port, client(openssl).make)
      const b = await (await ends.next()).over()
      await a.over()
      const [to, from] = [a.layer?.facts().live, b.layer?.facts().live]
      found.push([to?.group?.(), from?.group?.()])
      a.close()
      b.close()
      t.same([to?.group?.(), from?.group?.()], [undefined, undefined])
      ends.close()
    }
    t.same(found, [['secp384r1', 'secp384r1'], ['x25519', 'x25519'], ['secp256r1', 'secp256r1']])
  })

  t.test("what somebody else left in OpenSSL's error queue is not taken for an error of ours", async (t) => {
    // Reads and writes find an error that another connection made, save when one is tried again because of that.
    const ctx = openssl.ctxNew(openssl.serverMethod)
    t.teardown(() => openssl.ctxFree(ctx))
    let failed = false
    let spoils = 0
    const spoil = (call: () => number): number => {
      if (!failed) openssl.ctxSetCiphers(ctx, 'NOPE')
      const result = call()
      failed = result <= 0
      if (failed) spoils++
      return result
    }
    const spoiled: OpenSsl = {
      ...openssl,
      read: (ssl, into, size) => spoil(() => openssl.read(ssl, into, size)),
      write: (ssl, from, size) => spoil(() => openssl.write(ssl, from, size)),
      writeFrom: (ssl, from, size) => spoil(() => openssl.writeFrom(ssl, from, size)),
    }
    const { a, b, close } = await pair(spoiled)
    t.equal(a.state, 'done')
    b.reading = false
    const size = 16 << 20
    a.say(Buffer.alloc(size, 'x'))
    await new Promise((resolve) => setTimeout(resolve, 50))
    b.reading = true
    b.ready()
    await b.until(() => b.received === size || b.error !== '')
    t.equal(b.error, '')
    t.equal(a.error, '')
    await a.end()
    await b.until(() => b.ended)
    t.ok(spoils > 10, `${spoils} calls would have been taken for failures`)
    close()
    openssl.errorClear()
  })

  t.test('a call that failed by somebody else\'s error is made again, and what it can do is done', async (t) => {
    const ctx = openssl.ctxNew(openssl.serverMethod)
    t.teardown(() => openssl.ctxFree(ctx))
    let fails = ''
    const failing = (name: string, call: () => number): number => {
      if (fails !== name) return call()
      fails = ''
      openssl.ctxSetCiphers(ctx, 'NOPE')
      return -1
    }
    const spoiled: OpenSsl = {
      ...openssl,
      // only where there is something to read: not the look for an answer of who has just spoken
      read: (ssl, into, size) => (fails === 'read' && openssl.peek(ssl, Buffer.alloc(1), 1) > 0 ? failing('read', () => 0) : openssl.read(ssl, into, size)),
      write: (ssl, from, size) => failing('write', () => openssl.write(ssl, from, size)),
      writeFrom: (ssl, from, size) => failing('write', () => openssl.writeFrom(ssl, from, size)),
    }
    const { a, b, close } = await pair(spoiled)
    let text = ''
    for (const call of ['read', 'write']) {
      fails = call
      text += call
      a.say(call)
      await b.until(() => b.text === text || b.error !== '' || a.error !== '')
      t.equal(fails, '', `${call} failed`)
      t.same([a.error, b.error, b.text], ['', '', text])
    }
    close()
  })

  t.test('sessions with servers: so many at most, and none that may be why a handshake failed', async (t) => {
    const freed: number[] = []
    const few = new OpenSslSessions({ ...openssl, sessionFree: (session) => void freed.push(session) })
    for (let i = 1; i <= 1001; i++) few.put(`server ${i}`, i)
    few.put('server 5', 5000)
    t.same(freed, [1, 5])
    t.same([few.get('server 1'), few.get('server 2'), few.get('server 5'), few.get('server 1001')], [0, 2, 5000, 1001])

    const { make, sessions } = client(openssl)
    const good = await listenTls(provider, ((make) => () => make)(server(openssl)))
    const settings = serverSettings(made.stranger)
    const context = serverContext(openssl, settings)
    const bad = await listenTls(provider, () => (lower, rest) => {
      if (!(lower instanceof LinuxSock)) throw new Error('no LinuxSock')
      return new OpenSslServer(openssl, context, settings, lower, rest)
    })
    t.teardown(() => (good.close(), bad.close()))
    const a = connectTls(provider, good.port, make)
    const b = await (await good.next()).over()
    await a.over()
    b.say('x')
    await a.until(() => a.text === 'x')
    t.not(sessions.get('server.test'), 0)
    const refused = await connectTls(provider, bad.port, make).over()
    t.equal(refused.state, 'failed')
    t.equal(sessions.get('server.test'), 0)
    a.close()
    b.close()
  })

  t.test('all that is made is freed, however it ends', async (t) => {
    const { calls: counting, alive } = counted(openssl)
    const make = server(counting, { verify: 'optional', ca: { file: 'ca', pem: Buffer.from(made.ca) } })
    const ends = await listenTls(provider, () => make)
    t.teardown(() => ends.close())
    const ways = ['finish', 'close', 'reset', 'junk', 'early end', 'peer resets', 'abandoned', 'refused certificate'] as const
    for (let i = 0; i < 5 * ways.length; i++) {
      const way = ways[i % ways.length]
      const raw = net.connect(ends.port, '127.0.0.1')
      raw.on('error', () => undefined)
      const tlsWay = way !== 'junk' && way !== 'early end' && way !== 'abandoned'
      const peer = way === 'refused certificate' ? { cert: made.stranger.cert, key: made.stranger.key } : {}
      const socket = tlsWay ? tls.connect({ socket: raw, rejectUnauthorized: false, ...peer }) : undefined
      socket?.on('error', () => undefined)
      if (way === 'junk') raw.write('this is no TLS at all')
      if (way === 'early end') raw.end(Buffer.from('1603010100', 'hex'))
      const end = await ends.next()
      if (way === 'abandoned') raw.write(Buffer.from('1603010100', 'hex'))
      else await end.over()
      if (way === 'peer resets') {
        raw.resetAndDestroy()
        await end.until(() => end.error !== '' || end.ended)
      }
      if (way === 'finish') await end.end()
      if (way === 'reset') end.layer?.reset()
      end.close()
      end.close() // once more changes nothing
      socket?.destroy()
      raw.destroy()
    }
    t.equal(alive(), 0)
  })

  t.test('a peer that resets in its handshake gets no more work done for it', async (t) => {
    let accepts = 0
    const counting: OpenSsl = {
      ...openssl,
      accept(ssl) {
        accepts++
        return openssl.accept(ssl)
      },
    }
    const make = server(counting)
    const ends = await listenTls(provider, () => make)
    t.teardown(() => ends.close())
    const raw = net.connect(ends.port, '127.0.0.1')
    raw.on('error', () => undefined)
    raw.write(Buffer.from('16030101', 'hex'))
    const end = await ends.next()
    await end.until(() => accepts > 0)
    t.equal(end.state, 'busy')
    const before = accepts
    raw.write(Buffer.from('0001', 'hex')) // both are there before the layer looks again
    raw.resetAndDestroy()
    await end.over()
    t.equal(end.state, 'failed')
    t.equal(end.error, 'ECONNRESET')
    t.equal(accepts, before)
  })

  t.test('faults are let pass by number and level, and remembered', async (t) => {
    const stranger = { cert: made.stranger.cert, key: made.stranger.key }
    const ca = { file: 'ca', pem: Buffer.from(made.ca) }
    const visit = async (more: Parameters<typeof serverSettings>[1], cert: object): Promise<End> => {
      const make = server(openssl, { verify: 'required', ca, ...more })
      const ends = await listenTls(provider, () => make)
      t.teardown(() => ends.close())
      const socket = tls.connect({ port: ends.port, host: '127.0.0.1', rejectUnauthorized: false, ...cert })
      socket.on('error', () => undefined)
      t.teardown(() => socket.destroy())
      return await (await ends.next()).over()
    }
    // 20: its issuer is not known; 21: so its signature cannot be verified
    const passed = await visit({ ignoreCrt: new Set([20, 21]) }, stranger)
    t.equal(passed.state, 'done')
    t.match(passed.layer?.facts(), { crtError: 20, verifyResult: 21 })
    t.equal(passed.layer?.facts().caError, undefined)
    t.equal((await visit({ ignoreCrt: new Set([20]) }, stranger)).state, 'failed')
    t.equal((await visit({ ignoreCa: 'all' }, stranger)).state, 'failed')
    const chain = await visit({}, { cert: `${made.stranger.cert}\n${made.wrongCa}`, key: made.stranger.key })
    t.equal(chain.layer?.failure?.detail, 'SSL client CA chain cannot be verified')
    const ignored = await visit({ ignoreCa: 'all' }, { cert: `${made.stranger.cert}\n${made.wrongCa}`, key: made.stranger.key })
    t.equal(ignored.state, 'done')
    t.match(ignored.layer?.facts(), { caError: 19, caErrorDepth: 1 })
  })

  t.test('without tickets, sessions resume from the cache of their own settings', async (t) => {
    const certificate = { cert: made.client.cert, key: made.client.key }
    const open = await listenTls(provider, ((make) => () => make)(server(openssl, { tickets: false })))
    const strict = await listenTls(provider, ((make) => () => make)(server(openssl, { tickets: false, verify: 'required', ca: { file: 'ca', pem: Buffer.from(made.ca) } })))
    t.teardown(() => (open.close(), strict.close()))
    const visit = async (ends: typeof open, options: tls.ConnectionOptions): Promise<{ session: Buffer | undefined; resumed: boolean; state: string }> => {
      const socket = tls.connect({ port: ends.port, host: '127.0.0.1', rejectUnauthorized: false, maxVersion: 'TLSv1.2', ...options })
      socket.on('error', () => undefined)
      const end = await (await ends.next()).over()
      if (end.state === 'done') {
        end.say('x')
        await new Promise((resolve) => socket.once('data', resolve))
      }
      const found = { session: socket.getSession(), resumed: end.state === 'done' && (end.layer?.facts().resumed ?? false), state: end.state }
      socket.destroy()
      end.close()
      return found
    }
    const { session } = await visit(open, {})
    t.equal((await visit(open, session === undefined ? {} : { session })).resumed, true)
    t.equal((await visit(strict, session === undefined ? {} : { session })).state, 'failed', 'not where a certificate is required')
    t.equal((await visit(strict, certificate)).state, 'done')
  })

  t.test('where Node exports no OpenSSL, the descriptor is handed to node:tls', async (t) => {
    const handing = handedOver(nodeServer(serverSettings(made.server)))
    let lowers: LinuxSock[] = []
    const make: TlsMaker = (lower, rest) => {
      if (lower instanceof LinuxSock) lowers.push(lower)
      return handing(lower, rest)
    }
    for (const peek of [0, 5]) {
      const ends = await listenTls(provider, () => make, peek)
      const a = connectTls(provider, ends.port, client(openssl).make)
      const b = await (await ends.next()).over()
      await a.over()
      t.equal(b.state, 'done')
      t.match(b.layer?.remote(), { family: 'ipv4', host: '127.0.0.1' })
      t.same(lowers.map(({ kernel: options }) => options.setTos(16)), ['EBADF'], 'what is set on the descriptor is refused, not forgotten')
      lowers = []
      a.say('hello')
      await b.until(() => b.text === 'hello')
      b.say('you too')
      await a.until(() => a.text === 'you too')
      await a.end()
      await b.until(() => b.ended)
      a.close()
      ends.close()
    }
  })
}
