// From lines of a configuration to what a provider is asked for: every option reaches the listener or the connect it was written for.

import t from 'tap'
import type { ConnectSpec, ListenSpec } from '../../src/core/provider.ts'
import { GaugeMemory } from '../../src/proxy/gauge.ts'
import { BuildError } from '../../src/proxy/runtime.ts'
import { world } from './world.ts'

const DEFAULTS = 'defaults\n  mode tcp\n  timeout client 1m\n  timeout server 1m\n  timeout connect 1s\n'

async function listened(bind: string, section = ''): Promise<ListenSpec> {
  const w = await world(`${DEFAULTS}frontend f\n${section}  bind ${bind}\n`)
  const spec = w.provider.listeners[0]?.spec
  if (spec === undefined) throw new Error('nothing listens')
  return spec
}

async function connected(server: string, section = ''): Promise<ConnectSpec> {
  const w = await world(`${DEFAULTS}frontend f\n  bind 127.0.0.1:1\n  default_backend b\nbackend b\n${section}  server s ${server}\n`)
  w.accept({ make: (sock) => sock.arrive('x') })
  const spec = w.provider.connects[0]?.spec
  if (spec === undefined) throw new Error('nobody connects')
  return spec
}

t.test('bind lines', async (t) => {
  const at = (port: number) => ({ family: 'ipv4' as const, host: '127.0.0.1', port })
  t.strictSame(await listened('127.0.0.1:7'), { address: at(7), backlog: 1024, v6only: false, keepAlive: false, smartAccept: false })
  const cases: readonly (readonly [string, Partial<ListenSpec>])[] = [
    ['backlog 9', { backlog: 9 }],
    ['interface lo', { interface: 'lo' }],
    ['transparent', { transparent: true }],
    ['tfo', { tcpFastOpen: true }],
    ['defer-accept', { deferAccept: true }],
    ['mss 1400', { mss: 1400 }],
    ['mss -40', { mss: -40 }],
    ['tcp-ss 0', {}],
    ['tcp-ss 1', { saveSyn: 1 }],
    ['tcp-ss 2', { saveSyn: 2 }],
    ['tcp-ut 5s', { userTimeout: 5000 }],
  ]
  for (const [words, expected] of cases) t.strictSame(await listened(`127.0.0.1:7 ${words}`), { address: at(7), backlog: 1024, v6only: false, keepAlive: false, smartAccept: false, ...expected }, words)
  t.equal((await listened('127.0.0.1:7', '  option tcp-smart-accept\n')).smartAccept, true)
  t.equal((await listened('127.0.0.1:7', '  no option tcp-smart-accept\n')).smartAccept, false)
  t.equal((await listened('[::]:7 v6only')).v6only, true)
  t.equal((await listened('[::]:7 v6only v4v6')).v6only, false)
  t.match(await listened('/run/headgate-test.sock mode 660 uid 12 gid 34'), { address: { family: 'unix', path: '/run/headgate-test.sock', abstract: false }, mode: 0o660, uid: 12, gid: 34 })
  t.match(await listened('abns@headgate-test'), { address: { family: 'unix', path: 'headgate-test', abstract: true } })
  t.match(await listened('fd@7'), { fd: 7 })
  t.equal((await listened('127.0.0.1:7', '  backlog 77\n')).backlog, 77)
  t.equal((await listened('127.0.0.1:7 backlog 9', '  backlog 77\n')).backlog, 9)
})

t.test('several addresses and a range of ports on one line are listeners of their own', async (t) => {
  const w = await world(`${DEFAULTS}frontend f\n  bind 127.0.0.1:10-12,[::1]:13 name all\n`)
  t.same(w.runtime.listening(), ['127.0.0.1:10', '127.0.0.1:11', '127.0.0.1:12', '[::1]:13'])
  t.same(w.runtime.frontends[0]?.binds.map((bind) => bind.name), ['all', 'all', 'all', 'all'])
})

