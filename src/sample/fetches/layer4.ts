// Owns fetches at layer 4 (manual 7.3.3): addresses and ports of the connections.

import type { Address } from '../../core/address.ts'
import type { Fetched, FetchSpec } from '../../core/sample.ts'
import { sint } from '../../core/sample.ts'
import { parseIPv4, parseIPv6 } from '../../util/ip.ts'

/** An address as a sample; Unix sockets have none. */
export function addressSample(address: Address): Fetched {
  if (address.family === 'ipv4') {
    const value = parseIPv4(address.host)
    return value === undefined ? undefined : { type: 'ipv4', value }
  }
  if (address.family === 'ipv6') {
    const value = parseIPv6(address.host)
    return value === undefined ? undefined : { type: 'ipv6', value }
  }
  return undefined
}

export function portSample(address: Address): Fetched {
  return address.family === 'ipv4' || address.family === 'ipv6' ? sint(address.port) : undefined
}

export const layer4Fetches: readonly FetchSpec[] = [
  { name: 'src', output: 'ip', source: 'client-l4', doc: "The client's address.", compile: () => (s) => addressSample(s.src) },
  { name: 'src_port', output: 'sint', source: 'client-l4', doc: "The client's port.", compile: () => (s) => portSample(s.src) },
  { name: 'dst', output: 'ip', source: 'client-l4', doc: 'The address that the client connected to.', compile: () => (s) => addressSample(s.dst) },
  { name: 'dst_port', output: 'sint', source: 'client-l4', doc: 'The port that the client connected to.', compile: () => (s) => portSample(s.dst) },
]
