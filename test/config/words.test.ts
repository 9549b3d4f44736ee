// Lines cut into words: every rule of manual 2.2 and 2.3, whatever a line holds, and the same as HAProxy.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { bytesOf, settle, textOf } from '../../src/config/octets.ts'
import { didYouMean, meant, nearest } from '../../src/config/near.ts'
import { cutLine, MAX_WORDS, pointAt } from '../../src/config/words.ts'
import { installed } from '../kit/program.ts'

const ENV: Readonly<Record<string, string>> = { A: 'one two  three', E: '', S: ' x y ', Q: `"q'`, H: '#h', D: '$A' }
const lookup = (name: string): string | undefined => (name === '.LINE' ? '7' : Object.hasOwn(ENV, name) ? ENV[name] : undefined)

function texts(line: string): string[] | string {
  const { words, fault } = cutLine(line, lookup)
  return fault === undefined ? words.map((w) => w.text) : fault.text
}

t.test('words, quotes, escapes, comments', async (t) => {
  const cases: readonly (readonly [string, string[] | string])[] = [
    ['', []],
    ['   \t ', []],
    ['# only a comment', []],
    ['a b\tc', ['a', 'b', 'c']],
    ['a#b', ['a']],
    ['a \\# b # c', ['a', '#', 'b']],
    ['a\\ b', ['a b']],
    ['a\\\tb', ['a\\', 'b']], // as HAProxy does; its manual says otherwise
    ['"a b" c', ['a b', 'c']],
    [`'a "b" $A \\n # c'`, ['a "b" $A \\n # c']],
    [`"it's # 1"`, ["it's # 1"]],
    [`x"a"'b'c\\"`, ['xabc"']],
    ['"" \'\' x', ['', '', 'x']],
    ['\\n\\r\\t\\\\\\"\\\'', ['\n\r\t\\"\'']],
    ['\\q \\$ "\\$ \\q"', ['\\q', '\\$', '$ \\q']],
    ['\\x41"\\x42"', ['AB']],
    ['a\\', ['a\\']],
    ['a b\r', ['a', 'b']],
    ['"a', 'unmatched quote at position 1'],
    ["a 'b", 'unmatched quote at position 3'],
    ['"a\r', 'unmatched quote at position 1'],
    ['a\rb', 'stray carriage return at position 2'],
    ['a \\x4', 'truncated or invalid hexadecimal sequence at position 3'],
    ['a "\\xzz"', 'truncated or invalid hexadecimal sequence at position 4'],
    ['a\\x00', 'a word cannot hold a NUL character at position 2'],
  ]
  for (const [line, expected] of cases) t.strictSame(texts(line), expected, JSON.stringify(line))
})

t.test('environment variables', async (t) => {
  const cases: readonly (readonly [string, string[] | string])[] = [
    ['$A ${A}', ['$A', '${A}']],
    [`'$A'`, ['$A']],
    ['"$A"', ['one two  three']],
    ['"<${A}>"', ['<one two  three>']],
    ['"${A[*]}"', ['one', 'two', 'three']],
    ['x"${A[*]}"y', ['xone', 'two', 'threey']],
    ['"${S[*]}"', ['', 'x', 'y', '']],
    ['"${E[*]}"', ['']],
    ['"${E-default}" "${NO-a default}" "${NO-}" "${NO}"', ['', 'a default', '', '']],
    ['"${NO[*]-a b}"', ['a', 'b']],
    ['"${NO-${A}"', ['${A']],
    ['"$A-x $NOPE-x"', ['one two  three-x -x']],
    ['"$.LINE ${.LINE}"', ['7 7']],
    ['"$D"', ['$A']],
    ['"$Q$H"', [`"q'#h`]],
    ['"\\$A"', ['$A']],
    ['"${A"', 'unmatched brace in environment variable name at position 3'],
    ['"${A-x', 'unmatched brace in environment variable name at position 3'],
    ['"${}"', 'forbidden first char in environment variable name at position 4'],
    ['"$"', 'forbidden first char in environment variable name at position 3'],
    ['"$.LINEX"', 'forbidden first char in environment variable name at position 3'],
    ['"$.OTHER"', 'forbidden first char in environment variable name at position 3'],
    ['"${A[1]}"', 'truncated or invalid word expansion sequence at position 5'],
    ['"${A:-x}"', 'unmatched brace in environment variable name at position 3'],
  ]
  for (const [line, expected] of cases) t.strictSame(texts(line), expected, line)
})

