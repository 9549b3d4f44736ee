// Owns the keywords of `global` that describe the process: limits, identity, how it runs (manual 3.1, 3.2).

import { flag, keyword } from '../../core/keyword.ts'
import type { Args, Keyword } from '../../core/keyword.ts'
import { integer, sentence, time, withoutMeaning, word } from './arguments.ts'
import { groupId, userId } from './accounts.ts'

const GLOBAL = ['global'] as const

/** HAProxy has no `no` for these. */
function only(name: string, doc: string): Keyword<boolean> {
  return keyword<boolean>({ name, sections: GLOBAL, args: '', doc, parse: () => true })
}

/** Connections that the process holds at a time. Default: from the descriptor limit. */
export const globalMaxconn = keyword<number>({
  name: 'maxconn',
  sections: GLOBAL,
  args: '<number>',
  doc: 'How many client connections the process holds at a time; more wait in the kernel. 0 or unset: what the descriptor limit allows.',
  parse: (args) => integer(args),
})

export const nbthread = keyword<number>({
  name: 'nbthread',
  sections: GLOBAL,
  args: '<number>',
  doc: 'Data threads, 1 to 64. Default 1; the node provider has one, whatever is written.',
  parse: (args) =>
    integer(args, {
      min: 1,
      max: 64,
      missing: `'nbthread' passed a missing or unparsable integer value in ''`,
      wrong: (w) => `'nbthread' passed a missing or unparsable integer value in '${w}'`,
      outside: (w) => `'nbthread' value must be between 1 and 64 (was ${w})`,
    }),
})

export const daemon = only('daemon', 'Run in the background, as with -D.')
export const quiet = only('quiet', 'Print nothing at start-up, as with -q.')
export const zeroWarning = only('zero-warning', 'Refuse to start when anything was warned about, as with -dW.')

function path(name: string, args: string, missing: string, doc: string): Keyword<string> {
  return keyword<string>({ name, sections: GLOBAL, args, doc, parse: (a) => word(a, missing)?.text })
}

export const pidfile = path('pidfile', '<file>', "'pidfile' expects a file name as an argument.", 'Write the process id to this file, as with -p.')
export const caBase = path(
  'ca-base',
  '<dir>',
  "global statement 'ca-base' expects a directory path as an argument.",
  'Where relative names of ca-file, ca-verify-file and crl-file begin.',
)
export const crtBase = path(
  'crt-base',
  '<dir>',
  "global statement 'crt-base' expects a directory path as an argument.",
  'Where relative names of crt and crt-list begin.',
)

function account(name: 'uid' | 'gid', other: 'user' | 'group', doc: string): Keyword<number> {
  return keyword<number>({
    name,
    sections: GLOBAL,
    args: '<number>',
    doc,
    parse: (args, before) => {
      if (before !== undefined) return already(args)
      return integer(args, {
        max: 4294967295,
        wrong: (w) => `'${name}' expects an integer argument, '${w}' is not a number. You might want to use the '${other}' parameter to use a system ${other} name.`,
      })
    },
  })
}

/** A second user or group is an alert in HAProxy. */
function already(args: Args): undefined {
  args.rest()
  const kind = args.keyword === 'uid' || args.keyword === 'user' ? 'user/uid' : 'group/gid'
  return args.fail(`${kind} already specified. Continuing.`)
}

export const uid = account('uid', 'user', 'User id that the process changes to once it listens.')
export const gid = account('gid', 'group', 'Group id that the process changes to once it listens.')

function named(name: 'user' | 'group', writes: Keyword<number>, find: (name: string) => number | undefined): Keyword<number> {
  return keyword<number>({
    name,
    sections: GLOBAL,
    args: '<name>',
    doc: `Like ${writes.name}, by the name of a system ${name}.`,
    writes,
    parse: (args, before) => {
      if (before !== undefined) return already(args)
      const w = word(args, `'${name}' expects a ${name} name as an argument.`)
      if (w === undefined) return undefined
      return find(w.text) ?? args.fail(`cannot find ${name} id for '${w.text}'`, undefined, w)
    },
  })
}

export const user = named('user', uid, userId)
export const group = named('group', gid, groupId)

/** ms from the soft stop (SIGUSR1) until sessions that are left are ended. */
export const hardStopAfter = keyword<number>({
  name: 'hard-stop-after',
  sections: GLOBAL,
  args: '<time>',
  doc: 'How long a soft stop waits for sessions to end before it ends them. Unset: for ever.',
  parse: (args) =>
    time(args, {
      missing: "'hard-stop-after' expects <time> as argument.",
      wrong: (c) => `unexpected character '${c}' in argument to <hard-stop-after>.`,
    }),
})

