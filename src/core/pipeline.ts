// Owns the order of a connection's handlers: calls step() of the first, applies next() and its insertions, and sees to it that
// end() is called exactly once for every handler that was in the list.
//
// Pure: what a verdict means for sockets and timers is the engine's business (net/connection.ts).

import { disown, shown, stackOf } from '../util/shown.ts'
import type { Trace } from './trace.ts'
import type { Cause, Handler, Handshake, MakeHandler, Verdict, Why } from './handler.ts'

/** Handlers made for one connection, in order; those that succeeded have left. */
export class Pipeline {
  #list: Handler[] = []
  #stepping = false
  #ended = false
  readonly #trace: Trace | undefined
  /** What a MakeHandler threw: the first run() says it. */
  #unmade: { readonly error: unknown } | undefined

  constructor(plan: readonly MakeHandler[], trace?: Trace) {
    this.#trace = trace
    try {
      for (const make of plan) this.#list.push(made(make))
    } catch (error) {
      this.#unmade = { error }
    }
  }

  /** The handler whose turn it is, '' at the end of the list. It names the deadline that strikes. */
  get current(): string {
    return this.#list[0]?.name ?? ''
  }

  /** What the current handler has to say about an end that the engine found; undefined: nothing of its own. */
  detail(cause: Cause): string | undefined {
    return this.#list[0]?.details?.[cause]
  }

  /** Steps through the list until a verdict other than next(). A throw becomes a close with cause 'bug'. */
  run(hs: Handshake): Verdict & { verdict: Exclude<Verdict['verdict'], 'next'> } {
    if (this.#stepping) throw new Error('pipeline: run() from within step()')
    if (this.#unmade !== undefined) return bug(this.#unmade.error)
    this.#stepping = true
    try {
      for (let asked = 0; ; asked++) {
        const handler = this.#list[0]
        if (asked === ENDLESS) return bug('handlers insert handlers without end')
        if (handler === undefined) return bug('the last handler served nothing')
        this.#trace?.asked(handler.name)
        const verdict = handler.step(hs)
        const wrong = verdict?.verdict === 'next' ? undefined : malformed(verdict)
        if (wrong !== undefined) return wrong
        this.#trace?.said(handler.name, verdict)
        if (verdict.verdict !== 'next') return verdict
        if (this.#list[0] !== handler) return bug('the connection ended within step()') // and end() was called for it
        // Made before anything leaves the list: when a maker throws, this handler still gets its end().
        const inserted = verdict.insert?.map(made)
        this.#list.shift()
        if (inserted !== undefined) this.#list.unshift(...inserted)
        try {
          handler.end?.()
        } catch (error) {
          return bug(error, `end() of handler ${handler.name}: `) // the next one's turn has come, but it is not its bug
        }
      }
    } catch (error) {
      return bug(error)
    } finally {
      this.#stepping = false
    }
  }

  /** Ends what is still in the list, in order. Idempotent. A throw in end() is given to `report` and stops nothing. */
  end(report: (handler: string, error: unknown) => void): void {
    if (this.#ended) return
    this.#ended = true
    const list = this.#list
    this.#list = []
    for (const handler of list) {
      try {
        handler.end?.()
      } catch (error) {
        report(handler.name, error)
      }
    }
  }
}

/** More handlers than any plan has: they make each other, and nobody else would get a turn any more. */
const ENDLESS = 10_000

/** What the engine could not act on. Plugins are somebody else's, and not all of them are compiled against these types. */
function malformed(verdict: Exclude<Verdict, { verdict: 'next' }> | undefined): ReturnType<typeof bug> | undefined {
  const called: unknown = verdict?.verdict
  switch (verdict?.verdict) {
    case 'wait':
      return undefined
    case 'more':
      return typeof verdict.total === 'number' ? undefined : bug('more() of what is no number')
    case 'serve':
      return typeof verdict.app?.open === 'function' ? undefined : bug('serve() of what has no open()')
    case 'close':
    case 'reset':
    case 'drop':
      return typeof verdict.why?.cause === 'string' ? undefined : bug(`${verdict.verdict}() without a cause`)
    default:
      disown(verdict)
      return bug(`step() returned ${called === undefined ? shown(verdict) : `the verdict ${shown(called)}`}, which is none; it is synchronous: what takes its time says wait(), and wake() later`)
  }
}

function made(make: MakeHandler): Handler {
  const handler: Handler | undefined = make()
  if (typeof handler?.step !== 'function') throw new Error('what makes the handler returned none')
  return handler
}

function bug(error: unknown, where = ''): { readonly verdict: 'close'; readonly why: Why } {
  return { verdict: 'close', why: { cause: 'bug', detail: where + stackOf(error) } }
}
