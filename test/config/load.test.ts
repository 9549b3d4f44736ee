// From files to values: sections, inheritance, negation, option lists, what plugins may do wrong, and input that is no configuration.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import t from 'tap'
import { flag, keyword } from '../../src/core/keyword.ts'
import type { Keyword, Values } from '../../src/core/keyword.ts'
import { wouldListen } from '../../src/config/checks.ts'
import type { Check } from '../../src/config/configuration.ts'
import { MAX_NESTING } from '../../src/config/directives.ts'
import { systemFiles } from '../../src/config/files.ts'
import { defaultPath, setenv } from '../../src/config/keywords/environment.ts'
import { disabled } from '../../src/config/keywords/proxy.ts'
import { timeoutClient } from '../../src/config/keywords/timeouts.ts'
import { bindLines, serverLines } from '../../src/config/lines.ts'
import { loadConfiguration, type Loaded, type LoadOptions } from '../../src/config/load.ts'
import { MAX_KEPT } from '../../src/config/problems.ts'
import { KeywordTable } from '../../src/config/table.ts'

const EVERYWHERE = ['global', 'defaults', 'frontend', 'backend'] as const
const number = (name: string, sections: Keyword<number>['sections'], more: Partial<Keyword<number>> = {}): Keyword<number> =>
  keyword<number>({
    name,
    sections,
    args: '<n>',
    doc: 'A number.',
    parse: (args) => {
      const w = args.next()
      return w === undefined || !/^\d+$/.test(w.text) ? args.fail(`'${args.keyword}' expects a number`, undefined, w) : Number(w.text)
    },
    ...more,
  })

const size = number('size', EVERYWHERE)
const both = number('depth', ['frontend', 'backend'])
const quick = { ...flag('quick', EVERYWHERE, 'A switch.') }
const slow = keyword<boolean>({ name: 'slow', sections: EVERYWHERE, args: '', doc: 'Takes quick back.', writes: quick, parse: () => false })
const rule = keyword<readonly string[]>({
  name: 'rule',
  sections: ['defaults', 'frontend', 'backend'],
  args: '<words>',
  doc: 'Adds up, what is inherited too.',
  inherits: 'add',
  parse: (args, before = []) => [...before, args.rest().map((w) => w.text).join(' ')],
})
const familyOne = number('family one', ['frontend'])
const familyTwoTwo = number('family two two', ['frontend'])
const backendOnly = number('behind', ['backend', 'defaults'])
const onBind = number('weight', ['bind'])
const bindFlag = flag('bright', ['bind', 'server'], 'A switch of lines.')
const onServer = number('weight', ['server'])
const serverAdds = keyword<readonly string[]>({
  name: 'also',
  sections: ['server'],
  args: '<word>',
  doc: 'Adds up.',
  inherits: 'add',
  parse: (args, before = []) => {
    const w = args.next()
    return w === undefined ? args.fail("'also' expects a word") : [...before, w.text]
  },
})
const broken = keyword<number>({ name: 'broken', sections: EVERYWHERE, args: '', doc: 'Throws.', parse: () => { throw new Error('out of order') } })
const late = keyword<Promise<never>>({ name: 'late', sections: EVERYWHERE, args: '', doc: 'Is async.', parse: () => Promise.reject(new Error('nobody awaits it')) })
const file = keyword<string>({
  name: 'file',
  sections: EVERYWHERE,
  args: '<path>',
  doc: 'Reads a file.',
  parse: (args) => args.readFile(args.next()?.text ?? '')?.toString(),
})
const KEYWORDS: readonly Keyword<unknown>[] = [
  size, both, quick, slow, rule, familyOne, familyTwoTwo, backendOnly, onBind, bindFlag, onServer, serverAdds, broken, late, file, disabled, timeoutClient, setenv, defaultPath,
]

function load(texts: string | Readonly<Record<string, string | Buffer>>, more: Partial<LoadOptions> = {}): Loaded & { lines: string[]; proxy(name: string): Values } {
  const files = typeof texts === 'string' ? { 'a.cfg': texts } : texts
  const loaded = loadConfiguration({
    paths: Object.keys(files).filter((name) => name.endsWith('.cfg')),
    files: {
      isFolder: () => false,
      list: () => [],
      read: (name) => {
        const found = files[name]
        if (found === undefined) throw new Error('No such file or directory')
        return Buffer.from(found)
      },
    },
    keywords: KEYWORDS,
    env: {},
    ...more,
  })
  return {
    ...loaded,
    lines: loaded.problems.map((p) => `${p.line} ${p.level}: ${p.text}`),
    proxy: (name) => {
      const found = loaded.configuration.proxies.find((p) => p.name === name)
      if (found === undefined) throw new Error(`no proxy ${name}`)
      return found.values
    },
  }
}

