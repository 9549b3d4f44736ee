// The self-signed certificate: what OpenSSL and a TLS client make of it.

import { X509Certificate } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import tls from 'node:tls'
import t from 'tap'
import { readCertificate } from '../../src/core/certificate.ts'
import { ensureSelfSigned, selfSigned } from '../../src/util/self-signed.ts'

const folder = mkdtempSync(path.join(os.tmpdir(), 'headgate-self-'))
t.teardown(() => rmSync(folder, { recursive: true }))

t.test('names, times and key, many times over: serials and signatures differ in length', async (t) => {
  const now = Date.UTC(2030, 0, 2, 3, 4, 5)
  for (let i = 0; i < 30; i++) {
    const pem = selfSigned(now, i === 0 ? 36_500 : 10)
    const x509 = new X509Certificate(pem)
    t.ok(x509.verify(x509.publicKey))
    t.equal(x509.ca, false)
    t.equal(x509.checkHost('localhost'), 'localhost')
    t.equal(x509.checkIP('127.0.0.1'), '127.0.0.1')
    t.equal(x509.checkIP('::1'), '::1')
    t.equal(Date.parse(x509.validFrom), now - 86_400_000)
    t.equal(Date.parse(x509.validTo), now + (i === 0 ? 36_500 : 10) * 86_400_000)
    t.match(readCertificate('x', Buffer.from(pem)), { ok: true, certificate: { keyType: 'ec', names: ['localhost'] } })
  }
})

t.test('a client that trusts it connects, by name and by address', async (t) => {
  const pem = selfSigned(Date.now())
  const server = tls.createServer({ cert: pem, key: pem }, (socket) => socket.end('hi'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  for (const host of ['localhost', '127.0.0.1']) {
    const text = await new Promise((resolve, reject) => {
      const socket = tls.connect({ port, host, ca: pem })
      socket.on('error', reject)
      socket.on('data', (chunk: Buffer) => resolve(chunk.toString()))
      t.teardown(() => socket.destroy())
    })
    t.equal(text, 'hi', host)
  }
})

t.test('the file is made once, for its owner only', async (t) => {
  const file = path.join(folder, 'conf', 'quickstart.pem')
  t.equal(ensureSelfSigned(file), true)
  const first = readFileSync(file, 'utf8')
  t.equal(statSync(file).mode & 0o777, 0o600)
  t.equal(ensureSelfSigned(file), false)
  t.equal(readFileSync(file, 'utf8'), first)
  writeFileSync(path.join(folder, 'plain'), '')
  t.throws(() => ensureSelfSigned(path.join(folder, 'plain', 'x.pem')), /EEXIST|ENOTDIR/)
  t.match(execFileSync('openssl', ['verify', '-CAfile', file, file], { encoding: 'utf8' }), /OK/)
})
