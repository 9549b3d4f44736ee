// Gauges: exact over threads, and what a dead thread had is taken back.

import { Worker } from 'node:worker_threads'
import t from 'tap'
import { GaugeMemory } from '../../src/proxy/gauge.ts'

const MODULE = new URL('../../src/proxy/gauge.js', import.meta.url).href

/** Hammers gauge 0: takes and gives back, and counts how often it saw more than the limit. Ends holding `keep` places at most. */
const HAMMER = `
const { parentPort, workerData } = require('node:worker_threads')
const { module, shared, thread, threads, limit, rounds, keep } = workerData
import(module).then(({ GaugeMemory }) => {
  const gauge = new GaugeMemory(thread, threads, shared).gauge()
  let held = 0, taken = 0, refused = 0, over = 0
  for (let i = 0; i < rounds; i++) {
    if (gauge.take(limit)) { held++; taken++ } else refused++
    if (gauge.value > limit) over++
    while (held > 0 && i % 3 !== 0) { gauge.add(-1); held-- }
  }
  while (held > keep) { gauge.add(-1); held-- }
  parentPort.postMessage({ held, taken, refused, over })
})`

interface Told {
  readonly held: number
  readonly taken: number
  readonly refused: number
  readonly over: number
}

t.test('take() is exact while many threads hammer it', async (t) => {
  const threads = 8
  const limit = 5
  const memory = new GaugeMemory(0, threads)
  const gauge = memory.gauge()
  const told = await Promise.all(
    Array.from(
      { length: threads },
      (_, thread) =>
        new Promise<Told>((resolve, reject) => {
          const worker = new Worker(HAMMER, { eval: true, workerData: { module: MODULE, shared: memory.shared, thread, threads, limit, rounds: 60_000, keep: thread % 2 } })
          worker.once('message', resolve)
          worker.once('error', reject)
        }),
    ),
  )
  const sum = (f: (one: Told) => number): number => told.reduce((n, one) => n + f(one), 0)
  t.equal(sum((one) => one.over), 0, 'the limit was never seen exceeded')
  t.ok(sum((one) => one.taken) > threads, `${sum((one) => one.taken)} taken, ${sum((one) => one.refused)} refused`)
  t.equal(gauge.value, sum((one) => one.held), 'nothing is lost or counted twice')

  for (let thread = 0; thread < threads; thread++) memory.takeBack(thread)
  t.equal(gauge.value, 0, 'what dead threads held is taken back')
  for (let thread = 0; thread < threads; thread++) memory.takeBack(thread)
  t.equal(gauge.value, 0, 'once')
})

t.test('what one thread has, another sees; what it had, it gives back alone', async (t) => {
  const first = new GaugeMemory(0, 2)
  const second = new GaugeMemory(1, 2, first.shared)
  const [a0, b0] = [first.gauge(), first.gauge()]
  const [a1, b1] = [second.gauge(), second.gauge()]
  t.equal(a0.add(3), 3)
  t.equal(a1.add(2), 5)
  b1.add(7)
  t.same([a0.value, a1.value, b0.value], [5, 5, 7])
  first.takeBack(1)
  t.same([a0.value, b0.value], [3, 0], 'the other threads\' own stays')
  a1.add(1)
  t.equal(a0.value, 4, 'and the row can be used anew')
})

t.test('limits', async (t) => {
  const gauge = new GaugeMemory().gauge()
  t.ok(gauge.take(2))
  t.ok(gauge.take(2))
  t.notOk(gauge.take(2))
  t.ok(gauge.take(0), '0 is no limit')
  t.equal(gauge.value, 3)
  t.notOk(gauge.take(2), 'lowered below what there is')
  const memory = new GaugeMemory(0, 1, new SharedArrayBuffer(2 * 3 * 4))
  for (let i = 0; i < 3; i++) memory.gauge().add(1)
  t.throws(() => memory.gauge(), /more than 3 counters are needed: too many proxies and servers/)
})

t.test('a rate is of the last second, shared by threads', async (t) => {
  let now = 1_700_000_000_000
  const memory = new GaugeMemory(0, 2)
  const rate = memory.rate(() => now)
  const other = new GaugeMemory(1, 2, memory.shared).rate(() => now)
  t.equal(rate.value, 0)
  for (let i = 0; i < 10; i++) (i % 2 === 0 ? rate : other).tick()
  t.equal(rate.value, 10)
  now += 1250
  t.equal(other.value, 7, 'three quarters of the second before are less than a second ago')
  rate.tick()
  t.equal(rate.value, 8)
  now += 750
  t.equal(rate.value, 1)
  now += 1000
  t.equal(rate.value, 0)
  other.tick()
  t.equal(rate.value, 1, 'after seconds without any')
  const gauge = new GaugeMemory().gauge(Date.now)
  gauge.add(1)
  gauge.take(5)
  gauge.add(-1)
  t.equal(gauge.perSecond, 2, 'only what is added counts')
})
