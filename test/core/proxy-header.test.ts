// PROXY protocol: reading with every limit and at every cut, writing byte for byte as HAProxy does, and one against the other.

import fc from 'fast-check'
import t from 'tap'
import { NO_ADDRESS, type Address } from '../../src/core/address.ts'
import { crc32c } from '../../src/core/crc32c.ts'
import { V1_SIGNATURE, V2_SIGNATURE, TLV, tlvOf, type ProxyHeader, type Tlv } from '../../src/core/proxy-header.ts'
import { readProxyHeader, type ProxyRead } from '../../src/core/proxy-read.ts'
import { joinTlvs, sslTlv, textTlv } from '../../src/core/proxy-tlv.ts'
import { buildProxyV1, buildProxyV2 } from '../../src/core/proxy-write.ts'

const SEED = Number(process.env['SEED'] ?? 20261121)
const RUNS = Number(process.env['FUZZ_RUNS'] ?? 400)
t.comment(`seed ${SEED}, ${RUNS} runs`)
const params = { seed: SEED, numRuns: RUNS }

function toBuffer(bytes: Uint8Array | string): Buffer {
  return typeof bytes === 'string' ? Buffer.from(bytes) : Buffer.from(bytes)
}

function read(bytes: Uint8Array | string, limit?: number): ProxyRead {
  return readProxyHeader(toBuffer(bytes), limit)
}

function header(bytes: Uint8Array | string): ProxyHeader {
  const found = read(bytes)
  if (found.state !== 'header') throw new Error(`no header: ${JSON.stringify(found)}`)
  return found.header
}

function why(bytes: Uint8Array | string, limit?: number): string {
  const found = read(bytes, limit)
  return found.state === 'malformed' ? found.why : JSON.stringify(found)
}

/** Version and command, family and transport, body. */
function v2(versionCommand: number, family: number, body: Uint8Array = new Uint8Array(), declared = body.length): Buffer {
  return Buffer.concat([V2_SIGNATURE, Uint8Array.of(versionCommand, family, declared >> 8, declared & 0xff), body])
}

function tlv(type: number, value: Uint8Array | string): Buffer {
  return joinTlvs([{ type, value: toBuffer(value) }])
}

const INET = Buffer.from('01020304050607080bb80050', 'hex')
const ip = (host: string, port: number): Address => ({ family: host.includes(':') ? 'ipv6' : 'ipv4', host, port })

t.test('version 1: what is a header', async (t) => {
  const four = header('PROXY TCP4 1.2.3.4 5.6.7.8 3000 80\r\nGET')
  t.match(four, { version: 1, command: 'PROXY', family: 'ipv4', transport: 'stream', src: ip('1.2.3.4', 3000), dst: ip('5.6.7.8', 80), length: 36 })
  t.equal(header('PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n').length, 56, 'the longest TCP4 line')
  const six = header('PROXY TCP6 2001:DB8:0:0::A ::1 1 0\r\n')
  t.same([six.src, six.dst], [ip('2001:db8::a', 1), ip('::1', 0)], 'addresses come out canonical')
  t.same(header('PROXY TCP6 ::ffff:1.2.3.4 ::1 1 2\r\n').src, ip('::ffff:1.2.3.4', 1), 'the mapped form that senders write')
  const longest = `PROXY TCP6 ${'ffff:'.repeat(7)}ffff ${'ffff:'.repeat(7)}ffff 65535 65535\r\n`
  t.equal(header(longest).length, 104, 'the longest TCP6 line')
  for (const line of ['PROXY UNKNOWN\r\n', 'PROXY UNKNOWN \r\n', 'PROXY UNKNOWN a b c d e\r\n', 'PROXY UNKNOWN \r \n \r\r\n', `PROXY UNKNOWN ${'f'.repeat(91)}\r\n`]) {
    t.match(header(`${line}\r\n`), { family: 'unspec', src: NO_ADDRESS, dst: NO_ADDRESS, length: line.length }, JSON.stringify(line))
  }
})

