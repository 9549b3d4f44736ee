// Owns the choice of a matching method (manual 7.1): its name, which index it needs, and the default of each type.

import type { ByteString, FetchSpec, MatchMethod, OutputType, Sample } from '../../core/sample.ts'
import { decimal, Integers, lengthOf, valueOf, version } from './integers.ts'
import { Networks } from './networks.ts'
import type { Pattern, PatternIndex } from './pattern.ts'
import { Regexes } from './regexes.ts'
import { makeStrings } from './strings.ts'
import { cast, castable } from '../cast.ts'

export const MATCH_METHODS: readonly MatchMethod[] = ['found', 'bool', 'int', 'ip', 'bin', 'len', 'str', 'beg', 'sub', 'dir', 'dom', 'end', 'reg']

export function isMatchMethod(text: string): text is MatchMethod {
  return MATCH_METHODS.some((method) => method === text)
}

/** Without `-m`; undefined: it has to be given. */
export function defaultMethod(type: OutputType): MatchMethod | undefined {
  switch (type) {
    case 'bool':
      return 'bool'
    case 'sint':
      return 'int'
    case 'ip':
    case 'ipv4':
    case 'ipv6':
      return 'ip'
    case 'str':
      return 'str'
    case 'bin':
    case 'any':
      return undefined
  }
}

/** Whether a sample of this type can ever be compared so (the matrix of 7.1). */
export function comparable(type: OutputType, method: MatchMethod): boolean {
  return castable(type, method === 'bool' || method === 'int' ? 'sint' : method === 'ip' ? 'ip' : 'str')
}

/** `numbers`: how the fetch's patterns are written, plain or as versions. */
export function makeIndex(method: MatchMethod, ignoreCase: boolean, numbers: FetchSpec['numbers']): PatternIndex {
  switch (method) {
    case 'found':
      return new Truth(() => true)
    case 'bool':
      return new Truth((sample) => {
        const b = cast(sample, 'bool')
        return b?.type === 'bool' && b.value
      })
    case 'int':
      return new Integers(valueOf, numbers === 'version' ? version : decimal)
    case 'len':
      return new Integers(lengthOf)
    case 'ip':
      return new Networks()
    case 'reg':
      return new Regexes(ignoreCase)
    default:
      return makeStrings(method, ignoreCase)
  }
}

/** Methods that compare with no pattern: what was written is ignored. */
class Truth implements PatternIndex {
  readonly #test: (sample: Sample) => boolean
  readonly #pattern: Pattern = { id: 0, text: '', value: undefined }

  constructor(test: (sample: Sample) => boolean) {
    this.#test = test
  }

  add(): string | undefined {
    return undefined
  }

  remove(_text: ByteString): void {}

  find(sample: Sample): Pattern | undefined {
    return this.#test(sample) ? this.#pattern : undefined
  }
}
