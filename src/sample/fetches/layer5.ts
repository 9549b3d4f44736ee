// Owns fetches at layer 5 (manual 7.3.4): TLS sessions with clients and with servers, and the hello that a session began with.

import { capturedHelloFact, isGrease } from '../../core/client-hello.ts'
import type { ClientHello } from '../../core/client-hello.ts'
import type { ByteString, Fetched, FetchSpec, Sample, Source, Subject } from '../../core/sample.ts'
import { bool, sint, str } from '../../core/sample.ts'
import { cipherSuiteName } from '../../core/cipher-suites.ts'
import type { TlsFacts, TlsFailure, TlsSecrets } from '../../core/tls.ts'
import { tlsFact, tlsFailureFact } from '../../core/tls.ts'
import type { Peer } from '../../core/view.ts'
import { xxh64 } from '../../util/xxhash.ts'
import { of } from './of.ts'
import { failedInTls } from './tls-errors.ts'

type Facts = (subject: Subject) => TlsFacts | undefined
const FRONT: Facts = (subject) => subject.client?.get(tlsFact)
const BACK: Facts = (subject) => subject.server?.get(tlsFact)

/** Empty is none. */
const text = (value: string): Fetched => (value === '' ? undefined : str(value))
const NO = bool(false)

/** What is asked of either side. */
function side(prefix: 'ssl_fc' | 'ssl_bc', source: Source, who: string, facts: Facts): readonly FetchSpec[] {
  const sideOf = (suffix: string, output: 'bool' | 'sint' | 'str', doc: string, value: (facts: TlsFacts) => Fetched, otherwise?: Sample): FetchSpec =>
    of(`${prefix}_${suffix}`, source, output, doc, facts, value, otherwise)
  return [
    {
      name: prefix,
      output: 'bool',
      source,
      doc: `Whether the connection with the ${who} is TLS, or was to be.`,
      compile: () => (subject) => {
        const peer: Peer | undefined = prefix === 'ssl_fc' ? subject.client : subject.server
        return bool(facts(subject) !== undefined || failedInTls(subject, peer))
      },
    },
    sideOf('alpn', 'str', `The protocol agreed upon with the ${who} by ALPN.`, ({ alpn }) => text(alpn)),
    sideOf('cipher', 'str', `The cipher of the connection with the ${who}.`, ({ cipher }) => str(cipher)),
    sideOf('protocol', 'str', `The TLS version of the connection with the ${who}, such as TLSv1.3.`, ({ version }) => str(version)),
    sideOf('use_keysize', 'sint', `Bits of the cipher's key that are used with the ${who}.`, ({ cipherBits }) => (cipherBits === 0 ? undefined : sint(cipherBits))),
    sideOf('alg_keysize', 'sint', `Bits of the key of the cipher's algorithm, with the ${who}.`, ({ algorithmBits }) => (algorithmBits === 0 ? undefined : sint(algorithmBits))),
    sideOf('curve', 'str', `The group of the key exchange with the ${who} by OpenSSL's name, such as x25519, while the connection is open; on the linux provider only.`, ({ live }) => text(live?.group?.() ?? '')),
    sideOf('is_resumed', 'bool', `Whether the TLS session with the ${who} is one resumed.`, ({ resumed }) => bool(resumed), NO),
  ]
}

/** Faults of the client's certificate, those that ended the handshake too. */
function verified(name: string, doc: string, fault: (found: TlsFacts | TlsFailure) => number | undefined): FetchSpec {
  return {
    name,
    output: 'sint',
    source: 'client-l5',
    doc,
    compile: () => (subject) => {
      const found = FRONT(subject) ?? subject.client?.get(tlsFailureFact)
      return found === undefined ? (failedInTls(subject, subject.client) ? sint(0) : undefined) : sint(fault(found) ?? 0)
    },
  }
}

