// Every configuration in test/golden: the problems beneath it (`# expect: LINE LEVEL: text`) are the ones that are found, in this order.

import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import t from 'tap'
import { builtinPlugins } from '../../handlers/builtin.ts'
import type { Problem } from '../../src/core/keyword.ts'
import { systemFiles } from '../../src/config/files.ts'
import { builtinKeywords } from '../../src/config/keywords/table.ts'
import { loadConfiguration } from '../../src/config/load.ts'
import { describe } from '../../src/config/report.ts'
import { checkRuleNames } from '../../src/proxy/check-names.ts'
import { samplePlugin } from '../../src/sample/builtin.ts'

const FOLDER = fileURLToPath(new URL('../../../test/golden/', import.meta.url))

const FILES = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.cfg'))
  .sort()

function textOf(file: string): string {
  return readFileSync(FOLDER + file, 'utf8').replace(/^# expect: .*\n/gm, '')
}

function problemsOf(file: string, text: string): readonly Problem[] {
  const files = { ...systemFiles, read: () => Buffer.from(text), isFolder: () => false }
  return loadConfiguration({ paths: [file], files, keywords: builtinKeywords, plugins: [samplePlugin, ...builtinPlugins], checks: [checkRuleNames], env: {} }).problems
}

/** What is printed behind the place, its first line. */
function found(file: string): string[] {
  return problemsOf(file, textOf(file)).map((p) => {
    const text = describe({ ...p, line: 0 }).replace(/^config : /, '')
    return `${p.line} ${p.level}: ${text.split('\n')[0] ?? ''}`
  })
}

for (const file of FILES) {
  t.test(file, async (t) => {
    const expected = [...readFileSync(FOLDER + file, 'utf8').matchAll(/^# expect: (.*)$/gm)].map((m) => m[1])
    t.strictSame(found(file), expected)
  })
}

t.test('configurations with words lost, doubled, cut and mixed: problems with a place, never a fault of the reader', async (t) => {
  const words = FILES.flatMap((file) => textOf(file).split(/\s+/))
  const change = fc.record({ file: fc.constantFrom(...FILES), at: fc.nat(), word: fc.constantFrom(...words, '', '"', '\\', '#', '\n', '${', '\x00', 'no', 'default', '%[src]', '{', ')'), kind: fc.constantFrom('insert', 'replace', 'cut') })
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
      const file = changes[0]?.file ?? ''
      const parts = textOf(file).split(/([ \t\n]+)/)
      for (const { at, word, kind } of changes) {
        const i = at % parts.length
        if (kind === 'insert') parts.splice(i, 0, ' ', word, ' ')
        else if (kind === 'replace') parts[i] = word
        else parts[i] = (parts[i] ?? '').slice(0, 1)
      }
      return problemsOf(file, parts.join('')).every((p) => p.line >= 1 && p.file === file && p.text !== '' && !/this is a bug/.test(p.text))
    }),
    { numRuns: 400 },
  )
  t.pass()
})
