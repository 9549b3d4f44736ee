// Owns addresses as configuration texts write them (manual chapter 11, "bind", "server", "source", "log").

import type { Address, UnixAddress } from '../core/address.ts'

/** Where to listen. A name is for the start-up to resolve; fd is an inherited listening descriptor. */
export type ListenAddress =
  | { readonly kind: 'literal'; readonly address: Address; readonly text: string }
  | { readonly kind: 'name'; readonly host: string; readonly family: 'ipv4' | 'ipv6' | 'any'; readonly port: number; readonly text: string }
  | { readonly kind: 'fd'; readonly fd: number; readonly text: string }

/** Fixed, or the port that the client came to plus an offset (0: the same port). */
export type ServerPort = { readonly fixed: number } | { readonly offset: number }

/** Where a server is. host 0.0.0.0 or :: means the address that the client came to. */
export type ServerAddress =
  | { readonly kind: 'ip'; readonly family: 'ipv4' | 'ipv6'; readonly host: string; readonly port: ServerPort; readonly text: string }
  | { readonly kind: 'name'; readonly host: string; readonly family: 'ipv4' | 'ipv6' | 'any'; readonly port: ServerPort; readonly text: string }
  | { readonly kind: 'unix'; readonly address: UnixAddress; readonly text: string }
