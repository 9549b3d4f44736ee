// Owns what a PROXY protocol header says (proxy-protocol.txt, versions 1 and 2), as data. proxy-read.ts reads one from bytes,
// proxy-write.ts makes one, proxy-tlv.ts does both for the typed values behind a version 2 header.

import type { Address } from './address.ts'
import { factKey } from './handler.ts'
import type { FactKey } from './handler.ts'

/** The first bytes of version 1, with its space, and of version 2. */
export const V1_SIGNATURE: Buffer = Buffer.from('PROXY ', 'latin1')
export const V2_SIGNATURE: Buffer = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')

/** Longest version 1 line, CRLF included. */
export const V1_LIMIT = 107
/** Fixed part of version 2: signature, version and command, family and transport, length. */
export const V2_FIXED = 16

/** Length of version 2's address block per family nibble. */
export const V2_ADDRESS_LENGTH = { unspec: 0, ipv4: 12, ipv6: 36, unix: 216 } as const

/** Types of values (section 2.2), those of newer editions of the document included. */
export const TLV = {
  alpn: 0x01,
  authority: 0x02,
  crc32c: 0x03,
  noop: 0x04,
  uniqueId: 0x05,
  ssl: 0x20,
  sslVersion: 0x21,
  sslCn: 0x22,
  sslCipher: 0x23,
  sslSigAlg: 0x24,
  sslKeyAlg: 0x25,
  sslGroup: 0x26,
  sslSigScheme: 0x27,
  sslClientCert: 0x28,
  netns: 0x30,
} as const

/** Bits of the SSL value's `client` field: over TLS; with a certificate on this connection; at least once in its session. */
export const PP2_CLIENT = { ssl: 0x01, certConn: 0x02, certSess: 0x04 } as const

/** One value as it came or is to be sent. */
export interface Tlv {
  readonly type: number
  readonly value: Uint8Array
}

/** The SSL value, and its values of the second level. Absent ones are undefined. */
export interface ProxySsl {
  /** Bits of PP2_CLIENT. */
  readonly client: number
  /** 0: the client's certificate was verified, or (as senders do) there was none. */
  readonly verify: number
  /** `TLSv1.3` */
  readonly version?: string
  /** Common name of the client's certificate. */
  readonly cn?: string
  /** `ECDHE-RSA-AES128-GCM-SHA256` */
  readonly cipher?: string
  /** What signed the front's certificate, `RSA-SHA256`, and its key, `RSA2048`. */
  readonly sigAlg?: string
  readonly keyAlg?: string
  /** Group of the key exchange, signature scheme of the handshake. */
  readonly group?: string
  readonly sigScheme?: string
  /** The client's certificate, DER. */
  readonly clientCert?: Uint8Array
  /** All values of the second level, as they came. */
  readonly tlvs: readonly Tlv[]
}

/** The registered values, read. Of two of the same type the later one counts, as in HAProxy. */
export interface ProxyValues {
  readonly alpn?: Uint8Array
  /** The host name that the client asked for (SNI). */
  readonly authority?: string
  /** It was verified: a header with a wrong one is malformed. */
  readonly crc32c?: number
  /** At most 128 bytes. */
  readonly uniqueId?: Uint8Array
  readonly ssl?: ProxySsl
  /** Name of the network namespace. */
  readonly netns?: string
}

export interface ProxyHeader extends ProxyValues {
  readonly version: 1 | 2
  /** LOCAL: the sender speaks for itself (a health check), the connection's own addresses hold. */
  readonly command: 'LOCAL' | 'PROXY'
  /** As announced; 'unspec' for UNKNOWN, and for LOCAL whatever it announced. */
  readonly family: 'unspec' | 'ipv4' | 'ipv6' | 'unix'
  readonly transport: 'unspec' | 'stream' | 'dgram'
  /** Announced ends; family 'none' where the connection's own hold. */
  readonly src: Address
  readonly dst: Address
  /** All values in the order they came, unknown types and NOOP included. Empty for version 1. */
  readonly tlvs: readonly Tlv[]
  /** Bytes of the whole header: what follows belongs to the connection. */
  readonly length: number
}

/** The header that a connection began with. Not set: none came. */
export const proxyHeaderFact: FactKey<ProxyHeader> = factKey<ProxyHeader>('proxy header')

/** The value of any type by its number, the last of several; undefined: the header has none. */
export function tlvOf(header: ProxyHeader, type: number): Uint8Array | undefined {
  return header.tlvs.findLast((tlv) => tlv.type === type)?.value
}
