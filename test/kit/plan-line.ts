// Owns a configuration line without a configuration: what a handler is planned from, its values given as pairs.

import { systemFiles } from '../../src/config/files.ts'
import type { App, HandlerSpec, Keyword, MakeHandler, PlanLine, Plugin, Problem, Values } from 'headgate/plugin'

export type Setting = readonly [Keyword<unknown>, unknown]

/** Pairs a keyword with its value: `setting(acceptProxy, true)`. */
export function setting<T>(keyword: Keyword<T>, value: T): Setting {
  return [keyword, value]
}

export interface FakeLine {
  /** Values of the bind or server line, of its section, of `global`. */
  readonly line?: readonly Setting[]
  readonly proxy?: readonly Setting[]
  readonly global?: readonly Setting[]
  readonly app?: App
  /** Gets what the plan reports. */
  readonly problems?: Problem[]
}

const PLACE = { file: 'test.cfg', line: 1 }

function values(settings: readonly Setting[] = []): Values {
  const map = new Map<Keyword<unknown>, unknown>(settings)
  function get<T>(keyword: Keyword<T>): T | undefined
  function get(keyword: Keyword<unknown>): unknown {
    return map.get(keyword)
  }
  return { get, placeOf: (keyword) => (map.has(keyword) ? PLACE : undefined) }
}

export function planLineOf({ line, proxy, global, app, problems }: FakeLine, others: readonly Plugin[] = []): PlanLine {
  const own: PlanLine = {
    ...values(line),
    place: PLACE,
    proxy: { ...values(proxy), name: 'test', kind: 'frontend' },
    global: values(global),
    files: systemFiles,
    app,
    report: (problem) => problems?.push({ ...PLACE, ...problem }),
    handler: (name) => specOf(others, name)?.insert?.(own) ?? null,
  }
  return own
}

function specOf(plugins: readonly Plugin[], name: string): HandlerSpec | undefined {
  return plugins.flatMap((plugin) => plugin.handlers ?? []).find((spec) => spec.name === name)
}

/** Plans the one handler of a plugin for a line; null: the line needs none. Throws when the plugin has not exactly one. */
export function planOne(plugin: Plugin, line: FakeLine = {}): MakeHandler | null {
  const [spec, ...more] = plugin.handlers ?? []
  if (spec === undefined || more.length > 0) throw new Error(`plugin '${plugin.name}' has ${more.length + (spec === undefined ? 0 : 1)} handlers`)
  return spec.plan(planLineOf(line))
}
