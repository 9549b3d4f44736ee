// Owns the life of one data thread: builds its proxies on the control thread's descriptors, and follows its orders.

import { hostname } from 'node:os'
import type { MessagePort } from 'node:worker_threads'
import type { Plugin } from '../core/plugin.ts'
import type { ProcessLog } from '../core/process-log.ts'
import { systemFiles } from '../config/files.ts'
import { KeptFiles } from '../config/kept-files.ts'
import { builtinKeywords } from '../config/keywords/table.ts'
import { loadConfiguration } from '../config/load.ts'
import { describe } from '../config/report.ts'
import { GaugeMemory } from '../proxy/gauge.ts'
import { applyCommandLine } from './overrides.ts'
import { conditionFacts } from './providers.ts'
import { buildProxies } from './proxies.ts'
import type { ThreadOrder, ThreadReport, ThreadSeed } from './threads.ts'
import { stackOf } from '../util/shown.ts'

/** Returns when the thread serves; it ends when nothing is left to do. */
export async function runDataThread(port: MessagePort, seed: ThreadSeed, plugins: readonly Plugin[]): Promise<void> {
  const report = (message: ThreadReport): void => port.postMessage(message)
  const say = (level: 'alert' | 'warning' | 'notice') => (text: string): void => report({ said: 'log', level, text })
  // What building warns of the control thread has told: it built the same.
  let built = false
  const warn = say('warning')
  const log: ProcessLog = { alert: say('alert'), warning: (text) => (built ? warn(text) : undefined), notice: say('notice') }
  const told = new Set<string>()
  const warnOnce = (text: string): void => {
    if (told.has(text)) return
    told.add(text)
    report({ said: 'once', text })
  }
  const { line } = seed
  let { descriptors } = seed
  const files = new KeptFiles(systemFiles, seed.files)

  // What was wrong with it the control thread has told. Its conditions have to come out as they did there: the threads share counters.
  const { configuration } = loadConfiguration({
    paths: line.files,
    files,
    keywords: builtinKeywords,
    plugins,
    env: { ...process.env, HAPROXY_LOCALPEER: line.localPeer ?? hostname() },
    localPeer: line.localPeer,
    diag: false,
    facts: conditionFacts({ wanted: line.provider, noSplice: line.noSplice }),
  })
  const proxies = await buildProxies({
    configuration: applyCommandLine(configuration, line),
    line,
    plugins,
    files,
    log,
    warnOnce,
    gauges: new GaugeMemory(seed.thread, seed.threads, seed.gauges),
    sharedDescriptor: (frontend, listener) => descriptors.get(`${frontend}/${listener}`) ?? 'none',
  })
  if (!('runtime' in proxies)) {
    report({ said: 'problems', lines: [...proxies.problems.map(describe), proxies.refusal] })
    process.exit(1)
  }
  const { runtime, traffic } = proxies
  built = true

  // The thread's descriptors are the process's, which goes on: however the thread ends, they are let go of, before the provider's own
  // (it hears of the exit, too) on which they depend.
  process.prependListener('exit', () => {
    runtime.kill()
    traffic.flushSync()
    traffic.close()
  })
  // Nobody can say what an exception left undone: the connections of this thread end with it, and another thread takes its place.
  const broken = (error: unknown): void => {
    log.alert(`bug: data thread ${seed.thread}: ${stackOf(error)}`)
    process.exit(1)
  }
  process.on('uncaughtException', broken)
  process.on('unhandledRejection', broken)

  if (seed.paused) runtime.pause()
  if (seed.held) runtime.hold(true)
  const problems = seed.paused ? [] : await runtime.start()
  if (problems.length > 0) {
    report({ said: 'problems', lines: problems })
    process.exit(1)
  }
  port.on('message', (message: ThreadOrder) => {
    switch (message.order) {
      case 'hold':
        return runtime.hold(message.on)
      case 'resume':
        descriptors = message.descriptors
        return void runtime.resume().then((lines) => {
          lines.forEach((text) => log.alert(text))
          report({ said: 'turned' })
        })
      case 'pause':
        runtime.pause()
        return report({ said: 'turned' })
      case 'softStop':
      case 'kill':
        return runtime[message.order]()
    }
  })
  report({ said: 'listening' })
  void runtime.finished.then(async () => {
    await traffic.drained()
    process.exit(0)
  })
}
