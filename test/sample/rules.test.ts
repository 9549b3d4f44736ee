// Rule sets: when they decide, what their actions do to a session, and what is said of wrong ones.

import t from 'tap'
import type { ActionResult, RuleSet } from '../../src/core/action.ts'
import { NEXT_RULE } from '../../src/core/action.ts'
import type { App } from '../../src/core/handler.ts'
import type { Keyword } from '../../src/core/keyword.ts'
import type { KernelSock } from '../../src/core/sock.ts'
import type { Peer } from '../../src/core/view.ts'
import type { Plugin } from '../../src/core/plugin.ts'
import { samplePlugin } from '../../src/sample/builtin.ts'
import { requestInspectDelay, requestRules, responseRules } from '../../src/sample/content.ts'
import { captureLengths, declareCapture } from '../../src/sample/captures.ts'
import { parseRule, RuleRun } from '../../src/sample/rules.ts'
import { chooseBackend, chooseServer, useBackendRules, useServerRules } from '../../src/sample/switching.ts'
import { HandshakeSubject, SessionSubject } from '../../src/sample/subject.ts'
import { inet, proxyView, Section, StillHandshake, subject, words } from './section.ts'

const app: App = { name: 'echo', open: () => {} }
let counted = 0
let asked = 0
const plugin: Plugin = {
  name: 'test',
  services: { echo: app },
  fetches: [
    { name: 'asked', output: 'sint', source: 'internal', doc: 'How often it was asked.', compile: () => () => ({ type: 'sint', value: BigInt(++asked) }) },
    { name: 'several', output: 'str', source: 'internal', doc: 'Two values.', compile: () => () => ({ type: 'str', value: 'first', others: [{ type: 'str', value: 'second' }] }) },
  ],
  actions: [{ name: 'count', rules: ['request'], args: '', doc: 'Counts.', compile: () => () => (counted++, NEXT_RULE) }],
}

function section(lines: readonly string[], rules: RuleSet = 'request'): Section {
  const s = new Section(rules === 'response' ? 'backend' : 'frontend', 'p', [samplePlugin, plugin])
  for (const line of lines) s.line(rules === 'response' ? responseRules : requestRules, line)
  t.strictSame(s.said(), [], lines.join(' ; '))
  return s
}

/** Feeds `bytes` in two pieces cut at `cut`, then the end. What was decided, and at how many bytes. */
function feed(lines: readonly string[], bytes: Buffer, cut: number): { done: ActionResult; at: number; final: boolean } {
  const run = new RuleRun(section(lines).get(requestRules) ?? [])
  const s = subject()
  for (const [at, final] of [[0, false], [cut, false], [bytes.length, false], [bytes.length, true]] as const) {
    s.request = { bytes: bytes.subarray(0, at), final }
    const done = run.evaluate(s, final)
    if (done.result !== 'wait') return { done, at, final }
  }
  throw new Error('rules that wait when all is final')
}

t.test('while a condition waits, what was done with a part of the bytes is done anew, and what stands below it; what stands above is not', async (t) => {
  const bytes = Buffer.from('abcdef')
  const table: [lines: string[], counted: number, x: string | undefined][] = [
    [['count', 'set-var(txn.x) req.len'], 1, '6'],
    [['count', 'set-var(txn.x) req.payload(0,0)'], 1, 'abcdef'],
    [['count', 'set-var(txn.x) req.payload(1,2),upper'], 1, 'BC'],
    [['count', 'set-var-fmt(txn.x) %[req.len]'], 1, '6'],
    [['set-var(txn.y) req.len', 'set-var(txn.x) var(txn.y)', 'count'], 7, '6'],
    [['set-var(txn.x) req.payload(0,1)', 'count'], 2, 'a'], // whole with the first byte
    [['set-var(txn.x) int(1)', 'count'], 1, '1'],
    [['set-var(txn.x) req.len', 'pause 1s', 'count'], 1, '0'], // the pause is done once, and with it what led there
  ]
  for (const [lines, times, x] of table) {
    const run = new RuleRun(section([...lines, 'accept if { req.len ge 6 }', 'reject']).get(requestRules) ?? [])
    const s = subject()
    counted = 0
    let done: ActionResult = NEXT_RULE
    for (let at = 0; at <= bytes.length; at++) {
      s.request = { bytes: bytes.subarray(0, at), final: false }
      do done = run.evaluate(s, false)
      while (done.result === 'pause')
      t.equal(done.result, at < bytes.length ? 'wait' : 'accept', `${lines.join(' ; ')} with ${at} bytes`)
    }
    t.equal(counted, times, lines.join(' ; '))
    const value = s.variables.get({ scope: 'txn', name: 'x' })
    t.equal(value === undefined ? undefined : String(value.value), x, lines.join(' ; '))
  }
})

