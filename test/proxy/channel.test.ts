// The channel: one direction of a stream. Nothing lost, nothing twice, in order, whatever is full, empty, ended or broken, and
// whether bytes pass through a buffer or a pipe.

import fc from 'fast-check'
import t from 'tap'
import { Bytes } from '../../src/core/bytes.ts'
import type { Connection } from '../../src/core/connection.ts'
import { serve } from '../../src/core/handler.ts'
import { EMPTY_IN, ERR_IN, ERR_OUT, FULL_OUT, SHUT_IN, SHUT_OUT, type Flow } from '../../src/core/sock.ts'
import { EngineConnection } from '../../src/net/connection.ts'
import { LiveList } from '../../src/net/live.ts'
import { PipePool } from '../../src/net/linux/pipes.ts'
import { loadKernel } from '../../src/net/linux/syscalls.ts'
import { Channel } from '../../src/proxy/channel.ts'
import { fakeWheel } from '../kit/fake-clock.ts'
import { PeerSock, turns } from './peer-sock.ts'
import { address } from './world.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)

type Splices = PeerSock['splices']
interface Lane {
  readonly from: PeerSock
  readonly to: PeerSock
  readonly channel: Channel
  /** What the last pump said. */
  flow: Flow
  /** Pumps that read, and that wrote. */
  reads: number
  writes: number
  settle(): void
}

function connection(sock: PeerSock, side: 'accept' | 'connect'): Connection {
  let conn: Connection | undefined
  const plan = {
    side,
    handlers: [() => ({ name: 'serve', step: () => serve({ name: 'test', open: (c) => void (conn = c) }) })],
    handshakeMs: 0,
    drainMs: 500,
    bufferSize: 16_384,
    wheel: fakeWheel().wheel,
    clock: () => 0,
    facts: new Map(),
    live: new LiveList<EngineConnection>(),
  }
  new EngineConnection(sock, plan, { refused: () => undefined, released: () => undefined, bug: (_c, where, error) => { throw new Error(where, { cause: error }) } }).start()
  if (conn === undefined) throw new Error('not served')
  return conn
}

function lane(splices: readonly [Splices, Splices] = ['no', 'no'], together = true): Lane {
  const agains = new Set<PeerSock>()
  const from = new PeerSock(agains, address('10.0.0.1:1'), address('10.0.0.2:2'))
  const to = new PeerSock(agains, address('10.0.0.1:3'), address('10.0.0.4:4'))
  from.splices = splices[0]
  to.splices = splices[1]
  from.together = together
  const [a, b] = [connection(from, 'accept'), connection(to, 'connect')]
  const channel = new Channel(a, b, true, true)
  const self = { from, to, channel, flow: 0, reads: 0, writes: 0, settle: () => turns(agains) }
  const pump = (): void => {
    self.flow = channel.pump()
    if (channel.read) self.reads++
    if (channel.wrote) self.writes++
  }
  const user = { ready: pump, expired: () => undefined }
  a.attach(user)
  b.attach(user)
  pump()
  return self
}

/** A peer's endless speech: each byte tells its place. */
const SPEECH = Buffer.alloc(4_000_000)
for (let i = 0; i < SPEECH.length; i++) SPEECH[i] = (i ^ (i >> 8) ^ (i >> 16)) & 0xff

type Step = 'small' | 'bulk' | 'end' | 'break in' | 'room' | 'all room' | 'break out' | 'late'