/** What only the two ends know. */
function secrets(prefix: 'ssl_fc' | 'ssl_bc', source: Source, who: string, facts: Facts): readonly FetchSpec[] {
  const secret = (suffix: string, doc: string, value: (secrets: TlsSecrets) => Buffer | undefined, where = ''): FetchSpec => ({
    name: `${prefix}_${suffix}`,
    output: 'bin',
    source,
    doc: `${doc} of the TLS session with the ${who}, while the connection is open${where}.`,
    compile: () => (subject) => {
      const known = facts(subject)?.live?.secrets()
      const bytes = known === undefined ? undefined : value(known)
      return bytes === undefined ? undefined : { type: 'bin', value: bytes.toString('latin1') }
    },
  })
  return [
    secret('session_id', 'The id', ({ sessionId }) => sessionId),
    secret('session_key', 'The master key', ({ masterKey }) => masterKey),
    secret('unique_id', 'The unique id (RFC 5929)', ({ uniqueId }) => uniqueId),
    secret('client_random', "The client's random bytes", ({ clientRandom }) => clientRandom, '; on the node provider with tune.ssl.keylog only'),
    secret('server_random', "The server's random bytes", ({ serverRandom }) => serverRandom, '; on the linux provider only'),
  ]
}

/** Secrets of TLS 1.3, where they are kept. */
function keyLogged(prefix: 'ssl_fc' | 'ssl_bc', source: Source, who: string, facts: Facts): readonly FetchSpec[] {
  const labels = ['client_early_traffic_secret', 'client_handshake_traffic_secret', 'server_handshake_traffic_secret', 'client_traffic_secret_0', 'server_traffic_secret_0', 'exporter_secret', 'early_exporter_secret']
  return labels.map((label) => ({
    name: `${prefix}_${label}`,
    output: 'str',
    source,
    doc: `${label.toUpperCase()} of TLS 1.3 with the ${who}, in hexadecimal, while the connection is open and where tune.ssl.keylog is on.${label.includes('early') ? ' There is none: no early data is taken.' : ''}`,
    compile: () => (subject) => {
      const secret = facts(subject)?.live?.keyLogged(label.toUpperCase())
      return secret === undefined ? undefined : { type: 'str', value: secret }
    },
  }))
}

type List = (hello: ClientHello) => readonly number[]

/** Of the first `limit` bytes; what is left out has been among them. */
function bytesOf(numbers: readonly number[], width: 1 | 2, limit: number, withoutGrease: boolean): ByteString {
  let out = ''
  let left = limit
  for (const n of numbers) {
    if (left <= 0) break
    if (!withoutGrease || !isGrease(n)) out += (width === 1 ? String.fromCharCode(n) : String.fromCharCode(n >> 8, n & 0xff)).slice(0, left)
    left -= width
  }
  return out
}

/** A list of the hello, in the form that `show` gives its bytes. */
function list(name: string, output: 'bin' | 'str', doc: string, of: List, width: 1 | 2, show: (bytes: ByteString) => ByteString): FetchSpec {
  return {
    name,
    args: width === 1 ? [] : [{ name: 'filter_option', type: 'sint', optional: true }],
    output,
    source: 'client-l5',
    doc: `${doc}; kept where tune.ssl.capture-buffer-size is set.`,
    compile(args) {
      const withoutGrease = width === 2 && args.int(0, 0n) !== 0n
      return (subject) => {
        const captured = subject.client?.get(capturedHelloFact)
        return captured === undefined ? undefined : { type: output, value: show(bytesOf(of(captured.hello), width, captured.limit, withoutGrease)) }
      }
    },
  }
}

function ofHello(name: string, output: 'sint', doc: string, value: (hello: ClientHello) => Sample): FetchSpec {
  return {
    name,
    output,
    source: 'client-l5',
    doc: `${doc}; kept where tune.ssl.capture-buffer-size is set.`,
    compile: () => (subject) => {
      const captured = subject.client?.get(capturedHelloFact)
      return captured === undefined ? undefined : value(captured.hello)
    },
  }
}

/** As many whole numbers as there are. */
function suiteNames(bytes: ByteString): ByteString {
  const names: string[] = []
  for (let i = 0; i + 1 < bytes.length; i += 2) names.push(cipherSuiteName(bytes.charCodeAt(i) * 256 + bytes.charCodeAt(i + 1)))
  return names.join()
}

const same = (bytes: ByteString): ByteString => bytes
const hex = (bytes: ByteString): ByteString => Buffer.from(bytes, 'latin1').toString('hex').toUpperCase()