t.test('content rules decide as soon as they can, wherever the input is cut, and never twice', async (t) => {
  const bytes = Buffer.from('HELO example.com\r\n')
  const table: [lines: string[], result: string, needs: number | 'end'][] = [
    [['count', 'accept if { req.payload(0,4) -m str HELO }', 'reject'], 'accept', 4],
    [['count', 'accept if { req.payload(0,4) -m str EHLO }', 'reject'], 'reject', 4],
    [['count', 'reject if { req.len ge 10 }'], 'reject', 10],
    [['count', 'reject if { req.len gt 100 }'], 'next', 'end'],
    [['count', 'reject if !{ req.len gt 100 }'], 'reject', 'end'],
    [['count', 'accept if { req.len lt 1 }', 'reject'], 'accept', 0],
    [['count', 'accept if WAIT_END', 'reject'], 'accept', 'end'],
    [['count', 'reject if FALSE { req.len gt 100 }', 'accept'], 'accept', 0],
    [['count', 'reject if { req.len gt 100 } FALSE', 'accept'], 'accept', 0],
    [['count', 'accept if { req.len gt 100 } or TRUE', 'reject'], 'accept', 0],
    [['count', 'accept if { req.payload(0,0) -m sub example }', 'reject'], 'accept', 12],
    [['count', 'accept if { req.payload(0,0),lower -m sub example }', 'reject'], 'accept', 12],
    [['count', 'capture req.payload(0,4) len 4', 'accept'], 'accept', 4],
    [['count', 'capture req.payload(0,400) len 4', 'accept'], 'accept', 'end'],
    [['count', 'set-var(txn.a) req.payload(0,4)', 'accept'], 'accept', 0],
  ]
  for (const [lines, result, needs] of table) {
    for (let cut = 0; cut <= bytes.length; cut++) {
      counted = 0
      const { done, at, final } = feed(lines, bytes, cut)
      const label = `${lines.join(' ; ')} cut at ${cut}`
      t.equal(done.result, result, label)
      t.equal(counted, 1, `${label}: the first rule ran once`)
      if (needs === 'end') t.ok(final, `${label}: only the end decides`)
      else t.ok(!final && at === (needs === 0 ? 0 : needs <= cut ? cut : bytes.length), `${label}: decided at ${at}`)
    }
  }
})

t.test('an action that waits is asked again without its condition; a variable is what it was when it was set', async (t) => {
  const waiting = new RuleRun(section(['capture req.payload(0,8) len 4 if { asked eq 1 }', 'accept']).get(requestRules) ?? [])
  const s = subject()
  s.request = { bytes: Buffer.from('abcdef'), final: false }
  asked = 0
  t.equal(waiting.evaluate(s, false).result, 'wait')
  s.request = { bytes: Buffer.from('abcdefgh'), final: false }
  t.equal(waiting.evaluate(s, false).result, 'accept')
  t.equal(asked, 1)
  t.strictSame(s.effects.requestCaptures, ['abcd'])

  const kept = new RuleRun(section(['set-var(txn.a) req.payload(0,0)', 'reject if { var(txn.a) -m str never }', 'accept']).get(requestRules) ?? [])
  const other = subject()
  other.request = { bytes: Buffer.from('abcdef'), final: false }
  t.equal(kept.evaluate(other, false).result, 'accept', 'it does not change with more bytes')
})

t.test('of several values one that matches is enough', async (t) => {
  for (const [pattern, result] of [['first', 'accept'], ['second', 'accept'], ['third', 'next']] as const) {
    t.equal(new RuleRun(section([`accept if { several -m str ${pattern} }`]).get(requestRules) ?? []).evaluate(subject(), true).result, result, pattern)
  }
})

