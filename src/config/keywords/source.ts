// Owns `source` (of a backend and of a server line) and `dispatch` (manual 4.2, 5.2).

import { keyword } from '../../core/keyword.ts'
import type { Args, Keyword } from '../../core/keyword.ts'
import { inetEnd, type InetEnd } from './endpoint.ts'
import { sided, word } from './arguments.ts'

/** Where outgoing connections come from. */
export interface Source {
  /** 0.0.0.0 or ::: the kernel chooses. Port 0: the kernel chooses; with lastPort, one of the range. */
  readonly from: InetEnd
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
  const option = args.peek()
  if (option?.text === 'usesrc') {
    args.next()
    args.next()
    return args.fail("'usesrc' is not supported yet.", undefined, option)
  }
  if (option?.text === 'interface') {
    args.next()
    const device = word(args, `'${place === 'backend' ? 'source' : 'server'}' : missing interface name.`)
    return device === undefined ? undefined : { from, interface: device.text }
  }
  if (option !== undefined && place === 'backend') {
    args.rest()
    return args.fail("'source' only supports optional keywords 'interface' and 'usesrc'.", undefined, option)
  }
  return { from, interface: undefined }
}

export const backendSource = sided<Source>('backend', {
  name: 'source',
  args: '<addr>[:<port>] [interface <name>]',
  doc: 'The address that connections to servers come from. `usesrc` is not supported yet.',
  parse: (args) => source(args, 'backend'),
})

export const serverSource = keyword<Source>({
  name: 'source',
  sections: ['server'],
  args: '<addr>[:<port>[-<port>]] [interface <name>]',
  doc: "The address that connections to this server come from; replaces the backend's `source`. `usesrc` is not supported yet.",
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
