// Owns ACLs: an expression, a matching method and patterns under a name (manual 7.1), and the `acl` keyword.

import type { Args, Keyword, Values, Word } from '../core/keyword.ts'
import { keyword } from '../core/keyword.ts'
import type { Fail, Scope, Source, Subject } from '../core/sample.ts'
import { NOT_YET, toBytes } from '../core/sample.ts'
import { compileCriterion } from './expression.ts'
import type { Expression } from './expression.ts'
import { isOperator } from './patterns/integers.ts'
import type { Operator } from './patterns/integers.ts'
import { comparable, defaultMethod, isMatchMethod, makeIndex, MATCH_METHODS } from './patterns/match.ts'
import { patternFile } from './patterns/file.ts'
import { patternStore } from './patterns/pattern-set.ts'
import type { IndexSlot } from './patterns/pattern-set.ts'
import { argsScope } from './scope.ts'
import { didYouMean } from '../config/near.ts'
import { vocabulary } from './vocabulary.ts'

/** wait: what it asks for is not there yet, or may change, and no answer that it has is final. */
export type Truth = 'pass' | 'fail' | 'wait'

/** One criterion with its patterns. */
export interface AclTest {
  readonly text: string
  readonly fetch: string
  readonly source: Source
  readonly evaluate: (subject: Subject, final: boolean) => Truth
}

/** Tests that add up: it passes when one of them does. */
export interface Acl {
  readonly name: string
  readonly tests: AclTest[]
}

/** The ACLs of one section. Those of a defaults section serve its own rules and are not visible in others. */
export interface AclTable {
  readonly section: string
  readonly acls: Map<string, Acl>
}

/** What runtime commands can call a set of patterns by. */
const MAX_ID = 0xffff_ffff

/** Compiles `<criterion> [flags] [operator] [<value> …]`, all of `words`. Messages end as HAProxy's do. */
export function compileTest(words: readonly Word[], scope: Scope, fail: Fail): AclTest | undefined {
  const first = words[0] ?? { text: '', column: 0 }
  if (first.text === '') return fail("missing fetch method in ACL expression ''", undefined, first)
  const inExpression: Fail = (text, hint, at) => fail(`${text} in ACL expression '${first.text}'`, hint, at)
  const criterion = compileCriterion(words, scope, inExpression)
  if (criterion === undefined) return undefined
  const { expression } = criterion
  const spec = vocabulary(scope.plugins).fetches.get(expression.fetch)
  const numbers = expression.match !== undefined || expression.text === first.text ? spec?.numbers : undefined
  let method = expression.match ?? defaultMethod(expression.type)
  let ignoreCase = false
  let id: number | undefined
  const groups: IndexSlot[] = []
  const used = `acl '${first.text}' file '${scope.place.file}' line ${scope.place.line}`
  let explicit = false
  let at = criterion.words
  for (; at < words.length; at++) {
    const word = words[at]
    if (word === undefined || !word.text.startsWith('-')) break
    if (word.text === '--') {
      explicit = true
      at++
      break
    }
    const value = words[at + 1]
    switch (word.text) {
      case '-i':
        ignoreCase = true
        break
      case '-n':
        break
      case '-u':
        if (value === undefined || !/^[0-9]{1,10}$/.test(value.text) || Number(value.text) > MAX_ID) return fail('the argument of -u must be an integer', `a number up to ${MAX_ID}`, value ?? word)
        id = Number(value.text)
        at++
        break
      case '-m': {
        if (value === undefined || !isMatchMethod(value.text)) {
          const found = value?.text ?? ''
          return fail(`unknown matching method '${found}' when parsing ACL expression`, didYouMean(found, MATCH_METHODS) ?? `one of ${MATCH_METHODS.join(', ')}`, value ?? word)
        }
        if (groups.length > 0) return fail("'-m' must only be specified before patterns and files in parsing ACL expression", undefined, word)
        method = value.text
        explicit ||= method === 'found' || method === 'bool'
        at++
        break
      }
      case '-f':
      case '-M': {
        const twoColumns = word.text === '-M' || words[at + 1]?.text === '-M'
        if (word.text === '-M' && value?.text !== '-f') return fail("'-M' is followed by '-f' and a file", undefined, word)
        const file = words[at + (word.text === '-M' ? 2 : twoColumns ? 2 : 1)]
        if (file === undefined) return fail("missing file name after '-f'", undefined, word)
        const kind = method ?? noMethod(expression, fail, word)
        if (kind === undefined) return undefined
        const set = patternFile(file, twoColumns ? 2 : 1, scope, fail)
        if (set === undefined) return undefined
        const fold = ignoreCase
        const slot = set.attach(() => makeIndex(kind, fold, numbers))
        if ('problem' in slot) return fail(`${slot.problem}, in file '${file.text}'`, undefined, file)
        set.usedBy.push(used)
        groups.push(slot)
        explicit = true
        at += twoColumns ? 2 : 1
        break
      }
      default:
        return fail(`'${word.text}' is not a valid ACL option. Please use '--' before any pattern beginning with a '-'`, undefined, word)
    }
  }
  const kind = method ?? noMethod(expression, fail, first)
  if (kind === undefined) return undefined
  if (!comparable(expression.type, kind)) return fail(`matching method '${kind}' cannot be used with fetch keyword '${expression.fetch}'`, undefined, first)
  const set = patternStore(scope.plugins).own(id)
  if (typeof set === 'string') return fail(set, 'give each its own number behind -u', first)
  const slot = set.attach(() => makeIndex(kind, ignoreCase, numbers))
  if ('problem' in slot) return undefined
  set.usedBy.push(used)
  let operator: Operator = 'eq'
  for (; at < words.length; at++) {
    const word = words[at]
    if (word === undefined || word.text === '--') continue
    if ((kind === 'int' || kind === 'len') && isOperator(word.text)) {
      operator = word.text
      continue
    }
    explicit = true
    const problem = set.add(toBytes(operator === 'eq' ? word.text : `${operator} ${word.text}`))
    if (problem !== undefined) return fail(problem, kind === 'ip' && /^[A-Za-z][A-Za-z0-9.-]*$/.test(word.text) ? 'names are not looked up here: write the address, or a file of addresses behind -f' : undefined, word)
  }
  if (!explicit && kind !== 'bool' && kind !== 'found') {
    scope.warn(
      `acl keyword '${first.text}' : no pattern to match against were provided, so this ACL will never match`,
      "if this is what you intended, add '--'; to match only for existence use '-m found'; to match an int as a bool use '-m bool'",
      first,
      'never-matches',
    )
  }
  groups.push(slot)
  const text = words.map((w) => w.text).join(' ')
  return { text, fetch: expression.fetch, source: expression.source, evaluate: evaluator(expression, groups, text) }
}