t.test('results', async (t) => {
  const table: [RuleSet, string, ActionResult][] = [
    ['request', 'use-service echo', { result: 'serve', app }],
    ['request', 'pause 2s', { result: 'pause', ms: 2000 }],
    ['request', 'pause int(250)', { result: 'pause', ms: 250 }],
    ['request', 'tarpit', { result: 'tarpit', ms: undefined }],
    ['request', 'tarpit 5s', { result: 'tarpit', ms: 5000 }],
    ['request', 'silent-drop', { result: 'drop' }],
    ['response', 'close', { result: 'close' }],
    ['response', 'reject', { result: 'reject' }],
  ]
  for (const [rules, line, result] of table) {
    const s = section([line], rules)
    t.strictSame(new RuleRun(s.get(rules === 'request' ? requestRules : responseRules) ?? []).evaluate(subject(), true), result, line)
  }
  counted = 0
  const run = new RuleRun(section(['count', 'pause 1s', 'count', 'accept']).get(requestRules) ?? [])
  t.strictSame(run.evaluate(subject(), false), { result: 'pause', ms: 1000 })
  t.equal(counted, 1)
  t.strictSame(run.evaluate(subject(), false), { result: 'accept' }, 'the rules that follow a pause come with the next call')
  t.equal(counted, 2)
})

t.test('what actions do to a session', async (t) => {
  const s = section(['set-src str(9.9.9.9)', 'set-src-port int(70000)', 'set-dst ipv6(2001:db8::1)', 'set-dst-port int(7)', 'set-log-level silent', 'set-priority-class int(5000)', 'set-priority-offset int(-7)', 'capture src len 3', 'capture str(abc) len 2', 'capture var(txn.none) len 2'])
  const session = subject()
  new RuleRun(s.get(requestRules) ?? []).evaluate(session, true)
  t.strictSame(session.src, inet('9.9.9.9:4464'))
  t.strictSame(session.dst, inet('[2001:db8::1]:7'))
  t.strictSame(session.client.src, inet('192.0.2.1:40000'), 'the connection keeps its own')
  t.strictSame({ ...session.effects }, { logLevel: 'silent', priorityClass: 2047, priorityOffset: -7, requestCaptures: ['9.9', 'ab'], responseCaptures: [] })
  t.strictSame(captureLengths(s), { request: [3, 2, 2], response: [] })
})

t.test('captures: the slots of a frontend, and who fills and reads them', async (t) => {
  const s = new Section('frontend', 'f')
  s.line(declareCapture, 'request len 4')
  s.line(declareCapture, 'response len 2')
  s.line(requestRules, 'capture src len 3')
  s.line(declareCapture, 'request len 5')
  s.line(requestRules, 'capture str(by-id) id 2')
  t.same(s.said(), [])
  t.strictSame(captureLengths(s), { request: [4, 3, 5], response: [2] })
  const session = subject()
  const found = (text: string): unknown => s.evaluate(text, session)
  t.equal(found('str(lost),capture-req(0)'), undefined, 'without a frontend there is no slot')
  session.frontend = proxyView({ captures: captureLengths(s) })
  t.strictSame(found('str(abcdefgh),capture-req(0)'), { type: 'str', value: 'abcdefgh' }, 'what goes on is whole')
  t.match(found('int(1234),capture-res(0)'), { type: 'str', value: '1234' })
  for (const text of ['str(x),capture-req(3)', 'str(x),capture-res(1)', 'capture.req.hdr(1)', 'capture.req.hdr(9)', 'capture.res.hdr(1)']) t.equal(found(text), undefined, text)
  new RuleRun(s.get(requestRules) ?? []).evaluate(session, true)
  t.strictSame(session.effects.requestCaptures, ['abcd', '192', 'by-id'])
  t.match(found('capture.req.hdr(0)'), { type: 'str', value: 'abcd' })
  t.match(found('capture.res.hdr(0)'), { type: 'str', value: '12' })
  t.match(String(found('str(x),capture-req(-1)')), /a slot is 0 or more/)
})