t.test('version 1: what is not', async (t) => {
  const bad: readonly (readonly [string, string | RegExp])[] = [
    ['PROXY TCP5', 'unknown protocol "TCP5"'],
    ['PROXY UNKNOWNX', 'unknown protocol "UNKNOWNX"'],
    ['PROXY  TCP4', 'unknown protocol " "'],
    ['PROXY tcp4', 'unknown protocol "t"'],
    ['PROXY \r\n', 'unknown protocol "\\r"'],
    ['PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n', 'the line ends with LF alone'],
    ['PROXY TCP4 1.2.3.4 5.6.7.8 1 2\rX', 'CR without LF'],
    ['PROXY TCP4 1.2.3.4 5.6.7.8 65536 80\r\n', 'port 65536 is beyond 65535'],
    ['PROXY TCP4 1.2.3.4 5.6.7.8 1 99999999999999999999\r\n', 'port 100000000000000000000 is beyond 65535'],
    ['PROXY TCP4 1.2.3.4 5.6.7.8 080 80\r\n', 'a port with leading zeros'],
    ['PROXY TCP4 1.2.3.4 5.6.7.8 1 00\r\n', 'a port with leading zeros'],
    ['PROXY TCP4 1.2.3.400 5.6.7.8 1 2\r\n', '"1.2.3.400" is no IPv4 address'],
    ['PROXY TCP4 01.2.3.4 5.6.7.8 1 2\r\n', '"01.2.3.4" is no IPv4 address'],
    ['PROXY TCP4 ::1 ::1 1 2\r\n', '"::1" is no IPv4 address'],
    ['PROXY TCP6 1.2.3.4 ::1 1 2\r\n', '"1.2.3.4" is no IPv6 address'],
    ['PROXY TCP6 fe80::1%lo ::1 1 2\r\n', '"fe80::1%lo" is no IPv6 address'],
    ['PROXY TCP6 1::2::3 ::1 1 2\r\n', '"1::2::3" is no IPv6 address'],
    ['PROXY TCP6 12345::1 ::1 1 2\r\n', '"12345::1" is no IPv6 address'],
    ['PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n', /not two addresses and two ports/],
    ['PROXY TCP4 1.2.3.4 5.6.7.8 1 2 \r\n', /not two addresses and two ports/],
    ['PROXY TCP4  1.2.3.4 5.6.7.8 1 2\r\n', /not two addresses and two ports/],
    ['PROXY TCP4 1.2.3.4 5.6.7.8 -1 2\r\n', /not two addresses and two ports/],
    ['PROXY TCP4 1.2.3.4 5.6.7.8 0x1 2\r\n', /not two addresses and two ports/],
    [`PROXY TCP4 ${'1'.repeat(96)}`, 'no CRLF within 107 bytes'],
    [`PROXY UNKNOWN ${'f'.repeat(92)}\r\n`, 'no CRLF within 107 bytes'],
  ]
  for (const [line, reason] of bad) {
    const found = why(line)
    if (typeof reason === 'string') t.equal(found, reason, JSON.stringify(line))
    else t.match(found, reason, JSON.stringify(line))
  }
  t.same(read(`PROXY TCP4 ${'1'.repeat(95)}`), { state: 'more', total: 107 }, '106 bytes may still become a line')
  t.match(read('PROXY TCP5 '), { kind: 'unhandled' }, 'an unknown protocol is told from a broken line')
  t.match(read('PROXY TCP4 1.2.3.4 5.6.7.8 1 x\r\n'), { kind: 'invalid' })
})

t.test('neither version: the first byte that says so', async (t) => {
  for (const [bytes, at] of [['GET /', 0], ['X', 0], ['PRI * HTTP/2', 2], ['PROXYX', 5], ['PROXY\r\n', 5], ['\r\n\r\nX', 4], ['\x16\x03\x01', 0]] as const) {
    t.same(read(Buffer.from(bytes, 'latin1')), { state: 'other', at }, JSON.stringify(bytes))
  }
  t.same(read(v2(0x11, 0x11, INET)), { state: 'other', at: 12 }, 'version 1 in the binary form')
  t.same(read(v2(0x31, 0x11, INET)), { state: 'other', at: 12 }, 'version 3')
})

t.test('how much is missing', async (t) => {
  t.same(read(''), { state: 'more', total: 1 })
  t.same(read('PROXY '), { state: 'more', total: 7 })
  t.same(read('PROXY UNKNOWN\r'), { state: 'more', total: 15 })
  const bytes = v2(0x21, 0x11, Buffer.concat([INET, tlv(TLV.noop, 'abc')]))
  for (let n = 0; n < 16; n++) t.same(read(bytes.subarray(0, n)), { state: 'more', total: n + 1 }, `${n} bytes: the next one can decide`)
  for (let n = 16; n < bytes.length; n++) t.same(read(bytes.subarray(0, n)), { state: 'more', total: bytes.length }, `${n} bytes: the length is declared`)
})

