// Owns the typed values (TLVs) of a version 2 PROXY header: type, 16-bit length, value; read with their bounds and written.

import { crc32c } from './crc32c.ts'
import { TLV, type ProxySsl, type ProxyValues, type Tlv } from './proxy-header.ts'

const UNIQUE_ID_LIMIT = 128
const ZERO = new Uint8Array(4)

/** Why a block is not a list of TLVs, or a value not of its type. */
export class TlvError extends Error {
  override readonly name = 'TlvError'
}

/** Splits a block into its values, which are views of it. Throws TlvError when one goes beyond the end. */
export function splitTlvs(block: Buffer): Tlv[] {
  const tlvs: Tlv[] = []
  for (let at = 0; at < block.length; ) {
    const left = block.length - at
    if (left < 3) throw new TlvError(`${left} bytes after the last TLV`)
    const type = block.readUInt8(at)
    const length = block.readUInt16BE(at + 1)
    if (length > left - 3) throw new TlvError(`TLV ${hex(type)} of ${length} bytes where ${left - 3} are left`)
    tlvs.push({ type, value: block.subarray(at + 3, at + 3 + length) })
    at += 3 + length
  }
  return tlvs
}

/** Reads the registered values. Throws TlvError when one is not as its type has to be. The checksum is not verified here. */
export function readValues(tlvs: readonly Tlv[]): ProxyValues {
  let values: ProxyValues = {}
  for (const { type, value } of tlvs) {
    switch (type) {
      case TLV.alpn:
        values = { ...values, alpn: value }
        break
      case TLV.authority:
        values = { ...values, authority: text(value) }
        break
      case TLV.crc32c:
        if (value.length !== 4) throw new TlvError(`CRC32C of ${value.length} bytes instead of 4`)
        if (values.crc32c !== undefined) throw new TlvError('two CRC32C values')
        values = { ...values, crc32c: Buffer.from(value).readUInt32BE(0) }
        break
      case TLV.uniqueId:
        if (value.length > UNIQUE_ID_LIMIT) throw new TlvError(`unique id of ${value.length} bytes, more than ${UNIQUE_ID_LIMIT}`)
        values = { ...values, uniqueId: value }
        break
      case TLV.ssl:
        values = { ...values, ssl: readSsl(Buffer.from(value)) }
        break
      case TLV.netns:
        values = { ...values, netns: text(value) }
        break
    }
  }
  return values
}

const SSL_TEXTS = new Map<number, 'version' | 'cn' | 'cipher' | 'sigAlg' | 'keyAlg' | 'group' | 'sigScheme'>([
  [TLV.sslVersion, 'version'],
  [TLV.sslCn, 'cn'],
  [TLV.sslCipher, 'cipher'],
  [TLV.sslSigAlg, 'sigAlg'],
  [TLV.sslKeyAlg, 'keyAlg'],
  [TLV.sslGroup, 'group'],
  [TLV.sslSigScheme, 'sigScheme'],
])

function readSsl(value: Buffer): ProxySsl {
  if (value.length < 5) throw new TlvError(`SSL value of ${value.length} bytes, less than 5`)
  const tlvs = splitTlvs(value.subarray(5))
  let ssl: ProxySsl = { client: value.readUInt8(0), verify: value.readUInt32BE(1), tlvs }
  for (const tlv of tlvs) {
    const name = SSL_TEXTS.get(tlv.type)
    if (name !== undefined) ssl = { ...ssl, [name]: text(tlv.value) }
    else if (tlv.type === TLV.sslClientCert) ssl = { ...ssl, clientCert: tlv.value }
  }
  return ssl
}

/** The checksum of a header in which the checksum's own 4 bytes, at `at`, count as zero. */
export function headerChecksum(header: Uint8Array, at: number): number {
  return crc32c(header.subarray(at + 4), crc32c(ZERO, crc32c(header.subarray(0, at))))
}

/** Values to bytes. Throws RangeError when a type is no byte or a value is longer than its 16-bit length can say. */
export function joinTlvs(tlvs: readonly Tlv[]): Buffer {
  const parts: Uint8Array[] = []
  for (const { type, value } of tlvs) {
    if (!Number.isInteger(type) || type < 0 || type > 0xff) throw new RangeError(`TLV type ${type} is no byte`)
    if (value.length > 0xffff) throw new RangeError(`TLV ${hex(type)} of ${value.length} bytes`)
    parts.push(Uint8Array.of(type, value.length >> 8, value.length & 0xff), value)
  }
  return Buffer.concat(parts)
}

/** A value of text, UTF-8. */
export function textTlv(type: number, value: string): Tlv {
  return { type, value: Buffer.from(value, 'utf8') }
}

/** The SSL value: client bits, verify result, values of the second level. */
export function sslTlv(client: number, verify: number, tlvs: readonly Tlv[]): Tlv {
  const fixed = Buffer.alloc(5)
  fixed.writeUInt8(client, 0)
  fixed.writeUInt32BE(verify >>> 0, 1)
  return { type: TLV.ssl, value: Buffer.concat([fixed, joinTlvs(tlvs)]) }
}

function text(value: Uint8Array): string {
  return Buffer.from(value.buffer, value.byteOffset, value.length).toString('utf8')
}

function hex(type: number): string {
  return `0x${type.toString(16).padStart(2, '0')}`
}
