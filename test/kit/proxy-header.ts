// Owns PROXY headers in tests: made from parts and taken apart again, by code that shares nothing with the program's.

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')

export type Tlv = readonly [type: number, value: string | Uint8Array]

export interface V2 {
  /** 0x21: version 2, PROXY; 0x20: LOCAL. */
  readonly command?: number
  /** 0x11: TCP over IPv4; 0x21: over IPv6; 0x31: Unix stream; 0x00: unspecified. */
  readonly family?: number
  readonly addresses?: Uint8Array
  readonly tlvs?: readonly Tlv[]
  /** The declared length, when it must be wrong. */
  readonly length?: number
}

export function ipv4(source: string, from: number, destination: string, to: number): Buffer {
  const out = Buffer.alloc(12)
  source.split('.').forEach((octet, i) => out.writeUInt8(Number(octet), i))
  destination.split('.').forEach((octet, i) => out.writeUInt8(Number(octet), 4 + i))
  out.writeUInt16BE(from, 8)
  out.writeUInt16BE(to, 10)
  return out
}

/** Two addresses of 16 bytes in hexadecimal, and ports. */
export function ipv6(source: string, from: number, destination: string, to: number): Buffer {
  const ports = Buffer.alloc(4)
  ports.writeUInt16BE(from, 0)
  ports.writeUInt16BE(to, 2)
  return Buffer.concat([Buffer.from(source, 'hex'), Buffer.from(destination, 'hex'), ports])
}

export function unixPaths(source: string, destination: string): Buffer {
  const out = Buffer.alloc(216)
  out.write(source, 0, 'latin1')
  out.write(destination, 108, 'latin1')
  return out
}

function tlvBytes([type, value]: Tlv): Buffer {
  const bytes = Buffer.from(value)
  const head = Buffer.from([type, bytes.length >> 8, bytes.length & 255])
  return Buffer.concat([head, bytes])
}

export function v2({ command = 0x21, family = 0x11, addresses = Buffer.alloc(0), tlvs = [], length }: V2): Buffer {
  const body = Buffer.concat([addresses, ...tlvs.map(tlvBytes)])
  const head = Buffer.alloc(4)
  head.writeUInt8(command, 0)
  head.writeUInt8(family, 1)
  head.writeUInt16BE(length ?? body.length, 2)
  return Buffer.concat([SIGNATURE, head, body])
}

function crc32c(bytes: Uint8Array): number {
  let crc = ~0
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0)
  }
  return ~crc >>> 0
}

/** The header with a CRC32C TLV in front of its other TLVs, right or wrong. */
export function withChecksum(header: V2, right = true): Buffer {
  const bytes = v2({ ...header, tlvs: [[0x03, Buffer.alloc(4)], ...(header.tlvs ?? [])] })
  bytes.writeUInt32BE((crc32c(bytes) ^ (right ? 0 : 1)) >>> 0, 16 + (header.addresses?.length ?? 0) + 3)
  return bytes
}

const SIZES = new Map([
  [0x00, 0],
  [0x11, 12],
  [0x21, 36],
  [0x31, 216],
])

export interface Read {
  readonly version: 1 | 2 | undefined
  readonly line?: string
  readonly command?: string
  readonly family?: string
  /** source → destination; ports by `nameOf`. */
  readonly addresses?: string
  /** Type in hexadecimal and value: text when printable, hexadecimal otherwise; sub-TLVs of 0x20 taken apart. */
  readonly tlvs?: readonly string[]
  /** What follows the header. */
  readonly rest: string
}

function readTlvs(bytes: Buffer, prefix = ''): string[] {
  const found: string[] = []
  for (let at = 0; at + 3 <= bytes.length; ) {
    const type = bytes.readUInt8(at)
    const length = bytes.readUInt16BE(at + 1)
    const value = bytes.subarray(at + 3, at + 3 + length)
    const name = `${prefix}${type.toString(16).padStart(2, '0')}`
    if (type === 0x20 && prefix === '') {
      found.push(`${name} client ${value.readUInt8(0)} verify ${value.readUInt32BE(1)}`, ...readTlvs(value.subarray(5), '20/'))
    } else if (name === '03') found.push('03 checksum')
    else found.push(`${name} ${/^[ -~]+$/.test(value.toString('latin1')) ? value.toString('latin1') : value.toString('hex')}`)
    at += 3 + length
  }
  return found
}

/** Whether the CRC32C TLV of a header is right; undefined where there is none. */
export function checksumHolds(bytes: Buffer): boolean | undefined {
  const end = 16 + bytes.readUInt16BE(14)
  const header = Buffer.from(bytes.subarray(0, end))
  for (let at = 16 + (SIZES.get(header.readUInt8(13)) ?? 0); at + 3 <= end; at += 3 + header.readUInt16BE(at + 1)) {
    if (header.readUInt8(at) !== 0x03) continue
    const said = header.readUInt32BE(at + 3)
    header.writeUInt32BE(0, at + 3)
    return said === crc32c(header)
  }
  return undefined
}

/** Takes the header at the front of `bytes` apart. */
export function readHeader(bytes: Buffer, nameOf: (port: number) => string): Read {
  if (bytes.subarray(0, 6).toString('latin1') === 'PROXY ') {
    const end = bytes.indexOf('\r\n')
    const line = bytes.subarray(0, end).toString('latin1').replace(/\d+ \d+$/, (ports) => ports.split(' ').map((port) => nameOf(Number(port))).join(' '))
    return { version: 1, line, rest: bytes.subarray(end + 2).toString('latin1') }
  }
  if (!bytes.subarray(0, 12).equals(SIGNATURE)) return { version: undefined, rest: bytes.toString('latin1') }
  const family = bytes.readUInt8(13)
  const end = 16 + bytes.readUInt16BE(14)
  const size = SIZES.get(family) ?? 0
  const addresses = bytes.subarray(16, Math.min(end, 16 + size))
  const half = (size - (size === 216 ? 0 : 4)) / 2
  const shown =
    size === 0 || addresses.length < size
      ? addresses.toString('hex')
      : size === 216
        ? [0, 108].map((at) => addresses.subarray(at, at + 108).toString('latin1').replace(/\0+$/, '')).join(' → ')
        : [0, 1].map((i) => `${addresses.subarray(i * half, (i + 1) * half).toString('hex')}:${nameOf(addresses.readUInt16BE(2 * half + 2 * i))}`).join(' → ')
  return {
    version: 2,
    command: bytes.readUInt8(12).toString(16),
    family: family.toString(16),
    addresses: shown,
    tlvs: readTlvs(bytes.subarray(16 + size, end)),
    rest: bytes.subarray(end).toString('latin1'),
  }
}
