// Owns the order of a connection's handlers: calls step() of the first, applies next() and its insertions, and sees to it that
// end() is called exactly once for every handler that was in the list.
//
// Pure: what a verdict means for sockets and timers is the engine's business (net/connection.ts).

import type { Handler, Handshake, MakeHandler, Verdict } from './handler.ts'


/** Handlers made for one connection, in order; those that succeeded have left. */
export class Pipeline {
  #list: Handler[]
  #stepping = false
  #ended = false

  constructor(plan: readonly MakeHandler[]) {
    this.#list = plan.map((make) => make())
  }

  /** The handler whose turn it is, '' at the end of the list. It names the deadline that strikes. */
  get current(): string {
    return this.#list[0]?.name ?? ''
  }

  /** Steps through the list until a verdict other than next(). A throw becomes a close with cause 'bug'. */
  run(hs: Handshake): Verdict & { verdict: Exclude<Verdict['verdict'], 'next'> } {
    if (this.#stepping) throw new Error('pipeline: run() from within step()')
    this.#stepping = true
    try {
      for (;;) {
        const handler = this.#list[0]
        if (handler === undefined || this.#ended) return { verdict: 'close', why: { cause: 'bug', detail: 'the last handler served nothing' } }
        const verdict = handler.step(hs)
        if (verdict.verdict !== 'next') return verdict
        this.#list.shift()
        if (verdict.insert !== undefined) this.#list.unshift(...verdict.insert.map((make) => make()))
        handler.end?.()
      }
    } catch (error) {
      return { verdict: 'close', why: { cause: 'bug', detail: error instanceof Error ? (error.stack ?? error.message) : String(error) } }
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
