// Owns matching of addresses: single addresses and networks of both families (manual 7.1.6).

import type { Sample } from '../../core/sample.ts'
import { cast } from '../cast.ts'
import { embeddedIPv4, mapIPv4, mask4, maskBits, parseIPv4, parseIPv6, word32 } from '../../util/ip.ts'
import type { Pattern, PatternIndex } from './pattern.ts'
import { PrefixTree } from './prefix-tree.ts'

export type Network =
  | { readonly family: 'ipv4'; readonly address: number; readonly mask: number }
  | { readonly family: 'ipv6'; readonly address: Uint8Array; readonly bits: number }

/** `10.0.0.0/8`, `10.12` (10.0.0.12), `10.0.0.1/255.0.0.0`, `2001:db8::/32`. undefined: none of these; names are not looked up. */
export function parseNetwork(text: string): Network | undefined {
  const slash = text.indexOf('/')
  const host = slash < 0 ? text : text.slice(0, slash)
  const suffix = slash < 0 ? undefined : text.slice(slash + 1)
  if (host.includes(':')) {
    const address = parseIPv6(host)
    const bits = suffix === undefined ? 128 : prefixLength(suffix, 128)
    return address === undefined || bits === undefined ? undefined : { family: 'ipv6', address, bits }
  }
  const address = shortIPv4(host)
  if (address === undefined) return undefined
  if (suffix === undefined) return { family: 'ipv4', address, mask: 0xffffffff }
  const bits = prefixLength(suffix, 32)
  const mask = bits === undefined ? parseIPv4(suffix) : mask4(bits)
  return mask === undefined ? undefined : { family: 'ipv4', address, mask }
}

function prefixLength(text: string, max: number): number | undefined {
  return /^[0-9]{1,3}$/.test(text) && Number(text) <= max ? Number(text) : undefined
}

/** The middle octets that are left out are 0: 127.1, 192.168.1. */
function shortIPv4(text: string): number | undefined {
  const parts = text.split('.')
  if (parts.length < 2 || parts.length > 4) return undefined
  const last = parts.pop() ?? ''
  while (parts.length < 3) parts.push('0')
  return parseIPv4([...parts, last].join('.'))
}

interface Masked {
  readonly address: number
  readonly mask: number
  readonly pattern: Pattern
}

export class Networks implements PatternIndex {
  readonly #v4 = new PrefixTree<Pattern>(1)
  readonly #v6 = new PrefixTree<Pattern>(4)
  /** Netmasks with holes, which are no prefixes. */
  #holes: Masked[] = []
  #hasV4 = false
  #hasV6 = false
  readonly #key4 = new Uint32Array(1)
  readonly #key6 = new Uint32Array(4)

  add(pattern: Pattern): string | undefined {
    return this.#put(pattern.text, pattern)
  }

  remove(text: string): void {
    this.#holes = this.#holes.filter((m) => m.pattern.text !== text)
    this.#put(text, undefined)
  }

  #put(text: string, pattern: Pattern | undefined): string | undefined {
    const network = parseNetwork(text)
    if (network === undefined) return `'${text}' is not a valid IPv4 or IPv6 address`
    if (network.family === 'ipv6') {
      this.#load6(network.address)
      this.#hasV6 = true
      if (pattern === undefined || this.#v6.get(this.#key6, network.bits) === undefined) this.#v6.set(this.#key6, network.bits, pattern)
      return undefined
    }
    this.#hasV4 = true
    const bits = maskBits(network.mask)
    if (bits === undefined) {
      if (pattern !== undefined) this.#holes.push({ address: (network.address & network.mask) >>> 0, mask: network.mask, pattern })
      return undefined
    }
    this.#key4[0] = network.address
    if (pattern === undefined || this.#v4.get(this.#key4, bits) === undefined) this.#v4.set(this.#key4, bits, pattern)
    return undefined
  }

  find(sample: Sample): Pattern | undefined {
    const s = sample.type === 'ipv4' || sample.type === 'ipv6' ? sample : cast(sample, 'ip')
    if (s?.type === 'ipv4') return this.#find4(s.value) ?? (this.#hasV6 ? this.#find6(mapIPv4(s.value)) : undefined)
    if (s?.type !== 'ipv6') return undefined
    const found = this.#hasV6 ? this.#find6(s.value) : undefined
    if (found !== undefined || !this.#hasV4) return found
    const v4 = embeddedIPv4(s.value)
    return v4 === undefined ? undefined : this.#find4(v4)
  }

  #find4(address: number): Pattern | undefined {
    this.#key4[0] = address
    const found = this.#v4.longest(this.#key4)
    if (found !== undefined) return found
    for (const m of this.#holes) if (((address & m.mask) >>> 0) === m.address) return m.pattern
    return undefined
  }

  #find6(address: Uint8Array): Pattern | undefined {
    this.#load6(address)
    return this.#v6.longest(this.#key6)
  }

  #load6(address: Uint8Array): void {
    for (let w = 0; w < 4; w++) this.#key6[w] = word32(address, 4 * w)
  }
}
