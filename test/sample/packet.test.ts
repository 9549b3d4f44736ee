// Converters of packets: tables of values, packets cut at every byte, and bytes that are none.

import fc from 'fast-check'
import t from 'tap'
import type { Fetched } from '../../src/core/sample.ts'
import { samplePlugin } from '../../src/sample/builtin.ts'
import { Section, subject } from './section.ts'

const SEED = Number(process.env['FUZZ_SEED'] ?? Date.now() % 1_000_000)
t.comment(`FUZZ_SEED=${SEED}`)

const section = new Section()
const nobody = subject()

/** How values are written here: addresses as they are, all other bytes in hexadecimal. */
function shown(found: Fetched | string): string | undefined {
  if (typeof found !== 'object') return found
  if (found.type === 'bin') return Buffer.from(found.value, 'latin1').toString('hex')
  return found.type === 'ipv6' ? Buffer.from(found.value).toString('hex') : String(found.value)
}

/** Evaluated by the expression, so that types and casts count. */
const evaluate = (packet: string, converters: string): string | undefined => shown(section.evaluate(`bin(${packet}),${converters}`, nobody))

// The two frames of the manual (3.4, fc_saved_syn), by their fields.
const ETH4 = '000000000000' + '000000000000' + '0800'
const ETH6 = '000000000000' + '000000000000' + '86dd'
const IP4 = '4500003c0a65400040063255' + '7f000001' + '7f000001'
const IP6 = '6008018f00280640' + '00000000000000000000000000000001' + '00000000000000000000000000000001'
const TCP4 = 'e1f2115d01af4e3e00000000' + 'a002ffd7fe300000' + '0204ffd70402080a01c2a71a0000000001030307'
const TCP6 = '9758115db5511f5d00000000' + 'a002ffc400300000' + '0204ffc40402080a9c231d680000000001030307'
const BARE = '0050c350000000010000000050020400abcd0000'

// Of our own: options and extensions, tags, odd fields.
const IP4_OPTIONS = '46b8002c0001' + '0000' + '2106' + '0000' + 'c0000201' + 'c6336402' + '94040000' // router alert; TTL 33, no DF
const IP6_EXTENSIONS = '6ab00000002c0080' + '20010db8000000000000000000000001' + '20010db8000000000000000000000002' // hop by hop, fragment, then TCP
const EXTENSIONS = '2c00010400000000' + '3c00000000000001' + '0600010400000000'

const FRAMES: Readonly<Record<string, string>> = {
  v4: ETH4 + IP4 + TCP4,
  v6: ETH6 + IP6 + TCP6,
  tagged: '0201020304050a0b0c0d0e0f' + '81000fff' + '0800' + IP4 + TCP4,
  twice: '0201020304050a0b0c0d0e0f' + '88a8e064' + '8100a00a' + '86dd' + IP6 + TCP6,
}
const PACKETS: Readonly<Record<string, string>> = { v4: IP4 + TCP4, v6: IP6 + TCP6, options: IP4_OPTIONS + BARE, extensions: IP6_EXTENSIONS + EXTENSIONS + BARE, udp: '4500001c00010000401100007f0000017f000001' + '0035003500080000' }
const SEGMENTS: Readonly<Record<string, string>> = {
  v4: TCP4,
  v6: TCP6,
  bare: BARE,
  flags: '0050c350fffffffffffffffff0ff0102' + '00000000' + '01010402' + '03030e01' + 'fd04f989' + '1312' + '00'.repeat(16) + '00'.repeat(10),
  ended: '0050c35000000001000000007002' + '0400' + 'abcd0000' + '020405b4' + '00030307',
}

type Row = readonly [converters: string, expected: Readonly<Record<string, string | undefined>>]

function table(name: string, packets: Readonly<Record<string, string>>, rows: readonly Row[]): void {
  t.test(name, async (t) => {
    for (const [converters, expected] of rows) {
      for (const [which, packet] of Object.entries(packets)) if (which in expected) t.equal(evaluate(packet, converters), expected[which], `${converters} of ${which}`)
    }
  })
}

