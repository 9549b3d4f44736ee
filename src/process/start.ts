// Owns what an invocation does with its files: evaluate a condition, check, go into the background, serve. The order is HAProxy's.

import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import type { Plugin } from '../core/plugin.ts'
import { wouldListen } from '../config/checks.ts'
import { evaluateCondition } from '../config/conditional.ts'
import type { Facts } from '../config/conditional.ts'
import type { Configuration } from '../config/configuration.ts'
import { systemFiles } from '../config/files.ts'
import { daemon, quiet, zeroWarning } from '../config/keywords/global.ts'
import { KeptFiles } from '../config/kept-files.ts'
import { builtinKeywords } from '../config/keywords/table.ts'
import { loadConfiguration } from '../config/load.ts'
import { checkLogs } from '../proxy/check-logs.ts'
import { checkRuleNames, checkSampleNames } from '../proxy/check-names.ts'
import type { Loaded } from '../config/load.ts'
import { formatProblems } from '../config/report.ts'
import { NAME } from '../config/version.ts'
import { errorText } from '../util/errno.ts'
import type { CommandLine } from './arguments.ts'
import { daemonListens, namedDescriptors, startDaemon, takeDaemonMark } from './daemon.ts'
import { keywordLists } from './keyword-lists.ts'
import { saysWarning, WARNINGS_REFUSED, type Messages } from './messages.ts'
import { applyCommandLine } from './overrides.ts'
import { conditionFacts } from './providers.ts'
import type { Signals } from './signals.ts'

export interface StartOptions {
  /** The module that data threads run. */
  readonly threadEntry: URL
  readonly line: CommandLine
  readonly messages: Messages
  readonly signals: Signals
  readonly plugins: readonly Plugin[]
  /** Writes to stdout. */
  readonly say: (text: string) => void
}

/** Resolves with the exit status: after a check at once, else when the process is to leave. */
export async function start(options: StartOptions): Promise<number> {
  const { line, messages, say } = options
  const copy = takeDaemonMark(process.env)
  const silent = line.quiet && !line.verbose
  if (silent) messages.silence()
  if (line.directory !== undefined) {
    try {
      process.chdir(line.directory)
    } catch (error) {
      messages.alert(`Could not change to directory ${line.directory} : ${errorText(error)}`)
      return 1
    }
  }
  const facts = conditionFacts({ wanted: line.provider, noSplice: line.noSplice })
  if (line.condition !== undefined) return condition(line.condition, facts, messages)

  const files = new KeptFiles(systemFiles)
  const loaded = loadConfiguration({
    paths: line.files,
    files,
    keywords: builtinKeywords,
    plugins: options.plugins,
    checks: [checkRuleNames, checkLogs, checkSampleNames(options.plugins)],
    env: { ...process.env, HAPROXY_LOCALPEER: line.localPeer ?? hostname() },
    localPeer: line.localPeer,
    diag: line.diag,
    facts,
  })
  const configuration = applyCommandLine(loaded.configuration, line)
  const { global } = configuration
  const hushed = silent || (global.get(quiet) === true && !line.verbose)
  if (hushed && loaded.alerts === 0) messages.silence()
  // What there is to warn about has been said by the process that started this copy.
  if (!copy || loaded.alerts > 0) print(loaded, messages)
  else if (loaded.warnings > 0) messages.introduced()
  if (loaded.alerts > 0) return 1
  if (loaded.warnings > 0 && global.get(zeroWarning) === true) {
    messages.alert(WARNINGS_REFUSED)
    return 1
  }
  dump(options, loaded)

  const listens = wouldListen(loaded.configuration)
  if (line.check) {
    const { checkProxies } = await import('./check.ts')
    const found = await checkProxies(configuration, line.provider, options.plugins)
    messages.problems(found)
    const { lint } = await import('./lint.ts')
    messages.problems(lint(loaded.configuration, options.plugins, [], (rule) => rule.warned === true))
    if (found.some(({ level }) => level === 'alert')) {
      messages.alert('config : Fatal errors found in configuration.')
      return 1
    }
    if (saysWarning(found) && global.get(zeroWarning) === true) {
      messages.alert(WARNINGS_REFUSED)
      return 1
    }
    if (!hushed && (loaded.warnings > 0 || found.length > 0)) say('Warnings were found.\n')
    if (!hushed) say(listens ? 'Configuration file is valid\n' : 'Configuration file has no error but will not start (no listener) => exit(2).\n')
    return listens ? 0 : 2
  }
  if (!listens) {
    messages.alert(`[${NAME}.main()] No enabled listener found (check for 'bind' directives) ! Exiting.`)
    return 1
  }

  if (!copy && !line.foreground && (line.daemon || global.get(daemon) === true)) return startDaemon(descriptors(loaded.configuration))
  const { serve } = await import('./serve.ts')
  return serve({
    configuration,
    line,
    plugins: options.plugins,
    files,
    messages,
    signals: options.signals,
    threadEntry: options.threadEntry,
    listening(runtime) {
      if (line.verbose && !copy) say(runtime.listening().map((address) => `Listening on ${address}\n`).join(''))
      if (copy) daemonListens()
    },
  })
}

function condition(text: string, facts: Facts, messages: Messages): number {
  const env = new Map(Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])))
  const truth = evaluateCondition(text, env, facts)
  if (truth.ok) return truth.value ? 0 : 1
  messages.alert(`config : Failed to evaluate condition: ${truth.text}`)
  return 2
}

function print(loaded: Loaded, messages: Messages): void {
  const lines = formatProblems(loaded, { pid: process.pid })
  if (lines.length > 0) messages.lines(lines, loaded.alerts + loaded.warnings > 0)
}

/** -dK, -dL, -dC. */
function dump(options: StartOptions, loaded: Loaded): void {
  const { line, say } = options
  if (line.dumpKeywords.length > 0) say(keywordLists(line.dumpKeywords, builtinKeywords, options.plugins))
  if (line.dumpObjects) say(`List of loaded object files:\n${process.execPath}\n${sharedObjects().map((path) => `${path}\n`).join('')}`)
  if (line.dumpConfiguration) for (const file of loaded.configuration.files) say(`# ${file}\n${readFileSync(file, 'utf8')}`)
}

function sharedObjects(): string[] {
  const report: unknown = process.report?.getReport()
  const found = typeof report === 'object' && report !== null && 'sharedObjects' in report ? report.sharedObjects : []
  return Array.isArray(found) ? found.filter((path): path is string => typeof path === 'string' && path.startsWith('/')) : []
}

function descriptors(configuration: Configuration): number[] {
  const env = Object.fromEntries(configuration.env)
  return [...new Set(configuration.files.flatMap((file) => namedDescriptors(readFileSync(file, 'utf8'), env)))].sort((a, b) => a - b)
}