t.test('version 2: families and commands', async (t) => {
  t.match(header(v2(0x21, 0x11, INET)), { version: 2, command: 'PROXY', family: 'ipv4', transport: 'stream', src: ip('1.2.3.4', 3000), dst: ip('5.6.7.8', 80), length: 28 })
  t.match(header(v2(0x21, 0x12, INET)), { family: 'ipv4', transport: 'dgram', src: ip('1.2.3.4', 3000) })
  const six = Buffer.alloc(36)
  six[15] = 1
  six.writeUInt16BE(443, 34)
  t.match(header(v2(0x21, 0x21, six)), { family: 'ipv6', src: ip('::1', 0), dst: ip('::', 443) })
  const unix = Buffer.alloc(216)
  unix.write('/run/a.sock', 0)
  unix.write('\0abstract', 108)
  t.match(header(v2(0x21, 0x31, unix)), { family: 'unix', src: { family: 'unix', path: '/run/a.sock', abstract: false }, dst: { family: 'unix', path: 'abstract', abstract: true } })
  t.match(header(v2(0x21, 0x31, Buffer.alloc(216, 'p'))).src, { path: 'p'.repeat(108), abstract: false }, 'a path of all 108 bytes')
  t.match(header(v2(0x21, 0x31, Buffer.alloc(216))).src, { path: '', abstract: false }, 'an unnamed end')

  for (const [name, bytes] of Object.entries({
    'LOCAL without addresses': v2(0x20, 0x00),
    'LOCAL with addresses': v2(0x20, 0x11, INET),
    'LOCAL with a family and too few bytes': v2(0x20, 0x11, Buffer.alloc(5)),
    'LOCAL with a family that does not exist': v2(0x20, 0x5f, Buffer.alloc(9)),
    'UNSPEC': v2(0x21, 0x00),
    'UNSPEC with four bytes of something': v2(0x21, 0x00, Buffer.from('abcd')),
    'INET with an unspecified transport': v2(0x21, 0x10, INET),
  })) {
    const found = header(Buffer.concat([bytes, Buffer.from('rest')]))
    t.same([found.src, found.dst, found.length], [NO_ADDRESS, NO_ADDRESS, bytes.length], `${name}: skipped to the byte, no address`)
  }
})

t.test('version 2: what is malformed', async (t) => {
  t.equal(why(v2(0x22, 0x11, INET)), 'command 2')
  t.equal(why(v2(0x21, 0x41, INET)), 'address family 4')
  t.equal(why(v2(0x21, 0x13, INET)), 'transport protocol 3')
  t.equal(why(v2(0x21, 0x11, INET.subarray(1))), '11 bytes where the ipv4 addresses take 12')
  t.equal(why(v2(0x21, 0x21, INET)), '12 bytes where the ipv6 addresses take 36')
  t.equal(why(v2(0x21, 0x31, INET)), '12 bytes where the unix addresses take 216')
  t.equal(why(v2(0x21, 0x11, INET, 16_369)), '16385 bytes, more than 16384', 'before the rest has come')
  t.equal(read(v2(0x21, 0x11, INET, 16_368)).state, 'more', 'just fits')
  t.equal(why(v2(0x20, 0x00, new Uint8Array(), 100), 64), '116 bytes, more than 64', 'LOCAL too, at the limit asked for')
  const behind = (...parts: Uint8Array[]): string => why(v2(0x21, 0x11, Buffer.concat([INET, ...parts])))
  t.equal(behind(Buffer.of(4)), '1 bytes after the last TLV')
  t.equal(behind(tlv(TLV.noop, 'x'), Buffer.of(4, 0)), '2 bytes after the last TLV')
  t.equal(behind(Buffer.of(4, 0, 2, 0)), 'TLV 0x04 of 2 bytes where 1 are left')
  t.equal(behind(Buffer.of(4, 0xff, 0xff)), 'TLV 0x04 of 65535 bytes where 0 are left')
  t.equal(behind(tlv(TLV.crc32c, 'abcd')), 'CRC32C does not match')
  t.equal(behind(tlv(TLV.crc32c, 'abc')), 'CRC32C of 3 bytes instead of 4')
  t.equal(behind(tlv(TLV.crc32c, 'abcd'), tlv(TLV.crc32c, 'abcd')), 'two CRC32C values')
  t.equal(behind(tlv(TLV.uniqueId, 'u'.repeat(129))), 'unique id of 129 bytes, more than 128')
  t.equal(behind(tlv(TLV.ssl, 'four')), 'SSL value of 4 bytes, less than 5')
  t.equal(behind(tlv(TLV.ssl, Buffer.concat([Buffer.alloc(5), Buffer.of(0x21, 0, 9, 0x54)]))), 'TLV 0x21 of 9 bytes where 1 are left', 'bounds of the second level are the SSL value')
  // A TLV's bounds come from the header, not from what was received (trap 8).
  t.equal(why(Buffer.concat([v2(0x21, 0x11, Buffer.concat([INET, Buffer.of(4, 0, 2, 0)])), Buffer.from('xx')])), 'TLV 0x04 of 2 bytes where 1 are left')
})

