// Owns one server of a backend: where it is, how it is connected to, and how many sessions it has.

import type { Address } from '../core/address.ts'
import type { ConnectSpec } from '../core/provider.ts'
import type { ConnectionPlan } from '../net/connection.ts'
import type { ServerView } from '../core/view.ts'
import type { Gauge } from './gauge.ts'

export interface ServerSettings {
  readonly name: string
  /** From 1, in the order of the configuration, or its `id`. */
  readonly id: number
  /** Where it may be, in order of preference. A port of 0 with an offset takes the port that the client came to. */
  readonly addresses: readonly Address[]
  /** Added to the client's destination port when the address has none of its own; undefined: the address' port is fixed. */
  readonly portOffset: number | undefined
  readonly weight: number
  readonly backup: boolean
  /** Sessions at a time; 0: no limit. */
  readonly maxconn: number
  /** Waiting sessions; 0: no limit. */
  readonly maxqueue: number
  /** How to connect; `to` is filled in per connection. */
  readonly connect: Omit<ConnectSpec, 'to'>
  readonly plan: ConnectionPlan
}

export class Server implements ServerView {
  readonly settings: ServerSettings
  readonly name: string
  readonly id: number
  /** Sessions that hold a slot. */
  readonly sessions: Gauge
  /** Out of service: `disabled`, or an operator's word. */
  disabled: boolean

  constructor(settings: ServerSettings, sessions: Gauge, disabled: boolean) {
    this.settings = settings
    this.name = settings.name
    this.id = settings.id
    this.sessions = sessions
    this.disabled = disabled
  }

  get up(): boolean {
    return !this.disabled
  }

  get backup(): boolean {
    return this.settings.backup
  }

  get initialWeight(): number {
    return this.settings.weight
  }

  get weight(): number {
    return this.settings.weight
  }

  get maxconn(): number {
    return this.settings.maxconn
  }

  get maxqueue(): number {
    return this.settings.maxqueue
  }

  /** Those who wait, wait in the backend's queue. */
  get queued(): number {
    return 0
  }

  get connections(): number {
    return this.sessions.value
  }

  get usable(): boolean {
    return !this.disabled && this.settings.weight > 0
  }

  get full(): boolean {
    return this.settings.maxconn > 0 && this.sessions.value >= this.settings.maxconn
  }

  /** The addresses for a client that came to `dst`. */
  addressesFor(dst: Address): readonly Address[] {
    const { addresses, portOffset } = this.settings
    const fixed = portOffset !== undefined
    if (!fixed && !addresses.some(isWildcard)) return addresses
    return addresses.map((a) => {
      if (a.family !== 'ipv4' && a.family !== 'ipv6') return a
      const to = dst.family === 'ipv4' || dst.family === 'ipv6' ? dst : undefined
      const port = portOffset === undefined ? a.port : ((to?.port ?? 0) + portOffset) & 0xffff
      return isWildcard(a) && to !== undefined ? { ...to, port } : { ...a, port }
    })
  }
}

function isWildcard(a: Address): boolean {
  return (a.family === 'ipv4' && a.host === '0.0.0.0') || (a.family === 'ipv6' && a.host === '::')
}