function noMethod(expression: Expression, fail: Fail, at: Word): undefined {
  return fail(`matching method must be specified first (using '-m') when using a sample fetch of this type ('${expression.fetch}')`, undefined, at)
}

function evaluator(expression: Expression, groups: readonly IndexSlot[], text: string): (subject: Subject, final: boolean) => Truth {
  const evaluate = matcher(expression, groups)
  return (subject, final) => {
    const truth = evaluate(subject, final)
    if (subject.trace !== undefined) subject.trace.test(text, truth)
    return truth
  }
}

function matcher(expression: Expression, groups: readonly IndexSlot[]): (subject: Subject, final: boolean) => Truth {
  return (subject, final) => {
    const sample = expression.evaluate(subject)
    if (sample === undefined) return 'fail'
    if (sample === NOT_YET) return final ? 'fail' : 'wait'
    for (const group of groups) if (group.index.find(sample) !== undefined) return 'pass'
    if (sample.others?.some((other) => groups.some((group) => group.index.find(other) !== undefined)) === true) return 'pass'
    return sample.mayChange === true && !final ? 'wait' : 'fail'
  }
}

/** Whose ACLs they are: `defaults` sections keep theirs to themselves. */
function aclOwner(args: Args): string {
  return `${args.sectionKind === 'defaults' ? 'defaults' : 'proxy'} ${args.sectionName}`
}

const wrong = new WeakMap<Values, Set<string>>()

/** Whether the section has a line for this ACL that was refused: what refers to it is not told once more that it is not there. */
export function isWrongAcl(values: Values, name: string): boolean {
  return wrong.get(values)?.has(name) ?? false
}

export const acl: Keyword<AclTable> = keyword<AclTable>({
  name: 'acl',
  sections: ['defaults', 'frontend', 'backend'],
  args: '<aclname> <criterion> [flags] [operator] <value> ...',
  doc: 'Declares an ACL, or adds a test to one of that name.',
  parse(args, before) {
    if (args.sectionKind === 'defaults' && args.sectionName === '') {
      return args.fail("'acl' not allowed in anonymous 'defaults' section.", 'give the defaults section a name and use it with `from`')
    }
    const name = args.next()
    if (name === undefined) return args.fail("'acl' expects a name and a criterion")
    const bad = /[^A-Za-z0-9_.:-]/.exec(name.text)
    if (bad !== null) return args.fail(`character '${bad[0]}' is not permitted in acl name '${name.text}'.`, 'letters, digits, - _ . and : are', name)
    if (/^(or|\|\|)$/i.test(name.text)) {
      return args.fail(`acl name '${name.text}' will never match. 'or' is used to express a logical disjunction within a condition.`, 'choose another name', name)
    }
    const words = args.rest()
    const fail: Fail = (text, hint, at) => args.fail(`error detected while parsing ACL '${name.text}' : ${text}.`, hint, at)
    const test = compileTest(words, argsScope(args, 'log', 'acl'), fail)
    if (test === undefined) {
      wrong.set(args.values, (wrong.get(args.values) ?? new Set()).add(name.text))
      return undefined
    }
    const owner = aclOwner(args)
    const own = before?.section === owner ? before : undefined
    const had = own?.acls.get(name.text)
    if (had !== undefined && own !== undefined) {
      // rules above refer to this ACL: what is added counts for them too
      had.tests.push(test)
      return own
    }
    // Its own table grows where it is: copying it for each line would take the square of their number.
    const table = own ?? { section: owner, acls: new Map<string, Acl>() }
    table.acls.set(name.text, { name: name.text, tests: [test] })
    return table
  },
})