t.test('every value is a typed fact', async (t) => {
  const ssl = sslTlv(0x07, 21, [
    textTlv(TLV.sslVersion, 'TLSv1.3'),
    textTlv(TLV.sslCn, 'Jürgen'),
    textTlv(TLV.sslCipher, 'TLS_AES_128_GCM_SHA256'),
    textTlv(TLV.sslSigAlg, 'RSA-SHA256'),
    textTlv(TLV.sslKeyAlg, 'RSA2048'),
    textTlv(TLV.sslGroup, 'x25519'),
    textTlv(TLV.sslSigScheme, 'rsa_pss_rsae_sha256'),
    { type: TLV.sslClientCert, value: Buffer.from('3000', 'hex') },
    { type: 0x2f, value: Buffer.from('?') },
  ])
  const tlvs: Tlv[] = [
    { type: TLV.alpn, value: Buffer.from('h2') },
    textTlv(TLV.authority, 'first.example'),
    textTlv(TLV.authority, 'exämple.org'),
    { type: TLV.noop, value: new Uint8Array(3) },
    { type: TLV.noop, value: new Uint8Array() },
    { type: TLV.uniqueId, value: Buffer.alloc(128, 0xee) },
    ssl,
    textTlv(TLV.netns, 'blue'),
    { type: 0xe5, value: Buffer.from('custom') },
    { type: 0xe5, value: Buffer.from('later') },
  ]
  for (const command of ['PROXY', 'LOCAL'] as const) {
    const bytes = buildProxyV2({ command, src: ip('1.2.3.4', 1), dst: ip('5.6.7.8', 2), tlvs, crc32c: true })
    const found = header(Buffer.concat([bytes, Buffer.from('more')]))
    t.equal(found.length, bytes.length, command)
    t.equal(Buffer.from(found.alpn ?? '').toString(), 'h2')
    t.equal(found.authority, 'exämple.org', 'of two the later one')
    t.equal(found.uniqueId?.length, 128)
    t.equal(found.netns, 'blue')
    t.type(found.crc32c, 'number')
    t.match(found.ssl, { client: 7, verify: 21, version: 'TLSv1.3', cn: 'Jürgen', cipher: 'TLS_AES_128_GCM_SHA256', sigAlg: 'RSA-SHA256', keyAlg: 'RSA2048', group: 'x25519', sigScheme: 'rsa_pss_rsae_sha256' })
    t.equal(Buffer.from(found.ssl?.clientCert ?? '').toString('hex'), '3000')
    t.equal(found.ssl?.tlvs.length, 9)
    t.equal(found.tlvs.length, tlvs.length + 1)
    t.equal(Buffer.from(tlvOf(found, 0xe5) ?? '').toString(), 'later', 'any type by its number')
    t.equal(tlvOf(found, 0xe6), undefined)
  }
  t.match(header(v2(0x21, 0x00, tlv(TLV.authority, 'u'))), { authority: 'u' }, 'values behind UNSPEC')
  t.same(header(v2(0x20, 0x00, Buffer.of(2, 0, 50, 65))).tlvs, [], 'LOCAL: what are no TLVs is discarded, as its document says')
  const wrong = buildProxyV2({ command: 'LOCAL', src: NO_ADDRESS, dst: NO_ADDRESS, crc32c: true })
  wrong[19] = (wrong[19] ?? 0) ^ 1
  t.equal(why(wrong), 'CRC32C does not match', 'LOCAL with a wrong checksum: its command cannot be believed (HAProxy lets it pass)')
})

