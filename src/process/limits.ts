// Owns what the system and the command line allow the process: descriptors and memory.

import { readFileSync } from 'node:fs'

/** Descriptors of Node itself, logs and certificates being read. */
const OWN_DESCRIPTORS = 64
/** An event loop's own, and the provider's: epoll and what wakes it. */
const THREAD_DESCRIPTORS = 12

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

/** What the process opens beside its connections. */
export interface DescriptorUse {
  /** Addresses that are listened on. */
  readonly listeners: number
  /** Threads that connections are spread over; each of several has duplicates of all listeners, and accepts from each one too many at most. */
  readonly threads: number
  /** Pipes that a thread may have to splice through; 0: none. */
  readonly pipes: number
  /** Connections that a full listener may have to accept all the same, to let them wait; 0: none. */
  readonly held: number
}

/** What the process can take. */
export interface Capacity {
  /** Connections that the process takes at a time. */
  readonly maxconn: number
  /** Servers' connections that a thread may leave open when their sessions are over. */
  readonly lingering: number
  /** Pipes that a thread gets: as many as were asked for, or what connections leave. Without one, bytes pass through buffers. */
  readonly pipes: number
  /** Connections that a full listener gets to hold, likewise. */
  readonly held: number
  /** What cannot be had: an alert under strict-limits (the default), else a warning. */
  readonly problem?: string
}

/** Sessions that are over do not count as connections: a few descriptors are kept for servers that do not end theirs. */
const LINGERING = 64

/**
 * What `maxconn` comes to under a limit of `descriptors`:
 *
 *   own │ listeners × (1 + 2 × threads) │ threads × THREAD │ 2 × maxconn │ (lingering + 2 × pipes) × threads │ listeners × held
 *
 * Where nobody says how many connections there should be, pipes or held ones get a quarter of what is left at most, lingering ones a 32nd.
 */
export function planConnections(limits: ConnectionLimits, use: DescriptorUse, descriptors: number): Capacity {
  const { listeners, threads } = use
  const allowed = Math.min(descriptors, limits.descriptorsAtMost ?? Infinity)
  const own = OWN_DESCRIPTORS + listeners * (threads > 1 ? 1 + 2 * threads : 1) + threads * THREAD_DESCRIPTORS
  const left = Math.max(0, allowed - own)
  const asked = limits.descriptorsAsked ?? 0
  const set = limits.commandLine === undefined || limits.commandLine === 0 ? limits.configured : limits.commandLine
  const wanted = set === 0 ? undefined : set
  const most = Number.isFinite(left) ? Math.max(1, Math.floor(left / 2)) : 1_000_000
  const beside = 2 * use.pipes * threads + use.held * listeners
  const shared = Number.isFinite(left) ? Math.min(beside, Math.floor(left / 4)) : 0
  const kept = Number.isFinite(left) ? Math.min(LINGERING * threads, Math.floor(left / 32)) : 0
  const automatic = Number.isFinite(left) ? Math.max(1, Math.floor((left - shared - kept) / 2)) : most
  const maxconn = wanted === undefined ? automatic : Math.min(wanted, most)
  const rest = Math.max(0, left - 2 * maxconn)
  const free = rest - Math.min(kept, Math.ceil(rest / 2))
  const pipes = Math.min(use.pipes, Math.floor(free / (2 * threads)))
  const held = listeners === 0 ? use.held : Math.min(use.held, Math.floor((free - 2 * pipes * threads) / listeners))
  const plan = { maxconn, lingering: Math.floor((rest - 2 * pipes * threads - held * listeners) / threads), pipes, held }
  const needed = Math.max(asked, wanted !== undefined && wanted > most ? 2 * wanted + own : 0)
  return needed <= descriptors ? plan : { ...plan, problem: `Cannot raise FD limit to ${needed}, limit is ${descriptors}.` }
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
