// The closing state: every operation on every one of the 4096 numbers, and every order in which two ways can come to their end.

import t from 'tap'
import * as shut from '../../src/core/shut.ts'
import { closed, CLOSED, complete, completeAll, CTRL, DATA, DONE, draining, ended, ending, format, halfClosed, NOT_WANTED, R, SOCK, stage, start, STARTED, turn, W, want, WANTED } from '../../src/core/shut.ts'
import type { Layer, Shut, Stage, Way } from '../../src/core/shut.ts'

const LAYERS: readonly Layer[] = [DATA, CTRL, SOCK]
const WAYS: readonly Way[] = [R, W]

/** The same state, written as six words: what the number is checked against. */
type Model = Map<string, Stage>
const field = (layer: Layer, way: Way): string => `${layer}/${way}`

function modelOf(number: Shut): Model {
  const model: Model = new Map()
  const stages: readonly Stage[] = [NOT_WANTED, DONE, WANTED, STARTED]
  for (const layer of LAYERS) for (const way of WAYS) model.set(field(layer, way), stages[(number >> (layer + way)) & 3] ?? 0)
  return model
}

function numberOf(model: Model): Shut {
  let number = 0
  for (const layer of LAYERS) for (const way of WAYS) number |= (model.get(field(layer, way)) ?? 0) << (layer + way)
  return number
}

function changed(number: Shut, change: (model: Model) => void): Shut {
  const model = modelOf(number)
  change(model)
  return numberOf(model)
}

/** The first layer of a way that is wanted and not done, when all above it are done; by the definition, not by the code. */
function turnOf(model: Model, way: Way): Layer | -1 {
  for (const layer of LAYERS) {
    const at = model.get(field(layer, way))
    if (at === DONE) continue
    return at === NOT_WANTED ? -1 : layer
  }
  return -1
}

t.test('the bits mean what the design says', async (t) => {
  t.same([NOT_WANTED, WANTED, STARTED, DONE], [0b00, 0b10, 0b11, 0b01])
  for (const at of [NOT_WANTED, WANTED, STARTED, DONE]) {
    t.equal(at !== 0, at !== NOT_WANTED, 'not 0: wanted')
    t.equal((at & 0b01) !== 0, at === STARTED || at === DONE, 'bit 0: at least started')
    t.equal((at & 0b10) !== 0, at === WANTED || at === STARTED, 'bit 1: not completed')
  }
  t.equal(CLOSED, 0b0101_0101_0101)
})

t.test('every operation on all 4096 numbers', async (t) => {
  const problems: string[] = []
  const check = (number: Shut, what: string, found: unknown, wanted: unknown): void => {
    if (found !== wanted && problems.length < 10) problems.push(`${format(number)}: ${what} gives ${String(found)}, wanted ${String(wanted)}`)
  }
  const throws = (act: () => unknown): boolean => {
    try {
      act()
      return false
    } catch {
      return true
    }
  }
  for (let number = 0; number < 4096; number++) {
    const model = modelOf(number)
    check(number, 'the model', numberOf(model), number)
    for (const way of WAYS) {
      const of = (layer: Layer): Stage => model.get(field(layer, way)) ?? 0
      for (const layer of LAYERS) check(number, `stage ${layer} ${way}`, stage(number, layer, way), of(layer))
      const wanted = want(number, way)
      check(number, `want ${way}`, wanted, changed(number, (m) => LAYERS.forEach((l) => of(l) === NOT_WANTED && m.set(field(l, way), WANTED))))
      check(number, `want ${way} again`, want(wanted, way), wanted)
      const whose = turnOf(model, way)
      check(number, `turn ${way}`, turn(number, way), whose)
      for (const layer of LAYERS) {
        if (layer === whose) {
          check(number, `start ${layer} ${way}`, start(number, layer, way), changed(number, (m) => m.set(field(layer, way), STARTED)))
          check(number, `complete ${layer} ${way}`, complete(number, layer, way), changed(number, (m) => m.set(field(layer, way), DONE)))
        } else {
          check(number, `start ${layer} ${way} out of turn throws`, throws(() => start(number, layer, way)), true)
          check(number, `complete ${layer} ${way} out of turn throws`, throws(() => complete(number, layer, way)), true)
        }
      }
      check(number, `completeAll ${way}`, completeAll(number, way), changed(number, (m) => LAYERS.forEach((l) => m.set(field(l, way), DONE))))
      check(number, `ending ${way}`, ending(number, way), of(DATA) !== NOT_WANTED)
      check(number, `ended ${way}`, ended(number, way), LAYERS.every((l) => of(l) === DONE))
    }
    const ctrl = (way: Way): Stage => model.get(field(CTRL, way)) ?? 0
    check(number, 'closed', closed(number), [...model.values()].every((at) => at === DONE))
    check(number, 'halfClosed', halfClosed(number), (ctrl(R) === DONE) !== (ctrl(W) === DONE))
    check(number, 'draining', draining(number), model.get(field(DATA, R)) !== NOT_WANTED && ctrl(R) !== DONE)
  }
  t.same(problems, [])
})

