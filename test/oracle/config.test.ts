// Small configurations, good and bad, read by HAProxy and by Headgate: the same exit status, the same severities on the same lines,
// the same texts. What differs on purpose is said case by case.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import t from 'tap'
import { wouldListen } from '../../src/config/checks.ts'
import { builtinKeywords, waitingKeywords } from '../../src/config/keywords/table.ts'
import { loadText } from '../kit/configuration.ts'
import { MAIN } from '../kit/command.ts'
import { installed } from '../kit/program.ts'

interface Said {
  readonly level: string
  /** undefined: HAProxy named none. */
  readonly line: number | undefined
  readonly text: string
}

interface Verdict {
  readonly status: number
  readonly said: readonly Said[]
}

interface Case {
  readonly name: string
  readonly text: string
}

/** Nothing need be the same: why, and what Headgate says instead. */
interface Difference {
  readonly why: string
  /** `line level: text` */
  readonly ours: readonly string[]
  readonly status: number
}

const folder = mkdtempSync(path.join(os.tmpdir(), 'headgate-oracle-config-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))

const OVERALL = /^(?:Error\(s\) found|Fatal errors found|Warnings were found|config : Error)/

/** `parsing [FILE:3] : text`, `[FILE:3] : text`, `parsing [FILE:3]: text` or a text alone. */
function place(text: string): { line: number | undefined; text: string } {
  const found = /^(?:parsing )?\[[^\]]*:(\d+)\] ?: (?:parsing \[[^\]]*\] : )?(.*)$/s.exec(text)
  return found === null ? { line: undefined, text } : { line: Number(found[1]), text: found[2] ?? '' }
}

/** What a text says, whatever full stops, empty ends and suggestions there are. */
function plain(text: string): string {
  return text
    .replace(/; did you mean .*$/s, '')
    .replace(/\n {3}\|.*$/s, '')
    .trim()
    .replace(/[.\s]+$/, '')
}

/** What `COMMAND -c -f FILE` prints and exits with. */
function printed(command: string, args: readonly string[], text: string): Verdict {
  const file = path.join(folder, 't.cfg')
  writeFileSync(file, text)
  const run = spawnSync(command, [...args, '-c', '-f', file], { encoding: 'utf8', timeout: 20_000, env: { PATH: process.env['PATH'] } })
  const said: Said[] = []
  for (const block of `\n${run.stderr}${run.stdout}`.split(/\n(?=\[(?:ALERT|WARNING|NOTICE)\])/)) {
    const found = /^\[(ALERT|WARNING)\]\s*\(\d+\) : (.*)$/s.exec(block.trim())
    if (found === null) continue
    const body = (found[2] ?? '').replace(/^config : /, '').replace(/(?:\nWarnings were found\.)?(?:\nConfiguration file .*)?$/s, '')
    if (OVERALL.test(body)) continue
    const { line, text: rest } = place(body)
    said.push({ level: (found[1] ?? '').toLowerCase(), line, text: plain(rest) })
  }
  return { status: run.status ?? -1, said }
}

function haproxy(text: string): Verdict {
  return printed('haproxy', [], text)
}

/** By its loader: a process for each would cost a minute. */
function headgate(text: string): Verdict {
  const loaded = loadText(text, { keywords: [...builtinKeywords, ...waitingKeywords] })
  const said = loaded.problems.filter((p) => p.level !== 'notice').map((p) => ({ level: p.level, line: p.line, text: plain(p.text) }))
  const alerts = said.some((s) => s.level === 'alert')
  return { status: alerts ? 1 : wouldListen(loaded.configuration) ? 0 : 2, said }
}

/** Ours in HAProxy's order, with its unknown lines. */
function comparable(said: readonly Said[], like: readonly Said[], texts: boolean): string[] {
  const lineless = new Set(like.filter((s) => s.line === undefined).map((s) => s.text))
  return said.map((s) => `${lineless.has(s.text) ? '-' : (s.line ?? '-')} ${s.level}${texts ? `: ${s.text}` : ''}`).toSorted()
}

