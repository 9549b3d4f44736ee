// The numbers of connections: from 1, and never the same twice in a process, threads and threads that follow them included.

import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import { nextNumber } from '../../src/net/numbers.ts'

const module = new URL('../../src/net/numbers.js', import.meta.url).href
const COUNT = 3000

async function inThread(): Promise<readonly number[]> {
  const text = `
    const { parentPort } = require('node:worker_threads')
    import(${JSON.stringify(module)}).then(({ nextNumber }) => parentPort.postMessage(Array.from({ length: ${COUNT} }, nextNumber)))`
  const worker = new Worker(text, { eval: true })
  const [[numbers]] = await Promise.all([once(worker, 'message'), once(worker, 'exit')])
  return Array.isArray(numbers) ? numbers.map(Number) : []
}

t.test('no two are the same', async (t) => {
  const first = [nextNumber(), nextNumber(), nextNumber()]
  t.same(first, [1, 2, 3])
  const together = await Promise.all([inThread(), inThread()])
  const later = await inThread()
  const own = Array.from({ length: COUNT }, nextNumber)
  const all = [first, ...together, later, own]
  t.equal(new Set(all.flat()).size, 3 + 4 * COUNT)
  for (const numbers of all) t.ok(numbers.every((number, i) => i === 0 || number > (numbers[i - 1] ?? 0)), 'rising')
})
