// Every bad line of the rule language, reported by HAProxy's -c and by Headgate's keywords: the same words, or other words on purpose.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import t from 'tap'
import type { Args, Keyword } from '../../src/core/keyword.ts'
import { connectionRules, sessionRules } from '../../handlers/tcp-rules.ts'
import { acl } from '../../src/sample/acl.ts'
import { globalSetVar, globalSetVarFmt } from '../../src/sample/actions/variables.ts'
import { declareCapture } from '../../src/sample/captures.ts'
import { requestInspectDelay, requestRules, responseInspectDelay, responseRules } from '../../src/sample/content.ts'
import { logFormat } from '../../src/sample/log-keywords.ts'
import { useBackendRules, useServerRules } from '../../src/sample/switching.ts'
import { installed } from '../kit/program.ts'
import { Section } from '../sample/section.ts'
import { OTHER_WORDS, SAME_WORDS } from './refused-expressions.ts'

/** A line; what both say, '' for nothing; and what Headgate says instead, where it differs. */
type Line = readonly [line: string, differs?: string]

const KEYWORDS: readonly Keyword<unknown>[] = [acl, declareCapture, connectionRules, sessionRules, requestRules, responseRules, requestInspectDelay, responseInspectDelay, globalSetVar, globalSetVarFmt, logFormat, useBackendRules, useServerRules]

/** Says at least this, where HAProxy's list of names is another. */
const SOME = '…'

