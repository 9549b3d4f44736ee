// What can be told of a session's course: ACLs as values, values under a condition, timers, timeouts, what it costs.

import t from 'tap'
import { FakeHandshake } from '../kit/index.ts'
import { Profiles } from '../../src/proxy/profile.ts'
import type { ConnectionUser } from '../../src/core/connection.ts'
import type { Plugin } from '../../src/core/plugin.ts'
import { service } from '../../src/core/service.ts'
import { PROFILE } from '../../src/core/profile.ts'
import { world, type World } from './world.ts'

const plugin: Plugin = { name: 'test', services: { quiet: service('quiet', () => ({ data: () => undefined })) } }

const on = (format: string, front: readonly string[] = [], global: readonly string[] = [], back: readonly string[] = []): Promise<World> =>
  world(
    `global
  ${global.join('\n  ')}
defaults
  mode tcp
  timeout client 1m
  timeout server 1m
  timeout connect 2s
frontend f
  bind 127.0.0.1:1001
  ${front.join('\n  ')}
  log-format "${format}"
  default_backend b
backend b
  ${back.join('\n  ')}
  server s 127.0.0.2:2001
`,
    { plugins: [plugin] },
  )

/** A client says `said`, the server answers, both end: the log line. */
async function lineOf(w: World, said = 'hello', pause = 0): Promise<string | undefined> {
  const client = w.accept()
  client.arrive(said)
  w.settle()
  if (pause > 0) w.pass(pause)
  if (w.provider.connects.length > 0) {
    const server = w.server()
    server.connected()
    w.settle()
    server.arrive('answer')
    w.settle()
    server.end()
    w.settle()
  }
  client.end()
  w.pass(100)
  await Promise.resolve()
  return w.lines[0]
}

t.test('acl(): named ACLs as a value', async (t) => {
  const acls = ['acl me src 192.0.2.0/24', 'acl you src 10.0.0.0/8', 'acl big req.len gt 3', 'tcp-request inspect-delay 1s']
  const of = (expression: string, said?: string, pause?: number, more: readonly string[] = []): Promise<string | undefined> =>
    on('%[var(txn.a)] %[src,when(acl,me)] %[src,when(!acl,me)]', [...acls, ...more, `tcp-request content set-var(txn.a) ${expression}`]).then((w) => lineOf(w, said, pause))
  t.equal(await of('acl(me)'), '1 192.0.2.1 -')
  t.equal(await of('acl(!me)'), '0 192.0.2.1 -')
  t.equal(await of('acl(me,!you,TRUE)'), '1 192.0.2.1 -')
  t.equal(await of('acl(me,you)'), '0 192.0.2.1 -')
  const wait = ['tcp-request content accept if !{ acl(big) -m found }', 'acl enough acl(me,big)', 'acl small acl(!big)']
  t.equal(await of('acl(big)', 'hello', 0, wait), '1 192.0.2.1 -')
  const later = await on('%[var(txn.a)] %[var(txn.b)]', [...acls, ...wait.slice(1), 'tcp-request content set-var(txn.a) int(1) if enough', 'tcp-request content set-var(txn.b) int(1) if small'])
  t.equal(await lineOf(later, 'he', 1500), '- 1', 'an ACL that may still pass is waited for, until nothing can come')
  const enough = await on('%[var(txn.a)] %[var(txn.b)]', [...acls, ...wait.slice(1), 'tcp-request content set-var(txn.a) int(1) if enough', 'tcp-request content set-var(txn.b) int(1) if small'])
  t.equal(await lineOf(enough, 'hello'), '1 -')
  for (const [words, why] of [
    ['set-var(txn.a) acl(nope)', "no such ACL : 'nope'"],
    ['set-var(txn.a) acl(me,yuo)', "no such ACL : 'yuo'"],
    ['set-var(txn.a) acl', "missing arguments (got 0/1), type 'string' expected"],
    ['set-var(txn.a) acl(METH_GET)', 'HTTP requests'],
    ['set-var(txn.a) str(x),when(nope)', "unknown condition 'nope'"],
    ['set-var(txn.a) str(x),when(acl)', "expects the name of an ACL"],
    ['set-var(txn.a) str(x),when(acl,nope)', "no such ACL : 'nope'"],
    ['set-var(txn.a) str(x),when(error,me)', 'takes no argument'],
  ] as const) await t.rejects(on('-', [...acls, `tcp-request content ${words}`]), { message: new RegExp(why.replace(/[()]/g, '\\$&')) }, words)
})

