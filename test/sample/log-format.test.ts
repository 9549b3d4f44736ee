// Log formats: fields, flags, the formats that options stand for, and what is said of wrong ones.

import t from 'tap'
import type { SessionRecord } from '../../src/core/record.ts'
import { compileLogFormat } from '../../src/sample/log-format.ts'
import type { LogMode } from '../../src/sample/log-format.ts'
import { connectFormat, errorFormat, logFormat, tcplogFormat } from '../../src/sample/log-keywords.ts'
import { argsScope } from '../../src/sample/scope.ts'
import { SessionSubject } from '../../src/sample/subject.ts'
import { inet, Section, StillHandshake } from './section.ts'

const date = new Date(2026, 10, 21, 8, 16, 6, 77).getTime()
const record: SessionRecord = {
  client: inet('127.0.0.1:46640'),
  local: inet('127.0.0.1:19002'),
  acceptDate: date,
  frontend: 'f',
  bind: '1',
  tls: undefined,
  backend: 'b',
  server: 's',
  serverLocal: inet('127.0.0.1:48900'),
  serverAddress: inet('127.0.0.1:19600'),
  handshakeTime: 0,
  queueTime: 1,
  connectTime: 2,
  totalTime: 10,
  bytesUp: 5,
  bytesDown: 7,
  receivedUp: 6,
  receivedDown: 8,
  termination: '--',
  processConnections: 4,
  frontendConnections: 3,
  backendConnections: 2,
  serverConnections: 1,
  retries: 0,
  redispatched: false,
  serverQueue: 0,
  backendQueue: 9,
  early: false,
  growing: false,
  sessionNumber: 1,
  logNumber: 0,
  uniqueId: undefined,
  requestCaptures: [],
  responseCaptures: [],
  error: 'SSL handshake failure',
}

function print(format: string, change: Partial<SessionRecord> = {}, mode: LogMode = 'log'): string {
  const section = new Section()
  const args = section.args('log-format', [])
  const compiled = compileLogFormat({ text: format, column: 1 }, mode, argsScope(args, 'log', 'log-format'), (text, hint) => args.fail(text, hint))
  if (compiled === undefined) return section.said().join('; ').replace(/^alert: /, '')
  const subject = new SessionSubject(new StillHandshake('127.0.0.1:46640'), () => 0)
  subject.record = { ...record, ...change }
  return compiled.format(subject)
}

t.test('fields and flags', async (t) => {
  const table: [string, string][] = [
    ['%ci:%cp %fi:%fp %bi:%bp %si:%sp', '127.0.0.1:46640 127.0.0.1:19002 127.0.0.1:48900 127.0.0.1:19600'],
    ['%{+Q}ci %{+X}ci %{+X}cp %{+X}rt %{+Q}b %{+Q}cp %{+Q}Tt %{+Q,+X}fi %{+X}B', '"127.0.0.1" 7F000001 B630 0001 "b" 46640 10 "7F000001" 8'],
    ['%{+Q}o %ci %cp %b %{-Q}b %ts %[src] %[src_port]', ' "127.0.0.1" 46640 "b" b -- "127.0.0.1" "46640"'],
    ['   a    b %%  %ID %{+Q}ID  ', 'a b % - "" '],
    ['%t %ms', '21/Nov/2026:08:16:06.077 077'],
    ['%Tw/%Tc/%Td/%Th/%Tu/%Tt %B %U %rc %ac/%fc/%bc/%sc %sq/%bq %lc %ST', '1/2/7/0/10/10 8 6 0 4/3/2/1 0/9 0 0'],
    ['%f %ft %b %s|%hr|%hs|%sslv', 'f f b s|||-'],
    ['%[always_true]', '1'],
    ['%hr %b %hs %s %hr', 'b s '],
  ]
  for (const [format, expected] of table) t.equal(print(format), expected.replace(/^ /, ''), format)
  t.equal(print('%ft %sslv %sslc', { tls: { version: 'TLSv1.3', cipher: 'X' } }), 'f~ TLSv1.3 X')
  t.equal(print('%s %si:%sp %bi %Tw %Tc %Td', { server: undefined, serverAddress: undefined, serverLocal: undefined, queueTime: -1, connectTime: -1 }), '<NOSRV> -:- - -1 -1 -1')
  t.equal(print('%Tt %B %U %rc', { early: true, growing: true, redispatched: true, retries: 3 }), '+10 +0 0 +3')
  t.equal(print('%hr %hrl', { requestCaptures: ['a', undefined, 'c\nd'] }), '{a||c#0Ad} a - c#0Ad')
  t.equal(print('%ci', { client: inet('[2001:db8::1]:1') }), '2001:db8::1')
  t.equal(print('%{+X}ci', { client: inet('[2001:db8::1]:1') }), '20010DB8000000000000000000000001')
  t.equal(print('%ci:%cp', { client: { family: 'unix', path: '', abstract: false }, bind: '1' }), 'unix:1')
  t.equal(print('%b', { backend: 'b\nforged' }), 'b#0Aforged', 'no line can be forged')
  t.equal(print('%b|%{+E}b', { backend: 'a"b\\]' }), 'a"b\\]|a\\"b\\\\\\]')
  t.equal(print('  a  %ID %b é', {}, 'value'), '  a   b \xc3\xa9', 'a value is as written, and what is absent is empty')
})

t.test('the formats that options stand for', async (t) => {
  const subject = new SessionSubject(new StillHandshake(), () => 0)
  subject.record = record
  t.equal(tcplogFormat.format(subject), '127.0.0.1:46640 [21/Nov/2026:08:16:06.077] f b/s 1/2/10 8 -- 4/3/2/1/0 0/9')
  t.equal(tcplogFormat.needsEnd, true)
  t.equal(connectFormat.format(subject), 'Connect from 127.0.0.1:46640 to 127.0.0.1:19002 (f/TCP)')
  t.equal(connectFormat.needsEnd, false)
  t.equal(errorFormat.format(subject), '127.0.0.1:46640 [21/Nov/2026:08:16:06.077] f/1: SSL handshake failure')
})

t.test('what is wrong is said in the words of the oracle', async (t) => {
  for (const [format, expected] of [
    ['%ciabc', "no such format variable 'ciabc'. If you wanted to emit the '%' character verbatim, you need to use '%%'"],
    ['%[src', "missing ']' after 'src'"],
    ['%[foo]', "failed to parse sample expression <foo> : unknown fetch method 'foo'"],
    ['%{+Q}', "parse argument modifier without variable name near '%{+Q}'"],
    ['%{+Q', "truncated line after '+Q'"],
    ['%', "truncated line after '%'"],
    ['%[]', 'failed to parse sample expression <>'],
    ['%r', "format variable 'r' is reserved for HTTP mode"],
    ['%5', "unexpected variable name near '5'"],
    ['%{+Z}ci', "unknown flag '+Z'"],
  ] as const) {
    const said = print(format)
    t.ok(said.startsWith(expected), `${format}: ${said}`)
  }
  const section = new Section()
  section.line(logFormat, 'a b')
  section.line(logFormat, '')
  section.line(logFormat, '%xx')
  t.match(section.said(), [/expects only one argument, don't forget to escape spaces/, /log-format expects an argument/, /failed to parse log-format : no such format variable 'xx'/])
})