/** Timeouts, so that nothing is warned about. */
const OK = 'timeout client 1s\n bind :1\n'

t.test('several global sections are one', async (t) => {
  const { configuration, lines } = load('global\n size 1\n quick\nglobal\n size 2\n')
  t.strictSame(lines, [])
  t.equal(configuration.global.get(size), 2)
  t.equal(configuration.global.get(quick), true)
  t.match(configuration.global.placeOf(size), { file: 'a.cfg', line: 5, column: 2 })
  t.equal(configuration.global.placeOf(slow), undefined)
})

t.test('own values, then those of the defaults section, and of what that stands on', async (t) => {
  const { proxy, configuration, lines } = load(`defaults base
 size 1
 rule a
 quick
defaults derived from base
 rule b
defaults
 size 3
frontend one
 ${OK}
listen two from derived
 ${OK} size 9
 rule c
 rule d
 slow
backend three from base
`)
  t.strictSame(lines, [])
  t.equal(proxy('one').get(size), 3)
  t.equal(proxy('one').get(quick), undefined, 'an anonymous section stands on nothing')
  t.equal(proxy('two').get(size), 9)
  t.strictSame(proxy('two').get(rule), ['a', 'b', 'c', 'd'])
  t.equal(proxy('two').get(quick), false)
  t.equal(proxy('three').get(size), 1)
  t.strictSame(proxy('three').get(rule), ['a'])
  t.match(proxy('three').placeOf(size), { line: 2 })
  t.strictSame(
    configuration.proxies.map((p) => [p.name, p.kind, p.number, p.from]),
    [['one', 'frontend', 1, ''], ['two', 'listen', 2, 'derived'], ['three', 'backend', 3, 'base']],
  )
})

t.test('no and default', async (t) => {
  const { proxy, lines } = load(`defaults\n quick\n ${OK.replace(' bind :1\n', '')}frontend a\n bind :1\n no quick\nfrontend b\n bind :2\n default quick\nfrontend c\n bind :3\n no size\n`)
  t.equal(proxy('a').get(quick), false)
  t.equal(proxy('b').get(quick), undefined, 'not even inherited')
  t.equal(proxy('c').get(quick), true)
  t.strictSame(lines, ["12 alert: negation/default is not supported for 'size'."])
})

t.test('the longest name wins; a family without that member says which there are', async (t) => {
  const { proxy, lines } = load(`frontend f\n ${OK} family one 1\n family two two 2\n family two 3\n family\n family on 3\n`)
  t.equal(proxy('f').get(familyOne), 1)
  t.equal(proxy('f').get(familyTwoTwo), 2)
  t.strictSame(lines, [
    "6 alert: 'family two' supports 'two' (got '3')",
    "7 alert: 'family' supports 'two' and 'one' (got '')",
    "8 alert: 'family' supports 'two' and 'one' (got 'on')",
  ])
})

t.test('a line of the wrong section', async (t) => {
  const { lines, proxy } = load(`frontend f\n ${OK} behind 3\n weight 3\nglobal\n behind 1\n rule x\ndefaults\n behind 1\n depth 1\nlisten l\n ${OK} behind 2\n`)
  t.strictSame(lines, [
    "4 warning: 'behind' ignored because frontend 'f' has no backend capability.",
    "5 alert: unknown keyword 'weight' in 'frontend' section",
    "7 alert: 'behind' not allowed in 'global' section",
    "8 alert: 'rule' not allowed in 'global' section",
    "11 alert: 'depth' not allowed in 'defaults' section",
  ])
  t.equal(proxy('l').get(backendOnly), 2)
})

t.test('bind lines', async (t) => {
  const { proxy, lines } = load('frontend f\n timeout client 1s\n bind :1,:2 weight 3 bright\n bind :3-4 no-bright\n bind [::1]:5 ""\n')
  t.strictSame(lines, [])
  const binds = proxy('f').get(bindLines) ?? []
  t.strictSame(binds.map((b) => [b.text, b.addresses.length, b.values.get(onBind), b.values.get(bindFlag), b.place.line]), [
    [':1,:2', 2, 3, true, 3],
    [':3-4', 2, undefined, false, 4],
    ['[::1]:5', 1, undefined, undefined, 5],
  ])
})

