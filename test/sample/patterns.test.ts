// Indexes of patterns against naive searches, translated regular expressions, and sets that change while running.

import fc from 'fast-check'
import t from 'tap'
import type { MatchMethod, Sample } from '../../src/core/sample.ts'
import { makeIndex } from '../../src/sample/patterns/match.ts'
import { parseNetwork } from '../../src/sample/patterns/networks.ts'
import { PatternSet, PatternStore } from '../../src/sample/patterns/pattern-set.ts'
import { readPatterns } from '../../src/sample/patterns/file.ts'
import { PrefixTree } from '../../src/sample/patterns/prefix-tree.ts'
import { compileRegex } from '../../src/sample/patterns/regexes.ts'
import { formatIPv4, formatIPv6, parseIPv4, parseIPv6 } from '../../src/util/ip.ts'

/** The seed is printed by fast-check with a failure; SEED repeats it. */
const seed = Number(process.env['SEED'] ?? Date.now() % 1e9)
t.comment(`SEED=${seed}`)
const check = (property: fc.IProperty<unknown> | fc.IRawProperty<unknown>): void => {
  fc.assert(property, { seed, numRuns: 300 })
}

t.test('prefix tree against a list', async () => {
  for (const size of [1, 4] as const) {
    // few distinct bits, so that prefixes meet
    const word = fc.constantFrom(0, 1, 0x80000000, 0xc0000000, 0xffffffff, 0xfffffffe, 0x0a000000, 0x0a010000)
    const key = fc.tuple(...Array.from({ length: size }, () => word)).map((words) => Uint32Array.from(words))
    const change = fc.record({ key, bits: fc.integer({ min: 0, max: 32 * size }), remove: fc.boolean() })
    check(
      fc.property(fc.array(change, { maxLength: 30 }), fc.array(key, { maxLength: 20 }), (changes, asked) => {
        const tree = new PrefixTree<number>(size)
        const list = new Map<string, { bits: number; prefix: string; value: number }>()
        const binary = (k: Uint32Array): string => [...k].map((w) => w.toString(2).padStart(32, '0')).join('')
        for (const [i, { key: k, bits, remove }] of changes.entries()) {
          const prefix = binary(k).slice(0, bits)
          tree.set(k, bits, remove ? undefined : i)
          if (remove) list.delete(prefix)
          else list.set(prefix, { bits, prefix, value: i })
          if (tree.get(k, bits) !== (remove ? undefined : i)) return false
        }
        return [...asked, ...changes.map((c) => c.key)].every((k) => {
          const matching = [...list.values()].filter((e) => binary(k).startsWith(e.prefix)).sort((a, b) => b.bits - a.bits)
          return tree.longest(k) === matching[0]?.value
        })
      }),
    )
  }
})

t.test('string methods against a naive search', async () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'A', '/', '.', ':'), maxLength: 8 })
  const naive: Record<string, (text: string, pattern: string) => boolean> = {
    str: (s, p) => s === p,
    beg: (s, p) => s.startsWith(p),
    end: (s, p) => s.endsWith(p),
    sub: (s, p) => s.includes(p),
    dir: (s, p) => p.replace(/^\/+|\/+$/g, '') !== '' && `/${s}/`.includes(`/${p.replace(/^\/+|\/+$/g, '')}/`),
    dom: (s, p) => {
      const q = p.replace(/^[./:?]+|[./:?]+$/g, '')
      if (q === '') return false
      for (let at = s.indexOf(q); at >= 0; at = s.indexOf(q, at + 1)) {
        if (/^$|[./:?]/.test(s[at - 1] ?? '') && /^$|[./:?]/.test(s[at + q.length] ?? '')) return true
      }
      return false
    },
  }
  for (const [method, matches] of Object.entries(naive) as [MatchMethod, (s: string, p: string) => boolean][]) {
    for (const ignoreCase of [false, true]) {
      check(
        fc.property(fc.array(text, { maxLength: 6 }), fc.array(text, { maxLength: 6 }), fc.nat(5), (patterns, texts, gone) => {
          const index = makeIndex(method, ignoreCase, 'decimal')
          for (const [id, p] of patterns.entries()) index.add({ id, text: p, value: undefined })
          const removed = patterns[gone]
          if (removed !== undefined && !ignoreCase) index.remove(removed)
          const left = removed !== undefined && !ignoreCase ? patterns.filter((p) => p !== removed) : patterns
          const folded = (s: string): string => (ignoreCase ? s.toLowerCase() : s)
          return texts.every((s) => (index.find({ type: 'str', value: s }) !== undefined) === left.some((p) => matches(folded(s), folded(p))))
        }),
      )
    }
  }
})