t.test('server lines', async (t) => {
  const to = { family: 'ipv4' as const, host: '127.0.0.2', port: 9 }
  t.strictSame(await connected('127.0.0.2:9'), { keepAlive: false, to })
  const from = (host: string, port = 0) => ({ family: 'ipv4' as const, host, port })
  const cases: readonly (readonly [string, Partial<ConnectSpec>])[] = [
    ['tfo', { tcpFastOpen: true }],
    ['tcp-ut 5s', { userTimeout: 5000 }],
    ['source 127.0.0.3', { from: from('127.0.0.3') }],
    ['source 127.0.0.3:4000', { from: from('127.0.0.3', 4000) }],
    ['source 0.0.0.0 interface lo', { interface: 'lo' }],
    ['source 127.0.0.3 usesrc 192.0.2.9:7', { from: from('192.0.2.9', 7), transparent: true }],
    ['source 127.0.0.3:10-20 interface lo usesrc 192.0.2.9', { from: from('192.0.2.9'), transparent: true, interface: 'lo' }],
    ['source 127.0.0.3:10-20 usesrc client', { from: from('192.0.2.1', 40_000), transparent: true }],
    ['source 0.0.0.0 usesrc client usesrc clientip interface lo', { from: from('192.0.2.1'), transparent: true, interface: 'lo' }],
  ]
  for (const [words, expected] of cases) t.strictSame(await connected(`127.0.0.2:9 ${words}`), { keepAlive: false, to, ...expected }, words)
  t.strictSame(await connected('127.0.0.2:9', '  source 127.0.0.4\n'), { keepAlive: false, to, from: from('127.0.0.4') }, "the backend's source")
  t.strictSame(await connected('127.0.0.2:9', '  source 127.0.0.4 usesrc clientip\n  tcp-request content set-src str(203.0.113.5)\n'), { keepAlive: false, to, from: from('203.0.113.5'), transparent: true }, "the session's source, as rules made it")
  t.strictSame(await connected('127.0.0.2:9 source 127.0.0.3', '  source 127.0.0.4\n'), { keepAlive: false, to, from: from('127.0.0.3') }, "the server's own wins")
  t.strictSame(await connected('127.0.0.2:9', '  default-server tfo\n'), { keepAlive: false, to, tcpFastOpen: true })
  t.strictSame(await connected('127.0.0.2:9 no-tfo', '  default-server tfo\n'), { keepAlive: false, to })
})

t.test('a backend without servers has its source, too', async (t) => {
  const to = { family: 'ipv4' as const, host: '127.0.0.2', port: 9 }
  for (const [source, expected] of [
    ['127.0.0.4 interface lo', { from: { family: 'ipv4', host: '127.0.0.4', port: 0 }, interface: 'lo' }],
    ['0.0.0.0 usesrc client', { from: { family: 'ipv4', host: '192.0.2.1', port: 40_000 }, transparent: true }],
  ] as const) {
    const text = `${DEFAULTS}listen l\n  bind 127.0.0.1:1\n  dispatch 127.0.0.2:9\n  source ${source}\n`
    const w = await world(text)
    w.accept({ make: (sock) => sock.arrive('x') })
    t.strictSame(w.provider.connects[0]?.spec, { keepAlive: false, to, ...expected }, source)
    await t.rejects(world(text, { provider: 'node' }), { message: /'backend l' : 'source (interface|usesrc)' needs the linux provider/ })
  }
})

t.test('keep-alive: towards clients, towards servers, both', async (t) => {
  for (const [option, client, server] of [['tcpka', true, true], ['clitcpka', true, false], ['srvtcpka', false, true]] as const) {
    const w = await world(`${DEFAULTS}listen l\n  bind 127.0.0.1:1\n  option ${option}\n  server s 127.0.0.2:9\n`)
    w.accept({ make: (sock) => sock.arrive('x') })
    t.equal(w.provider.listeners[0]?.spec.keepAlive, client, `option ${option}: clients`)
    t.equal(w.provider.connects[0]?.spec.keepAlive, server, `option ${option}: servers`)
  }
})

