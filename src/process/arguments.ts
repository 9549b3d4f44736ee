// Owns the command line: HAProxy's options (management manual, chapter 3), read into data. Nothing here touches the system.

import { didYouMean } from '../config/near.ts'

export interface CommandLine {
  /** -f and what follows `--`, in order. */
  readonly files: readonly string[]
  /** -c: check the files and leave. */
  readonly check: boolean
  /** -cc EXPR: evaluate a condition and leave. */
  readonly condition: string | undefined
  /** -d: debug mode; stays in the foreground. */
  readonly debug: boolean
  /** -db, and -d: never into the background. */
  readonly foreground: boolean
  readonly daemon: boolean
  readonly quiet: boolean
  /** -V: undoes -q and `quiet`. */
  readonly verbose: boolean
  /** -dW */
  readonly zeroWarning: boolean
  /** -dD */
  readonly diag: boolean
  /** -dr: names of servers that do not resolve stop nothing. */
  readonly ignoreResolution: boolean
  /** -dS */
  readonly noSplice: boolean
  /** -dV: certificates of servers are not verified. */
  readonly noServerVerify: boolean
  /** -dL: print what is loaded. */
  readonly dumpObjects: boolean
  /** -dC: print the configuration. */
  readonly dumpConfiguration: boolean
  /** -dK: the classes of keywords to print. */
  readonly dumpKeywords: readonly string[]
  /** -p, -n, -N, -m (in MB), -C, -L: each wins over its keyword in `global`. */
  readonly pidFile: string | undefined
  readonly maxconn: number | undefined
  readonly proxyMaxconn: number | undefined
  readonly memory: number | undefined
  readonly directory: string | undefined
  readonly localPeer: string | undefined
  /** --provider, or -de: no epoll means the node provider. Ours. */
  readonly provider: 'node' | 'linux' | undefined
}

export type Parsed =
  | { readonly kind: 'run'; readonly line: CommandLine }
  /** -v; -vv with `details`. */
  | { readonly kind: 'version'; readonly details: boolean }
  /** -h. */
  | { readonly kind: 'help' }
  /** Wrong, and why where there is something to say. */
  | { readonly kind: 'usage'; readonly reason?: string }
  /** HAProxy has it and we have not. */
  | { readonly kind: 'refused'; readonly text: string }

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer E)[] ? E[] : T[K] }
type Line = Mutable<CommandLine>

function empty(): Line {
  return {
    files: [],
    check: false,
    condition: undefined,
    debug: false,
    foreground: false,
    daemon: false,
    quiet: false,
    verbose: false,
    zeroWarning: false,
    diag: false,
    ignoreResolution: false,
    noSplice: false,
    noServerVerify: false,
    dumpObjects: false,
    dumpConfiguration: false,
    dumpKeywords: [],
    pidFile: undefined,
    maxconn: undefined,
    proxyMaxconn: undefined,
    memory: undefined,
    directory: undefined,
    localPeer: undefined,
    provider: undefined,
  }
}

/** Options without an argument. */
const FLAGS: Readonly<Record<string, (line: Line) => void>> = {
  '-c': (line) => (line.check = true),
  '-d': (line) => (line.debug = line.foreground = true),
  '-db': (line) => (line.foreground = true),
  '-D': (line) => (line.daemon = true),
  '-q': (line) => (line.quiet = true),
  '-V': (line) => (line.verbose = true),
  '-dW': (line) => (line.zeroWarning = true),
  '-dD': (line) => (line.diag = true),
  '-dr': (line) => (line.ignoreResolution = true),
  '-dS': (line) => (line.noSplice = true),
  '-dV': (line) => (line.noServerVerify = true),
  '-dL': (line) => (line.dumpObjects = true),
  '-dC': (line) => (line.dumpConfiguration = true),
  '-de': (line) => (line.provider ??= 'node'),
}

/** Taken and without a meaning here: pollers, allocators and socket options that there is only one of. */
const WITHOUT_MEANING = ['-dp', '-dk', '-dG', '-dR', '-dI', '-dF', '-dZ']

const LATER: Readonly<Record<string, string>> = {
  '-W': 'master-worker mode',
  '-Ws': 'master-worker mode with systemd notification',
  '-S': 'the command socket of a master',
  '-sf': 'finishing old processes',
  '-st': 'terminating old processes',
  '-x': 'getting listening sockets from an old process',
}

/** Options with an argument. Each returns what is wrong with it, or nothing. */
const VALUES: Readonly<Record<string, (line: Line, value: string) => string | undefined>> = {
  '-f': (line, value) => take(() => line.files.push(value)),
  '-p': (line, value) => take(() => (line.pidFile = value)),
  '-C': (line, value) => take(() => (line.directory = value)),
  '-L': (line, value) => take(() => (line.localPeer = value)),
  '-cc': (line, value) => take(() => (line.condition = value)),
  '-n': (line, value) => count('-n', value, (n) => (line.maxconn = n)),
  '-N': (line, value) => count('-N', value, (n) => (line.proxyMaxconn = n)),
  '-m': (line, value) => count('-m', value, (n) => (line.memory = n)),
  '--provider': (line, value) => {
    if (value !== 'node' && value !== 'linux') return `'--provider' expects 'node' or 'linux', found '${value}'`
    return take(() => (line.provider = value))
  },
}

/** Nothing can be wrong with it. */
function take(set: () => void): undefined {
  set()
}

/** HAProxy reads `abc` as 0; here it is an error. */
function count(option: string, value: string, set: (n: number) => void): string | undefined {
  if (!/^[0-9]{1,9}$/.test(value)) return `'${option}' expects a number, found '${value}'`
  set(Number(value))
  return undefined
}

/** An entry of a table, and never what every object has. */
function own<T>(table: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined
}

/** `args` without the program's name. The first -v, mistake or refusal ends the reading, as in HAProxy. */
export function parseArguments(args: readonly string[]): Parsed {
  const line = empty()
  for (let i = 0; i < args.length; i++) {
    const option = args[i] ?? ''
    if (option === '--') {
      line.files.push(...args.slice(i + 1))
      break
    }
    if (option === '-v' || option === '-vv' || option === '--version') return { kind: 'version', details: option === '-vv' }
    if (option === '-h' || option === '--help') return { kind: 'help' }
    const later = own(LATER, option)
    if (later !== undefined) return { kind: 'refused', text: `'${option}' (${later}) is not supported yet` }
    const flag = own(FLAGS, option)
    const value = own(VALUES, option)
    if (flag !== undefined) flag(line)
    else if (value !== undefined) {
      const given = args[++i]
      if (given === undefined) return { kind: 'usage', reason: `'${option}' expects an argument` }
      const wrong = value(line, given)
      if (typeof wrong === 'string') return { kind: 'usage', reason: wrong }
    } else if (option.startsWith('-dK')) line.dumpKeywords.push(...option.slice(3).split(',').filter((name) => name !== ''))
    else if (!WITHOUT_MEANING.includes(option) && !option.startsWith('-dM')) {
      return option.startsWith('-') && option.length > 1
        ? { kind: 'usage', reason: `unknown option '${option}'` }
        : { kind: 'usage', reason: `unexpected argument '${option}': ${hintOf(option)}` }
    }
  }
  if (line.files.length === 0 && line.condition === undefined) return { kind: 'usage' }
  return { kind: 'run', line }
}

/** What a word may have been meant for that is neither an option nor a subcommand. */
function hintOf(word: string): string {
  const meant = didYouMean(word, ['explain', 'lint'])
  return meant ?? "a configuration file is given with -f, or behind '--'"
}