export const globalDescription = keyword<string>({
  name: 'description',
  sections: GLOBAL,
  args: '<text>',
  doc: 'Accepted, has no meaning here: describes this process in its statistics, which are not supported yet.',
  parse: (args) => sentence(args),
})

export const node = keyword<string>({
  name: 'node',
  sections: GLOBAL,
  args: '<name>',
  doc: 'Accepted, has no meaning here: names this machine in its statistics, which are not supported yet. Logs have the host name (%H, hostname).',
  parse: (args) => {
    const w = args.next()
    if (w === undefined || !/^[0-9A-Za-z._-]+$/.test(w.text)) {
      return args.fail(
        "'node' requires valid node name - non-empty string with digits(0-9), letters(A-Z, a-z), dot(.), hyphen(-) or underscode(_).",
        undefined,
        w,
      )
    }
    return w.text
  },
})

export const localpeer = keyword<string>({
  name: 'localpeer',
  sections: GLOBAL,
  args: '<name>',
  doc: 'The name of this process among its peers, as with -L, and from there on $HAPROXY_LOCALPEER. Default: the host name.',
  parse: (args, before) => {
    const name = word(args, "'localpeer' expects a name as an argument.")
    if (name === undefined) return undefined
    if (args.localPeer !== undefined) {
      args.warn("'localpeer' ignored since it is already set by using the '-L' command line argument.", undefined, undefined, 'no-effect')
      return before
    }
    args.env.set('HAPROXY_LOCALPEER', name.text)
    return name.text
  },
})

/** true once written; false: limits that cannot be had are only warned about. Default true. */
export const strictLimits = flag('strict-limits', GLOBAL, 'Refuse to start when the descriptor limit is too low for maxconn. On by default; `no strict-limits` warns instead.')

export const fdHardLimit = keyword<number>({
  name: 'fd-hard-limit',
  sections: GLOBAL,
  args: '<number>',
  doc: 'The most descriptors that the process plans with, whatever the system allows.',
  parse: (args) => integer(args),
})

export const ulimitN = keyword<number>({
  name: 'ulimit-n',
  sections: GLOBAL,
  args: '<number>',
  doc: 'Descriptors that the process needs at least; it cannot raise its own limit, and says so when it is too low.',
  parse: (args) => integer(args),
})

/** Which sock provider to use. Ours. Default: linux where it loads, else node. */
export const provider = keyword<'node' | 'linux'>({
  name: 'provider',
  sections: GLOBAL,
  args: '{ node | linux }',
  doc: 'The sock provider. Default: linux where it loads, else node. (Not in HAProxy.)',
  parse: (args) => {
    const w = word(args, "'provider' expects 'node' or 'linux' as argument.")
    if (w === undefined) return undefined
    if (w.text === 'node' || w.text === 'linux') return w.text
    return args.fail(`'provider' expects 'node' or 'linux' as argument, found '${w.text}'.`, undefined, w)
  },
})

export const nosplice = only('nosplice', 'Never splice: bytes always pass through buffers, as with -dS.')

export const maxpipes = keyword<number>({
  name: 'maxpipes',
  sections: GLOBAL,
  args: '<number>',
  doc: 'The most kernel pipes that a data thread uses for splicing at a time. Default 256.',
  parse: (args) => integer(args),
})

/** Unset: as auto. */
export const profilingTasks = keyword<'on' | 'off' | 'auto'>({
  name: 'profiling.tasks',
  sections: GLOBAL,
  args: '{ auto | on | off }',
  doc: 'Measure what sessions cost, for cpu_ns_tot, lat_ns_tot and the like. Default auto: where an expression asks for it.',
  parse: (args) => {
    const w = args.next()
    if (w?.text === 'on' || w?.text === 'off' || w?.text === 'auto') return w.text
    return args.fail(`'profiling.tasks' expects either 'on', 'auto', or 'off' but got '${w?.text ?? ''}'.`, undefined, w)
  },
})

export const globalKeywords: readonly Keyword<unknown>[] = [
  globalMaxconn,
  nbthread,
  daemon,
  quiet,
  zeroWarning,
  pidfile,
  caBase,
  crtBase,
  uid,
  gid,
  user,
  group,
  hardStopAfter,
  withoutMeaning(globalDescription),
  withoutMeaning(node),
  localpeer,
  strictLimits,
  fdHardLimit,
  ulimitN,
  provider,
  nosplice,
  maxpipes,
  profilingTasks,
]
