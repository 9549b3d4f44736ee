// Owns making a TlsCertificate from the bytes of its files: does the key fit, which names is it for. No files are read here.

import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto'
import { pemBlocks } from './pem.ts'
import type { TlsCertificate } from './tls.ts'
import { messageOf } from '../util/shown.ts'

export type CertificateRead =
  | { readonly ok: true; readonly certificate: TlsCertificate }
  /** 'key': the file has no private key and none was given. */
  | { readonly ok: false; readonly missing?: 'key'; readonly text: string }

/**
 * `pem` is the certificate file: leaf first, then its chain, and the key anywhere in it. `key` is the key's own file, used when `pem`
 * has none. Messages are HAProxy's where it has one, and say what is wrong.
 */
export function readCertificate(file: string, pem: Buffer, keyFile?: { readonly file: string; readonly pem: Buffer }): CertificateRead {
  const blocks = pemBlocks(pem)
  const leaf = blocks.find((block) => block.label.endsWith('CERTIFICATE'))
  if (leaf === undefined) return { ok: false, text: `unable to load certificate from file '${file}': it has no complete CERTIFICATE block.` }
  for (const block of blocks) {
    if (!block.label.endsWith('CERTIFICATE')) continue
    const bad = malformed(() => new X509Certificate(block.pem))
    if (bad !== undefined) return { ok: false, text: `unable to load certificate from file '${file}': ${block === leaf ? 'the certificate' : 'a certificate of the chain'} is malformed (${bad}).` }
  }
  const x509 = new X509Certificate(leaf.pem)

  const inside = blocks.find((block) => block.label.endsWith('PRIVATE KEY'))
  const keyBlock = inside ?? (keyFile === undefined ? undefined : pemBlocks(keyFile.pem).find((block) => block.label.endsWith('PRIVATE KEY')))
  if (keyBlock === undefined) return { ok: false, missing: 'key', text: `No Private Key found in '${keyFile?.file ?? `${file}.key`}'.` }
  const keyName = inside === undefined ? (keyFile?.file ?? file) : file
  if (keyBlock.label.includes('ENCRYPTED') || keyBlock.pem.includes('Proc-Type: 4,ENCRYPTED')) {
    return { ok: false, text: `unable to load private key from file '${keyName}': it is protected by a passphrase, which is not supported yet.` }
  }
  let key: KeyObject
  try {
    key = createPrivateKey(keyBlock.pem)
  } catch (error) {
    return { ok: false, text: `unable to load private key from file '${keyName}': ${messageOf(error)}.` }
  }
  if (!x509.checkPrivateKey(key)) return { ok: false, text: `inconsistencies between private key and certificate loaded '${file}'.` }
  return {
    ok: true,
    certificate: { file, pem, key: keyBlock.pem, keyType: keyType(key), names: certificateNames(x509) },
  }
}

function malformed(parse: () => unknown): string | undefined {
  try {
    parse()
    return undefined
  } catch (error) {
    return messageOf(error)
  }
}

function keyType(key: KeyObject): TlsCertificate['keyType'] {
  switch (key.asymmetricKeyType) {
    case 'rsa':
    case 'rsa-pss':
      return 'rsa'
    case 'ec':
      return 'ec'
    case 'dsa':
      return 'dsa'
    default:
      return 'other'
  }
}

/** DNS names of the subjectAltName and the common name, lower case, each once: HAProxy looks at both. */
function certificateNames(x509: X509Certificate): string[] {
  const names = new Set<string>()
  for (const entry of (x509.subjectAltName ?? '').split(', ')) {
    if (entry.startsWith('DNS:')) names.add(entry.slice(4).toLowerCase())
  }
  for (const line of (x509.subject ?? '').split('\n')) {
    if (line.startsWith('CN=')) names.add(line.slice(3).toLowerCase())
  }
  return [...names]
}
