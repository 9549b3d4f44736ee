// Owns the words of bind and server lines that are about TLS (manual 5.1 and 5.2). What they come to is handlers/tls.ts's.

import { argsScope, compileText, keyword, TLS_VERSIONS } from 'headgate/plugin'
import type { Args, Expression, IgnoredErrors, Keyword, Section, TlsVersion, Word } from 'headgate/plugin'

const BIND = ['bind'] as const
const SERVER = ['server'] as const
const BOTH = ['bind', 'server'] as const

/** Messages on server lines end with a full stop in HAProxy, those on bind lines do not. */
function stop(args: Args, text: string): string {
  return args.section === 'server' ? `${text}.` : text
}

/** The next word; an empty one counts as missing. */
function need(args: Args, what: string): Word | undefined {
  const w = args.next()
  return w === undefined || w.text === '' ? args.fail(stop(args, `'${args.keyword}' : missing ${what}`), undefined, w) : w
}

function on(name: string, sections: readonly Section[], doc: string): Keyword<boolean> {
  return keyword<boolean>({ name, sections, args: '', doc, parse: () => true })
}

function says(name: string, sections: readonly Section[], doc: string, writes: Keyword<boolean>, value: boolean): Keyword<boolean> {
  return keyword<boolean>({ name, sections, args: '', doc, writes, parse: () => value })
}

function text(name: string, sections: readonly Section[], args: string, what: string, doc: string): Keyword<string> {
  return keyword<string>({ name, sections, args, doc, parse: (a) => need(a, what)?.text })
}

export const ssl = on('ssl', BOTH, 'TLS on this line: clients are asked for it (bind), the server is spoken to with it (server).')
export const noSsl = says('no-ssl', SERVER, 'No TLS, whatever default-server says.', ssl, false)

/** What a bind line presents, in the order written. */
export interface CertificateSource {
  readonly kind: 'crt' | 'crt-list'
  readonly path: string
}

export const bindCrt = keyword<readonly CertificateSource[]>({
  name: 'crt',
  sections: BIND,
  args: '<cert>',
  doc: 'A PEM file with a certificate, its chain and its key, or a folder of such files. The first is presented to clients that ask for no name, or for none of those that are there.',
  parse: (args, before = []) => {
    const w = need(args, 'certificate location')
    return w === undefined ? undefined : [...before, { kind: 'crt', path: w.text }]
  },
})

export const bindCrtList = keyword<readonly CertificateSource[]>({
  name: 'crt-list',
  sections: BIND,
  args: '<file>',
  doc: 'A file with lines `<crtfile> [[<sslbindconf> ...]] [[!]<snifilter> ...]`: certificates with settings and names of their own.',
  writes: bindCrt,
  parse: (args, before = []) => {
    const w = need(args, 'certificate location')
    return w === undefined ? undefined : [...before, { kind: 'crt-list', path: w.text }]
  },
})

export const serverCrt = text('crt', SERVER, '<cert>', 'certificate file path', 'A PEM file with the certificate and key that are shown to the server when it asks.')
export const caFile = text('ca-file', BOTH, '<cafile>', 'CAfile path', "Authorities that the peer's certificate may be signed by, in PEM: a file, a folder, or @system-ca.")
export const caVerifyFile = text('ca-verify-file', BIND, '<cafile>', 'CAfile path', 'More authorities for client certificates, not named to clients.')
export const crlFile = text('crl-file', BOTH, '<crlfile>', 'CRLfile path', 'Revocation lists for every authority of the chain, in PEM.')
export const ciphers = text('ciphers', BOTH, '<ciphers>', 'cipher suite', 'Ciphers up to TLS 1.2, in OpenSSL format.')
export const ciphersuites = text('ciphersuites', BOTH, '<ciphersuites>', 'cipher suite', 'Ciphers of TLS 1.3, separated by colons.')
export const curves = text('curves', BOTH, '<curves>', 'curve suite', 'Groups for the key exchange, separated by colons.')
export const ecdhe = text('ecdhe', BIND, '<named curve>', 'named curve', 'The one group for the key exchange. Without effect where `curves` is given.')
export const sigalgs = text('sigalgs', BOTH, '<sigalgs>', 'signature algorithms', 'Signature algorithms that may be used, separated by colons.')
export const verifyhost = text('verifyhost', SERVER, '<hostname>', 'hostname to verify against', "The name that the server's certificate has to be for when no server name is sent.")
export const noVerifyhost = keyword<string>({
  name: 'no-verifyhost',
  sections: SERVER,
  args: '',
  doc: 'Names are not checked, whatever default-server says.',
  writes: verifyhost,
  parse: () => '',
})

