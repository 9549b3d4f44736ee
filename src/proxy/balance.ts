// Owns how a backend chooses among its servers: one small class per algorithm (manual chapter 4.2, "balance").
//
// Each is given the servers that may be used now, in the order of the configuration. Weights are relative.

import type { Address } from '../core/address.ts'
import type { Server } from './server.ts'

/** What a server may be chosen by. Asked only by those that need it: an address costs more to know than a turn. */
export interface Sourced {
  readonly source: Address
}

export interface Balance {
  /** The choice depends on the source alone, while the set of servers stays. */
  readonly sticky: boolean
  /** `usable` is not empty. `full` servers may be passed over; when all are full the choice is undefined and the session queues. */
  pick(usable: readonly Server[], from: Sourced): Server | undefined
}

/** Each in turn, by weight, as evenly spread as the weights allow. */
export class RoundRobin implements Balance {
  readonly sticky = false
  /** What each server has saved up; the one with the most is next. */
  readonly #credit = new Map<Server, number>()

  pick(usable: readonly Server[]): Server | undefined {
    if (usable.length === 1) return usable[0]?.full === true ? undefined : usable[0]
    let best: Server | undefined
    let bestCredit = -Infinity
    let total = 0
    for (const server of usable) {
      if (server.full) continue
      const weight = server.settings.weight
      total += weight
      const credit = (this.#credit.get(server) ?? 0) + weight
      this.#credit.set(server, credit)
      if (credit > bestCredit) {
        best = server
        bestCredit = credit
      }
    }
    if (best !== undefined) this.#credit.set(best, bestCredit - total)
    return best
  }
}

/** The fewest sessions for its weight; among equals each in turn. */
export class LeastConn implements Balance {
  readonly sticky = false
  readonly #turn = new RoundRobin()

  pick(usable: readonly Server[]): Server | undefined {
    let least = Infinity
    let ties: Server[] = []
    for (const server of usable) {
      if (server.full) continue
      const load = (server.connections + 1) / server.settings.weight
      if (load < least) {
        least = load
        ties = [server]
      } else if (load === least) ties.push(server)
    }
    return ties.length > 1 ? this.#turn.pick(ties) : ties[0]
  }
}

/** The first that has a slot, by id. */
export class First implements Balance {
  readonly sticky = false
  pick(usable: readonly Server[]): Server | undefined {
    let first: Server | undefined
    for (const server of usable) if (!server.full && (first === undefined || server.id < first.id)) first = server
    return first
  }
}

/** The same source goes to the same server while the set of servers stays; a full server keeps its sources waiting. */
export class SourceHash implements Balance {
  readonly sticky = true
  pick(usable: readonly Server[], from: Sourced): Server | undefined {
    let total = 0
    for (const server of usable) total += server.settings.weight
    let slot = total > 0 ? hashAddress(from.source) % total : 0
    for (const server of usable) {
      slot -= server.settings.weight
      if (slot < 0) return server
    }
    return usable[0]
  }
}

/** The less loaded of `draws` servers drawn by weight ("power of two choices"). */
export class Random implements Balance {
  readonly sticky = false
  readonly #draws: number
  readonly #random: () => number

  /** `random` gives numbers in [0, 1). */
  constructor(draws: number, random: () => number) {
    this.#draws = draws
    this.#random = random
  }

  pick(usable: readonly Server[]): Server | undefined {
    let total = 0
    for (const server of usable) if (!server.full) total += server.settings.weight
    let best: Server | undefined
    for (let i = 0; i < this.#draws && total > 0; i++) {
      let slot = this.#random() * total
      for (const server of usable) {
        if (server.full) continue
        slot -= server.settings.weight
        if (slot >= 0) continue
        if (best === undefined || (server.connections + 1) / server.settings.weight < (best.connections + 1) / best.settings.weight) best = server
        break
      }
    }
    return best
  }
}

/** What a source is hashed by: an IPv4 address is its own number, so that equal weights give HAProxy's servers. The port does not count. */
function hashAddress(src: Address): number {
  if (src.family === 'ipv4') return ipv4Number(src.host)
  const text = src.family === 'ipv6' ? src.host : ''
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  return (hash ^ (hash >>> 15)) >>> 0
}

function ipv4Number(host: string): number {
  let n = 0
  for (const part of host.split('.')) n = n * 256 + Number(part)
  return n
}