t.test('columns are where words begin in the line', async (t) => {
  const { words } = cutLine('  ab  "c d" \\x41 é "${A[*]}" z', lookup)
  t.strictSame(
    words.map((w) => [w.text, w.column]),
    [['ab', 3], ['c d', 7], ['A', 13], ['é', 18], ['one', 20], ['two', 21], ['three', 21], ['z', 30]],
  )
})

t.test('too many words', async (t) => {
  t.equal(cutLine('w '.repeat(MAX_WORDS), lookup).words.length, MAX_WORDS)
  t.equal(cutLine('w '.repeat(MAX_WORDS + 9), lookup).fault?.text, 'too many words, truncating after word 64, position 127: <w>.')
})

t.test('the line and a caret under the column', async (t) => {
  t.equal(pointAt('\t foo "bar', 7), '  foo "bar\n      ^')
  t.equal(pointAt('ab\tcd', 4), '  ab cd\n     ^')
  const long = `${'x'.repeat(500)}"${'y'.repeat(500)}`
  const [shown = '', caret = ''] = pointAt(long, 501).split('\n')
  t.ok(shown.length < 100, 'cut')
  t.equal(shown.charAt(caret.indexOf('^')), '"')
  t.equal(pointAt('', 1), '  \n  ^')
})

t.test('bytes that are no text stay what they are', async (t) => {
  t.equal(texts('\\xc3\\xa9')[0], 'é', 'escapes that are UTF-8 together')
  const [word = ''] = texts('a\\xff\\xc3"é"\\x80')
  t.strictSame([...bytesOf(word)], [0x61, 0xff, 0xc3, 0xc3, 0xa9, 0x80])
  t.equal(settle('plain'), 'plain')
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      t.strictSame(new Uint8Array(bytesOf(textOf(bytes))), bytes)
      const escaped = [...bytes].filter((b) => b !== 0).map((b) => `\\x${b.toString(16).padStart(2, '0')}`)
      t.strictSame([...bytesOf(cutLine(escaped.join(''), lookup).words[0]?.text ?? '')], [...bytes].filter((b) => b !== 0))
    }),
    { numRuns: 200 },
  )
})

const PIECES = ['a', 'b', ' ', '\t', '"', "'", '\\', '#', '$', '{', '}', 'A', 'E', '[*]', '-', 'x41', 'n', '"${A}"', '"$A"', '"${A[*]}"', '"${S[*]}"', '"${NO-d e}"', '${', '\\"', "\\'", '\\$', '.LINE', '"${E[*]}"', '"${H[*]}x"', '"$.LINE"', '\\x4', '\\ ', 'word']

t.test('whatever a line holds: no throw, columns in order and in the line', async (t) => {
  const lines = fc.oneof(fc.string({ unit: 'binary', maxLength: 60 }), fc.array(fc.constantFrom(...PIECES), { maxLength: 14 }).map((p) => p.join('')))
  fc.assert(
    fc.property(lines, (line) => {
      const { words, fault } = cutLine(line, lookup)
      let column = 0
      for (const word of words) {
        if (word.column < column || word.column < 1 || word.column > line.length) return false
        column = word.column
      }
      return fault === undefined || (fault.column >= 1 && fault.column <= line.length + 1 && pointAt(line, fault.column).includes('^'))
    }),
    { numRuns: 2000 },
  )
  const plain = fc.array(fc.stringMatching(/^[a-z0-9.:/-]{1,8}$/), { maxLength: 20 })
  fc.assert(
    fc.property(plain, (words) => {
      const cut = cutLine(words.join('  '), lookup)
      return cut.words.every((w, i) => w.text === words[i]) && cut.words.length === words.length
    }),
  )
  t.pass()
})