t.test('when(): what holds of the session', async (t) => {
  const FORMAT = '%[str(E),when(error)]%[str(N),when(normal)]%[str(F),when(forwarded)]%[str(A),when(toapplet)]%[str(P),when(processed)]%[str(S),when(stopping)]%[str(s),when(!stopping)] %ts'
  t.equal(await lineOf(await on(FORMAT)), '-NF-P-s --')
  t.equal(await lineOf(await on(FORMAT, ['tcp-request content reject'])), 'E-----s PR')
  t.equal(await lineOf(await on(FORMAT, ['tcp-request content use-service quiet'])), '-N-AP-s --')
  const early = await on('%[var(txn.a)]', ['tcp-request content set-var(txn.a) str(x),when(forwarded)', 'tcp-request content set-var(txn.a) str(y),when(!forwarded)'])
  t.equal(await lineOf(early), 'y')
})

t.test('timers, timeouts and queues', async (t) => {
  const timers = await on('%[fc.timer.handshake] %[bc.timer.connect] %[fc.timer.total] %[txn.timer.user] %[res.timer.data] %[req.bytes_out]/%[res.bytes_out] %[bc_be_queue]/%[bc_srv_queue] %Th/%Tc/%Tt/%Tu/%Td')
  const line = (await lineOf(timers, 'hello', 300)) ?? ''
  const [th, tc, tt, tu, td] = (line.split(' ').at(-1) ?? '').split('/')
  t.equal(line, `${th} ${tc} ${tt} ${tu} ${td} 5/6 0/0 ${th}/${tc}/${tt}/${tu}/${td}`)
  t.equal(tc, '300')
  t.equal(await lineOf(await on('%[bc.timer.connect]|%[bc_reused]', ['tcp-request content reject'])), '-|-', 'what never came is no value')
  const NAMES = ['fe_tarpit_timeout', 'be_connect_timeout', 'be_queue_timeout', 'be_tarpit_timeout', 'be_max_retries', 'cur_connect_timeout', 'cur_queue_timeout', 'cur_tarpit_timeout', 'cur_max_retries', 'fc_nb_streams', 'bc_nb_streams', 'bc_reused', 'tgroup', 'fe_req_rate', 'fe_req_rate(f)']
  const limits = await on(NAMES.map((name) => `%[${name}]`).join(' '), ['timeout tarpit 7s'], [], ['timeout queue 9s', 'retries 5', 'timeout tarpit 8s'])
  t.equal(await lineOf(limits), '7000 2000 9000 8000 5 2000 9000 8000 5 1 1 0 1 0 0')
})

t.test('bytes that came, passed on or not; who was waiting, who decided', async (t) => {
  const BYTES = '%[req.bytes_in]/%[req.bytes_out] %[res.bytes_in]/%[res.bytes_out] %ts'
  t.equal(await lineOf(await on(BYTES)), '5/5 6/6 --')
  t.equal(await lineOf(await on(BYTES, ['tcp-request inspect-delay 1s', 'tcp-request content reject if { req.len gt 0 }'])), '5/0 0/0 PR')
  t.equal(await lineOf(await on(BYTES, [], [], ['tcp-response inspect-delay 1s', 'tcp-response content reject if { res.len gt 3 }'])), '5/5 6/0 PD')
  const ENTITIES = '%[last_entity] %[waiting_entity] %ts'
  const RULES = ['tcp-request inspect-delay 5s', 'tcp-request content set-var(txn.a) int(1)', 'tcp-request content accept if { req.len gt 10 }', 'tcp-request content reject if { req.len gt 3 } WAIT_END']
  const places = ((await lineOf(await on('%[last_rule_file]:%[last_rule_line] %[last_entity]', ['tcp-request content reject']))) ?? '').split(' ')
  t.equal(places[0], places[1])
  const [file, line] = (places[0] ?? '').split(/:(?=\d+$)/)
  const at = (n: number): string => `${file}:${Number(line) + n}`
  t.equal(await lineOf(await on(ENTITIES, RULES), 'hello, world'), `${at(2)} - --`, 'it waited for nothing')
  const w = await on(ENTITIES, RULES)
  const client = w.accept()
  client.arrive('hello')
  w.pass(1000)
  client.break('ECONNRESET')
  w.pass(100)
  await Promise.resolve()
  t.same(w.lines, [`${at(3)} - PR`], 'the client broke off while a rule waited for more: the rules decided with what there was')
  t.equal(await lineOf(await on(ENTITIES, RULES), 'hello', 6000), `${at(3)} - PR`, 'the delay was over')
  const tarpit = await on(ENTITIES, ['tcp-request content tarpit 5s'])
  const held = tarpit.accept()
  held.arrive('x')
  tarpit.pass(100)
  held.break('ECONNRESET')
  tarpit.pass(100)
  await Promise.resolve()
  t.same(tarpit.lines.map((text) => text.split(' ')[1]), [at(0)], 'a tarpit holds')
})

