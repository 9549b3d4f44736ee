// Owns the runs of the provider contract: the same tests on every provider that this machine has.

import { readdirSync } from 'node:fs'
import t from 'tap'
import { Bytes } from '../../src/core/bytes.ts'
import type { Sock } from '../../src/core/sock.ts'
import { checkedKernel } from '../../src/net/linux/checked.ts'
import { linuxProvider } from '../../src/net/linux/provider.ts'
import { loadKernel } from '../../src/net/linux/syscalls.ts'
import { nodeProviderHolding } from '../../src/net/node/provider.ts'
import { nodeProvider } from '../kit/node-provider.ts'
import { providerContract } from './provider-contract.ts'

t.test('node', (t) => {
  providerContract(t, nodeProvider, { mib: 32 })
  t.test('a reset while the FIN is on its way to the kernel leaves no descriptor open', { skip: process.platform !== 'linux' && 'descriptors are counted in /proc' }, async (t) => {
    const accepted: Sock[] = []
    const listener = await nodeProvider.listen({ address: { family: 'ipv4', host: '127.0.0.1', port: 0 } }, { accepted: (sock) => void accepted.push(sock), failed: (error) => t.fail(error) })
    t.teardown(() => listener.close())
    const before = readdirSync('/proc/self/fd').length
    for (let i = 0; i < 20; i++) {
      const sock = nodeProvider.connect({ to: listener.address })
      await new Promise<void>((resolve) => (sock.owner = { ready: () => sock.connecting || resolve() }))
      sock.shutCtrl()
      if (i % 2 === 0) sock.reset()
      else process.nextTick(() => sock.reset())
    }
    while (accepted.length < 20) await new Promise(setImmediate)
    for (const sock of accepted) sock.reset()
    for (let waited = 0; readdirSync('/proc/self/fd').length > before && waited < 5000; waited += 10) await new Promise((resolve) => setTimeout(resolve, 10))
    t.equal(readdirSync('/proc/self/fd').length, before)
  })
  const address = { family: 'ipv4', host: '127.0.0.1', port: 0 } as const
  const limits = [
    { by: 'backlog says', provider: nodeProvider, spec: { address, backlog: 5 } },
    { by: 'descriptors were kept for', provider: nodeProviderHolding(5), spec: { address } },
  ]
  for (const { by, provider, spec } of limits) t.test(`while it is paused, as many wait as ${by}; more are reset, and nobody is forgotten`, async (t) => {
    const accepted: Sock[] = []
    const overflows: number[] = []
    const listener = await provider.listen(spec, { accepted: (sock) => void accepted.push(sock), failed: (error) => t.fail(error), overflowed: (limit) => void overflows.push(limit) })
    t.teardown(() => listener.close())
    const until = async (what: () => boolean): Promise<void> => {
      for (let waited = 0; !what() && waited < 5000; waited += 5) await new Promise((resolve) => setTimeout(resolve, 5))
    }
    let reset = 0
    const come = (n: number): Sock[] =>
      Array.from({ length: n }, () => {
        const sock = nodeProvider.connect({ to: listener.address })
        t.teardown(() => sock.reset())
        let told = false
        sock.owner = {
          ready() {
            if (sock.error !== '' && !told) {
              told = true
              reset++
            } else if (!told) sock.fill(new Bytes())
          },
        }
        return sock
      })
    for (let round = 1; round <= 2; round++) {
      listener.pause()
      come(12)
      await until(() => reset === 7 * round)
      t.equal(reset, 7 * round)
      t.equal(overflows.length, round, 'told once per pause')
      listener.resume()
      await until(() => accepted.length === 5 * round)
      t.equal(accepted.length, 5 * round, 'those that waited')
    }
    for (const sock of accepted) sock.reset()
  })
  t.end()
})

const loaded = loadKernel()
if ('reason' in loaded) {
  t.test('linux', { skip: loaded.reason }, () => undefined)
} else {
  for (const [name, options] of [
    ['linux', {}],
    ['linux, all sends through io_uring', { ringFrom: 1 }],
    ['linux, no io_uring', { ringFrom: 0, maxPipes: 0 }],
  ] as const) {
    const kernel = checkedKernel(loaded)
    t.test(name, (t) => {
      const provider = linuxProvider(kernel, options)
      providerContract(t, provider, { mib: 200 })
      t.test('every descriptor that was opened is closed', async (t) => {
        provider.close()
        t.same([...kernel.open], [])
      })
      t.end()
    })
  }
}
