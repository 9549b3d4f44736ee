// Owns fetches of what a session costs and how busy the process is (manual 7.3.2). Nothing is measured unless one of them is used, or
// `profiling.tasks on` says so.

import { performance } from 'node:perf_hooks'
import type { EventLoopUtilization } from 'node:perf_hooks'
import { PROFILE, type SessionProfile } from '../../core/profile.ts'
import type { Plugin } from '../../core/plugin.ts'
import type { FetchSpec, Subject } from '../../core/sample.ts'
import { sint } from '../../core/sample.ts'

const wanted = new WeakSet<readonly Plugin[]>()

/** Whether an expression of the configuration that was read with these plugins asks for it. */
export function profileWanted(plugins: readonly Plugin[]): boolean {
  return wanted.has(plugins)
}

function ofProfile(name: string, doc: string, value: (profile: SessionProfile) => bigint | number): FetchSpec {
  return {
    name,
    output: 'sint',
    source: 'internal',
    doc,
    compile(_args, scope) {
      wanted.add(scope.plugins)
      return (subject) => {
        const profile = subject.client?.get(PROFILE)
        return profile === undefined ? undefined : sint(value(profile))
      }
    },
  }
}

const average = (sum: bigint, { calls }: SessionProfile): bigint => (calls === 0 ? 0n : sum / BigInt(calls))

/** What a share is taken over: the time since the last reading that is at least so old, ms. */
const WINDOW_MS = 1000

/** Per cent, computed at most once per window. */
class Share<T> {
  readonly #read: () => T
  readonly #since: (before: T, now: T) => number
  #before: T
  #at: number
  #value: number | undefined

  constructor(read: () => T, since: (before: T, now: T) => number) {
    this.#read = read
    this.#since = since
    this.#before = read()
    this.#at = performance.now()
  }

  value(over: number): number {
    const now = performance.now()
    if (this.#value !== undefined && now - this.#at < WINDOW_MS) return this.#value
    const read = this.#read()
    this.#value = Math.min(100, Math.max(0, Math.round((100 * this.#since(this.#before, read)) / over)))
    this.#before = read
    this.#at = now
    return this.#value
  }
}

function share<T>(name: string, doc: string, read: () => T, since: (before: T, now: T) => number, over: (subject: Subject) => number = () => 1): FetchSpec {
  return {
    name,
    output: 'sint',
    source: 'internal',
    doc,
    compile() {
      const of = new Share(read, since)
      return (subject) => sint(of.value(over(subject)))
    },
  }
}

/** CPU time of the process, and when that was, both in µs. */
interface Usage {
  readonly cpu: number
  readonly at: number
}

function usage(): Usage {
  const { user, system } = process.cpuUsage()
  return { cpu: user + system, at: performance.now() * 1000 }
}

const perTime = (before: Usage, now: Usage): number => (now.at > before.at ? (now.cpu - before.cpu) / (now.at - before.at) : 0)
const threads = (subject: Subject): number => (subject.frontend ?? subject.backend)?.process.threads ?? 1
const busy = (before: EventLoopUtilization, now: EventLoopUtilization): number => performance.eventLoopUtilization(now, before).utilization

export const profileFetches: readonly FetchSpec[] = [
  ofProfile('cpu_calls', 'How often the session was called for events of its connections.', (profile) => profile.calls),
  ofProfile('cpu_ns_tot', 'How long these calls took, ns; 0 under `profiling.tasks off`.', (profile) => profile.cpuNs),
  ofProfile('cpu_ns_avg', 'How long such a call took on average, ns.', (profile) => average(profile.cpuNs, profile)),
  ofProfile('lat_ns_tot', 'How long these calls waited for other sessions in the same turn of the event loop, ns; 0 under `profiling.tasks off`.', (profile) => profile.latencyNs),
  ofProfile('lat_ns_avg', 'How long such a call waited on average, ns.', (profile) => average(profile.latencyNs, profile)),
  share('cpu_usage_thr', 'How busy the event loop of this thread was over the last second or more, per cent.', () => performance.eventLoopUtilization(), busy),
  share('cpu_usage_grp', 'CPU time of the process over the last second or more, per cent of what its data threads can use: there is one thread group.', usage, perTime, threads),
  share('cpu_usage_proc', 'CPU time of the process over the last second or more, per cent of what its data threads can use.', usage, perTime, threads),
]
