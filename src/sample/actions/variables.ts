// Owns set-var, set-var-fmt and unset-var: as actions of rules and as keywords of the global section.

import { NEXT_RULE } from '../../core/action.ts'
import type { ActionSpec, ActionWords, RuleSet } from '../../core/action.ts'
import type { Args, Keyword } from '../../core/keyword.ts'
import { keyword } from '../../core/keyword.ts'
import type { Fail, Sample, Scope, Subject, VariableName } from '../../core/sample.ts'
import { NOT_YET } from '../../core/sample.ts'
import { checkStage, compileExpression } from '../expression.ts'
import { compileLogFormat } from '../log-format.ts'
import { argsScope } from '../scope.ts'
import { parseVariable, processVariables } from '../variables.ts'
import { didYouMean } from '../../config/near.ts'
import { noSubject } from '../subject.ts'

const ALL_RULES: readonly RuleSet[] = ['connection', 'handshake', 'session', 'request', 'response']

const CONDITIONS = ['ifexists', 'ifnotexists', 'ifempty', 'ifnotempty', 'ifset', 'ifnotset', 'ifgt', 'iflt'] as const
export type SetCondition = (typeof CONDITIONS)[number]

export interface SetTarget {
  readonly variable: VariableName
  readonly conditions: readonly SetCondition[]
}

/** `txn.name,ifexists`: the name and the conditions, all of which must hold. Reports. */
export function parseTarget(inner: string, fail: Fail): SetTarget | undefined {
  const [name = '', ...rest] = inner.split(',')
  if (name === '') return fail('Empty variable name cannot be accepted')
  const variable = parseVariable(name)
  if (typeof variable === 'string') return fail(variable)
  const conditions: SetCondition[] = []
  for (const text of rest) {
    const condition = CONDITIONS.find((known) => known === text)
    if (condition === undefined) return fail(`unknown condition "${text}"`, didYouMean(text, CONDITIONS))
    conditions.push(condition)
  }
  return { variable, conditions }
}

/** Sets the variable if all conditions hold. Whether it was set. */
export function assign(target: SetTarget, value: Sample, subject: Subject): boolean {
  const { variables } = subject
  const before = variables.get(target.variable)
  return target.conditions.every((condition) => holds(condition, before, value, target.variable)) && variables.set(target.variable, value)
}

function holds(condition: SetCondition, before: Sample | undefined, value: Sample, variable: VariableName): boolean {
  switch (condition) {
    case 'ifexists':
      return before !== undefined || variable.scope === 'proc'
    case 'ifnotexists':
      return before === undefined && variable.scope !== 'proc'
    case 'ifset':
      return before !== undefined
    case 'ifnotset':
      return before === undefined
    case 'ifempty':
      return isEmpty(value)
    case 'ifnotempty':
      return !isEmpty(value)
    case 'ifgt':
      return before?.type !== 'sint' || value.type !== 'sint' || before.value > value.value
    case 'iflt':
      return before?.type !== 'sint' || value.type !== 'sint' || before.value < value.value
  }
}

function isEmpty(value: Sample): boolean {
  return (value.type === 'str' || value.type === 'bin') && value.value === ''
}

/** What an action's parentheses name. Reports. */
function targetOf({ inner, word }: ActionWords, fail: Fail): SetTarget | undefined {
  if (inner === undefined) return fail(`invalid or incomplete action '${word.text}'. Expects 'set-var(<var-name>)', 'set-var-fmt(<var-name>)' or 'unset-var(<var-name>)'`)
  return parseTarget(inner, fail)
}

export const variableActions: readonly ActionSpec[] = [
  {
    name: 'set-var',
    rules: ALL_RULES,
    args: '(<var-name>[,<cond>...]) <expr>',
    doc: 'Sets a variable to the value of an expression. Without a value the variable stays as it was.',
    compile(words, scope, fail) {
      const target = targetOf(words, fail)
      if (target === undefined) return undefined
      const expression = compileExpression(words, scope, fail)
      if (expression === undefined || checkStage(expression, scope, fail, words.word.text) === undefined) return undefined
      return (subject) => {
        const value = expression.evaluate(subject)
        if (value !== undefined && value !== NOT_YET) assign(target, value, subject)
        return NEXT_RULE
      }
    },
  },
  {
    name: 'set-var-fmt',
    rules: ALL_RULES,
    args: '(<var-name>[,<cond>...]) <fmt>',
    doc: 'Sets a variable to a string written as a log format.',
    compile(words, scope, fail) {
      const target = targetOf(words, fail)
      if (target === undefined) return undefined
      const word = words.next()
      if (word === undefined) return fail("'set-var-fmt' expects a log format")
      const format = compileLogFormat(word, 'value', scope, fail)
      if (format === undefined) return undefined
      return (subject) => {
        assign(target, { type: 'str', value: format.format(subject) }, subject)
        return NEXT_RULE
      }
    },
  },
  {
    name: 'unset-var',
    rules: ALL_RULES,
    args: '(<var-name>)',
    doc: 'Forgets a variable.',
    compile(words, _scope, fail) {
      if (words.inner?.includes(',') === true) return fail('unset-var does not expect parameters after the variable name. Only "set-var" and "set-var-fmt" manage conditions')
      const target = targetOf(words, fail)
      if (target === undefined) return undefined
      return (subject) => {
        subject.variables.unset(target.variable)
        return NEXT_RULE
      }
    },
  },
]

/** A variable of the process, set while the configuration is read. The keyword's value: how many were set so. */
function globalKeyword(name: string, args: string, doc: string, value: (args: Args, scope: Scope) => Sample | undefined): Keyword<number> {
  return keyword<number>({
    name,
    sections: ['global'],
    args,
    doc,
    parse(reader, before = 0) {
      const word = reader.next()
      if (word === undefined || reader.peek() === undefined) {
        return reader.fail(`'${name}' requires a process-wide variable name ('proc.<name>') and a ${name === 'set-var' ? 'sample expression' : 'format string'}.`)
      }
      const target = parseTarget(word.text, (text, hint) => reader.fail(`'${name}' : ${text}`, hint, word))
      if (target === undefined) return undefined
      if (target.variable.scope !== 'proc') {
        return reader.fail(`'${name}': cannot set variable '${word.text}', only scope 'proc' is permitted in the global section.`, undefined, word)
      }
      const sample = value(reader, argsScope(reader, 'config', `global ${name}`))
      if (sample === undefined) return undefined
      assign(target, sample, noSubject)
      processVariables.set(target.variable, sample)
      return before + 1
    },
  })
}

export const globalSetVar: Keyword<number> = globalKeyword('set-var', '<var-name> <expr>', "Sets a variable of the process to an expression's value.", (args, scope) => {
  const fail: Fail = (text, hint, at) => args.fail(text, hint, at)
  const at = args.peek()
  const expression = compileExpression(args, scope, fail)
  if (expression === undefined || checkStage(expression, scope, fail, at?.text ?? '', at) === undefined) return undefined
  const value = expression.evaluate(noSubject)
  return value === undefined || value === NOT_YET ? fail(`'set-var' : '${expression.text}' has no value`) : value
})

export const globalSetVarFmt: Keyword<number> = globalKeyword('set-var-fmt', '<var-name> <fmt>', 'Sets a variable of the process to a string written as a log format.', (args, scope) => {
  const word = args.next()
  if (word === undefined) return undefined
  const format = compileLogFormat(word, 'value', scope, (text, hint, at) => args.fail(text, hint, at))
  return format === undefined ? undefined : { type: 'str', value: format.format(noSubject) }
})
