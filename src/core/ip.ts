// Owns IP addresses as text and as bytes: strict in what is read, canonical (RFC 5952) in what is written. Networks and masks.

/** Dotted quad to 4 bytes: four decimal numbers up to 255 without leading zeros, nothing else. undefined: not one. */
export function parseIPv4(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(4)
  let at = 0
  for (let i = 0; i < 4; i++) {
    if (i > 0 && text.charCodeAt(at++) !== 0x2e) return undefined
    const first = at
    let value = 0
    for (; at < text.length; at++) {
      const digit = text.charCodeAt(at) - 0x30
      if (digit < 0 || digit > 9) break
      value = value * 10 + digit
      if (value > 255) return undefined
    }
    if (at === first || (at - first > 1 && text.charCodeAt(first) === 0x30)) return undefined
    bytes[i] = value
  }
  return at === text.length ? bytes : undefined
}

/**
 * RFC 4291 text to 16 bytes: groups of one to four hexadecimal digits, one `::` for at least one group, the last 32 bits as a dotted
 * quad if it likes. No zone, no brackets. undefined: not one.
 */
export function parseIPv6(text: string): Uint8Array | undefined {
  const gap = text.indexOf('::')
  if (gap === -1) {
    const all = parseGroups(text)
    return all?.length === 16 ? Uint8Array.from(all) : undefined
  }
  const head = gap === 0 ? [] : parseGroups(text.slice(0, gap))
  const tail = gap + 2 === text.length ? [] : parseGroups(text.slice(gap + 2))
  if (head === undefined || tail === undefined || head.length + tail.length > 14) return undefined
  if (head.length > 0 && text.slice(0, gap).includes('.')) return undefined
  const bytes = new Uint8Array(16)
  bytes.set(head, 0)
  bytes.set(tail, 16 - tail.length)
  return bytes
}

/** Groups between colons; only the last may be a dotted quad. */
function parseGroups(text: string): number[] | undefined {
  const groups = text.split(':')
  const bytes: number[] = []
  for (const [i, group] of groups.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(group)) {
      const value = Number.parseInt(group, 16)
      bytes.push(value >> 8, value & 0xff)
    } else {
      const quad = i === groups.length - 1 ? parseIPv4(group) : undefined
      if (quad === undefined) return undefined
      bytes.push(...quad)
    }
  }
  return bytes.length <= 16 ? bytes : undefined
}

/** 4 bytes to a dotted quad, 16 to RFC 5952 text (IPv4-mapped ones as `::ffff:1.2.3.4`, as inet_ntop does). */
export function formatIP(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.')
  if (isMapped(bytes)) return `::ffff:${bytes.subarray(12).join('.')}`
  const groups: number[] = []
  for (let i = 0; i < 16; i += 2) groups.push(((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0))
  // The longest run of two or more zero groups, the first of equals.
  let from = -1
  let length = 1
  for (let i = 0; i < 8; i++) {
    let n = 0
    while (i + n < 8 && groups[i + n] === 0) n++
    if (n > length) {
      from = i
      length = n
    }
    i += n
  }
  const hex = groups.map((g) => g.toString(16))
  return from === -1 ? hex.join(':') : `${hex.slice(0, from).join(':')}::${hex.slice(from + length).join(':')}`
}

/** ::ffff:0:0/96: an IPv4 address as a dual-stack socket shows it. */
export function isMapped(bytes: Uint8Array): boolean {
  if (bytes.length !== 16 || bytes[10] !== 0xff || bytes[11] !== 0xff) return false
  for (let i = 0; i < 10; i++) if (bytes[i] !== 0) return false
  return true
}

/** The IPv6 form of an IPv4 address: ::ffff:a.b.c.d. */
export function mapIPv4(bytes: Uint8Array): Uint8Array {
  const mapped = new Uint8Array(16)
  mapped.fill(0xff, 10, 12)
  mapped.set(bytes, 12)
  return mapped
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
