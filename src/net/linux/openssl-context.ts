// Owns SSL_CTX: TLS settings turned into a context of OpenSSL, once per line and name. Every failure is one Error that says which setting.

import { TLS_VERSIONS, type PemFile, type TlsCertificate, type TlsClientSettings, type TlsOffer, type TlsServerSettings } from '../../core/tls.ts'
import { sessionScope } from '../session-scope.ts'
import type { OpenSsl } from './openssl-calls.ts'

const CTRL_MODE = 33
const CTRL_READ_AHEAD = 41
const CTRL_CACHE_SIZE = 42
const CTRL_CACHE_MODE = 44
const CTRL_TICKET_KEYS = 59
const CTRL_CHAIN_CERT = 89
const CTRL_GROUPS = 92
const CTRL_SIGALGS = 98
const CTRL_DH_AUTO = 118
const CTRL_MIN_VERSION = 123
const CTRL_MAX_VERSION = 124

/** SSL_write returns after each record and may be repeated from another address; buffers are held only while they hold something. */
const MODES = 0x1 | 0x2 | 0x10
const IGNORE_UNEXPECTED_EOF = 2 ** 7
const NO_TICKET = 2 ** 14
const NO_COMPRESSION = 2 ** 17
const PRIORITIZE_CHACHA = 2 ** 21
const SERVER_PREFERENCE = 2 ** 22
const NO_RENEGOTIATION = 2 ** 30

const CACHE_OFF = 0
const CACHE_SERVER = 2
const VERIFY_PEER = 1
const VERIFY_FAIL_IF_NO_PEER_CERT = 2
const CRL_CHECKS = 0x4 | 0x8

/** What OpenSSL may read from the socket at a time: four records. */
const READ_BUFFER = 65536

/** A context lives as long as its maker: connections count it up by themselves. */
export class TlsContext {
  readonly ssl: OpenSsl
  readonly ctx: number

  constructor(ssl: OpenSsl, method: number) {
    this.ssl = ssl
    ssl.errorClear()
    this.ctx = ssl.ctxNew(method)
    if (this.ctx === 0) throw new Error(`SSL_CTX_new: ${this.#reason()}`)
    forgotten.register(this, { ssl, ctx: this.ctx })
  }

  #reason(): string {
    const reason = this.ssl.errorReason(this.ssl.errorGet()) ?? 'unknown error'
    this.ssl.errorClear()
    return reason
  }

  /** Throws unless an OpenSSL call succeeded. */
  need(result: number, what: string): void {
    if (result <= 0) throw new Error(`${what}: ${this.#reason()}`)
  }

  offer(offer: TlsOffer, options: number): void {
    const { ssl, ctx } = this
    ssl.ctxCtrl(ctx, CTRL_MODE, MODES)
    ssl.ctxCtrl(ctx, CTRL_READ_AHEAD, 1)
    ssl.ctxSetReadBuffer(ctx, READ_BUFFER)
    ssl.ctxSetOptions(ctx, options + IGNORE_UNEXPECTED_EOF + NO_COMPRESSION + NO_RENEGOTIATION + (offer.tickets ? 0 : NO_TICKET))
    this.need(ssl.ctxCtrl(ctx, CTRL_MIN_VERSION, number(offer.minVersion ?? 'TLSv1.2')), 'lowest version')
    this.need(ssl.ctxCtrl(ctx, CTRL_MAX_VERSION, number(offer.maxVersion ?? 'TLSv1.3')), 'highest version')
    if (offer.keyLog === true) ssl.ctxSetKeyLog(ctx)
    if (offer.ciphers !== undefined) this.need(ssl.ctxSetCiphers(ctx, offer.ciphers), `ciphers '${offer.ciphers}'`)
    if (offer.ciphersuites !== undefined) this.need(ssl.ctxSetSuites(ctx, offer.ciphersuites), `ciphersuites '${offer.ciphersuites}'`)
    if (offer.curves !== undefined) this.need(ssl.ctxCtrlText(ctx, CTRL_GROUPS, 0, offer.curves), `curves '${offer.curves}'`)
    if (offer.sigalgs !== undefined) this.need(ssl.ctxCtrlText(ctx, CTRL_SIGALGS, 0, offer.sigalgs), `signature algorithms '${offer.sigalgs}'`)
  }

  /** The leaf, then what follows it as chain, then the key. OpenSSL reads the bytes where they are; no copy of the key is made here. */
  certificate(certificate: TlsCertificate): void {
    const { ssl, ctx } = this
    this.#pem(certificate, (bio) => {
      for (let first = true; ; first = false) {
        const x509 = ssl.readX509(bio)
        if (x509 === 0) {
          if (first) this.need(0, `certificate '${certificate.file}'`)
          break
        }
        const taken = first ? ssl.ctxUseCertificate(ctx, x509) : ssl.ctxCtrlPtr(ctx, CTRL_CHAIN_CERT, 1, x509)
        ssl.x509Free(x509)
        this.need(taken, `certificate '${certificate.file}'`)
      }
    })
    this.#pem({ file: certificate.file, pem: certificate.key }, (bio) => {
      const key = ssl.readKey(bio)
      const taken = key === 0 ? 0 : ssl.ctxUseKey(ctx, key)
      if (key !== 0) ssl.keyFree(key)
      this.need(taken, `private key of '${certificate.file}'`)
    })
  }

  /** Authorities to verify with; `named`: their names are told to clients that are asked for a certificate. */
  authorities(file: PemFile, named: boolean): void {
    const { ssl, ctx } = this
    const store = ssl.ctxStore(ctx)
    this.#pem(file, (bio) => {
      for (let x509 = ssl.readX509(bio); x509 !== 0; x509 = ssl.readX509(bio)) {
        ssl.storeAddCert(store, x509)
        if (named) ssl.ctxAddClientCa(ctx, x509)
        ssl.x509Free(x509)
      }
    })
  }

  dhParams(file: PemFile): void {
    const { ssl, ctx } = this
    this.#pem(file, (bio) => {
      const params = ssl.readParams(bio)
      const taken = params === 0 ? 0 : ssl.ctxSetDh(ctx, params) // takes the object over
      if (params !== 0 && taken !== 1) ssl.keyFree(params)
      this.need(taken, `DH parameters of '${file.file}'`)
    })
  }

  revocations(file: PemFile): void {
    const { ssl } = this
    const store = ssl.ctxStore(this.ctx)
    this.#pem(file, (bio) => {
      for (let crl = ssl.readCrl(bio); crl !== 0; crl = ssl.readCrl(bio)) {
        ssl.storeAddCrl(store, crl)
        ssl.crlFree(crl)
      }
    })
    ssl.storeSetFlags(store, CRL_CHECKS)
  }

  #pem(file: PemFile, read: (bio: number) => void): void {
    const bio = this.ssl.bioMemBuf(file.pem, file.pem.length)
    try {
      read(bio)
    } finally {
      this.ssl.bioFree(bio)
      this.ssl.errorClear() // reading ends with "no start line"
    }
  }
}