t.test('server lines stand on the default-server lines above them', async (t) => {
  const { proxy, lines } = load(`defaults
 default-server weight 1 also a
backend b
 server one 127.0.0.1
 default-server weight 2 also b
 server two 127.0.0.1:+1 also c
 default-server bright
 server three 127.0.0.1 weight 5 no-bright
backend c
 server four 127.0.0.1
`)
  t.strictSame(lines.filter((line) => !line.includes('missing timeouts')), [])
  const servers = [...(proxy('b').get(serverLines) ?? []), ...(proxy('c').get(serverLines) ?? [])]
  t.strictSame(servers.map((s) => [s.name, s.values.get(onServer), s.values.get(serverAdds), s.values.get(bindFlag)]), [
    ['one', 1, ['a'], undefined],
    ['two', 2, ['a', 'b', 'c'], undefined],
    ['three', 5, ['a', 'b'], false],
    ['four', 1, ['a'], undefined],
  ])
  t.match(servers[0]?.values.placeOf(onServer), { line: 2 })
})

t.test('all problems of an option list, and none of its own making', async (t) => {
  const { lines } = load('frontend f\n timeout client 1s\n bind :1 nonsense with arguments weight x bright wieght 4 bright\n bind :x weight y\n')
  t.strictSame(lines, [
    "3 alert: 'bind :1' in section 'frontend' : unknown keyword 'nonsense'",
    "3 alert: 'bind :1' in section 'frontend' : 'weight' expects a number",
    "3 alert: 'bind :1' in section 'frontend' : unknown keyword 'wieght'",
    "4 alert: 'bind' : invalid character 'x' in port number 'x' in ':x'",
    "4 alert: 'bind :x' in section 'frontend' : 'weight' expects a number",
  ])
})

t.test('a parser that throws, or is async, costs its line', async (t) => {
  const { lines, configuration } = load('global\n broken\n size 1\n late\n')
  t.strictSame(lines, ["2 alert: keyword 'broken' failed: out of order; this is a bug of who made it", "4 alert: keyword 'late' failed: it returned a Promise, and a configuration is read in one go; this is a bug of who made it"])
  t.equal(configuration.global.get(late), undefined)
  t.equal(configuration.global.get(size), 1)
})

t.test('a keyword table with two keywords of one name is refused', async (t) => {
  t.throws(() => new KeywordTable([size, number('size', ['global'])]), /two keywords are named 'size' in section 'global'/)
  t.throws(() => new KeywordTable([number('x', ['frontend']), number('x', ['backend'])]), /'listen' could not tell them apart/)
  t.doesNotThrow(() => new KeywordTable([size, size]))
})

t.test('sections do not go on in the next file, defaults and global values do', async (t) => {
  const { lines, proxy, configuration, faulty } = load({ 'a.cfg': 'defaults\n size 4\nglobal\n', 'b.cfg': ' size 1\nfrontend f\n timeout client 1s\n bind :1\n' })
  t.strictSame(lines, ["1 alert: unknown keyword 'size' out of section"])
  t.equal(proxy('f').get(size), 4)
  t.equal(configuration.env.get('HAPROXY_CFGFILES'), 'a.cfg;b.cfg')
  t.strictSame(faulty, [{ file: 'b.cfg', after: 1 }])
})

t.test('a byte order mark, which editors do not show, is named', async (t) => {
  const { problems } = load('\uFEFFglobal\n size 3\n')
  t.equal(problems.length, 1)
  t.match(problems[0], { line: 1, text: /^unknown keyword/, hint: /byte order mark/ })
})

t.test('the environment of a line is what the lines above made of it', async (t) => {
  const { lines, proxy, configuration } = load('global\n setenv N 7\nfrontend f\n timeout client 1s\n bind :${N}\n size "$N"\n.if streq("$N",7)\n depth 1\n.endif\n', { env: { N: '6', GONE: undefined } })
  t.strictSame(lines, [])
  t.equal(proxy('f').get(size), 7)
  t.equal(proxy('f').get(both), 1)
  t.match(proxy('f').get(bindLines)?.[0]?.addresses[0], { address: { port: 7 } })
  t.equal(configuration.env.has('GONE'), false)
})

t.test('pseudo-variables', async (t) => {
  const { lines } = load('.notice "$.FILE $.LINE <$.SECTION>"\nglobal\n.notice "$.SECTION"\nbackend b\n.notice "$.SECTION"\n')
  t.strictSame(lines, ["1 notice: 'a.cfg 1 <>'.", "3 notice: 'global'.", "5 notice: 'b'."])
})

t.test('.diag speaks with -dD only', async (t) => {
  t.strictSame(load('.diag "look"\n').lines, [])
  t.strictSame(load('.diag "look"\n', { diag: true }).lines, ["1 notice: 'look'."])
})

