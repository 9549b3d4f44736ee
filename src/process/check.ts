// Owns the rest of a check (-c): what shows only when proxies are built (certificates, names of servers and of log targets, options that the provider
// lacks). Everything is built as for a start, and nothing is opened.

import type { Plugin } from '../core/plugin.ts'
import type { Problem } from '../core/keyword.ts'
import type { Provider } from '../core/provider.ts'
import type { Configuration } from '../config/configuration.ts'
import { provider } from '../config/keywords/global.ts'
import { tuneBufsize } from '../config/keywords/tune.ts'
import { GaugeMemory } from '../proxy/gauge.ts'
import { BuildError, buildRuntime } from '../proxy/runtime.ts'
import { Wheel } from '../util/wheel.ts'
import { BUFFER_SIZE } from './proxies.ts'
import { checkLogTargets } from './traffic-log.ts'

function unopened(name: Provider['name']): Provider {
  const refuse = (): never => {
    throw new Error('a check opens nothing')
  }
  return { name, listen: refuse, connect: refuse }
}

/** `configuration` has no alerts; it is as the command line wants it. Which provider there is to be had is not asked. */
export async function checkProxies(configuration: Configuration, wanted: Provider['name'] | undefined, plugins: readonly Plugin[]): Promise<readonly Problem[]> {
  const { global } = configuration
  const nothing = (): void => undefined
  const unlogged = await checkLogTargets(configuration)
  try {
    const { warnings } = await buildRuntime(configuration, {
      provider: unopened((wanted ?? global.get(provider)) === 'node' ? 'node' : 'linux'),
      wheel: new Wheel(),
      gauges: new GaugeMemory(),
      clock: Date.now,
      random: Math.random,
      plugins,
      global,
      bufferSize: global.get(tuneBufsize) ?? BUFFER_SIZE,
      maxconn: 0,
      sinkFor: () => undefined,
      notice: nothing,
      warnOnce: nothing,
      bug: nothing,
    })
    return [...unlogged, ...warnings]
  } catch (error) {
    if (error instanceof BuildError) return [...unlogged, ...error.problems]
    throw error
  }
}
