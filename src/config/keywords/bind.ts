// Owns the options of bind lines that are not about TLS or PROXY headers (manual 5.1).

import { keyword } from '../../core/keyword.ts'
import { NICEST } from '../../core/nice.ts'
import type { Args, Keyword } from '../../core/keyword.ts'
import { groupId, userId } from './accounts.ts'
import { integer, time, word, type IntegerRule } from './arguments.ts'
import { positiveId } from './proxy.ts'

const BIND = ['bind'] as const

/** On once written: options of bind lines have no `no` in front. */
function on(name: string, doc: string): Keyword<boolean> {
  return keyword<boolean>({ name, sections: BIND, args: '', doc, parse: () => true })
}

function number(name: string, args: string, doc: string, rule: IntegerRule): Keyword<number> {
  return keyword<number>({
    name,
    sections: BIND,
    args,
    doc,
    parse: (a) =>
      integer(a, {
        missing: `'${name}' : missing value`,
        wrong: (w) => `'${name}' : expects an integer argument, found '${w}'`,
        ...rule,
      }),
  })
}

function text(name: string, args: string, what: string, doc: string): Keyword<string> {
  return keyword<string>({ name, sections: BIND, args, doc, parse: (a) => word(a, `'${name}' : missing ${what}`)?.text })
}

export const bindBacklog = number('backlog', '<backlog>', "How many connections the kernel may queue on this listener. Default: the frontend's `backlog`.", {
  outside: (w) => `'backlog' : invalid value ${w}, must be > 0`,
})
/** 0: no limit of its own. */
export const bindMaxconn = number('maxconn', '<maxconn>', 'How many connections of this line are held at a time. Default, and 0: what the frontend allows.', {
  outside: (w) => `'maxconn' : invalid value ${w}, must be >= 0`,
})
export const bindName = text('name', '<name>', 'name', 'A name for this line in messages and statistics.')
export const bindId = keyword<number>({
  name: 'id',
  sections: BIND,
  args: '<id>',
  doc: 'A number for this line, above 0. Default: the next free one.',
  parse: (args) => {
    const found = args.peek()?.text ?? ''
    if (found !== '' && !/^[+-]?[0-9]+$/.test(found)) {
      args.next()
      return args.fail(`'id' : expects an integer argument, found '${found}'`)
    }
    return positiveId(args, "'id' : ")
  },
})

/** Needs the linux provider. */
export const bindInterface = text('interface', '<interface>', 'interface name', 'Listen on this network device only.')
export const bindTfo = on('tfo', 'TCP Fast Open. Needs the linux provider.')
export const bindDeferAccept = on('defer-accept', 'Connections are accepted once their first data is there. Needs the linux provider.')
export const bindTransparent = on('transparent', 'Listen on an address that is not local. Needs the linux provider.')

/** true: an IPv6 listener takes IPv6 only; false: IPv4 as well. Unset: as the system has it. */
export const bindV6only = on('v6only', 'An IPv6 listener takes IPv6 only.')
export const bindV4v6 = keyword<boolean>({
  name: 'v4v6',
  sections: BIND,
  args: '',
  doc: 'An IPv6 listener takes IPv4 as well.',
  writes: bindV6only,
  parse: () => false,
})

/** Permission bits of a Unix socket. */
export const bindMode = keyword<number>({
  name: 'mode',
  sections: BIND,
  args: '<mode>',
  doc: 'Permissions of a Unix socket, in octal.',
  parse: (args) => {
    const w = args.next()
    const found = w?.text ?? ''
    if (!/^[0-7]{1,4}$/.test(found)) return args.fail(`'mode' : missing or invalid mode '${found}' (octal integer expected)`, 'write octal digits, such as 660', w)
    return Number.parseInt(found, 8)
  },
})

const ID_RULE: IntegerRule = { max: 4294967295 }

export const bindUid = number('uid', '<uid>', 'Owner of a Unix socket.', ID_RULE)
export const bindGid = number('gid', '<gid>', 'Group of a Unix socket.', ID_RULE)

