// Owns where a read goes when bytes are already waiting: behind them, in a buffer of their own.

import type { Bytes } from '../../core/bytes.ts'

/** Less room than this behind unread bytes is not worth a read. */
const MIN_ROOM = 4096
const GROW = 16384

/** Makes room behind unread bytes, in a buffer of their own. Returns how much there is. */
export function makeRoom(into: Bytes): number {
  const had = into.end - into.start
  if (into.lent || into.buffer.length - into.end < MIN_ROOM) {
    const fits = !into.lent && into.buffer.length - had >= Math.max(MIN_ROOM, had)
    const own = fits ? into.buffer : Buffer.allocUnsafeSlow(Math.max(2 * had, had + GROW))
    into.buffer.copy(own, 0, into.start, into.end)
    into.buffer = own
    into.start = 0
    into.end = had
    into.lent = false
  }
  return into.buffer.length - into.end
}
