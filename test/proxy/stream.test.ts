// The stream: what a session is, from the first byte to the end of both sides, its one log line and its counts.

import t from 'tap'
import { counts, idle, LINE, world, type World, type WorldOptions } from './world.ts'

const TIMES = 'timeout client 10s\n  timeout server 8s\n  timeout connect 2s'

const plain = (front = '', back = '', server = ''): string => `
defaults
  mode tcp
  ${TIMES}
frontend f
  bind 127.0.0.1:1001
  ${LINE}
  ${front}
  default_backend b
backend b
  ${back}
  server s 127.0.0.2:2001 ${server}
`

const on = (front = '', back = '', server = '', options: WorldOptions = {}): Promise<World> => world(plain(front, back, server), options)

t.test('half-close: the answer after the client\'s end, and bytes of the client after the server\'s', async (t) => {
  const w = await on()
  const client = w.accept()
  w.server().connected()
  w.server().capacity = 3
  client.arrive('requ')
  client.arrive('est')
  client.end()
  w.server().takes(1)
  t.equal(w.server().said, 'requ')
  w.server().arrive('answer')
  w.server().end()
  t.equal(client.said, 'answer')
  t.ok(client.hasEnded)
  w.server().takes()
  t.equal(w.server().said, 'request', 'nothing that the client said is lost because the server ended first')
  w.settle()
  t.ok(idle(w), JSON.stringify(counts(w)))
  t.same(w.lines, ["f:b/s 0/0/0 7/6 -- 1/0/0/0 0"], "counted until the end")
})
