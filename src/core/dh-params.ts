// Owns parameters for Diffie-Hellman key exchange: those that everybody knows (RFC 3526), in PEM.

import { createDiffieHellmanGroup } from 'node:crypto'
import type { PemFile } from './tls.ts'

/** Bits and the name of the group, from the largest. */
const GROUPS = [
  [8192, 'modp18'],
  [6144, 'modp17'],
  [4096, 'modp16'],
  [3072, 'modp15'],
  [2048, 'modp14'],
] as const

/** A DER length and what it measures. */
function der(tag: number, body: Buffer): Buffer {
  const size = body.length
  return Buffer.concat([Buffer.from(size < 128 ? [tag, size] : size < 256 ? [tag, 0x81, size] : [tag, 0x82, size >> 8, size & 0xff]), body])
}

/** A positive number: a first bit of 1 needs a byte before it. */
function integer(value: Buffer): Buffer {
  return der(0x02, (value[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.from([0]), value]) : value)
}

/** The largest group of at most `bits`; the smallest there is when that is none. */
export function knownDhParams(bits: number): PemFile {
  const [size, name] = GROUPS.find(([size]) => size <= bits) ?? GROUPS[4]
  const group = createDiffieHellmanGroup(name)
  const body = der(0x30, Buffer.concat([integer(group.getPrime()), integer(group.getGenerator())]))
  const lines = body.toString('base64').replaceAll(/.{1,64}/g, '$&\n')
  return { file: `RFC 3526 group of ${size} bits`, pem: Buffer.from(`-----BEGIN DH PARAMETERS-----\n${lines}-----END DH PARAMETERS-----\n`) }
}
