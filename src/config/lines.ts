// Owns bind, server and default-server lines: their addresses, and their options as values.

import { keyword } from '../core/keyword.ts'
import type { Keyword, Place, Values } from '../core/keyword.ts'
import { parseListenAddresses, parseServerAddress } from './address.ts'
import type { ListenAddress, ServerAddress } from './address.ts'
import { badCharacter } from './names.ts'

export interface BindLine {
  /** One for each listener: comma lists and port ranges are taken apart. */
  readonly addresses: readonly ListenAddress[]
  /** As written, for messages and logs. */
  readonly text: string
  /** The options behind the addresses. */
  readonly values: Values
  readonly place: Place
}

export interface ServerLine {
  readonly name: string
  readonly address: ServerAddress
  /** The options: the line's own, then those of the default-server lines above it, then the defaults section's default-server. */
  readonly values: Values
  readonly place: Place
}

/** The bind lines of a frontend, in order. */
export const bindLines = keyword<readonly BindLine[]>({
  name: 'bind',
  sections: ['frontend'],
  args: '[<address>]:<port_range> [, ...] [param*]',
  doc: 'Where connections are accepted: addresses, Unix sockets or inherited descriptors, and options for them.',
  parse(args, before = []) {
    const at = args.next()
    if (at === undefined || at.text === '') return args.fail("'bind' expects {<path>|[addr1]:port1[-end1]}{,[addr]:port[-end]}... as arguments.")
    const addresses = parseListenAddresses(at.text, args.env, (text) => args.fail(`'bind' : ${text}`, undefined, at))
    const values = args.options('bind')
    return addresses && [...before, { addresses, text: at.text, values, place: args.place }]
  },
})

/** The options of the default-server lines so far, each over those before it. */
const defaultServer = keyword<Values>({
  name: 'default-server',
  sections: ['defaults', 'backend'],
  args: '[param*]',
  doc: 'Options that the server lines below have unless they say otherwise.',
  inherits: 'add',
  parse: (args, before) => args.options('server', before),
})

/** The lists that this module made and still adds to, and the names in them: a backend may have tens of thousands of servers. */
const GROWING = new WeakMap<readonly ServerLine[], { readonly list: ServerLine[]; readonly names: Map<string, ServerLine> }>()

function growing(before: readonly ServerLine[] | undefined): { readonly list: ServerLine[]; readonly names: Map<string, ServerLine> } {
  const known = before === undefined ? undefined : GROWING.get(before)
  if (known !== undefined) return known
  const list = [...(before ?? [])]
  const made = { list, names: new Map(list.map((line) => [line.name, line])) }
  GROWING.set(list, made)
  return made
}

const USAGE = "'server' expects <name> and <addr>[:<port>] as arguments."

/** The server lines of a backend, in order. */
export const serverLines = keyword<readonly ServerLine[]>({
  name: 'server',
  sections: ['backend'],
  args: '<name> <address>[:[port]] [param*]',
  doc: 'A server of this backend. Without a port it is connected to on the port that the client came to; +N and -N are relative to it.',
  parse(args, before) {
    const { list, names } = growing(before)
    const name = args.next()
    const at = args.next()
    if (name === undefined || at === undefined || name.text === '' || at.text === '') return args.fail(USAGE)
    const bad = badCharacter(name.text)
    if (bad !== undefined) args.fail(`character '${bad}' is not permitted in server name '${name.text}'.`, undefined, name)
    const twin = names.get(name.text)
    if (twin !== undefined) {
      const text = `${args.sectionKind === 'listen' ? 'proxy' : 'backend'} '${args.sectionName}', another server named '${name.text}' was already defined at line ${twin.place.line}, please use distinct names.`
      args.fail(text, undefined, name)
    }
    const prefix = `'server ${args.sectionName}/${name.text}' : `
    const address = parseServerAddress(at.text, args.env, (text) => args.fail(prefix + text, undefined, at))
    const values = args.options('server', args.values.get(defaultServer))
    if (address === undefined) return undefined
    const line: ServerLine = { name: name.text, address, values, place: args.place }
    list.push(line)
    names.set(line.name, line)
    return list
  },
})

export const lineKeywords: readonly Keyword<unknown>[] = [bindLines, serverLines, defaultServer]
