// Owns the subcommands that are not HAProxy's, `explain` and `lint`: their configuration, their output, their exit status.

import { writeSync } from 'node:fs'
import { hostname } from 'node:os'
import type { Plugin } from '../core/plugin.ts'
import { systemFiles } from '../config/files.ts'
import { builtinKeywords } from '../config/keywords/table.ts'
import { loadConfiguration, type Loaded } from '../config/load.ts'
import { describe, formatProblems } from '../config/report.ts'
import type { Messages } from '../process/messages.ts'
import { conditionFacts } from '../process/providers.ts'
import { lint, lintNames } from '../process/lint.ts'
import { checkLogs } from '../proxy/check-logs.ts'
import { checkRuleNames, checkSampleNames } from '../proxy/check-names.ts'
import { BuildError } from '../proxy/runtime.ts'
import { EXPLAIN_USAGE, parseExplain } from './explain-arguments.ts'
import { explain } from './explain.ts'

function print(line: string): void {
  try {
    writeSync(1, `${line}\n`)
  } catch {
    // Nobody reads.
  }
}

const HELP = new Set(['-h', '-?', '-help', '--help', 'help'])

function asksForHelp(args: readonly string[]): boolean {
  return HELP.has(args[0] ?? '')
}

/** Reads as a start does. undefined: it has alerts, which have been printed. */
function load(files: readonly string[], plugins: readonly Plugin[], messages: Messages): Loaded | undefined {
  const loaded = loadConfiguration({
    paths: files,
    files: systemFiles,
    keywords: builtinKeywords,
    plugins,
    checks: [checkRuleNames, checkLogs, checkSampleNames(plugins)],
    env: { ...process.env, HAPROXY_LOCALPEER: hostname() },
    facts: conditionFacts({ wanted: undefined, noSplice: false }),
  })
  if (loaded.alerts === 0) return loaded
  messages.lines(formatProblems(loaded, { pid: process.pid }), true)
  return undefined
}

/** 0: the connection's way was printed; 1: there is none, or the configuration or the arguments are wrong. */
export async function explainCommand(args: readonly string[], plugins: readonly Plugin[], messages: Messages, say: (line: string) => void = print): Promise<number> {
  if (asksForHelp(args)) {
    say(EXPLAIN_USAGE.trimEnd())
    return 0
  }
  const imagined = parseExplain(args)
  if (typeof imagined === 'string') {
    messages.alert(imagined)
    say(EXPLAIN_USAGE.trimEnd())
    return 1
  }
  const loaded = load(imagined.files, plugins, messages)
  if (loaded === undefined) return 1
  try {
    return await explain(loaded.configuration, imagined, plugins, say)
  } catch (error) {
    if (!(error instanceof BuildError)) throw error
    messages.problems(error.problems)
    return 1
  }
}

const LINT_USAGE = `Usage : headgate lint -f <file|folder> [-f …]
  What is known to go wrong with a configuration that is valid. A comment '# lint-ignore: <name>' on the line, on one of its own above
  it, or above the first section for the whole file, silences findings of that name:
${[...lintNames].map(([name, doc]) => `    ${name.padEnd(34)} ${doc}`).join('\n')}`

/** 0: nothing was found; 1: something was, or the configuration or the arguments are wrong. */
export async function lintCommand(args: readonly string[], plugins: readonly Plugin[], messages: Messages, say: (line: string) => void = print): Promise<number> {
  if (asksForHelp(args)) {
    say(LINT_USAGE)
    return 0
  }
  const files: string[] = []
  for (let i = 0; i < args.length; i += 2) {
    const file = args[i + 1]
    if (args[i] !== '-f' || file === undefined) {
      messages.alert(args[i] === '-f' ? "'-f' expects an argument" : `unknown option '${args[i] ?? ''}'`)
      say(LINT_USAGE)
      return 1
    }
    files.push(file)
  }
  if (files.length === 0) {
    say(LINT_USAGE)
    return 1
  }
  const loaded = load(files, plugins, messages)
  if (loaded === undefined) return 1
  const found = lint(loaded.configuration, plugins, loaded.problems.filter(({ level }) => level === 'warning'))
  for (const problem of found) say(describe(problem).replace(/^config : /, ''))
  return found.length === 0 ? 0 : 1
}
