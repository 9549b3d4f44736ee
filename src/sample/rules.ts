// Owns rule sets: an action with a condition each, their keywords, and the evaluation that stops where it has to wait and goes on there.

import type { Act, ActionResult, ActionWords, RuleSet } from '../core/action.ts'
import { NEXT_RULE, WAIT_RULE } from '../core/action.ts'
import type { Args, Keyword, Place, Values, Word } from '../core/keyword.ts'
import { keyword } from '../core/keyword.ts'
import type { Fail, SampleStage, Subject } from '../core/sample.ts'
import { notYet } from '../config/language.ts'
import { refusedActions } from './actions/refused.ts'
import { compileCondition } from './condition.ts'
import type { Condition } from './condition.ts'
import { growing } from './growing.ts'
import { argsScope } from './scope.ts'
import { didYouMean } from '../config/near.ts'
import { vocabulary } from './vocabulary.ts'

export interface Rule {
  /** As written: `reject if { src 10.0.0.0/8 }`. */
  readonly text: string
  readonly place: Place
  /** The section that it stands in, and its action's name. */
  readonly section: string
  readonly action: string
  /** `tcp-request content` */
  readonly keyword: string
  readonly act: Act
  readonly condition: Condition | undefined
  /** Handlers that its action may insert. */
  readonly inserts: readonly string[]
  /** Only the kernel's own calls can do it. */
  readonly needsKernel: boolean
}

/** Where a rule set stands: its words, and the stage of its expressions in a frontend and in a backend. */
interface RuleSetPlace {
  readonly words: string
  readonly frontend?: SampleStage
  readonly backend?: SampleStage
}

const PLACES: Readonly<Record<RuleSet, RuleSetPlace>> = {
  connection: { words: 'tcp-request connection', frontend: 'connection' },
  handshake: { words: 'tcp-request handshake', frontend: 'handshake' },
  session: { words: 'tcp-request session', frontend: 'session' },
  request: { words: 'tcp-request content', frontend: 'request', backend: 'backend-request' },
  response: { words: 'tcp-response content', backend: 'response' },
}

const RULE_SETS: readonly RuleSet[] = ['connection', 'handshake', 'session', 'request', 'response']

/** In the order in which they are asked. A line below one of a later set is no error, but not what it looks like. */
const ORDER = ['tcp-request connection', 'tcp-request handshake', 'tcp-request session', 'tcp-request content', 'use_backend', 'use-server']

/** What the order needs of a rule: where it stands. */
interface Placed {
  readonly place: Place
  readonly section: string
}

const ordered: { readonly name: string; readonly keyword: Keyword<readonly Placed[]> }[] = []

/** Makes lines of earlier sets warn when they stand below this one's. */
export function inOrder(name: string, keyword: Keyword<readonly Placed[]>): void {
  ordered.push({ name, keyword })
}

function warnOrder(args: Args, name: string): void {
  const rank = ORDER.indexOf(name)
  if (rank < 0) return
  const later = ordered.find((other) => ORDER.indexOf(other.name) > rank && (args.values.get(other.keyword) ?? []).some((rule) => rule.section === args.sectionName && rule.place.file === args.place.file && rule.place.line < args.place.line))
  if (later !== undefined) args.warn(`a 'tcp-request' rule placed after a '${later.name}' rule will still be processed before.`, undefined, undefined, 'rule-order')
}

/** The keyword of a rule set. Its value: the rules in order, those of a defaults section first. */
export function ruleKeyword(rules: RuleSet, doc: string): Keyword<readonly Rule[]> {
  const place = PLACES[rules]
  const added = growing<Rule>()
  const self: Keyword<readonly Rule[]> = keyword<readonly Rule[]>({
    name: place.words,
    sections: place.frontend === undefined ? ['defaults', 'backend'] : place.backend === undefined ? ['defaults', 'frontend'] : ['defaults', 'frontend', 'backend'],
    args: '<action> [{ if | unless } <condition>]',
    doc,
    inherits: 'add',
    parse(args, before) {
      if (args.sectionKind === 'defaults' && args.sectionName === '') {
        return args.fail(`'${place.words}' not allowed in anonymous 'defaults' section.`, 'give the defaults section a name and use it with `from`')
      }
      const rule = parseRule(args, rules)
      if (rule === undefined) return undefined
      warnOrder(args, place.words)
      return added(args.values, before, rule)
    },
  })
  inOrder(place.words, self)
  keywords.set(rules, self)
  return self
}

