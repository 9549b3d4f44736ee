// Owns the actions on a session: log level, queue priority, niceness, services, pause and tarpit.

import { NEXT_RULE } from '../../core/action.ts'
import type { ActionResult, ActionSpec } from '../../core/action.ts'
import { LOG_LEVELS } from '../../core/log-sink.ts'
import { NICE, NICEST } from '../../core/nice.ts'
import type { SessionEffects } from '../../core/sample.ts'
import { asInt } from '../cast.ts'
import { checkStage, compileExpression } from '../expression.ts'
import { didYouMean } from '../../config/near.ts'
import { parseTime } from '../../config/units.ts'

const LEVELS = [...LOG_LEVELS, 'silent'] as const

/** Sets an integer effect to an expression's value within bounds. */
function priority(name: string, bound: number, doc: string, set: (effects: SessionEffects, value: number) => void): ActionSpec {
  return {
    name,
    rules: ['request'],
    args: '<expr>',
    doc,
    compile(words, scope, fail) {
      const expression = compileExpression(words, scope, fail)
      if (expression === undefined || checkStage(expression, scope, fail, name) === undefined) return undefined
      return (subject) => {
        const n = asInt(expression.evaluate(subject))
        if (n !== undefined && subject.effects !== undefined) {
          const limit = BigInt(bound)
          set(subject.effects, Number(n > limit ? limit : n < -limit ? -limit : n))
        }
        return NEXT_RULE
      }
    },
  }
}

const MOST_RETRIES = 100

/** In a section with servers of its own: how often a connect to one is tried again. */
const setRetries: ActionSpec = {
  name: 'set-retries',
  rules: ['request'],
  args: '{ <int> | <expr> }',
  doc: 'How often a connect is tried again for this session, 0 to 100, instead of `retries`. In backend and listen sections; a listen section speaks for its own servers only.',
  compile(words, scope, fail) {
    if (scope.section !== 'backend' && scope.section !== 'listen') return fail(`'set-retries' is not allowed in '${scope.section}' sections`, 'write it in a backend or listen section')
    const first = words.peek()
    if (first === undefined) return fail('expects an integer or an expression')
    if (/^[+-]?[0-9]/.test(first.text)) {
      words.next()
      if (!/^[0-9]{1,3}$/.test(first.text) || Number(first.text) > MOST_RETRIES) return fail(`'set-retries' : ${first.text} is not within 0 and ${MOST_RETRIES}.`, undefined, first)
      const retries = Number(first.text)
      return ({ effects }) => {
        if (effects !== undefined) effects.retries = retries
        return NEXT_RULE
      }
    }
    const expression = compileExpression(words, scope, fail)
    if (expression === undefined || checkStage(expression, scope, fail, 'set-retries') === undefined) return undefined
    return (subject) => {
      const n = asInt(expression.evaluate(subject))
      if (subject.effects !== undefined && n !== undefined && n >= 0n && n <= BigInt(MOST_RETRIES)) subject.effects.retries = Number(n)
      return NEXT_RULE
    }
  },
}

export const sessionActions: readonly ActionSpec[] = [
  setRetries,
  {
    name: 'set-log-level',
    rules: ['request', 'response'],
    args: '<level>',
    doc: "The level of this session's log line: emerg, alert, crit, err, warning, notice, info or debug; silent: no line.",
    compile(words, _scope, fail) {
      const word = words.next()
      const level = LEVELS.find((known) => known === word?.text)
      if (level === undefined) return fail("expects exactly 1 argument (log level name or 'silent')", didYouMean(word?.text ?? '', LEVELS), word)
      return (subject) => {
        if (subject.effects !== undefined) subject.effects.logLevel = level
        return NEXT_RULE
      }
    },
  },
  priority('set-priority-class', 2047, 'The class by which queues order sessions: lower ones first.', (effects, value) => {
    effects.priorityClass = value
  }),
  priority('set-priority-offset', 524287, 'Milliseconds added to the time by which queues order sessions of one class.', (effects, value) => {
    effects.priorityOffset = value
  }),
  {
    name: 'set-nice',
    rules: ['request', 'response'],
    args: '<nice>',
    doc: 'Of the sessions that are ready in the same turn of the event loop, those with a lower number are served first: -1024 to 1024.',
    compile(words, _scope, fail) {
      const word = words.next()
      if (word === undefined) return fail('expects exactly 1 argument (integer value)')
      if (!/^[+-]?[0-9]{1,9}$/.test(word.text)) return fail(`'set-nice' : '${word.text}' is no integer`, `a number from -${NICEST} to ${NICEST}`, word)
      const nice = Math.max(-NICEST, Math.min(NICEST, Number(word.text)))
      return ({ client }) => {
        const place = client?.get(NICE)
        if (place !== undefined) place.nice = nice
        return NEXT_RULE
      }
    },
  },
  {
    name: 'use-service',
    rules: ['request'],
    args: '<service-name>',
    doc: 'A service answers instead of a server.',
    compile(words, scope, fail) {
      const word = words.next()
      if (word === undefined) return fail("'tcp-request' expects a service name.")
      const services = new Map(scope.plugins.flatMap((plugin) => Object.entries(plugin.services ?? {})))
      const app = services.get(word.text)
      if (app === undefined) return fail(`'content' unknown service name '${word.text}'.`, didYouMean(word.text, services.keys()), word)
      const result: ActionResult = { result: 'serve', app }
      return () => result
    },
  },
  {
    name: 'pause',
    rules: ['request', 'response'],
    args: '{ <timeout> | <expr> }',
    doc: 'The next rule is looked at after this time; an expression gives milliseconds, a day at most.',
    compile(words, scope, fail) {
      const word = words.peek()
      const time = word === undefined ? undefined : parseTime(word.text)
      if (time?.ok === true) {
        words.next()
        const result: ActionResult = { result: 'pause', ms: time.value }
        return () => result
      }
      const expression = compileExpression(words, scope, fail)
      if (expression === undefined || checkStage(expression, scope, fail, 'pause') === undefined) return undefined
      return (subject) => {
        const n = asInt(expression.evaluate(subject))
        return n !== undefined && n > 0n ? { result: 'pause', ms: Math.min(Number(n), MAX_PAUSE) } : NEXT_RULE
      }
    },
  },
  {
    name: 'tarpit',
    rules: ['request'],
    args: '[<timeout>]',
    doc: 'Holds the client for this time, then rejects the connection. Without a time: for `timeout tarpit` of the section.',
    compile(words, _scope, fail) {
      const word = words.next()
      const time = word === undefined ? undefined : parseTime(word.text)
      if (time?.ok === false) return fail(`'tarpit' expects a delay in milliseconds (got '${word?.text ?? ''}')`, 'digits, and us, ms, s, m, h or d behind them: 5s', word)
      const result: ActionResult = { result: 'tarpit', ms: time?.value }
      return () => result
    },
  },
]

/** What a sample can make a session wait, ms: a day. */
const MAX_PAUSE = 86_400_000