export const strictSni = on('strict-sni', BIND, 'Clients have to ask for a name that a certificate is there for; there is no default.')
export const preferClientCiphers = on('prefer-client-ciphers', BIND, "The client's order of ciphers decides.")
export const tlsTickets = on('tls-tickets', BOTH, 'Session tickets, whatever the defaults say.')
export const noTlsTickets = says('no-tls-tickets', BOTH, 'No session tickets.', tlsTickets, false)
export const sslReuse = on('ssl-reuse', SERVER, 'The last TLS session with the server is resumed. The default.')
export const noSslReuse = says('no-ssl-reuse', SERVER, 'Every connection to the server makes a new TLS session.', sslReuse, false)

export const bindVerify = keyword<'none' | 'optional' | 'required'>({
  name: 'verify',
  sections: BIND,
  args: '{ none | optional | required }',
  doc: 'Whether clients are asked for a certificate, and whether they may do without. One that is shown has to be good. Default none.',
  parse(args) {
    const w = need(args, 'verify method')
    if (w === undefined) return undefined
    const found = w.text
    if (found === 'none' || found === 'optional' || found === 'required') return found
    return args.fail(`'verify' : unknown verify method '${found}', only 'none', 'optional', and 'required' are supported`, undefined, w)
  },
})

const LAST_ERROR = 94

/** Of the client's certificate itself (`crt-`), or of those above it (`ca-`). */
function ignoring(name: 'crt-ignore-err' | 'ca-ignore-err', doc: string): Keyword<IgnoredErrors> {
  return keyword<IgnoredErrors>({
    name,
    sections: BIND,
    args: '[all|<errorID>,...]',
    doc,
    parse(args) {
      const w = need(args, 'error IDs list')
      if (w === undefined) return undefined
      if (w.text === 'all') return 'all'
      const ids = new Set<number>()
      for (const id of w.text.split(',')) {
        const number = /^[0-9]+$/.test(id) ? Number(id) : 0
        if (number < 1 || number > LAST_ERROR) return args.fail(`'${name}' : ID '${number}' out of range (1..${LAST_ERROR}) in error IDs list '${w.text}'`, undefined, w)
        ids.add(number)
      }
      return ids
    },
  })
}

export const crtIgnoreErr = ignoring('crt-ignore-err', "Faults of a client's certificate that do not end the handshake, by OpenSSL's numbers.")
export const caIgnoreErr = ignoring('ca-ignore-err', "Faults of the certificates above a client's that do not end the handshake, by OpenSSL's numbers.")

export const serverVerify = keyword<'none' | 'required'>({
  name: 'verify',
  sections: SERVER,
  args: '{ none | required }',
  doc: "Whether the server's certificate is verified. Default: what `ssl-server-verify` says, which is required.",
  parse(args) {
    const w = need(args, 'verify method')
    if (w === undefined) return undefined
    const found = w.text
    if (found === 'none' || found === 'required') return found
    return args.fail(`'verify' : unknown verify method '${found}', only 'none' and 'required' are supported.`, undefined, w)
  },
})

const MAX_PROTOCOL = 255

/** Protocol names in order, or what is wrong with them. */
export function protocols(list: string): readonly string[] | string {
  const names = list.split(',')
  if (names.some((name) => name === '')) return `empty protocol name in '${list}'`
  const long = names.find((name) => Buffer.byteLength(name) > MAX_PROTOCOL)
  return long === undefined ? names : `protocol name '${long}' is longer than ${MAX_PROTOCOL} bytes`
}

export const alpn = keyword<readonly string[]>({
  name: 'alpn',
  sections: BOTH,
  args: '<protocols>',
  doc: 'Protocols offered in the TLS handshake, most wanted first, separated by commas.',
  parse(args) {
    const w = need(args, 'the comma-delimited ALPN protocol suite')
    if (w === undefined) return undefined
    const names = protocols(w.text)
    return typeof names === 'string' ? args.fail(stop(args, `'alpn' : ${names}`), undefined, w) : names
  },
})

/** What ALPN took the place of. OpenSSL has it still, Node's has not, and TLS 1.3 never had it. */
const npn = keyword<string>({
  name: 'npn',
  sections: BOTH,
  args: '<protocols>',
  doc: 'Read and warned about: clients and servers have not used NPN for years; `alpn` took its place.',
  parse(args) {
    const w = need(args, 'the comma-delimited NPN protocol suite')
    if (w === undefined) return undefined
    args.warn("'npn' has no effect: nobody uses NPN any more.", "'alpn' took its place", w, 'no-effect')
    return w.text
  },
})

