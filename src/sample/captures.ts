// Owns capture slots: where they are declared, what puts values into them, and what reads them. Log lines print them (%hr, %hs).
//
// A frontend's slots are numbered in the order of its lines, those of `declare capture` and those of `capture … len` alike. Rules of
// backends write to the slots of the frontend that the session came by.

import type { Act, ActionSpec } from '../core/action.ts'
import { NEXT_RULE, WAIT_RULE } from '../core/action.ts'
import type { Args, Keyword, Values, Word } from '../core/keyword.ts'
import { keyword } from '../core/keyword.ts'
import type { ByteString, ConverterSpec, Fail, FetchSpec, SessionEffects, Subject } from '../core/sample.ts'
import { NOT_YET } from '../core/sample.ts'
import type { CaptureLengths } from '../core/view.ts'
import { asText } from './cast.ts'
import { requestRules } from './content.ts'
import { checkStage, compileExpression } from './expression.ts'

type Direction = 'request' | 'response'
const DIRECTIONS: readonly Direction[] = ['request', 'response']

interface Slot {
  readonly direction: Direction
  /** From 0, of its direction. */
  readonly index: number
  /** Most bytes that it keeps. */
  readonly length: number
}

/** Fills the next slot when it is asked; slots are there whether or not their rules are reached. */
interface CaptureAct extends Act {
  readonly slot: Slot
}

function isCapture(act: Act): act is CaptureAct {
  return 'slot' in act
}

/** Most that a slot holds: more than a buffer is never captured. */
const LONGEST = 65_535

/** As C's atol() reads it, what follows the digits aside: HAProxy takes `5x` for 5. */
function lengthOf(word: Word | undefined): number {
  return /^[0-9]{1,6}$/.test(word?.text ?? '') ? Math.min(Number(word?.text), LONGEST) : 0
}

function parseDeclaration(args: Args, before: readonly Slot[] | undefined): readonly Slot[] | undefined {
  const what = `'${args.keyword}'`
  const first = args.next()
  const direction = DIRECTIONS.find((one) => one === first?.text)
  if (direction === undefined) return args.fail(`${what} requires a direction ('request' or 'response')`, undefined, first)
  const len = args.next()
  if (len?.text !== 'len') return args.fail(`${what} requires a capture length ('len')`, undefined, len)
  const word = args.next()
  if (word === undefined) return args.fail(`${what}: 'len' requires a numeric value that represents the capture length`)
  if (!/^-?[0-9]+$/.test(word.text)) return args.fail(`${what}: cannot parse the length '${word.text}'.`, undefined, word)
  const length = lengthOf(word)
  if (length === 0) return args.fail(Number(word.text) <= 0 ? 'length must be > 0' : `${what}: a length of ${word.text} is more than a buffer holds`, undefined, word)
  return [...(before ?? []), { direction, index: captureLengths(args.values)[direction].length, length }]
}

export const declareCapture: Keyword<readonly Slot[]> = keyword<readonly Slot[]>({
  name: 'declare capture',
  sections: ['frontend'],
  args: '{ request | response } len <length>',
  doc: 'A slot for `capture-req`, `capture-res` and `capture … id`: log lines print it (%hr, %hs).',
  parse: parseDeclaration,
})

/** The slots of a section so far. */
export function captureLengths(values: Values): CaptureLengths {
  const lengths = { request: new Array<number>(), response: new Array<number>() }
  const slots = [...(values.get(declareCapture) ?? []), ...(values.get(requestRules) ?? []).flatMap(({ act }) => (isCapture(act) ? [act.slot] : []))]
  for (const { direction, index, length } of slots) lengths[direction][index] = length
  return lengths
}

function slotsOf(effects: SessionEffects, direction: Direction): (ByteString | undefined)[] {
  return direction === 'request' ? effects.requestCaptures : effects.responseCaptures
}

/** Keeps it where the frontend has such a slot. */
function keep(subject: Subject, direction: Direction, index: number, value: ByteString): boolean {
  const length = subject.frontend?.captures?.[direction][index]
  if (length === undefined || subject.effects === undefined) return false
  slotsOf(subject.effects, direction)[index] = value.slice(0, length)
  return true
}

export const captureAction: ActionSpec = {
  name: 'capture',
  rules: ['request'],
  args: '<sample> { len <length> | id <id> }',
  doc: 'Keeps the value for log lines (%hr): in the next slot, of this length, or in one that `declare capture request` made.',
  compile(words, scope, report) {
    const what = "'tcp-request content capture'"
    const fail: Fail = (text, hint, at) => report(`${what} : ${text}`, hint, at)
    if (scope.stage !== 'request') return report(`${what} : proxy '${scope.proxy}' has no frontend capability`)
    const expression = compileExpression(words, scope, fail)
    if (expression === undefined || checkStage(expression, scope, fail, 'capture') === undefined) return undefined
    const word = words.next()
    const slots = captureLengths(scope.values).request
    let slot: Slot
    if (word?.text === 'id') {
      const id = words.next()
      if (id === undefined || !/^[0-9]{1,6}$/.test(id.text)) return fail(`cannot parse id '${id?.text ?? ''}'.`, undefined, id ?? word)
      const index = Number(id.text)
      const length = slots[index]
      if (length === undefined) return fail(`unable to find capture id '${id.text}'.`, "'declare capture request len <length>' above this line makes one", id)
      slot = { direction: 'request', index, length }
    } else {
      if (word?.text !== 'len') return fail("a positive 'len' argument is mandatory", undefined, word)
      const text = words.next()
      const length = lengthOf(text)
      if (length === 0) return fail('length must be > 0', undefined, text ?? word)
      slot = { direction: 'request', index: slots.length, length }
    }
    const act: Act = (subject, final) => {
      const value = expression.evaluate(subject)
      if (value === NOT_YET && !final) return WAIT_RULE
      const text = asText(value)
      if (text !== undefined && subject.effects !== undefined) subject.effects.requestCaptures[slot.index] = text.slice(0, slot.length)
      return NEXT_RULE
    }
    return Object.assign(act, { slot })
  },
}

function converter(name: string, direction: Direction): ConverterSpec {
  return {
    name,
    args: [{ name: 'id', type: 'sint' }],
    input: 'str',
    output: 'str',
    doc: `Keeps the string in a ${direction} slot of the frontend; it goes on as it is. No value when there is no such slot.`,
    compile(args, _scope, fail) {
      const index = Number(args.int(0))
      if (index < 0) return fail('a slot is 0 or more')
      return (sample, subject) => (sample.type === 'str' && keep(subject, direction, index, sample.value) ? sample : undefined)
    },
  }
}

function fetch(name: string, direction: Direction): FetchSpec {
  return {
    name,
    args: [{ name: 'idx', type: 'sint' }],
    output: 'str',
    source: direction === 'request' ? 'kept-request' : 'kept-response',
    doc: `What is kept in a ${direction} slot of the frontend.`,
    compile(args, _scope, fail) {
      const index = Number(args.int(0))
      if (index < 0) return fail('a slot is 0 or more')
      return (subject) => {
        const value = subject.effects === undefined ? undefined : slotsOf(subject.effects, direction)[index]
        return value === undefined ? undefined : { type: 'str', value }
      }
    },
  }
}

export const captureConverters: readonly ConverterSpec[] = [converter('capture-req', 'request'), converter('capture-res', 'response')]
export const captureFetches: readonly FetchSpec[] = [fetch('capture.req.hdr', 'request'), fetch('capture.res.hdr', 'response')]
