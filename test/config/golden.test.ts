// Every configuration in test/golden: the problems beneath it (`# expect: LINE LEVEL: text`) are the ones that are found, in this order.

import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { builtinPlugins } from '../../handlers/builtin.ts'
import { systemFiles } from '../../src/config/files.ts'
import { builtinKeywords } from '../../src/config/keywords/table.ts'
import { loadConfiguration } from '../../src/config/load.ts'
import { describe } from '../../src/config/report.ts'
import { checkRuleNames } from '../../src/proxy/check-names.ts'
import { samplePlugin } from '../../src/sample/builtin.ts'

const FOLDER = fileURLToPath(new URL('../../../test/golden/', import.meta.url))

/** What is printed behind the place, its first line. */
function found(file: string): string[] {
  const files = { ...systemFiles, read: (path: string) => Buffer.from(readFileSync(FOLDER + path, 'utf8').replace(/^# expect: .*\n/gm, '')), isFolder: () => false }
  const { problems } = loadConfiguration({ paths: [file], files, keywords: builtinKeywords, plugins: [samplePlugin, ...builtinPlugins], checks: [checkRuleNames], env: {} })
  return problems.map((p) => {
    const text = describe({ ...p, line: 0 }).replace(/^config : /, '')
    return `${p.line} ${p.level}: ${text.split('\n')[0] ?? ''}`
  })
}

for (const file of readdirSync(FOLDER).filter((name) => name.endsWith('.cfg')).sort()) {
  t.test(file, async (t) => {
    const expected = [...readFileSync(FOLDER + file, 'utf8').matchAll(/^# expect: (.*)$/gm)].map((m) => m[1])
    t.strictSame(found(file), expected)
  })
}
