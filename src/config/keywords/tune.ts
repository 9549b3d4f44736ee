// Owns the `tune.*` keywords of `global` that act here, and those words of HAProxy that have nothing to act on (manual 3.2).

import { flag, keyword } from '../../core/keyword.ts'
import type { Keyword } from '../../core/keyword.ts'
import { integer, size, time, withoutMeaning, word } from './arguments.ts'

const GLOBAL = ['global'] as const

/** Bytes of a connection's buffer in each direction. Default 16384. */
export const tuneBufsize = keyword<number>({
  name: 'tune.bufsize',
  sections: GLOBAL,
  args: '<size>',
  doc: 'Size of a buffer, and with it the most bytes that a handler or content rule can look at. Default 16384.',
  parse: (args) =>
    size(args, {
      min: 1,
      missing: "'tune.bufsize' expects an integer argument.",
      wrong: "'tune.bufsize' expects a positive integer argument.",
    }),
})

/** Connections accepted in a row before others get their turn. -1: no limit. */
export const tuneMaxaccept = keyword<number>({
  name: 'tune.maxaccept',
  sections: GLOBAL,
  args: '<number>',
  doc: 'How many connections are accepted in a row before others get their turn; -1 for no limit. Default 64.',
  parse: (args) => integer(args, { min: -1 }),
})

/** Bytes of a kernel pipe for splicing. */
export const tunePipesize = keyword<number>({
  name: 'tune.pipesize',
  sections: GLOBAL,
  args: '<size>',
  doc: "Size of a kernel pipe for splicing. Default 256k; 0: the system's, usually 64k.",
  parse: (args) =>
    size(args, { missing: "'tune.pipesize' expects an integer argument.", wrong: "'tune.pipesize' expects a size in bytes as argument." }),
})

function idleFlag(name: string, why: string): Keyword<unknown> {
  return withoutMeaning(keyword<boolean>({ name, sections: GLOBAL, args: '', doc: `Accepted, has no meaning here: ${why}`, parse: () => true }))
}

function negatableIdleFlag(name: string, why: string): Keyword<unknown> {
  return withoutMeaning(flag(name, GLOBAL, `Accepted, has no meaning here: ${why}`))
}

function idleInteger(name: string, why: string, min = 0, max?: number): Keyword<unknown> {
  return withoutMeaning(
    keyword<number>({
      name,
      sections: GLOBAL,
      args: '<number>',
      doc: `Accepted, has no meaning here: ${why}`,
      parse: (args) => integer(args, max === undefined ? { min } : { min, max }),
    }),
  )
}

function idleChoice(name: string, choices: readonly string[], why: string): Keyword<unknown> {
  const list = choices.map((c) => `'${c}'`).join(' or ')
  return withoutMeaning(
    keyword<string>({
      name,
      sections: GLOBAL,
      args: `{ ${choices.join(' | ')} }`,
      doc: `Accepted, has no meaning here: ${why}`,
      parse: (args) => {
        const w = word(args, `'${name}' expects ${list} as argument.`)
        if (w === undefined) return undefined
        return choices.includes(w.text) ? w.text : args.fail(`'${name}' expects ${list} as argument, found '${w.text}'.`, undefined, w)
      },
    }),
  )
}

const LOOP = "Node's own event loop is what waits for events."
const HTTP = 'it is for HTTP.'
const MEMORY = "memory is kept by Node's own allocator."

const idleKeywords: readonly Keyword<unknown>[] = [
  idleFlag('noepoll', LOOP),
  idleFlag('nopoll', LOOP),
  idleFlag('noevports', LOOP),
  idleFlag('nokqueue', LOOP),
  idleFlag('nogetaddrinfo', "names are resolved by Node's own resolver."),
  idleFlag('noreuseport', 'listening descriptors are never opened twice.'),
  idleFlag('no-memory-trimming', MEMORY),
  idleFlag('expose-experimental-directives', 'there are none.'),
  negatableIdleFlag('insecure-fork-wanted', 'nothing is started by a configuration.'),
  idleFlag('insecure-setuid-wanted', 'nothing is started by a configuration.'),
  negatableIdleFlag('busy-polling', LOOP),
  negatableIdleFlag('numa-cpu-mapping', 'the system places threads.'),
  idleInteger('tune.maxpollevents', LOOP),
  idleInteger('tune.runqueue-depth', LOOP),
  idleInteger('tune.buffers.reserve', MEMORY),
  idleInteger('tune.maxrewrite', 'nothing is rewritten in place, so no room is kept for it.'),
  idleInteger('tune.recv_enough', 'a read takes what is there.'),
  idleInteger('tune.pattern.cache-size', 'patterns are looked up in trees and need no cache.'),
  idleInteger('tune.pool-high-fd-ratio', 'no idle connections to servers are kept.', 1, 100),
  idleInteger('tune.pool-low-fd-ratio', 'no idle connections to servers are kept.', 1, 100),
  ...['tune.h2.header-table-size', 'tune.h2.initial-window-size', 'tune.h2.max-concurrent-streams', 'tune.h2.max-frame-size', 'tune.http.cookielen', 'tune.http.logurilen', 'tune.http.maxhdr'].map((name) =>
    idleInteger(name, HTTP),
  ),
  ...['maxcompcpuusage', 'maxcomprate', 'maxzlibmem', 'tune.comp.maxlevel', 'tune.zlib.memlevel', 'tune.zlib.windowsize'].map((name) => idleInteger(name, 'it is about the compression of HTTP.')),
  idleChoice('tune.idle-pool.shared', ['on', 'off'], 'no idle connections to servers are kept.'),
  idleChoice('tune.listener.multi-queue', ['on', 'off'], 'the kernel shares connections among threads.'),
  idleChoice('tune.fd.edge-triggered', ['on', 'off'], LOOP),
  idleChoice('tune.sched.low-latency', ['on', 'off'], LOOP),
  withoutMeaning(
    keyword<number>({
      name: 'tune.idletimer',
      sections: GLOBAL,
      args: '<timeout>',
      doc: 'Accepted, has no meaning here: buffers are held only while bytes are in flight.',
      parse: (args) =>
        time(args, {
          missing: "'tune.idletimer' expects a timer value between 0 and 65535 ms.",
          wrong: (c) => `unexpected character '${c}' in 'tune.idletimer'`,
        }),
    }),
  ),
]

export const tuneKeywords: readonly Keyword<unknown>[] = [tuneBufsize, tuneMaxaccept, tunePipesize, ...idleKeywords]
