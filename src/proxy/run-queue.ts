// Owns the order in which sessions are served within one turn of the event loop, where `nice` is used.
//
//   connection ──event──► Place ──► queue of the turn, by nice ──turn is over──► session
//
// Where nothing says nice there is no queue, and events go to sessions as they come.

import type { Connection, ConnectionUser } from '../core/connection.ts'
import { NICE } from '../core/nice.ts'

/** What a place serves: a session that can be told of a bug of its own. */
export interface Served extends ConnectionUser {
  failed(where: string, error: unknown): void
}

/** Of one thread. */
export class RunQueue {
  readonly #turnIsOver: (then: () => void) => void
  #waiting: Place[] = []
  #spare: Place[] = []
  #asked = false

  /** @param turnIsOver calls back when all events of this turn have been told */
  constructor(turnIsOver: (then: () => void) => void) {
    this.#turnIsOver = turnIsOver
  }

  /** The user that stands before `user` on the connections of a session. */
  before(user: ConnectionUser, session: Served, client: Connection, nice: number): ConnectionUser {
    const place = new Place(this, user, session, nice)
    client.set(NICE, place)
    return place
  }

  push(place: Place): void {
    this.#waiting.push(place)
    if (this.#asked) return
    this.#asked = true
    this.#turnIsOver(this.#serve)
  }

  /** Everyone who was ready, the less nice first, in the order in which they came among equals. What becomes ready meanwhile is served in another round. */
  readonly #serve = (): void => {
    this.#asked = false
    const round = this.#waiting
    this.#waiting = this.#spare
    round.sort(byNice)
    for (const place of round) place.serve()
    round.length = 0
    this.#spare = round
  }
}

function byNice(a: Place, b: Place): number {
  return a.nice - b.nice
}

class Place implements ConnectionUser {
  nice: number
  readonly #queue: RunQueue
  readonly #user: ConnectionUser
  readonly #session: Served
  /** Waits for its turn, because of this connection; the session looks at both. */
  #because: Connection | undefined

  constructor(queue: RunQueue, user: ConnectionUser, session: Served, nice: number) {
    this.#queue = queue
    this.#user = user
    this.#session = session
    this.nice = nice
  }

  ready(conn: Connection): void {
    if (this.#because !== undefined) return
    this.#because = conn
    this.#queue.push(this)
  }

  /** Nobody called who could be told: a bug costs the session. */
  serve(): void {
    const conn = this.#because
    this.#because = undefined
    if (conn === undefined) return
    try {
      this.#user.ready(conn)
    } catch (error) {
      this.#session.failed("ready() of a connection's user", error)
    }
  }

  expired(conn: Connection): void {
    this.#user.expired(conn)
  }

  broken(conn: Connection): void {
    this.#user.broken?.(conn)
  }
}
