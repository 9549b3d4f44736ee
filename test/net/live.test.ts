// The list of live connections against a Set.

import fc from 'fast-check'
import t from 'tap'
import { LiveList, type Listed } from '../../src/net/live.ts'

t.test('holds what was added and not removed, in whatever order they go', async (t) => {
  fc.assert(
    fc.property(fc.array(fc.nat(20), { maxLength: 200 }), (choices) => {
      const pool: Listed[] = Array.from({ length: 21 }, () => ({ place: -1 }))
      const list = new LiveList<Listed>()
      const model = new Set<Listed>()
      for (const choice of choices) {
        const one = pool[choice]
        if (one === undefined) continue
        if (model.delete(one)) list.delete(one)
        else {
          model.add(one)
          list.add(one)
        }
        if (list.size !== model.size || new Set(list.all()).size !== model.size || !list.all().every((other) => model.has(other))) return false
      }
      return true
    }),
  )
  t.pass()
})