t.test('set-bc-mark and set-bc-tos: kept for the connection to the server', async (t) => {
  const s = section([])
  const session = subject()
  const warned: string[] = []
  const view = proxyView({ name: 'f' })
  session.frontend = { ...view, process: { ...view.process, warnOnce: (text) => void warned.push(text) } }
  const marks = (): unknown[] => [session.effects.serverPackets?.mark, session.effects.serverPackets?.tos]
  for (const [line, mark, tos] of [
    ['set-bc-mark 0x10', 16, undefined],
    ['set-bc-tos int(7),add(1)', 16, 8],
    ['set-bc-tos 256 if FALSE', 16, 8],
    ['set-bc-tos int(256)', 16, 8],
    ['set-bc-mark int(-1)', 16, 8],
    ['set-bc-mark var(txn.none)', 16, 8],
    ['set-bc-mark 4294967295 if TRUE', 4294967295, 8],
    ['set-bc-tos 0', 4294967295, 0],
  ] as const) {
    if (line.includes('FALSE')) t.throws(() => s.act('request', line, session), /256 is not within 0 and 255/)
    else s.act('request', line, session)
    t.strictSame(marks(), [mark, tos], line)
  }
  session.effects.serverPackets?.refused('mark', 'EPERM')
  session.effects.serverPackets?.refused('tos', 'EOPNOTSUPP')
  t.same(warned, ["frontend f: 'set-bc-mark' has no effect: EPERM, it takes CAP_NET_ADMIN", "frontend f: 'set-bc-tos' has no effect: EOPNOTSUPP, the connection is none of IP"])
  for (const rules of ['connection', 'session', 'response'] as const) t.throws(() => s.act(rules, 'set-bc-mark 1', session), /got 'set-bc-mark'/, rules)
})

t.test('set-retries: where there are servers, and what fits', async (t) => {
  const backend = new Section('backend', 'b')
  for (const [line, retries] of [['set-retries 3', 3], ['set-retries 0', 0], ['set-retries 100', 100], ['set-retries int(7),add(1) if TRUE', 8], ['set-retries int(101)', undefined], ['set-retries int(-1)', undefined], ['set-retries var(txn.none)', undefined], ['set-retries str(x)', 0]] as const) {
    const session = subject()
    backend.act('request', line, session)
    t.equal(session.effects.retries, retries, line)
  }
  const session = subject()
  session.frontend = proxyView({ name: 'l', retries: 9 })
  const now = (): unknown => {
    const found = new Section('backend', 'b').evaluate('cur_max_retries', session)
    return typeof found === 'object' ? found.value : found
  }
  new Section('listen', 'l').act('request', 'set-retries 7', session)
  session.route(proxyView({ name: 'l', retries: 9 }))
  t.equal(session.effects.retries, 7)
  session.route(proxyView({ name: 'other', retries: 2 }))
  t.equal(session.effects.retries, undefined, "a listen section's word does not hold for others' servers")
  t.equal(now(), 2n)
  backend.act('request', 'set-retries 5', session)
  t.equal(now(), 5n)
  for (const [line, why] of [
    ['set-retries', /expects an integer or an expression/],
    ['set-retries 101', /'set-retries' : 101 is not within 0 and 100/],
    ['set-retries -1', /-1 is not within/],
    ['set-retries 3x', /3x is not within/],
    ['set-retries foo', /unknown fetch method 'foo'/],
  ] as const) t.throws(() => backend.act('request', line, session), why, line)
  t.throws(() => backend.act('response', 'set-retries 1', session), /got 'set-retries'/)
  t.throws(() => new Section().act('request', 'set-retries 1', session), /'set-retries' is not allowed in 'frontend' sections/)
  t.throws(() => new Section('defaults', 'd').act('request', 'set-retries 1', session), /'set-retries' is not allowed in 'defaults' sections/)
})

