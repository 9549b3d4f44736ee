// Owns the measuring of sessions: who stands between a connection and its stream where a rule or a log format asks what it costs.
//
//   connection ──event──► Profile ──► stream        without it: connection ──event──► stream

import type { Connection, ConnectionUser } from '../core/connection.ts'
import { PROFILE, type SessionProfile } from '../core/profile.ts'

/** Nanoseconds on a clock that only goes forward. */
type Clock = () => bigint

/** Of one thread: makes profiles, and knows when the event loop's turn began as far as sessions go. */
export class Profiles {
  readonly #clock: Clock
  readonly #timed: boolean
  readonly #later: (f: () => void) => void
  /** When the first session of this turn was served. */
  #turn: bigint | undefined

  /**
   * @param timed false: calls are counted, nothing is timed (profiling.tasks off)
   * @param later calls back when the loop's turn is over
   */
  constructor(timed: boolean, clock: Clock = () => process.hrtime.bigint(), later: (f: () => void) => void = (f) => void setImmediate(f)) {
    this.#timed = timed
    this.#clock = clock
    this.#later = later
  }

  /** The user that stands before this one on the connections of a session. */
  before(user: ConnectionUser, client: Connection): ConnectionUser {
    const profile = new Profile(user, this)
    client.set(PROFILE, profile)
    return profile
  }

  /** Does what begins a session, as its first call. */
  begin(client: Connection, start: () => void): void {
    const profile = client.get(PROFILE)
    if (profile instanceof Profile) profile.run(start)
    else start()
  }

  /** The time now; undefined: nothing is timed. */
  now(): bigint | undefined {
    return this.#timed ? this.#clock() : undefined
  }

  /** When the turn that is now began. */
  turn(now: bigint): bigint {
    if (this.#turn === undefined) {
      this.#turn = now
      this.#later(() => (this.#turn = undefined))
    }
    return this.#turn
  }
}

class Profile implements ConnectionUser, SessionProfile {
  calls = 0
  cpuNs = 0n
  latencyNs = 0n
  readonly #user: ConnectionUser
  readonly #profiles: Profiles

  constructor(user: ConnectionUser, profiles: Profiles) {
    this.#user = user
    this.#profiles = profiles
  }

  ready(conn: Connection): void {
    this.run(() => this.#user.ready(conn))
  }

  expired(conn: Connection): void {
    this.run(() => this.#user.expired(conn))
  }

  broken(conn: Connection): void {
    this.#user.broken?.(conn)
  }

  run(call: () => void): void {
    this.calls++
    const began = this.#profiles.now()
    if (began === undefined) return call()
    this.latencyNs += began - this.#profiles.turn(began)
    try {
      call()
    } finally {
      this.cpuNs += (this.#profiles.now() ?? began) - began
    }
  }
}
