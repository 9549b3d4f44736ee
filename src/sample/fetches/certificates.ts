// Owns fetches of certificates (manual 7.3.4): the client's, our own towards it, the server's.

import { createHash, X509Certificate } from 'node:crypto'
import type { ArgSpec, ByteString, FetchSpec, Source, Subject } from '../../core/sample.ts'
import { sint, str, toText } from '../../core/sample.ts'
import { ALGORITHM_NAMES } from '../../core/algorithm-names.ts'
import { nameEntry, oneLine, rfc2253 } from '../../core/distinguished-name.ts'
import { pemBlocks } from '../../core/pem.ts'
import { tlsFact } from '../../core/tls.ts'
import type { TlsCertificate } from '../../core/tls.ts'
import { dottedOid, readX509 } from '../../core/x509-fields.ts'
import type { NamePart, X509Fields } from '../../core/x509-fields.ts'

const read = new WeakMap<Buffer, { readonly fields: X509Fields | undefined }>()
const ders = new WeakMap<TlsCertificate, { readonly der: Buffer | undefined }>()

/** Read once per certificate. */
function fieldsOf(der: Buffer | undefined): X509Fields | undefined {
  if (der === undefined) return undefined
  let known = read.get(der)
  if (known === undefined) read.set(der, (known = { fields: readX509(der) }))
  return known.fields
}

/** The DER of a certificate file's leaf. */
function derOf(certificate: TlsCertificate | undefined): Buffer | undefined {
  if (certificate === undefined) return undefined
  let known = ders.get(certificate)
  if (known === undefined) {
    const leaf = pemBlocks(certificate.pem).find((block) => block.label.endsWith('CERTIFICATE'))
    const der = leaf === undefined ? undefined : Buffer.from(leaf.pem.toString('latin1').replace(/-----[^-]+-----|\s/g, ''), 'base64')
    ders.set(certificate, (known = { der }))
  }
  return known.der
}

const alternatives = new WeakMap<Buffer, { readonly text: string | undefined }>()

/** `DNS:a.example, IP Address:192.0.2.1`; what could be taken for another name is quoted. Read once per certificate. */
function alternativeNames(der: Buffer): string | undefined {
  let known = alternatives.get(der)
  if (known === undefined) {
    let text: string | undefined
    try {
      text = new X509Certificate(der).subjectAltName
    } catch {
      // OpenSSL verified it or was told not to: what cannot be read has no names
    }
    alternatives.set(der, (known = { text }))
  }
  return known.text
}

const algorithm = (oid: string): string => ALGORITHM_NAMES.get(oid) ?? dottedOid(oid)

/** Whose certificate: its DER, undefined without one. */
interface Whose {
  readonly prefix: string
  readonly text: string
  readonly source: Source
  readonly der: (subject: Subject) => Buffer | undefined
  /** What it was shown with. Absent: ours, which no fetch asks for. */
  readonly chain?: (subject: Subject) => Buffer | undefined
}

const CLIENT: Whose = { prefix: 'ssl_c', text: "the client's certificate", source: 'client-l5', der: (subject) => subject.client?.get(tlsFact)?.peer, chain: (subject) => subject.client?.get(tlsFact)?.live?.chain() }
const OWN: Whose = { prefix: 'ssl_f', text: 'the certificate that was presented to the client', source: 'client-l5', der: (subject) => derOf(subject.client?.get(tlsFact)?.own) }
const SERVER: Whose = { prefix: 'ssl_s', text: "the server's certificate", source: 'server-l5', der: (subject) => subject.server?.get(tlsFact)?.peer, chain: (subject) => subject.server?.get(tlsFact)?.live?.chain() }

const DN: readonly ArgSpec[] = [
  { name: 'entry', type: 'str', optional: true },
  { name: 'occ', type: 'sint', optional: true },
  { name: 'format', type: 'str', optional: true },
]

