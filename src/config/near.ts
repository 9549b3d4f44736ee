// Owns "did you mean": which of the names that there are was likely meant by one that is none of them.

import { distance } from 'fastest-levenshtein'

/** Beyond that it is no slip, and comparing costs. Characters. */
const MAX_TYPO = 64

/** The name of which the word is likely a slip: within an edit distance of a third of its length and at least 1, or with two letters swapped. Capitals do not count. */
export function nearest(word: string, names: Iterable<string>): string | undefined {
  if (word === '' || word.length > MAX_TYPO) return undefined
  const lower = word.toLowerCase()
  let best: string | undefined
  let least = Math.min(Math.max(1, Math.floor(word.length / 3)), word.length - 1) + 1 // some of it is right
  for (const name of names) {
    if (Math.abs(name.length - word.length) >= least) continue
    const known = name.toLowerCase()
    const d = swapped(lower, known) ? 1 : distance(lower, known)
    if (d < least) {
      best = name
      least = d
    }
  }
  return best
}

/** The name that was likely meant: as nearest(), or one that the word is a part of. */
export function meant(word: string, names: Iterable<string>): string | undefined {
  const all = [...names]
  return nearest(word, all) ?? holding(word.toLowerCase(), all)
}

/** As HAProxy puts it; undefined when no name is near. */
export function didYouMean(word: string, names: Iterable<string>): string | undefined {
  const name = meant(word, names)
  return name === undefined ? undefined : `did you mean '${name}' maybe ?`
}

/** Two neighbours in the other order, as fingers have it: one slip, where the edit distance has two. */
function swapped(a: string, b: string): boolean {
  if (a.length !== b.length) return false
  let i = 0
  while (i < a.length && a[i] === b[i]) i++
  return a[i] === b[i + 1] && a[i + 1] === b[i] && a.slice(i + 2) === b.slice(i + 2)
}

/** The shortest name of which the word is the beginning or the end, up to a separator: `country` of `geo_country`, `len` of `req.len`. */
function holding(word: string, names: readonly string[]): string | undefined {
  if (word.length < 3) return undefined
  let found: string | undefined
  for (const name of names) {
    const lower = name.toLowerCase()
    const separator = lower.endsWith(word) ? name.at(-word.length - 1) : lower.startsWith(word) ? name[word.length] : undefined
    if (separator !== undefined && '._-'.includes(separator) && (found === undefined || name.length < found.length)) found = name
  }
  return found
}
