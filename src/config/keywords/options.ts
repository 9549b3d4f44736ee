// Owns the `option` keywords, one per line, and what each may be prefixed with (manual 4.2).

import { keyword } from '../../core/keyword.ts'
import type { Keyword } from '../../core/keyword.ts'
import { integer, sided, type Side, type Sided } from './arguments.ts'

const BOTH = ['defaults', 'frontend', 'backend'] as const

/** On once written, off after `no option`; `default option` returns to what HAProxy has without it, which is off. */
function option(name: string, side: Side | 'both', doc: string): Keyword<boolean> {
  const entry = { name: `option ${name}`, args: '', doc, parse: () => true, negate: () => false }
  return side === 'both' ? keyword<boolean>({ ...entry, sections: BOTH }) : sided<boolean>(side, { ...entry, short: name })
}

/** An option for which HAProxy refuses `no`. */
function lasting(name: string, doc: string, args = ''): Sided<boolean> {
  return { name: `option ${name}`, short: name, args, doc, parse: () => true }
}

export const optionTcpka = keyword<boolean>({ ...lasting('tcpka', 'TCP keep-alive packets towards clients and servers.'), sections: BOTH })
export const optionClitcpka = option('clitcpka', 'frontend', 'TCP keep-alive packets towards clients.')
export const optionSrvtcpka = option('srvtcpka', 'backend', 'TCP keep-alive packets towards servers.')
export const optionNolinger = option('nolinger', 'both', 'Connections end with RST once their data is out, without lingering. Clients can lose the last data.')
export const optionAbortonclose = option('abortonclose', 'backend', 'A client that ended while its connection waited for a server is given up.')
export const optionAllbackups = option('allbackups', 'backend', 'All backup servers share the load when no other is left, not only the first.')
export const optionDontlognull = option('dontlognull', 'frontend', 'Connections on which no byte came, or that ended or fell silent before their handshakes were over, are not logged.')
export const optionDontlogNormal = option('dontlog-normal', 'frontend', 'Only connections that ended with an error, a timeout, a retry or a redispatch are logged.')
export const optionLogasap = option('logasap', 'frontend', "The connection is logged once the server's connection is established; times and bytes are marked with '+'.")
export const optionLogSeparateErrors = option('log-separate-errors', 'frontend', "Connections that ended with an error are logged at level 'err' instead of 'info'.")
export const optionSpliceAuto = option('splice-auto', 'both', 'Bulk data is spliced in the kernel, both ways, on the linux provider. On by default.')
export const optionSpliceRequest = option('splice-request', 'both', 'Bulk data from clients is spliced in the kernel, on the linux provider. Alone, it takes back the default for data from servers.')
export const optionSpliceResponse = option('splice-response', 'both', 'Bulk data from servers is spliced in the kernel, on the linux provider. Alone, it takes back the default for data from clients.')

/** What `mode health` and `monitor-net` answer with, so frontends have it too; checks of servers are not done yet. */
export const optionHttpchk = keyword<boolean>({
  ...lasting('httpchk', '`mode health` and monitor-net answer in HTTP. Its checks of servers are not supported yet.', '[<uri> | <method> <uri> [<version>]]'),
  sections: BOTH,
  parse: (args) => {
    const words = args.rest()
    const extra = words[3]
    if (extra !== undefined) return args.fail(`'option httpchk' cannot handle unexpected argument '${extra.text}'.`, undefined, extra)
    return true
  },
})

/** 0: off. n > 0: every n-th retry goes to another server; -1: only the last one does. */
export const optionRedispatch = sided<number>('backend', {
  name: 'option redispatch',
  short: 'redispatch',
  args: '[<interval>]',
  doc: 'A retry may go to another server: every <interval>-th one, or the last -<interval>-th. Default -1: only the last.',
  parse: (args) => (args.peek() === undefined ? -1 : integer(args, { min: -2147483648 })),
  negate: () => 0,
})

const SMART = 'One packet less; on the node provider the system decides.'

export const optionTcpSmartAccept = option('tcp-smart-accept', 'frontend', `The ACK for a client's first bytes is held back, for 40 ms at most, to travel with the answer. On by default on lines with \`ssl\`. ${SMART}`)
export const optionTcpSmartConnect = option('tcp-smart-connect', 'backend', `The ACK that ends a connect to a server is held back, to travel with our first bytes where these are there or expected. On by default. ${SMART}`)

/** Each way has its own timer: writing does not count as activity of the reader. */
export const optionIndependentStreams = option('independent-streams', 'both', 'Data sent to a peer does not count as activity of that peer for its timeout.')

export const optionKeywords: readonly Keyword<unknown>[] = [
  optionTcpka,
  optionClitcpka,
  optionSrvtcpka,
  optionNolinger,
  optionAbortonclose,
  optionAllbackups,
  optionDontlognull,
  optionDontlogNormal,
  optionLogasap,
  optionLogSeparateErrors,
  optionSpliceAuto,
  optionSpliceRequest,
  optionSpliceResponse,
  optionHttpchk,
  optionRedispatch,
  optionTcpSmartAccept,
  optionTcpSmartConnect,
]
