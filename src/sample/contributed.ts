// Owns what is checked of the answers that a plugin's fetches, converters and actions give: no compiler holds them to their types, and
// an answer that is none would pass for 'no value' or 'next rule' in silence. It is a bug like a throw, and costs what a throw costs.
//
// Only what comes from outside is wrapped, once, where it is compiled: the language's own words are asked as they are.

import type { Act, ActionResult, ActionSpec } from '../core/action.ts'
import type { Place } from '../core/keyword.ts'
import type { Plugin } from '../core/plugin.ts'
import { NOT_YET } from '../core/sample.ts'
import type { Convert, ConverterSpec, Fail, Fetch, FetchSpec, OutputType, SampleStage, SampleType, Scope } from '../core/sample.ts'
import { disown, isPromise, messageOf, shown } from '../util/shown.ts'

/** The plugin with its words held to what they promise. */
export function contributed(plugin: Plugin): Plugin {
  const { name, fetches, converters, actions } = plugin
  return over(plugin, {
    ...(fetches === undefined ? {} : { fetches: fetches.map((spec) => checkedFetch(spec, `fetch '${spec.name}' of plugin '${name}'`)) }),
    ...(converters === undefined ? {} : { converters: converters.map((spec) => checkedConverter(spec, `converter '${spec.name}' of plugin '${name}'`)) }),
    ...(actions === undefined ? {} : { actions: actions.map((spec) => checkedAction(spec, `action '${spec.name}' of plugin '${name}'`)) }),
  })
}

/** The object with some properties replaced; the others are its own still, also those of its class. */
function over<T extends object>(base: T, changes: Partial<T>): T {
  const made: T = Object.create(base, Object.getOwnPropertyDescriptors(changes))
  return made
}

/** Its stack would be Headgate's: what gave the answer has returned. */
class WrongAnswer extends Error {
  constructor(who: string, { file, line }: Place, answer: unknown, wanted: string) {
    super(`${who} (${file}:${line}) returned ${wanted}`)
    this.stack = this.message
    disown(answer)
  }
}

// ── compile() ────────────────────────────────────────────────────────────────────────────────────────────────────

/** What compile() made. Throws, which is a bug of the line's keyword, when it gave nothing and has not said why. */
function compiled<T>(who: string, scope: Scope, fail: Fail, compile: (scope: Scope, fail: Fail) => T | undefined): T | undefined {
  let told = false
  const telling: Fail = (text, hint, at) => {
    told = true
    return fail(text, hint, at)
  }
  const readFile: Scope['readFile'] = (path, at) => {
    const bytes = scope.readFile(path, at)
    told ||= bytes === undefined
    return bytes
  }
  let made: T | undefined
  try {
    made = compile({ ...scope, readFile }, telling)
  } catch (error) {
    throw new Error(`compile() of ${who}: ${messageOf(error)}`, { cause: error })
  }
  if (typeof made === 'function' || (made === undefined && told)) return made
  disown(made)
  throw new Error(`compile() of ${who} returned ${shown(made)}, where a function is needed${made === undefined ? ', or a problem is to be reported' : ''}`)
}

// ── samples ──────────────────────────────────────────────────────────────────────────────────────────────────────

function checkedFetch(spec: FetchSpec, who: string): FetchSpec {
  return over(spec, {
    compile(args, scope, fail) {
      const fetch = compiled(who, scope, fail, (place, telling) => spec.compile(args, place, telling))
      if (fetch === undefined) return undefined
      const { place } = scope
      const checked: Fetch = (subject) => {
        const answer = fetch(subject)
        if (answer === undefined || answer === NOT_YET) return answer
        const wrong = wrongSample(answer, spec.output)
        if (wrong !== undefined) throw new WrongAnswer(who, place, answer, wrong)
        return answer
      }
      return checked
    },
  })
}

function checkedConverter(spec: ConverterSpec, who: string): ConverterSpec {
  return over(spec, {
    compile(args, scope, fail) {
      const convert = compiled(who, scope, fail, (place, telling) => spec.compile(args, place, telling))
      if (convert === undefined) return undefined
      const { place } = scope
      const checked: Convert = (sample, subject) => {
        const answer = convert(sample, subject)
        if (answer === undefined) return undefined
        const wrong = wrongSample(answer, spec.output !== 'same' ? spec.output : spec.input === 'any' ? sample.type : spec.input)
        if (wrong !== undefined) throw new WrongAnswer(who, place, answer, wrong)
        return answer
      }
      return checked
    },
  })
}

const INT64 = 64

/** What a sample's value is, by its type, and who makes one. */
const VALUES: Readonly<Record<SampleType, { readonly is: (value: unknown) => boolean; readonly wanted: string }>> = {
  bool: { is: (value) => typeof value === 'boolean', wanted: 'true or false' },
  sint: { is: (value) => typeof value === 'bigint' && BigInt.asIntN(INT64, value) === value, wanted: 'a bigint of 64 bits (sint() makes one)' },
  ipv4: { is: (value) => typeof value === 'number' && value >>> 0 === value, wanted: 'an unsigned number of 32 bits' },
  ipv6: { is: (value) => value instanceof Uint8Array && value.length === 16, wanted: 'a Uint8Array of 16 bytes' },
  str: { is: isBytes, wanted: 'a string with a character for each byte, up to U+00FF (str() makes one of text)' },
  bin: { is: isBytes, wanted: "a string with a character for each byte, up to U+00FF (a Buffer's toString('latin1'))" },
}

