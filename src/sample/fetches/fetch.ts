// Owns the shape that most fetches of numbers have: one value of the subject, without arguments.

import type { FetchSpec, Source, Subject } from '../../core/sample.ts'
import { sint } from '../../core/sample.ts'

/** undefined: there is no such value. */
export function number(name: string, source: Source, doc: string, value: (subject: Subject) => number | bigint | undefined): FetchSpec {
  return {
    name,
    output: 'sint',
    source,
    doc,
    compile: () => (subject) => {
      const n = value(subject)
      return n === undefined ? undefined : sint(n)
    },
  }
}
