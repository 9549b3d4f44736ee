// The tcp-rules handlers: which lines get them, what each verdict does to a connection, and what is said of bad rules.

import t from 'tap'
import { systemFiles } from '../../src/config/files.ts'
import type { Handler, MakeHandler, PlanLine, Verdict } from '../../src/plugin.ts'
import { connectionRules, handshakeRules, sessionRules, tcpRules } from '../../handlers/tcp-rules.ts'
import { Section, StillHandshake } from '../sample/section.ts'

const expectProxy: MakeHandler = () => ({ name: 'accept-proxy', step: () => ({ verdict: 'next' }) })

function plan(section: Section, name: string): { handler: Handler | undefined; said: string[] } {
  const said: string[] = []
  const line: PlanLine = {
    place: { file: 'test', line: 1 },
    proxy: { name: section.name, kind: 'frontend', get: (keyword) => section.get(keyword), placeOf: () => undefined },
    global: section,
    files: systemFiles,
    get: () => undefined,
    placeOf: () => undefined,
    report: (problem) => void said.push(problem.text),
    app: undefined,
    handler: (wanted) => (wanted === 'accept-proxy' ? expectProxy : null),
  }
  return { handler: tcpRules.handlers?.find((spec) => spec.name === name)?.plan(line)?.(), said }
}

t.test('a bind line whose frontend has no such rules gets no handler', async (t) => {
  for (const name of ['tcp-rules connection', 'tcp-rules handshake', 'tcp-rules session']) t.equal(plan(new Section(), name).handler, undefined)
})

t.test('verdicts', async (t) => {
  const table: [string, string, Partial<Verdict>][] = [
    ['connection', 'accept', { verdict: 'next' }],
    ['connection', 'reject', { verdict: 'reset', why: { cause: 'denied', quiet: true } }],
    ['handshake', 'reject', { verdict: 'close', why: { cause: 'denied', quiet: true } }],
    ['session', 'reject', { verdict: 'close', why: { cause: 'denied', quiet: true } }],
    ['connection', 'silent-drop', { verdict: 'drop', why: { cause: 'denied', quiet: true } }],
    ['session', 'reject if { src 10.0.0.0/8 }', { verdict: 'next' }],
    ['session', 'reject unless { src 10.0.0.0/8 }', { verdict: 'close' }],
    ['connection', 'expect-proxy layer4 if { src 192.0.2.0/24 }', { verdict: 'next', insert: [expectProxy] }],
    ['connection', 'expect-proxy layer4 if { src 10.0.0.0/8 }', { verdict: 'next' }],
  ]
  const keywords = { connection: connectionRules, handshake: handshakeRules, session: sessionRules }
  for (const [place, rule, verdict] of table) {
    const s = new Section()
    s.line(place === 'connection' ? keywords.connection : place === 'handshake' ? keywords.handshake : keywords.session, rule)
    t.strictSame(s.said(), [])
    const { handler } = plan(s, `tcp-rules ${place}`)
    t.match(handler?.step(new StillHandshake()), verdict, `${place} ${rule}`)
  }
})

t.test('the first rule that decides is the last one', async (t) => {
  const s = new Section()
  s.line(connectionRules, 'expect-proxy layer4')
  s.line(connectionRules, 'accept if { src 192.0.2.1 }')
  s.line(connectionRules, 'reject')
  const { handler } = plan(s, 'tcp-rules connection')
  t.match(handler?.step(new StillHandshake()), { verdict: 'next', insert: [expectProxy] })
  t.match(handler?.step(new StillHandshake('192.0.2.2:1')), { verdict: 'reset' })
})

t.test('problems', async (t) => {
  const s = new Section()
  for (const [rule, expected] of [
    ['foo', "'tcp-request connection' expects "],
    ['acept', "(did you mean 'accept' maybe ?)"],
    ['', "'tcp-request connection' expects "],
    ['expect-proxy', "'tcp-request connection expect-proxy' only supports 'layer4' in frontend 'f' (got '')"],
    ['expect-proxy layer5', "'tcp-request connection expect-proxy' only supports 'layer4' in frontend 'f' (got 'layer5')"],
    ['reject whenever', "'tcp-request connection reject' only accepts 'if' or 'unless', in frontend 'f' (got 'whenever')"],
    ['reject if bla', "'tcp-request connection reject' : error detected in frontend 'f' while parsing 'if' condition : no such ACL : 'bla'"],
  ] as const) {
    t.equal(s.line(connectionRules, rule), undefined)
    const said = s.said().join('; ')
    t.ok(said.includes(expected), said)
  }
  s.line(sessionRules, 'expect-proxy layer4')
  t.match(s.said()[0], /'tcp-request session' expects/)
})