/** Does these steps, and says what is wrong with the outcome; undefined: nothing. */
function check(steps: readonly Step[], splices: readonly [Splices, Splices], together: boolean): string | undefined {
  const l = lane(splices, together)
  const { from, to, channel } = l
  let said = 0
  let open = true
  to.capacity = 4
  const wrong = (): string | undefined => {
    const sent = to.saidBuffer
    if (channel.total !== sent.length) return `total is ${channel.total}, sent were ${sent.length}`
    if (!sent.equals(SPEECH.subarray(0, sent.length))) return 'bytes lost, doubled or out of order'
    if (to.error === '' && to.capacity > 0 && sent.length < said) return `stuck: ${sent.length} of ${said} sent, room for ${to.capacity}`
    if (to.error === '' && to.capacity > 0 && !open && from.error === '' && !channel.finished) return 'all is sent, and the end not seen'
    if (channel.finished && sent.length < said) return `finished with ${sent.length} of ${said} sent`
    if (from.given.some((pipe) => pipe.released > 1)) return 'a pipe given back twice'
    if (channel.empty && from.given.some((pipe) => pipe.released === 0)) return 'empty, and keeps a pipe'
    if (from.given.some((pipe) => pipe.released === 1 && pipe.bytes > 0)) return 'a pipe given back with bytes in it'
    return undefined
  }
  for (const [at, step] of steps.entries()) {
    if (step === 'small' || step === 'bulk') {
      for (const size of step === 'small' ? [3] : [40_000, 40_000, 40_000, 40_000]) {
        if (!open) break
        from.arrive(SPEECH.subarray(said, said + size))
        said += size
      }
    } else if (step === 'end') {
      open = false
      from.end()
    } else if (step === 'break in') {
      open = false
      from.break()
    } else if (step === 'room') to.takes(50_001)
    else if (step === 'all room') to.takes()
    else if (step === 'break out') to.break('EPIPE')
    else continue // 'late': the loop does not turn between this step and the next
    if (steps[at + 1] === 'late') continue
    l.settle()
    const found = wrong()
    if (found !== undefined) return `after ${step}: ${found}`
  }
  to.takes()
  l.settle()
  const found = wrong()
  if (found !== undefined) return `at last: ${found}`
  channel.release()
  return from.given.some((pipe) => pipe.released !== 1) ? 'a pipe is left' : undefined
}

t.test('every order of a few events, through a buffer', async (t) => {
  const alphabet: readonly Step[] = ['small', 'end', 'break in', 'room', 'break out', 'bulk']
  let tried = 0
  const failures: string[] = []
  for (let n = 0; n < alphabet.length ** 4; n++) {
    const steps = [0, 1, 2, 3].flatMap((at) => alphabet[Math.floor(n / alphabet.length ** at) % alphabet.length] ?? [])
    for (const together of [true, false]) {
      tried++
      const wrong = check(steps, ['no', 'no'], together)
      if (wrong !== undefined) failures.push(`${steps.join(', ')}: ${wrong}`)
    }
  }
  t.same(failures.slice(0, 5), [], `${tried} orders`)
})

t.test('any order of many events, through buffers and pipes, refused on either side', async (t) => {
  t.comment(`SEED=${seed}`)
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.constant<Step>('bulk') },
    { weight: 3, arbitrary: fc.constantFrom<Step>('small', 'room') },
    { weight: 1, arbitrary: fc.constantFrom<Step>('end', 'break in', 'all room', 'break out', 'late') },
  )
  const ways = fc.constantFrom<[Splices, Splices]>(['no', 'no'], ['yes', 'yes'], ['yes', 'no'], ['refuse in', 'yes'], ['yes', 'refuse out'])
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), ways, fc.boolean(), (steps, splices, together) => {
      const wrong = check(steps, splices, together)
      if (wrong !== undefined) throw new Error(wrong)
    }),
    { seed, numRuns: 800 },
  )
  t.pass('held')
})

t.test('what stops a pump is said, and what it did', async (t) => {
  const l = lane()
  t.equal(l.flow, EMPTY_IN)
  t.equal(l.reads + l.writes, 0)
  l.to.capacity = 2
  l.from.arrive('abc')
  t.ok(l.flow & FULL_OUT)
  t.same([l.reads, l.writes, l.channel.total], [1, 1, 2])
  t.notOk(l.channel.empty)
  l.from.arrive('d')
  l.from.end()
  t.equal(l.from.unread, 1, 'what is full stops the reading')
  l.to.takes()
  t.equal(l.to.said, 'abcd')
  t.ok(l.flow & SHUT_IN)
  t.ok(l.channel.finished)
  t.ok(l.channel.pump() & SHUT_IN, 'and stays so')

  const broken = lane()
  broken.from.arrive('last words')
  broken.from.break()
  t.equal(broken.to.said, 'last words')
  t.ok(broken.flow & ERR_IN)
  t.notOk(broken.channel.finished, 'an error is no end')

  const deaf = lane()
  deaf.to.break('EPIPE')
  deaf.from.arrive('x')
  t.ok(deaf.flow & ERR_OUT)
  const shut = lane()
  shut.to.shutCtrl()
  shut.from.arrive('x')
  t.ok(shut.flow & SHUT_OUT)
})

