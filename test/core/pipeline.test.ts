// The order of handlers, their list, the bytes they look at, and addresses as messages show them.

import fc from 'fast-check'
import t from 'tap'
import { formatAddress, NO_ADDRESS } from '../../src/core/address.ts'
import { Bytes } from '../../src/core/bytes.ts'
import { close, more, next, serve, wait, type Handler, type MakeHandler, type Verdict } from '../../src/core/handler.ts'
import { Pipeline } from '../../src/core/pipeline.ts'
import { insertable, orderHandlers, planLine } from '../../src/core/plan.ts'
import type { HandlerSpec } from '../../src/core/plugin.ts'
import type { Trace } from '../../src/core/trace.ts'
import { builtinPlugins } from '../../handlers/builtin.ts'
import { FakeHandshake } from '../kit/fake-handshake.ts'
import { configured } from '../kit/configured.ts'

const hs = new FakeHandshake([]).connection

/** Handlers that note what happens to them. */
function noted(log: string[], name: string, step: () => Verdict): MakeHandler {
  return () => {
    log.push(`make ${name}`)
    const handler: Handler = {
      name,
      step() {
        log.push(`step ${name}`)
        return step()
      },
      end() {
        log.push(`end ${name}`)
      },
    }
    return handler
  }
}

const unexpected = (handler: string, error: unknown): void => {
  throw new Error(`${handler}: ${String(error)}`)
}

t.test('pipeline: one after the other, insertions in their place', async (t) => {
  const log: string[] = []
  const app = { name: 'app', open: () => undefined }
  const inner = noted(log, 'inner', next)
  const list = new Pipeline([
    noted(log, 'a', () => next(inner, noted(log, 'last inner', next))),
    noted(log, 'b', () => serve(app)),
    noted(log, 'c', next),
  ])
  t.equal(list.current, 'a')
  t.same(list.run(hs), { verdict: 'serve', app })
  t.equal(list.current, 'b', 'the one that served stays until the end')
  list.end(unexpected)
  list.end(unexpected)
  t.same(log, [
    'make a', 'make b', 'make c',
    'step a', 'make inner', 'make last inner', 'end a',
    'step inner', 'end inner', 'step last inner', 'end last inner',
    'step b', 'end b', 'end c',
  ])
  t.equal(list.current, '')
})

t.test('pipeline: one that waits is asked again', async (t) => {
  const log: string[] = []
  const verdicts: Verdict[] = [more(5), wait(), close({ cause: 'denied' })]
  const list = new Pipeline([noted(log, 'a', () => verdicts.shift() ?? next())])
  t.same(list.run(hs), { verdict: 'more', total: 5 })
  t.same(list.run(hs), { verdict: 'wait' })
  t.same(list.run(hs), { verdict: 'close', why: { cause: 'denied' } })
  list.end(unexpected)
  t.same(log, ['make a', 'step a', 'step a', 'step a', 'end a'])
})

