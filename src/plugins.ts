// Owns the list of all plugins that a process has: the language's own words, the built-in handlers, and what HEADGATE_PLUGINS names.

import type { LoadedPlugins } from './process/plugins.ts'

/** The same in every thread. What cannot be used is among the problems. */
export async function loadAllPlugins(): Promise<LoadedPlugins> {
  const [{ samplePlugin }, { builtinPlugins }] = await Promise.all([import('./sample/builtin.ts'), import('../handlers/builtin.ts')])
  const builtin = [samplePlugin, ...builtinPlugins]
  const list = process.env['HEADGATE_PLUGINS'] ?? ''
  return list === '' ? { plugins: builtin, problems: [] } : (await import('./process/plugins.ts')).loadPlugins(list, builtin)
}
