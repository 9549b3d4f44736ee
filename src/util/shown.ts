// Owns how values appear in messages that are not what they should be, and whatever was thrown: nothing here throws.

/** A message longer than this is not read. Characters. */
const LONGEST = 40

/** Control characters as #XX, as in HAProxy's captures: nobody whose bytes are quoted writes lines of a log. */
export function visible(text: string): string {
  return text.replace(/\p{Cc}/gu, (c) => `#${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
}

/** `'text'`, `5`, `5n`, `null`, `a Promise`, `an object`, … Never throws. */
export function shown(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return `'${visible(value.length > LONGEST ? `${value.slice(0, LONGEST)}…` : value)}'`
    case 'bigint':
      return `${value}n`
    case 'object':
      return value === null ? 'null' : objectShown(value)
    case 'function':
    case 'symbol':
      return `a ${typeof value}`
    default:
      return String(value)
  }
}

function objectShown(value: object): string {
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  if (isPromise(value)) return 'a Promise'
  if (value instanceof Uint8Array) return `${value.length} bytes in a ${Buffer.isBuffer(value) ? 'Buffer' : 'Uint8Array'}`
  return 'an object'
}

/** What an async function returns. */
export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}

/** What a promise comes to that should not be there is nobody's: told as a bug already, it must not be an unhandled rejection as well. */
export function disown(value: unknown): void {
  if (isPromise(value)) value.then(undefined, () => undefined)
}

/** What was thrown, for a message. Anything can be thrown, even what cannot be looked at. */
export function messageOf(thrown: unknown): string {
  return looked(() => (thrown instanceof Error ? thrown.message : String(thrown)))
}

/** What was thrown, for the log of a bug: with its stack. */
export function stackOf(thrown: unknown): string {
  return looked(() => (thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)))
}

function looked(look: () => string): string {
  try {
    return look()
  } catch {
    return 'threw what has no text'
  }
}
