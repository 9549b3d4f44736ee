// Owns the options of server lines that say how its health is checked (manual 5.2). Checks are not done yet: `check` says so.

import { keyword } from '../../core/keyword.ts'
import type { Keyword } from '../../core/keyword.ts'
import { inetEnd, type InetEnd } from './endpoint.ts'
import { integer, time, word } from './arguments.ts'

const SERVER = ['server'] as const

/** Read and warned about: a server is taken as up until checks are done. */
export const serverCheck = keyword<boolean>({
  name: 'check',
  sections: SERVER,
  args: '',
  doc: "Not supported yet: the line is taken with a warning, and the server as up, whatever `inter`, `rise`, `fall` and the like say.",
  parse: (args) => {
    args.warn("'check' has no effect yet: health checks are not supported yet, the server is taken as up.", undefined, undefined, 'no-effect')
    return true
  },
})

export const serverNoCheck = keyword<boolean>({
  name: 'no-check',
  sections: SERVER,
  args: '',
  doc: 'Takes back `check` of a default-server line.',
  writes: serverCheck,
  parse: () => false,
})

function interval(name: string, doc: string): Keyword<number> {
  return keyword<number>({
    name,
    sections: SERVER,
    args: '<delay>',
    doc,
    parse: (args) =>
      time(args, {
        missing: `'${name}' expects a delay as argument.`,
        wrong: (c) => `unexpected character '${c}' in '${name}' argument of server.`,
        overflow: (w) => `timer overflow in argument <${w}> to <${name}> of server, maximum value is 2147483647 ms (~24.8 days).`,
        zero: `invalid value 0 for argument '${name}' of server.`,
      }),
  })
}

function count(name: string, doc: string): Keyword<number> {
  const wrong = `'${name}' has to be > 0.`
  return keyword<number>({
    name,
    sections: SERVER,
    args: '<count>',
    doc,
    parse: (args) => integer(args, { min: 1, missing: `'${name}' expects an integer argument.`, wrong: () => wrong, outside: () => wrong }),
  })
}

/** ms. */
export const serverInter = interval('inter', 'For `check`: time between two checks. Default 2s.')
export const serverFastinter = interval('fastinter', 'For `check`: time between two checks while the state is about to change. Default: `inter`.')
export const serverDowninter = interval('downinter', 'For `check`: time between two checks while the server is down. Default: `inter`.')
export const serverRise = count('rise', 'For `check`: how many have to succeed before a server is up again. Default 2.')
export const serverFall = count('fall', 'For `check`: how many have to fail before a server is down. Default 3.')

export const serverCheckPort = keyword<number>({
  name: 'port',
  sections: SERVER,
  args: '<port>',
  doc: "For `check`: the port that it connects to. Default: the server's.",
  parse: (args) => {
    const wrong = (w: string): string => `'port' expects a port number as argument, found '${w}'.`
    return integer(args, { min: 1, max: 65535, missing: "'port' expects a port number as argument.", wrong, outside: wrong })
  },
})

export const serverCheckAddr = keyword<InetEnd>({
  name: 'addr',
  sections: SERVER,
  args: '<ipv4|ipv6>',
  doc: "For `check`: the address that it connects to. Default: the server's.",
  parse: (args) => {
    const w = word(args, "'addr' expects <ipv4|ipv6> as argument.")
    return w === undefined ? undefined : inetEnd(args, w, { prefix: "'addr' : ", port: 'optional' })
  },
})

export const checkKeywords: readonly Keyword<unknown>[] = [
  serverCheck,
  serverNoCheck,
  serverInter,
  serverFastinter,
  serverDowninter,
  serverRise,
  serverFall,
  serverCheckPort,
  serverCheckAddr,
]
