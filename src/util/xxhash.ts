// Owns the xxHash functions (the published specification of XXH32, XXH64 and XXH3): fast hashes of no use against an adversary.
//
// 64-bit arithmetic is BigInt's: a value is kept in 64 bits by w().

const P32_1 = 0x9e3779b1
const P32_2 = 0x85ebca77
const P32_3 = 0xc2b2ae3d
const P32_4 = 0x27d4eb2f
const P32_5 = 0x165667b1

const P64_1 = 0x9e3779b185ebca87n
const P64_2 = 0xc2b2ae3d27d4eb4fn
const P64_3 = 0x165667b19e3779f9n
const P64_4 = 0x85ebca77c2b2ae63n
const P64_5 = 0x27d4eb2f165667c5n

const w = (value: bigint): bigint => BigInt.asUintN(64, value)
const rotl32 = (value: number, by: number): number => (value << by) | (value >>> (32 - by))
const rotl64 = (value: bigint, by: bigint): bigint => w(value << by) | (value >> (64n - by))

function round32(acc: number, input: number): number {
  return Math.imul(rotl32((acc + Math.imul(input, P32_2)) | 0, 13), P32_1)
}

/** @param seed 32 bits are used. Returns 0 … 2^32-1 */
export function xxh32(bytes: Buffer, seed: number): number {
  const length = bytes.length
  let at = 0
  let hash: number
  if (length >= 16) {
    let [a, b, c, d] = [(seed + P32_1 + P32_2) | 0, (seed + P32_2) | 0, seed | 0, (seed - P32_1) | 0]
    for (; at + 16 <= length; at += 16) {
      a = round32(a, bytes.readInt32LE(at))
      b = round32(b, bytes.readInt32LE(at + 4))
      c = round32(c, bytes.readInt32LE(at + 8))
      d = round32(d, bytes.readInt32LE(at + 12))
    }
    hash = rotl32(a, 1) + rotl32(b, 7) + rotl32(c, 12) + rotl32(d, 18)
  } else {
    hash = seed + P32_5
  }
  hash = (hash + length) | 0
  for (; at + 4 <= length; at += 4) hash = Math.imul(rotl32((hash + Math.imul(bytes.readInt32LE(at), P32_3)) | 0, 17), P32_4)
  for (; at < length; at++) hash = Math.imul(rotl32((hash + Math.imul(bytes[at] ?? 0, P32_5)) | 0, 11), P32_1)
  hash = Math.imul(hash ^ (hash >>> 15), P32_2)
  hash = Math.imul(hash ^ (hash >>> 13), P32_3)
  return (hash ^ (hash >>> 16)) >>> 0
}

function round64(acc: bigint, input: bigint): bigint {
  return w(rotl64(w(acc + input * P64_2), 31n) * P64_1)
}

function avalanche64(value: bigint): bigint {
  let hash = value
  hash = w((hash ^ (hash >> 33n)) * P64_2)
  hash = w((hash ^ (hash >> 29n)) * P64_3)
  return hash ^ (hash >> 32n)
}

/** @param seed 64 bits are used. Returns 0 … 2^64-1 */
export function xxh64(bytes: Buffer, seed: bigint): bigint {
  const length = bytes.length
  let at = 0
  let hash: bigint
  if (length >= 32) {
    const lanes = [w(seed + P64_1 + P64_2), w(seed + P64_2), w(seed), w(seed - P64_1)]
    for (; at + 32 <= length; at += 32) for (let i = 0; i < 4; i++) lanes[i] = round64(lanes[i] ?? 0n, bytes.readBigUInt64LE(at + 8 * i))
    const [a = 0n, b = 0n, c = 0n, d = 0n] = lanes
    hash = w(rotl64(a, 1n) + rotl64(b, 7n) + rotl64(c, 12n) + rotl64(d, 18n))
    for (const lane of lanes) hash = w((hash ^ round64(0n, lane)) * P64_1 + P64_4)
  } else {
    hash = w(seed + P64_5)
  }
  hash = w(hash + BigInt(length))
  for (; at + 8 <= length; at += 8) hash = w(rotl64(hash ^ round64(0n, bytes.readBigUInt64LE(at)), 27n) * P64_1 + P64_4)
  if (at + 4 <= length) {
    hash = w(rotl64(hash ^ w(BigInt(bytes.readUInt32LE(at)) * P64_1), 23n) * P64_2 + P64_3)
    at += 4
  }
  for (; at < length; at++) hash = w(rotl64(hash ^ w(BigInt(bytes[at] ?? 0) * P64_5), 11n) * P64_1)
  return avalanche64(hash)
}

const SECRET = Buffer.from(
  'b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c' +
    '3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364ea' +
    'c5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e',
  'hex',
)

/** The product's two halves, xored. */
function fold(a: bigint, b: bigint): bigint {
  const product = a * b
  return w(product) ^ (product >> 64n)
}

function avalanche3(value: bigint): bigint {
  const hash = w((value ^ (value >> 37n)) * 0x165667919e3779f9n)
  return hash ^ (hash >> 32n)
}

const swap32 = (value: bigint): bigint => ((value & 0xffn) << 24n) | ((value & 0xff00n) << 8n) | ((value >> 8n) & 0xff00n) | ((value >> 24n) & 0xffn)
const swap64 = (value: bigint): bigint => (swap32(value & 0xffffffffn) << 32n) | swap32(value >> 32n)

