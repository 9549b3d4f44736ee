// Holds what is done with data threads that do not last: ever longer pauses, and words that are said once.

import t from 'tap'
import { parseArguments } from '../../src/process/arguments.ts'
import { Threads, type ControlRuntime } from '../../src/process/threads.ts'
import { GaugeMemory } from '../../src/proxy/gauge.ts'
import { sleep } from '../kit/program.ts'

interface Started {
  readonly threads: Threads
  readonly alerts: string[]
  readonly notices: string[]
}

/** Not started yet. `entry`: what a thread runs. */
function made(entry: string, gauges: GaugeMemory, control: Partial<ControlRuntime>): Started {
  const parsed = parseArguments(['-f', 'none.cfg'])
  if (parsed.kind !== 'run') throw new Error('no command line')
  const alerts: string[] = []
  const notices: string[] = []
  const nothing = (): void => undefined
  const threads = new Threads({
    control: {
      start: async () => [], listening: () => [], hold: nothing, pause: nothing, resume: async () => [], softStop: nothing, kill: nothing,
      finished: new Promise(nothing), describe: () => [], remaining: () => 0, descriptors: () => [], ...control,
    },
    count: 1,
    line: parsed.line,
    gauges,
    files: { folders: new Map(), lists: new Map(), reads: new Map([['a', { value: new Uint8Array([7, 8]) }]]) },
    log: { alert: (text) => void alerts.push(text), warning: nothing, notice: (text) => void notices.push(text) },
    warnOnce: nothing,
    entry: new URL(`data:text/javascript,${encodeURIComponent(entry)}`),
    abandon: nothing,
    pause: 10,
  })
  return { threads, alerts, notices }
}

t.test('a thread that ends again and again is replaced more and more slowly, and that is said once', async (t) => {
  const gauges = new GaugeMemory(0, 1)
  const starts = new Int32Array(gauges.shared, 4000, 1)
  // It counts itself where both see it, listens, and is gone.
  const { threads, alerts, notices } = made(`
    import { parentPort, workerData } from 'node:worker_threads'
    Atomics.add(new Int32Array(workerData.gauges, 4000, 1), 0, 1)
    parentPort.postMessage({ said: 'listening' })
    parentPort.postMessage({ said: 'log', level: 'notice', text: workerData.files.reads.get('a').value.toString() })
  `, gauges, {})
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

t.test('descriptors are told by number: nobody closes or opens one before all threads have done as they were told', async (t) => {
  const said: string[] = []
  let number = 20
  // Each thread tells what it is told, and needs a while for it.
  const { threads, notices } = made(`
    import { parentPort, workerData } from 'node:worker_threads'
    const say = (text) => parentPort.postMessage({ said: 'log', level: 'notice', text })
    say('begins ' + (workerData.paused ? 'paused' : 'listening') + (workerData.held ? ', held' : ''))
    parentPort.on('message', ({ order, descriptors }) => {
      if (order === 'kill') process.exit(0)
      if (order === 'hold') return
      setTimeout(() => {
        say(order + ' ' + [...(descriptors ?? new Map()).values()])
        parentPort.postMessage({ said: 'turned' })
        if (order === 'pause') setTimeout(() => process.exit(0), 20) // another one begins while all are paused
      }, 20)
    })
    parentPort.postMessage({ said: 'listening' })
  `, new GaugeMemory(0, 1), {
    pause: () => void notices.push('control: pause'),
    resume: async () => {
      notices.push(`control: resume ${++number}`)
      return []
    },
    descriptors: () => [{ frontend: 'f', listener: 0, fd: number }],
  })
  await threads.start()
  threads.hold(true)
  // Of many words the last one counts, and those between need not be acted on.
  for (let i = 0; i < 50; i++) {
    void threads.pause()
    void threads.resume()
  }
  await threads.pause()
  said.push(...notices.splice(0))
  t.match(said.slice(0, 1), ['begins listening'])
  t.match(said.slice(-2), ['pause', 'control: pause'], 'ports are free when no thread listens')
  t.ok(said.length <= 9, said.join(', '))
  while (!notices.includes('begins paused, held')) await sleep(2)
  notices.length = 0
  t.same(await threads.resume(), [])
  t.same(notices, [`control: resume ${number}`, `resume ${number}`])
  threads.kill()
  await threads.finished
})
