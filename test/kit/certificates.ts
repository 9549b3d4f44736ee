// Owns the certificates of tests: two authorities and leaves for servers and clients, made once per test process.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { generate } from 'selfsigned'

export interface Leaf {
  readonly cert: string
  readonly key: string
  /** A file with certificate and key, as `crt` takes it. */
  readonly pem: string
}

export interface Certificates {
  readonly folder: string
  /** The authority that signed `server`, `other` and `client`; its file. */
  readonly ca: string
  readonly caFile: string
  /** An authority that signed only `stranger`. */
  readonly wrongCa: string
  readonly wrongCaFile: string
  /** CN and names server.test, *.wild.test; 127.0.0.1. */
  readonly server: Leaf
  /** CN other.test. */
  readonly other: Leaf
  /** CN client.test. */
  readonly client: Leaf
  /** CN client.test, signed by the wrong authority. */
  readonly stranger: Leaf
}

const DAY = 86_400_000

async function make(): Promise<Certificates> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'headgate-certificates-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  const times = { notBeforeDate: new Date(Date.now() - DAY), notAfterDate: new Date(Date.now() + 30 * DAY), algorithm: 'sha256', keyType: 'ec' as const }
  const authority = (name: string) =>
    generate([{ name: 'commonName', value: name }], {
      ...times,
      extensions: [
        { name: 'basicConstraints', cA: true, critical: true },
        { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
      ],
    })
  const ca = await authority('Headgate test CA')
  const wrong = await authority('Another CA')
  const leaf = async (file: string, signer: { private: string; cert: string }, names: readonly string[]): Promise<Leaf> => {
    const made = await generate([{ name: 'commonName', value: names[0] ?? '' }], {
      ...times,
      ca: { key: signer.private, cert: signer.cert },
      extensions: [
        { name: 'basicConstraints', cA: false },
        { name: 'keyUsage', digitalSignature: true, critical: true },
        { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
        { name: 'subjectAltName', altNames: [...names.map((value) => ({ type: 2 as const, value })), { type: 7 as const, ip: '127.0.0.1' }] },
      ],
    })
    const pem = path.join(folder, `${file}.pem`)
    writeFileSync(pem, `${made.cert}\n${made.private}\n`)
    return { cert: made.cert, key: made.private, pem }
  }
  const caFile = path.join(folder, 'ca.crt')
  const wrongCaFile = path.join(folder, 'wrong-ca.crt')
  writeFileSync(caFile, ca.cert)
  writeFileSync(wrongCaFile, wrong.cert)
  return {
    folder,
    ca: ca.cert,
    caFile,
    wrongCa: wrong.cert,
    wrongCaFile,
    server: await leaf('server', ca, ['server.test', '*.wild.test']),
    other: await leaf('other', ca, ['other.test']),
    client: await leaf('client', ca, ['client.test']),
    stranger: await leaf('stranger', wrong, ['client.test']),
  }
}

let made: Promise<Certificates> | undefined

export function certificates(): Promise<Certificates> {
  made ??= make()
  return made
}
