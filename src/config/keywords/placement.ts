// Owns keywords of `global` that HAProxy acts on and this process cannot: they are read, checked, and warned about.

import { keyword } from '../../core/keyword.ts'
import type { Keyword } from '../../core/keyword.ts'
import { word } from './arguments.ts'

const CPU_MAP =
  "cpu-map expects a process number  ('all', 'odd', 'even', a number from 1 to 64 or a range),  followed by a list of CPU ranges with numbers from 0 to 63."

/** all, odd, even, N, N-M or N-, with an optional `auto:` and a second such set behind a slash. */
const THREADS = /^(?:auto:)?(?:all|odd|even|\d+(?:-\d*)?)(?:\/(?:all|odd|even|\d+(?:-\d*)?))?$/
const CPUS = /^(?:all|odd|even|\d+(?:-\d*)?)(?:,(?:all|odd|even|\d+(?:-\d*)?))*$/

export const cpuMap = keyword<readonly string[]>({
  name: 'cpu-map',
  sections: ['global'],
  args: '[auto:]<thread-group>[/<thread-set>] <cpu-set>[,...] [...]',
  doc: 'Read, checked and warned about: a Node process cannot bind its threads to CPUs (use taskset).',
  parse: (args) => {
    const words = args.rest()
    const [threads, ...cpus] = words
    if (threads === undefined || cpus.length === 0) return args.fail(CPU_MAP)
    for (const [i, w] of words.entries()) {
      if (!(i === 0 ? THREADS : CPUS).test(w.text)) return args.fail(`cpu-map : '${w.text}' is not a valid number/range.`, undefined, w)
    }
    args.warn("'cpu-map' has no effect: a Node process cannot bind its threads to CPUs.", 'start the process with taskset', threads, 'no-effect')
    return cpus.map((w) => w.text)
  },
})

export const setDumpable = keyword<boolean>({
  name: 'set-dumpable',
  sections: ['global'],
  args: '',
  doc: 'Accepted and warned about: a Node process cannot change whether it leaves a core dump.',
  parse: (args) => {
    args.warn("'set-dumpable' has no effect: a Node process cannot change whether it leaves a core dump.", undefined, undefined, 'no-effect')
    return true
  },
  negate: () => false,
})

/** Modules that are loaded on first use would be out of reach behind a new root, had Node a call for it. */
export const chroot = keyword<string>({
  name: 'chroot',
  sections: ['global'],
  args: '<dir>',
  doc: 'Read and warned about: a Node process cannot change its root directory (use the service manager).',
  parse(args) {
    const folder = word(args, "'chroot' expects a directory as an argument.")
    if (folder === undefined) return undefined
    if (args.peek() === undefined) args.warn("'chroot' has no effect: a Node process cannot change its root directory.", 'leave it to the service manager (systemd: RootDirectory=)', folder, 'no-effect')
    return folder.text
  },
})

export const placementKeywords: readonly Keyword<unknown>[] = [cpuMap, setDumpable, chroot]
