// handlers/README.md: its snippets are the files that are compiled and run here, its table is the folder, and plugins load as it says.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import type { Plugin } from '../../src/plugin.ts'
import { loadPlugins } from '../../src/process/plugins.ts'
import { builtinPlugins } from '../../handlers/builtin.ts'
import { samplePlugin } from '../../src/sample/builtin.ts'
import { configured, FakeHandshake, serving } from '../kit/index.ts'
import { Section, subject } from '../sample/section.ts'
import { clockPlugin } from './example/clock.ts'
import { wordsPlugin } from './example/words.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const README = readFileSync(join(ROOT, 'handlers/README.md'), 'utf8')

t.test('snippets are files', async (t) => {
  const snippets = [...README.matchAll(/<!-- (\S+) -->\n```ts\n(.*?)```/gs)]
  t.equal(snippets.length, (README.match(/```ts/g) ?? []).length, 'every snippet names its file')
  for (const [, file = '', text] of snippets) t.equal(text, readFileSync(join(ROOT, file), 'utf8'), file)
})

t.test('the table is the folder', async (t) => {
  const told = [...README.matchAll(/^\| ([a-z-]+\.ts) \|/gm)].map(([, file]) => file)
  const files = readdirSync(join(ROOT, 'handlers')).filter((file) => file.endsWith('.ts') && !file.startsWith('tls-'))
  t.same(told.toSorted(), files.toSorted())
})

t.test('the clock', async (t) => {
  const { clock } = clockPlugin.services ?? {}
  if (clock === undefined) throw new Error('no service')
  const client = new FakeHandshake(serving(clock))
  client.arrive('what time is it?')
  t.equal(client.said.toString(), 'ssh!\n')
  client.peerEnds()
  t.same(client.sock.done, ['FIN', 'closed'], 'and its timer is gone: else this test would not end')
})

t.test('the words of rules', async (t) => {
  const read = (...rules: readonly string[]): ReturnType<typeof configured> => configured(`frontend f\n timeout client 9s\n bind :22\n${rules.map((rule) => ` tcp-request connection ${rule}\n`).join('')}`, [wordsPlugin])
  const passes = (...rules: readonly string[]): boolean => {
    const { problems, accept } = read(...rules)
    t.same(problems, [])
    return 'served' in (accept().outcome ?? {})
  }
  t.ok(passes('reject unless { utc_hour 0:23 }'))
  t.notOk(passes('reject if { str(secret),masked(2) ****et }'))
  t.ok(passes('reject unless { str(a),masked(2) a }'))
  const counted = read('at-most 2')
  t.same([1, 2, 3].map(() => 'served' in (counted.accept().outcome ?? {})), [true, true, false])
  t.match(read('at-most none').problems, [/'at-most' expects a number from 1/])
  t.match(read('reject if { utc_huor 1 }').problems, [/unknown fetch method 'utc_huor' .*; did you mean 'utc_hour' maybe \?$/], 'words of plugins are suggested as any')
  t.match(read('reject if { Hour 1 }').problems, [/; did you mean 'utc_hour' maybe \?$/])
  t.match(read('reject if { rsc 1 }').problems, [/; did you mean 'src' maybe \?$/], 'two letters swapped in a short word')
  t.match(read('reject if utc_hour').problems, [/no such ACL : 'utc_hour'; 'utc_hour' is a fetch: write it in braces, \{ utc_hour <value> \}$/])
  t.match(read('reject if utc_huor').problems, [/; did you mean the fetch 'utc_hour', in braces: /])
  t.match(read('reject if { src,masked(-1) a }').problems, [/cannot keep -1 characters/])
})

t.test('plugins are loaded from the environment', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-plugins-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const file = (name: string, text: string): void => writeFileSync(join(folder, name), text)
  file('good.mjs', "const p = { name: 'good', services: { x: { name: 'x', open() {} } } }; export { p }; export default p; export const other = 5")
  file('slot.mjs', "export const p = { name: 'slot', handlers: [{ name: 'lost', side: 'accept', after: ['nobody'], plan: () => null }] }")
  file('twice.mjs', "export const p = { name: 'twice', keywords: [{ name: 'accept-proxy', sections: ['bind'], args: '', doc: '', parse: () => true }] }")
  file('side.mjs', "export const p = { name: 'side', handlers: [{ name: 'lost', side: 'acept', after: ['tls'], plan: () => null }] }")
  file('taken.mjs', "export const p = { name: 'taken', fetches: [{ name: 'fc_rcvd_proxy', output: 'bool', source: 'constant', doc: '', compile: () => () => undefined }] }")
  let specs = 0
  file('none.mjs', "export const p = { name: 'odd' }; export const q = null")
  file('many.mjs', "export const p = { name: 'odd', handlers: 'many' }")
  file('broken.mjs', 'export const = 1')
  const load = async (list: string): Promise<{ readonly names: readonly string[]; readonly problems: readonly string[] }> => {
    const { plugins, problems } = await loadPlugins(list, builtinPlugins, folder)
    return { names: plugins.slice(builtinPlugins.length).map((plugin: Plugin) => plugin.name), problems }
  }
  t.same(await load(''), { names: [], problems: [] })
  t.same(await load(`./good.mjs:${join(folder, 'good.mjs')}`), { names: ['good', 'good'], problems: [] })
  t.match(await load('./slot.mjs:./good.mjs'), { names: ['good'], problems: ["plugin './slot.mjs' : handler 'lost' wants a place beside 'nobody', which is no handler of the accept side"] })
  t.match(await load('./twice.mjs'), { names: [], problems: ["plugin './twice.mjs' : two keywords are named 'accept-proxy' in section 'bind'"] })
  t.match(await load('./side.mjs'), { names: [], problems: ["plugin './side.mjs' : handler 'lost' of plugin 'side' : 'side' is 'acept', where one of accept, connect is needed"] })
  t.match(await load('./taken.mjs'), { names: [], problems: ["plugin './taken.mjs' : fetch 'fc_rcvd_proxy' is there already"] })
  t.match(await load('./none.mjs'), { problems: [/plugin '.\/none.mjs' exports no plugin : none of p, q has a name/] })
  const spec = async (parts: string): Promise<readonly string[]> => {
    const name = `spec${++specs}.mjs`
    file(name, `const compile = () => () => undefined; export const p = { name: 'mine', ${parts} }`)
    const { names, problems } = await load(`./${name}`)
    t.same(names, problems.length === 0 ? ['mine'] : [])
    return problems.map((problem) => problem.replace(`plugin './${name}' : `, ''))
  }
  file('late.mjs', "export const p = { name: 'late', fetches: [{ name: 'late', output: 'str', source: 'constant', doc: '', compile: () => async () => undefined }] }")
  const { plugins } = await loadPlugins('./late.mjs', [samplePlugin], folder)
  t.throws(() => new Section('frontend', 'f', plugins).evaluate('late', subject()), /^fetch 'late' of plugin 'late' \(test:1\) returned a Promise/, 'what their words give back is checked')
  const fetch = (more: string): Promise<readonly string[]> => spec(`fetches: [{ name: 'x', output: 'str', doc: '', compile, ${more} }]`)
  t.same(await fetch("source: 'constant'"), [])
  t.match(await fetch(''), [/^fetch 'x' of plugin 'mine' : 'source' is missing: one of constant, internal, .* is needed$/])
  t.match(await fetch("source: 'client'"), [/'source' is 'client', where one of constant/])
  t.match(await fetch("source: 'constant', args: [{ name: 'a', type: 'int' }]"), [/'args' is wrong: its entry 1 is wrong: its 'type' is 'int', where one of sint, /])
  t.same(await spec('keywords: [{}, 5]'), ["keyword 1 of plugin 'mine' : 'name' is missing: a name is needed", "keyword 2 of plugin 'mine' : it is 5, where an object is needed"])
  t.same(await spec("keywords: [{ name: 'k', sections: [], args: '', doc: '', parse() {} }]"), ["keyword 'k' of plugin 'mine' : 'sections' is an empty list, where a list that is not empty is needed"])
  t.same(await spec("handlers: [{ name: 'h', side: 'accept' }]"), ["handler 'h' of plugin 'mine' : 'plan' is missing: a function is needed"])
  t.same(await spec("converters: [{ name: 'c', input: 'str', output: 'same', doc: '', compile: 1 }]"), ["converter 'c' of plugin 'mine' : 'compile' is 1, where a function is needed"])
  t.same(await spec("converters: [{ name: 'c', input: 'str', output: 'same', doc: '', compile, tooLong: 'drop' }]"), ["converter 'c' of plugin 'mine' : 'tooLong' is 'drop', where one of cut, absent is needed"])
  t.match(await spec("actions: [{ name: 'a', rules: ['content'], args: '', doc: '', compile }]"), [/^action 'a' of plugin 'mine' : 'rules' is wrong: its entry 1 is 'content', where one of connection, .* is needed$/])
  t.same(await spec("services: { s: { name: 's' } }"), ["service 's' of plugin 'mine' : 'open' is missing: a function is needed"])
  t.match(await load('./many.mjs'), { problems: ["plugin './many.mjs' : plugin 'odd' : 'handlers' is 'many', where a list is needed"] })
  t.match(await load('./broken.mjs'), { problems: [/plugin '.\/broken.mjs' cannot be loaded : /] })
  t.match(await load('./missing.mjs:no-such-package'), { problems: [/missing.mjs' cannot be loaded : Cannot find module '[^']*missing.mjs'$/, /no-such-package' cannot be loaded/] })
  t.match(await load('good.mjs'), { problems: [/plugin 'good.mjs' cannot be loaded : Cannot find module 'good.mjs' : a file is named with its folder, '.\/good.mjs'$/] })
  file('throws.mjs', '\nthrow new Error("not today")')
  t.match(await load('./throws.mjs'), { problems: [/cannot be loaded : not today : at .*throws.mjs:2:7$/] })
  file('unread.mjs', 'export const (')
  t.match(await load('./unread.mjs'), { problems: [/cannot be loaded : Unexpected token '\(' : 'node --check .\/unread.mjs' shows where$/] })
  file('astray.mjs', "import 'headgate/plugin'")
  t.match(await load('./astray.mjs'), { problems: [/Cannot find package 'headgate' .* : the file has to be in a folder with headgate in its node_modules, or below one$/] })
  file('typed.ts', 'export const p: number = 1')
  if (parseInt(process.versions.node, 10) < 22) t.match(await load('./typed.ts'), { problems: [/does not read TypeScript; compile it to JavaScript$/] })
})