const TIMEOUTS = 'defaults\n timeout client 1s\n timeout server 1s\n timeout connect 1s\n'
/** The line is number 5. */
const IN_DEFAULTS = (line: string): string => `${TIMEOUTS} ${line}\nlisten p\n bind 127.0.0.1:1234\n server s 127.0.0.1:1\n`
/** The line is number 6. */
const IN_LISTEN = (line: string): string => `${TIMEOUTS}listen p\n ${line}\n bind 127.0.0.1:1234\n server s 127.0.0.1:1\n`
const ON_BIND = (options: string): string => `${TIMEOUTS}listen p\n bind 127.0.0.1:1234 ${options}\n server s 127.0.0.1:1\n`
const ON_SERVER = (options: string): string => `${TIMEOUTS}listen p\n server s 127.0.0.1:1 ${options}\n bind 127.0.0.1:1234\n`
/** The line is number 2. */
const IN_GLOBAL = (line: string): string => `global\n ${line}\n${TIMEOUTS}listen p\n bind 127.0.0.1:1234\n server s 127.0.0.1:1\n`
/** The line is number 7 in a frontend, 10 in a backend. */
const IN_FRONTEND = (line: string): string => `${TIMEOUTS}frontend f\n bind 127.0.0.1:1234\n ${line}\n default_backend b\nbackend b\n server s 127.0.0.1:1\n`
const IN_BACKEND = (line: string): string => `${TIMEOUTS}frontend f\n bind 127.0.0.1:1234\n default_backend b\nbackend b\n server s 127.0.0.1:1\n ${line}\n`

const NO_NAME = "the server is named at the message's beginning only"
const ONE_COLON = 'a space stands before every colon'
const NO_PREFIX = 'the keyword itself is named'
const OUR_TIMEOUTS = 'the list is of those that Headgate has'

/** Texts that are not HAProxy's, and why. */
const WORDING: Readonly<Record<string, string>> = {
  'global: user no-such-user': "errno was never of use there: '(0:Success)'",
  'global: no quiet': NO_PREFIX,
  'defaults: http-request deny': 'nothing is different in a named section',
  'listen: rspdel x': "HAProxy's sentence has no end",
  'listen: timeout': OUR_TIMEOUTS,
  'listen: timeout foo': OUR_TIMEOUTS,
  'bind: foo': ONE_COLON,
  'bind: process': 'a value is missing, not a wrong one',
  'bind: backlo 5': ONE_COLON,
  'several problems at once': ONE_COLON,
  'server: weight 257': NO_NAME,
  'server: weight -1': NO_NAME,
  'server: inter x': "HAProxy speaks of 'agent-inter'",
  'server: inter 0': NO_NAME,
  'server: fastinter 0': NO_NAME,
  'server: inter 99999999999': NO_NAME,
}

const STRICT = 'a number that is none is an error, where HAProxy takes it for 0'