t.test('nothing of the input is kept', async (t) => {
  const bytes = v2(0x21, 0x11, Buffer.concat([INET, tlv(TLV.alpn, 'h2'), tlv(TLV.uniqueId, 'id')]))
  const found = readProxyHeader(bytes)
  bytes.fill(0x3f)
  t.match(found, { header: { alpn: Buffer.from('h2'), uniqueId: Buffer.from('id') } })
})

t.test('CRC-32C', async (t) => {
  t.equal(crc32c(Buffer.from('123456789')), 0xe3069283, 'the check value')
  t.equal(crc32c(Buffer.alloc(32)), 0x8a9136aa, 'RFC 3720 B.4, zeroes')
  t.equal(crc32c(Buffer.alloc(32, 0xff)), 0x62a8ab43, 'ones')
  t.equal(crc32c(Buffer.from('56789'), crc32c(Buffer.from('1234'))), 0xe3069283, 'in two goes')
})

t.test('headers as HAProxy 2.6.12 wrote them', async (t) => {
  const src = ip('127.0.0.1', 0xe0c6)
  const dst = ip('127.0.0.1', 0x5541)
  t.equal(buildProxyV2({ command: 'PROXY', src, dst, crc32c: true }).toString('hex'), '0d0a0d0a000d0a515549540a211100137f0000017f000001e0c65541030004b5d33177')
  t.equal(buildProxyV2({ command: 'LOCAL', src, dst, crc32c: true }).toString('hex'), '0d0a0d0a000d0a515549540a20000007030004a9b87e8f')
  t.equal(buildProxyV2({ command: 'LOCAL', src, dst, tlvs: [sslTlv(0, 0, [])] }).toString('hex'), '0d0a0d0a000d0a515549540a2000000820000500000000 00'.replace(' ', ''))
  t.equal(
    buildProxyV2({ command: 'PROXY', src: ip('2001:db8::7', 0xa70a), dst: ip('127.0.0.1', 0x55c0) }).toString('hex'),
    '0d0a0d0a000d0a515549540a2121002420010db800000000000000000000000700000000000000000000ffff7f000001a70a55c0',
    'ends of two families',
  )
  t.equal(buildProxyV1(ip('127.0.0.1', 60658), ip('127.0.0.1', 21821)).toString(), 'PROXY TCP4 127.0.0.1 127.0.0.1 60658 21821\r\n')
  t.equal(buildProxyV1(ip('2001:db8::7', 39334), ip('127.0.0.1', 21951)).toString(), 'PROXY TCP6 2001:db8::7 ::ffff:127.0.0.1 39334 21951\r\n')
  t.equal(buildProxyV1({ family: 'unix', path: '/x', abstract: false }, ip('127.0.0.1', 1)).toString(), 'PROXY UNKNOWN\r\n')
})

t.test('what does not fit is refused by the writer', async (t) => {
  const ends = { command: 'PROXY', src: ip('1.1.1.1', 1), dst: ip('2.2.2.2', 2) } as const
  t.throws(() => buildProxyV2({ ...ends, tlvs: [{ type: 256, value: new Uint8Array() }] }), RangeError)
  t.throws(() => buildProxyV2({ ...ends, tlvs: [{ type: 4, value: new Uint8Array(65536) }] }), RangeError)
  t.throws(() => buildProxyV2({ ...ends, tlvs: [{ type: 4, value: new Uint8Array(65530) }] }), RangeError)
  const long = { family: 'unix', path: 'p'.repeat(109), abstract: false } as const
  t.throws(() => buildProxyV2({ command: 'PROXY', src: long, dst: long }), RangeError)
})

// ── properties ───────────────────────────────────────────────────────────────────────────────────────────────────

const octet = fc.integer({ min: 0, max: 255 })
const port = fc.integer({ min: 0, max: 65535 })
const v4 = fc.tuple(fc.tuple(octet, octet, octet, octet), port).map(([o, p]) => ip(o.join('.'), p))
const v6 = fc.tuple(fc.ipV6(), port).map(([host, p]) => ({ family: 'ipv6', host, port: p }) as const)
const path = fc.string({ minLength: 1, maxLength: 30 }).filter((s) => !s.includes('\0'))
const unix = fc.tuple(path, fc.boolean()).map(([p, abstract]) => ({ family: 'unix', path: p, abstract }) as const)
const ends: fc.Arbitrary<readonly [Address, Address]> = fc.oneof(fc.tuple(v4, v4), fc.tuple(v6, v6), fc.tuple(unix, unix))
const someTlvs = fc.array(
  fc.record({ type: octet.filter((type) => type !== TLV.crc32c && type !== TLV.ssl), value: fc.uint8Array({ maxLength: 128 }) }),
  { maxLength: 6 },
)

