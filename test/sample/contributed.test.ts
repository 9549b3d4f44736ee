// What a plugin's fetches, converters and actions give back that is no answer: told with word and place, and never taken for one.

import t from 'tap'
import type { ActionSpec, ActionResult } from '../../src/core/action.ts'
import type { Plugin } from '../../src/core/plugin.ts'
import { NOT_YET, str } from '../../src/core/sample.ts'
import type { ConverterSpec, Fetched, FetchSpec, OutputType, Sample } from '../../src/core/sample.ts'
import { samplePlugin } from '../../src/sample/builtin.ts'
import { contributed } from '../../src/sample/contributed.ts'
import { parseRule } from '../../src/sample/rules.ts'
import { configured } from '../kit/index.ts'
import { idle, LINE, world } from '../proxy/world.ts'
import { Section, subject, words } from './section.ts'

/** Plugins in JavaScript are not held to the types: anything passes for what is asked for. */
const passes = <T>(value: unknown): value is T => value !== passes
function untyped<T>(value: unknown): T {
  if (passes<T>(value)) return value
  throw new Error('nobody returns this')
}

const rejected = (): Promise<never> => Promise.reject(new Error('nobody awaits it'))

const fetchOf = (answer: unknown, output: OutputType = 'any'): FetchSpec => ({ name: 'given', output, source: 'internal', doc: 'As given.', compile: () => () => untyped<Fetched>(answer) })
const converterOf = (answer: unknown, output: ConverterSpec['output'] = 'any', input: OutputType = 'any'): ConverterSpec => ({ name: 'made', input, output, doc: 'As given.', compile: () => () => untyped<Sample>(answer) })
const actionOf = (answer: unknown): ActionSpec => ({ name: 'act', rules: ['connection', 'handshake', 'session', 'request', 'response'], args: '', doc: 'As given.', inserts: ['accept-proxy'], compile: () => () => untyped<ActionResult>(answer) })

/** What an evaluation gives, or the text of what it throws. */
function outcome(plugin: Omit<Plugin, 'name'>, expression: string): Fetched | string {
  const section = new Section('frontend', 'f', [samplePlugin, contributed({ name: 'mine', ...plugin })])
  try {
    return section.evaluate(expression, subject())
  } catch (error) {
    return error instanceof Error ? (error.stack ?? '') : 'no Error'
  }
}

t.test('fetches', async (t) => {
  const gives = (answer: unknown, output?: OutputType): Fetched | string => outcome({ fetches: [fetchOf(answer, output)] }, 'given')
  for (const [answer, text] of [
    ['bare', "'bare', where a sample is needed: { type, value } as str(), sint() and bool() make one, or undefined for no value"],
    ['one\nline, and not too long: what a client says may be', "'one#0Aline, and not too long: what a clien…', where a sample"],
    [rejected(), 'a Promise: fetches and converters answer at once, '],
    [null, 'null, where a sample'],
    [true, 'true, where a sample'],
    [Buffer.from('ab'), '2 bytes in a Buffer, where a sample'],
    [{ type: 'str' }, 'an object, where a sample'],
    [{ type: 'string', value: 'x' }, "a sample whose type is 'string', where one of bool, sint, ipv4, ipv6, str, bin is needed"],
    [{ type: 'toString', value: 'x' }, "a sample whose type is 'toString'"],
    [{ type: 'bool', value: 1 }, "a sample of type 'bool' whose value is 1, where true or false is needed"],
    [{ type: 'sint', value: 5 }, "a sample of type 'sint' whose value is 5, where a bigint of 64 bits (sint() makes one) is needed"],
    [{ type: 'sint', value: 1n << 63n }, "a sample of type 'sint' whose value is 9223372036854775808n"],
    [{ type: 'ipv4', value: '192.0.2.1' }, "a sample of type 'ipv4' whose value is '192.0.2.1'"],
    [{ type: 'ipv4', value: -1 }, "a sample of type 'ipv4' whose value is -1"],
    [{ type: 'ipv6', value: new Uint8Array(4) }, "a sample of type 'ipv6' whose value is 4 bytes in a Uint8Array"],
    [{ type: 'str', value: 'now 5 €' }, "a sample of type 'str' whose value is 'now 5 €', where a string with a character for each byte, up to U+00FF (str() makes one of text) is needed"],
    [{ type: 'bin', value: Buffer.from('ab') }, "a sample of type 'bin' whose value is 2 bytes in a Buffer"],
    [{ type: 'str', value: 'x', others: 'y' }, "a sample whose 'others' are 'y', where a list is needed"],
    [{ type: 'str', value: 'x', others: [str('y'), 'z'] }, "a sample among whose 'others' is 'z', where a sample"],
  ] as const) {
    const told = gives(answer)
    t.equal(String(told).slice(0, text.length + 44), `fetch 'given' of plugin 'mine' (test:1) returned ${text}`.slice(0, text.length + 44), text)
  }
  t.equal(gives({ type: 'str', value: '1' }, 'sint'), "fetch 'given' of plugin 'mine' (test:1) returned a sample of type 'str', and its output is declared as 'sint'")
  t.match(gives({ type: 'str', value: '1' }, 'ip'), /declared as 'ip'$/)

  for (const sample of [undefined, NOT_YET, { type: 'bool', value: false }, { type: 'sint', value: -(1n << 63n) }, { type: 'ipv4', value: 0xffff_ffff }, { type: 'ipv6', value: Buffer.alloc(16) }, { type: 'str', value: 'é' }, { type: 'bin', value: '\0\xff', mayChange: true }] as const) t.same(gives(sample), sample)
  t.same(gives({ type: 'ipv4', value: 1 }, 'ip'), { type: 'ipv4', value: 1 })
  t.same(gives({ type: 'str', value: 'x', others: [str('y')] }, 'str'), { type: 'str', value: 'x', others: [str('y')] })
})

