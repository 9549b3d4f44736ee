// Owns what the system and the command line allow the process: descriptors and memory.

import { readFileSync } from 'node:fs'

/** Descriptors of Node itself, listeners, logs and certificates being read; the rest is two for each connection. */
const OWN_DESCRIPTORS = 64

/** How many descriptors the process may have open. Node has raised it as far as it may. Infinity where it cannot be known. */
export function descriptorLimit(read: () => string = () => readFileSync('/proc/self/limits', 'latin1')): number {
  try {
    const soft = /^Max open files\s+(\S+)/m.exec(read())?.[1]
    return soft === undefined || soft === 'unlimited' ? Infinity : Number(soft)
  } catch {
    return Infinity
  }
}

export interface ConnectionLimits {
  /** -n */
  readonly commandLine: number | undefined
  /** maxconn in `global`; 0 is as unset. */
  readonly configured: number | undefined
  /** ulimit-n */
  readonly descriptorsAsked: number | undefined
  /** fd-hard-limit */
  readonly descriptorsAtMost: number | undefined
}

export interface ConnectionPlan {
  /** Connections that the process takes at a time. */
  readonly maxconn: number
  /** What cannot be had: an alert under strict-limits (the default), else a warning. */
  readonly problem?: string
}

/** What `maxconn` comes to under a limit of `descriptors`. */
export function planConnections(limits: ConnectionLimits, descriptors: number): ConnectionPlan {
  const allowed = Math.min(descriptors, limits.descriptorsAtMost ?? Infinity)
  const fits = Number.isFinite(allowed) ? Math.max(1, Math.floor((allowed - OWN_DESCRIPTORS) / 2)) : 1_000_000
  const asked = limits.descriptorsAsked ?? 0
  const wanted = limits.commandLine === undefined || limits.commandLine === 0 ? limits.configured : limits.commandLine
  const maxconn = wanted === undefined || wanted === 0 ? fits : wanted
  const needed = Math.max(asked, maxconn > fits ? 2 * maxconn + OWN_DESCRIPTORS : 0)
  if (needed <= descriptors) return { maxconn: Math.min(maxconn, fits) }
  return { maxconn: Math.min(maxconn, fits), problem: `Cannot raise FD limit to ${needed}, limit is ${descriptors}.` }
}

export interface MemoryActions {
  rss(): number
  /** Over the limit: nothing more is taken in. */
  full(): void
  /** Some way under it again. */
  free(): void
}

/**
 * -m: looks once a second. Node's address space is reserved in advance, so that a limit of the kernel's would end the process at once; this
 * refuses connections instead, which is what the limit is for. Returns how to stop looking.
 */
export function watchMemory(megabytes: number, actions: MemoryActions, every = 1000): () => void {
  const limit = megabytes * 1024 * 1024
  let full = false
  const timer = setInterval(() => {
    const rss = actions.rss()
    if (!full && rss > limit) {
      full = true
      actions.full()
    } else if (full && rss < limit * 0.95) {
      full = false
      actions.free()
    }
  }, every)
  timer.unref()
  return () => clearInterval(timer)
}
