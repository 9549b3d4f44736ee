// Owns making a ClientHello (RFC 8446 section 4.1.2) for a connection that is only imagined: what today's clients offer, with a name
// and protocols of choice. Nobody can finish a handshake with it.

const TLS_1_2 = 0x0303
const TLS_1_3 = 0x0304
const SUITES = [0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8]
const GROUPS = [0x001d, 0x0017, 0x0018]
const SIGNATURES = [0x0403, 0x0503, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501]
const X25519 = 0x001d

export interface HelloToMake {
  /** '' sends none. */
  readonly sni: string
  readonly alpn: readonly string[]
}

function number(value: number, size: 1 | 2 | 3): Buffer {
  const bytes = Buffer.alloc(size)
  bytes.writeUIntBE(value, 0, size)
  return bytes
}

/** Contents behind their length. */
function counted(size: 1 | 2 | 3, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts)
  return Buffer.concat([number(body.length, size), body])
}

const numbers = (list: readonly number[]): Buffer => Buffer.concat(list.map((n) => number(n, 2)))
const extension = (type: number, ...parts: readonly Uint8Array[]): Buffer => Buffer.concat([number(type, 2), counted(2, ...parts)])

/** One record with the whole hello. */
export function makeClientHello({ sni, alpn }: HelloToMake): Buffer {
  const extensions = [
    ...(sni === '' ? [] : [extension(0, counted(2, number(0, 1), counted(2, Buffer.from(sni, 'utf8'))))]),
    extension(10, counted(2, numbers(GROUPS))),
    extension(11, counted(1, Buffer.from([0]))),
    extension(35),
    ...(alpn.length === 0 ? [] : [extension(16, counted(2, ...alpn.map((protocol) => counted(1, Buffer.from(protocol, 'utf8')))))]),
    extension(13, counted(2, numbers(SIGNATURES))),
    extension(43, counted(1, numbers([TLS_1_3, TLS_1_2]))),
    extension(51, counted(2, number(X25519, 2), counted(2, Buffer.alloc(32, 1)))),
  ]
  const body = [number(TLS_1_2, 2), Buffer.alloc(32, 2), counted(1, Buffer.alloc(32, 3)), counted(2, numbers(SUITES)), counted(1, Buffer.from([0])), counted(2, ...extensions)]
  return Buffer.concat([Buffer.from([22, 3, 1]), counted(2, number(1, 1), counted(3, ...body))])
}
