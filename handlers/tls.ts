// Owns TLS on connections: with clients (bind lines with `ssl`) and with servers (server lines with `ssl`).
//
// Towards a client nothing is spent before its first bytes are there, and the certificate is chosen from the ClientHello that the
// engine has read. So what cannot be TLS is ended like any other refused connection: input drained, FIN, one line in the log.

import { createSecureContext, type SecureContextOptions } from 'node:tls'
import {
  capturedHelloFact,
  close,
  ConnectSubject,
  HANDSHAKE_CLOSED,
  HANDSHAKE_FAILURE,
  knowsEcdsa,
  more,
  next,
  readClientHello,
  sslServerVerify,
  asText,
  tlsClient,
  sslError,
  tlsFact,
  tlsFailureFact,
  TlsHosts,
  tlsServer,
  toText,
  tuneSslCaptureBufferSize,
  wait,
} from 'headgate/plugin'
import type {
  Expression,
  Handler,
  Handshake,
  MakeHandler,
  PlanLine,
  Plugin,
  TlsClientSettings,
  TlsError,
  TlsHost,
  TlsMaker,
  TlsOffer,
  TlsServerSettings,
  TlsSession,
  Verdict,
} from 'headgate/plugin'
import { authorityPath, certificatePath, dhParamsOf, loadAuthorities, loadCertificate, loadCertificates, readCrtList, type Say } from './tls-files.ts'
import * as words from './tls-keywords.ts'
import { clientOffer, lineOptions, serverOffer, type Policy } from './tls-settings.ts'

/** A record header and the first byte of a handshake message. */
const ENOUGH = 6
/** A longer ClientHello is not waited for: the default certificate serves, and OpenSSL judges. */
const MAX_HELLO = 16384
const UNRECOGNIZED_NAME = Buffer.from([21, 3, 3, 0, 2, 2, 112])
/** What OpenSSL says when a program's choice of a certificate fails. */
const CALLBACK_FAILED = sslError(234, 'callback failed')
const DETAILS = { empty: HANDSHAKE_CLOSED, short: HANDSHAKE_CLOSED, timeout: 'Timeout during SSL handshake' }

/** What both sides do once the layer is there. */
class TlsHandshake implements Handler {
  readonly name = 'tls'
  readonly details = DETAILS
  protected session: TlsSession | undefined

  step(hs: Handshake): Verdict {
    const session = this.session
    if (session === undefined) return wait()
    switch (session.handshake()) {
      case 'busy':
        return wait()
      case 'done':
        hs.set(tlsFact, session.facts())
        return next()
      case 'failed': {
        const failure = session.failure ?? { detail: HANDSHAKE_FAILURE, reason: '' }
        hs.set(tlsFailureFact, failure)
        return close({ cause: failure.detail === HANDSHAKE_CLOSED ? 'short' : 'failed', detail: failure.detail })
      }
    }
  }

  protected begin(hs: Handshake, make: TlsMaker): Verdict {
    hs.upgrade((lower, rest) => (this.session = make(lower, rest)))
    return this.step(hs)
  }
}

/** What a bind line presents: names to makers. */
interface Presented {
  readonly hosts: TlsHosts
  readonly makers: ReadonlyMap<TlsHost, TlsMaker>
  /** The whole ClientHello has to be there: names or protocols depend on it. */
  readonly wholeHello: boolean
  /** How many bytes of each list of the hello rules may see; 0: none, and it is not kept. */
  readonly capture: number
}

class AcceptTls extends TlsHandshake {
  readonly #presented: Presented

  constructor(presented: Presented) {
    super()
    this.#presented = presented
  }