const SECTIONS: readonly { readonly kind: Args['sectionKind']; readonly name: string; readonly lines: readonly Line[] }[] = [
  {
    kind: 'global',
    name: '',
    lines: [
      ['set-var proc.a str(x)'],
      ['set-var sess.a str(x)'],
      ['set-var proc.b src', "fetch method 'src' extracts information from 'client address', none of which is available here"],
      ['set-var proc.c'],
      ['set-var-fmt proc.f "%[src]"', "sample fetch <src> may not be reliably used here because it needs 'client address' which is not available here"],
      ['set-var-fmt proc.g "a %[var(proc.a)]"'],
    ],
  },
  {
    kind: 'frontend',
    name: 'f',
    lines: [
      ['acl bar srcc 1.2.3.4'],
      ['acl ba/r src 1.2.3.4'],
      ['acl bar src 1.2.3.400'],
      ['acl bar src_port abc'],
      ['acl bar src(4)'],
      ['acl bar', "error detected while parsing ACL 'bar' : missing fetch method in ACL expression ''."],
      ['acl a str(a),foo'],
      ['acl a str(a),add(x)'],
      ['acl a str(a -m str x'],
      ['acl a str(a)b -m str x'],
      ['acl a src -m foo x'],
      ["acl a src -m reg '('"],
      ['acl a src -q 1.2.3.4'],
      ['acl a src_port gt 5 lt 7'],
      ['acl u1 src -u 5 1.1.1.1'],
      ['acl u2 src -u 6 1.1.1.1'],
      ['acl u1 src -u 5 1.1.1.1'],
      ['acl u3 dst -u 5 1.1.1.1'],
      ['acl u4 src -u x 1.1.1.1'],
      ['acl u4 src -u 5x 1.1.1.1'],
      ['acl u4 src -u 7 -u 8 1.1.1.1'],
      ['acl u4 src -u -1 1.1.1.1', "error detected while parsing ACL 'u4' : the argument of -u must be an integer."],
      ['acl u4 src -u 4294967296 1.1.1.1', "error detected while parsing ACL 'u4' : the argument of -u must be an integer."],
      ['acl a src_port 7:5'],
      ['acl a src_port :7 8: :'],
      ['acl a src_port 5.3'],
      ['acl a src_port 99999999999999999999'],
      ['acl a src_port 0x50'],
      ['acl a src_port -5'],
      ['acl a var(txn.x) 7'],
      ['acl a req.payload(0,3) 474554'],
      ['acl a src 127.1/8 10.12 1.2.3.4/255.255.0.255 ::1 ::/0'],
      ['acl a src fe80::/129'],
      ['acl a src 1.2.3.4/33'],
      ['acl a src nosuch.invalid'],
      ['acl a src 0x7f.1 010.1.1.1'],
      ['acl a src ::1/abc'],
      ['acl a bin(41) -m int 1'],
      ['acl a ipv6(::1) -m bool'],
      ['acl a always_true -m ip 1.1.1.1'],
      ['acl a bin(41),add(1)', "error detected while parsing ACL 'a' : converter 'add' cannot be applied in ACL expression 'bin(41),add(1)'."],
      ['acl a str(a,b) -m str x'],
      ['acl a str(a,) -m str x'],
      ['acl a int(5x) 5'],
      ['acl a int() 5'],
      ['acl a bool(2)'],
      ['acl a str(a),add() -m str x', "error detected while parsing ACL 'a' : invalid arg 1 in converter 'add' : missing arguments (got 0/1), type 'string' expected in ACL expression 'str(a),add()'."],
      ['acl a src,ipmask(33) 1.1.1.1'],
      ['acl or src 1.1.1.1'],
      ['tcp-request connection reject if bla'],
      ['tcp-request connection reject if { src 1.1.1.1'],
      ['tcp-request connection reject if { src'],
      ['tcp-request connection reject if { req.len 0 }', "anonymous acl will never match in 'frontend tcp-request connection rule' because it uses keyword 'req.len' which is incompatible with 'frontend tcp-request connection rule'"],
      ['tcp-request connection reject whenever'],
      ['tcp-request connection foo', SOME],
      ['tcp-request connection', SOME],
      ['tcp-request connection expect-proxy'],
      ['tcp-request connection expect-proxy layer5'],
      ['tcp-request connection expect-netscaler-cip'],
      ['tcp-request connection expect-netscaler-cip layer5'],
      ['tcp-request session expect-netscaler-cip layer4', SOME],
      ['tcp-request session expect-proxy layer4', SOME],
      ['tcp-request connection set-var(txn.x) req.len'],
      ['tcp-request connection set-var(txn.x) foo'],
      ['tcp-request connection set-var(txn) src'],
      ['tcp-request connection set-var(foo.txn) src'],
      ['tcp-request connection set-var(txn.a/b) src', "invalid syntax at char '/b'"],
      ['tcp-request connection set-var txn.a src', "invalid or incomplete action 'set-var'. Expects 'set-var(<var-name>)', 'set-var-fmt(<var-name>)' or 'unset-var(<var-name>)'"],
      ['tcp-request session set-var(sess.x) src ipmask(24) upper'],
      ['tcp-request session set-var(sess.x) src foo'],
      ['tcp-request content set-var(txn.a,ifgt) src'],
      ['tcp-request content set-var(txn.a,foo) src'],
      ['tcp-request content set-var() src'],
      ['tcp-request content set-var(txn.a)'],
      ['tcp-request content set-var(txn.a) if TRUE', 'missing fetch method'],
      ['tcp-request content set-var(txn.a', "'tcp-request content set-var' : expected ')' at the end of 'set-var(txn.a'"],
      ['tcp-request connection accept'],
      ['tcp-request session accept'],
      ['tcp-request content unset-var(txn.a) src'],
      ['tcp-request content unset-var(foo)'],
      ['tcp-request content unset-var(txn.a,ifgt)'],
      ['tcp-request content set-var-fmt(txn.a) %[foo]', 'failed to parse sample expression <foo> : unknown fetch method \'foo\''],
      ['tcp-request content set-var-fmt(txn.a) %ci %cp'],
      ['tcp-request content set-log-level foo'],
      ['tcp-request content set-log-level'],
      ['tcp-request content set-priority-class src'],
      ['tcp-request content capture src'],
      ['tcp-request content capture src len'],
      ['tcp-request content capture src len x'],
      ['tcp-request content capture src len 10'],
      ['tcp-request content capture foo len 10'],
      ['tcp-request content capture src len 10 foo'],
      ['tcp-request content capture src,capture-req len 5'],
      ['tcp-request content capture src,capture-req(x) len 5'],
      ['tcp-request content capture src id 7', "'tcp-request content capture' : unable to find capture id '7'"],
      ['tcp-request connection set-var(sess.x) capture.req.hdr(0)'],
      ['tcp-request content set-var(txn.x) capture.req.hdr(0)'],
      ['tcp-request content set-var(txn.x) capture.req.hdr'],
      ['declare capture'],
      ['declare capture foo len 5'],
      ['declare capture request'],
      ['declare capture request foo 5'],
      ['declare capture request len'],
      ['declare capture request len 0'],
      ['declare capture request len -5'],
      ['declare capture request len x', "'declare capture': cannot parse the length 'x'"],
      ['declare capture response len 7'],
      ['tcp-request content set-nice'],
      ['tcp-request content set-nice 5 6'],
      ['tcp-request content set-nice -5 if TRUE'],
      ['tcp-request content set-nice 2000'],
      ['tcp-request content set-nice x', "'set-nice' : 'x' is no integer"],
      ['tcp-request content set-src'],
      ['tcp-request content set-src foo'],
      ['tcp-request content use-service foo', "'content' unknown service name 'foo'."],
      ['tcp-request content use-service'],
      ['tcp-request content close', SOME],
      ['tcp-request inspect-delay'],
      ['tcp-request inspect-delay x'],
      ['tcp-request inspect-delay 5s'],
      ['use_backend b foo'],
      ['use_backend b if foo'],
      ['use_backend %[src] if TRUE'],
      ['use_backend b if TRUE'],
      ['use_backend'],
      ['tcp-request content reject if { req.len gt 5 }'],
      ['log-format a b'],
      ['log-format'],
    ],
  },
  {
    kind: 'frontend',
    name: 'x',
    lines: [
      ...SAME_WORDS.map((expression): Line => [`tcp-request content set-var(txn.a) ${expression}`]),
      ...OTHER_WORDS.map(([expression, ours]): Line => [`tcp-request content set-var(txn.a) ${expression}`, ours]),
    ],
  },
  {
    kind: 'backend',
    name: 'b',
    lines: [
      ['use-server s'],
      ['use-server s if foo'],
      ['use-server s unless { req.len gt 0 }'],
      ['tcp-response content foo', SOME],
      ['tcp-response content close if { res.len gt 5 }'],
      ['tcp-response inspect-delay 5s'],
      ['tcp-response content reject if { req.len gt 0 }', "anonymous acl will never match in 'backend tcp-response content rule' because it uses keyword 'req.len' which is incompatible with 'backend tcp-response content rule'"],
      ['tcp-request content capture src len 10'],
      ['tcp-request content reject if { src 1.1.1.1 }'],
    ],
  },
]

