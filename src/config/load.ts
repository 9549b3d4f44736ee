// Owns the way from files to a configuration: reads in order, reports everything, checks at the end.

import type { Files } from '../core/files.ts'
import type { Keyword, Problem } from '../core/keyword.ts'
import type { Plugin } from '../core/plugin.ts'
import type { Reading } from './args.ts'
import { checkModes, checkReferences, standardChecks } from './checks.ts'
import { BASE_FACTS, type Facts } from './conditional.ts'
import type { Check, Configuration } from './configuration.ts'
import { listFiles, locate } from './files.ts'
import { defaultPath } from './keywords/environment.ts'
import { lineKeywords } from './lines.ts'
import { Problems } from './problems.ts'
import { ConfigurationReader } from './reader.ts'
import { Sections } from './sections.ts'
import { KeywordTable } from './table.ts'

export interface LoadOptions {
  /** -f arguments in order; a folder means its *.cfg, sorted. */
  readonly paths: readonly string[]
  readonly files: Files
  /** The table: what is built in. bind, server and default-server are added; so are the keywords of plugins. */
  readonly keywords: readonly Keyword<unknown>[]
  readonly plugins?: readonly Plugin[]
  readonly env: Readonly<Record<string, string | undefined>>
  /** -L: wins over `localpeer`. Default for neither: HAPROXY_LOCALPEER is as `env` has it. */
  readonly localPeer?: string | undefined
  /** What `.if` can ask about this program. Default: what is true of every build. */
  readonly facts?: Facts
  /** Run when reading found no alert, after the standard ones. */
  readonly checks?: readonly Check[]
  /** -dD: `.diag` lines speak. */
  readonly diag?: boolean
}

export interface Loaded {
  /** What could be read; not to be started while there are alerts. */
  readonly configuration: Configuration
  /** In the order found; the first thousand. */
  readonly problems: readonly Problem[]
  /** All of them. */
  readonly alerts: number
  readonly warnings: number
  readonly total: number
  /** Files with alerts, and how many of `problems` come before the closing line of each. */
  readonly faulty: readonly { readonly file: string; readonly after: number }[]
}

/** Throws only when the keyword table itself is at fault: two keywords of one name. */
export function loadConfiguration(options: LoadOptions): Loaded {
  const plugins = options.plugins ?? []
  const problems = new Problems()
  const sections = new Sections(problems)
  const env = new Map<string, string>()
  for (const [name, value] of Object.entries(options.env)) if (value !== undefined) env.set(name, value)

  const { global } = sections
  const reading: Reading = {
    table: new KeywordTable([...lineKeywords, ...options.keywords, ...plugins.flatMap((plugin) => plugin.keywords ?? [])]),
    env,
    localPeer: options.localPeer,
    problems,
    plugins,
    readFile: (path, place) => options.files.read(locate(path, place.file, global.values.get(defaultPath))),
  }
  const reader = new ConfigurationReader(reading, sections, options.facts ?? BASE_FACTS, options.diag ?? false)
  const files = listFiles(options.paths, options.files, problems)
  env.set('HAPROXY_CFGFILES', files.join(';'))
  const faulty: { file: string; after: number }[] = []
  for (const file of files) {
    const before = problems.count('alert')
    reader.read(file, options.files)
    if (problems.count('alert') > before) faulty.push({ file, after: problems.kept.length })
  }

  const configuration: Configuration = { global: global.values, proxies: sections.proxies, files, env }
  const report = (problem: Problem): void => problems.add(problem)
  const readable = problems.count('alert') === 0
  checkReferences(configuration, report)
  checkModes(configuration, report)
  if (readable) for (const check of [...standardChecks, ...(options.checks ?? [])]) check(configuration, report)
  return {
    configuration,
    problems: problems.kept,
    alerts: problems.count('alert'),
    warnings: problems.count('warning'),
    total: problems.total,
    faulty,
  }
}
