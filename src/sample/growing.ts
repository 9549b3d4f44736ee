// Owns lists that a section's lines add to, one rule each: a section may have a hundred thousand of them, so none is copied for a line.

import type { Values } from '../core/keyword.ts'

/**
 * For one keyword: a function that returns `before` with `item` behind it. What the section has already added to is added to in place;
 * what it has inherited belongs to others and is copied.
 */
export function growing<T>(): (values: Values, before: readonly T[] | undefined, item: T) => readonly T[] {
  const lists = new WeakMap<Values, T[]>()
  return (values, before, item) => {
    let list = lists.get(values)
    if (list === undefined || list !== before) lists.set(values, (list = [...(before ?? [])]))
    list.push(item)
    return list
  }
}
