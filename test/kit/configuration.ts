// Owns the loading of configuration texts in tests: from memory, with the built-in keywords, and what was found as short lines.

import type { Keyword, Problem, Values } from '../../src/core/keyword.ts'
import type { Plugin } from '../../src/core/plugin.ts'
import { builtinPlugins } from '../../handlers/builtin.ts'
import type { Configuration } from '../../src/config/configuration.ts'
import { builtinKeywords } from '../../src/config/keywords/table.ts'
import { lineKeywords } from '../../src/config/lines.ts'
import { loadConfiguration } from '../../src/config/load.ts'
import { checkLogs } from '../../src/proxy/check-logs.ts'
import { checkRuleNames } from '../../src/proxy/check-names.ts'
import { samplePlugin } from '../../src/sample/builtin.ts'

/** Everything that comes with Headgate. */
export const allPlugins: readonly Plugin[] = [samplePlugin, ...builtinPlugins]

/** Every keyword that comes with Headgate. */
export const allKeywords: readonly Keyword<unknown>[] = [...lineKeywords, ...builtinKeywords, ...allPlugins.flatMap((p) => p.keywords ?? [])]

export interface LoadedText {
  readonly configuration: Configuration
  readonly problems: readonly Problem[]
  /** `3 alert: text`, in the order found. */
  readonly lines: readonly string[]
  readonly global: Values
  /** The values of the proxy of that name. */
  proxy(name: string): Values
}

export interface LoadTextOptions {
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly keywords?: readonly Keyword<unknown>[]
  /** -L */
  readonly localPeer?: string
  /** Default: all that come with Headgate. */
  readonly plugins?: readonly Plugin[]
}

/** Loads one file named t.cfg. A missing last newline is added. */
export function loadText(text: string, { env = {}, keywords = builtinKeywords, plugins = allPlugins, localPeer }: LoadTextOptions = {}): LoadedText {
  const bytes = Buffer.from(text.endsWith('\n') ? text : `${text}\n`)
  const files = {
    isFolder: () => false,
    list: () => [],
    read: (path: string): Buffer => {
      if (path !== 't.cfg') throw new Error(`no such file: ${path}`)
      return bytes
    },
  }
  const { configuration, problems } = loadConfiguration({ paths: ['t.cfg'], files, keywords, plugins, env, localPeer, checks: [checkRuleNames, checkLogs] })
  return {
    configuration,
    problems,
    lines: problems.map((p) => `${p.line} ${p.level}: ${p.text}`),
    global: configuration.global,
    proxy: (name) => {
      const found = configuration.proxies.find((p) => p.name === name)
      if (found === undefined) throw new Error(`no proxy ${name} in the configuration: ${problems.map((p) => p.text).join('; ')}`)
      return found.values
    },
  }
}
