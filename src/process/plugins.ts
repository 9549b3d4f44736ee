// Owns the loading of plugins that are not built in: modules named in the environment, whose exports are looked through.

import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, join, relative, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { builtinKeywords } from '../config/keywords/table.ts'
import { lineKeywords } from '../config/lines.ts'
import { KeywordTable } from '../config/table.ts'
import { orderHandlers } from '../core/plan.ts'
import type { Plugin } from '../core/plugin.ts'
import { contributed } from '../sample/contributed.ts'
import { isPlugin, malformed, meansPlugin } from './plugin-shape.ts'
import { messageOf } from '../util/shown.ts'

export interface LoadedPlugins {
  /** Those given, and behind them what the modules export, in order. */
  readonly plugins: readonly Plugin[]
  /** Each names the module. */
  readonly problems: readonly string[]
}

/**
 * Imports every module of the list (HEADGATE_PLUGINS, separated as in PATH): a path (absolute, or beginning with `.`) or the name of a package that `folder` can see. Every
 * export that is a plugin is taken. What cannot work with those before it (a keyword or handler of the same name) is a problem.
 */
export async function loadPlugins(list: string, given: readonly Plugin[], folder: string = process.cwd()): Promise<LoadedPlugins> {
  const plugins = [...given]
  const problems: string[] = []
  for (const name of list.split(delimiter)) {
    if (name === '') continue
    let exported: Readonly<Record<string, unknown>>
    try {
      exported = await import(locate(name, folder))
    } catch (error) {
      problems.push(`plugin '${name}' cannot be loaded : ${whyNot(error, name, folder)}`)
      continue
    }
    const meant = [...new Set(Object.values(exported))].filter(meansPlugin)
    const broken = meant.flatMap(malformed)
    if (broken.length > 0) {
      problems.push(...broken.map((text) => `plugin '${name}' : ${text}`))
      continue
    }
    const found = meant.filter(isPlugin).map(contributed)
    if (found.length === 0) problems.push(`plugin '${name}' exports no plugin : none of ${Object.keys(exported).join(', ') || 'its (no) exports'} has a name and keywords, handlers, services, fetches, converters or actions`)
    const conflict = conflictOf([...plugins, ...found]) ?? found.map((plugin) => takenBy(plugin, plugins)).find((text) => text !== undefined)
    if (conflict !== undefined) problems.push(`plugin '${name}' : ${conflict}`)
    else plugins.push(...found)
  }
  return { plugins, problems }
}

function isPath(name: string): boolean {
  return name.startsWith('.') || name.startsWith('/')
}

/** A URL: packages are looked for from the folder, not from this program. */
function locate(name: string, folder: string): string {
  return pathToFileURL(isPath(name) ? resolve(folder, name) : createRequire(join(folder, 'plugins.js')).resolve(name)).href
}

/** Node's reason without its list of modules, and what to do about the usual ones. */
function whyNot(error: unknown, name: string, folder: string): string {
  if (!(error instanceof Error)) return String(error)
  const reason = error.message.split('\n', 1)[0] ?? ''
  if (/Unknown file extension "\.[cm]?ts"/.test(reason)) return `${reason} : this Node (${process.version}) does not read TypeScript; compile it to JavaScript`
  if (/'headgate'|'headgate\/\w+'/.test(reason)) return `${reason} : the file has to be in a folder with headgate in its node_modules, or below one`
  if (/Cannot find (?:module|package)/.test(reason) && !isPath(name) && existsSync(resolve(folder, name))) return `${reason} : a file is named with its folder, './${name}'`
  if (error instanceof SyntaxError) return `${reason} : 'node --check ${name}' shows where`
  const own = fileURLToPath(import.meta.url)
  if (reason.endsWith(` imported from ${own}`)) return reason.slice(0, -` imported from ${own}`.length)
  const place = /file:\/\/(\/[^\s()]+:[0-9]+)/.exec(error.stack ?? '')?.[1]
  return place === undefined || place.startsWith(own) ? reason : `${reason} : at ${relative(folder, decodeURI(place))}`
}

/** A word of the rule language means one thing: what has a taken name would never be asked. */
function takenBy(plugin: Plugin, others: readonly Plugin[]): string | undefined {
  for (const kind of ['fetches', 'converters'] as const) {
    const taken = new Set(others.flatMap((other) => [...(other[kind] ?? [])].map(({ name }) => name)))
    const found = [...(plugin[kind] ?? [])].find(({ name }) => taken.has(name))
    if (found !== undefined) return `${kind === 'fetches' ? 'fetch' : 'converter'} '${found.name}' is there already`
  }
  const action = plugin.actions?.find(({ name, rules }) => others.some((other) => other.actions?.some((known) => known.name === name && known.rules.some((rule) => rules.includes(rule)))))
  return action === undefined ? undefined : `action '${action.name}' is there already`
}

/** Why these cannot be loaded together. */
function conflictOf(plugins: readonly Plugin[]): string | undefined {
  try {
    new KeywordTable([...lineKeywords, ...builtinKeywords, ...plugins.flatMap((plugin) => plugin.keywords ?? [])])
  } catch (error) {
    return messageOf(error)
  }
  const specs = plugins.flatMap((plugin) => plugin.handlers ?? [])
  return orderHandlers(specs, 'accept').problems?.[0] ?? orderHandlers(specs, 'connect').problems?.[0]
}
