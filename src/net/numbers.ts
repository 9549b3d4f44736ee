// Owns the numbers of connections: no two of a process have the same, in whichever threads they are and however often a thread was
// replaced. A thread takes a block of numbers at a time, so that only one connection in a thousand touches what threads share.
//
//   thread 0   1 … 1024   2049 … 3072
//   thread 1   1025 … 2048

import { getEnvironmentData, isMainThread, setEnvironmentData } from 'node:worker_threads'

const NAME = 'headgate: blocks of connection numbers'
const BLOCK = 1024

/** How many blocks have been taken. Threads inherit it. */
function shared(): Int32Array {
  const inherited: unknown = getEnvironmentData(NAME)
  if (inherited instanceof SharedArrayBuffer) return new Int32Array(inherited)
  const made = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)
  if (isMainThread) setEnvironmentData(NAME, made)
  return new Int32Array(made)
}

const taken = shared()
let last = 0
let left = 0

/** From 1; rising in each thread until 2^32 blocks have been taken. */
export function nextNumber(): number {
  if (left === 0) {
    last = (Atomics.add(taken, 0, 1) >>> 0) * BLOCK
    left = BLOCK
  }
  left--
  return ++last
}
