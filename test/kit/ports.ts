// Owns which TCP ports a test process may use: a block of its own below the kernel's ephemeral range, held by one guard listener.
//
// A port that is asked from the kernel (port 0) and let go can be taken by anybody before the program under test binds it. A
// block cannot: whoever holds the listener on its first port owns the rest, and connections never get source ports from there.

import net from 'node:net'
import type { Server } from 'node:net'

const FIRST = 11_000
const BLOCKS = 200
const SIZE = 100

export interface Ports {
  /** The port with this name; the same each time. Free when the block was claimed. */
  port(name: string): number
  /** `n` consecutive ports; the first is returned. */
  range(name: string, n: number): number
  /** The name of a port that was given out. */
  nameOf(port: number): string | undefined
  release(): void
}

function listens(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = net.createServer()
    server.once('error', () => resolve(undefined))
    server.listen({ port, host: '0.0.0.0', backlog: 1 }, () => resolve(server))
  })
}

async function isFree(port: number): Promise<boolean> {
  const server = await listens(port)
  if (server === undefined) return false
  await new Promise((resolve) => server.close(resolve))
  return true
}

let nextBlock = process.pid % BLOCKS

/** Claims a block of about 99 ports until release() or the end of this process. */
export async function claimPorts(): Promise<Ports> {
  for (let tried = 0; tried < BLOCKS; tried++) {
    const base = FIRST + SIZE * nextBlock
    nextBlock = (nextBlock + 1) % BLOCKS
    const guard = await listens(base)
    if (guard === undefined) continue
    guard.unref()
    return blockOf(base, guard)
  }
  throw new Error(`no free block of ${SIZE} ports between ${FIRST} and ${FIRST + BLOCKS * SIZE}`)
}

async function blockOf(base: number, guard: Server): Promise<Ports> {
  const free = new Set<number>()
  for (let port = base + 1; port < base + SIZE; port++) if (await isFree(port)) free.add(port)
  const names = new Map<string, number>()
  const owners = new Map<number, string>()
  function take(name: string, n: number): number {
    const known = names.get(name)
    if (known !== undefined) return known
    for (const first of free) {
      let run = 1
      while (run < n && free.has(first + run)) run++
      if (run < n) continue
      for (let i = 0; i < n; i++) {
        free.delete(first + i)
        owners.set(first + i, n === 1 ? name : `${name}+${i}`)
      }
      names.set(name, first)
      return first
    }
    throw new Error(`the block of ${SIZE} ports is used up`)
  }
  return {
    port: (name) => take(name, 1),
    range: take,
    nameOf: (port) => owners.get(port),
    release: () => guard.close(),
  }
}
