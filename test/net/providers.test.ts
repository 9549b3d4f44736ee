// Owns the runs of the provider contract: the same tests on every provider that this machine has.

import t from 'tap'
import { checkedKernel } from '../../src/net/linux/checked.ts'
import { linuxProvider } from '../../src/net/linux/provider.ts'
import { loadKernel } from '../../src/net/linux/syscalls.ts'
import { nodeProvider } from '../../src/net/node/provider.ts'
import { providerContract } from './provider-contract.ts'

t.test('node', (t) => {
  providerContract(t, nodeProvider, { mib: 32 })
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