t.test('converters', async (t) => {
  const gives = (answer: unknown, output?: ConverterSpec['output'], input?: OutputType): Fetched | string => outcome({ converters: [converterOf(answer, output, input)] }, 'int(5),made')
  const told = (what: string): string => `converter 'made' of plugin 'mine' (test:1) returned ${what}`
  t.match(gives(rejected()), told('a Promise'))
  t.match(gives('bare'), told("'bare', where a sample is needed"))
  t.match(gives(NOT_YET), told("'not yet', where a sample is needed"), 'only a fetch knows that more may come')
  t.match(gives(str('x'), 'sint'), told("a sample of type 'str', and its output is declared as 'sint'"))
  t.match(gives(str('x'), 'same'), /declared as 'sint'$/, 'the same as what it was given')
  t.match(gives({ type: 'sint', value: 1n }, 'same', 'str'), /declared as 'str'$/, 'the same as what it asks for')
  t.same(gives(str('x'), 'same', 'str'), str('x'))
  t.equal(gives(undefined), undefined)
})

t.test('actions', async (t) => {
  const does = (answer: unknown, rules: 'connection' | 'handshake' | 'session' | 'request' | 'response' = 'request', final = false): unknown => {
    const section = new Section(rules === 'response' ? 'backend' : 'frontend', 'f', [samplePlugin, contributed({ name: 'mine', actions: [actionOf(answer)] })])
    const rule = parseRule(section.args(`tcp-request ${rules}`, words('act')), rules)
    if (rule === undefined) return section.said().join()
    try {
      return rule.act(subject(), final)
    } catch (error) {
      return error instanceof Error ? (error.stack ?? '') : 'no Error'
    }
  }
  const told = (what: string): string => `action 'act' of plugin 'mine' (test:1) returned ${what}`
  t.equal(does(undefined), told("undefined, where a result is needed: { result: 'next' } (NEXT_RULE) or another of next, wait, accept, reject, close, drop, pause, tarpit, insert, serve"))
  t.match(does(rejected()), told("a Promise: actions answer at once. 'wait' has it asked again when more has arrived; what waits for anything else is a handler"))
  t.match(does('reject'), told("'reject', where a result is needed"))
  t.match(does(null), told('null, where'))
  t.equal(does({ result: 'nxt' }), told("the result 'nxt', where one of next, wait, accept, reject, close, drop, pause, tarpit, insert, serve is needed"))
  t.match(does({ result: 'pause' }), told("'pause' with the ms undefined, where a number is needed"))
  for (const ms of ['5', NaN, -1, Infinity]) t.match(does({ result: 'pause', ms }), told(`'pause' with the ms `), String(ms))
  t.match(does({ result: 'tarpit', ms: '5' }), told("'tarpit' with the ms '5'"))
  t.match(does({ result: 'insert', handler: 'accept-proxy' }), told("'insert': the handshake is over, and handlers belong to it"))
  t.match(does({ result: 'insert', handler: 'tls' }, 'connection'), told("'insert' of the handler 'tls', which is not among its 'inserts': those are planned at start-up"))
  t.match(does({ result: 'serve', app: 'echo' }), told("'serve' of the app 'echo', which has no open()"))
  t.match(does({ result: 'serve', app: { name: 'echo', open() {} } }, 'response'), told("'serve': a server answers already"))
  for (const result of ['wait', 'pause', 'tarpit']) for (const rules of ['connection', 'handshake', 'session'] as const) t.match(does({ result, ms: 1 }, rules, true), told(`'${result}': rules before the session wait for nothing`))
  t.match(does({ result: 'wait' }, 'request', true), told("'wait' where nothing more will come, which its second argument says: it has to decide now"))

  for (const answer of [{ result: 'wait' }, { result: 'accept' }, { result: 'pause', ms: 5 }, { result: 'tarpit', ms: undefined }, { result: 'serve', app: { name: 'echo', open() {} } }]) t.equal(does(answer), answer)
  const insert = { result: 'insert', handler: 'accept-proxy' }
  t.equal(does(insert, 'handshake', true), insert)
})

