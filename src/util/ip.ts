// Owns IP addresses as numbers and bytes: from text, to text, masks. An IPv4 address is an unsigned 32-bit number, an IPv6 address
// 16 bytes.

/** Dotted quad, exactly four decimal parts. undefined: it is not one. */
export function parseIPv4(text: string): number | undefined {
  let value = 0
  let part = -1
  let dots = 0
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c >= 48 && c <= 57) {
      part = part < 0 ? c - 48 : part * 10 + c - 48
      if (part > 255) return undefined
    } else if (c === 46 && part >= 0 && dots < 3) {
      value = value * 256 + part
      part = -1
      dots++
    } else {
      return undefined
    }
  }
  return dots === 3 && part >= 0 ? value * 256 + part : undefined
}

export function formatIPv4(value: number): string {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`
}

/** RFC 4291 text, with `::` and a dotted quad at its end if it likes; no zone, no brackets. undefined: it is not one. */
export function parseIPv6(text: string): Uint8Array | undefined {
  const out = new Uint8Array(16)
  const gap = text.indexOf('::')
  if (gap >= 0 && text.indexOf('::', gap + 1) >= 0) return undefined
  const head = words(gap < 0 ? text : text.slice(0, gap), gap < 0)
  const tail = gap < 0 ? [] : words(text.slice(gap + 2), true)
  if (head === undefined || tail === undefined) return undefined
  const count = head.length + tail.length
  if (gap < 0 ? count !== 8 : count > 7) return undefined
  head.forEach((w, i) => put(out, i, w))
  tail.forEach((w, i) => put(out, 8 - tail.length + i, w))
  return out
}

function put(out: Uint8Array, index: number, word: number): void {
  out[2 * index] = word >> 8
  out[2 * index + 1] = word & 255
}

function words(text: string, dottedEnd: boolean): number[] | undefined {
  if (text === '') return []
  const out: number[] = []
  const parts = text.split(':')
  for (const [i, part] of parts.entries()) {
    if (dottedEnd && i === parts.length - 1 && part.includes('.')) {
      const v4 = parseIPv4(part)
      if (v4 === undefined) return undefined
      out.push(v4 >>> 16, v4 & 0xffff)
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return undefined
      out.push(Number.parseInt(part, 16))
    }
  }
  return out
}

/** RFC 5952 text; IPv4-mapped and IPv4-compatible addresses end in a dotted quad, as inet_ntop() writes them. */
export function formatIPv6(bytes: Uint8Array): string {
  const v4 = mappedIPv4(bytes)
  if (v4 !== undefined) return `::ffff:${formatIPv4(v4)}`
  let best = -1
  let bestLength = 1
  for (let i = 0; i < 8; ) {
    let n = 0
    while (i + n < 8 && word(bytes, i + n) === 0) n++
    if (n > bestLength) {
      best = i
      bestLength = n
    }
    i += n + 1
  }
  if (best === 0 && bestLength === 6) return `::${formatIPv4(word32(bytes, 12))}`
  let text = ''
  for (let i = 0; i < 8; i++) {
    if (i === best) {
      text += '::'
      i += bestLength - 1
    } else {
      text += (text === '' || text.endsWith(':') ? '' : ':') + word(bytes, i).toString(16)
    }
  }
  return text
}

function word(bytes: Uint8Array, index: number): number {
  return ((bytes[2 * index] ?? 0) << 8) | (bytes[2 * index + 1] ?? 0)
}

/** The 32-bit word that begins at byte `at`, unsigned. */
export function word32(bytes: Uint8Array, at: number): number {
  return (((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)) >>> 0
}

/** a.b.c.d as ::ffff:a.b.c.d */
export function mapIPv4(value: number): Uint8Array {
  return Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255)
}

/** The IPv4 address in ::ffff:a.b.c.d. */
export function mappedIPv4(bytes: Uint8Array): number | undefined {
  return word32(bytes, 0) === 0 && word32(bytes, 4) === 0 && word32(bytes, 8) === 0xffff ? word32(bytes, 12) : undefined
}

/** The IPv4 address in 2002:a.b.c.d::, ::a.b.c.d or ::ffff:a.b.c.d (manual 7.1.6). */
export function embeddedIPv4(bytes: Uint8Array): number | undefined {
  if (bytes[0] === 0x20 && bytes[1] === 0x02) return word32(bytes, 2)
  if (word32(bytes, 0) !== 0 || word32(bytes, 4) !== 0) return undefined
  const third = word32(bytes, 8)
  return third === 0 || third === 0xffff ? word32(bytes, 12) : undefined
}

/** The netmask of a prefix length, 0 to 32. */
export function mask4(bits: number): number {
  return bits === 0 ? 0 : (0xffffffff << (32 - bits)) >>> 0
}

/** The prefix length of a contiguous netmask, undefined for any other. */
export function maskBits(mask: number): number | undefined {
  const bits = Math.clz32(~mask >>> 0)
  return mask4(bits) === mask >>> 0 ? bits : undefined
}