t.test('pipeline: what goes wrong costs this connection and no end()', async (t) => {
  const bug = (list: Pipeline, text: RegExp, name: string): void => {
    const verdict = list.run(hs)
    t.match(verdict, { verdict: 'close', why: { cause: 'bug', detail: text } }, name)
  }
  const boom = (): never => {
    throw new Error('boom')
  }

  let log: string[] = []
  let list = new Pipeline([noted(log, 'a', boom)])
  bug(list, /boom/, 'a throw in step()')
  list.end(unexpected)
  t.same(log, ['make a', 'step a', 'end a'])

  log = []
  list = new Pipeline([noted(log, 'a', next), boom, noted(log, 'c', next)])
  bug(list, /boom/, 'a throw while the list is made')
  list.end(unexpected)
  t.same(log, ['make a', 'end a'], 'what was made is ended, and never stepped')

  log = []
  list = new Pipeline([noted(log, 'a', () => next(noted(log, 'b', next), boom))])
  bug(list, /boom/, 'a throw while insertions are made')
  list.end(unexpected)
  t.same(log, ['make a', 'step a', 'make b', 'end a'])

  bug(new Pipeline([]), /served nothing/, 'an empty list')
  // Plugins in JavaScript are not held to the types.
  const passes = (value: unknown): value is Handler & Verdict => value !== boom
  const untyped = (value: unknown) => () => (passes(value) ? value : boom())
  bug(new Pipeline([untyped(undefined)]), /returned none/, 'no handler is made')
  bug(new Pipeline([noted([], 'a', untyped(Promise.reject(new Error('nobody awaits it'))))]), /^step\(\) returned a Promise, which is none; it is synchronous: what takes its time says wait\(\)/, 'an async step(): a rejection is no bug of the process as well')
  bug(new Pipeline([noted([], 'a', untyped(undefined))]), /^step\(\) returned undefined, which is none/, 'no return')
  bug(new Pipeline([noted([], 'a', untyped({ verdict: 'nonsense' }))]), /^step\(\) returned the verdict 'nonsense', which is none/, 'a verdict that there is not')
  bug(new Pipeline([noted([], 'a', untyped({ verdict: 'close' }))]), /close\(\) without a cause/, 'an end without a cause')
  bug(new Pipeline([noted([], 'a', untyped({ verdict: 'serve', app: null }))]), /serve\(\) of what has no open/, 'no app')
  bug(new Pipeline([noted([], 'a', untyped({ verdict: 'more', total: '7' }))]), /more\(\) of what is no number/, 'no number of bytes')
  const trace: Trace = { asked: () => undefined, said: (_, verdict) => void (verdict.verdict === 'close' ? verdict.why.cause : ''), rule: boom, ruled: boom, test: boom, value: boom, note: boom }
  bug(new Pipeline([noted([], 'a', untyped({ verdict: 'close' }))], trace), /close\(\) without a cause/, 'a trace is not told what is no verdict')
  const unseen = (): never => {
    throw new Proxy({}, { get: boom })
  }
  bug(new Pipeline([noted([], 'a', unseen)]), /no text/, 'what is thrown cannot be looked at')
  const another: MakeHandler = () => ({ name: 'again', step: () => next(another) })
  bug(new Pipeline([another]), /without end/, 'handlers that insert handlers for ever')
  bug(new Pipeline([() => ({ name: 'a', step: () => next(), end: boom }), noted([], 'b', next)]), /end\(\) of handler a: .*boom/, 'a throw in end() of one that succeeded')
  bug(new Pipeline([noted([], 'a', next)]), /served nothing/, 'nobody serves')

  log = []
  list = new Pipeline([noted(log, 'a', () => (list.end(unexpected), next())), noted(log, 'b', next)])
  bug(list, /ended within step/, 'the connection ends within step()')
  t.same(log, ['make a', 'make b', 'step a', 'end a', 'end b'], 'each end() once')

  list = new Pipeline([() => ({ name: 'a', step: () => (list.run(hs), next()) })])
  bug(list, /from within step/, 'run() in step()')

  const reported: string[] = []
  list = new Pipeline([() => ({ name: 'a', step: wait, end: boom }), noted(log, 'z', next)])
  list.run(hs)
  list.end((handler, error) => reported.push(`${handler} ${String(error)}`))
  t.same(reported, ['a Error: boom'], 'a throw in end() is reported')
  t.equal(log.at(-1), 'end z', 'and stops nothing')
})

t.test('pipeline: what a handler says about an end that the engine found', async (t) => {
  const list = new Pipeline([() => ({ name: 'a', details: { timeout: 'too late' }, step: wait })])
  t.equal(list.detail('timeout'), 'too late')
  t.equal(list.detail('empty'), undefined)
  t.equal(new Pipeline([]).detail('timeout'), undefined)
})

// ── plan ─────────────────────────────────────────────────────────────────────────────────────────────────────────

type Slot = Pick<HandlerSpec, 'after' | 'before' | 'last'>
const spec = (name: string, slot: Slot = {}, side: 'accept' | 'connect' = 'accept'): HandlerSpec => ({ name, side, ...slot, plan: () => null })
const names = (specs: readonly HandlerSpec[], side: 'accept' | 'connect' = 'accept'): readonly string[] => {
  const { order, problems } = orderHandlers(specs, side)
  return order === undefined ? problems.map((problem) => `! ${problem}`) : order.map((s) => s.name)
}

const CHAIN = [spec('a'), spec('b', { after: ['a'] }), spec('c', { after: ['b'] }), spec('z', { last: true })]

t.test('plan: the built-in sequence', async (t) => {
  const all = builtinPlugins.flatMap((plugin) => plugin.handlers ?? [])
  const tls = [spec('tls', { after: ['accept-proxy'] }), spec('tls', { after: ['send-proxy'] }, 'connect')]
  const specs = all.some((s) => s.name === 'tls') ? all : [...all, ...tls]
  const sequence = ['health', 'monitor', 'tcp-rules connection', 'accept-netscaler-cip', 'accept-proxy', 'tcp-rules handshake', 'tls', 'tcp-rules session']
  t.same(names(specs).filter((name) => name !== 'demo-service' && name !== 'unique-id'), [...sequence, 'session'])
  t.same(names(specs, 'connect'), ['send-proxy', 'tls'])
  const isFirst = (s: HandlerSpec): boolean => s.name === 'health'
  t.same(names([...specs.filter(isFirst), ...specs.filter((s) => !isFirst(s)).reverse()]).filter((name) => name !== 'demo-service' && name !== 'unique-id'), [...sequence, 'session'], 'whatever the order of the list')
})

