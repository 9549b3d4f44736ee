// Owns pattern and map files (manual 7.1, `-f`): one pattern a line, blanks and `#` lines left out; in a map its value behind it.

import type { Word } from '../../core/keyword.ts'
import type { Fail, Scope } from '../../core/sample.ts'
import { patternStore } from './pattern-set.ts'
import type { PatternSet } from './pattern-set.ts'

/** The set of a file, read at its first use. undefined: reported. `columns` 2: the rest of a line is the pattern's value. */
export function patternFile(file: Word, columns: 1 | 2, scope: Scope, fail: Fail): PatternSet | undefined {
  const set = patternStore(scope.plugins).ofFile(file.text, columns, (set) => {
    const bytes = scope.readFile(file.text, file)
    if (bytes === undefined) return false
    readPatterns(bytes.toString('latin1'), columns, set)
    return true
  })
  return typeof set === 'string' ? fail(set, undefined, file) : set
}

/** Nothing is attached to the set yet, so that no pattern can be refused here. */
export function readPatterns(text: string, columns: 1 | 2, set: PatternSet): void {
  for (let at = 0; at < text.length; ) {
    let end = text.indexOf('\n', at)
    if (end < 0) end = text.length
    let from = at
    let to = end
    at = end + 1
    if (text[to - 1] === '\r') to--
    if (text[from] === '#') continue
    while (from < to && isBlank(text[from])) from++
    if (from === to) continue
    if (columns === 1) {
      set.add(text.slice(from, to))
      continue
    }
    let stop = from
    while (stop < to && !isBlank(text[stop])) stop++
    let value = stop
    while (value < to && isBlank(text[value])) value++
    while (to > value && isBlank(text[to - 1])) to--
    set.add(text.slice(from, stop), text.slice(value, to))
  }
}

function isBlank(c: string | undefined): boolean {
  return c === ' ' || c === '\t'
}
