// Reading a ClientHello, the choice of a certificate by it, and PEM files: pure functions, fed with what real clients send and with junk.

import { spawnSync } from 'node:child_process'
import net from 'node:net'
import tls from 'node:tls'
import fc from 'fast-check'
import t from 'tap'
import { readCertificate } from '../../src/core/certificate.ts'
import { cipherSuiteName } from '../../src/core/cipher-suites.ts'
import { knowsEcdsa, readClientHello, type ClientHello } from '../../src/core/client-hello.ts'
import { pemBlocks } from '../../src/core/pem.ts'
import { TlsHosts } from '../../src/core/tls-hosts.ts'
import type { TlsCertificate, TlsHost } from '../../src/core/tls.ts'

/** The first bytes that node's own TLS client says. */
async function helloOf(options: tls.ConnectionOptions): Promise<Buffer> {
  return await new Promise((resolve) => {
    const server = net.createServer((socket) => {
      socket.once('data', (bytes: Buffer) => {
        resolve(bytes)
        socket.destroy()
        server.close()
      })
    })
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      const client = tls.connect({ port: typeof address === 'object' && address !== null ? address.port : 0, host: '127.0.0.1', ...options })
      client.on('error', () => undefined)
    })
  })
}

function read(bytes: Buffer): ClientHello {
  const state = readClientHello(bytes)
  if (state.state !== 'hello') throw new Error(`not a hello: ${JSON.stringify(state)}`)
  return state.hello
}

/** The same message in records of at most `size` bytes. */
function inRecords(hello: Buffer, size: number): Buffer {
  const message = hello.subarray(5)
  const records: Buffer[] = []
  for (let at = 0; at < message.length; at += size) {
    const part = message.subarray(at, at + size)
    records.push(Buffer.concat([Buffer.from([22, 3, 1, part.length >> 8, part.length & 0xff]), part]))
  }
  return Buffer.concat(records)
}

const modern = await helloOf({ servername: 'Name.Example', ALPNProtocols: ['h2', 'http/1.1'] })
const old = await helloOf({ maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256', sigalgs: 'rsa_pss_rsae_sha256:RSA+SHA256' })

t.test('what real clients say', async (t) => {
  t.match(read(modern), { sni: 'name.example', alpn: ['h2', 'http/1.1'], version: 0x0303, maxVersion: 0x0304, size: modern.length })
  t.ok(knowsEcdsa(read(modern)))
  t.match(read(old), { sni: '', alpn: [], version: 0x0303, maxVersion: 0x0303 })
  t.notOk(knowsEcdsa(read(old)), 'a client of RSA only')
  t.same(read(Buffer.concat([modern, Buffer.from('what follows')])), read(modern))
})

t.test('cut anywhere, it asks for more than there is and never for more than the hello', async (t) => {
  for (const hello of [modern, old, inRecords(modern, 50), inRecords(modern, 1)]) {
    for (let n = 0; n < hello.length; n++) {
      const state = readClientHello(hello.subarray(0, n))
      if (state.state !== 'more' || state.total <= n || state.total > hello.length) t.fail(`${n} of ${hello.length} bytes: ${JSON.stringify(state)}`)
    }
  }
  t.same({ ...read(inRecords(modern, 50)), size: 0 }, { ...read(modern), size: 0 })
  t.same({ ...read(inRecords(modern, 1)), size: 0 }, { ...read(modern), size: 0 })
})

t.test('what is no hello', async (t) => {
  for (const [bytes, why] of [
    ['GET / HTTP/1.0\r\n', 'HTTP'],
    ['\x16\x02', 'a version before SSLv3'],
    ['\x16\x03\x01\x00\x00', 'an empty record'],
    ['\x16\x03\x01\xff\xff', 'a record that is too long'],
    ['\x16\x03\x01\x00\x05\x02\x00\x00\x01x', 'a ServerHello'],
    ['\x16\x03\x01\x00\x05\x01\x00\x00\x01x', 'a body too short'],
    ['\x16\x03\x01\x00\x05\x01\xff\xff\xff\x03', 'a message too long'],
    ['\x17\x03\x03\x00\x05hello', 'data'],
  ] as const) {
    t.same(readClientHello(Buffer.from(bytes, 'latin1')), { state: 'bad' }, why)
  }
})

t.test('a hello that was tampered with is bad or read, and never an exception', async (t) => {
  const seed = Date.now() | 0
  t.comment(`seed ${seed}`)
  fc.assert(
    fc.property(fc.integer({ min: 0, max: modern.length - 1 }), fc.integer({ min: 0, max: 255 }), fc.integer({ min: 0, max: modern.length - 1 }), fc.integer({ min: 0, max: 255 }), (i, a, j, b) => {
      const bytes = Buffer.from(modern)
      bytes[i] = a
      bytes[j] = b
      const state = readClientHello(bytes)
      return state.state === 'hello' ? state.hello.size <= bytes.length : state.state === 'bad' || state.total > bytes.length
    }),
    { seed, numRuns: 5000 },
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
      const bytes = Buffer.concat([Buffer.from([22, 3, 1, 0, noise.length, 1, 0, 0, Math.max(0, noise.length - 4)]), noise])
      readClientHello(bytes)
      return true
    }),
    { seed, numRuns: 2000 },
  )
})