t.test('integers against a naive search', async () => {
  const n = fc.bigInt({ min: -20n, max: 20n })
  const range = fc.tuple(fc.constantFrom('', 'gt ', 'ge ', 'lt ', 'le ', 'eq '), n)
  check(
    fc.property(fc.array(range, { maxLength: 5 }), n, (patterns, value) => {
      const index = makeIndex('int', false, 'decimal')
      for (const [id, [operator, p]] of patterns.entries()) index.add({ id, text: `${operator}${p}`, value: undefined })
      const holds = (o: string, p: bigint): boolean => (o === 'gt ' ? value > p : o === 'ge ' ? value >= p : o === 'lt ' ? value < p : o === 'le ' ? value <= p : value === p)
      return (index.find({ type: 'sint', value }) !== undefined) === patterns.some(([o, p]) => holds(o, p))
    }),
  )
})

t.test('addresses go to text and back', async (t) => {
  check(fc.property(fc.nat(0xffffffff), (v) => parseIPv4(formatIPv4(v)) === v))
  check(fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (v) => Buffer.from(v).equals(parseIPv6(formatIPv6(v)) ?? new Uint8Array())))
  check(fc.property(fc.string({ unit: fc.constantFrom('1', '0', 'f', ':', '.', '/', '255'), maxLength: 12 }), (s) => (parseNetwork(s), parseIPv4(s), parseIPv6(s), true)))
  for (const bad of ['1.2.3', '1.2.3.256', '1.2.3.4.5', '1..2.3', '']) t.equal(parseIPv4(bad), undefined, bad)
  for (const bad of [':', ':::', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '::1::', 'g::', '12345::', '1:2:3:4:5:6:7::8', '::1.2.3', '1.2.3.4::']) t.equal(parseIPv6(bad), undefined, bad)
})

t.test('regular expressions: linear time whatever the input, refusals with a reason', async (t) => {
  for (const [regex, text] of [
    ['^(a+)+$', `${'a'.repeat(16000)}b`],
    ['(a|a)*$', `${'a'.repeat(16000)}b`],
    ['(.*)*x', 'a'.repeat(16000)],
    ['(?i)(A+)+$', `${'a'.repeat(16000)}b`],
    ['(x+x+)+y', 'x'.repeat(16000)],
  ] as const) {
    const compiled = compileRegex(regex, false)
    if (typeof compiled === 'string') throw new Error(compiled)
    const before = process.cpuUsage()
    compiled.test(text)
    const { user } = process.cpuUsage(before)
    t.ok(user < 5_000_000, `${regex}: ${user} µs`)
  }
  for (const [regex, why] of [
    ['(a)\\1', /back-references are refused/],
    ['(?=a)b', /look-around is refused/],
    ['(?<!a)b', /look-around is refused/],
    ['(?>a)b', /is refused/],
    ['a++', /possessive/],
    ['(', /missing closing parenthesis/],
    [')', /unmatched closing parenthesis/],
    ['[a', /missing terminating ]/],
    ['[b-a]', /range out of order/],
    ['*a', /does not follow a repeatable item/],
    ['a{5,2}', /numbers out of order/],
    ['a{5000}', /too big/],
    ['(a{900}){900}', /too large/],
    ['\\', /at end of pattern/],
    ['\\p{L}', /is refused/],
    ['('.repeat(200), /too deeply nested/],
  ] as const) {
    const refused = compileRegex(regex, false)
    t.match(typeof refused === 'string' ? refused : 'accepted', why, regex.slice(0, 20))
  }
  check(fc.property(fc.string({ unit: fc.constantFrom('a', 'b', '(', ')', '[', ']', '|', '*', '+', '?', '{', '}', '1', ',', '\\', '^', '$', '.', '-', ':'), maxLength: 20 }), fc.boolean(), (s, i) => (compileRegex(s, i), true)))
  // what JavaScript and PCRE have in common has to mean the same after translation
  const simple = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '.', '[ab]', '[^a]', 'a*', 'b+', 'c?', '(ab|c)', '(?:a|b)*', 'a{2}', 'b{1,3}', '^', '\\d', '\\w'), maxLength: 6 })
  check(
    fc.property(simple, fc.string({ unit: fc.constantFrom('a', 'b', 'c', '1'), maxLength: 8 }), (regex, text) => {
      if (/\^[*+?{]/.test(regex)) return true
      const compiled = compileRegex(regex, false)
      return typeof compiled !== 'string' && compiled.test(text) === new RegExp(regex).test(text)
    }),
  )
})

