// Owns the CRC-32C checksum (Castagnoli polynomial, reflected; RFC 4960 appendix B), as the PROXY protocol and iSCSI use it.

const TABLE = new Uint32Array(256)
for (let byte = 0; byte < 256; byte++) {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1
  TABLE[byte] = value
}

/** The checksum of `bytes`, 0 … 2^32-1. Pass the sum so far to go on with it. */
export function crc32c(bytes: Uint8Array, sum = 0): number {
  let crc = ~sum
  for (let i = 0; i < bytes.length; i++) crc = (crc >>> 8) ^ (TABLE[(crc ^ (bytes[i] ?? 0)) & 0xff] ?? 0)
  return ~crc >>> 0
}