t.test('what handlers said goes first', async (t) => {
  const l = lane()
  l.to.capacity = 3
  l.channel.to.output.append(Buffer.from('PROXY\r\n'))
  l.from.arrive('data')
  t.equal(l.to.said, 'PRO')
  l.to.takes()
  t.equal(l.to.said, 'PROXY\r\ndata')
  t.equal(l.channel.total, 4, 'which is not data')
})

t.test('one direction that never dries lets others have their turn', async (t) => {
  /** The most that one pump moves of `size` bytes that are there at once. */
  const mostAtOnce = (l: Lane, size: number): number => {
    let most = 0
    let before = 0
    const look = (): void => {
      most = Math.max(most, l.channel.total - before)
      before = l.channel.total
    }
    l.from.arrive(Buffer.alloc(size))
    for (look(); l.from.unread > 0; look()) l.channel.pump()
    t.equal(l.channel.total, size)
    return most
  }
  const small = lane()
  small.from.readSize = 10
  t.equal(mostAtOnce(small, 2000), 160)

  for (const splices of ['no', 'yes'] as const) {
    const bulk = lane([splices, splices])
    bulk.from.readSize = 131_072
    bulk.from.pipeSize = 262_144
    t.equal(mostAtOnce(bulk, 16 << 20), 1 << 20, `splices: ${splices}`)
    t.equal(bulk.to.spliced > 0, splices === 'yes')
  }
})

t.test('bulk is spliced, small talk is not; the pipe is for as long as there are bytes', async (t) => {
  const bulk = (l: Lane, n: number): void => {
    for (let i = 0; i < n; i++) l.from.arrive(Buffer.alloc(65_536, i))
    l.settle()
  }
  const l = lane(['yes', 'yes'])
  for (let i = 0; i < 50; i++) l.from.arrive('small talk')
  t.equal(l.from.given.length, 0)
  bulk(l, 20)
  t.ok(l.to.spliced > 0)
  t.ok(l.from.given.every((pipe) => pipe.released === 1), 'an idle connection holds no pipe')
  l.from.arrive('small talk')
  l.settle()
  const before = l.to.spliced
  l.from.arrive('small talk')
  l.settle()
  t.equal(l.to.spliced, before, 'what follows a small transfer goes through the buffer again')
  t.equal(l.channel.total, 500 + 20 * 65_536 + 20)

  const poor = lane(['yes', 'yes'])
  poor.from.pipes = 0
  bulk(poor, 20)
  t.equal(poor.to.spliced, 0)
  t.equal(poor.channel.total, 20 * 65_536, 'without a pipe it goes through the buffer')
  poor.from.pipes = 10
  bulk(poor, 20)
  t.ok(poor.to.spliced > 0, 'and through one when there is one again')
  t.equal(poor.channel.total, 40 * 65_536)
})

t.test('the pipe is full when the other end breaks: it is given back, with what it holds', async (t) => {
  const l = lane(['yes', 'yes'])
  l.to.capacity = 4 * 65_536 + 10
  for (let i = 0; i < 10; i++) l.from.arrive(Buffer.alloc(65_536, i))
  l.settle()
  const pipe = l.from.given.at(-1)
  t.ok(pipe !== undefined && pipe.bytes > 0, 'bytes wait in the pipe')
  t.notOk(l.channel.empty)
  l.to.break('EPIPE')
  t.ok(l.flow & ERR_OUT)
  l.channel.release()
  l.channel.release()
  t.equal(pipe?.released, 1)
})

const kernel = loadKernel()
t.test('a pipe of the kernel is emptied into a buffer', { skip: 'reason' in kernel && kernel.reason }, async (t) => {
  if ('reason' in kernel) return
  const pool = new PipePool(kernel, { max: 2, size: 0 })
  const [a, b] = [pool.take(), pool.take()]
  if (a === undefined || b === undefined) throw new Error('no pipe')
  const { writeSync } = await import('node:fs')
  a.bytes += writeSync(a.writeEnd, 'held in ')
  a.bytes += writeSync(a.writeEnd, 'the kernel')
  const bytes = new Bytes()
  bytes.append(Buffer.from('first, '))
  a.drain(bytes)
  t.equal(bytes.view().toString(), 'first, held in the kernel')
  t.equal(a.bytes, 0)
  b.drain(bytes)
  t.equal(bytes.length, 25, 'an empty one adds nothing')
  a.release()
  b.release()
  t.equal(pool.count, 2, 'both go back to the pool')
  pool.trim()
  t.equal(pool.count, 0)
})
