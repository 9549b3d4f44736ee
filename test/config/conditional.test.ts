// Conditions: every predicate and operator, every way to get one wrong, and the same truth as `haproxy -cc`.

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { BASE_FACTS, evaluateCondition, MAX_DEPTH, type Facts } from '../../src/config/conditional.ts'
import { COMPATIBLE_VERSION, VERSION } from '../../src/config/version.ts'
import { installed } from '../kit/program.ts'

const ENV = new Map([
  ['HOME', '/root'],
  ['EMPTY', ''],
])
const FACTS: Facts = { features: new Set(['OPENSSL']), enabled: new Set(['POLL']), sslLibrary: 'OpenSSL 3.0.17+quic' }

/** true, false, or `column: text`. */
function truth(text: string): boolean | string {
  const found = evaluateCondition(text, ENV, FACTS)
  return found.ok ? found.value : `${found.column}: ${found.text}`
}

t.test('the version is the package\'s', async (t) => {
  const json: unknown = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'))
  t.match(json, { version: VERSION })
})

t.test('predicates and operators', async (t) => {
  const holds = [
    '1', '-1', '01', '0x1', '99999999999999999999', '! 0', '!!1', '( 1 )', '((1))', ' 1', '1 || 0', '0||1', '1&&1', '1 || 0 && 0', '0 && 0 || 1', '!(1 && 0)', '1 && (0 || 1)',
    'defined(HOME)', 'defined(EMPTY)', '!defined(NOPE)', 'defined("HOME")', 'feature(OPENSSL)', 'enabled(poll)', 'enabled(POLL)',
    'streq(a,a)', 'streq("a b",a b)', 'streq(a\\ b,"a b")', `streq('a,b',"a,b")`, 'streq("a"b,ab)', 'streq(a\\n,"a\\n")', 'streq(,)', 'streq("(x)",\\(x\\))', 'strneq(a,b)', 'strneq(a, a)',
    'version_atleast(2.6.12)', 'version_atleast(2.6)', 'version_atleast(2.6-dev3)', 'version_atleast(2)', 'version_before(2.6.13)', 'version_before(2.7-dev0)', 'version_before(3)',
    'openssl_version_atleast(3.0.0)', 'openssl_version_atleast(1.1.1k)', 'openssl_version_before(3.0.18)', 'ssllib_name_startswith(OpenSSL)',
  ]
  const fails = [
    '', '   ', '0', '0x0', '!1', '1 && 0', '0 || 0', 'defined(NOPE)', 'defined', 'defined()', 'feature(openssl)', 'feature(QUIC)', 'feature()', 'enabled(splice)', 'streq(a,b)', 'streq(a ,a)', 'strneq(a,a)',
    'version_atleast(2.6.13)', 'version_atleast(2.7-dev0)', 'version_atleast(2.6.12-1)', 'version_before(2.6.12)', 'openssl_version_before(3.0.17)', 'openssl_version_atleast(3.1)', 'ssllib_name_startswith(wolf)',
  ]
  for (const text of holds) t.equal(truth(text), true, text)
  for (const text of fails) t.equal(truth(text), false, text)
  t.equal(evaluateCondition(`version_atleast(${COMPATIBLE_VERSION})`, ENV).ok, true)
  t.ok(BASE_FACTS.features.has('OPENSSL'))
})

t.test('what cannot be read, and where', async (t) => {
  const cases: readonly (readonly [string, string])[] = [
    ['foo', "1: unparsable conditional expression 'foo'"],
    ['1 && foo(x)', "6: unparsable conditional expression 'foo(x)'"],
    ['1 || foo', "6: unparsable conditional expression 'foo'"],
    ['0 && foo', "6: unparsable conditional expression 'foo'"],
    ['!foo', "1: unparsable conditional expression '!foo'"],
    ['1 && ', "3: unparsable conditional expression '&& '"],
    ['1a', "2: unexpected character 'a' at the end of conditional expression '1a'"],
    ['1 2', "3: unexpected character '2' at the end of conditional expression '1 2'"],
    ['1)', "2: unexpected character ')' at the end of conditional expression '1)'"],
    ['(1', "1: expected ')' after conditional expression '(1'"],
    ['()', "2: unparsable conditional expression ')'"],
    ['defined(HOME', "13: expected ')' in argument 1 of predicate 'defined' used in conditional expression"],
    ['defined(a,b)', "10: expected ')' before ',b)' in argument 1 of predicate 'defined' used in conditional expression"],
    ['streq(a)', "8: missing arguments (got 1/2), type 'string' expected in argument 1 of predicate 'streq' used in conditional expression"],
    ['streq', "6: missing arguments (got 1/2), type 'string' expected in argument 1 of predicate 'streq' used in conditional expression"],
    ['streq("a,a)', '7: unmatched quote'],
    ['version_atleast(new)', "1: 'new' is no version: it is written as 2.6, 2.6.12 or 2.6-dev3"],
    ['version_before()', "1: '' is no version: it is written as 2.6, 2.6.12 or 2.6-dev3"],
  ]
  for (const [text, expected] of cases) t.equal(truth(text), expected, text)
})

t.test('depth and length have bounds, and nothing throws', async (t) => {
  const nested = (n: number): string => `${'('.repeat(n)}1${')'.repeat(n)}`
  t.equal(truth(nested(MAX_DEPTH)), true)
  t.match(truth(nested(MAX_DEPTH + 1)), /^341: unparsable conditional sub-expression/)
  t.match(truth('('.repeat(1 << 20)), /sub-expression/)
  t.equal(truth(`${'!'.repeat(1 << 20)}1`), true)
  t.equal(truth(`1${'&&1'.repeat(100_000)}`), true)
  t.match(truth(`streq(${'a'.repeat(1 << 20)}`), /expected '\)'/)
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 50 }), (text) => {
      const found = evaluateCondition(text, ENV, FACTS)
      return found.ok || (found.column >= 1 && found.column <= text.length + 1)
    }),
    { numRuns: 1000 },
  )
})

const PIECES = ['1', '0', '1', '&&', '||', '!', '(', ')', ' ', 'defined(HOME)', 'defined(X)', 'streq(a,a)', 'streq(a,b)', 'foo', '&', '|', ',', 'version_before(2.7)']

t.test('the same as haproxy -cc', { skip: installed('haproxy') ? false : 'haproxy is not installed' }, async (t) => {
  const seed = Math.floor(Math.random() * 2 ** 31)
  t.comment(`seed ${seed}`)
  const texts = fc.sample(
    fc.array(fc.constantFrom(...PIECES), { minLength: 1, maxLength: 9 }).map((p) => p.join('')),
    { seed, numRuns: 100 },
  )
  for (const text of texts) {
    if (text.trim() === '') continue // an error there when it is blanks, as the manual says false here
    const run = spawnSync('haproxy', ['-cc', text], { env: { HOME: '/root', PATH: process.env['PATH'] } })
    const found = evaluateCondition(text, ENV)
    t.equal(found.ok ? (found.value ? 0 : 1) : 2, run.status, JSON.stringify(text))
  }
})
