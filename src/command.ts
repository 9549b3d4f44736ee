// Owns the way from argv to a running process: which part of the program an invocation needs, and its exit status.
//
// What is heavy is imported when it is needed: `-v` answers at once, and a start reaches its listeners without loading what it does not use.

import { writeSync } from 'node:fs'
import type { Plugin } from './core/plugin.ts'
import { loadAllPlugins } from './plugins.ts'
import { parseArguments } from './process/arguments.ts'
import { Messages, writeStderr } from './process/messages.ts'
import { Signals } from './process/signals.ts'
import { detailsText, usageText, versionText } from './process/usage.ts'

/** First words that are not HAProxy's. */
const SUBCOMMANDS: Readonly<Record<string, (args: readonly string[], messages: Messages) => Promise<number>>> = {
  explain: async (args, messages) => {
    const [{ explainCommand }, plugins] = await Promise.all([import('./admin/commands.ts'), pluginsOrProblems(messages)])
    return plugins === undefined ? 1 : explainCommand(args, plugins, messages)
  },
  lint: async (args, messages) => {
    const [{ lintCommand }, plugins] = await Promise.all([import('./admin/commands.ts'), pluginsOrProblems(messages)])
    return plugins === undefined ? 1 : lintCommand(args, plugins, messages)
  },
}

function say(text: string): void {
  try {
    writeSync(1, text)
  } catch {
    // Nobody reads.
  }
}

/** Resolves with the exit status. */
export async function main(args: readonly string[]): Promise<number> {
  const messages = new Messages({ executable: process.argv[1] ?? process.execPath })
  const subcommand = Object.hasOwn(SUBCOMMANDS, args[0] ?? '') ? SUBCOMMANDS[args[0] ?? ''] : undefined
  if (subcommand !== undefined) return subcommand(args.slice(1), messages)

  const parsed = parseArguments(args)
  switch (parsed.kind) {
    case 'version':
      say(versionText())
      if (parsed.details) say(await details(messages))
      return 0
    case 'help':
      say(versionText())
      say(usageText())
      return 0
    case 'usage':
      if (parsed.reason !== undefined) messages.alert(parsed.reason)
      say(versionText())
      writeStderr(usageText())
      return 1
    case 'refused':
      messages.alert(parsed.text)
      return 1
    case 'run': {
      const signals = new Signals(process)
      const [{ start }, plugins] = await Promise.all([import('./process/start.ts'), pluginsOrProblems(messages)])
      if (plugins === undefined) return 1
      return start({ line: parsed.line, messages, signals, plugins, threadEntry: new URL('./data-thread.js', import.meta.url), say })
    }
  }
}

/** All plugins; undefined when one that the environment names cannot be used, which has been said. */
async function pluginsOrProblems(messages: Messages): Promise<readonly Plugin[] | undefined> {
  const loaded = await loadAllPlugins()
  for (const problem of loaded.problems) messages.alert(problem)
  return loaded.problems.length > 0 ? undefined : loaded.plugins
}

async function details(messages: Messages): Promise<string> {
  const [{ conditionFacts, describeProviders }, plugins] = await Promise.all([import('./process/providers.ts'), pluginsOrProblems(messages)])
  return detailsText({
    providers: describeProviders(),
    features: [...conditionFacts({ wanted: undefined, noSplice: false }).features].toSorted(),
    plugins: (plugins ?? []).map((plugin) => plugin.name),
  })
}
