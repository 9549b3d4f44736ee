// accept-netscaler-cip: both forms of the header, cut anywhere; what is refused and with which words; who may ask for it.

import fc from 'fast-check'
import t from 'tap'
import { buildProxyV1, readNetscalerCip } from '../../src/plugin.ts'
import type { Address, App } from '../../src/plugin.ts'
import { configured, handlerContract, type FakeHandshake, type Outcome } from '../kit/index.ts'
import { cipHeader, type CipOptions } from '../kit/netscaler-cip.ts'

const SEED = Number(process.env['FUZZ_SEED'] ?? Date.now() % 1_000_000)
const RUNS = Number(process.env['FUZZ_RUNS'] ?? 500)
t.comment(`FUZZ_SEED=${SEED} FUZZ_RUNS=${RUNS}`)

const STREAM: App = { name: 'stream', open: (conn) => conn.attach({ ready: () => undefined, expired: () => undefined }) }
const MAGIC = 0xc1b0_0f4e
const LISTEN = 'listen l\n timeout client 1s\n timeout server 1s\n timeout connect 1s\n bind :80'
const BIND = `${LISTEN} accept-netscaler-cip ${MAGIC}`
const ip = (host: string, port: number): Address => ({ family: host.includes(':') ? 'ipv6' : 'ipv4', host, port })

function accepts(text: string, bytes?: Buffer | string): FakeHandshake {
  const found = configured(text, [], STREAM)
  if (found.problems.length > 0) throw new Error(found.problems.join('\n'))
  const hs = found.accept()
  if (bytes !== undefined) hs.arrive(bytes)
  return hs
}

const refusal = (outcome: Outcome | undefined): unknown => (outcome !== undefined && 'refused' in outcome ? [outcome.refused, outcome.why.cause, outcome.why.detail] : outcome)

const GOOD: Readonly<Record<string, CipOptions>> = {
  'legacy, IPv4': { magic: MAGIC },
  'legacy, IPv6': { magic: MAGIC, src: '2001:db8::9', dst: '2001:db8::7' },
  'standard, IPv4': { magic: MAGIC, standard: true },
  'standard, IPv6': { magic: MAGIC, standard: true, src: '2001:db8::9', dst: '2001:db8::7' },
  'IPv4 and TCP options': { magic: MAGIC, ipOptions: Buffer.alloc(40, 1), tcpOptions: Buffer.alloc(40, 1) },
  'a standard header with another type and total': { magic: MAGIC, standard: true, type: 2, total: 7 },
}
for (const [name, options] of Object.entries(GOOD)) {
  t.test(`contract: ${name}`, async (t) => {
    const found = configured(BIND, [], STREAM)
    const make = found.handlers(found.bind()).find((m) => m().name === 'accept-netscaler-cip')
    if (make === undefined) throw new Error('no handler')
    await handlerContract(t, { name, make, input: cipHeader(options) })
    const hs = accepts(BIND, Buffer.concat([cipHeader(options), Buffer.from('GET')]))
    t.same([hs.src, hs.dst, hs.rest.toString(), hs.outcome], [ip(options.src ?? '203.0.113.9', 1234), ip(options.dst ?? '198.51.100.7', 443), 'GET', { served: 'stream' }])
  })
}

t.test('causes as HAProxy logs them', async (t) => {
  const bad = (what: Partial<CipOptions> | string): unknown => {
    const hs = accepts(BIND, typeof what === 'string' ? what : cipHeader({ magic: MAGIC, ...what }))
    t.same(hs.sock.done, ['RST'], 'what came is left unread: RST')
    t.same([hs.src, hs.dst], [ip('192.0.2.1', 40000), ip('198.51.100.1', 443)], 'the connection keeps its own ends')
    const outcome = refusal(hs.outcome)
    return Array.isArray(outcome) ? outcome.slice(1) : outcome
  }
  t.same(bad('G'), ['malformed', 'Received an invalid NetScaler Client IP magic number (byte 0 is 0x47)'])
  t.same(bad({ magic: MAGIC + 1 }), ['malformed', 'Received an invalid NetScaler Client IP magic number (byte 3 is 0x4f)'])
  t.same(bad({ version: 5 }), ['malformed', 'Truncated NetScaler Client IP header received (it has no IP header)'], 'no version: taken for a standard header')
  t.same(bad({ standard: true, version: 5 }), ['malformed', 'Received an unhandled protocol in the NetScaler Client IP header (IP version 5)'])
  t.same(bad({ protocol: 17 }), ['malformed', 'Received an unhandled protocol in the NetScaler Client IP header (protocol 17)'])
  t.same(bad({ src: '::1', dst: '::2', protocol: 0 }), ['malformed', 'Received an unhandled protocol in the NetScaler Client IP header (protocol 0)'])
  t.same(bad({ length: 39 }), ['malformed', 'Truncated NetScaler Client IP header received (39 bytes where an IPv4 and a TCP header take 40)'])
  t.same(bad({ src: '::1', dst: '::2', length: 59, standard: true }), ['malformed', 'Truncated NetScaler Client IP header received (59 bytes where an IPv6 and a TCP header take 60)'])
  t.same(bad({ length: 0 }), ['malformed', 'Truncated NetScaler Client IP header received (it has no IP header)'])
  t.same(bad({ words: 4 }), ['malformed', 'Truncated NetScaler Client IP header received (an IP header of 16 bytes)'])
  t.same(bad({ words: 15 }), ['malformed', 'Truncated NetScaler Client IP header received (40 bytes where an IPv4 and a TCP header take 80)'])
  t.same(bad({ length: 16_377 }), ['malformed', 'Truncated NetScaler Client IP header received (16385 bytes, more than 16384)'])
  t.same(bad({ length: 0xffff_ffff }), ['malformed', 'Truncated NetScaler Client IP header received (4294967303 bytes, more than 16384)'])

  const over = (act: (hs: FakeHandshake) => void): unknown => {
    const hs = accepts(BIND)
    act(hs)
    return [refusal(hs.outcome), hs.sock.done]
  }
  t.same(over((hs) => hs.elapse(10_100)), [['accept-netscaler-cip', 'timeout', 'Timeout while waiting for a NetScaler Client IP header'], ['FIN']])
  t.same(over((hs) => hs.peerEnds()), [['accept-netscaler-cip', 'empty', 'Connection closed while waiting for NetScaler Client IP header'], ['FIN', 'closed']])
  t.match(over((hs) => (hs.arrive(cipHeader({ magic: MAGIC }).subarray(0, 30)), hs.peerEnds())), [['accept-netscaler-cip', 'short', 'Truncated NetScaler Client IP header received'], Array])
})

