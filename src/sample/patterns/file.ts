// Owns pattern and map files (manual 7.1, `-f`): one pattern a line, blanks and `#` lines left out; in a map its value behind it.

import type { Word } from '../../core/keyword.ts'
import type { Fail, Scope } from '../../core/sample.ts'
import type { PatternIndex } from './pattern.ts'

/** Adds a file's patterns to an index; false: reported. `twoColumns`: the rest of a line is the pattern's value. */
export function readPatterns(file: Word, twoColumns: boolean, index: PatternIndex, scope: Scope, fail: Fail): boolean {
  const bytes = scope.readFile(file.text, file)
  if (bytes === undefined) return false
  const text = bytes.toString('latin1')
  let id = 1
  let line = 0
  for (let at = 0; at < text.length; ) {
    let end = text.indexOf('\n', at)
    if (end < 0) end = text.length
    line++
    let from = at
    let to = end
    at = end + 1
    if (text[to - 1] === '\r') to--
    if (text[from] === '#') continue
    while (from < to && (text[from] === ' ' || text[from] === '\t')) from++
    if (from === to) continue
    let value: string | undefined
    let stop = to
    if (twoColumns) {
      stop = from
      while (stop < to && text[stop] !== ' ' && text[stop] !== '\t') stop++
      let second = stop
      while (second < to && (text[second] === ' ' || text[second] === '\t')) second++
      while (to > second && (text[to - 1] === ' ' || text[to - 1] === '\t')) to--
      value = text.slice(second, to)
    }
    const problem = index.add({ id: id++, text: text.slice(from, stop), value })
    if (problem !== undefined) {
      fail(`${problem} at line ${line} of file '${file.text}'`, undefined, file)
      return false
    }
  }
  return true
}