const forgotten = new FinalizationRegistry<{ ssl: OpenSsl; ctx: number }>(({ ssl, ctx }) => ssl.ctxFree(ctx))

/** 0x0301 to 0x0304. */
function number(version: TlsOffer['minVersion'] & string): number {
  return 0x0301 + TLS_VERSIONS.indexOf(version)
}

export function versionName(number: number): (typeof TLS_VERSIONS)[number] {
  return TLS_VERSIONS[number - 0x0301] ?? 'TLSv1.2'
}

/** Throws what OpenSSL finds wrong with the settings. */
export function serverContext(ssl: OpenSsl, settings: TlsServerSettings): TlsContext {
  const context = new TlsContext(ssl, ssl.serverMethod)
  const { ctx } = context
  context.offer(settings, PRIORITIZE_CHACHA + (settings.preferClientCiphers ? 0 : SERVER_PREFERENCE))
  context.certificate(settings.certificate)
  if (settings.dh === undefined) ssl.ctxCtrl(ctx, CTRL_DH_AUTO, 1)
  else context.dhParams(settings.dh)
  if (settings.ca !== undefined) context.authorities(settings.ca, true)
  if (settings.caVerify !== undefined) context.authorities(settings.caVerify, false)
  if (settings.crl !== undefined) context.revocations(settings.crl)
  if (settings.verify !== 'none') ssl.ctxSetVerify(ctx, VERIFY_PEER | (settings.verify === 'required' ? VERIFY_FAIL_IF_NO_PEER_CERT : 0), true)
  if (settings.alpn.length > 0) ssl.ctxSetAlpnSelect(ctx)
  const { id, keys } = sessionScope(settings)
  context.need(ssl.ctxSetSessionId(ctx, id, id.length), 'session id context')
  context.need(ssl.ctxCtrlBytes(ctx, CTRL_TICKET_KEYS, keys.length, keys), 'ticket keys')
  const size = settings.cacheSize ?? 20_000
  ssl.ctxCtrl(ctx, CTRL_CACHE_MODE, size === 0 ? CACHE_OFF : CACHE_SERVER)
  if (size > 0) ssl.ctxCtrl(ctx, CTRL_CACHE_SIZE, size)
  ssl.ctxSetTimeout(ctx, settings.lifetime ?? 300)
  return context
}

/** Throws what OpenSSL finds wrong with the settings. */
export function clientContext(ssl: OpenSsl, settings: TlsClientSettings): TlsContext {
  const context = new TlsContext(ssl, ssl.clientMethod)
  const { ctx } = context
  context.offer(settings, 0)
  if (settings.certificate !== undefined) context.certificate(settings.certificate)
  if (settings.ca !== undefined) context.authorities(settings.ca, false)
  if (settings.crl !== undefined) context.revocations(settings.crl)
  if (settings.verify === 'required') ssl.ctxSetVerify(ctx, VERIFY_PEER, false)
  ssl.ctxCtrl(ctx, CTRL_CACHE_MODE, CACHE_OFF)
  if (settings.alpn.length > 0) {
    const protocols = wire(settings.alpn)
    if (ssl.ctxSetAlpn(ctx, protocols, protocols.length) !== 0) throw new Error(`protocols '${settings.alpn.join()}': OpenSSL refuses them`)
  }
  return context
}

/** Protocol names as on the wire: a length byte before each. */
function wire(alpn: readonly string[]): Buffer {
  return Buffer.concat(alpn.map((name) => Buffer.concat([Buffer.from([Buffer.byteLength(name)]), Buffer.from(name)])))
}
