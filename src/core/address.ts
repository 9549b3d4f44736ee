// Owns what an address is: the ends of connections, as data. Parsing of configuration text is config/address.ts.

export interface InetAddress {
  readonly family: 'ipv4' | 'ipv6'
  /** Dotted quad, or RFC 5952 text without brackets or zone. */
  readonly host: string
  readonly port: number
}

export interface UnixAddress {
  readonly family: 'unix'
  /** A path; for an abstract socket the name without its leading NUL. Empty for the unnamed end of a client. */
  readonly path: string
  readonly abstract: boolean
}

/** Nothing is known: PROXY UNKNOWN, AF_UNSPEC. */
export interface NoAddress {
  readonly family: 'none'
}

export type Address = InetAddress | UnixAddress | NoAddress

export const NO_ADDRESS: NoAddress = { family: 'none' }

/** `10.0.0.1:80`, `[::1]:80`, `unix@/run/x`, `abns@x`, `unknown`: unambiguous, for messages. */
export function formatAddress(a: Address): string {
  switch (a.family) {
    case 'ipv4':
      return `${a.host}:${a.port}`
    case 'ipv6':
      return `[${a.host}]:${a.port}`
    case 'unix':
      return a.abstract ? `abns@${a.path}` : `unix@${a.path}`
    case 'none':
      return 'unknown'
  }
}
