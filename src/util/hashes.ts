// Owns the 32-bit hash functions that balancing and converters share (manual 4.2 `hash-type`, 7.3.1), and the avalanche behind them.

const CRC32 = new Uint32Array(256)
for (let byte = 0; byte < 256; byte++) {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1
  CRC32[byte] = value
}

/** CRC-32 as in Ethernet, gzip and PNG. 0 … 2^32-1, as all of these. */
export function crc32(bytes: Uint8Array): number {
  let crc = -1
  for (let i = 0; i < bytes.length; i++) crc = (crc >>> 8) ^ (CRC32[(crc ^ (bytes[i] ?? 0)) & 0xff] ?? 0)
  return ~crc >>> 0
}

export function sdbm(bytes: Uint8Array): number {
  let hash = 0
  for (let i = 0; i < bytes.length; i++) hash = ((bytes[i] ?? 0) + (hash << 6) + (hash << 16) - hash) | 0
  return hash >>> 0
}

export function djb2(bytes: Uint8Array): number {
  let hash = 5381
  for (let i = 0; i < bytes.length; i++) hash = ((hash << 5) + hash + (bytes[i] ?? 0)) | 0
  return hash >>> 0
}

export function wt6(bytes: Uint8Array): number {
  let h0 = 0xa53c965a | 0
  let h1 = 0x5ca6953a
  let step0 = 6
  let step1 = 18
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] ?? 0
    h0 = ~(h0 ^ byte)
    h1 = ~(h1 + byte)
    const turned = rotate(h1, step0)
    h1 = rotate(h0, step1)
    h0 = turned
    const steps = ((h0 >>> 16) ^ h1) & 0xffff
    step0 = steps & 0x1f
    step1 = steps >>> 11
  }
  return (h0 ^ h1) >>> 0
}

function rotate(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by))
}

/** Spreads a difference in any bit of a hash over all of its bits: Bob Jenkins' six shifts, then over the whole range by a prime near 3/4 of it. */
export function avalanche(hash: number): number {
  let a = hash | 0
  a = (a + 0x7ed55d16 + (a << 12)) | 0
  a = a ^ 0xc761c23c ^ (a >>> 19)
  a = (a + 0x165667b1 + (a << 5)) | 0
  a = ((a + 0xd3a2646c) | 0) ^ (a << 9)
  a = (a + 0xfd7046c5 + (a << 3)) | 0
  a = a ^ 0xb55a4f09 ^ (a >>> 16)
  return Math.imul(a, 0xc0000001) >>> 0
}
