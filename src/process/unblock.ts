// Owns that writing to a descriptor whose reader has stopped reading never holds the process up.
//
// A write to a full pipe blocks. On the event loop it would stop all traffic; in Node's thread pool it would stop the exit, which
// waits for the pool. So pipes and sockets are made non-blocking, in the way every Node program does that uses process.stdout.
// The flag belongs to the open description: one thread sets it for all.

import { fstatSync } from 'node:fs'
import { Socket } from 'node:net'
import { isMainThread } from 'node:worker_threads'

/** For good: a socket that is collected closes its descriptor. */
const kept: unknown[] = []

/** From now on a write to a full pipe or socket fails with EAGAIN. Files and terminals stay as they are. Never throws. */
export function unblock(fd: number): void {
  if (!isMainThread) return // handles of a thread are closed when it ends, and the descriptor is everybody's
  try {
    const stat = fstatSync(fd)
    if (!stat.isFIFO() && !stat.isSocket()) return
    if (fd === 1) kept.push(process.stdout)
    else if (fd === 2) kept.push(process.stderr)
    else kept.push(new Socket({ fd, readable: false, writable: true }).on('error', () => {}))
  } catch {
    // Not open, or nothing that Node can take for a stream: writing to it tells.
  }
}
