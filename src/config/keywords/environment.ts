// Owns the keywords of `global` that change what later lines read: environment variables and where relative paths begin (manual 3.1).

import { keyword } from '../../core/keyword.ts'
import type { Args, Keyword } from '../../core/keyword.ts'
import { sentence, word } from './arguments.ts'

const GLOBAL = ['global'] as const

function assignment(name: 'setenv' | 'presetenv', doc: string, applies: (args: Args, variable: string) => boolean): Keyword<true> {
  return keyword<true>({
    name,
    sections: GLOBAL,
    args: '<name> <value>',
    doc,
    parse: (args) => {
      const missing = `'${name}' expects a name and a value.`
      const variable = word(args, missing)
      if (variable === undefined) return undefined
      const value = args.next()
      if (value === undefined) return args.fail(missing)
      if (variable.text.includes('=')) return args.fail(`'${name}' : '${variable.text}' is not a name of a variable.`, undefined, variable)
      if (applies(args, variable.text)) args.env.set(variable.text, value.text)
      return true
    },
  })
}

export const setenv = assignment('setenv', 'Sets an environment variable for the lines that follow, whether or not it had a value.', () => true)

export const presetenv = assignment(
  'presetenv',
  'Sets an environment variable for the lines that follow unless it has a value.',
  (args, variable) => !args.env.has(variable),
)

export const unsetenv = keyword<true>({
  name: 'unsetenv',
  sections: GLOBAL,
  args: '<name> ...',
  doc: 'Removes environment variables for the lines that follow.',
  parse: (args) => {
    const names = args.rest()
    if (names.length === 0) return args.fail("'unsetenv' expects at least one variable name.")
    for (const name of names) args.env.delete(name.text)
    return true
  },
})

export const resetenv = keyword<true>({
  name: 'resetenv',
  sections: GLOBAL,
  args: '[<name> ...]',
  doc: 'Removes all environment variables for the lines that follow, save those named.',
  parse: (args) => {
    const keep = new Set(args.rest().map((w) => w.text))
    for (const name of args.env.keys()) if (!keep.has(name)) args.env.delete(name)
    return true
  },
})

/** Where relative file names in lines that follow begin. */
export type DefaultPath =
  | { readonly mode: 'current' }
  /** The folder of the configuration file that the line is in. */
  | { readonly mode: 'config' }
  /** The folder above that one. */
  | { readonly mode: 'parent' }
  | { readonly mode: 'origin'; readonly path: string }

export const defaultPath = keyword<DefaultPath>({
  name: 'default-path',
  sections: GLOBAL,
  args: '{ current | config | parent | origin <path> }',
  doc: 'Where relative file names in the lines that follow begin. Default: the working directory.',
  parse: (args) => {
    const mode = args.next()
    const text = mode?.text ?? ''
    switch (text) {
      case 'current':
      case 'config':
      case 'parent':
        return { mode: text }
      case 'origin': {
        const path = word(args, "'default-path origin' expects a directory as an argument.")
        return path === undefined ? undefined : { mode: 'origin', path: path.text }
      }
      default:
        return args.fail(
          `${text === '' ? 'missing' : 'unsupported'} default-path mode '${text}' for 'default-path', supported modes include 'current', 'config', 'parent', and 'origin'.`,
          undefined,
          mode,
        )
    }
  },
})

/** What is logged as the sender's name in syslog headers: a name, or true for the host's own. */
export const logSendHostname = keyword<string | true>({
  name: 'log-send-hostname',
  sections: GLOBAL,
  args: '[<string>]',
  doc: "Puts a host name into syslog headers: the one given, or the host's own. Makes rfc3164 the default format.",
  parse: (args) => {
    const name = sentence(args)
    return name === '' ? true : name
  },
})

export const environmentKeywords: readonly Keyword<unknown>[] = [setenv, presetenv, unsetenv, resetenv, defaultPath, logSendHostname]
