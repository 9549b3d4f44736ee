// Owns conditions: what stands behind `if` and `unless` (manual 7.2): ACLs, named or in braces, joined by and (nothing), or, and !.

import type { Word } from '../core/keyword.ts'
import type { Fail, Scope, Subject } from '../core/sample.ts'
import { acl, compileTest, isWrongAcl } from './acl.ts'
import type { Acl, AclTest, Truth } from './acl.ts'
import { predefined } from './predefined.ts'
import { available } from './stage.ts'
import { didYouMean, meant } from '../config/near.ts'
import { vocabulary } from './vocabulary.ts'

export interface Condition {
  /** As written, with its `if` or `unless`. */
  readonly text: string
  /** `final`: nothing more will come; then it is never 'wait'. */
  readonly test: (subject: Subject, final: boolean) => Truth
  /** The tests that it may ask, those of the ACLs it names included; asked when all is read, because ACLs add up. */
  readonly tests: () => readonly AclTest[]
}

export interface Term {
  readonly negated: boolean
  readonly text: string
  /** Grows while the section is read: ACLs add up. */
  readonly tests: readonly AclTest[]
}

/**
 * Compiles a condition from its words, the first of which is `if` or `unless`. `here` names the rule's place, for messages.
 * Problems are worded as HAProxy's: `error detected in frontend 'f' while parsing 'if' condition : …`.
 */
export function compileCondition(words: readonly Word[], scope: Scope, fail: Fail): Condition | undefined {
  const [keyword, ...rest] = words
  if (keyword === undefined || (keyword.text !== 'if' && keyword.text !== 'unless')) {
    return fail(`only accepts 'if' or 'unless', in ${scope.proxy === '' ? scope.rule : `'${scope.proxy}'`} (got '${keyword?.text ?? ''}')`, didYouMean(keyword?.text ?? '', ['if', 'unless']), keyword)
  }
  const inner: Fail = (text, hint, at) => fail(`error detected in ${proxyText(scope)} while parsing '${keyword.text}' condition : ${text}`, hint, at ?? keyword)
  return conditionOf(words, rest, scope, inner)
}

/** As compileCondition(), for a rule that words its problems in its own way: `fail` gets them bare. */
export function compileBareCondition(words: readonly Word[], scope: Scope, fail: Fail): Condition | undefined {
  return conditionOf(words, words.slice(1), scope, fail)
}

function conditionOf(words: readonly Word[], rest: readonly Word[], scope: Scope, fail: Fail): Condition | undefined {
  const either = compileTerms(rest, scope, fail)
  if (either === undefined) return undefined
  const negated = words[0]?.text === 'unless'
  const test = negated
    ? (subject: Subject, final: boolean): Truth => not(any(either, subject, final))
    : (subject: Subject, final: boolean): Truth => any(either, subject, final)
  return { text: words.map((w) => w.text).join(' '), test, tests: () => either.flatMap((all) => all.flatMap((term) => term.tests)) }
}

function proxyText(scope: Scope): string {
  return `${scope.rule.split(' ')[0] ?? ''} '${scope.proxy}'`
}

