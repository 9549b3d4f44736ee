// Owns the `timeout` keywords, all in ms (manual 4.2).

import type { Args, Keyword } from '../../core/keyword.ts'
import { keyword } from '../../core/keyword.ts'
import { sided, time, type Side } from './arguments.ts'

/** Reads one time and nothing else. */
function delay(args: Args, before: number | undefined): number | undefined {
  const written = args.peek()?.text ?? ''
  const value = time(args, {
    missing: `'${args.keyword}' expects an integer value (in milliseconds)`,
    wrong: (c) => `unexpected character '${c}' in '${args.keyword}'`,
  })
  if (value === undefined) return undefined
  const extra = args.next()
  if (extra !== undefined) {
    args.rest()
    return args.fail(`'${args.keyword}' : unexpected extra argument '${extra.text}' after value '${written}'.`, undefined, extra)
  }
  if (before !== undefined) args.warn(`overwriting '${args.keyword}' which was already specified`, undefined, undefined, 'overwritten')
  return value
}

function timeout(kind: string, side: Side, doc: string, writes?: Keyword<number>): Keyword<number> {
  return sided<number>(side, {
    name: `timeout ${kind}`,
    args: '<timeout>',
    doc,
    ignored: (at, name) => `'timeout ${kind}' will be ignored because ${at} '${name}' has no ${side} capability`,
    parse: delay,
    ...(writes === undefined ? {} : { writes }),
  })
}

export const timeoutClient = timeout('client', 'frontend', 'How long a client may be silent. 0 or unset: for ever.')
export const timeoutClientFin = timeout('client-fin', 'frontend', 'How long a client may be silent once one way has ended. Default: `timeout client`.')
/** ms for the whole handshake of an accepted connection: PROXY header, rules, TLS. */
export const timeoutClientHs = timeout('client-hs', 'frontend', 'How long the handshake (PROXY header, TLS) may take in all. Default: `timeout client`. (HAProxy 3.)')
export const timeoutHandshake = timeout('handshake', 'frontend', 'The same as `timeout client-hs`. (Not in HAProxy.)', timeoutClientHs)
export const timeoutTls = timeout('tls', 'frontend', 'The same as `timeout client-hs`. (Not in HAProxy.)', timeoutClientHs)
export const timeoutConnect = timeout('connect', 'backend', 'How long a connect to a server may take; also the pause before a retry, at most 1 s. 0 or unset: for ever.')
export const timeoutServer = timeout('server', 'backend', 'How long a server may be silent. 0 or unset: for ever.')
export const timeoutServerFin = timeout('server-fin', 'backend', 'How long a server may be silent once one way has ended. Default: `timeout server`.')
export const timeoutTunnel = timeout('tunnel', 'backend', 'How long both sides may be silent once both have spoken; replaces `timeout client` and `timeout server` then.')
export const timeoutQueue = timeout('queue', 'backend', 'How long a connection may wait for a free place at a server. Default: `timeout connect`.')
export const timeoutCheck = timeout('check', 'backend', 'For `check` of servers, which is not supported yet: how long one may take once connected. Unset: until the next one.')

export const timeoutTarpit = keyword<number>({
  name: 'timeout tarpit',
  sections: ['defaults', 'frontend', 'backend'],
  args: '<timeout>',
  doc: 'How long a `tarpit` rule without a time of its own holds the client. Default: `timeout connect`; without that, not at all.',
  parse: delay,
})

export const timeoutKeywords: readonly Keyword<unknown>[] = [
  timeoutClient,
  timeoutClientFin,
  timeoutClientHs,
  timeoutHandshake,
  timeoutTls,
  timeoutConnect,
  timeoutServer,
  timeoutServerFin,
  timeoutTunnel,
  timeoutQueue,
  timeoutCheck,
  timeoutTarpit,
]