function account(name: 'user' | 'group', writes: Keyword<number>, find: (name: string) => number | undefined): Keyword<number> {
  return keyword<number>({
    name,
    sections: BIND,
    args: `<${name}>`,
    doc: `Like ${writes.name}, by the name of a system ${name}.`,
    writes,
    parse: (args) => {
      const w = word(args, `'${name}' : missing ${name} name`)
      if (w === undefined) return undefined
      return find(w.text) ?? args.fail(`'${name}' : unknown ${name} name '${w.text}'`, undefined, w)
    },
  })
}

export const bindUser = account('user', bindUid, userId)
export const bindGroup = account('group', bindGid, groupId)

/** Largest segment in bytes; negative: so much less than the peer's. Only where the provider can. */
export const bindMss = keyword<number>({
  name: 'mss',
  sections: BIND,
  args: '<maxseg>',
  doc: 'The largest TCP segment to announce; below 0: so much less than the default. Needs the linux provider.',
  parse: (args) => {
    const wrong = "'mss' : expects an MSS with and absolute value between 1 and 65535"
    const n = integer(args, { min: -65535, max: 65535, missing: "'mss' : missing MSS value", wrong: () => wrong, outside: () => wrong })
    return n === 0 ? args.fail(wrong) : n
  },
})

/** `tcp-ut`, on bind and server lines alike. */
export function userTimeout(args: Args): number | undefined {
  const wrong = "'tcp-ut' : expects a positive delay in milliseconds"
  return time(args, { missing: "'tcp-ut' : missing TCP User Timeout value", wrong: () => wrong, overflow: () => wrong })
}

/** ms, TCP_USER_TIMEOUT. Only where the provider can. */
export const bindTcpUt = keyword<number>({
  name: 'tcp-ut',
  sections: BIND,
  args: '<delay>',
  doc: 'How long sent data may stay unacknowledged before the kernel gives the connection up. Needs the linux provider.',
  parse: userTimeout,
})

/** 0: nothing is saved; 1: from the IP header on; 2: from the Ethernet header on. Only where the provider can. */
export const bindTcpSs = keyword<0 | 1 | 2>({
  name: 'tcp-ss',
  sections: BIND,
  args: '<mode>',
  doc: 'The kernel keeps the SYN of each connection for `fc_saved_syn`: 1 from its IP header on, 2 from its Ethernet header on, 0 not (default). Needs the linux provider.',
  parse: (args) => {
    const w = word(args, "'tcp-ss' : missing mode")
    if (w === undefined) return undefined
    return ([0, 1, 2] as const).find((mode) => String(mode) === w.text) ?? args.fail(`'tcp-ss' : expects 0, 1 or 2, found '${w.text}'`, undefined, w)
  },
})

export const bindNice = number('nice', '<nice>', 'Of the sessions that are ready in the same turn of the event loop, those with a lower number are served first: -1024 to 1024, default 0.', {
  min: -NICEST,
  max: NICEST,
  outside: (w) => `'nice' : invalid value ${w}, allowed range is -1024..1024`,
})

/** As HAProxy 2.6 takes it. */
const bindProcess = keyword<string>({
  name: 'process',
  sections: BIND,
  args: '{ all | odd | even | <processes> }[/<threads>]',
  doc: 'Read and warned about: there is one process. HAProxy has no use for it either since 2.5.',
  parse: (args) => {
    const w = word(args, "'process' : missing value")
    if (w !== undefined) args.warn(`'process ${w.text}' on 'bind' lines is deprecated and will be removed in 2.7.`, undefined, w, 'no-effect')
    return w?.text
  },
})

export const bindKeywords: readonly Keyword<unknown>[] = [
  bindBacklog,
  bindMaxconn,
  bindName,
  bindId,
  bindInterface,
  bindTfo,
  bindDeferAccept,
  bindTransparent,
  bindV6only,
  bindV4v6,
  bindMode,
  bindUid,
  bindGid,
  bindUser,
  bindGroup,
  bindMss,
  bindTcpUt,
  bindTcpSs,
  bindNice,
  bindProcess,
]
