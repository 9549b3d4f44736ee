// Owns the lines that begin with a dot: which blocks of a file are read, and messages (manual 2.4). One object per file.

import type { Level, Word } from '../core/keyword.ts'
import { evaluateCondition } from './conditional.ts'
import type { Facts } from './conditional.ts'
import { pointAt } from './words.ts'

/** HAProxy's limit for `.if` within `.if`: the hundredth is one too many. */
export const MAX_NESTING = 99

interface Block {
  readonly line: number
  /** reading: this branch is read. waiting: a later branch may be. done: none of the others is read, whatever they say. */
  state: 'reading' | 'waiting' | 'done'
  elseSeen: boolean
}

export type Say = (level: Level, text: string, at: Word | undefined) => void

export class Directives {
  readonly #blocks: Block[] = []
  readonly #env: ReadonlyMap<string, string>
  readonly #facts: Facts
  readonly #diag: boolean
  #tooDeep = false

  constructor(env: ReadonlyMap<string, string>, facts: Facts, diag: boolean) {
    this.#env = env
    this.#facts = facts
    this.#diag = diag
  }

  /** Whether the lines of the place that has been reached are to be read. */
  get reading(): boolean {
    return this.#blocks.every((block) => block.state === 'reading')
  }

  /** The line of the innermost `.if` that the end of the file leaves open. */
  get open(): number | undefined {
    return this.#blocks.at(-1)?.line
  }

  /** Does what the line says, when its first word is a directive. */
  take(words: readonly Word[], line: number, say: Say): boolean {
    const first = words[0]
    if (first === undefined || !first.text.startsWith('.')) return false
    switch (first.text) {
      case '.if':
        this.#if(words, line, say)
        return true
      case '.elif':
        this.#elif(words, say)
        return true
      case '.else':
        this.#else(words, say)
        return true
      case '.endif':
        this.#alone(words, say)
        if (this.#blocks.pop() === undefined) say('alert', "lone '.endif' with no matching '.if'.", first)
        return true
      default:
        if (this.reading) this.#message(first, words, say)
        return true
    }
  }

  #message(first: Word, words: readonly Word[], say: Say): void {
    const levels: Readonly<Record<string, Level>> = { '.alert': 'alert', '.warning': 'warning', '.notice': 'notice', '.diag': 'notice' }
    const level = Object.hasOwn(levels, first.text) ? levels[first.text] : undefined
    if (level === undefined) {
      say('alert', `unknown directive '${first.text}'.`, first)
    } else if (words.length > 2 && words[2]?.text !== '') {
      say('alert', `Unexpected argument '${words[2]?.text ?? ''}' for '${first.text}'. Use quotes if the message should contain spaces.`, words[2])
    } else if (first.text !== '.diag' || this.#diag) {
      say(level, `'${words[1]?.text ?? ''}'.`, first)
    }
  }

  #alone(words: readonly Word[], say: Say): void {
    const extra = words[1]
    if (extra !== undefined && extra.text !== '') say('alert', `Unexpected argument '${extra.text}' for '${words[0]?.text ?? ''}'.`, extra)
  }

  #if(words: readonly Word[], line: number, say: Say): void {
    if (this.#blocks.length >= MAX_NESTING && !this.#tooDeep) {
      this.#tooDeep = true
      say('alert', `too many nested '.if', max is 100.`, words[0])
    }
    const read = this.reading && this.#blocks.length < MAX_NESTING
    this.#blocks.push({ line, state: read ? this.#holds(words, say) : 'done', elseSeen: false })
  }

  #elif(words: readonly Word[], say: Say): void {
    const block = this.#blocks.at(-1)
    if (block === undefined) return say('alert', "lone '.elif' with no matching '.if'.", words[0])
    if (block.elseSeen) return say('alert', "'.elif' after '.else' is not permitted.", words[0])
    block.state = block.state === 'waiting' ? this.#holds(words, say) : 'done'
  }

  #else(words: readonly Word[], say: Say): void {
    this.#alone(words, say)
    const block = this.#blocks.at(-1)
    if (block === undefined) return say('alert', "lone '.else' with no matching '.if'.", words[0])
    if (block.elseSeen) return say('alert', "'.else' after '.else' is not permitted.", words[0])
    block.elseSeen = true
    block.state = block.state === 'waiting' ? 'reading' : 'done'
  }

  /** A condition that cannot be read closes all branches of its block: whatever is in them, it is not known whether it counts. */
  #holds(words: readonly Word[], say: Say): Block['state'] {
    const [directive, ...rest] = words
    const condition = rest.map((w) => w.text).join(' ')
    const truth = evaluateCondition(condition, this.#env, this.#facts)
    if (truth.ok) return truth.value ? 'reading' : 'waiting'
    const name = directive?.text ?? ''
    const shown = pointAt(`${name} ${condition}`, truth.column + name.length + 1)
    say('alert', `${truth.text} in '${name}' at position ${truth.column}:\n${shown}`, rest[0] ?? directive)
    return 'done'
  }
}
