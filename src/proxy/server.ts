// Owns one server of a backend: where it is, how it is connected to, and how many sessions it has.

import type { Address } from '../core/address.ts'
import type { ConnectSpec } from '../core/provider.ts'
import type { ConnectionPlan } from '../net/connection.ts'
import type { ServerView } from '../core/view.ts'
import type { Gauge } from './gauge.ts'

/** So many clients in a row have to speak before the server does for the next one to be expected to. */
const CERTAIN = 16

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
  /** How to connect; `to` is filled in per connection. */
  readonly connect: Omit<ConnectSpec, 'to'>
  /** How many ports from `connect.from`'s on may be the source; 1: that one, 0 where the kernel chooses. */
  readonly sourcePorts: number
  /** The session's source takes the place of `connect.from`: with its port, or its address alone. */
  readonly clientSource?: 'client' | 'clientip' | undefined
  readonly plan: ConnectionPlan
  /** The first of its handlers speaks as soon as there is a connection. Default: no. */
  readonly speaks?: boolean
}

export class Server implements ServerView {
  readonly settings: ServerSettings
  readonly name: string
  readonly id: number
  /** Sessions that hold a slot. */
  readonly sessions: Gauge
  /** Out of service: `disabled`, or an operator's word. */
  disabled: boolean

  /** Where to connect, when that is the same for every session. */
  readonly #targets: readonly ConnectSpec[] | undefined
  #nextSource = 0
  #clientsFirst = 0

  constructor(settings: ServerSettings, sessions: Gauge, disabled: boolean) {
    this.settings = settings
    this.name = settings.name
    this.id = settings.id
    this.sessions = sessions
    this.disabled = disabled
    const varies = settings.portOffset !== undefined || settings.addresses.some(isWildcard) || settings.sourcePorts > 1 || settings.clientSource !== undefined
    this.#targets = varies ? undefined : settings.addresses.map((to) => ({ ...settings.connect, to }))
  }

  /** Its clients speak first: whoever connects to it has something to say soon. */
  get hearsFirst(): boolean {
    return this.#clientsFirst === CERTAIN
  }

  /** Who said the first word of a session. */
  firstWord(by: 'client' | 'server'): void {
    if (by === 'server') this.#clientsFirst = 0
    else if (this.#clientsFirst < CERTAIN) this.#clientsFirst++
  }

  get sessionRate(): number {
    return this.sessions.perSecond
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
    return 0
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

  /** Where to connect for this session: each address in turn. `ends`, the session's, are asked only where they matter. */
  targetsFor(ends: { readonly src: Address; readonly dst: Address }): readonly ConnectSpec[] {
    if (this.#targets !== undefined) return this.#targets
    const { connect, sourcePorts, clientSource } = this.settings
    const addresses = addressesFor(this.settings, ends.dst)
    const { src } = ends
    // A client without an IP address leaves the configured source.
    if (clientSource !== undefined && (src.family === 'ipv4' || src.family === 'ipv6')) {
      const from = clientSource === 'client' ? src : { ...src, port: 0 }
      return addresses.map((to) => ({ ...connect, to, from, transparent: true }))
    }
    const { from } = connect
    if (sourcePorts <= 1 || from === undefined || (from.family !== 'ipv4' && from.family !== 'ipv6')) return addresses.map((to) => ({ ...connect, to }))
    // The next port of the range first; one that is taken is passed over as an address that refuses is.
    const first = this.#nextSource++ % sourcePorts
    const ports = Array.from({ length: sourcePorts }, (_, i) => from.port + ((first + i) % sourcePorts))
    return addresses.flatMap((to) => ports.map((port) => ({ ...connect, to, from: { ...from, port } })))
  }
}

/** The addresses of a server for a client that came to `dst`. */
export function addressesFor({ addresses, portOffset }: Pick<ServerSettings, 'addresses' | 'portOffset'>, dst: Address): readonly Address[] {
  const to = dst.family === 'ipv4' || dst.family === 'ipv6' ? dst : undefined
  return addresses.map((a) => {
    if (a.family !== 'ipv4' && a.family !== 'ipv6') return a
    const port = portOffset === undefined ? a.port : ((to?.port ?? 0) + portOffset) & 0xffff
    return isWildcard(a) && to !== undefined ? { ...to, port } : { ...a, port }
  })
}

function isWildcard(a: Address): boolean {
  return (a.family === 'ipv4' && a.host === '0.0.0.0') || (a.family === 'ipv6' && a.host === '::')
}