export const layer5Fetches: readonly FetchSpec[] = [
  ...side('ssl_fc', 'client-l5', 'client', FRONT),
  ...side('ssl_bc', 'server-l5', 'server', BACK),
  ...secrets('ssl_fc', 'client-l5', 'client', FRONT),
  ...secrets('ssl_bc', 'server-l5', 'server', BACK),
  ...keyLogged('ssl_fc', 'client-l5', 'client', FRONT),
  ...keyLogged('ssl_bc', 'server-l5', 'server', BACK),
  {
    name: 'ssl_fc_sni',
    output: 'str',
    source: 'client-l5',
    doc: 'The server name that the client asked for, in lower case.',
    compile: () => (subject) => text(FRONT(subject)?.sni ?? subject.client?.get(tlsFailureFact)?.sni ?? ''),
  },
  { ...of('ssl_fc_sni_end', 'client-l5', 'str', 'The server name that the client asked for, matched at its end.', FRONT, ({ sni }) => text(sni)), match: 'end', aclOnly: true },
  { ...of('ssl_fc_sni_reg', 'client-l5', 'str', 'The server name that the client asked for, matched by regular expressions.', FRONT, ({ sni }) => text(sni)), match: 'reg', aclOnly: true },
  of('ssl_bc_sni', 'server-l5', 'str', 'The server name that the server was asked for.', BACK, ({ sni }) => text(sni)),
  of('ssl_fc_has_sni', 'client-l5', 'bool', 'Whether the client asked for a server name.', FRONT, ({ sni }) => bool(sni !== ''), NO),
  of('ssl_fc_has_crt', 'client-l5', 'bool', 'Whether the client showed a certificate on this connection.', FRONT, ({ peerShown }) => bool(peerShown)),
  of('ssl_fc_has_early', 'client-l5', 'bool', 'Whether early data was taken: never.', FRONT, () => NO),
  of('ssl_fc_early_rcvd', 'client-l5', 'bool', 'Whether early data came: never, none is taken.', FRONT, () => NO),
  of('ssl_fc_crtname', 'client-l5', 'str', 'The file of the certificate that was presented to the client, as it was opened.', FRONT, ({ own }) => text(own?.file ?? '')),
  of('ssl_c_used', 'client-l5', 'bool', "Whether there is a client's certificate, the resumed session's counted.", FRONT, ({ peer }) => bool(peer !== undefined)),
  of('ssl_c_verify', 'client-l5', 'sint', "The result of verifying the client's certificate: OpenSSL's number, 0 for good or none.", FRONT, ({ verifyResult }) => sint(verifyResult)),
  verified('ssl_c_err', "What is wrong with the client's certificate itself: OpenSSL's number, 0 for nothing.", ({ crtError }) => crtError),
  verified('ssl_c_ca_err', "What is wrong with the certificates above the client's: OpenSSL's number, 0 for nothing.", ({ caError }) => caError),
  verified('ssl_c_ca_err_depth', "How far above the client's certificate the faulty one is.", ({ caErrorDepth }) => caErrorDepth),
  ofHello('ssl_fc_protocol_hello_id', 'sint', 'The version that the client hello names', ({ version }) => sint(version)),
  list('ssl_fc_cipherlist_bin', 'bin', 'Cipher suites that the client offers, two bytes each', ({ ciphers }) => ciphers, 2, same),
  list('ssl_fc_cipherlist_hex', 'str', 'Cipher suites that the client offers, in hexadecimal', ({ ciphers }) => ciphers, 2, hex),
  list('ssl_fc_cipherlist_str', 'str', 'Cipher suites that the client offers, by the names that OpenSSL has for them', ({ ciphers }) => ciphers, 2, suiteNames),
  ofHello('ssl_fc_cipherlist_xxh', 'sint', 'The xxh64 hash of all cipher suites that the client offers', ({ ciphers }) => sint(xxh64(Buffer.from(bytesOf(ciphers, 2, Infinity, false), 'latin1'), 0n))),
  list('ssl_fc_extlist_bin', 'bin', 'Extensions of the client hello, two bytes each', ({ extensions }) => extensions, 2, same),
  list('ssl_fc_eclist_bin', 'bin', 'Groups that the client offers for the key exchange, two bytes each', ({ groups }) => groups ?? [], 2, same),
  list('ssl_fc_sigalgs_bin', 'bin', 'Signature algorithms that the client offers, two bytes each', ({ sigalgs }) => sigalgs, 2, same),
  list('ssl_fc_ecformats_bin', 'bin', 'Point formats that the client offers, a byte each', ({ pointFormats }) => pointFormats, 1, same),
]
