// Owns the figures of large pattern files: how long 1,000,000 entries take to load, how long a look-up takes.
//
//   node dist/test/bench/patterns.js [entries]

import type { MatchMethod, Sample } from '../../src/core/sample.ts'
import { readPatterns } from '../../src/sample/patterns/file.ts'
import { makeIndex } from '../../src/sample/patterns/match.ts'
import { PatternSet, PatternStore } from '../../src/sample/patterns/pattern-set.ts'
import { formatIPv4 } from '../../src/util/ip.ts'

const entries = Number(process.argv[2] ?? 1_000_000)
let seed = 12345
/** 32 bits, the same in every run. */
const random = (): number => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
  return seed
}

function bench(name: string, method: MatchMethod, line: () => string, ask: () => Sample): void {
  const text = Array.from({ length: entries }, line).join('\n')
  const memory = process.memoryUsage().rss
  const begun = performance.now()
  const set = new PatternSet(new PatternStore(), name)
  readPatterns(text, 1, set)
  const slot = set.attach(() => makeIndex(method, false, 'decimal'))
  if ('problem' in slot) throw new Error(slot.problem)
  const loaded = performance.now() - begun
  const rss = (process.memoryUsage().rss - memory) / 1048576
  const asked = Array.from({ length: 200_000 }, ask)
  let found = 0
  for (const sample of asked) if (slot.index.find(sample) !== undefined) found++ // warm
  found = 0
  const from = performance.now()
  for (const sample of asked) if (slot.index.find(sample) !== undefined) found++
  const each = ((performance.now() - from) * 1e6) / asked.length
  console.log(`${name.padEnd(24)} ${entries} entries loaded in ${(loaded / 1000).toFixed(2)} s, ${Math.round(rss)} MiB; ${Math.round(each)} ns per look-up, ${Math.round((100 * found) / asked.length)} % found`)
}

const ipv4 = (): Sample => ({ type: 'ipv4', value: random() })
bench('IPv4 addresses', 'ip', () => formatIPv4(random()), ipv4)
bench('IPv4 networks', 'ip', () => `${formatIPv4(random())}/${8 + (random() >>> 16) % 25}`.replace(/\.\d+\/(8|9|1\d|2[0-3])$/, '.0/24'), ipv4)
bench('IPv6 networks', 'ip', () => `2001:${(random() >>> 16).toString(16)}:${(random() >>> 16).toString(16)}::/48`, () => ({ type: 'ipv6', value: Uint8Array.of(0x20, 1, random() >>> 24, random() >>> 24, random() >>> 24, random() >>> 24, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1) }))
bench('exact strings', 'str', () => `host${random() % (2 * entries)}.example.com`, () => ({ type: 'str', value: `host${random() % (2 * entries)}.example.com` }))
bench('suffixes', 'end', () => `.host${random() % (2 * entries)}.example.com`, () => ({ type: 'str', value: `www.host${random() % (2 * entries)}.example.com` }))
