// Owns a configuration from text, without files and listeners: what a bind or server line of it plans, and what was wrong with it.

import { basename } from 'node:path'
import type { App, MakeHandler, PlanLine, Plugin } from 'headgate/plugin'
import { builtinPlugins } from '../../handlers/builtin.ts'
import { systemFiles } from '../../src/config/files.ts'
import { hasBackend, hasFrontend } from '../../src/config/configuration.ts'
import { builtinKeywords } from '../../src/config/keywords/table.ts'
import { bindLines, serverLines, type BindLine, type ServerLine } from '../../src/config/lines.ts'
import { loadConfiguration } from '../../src/config/load.ts'
import { insertable, orderHandlers, planLine } from '../../src/core/plan.ts'
import { samplePlugin } from '../../src/sample/builtin.ts'
import { contributed } from '../../src/sample/contributed.ts'
import { FakeHandshake, type FakeOptions } from './fake-handshake.ts'

export interface Configured {
  /** `alert line 3: text`, in the order found, those of planning behind those of reading. */
  readonly problems: readonly string[]
  /** What handlers are planned from for the n-th bind or server line of the text, from 0. Throws when there is none. */
  bind(n?: number): PlanLine
  server(n?: number): PlanLine
  /** The handlers that the line's connections get, in order. */
  handlers(line: PlanLine): MakeHandler[]
  /** A connection accepted on the first bind line, or made for the first server line. */
  accept(options?: FakeOptions): FakeHandshake
  connect(options?: FakeOptions): FakeHandshake
}

/** Reads a configuration with the built-in plugins and these. `app` is what the session handler serves. */
export function configured(text: string, plugins: readonly Plugin[] = [], app?: App): Configured {
  const all = [samplePlugin, ...builtinPlugins, ...plugins.map(contributed)]
  const { configuration, problems } = loadConfiguration({
    paths: ['test.cfg'],
    files: {
      isFolder: () => false,
      list: () => [],
      read: (path) => {
        if (basename(path) !== 'test.cfg') throw new Error('No such file or directory')
        return Buffer.from(`${text.trimEnd()}\n`)
      },
    },
    keywords: builtinKeywords,
    plugins: all,
    env: {},
  })
  const told = problems.map(({ level, line, text: what, hint }) => `${level} line ${line}: ${what}${hint === undefined ? '' : `; ${hint}`}`)
  const specs = all.flatMap((plugin) => plugin.handlers ?? [])
  const orders = { accept: orderHandlers(specs, 'accept'), connect: orderHandlers(specs, 'connect') }
  for (const order of Object.values(orders)) for (const problem of order.problems ?? []) told.push(`alert ${problem}`)

  const lines = (kind: 'frontend' | 'backend'): PlanLine[] =>
    configuration.proxies
      .filter((proxy) => (kind === 'frontend' ? hasFrontend(proxy.kind) : hasBackend(proxy.kind)))
      .flatMap((proxy) => {
        const own: readonly (BindLine | ServerLine)[] = proxy.values.get<readonly (BindLine | ServerLine)[]>(kind === 'frontend' ? bindLines : serverLines) ?? []
        return own.map(({ values, place }) => {
          const line: PlanLine = {
            get: (key) => values.get(key),
            placeOf: (key) => values.placeOf(key),
            place,
            proxy: { name: proxy.name, kind, get: (key) => proxy.values.get(key), placeOf: (key) => proxy.values.placeOf(key) },
            global: configuration.global,
            files: systemFiles,
            app: kind === 'frontend' ? app : undefined,
            report: (problem) => told.push(`${problem.level} line ${problem.line ?? place.line}: ${problem.text}`),
            handler: (name) => insertable(orders[kind === 'frontend' ? 'accept' : 'connect'].order ?? [], name, line),
          }
          return line
        })
      })
  const nth = (kind: 'frontend' | 'backend', n: number): PlanLine => {
    const line = lines(kind)[n]
    if (line === undefined) throw new Error(`no such line; ${told.join('; ')}`)
    return line
  }
  const handlers = (side: 'accept' | 'connect', line: PlanLine): MakeHandler[] => planLine(orders[side].order ?? [], line)
  const self: Configured = {
    problems: told,
    bind: (n = 0) => nth('frontend', n),
    server: (n = 0) => nth('backend', n),
    handlers: (line) => handlers(line.proxy.kind === 'frontend' ? 'accept' : 'connect', line),
    accept: (options) => new FakeHandshake(self.handlers(self.bind()), options),
    connect: (options) => new FakeHandshake(self.handlers(self.server()), { ...options, side: 'connect' }),
  }
  return self
}