  override step(hs: Handshake): Verdict {
    if (this.session !== undefined) return super.step(hs)
    const { bytes } = hs
    if (bytes.length < ENOUGH) return more(ENOUGH)
    if (!maybeTls(bytes)) return this.#refuse(hs, 'no TLS record', noTls(bytes))
    if (!this.#presented.wholeHello) return this.#present(hs, this.#presented.hosts.default)
    const read = readClientHello(bytes)
    if (read.state === 'more' && read.total <= MAX_HELLO) return more(read.total)
    // What OpenSSL will refuse, it refuses better than we could.
    if (read.state !== 'hello') return this.#present(hs, this.#presented.hosts.default)
    if (this.#presented.capture > 0) hs.set(capturedHelloFact, { hello: read.hello, limit: this.#presented.capture })
    return this.#present(hs, this.#presented.hosts.choose(read.hello.sni, knowsEcdsa(read.hello)), read.hello.sni)
  }

  #present(hs: Handshake, host: TlsHost | undefined, sni = ''): Verdict {
    const make = host === undefined ? undefined : this.#presented.makers.get(host)
    return make === undefined ? this.#refuse(hs, 'unrecognized name', CALLBACK_FAILED, sni, UNRECOGNIZED_NAME) : this.begin(hs, make)
  }

  #refuse(hs: Handshake, reason: string, error: TlsError, sni = '', alert?: Uint8Array): Verdict {
    hs.set(tlsFailureFact, { detail: HANDSHAKE_FAILURE, reason, error, sni })
    return close({ cause: 'failed', detail: HANDSHAKE_FAILURE }, alert)
  }
}

/** A record of TLS, or the hello of clients so old that they speak SSLv2's. Anything else gets no alert: it would not understand. */
function maybeTls(bytes: Buffer): boolean {
  const first = bytes[0] ?? 0
  if (first >= 20 && first <= 23) return bytes[1] === 3
  return first >= 0x80 && bytes[2] === 1
}

/** What OpenSSL would call it. */
function noTls(bytes: Buffer): TlsError {
  const text = bytes.toString('latin1', 0, ENOUGH)
  if (/^(GET |POST |HEAD |PUT )/.test(text)) return sslError(156, 'http request')
  return text.startsWith('CONNE') ? sslError(155, 'https proxy request') : sslError(267, 'wrong version number')
}

class ConnectTls extends TlsHandshake {
  readonly #make: (servername: string) => TlsMaker
  readonly #sni: Expression | undefined

  constructor(make: (servername: string) => TlsMaker, sni: Expression | undefined) {
    super()
    this.#make = make
    this.#sni = sni
  }

