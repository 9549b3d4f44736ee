// Holds what is the same for every file: who may import whom, how long a module may be, and that its first line says what it is for. A
// module that a row of the table does not fit is a question about the design.

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..')

/** Folder → folders of src that it may import from, itself aside. Files directly in src are folders of their own name. */
const TABLE: Readonly<Record<string, readonly string[]>> = {
  util: [],
  core: ['util'],
  config: ['core', 'util'],
  sample: ['core', 'util', 'config'],
  tables: ['core', 'util'],
  net: ['core', 'util'],
  proxy: ['core', 'util', 'config', 'sample', 'tables', 'net'],
  process: ['core', 'util', 'config', 'sample', 'tables', 'net', 'proxy'],
  admin: ['core', 'util', 'config', 'sample', 'tables', 'net', 'proxy', 'process'],
  mesh: ['core', 'util', 'config', 'sample', 'tables', 'net', 'proxy', 'process'],
  'plugin.ts': ['core', 'config', 'sample', 'net', 'tables'],
}

/** Packages that a folder may import, besides node:*. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  core: ['proxy-protocol-js'],
  config: ['fastest-levenshtein'],
  net: ['koffi'],
  process: ['pino'],
  handlers: ['headgate/plugin', 'proxy-protocol-js'],
}

function sources(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((f) => f.endsWith('.ts'))
    .map((f) => join(folder, f))
}

function imports(file: string): string[] {
  const text = readFileSync(join(ROOT, file), 'utf8')
  return [...text.matchAll(/^\s*(?:import|export)\b[^'"]*?from\s+'([^']+)'|\bimport\(\s*'([^']+)'\s*\)/gm)].map((m) => m[1] ?? m[2] ?? '')
}

function folderOf(file: string): string {
  const [, second] = file.split('/')
  return second ?? ''
}

t.test('src imports only what its row of the table allows', async (t) => {
  for (const file of sources('src')) {
    const from = folderOf(file)
    if (['main.ts', 'command.ts', 'quickstart.ts', 'data-thread.ts', 'plugins.ts'].includes(from)) continue
    const allowed = TABLE[from]
    if (allowed === undefined) {
      t.fail(`${file}: its folder is not in the table`)
      continue
    }
    for (const target of imports(file)) {
      if (target.startsWith('node:')) continue
      if (!target.startsWith('.')) {
        t.ok((PACKAGES[from] ?? []).includes(target), `${file} imports the package ${target}`)
        continue
      }
      const to = folderOf(relative(ROOT, resolve(ROOT, dirname(file), target)))
      t.ok(to === from || allowed.includes(to), `${file} imports ${target}: ${from} may not import ${to}`)
    }
  }
})

t.test('handlers import the public door only', async (t) => {
  for (const file of sources('handlers')) {
    for (const target of imports(file)) {
      const sibling = target.startsWith('./')
      t.ok(sibling || target.startsWith('node:') || (PACKAGES['handlers'] ?? []).includes(target), `${file} imports ${target}`)
    }
  }
})

t.test('nothing but the door re-exports', async (t) => {
  for (const file of sources('src')) {
    if (file === 'src/plugin.ts') continue
    const text = readFileSync(join(ROOT, file), 'utf8')
    t.notMatch(text, /^export \* from|^export default/m, file)
  }
})

/** A module that is longer has more than one idea in it. */
const MOST_LINES = 400

t.test('modules are short', async (t) => {
  for (const file of [...sources('src'), ...sources('handlers')]) {
    const lines = readFileSync(join(ROOT, file), 'utf8').split('\n').length - 1
    t.ok(lines <= MOST_LINES, `${file}: ${lines} lines, more than ${MOST_LINES}`)
  }
})

t.test('the first line of a file says what it is for', async (t) => {
  for (const file of [...sources('src'), ...sources('handlers'), ...sources('test')]) {
    const text = readFileSync(join(ROOT, file), 'utf8').replace(/^#!.*\n/, '')
    t.match(text, file.startsWith('test/') ? /^\/\/ \S+ / : /^\/\/ (?:Owns|The public door of) /, file)
  }
})
