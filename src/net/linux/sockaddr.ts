// Owns the kernel's form of addresses: struct sockaddr_in, sockaddr_in6 and sockaddr_un to and from core's Address.
//
// A connection's ends are kept as the words that the kernel wrote and become text only when somebody asks: accepting and
// connecting format nothing and parse nothing (an address object is encoded once and remembered by identity).

import { NO_ADDRESS, type Address } from '../../core/address.ts'
import { parseIPv4, parseIPv6 } from '../../core/ip.ts'
import { formatIPv4, formatIPv6 } from '../../util/ip.ts'
import { AF_INET, AF_INET6, AF_UNIX, E } from './syscalls.ts'

/** Room for any address that the kernel returns. */
const SOCKADDR_ROOM = 128
/** Bytes of sun_path. */
const PATH_ROOM = 108

/** Where accept4, getsockname and getpeername write: valid until the next such call of this thread. */
export const SOCKADDR = new Uint8Array(SOCKADDR_ROOM)
export const SOCKADDR_WORDS = new Int32Array(SOCKADDR.buffer)
const SOCKADDR_HALVES = new Uint16Array(SOCKADDR.buffer)
/** The size that goes with it: room before the call, what was written after. */
export const SOCKADDR_SIZE = new Uint8Array(4)
const SIZE_VALUE = new Int32Array(SOCKADDR_SIZE.buffer)

export function prepareSockaddr(): void {
  SIZE_VALUE[0] = SOCKADDR_ROOM
}

function sockaddrSize(): number {
  return SIZE_VALUE[0] ?? 0
}

function sockaddrFamily(): number {
  return SOCKADDR_HALVES[0] ?? 0
}

export function sockaddrPort(): number {
  return ((SOCKADDR[2] ?? 0) << 8) | (SOCKADDR[3] ?? 0)
}

const ENCODED = new WeakMap<Address, Uint8Array>()

/** The kernel's form of an address, or -EINVAL, or -ENAMETOOLONG. The result is shared: do not write to it. */
export function encodeAddress(address: Address): Uint8Array | number {
  const known = ENCODED.get(address)
  if (known !== undefined) return known
  const made = encode(address)
  if (typeof made !== 'number') ENCODED.set(address, made)
  return made
}

function encode(address: Address): Uint8Array | number {
  switch (address.family) {
    case 'ipv4': {
      const host = parseIPv4(address.host)
      if (host === undefined || !validPort(address.port)) return -E.EINVAL
      return Uint8Array.of(AF_INET, 0, address.port >> 8, address.port & 255, ...host, 0, 0, 0, 0, 0, 0, 0, 0)
    }
    case 'ipv6': {
      const host = parseIPv6(address.host)
      if (host === undefined || !validPort(address.port)) return -E.EINVAL
      return Uint8Array.of(AF_INET6, 0, address.port >> 8, address.port & 255, 0, 0, 0, 0, ...host, 0, 0, 0, 0)
    }
    case 'unix': {
      const path = Buffer.from(address.path, 'utf8')
      if (path.length === 0) return -E.EINVAL
      if (path.length > PATH_ROOM - 1) return -E.ENAMETOOLONG
      // An abstract name fills all of sun_path, padded with NULs, as HAProxy's abns@ does: shorter is another name.
      const sockaddr = new Uint8Array(2 + (address.abstract ? PATH_ROOM : path.length + 1))
      sockaddr[0] = AF_UNIX
      sockaddr.set(path, address.abstract ? 3 : 2)
      return sockaddr
    }
    case 'none':
      return -E.EINVAL
  }
}

function validPort(port: number): boolean {
  return Number.isInteger(port) && port >= 0 && port <= 65535
}

/** The address in `SOCKADDR`, as the last call wrote it. */
export function decodeSockaddr(): Address {
  const size = sockaddrSize()
  switch (size < 2 ? 0 : sockaddrFamily()) {
    case AF_INET:
      return { family: 'ipv4', host: ipv4Text(SOCKADDR_WORDS[1] ?? 0), port: sockaddrPort() }
    case AF_INET6:
      return {
        family: 'ipv6',
        host: ipv6Text(SOCKADDR_WORDS[2] ?? 0, SOCKADDR_WORDS[3] ?? 0, SOCKADDR_WORDS[4] ?? 0, SOCKADDR_WORDS[5] ?? 0),
        port: sockaddrPort(),
      }
    case AF_UNIX: {
      const abstract = size > 2 && SOCKADDR[2] === 0
      let end = Math.min(size, 2 + PATH_ROOM)
      while (end > 2 && SOCKADDR[end - 1] === 0) end--
      return { family: 'unix', path: Buffer.from(SOCKADDR.subarray(abstract ? 3 : 2, end)).toString('utf8'), abstract: abstract && end > 3 }
    }
    default:
      return NO_ADDRESS
  }
}

/** The four bytes of a word, in the order they have in memory, as one big-endian number. */
function bigEndian(word: number): number {
  return ((word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)) >>> 0
}

/** Dotted quad of the four bytes in a word, in the order they have in memory. */
export function ipv4Text(word: number): string {
  return formatIPv4(bigEndian(word))
}

/** RFC 5952 text of the sixteen bytes in four words, in the order they have in memory. */
export function ipv6Text(a: number, b: number, c: number, d: number): string {
  return formatIPv6(new Uint8Array(Int32Array.of(a, b, c, d).buffer))
}
