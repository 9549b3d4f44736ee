// Owns TLS on the node provider: a TlsSession over node:tls, on top of a NodeSock.
//
// What node:tls decides here: TLSSocket.end() sends close_notify and FIN at once, so shutData() says nothing and shutCtrl() says
// both; a handshake that OpenSSL gives up ends with its alert and the descriptor closed; a certificate that is refused after
// the handshake (node verifies then) ends politely, without an alert.

import { constants, type X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import { checkServerIdentity, connect, createSecureContext, DEFAULT_CIPHERS, TLSSocket, type SecureContext, type SecureContextOptions } from 'node:tls'
import type { Bytes } from '../../core/bytes.ts'
import { readClientHello } from '../../core/client-hello.ts'
import { pemBlocks } from '../../core/pem.ts'
import type { HandshakeState, Sock } from '../../core/sock.ts'
import { HANDSHAKE_CLOSED, HANDSHAKE_FAILURE, sslError, TLS_FATAL, TLS_VERSIONS, tlsError } from '../../core/tls.ts'
import type { TlsCertificate, TlsClientSettings, TlsError, TlsFacts, TlsFailure, TlsLive, TlsMaker, TlsOffer, TlsSecrets, TlsServerSettings, TlsSession } from '../../core/tls.ts'
import type { Address } from '../../core/address.ts'
import { sessionScope } from '../session-scope.ts'
import { KeyLog } from '../key-log.ts'
import { cipherBits } from '../tls-facts.ts'
import { nodeSecrets } from './tls-secrets.ts'
import { CHAIN_UNVERIFIED, clientFailure, serverFailure, verifyNumber } from '../x509.ts'
import { abort, errorName, HIGH_WATER, StreamSock } from './sock.ts'

/** TLS 1.2 renegotiation lets a client make the server work for nothing; HAProxy refuses it too. Node's constants lack it. */
const SSL_OP_NO_RENEGOTIATION = 1 << 30
const SSL_OP_PRIORITIZE_CHACHA = 1 << 21

const isSuite = (name: string): boolean => /^!?TLS_/.test(name)
const DEFAULTS = DEFAULT_CIPHERS.split(':')

/** node:tls takes both cipher lists as one. */
function ciphers(offer: TlsOffer): string {
  const foreign = offer.ciphersuites?.split(':').find((name) => !isSuite(name))
  if (foreign !== undefined) throw new Error(`'${foreign}' is no cipher suite of TLS 1.3`)
  const suites = offer.ciphersuites ?? DEFAULTS.filter(isSuite).join(':')
  const list = offer.ciphers ?? 'DEFAULT' // OpenSSL's own, as HAProxy has it
  return `${suites}:${list}`
}

function options(offer: TlsOffer, certificate: TlsCertificate | undefined, ca: readonly Buffer[], crl: Buffer | undefined): SecureContextOptions {
  return {
    ...(certificate === undefined ? {} : { cert: certificate.pem, key: certificate.key }),
    ...(ca.length === 0 ? {} : { ca: [...ca] }),
    ...(crl === undefined ? {} : { crl: pemBlocks(crl).filter((block) => block.label.endsWith('CRL')).map((block) => block.pem) }),
    ciphers: ciphers(offer),
    ecdhCurve: offer.curves ?? 'auto',
    ...(offer.sigalgs === undefined ? {} : { sigalgs: offer.sigalgs }),
    minVersion: offer.minVersion ?? 'TLSv1.2',
    maxVersion: offer.maxVersion ?? 'TLSv1.3',
  }
}

/** Throws what OpenSSL finds wrong with the settings. */
function nodeServerContext(settings: TlsServerSettings): SecureContext {
  const ca = [settings.ca?.pem, settings.caVerify?.pem].filter((pem) => pem !== undefined)
  const scope = sessionScope(settings)
  let secure = SSL_OP_NO_RENEGOTIATION | SSL_OP_PRIORITIZE_CHACHA
  if (!settings.tickets) secure |= constants.SSL_OP_NO_TICKET
  if (!settings.preferClientCiphers) secure |= constants.SSL_OP_CIPHER_SERVER_PREFERENCE
  return createSecureContext({
    ...options(settings, settings.certificate, ca, settings.crl?.pem),
    secureOptions: secure,
    dhparam: settings.dh?.pem ?? 'auto',
    sessionIdContext: scope.id.toString('base64').slice(0, 32), // a string of bytes below 0x80, 32 at most
    ticketKeys: scope.keys.subarray(0, 48),
    sessionTimeout: settings.lifetime ?? 300,
  })
}

/** node:tls tells the last fault only: of several, that may be the one that is ignored. So it can let all pass or none. */
function ignoresAll(settings: TlsServerSettings): boolean {
  return settings.ignoreCrt === 'all' && settings.ignoreCa === 'all'
}

export function nodeServer(settings: TlsServerSettings): TlsMaker {
  const secureContext = nodeServerContext(settings)
  return (lower, rest) => {
    // node:tls refuses a client that offers only other protocols; HAProxy goes on without one. So ALPN is spoken when it can be agreed upon.
    const common = settings.alpn.length > 0 && offersOne(rest, settings.alpn)
    const raw = handedOver(lower, rest)
    const socket = new TLSSocket(raw, {
      isServer: true,
      secureContext,
      requestCert: settings.verify !== 'none',
      rejectUnauthorized: settings.verify === 'required',
      ...(common ? { ALPNProtocols: [...settings.alpn] } : {}),
      ...HIGH,
    })
    const layer = new NodeTlsServer(socket, raw, lower, settings)
    if (settings.keyLog === true) layer.keepSecrets()
    return layer
  }
}

/** net.Socket takes it, and TLSSocket hands it on; the types do not say so. */
const HIGH: object = { highWaterMark: HIGH_WATER }

function offersOne(rest: Bytes, alpn: readonly string[]): boolean {
  const read = readClientHello(rest.view())
  return read.state !== 'hello' || read.hello.alpn.length === 0 || read.hello.alpn.some((protocol) => alpn.includes(protocol))
}

/** The stream below, with what was read and not taken at its front again. */
function handedOver(lower: Sock, rest: Bytes): Socket {
  if (!(lower instanceof StreamSock)) throw new Error(`TLS of the node provider on a sock of '${lower.provider}'`)
  const raw = lower.release()
  if (rest.length > 0) raw.unshift(Buffer.from(rest.view()))
  rest.clear()
  return raw
}

/** Sessions to resume, by server name; the oldest is forgotten first. */
class Sessions {
  readonly #byName = new Map<string, Buffer>()

  get(name: string): Buffer | undefined {
    return this.#byName.get(name)
  }

  put(name: string, session: Buffer): void {
    this.#byName.delete(name)
    this.#byName.set(name, session)
    if (this.#byName.size <= 1000) return
    const oldest = this.#byName.keys().next()
    if (oldest.done !== true) this.#byName.delete(oldest.value)
  }

  drop(name: string): void {
    this.#byName.delete(name)
  }
}

function nodeClientContext(settings: TlsClientSettings): SecureContext {
  const ca = settings.ca === undefined ? [] : [settings.ca.pem]
  const secure = settings.tickets ? 0 : constants.SSL_OP_NO_TICKET
  return createSecureContext({ ...options(settings, settings.certificate, ca, settings.crl?.pem), secureOptions: secure })
}

export function nodeClient(settings: TlsClientSettings): (servername: string) => TlsMaker {
  const secureContext = nodeClientContext(settings)
  const sessions = new Sessions()
  return (servername) => (lower, rest) => {
    const raw = handedOver(lower, rest)
    const expected = servername === '' ? (settings.verifyHost ?? '') : servername
    const session = settings.reuse ? sessions.get(servername) : undefined
    const socket = connect({
      socket: raw,
      secureContext,
      rejectUnauthorized: false, // judged below, so that a refusal can end politely
      checkServerIdentity: (_host, certificate) => (settings.verify === 'none' || expected === '' ? undefined : checkServerIdentity(expected, certificate)),
      ...(servername === '' ? {} : { servername }),
      ...(session === undefined ? {} : { session }),
      ...(settings.alpn.length === 0 ? {} : { ALPNProtocols: [...settings.alpn] }),
      ...HIGH,
    })
    const layer = new NodeTlsClient(socket, raw, lower, settings, servername)
    if (settings.keyLog === true) layer.keepSecrets()
    if (settings.reuse) {
      socket.on('session', (made: Buffer) => {
        if (layer.handshake() === 'done') sessions.put(servername, made)
      })
      layer.forget = () => sessions.drop(servername)
    }
    return layer
  }
}

/** What both sides have in common. */
abstract class NodeTls extends StreamSock implements TlsSession, TlsLive {
  override readonly socket: TLSSocket
  readonly #raw: Socket
  readonly #lower: Sock
  #state: HandshakeState = 'busy'
  #cause = ''
  #facts: TlsFacts | undefined
  #log: KeyLog | undefined
  failure: TlsFailure | undefined

  constructor(socket: TLSSocket, raw: Socket, lower: Sock, secure: 'secure' | 'secureConnect') {
    super(socket)
    this.socket = socket
    this.#raw = raw
    this.#lower = lower
    raw.on('error', (error: unknown) => {
      // After the handshake the stream above is not always told: a reset would pass for an end, or for silence.
      if (this.#state === 'done') this.#broke(error)
      else this.#fail(error)
    })
    socket.on('error', (error: unknown) => this.#fail(error))
    socket.on('end', () => this.#fail(''))
    socket.on('close', () => this.#fail(''))
    // A record that does not decrypt is told here only, while nobody released the socket's control as tls.Server does.
    socket.on('_tlsError', (error: unknown) => {
      if (this.#state === 'done') this.#broke(error)
    })
    socket.on(secure, () => {
      if (this.#state !== 'busy') return
      this.failure = this.judge()
      this.#state = this.failure === undefined ? 'done' : 'failed'
      if (this.#state === 'done') this.#facts = this.read() // now: nothing can be asked of a socket that was closed
      // Not now: we are called from inside OpenSSL, and an owner that resets or closes would pull it away under itself (a crash).
      this.again()
    })
    socket.resume()
  }

  #fail(error: unknown): void {
    if (this.#state !== 'busy') return
    this.#state = 'failed'
    this.#cause = error === '' ? '' : errorName(error)
    const failure = failureOf(this.#cause)
    const raised = failure.detail === HANDSHAKE_CLOSED ? undefined : raisedBy(error)
    this.failure = raised === undefined ? failure : { ...failure, error: raised, sni: this.sni() }
    this.failed()
    this.owner.ready()
  }

  protected failed(): void {}

  /** An error after the handshake. */
  #broke(error: unknown): void {
    const raised = raisedBy(error)
    if (raised !== undefined) this.failure ??= { detail: TLS_FATAL, reason: errorName(error), error: raised }
    this.broke(errorName(error))
  }

  /** Before the handshake begins, which is not before the event loop's next turn. */
  keepSecrets(): void {
    const log = new KeyLog()
    this.#log = log
    this.socket.on('keylog', (line: Buffer) => log.take(line))
    this.socket.on('close', () => log.wipe())
  }

  secrets(): TlsSecrets | undefined {
    return nodeSecrets(this.socket, this.isServer, this.#log)
  }

  /** node:tls puts a chain together of what was shown and what it knows: what was shown cannot be told from it. */
  chain(): undefined {
    return undefined
  }

  keyLogged(label: string): string | undefined {
    return this.#log?.secret(label)
  }

  /** The peer's certificate is good enough: undefined, or why not. */
  protected abstract judge(): TlsFailure | undefined
  protected abstract verifyResult(): number
  protected abstract readonly own: TlsCertificate | undefined
  protected abstract readonly isServer: boolean
  protected abstract sni(): string

  handshake(): HandshakeState {
    return this.#state
  }

  facts(): TlsFacts {
    if (this.#facts === undefined) throw new Error('facts of a TLS session before its handshake was done')
    return this.#facts
  }

  protected peerCertificate(): X509Certificate | undefined {
    return this.socket.getPeerX509Certificate()
  }

  protected read(): TlsFacts {
    const socket = this.socket
    const cipher = socket.getCipher().name
    const bits = cipherBits(cipher)
    const peer = this.peerCertificate()
    const resumed = socket.isSessionReused()
    return {
      version: TLS_VERSIONS.find((version) => version === socket.getProtocol()) ?? 'TLSv1.2',
      cipher,
      cipherBits: bits,
      algorithmBits: bits,
      alpn: typeof socket.alpnProtocol === 'string' ? socket.alpnProtocol : '',
      sni: this.sni(),
      resumed,
      peer: peer?.raw,
      peerShown: peer !== undefined && !resumed,
      verifyResult: peer === undefined ? 0 : this.verifyResult(),
      own: this.own,
      live: this,
    }
  }

  /** A TLSSocket has no RST of its own: the stream below has. */
  protected override resetLower(): void {
    abort(this.#raw, this.socket)
    if (this.#raw.destroyed) this.socket.destroy() // else it goes with the stream below
  }

  override local(): Address {
    return this.#lower.local()
  }

  override remote(): Address {
    return this.#lower.remote()
  }
}

/** node's code ERR_SSL_NO_SHARED_CIPHER is OpenSSL's reason `no shared cipher`. */
function failureOf(code: string): TlsFailure {
  if (code === '' || code === 'ECONNRESET' || code === 'EPIPE') return { detail: HANDSHAKE_CLOSED, reason: code }
  return { detail: HANDSHAKE_FAILURE, reason: code.startsWith('ERR_SSL_') ? code.slice(8).toLowerCase().replaceAll('_', ' ') : code }
}

/** OpenSSL's own words are in the message, one line for each of its errors, the first first. */
function raisedBy(error: unknown): TlsError | undefined {
  const [, number, library, reason] = /error:([0-9A-F]{8}):([^:]*):[^:]*:([^:\n]*)/.exec(error instanceof Error ? error.message : '') ?? []
  return number === undefined ? undefined : tlsError(Number.parseInt(number, 16), library ?? '', reason ?? '')
}

const NO_CERTIFICATE: TlsFailure = { detail: HANDSHAKE_FAILURE, reason: 'peer did not return a certificate', error: sslError(199, 'peer did not return a certificate') }

class NodeTlsServer extends NodeTls {
  protected readonly isServer = true
  readonly #settings: TlsServerSettings
  protected readonly own: TlsCertificate

  constructor(socket: TLSSocket, raw: Socket, lower: Sock, settings: TlsServerSettings) {
    super(socket, raw, lower, 'secure')
    this.#settings = settings
    this.own = settings.certificate
  }

  /** Only tls.Server asks this by itself, and its way is the one method that everybody uses and nobody documents. */
  protected verifyResult(): number {
    if (this.#settings.verify === 'none') return 0
    const error = this.#ask('verifyError')
    if (error === undefined) return 1
    return error === null ? 0 : verifyNumber(errorName(error))
  }

  /** undefined: it cannot be asked; null: it has nothing to say. */
  #ask(method: string): unknown {
    const handle: unknown = Reflect.get(this.socket, 'ssl')
    if (typeof handle !== 'object' || handle === null) return undefined
    const asked: unknown = Reflect.get(handle, method)
    return typeof asked !== 'function' ? undefined : (Reflect.apply(asked, handle, []) ?? null)
  }

  protected judge(): TlsFailure | undefined {
    if (this.#settings.verify === 'none') return undefined
    const peer = this.peerCertificate()
    if (peer === undefined) return this.#settings.verify === 'optional' ? undefined : NO_CERTIFICATE
    const result = this.verifyResult()
    if (result === 0 || ignoresAll(this.#settings)) return undefined
    const failure = clientFailure(result)
    // the last fault, and its depth only as far as its number tells
    return { ...failure, ...(failure.detail === CHAIN_UNVERIFIED ? { caError: result } : { crtError: result }), sni: this.sni() }
  }

  protected sni(): string {
    const set: unknown = Reflect.get(this.socket, 'servername')
    const name = typeof set === 'string' ? set : this.#ask('getServername') // it is set when the handshake is done
    return typeof name === 'string' ? name.toLowerCase() : ''
  }
}

class NodeTlsClient extends NodeTls {
  protected readonly isServer = false
  readonly #settings: TlsClientSettings
  readonly #servername: string
  protected readonly own: TlsCertificate | undefined
  /** Forgets the session that was tried: it may be why the handshake failed. */
  forget: () => void = () => undefined

  constructor(socket: TLSSocket, raw: Socket, lower: Sock, settings: TlsClientSettings, servername: string) {
    super(socket, raw, lower, 'secureConnect')
    this.#settings = settings
    this.#servername = servername
    this.own = settings.certificate
  }

  protected override failed(): void {
    this.forget()
  }

  protected verifyResult(): number {
    if (this.#settings.verify === 'none' || this.socket.authorized) return 0
    const error: unknown = this.socket.authorizationError
    const name = errorName(error)
    return name === 'ERR_TLS_CERT_ALTNAME_INVALID' ? verifyNumber('HOSTNAME_MISMATCH') : verifyNumber(name)
  }

  protected judge(): TlsFailure | undefined {
    const result = this.verifyResult()
    return result === 0 ? undefined : serverFailure(result, this.#servername !== '')
  }

  protected sni(): string {
    return this.#servername
  }
}