t.test('set-mark and set-tos: as C writes numbers, and told to the kernel of the client', async (t) => {
  const told: string[] = []
  class Known extends StillHandshake implements Peer {
    readonly kernel: KernelSock = {
      tcpInfo: () => undefined,
      setMark: (mark) => (told.push(`mark ${mark}`), 'EPERM'),
      setTos: (tos) => (told.push(`tos ${tos}`), ''),
      savedSyn: () => undefined,
    }
  }
  const s = section([])
  for (const rules of ['connection', 'handshake', 'session', 'request', 'response'] as const) s.act(rules, 'set-tos 0x10', new SessionSubject(new Known(), () => 0))
  t.strictSame(told.splice(0), Array.from({ length: 5 }, () => 'tos 16'))
  const session = new SessionSubject(new Known(), () => 0)
  for (const mark of ['0', '7', '017', '0XfF', '4294967295']) s.act('request', `set-mark ${mark} if TRUE`, session)
  t.strictSame(told, ['mark 0', 'mark 7', 'mark 15', 'mark 255', 'mark 4294967295'])
  told.length = 0
  for (const line of ['set-fc-tos 0x10', 'set-fc-tos int(7),add(1)', 'set-fc-tos int(256)', 'set-fc-tos int(-1)', 'set-fc-tos var(txn.none)', 'set-fc-mark int(4294967295) if TRUE', 'set-fc-mark 010']) s.act('request', line, session)
  t.strictSame(told, ['tos 16', 'tos 8', 'mark 4294967295', 'mark 8'], 'set-fc-… take expressions too; what does not fit is not set')
  s.act('request', 'set-mark 7', subject())
  for (const [line, why] of [
    ['set-mark', 'expects exactly 1 argument (integer/hex value)'],
    ['set-tos if TRUE', 'expects exactly 1 argument (integer/hex value)'],
    ['set-fc-mark', 'expects exactly 1 argument (integer/hex value)'],
    ['set-fc-mark foo', "unknown fetch method 'foo'"],
    ['set-fc-tos 256', "'set-fc-tos' : 256 is not within 0 and 255."],
    ['set-mark abc', "invalid character starting at 'abc' (integer/hex value expected)"],
    ['set-mark 12x', "invalid character starting at 'x' (integer/hex value expected)"],
    ['set-tos 0x', "invalid character starting at 'x' (integer/hex value expected)"],
    ['set-tos 08', "invalid character starting at '08' (integer/hex value expected)"],
    ['set-tos -1', "invalid character starting at '-1' (integer/hex value expected)"],
    ['set-tos 256', "'set-tos' : 256 is not within 0 and 255."],
    ['set-mark 0x100000000', "'set-mark' : 0x100000000 is not within 0 and 4294967295."],
    ['set-mark 7 8', "'tcp-request content set-mark' only accepts 'if' or 'unless', in frontend 'p' (got '8')"],
  ] as const) {
    t.equal(parseRule(s.args('tcp-request content', words(line)), 'request'), undefined)
    t.ok(s.said()[0]?.includes(why), `${line}: ${why}`)
  }
})

t.test('variables live as long as their scope', async (t) => {
  const hs = new StillHandshake()
  const early = new HandshakeSubject(hs, () => 0)
  const s = section([])
  for (const line of ['set-var(sess.a) int(1)', 'set-var(txn.a) int(1)', 'set-var(req.a) int(1)']) s.act('session', line, early)
  t.equal(s.evaluate('var(txn.a)', early), undefined, 'there is no transaction before the session')
  const session = new SessionSubject(hs, () => 0)
  t.match(s.evaluate('var(sess.a)', session), { value: 1n })
  t.equal(s.evaluate('var(req.a)', session), undefined)
  for (const line of ['set-var(txn.b) int(2)', 'set-var(req.b) int(2)', 'set-var(res.b) int(2)', 'set-var(proc.testb) int(2)']) s.act('request', line, session)
  t.match(s.evaluate('var(req.b)', session), { value: 2n })
  t.equal(s.evaluate('var(res.b)', session), undefined)
  session.server = hs
  t.equal(s.evaluate('var(req.b)', session), undefined, 'the request is over')
  t.match(s.evaluate('var(txn.b)', session), { value: 2n })
  s.act('response', 'set-var(res.c) int(3)', session)
  t.match(s.evaluate('var(res.c)', session), { value: 3n })
  t.match(s.evaluate('var(proc.testb)', subject()), { value: 2n }, 'another connection sees the process variable')
  t.equal(s.evaluate('var(sess.a)', subject()), undefined, 'and not the session variable')
})

t.test('use_backend and use-server', async (t) => {
  const s = new Section('listen', 'l')
  for (const line of ['never if FALSE', 'web if { dst_port 443 } { src 10.0.0.0/8 }', 'net-%[src,ipmask(24)] if { src_port gt 1024 }', 'low']) s.line(useBackendRules, line)
  for (const line of ['down if TRUE', 's%[src_port] if { src_port 1:999 }', 'up unless FALSE']) s.line(useServerRules, line)
  t.strictSame(s.said(), [])
  const rules = s.get(useBackendRules) ?? []
  t.equal(chooseBackend(rules, subject({ src: '10.1.1.1:2000' })), 'web')
  t.equal(chooseBackend(rules, subject({ src: '192.0.2.7:2000' })), 'net-192.0.2.0')
  t.equal(chooseBackend(rules, subject({ src: '192.0.2.7:1000' })), 'low')
  t.strictSame(rules.map((rule) => rule.name), ['never', 'web', undefined, 'low'])
  const servers = new Map([['down', 'down'], ['up', 'up']])
  const choose = (src: string): string | undefined => chooseServer(s.get(useServerRules) ?? [], subject({ src }), (name) => servers.get(name), (server) => server !== 'down')
  t.equal(choose('192.0.2.7:2000'), 'up', 'a server that is down is passed over')
  t.equal(choose('192.0.2.7:77'), undefined, 'a name that is nobody ends the search')
})

