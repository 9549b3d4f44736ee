// Owns the last chunk: a handler that says these bytes, lets the engine drain and finish, and leaves no trace in the log.
// `mode health` and `monitor-net` are this handler with different bytes.

import { close } from 'headgate/plugin'
import type { Handler, MakeHandler, Verdict } from 'headgate/plugin'

/** Says `bytes` (nothing without them) and ends politely: what the peer sent is drained, so that no reset overtakes the answer. */
export function lastChunk(bytes?: Uint8Array): Verdict {
  return close({ cause: 'answered', quiet: true }, bytes)
}

/** The handler: it has no state, so that one object serves every connection. */
export function sendLastChunk(name: string, bytes?: Uint8Array): MakeHandler {
  const verdict = lastChunk(bytes)
  const handler: Handler = { name, step: () => verdict }
  return () => handler
}
