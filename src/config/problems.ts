// Owns the problems found so far: all are counted, as many are kept as somebody may want to read.

import type { Level, Place, Problem, WarningName } from '../core/keyword.ts'

/** Kept of each loading; the rest is counted. */
export const MAX_KEPT = 1000
const MAX_TEXT = 2000

export class Problems {
  readonly kept: Problem[] = []
  readonly #counts: Record<Level, number> = { alert: 0, warning: 0, notice: 0 }

  add(problem: Problem): void {
    this.#counts[problem.level]++
    if (this.kept.length >= MAX_KEPT) return
    this.kept.push(problem.text.length <= MAX_TEXT ? problem : { ...problem, text: `${problem.text.slice(0, MAX_TEXT)}…` })
  }

  say(level: Level, place: Place, text: string, hint?: string, name?: WarningName): void {
    this.add({ level, ...place, text, ...(hint === undefined ? {} : { hint }), ...(name === undefined ? {} : { name }) })
  }

  count(level: Level): number {
    return this.#counts[level]
  }

  get total(): number {
    return this.#counts.alert + this.#counts.warning + this.#counts.notice
  }
}
