// Owns the resolution of names at start-up: a name becomes all of its addresses, in the resolver's order.

import { lookup } from 'node:dns/promises'
import type { InetAddress } from '../core/address.ts'

export interface Name {
  readonly host: string
  readonly family: 'ipv4' | 'ipv6' | 'any'
}

/** All addresses of a name, with this port. Rejects with an Error whose message says what failed. */
export async function resolveName(name: Name, port: number): Promise<InetAddress[]> {
  const family = name.family === 'ipv4' ? 4 : name.family === 'ipv6' ? 6 : 0
  let found: readonly { readonly address: string; readonly family: number }[]
  try {
    found = await lookup(name.host, { all: true, family, verbatim: true })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    throw new Error(`could not resolve address '${name.host}' (${code})`)
  }
  return found.map((a) => ({ family: a.family === 6 ? 'ipv6' : 'ipv4', host: a.address, port }))
}