t.test('who asks for it, and in which order', async (t) => {
  const served = { served: 'stream' }
  const rule = '\n tcp-request connection expect-netscaler-cip layer4 if { src 192.0.2.0/24 }'
  const ruled = accepts(`${LISTEN}${rule}`, cipHeader({ magic: 0 }))
  t.same([ruled.src, ruled.outcome], [ip('203.0.113.9', 1234), served], 'without a bind line that says more the magic number is 0')
  t.same(accepts(`${BIND}${rule}`, cipHeader({ magic: MAGIC })).outcome, served, 'one header, whoever asked for it')
  t.same(accepts(`${LISTEN}\n tcp-request connection expect-netscaler-cip layer4 if { src 10.0.0.0/8 }`).outcome, served, 'not this one')
  const both = accepts(`${BIND} accept-proxy`, Buffer.concat([cipHeader({ magic: MAGIC }), buildProxyV1(ip('10.9.9.9', 1), ip('10.8.8.8', 2))]))
  t.same([both.src, both.dst, both.outcome], [ip('10.9.9.9', 1), ip('10.8.8.8', 2), served], 'before a PROXY header')
  t.same(refusal(accepts(`${BIND}\n tcp-request connection reject if { src 192.0.2.1 }`).outcome), ['tcp-rules connection', 'denied', undefined], 'connection rules see who connected')
  t.same(refusal(accepts(`${BIND}\n tcp-request handshake reject if { src 203.0.113.9 }`, cipHeader({ magic: MAGIC })).outcome), ['tcp-rules handshake', 'denied', undefined], 'later ones who was announced')
})

t.test('the number', async (t) => {
  for (const [word, text] of [
    ['', 'missing value'],
    ['0', "invalid value 0, must be between 1 and 4294967295"],
    ['4294967296', 'invalid value 4294967296'],
    ['-1', 'invalid value -1'],
    ['0x10', 'invalid value 0x10'],
    ['5x', 'invalid value 5x'],
  ] as const) t.match(configured(`${LISTEN} accept-netscaler-cip ${word}`).problems.join(), `'accept-netscaler-cip' : ${text}`)
  t.same(accepts(`${LISTEN} accept-netscaler-cip 4294967295`, cipHeader({ magic: 0xffff_ffff })).outcome, { served: 'stream' })
})

t.test('no bytes make it throw, ask for what is there, or take back what it said', async () => {
  const header = fc.record({ magic: fc.constant(MAGIC), standard: fc.boolean(), version: fc.integer({ min: 0, max: 15 }), protocol: fc.constantFrom(6, 17), length: fc.option(fc.integer({ min: 0, max: 100 }), { nil: undefined }), words: fc.option(fc.integer({ min: 0, max: 15 }), { nil: undefined }) })
  const built = header.map(({ length, words, ...rest }) => cipHeader({ ...rest, ...(length === undefined ? {} : { length }), ...(words === undefined ? {} : { words }) }))
  fc.assert(
    fc.property(fc.oneof(built, fc.uint8Array({ maxLength: 100 }).map((tail) => Buffer.concat([cipHeader({ magic: MAGIC }).subarray(0, 8), tail]))), (bytes) => {
      const whole = readNetscalerCip(bytes, MAGIC, 200)
      for (let n = 0; n <= bytes.length; n++) {
        const read = readNetscalerCip(bytes.subarray(0, n), MAGIC, 200)
        if (read.state === 'more') {
          if (read.total <= n || read.total > 200) throw new Error(`asks for ${read.total} of ${n}`)
        } else if (JSON.stringify(read) !== JSON.stringify(whole)) throw new Error(`at ${n}: ${JSON.stringify(read)}, in the end ${JSON.stringify(whole)}`)
      }
    }),
    { seed: SEED, numRuns: RUNS },
  )
})
