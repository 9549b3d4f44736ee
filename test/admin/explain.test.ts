// headgate explain: the way of an imagined connection, line by line; what cannot be imagined; and that no socket is opened.

import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import t from 'tap'
import { certificates } from '../kit/certificates.ts'
import { MAIN } from '../kit/command.ts'
import { readClientHello } from '../../src/core/client-hello.ts'
import { makeClientHello } from '../../src/core/client-hello-write.ts'

const folder = mkdtempSync(path.join(os.tmpdir(), 'headgate-explain-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))
const { server, client, caFile } = await certificates()

function file(name: string, contents: string | Buffer): string {
  const at = path.join(folder, name)
  writeFileSync(at, contents)
  return at
}

const config = file(
  'e.cfg',
  `defaults
  mode tcp
  timeout client 5s
  timeout server 5s
  timeout connect 1s
frontend web
  bind :443
  bind 127.0.0.1:8443 ssl crt ${server.pem} ca-file ${caFile} verify optional alpn h2 accept-proxy
  bind 127.0.0.1:9443 ssl crt ${server.pem} ca-file ${caFile} verify required
  tcp-request connection reject if { src 10.0.0.0/8 }
  tcp-request connection silent-drop if { src 11.0.0.0/8 }
  tcp-request session set-var(sess.name) ssl_fc_sni
  tcp-request inspect-delay 2s
  acl tls req.ssl_hello_type 1
  tcp-request content accept if tls
  tcp-request content reject if { req.len gt 50 } !tls
  use_backend a if { req.ssl_sni -m end .a.example }
  use_backend a if { ssl_c_used }
  use_backend %[req.payload(0,4)] if { req.payload(0,3) -m str zzz }
  default_backend b
backend a
  server s1 10.1.0.1:443
  server s2 10.1.0.2:443 disabled
backend b
  tcp-request content reject if { req.len lt 3 }
  server s1 10.2.0.1:80 send-proxy ssl verify none sni var(sess.name)
backend down
  server s 10.3.0.1:80 disabled
listen closed
  bind 127.0.0.1:7000
  server s 10.3.0.1:80 disabled
`,
)

function explain(...args: readonly string[]): { readonly lines: readonly string[]; readonly text: string; readonly status: number | null } {
  const { stdout, stderr, status } = spawnSync(process.execPath, [MAIN, 'explain', '-f', config, ...args], { encoding: 'utf8' })
  const text = stdout.replaceAll(config, 'e.cfg')
  return { lines: text.trimEnd().split('\n'), text: text + stderr, status }
}

t.test('a hello that passes through, rule by rule', async (t) => {
  const { lines, status } = explain('--sni', 'x.a.example')
  t.equal(status, 0)
  t.same(lines, [
    'connection from 192.0.2.1:40000 to 198.51.100.1:443: frontend web, bind line e.cfg:7',
    'handler tcp-rules connection',
    '  e.cfg:10 tcp-request connection reject if { src 10.0.0.0/8 }',
    '    src = 192.0.2.1',
    '    { src 10.0.0.0/8 } does not hold',
    '    → does not hold',
    '  e.cfg:11 tcp-request connection silent-drop if { src 11.0.0.0/8 }',
    '    src = 192.0.2.1',
    '    { src 11.0.0.0/8 } does not hold',
    '    → does not hold',
    '  → done',
    'handler tcp-rules session',
    '  e.cfg:12 tcp-request session set-var(sess.name) ssl_fc_sni',
    '    ssl_fc_sni = no value',
    '    → next rule',
    '  → done',
    'handler session',
    "  → a session of frontend 'web' begins",
    'e.cfg:15 tcp-request content accept if tls',
    '  req.ssl_hello_type = 1',
    '  { req.ssl_hello_type 1 } holds',
    '  → accept',
    'e.cfg:17 use_backend a if { req.ssl_sni -m end .a.example }',
    '  req.ssl_sni = "x.a.example"',
    '  { req.ssl_sni -m end .a.example } holds',
    '  → holds',
    'backend a',
    'server a/s1',
    'connects to 10.1.0.1:443',
    '  handler connect',
    '    → connected: from here on data passes both ways',
    'ends at server a/s1 (10.1.0.1:443)',
  ])
})

t.test('how connections end', async (t) => {
  t.match(explain('--src', '10.1.1.1:5').lines.slice(-3), ['  → resets: denied', "refused: denied in handler 'tcp-rules connection', reset", 'the client gets RST'])
  t.match(explain('--src', '11.1.1.1').lines.at(-1), 'the client gets nothing, ever: neither FIN nor RST')
  t.match(explain('--bytes', file('long', 'x'.repeat(60))).text, /e\.cfg:16 [^]*→ reject\nsession over: PR\nthe client gets FIN/)
  t.match(explain('--dst', '127.0.0.1:7000').text, /backend closed\nno server is up\nsession over: SC\nthe client gets FIN/)
  t.match(explain('--dst', '127.0.0.1:8443', '--sni', 'x').text, /handler accept-proxy\n {2}→ resets: malformed .*\nrefused: .* in handler 'accept-proxy', reset\nthe client gets RST/)
})

t.test('time passes only where rules wait', async (t) => {
  const { lines } = explain('--bytes', file('short', 'hello'))
  t.ok(lines.includes('after 2000 ms'), lines.join('\n'))
  t.match(lines.at(-1), 'ends at server b/s1 (10.2.0.1:80)')
  t.match(explain('--bytes', file('short', 'hello'), '--end').text, /^(?![^]*after 2000)[^]*ends at server b\/s1/, 'a client that has ended says no more')
})

t.test('a handler that waits for something of its own gets the time for it', async (t) => {
  const door = new URL('../../src/plugin.js', import.meta.url).href
  const plugin = file(
    'think.mjs',
    `import { next, wait } from ${JSON.stringify(door)}
let done = false
const step = (hs) => {
  if (done) return next()
  setTimeout(() => { done = true; hs.wake() }, 30)
  return wait()
}
export const think = { name: 'think', handlers: [{ name: 'think', side: 'accept', after: ['tls'], plan: () => () => ({ name: 'think', step }) }] }
`,
  )
  const cfg = file('think.cfg', 'frontend f\n bind :80\n timeout client 1s\n default_backend b\nbackend b\n server s 127.0.0.1:1\n timeout server 1s\n timeout connect 1s\n')
  const { stdout } = spawnSync(process.execPath, [MAIN, 'explain', '-f', cfg], { encoding: 'utf8', env: { ...process.env, HEADGATE_PLUGINS: plugin } })
  t.match(stdout, /handler think\n {2}→ waits\nhandler think\n {2}→ done\n[^]*ends at server b\/s/)
})

t.test('a PROXY header, TLS undone here, TLS and a header towards the server', async (t) => {
  const header = file('pp', 'PROXY TCP4 203.0.113.9 198.51.100.2 1234 443\r\n')
  const { lines, text } = explain('--dst', '127.0.0.1:8443', '--proxy-header', header, '--sni', 'x.a.example', '--alpn', 'h2', '--bytes', file('inside', 'hello world'))
  t.ok(lines.includes('    ssl_fc_sni = "x.a.example"'), text)
  t.match(text, /req\.ssl_hello_type = no value/, 'what is inside is no hello')
  t.match(text, /handler send-proxy[^]*handler tls\n {4}var\(sess\.name\) = "x\.a\.example"[^]*ends at server b\/s1 \(10\.2\.0\.1:80\)$/m)
  t.match(explain('--dst', '127.0.0.1:8443', '--proxy-header', header).text, /a client hello is made up/)
  const lacks = explain('--dst', '127.0.0.1:9443', '--sni', 'x')
  t.match(lacks.text, /refused: failed .*SSL handshake failure/)
  const pem = file('client.pem', client.cert)
  t.match(explain('--dst', '127.0.0.1:9443', '--sni', 'x', '--client-cert', pem, '--bytes', file('inside', 'hello world')).text, /ssl_c_used = true[^]*ends at server a\/s1/)
})

t.test('the real hello of a file', async (t) => {
  t.match(explain('--client-hello', file('hello', makeClientHello({ sni: 'y.a.example', alpn: [] }))).lines.at(-1), /server a\/s1/)
  const made = readClientHello(makeClientHello({ sni: 'Name.Example', alpn: ['h2', 'http/1.1'] }))
  t.match(made, { state: 'hello', hello: { sni: 'name.example', serverName: 'Name.Example', alpn: ['h2', 'http/1.1'], maxVersion: 0x0304, groups: [0x1d, 0x17, 0x18] } })
})

t.test('what cannot be imagined is said', async (t) => {
  for (const [args, text] of [
    [['--src', 'nonsense'], /'--src' expects an address/],
    [['--dst', '127.0.0.1:70000'], /'--dst' expects an address/],
    [['--bytes', path.join(folder, 'nope')], /'--bytes' expects a file .*, cannot read '.*nope': No such file or directory/],
    [['--client-cert', config], /holds no certificate/],
    [['--sni'], /'--sni' expects an argument/],
    [['--what'], /unknown option '--what'/],
    [['--dst', '9.9.9.9:1'], /no bind line listens on 9\.9\.9\.9:1; there are \S+:\d+ \(\S+\)/],
    [['--frontend', 'nobody'], /no frontend is named 'nobody': there are 'web', 'closed'\n/],
    [['--frontend', 'close'], /no frontend is named 'close': there are 'web', 'closed'; did you mean 'closed' maybe \?/],
  ] as const) {
    const { text: said, status } = explain(...args)
    t.match(said, text)
    t.equal(status, 1)
  }
  const { stderr, status } = spawnSync(process.execPath, [MAIN, 'explain', '-f', file('bad.cfg', 'frontend f\n  bnid :1\n')], { encoding: 'utf8' })
  t.match(stderr, /unknown keyword 'bnid'/)
  t.equal(status, 1)
})

t.test('help is no mistake', async (t) => {
  for (const command of ['explain', 'lint']) {
    for (const word of ['-h', '--help']) {
      const { stdout, stderr, status } = spawnSync(process.execPath, [MAIN, command, word], { encoding: 'utf8' })
      t.match(stdout, `Usage : headgate ${command} -f <file|folder>`)
      t.same([stderr, status], ['', 0], `${command} ${word}`)
    }
  }
})

t.test('no socket is opened', { skip: process.platform !== 'linux' }, async (t) => {
  const traced = spawnSync('strace', ['-f', '-e', 'trace=socket,bind,connect,listen', '-o', path.join(folder, 'calls'), process.execPath, MAIN, 'explain', '-f', config, '--sni', 'x'], { encoding: 'utf8' })
  if (traced.error !== undefined) return t.comment('strace is not installed')
  const calls = execFileSync('cat', [path.join(folder, 'calls')], { encoding: 'utf8' })
  t.notMatch(calls, /AF_INET/)
})

t.test('a computed name that no backend has', async (t) => {
  const { lines } = explain('--dst', '192.0.2.9:443', '--bytes', file('zzz', 'zzzy'))
  const at = lines.indexOf("no backend is named 'zzzy': the default")
  t.not(at, -1)
  t.equal(lines[at + 1], 'backend b')
})