t.test('plan: slots', async (t) => {
  t.same(names(CHAIN), ['a', 'b', 'c', 'z'])
  t.same(names([...CHAIN, spec('u', { after: ['a'] })]), ['a', 'b', 'u', 'c', 'z'], 'behind those that were there first, before what follows them')
  t.same(names([...CHAIN, spec('u', { after: ['c'] }), spec('v', { after: ['c'] })]), ['a', 'b', 'c', 'u', 'v', 'z'], 'two in the order of their plugins, before the last')
  t.same(names([...CHAIN, spec('u', { before: ['c'] })]), ['a', 'b', 'u', 'c', 'z'])
  t.same(names([...CHAIN, spec('u', { before: ['a'] })]), ['u', 'a', 'b', 'c', 'z'])
  t.same(names([...CHAIN, spec('u', { before: ['z'] })]), ['a', 'b', 'c', 'u', 'z'])
  t.same(names([...CHAIN, spec('u', { after: ['a'], before: ['b'] })]), ['a', 'u', 'b', 'c', 'z'])
  t.same(names([...CHAIN, spec('u', { after: ['v'] }), spec('v', { after: ['a'], before: ['b'] })]), ['a', 'v', 'b', 'u', 'c', 'z'], 'one plugin beside another')
  t.same(names([spec('x'), spec('y', { after: ['x'] }, 'connect'), spec('w', {}, 'connect')], 'connect').length, 2, 'sides are apart')
})

t.test('plan: what is refused', async (t) => {
  t.same(names([...CHAIN, spec('u', { after: ['nobody'] })]), ["! handler 'u' wants a place beside 'nobody', which is no handler of the accept side"])
  t.same(names([...CHAIN, spec('u')]), ["! handler 'u' has no slot: say after or before which handler of the accept side it stands"])
  t.same(names([...CHAIN, spec('b', { after: ['a'] })]), ["! two handlers are named 'b' on the accept side"])
  t.same(names([...CHAIN, spec('u', { after: ['z'] })]), ["! handler 'u' wants to stand after 'z', which lets nothing come after it"])
  t.same(names([...CHAIN, spec('y', { last: true })]), ["! handlers 'z' and 'y' both want to be the last of the accept side"])
  t.same(names([...CHAIN, spec('u', { after: ['c'], before: ['a'] })]), ["! these handlers wait for each other: 'a' after 'u' after 'c' after 'b' after 'a'"])
  t.same(names([spec('a'), spec('u', { before: ['v'] }), spec('v', { before: ['u'] })]), ["! these handlers wait for each other: 'u' after 'v' after 'u'"])
  t.same(names([...CHAIN, spec('u', { after: ['u'] })]), ["! these handlers wait for each other: 'u' after 'u'"])
})

t.test('plan: property: every slot is kept, or a cycle is named', async (t) => {
  const arbitrary = fc.array(fc.record({ after: fc.array(fc.nat(7), { maxLength: 2 }), before: fc.array(fc.nat(7), { maxLength: 1 }) }), { minLength: 8, maxLength: 8 })
  fc.assert(
    fc.property(arbitrary, (slots) => {
      const specs = slots.map(({ after, before }, i) => spec(`h${i}`, { after: [...(after.length + before.length === 0 && i > 0 ? ['h0'] : []), ...after.map((n) => `h${n}`)], before: before.map((n) => `h${n}`) }))
      const { order, problems } = orderHandlers(specs, 'accept')
      if (order === undefined) return problems.length === 1 && problems[0]?.startsWith('these handlers wait for each other') === true
      const at = (name: string): number => order.findIndex((s) => s.name === name)
      return order.length === 8 && specs.every((s) => (s.after ?? []).every((name) => at(name) < at(s.name)) && (s.before ?? []).every((name) => at(s.name) < at(name)))
    }),
    { seed: 7, numRuns: 300 },
  )
  t.pass()
})

