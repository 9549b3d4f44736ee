// Holds what is done with data threads that do not last: ever longer pauses, and words that are said once.

import t from 'tap'
import { parseArguments } from '../../src/process/arguments.ts'
import { Threads } from '../../src/process/threads.ts'
import { GaugeMemory } from '../../src/proxy/gauge.ts'
import { sleep } from '../kit/program.ts'

t.test('a thread that ends again and again is replaced more and more slowly, and that is said once', async (t) => {
  const parsed = parseArguments(['-f', 'none.cfg'])
  if (parsed.kind !== 'run') throw new Error('no command line')
  const gauges = new GaugeMemory(0, 1)
  const starts = new Int32Array(gauges.shared, 4000, 1)
  // It counts itself where both see it, listens, and is gone.
  const entry = new URL(`data:text/javascript,${encodeURIComponent(`
    import { parentPort, workerData } from 'node:worker_threads'
    Atomics.add(new Int32Array(workerData.gauges, 4000, 1), 0, 1)
    parentPort.postMessage({ said: 'listening' })
    parentPort.postMessage({ said: 'log', level: 'notice', text: workerData.files.reads.get('a').value.toString() })
  `)}`)
  const alerts: string[] = []
  const notices: string[] = []
  const nothing = (): void => undefined
  const threads = new Threads({
    control: {
      start: async () => [], listening: () => [], hold: nothing, pause: nothing, resume: async () => [], softStop: nothing, kill: nothing,
      finished: new Promise(nothing), describe: () => [], remaining: () => 0, descriptors: () => [],
    },
    count: 1,
    line: parsed.line,
    gauges,
    files: { folders: new Map(), lists: new Map(), reads: new Map([['a', { value: new Uint8Array([7, 8]) }]]) },
    log: { alert: (text) => void alerts.push(text), warning: nothing, notice: (text) => void notices.push(text) },
    warnOnce: nothing,
    entry,
    abandon: nothing,
    pause: 10,
  })
  const begun = performance.now()
  t.same(await threads.start(), [])
  while (Atomics.load(starts, 0) < 6) await sleep(5)
  t.ok(performance.now() - begun >= 10 + 20 + 40 + 80 + 160 - 10, 'each pause is twice as long as the one before')
  t.equal(alerts.length, 2, alerts.join('\n'))
  t.match(alerts[0], /^data thread 0 ended, another takes its place$/)
  t.match(alerts[1], /^data thread 0 ends again and again/)
  t.equal(notices[0], '7,8', 'what was read comes with the seed')
  threads.kill()
  await threads.finished
})