t.test('timeout tarpit', async (t) => {
  const w = await on('%Tt %ts', ['timeout tarpit 700ms', 'tcp-request content tarpit'])
  const client = w.accept()
  client.arrive('x')
  w.pass(650)
  t.same(w.lines, [])
  w.pass(100)
  await Promise.resolve()
  w.settle()
  t.match(w.lines[0], /^7\d\d PR$/)
})

t.test('what sessions cost is measured where it is asked for', async (t) => {
  const FORMAT = '%[cpu_calls] %[cpu_ns_tot] %[cpu_ns_avg] %[lat_ns_tot] %[lat_ns_avg]'
  const measured = await on(FORMAT, ['tcp-request content set-var(txn.c) cpu_calls'])
  const [calls = 0, total = 0, average = -1] = ((await lineOf(measured)) ?? '').split(' ').map(Number)
  t.ok(calls >= 2 && total > 0, `${calls} calls, ${total} ns`)
  t.equal(average, Math.floor(total / calls))
  t.match(await lineOf(await on('%[cpu_calls] %[cpu_ns_tot]', [], ['profiling.tasks off'])), /^[1-9]\d* 0$/, 'off: calls are counted all the same')
  const asked = measured.runtime.frontends[0]?.profiles
  t.ok(asked !== undefined)
  t.equal((await on('%ci')).runtime.frontends[0]?.profiles, undefined, 'nothing between connection and stream where nobody asks')
  t.ok((await on('%ci', [], ['profiling.tasks on'])).runtime.frontends[0]?.profiles !== undefined)
  t.equal((await on('%ci', [], ['profiling.tasks auto'])).runtime.frontends[0]?.profiles, undefined)
  await t.rejects(on('%ci', [], ['profiling.tasks maybe']), { message: /'profiling.tasks' expects either 'on', 'auto', or 'off' but got 'maybe'/ })
  for (const name of ['cpu_usage_thr', 'cpu_usage_grp', 'cpu_usage_proc']) t.match(await lineOf(await on(`%[${name}]`)), /^\d{1,3}$/, name)
})

t.test('a turn of the event loop begins with the first session that it serves', async (t) => {
  let now = 0n
  let over: (() => void) | undefined
  const profiles = new Profiles(true, () => now, (f) => (over = f))
  const conn = new FakeHandshake(() => ({ name: 'waits', step: () => ({ verdict: 'wait' }) })).connection
  const busy: ConnectionUser = { ready: () => void (now += 100n), expired: () => void (now += 7n) }
  const first = profiles.before(busy, conn)
  first.ready(conn)
  const one = conn.get(PROFILE)
  t.match(one, { calls: 1, cpuNs: 100n, latencyNs: 0n })
  const second = profiles.before(busy, conn)
  second.ready(conn)
  const two = conn.get(PROFILE)
  t.match(two, { calls: 1, cpuNs: 100n, latencyNs: 100n }, 'it waited for the first')
  over?.()
  now = 1000n
  second.expired(conn)
  t.match(two, { calls: 2, cpuNs: 107n, latencyNs: 100n }, 'the first of its turn')
  const throws = profiles.before({ ready: () => { now += 5n; throw new Error('boom') }, expired: () => undefined }, conn)
  t.throws(() => throws.ready(conn), /boom/)
  t.match(conn.get(PROFILE), { calls: 1, cpuNs: 5n }, 'a bug is counted too')
})