t.test('splicing: both ways unless options say otherwise', async (t) => {
  const cases: readonly (readonly [string, boolean, boolean])[] = [
    ['', true, true],
    ['  option splice-auto\n', true, true],
    ['  no option splice-auto\n', false, false],
    ['  option splice-request\n', true, false],
    ['  option splice-response\n', false, true],
    ['  no option splice-auto\n  option splice-request\n', true, false],
    ['  no option splice-response\n', true, false],
  ]
  for (const [options, request, response] of cases) {
    const w = await world(`${DEFAULTS}frontend f\n${options}  bind 127.0.0.1:1\n`)
    const frontend = w.runtime.frontends[0]
    t.same([frontend?.settings.spliceRequest, frontend?.settings.spliceResponse], [request, response], options)
  }
})

t.test('what rules say of the connection to the server is asked of the provider', async (t) => {
  const asked = async (rules: string): Promise<ConnectSpec | undefined> => {
    const w = await world(`${DEFAULTS}listen l\n  bind 127.0.0.1:1\n${rules}  server s 127.0.0.2:9\n`)
    w.accept({ make: (sock) => sock.arrive('x') })
    return w.provider.connects[0]?.spec
  }
  t.equal((await asked('  tcp-request content accept\n'))?.packets, undefined)
  t.match((await asked('  tcp-request content set-bc-tos 8\n'))?.packets, { tos: 8, mark: undefined })
  t.match((await asked('  tcp-request content set-bc-tos 8\n  tcp-request content set-bc-mark int(7)\n'))?.packets, { tos: 8, mark: 7 })
})

t.test('actions that only the kernel can do stop the start where the provider is node, each named once with its line', async (t) => {
  const text = `defaults d\n  mode tcp\n  timeout client 1m\n  timeout server 1m\n  timeout connect 1s\n  tcp-request connection set-mark 7\nlisten one from d\n  bind 127.0.0.1:1\n  tcp-request content set-tos 8 if TRUE\n  tcp-request content set-bc-tos 8\n  tcp-response content set-tos 8\n  server s 127.0.0.2:9\nlisten two from d\n  bind 127.0.0.1:2\n  tcp-request session accept\n  server s 127.0.0.2:9\n`
  const refused: unknown = await world(text, { provider: 'node' }).catch((error: unknown) => error)
  t.ok(refused instanceof BuildError)
  if (!(refused instanceof BuildError)) return
  t.same(refused.problems.map((p) => `${p.line} ${p.text}`).sort(), [
    "10 'tcp-request content' : 'set-bc-tos' needs the linux provider, and this is 'node'",
    "11 'tcp-response content' : 'set-tos' needs the linux provider, and this is 'node'",
    "6 'tcp-request connection' : 'set-mark' needs the linux provider, and this is 'node'",
    "9 'tcp-request content' : 'set-tos' needs the linux provider, and this is 'node'",
  ])
  await world(text)
})

t.test('thousands of servers have their counters; a section that there are none left for is named', async (t) => {
  const text = (n: number): string => `${DEFAULTS}frontend f\n  bind 127.0.0.1:1\n  default_backend b\nbackend b\n${Array.from({ length: n }, (_, i) => `  server s${i} 127.0.0.2:9\n`).join('')}`
  const w = await world(text(5000))
  t.equal(w.runtime.backends[0]?.servers.length, 5000)
  const few = new GaugeMemory(0, 1, new SharedArrayBuffer(2 * 4 * 40))
  const refused: unknown = await world(text(20), { gauges: few }).catch((error: unknown) => error)
  t.ok(refused instanceof BuildError)
  if (!(refused instanceof BuildError)) return
  t.same(refused.problems.map((p) => `${p.level} ${p.line} ${p.text}`), ["alert 9 'backend b' : more than 40 counters are needed: too many proxies and servers for one process"])
})
