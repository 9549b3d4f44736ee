// IP text and bytes against Node's own reader, and networks against a comparison bit by bit.

import net from 'node:net'
import fc from 'fast-check'
import t from 'tap'
import { canonicalIP, formatIP, inNetwork, isMapped, mapIPv4, parseIPv4, parseIPv6, parseNetwork } from '../../src/core/ip.ts'

const seed = Number(process.env['SEED'] ?? 20261121)
t.comment(`seed ${seed}`)

const word = fc.oneof(fc.constantFrom('0', '00', '1', '01', '255', '256', 'ffff', '12345', 'g', ''), fc.nat(300).map(String))
const almost = fc.oneof(
  fc.array(word, { minLength: 3, maxLength: 5 }).map((words) => words.join('.')),
  fc.tuple(fc.array(word, { maxLength: 9 }), fc.constantFrom(':', '::')).map(([words, by]) => words.join(by)),
  fc.tuple(fc.array(word, { maxLength: 6 }), fc.array(word, { maxLength: 6 }), fc.constantFrom('', ':1.2.3.4', ':01.2.3.4')).map(([a, b, end]) => `${a.join(':')}::${b.join(':')}${end}`),
  fc.ipV4(),
  fc.ipV6(),
  fc.string({ maxLength: 12 }),
)

t.test('property: what Node takes for an address, and nothing else', async (t) => {
  fc.assert(
    fc.property(almost, (text) => (parseIPv4(text) !== undefined) === net.isIPv4(text) && (parseIPv6(text) !== undefined) === (net.isIPv6(text) && !text.includes('%'))),
    { seed, numRuns: 3000 },
  )
  t.pass()
})

t.test('property: text and bytes are one', async (t) => {
  const bytes = fc.oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.array(fc.constantFrom(0, 0, 0, 1), { minLength: 16, maxLength: 16 }).map((b) => Uint8Array.from(b)))
  fc.assert(
    fc.property(bytes, (b) => {
      const text = formatIP(b)
      const back = b.length === 4 ? parseIPv4(text) : parseIPv6(text)
      return back !== undefined && Buffer.from(back).equals(b) && canonicalIP(text)?.host === text
    }),
    { seed, numRuns: 2000 },
  )
  t.pass()
})

t.test('canonical text', async (t) => {
  for (const [text, canonical] of [['2001:DB8:0:0:0:0:0:1', '2001:db8::1'], ['0:0:1:0:0:0:0:0', '0:0:1::'], ['1:0:0:2:0:0:0:3', '1:0:0:2::3'], ['1:0:0:2:0:0:3:4', '1::2:0:0:3:4'], ['::', '::'], ['1:0:2:3:4:5:6:7', '1:0:2:3:4:5:6:7'], ['::FFFF:102:304', '::ffff:1.2.3.4']] as const) {
    t.equal(canonicalIP(text)?.host, canonical, text)
  }
  t.equal(canonicalIP('fe80::1%lo'), undefined)
  t.ok(isMapped(mapIPv4(Uint8Array.of(1, 2, 3, 4))))
  t.notOk(isMapped(Uint8Array.of(1, 2, 3, 4)))
})

t.test('property: networks', async (t) => {
  const bits = (b: Uint8Array): string => [...b].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  fc.assert(
    fc.property(fc.constantFrom(4, 16), fc.nat(128), fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.nat(127), (length, prefix, noise, flip) => {
      const a = noise.subarray(0, length)
      const b = Uint8Array.from(a)
      const at = flip % (length * 8)
      b[at >> 3] = (b[at >> 3] ?? 0) ^ (0x80 >> (at & 7))
      const n = prefix % (length * 8 + 1)
      const network = parseNetwork(`${formatIP(a)}/${n}`)
      if (network === undefined) return false
      return [a, b].every((x) => inNetwork(network, x) === (bits(x).slice(0, n) === bits(a).slice(0, n)))
    }),
    { seed, numRuns: 1000 },
  )
  t.pass()
})
