// Owns the keywords of `global` that TLS on bind and server lines falls back to (manual 3.1).

import { keyword } from '../../core/keyword.ts'
import type { Args, Keyword } from '../../core/keyword.ts'
import { TLS_VERSIONS, type TlsVersion } from '../../core/tls.ts'
import { integer, time, word } from './arguments.ts'

const GLOBAL = ['global'] as const

function list(name: string, args: string, what: string, doc: string): Keyword<string> {
  return keyword<string>({
    name,
    sections: GLOBAL,
    args,
    doc,
    parse: (a) => word(a, `global statement '${name}' expects a ${what} as an argument.`)?.text,
  })
}

export const sslDefaultBindCiphers = list('ssl-default-bind-ciphers', '<ciphers>', 'cipher suite', 'Ciphers up to TLS 1.2 of bind lines without `ciphers`, in OpenSSL format.')
export const sslDefaultBindCiphersuites = list('ssl-default-bind-ciphersuites', '<ciphersuites>', 'cipher suite', 'TLS 1.3 ciphers of bind lines without `ciphersuites`, separated by colons.')
export const sslDefaultBindCurves = list('ssl-default-bind-curves', '<curves>', 'curves suite', 'Groups of bind lines without `curves`, separated by colons.')
export const sslDefaultServerCiphers = list('ssl-default-server-ciphers', '<ciphers>', 'cipher suite', 'Ciphers up to TLS 1.2 of server lines without `ciphers`, in OpenSSL format.')
export const sslDefaultServerCiphersuites = list('ssl-default-server-ciphersuites', '<ciphersuites>', 'cipher suite', 'TLS 1.3 ciphers of server lines without `ciphersuites`, separated by colons.')

/** What the options of a global statement, or the same words on a line, come to. */
export interface TlsDefaults {
  readonly minVersion?: TlsVersion
  readonly maxVersion?: TlsVersion
  /** Versions that are left out one by one. */
  readonly without: readonly TlsVersion[]
  /** false: no session tickets. */
  readonly tickets?: boolean
  readonly preferClientCiphers?: boolean
}

const WRITTEN: Readonly<Record<string, TlsVersion>> = { 'TLSv1.0': 'TLSv1', 'TLSv1.1': 'TLSv1.1', 'TLSv1.2': 'TLSv1.2', 'TLSv1.3': 'TLSv1.3' }
const SHORT: Readonly<Record<string, TlsVersion>> = { tlsv10: 'TLSv1', tlsv11: 'TLSv1.1', tlsv12: 'TLSv1.2', tlsv13: 'TLSv1.3' }

/** One option, with its argument. */
function option(args: Args, statement: string, so: TlsDefaults, server: boolean): TlsDefaults | undefined {
  const w = args.next()
  const name = w?.text ?? ''
  const unknown = (): undefined => args.fail(`unknown option '${name}' on global statement '${statement}'.`, undefined, w)
  if (name === 'no-sslv3') return so
  if (name === 'no-tls-tickets') return { ...so, tickets: false }
  if (name === 'tls-tickets' && server) return { ...so, tickets: true }
  if (name === 'prefer-client-ciphers' && !server) return { ...so, preferClientCiphers: true }
  if (name === 'ssl-min-ver' || name === 'ssl-max-ver') {
    const v = args.next()
    if (v === undefined) return args.fail(`'${name}' : missing the ssl/tls version on global statement '${statement}'.`, undefined, w)
    if (v.text === 'SSLv3') {
      return name === 'ssl-min-ver' ? so : args.fail(`'${name}' : SSLv3 is not supported on global statement '${statement}'.`, undefined, v)
    }
    const version = Object.hasOwn(WRITTEN, v.text) ? WRITTEN[v.text] : undefined
    if (version === undefined) return args.fail(`'${v.text}' : unknown ssl/tls version on global statement '${statement}'.`, `it is one of ${Object.keys(WRITTEN).join(', ')}`, v)
    return name === 'ssl-min-ver' ? { ...so, minVersion: version } : { ...so, maxVersion: version }
  }
  const [, verb, short = ''] = /^(no|force)-(.*)$/.exec(name) ?? []
  if (name === 'force-sslv3') return args.fail(`'${name}' : SSLv3 is not supported on global statement '${statement}'.`, undefined, w)
  const version = Object.hasOwn(SHORT, short) ? SHORT[short] : undefined
  if (version === undefined) return unknown()
  if (verb === 'force') return { ...so, minVersion: version, maxVersion: version }
  return { ...so, without: TLS_VERSIONS.filter((v) => v === version || so.without.includes(v)) }
}

