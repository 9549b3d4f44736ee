// Which settings share TLS sessions: the same ones in every thread, and no others.

import { Worker } from 'node:worker_threads'
import t from 'tap'
import type { TlsServerSettings } from '../../src/core/tls.ts'
import { sessionScope } from '../../src/net/session-scope.ts'

const pem = (text: string): { file: string; pem: Buffer } => ({ file: text, pem: Buffer.from(text) })
const settings: TlsServerSettings = {
  certificate: { ...pem('certificate'), key: Buffer.from('key'), keyType: 'ec', names: ['a'] },
  verify: 'none',
  alpn: ['h2'],
  tickets: true,
  preferClientCiphers: false,
}

t.test('every difference is one', async (t) => {
  const others: Partial<TlsServerSettings>[] = [
    { certificate: { ...settings.certificate, pem: Buffer.from('another') } },
    { verify: 'optional' },
    { verify: 'required' },
    { ca: pem('ca') },
    { ca: pem('other ca') },
    { caVerify: pem('ca') },
    { crl: pem('ca') },
    { ignoreCrt: 'all' },
    { ignoreCa: 'all' },
    { ignoreCrt: new Set([1]) },
    { ignoreCrt: new Set([1, 2]) },
    { alpn: [] },
    { alpn: ['h2', 'x'] },
    { minVersion: 'TLSv1.3' },
    { maxVersion: 'TLSv1.2' },
    { ciphers: 'x' },
    { ciphersuites: 'x' },
    { curves: 'x' },
    { sigalgs: 'x' },
    { tickets: false },
    { preferClientCiphers: true },
    { lifetime: 1 },
  ]
  const scopes = [{}, ...others].map((other) => sessionScope({ ...settings, ...other }))
  t.equal(new Set(scopes.map((scope) => scope.id.toString('hex'))).size, scopes.length)
  t.equal(new Set(scopes.map((scope) => scope.keys.toString('hex'))).size, scopes.length)
  t.ok(scopes.every((scope) => scope.id.length === 32 && scope.keys.length === 80))
  t.ok(sessionScope({ ...settings, ignoreCrt: new Set([2, 1]) }).id.equals(sessionScope({ ...settings, ignoreCrt: new Set([1, 2]) }).id))
})

t.test('threads agree', async (t) => {
  const module = new URL('../../src/net/session-scope.js', import.meta.url).href
  const worker = new Worker(
    `const { parentPort } = require('node:worker_threads')
     import(${JSON.stringify(module)}).then(({ sessionScope }) => {
       const certificate = { file: 'x', pem: Buffer.from('certificate'), key: Buffer.from('key'), keyType: 'ec', names: ['a'] }
       parentPort.postMessage(sessionScope({ certificate, verify: 'none', alpn: ['h2'], tickets: true, preferClientCiphers: false }).keys.toString('hex'))
     })`,
    { eval: true },
  )
  const theirs = await new Promise((resolve) => worker.once('message', resolve))
  await new Promise((resolve) => worker.once('exit', resolve))
  t.equal(theirs, sessionScope(settings).keys.toString('hex'))
})