table('frames', FRAMES, [
  ['eth.dst', { v4: '000000000000', tagged: '020102030405' }],
  ['eth.src', { v4: '000000000000', tagged: '0a0b0c0d0e0f' }],
  ['eth.proto', { v4: String(0x800), v6: String(0x86dd), tagged: String(0x800), twice: String(0x86dd) }],
  ['eth.vlan', { v4: undefined, v6: undefined, tagged: '4095', twice: '10' }],
  ['eth.hdr', { v4: ETH4, v6: ETH6, tagged: '0201020304050a0b0c0d0e0f81000fff0800', twice: '0201020304050a0b0c0d0e0f88a8e0648100a00a86dd' }],
  ['eth.data', { v4: IP4 + TCP4, v6: IP6 + TCP6, tagged: IP4 + TCP4, twice: IP6 + TCP6 }],
  ['eth.data,ip.ver', { v4: '4', v6: '6', tagged: '4', twice: '6' }],
  ['eth.data,ip.data,tcp.dst', { v4: '4445', v6: '4445', tagged: '4445', twice: '4445' }],
  ['eth.data,ip.data,bytes(20)', { v4: TCP4.slice(40) }],
])

table('packets', PACKETS, [
  ['ip.ver', { v4: '4', v6: '6', options: '4', extensions: '6', udp: '4' }],
  ['ip.src', { v4: String(0x7f000001), v6: '00000000000000000000000000000001', options: String(0xc0000201), extensions: '20010db8000000000000000000000001' }],
  ['ip.dst', { v4: String(0x7f000001), options: String(0xc6336402), extensions: '20010db8000000000000000000000002' }],
  ['ip.proto', { v4: '6', v6: '6', options: '6', extensions: '6', udp: '17' }],
  ['ip.tos', { v4: '0', v6: '0', options: String(0xb8), extensions: String(0xab) }],
  ['ip.ttl', { v4: '64', v6: '64', options: '33', extensions: '128' }],
  ['ip.df', { v4: '1', v6: '1', options: '0', extensions: '1' }],
  ['ip.hdr', { v4: IP4, v6: IP6, options: IP4_OPTIONS, extensions: IP6_EXTENSIONS + EXTENSIONS }],
  ['ip.data', { v4: TCP4, v6: TCP6, options: BARE, extensions: BARE }],
  ['ip.src,ipmask(8)', { options: String(0xc0000000) }],
])

table('segments', SEGMENTS, [
  ['tcp.src', { v4: String(0xe1f2), v6: String(0x9758), bare: '80' }],
  ['tcp.dst', { v4: '4445', v6: '4445', bare: '50000' }],
  ['tcp.seq', { v4: String(0x01af4e3e), v6: String(0xb5511f5d), bare: '1', flags: '4294967295' }],
  ['tcp.flags', { v4: '2', bare: '2', flags: '255' }],
  ['tcp.win', { v4: '65495', v6: '65476', bare: '1024', flags: String(0x102) }],
  ['tcp.options.mss', { v4: '65495', v6: '65476', bare: '0', flags: '0', ended: '1460' }],
  ['tcp.options.sack', { v4: '1', bare: '0', flags: '1', ended: '0' }],
  ['tcp.options.tsopt', { v4: '1', bare: '0', flags: '0' }],
  ['tcp.options.tsval', { v4: String(0x01c2a71a), v6: String(0x9c231d68), bare: undefined, flags: undefined }],
  ['tcp.options.wscale', { v4: '7', bare: '0', flags: '14', ended: '0' }],
  ['tcp.options.wsopt', { v4: '1', bare: '0', flags: '1', ended: '0' }],
  ['tcp.options_list', { v4: '0204080103', v6: '0204080103', bare: '', flags: '0101040301fd13', ended: '02' }],
])

