// The frame of a configuration, read by HAProxy and by Headgate: words, directives, sections, addresses. The same severities on the
// same lines, and the same texts unless the case says why not. Single keywords are config.test.ts's.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import t from 'tap'
import { builtinPlugins } from '../../handlers/builtin.ts'
import { wouldListen } from '../../src/config/checks.ts'
import { systemFiles } from '../../src/config/files.ts'
import { builtinKeywords } from '../../src/config/keywords/table.ts'
import { loadConfiguration } from '../../src/config/load.ts'
import { formatProblems } from '../../src/config/report.ts'
import { checkRuleNames } from '../../src/proxy/check-names.ts'
import { samplePlugin } from '../../src/sample/builtin.ts'
import { installed } from '../kit/program.ts'

const ENV = { HOME: '/root', LIST: '10 20', PATH: process.env['PATH'] ?? '' }

const folder = mkdtempSync(path.join(os.tmpdir(), 'headgate-oracle-structure-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))

/** `LINE level: text`, '-' for no line; notices about versions left out; suggestions and full stops too. */
function lines(printed: string, texts: boolean): string[] {
  const found: string[] = []
  for (const block of `\n${printed}`.split(/\n(?=\[(?:ALERT|WARNING|NOTICE)\])/)) {
    const m = /^\[(ALERT|WARNING|NOTICE)\]\s*\(\d+\) : (?:config : )?(?:(?:[Pp]arsing )?\[[^\]]*?:(\d+)\] ?: )*([^]*)$/.exec(block.trimEnd())
    if (m === null) continue
    const [, level = '', line, rest = ''] = m
    const text = (rest.split('\n')[0] ?? '').replace(/; (?:did you mean|the '\.if').*$/, '').replace(/\bq\d*\.cfg/g, 'q.cfg').replace(/[.:\s]+$/, '').replace(/': /g, "' : ")
    if (/^(?:haproxy version is|path to executable|Error\(s\) found|Fatal errors found)/.test(text)) continue
    found.push(`${line ?? '-'} ${level.toLowerCase()}${texts ? `: ${text}` : ''}`)
  }
  return found
}

interface Verdict {
  readonly status: number
  readonly printed: string
}

function haproxy(): Verdict {
  const run = spawnSync('haproxy', ['-c', '-f', 'q.cfg'], { cwd: folder, encoding: 'utf8', timeout: 20_000, env: ENV })
  return { status: run.status ?? -1, printed: run.stderr }
}

function headgate(): Verdict {
  const files = { ...systemFiles, isFolder: () => false, read: (name: string) => systemFiles.read(path.join(folder, name)) }
  const loaded = loadConfiguration({ paths: ['q.cfg'], files, keywords: builtinKeywords, plugins: [samplePlugin, ...builtinPlugins], checks: [checkRuleNames], env: ENV })
  const status = loaded.alerts > 0 ? 1 : wouldListen(loaded.configuration) ? 0 : 2
  return { status, printed: formatProblems(loaded, { pid: 1 }).join('\n') }
}

interface Case {
  readonly text: string
  /** Only statuses, severities and lines are the same: why. */
  readonly wording?: string
  /** Only the status is the same, or nothing: why, and what we say. */
  readonly differs?: { readonly why: string; readonly status: number; readonly says: readonly string[] }
}

const T = 'defaults\n timeout client 1s\n timeout server 1s\n timeout connect 1s\n'
const bind = (address: string): string => `${T}frontend f\n bind ${address}\n`
const server = (address: string): string => `${T}backend b\n server s ${address}\n`
const same = (...texts: string[]): Case[] => texts.map((text) => ({ text }))

const CASES: readonly Case[] = [
  // Words
  ...same(
    'global\n"maxconn" \'100\'\n', 'global\n max"co"nn 100 # x\n', 'global\n "maxconn\n', "global\n 'x\n", 'global\n foo "\\x4"\n', 'global\n foo \\xZZ\n', 'global\n foo "${A\n', 'global\n foo "${}"\n',
    'global\n foo "$1"\n', 'global\n foo "${HOME[1]}"\n', 'global\n foo "${A:-x}"\n', 'global\n foo "$.NOPE"\n', 'global\n maxconn "${LIST[*]}"\n', 'global\n\tmaxconn\\ 3\n', `global\n${'w '.repeat(70)}\n`,
    'global\r\n maxconn 100\r\n', 'global\n maxconn 100', 'global\n foo', 'global\n maxconn "$NOPE"\n', 'global\n maxconn 10 ""\n', 'global\n é "x\n'.replace('é', 'e'),
  ),
  { text: 'global\n foo a\0b\nbar\n', differs: { why: 'what stands before a NUL is not read as a line', status: 1, says: ['2 alert: Stray NUL character at position 7; this is no text file; what follows was not read'] } },
  { text: 'global\n maxconn 1\\x00\n', differs: { why: 'HAProxy ends the word there without a word', status: 1, says: ['2 alert: a word cannot hold a NUL character at position 11'] } },
  { text: 'global\n maxconn 1\r2\n', differs: { why: 'HAProxy ends the line there without a word', status: 1, says: ['2 alert: stray carriage return at position 11'] } },
  // Directives
  ...same(
    '.if\nfoo\n.endif\n', '.if 1\n.notice "one"\n.elif 1\n.notice two\n.else\n.notice three\n.endif\n', '.if 0\n.elif 0\n.else\n.warning three\n.endif\n', '.if 0\n.nonsense\n"\n.endif\n', '.else\n', '.elif 1\n', '.endif\n',
    '.nonsense\n', '.if 1\nglobal\n maxconn 3\n', '.if 1\n.else\n.elif 1\n.endif\n', '.if 1\n.else\n.else\n.endif\n', '.if foo\n.endif\n', '.if 1 && foo\n.endif\n', '.if defined(HOME\n.endif\n', '.if streq(a)\n.endif\n',
    '.if 1a\n.endif\n', '.if (1\n.endif\n', '.if version_atleast(2.4)\n.notice yes\n.endif\n', '.if version_before(2.4)\n.alert no\n.endif\n', '.if streq("$HOME",/root)\n.notice yes\n.endif\n', '.if !defined(NOPE) && (0 || 1)\n.notice yes\n.endif\n',
    '.notice\n', '.notice a b\n', '.diag x\n', '.alert "a b"\n', '.if 1\n.elif foo\n.endif\n', `${'.if 1\n'.repeat(100)}.notice in\n${'.endif\n'.repeat(100)}`, `${'.if 1\n'.repeat(101)}${'.endif\n'.repeat(101)}`,
  ),
  { text: '.if 1\n.else x\n.endif\n', differs: { why: 'HAProxy stops there and misses the .endif', status: 1, says: ["2 alert: Unexpected argument 'x' for '.else'"] } },
  // Sections
  ...same(
    'lissten x\n', 'foo\nbar\n', 'global x\n', 'frontend f$\n disabled\n', 'backend b$\n', 'listen\n', 'backend b\nbackend b\n', `${T}frontend a\n bind :1\nbackend a\n`,
    `${T}listen a\n bind :1\nbackend a\n`, `${T}listen a\n bind :1\nfrontend a\n bind :1\n`, `${T}frontend a\n bind :1\nlisten a\n bind :1\n`, 'defaults a\nbackend b from a\n', 'backend b from a\n', 'listen b from a\n disabled\n', 'defaults b from a\n',
    'defaults a\ndefaults a\nbackend b from a\n', 'defaults a\ndefaults b from a\nbackend c from b\n', 'global\n maxcon 3\nbackend b\n maxcoon 3\n', `${T}frontend f\n bind :1\n default_backend nope\n`, `${T}frontend f\n bind :1\n use_backend nope\n`,
    `${T}listen f\n bind :1\n default_backend f\n`, `${T}frontend f\n`, 'frontend f\n bind :1\n', 'listen f\n bind :1\n', 'listen f\n bind :1\n timeout client 1s\n', 'listen f\n bind :1\n timeout client 1s\n server s 127.0.0.1:1\n',
    'backend b\n server s 127.0.0.1:1\n timeout connect 1s\n', 'frontend f\n disabled\n', '', '\n', '# nothing\n', `${T} bind :1\n server s 127.0.0.1\n`, `${T}listen l\n bind :1\nbackend b\n bind :1\n`, `${T}frontend f\n bind :1\n server s 127.0.0.1\n balance first\n`,
    `${T}listen a\n bind :1 id 3\n bind :2 id 3\n`, `${T}backend b\n server s 127.0.0.1 id 3\n server t 127.0.0.1 id 3\n`, `${T}backend b\n server s 127.0.0.1\n server s 127.0.0.1\n`, 'backend a\n id 3\nbackend b\n id 3\n',
  ).map((c) => ({ ...c, wording: 'a place is named where HAProxy has none' })),
  { text: 'listen a from b c\ndefaults b\nlisten c from b x\n disabled\n', differs: { why: 'one message for a line', status: 1, says: ["1 alert: 'listen' cannot handle unexpected argument 'c'", "1 alert: defaults section 'b' not found for proxy 'a'", "3 alert: 'listen' cannot handle unexpected argument 'x'"] } },
  ...['frontend', 'listen'].map((kind): Case => ({ text: `${T}${kind} f :80\n`, differs: { why: 'HAProxy prints the alert and would start', status: 1, says: [] } })),
  { text: 'backend b :80\n', differs: { why: 'HAProxy is silent about it', status: 1, says: ["1 alert: 'backend' cannot handle unexpected argument ':80'"] } },
  // Addresses
  ...same(
    ...[':80', ':80,:81', ':80,', '*:80', '::1:80', '[::1]:80', 'ipv4@:80', 'ipv6@:80', ':80-82', 'unix@/tmp/x', '/tmp/x', 'abns@x', 'tcp4@:80', 'stream+ipv4@:80', '$HOME/x', '${NOPE}:80', "'$HOME/x'", '"127.0.0.1":80', 'localhost:80'].map(bind),
    ...['[::1:80', '::1', ':0', ':65536', ':80-79', ':80-', ':-80', ':+80', ':80-70000', 'fd@', 'fd@abc', 'fd@-1', 'who@:80', 'udp@:80', 'dgram+ipv4@:80', 'ipv4@/tmp/x', '1.2.3.400:80', ':', '*', '@', 'stdout', '1.2.3.4:80:90', '::80', '::', ''].map(bind),
    ...['127.0.0.1', '127.0.0.1:', '127.0.0.1:0', '127.0.0.1:+10', '127.0.0.1:-10', '*:80', ':80', '::1:80', '[::1]', 'unix@/tmp/x', '/tmp/x:80', 'abns@x', 'localhost:80', '$HOME/x'].map(server),
    ...['127.0.0.1:80-90', '127.0.0.1:abc', '127.0.0.1:65536', 'fd@3', 'udp@127.0.0.1:80', ''].map(server),
  ).map((c) => ({ ...c, wording: 'a suggestion may be added' })),
  ...[':80x', '01.2.3.4:80', '1.2.3:80', 'unix@', 'abns@', '${:80'].map((a): Case => ({ text: bind(a), differs: { why: 'HAProxy takes it for something', status: 1, says: [] } })),
  ...['::1', 'a_b,c', '127.0.0.1:+70000'].map((a): Case => ({ text: server(a), differs: { why: 'HAProxy resolves it as a name, or lets it wrap', status: 1, says: [] } })),
]

t.test('structure', { skip: installed('haproxy') ? false : 'haproxy is not installed' }, async (t) => {
  t.comment(`${CASES.length} cases`)
  for (const { text, wording, differs } of CASES) {
    writeFileSync(path.join(folder, 'q.cfg'), text)
    const name = JSON.stringify(text.replace(T, '… ').slice(0, 100))
    const [ours, theirs] = [headgate(), haproxy()]
    if (differs !== undefined) {
      t.equal(ours.status, differs.status, `${name}: ${differs.why}`)
      const both = [ours, theirs].map(({ status, printed }) => [status, ...lines(printed, true)])
      t.notSame(both[0], both[1], `${name}: still differs`)
      if (differs.says.length > 0) t.strictSame(lines(ours.printed, true), differs.says, name)
      continue
    }
    t.equal(ours.status, theirs.status, `${name}: status`)
    const texts = wording === undefined
    const lineless = new Set(lines(theirs.printed, true).filter((l) => l.startsWith('-')).map((l) => l.slice(2)))
    const mine = lines(ours.printed, true).map((l) => (lineless.has(l.replace(/^\S+ /, '')) ? l.replace(/^\S+/, '-') : l))
    const level = (l: string): string => (texts ? l : l.replace(/^(\S+ \S+):.*$/, '$1'))
    t.strictSame(mine.map(level).toSorted(), lines(theirs.printed, true).map(level).toSorted(), name)
  }
})