function isBytes(value: unknown): boolean {
  return typeof value === 'string' && !/[\u0100-\uffff]/.test(value)
}

function isSampleType(type: unknown): type is SampleType {
  return typeof type === 'string' && Object.hasOwn(VALUES, type)
}

/** What was returned instead of a sample of this type, and what is one; undefined: it is one. */
function wrongSample(answer: unknown, output: OutputType): string | undefined {
  if (isPromise(answer)) return 'a Promise: fetches and converters answer at once, with undefined for no value; what takes its time is a handler, which leaves what it found as a fact'
  if (typeof answer !== 'object' || answer === null || !('type' in answer && 'value' in answer)) return `${shown(answer)}, where a sample is needed: { type, value } as str(), sint() and bool() make one, or undefined for no value`
  const { type, value } = answer
  if (!isSampleType(type)) return `a sample whose type is ${shown(type)}, where one of ${Object.keys(VALUES).join(', ')} is needed`
  if (!VALUES[type].is(value)) return `a sample of type '${type}' whose value is ${shown(value)}, where ${VALUES[type].wanted} is needed`
  if (output !== 'any' && output !== type && !(output === 'ip' && (type === 'ipv4' || type === 'ipv6'))) return `a sample of type '${type}', and its output is declared as '${output}'`
  const others: unknown = 'others' in answer ? answer.others : undefined
  if (others === undefined) return undefined
  if (!Array.isArray(others)) return `a sample whose 'others' are ${shown(others)}, where a list is needed`
  for (const other of others) {
    const wrong = wrongSample(other, output)
    if (wrong !== undefined) return `a sample among whose 'others' is ${wrong}`
  }
  return undefined
}

// ── results of actions ───────────────────────────────────────────────────────────────────────────────────────────

function checkedAction(spec: ActionSpec, who: string): ActionSpec {
  return over(spec, {
    compile(words, scope, fail) {
      const act = compiled(who, scope, fail, (place, telling) => spec.compile(words, place, telling))
      if (act === undefined) return undefined
      const { place, stage } = scope
      const checked: Act = (subject, final) => {
        const answer = act(subject, final)
        const wrong = wrongResult(answer, spec, stage) ?? (answer.result === 'wait' && final ? "'wait' where nothing more will come, which its second argument says: it has to decide now" : undefined)
        if (wrong !== undefined) throw new WrongAnswer(who, place, answer, wrong)
        return answer
      }
      return checked
    },
  })
}

type ResultName = ActionResult['result']

const RESULTS: Readonly<Record<ResultName, true>> = { next: true, wait: true, accept: true, reject: true, close: true, drop: true, pause: true, tarpit: true, insert: true, serve: true }

/** Rules that are asked in one go, while handlers may still come. */
const HANDSHAKE: ReadonlySet<SampleStage> = new Set<SampleStage>(['connection', 'handshake', 'session'])

/** What cannot be done in rules of this stage, and why. */
function impossible(result: ResultName, stage: SampleStage): string | undefined {
  if (HANDSHAKE.has(stage)) return result === 'wait' || result === 'pause' || result === 'tarpit' ? 'rules before the session wait for nothing' : undefined
  if (result === 'insert') return 'the handshake is over, and handlers belong to it'
  return result === 'serve' && stage === 'response' ? 'a server answers already' : undefined
}

/** What was returned instead of a result that such an action may have here; undefined: it is one. */
function wrongResult(answer: unknown, spec: ActionSpec, stage: SampleStage): string | undefined {
  if (isPromise(answer)) return "a Promise: actions answer at once. 'wait' has it asked again when more has arrived; what waits for anything else is a handler, with wait() and wake()"
  if (typeof answer !== 'object' || answer === null || !('result' in answer)) return `${shown(answer)}, where a result is needed: { result: 'next' } (NEXT_RULE) or another of ${Object.keys(RESULTS).join(', ')}`
  const { result } = answer
  if (!isResultName(result)) return `the result ${shown(result)}, where one of ${Object.keys(RESULTS).join(', ')} is needed`
  const why = impossible(result, stage)
  if (why !== undefined) return `'${result}': ${why}`
  switch (result) {
    case 'pause':
    case 'tarpit': {
      const ms: unknown = Reflect.get(answer, 'ms')
      return (result === 'tarpit' && ms === undefined) || (typeof ms === 'number' && ms >= 0 && ms < Infinity) ? undefined : `'${result}' with the ms ${shown(ms)}, where a number is needed`
    }
    case 'insert': {
      const handler: unknown = Reflect.get(answer, 'handler')
      return (spec.inserts ?? []).some((name) => name === handler) ? undefined : `'insert' of the handler ${shown(handler)}, which is not among its 'inserts': those are planned at start-up`
    }
    case 'serve': {
      const app: unknown = Reflect.get(answer, 'app')
      return typeof app === 'object' && app !== null && 'open' in app && typeof app.open === 'function' ? undefined : `'serve' of the app ${shown(app)}, which has no open()`
    }
    default:
      return undefined
  }
}

function isResultName(name: unknown): name is ResultName {
  return typeof name === 'string' && Object.hasOwn(RESULTS, name)
}