export const sni = keyword<Expression>({
  name: 'sni',
  sections: SERVER,
  args: '<expression>',
  doc: 'The server name sent to the server: a sample expression, `str(name)` for one that is always the same. Its certificate has to be for that name.',
  parse(args) {
    const w = need(args, 'sni expression')
    if (w === undefined) return undefined
    const fail = (detail: string, hint?: string): undefined => args.fail(`error detected while parsing sni expression : ${detail}.`, hint, w)
    return compileText(w, argsScope(args, 'connect', `${args.sectionKind} sni`), fail, false)
  },
})

/** Versions as a line says them: bounds, and those left out one by one. SSLv3 is the lowest bound; OpenSSL no longer has it. */
export interface Versions {
  readonly min?: TlsVersion
  readonly max?: TlsVersion | 'SSLv3'
  readonly without: readonly TlsVersion[]
}

const NONE: Versions = { without: [] }

/** As configured: `TLSv1.0`. undefined: no version. */
export function versionNamed(name: string): TlsVersion | 'SSLv3' | undefined {
  if (name === 'SSLv3') return name
  const found = name === 'TLSv1.0' ? 'TLSv1' : name
  return name === 'TLSv1' ? undefined : TLS_VERSIONS.find((version) => version === found)
}

function bound(name: 'ssl-min-ver' | 'ssl-max-ver', doc: string, writes?: Keyword<Versions>): Keyword<Versions> {
  return keyword<Versions>({
    name,
    sections: BOTH,
    args: '[ SSLv3 | TLSv1.0 | TLSv1.1 | TLSv1.2 | TLSv1.3 ]',
    doc,
    inherits: 'add',
    ...(writes === undefined ? {} : { writes }),
    parse(args, before = NONE) {
      const w = need(args, 'the ssl/tls version')
      if (w === undefined) return undefined
      const version = versionNamed(w.text)
      if (version === undefined) return args.fail(stop(args, `'${w.text}' : unknown ssl/tls version`), 'TLSv1.0, TLSv1.1, TLSv1.2, TLSv1.3', w)
      if (name === 'ssl-max-ver') return { ...before, max: version }
      return { ...before, min: version === 'SSLv3' ? 'TLSv1' : version }
    },
  })
}

export const versions = bound('ssl-min-ver', 'The lowest TLS version spoken. Default TLSv1.2.')
export const maxVersion = bound('ssl-max-ver', 'The highest TLS version spoken.', versions)

function version(prefix: 'no' | 'force', short: string, which: TlsVersion | 'SSLv3'): Keyword<Versions> {
  const shown = which === 'TLSv1' ? 'TLSv1.0' : which
  return keyword<Versions>({
    name: `${prefix}-${short}`,
    sections: BOTH,
    args: '',
    doc: prefix === 'no' ? `${shown} is not spoken. Better: ssl-min-ver and ssl-max-ver.` : `Only ${shown} is spoken.`,
    inherits: 'add',
    writes: versions,
    parse(_args, before = NONE) {
      if (prefix === 'force') return which === 'SSLv3' ? { ...before, max: which } : { ...before, min: which, max: which }
      return which === 'SSLv3' ? before : { ...before, without: TLS_VERSIONS.filter((v) => v === which || before.without.includes(v)) }
    },
  })
}

const SHORT = [
  ['sslv3', 'SSLv3'],
  ['tlsv10', 'TLSv1'],
  ['tlsv11', 'TLSv1.1'],
  ['tlsv12', 'TLSv1.2'],
  ['tlsv13', 'TLSv1.3'],
] as const

export const tlsLineKeywords: readonly Keyword<unknown>[] = [
  ssl,
  noSsl,
  bindCrt,
  bindCrtList,
  serverCrt,
  caFile,
  caVerifyFile,
  crlFile,
  ciphers,
  ciphersuites,
  curves,
  ecdhe,
  sigalgs,
  verifyhost,
  noVerifyhost,
  strictSni,
  preferClientCiphers,
  tlsTickets,
  noTlsTickets,
  sslReuse,
  noSslReuse,
  bindVerify,
  crtIgnoreErr,
  caIgnoreErr,
  serverVerify,
  alpn,
  npn,
  sni,
  versions,
  maxVersion,
  ...SHORT.flatMap(([short, which]) => [version('no', short, which), version('force', short, which)]),
]