function options(name: string, server: boolean, doc: string): Keyword<TlsDefaults> {
  return keyword<TlsDefaults>({
    name,
    sections: GLOBAL,
    args: '[<option>]...',
    doc,
    inherits: 'add',
    parse: (args, before = { without: [] }) => {
      if (args.peek() === undefined) return args.fail(`global statement '${name}' expects an option as an argument.`)
      let so: TlsDefaults | undefined = before
      while (so !== undefined && args.peek() !== undefined) so = option(args, name, so, server)
      if (so === undefined) args.rest()
      return so
    },
  })
}

export const sslDefaultBindOptions = options('ssl-default-bind-options', false, 'Versions, tickets and preference of ciphers of bind lines that say nothing else.')
export const sslDefaultServerOptions = options('ssl-default-server-options', true, 'Versions and tickets of server lines that say nothing else.')

/** Default required. */
export const sslServerVerify = keyword<'none' | 'required'>({
  name: 'ssl-server-verify',
  sections: GLOBAL,
  args: '{ none | required }',
  doc: "Whether servers' certificates are verified where a line does not say. Default required.",
  parse: (args) => {
    const w = word(args, "'ssl-server-verify' expects 'none' or 'required' as argument.")
    if (w === undefined) return undefined
    return w.text === 'none' || w.text === 'required' ? w.text : args.fail("'ssl-server-verify' expects 'none' or 'required' as argument.", undefined, w)
  },
})

/** Sessions that can be resumed without tickets; 0: none. Default 20000. */
export const tuneSslCachesize = keyword<number>({
  name: 'tune.ssl.cachesize',
  sections: GLOBAL,
  args: '<number>',
  doc: 'How many TLS sessions are kept for clients without tickets. Default 20000; 0: none.',
  parse: (args) => integer(args),
})

/** ms. */
export const tuneSslLifetime = keyword<number>({
  name: 'tune.ssl.lifetime',
  sections: GLOBAL,
  args: '<timeout>',
  doc: 'How long a TLS session may be resumed, in seconds without a unit. Default 300.',
  parse: (args) =>
    time(args, {
      unitless: 's',
      missing: "'tune.ssl.lifetime' expects ssl sessions <lifetime> in seconds as argument.",
      wrong: (c) => `unexpected character '${c}' in argument to <tune.ssl.lifetime>.`,
    }),
})

/** Bits. Default 2048. */
export const tuneSslDefaultDhParam = keyword<number>({
  name: 'tune.ssl.default-dh-param',
  sections: GLOBAL,
  args: '<number>',
  doc: 'Largest size of the parameters for DHE key exchange where no file has them, in bits: 2048 (default) to 8192, those of RFC 3526.',
  parse: (args) =>
    integer(args, {
      min: 2048,
      missing: "'tune.ssl.default-dh-param' expects an integer argument.",
      outside: (w) => `'tune.ssl.default-dh-param' expects a value >= 2048, found ${w}: OpenSSL refuses smaller ones.`,
    }),
})

/** Bytes. Default 0: nothing of a client hello is kept. */
export const tuneSslCaptureBufferSize = keyword<number>({
  name: 'tune.ssl.capture-buffer-size',
  sections: GLOBAL,
  args: '<number>',
  doc: 'How many bytes of each list of a client hello are kept for ssl_fc_cipherlist_bin and its like. Default 0: none.',
  parse: (args) => integer(args),
})

/** Default off: no secret of a connection is kept beside it. */
export const tuneSslKeylog = keyword<boolean>({
  name: 'tune.ssl.keylog',
  sections: GLOBAL,
  args: '{ on | off }',
  doc: 'Secrets of TLS 1.3 are kept while their connection is open, for ssl_fc_client_traffic_secret_0 and its like: whoever has them can read what is said. Default off.',
  parse: (args) => {
    const w = args.next()
    return w?.text === 'on' || w?.text === 'off' ? w.text === 'on' : args.fail(`'tune.ssl.keylog' expects either 'on' or 'off' but got '${w?.text ?? ''}'.`, undefined, w)
  },
})

export const sslDhParamFile = list('ssl-dh-param-file', '<file>', 'file path', 'Parameters for DHE key exchange on bind lines whose certificate file has none, in PEM.')

export const tlsKeywords: readonly Keyword<unknown>[] = [
  sslDefaultBindCiphers,
  sslDefaultBindCiphersuites,
  sslDefaultBindCurves,
  sslDefaultServerCiphers,
  sslDefaultServerCiphersuites,
  sslDefaultBindOptions,
  sslDefaultServerOptions,
  sslServerVerify,
  tuneSslCachesize,
  tuneSslCaptureBufferSize,
  tuneSslKeylog,
  tuneSslLifetime,
  tuneSslDefaultDhParam,
  sslDhParamFile,
]
