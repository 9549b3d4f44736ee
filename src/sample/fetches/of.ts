// Owns the simplest kind of fetch: without arguments, of one thing that a subject may have.

import type { Fetched, FetchSpec, OutputType, Sample, Source, Subject } from '../../core/sample.ts'

/** What `show` makes of what `from` finds. Where it finds nothing: `otherwise`, or no value. */
export function of<T>(name: string, source: Source, output: OutputType, doc: string, from: (subject: Subject) => T | undefined, show: (found: T) => Fetched, otherwise?: Sample): FetchSpec {
  return {
    name,
    output,
    source,
    doc,
    compile: () => (subject) => {
      const found = from(subject)
      return found === undefined ? otherwise : show(found)
    },
  }
}
