// Owns what a cipher's name says of it.

/** Strength in bits, by OpenSSL's name; 0 when the name does not say. */
export function cipherBits(name: string): number {
  if (/AES_?256|CHACHA20|ARIA256|CAMELLIA256/.test(name)) return 256
  if (/AES_?128|ARIA128|CAMELLIA128|SEED|RC4/.test(name)) return 128
  if (name.includes('3DES') || name.includes('DES-CBC3')) return 112
  return 0
}
