// Owns the names of a certificate's algorithms as OpenSSL writes them: what signed it (`RSA-SHA256`) and its key (`RSA2048`, `EC256`).

import type { X509Certificate } from 'node:crypto'
import { ALGORITHM_NAMES } from './algorithm-names.ts'

export interface CertificateAlgorithms {
  /** OpenSSL's short name; undefined for an algorithm that is not in the table. */
  readonly signature: string | undefined
  /** RSA, EC or DSA and the number of bits; undefined for other kinds, as in HAProxy. */
  readonly key: string | undefined
}

export function certificateAlgorithms(certificate: X509Certificate): CertificateAlgorithms {
  return { signature: ALGORITHM_NAMES.get(signatureOid(certificate.raw) ?? ''), key: keyName(certificate) }
}

const EC_BITS = new Map([
  ['prime192v1', 192],
  ['secp224r1', 224],
  ['prime256v1', 256],
  ['secp256k1', 256],
  ['brainpoolP256r1', 256],
  ['secp384r1', 384],
  ['brainpoolP384r1', 384],
  ['brainpoolP512r1', 512],
  ['secp521r1', 521],
])

function keyName({ publicKey }: X509Certificate): string | undefined {
  const details = publicKey.asymmetricKeyDetails
  switch (publicKey.asymmetricKeyType) {
    case 'rsa':
      return `RSA${details?.modulusLength ?? ''}`
    case 'dsa':
      return `DSA${details?.modulusLength ?? ''}`
    case 'ec':
      return `EC${EC_BITS.get(details?.namedCurve ?? '') ?? ''}`
    default:
      return undefined
  }
}

/** Certificate ::= SEQUENCE { tbsCertificate SEQUENCE, signatureAlgorithm SEQUENCE { OBJECT IDENTIFIER … } … } (RFC 5280, 4.1). */
function signatureOid(der: Buffer): string | undefined {
  const certificate = element(der, 0, 0x30)
  const tbs = certificate === undefined ? undefined : element(der, certificate.from, 0x30)
  const algorithm = tbs === undefined ? undefined : element(der, tbs.to, 0x30)
  const oid = algorithm === undefined ? undefined : element(der, algorithm.from, 0x06)
  return oid === undefined ? undefined : der.toString('hex', oid.from, oid.to)
}

/** Where the contents of the DER element at `at` begin and end; undefined when it is no such element or goes beyond the end. */
function element(der: Buffer, at: number, tag: number): { readonly from: number; readonly to: number } | undefined {
  if (der[at] !== tag) return undefined
  const first = der[at + 1]
  if (first === undefined) return undefined
  const more = first < 0x80 ? 0 : first & 0x7f
  if (more > 4 || (first >= 0x80 && more === 0) || at + 2 + more > der.length) return undefined
  const length = more === 0 ? first : der.readUIntBE(at + 2, more)
  const from = at + 2 + more
  return from + length > der.length ? undefined : { from, to: from + length }
}
