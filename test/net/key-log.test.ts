// Secrets of a TLS session: read from the lines of its key log, kept while it is open, wiped with it, on both providers.

import { once } from 'node:events'
import net from 'node:net'
import tls from 'node:tls'
import t from 'tap'
import type { Provider } from '../../src/core/provider.ts'
import { KeyLog } from '../../src/net/key-log.ts'
import { loadOpenSsl } from '../../src/net/linux/openssl-calls.ts'
import { keptKeyLogs } from '../../src/net/linux/openssl-keylog.ts'
import { linuxProvider } from '../../src/net/linux/provider.ts'
import { loadKernel } from '../../src/net/linux/syscalls.ts'
import { nodeProvider } from '../kit/node-provider.ts'
import { tlsServer } from '../../src/net/tls.ts'
import { certificates } from '../kit/certificates.ts'
import { listenTls, serverSettings } from '../kit/tls-ends.ts'

t.test('lines of a key log', async (t) => {
  const log = new KeyLog()
  const random = '07'.repeat(32)
  const secret = Buffer.from(`CLIENT_TRAFFIC_SECRET_0 ${random} ${'ab'.repeat(48)}\n`)
  const bare = Buffer.from(`EXPORTER_SECRET ${random} 0102`)
  const master = Buffer.from(`CLIENT_RANDOM ${random} ${'cd'.repeat(48)}`)
  for (const line of [secret, bare, master, Buffer.from('no line'), Buffer.from('word word'), Buffer.alloc(0)]) log.take(line)
  t.equal(log.secret('CLIENT_TRAFFIC_SECRET_0'), 'ab'.repeat(48))
  t.equal(log.secret('EXPORTER_SECRET'), '0102')
  t.equal(log.secret('CLIENT_RANDOM'), undefined, 'the master key is not kept')
  t.same(master, Buffer.alloc(master.length), 'and wiped at once')
  t.same(log.clientRandom, Buffer.alloc(32, 7))
  log.wipe()
  t.equal(log.secret('EXPORTER_SECRET'), undefined)
  t.same(secret.subarray(-49, -1).every((byte) => byte === 0), true, 'wiped, not only forgotten')
  t.notOk(bare.includes('0102'))
})

const made = await certificates()
const kernel = loadKernel()
const linux = 'reason' in kernel || 'reason' in loadOpenSsl() ? undefined : linuxProvider(kernel)
t.teardown(() => linux?.close())
const providers: readonly Provider[] = linux === undefined ? [nodeProvider] : [nodeProvider, linux]

for (const provider of providers) {
  t.test(`${provider.name}: secrets are kept where that is asked for, as long as the connection is open`, async (t) => {
    for (const keyLog of [true, false]) {
      const make = tlsServer(serverSettings(made.server, { keyLog }))
      const ends = await listenTls(provider, () => make)
      t.teardown(() => ends.close())
      for (const way of ['close', 'reset', 'failed'] as const) {
        const told: Record<string, string> = {}
        const raw = net.connect(ends.port, '127.0.0.1')
        raw.on('error', () => {})
        const client = tls.connect({ socket: raw, rejectUnauthorized: way === 'failed', ...(way === 'failed' ? { maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0' } : {}) })
        client.on('error', () => {})
        client.on('keylog', (line: Buffer) => {
          const [label = '', , secret = ''] = line.toString('latin1').trim().split(' ')
          told[label] = secret
        })
        if (way !== 'failed') await once(client, 'secureConnect')
        const end = await ends.next()
        await end.over()
        const { layer } = end
        if (layer === undefined) throw new Error('no layer')
        if (way === 'failed') t.equal(end.state, 'failed')
        else {
          const live = layer.facts().live
          for (const label of ['CLIENT_TRAFFIC_SECRET_0', 'SERVER_TRAFFIC_SECRET_0', 'CLIENT_HANDSHAKE_TRAFFIC_SECRET', 'SERVER_HANDSHAKE_TRAFFIC_SECRET', 'EXPORTER_SECRET']) {
            t.equal(live?.keyLogged(label), keyLog ? told[label] : undefined, `${label}, ${keyLog ? 'kept' : 'not kept'}`)
          }
          if (provider === linux) t.equal(keptKeyLogs(), keyLog ? 1 : 0)
        }
        if (way === 'reset') layer.reset()
        else layer.close()
        client.destroy()
        if (way !== 'failed') {
          const { live } = layer.facts()
          for (let looks = 0; looks < 500 && live?.keyLogged('EXPORTER_SECRET') !== undefined; looks++) await new Promise((resolve) => setTimeout(resolve, 10))
          t.equal(live?.keyLogged('EXPORTER_SECRET'), undefined, `${way}: forgotten`)
        }
        t.equal(keptKeyLogs(), 0, `${way}: nothing is left`)
      }
    }
  })
}