// byte by byte as the manual has them: TOS; version, DF, TTL, options, data, CWR, ECE; header and scale; window; MSS; kinds
table('fingerprints', { ...PACKETS, echo: '45000034000100008006000001020304050607080050c35000000001000000008' + '0c20400abcd0000' + '0101010101010101010101fd' , data: '4503002a000140001f06000001020304050607080050c350000000010000000050420400abcd00006869' }, [
  ['ip.fp', { v4: '00' + '50' + 'a8' + 'ffd7' + 'ffd7' + '47', v6: '00' + 'd0' + 'a8' + 'ffc4' + 'ffc4' + '47', options: 'b8' + '18' + '50' + '0400' + '0000' + '00', extensions: 'ab' + 'e8' + '50' + '0400' + '0000' + '00', udp: undefined, data: '03' + '45' + '50' + '0400' + '0000' + '00', echo: '00' + '23' + '80' + '0400' + '0000' + '00' }],
  ['ip.fp(0)', { v4: '0050a8ffd7ffd747' }],
  ['ip.fp(1)', { v4: '0050a8ffd7ffd747' + '40', data: '03455004000000001f' }],
  ['ip.fp(2)', { v4: '0050a8ffd7ffd747' + '0204080103', options: 'b818500400000000' }],
  ['ip.fp(4)', { v4: '0050a8ffd7ffd747' + '7f000001', v6: '00d0a8ffc4ffc447' + '00000000000000000000000000000001' }],
  ['ip.fp(5)', { v4: '0050a8ffd7ffd747' + '40' + '7f000001' }],
  ['ip.fp(7)', { v4: '0050a8ffd7ffd747' + '40' + '0204080103' + '7f000001' }],
])

t.test('the fingerprint tells kinds of options from 9 on, and a scale of 15 is 14', async (t) => {
  const segment = '0050c35000000001000000007002' + '0400' + 'abcd0000' + '1e040000' + '03030f01'
  t.equal(evaluate('45000030000140004006000001020304' + '05060708' + segment, 'ip.fp'), '00' + '50' + '7f' + '0400' + '0000' + '82')
})

t.test('a mode that is none is refused', async (t) => {
  t.match(evaluate('00', 'ip.fp(8)'), /mode 8 is not within 0 and 7/)
  t.match(evaluate('00', 'ip.fp(-1)'), /mode -1 is not within 0 and 7/)
  t.match(evaluate('00', 'ip.fp(x)'), /x/)
})

const names = (samplePlugin.converters ?? []).map(({ name }) => name).filter((name) => /^(eth|ip|tcp)\./.test(name))

t.test('cut at any byte, a field is what it is in the whole packet, or absent', async (t) => {
  t.equal(names.length, 28)
  /** What there is of the data is what was not cut off. */
  const parts = new Set(['eth.data', 'ip.data'])
  for (const [kind, packets] of [['eth', FRAMES], ['ip', PACKETS], ['tcp', SEGMENTS]] as const) {
    for (const [which, packet] of Object.entries(packets)) {
      for (const name of names.filter((n) => n.startsWith(`${kind}.`))) {
        const whole = evaluate(packet, name)
        const wrong: number[] = []
        for (let n = 1; n < packet.length / 2; n++) {
          const found = evaluate(packet.slice(0, 2 * n), name)
          if (found !== undefined && (parts.has(name) ? whole?.startsWith(found) !== true : found !== whole)) wrong.push(n)
        }
        t.same(wrong, [], `${name} of ${which}`)
        t.equal(evaluate('00', `bytes(1),${name}`), undefined, `${name} of nothing`)
      }
    }
  }
})