/** HAProxy stops at 50 errors: a file for every so many lines. */
const CHUNK = 40

interface Chunk {
  readonly kind: Args['sectionKind']
  readonly name: string
  readonly lines: readonly Line[]
}

const chunks: Chunk[] = SECTIONS.flatMap(({ kind, name, lines }) => Array.from({ length: Math.ceil(lines.length / CHUNK) }, (_, i) => ({ kind, name, lines: lines.slice(i * CHUNK, (i + 1) * CHUNK) })))

/** What was said about each line, '' for nothing. */
function askHaproxy({ kind, name, lines }: Chunk, file: string): string[] {
  const text = [`${kind} ${name}`, ...lines.map(([line]) => `  ${line}`), '']
  writeFileSync(file, text.join('\n'))
  const { stderr } = spawnSync('haproxy', ['-c', '-f', file], { encoding: 'utf8' })
  const said = lines.map((): string[] => [])
  for (const m of stderr.matchAll(/[Pp]arsing \[[^\]]*:(\d+)\] ?: (.*)/g)) said[Number(m[1]) - 2]?.push(m[2] ?? '')
  return said.map((all) => all.join('; '))
}

const folder = mkdtempSync(path.join(os.tmpdir(), 'headgate-messages-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))

for (const [i, chunk] of chunks.entries()) {
  t.test(`${chunk.kind} ${chunk.name} ${i}`, { skip: !installed('haproxy') && 'haproxy is not installed' }, async (t) => {
    const theirs = askHaproxy(chunk, path.join(folder, `${i}.cfg`))
    const section = new Section(chunk.kind, chunk.name)
    for (const [at, [line, differs]] of chunk.lines.entries()) {
      const keyword = KEYWORDS.filter((k) => line === k.name || line.startsWith(`${k.name} `)).sort((a, b) => b.name.length - a.name.length)[0]
      if (keyword === undefined) throw new Error(line)
      section.line(keyword, line.slice(keyword.name.length))
      const ours = section.bare().join('; ')
      const oracle = theirs[at] ?? ''
      if (differs === SOME) t.ok(ours !== '' && oracle !== '', `${line}: ${ours}`)
      else if (differs !== undefined) t.ok(ours.startsWith(differs), `${line}: differs, ${ours}`)
      else t.equal(tidy(ours), tidy(oracle), line)
    }
  })
}

function tidy(text: string): string {
  return text.trim().replace(/\.$/, '').replace(/]>/g, '>').trim()
}