t.test('inspect-delay, defaults, refusals', async (t) => {
  const s = new Section()
  t.equal(s.line(requestInspectDelay, '5s'), 5000)
  t.equal(s.line(requestInspectDelay, '250'), 250)
  t.equal(s.line(requestInspectDelay, '30d'), undefined)
  t.match(s.said()[0], /beyond 24 days/)
  const anonymous = new Section('defaults', '')
  anonymous.line(requestRules, 'reject')
  t.match(anonymous.said()[0], /not allowed in anonymous 'defaults'/)
  const named = new Section('defaults', 'd')
  named.line(requestRules, 'accept if { src 10.0.0.0/8 }')
  const user = new Section()
  const inherited = named.get(requestRules)
  const own = requestRules.parse(user.args(requestRules.name, words('reject')), inherited)
  t.strictSame(own?.map((rule) => rule.text), ['accept if { src 10.0.0.0/8 }', 'reject'], 'those of the defaults section come first')
  for (const [line, why] of [
    ['switch-mode http', /does not parse HTTP/],
    ['send-spoe-group a b', /SPOE is not supported/],
    ['do-log', /not supported yet/],
    ['do-resolve(txn.a,b,ipv4) src', /not supported yet/],
    ['set-nice x', /'x' is no integer/],
    ['set-nice', /expects exactly 1 argument/],
    ['capture src id 0', /unable to find capture id '0'. \('declare capture request len <length>' above this line makes one\)/],
    ['capture src id x', /cannot parse id 'x'/],
    ['capture src id', /cannot parse id ''/],
    ['track-sc0 src', /^alert: 'tcp-request content' : 'track-sc0' is not supported yet/],
    ['sc-inc-gpc0(0)', /'sc-inc-gpc0' is not supported yet/],
    ['expect-proxy layer4', /expects 'accept', .* \(got 'expect-proxy'\)/],
    ['close', /expects 'accept', 'capture', 'pause', .*'use-service' in frontend 'f' \(got 'close'\)/],
  ] as const) {
    t.equal(parseRule(s.args('tcp-request content', words(line)), 'request'), undefined)
    t.match(s.said()[0], why, line)
  }
})

function addsInPlace<T>(keyword: Keyword<readonly T[]>, line: string): void {
  const add = (s: Section, before?: readonly T[]): readonly T[] => {
    const list = keyword.parse(s.args(keyword.name, words(line)), before)
    if (list === undefined) throw new Error(s.said().join('; '))
    return list
  }
  const common = add(new Section('defaults', 'd'))
  const lists = ['one', 'two'].map((name) => {
    const s = new Section('frontend', name)
    const first = add(s, common)
    t.equal(add(s, first), first, 'no rule is copied for a line')
    return first
  })
  t.same([common, ...lists].map((list) => list.length), [1, 3, 3])
  t.not(lists[0], lists[1])
}

t.test('a section of many rules adds to one list, and never to one that it has inherited', async () => {
  addsInPlace(requestRules, 'accept if TRUE')
  addsInPlace(useBackendRules, 'b if TRUE')
})

t.test('a value outgrows no buffer, of whatever size it is', (t) => {
  const s = section([])
  const of = (chain: string, bufferSize?: number): number | undefined => {
    const session = subject({ bytes: Buffer.alloc(1500, 'a') })
    const view = proxyView()
    if (bufferSize !== undefined) session.frontend = { ...view, process: { ...view.process, bufferSize } }
    const value = s.evaluate(`req.payload(0,0),${chain}`, session)
    return typeof value === 'object' && value.type === 'str' ? value.value.length : undefined
  }
  t.same([of('hex'), of('hex,hex,hex,hex'), of('hex,hex,hex,hex', 65_536)], [3000, 16_383, 24_000])
  t.same([of('hex', 2048), of('base64', 2048), of('base64', 1600)], [2047, 2000, undefined])
  t.equal(of(`regsub(a,${'b'.repeat(60)},g)`), 16_383)
  t.end()
})
