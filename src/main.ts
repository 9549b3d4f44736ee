#!/usr/bin/env node
// Owns the first and the last moment of the process: the program is loaded, and its exit status taken. A limit of descriptors under which
// not even that works is told as such: Node opens many modules at a time, and here nothing of ours is loaded yet that could say so.

import { readFileSync, writeSync } from 'node:fs'

/** Descriptors that suffice to load the program, with some to spare for its first connections. */
const ENOUGH = 256

/** Asked for while there is a descriptor to ask with; NaN where it cannot be known. */
const LIMIT = limit()

/** What is said instead of a stack; undefined: it is something else. */
function shortage(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  if (error.code === 'ENFILE') return 'Cannot start: the system has no file descriptors left (ENFILE, sysctl fs.file-max).'
  // Node tells a package that it cannot open as one that is not there.
  if (error.code !== 'EMFILE' && (error.code !== 'ERR_MODULE_NOT_FOUND' || !(LIMIT < ENOUGH))) return undefined
  return `Cannot start: too few file descriptors${Number.isNaN(LIMIT) ? '' : `, the limit is ${LIMIT} (ulimit -n)`}. Raise it to ${ENOUGH} at least, plus two for each connection (maxconn): 'ulimit -n', LimitNOFILE= in a systemd unit.`
}

function limit(): number {
  try {
    return Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1])
  } catch {
    return NaN // not Linux
  }
}

function refuse(error: unknown): never {
  const text = shortage(error)
  if (text === undefined) throw error
  writeSync(2, `[ALERT]    (${process.pid}) : ${text}\n`)
  process.exit(1)
}

const { main } = await import('./command.ts').catch(refuse)
process.exit(await main(process.argv.slice(2)).catch(refuse))