function host(names: readonly string[], keyType: TlsCertificate['keyType'] = 'ec', except: readonly string[] = []): TlsHost {
  const certificate: TlsCertificate = { file: names.join(), pem: Buffer.alloc(0), key: Buffer.alloc(0), keyType, names }
  return { names, except, settings: { certificate, verify: 'none', alpn: [], tickets: true, preferClientCiphers: false } }
}

t.test('the choice by name', async (t) => {
  const first = host(['first.test'])
  const wild = host(['*.wild.test', 'wild.test'], 'ec', ['not.wild.test'])
  const exact = host(['exact.wild.test'])
  const ec = host(['two.test'], 'ec')
  const rsa = host(['two.test'], 'rsa')
  const hosts = new TlsHosts([first, wild, exact, rsa, ec], false)
  t.equal(hosts.choose('first.test', true), first)
  t.equal(hosts.choose('a.wild.test', true), wild)
  t.equal(hosts.choose('wild.test', true), wild)
  t.equal(hosts.choose('exact.wild.test', true), exact, 'an exact name before a wildcard')
  t.equal(hosts.choose('a.b.wild.test', true), first, 'one label only')
  t.equal(hosts.choose('not.wild.test', true), first, 'left out')
  t.equal(hosts.choose('two.test', true), ec)
  t.equal(hosts.choose('two.test', false), rsa)
  t.equal(hosts.choose('', true), first)
  t.equal(hosts.choose('nowhere', true), first)
  t.equal(hosts.choose('.', true), first)
  const strict = new TlsHosts([first, wild], true)
  t.equal(strict.choose('first.test', true), first)
  t.equal(strict.choose('nowhere.test', true), undefined)
  t.equal(strict.choose('', true), undefined)
  t.equal(new TlsHosts([], true).choose('x', true), undefined)
  const both = new TlsHosts([host(['d.test'], 'rsa'), host(['d.test'], 'ec')], false)
  t.equal(both.choose('', true)?.settings.certificate.keyType, 'ec', 'the default comes with two keys as well')
  t.equal(both.choose('', false)?.settings.certificate.keyType, 'rsa')
})

t.test('PEM files', async (t) => {
  const file = Buffer.from('text before\n-----BEGIN A-----\nx\n-----END A-----\nbetween\r\n-----BEGIN B KEY-----\r\ny\r\n-----END B KEY-----\n-----BEGIN C-----\ncut')
  t.same(pemBlocks(file).map((block) => [block.label, block.pem.toString()]), [
    ['A', '-----BEGIN A-----\nx\n-----END A-----'],
    ['B KEY', '-----BEGIN B KEY-----\r\ny\r\n-----END B KEY-----'],
  ])
  t.same(pemBlocks(Buffer.alloc(0)), [])
  t.same(pemBlocks(Buffer.from('-----BEGIN ')), [])
  fc.assert(
    fc.property(fc.array(fc.constantFrom('-----BEGIN ', '-----END ', '-----', 'X', '\n', 'CERTIFICATE'), { maxLength: 20 }), (parts) => {
      const bytes = Buffer.from(parts.join(''))
      pemBlocks(bytes)
      const found = readCertificate('x', bytes)
      return !found.ok
    }),
  )
})

t.test('names of cipher suites are those of OpenSSL', async (t) => {
  const { stdout, error } = spawnSync('openssl', ['ciphers', '-V', 'ALL:COMPLEMENTOFALL:@SECLEVEL=0'], { encoding: 'utf8' })
  if (error !== undefined) {
    t.pass('no openssl', { skip: 'openssl is not installed' })
    return
  }
  const known = [...stdout.matchAll(/^\s+0x(..),0x(..) - (\S+)/gm)].map(([, high = '', low = '', name = '']) => ({ number: Number.parseInt(high + low, 16), name }))
  t.ok(known.length > 100, `${known.length} suites`)
  t.same(known.filter(({ number, name }) => cipherSuiteName(number) !== name), [])
  t.equal(cipherSuiteName(0x0a0a), 'UNKNOWN(0a0a)')
})
