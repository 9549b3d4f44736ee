// Owns making a self-signed certificate for the quickstart: Node has no builder for X.509, so the DER is put together here (RFC 5280, X.690).

import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { mkdirSync, openSync, closeSync, writeSync } from 'node:fs'
import path from 'node:path'

/** One DER value: tag, length, contents. */
function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(contents)
  const size = body.length
  const length = size < 128 ? [size] : size < 256 ? [0x81, size] : [0x82, size >> 8, size & 0xff]
  return Buffer.concat([Buffer.from([tag, ...length]), body])
}

const sequence = (...items: readonly Uint8Array[]): Buffer => der(0x30, ...items)
const set = (...items: readonly Uint8Array[]): Buffer => der(0x31, ...items)
const octets = (value: Uint8Array): Buffer => der(0x04, value)
const utf8 = (text: string): Buffer => der(0x0c, Buffer.from(text))
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'))
const bits = (value: Uint8Array, unused = 0): Buffer => der(0x03, Buffer.from([unused]), value)
const TRUE = der(0x01, Buffer.from([0xff]))

/** UTCTime until 2049, GeneralizedTime after. */
function time(ms: number): Buffer {
  const iso = new Date(ms).toISOString().replaceAll(/[-:T]|\.\d+/g, '')
  return iso < '2050' ? der(0x17, Buffer.from(iso.slice(2))) : der(0x18, Buffer.from(iso))
}

const ECDSA_SHA256 = sequence(oid('2a8648ce3d040302'))
const DAY = 86_400_000

/**
 * A certificate for localhost, 127.0.0.1 and ::1, ECDSA P-256, and its key: PEM, as `crt` takes it.
 * @param now ms since the epoch; it is valid from a day before to `days` after
 */
export function selfSigned(now: number, days = 3650): string {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const serial = randomBytes(16)
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40 // positive, and no leading zero
  const name = sequence(set(sequence(oid('550403'), utf8('localhost'))))
  const extension = (id: string, critical: boolean, value: Buffer): Buffer => sequence(oid(id), ...(critical ? [TRUE] : []), octets(value))
  const names = sequence(der(0x82, Buffer.from('localhost')), der(0x87, Buffer.from([127, 0, 0, 1])), der(0x87, Buffer.concat([Buffer.alloc(15), Buffer.from([1])])))
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))), // version 3
    der(0x02, serial),
    ECDSA_SHA256,
    name,
    sequence(time(now - DAY), time(now + days * DAY)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(
      0xa3,
      sequence(
        extension('551d13', true, sequence()), // basicConstraints: no CA
        extension('551d0f', true, bits(Buffer.from([0x80]), 7)), // keyUsage: digitalSignature
        extension('551d25', false, sequence(oid('2b06010505070301'))), // extKeyUsage: serverAuth
        extension('551d11', false, names),
      ),
    ),
  )
  const certificate = sequence(body, ECDSA_SHA256, bits(sign('sha256', body, privateKey)))
  const lines = certificate.toString('base64').replaceAll(/.{1,64}/g, '$&\n')
  return `-----BEGIN CERTIFICATE-----\n${lines}-----END CERTIFICATE-----\n${privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()}`
}

/**
 * Makes the file when it is not there, readable by its owner only. Returns whether it was made. Throws a system error when it
 * cannot be; two processes that start at once make it once.
 */
export function ensureSelfSigned(file: string, now = Date.now()): boolean {
  mkdirSync(path.dirname(file), { recursive: true })
  let fd: number
  try {
    fd = openSync(file, 'wx', 0o600)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
  try {
    writeSync(fd, selfSigned(now))
  } finally {
    closeSync(fd)
  }
  return true
}
