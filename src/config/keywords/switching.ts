// Owns `use_backend`: which backend a connection goes to, rule by rule (manual 4.2). Conditions are kept as words here; what
// compiles conditions for rules reads them from there.

import type { Keyword, Place, Word } from '../../core/keyword.ts'
import { sided, word } from './arguments.ts'

/** `if` or `unless` and the words behind it. */
export interface ConditionWords {
  readonly kind: 'if' | 'unless'
  readonly words: readonly Word[]
}

export interface UseBackend {
  readonly backend: string
  /** undefined: always. */
  readonly condition: ConditionWords | undefined
  readonly place: Place
}

/** In the order written; the first whose condition holds decides. */
export const useBackend = sided<readonly UseBackend[]>('frontend', {
  name: 'use_backend',
  args: '<backend> [{if | unless} <condition>]',
  doc: 'Sends connections to this backend when the condition holds, or always. The first rule that holds decides.',
  defaults: false,
  inherits: 'add',
  parse: (args, before = []) => {
    const backend = word(args, "'use_backend' expects a backend name.")
    if (backend === undefined) return undefined
    const at = args.next()
    if (at === undefined) return [...before, { backend: backend.text, condition: undefined, place: args.place }]
    const words = args.rest()
    if (at.text !== 'if' && at.text !== 'unless') {
      return args.fail(`unexpected keyword '${at.text}' after switching rule, only 'if' and 'unless' are allowed.`, undefined, at)
    }
    if (words.length === 0) return args.fail(`'use_backend' expects a condition after '${at.text}'.`, undefined, at)
    return [...before, { backend: backend.text, condition: { kind: at.text, words }, place: args.place }]
  },
})

export const switchingKeywords: readonly Keyword<unknown>[] = [useBackend]