/** @param seed 64 bits are used. Returns 0 … 2^64-1 */
export function xxh3(bytes: Buffer, seed: bigint): bigint {
  const length = bytes.length
  if (length <= 16) return short(bytes, w(seed))
  if (length <= 240) return middle(bytes, w(seed))
  return long(bytes, w(seed))
}

const secret = (at: number): bigint => SECRET.readBigUInt64LE(at)

function short(bytes: Buffer, seed: bigint): bigint {
  const length = bytes.length
  if (length > 8) {
    const low = bytes.readBigUInt64LE(0) ^ w((secret(24) ^ secret(32)) + seed)
    const high = bytes.readBigUInt64LE(length - 8) ^ w((secret(40) ^ secret(48)) - seed)
    return avalanche3(w(BigInt(length) + swap64(low) + high + fold(low, high)))
  }
  if (length >= 4) {
    const mixed = seed ^ (swap32(seed & 0xffffffffn) << 32n)
    const input = BigInt(bytes.readUInt32LE(length - 4)) + (BigInt(bytes.readUInt32LE(0)) << 32n)
    let hash = input ^ w((secret(8) ^ secret(16)) - mixed)
    hash ^= rotl64(hash, 49n) ^ rotl64(hash, 24n)
    hash = w(hash * 0x9fb21c651e98df25n)
    hash = w((hash ^ ((hash >> 35n) + BigInt(length))) * 0x9fb21c651e98df25n)
    return hash ^ (hash >> 28n)
  }
  if (length > 0) {
    const combined = ((bytes[0] ?? 0) * 0x10000 + (bytes[length >> 1] ?? 0) * 0x1000000 + (bytes[length - 1] ?? 0) + length * 0x100) >>> 0
    return avalanche64(BigInt(combined) ^ w(BigInt((SECRET.readUInt32LE(0) ^ SECRET.readUInt32LE(4)) >>> 0) + seed))
  }
  return avalanche64(seed ^ secret(56) ^ secret(64))
}

function middle(bytes: Buffer, seed: bigint): bigint {
  const length = bytes.length
  const mix = (at: number, key: number): bigint => fold(bytes.readBigUInt64LE(at) ^ w(secret(key) + seed), bytes.readBigUInt64LE(at + 8) ^ w(secret(key + 8) - seed))
  let hash = w(BigInt(length) * P64_1)
  if (length <= 128) {
    for (let i = (length - 1) >> 5; i >= 0; i--) hash = w(hash + mix(16 * i, 32 * i) + mix(length - 16 * (i + 1), 32 * i + 16))
    return avalanche3(hash)
  }
  for (let i = 0; i < 8; i++) hash = w(hash + mix(16 * i, 16 * i))
  hash = avalanche3(hash)
  for (let i = 8; i < length >> 4; i++) hash = w(hash + mix(16 * i, 16 * (i - 8) + 3))
  return avalanche3(w(hash + mix(length - 16, 136 - 17)))
}

const STRIPE = 64
const STRIPES = (SECRET.length - STRIPE) / 8

function long(bytes: Buffer, seed: bigint): bigint {
  const keys = Buffer.from(SECRET)
  for (let at = 0; at < keys.length; at += 16) {
    keys.writeBigUInt64LE(w(keys.readBigUInt64LE(at) + seed), at)
    keys.writeBigUInt64LE(w(keys.readBigUInt64LE(at + 8) - seed), at + 8)
  }
  const acc = new BigUint64Array([BigInt(P32_3), P64_1, P64_2, P64_3, P64_4, BigInt(P32_2), P64_5, BigInt(P32_1)])
  const length = bytes.length
  const accumulate = (at: number, key: number): void => {
    for (let i = 0; i < 8; i++) {
      const value = bytes.readBigUInt64LE(at + 8 * i)
      const mixed = value ^ keys.readBigUInt64LE(key + 8 * i)
      acc[i ^ 1] = (acc[i ^ 1] ?? 0n) + value
      acc[i] = (acc[i] ?? 0n) + (mixed & 0xffffffffn) * (mixed >> 32n)
    }
  }
  const block = STRIPE * STRIPES
  const last = length - 1
  for (let at = 0; at + STRIPE <= last; at += STRIPE) {
    const n = (at % block) / STRIPE
    if (at > 0 && n === 0) scramble(acc, keys)
    accumulate(at, 8 * n)
  }
  if (last % block < STRIPE && last >= block) scramble(acc, keys)
  accumulate(length - STRIPE, keys.length - STRIPE - 7)
  let hash = w(BigInt(length) * P64_1)
  for (let i = 0; i < 4; i++) hash = w(hash + fold((acc[2 * i] ?? 0n) ^ keys.readBigUInt64LE(11 + 16 * i), (acc[2 * i + 1] ?? 0n) ^ keys.readBigUInt64LE(19 + 16 * i)))
  return avalanche3(hash)
}

function scramble(acc: BigUint64Array, keys: Buffer): void {
  for (let i = 0; i < 8; i++) {
    const value = acc[i] ?? 0n
    acc[i] = (value ^ (value >> 47n) ^ keys.readBigUInt64LE(keys.length - STRIPE + 8 * i)) * BigInt(P32_1)
  }
}