/** The disjunction of conjunctions that the words write. */
function compileTerms(words: readonly Word[], scope: Scope, fail: Fail): readonly (readonly Term[])[] | undefined {
  const either: Term[][] = []
  let all: Term[] = []
  let negated = false
  for (let i = 0; i < words.length; i++) {
    const word = words[i]
    if (word === undefined) break
    let name = word.text
    if (/^(or|\|\|)$/i.test(name)) {
      if (all.length === 0 || negated) return fail(`'${name}' has no ACL before it`, undefined, word)
      either.push(all)
      all = []
      continue
    }
    while (name.startsWith('!')) {
      negated = !negated
      name = name.slice(1)
    }
    if (name === '') continue
    let tests: readonly AclTest[]
    if (name === '{') {
      let end = i + 1
      while (end < words.length && words[end]?.text !== '}') end++
      if (end === words.length) return fail("missing closing '}' in condition", undefined, word)
      const test = compileTest(words.slice(i + 1, end), scope, fail)
      if (test === undefined) return undefined
      warnNever(test, 'anonymous acl', scope, word)
      tests = [test]
      i = end
    } else {
      const found = findAcl(name, scope, fail, word)
      if (found === undefined) return undefined
      for (const test of found.tests) warnNever(test, `acl '${name}'`, scope, word)
      tests = found.tests
    }
    all.push({ negated, text: name === '{' ? `{ ${tests[0]?.text ?? ''} }` : name, tests })
    negated = false
  }
  if (negated) return fail("'!' has no ACL behind it", undefined, words.at(-1))
  if (all.length === 0 && either.length > 0) return fail("'or' has no ACL behind it", undefined, words.at(-1))
  if (all.length === 0) return fail('no ACL given', 'write the name of an ACL, or one in braces: { src 10.0.0.0/8 }', words.at(-1))
  either.push(all)
  return either
}

/** A fetch that stands where ACLs do. */
function fetchMeant(name: string, scope: Scope): string | undefined {
  const { fetches } = vocabulary(scope.plugins)
  if (fetches.has(name)) return `'${name}' is a fetch: write it in braces, { ${name} <value> }`
  const near = meant(name, fetches.keys())
  return near === undefined ? undefined : `did you mean the fetch '${near}', in braces: { ${near} <value> }?`
}

/** The section's ACL of this name, or the predefined one. Reports when there is none. */
export function findAcl(name: string, scope: Scope, fail: Fail, word?: Word): Acl | undefined {
  const table = scope.values.get(acl)
  const own = table !== undefined && (!table.section.startsWith('defaults ') || scope.rule.startsWith('defaults')) ? table.acls : new Map<string, Acl>()
  const named = own.get(name)
  if (named !== undefined) return named
  if (isWrongAcl(scope.values, name)) return { name, tests: [] }
  const given = predefined(name, scope)
  if (given === undefined) return fail(`no such ACL : '${name}'`, didYouMean(name, [...own.keys(), 'TRUE', 'FALSE', 'LOCALHOST', 'WAIT_END', 'REQ_CONTENT', 'RDP_COOKIE', 'HTTP']) ?? fetchMeant(name, scope), word)
  if (typeof given === 'string') return fail(given, undefined, word)
  return given
}

function warnNever(test: AclTest, who: string, scope: Scope, at: Word): void {
  if (available(test.source, scope.stage)) return
  scope.warn(`${who} will never match in '${scope.rule}' because it uses keyword '${test.fetch}' which is incompatible with '${scope.rule}'`, undefined, at, 'never-matches')
}

function not(truth: Truth): Truth {
  return truth === 'pass' ? 'fail' : truth === 'fail' ? 'pass' : 'wait'
}

/** One that passes is enough; while none does, one that waits makes all wait. */
function any(either: readonly (readonly Term[])[], subject: Subject, final: boolean): Truth {
  let truth: Truth = 'fail'
  for (const all of either) {
    const one = every(all, subject, final)
    if (one === 'pass') return 'pass'
    if (one === 'wait') truth = 'wait'
  }
  return truth
}

/** One that fails is enough; a later one is asked even while an earlier one waits. */
export function every(all: readonly Term[], subject: Subject, final: boolean): Truth {
  let truth: Truth = 'pass'
  for (const term of all) {
    const one = evaluateTerm(term, subject, final)
    if (one === 'fail') return 'fail'
    if (one === 'wait') truth = 'wait'
  }
  return truth
}

function evaluateTerm(term: Term, subject: Subject, final: boolean): Truth {
  let truth: Truth = 'fail'
  for (const test of term.tests) {
    const one = test.evaluate(subject, final)
    if (one === 'pass') {
      truth = 'pass'
      break
    }
    if (one === 'wait') truth = 'wait'
  }
  return term.negated ? not(truth) : truth
}
