// Owns how many connections can be held here: each costs a proxy two descriptors, and this process two (its client and its server).

import { spawnSync } from 'node:child_process'
import { descriptorLimit } from '../../src/process/limits.ts'

/** What a process has open beside the connections it holds. */
const SPARE = 150

/**
 * Raises the limit of this process, which the proxies inherit, as far as `wanted` connections need and the system allows. Returns how
 * many can be held, in whole hundreds, and what to say when that is less.
 */
export function holdable(wanted: number): { readonly held: number; readonly problem: string | undefined } {
  const needed = 2 * wanted + SPARE
  // Node has raised the soft limit to the hard one. Beyond takes CAP_SYS_RESOURCE.
  if (descriptorLimit() < needed) spawnSync('prlimit', ['--pid', String(process.pid), `--nofile=${needed}:${needed}`])
  const limit = descriptorLimit()
  if (limit >= needed) return { held: wanted, problem: undefined }
  const held = Math.max(100, Math.floor((limit - SPARE) / 200) * 100)
  return { held, problem: `${held} connections are held instead of ${wanted}: the limit of descriptors is ${limit} (ulimit -Hn) and may not be raised here (CAP_SYS_RESOURCE); ${needed} would be needed` }
}
