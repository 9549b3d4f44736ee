// Owns `send-proxy` and its variants: the first thing a server is told is who the connection is for.
//
// The ends and the TLS session are those of the accepted connection that this one is made for. A connection of our own (a health
// check) has none: version 1 then announces the socket's own ends, version 2 says LOCAL.

import { X509Certificate } from 'node:crypto'
import { buildProxyV1, buildProxyV2, certificateAlgorithms, keyword, next, originFact, proxyHeaderFact, PP2_CLIENT, sslTlv, textTlv, tlsFact, TLV, uniqueIdFact } from 'headgate/plugin'
import type { CertificateAlgorithms, Handler, Handshake, Keyword, MakeHandler, Origin, PlanLine, Plugin, TlsCertificate, TlsFacts, Tlv } from 'headgate/plugin'

const OPTIONS = ['ssl', 'cert-cn', 'ssl-cipher', 'cert-sig', 'cert-key', 'authority', 'crc32c', 'unique-id'] as const
type Option = (typeof OPTIONS)[number]

function sender(name: string, doc: string): readonly [Keyword<boolean>, Keyword<boolean>] {
  const on = keyword<boolean>({ name, sections: ['server'], args: '', doc, parse: () => true })
  const off = keyword<boolean>({ name: `no-${name}`, sections: ['server'], args: '', doc: `Not ${name}, whatever default-server says.`, writes: on, parse: () => false })
  return [on, off]
}

export const [sendProxyV1, noSendProxyV1] = sender('send-proxy', 'Every connection to this server begins with a PROXY protocol header, version 1.')
export const [sendProxyV2, noSendProxyV2] = sender('send-proxy-v2', 'Every connection to this server begins with a PROXY protocol header, version 2.')
export const [sendProxyV2Ssl, noSendProxyV2Ssl] = sender('send-proxy-v2-ssl', "send-proxy-v2, and what is known of the client's TLS session.")
export const [sendProxyV2SslCn, noSendProxyV2SslCn] = sender('send-proxy-v2-ssl-cn', "send-proxy-v2-ssl, and the common name of the client's certificate.")

export const proxyV2Options = keyword<readonly Option[]>({
  name: 'proxy-v2-options',
  sections: ['server'],
  args: '<option>[,<option>]*',
  doc: `What a version 2 header says besides the ends: ${OPTIONS.join(', ')}.`,
  inherits: 'add',
  parse(args, before) {
    const word = args.next()
    const options = [...(before ?? [])]
    for (const name of (word?.text ?? '').split(',')) {
      const option = OPTIONS.find((o) => o === name)
      if (option === undefined) return args.fail(`'${name}' : proxy v2 option not implemented.`, OPTIONS.join(', '), word)
      options.push(option)
    }
    return options
  },
})

/** Says one header and is done: what it says it learns from the connection, so that one object serves the line. */
class SendProxy implements Handler {
  readonly name = 'send-proxy'
  readonly #header: (hs: Handshake) => Uint8Array

  constructor(header: (hs: Handshake) => Uint8Array) {
    this.#header = header
  }