t.test('a mebibyte of anything is one line', async (t) => {
  const big = 1 << 20
  t.equal(cutLine('a'.repeat(big), lookup).words[0]?.text.length, big)
  t.equal(cutLine(`"${'b '.repeat(big / 2)}`, lookup).fault?.text, 'unmatched quote at position 1')
  t.equal(cutLine('b '.repeat(big / 2), lookup).fault?.column, 2 * MAX_WORDS - 1)
  t.equal(cutLine(`"${'${'.repeat(big / 2)}`, lookup).fault?.column, 4)
  t.equal(cutLine(`"${'$A'.repeat(1000)}"`, lookup).words[0]?.text.length, 14000)
})

t.test('the same as HAProxy', { skip: installed('haproxy') ? false : 'haproxy is not installed' }, async (t) => {
  // A default makes HAProxy lose its way when the line is read a second time, for more room: not compared.
  const folder = mkdtempSync(path.join(os.tmpdir(), 'headgate-words-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const seed = Math.floor(Math.random() * 2 ** 31)
  t.comment(`seed ${seed}`)
  const sound = fc.sample(
    fc.array(fc.constantFrom(...PIECES.filter((piece) => !piece.includes('NO-'))), { minLength: 1, maxLength: 8 }).map((p) => `.notice ${p.join('')}`),
    { seed, numRuns: 400 },
  )
  const file = path.join(folder, 'words.cfg')
  const theirs: (string | undefined)[] = []
  // HAProxy stops at the 50th error of a file.
  for (let at = 0; at < sound.length; at += 40) {
    writeFileSync(file, `${sound.slice(at, at + 40).join('\n')}\n`)
    const { stderr } = spawnSync('haproxy', ['-c', '-f', file], { env: { ...ENV, PATH: process.env['PATH'] }, encoding: 'utf8' })
    for (const part of stderr.split(/^(?=\[)/m)) {
      const m = /parsing \[.*?:(\d+)\]: ([^]*)\n$/.exec(part)
      if (m !== null) theirs[at + Number(m[1]) - 1] = m[2]
    }
  }
  for (const [i, line] of sound.entries()) {
    const { words, fault } = cutLine(line, (name) => (name === '.LINE' ? String((i % 40) + 1) : lookup(name)))
    const extra = words[2]?.text ?? ''
    const ours =
      fault?.text ??
      (extra === '' ? `'${words[1]?.text ?? ''}'.` : `Unexpected argument '${extra}' for '.notice'. Use quotes if the message should contain spaces.`)
    const said = theirs[i] ?? ''
    t.equal(ours, fault === undefined ? said : said.split(':\n')[0], JSON.stringify(line))
  }
})

t.test('a word that variables make too long is refused', async (t) => {
  const { words, fault } = cutLine('setenv A "$A$A$A"', () => 'x'.repeat(400_000))
  t.equal(fault?.text, 'a word is longer than 1048576 characters at position 10')
  t.equal(words.length, 2)
})

t.test('did you mean', async (t) => {
  t.equal(nearest('maxcon', ['mode', 'maxconn', 'maxconnrate']), 'maxconn', 'an edit distance of a third at most')
  t.equal(nearest('mxcn', ['maxconn']), undefined)
  t.equal(nearest('rsc', ['rtt', 'src']), 'src', 'two letters swapped are one slip')
  t.equal(nearest('LOG', ['log']), 'log')
  t.equal(nearest('ab', ['xy', 'ax']), 'ax')
  t.equal(nearest('f', ['g', 'h']), undefined, 'some of it has to be right')
  t.equal(nearest('', ['g']), undefined)
  t.equal(nearest('x'.repeat(65), ['x'.repeat(66)]), undefined, 'what is so long is no slip')
  t.equal(nearest('x'.repeat(64), ['x'.repeat(66)]), 'x'.repeat(66))
  t.equal(nearest('country', ['geo_country']), undefined)
  t.equal(meant('country', ['geo_country_code_x', 'my_geo_country', 'geo_country']), 'geo_country', 'a part of it, and of several names the shortest')
  t.equal(meant('geo', ['country_geo', 'geo.country']), 'country_geo')
  t.equal(meant('country', ['geocountry']), undefined, 'up to a separator')
  t.equal(meant('ge', ['x.geo', 'x.ge']), undefined, 'two letters are a part of anything')
  t.equal(didYouMean('lisen', ['listen']), "did you mean 'listen' maybe ?")
  t.equal(didYouMean('zork', ['listen']), undefined)
})