t.test('sets of patterns change while running, in all their indexes', async (t) => {
  const store = new PatternStore()
  const set = store.ofFile('f', 1, (s) => (readPatterns('# no\n10.0.0.0/8\n\n 192.0.2.1\r\n', 1, s), true))
  if (!(set instanceof PatternSet)) throw new Error('no set')
  t.equal(store.ofFile('f', 1, () => false), set, 'a file is read once')
  t.match(store.ofFile('f', 2, () => true), /already used as one column/)
  const ips = set.attach(() => makeIndex('ip', false, 'decimal'))
  const strings = set.attach(() => makeIndex('str', false, 'decimal'))
  if ('problem' in ips || 'problem' in strings) throw new Error('not attached')
  const ip = (text: string): Sample => ({ type: 'ipv4', value: parseIPv4(text) ?? 0 })
  t.ok(ips.index.find(ip('10.9.9.9')))
  t.ok(strings.index.find({ type: 'str', value: '192.0.2.1' }))
  t.equal(set.add('192.0.3.1'), undefined)
  t.ok(ips.index.find(ip('192.0.3.1')) && strings.index.find({ type: 'str', value: '192.0.3.1' }))
  t.match(set.add('junk'), /not a valid IPv4 or IPv6/)
  t.notOk(strings.index.find({ type: 'str', value: 'junk' }), 'what one index refuses is in none')
  t.ok(set.remove('10.0.0.0/8'))
  t.notOk(ips.index.find(ip('10.9.9.9')))
  t.notOk(set.remove('10.0.0.0/8'))
  set.clear()
  t.notOk(ips.index.find(ip('192.0.3.1')))
  const map = new PatternSet(new PatternStore(), 'm')
  map.add('a', '1')
  const numbers = map.attach(() => makeIndex('str', false, 'decimal'), (value) => (/^\d+$/.test(value) ? undefined : 'not a number'))
  if ('problem' in numbers) throw new Error('not attached')
  t.equal(map.setValue('a', '2'), undefined)
  t.equal(numbers.index.find({ type: 'str', value: 'a' })?.value, '2')
  t.equal(map.setValue('a', 'x'), 'not a number')
  t.equal(map.add('b', 'x'), 'not a number')
})

t.test('numbers of sets: those that are given, and the lowest that are free for the others', async (t) => {
  const store = new PatternStore()
  const own = (id?: number): PatternSet => {
    const set = store.own(id)
    if (typeof set === 'string') throw new Error(set)
    return set
  }
  const [free, two, one, other] = [own(), own(2), own(0), own()]
  const file = store.ofFile('f', 1, () => true)
  t.same([free, two, one, other].map(({ id }) => id), [1, 2, 0, 3])
  t.ok(file instanceof PatternSet && file.id === 4)
  t.equal(own(7).id, 7)
  t.equal(store.own(2), 'the id is already used')
})