/** Verdicts that are not HAProxy's, and why. */
const DIFFERS: Readonly<Record<string, Difference>> = {
  'listen: no timeout client': { why: 'one alert, where HAProxy goes on reading', status: 1, ours: ["6 alert: negation/default is not supported for 'timeout client'"] },
  'listen: no maxconn': { why: 'one alert, where HAProxy goes on reading', status: 1, ours: ["6 alert: negation/default is not supported for 'maxconn'"] },
  'listen: description': { why: 'HAProxy says that the file cannot be opened', status: 1, ours: ["6 alert: 'description' expects a string argument"] },
  'listen: acl': { why: 'HAProxy names a character of its own next message', status: 1, ours: ["6 alert: 'acl' expects a name and a criterion"] },
  'backend: default_backend b': {
    why: 'HAProxy says that it ignores the line and then finds a loop in it',
    status: 0,
    ours: ["10 warning: 'default_backend' ignored because backend 'b' has no frontend capability"],
  },
  'backend: use_backend b': {
    why: 'HAProxy says that it ignores the line and then finds a loop in it',
    status: 0,
    ours: ["10 warning: 'use_backend' ignored because backend 'b' has no frontend capability"],
  },
  'server: source 1.2.3.4 interface': { why: 'HAProxy says it twice', status: 1, ours: ["6 alert: 'server p/s' : 'server' : missing interface name"] },
  'uid and user': { why: 'an alert refuses to start; HAProxy goes on', status: 1, ours: ['3 alert: user/uid already specified. Continuing'] },
  'global: maxconn abc': { why: STRICT, status: 1, ours: ["2 alert: 'maxconn' expects an integer argument, found 'abc'"] },
  'global: ulimit-n x': { why: STRICT, status: 1, ours: ["2 alert: 'ulimit-n' expects an integer argument, found 'x'"] },
  'global: uid abc': {
    why: STRICT,
    status: 1,
    ours: ["2 alert: 'uid' expects an integer argument, 'abc' is not a number. You might want to use the 'user' parameter to use a system user name"],
  },
  'listen: maxconn x': { why: STRICT, status: 1, ours: ["6 alert: 'maxconn' expects an integer argument, found 'x'"] },
  'listen: retries x': { why: STRICT, status: 1, ours: ["6 alert: 'retries' expects an integer argument, found 'x'"] },
  'listen: option redispatch x': { why: STRICT, status: 1, ours: ["6 alert: 'option redispatch' expects an integer argument, found 'x'"] },
  'bind: maxconn x': { why: STRICT, status: 1, ours: ["6 alert: 'bind 127.0.0.1:1234' in section 'listen' : 'maxconn' : expects an integer argument, found 'x'"] },
  'server: weight x': { why: STRICT, status: 1, ours: ["6 alert: 'server p/s' : 'weight' expects an integer argument, found 'x'"] },
  'server: port 70000': { why: 'a port is below 65536', status: 1, ours: ["6 alert: 'server p/s' : 'port' expects a port number as argument, found '70000'"] },
  'global: cpu-map 1 0': { why: 'a Node process cannot bind its threads', status: 0, ours: ["2 warning: 'cpu-map' has no effect: a Node process cannot bind its threads to CPUs"] },
  'global: set-dumpable': { why: 'a Node process cannot do it', status: 0, ours: ["2 warning: 'set-dumpable' has no effect: a Node process cannot change whether it leaves a core dump"] },
  'server: check': {
    why: 'checks are not done yet',
    status: 0,
    ours: ["6 warning: 'server p/s' : 'check' has no effect yet: health checks are not supported yet, the server is taken as up"],
  },
  'listen: mode http': { why: 'HTTP is not proxied as such', status: 1, ours: ["6 alert: 'mode http' is not supported: Headgate is a TCP/TLS proxy"] },
  'listen: mode health': { why: "Headgate's own, from the older language", status: 0, ours: [] },
  'frontend: option httpchk': { why: 'mode health and monitor-net answer by it', status: 0, ours: [] },
  'listen: timeout client-hs 1s': { why: 'HAProxy has it since 3.1', status: 0, ours: [] },
  'defaults: option forwardfor': { why: 'said once, where it is written', status: 0, ours: ["5 warning: 'option forwardfor' ignored as it requires HTTP mode"] },
  'frontend: cookie a insert': { why: 'HAProxy says it twice', status: 0, ours: ["7 warning: 'cookie' ignored because frontend 'f' has no backend capability"] },
  'backend: option httplog': { why: 'HAProxy says it twice', status: 0, ours: ["10 warning: backend 'b' : 'option httplog' directive is ignored in backends"] },
  'backend: monitor-uri /x': { why: 'HAProxy says it twice', status: 0, ours: ["10 warning: 'monitor-uri' ignored because backend 'b' has no frontend capability"] },
  'server: cookie x': { why: 'HAProxy names no line', status: 0, ours: ["6 warning: 'server p/s' : ignoring cookie as HTTP mode is disabled"] },
  'listen: option mysql-check': { why: 'not done yet', status: 1, ours: ["6 alert: 'option mysql-check' is not supported yet"] },
}

const named = (place: string, make: (line: string) => string, lines: readonly string[]): Case[] => lines.map((line) => ({ name: `${place}: ${line}`, text: make(line) }))