  override step(hs: Handshake): Verdict {
    if (this.session !== undefined) return super.step(hs)
    return this.begin(hs, this.#make(this.#sni === undefined ? '' : serverName(this.#sni, hs)))
  }
}

/** The server name to send; an expression without a value sends none. */
function serverName(sni: Expression, hs: Handshake): string {
  return toText(asText(sni.evaluate(new ConnectSubject(hs))) ?? '')
}

function saying(line: PlanLine): Say {
  return {
    alert: (text) => line.report({ level: 'alert', text }),
    warning: (text) => line.report({ level: 'warning', text }),
  }
}

function planAccept(line: PlanLine): MakeHandler | null {
  if (line.get(words.ssl) !== true) return null
  const say = saying(line)
  let sound = true
  const counting: Say = { alert: (text) => ((sound = false), say.alert(text)), warning: say.warning }
  const strict = line.get(words.strictSni) === true
  const hosts = loadHosts(line, counting)
  const makers = new Map<TlsHost, TlsMaker>()
  for (const host of hosts) {
    const make = made(() => tlsServer(host.settings), host.settings, counting)
    if (make !== undefined) makers.set(host, make)
  }
  if (hosts.length === 0 && sound) {
    if (strict) say.warning("no SSL certificate specified for this line, ssl connections will fail (use 'crt').")
    else counting.alert("no SSL certificate specified for this line (use 'crt').")
  }
  if (!sound) return null
  const capture = line.global.get(tuneSslCaptureBufferSize) ?? 0
  const presented: Presented = {
    hosts: new TlsHosts(hosts, strict),
    makers,
    wholeHello: hosts.length !== 1 || strict || hosts.some((host) => host.settings.alpn.length > 0) || capture > 0,
    capture,
  }
  return () => new AcceptTls(presented)
}

/** Settings that do not fit together are OpenSSL's to find; which of them it is, is found out by trying each alone. */
function made<T>(make: () => T, settings: TlsOffer, say: Say): T | undefined {
  try {
    return make()
  } catch (error) {
    const { ciphers, ciphersuites, curves, sigalgs } = settings
    const trials: readonly (readonly [string, string | undefined, SecureContextOptions])[] = [
      ['SSL cipher list', ciphers, { ciphers }],
      ['TLS 1.3 cipher suites', ciphersuites, { ciphers: ciphersuites?.split(':').map((name) => (name.startsWith('TLS_') ? name : `TLS_${name}`)).join(':') }],
      ['SSL curves list', curves, { ecdhCurve: curves }],
      ['SSL signature algorithms', sigalgs, { sigalgs }],
    ]
    const faulty = trials.find(([, value, options]) => value !== undefined && !works(options))
    if (faulty !== undefined) say.alert(`unable to set ${faulty[0]} to '${faulty[1]}'.`)
    else say.alert(`these TLS settings do not work: ${error instanceof Error ? error.message : String(error)}.`)
    return undefined
  }
}

function works(options: SecureContextOptions): boolean {
  try {
    createSecureContext(options)
    return true
  } catch {
    return false
  }
}

function loadHosts(line: PlanLine, say: Say): TlsHost[] {
  const policy = serverOffer(line, say)
  if (policy === undefined) return []
  const hosts: TlsHost[] = []
  for (const source of line.get(words.bindCrt) ?? []) {
    const file = certificatePath(line, source.path)
    if (source.kind === 'crt') {
      for (const certificate of loadCertificates(line.files, file, say)) hosts.push({ names: certificate.names, except: [], settings: settingsOf(certificate, policy) })
      continue
    }
    for (const entry of readCrtList(line.files, file, say)) {
      const where: Say = { alert: (text) => say.alert(`'crt-list' : parsing [${file}:${entry.line}]: ${text}`), warning: (text) => say.warning(`'crt-list' : parsing [${file}:${entry.line}]: ${text}`) }
      const own = lineOptions(policy, entry.options, line, where)
      for (const certificate of loadCertificates(line.files, certificatePath(line, entry.file), where)) {
        const wanted = entry.filters.filter((name) => !name.startsWith('!')).map((name) => name.toLowerCase())
        const except = entry.filters.filter((name) => name.startsWith('!')).map((name) => name.slice(1).toLowerCase())
        const names = wanted.length > 0 ? wanted : except.includes('*') ? [] : certificate.names.filter((name) => !except.includes(name))
        hosts.push({ names, except, settings: settingsOf(certificate, own ?? policy) })
      }
    }
  }
  return hosts
}

function settingsOf(certificate: TlsServerSettings['certificate'], policy: Policy): TlsServerSettings {
  const dh = dhParamsOf(certificate)
  return { ...policy, certificate, ...(dh === undefined ? {} : { dh }) }
}

function planConnect(line: PlanLine): MakeHandler | null {
  if (line.get(words.ssl) !== true) return null
  let sound = true
  const say: Say = { alert: (text) => ((sound = false), line.report({ level: 'alert', text })), warning: (text) => line.report({ level: 'warning', text }) }
  const verify = line.get(words.serverVerify) ?? line.global.get(sslServerVerify) ?? 'required'
  const caName = line.get(words.caFile)
  const crlName = line.get(words.crlFile)
  const crtName = line.get(words.serverCrt)
  const ca = caName === undefined ? undefined : loadAuthorities(line.files, authorityPath(line, caName), 'ca-file', say)
  const crl = crlName === undefined ? undefined : loadAuthorities(line.files, authorityPath(line, crlName), 'crl-file', say)
  const certificate = crtName === undefined ? undefined : loadCertificate(line.files, certificatePath(line, crtName), say)
  if (verify === 'required' && caName === undefined) {
    say.alert(
      "verify is enabled by default but no CA file specified. If you're running on a LAN where you're certain to trust the server's certificate, please set an explicit 'verify none' statement on the 'server' line, or use 'ssl-server-verify none' in the global section to disable server-side verifications by default.",
    )
  }
  const offer = clientOffer(line, say)
  const verifyHost = line.get(words.verifyhost) ?? ''
  if (offer === undefined || !sound) return null
  const settings: TlsClientSettings = {
    ...offer,
    verify,
    ...(ca === undefined ? {} : { ca }),
    ...(crl === undefined ? {} : { crl }),
    ...(certificate === undefined ? {} : { certificate }),
    ...(verifyHost === '' ? {} : { verifyHost }),
    reuse: line.get(words.sslReuse) ?? true,
  }
  const make = made(() => tlsClient(settings), settings, say)
  const sni = line.get(words.sni)
  return make === undefined ? null : () => new ConnectTls(make, sni)
}

export const tls: Plugin = {
  name: 'tls',
  keywords: words.tlsLineKeywords,
  handlers: [
    { name: 'tls', side: 'accept', after: ['accept-proxy'], speaks: true, plan: planAccept },
    { name: 'tls', side: 'connect', after: ['send-proxy'], speaks: true, plan: planConnect },
  ],
}