function name(whose: Whose, which: 'issuer' | 'subject'): FetchSpec {
  return {
    name: `${whose.prefix}_${which === 'issuer' ? 'i' : 's'}_dn`,
    args: DN,
    output: 'str',
    source: whose.source,
    doc: `The ${which} of ${whose.text}: all of it, or one entry (the nth, from the end when negative); format rfc2253 writes it for LDAP.`,
    compile(args, _scope, fail) {
      const entry = toText(args.str(0))
      const nth = Number(args.int(1, 1n))
      const format = toText(args.str(2))
      if (format !== '' && format !== 'rfc2253') return fail(`only rfc2253 or a blank value are currently supported as the format argument.`)
      const text = (parts: readonly NamePart[]): ByteString | undefined => (entry !== '' ? (nth === 0 ? undefined : nameEntry(parts, entry, nth)) : format === '' ? oneLine(parts) : rfc2253(parts))
      return (subject) => {
        const fields = fieldsOf(whose.der(subject))
        const value = fields === undefined ? undefined : text(fields[which])
        return value === undefined ? undefined : { type: 'str', value }
      }
    },
  }
}

function ofDer(whose: Whose, suffix: string, doc: string, value: (der: Buffer) => ByteString): FetchSpec {
  return {
    name: `${whose.prefix}_${suffix}`,
    output: 'bin',
    source: whose.source,
    doc: `${doc} of ${whose.text}.`,
    compile: () => (subject) => {
      const der = whose.der(subject)
      return der === undefined ? undefined : { type: 'bin', value: value(der) }
    },
  }
}

function ofFields(whose: Whose, suffix: string, doc: string, value: (fields: X509Fields) => string | number): FetchSpec {
  return {
    name: `${whose.prefix}_${suffix}`,
    output: suffix === 'version' ? 'sint' : 'str',
    source: whose.source,
    doc: `${doc} of ${whose.text}.`,
    compile: () => (subject) => {
      const fields = fieldsOf(whose.der(subject))
      if (fields === undefined) return undefined
      const v = value(fields)
      return typeof v === 'number' ? sint(v) : str(v)
    },
  }
}

function chainOf({ prefix, text, source, chain }: Whose, which: string): readonly FetchSpec[] {
  if (chain === undefined) return []
  return [
    {
      name: `${prefix}_chain_der`,
      output: 'bin',
      source,
      doc: `The DER of the certificates that were shown with ${text}, ${which}, one behind the other; none in a session resumed, nor on the node provider.`,
      compile: () => (subject) => {
        const der = chain(subject)
        return der === undefined ? undefined : { type: 'bin', value: der.toString('latin1') }
      },
    },
  ]
}

const clientNames: FetchSpec = {
  name: 'ssl_c_san',
  output: 'str',
  source: CLIENT.source,
  doc: "The subject alternative names of the client's certificate, as OpenSSL writes them: DNS:a.example, IP Address:192.0.2.1",
  compile: () => (subject) => {
    const der = CLIENT.der(subject)
    const text = der === undefined ? undefined : alternativeNames(der)
    return text === undefined ? undefined : str(text)
  },
}

export const certificateFetches: readonly FetchSpec[] = [clientNames, ...[CLIENT, OWN, SERVER].flatMap((whose) => [
  ...chainOf(whose, whose === SERVER ? 'itself first' : 'without itself'),
  ofDer(whose, 'der', 'The DER', (der) => der.toString('latin1')),
  ofDer(whose, 'sha1', 'The SHA-1 fingerprint', (der) => createHash('sha1').update(der).digest().toString('latin1')),
  {
    name: `${whose.prefix}_serial`,
    output: 'bin',
    source: whose.source,
    doc: `The serial number of ${whose.text}, bytes.`,
    compile: () => (subject) => {
      const fields = fieldsOf(whose.der(subject))
      return fields === undefined ? undefined : { type: 'bin', value: fields.serial.toString('latin1') }
    },
  } satisfies FetchSpec,
  name(whose, 'issuer'),
  name(whose, 'subject'),
  ofFields(whose, 'notbefore', 'The begin of the validity, YYMMDDhhmmssZ,', (fields) => fields.notBefore),
  ofFields(whose, 'notafter', 'The end of the validity, YYMMDDhhmmssZ,', (fields) => fields.notAfter),
  ofFields(whose, 'sig_alg', 'The algorithm of the signature', (fields) => algorithm(fields.signature)),
  ofFields(whose, 'key_alg', 'The algorithm of the key', (fields) => algorithm(fields.key)),
  ofFields(whose, 'version', 'The X.509 version', (fields) => fields.version),
])]