/** As the reader gives it back: canonical text. */
function canonical(address: Address): unknown {
  if (address.family !== 'ipv6') return address
  const found = header(`PROXY TCP6 ${address.host} ::1 ${address.port} 1\r\n`)
  return found.src
}

t.test('property: what is written is read again', async (t) => {
  fc.assert(
    fc.property(ends, someTlvs, fc.boolean(), fc.constantFrom('stream', 'dgram'), fc.uint8Array({ maxLength: 20 }), ([src, dst], tlvs, sum, transport, rest) => {
      const bytes = buildProxyV2({ command: 'PROXY', src, dst, tlvs, crc32c: sum, transport })
      const found = header(Buffer.concat([bytes, rest]))
      const wanted = [canonical(src), canonical(dst), bytes.length, transport, tlvs.length + (sum ? 1 : 0)]
      const got = [found.src, found.dst, found.length, found.transport, found.tlvs.length]
      if (JSON.stringify(got) !== JSON.stringify(wanted)) throw new Error(`${JSON.stringify(got)} instead of ${JSON.stringify(wanted)}`)
      for (const [i, { type, value }] of tlvs.entries()) {
        const back = found.tlvs[i + (sum ? 1 : 0)]
        if (back?.type !== type || !Buffer.from(back.value).equals(value)) throw new Error(`TLV ${i}`)
      }
    }),
    params,
  )
  fc.assert(
    fc.property(fc.oneof(fc.tuple(v4, v4), fc.tuple(v6, v6)), ([src, dst]) => {
      const bytes = buildProxyV1(src, dst)
      const found = header(bytes)
      return JSON.stringify([found.src, found.dst, found.length]) === JSON.stringify([canonical(src), canonical(dst), bytes.length])
    }),
    params,
  )
  t.pass('version 1 and 2')
})

/** Headers, headers with some bytes changed, and noise that begins like one. */
const input: fc.Arbitrary<Buffer> = fc
  .tuple(
    fc.oneof(
      fc.tuple(ends, someTlvs, fc.boolean()).map(([[src, dst], tlvs, sum]) => buildProxyV2({ command: 'PROXY', src, dst, tlvs, crc32c: sum })),
      fc.tuple(v4, v4).map(([src, dst]) => buildProxyV1(src, dst)),
      fc.tuple(v6, v6).map(([src, dst]) => buildProxyV1(src, dst)),
      fc.uint8Array({ maxLength: 200 }).map((noise) => Buffer.concat([V2_SIGNATURE, noise])),
      fc.tuple(octet, octet, fc.uint8Array({ maxLength: 60 })).map(([vc, fam, body]) => v2(vc, fam, body)),
      fc.string({ maxLength: 120 }).map((noise) => Buffer.concat([V1_SIGNATURE, Buffer.from(noise)])),
      fc.uint8Array({ maxLength: 40 }).map((noise) => Buffer.from(noise)),
    ),
    fc.array(fc.tuple(fc.nat(), octet), { maxLength: 3 }),
    fc.uint8Array({ maxLength: 30 }),
  )
  .map(([bytes, changes, rest]) => {
    const changed = Buffer.concat([bytes, rest])
    for (const [at, value] of changes) if (changed.length > 0) changed[at % changed.length] = value
    return changed
  })

t.test('property: any bytes, any cut: no throw, and the same answer', async (t) => {
  fc.assert(
    fc.property(input, (bytes) => {
      const whole = readProxyHeader(bytes)
      let needed = 1
      for (let n = 0; n <= bytes.length; n++) {
        const part = readProxyHeader(bytes.subarray(0, n))
        if (part.state === 'more') {
          if (part.total <= n) throw new Error(`${n} bytes: asks for ${part.total}`)
          // What it asked for before must not have been more than was needed to know better.
          needed = part.total
          continue
        }
        if (n < needed && n > 0) throw new Error(`known at ${n} bytes, asked for ${needed}`)
        if (JSON.stringify(part) !== JSON.stringify(whole)) throw new Error(`at ${n}: ${JSON.stringify(part)}, at the end: ${JSON.stringify(whole)}`)
      }
      return true
    }),
    { ...params, numRuns: RUNS * 3 },
  )
  t.pass('headers, changed headers, noise')
})