t.test('plan: a line gets only what it needs', async (t) => {
  const someLine = configured('frontend f\n timeout client 9s\n bind :1').bind()
  const made: string[] = []
  const planned = (name: string, needs: boolean): HandlerSpec => ({ name, side: 'accept', plan: () => (needs ? noted(made, name, next) : null) })
  const makers = planLine([planned('a', true), planned('b', false), planned('c', true)], someLine)
  for (const make of makers) make()
  t.same(made, ['make a', 'make c'])

  const problems: string[] = []
  const line = { ...someLine, report: ({ text }: { text: string }) => void problems.push(text) }
  const thrower: HandlerSpec = { name: 'thrower', side: 'accept', plan: () => { throw new Error('oops') } }
  t.equal(planLine([thrower, planned('a', true)], line).length, 1)
  t.match(problems.splice(0), [/handler 'thrower' cannot be planned: oops; this is a bug of who made it/], "a throw in plan() is the line's problem")

  const nothing: HandlerSpec['plan'] = () => null
  const wrong = (value: unknown): value is ReturnType<HandlerSpec['plan']> => value !== nothing
  const gives = (value: unknown): HandlerSpec['plan'] => () => (wrong(value) ? value : null)
  t.same(planLine([{ ...thrower, plan: gives(Promise.reject(new Error('nobody awaits it'))) }], line), [])
  t.match(problems.splice(0), [/^handler 'thrower' cannot be planned: plan\(\) returned a Promise, which is neither null nor a function that makes it;/])

  const make: MakeHandler = noted(made, 'x', next)
  const asked = { ...thrower, plan: () => make, insert: () => null }
  const inserted = { ...thrower, plan: nothing, insert: () => make }
  t.equal(insertable([planned('a', true), asked], 'thrower', line), make, 'as the line has it')
  t.equal(insertable([inserted], 'thrower', line), make)
  t.equal(insertable([{ ...thrower, plan: nothing }], 'thrower', line), null)
  t.equal(insertable([planned('a', true)], 'thrower', line), null)
  t.same(problems, [])
  t.equal(insertable([{ ...inserted, insert: gives(undefined) }], 'thrower', line), null)
  t.match(problems, [/^handler 'thrower' cannot be planned: insert\(\) returned undefined, which is neither/])
})

// ── bytes ────────────────────────────────────────────────────────────────────────────────────────────────────────

t.test('bytes: a window of one buffer', async (t) => {
  const bytes = new Bytes()
  t.equal(bytes.length, 0)
  bytes.append(Buffer.from('hello'))
  bytes.append(Buffer.from(' world'))
  t.equal(bytes.view().toString(), 'hello world')
  bytes.take(6)
  t.equal(bytes.view().toString(), 'world')
  t.throws(() => bytes.take(6), RangeError)
  t.equal(bytes.view().toString(), 'world', 'a take that cannot be changes nothing')
  bytes.take(0)
  bytes.take(5)
  t.equal(bytes.buffer.length, 0, 'empty: no memory is held')
  t.equal(bytes.room, 0)
})

t.test('bytes: lent until kept', async (t) => {
  const shared = Buffer.from('0123456789')
  const bytes = new Bytes()
  bytes.lend(shared, 6)
  t.equal(bytes.room, 0, 'nobody writes into a lent buffer')
  bytes.take(2)
  bytes.keep()
  shared.fill(0x3f)
  t.equal(bytes.view().toString(), '2345', 'copied')
  t.equal(bytes.lent, false)
  bytes.keep()
  t.equal(bytes.view().toString(), '2345')

  bytes.clear()
  bytes.lend(shared, 3)
  bytes.take(3)
  bytes.keep()
  t.equal(bytes.lent, false)

  bytes.lend(Buffer.from('ab'), 2)
  bytes.append(Buffer.from('cd'))
  t.equal(bytes.view().toString(), 'abcd', 'append to lent bytes copies them')
  t.equal(bytes.lent, false)
})

t.test('bytes: property: a queue of bytes, whatever is done', async (t) => {
  const act = fc.oneof(
    fc.uint8Array({ maxLength: 40 }).map((chunk) => ({ chunk })),
    fc.nat(40).map((n) => ({ n })),
    fc.uint8Array({ minLength: 1, maxLength: 40 }).map((lent) => ({ lent })),
    fc.constant({ keep: true }),
  )
  fc.assert(
    fc.property(fc.array(act, { maxLength: 30 }), (acts) => {
      const bytes = new Bytes()
      let wanted = Buffer.alloc(0)
      for (const a of acts) {
        if ('chunk' in a) {
          bytes.append(a.chunk)
          wanted = Buffer.concat([wanted, a.chunk])
        } else if ('n' in a) {
          const n = Math.min(a.n, wanted.length)
          bytes.take(n)
          wanted = wanted.subarray(n)
        } else if ('lent' in a) {
          if (bytes.length > 0) continue
          bytes.lend(Buffer.from(a.lent), a.lent.length)
          wanted = Buffer.from(a.lent)
        } else bytes.keep()
        if (!bytes.view().equals(wanted) || bytes.length !== wanted.length) return false
      }
      return true
    }),
    { seed: 11, numRuns: 500 },
  )
  t.pass()
})

t.test('addresses in messages', async (t) => {
  t.equal(formatAddress({ family: 'ipv4', host: '10.0.0.1', port: 80 }), '10.0.0.1:80')
  t.equal(formatAddress({ family: 'ipv6', host: '::1', port: 80 }), '[::1]:80')
  t.equal(formatAddress({ family: 'unix', path: '/run/x', abstract: false }), 'unix@/run/x')
  t.equal(formatAddress({ family: 'unix', path: 'x', abstract: true }), 'abns@x')
  t.equal(formatAddress(NO_ADDRESS), 'unknown')
})
