// Owns the options of server and default-server lines that are not about TLS, PROXY headers or checks (manual 5.2).

import { keyword } from '../../core/keyword.ts'
import type { Keyword } from '../../core/keyword.ts'
import { isIP } from 'node:net'
import { integer, word, type IntegerRule } from './arguments.ts'
import { userTimeout } from './bind.ts'
import { positiveId } from './proxy.ts'

const SERVER = ['server'] as const

/** On or off once written; `off` is the word that says the contrary. */
function on(name: string, doc: string): Keyword<boolean> {
  return keyword<boolean>({ name, sections: SERVER, args: '', doc, parse: () => true })
}

function off(name: string, writes: Keyword<boolean>): Keyword<boolean> {
  return keyword<boolean>({
    name,
    sections: SERVER,
    args: '',
    doc: `Takes back \`${writes.name}\` of a default-server line.`,
    writes,
    parse: () => false,
  })
}

function number(name: string, args: string, doc: string, rule: IntegerRule = {}): Keyword<number> {
  return keyword<number>({
    name,
    sections: SERVER,
    args,
    doc,
    parse: (a) =>
      integer(a, {
        missing: `'${name}' expects an integer argument.`,
        wrong: (w) => `'${name}' expects an integer argument, found '${w}'.`,
        ...rule,
      }),
  })
}

/** 0 to 256; 0: no new connections by load balancing. Default 1. */
export const serverWeight = number('weight', '<weight>', "This server's share of the load, 0 to 256; 0: none. Default 1.", {
  max: 256,
  outside: (w) => `weight of server is not within 0 and 256 (${w}).`,
})
export const serverBackup = on('backup', 'Used only when all servers without `backup` are down.')
export const serverNoBackup = off('no-backup', serverBackup)
export const serverDisabled = on('disabled', 'Starts in maintenance: no connections go there.')
export const serverEnabled = off('enabled', serverDisabled)

/** Connections at a time; more wait in the backend's queue. 0: no limit, the default. */
export const serverMaxconn = number('maxconn', '<maxconn>', 'How many connections this server gets at a time; more wait in the queue. 0 (default): no limit.')
/** Below the backend's fullconn the limit is between minconn and maxconn, in proportion to the load. 0: always maxconn, the default. */
export const serverMinconn = number('minconn', '<minconn>', "The limit when there is little load; it grows to `maxconn` as the backend nears `fullconn`. 0 (default): always `maxconn`.")
/** 0: no limit, the default. */
export const serverMaxqueue = number('maxqueue', '<maxqueue>', 'How many connections may wait for this server; more are sent elsewhere. 0 (default): no limit.')

export const serverId = keyword<number>({
  name: 'id',
  sections: SERVER,
  args: '<value>',
  doc: 'A number for this server, above 0, unique in its backend. Default: the next free one.',
  parse: (args) => positiveId(args, "'id' : "),
})

export const serverTfo = on('tfo', 'TCP Fast Open towards the server. Needs the linux provider.')
export const serverNoTfo = off('no-tfo', serverTfo)

/** ms, TCP_USER_TIMEOUT. Only where the provider can. */
export const serverTcpUt = keyword<number>({
  name: 'tcp-ut',
  sections: SERVER,
  args: '<delay>',
  doc: 'How long sent data may stay unacknowledged before the kernel gives the connection up. Needs the linux provider.',
  parse: userTimeout,
})

/** How a server's name gets its first address, tried in order. */
export type InitAddr = 'last' | 'libc' | 'none' | { readonly address: string }

/** Default last,libc: the state file (not read yet), then the system's resolver; start-up fails when nothing gives one. */
export const serverInitAddr = keyword<readonly InitAddr[]>({
  name: 'init-addr',
  sections: SERVER,
  args: '{ last | libc | none | <ip> }[,...]',
  doc: "How a server's name gets its address at start-up, tried in order: the state file, the system's resolver, none at all, this address. Default last,libc.",
  parse: (args) => {
    const w = word(args, "'init-addr' : expects a method: 'libc', 'last', 'none' or an address.")
    if (w === undefined) return undefined
    const methods: InitAddr[] = []
    for (const method of w.text.split(',')) {
      if (method === 'last' || method === 'libc' || method === 'none') methods.push(method)
      else if (isIP(method) !== 0) methods.push({ address: method })
      else {
        return args.fail(
          `'init-addr' : unknown init-addr method '${method}', supported methods are 'libc', 'last', 'none'.`,
          'or it is an IP address',
          w,
        )
      }
    }
    return methods
  },
})

export const serverKeywords: readonly Keyword<unknown>[] = [
  serverWeight,
  serverBackup,
  serverNoBackup,
  serverDisabled,
  serverEnabled,
  serverMaxconn,
  serverId,
  serverTfo,
  serverNoTfo,
  serverTcpUt,
  serverInitAddr,
]