t.test('all interleavings of both ways end closed, and in order', async (t) => {
  /** Everything that can happen next: a way is wanted, its layer whose turn it is starts, completes, or completes at once. */
  const steps = (number: Shut): (readonly [string, Shut])[] => {
    const found: [string, Shut][] = []
    for (const [name, way] of [['r', R], ['w', W]] as const) {
      if (!ending(number, way)) found.push([`want ${name}`, want(number, way)])
      const layer = turn(number, way)
      if (layer === -1) continue
      if (stage(number, layer, way) === WANTED) found.push([`start ${layer}${name}`, start(number, layer, way)])
      found.push([`complete ${layer}${name}`, complete(number, layer, way)])
    }
    return found
  }
  const seen = new Set<Shut>()
  const dead: string[] = []
  const disorder: string[] = []
  const visit = (number: Shut): void => {
    if (seen.has(number)) return
    seen.add(number)
    for (const way of WAYS) {
      for (const [upper, lower] of [[DATA, CTRL], [CTRL, SOCK]] as const) {
        const below = stage(number, lower, way)
        if ((below & 1) !== 0 && stage(number, upper, way) !== DONE) disorder.push(format(number))
      }
    }
    const next = steps(number)
    if (next.length === 0 && number !== CLOSED) dead.push(format(number))
    for (const [, to] of next) visit(to)
  }
  visit(0)
  t.ok(seen.has(CLOSED), 'closed is reached')
  t.same(dead, [], 'and is the only end')
  t.same(disorder, [], 'no layer begins before the one above it is done')
  // One way alone has 1 + 3 × 2 + 1 stages: open, (wanted, started) per layer, done. Both are independent.
  t.equal(seen.size, 8 * 8)
})

t.test('what is computed along the two common ends', async (t) => {
  let number = want(0, W)
  t.notOk(halfClosed(number), 'our end is asked for, not yet announced')
  number = complete(number, DATA, W)
  number = complete(start(number, CTRL, W), CTRL, W)
  t.ok(halfClosed(number), 'our FIN is out')
  number = completeAll(complete(number, SOCK, W), R)
  t.ok(closed(number), "the peer's end was read")
  t.notOk(halfClosed(number))

  number = want(want(0, R), W)
  t.ok(draining(number), 'a polite end of both ways drains')
  number = complete(complete(number, DATA, R), CTRL, R)
  t.notOk(draining(number), 'until the peer has ended')
  t.equal(turn(number, R), SOCK)
  t.equal(format(number), 'data r=done w=wanted ctrl r=done w=wanted sock r=wanted w=wanted')
})

t.test('an end is asked for once', async (t) => {
  // A second, different close changes nothing of the first (trap 5).
  let number = start(want(0, W), DATA, W)
  t.equal(want(number, W), number)
  number = complete(number, DATA, W)
  t.equal(want(want(number, W), R) & ~want(0, R), number)
  t.equal(want(CLOSED, R), CLOSED)
  t.equal(shut.want(CLOSED, W), CLOSED)
})
