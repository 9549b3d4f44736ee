// Owns IP addresses and networks as bytes of the wire, 4 or 16: strict in what is read (what decides who a client is should not be
// guessed), canonical (RFC 5952) in what is written.

import * as ip from '../util/ip.ts'

const QUAD = /^(?:(?:0|[1-9][0-9]{0,2})(?:\.(?!$)|$)){4}$/

/** Dotted quad to 4 bytes: four decimal numbers up to 255 without leading zeros, nothing else. undefined: not one. */
export function parseIPv4(text: string): Uint8Array | undefined {
  const value = QUAD.test(text) ? ip.parseIPv4(text) : undefined
  return value === undefined ? undefined : Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value)
}

/**
 * RFC 4291 text to 16 bytes: groups of one to four hexadecimal digits, one `::` for at least one group, the last 32 bits as a dotted
 * quad if it likes. No zone, no brackets. undefined: not one.
 */
export function parseIPv6(text: string): Uint8Array | undefined {
  if (text.includes('.') && !QUAD.test(text.slice(text.lastIndexOf(':') + 1))) return undefined
  return ip.parseIPv6(text)
}

/** 4 bytes to a dotted quad, 16 to RFC 5952 text (IPv4-mapped ones as `::ffff:1.2.3.4`, as inet_ntop does). */
export function formatIP(bytes: Uint8Array): string {
  return bytes.length === 4 ? bytes.join('.') : ip.formatIPv6(bytes)
}

/** ::ffff:0:0/96: an IPv4 address as a dual-stack socket shows it. */
export function isMapped(bytes: Uint8Array): boolean {
  return bytes.length === 16 && ip.mappedIPv4(bytes) !== undefined
}

/** The IPv6 form of an IPv4 address: ::ffff:a.b.c.d. */
export function mapIPv4(bytes: Uint8Array): Uint8Array {
  return ip.mapIPv4(ip.word32(bytes, 0))
}

/** Canonical text and family of an address in text, or undefined when it is none. */
export function canonicalIP(text: string): { readonly family: 'ipv4' | 'ipv6'; readonly host: string } | undefined {
  const four = parseIPv4(text)
  if (four !== undefined) return { family: 'ipv4', host: formatIP(four) }
  const six = parseIPv6(text)
  return six === undefined ? undefined : { family: 'ipv6', host: formatIP(six) }
}

/** Addresses that agree with `address` in the bits that `mask` has set; both 4 or 16 bytes, `address` already masked. */
export interface Network {
  readonly address: Uint8Array
  readonly mask: Uint8Array
}

/** `10.0.0.0/8`, `10.0.0.0/255.0.0.0`, `2001:db8::/32`, or one address. undefined: not a network. */
export function parseNetwork(text: string): Network | undefined {
  const slash = text.indexOf('/')
  const host = slash === -1 ? text : text.slice(0, slash)
  const address = parseIPv4(host) ?? parseIPv6(host)
  if (address === undefined) return undefined
  const mask = slash === -1 ? prefixMask(address.length, address.length * 8) : parseMask(text.slice(slash + 1), address.length)
  if (mask === undefined) return undefined
  for (const [i, bits] of mask.entries()) address[i] = (address[i] ?? 0) & bits
  return { address, mask }
}

function parseMask(text: string, bytes: number): Uint8Array | undefined {
  if (/^(0|[1-9][0-9]{0,2})$/.test(text)) {
    const bits = Number(text)
    return bits <= bytes * 8 ? prefixMask(bytes, bits) : undefined
  }
  return bytes === 4 ? parseIPv4(text) : undefined
}

function prefixMask(bytes: number, bits: number): Uint8Array {
  const mask = new Uint8Array(bytes)
  for (let i = 0; i < bytes; i++) mask[i] = (0xff00 >> Math.min(8, Math.max(0, bits - i * 8))) & 0xff
  return mask
}

/** Whether an address (as parseIPv4 or parseIPv6 gives it) is in the network. A mapped IPv6 address is also its IPv4 one. */
export function inNetwork(network: Network, address: Uint8Array): boolean {
  const { mask } = network
  const skip = mask.length === 4 && isMapped(address) ? 12 : 0
  if (address.length - skip !== mask.length) return false
  for (const [i, bits] of mask.entries()) if (((address[i + skip] ?? 0) & bits) !== network.address[i]) return false
  return true
}