/** Reads one rule: all remaining words. Reports and returns undefined when it cannot. */
export function parseRule(args: Args, rules: RuleSet): Rule | undefined {
  const place = PLACES[rules]
  const kind = args.sectionKind === 'listen' ? (place.frontend === undefined ? 'backend' : 'frontend') : args.sectionKind
  const stage = (kind === 'backend' ? place.backend : place.frontend) ?? place.backend ?? 'log'
  const scope = argsScope(args, stage, `${kind} ${place.words} rule`)
  const fail: Fail = (text, hint, at) => args.fail(text, hint, at)
  const words = args.rest()
  const first = words[0]
  const open = first?.text.indexOf('(') ?? -1
  const name = first === undefined ? '' : open < 0 ? first.text : first.text.slice(0, open)
  const known = vocabulary(args.plugins).actions(rules)
  const spec = known.get(name)
  const proxy = `${args.sectionKind} '${args.sectionName}'`
  if (first === undefined || spec === undefined) {
    const later = first === undefined || isActionOf(args, name) ? undefined : notYet('action', [name.replace(/^track-sc\d+$/, 'track-sc')])
    if (later !== undefined) return fail(`'${place.words}' : '${name}' is not supported yet.`, later.hint, first)
    if (name.startsWith('lua.')) return fail(`'${place.words}' : '${name}' is for Lua, not supported.`, 'plugins are written in JavaScript or TypeScript', first)
    const names = [...known.keys()].filter((one) => !refusedActions.some((refused) => refused.name === one)).sort()
    return fail(`'${place.words}' expects ${names.map((n) => `'${n}'`).join(', ')} in ${proxy} (got '${first?.text ?? ''}').`, didYouMean(name, names), first)
  }
  let inner: string | undefined
  if (open >= 0) {
    if (!first.text.endsWith(')')) return fail(`'${place.words} ${name}' : expected ')' at the end of '${first.text}'`, undefined, first)
    inner = first.text.slice(open + 1, -1)
  }
  const reader = new RuleWords(words, first, inner)
  const act = spec.compile(reader, scope, (text, hint, at) => fail(text, hint, at ?? first))
  if (act === undefined) return undefined
  const rest = reader.rest()
  const what = `'${place.words} ${first.text}'`
  let condition: Condition | undefined
  const next = rest[0]
  if (next !== undefined) {
    if (next.text !== 'if' && next.text !== 'unless') {
      return fail(`${what} only accepts 'if' or 'unless', in ${proxy} (got '${next.text}')`, didYouMean(next.text, ['if', 'unless']), next)
    }
    condition = compileCondition(rest, scope, (text, hint, at) => fail(`${what} : ${text}`, hint, at))
    if (condition === undefined) return undefined
  }
  return { text: words.map((w) => w.text).join(' '), place: args.place, section: args.sectionName, action: name, keyword: place.words, act, condition, inserts: spec.inserts ?? [], needsKernel: spec.needsKernel ?? false }
}

/** Whether some rule set has the action: then it is known, and in the wrong place. */
function isActionOf(args: Args, name: string): boolean {
  const words = vocabulary(args.plugins)
  return RULE_SETS.some((rules) => words.actions(rules).has(name))
}

/** The keyword of each rule set, which is made once. */
const keywords = new Map<RuleSet, Keyword<readonly Rule[]>>()

/** All rules of a section, set by set. */
export function rulesOf(values: Values): readonly Rule[] {
  return [...keywords.values()].flatMap((keyword) => values.get(keyword) ?? [])
}

class RuleWords implements ActionWords {
  readonly word: Word
  readonly inner: string | undefined
  readonly #words: readonly Word[]
  #at = 1

  constructor(words: readonly Word[], word: Word, inner: string | undefined) {
    this.#words = words
    this.word = word
    this.inner = inner
  }

  peek(): Word | undefined {
    const word = this.#words[this.#at]
    return word?.text === 'if' || word?.text === 'unless' ? undefined : word
  }

  next(): Word | undefined {
    const word = this.peek()
    if (word !== undefined) this.#at++
    return word
  }

  rest(): readonly Word[] {
    return this.#words.slice(this.#at)
  }
}

/** Until its rule set goes on, this is who it waits for. */
function waits(rule: Rule, { effects }: Subject): ActionResult {
  if (effects !== undefined) effects.waitingRule = rule.place
  return WAIT_RULE
}

/**
 * One evaluation of a rule set on one subject. evaluate() runs rules until one of them ends the set, or one has to wait; called again
 * it goes on there, or at the first rule above whose value more bytes could still change, so that what was set from a part is set from
 * all, and what was made of it below. No rule above that runs twice. Never throws.
 */
export class RuleRun {
  readonly #rules: readonly Rule[]
  #at = 0
  /** The first rule that was done with a part of the bytes; -1: none. */
  #partial = -1
  /** The condition of the rule at #at has passed, its action said 'wait'. */
  #passed = false

  constructor(rules: readonly Rule[]) {
    this.#rules = rules
  }

  /** The rule that will be asked next, undefined at the end. */
  get current(): Rule | undefined {
    return this.#rules[this.#at]
  }

  /**
   * Goes on. 'next' means that all rules are done and none has decided. After any result but 'wait', call again for the rules that
   * follow (insert, pause) or no more. `final`: nothing more will come, so it does not wait.
   */
  evaluate(subject: Subject, final: boolean): ActionResult {
    if (subject.effects?.waitingRule !== undefined) subject.effects.waitingRule = undefined
    for (;;) {
      const rule = this.#rules[this.#at]
      if (rule === undefined) return NEXT_RULE
      const { trace } = subject
      trace?.rule(rule.keyword, rule.text, rule.place)
      if (!this.#passed && rule.condition !== undefined) {
        const truth = rule.condition.test(subject, final)
        if (truth !== 'pass') trace?.ruled(truth, undefined)
        if (truth === 'wait') {
          if (this.#partial >= 0) this.#at = this.#partial
          this.#partial = -1
          return waits(rule, subject)
        }
        if (truth === 'fail') {
          this.#at++
          continue
        }
      }
      subject.unsettled = false
      const result = rule.act(subject, final)
      trace?.ruled('pass', result)
      if (result.result === 'wait' && !final) {
        this.#passed = true
        return waits(rule, subject)
      }
      this.#passed = false
      if (subject.unsettled && !final && this.#partial < 0) this.#partial = this.#at
      this.#at++
      if (result.result !== 'next' && result.result !== 'wait') {
        if (result.result === 'serve' && subject.effects !== undefined) subject.effects.service = result.app.name
        if (result.result === 'pause' || result.result === 'tarpit') waits(rule, subject)
        if (result.result === 'pause' || result.result === 'insert') this.#partial = -1 // these are done once, and with them what led there
        if (result.result !== 'pause' && result.result !== 'insert' && subject.effects !== undefined) subject.effects.lastRule = rule.place
        return result
      }
    }
  }
}