const CASES: readonly Case[] = [
  ...named('global', IN_GLOBAL, [
    'maxconn 100', 'maxconn', 'maxconn 5 6', 'nbthread 0', 'nbthread 100', 'nbthread x', 'nbproc 2', 'daemon x', 'pidfile', 'chroot', 'chroot a b',
    'user no-such-user', 'hard-stop-after', 'hard-stop-after 1x', 'hard-stop-after 99d', 'hard-stop-after 10s', 'ca-base', 'ca-base /x /y', 'node', 'localpeer',
    'strict-limits x', 'no strict-limits', 'fd-hard-limit', 'nosplice x', 'setenv A', 'unsetenv', 'resetenv', 'default-path', 'default-path foo',
    'default-path origin', 'default-path current', 'tune.bufsize', 'tune.bufsize 0', 'tune.ssl.keylog', 'tune.ssl.keylog maybe', 'tune.ssl.keylog on off', 'tune.ssl.keylog off', 'tune.maxaccept', 'cpu-map', 'cpu-map x 0', 'no quiet', 'busy-polling', 'noepoll',
    'ssl-default-bind-ciphers', 'ssl-default-bind-options', 'ssl-default-bind-options foo', 'ssl-default-bind-options ssl-min-ver',
    'ssl-default-bind-options ssl-min-ver foo', 'ssl-default-bind-options no-sslv3 ssl-min-ver TLSv1.2', 'ssl-server-verify foo', 'ssl-server-verify none',
    'log', 'log 127.0.0.1', 'log 127.0.0.1 foo', 'log 127.0.0.1 local0', 'log 127.0.0.1 local0 foo', 'log 127.0.0.1 local0 info foo', 'log global',
    'log 127.0.0.1 len 10 local0', 'log 127.0.0.1 format xx local0', 'log 127.0.0.1 sample x local0', 'log 127.0.0.1 sample 3:2 local0',
    'log 127.0.0.1 sample 1-3,2:5 local0', 'log 127.0.0.1 sample 1,3-4:5 local0 info', 'log fd@x local0', 'log stdout format raw local0', 'log 127.0.0.1:10-20 local0',
    'log-tag', 'log-send-hostname', 'description one two', 'foo', 'maxcon 1', 'maxconn abc', 'ulimit-n x', 'uid abc', 'cpu-map 1 0', 'set-dumpable', 'debug', 'tune.h2.max-frame-size 16384', 'tune.http.maxhdr 100', 'tune.http.maxhdr', 'maxcomprate 10',
  ]),
  ...named('defaults', IN_DEFAULTS, ['mode tcp', 'mode http\nlisten q\n bind 127.0.0.1:1235\n mode tcp\n server s 127.0.0.1:1\ndefaults\n timeout client 1s\n timeout server 1s\n timeout connect 1s', 'option http-server-close', 'option httplog', 'option httplog\n option tcplog', 'option tcplog\n option httplog', 'log-format a\n option tcplog', 'option tcplog\n log-format a', 'log-format a\n log-format b', 'timeout http-request 10s', 'errorloc 503 http://a/', 'option forwardfor', 'bind-process 1', 'http-request deny', 'use_backend p', 'dispatch :80', 'server s :1', 'bind :1', 'description x', 'id 3', 'retries 3', 'no log', 'balance leastconn', 'disabled\n enabled']),
  ...named('listen', IN_LISTEN, [
    'mode', 'mode foo', 'mode tcp x', 'default_backend', 'default_backend nosuch', 'use_backend', 'use_backend nosuch if TRUE', 'use_backend a x', 'balance', 'balance uri whole', 'balance hdr(Host)', 'balance url_param a', 'balance random(3)',
    'balance random(0)', 'balance random(x)', 'hash-type foo', 'hash-type consistent foo', 'hash-type consistent sdbm foo', 'hash-type consistent sdbm avalanche', 'dispatch',
    'dispatch 127.0.0.1', 'dispatch 127.0.0.1:80', 'source', 'source 127.0.0.1', 'source 127.0.0.1:80 x', 'source 127.0.0.1 interface', 'source 127.0.0.1:10-20', 'maxconn',
    'maxconn 1 2', 'fullconn', 'backlog', 'retries', 'retries 3 4', 'timeout', 'timeout foo', 'timeout client', 'timeout client 1x', 'timeout client 10s 2s', 'timeout client 30d',
    'timeout client 500us', 'timeout client 1.5s', 'timeout client 5\n timeout client 6', 'no timeout client', 'option', 'option foo', 'option tcplgo', 'option redispatch 2',
    'option tcpka x', 'option tcplog x', 'no option nolinger', 'no option tcplog', 'no option foo', 'no maxconn', 'clitimeout 5', 'redispatch', 'grace 1', 'description', 'id', 'id 0', 'id x', 'id 5 6',
    'disabled x', 'disabled', 'log', 'log global', 'log global x', 'no log x', 'log-tag', 'foo', 'balence roundrobin', 'acl', 'block', 'maxconn x', 'retries x', 'option redispatch x', 'mode http', 'mode health', 'timeout client-hs 1s', 'http-request deny', 'http-request deny if TRUE\n http-response deny\n http-request deny', 'redirect location / if TRUE', 'capture cookie a len 5', 'cookie a insert', 'monitor-uri /x', 'errorloc 503 http://a/', 'errorloc', 'http-reuse safe', 'compression algo gzip', 'max-keep-alive-queue 5', 'unique-id-header X', 'timeout http-request 5s', 'timeout http-request 5x', 'timeout http-keep-alive 5s', 'option http-server-close', 'no option http-server-close', 'option httpclose', 'option forwardfor', 'no option forwardfor', 'option forwardfor except 127.0.0.0/8', 'option originalto', 'option checkcache', 'no option checkcache', 'option http-no-delay', 'option idle-close-on-response', 'option httplog clf', 'option httplog x', 'no option httplog', 'option httpslog', 'option forceclose', 'option http-tunnel', 'option http_proxy', 'appsession x', 'reqadd x', 'reqidel x', 'reqpass x', 'reqrep x y', 'rspirep x y', 'rspdel x', 'timeout clitimeout 5', 'timeout srvtimeout 5', 'timeout contimeout 5', 'contimeout 5', 'srvtimeout 5', 'bind-process 1', 'option tcp-smart-accept', 'option tcp-smart-connect', 'option httplog', 'option mysql-check', 'source 127.0.0.1 usesrc clientip', 'source 127.0.0.1 usesrc 127.0.0.2:80 interface lo', 'source 127.0.0.1 usesrc client foo',
  ]),
  ...named('frontend', IN_FRONTEND, [
    'timeout connect 1s', 'timeout client 1s', 'balance leastconn', 'hash-type consistent', 'dispatch :80', 'fullconn 5', 'retries 3', 'option redispatch', 'option srvtcpka',
    'option abortonclose', 'source 0.0.0.0', 'server s :1', 'default-server maxconn 4', 'timeout tunnel 1s', 'timeout queue 1s', 'option httpchk', 'option checkcache', 'cookie a insert', 'http-reuse safe',
  ]),
  ...named('backend', IN_BACKEND, [
    'timeout client 1s', 'maxconn 5', 'backlog 5', 'default_backend b', 'use_backend b', 'option clitcpka', 'option logasap', 'bind :1', 'timeout client-fin 1s', 'option tcplog', 'option httplog', 'option disable-h2-upgrade', 'monitor-uri /x',
  ]),
  ...named('bind', ON_BIND, [
    'backlog', 'backlog -1', 'backlog 5', 'maxconn', 'maxconn -1', 'name', 'name a', 'id', 'id x', 'id 0', 'interface', 'v4v6', 'mode', 'mode x', 'uid', 'user', 'user no-such-user', 'group no-such-group',
    'nice', 'nice 5000', 'mss', 'mss x', 'mss 1400', 'tcp-ut', 'tcp-ut x', 'tcp-ut 10s', 'foo', 'backlo 5', 'tfo defer-accept transparent', 'maxconn x', 'process 1', 'process',
  ]),
  ...named('server', ON_SERVER, [
    'weight 257', 'weight -1', 'weight 0', 'backup disabled', 'inter', 'inter x', 'inter 0', 'fastinter 0', 'rise', 'rise 0', 'fall x', 'port', 'addr', 'addr 1.2.3.4', 'maxconn 5 minconn 2 maxqueue 4',
    'source', 'source 1.2.3.4:1-5', 'source 1.2.3.4 interface', 'id', 'id 0', 'id 4', 'init-addr foo', 'init-addr last,libc,none', 'tcp-ut', 'tcp-ut x', 'foo', 'wieght 5', 'no-backup no-check enabled',
    'inter 99999999999', 'weight x', 'port 70000', 'check', 'cookie x', 'pool-max-conn 5', 'pool-low-conn 5', 'pool-purge-delay 5s', 'max-reuse 5',
  ]),
  { name: 'several problems at once', text: `${TIMEOUTS}listen p\n bind 127.0.0.1:1234 foo\n maxconn\n server s 127.0.0.1:1 foo\n timeout client x\n zork\n` },
  { name: 'missing timeouts', text: 'listen p\n bind 127.0.0.1:1234\n server s 127.0.0.1:1\n' },
  { name: 'nothing to listen on', text: `${TIMEOUTS}backend b\n server s 127.0.0.1:1\n` },
  { name: 'an empty file', text: '\n' },
  { name: 'two global sections', text: `global\n maxconn 5\nglobal\n nbthread 1\n${TIMEOUTS}listen p\n bind 127.0.0.1:1234\n server s 127.0.0.1:1\n` },
  { name: 'named defaults', text: `defaults a\n timeout client 1s\ndefaults b from a\n timeout server 1s\n timeout connect 1s\nlisten p from b\n bind 127.0.0.1:1234\n server s 127.0.0.1:1\n` },
  { name: 'uid and user', text: `global\n uid 1\n user root\n${TIMEOUTS}listen p\n bind 127.0.0.1:1234\n server s 127.0.0.1:1\n` },
]

