// Owns the order of handlers: from the slots that plugins ask for ("after accept-proxy", "before tls") to the one sequence of a side,
// and from that sequence to what one bind or server line needs.
//
// A handler is placed directly behind the last of those it has to follow; of several that follow the same one, the plugin
// that was listed first comes first. One that only says `before` is placed last of what precedes its target. So the order
// depends on the slots and on the order of the plugins, and on nothing else. The one that is `last` stands behind all others.

import { disown, messageOf, shown } from '../util/shown.ts'
import type { MakeHandler } from './handler.ts'
import type { HandlerSpec, PlanLine } from './plugin.ts'

export type Order =
  | { readonly order: readonly HandlerSpec[]; readonly problems?: never }
  /** Each names the handler and what is wrong with its slot. */
  | { readonly problems: readonly string[]; readonly order?: never }

/** Orders the handlers of one side. Unknown names, a name used twice, a missing slot and cycles are refused. */
export function orderHandlers(specs: readonly HandlerSpec[], side: 'accept' | 'connect'): Order {
  const ours = specs.filter((spec) => spec.side === side)
  const byName = new Map<string, HandlerSpec>()
  const problems: string[] = []
  for (const spec of ours) {
    if (byName.has(spec.name)) problems.push(`two handlers are named '${spec.name}' on the ${side} side`)
    byName.set(spec.name, spec)
  }

  const preceding = new Map<HandlerSpec, Set<HandlerSpec>>(ours.map((spec) => [spec, new Set()]))
  const precede = (first: HandlerSpec | undefined, second: HandlerSpec | undefined): void => {
    if (first !== undefined && second !== undefined) preceding.get(second)?.add(first)
  }
  for (const [i, spec] of ours.entries()) {
    const after = spec.after ?? []
    const before = spec.before ?? []
    if (i > 0 && after.length + before.length === 0 && spec.last !== true) {
      problems.push(`handler '${spec.name}' has no slot: say after or before which handler of the ${side} side it stands`)
    }
    for (const name of [...after, ...before]) {
      if (!byName.has(name)) problems.push(`handler '${spec.name}' wants a place beside '${name}', which is no handler of the ${side} side`)
    }
    for (const name of after) {
      if (byName.get(name)?.last === true) problems.push(`handler '${spec.name}' wants to stand after '${name}', which lets nothing come after it`)
      precede(byName.get(name), spec)
    }
    for (const name of before) precede(spec, byName.get(name))
  }
  const last = ours.filter((spec) => spec.last === true)
  if (last.length > 1) problems.push(`handlers ${last.map((spec) => `'${spec.name}'`).join(' and ')} both want to be the last of the ${side} side`)
  if (problems.length > 0) return { problems }

  const order: HandlerSpec[] = []
  /** Whom each was placed behind, to keep siblings in the order of their plugins. */
  const anchors = new Map<HandlerSpec, HandlerSpec>()
  const path: HandlerSpec[] = []
  const place = (spec: HandlerSpec): string | undefined => {
    if (order.includes(spec)) return undefined
    if (path.includes(spec)) return [...path.slice(path.indexOf(spec)), spec].map((s) => `'${s.name}'`).join(' after ')
    path.push(spec)
    for (const other of preceding.get(spec) ?? []) {
      const cycle = place(other)
      if (cycle !== undefined) return cycle
    }
    path.pop()
    let at = order.length
    const behind = Math.max(-1, ...[...(preceding.get(spec) ?? [])].map((other) => order.indexOf(other)))
    const anchor = order[behind]
    if (anchor !== undefined && spec.last !== true) {
      anchors.set(spec, anchor)
      at = behind + 1
      for (let sibling = order[at]; sibling !== undefined && anchors.get(sibling) === anchor; sibling = order[at]) at++
    }
    order.splice(at, 0, spec)
    return undefined
  }
  const onlyBefore = (spec: HandlerSpec): boolean => (spec.after ?? []).length === 0 && (spec.before ?? []).length > 0
  // Those that only say `before` come with their targets; what is left of them stands before the last one, or in a cycle.
  const first = ours.filter((spec) => spec.last !== true && !onlyBefore(spec))
  const rest = ours.filter((spec) => spec.last !== true && onlyBefore(spec))
  for (const spec of [...first, ...rest, ...last]) {
    const cycle = place(spec)
    if (cycle !== undefined) return { problems: [`these handlers wait for each other: ${cycle}`] }
  }
  return { order }
}

/** The handlers that a connection of this line gets. Called once per line at start-up; problems go to line.report(). */
export function planLine(order: readonly HandlerSpec[], line: PlanLine, took?: (spec: HandlerSpec) => void): MakeHandler[] {
  const plan: MakeHandler[] = []
  for (const spec of order) {
    const make = planned(spec, line)
    if (make === null) continue
    plan.push(make)
    took?.(spec)
  }
  return plan
}

/** The handler of that name for a rule of this line to insert: as the line has it, or as it is made for lines that did not ask. null: it cannot be inserted. */
export function insertable(order: readonly HandlerSpec[], name: string, line: PlanLine): MakeHandler | null {
  const spec = order.find((one) => one.name === name)
  return spec === undefined ? null : (planned(spec, line) ?? (spec.insert === undefined ? null : planned(spec, line, 'insert')))
}

/** Plugins are somebody else's: what goes wrong in one is a problem of the line, like any other. */
function planned(spec: HandlerSpec, line: PlanLine, how: 'plan' | 'insert' = 'plan'): MakeHandler | null {
  const wrong = (what: string): null => {
    line.report({ level: 'alert', text: `handler '${spec.name}' cannot be planned: ${what}; this is a bug of who made it` })
    return null
  }
  try {
    const make: MakeHandler | null | undefined = spec[how]?.(line)
    if (make === null || typeof make === 'function') return make
    disown(make)
    return wrong(`${how}() returned ${shown(make)}, which is neither null nor a function that makes it`)
  } catch (error) {
    return wrong(messageOf(error))
  }
}