t.test('bytes that are no packet have no value, or one of the declared type', async (t) => {
  t.equal(evaluate('0'.repeat(120), 'ip.src'), undefined, 'version 0')
  t.equal(evaluate(`44${'00'.repeat(60)}`, 'ip.data'), undefined, 'a header of 16 bytes')
  t.equal(evaluate(`4f${'00'.repeat(40)}`, 'ip.hdr'), undefined, 'a header longer than the packet')
  t.equal(evaluate(BARE.replace('5002', '4002'), 'tcp.options.mss'), undefined, 'a TCP header of 16 bytes')
  t.equal(evaluate(BARE.replace('5002', '6002'), 'tcp.options_list'), undefined, 'a TCP header longer than the segment')
  for (const [options, kinds, mss] of [['02000000', '', '0'], ['0201ffff', '', '0'], ['02050000', '', '0'], ['0203ff00', '02', '0'], ['01010102', '010101', '0'], ['fe02fe02', 'fefe', '0']] as const) {
    const segment = BARE.replace('5002', '6002') + options
    t.equal(evaluate(segment, 'tcp.options_list'), kinds, options)
    t.equal(evaluate(segment, 'tcp.options.mss'), mss, options)
  }
  const loops = `6000000000ff0040${'00'.repeat(32)}` + '0000000000000000'.repeat(1000)
  t.equal(evaluate(loops, 'ip.proto'), undefined, 'extensions without an end')
  const specs = new Map((samplePlugin.converters ?? []).map((c) => [c.name, c]))
  const types: Readonly<Record<string, readonly string[]>> = { bin: ['bin'], sint: ['sint'], ip: ['ipv4', 'ipv6'] }
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 90 }), fc.tuple(fc.constantFrom(...[FRAMES, PACKETS, SEGMENTS].flatMap((p) => Object.values(p))), fc.array(fc.tuple(fc.nat(100), fc.nat(255)), { maxLength: 4 })).map(([hex, changes]) => {
      const bytes = Buffer.from(hex, 'hex')
      for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte
      return new Uint8Array(bytes)
    })), (bytes) => {
      const hex = `00${Buffer.from(bytes).toString('hex')}`
      for (const name of names) {
        const found = section.evaluate(`bin(${hex}),bytes(1),${name}`, nobody)
        if (found === undefined) continue
        if (typeof found !== 'object' || types[String(specs.get(name)?.output)]?.includes(found.type) !== true) throw new Error(`${name} of ${hex}: ${JSON.stringify(found, (_, v: unknown) => (typeof v === 'bigint' ? String(v) : v))}`)
      }
    }),
    { seed: SEED, numRuns: 200 },
  )
})

t.test('names backwards', async (t) => {
  for (const [name, reversed] of [
    ['example.com', 'com.example'],
    ['mail.example.com', 'com.example.mail'],
    ['example.com.', 'com.example'],
    ['Localhost', 'Localhost'],
    ['a.b:80', 'b:80.a'],
    ['.', undefined],
    ['', undefined],
    ['a..b', undefined],
    ['.a', undefined],
    ['a..', undefined],
  ] as const) {
    const found = section.evaluate(`str(${name}),reverse_dom`, nobody)
    t.equal(typeof found === 'object' ? found.value : found, reversed, name)
  }
})

t.test('names of what is wrong with a certificate', async (t) => {
  for (const [number, name] of [
    ['0', 'X509_V_OK'],
    ['1', 'X509_V_ERR_UNSPECIFIED'],
    ['10', 'X509_V_ERR_CERT_HAS_EXPIRED'],
    ['18', 'X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT'],
    ['23', 'X509_V_ERR_CERT_REVOKED'],
    ['62', 'X509_V_ERR_HOSTNAME_MISMATCH'],
    ['94', 'X509_V_ERR_EC_KEY_EXPLICIT_PARAMS'],
    ['95', '95'],
    ['-1', '-1'],
    ['9223372036854775807', '9223372036854775807'],
  ] as const) {
    const found = section.evaluate(`int(${number}),x509_v_err_str`, nobody)
    t.equal(typeof found === 'object' ? found.value : found, name, number)
  }
})