t.test('configurations', { skip: installed('haproxy') ? false : 'haproxy is not installed' }, async (t) => {
  t.ok(CASES.length >= 60, `${CASES.length} cases`)
  const names = new Set(CASES.map((one) => one.name))
  for (const name of [...Object.keys(WORDING), ...Object.keys(DIFFERS)]) t.ok(names.has(name), `${name} is a case`)
  for (const one of CASES) {
    const ours = headgate(one.text)
    const theirs = haproxy(one.text)
    const difference = DIFFERS[one.name]
    if (difference !== undefined) {
      const same = ours.status === theirs.status && String(comparable(ours.said, theirs.said, true)) === String(comparable(theirs.said, theirs.said, true))
      t.notOk(same, `${one.name}: still differs`)
      t.equal(ours.status, difference.status, `${one.name}: status (${difference.why})`)
      t.same(ours.said.map((s) => `${s.line} ${s.level}: ${s.text}`), difference.ours, `${one.name}: ${difference.why}`)
      continue
    }
    const texts = WORDING[one.name] === undefined
    t.equal(ours.status, theirs.status, `${one.name}: status`)
    t.same(comparable(ours.said, theirs.said, texts), comparable(theirs.said, theirs.said, texts), one.name)
  }
})

/** One of each kind of place and message. */
const PRINTED: readonly string[] = [
  'global: maxconn abc', 'global: maxcon 1', 'global: nbproc 2', 'listen: mode http', 'listen: timeout client 1x', 'listen: option tcplgo', 'listen: default_backend nosuch',
  'frontend: timeout connect 1s', 'bind: backlo 5', 'server: wieght 5', 'several problems at once', 'missing timeouts', 'nothing to listen on', 'named defaults',
]

t.test('the program prints what the loader finds, in a form that is read like the other', async (t) => {
  for (const name of PRINTED) {
    const one = CASES.find((c) => c.name === name)
    if (one === undefined) {
      t.fail(`no case ${name}`)
      continue
    }
    const found = headgate(one.text)
    const program = printed(process.execPath, [MAIN], one.text)
    t.equal(program.status, found.status, `${name}: status`)
    // behind the text stands a hint, where there is one
    const cut = program.said.map((s, i) => ({ ...s, text: s.text.slice(0, found.said[i]?.text.length) }))
    t.same(cut, found.said, name)
  }
})