  step(hs: Handshake): ReturnType<typeof next> {
    hs.write(this.#header(hs))
    return next()
  }
}

function headerV1(hs: Handshake): Uint8Array {
  const { src, dst } = hs.get(originFact) ?? hs
  return buildProxyV1(src, dst)
}

function headerV2(hs: Handshake, options: ReadonlySet<Option>): Uint8Array {
  const origin = hs.get(originFact)
  const tls = origin?.get(tlsFact)
  const { src, dst } = origin ?? hs
  // As in HAProxy, whose receivers refuse AF_UNIX: a client of a Unix socket is not announced.
  const command = origin === undefined || src.family === 'unix' ? 'LOCAL' : 'PROXY'
  return buildProxyV2({ command, src, dst, tlvs: values(origin, tls, options), crc32c: options.has('crc32c') })
}

/** In HAProxy's order. */
function values(origin: Origin | undefined, tls: TlsFacts | undefined, options: ReadonlySet<Option>): Tlv[] {
  const tlvs: Tlv[] = []
  if (tls !== undefined && tls.alpn !== '') tlvs.push(textTlv(TLV.alpn, tls.alpn))
  if (options.has('authority')) {
    // What the proxy before us announced comes first: it saw the client.
    const announced = origin?.get(proxyHeaderFact)?.tlvs.find(({ type }) => type === TLV.authority)?.value
    if (announced !== undefined) tlvs.push({ type: TLV.authority, value: announced })
    else if (tls !== undefined && tls.sni !== '') tlvs.push(textTlv(TLV.authority, tls.sni))
  }
  if (options.has('unique-id')) tlvs.push({ type: TLV.uniqueId, value: Buffer.from(origin?.get(uniqueIdFact) ?? '', 'latin1') })
  if (options.has('ssl')) tlvs.push(tls === undefined ? sslTlv(0, 0, []) : session(tls, options))
  return tlvs
}

function session(tls: TlsFacts, options: ReadonlySet<Option>): Tlv {
  const tlvs = [textTlv(TLV.sslVersion, tls.version)]
  const cn = options.has('cert-cn') ? commonName(tls.peer) : undefined
  if (cn !== undefined) tlvs.push(textTlv(TLV.sslCn, cn))
  const own = tls.own === undefined ? undefined : algorithms(tls.own)
  if (own?.key !== undefined && options.has('cert-key')) tlvs.push(textTlv(TLV.sslKeyAlg, own.key))
  if (own?.signature !== undefined && options.has('cert-sig')) tlvs.push(textTlv(TLV.sslSigAlg, own.signature))
  if (options.has('ssl-cipher')) tlvs.push(textTlv(TLV.sslCipher, tls.cipher))
  const client = PP2_CLIENT.ssl | (tls.peerShown ? PP2_CLIENT.certConn : 0) | (tls.peer === undefined ? 0 : PP2_CLIENT.certSess)
  return sslTlv(client, tls.verifyResult, tlvs)
}

/** The common name in a certificate's subject, the last of several. undefined: there is none, or one that no header should carry. */
function commonName(der: Buffer | undefined): string | undefined {
  if (der === undefined) return undefined
  const found: unknown = new X509Certificate(der).toLegacyObject().subject.CN
  const cn: unknown = Array.isArray(found) ? found.at(-1) : found
  return typeof cn === 'string' && cn.length <= CN_LIMIT ? cn : undefined
}

const CN_LIMIT = 1024

const known = new WeakMap<TlsCertificate, CertificateAlgorithms>()

function algorithms(certificate: TlsCertificate): CertificateAlgorithms {
  let found = known.get(certificate)
  if (found === undefined) {
    found = certificateAlgorithms(new X509Certificate(certificate.pem))
    known.set(certificate, found)
  }
  return found
}

function plan(line: PlanLine): MakeHandler | null {
  const options = new Set(line.get(proxyV2Options))
  // Each of these says something inside the SSL value, so each brings it.
  const ssl = line.get(sendProxyV2Ssl) === true || line.get(sendProxyV2SslCn) === true
  if (ssl || (['cert-cn', 'ssl-cipher', 'cert-sig', 'cert-key'] as const).some((o) => options.has(o))) options.add('ssl')
  if (line.get(sendProxyV2SslCn) === true) options.add('cert-cn')

  let handler: Handler
  if (line.get(sendProxyV2) === true || ssl) handler = new SendProxy((hs) => headerV2(hs, options))
  // As in HAProxy, options for version 2 without it bring version 1.
  else if (line.get(sendProxyV1) === true || options.size > 0) handler = new SendProxy(headerV1)
  else return null
  return () => handler
}

export const sendProxy: Plugin = {
  name: 'send-proxy',
  keywords: [
    sendProxyV1,
    noSendProxyV1,
    sendProxyV2,
    noSendProxyV2,
    sendProxyV2Ssl,
    noSendProxyV2Ssl,
    sendProxyV2SslCn,
    noSendProxyV2SslCn,
    proxyV2Options,
  ],
  handlers: [{ name: 'send-proxy', side: 'connect', speaks: true, plan }],
}