t.test('compile()', async (t) => {
  const read = (compile: unknown): readonly string[] => configured('frontend f\n timeout client 9s\n bind :1\n tcp-request connection act', [{ name: 'mine', actions: [{ ...actionOf(undefined), compile: untyped<ActionSpec['compile']>(compile) }] }]).problems
  const bug = (what: string): string => `alert line 4: keyword 'tcp-request connection' failed: compile() of action 'act' of plugin 'mine'${what}; this is a bug of who made it`
  t.same(read(() => undefined), [bug(' returned undefined, where a function is needed, or a problem is to be reported')], 'a rule that is dropped in silence would let everybody in')
  t.same(read(rejected), [bug(' returned a Promise, where a function is needed')])
  t.same(read(() => ({ result: 'next' })), [bug(' returned an object, where a function is needed')])
  t.same(read(() => Buffer.alloc(0).readInt8()), [bug(': Attempt to access memory outside buffer bounds')])
  t.same(read((...[, , fail]: Parameters<ActionSpec['compile']>) => fail('not so')), ['alert line 4: not so'], 'it said why')
  t.same(read((...[, scope]: Parameters<ActionSpec['compile']>) => void scope.readFile('/no/such')), ["alert line 4: unable to read '/no/such' : No such file or directory"], 'readFile() said why')
  const nothing = { compile: () => undefined }
  t.match(outcome({ fetches: [{ ...fetchOf(''), ...nothing }] }, 'given'), /^Error: compile\(\) of fetch 'given' of plugin 'mine' returned undefined/)
  t.match(outcome({ converters: [{ ...converterOf(''), ...nothing }] }, 'int(1),made'), /^Error: compile\(\) of converter 'made' of plugin 'mine' returned undefined/)
})

t.test('what a word brings besides is its own still', async (t) => {
  class Counting implements FetchSpec {
    readonly name = 'counting'
    readonly output = 'sint'
    readonly source = 'internal'
    #asked = 0
    get doc(): string {
      return 'How often it was asked.'
    }
    compile(): () => Sample {
      return () => ({ type: 'sint', value: BigInt(++this.#asked) })
    }
  }
  const { fetches } = contributed(Object.freeze({ name: 'mine', fetches: [Object.freeze(new Counting())] }))
  t.equal(fetches?.[0]?.doc, 'How often it was asked.')
  t.same(outcome({ fetches: fetches ?? [] }, 'counting'), { type: 'sint', value: 1n })
  const { keywords, name } = contributed({ name: 'mine', keywords: [] })
  t.same({ keywords, name }, { keywords: [], name: 'mine' })
})

t.test('it costs the connection, and is told as a bug', async (t) => {
  const plugin: Plugin = { name: 'mine', fetches: [fetchOf('bare', 'str')], actions: [actionOf(rejected())] }
  const on = (...lines: readonly string[]): ReturnType<typeof world> => world(`defaults\n mode tcp\n timeout client 1m\n timeout server 1m\n timeout connect 2s\nfrontend f\n bind 127.0.0.1:1001\n ${LINE}\n ${lines.join('\n ')}\n default_backend b\nbackend b\n server s 127.0.0.2:2001\n`, { plugins: [plugin] })
  for (const [rule, where, bug, done] of [
    ['tcp-request connection act', 'handler tcp-rules connection', "action 'act' of plugin 'mine' (t.cfg:9) returned a Promise", 'FIN'],
    ['tcp-request session reject if { given x }', 'handler tcp-rules session', "fetch 'given' of plugin 'mine' (t.cfg:9) returned 'bare'", 'FIN'],
    ['tcp-request content act', '', "action 'act' of plugin 'mine' (t.cfg:9) returned a Promise", 'RST'],
    ['use_backend %[given]', '', "fetch 'given' of plugin 'mine' (t.cfg:9) returned 'bare'", 'RST'],
  ] as const) {
    const w = await on(rule)
    const client = w.accept()
    client.arrive('x')
    t.same(client.done, [done], rule)
    t.equal(w.bugs.length, 1, rule)
    t.match(w.bugs[0], `frontend f: ${where}`)
    t.match(w.bugs[0], bug)
    client.end()
    w.settle()
    t.ok(idle(w), rule)
  }
})
