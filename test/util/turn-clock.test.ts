// A clock that stands still during a turn.

import t from 'tap'
import { TurnClock } from '../../src/util/turn-clock.ts'

t.test('outside of turns it is asked each time, within one once, and not at all when nobody asks', async (t) => {
  let time = 100
  let asked = 0
  const clock = new TurnClock(() => {
    asked++
    return time
  })
  t.equal(clock.now(), 100)
  time = 101
  t.equal(clock.now(), 101)
  clock.freeze()
  t.equal(asked, 2)
  time = 102
  t.equal(clock.now(), 102)
  time = 103
  t.equal(clock.now(), 102)
  clock.freeze()
  t.equal(clock.now(), 103)
  clock.thaw()
  time = 104
  t.equal(clock.now(), 104)
  t.equal(asked, 5)
})
