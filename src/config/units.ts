// Owns times and sizes as configuration texts write them: digits and a unit (manual 2.5).

export type Unit =
  | { readonly ok: true; readonly value: number }
  /** `character` is the first that cannot be read, '' when the text ends too early. `overflow`: all of it can be read, and it is too much. */
  | { readonly ok: false; readonly overflow: boolean; readonly character: string }

/** The longest time: 2^31 - 1 ms, about 24.8 days. */
export const MAX_TIME = 2147483647

const TIME_UNITS: Readonly<Record<string, number>> = { us: 1, ms: 1e3, s: 1e6, m: 60e6, h: 3600e6, d: 86400e6 }
const SIZE_UNITS: Readonly<Record<string, number>> = { k: 2 ** 10, K: 2 ** 10, m: 2 ** 20, M: 2 ** 20, g: 2 ** 30, G: 2 ** 30 }

/** Reads digits and the longest unit of the table that follows; anything behind it is refused, where HAProxy reads `3min` as 3m. */
function read(text: string, units: Readonly<Record<string, number>>, unitless: number): Unit {
  let at = 0
  while (at < text.length && text.charCodeAt(at) >= 48 && text.charCodeAt(at) <= 57) at++
  const bad = (index: number): Unit => ({ ok: false, overflow: false, character: text.charAt(index) })
  if (at === 0) return bad(0)
  const number = Number(text.slice(0, at))
  const suffix = text.slice(at)
  if (suffix === '') return { ok: true, value: number * unitless }
  const unit = Object.hasOwn(units, suffix) ? units[suffix] : undefined
  if (unit !== undefined) return { ok: true, value: number * unit }
  const first = suffix.charAt(0)
  const known = Object.hasOwn(units, first) ? 1 : 0
  return bad(at + known)
}

/**
 * A time in ms. Without a unit it is in `unitless` (default ms). What is less than 1 ms but not 0 counts as 1 ms; more than MAX_TIME overflows.
 */
export function parseTime(text: string, unitless: 'us' | 'ms' | 's' = 'ms'): Unit {
  const us = read(text, TIME_UNITS, TIME_UNITS[unitless] ?? 1e3)
  if (!us.ok) return us
  const ms = Math.ceil(us.value / 1e3)
  return ms > MAX_TIME ? { ok: false, overflow: true, character: '' } : { ok: true, value: ms }
}

/** A size in bytes; k, m and g (or K, M, G) are powers of 1024. 2^32 and more overflows, as `size` arguments do in HAProxy. */
export function parseSize(text: string): Unit {
  const bytes = read(text, SIZE_UNITS, 1)
  return bytes.ok && bytes.value >= 2 ** 32 ? { ok: false, overflow: true, character: '' } : bytes
}
