// Owns a clock that only moves when told, for the wheel and for everything that takes a time.

import { Wheel, type WheelClock } from '../../src/util/wheel.ts'

export class FakeClock implements WheelClock {
  time = 1000
  #due = Infinity
  #tick: (() => void) | undefined

  now(): number {
    return this.time
  }

  wakeIn(ms: number, tick: () => void): void {
    this.#due = this.time + ms
    this.#tick = tick
  }

  rest(): void {
    this.#due = Infinity
  }

  /** Whether a wake-up is ordered. */
  get waking(): boolean {
    return this.#due !== Infinity
  }

  /** Moves time, calling what was ordered on the way. */
  advance(ms: number): void {
    const end = this.time + ms
    while (this.#due <= end) {
      this.time = this.#due
      this.#due = Infinity
      this.#tick?.()
    }
    this.time = end
  }
}

export function fakeWheel(): { wheel: Wheel; clock: FakeClock } {
  const clock = new FakeClock()
  return { wheel: new Wheel(clock), clock }
}
