// Owns `source` (of a backend and of a server line) and `dispatch` (manual 4.2, 5.2).

import { keyword } from '../../core/keyword.ts'
import type { Args, Keyword, Word } from '../../core/keyword.ts'
import { inetEnd, type InetEnd } from './endpoint.ts'
import { sided, word } from './arguments.ts'

/** Where outgoing connections come from. */
export interface Source {
  /** 0.0.0.0 or ::: the kernel chooses. Port 0: the kernel chooses; with lastPort, one of the range. */
  readonly from: InetEnd
  /** In its place, though it may be nobody's here: the client's address and port, its address alone, or this one. Only where the provider can. */
  readonly usesrc: 'client' | 'clientip' | InetEnd | undefined
  /** Bind to this device; only where the provider can. */
  readonly interface: string | undefined
}

function source(args: Args, place: 'backend' | 'server'): Source | undefined {
  const missing =
    place === 'backend'
      ? "'source' expects <addr>[:<port>], and optionally 'usesrc' <addr>, and 'interface' <name>."
      : "'source' expects <addr>[:<port>[-<port>]], and optionally 'usesrc' <addr>, and 'interface' <name> as argument."
  const w = word(args, missing)
  if (w === undefined) return undefined
  const from = inetEnd(args, w, { prefix: `'source ${w.text}' : `, port: place === 'backend' ? 'optional' : 'range' })
  if (from === undefined) return undefined
  let usesrc: Source['usesrc']
  let device: string | undefined
  for (let option = args.peek(); option?.text === 'usesrc' || option?.text === 'interface'; option = args.peek()) {
    args.next()
    if (option.text === 'interface') {
      device = word(args, `'${place === 'backend' ? 'source' : 'server'}' : missing interface name.`)?.text
      if (device === undefined) return undefined
    } else {
      usesrc = transparent(args, option)
      if (usesrc === undefined) return undefined
    }
  }
  const rest = args.peek()
  if (rest !== undefined && place === 'backend') {
    args.rest()
    return args.fail("'source' only supports optional keywords 'interface' and 'usesrc'.", undefined, rest)
  }
  return { from, usesrc, interface: device }
}

/** What follows `usesrc`. */
function transparent(args: Args, option: Word): Source['usesrc'] {
  const w = args.next()
  if (w === undefined || w.text === '') return args.fail("'usesrc' expects <addr>[:<port>], 'client', or 'clientip' as argument.", undefined, w ?? option)
  if (w.text === 'client' || w.text === 'clientip') return w.text
  if (w.text.startsWith('hdr_ip(')) return args.fail(`'usesrc ${w.text}' is for HTTP, not supported: Headgate is a TCP/TLS proxy.`, "'usesrc clientip' takes the client's address, or what a PROXY header or set-src says", w)
  return inetEnd(args, w, { prefix: `'usesrc ${w.text}' : `, port: 'optional' })
}

export const backendSource = sided<Source>('backend', {
  name: 'source',
  args: '<addr>[:<port>] [usesrc { <addr2>[:<port2>] | client | clientip }] [interface <name>]',
  doc: 'The address that connections to servers come from. `usesrc` (a foreign one: the client\'s, or any) and `interface` need the linux provider.',
  parse: (args) => source(args, 'backend'),
})

export const serverSource = keyword<Source>({
  name: 'source',
  sections: ['server'],
  args: '<addr>[:<port>[-<port>]] [usesrc { <addr2>[:<port2>] | client | clientip }] [interface <name>]',
  doc: "The address that connections to this server come from; replaces the backend's `source`. `usesrc` (a foreign one: the client's, or any) and `interface` need the linux provider.",
  parse: (args) => source(args, 'server'),
})

/** Where all connections of a backend without servers go. The port is never 0. */
export const dispatch = sided<InetEnd>('backend', {
  name: 'dispatch',
  args: '<address>:<port>',
  doc: 'Where connections go when the backend has no server line.',
  defaults: false,
  parse: (args) => {
    const w = args.next() ?? { text: '', column: args.place.column ?? 1 }
    return inetEnd(args, w, { prefix: "'dispatch' : ", port: 'required' })
  },
})

export const sourceKeywords: readonly Keyword<unknown>[] = [backendSource, serverSource, dispatch]