t.test('checks run when there is no alert', async (t) => {
  const seen: string[] = []
  const check: Check = (configuration, report) => {
    seen.push(...configuration.proxies.map((p) => p.name))
    report({ level: 'warning', file: 'x', line: 1, text: 'by the check' })
  }
  t.strictSame(load(`frontend f\n ${OK}`, { checks: [check] }).lines, ['1 warning: by the check'])
  t.strictSame(seen, ['f'])
  t.strictSame(load(`frontend f\n ${OK} nonsense\n`, { checks: [check] }).lines, ["4 alert: unknown keyword 'nonsense' in 'frontend' section"])
  t.strictSame(seen, ['f'])
})

t.test('what would listen', async (t) => {
  t.equal(wouldListen(load(`frontend f\n ${OK}`).configuration), true)
  t.equal(wouldListen(load(`frontend f\n ${OK} disabled\n`).configuration), false)
  t.equal(wouldListen(load('backend b\n').configuration), false)
  t.equal(wouldListen(load('').configuration), false)
})

t.test('files and folders', async (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'headgate-load-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(`${folder}/empty`)
  mkdirSync(`${folder}/sub`)
  for (const [name, text] of [['b.cfg', 'global\n size 2\n'], ['a.cfg', 'global\n size 1\n'], ['.hidden.cfg', 'nonsense\n'], ['c.txt', 'nonsense\n'], ['sub/data', 'here']] as const) {
    writeFileSync(`${folder}/${name}`, text)
  }
  writeFileSync(`${folder}/sub/x.conf`, 'global\n default-path config\n file data\n default-path parent\n file sub/data\n')
  const read = (...paths: string[]): Loaded => loadConfiguration({ paths, files: systemFiles, keywords: KEYWORDS, env: {} })
  const both = read(folder)
  t.strictSame(both.problems, [])
  t.strictSame(both.configuration.files, [`${folder}/a.cfg`, `${folder}/b.cfg`])
  t.equal(both.configuration.global.get(size), 2, 'in the order of their names')
  const bad = read(`${folder}/nope`, `${folder}/empty/`, `${folder}/a.cfg/x`)
  t.strictSame(bad.problems.map((p) => [p.line, p.text]), [
    [0, `Cannot open configuration file/directory ${folder}/nope : No such file or directory`],
    [0, `Configuration directory ${folder}/empty/ holds no file that is named *.cfg`],
    [0, `Cannot open configuration file/directory ${folder}/a.cfg/x : Not a directory`],
  ])
  const found = read(`${folder}/sub/x.conf`)
  t.strictSame(found.problems, [], 'default-path is followed')
  t.equal(found.configuration.global.get(file), 'here')
  const lost = load({ 'a.cfg': 'global\n file nowhere\n' })
  t.strictSame(lost.lines, ["2 alert: unable to read 'nowhere' : No such file or directory"])
})

t.test('input that is no configuration', async (t) => {
  const binary = Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 7919 + (i >> 3)) & 255))
  const alertsOf = (text: string | Buffer): Loaded => load({ 'a.cfg': text })
  const junk = alertsOf(binary)
  t.ok(junk.alerts > 0)
  t.match(junk.problems.at(-1)?.text, /Stray NUL character/)
  t.strictSame(alertsOf('global').problems.map((p) => p.text), ['Missing LF on last line, file might have been truncated at position 7.'])
  t.strictSame(alertsOf('global\r\n size 1\r\n').problems, [], 'lines may end in CR LF')
  t.equal(alertsOf(Buffer.from('\xef\xbb\xbfglobal\n', 'latin1')).alerts, 1, 'a byte order mark is no part of the language')
  const big = 1 << 20
  const long = alertsOf(`${'x'.repeat(big)}\nglobal\n ${'y'.repeat(big)}\n size ${'9 '.repeat(big / 2)}\n size "${'z'.repeat(big)}\n`)
  t.equal(long.alerts, 4)
  t.ok(long.problems.every((p) => p.text.length < 3000), 'messages are cut')
  const many = alertsOf('nonsense\n'.repeat(50_000))
  t.equal(many.alerts, 50_000, 'all are counted')
  t.equal(many.problems.length, MAX_KEPT)
  const deep = alertsOf(`${'.if 1\n'.repeat(1000)}global\n nonsense\n${'.endif\n'.repeat(1000)}`)
  t.strictSame(deep.problems.map((p) => [p.line, p.text]), [[MAX_NESTING + 1, "too many nested '.if', max is 100."]])
  const env = load('global\n size "${A}${A}${A}"\n', { env: { A: '${A}"$A"' } })
  t.strictSame(env.lines, ["2 alert: 'size' expects a number"], 'what a variable holds is not expanded again')
})
