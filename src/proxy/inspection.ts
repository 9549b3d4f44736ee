// Owns one run of content rules on one direction's first bytes: when they are asked, what they wait for, and when that is over.
//
// Rules wait while more may come. It cannot any more when the peer has ended, the buffer is full, or the inspect-delay, counted from
// the first look, is over: then every value is final. What was done with all it needs is not done again, and no delay starts again.

import type { Connection } from '../core/connection.ts'
import type { App } from '../core/handler.ts'
import { ended, R } from '../core/shut.ts'
import type { Contents } from '../core/view.ts'
import { RuleRun, type Rule } from '../sample/rules.ts'
import type { SessionSubject } from '../sample/subject.ts'
import { Alarm, type Wheel } from '../util/wheel.ts'

export type Decision =
  | { readonly decision: 'accept' | 'reject' | 'close' | 'drop' }
  | { readonly decision: 'serve'; readonly app: App }

export interface InspectionPlan {
  readonly rules: readonly Rule[]
  /** ms; 0: nothing waits. */
  readonly delay: number
  /** How long a tarpit holds when it does not say. ms */
  readonly tarpit: number
}

/** The bytes that rules look at. */
export interface InspectedSide {
  readonly bytes: Buffer
  /** The peer has ended or the buffer is full. */
  readonly complete: boolean
}

/** What a connection has said and nobody has taken. */
export class InspectedConnection implements InspectedSide {
  readonly #conn: Connection
  readonly #bufferSize: number

  constructor(conn: Connection, bufferSize: number) {
    this.#conn = conn
    this.#bufferSize = bufferSize
  }

  get bytes(): Buffer {
    return this.#conn.input.view()
  }

  get complete(): boolean {
    const { shut, layer, input } = this.#conn
    return ended(shut, R) || layer.error !== '' || input.length >= this.#bufferSize
  }
}

export class Inspection implements Contents {
  readonly #run: RuleRun
  readonly #plan: InspectionPlan
  readonly #subject: SessionSubject
  readonly #side: InspectedSide
  readonly #wheel: Wheel
  readonly #decided: (decision: Decision) => void
  readonly #failed: (error: unknown) => void
  readonly #delay: Alarm
  #late: boolean
  #pause: Alarm | undefined
  #over = false

  /**
   * `decided` is called once, possibly from within start(). What rules throw is the caller's of start() and look(); `failed` gets what
   * they throw when their time came and nobody called.
   */
  constructor(plan: InspectionPlan, subject: SessionSubject, side: InspectedSide, wheel: Wheel, decided: (decision: Decision) => void, failed: (error: unknown) => void) {
    this.#plan = plan
    this.#run = new RuleRun(plan.rules)
    this.#subject = subject
    this.#side = side
    this.#wheel = wheel
    this.#decided = decided
    this.#failed = failed
    this.#late = plan.delay === 0
    this.#delay = this.#alarm(() => {
      this.#late = true
      this.look()
    })
  }

  get bytes(): Buffer {
    return this.#side.bytes
  }

  get final(): boolean {
    return this.#over || this.#late || this.#side.complete
  }

  start(): void {
    if (this.#plan.delay > 0) this.#wheel.arm(this.#delay, this.#plan.delay)
    this.look()
  }

  /** Something arrived, ended, or was awaited long enough. */
  look(): void {
    while (!this.#over && (this.#pause === undefined || this.#pause.at === 0)) {
      const done = this.#run.evaluate(this.#subject, this.final)
      switch (done.result) {
        case 'wait':
          return
        case 'next':
        case 'accept':
          return this.#decide({ decision: 'accept' })
        case 'reject':
        case 'close':
        case 'drop':
          return this.#decide({ decision: done.result })
        case 'serve':
          return this.#decide({ decision: 'serve', app: done.app })
        case 'pause':
          this.#hold(done.ms, () => this.look())
          break
        case 'tarpit':
          this.#hold(done.ms ?? this.#plan.tarpit, () => this.#decide({ decision: 'reject' }))
          break
        case 'insert':
          break // handlers belong to the handshake, which is over
      }
    }
  }

  #alarm(then: () => void): Alarm {
    return new Alarm(() => {
      try {
        then()
      } catch (error) {
        this.stop()
        this.#failed(error)
      }
    })
  }

  #hold(ms: number, then: () => void): void {
    if (ms <= 0) return then()
    this.#pause = this.#alarm(then)
    this.#wheel.arm(this.#pause, ms)
  }

  #decide(decision: Decision): void {
    if (this.#over) return
    this.stop()
    this.#decided(decision)
  }

  /** Forgets it all. Idempotent. */
  stop(): void {
    this.#over = true
    this.#wheel.disarm(this.#delay)
    if (this.#pause !== undefined) this.#wheel.disarm(this.#pause)
  }
}
