// Owns the proof that any error of any kernel call is survived: a table of calls that fails on command, over real sockets.

import t, { type Test } from 'tap'
import type { Address } from '../../src/core/address.ts'
import { Bytes } from '../../src/core/bytes.ts'
import type { Listener } from '../../src/core/provider.ts'
import { EMPTY_IN, ERR_IN, ERR_OUT, FULL_OUT, REFUSED, SHUT_IN, type Flow, type Owner, type Sock } from '../../src/core/sock.ts'
import { checkedKernel, type CheckedKernel } from '../../src/net/linux/checked.ts'
import { Poller, type Pollable } from '../../src/net/linux/epoll.ts'
import { LinuxPipe } from '../../src/net/linux/pipes.ts'
import { linuxProvider, type LinuxProvider } from '../../src/net/linux/provider.ts'
import { encodeAddress } from '../../src/net/linux/sockaddr.ts'
import { E, EPOLLIN, errnoName, EVENT_FD, EVENT_GENERATION, EVENT_WORDS, IP6T_SO_ORIGINAL_DST, loadKernel, setInt, SO_ORIGINAL_DST, SOL_IP, SOL_IPV6, SOL_SOCKET, type Kernel } from '../../src/net/linux/syscalls.ts'
import { accepting, LOOPBACK, serving, Tap, until } from './provider-contract.ts'

type Call = Exclude<keyof Kernel, 'watch' | 'exit' | 'mapRing' | 'unmapRing' | 'address'>

const CALLS: readonly Call[] = [
  'socket',
  'socketpair',
  'bind',
  'listen',
  'accept4',
  'connect',
  'getsockname',
  'getpeername',
  'setsockopt',
  'getsockopt',
  'recv',
  'recvAt',
  'ioUringSetup',
  'ioUringEnter',
  'send',
  'sendto',
  'shutdown',
  'close',
  'splice',
  'pipe2',
  'fcntl',
  'epollCreate',
  'epollCtl',
  'epollWait',
]

/** The real kernel, whose calls are counted and can be made to fail. */
class Faults {
  readonly made: Call[] = []
  readonly #planned = new Map<Call, number[]>()
  #at = -1
  #errno = 0
  /** What the fault at a number hit. */
  hit: Call | '' = ''

  /** The next calls by this name answer so, one after the other, without being made. */
  next(call: Call, ...results: number[]): void {
    this.#planned.set(call, [...(this.#planned.get(call) ?? []), ...results])
  }

  /** Call number `at` from now on fails. */
  failAt(at: number, errno: number): void {
    this.made.length = 0
    this.#at = at
    this.#errno = errno
    this.hit = ''
  }

  answer(call: Call): number | undefined {
    const at = this.made.push(call) - 1
    const planned = this.#planned.get(call)?.shift()
    if (planned !== undefined) return planned
    if (at !== this.#at) return undefined
    if (call === 'epollWait' && this.#errno !== -E.EINTR) {
      this.#at++ // it can only be interrupted: anything else is our own bug, and thrown
      return undefined
    }
    this.hit = call
    return this.#errno
  }

  count(call: Call): number {
    return this.made.filter((name) => name === call).length
  }

  wrap(kernel: Kernel): Kernel {
    const table: Kernel = { ...kernel }
    for (const call of CALLS) {
      const real: (...args: never[]) => number = kernel[call]
      const faulty = (...args: never[]): number => {
        const answer = this.answer(call)
        if (answer === undefined) return real(...args)
        if (call === 'close') real(...args) // Linux closes the descriptor whatever it answers
        return answer
      }
      Object.assign(table, { [call]: faulty })
    }
    return table
  }
}

interface Bench {
  readonly faults: Faults
  readonly kernel: CheckedKernel
  readonly provider: LinuxProvider
}

function bench(t: Test, real: Kernel, ringFrom = 4): Bench {
  const faults = new Faults()
  const kernel = checkedKernel(faults.wrap(real))
  const provider = linuxProvider(kernel, { ringFrom })
  t.teardown(() => provider.close())
  return { faults, kernel, provider }
}

/** A connected pair of the provider's own: we dialled it, and the listener's side. */
async function pair(t: Test, b: Bench): Promise<[Tap, Tap]> {
  const a = await accepting(t, b.provider)
  const tap = new Tap(b.provider.connect({ to: a.listener.address }))
  t.teardown(() => tap.sock.close())
  await until('connected', () => tap.calls > 0 && a.socks.length === 1)
  const other = a.socks[0]
  if (other === undefined) throw new Error('nothing was accepted')
  return [tap, other]
}

function bytesOf(text: string): Bytes {
  const bytes = new Bytes()
  bytes.append(Buffer.from(text))
  return bytes
}

const found = loadKernel()
if ('reason' in found) {
  t.test('the linux provider', { skip: found.reason }, () => undefined)
} else {
  const real = found

  t.test('where a redirected client meant to go is where it came to; nobody pays for it who does not ask', async (t) => {
    for (const host of ['127.0.0.1', '0.0.0.0', '::1']) {
      const family = host === '::1' ? 'ipv6' : 'ipv4'
      const [level, option] = family === 'ipv6' ? [SOL_IPV6, IP6T_SO_ORIGINAL_DST] : [SOL_IP, SO_ORIGINAL_DST]
      const meant: Address = family === 'ipv6' ? { family, host: '2001:db8::7', port: 443 } : { family, host: '203.0.113.7', port: 443 }
      const asked = { times: 0, answers: false }
      const netfilter: Kernel = {
        ...real,
        getsockopt: (fd, l, o, into, size) => {
          if (l !== level || o !== option) return real.getsockopt(fd, l, o, into, size)
          asked.times++
          const bytes = encodeAddress(meant)
          if (!asked.answers || typeof bytes === 'number') return -E.ENOENT
          into.set(bytes)
          return 0
        },
      }
      const b = bench(t, netfilter)
      const a = await accepting(t, b.provider, { address: { family, host, port: 0 } })
      const port = 'port' in a.listener.address ? a.listener.address.port : 0
      const to: Address = { family, host: host === '0.0.0.0' ? '127.0.0.9' : host, port }
      const dial = async (): Promise<Tap> => {
        const tap = new Tap(b.provider.connect({ to }))
        t.teardown(() => tap.sock.close())
        const before = a.socks.length
        await until('accepted', () => a.socks.length > before)
        t.same(tap.sock.remote(), to, 'one of ours goes where it goes')
        t.match(tap.sock.local(), { family })
        const other = a.socks.at(-1)
        if (other === undefined) throw new Error('nothing was accepted')
        return other
      }
      const straight = await dial()
      t.equal(asked.times, 0, `${host}: not asked unless somebody wants it, and never of our own`)
      t.same(straight.sock.local(), to, `${host}: not redirected`)
      t.same(straight.sock.local(), to)
      t.equal(asked.times, 1, 'asked once')
      asked.answers = true
      const redirected = await dial()
      b.faults.made.length = 0
      t.same(redirected.sock.local(), meant, `${host}: redirected`)
      t.same(redirected.sock.local(), meant)
      t.same(b.faults.made, ['getsockopt'], 'one call says it')
      const gone = await dial()
      gone.sock.close()
      t.same(gone.sock.local(), host === '0.0.0.0' ? { family: 'none' } : to, 'too late to ask')
    }
  })

  t.test('recv: EINTR is repeated, EAGAIN waits, any error breaks and keeps its name', async (t) => {
    const b = bench(t, real)
    for (const [result, error] of [
      [-E.EINTR, ''],
      [-E.ECONNRESET, 'ECONNRESET'],
      [-E.ETIMEDOUT, 'ETIMEDOUT'],
      [-E.EHOSTUNREACH, 'EHOSTUNREACH'],
      [-E.ENOMEM, 'ENOMEM'],
      [-E.ENOTCONN, 'ENOTCONN'],
    ] as const) {
      const [ours, theirs] = await pair(t, b)
      ours.reading = false
      theirs.say('data')
      b.faults.next('recv', result)
      await until('told', () => !('dry' in ours.sock && ours.sock.dry === true))
      const into = new Bytes()
      const flow = ours.sock.fill(into)
      t.equal(ours.sock.error, error)
      if (error === '') {
        t.equal(into.view().toString(), 'data')
      } else {
        t.equal(flow, ERR_IN)
        t.equal(ours.sock.fill(into), ERR_IN, 'without another call')
        t.equal(ours.sock.flush(bytesOf('x')), ERR_OUT)
      }
    }
  })

  t.test('recv: a short read ends the edge without another call; the next event brings the rest', async (t) => {
    const b = bench(t, real)
    const [ours, theirs] = await pair(t, b)
    t.equal(b.faults.count('recv'), 1, 'who was just connected has nothing to read, and the event said so; who was accepted is asked')
    theirs.say('first')
    b.faults.made.length = 0
    await until('it came', () => ours.text === 'first')
    t.equal(b.faults.count('recv'), 1)
    t.equal(ours.sock.fill(new Bytes()), EMPTY_IN)
    t.equal(b.faults.count('recv'), 1, 'known to be empty')
    theirs.say(' second')
    theirs.end()
    await until('the end came', () => ours.ended)
    t.equal(ours.text, 'first second')
    t.ok(b.faults.count('recv') <= 4, `${b.faults.count('recv')} reads`)
  })

  t.test('send: EINTR is repeated, short writes and EAGAIN keep the rest, errors break the way out', async (t) => {
    const b = bench(t, real)
    const [ours, theirs] = await pair(t, b)
    b.faults.next('send', -E.EINTR)
    ours.say('one ')
    await until('it came', () => theirs.text === 'one ')
    b.faults.next('send', -E.EAGAIN)
    const out = bytesOf('two')
    t.equal(ours.sock.flush(out), FULL_OUT)
    t.equal(out.length, 3)
    const sends = b.faults.count('send')
    t.equal(ours.sock.flush(out), FULL_OUT)
    t.equal(b.faults.count('send'), sends, 'known to be full')
    for (const errno of [E.EPIPE, E.ECONNRESET, E.ENOBUFS, E.ETIMEDOUT]) {
      const [left] = await pair(t, b)
      b.faults.next('send', -errno)
      t.equal(left.sock.flush(bytesOf('x')), ERR_OUT)
      t.equal(left.sock.error, errnoName(errno))
      t.equal(left.sock.flush(bytesOf('x')), ERR_OUT)
    }
  })

  t.test('a reset that a write saw first is not read as a polite end; a broken pipe is', async (t) => {
    const b = bench(t, real)
    for (const [errno, flow] of [
      [E.ECONNRESET, ERR_IN],
      [E.EPIPE, SHUT_IN],
    ] as const) {
      const [ours] = await pair(t, b)
      b.faults.next('send', -errno)
      ours.sock.flush(bytesOf('x'))
      b.faults.next('recv', 0)
      t.equal(ours.sock.fill(new Bytes()), flow)
      t.equal(ours.sock.fill(new Bytes()), flow)
    }
    const [ours] = await pair(t, b)
    b.faults.next('send', -E.EPIPE)
    ours.sock.flush(bytesOf('x'))
    b.faults.next('recv', -E.ECONNRESET)
    t.equal(ours.sock.fill(new Bytes()), ERR_IN)
    t.equal(ours.sock.error, 'ECONNRESET', 'a read knows better than a write what happened')
    b.faults.made.length = 0
    ours.sock.reset()
    t.same(b.faults.made, ['close'], 'whoever was reset by its peer has nobody to tell')
  })

  t.test('close: where all was read it says FIN itself; over unread input FIN goes first, so that RST does not overtake it', async (t) => {
    const b = bench(t, real)
    for (const unread of [false, true]) {
      const [ours, theirs] = await pair(t, b)
      ours.reading = !unread
      theirs.say('question')
      if (!unread) theirs.end()
      await until('it came', () => (unread ? 'dry' in ours.sock && ours.sock.dry === false : ours.ended))
      b.faults.made.length = 0
      t.equal(ours.sock.shutCtrl(), true)
      ours.sock.close()
      t.same(b.faults.made, unread ? ['shutdown', 'close'] : ['close'])
      if (!unread) await until('the end came', () => theirs.ended)
    }
  })

  t.test('who does not read is told of the end all the same', async (t) => {
    const b = bench(t, real)
    const [ours, theirs] = await pair(t, b)
    ours.reading = false
    theirs.say('x')
    await until('it came', () => 'dry' in ours.sock && ours.sock.dry === false)
    ours.calls = 0
    theirs.end()
    await until('told', () => ours.calls > 0)
  })

  t.test('shutdown: ENOTCONN is completed, not an error', async (t) => {
    const b = bench(t, real)
    const [ours] = await pair(t, b)
    b.faults.next('shutdown', -E.ENOTCONN)
    t.equal(ours.sock.shutCtrl(), true)
    await until('it was tried', () => b.faults.count('shutdown') === 1)
    t.equal(ours.sock.error, '')
    t.equal(ours.sock.shutCtrl(), true)
    const [left, right] = await pair(t, b)
    b.faults.next('shutdown', -E.ENOTSOCK)
    left.calls = 0
    left.sock.shutCtrl()
    await until('told', () => left.calls > 0)
    t.equal(left.sock.error, 'ENOTSOCK')
    t.equal(right.ended, false)
  })

  t.test('accept: what died in the queue is passed over, a lack of descriptors pauses and is told', async (t) => {
    const b = bench(t, real)
    const a = await accepting(t, b.provider)
    for (const errno of [E.ECONNABORTED, E.EINTR, E.EPROTO, E.ENETDOWN, E.EHOSTUNREACH, E.EPERM]) {
      const before = a.socks.length
      b.faults.next('accept4', -errno)
      a.dial()
      await until(`accepted after ${errnoName(errno)}`, () => a.socks.length === before + 1)
    }
    t.same(a.failures, [])
    for (const errno of [E.EMFILE, E.ENFILE, E.ENOBUFS, E.ENOMEM]) {
      const before = a.socks.length
      b.faults.next('accept4', -errno)
      a.dial()
      await until('told', () => a.failures.at(-1) === errnoName(errno))
      b.faults.made.length = 0
      await new Promise((resolve) => setTimeout(resolve, 20))
      t.equal(b.faults.count('accept4'), 0, 'it does not spin')
      t.equal(a.socks.length, before)
      a.listener.resume()
      await until('accepted once resumed', () => a.socks.length === before + 1)
    }
  })

  t.test('accept: no more than maxaccept at a time, so that no listener starves another', async (t) => {
    const kernel = checkedKernel(real)
    const provider = linuxProvider(kernel, { maxAccept: 2 })
    t.teardown(() => provider.close())
    const order: string[] = []
    const listener = async (name: string): Promise<Listener> => {
      const listener = await provider.listen({ address: LOOPBACK }, { accepted: (sock) => (order.push(name), sock.close()), failed: (error) => order.push(error) })
      t.teardown(() => listener.close())
      return listener
    }
    const [a, b] = [await listener('a'), await listener('b')]
    const dialled = [a, a, a, a, b, b, b, b].map(({ address }) => {
      const to = encodeAddress(address)
      const fd = kernel.socket(2, 1, 0)
      if (typeof to !== 'number') kernel.connect(fd, to, to.length)
      return fd
    })
    await until('all were accepted', () => order.length === 8)
    for (const fd of dialled) kernel.close(fd)
    t.equal(order.join('').replace(/^bb(.*)$/, '$1bb'), 'aabbaabb', 'in turns')
  })

  t.test('accept: where clients have said nothing yet, the first read is left out; those who have are heard all the same', async (t) => {
    const b = bench(t, real)
    const a = await accepting(t, b.provider)
    const reads = (): number => b.faults.count('recv') + b.faults.count('recvAt')
    for (let i = 0; i < 20; i++) {
      a.dial()
      await until('accepted', () => a.socks.length === i + 1)
    }
    t.ok(reads() <= 2, `${reads()} reads for 20 silent clients`)
    const peer = a.dial()
    peer.socket.write('hello')
    const stop = Date.now() + 20
    while (Date.now() < stop); // it is there before it is accepted
    await until('it was heard', () => a.socks[20]?.text === 'hello')
    const talker = async (): Promise<void> => {
      const before = a.socks.length
      a.dial().socket.write('hello')
      await until('heard', () => a.socks[before]?.text === 'hello')
    }
    for (let i = 0; i < 40; i++) await talker()
    t.same(a.failures, [])
  })

  t.test('listen: each step that fails is named, and closes what it opened, not what it was given', async (t) => {
    const b = bench(t, real)
    const a = await accepting(t, b.provider)
    const open = b.kernel.open.size
    const fd = a.listener.fd ?? -1
    const nobody = { accepted: () => undefined, failed: () => undefined }
    for (const call of ['socket', 'bind', 'listen', 'getsockname', 'setsockopt', 'epollCtl'] as const) {
      if (call === 'setsockopt') b.faults.next(call, 0)
      b.faults.next(call, -E.ENOBUFS)
      await t.rejects(b.provider.listen({ address: LOOPBACK }, nobody), { code: 'ENOBUFS' })
      t.equal(b.kernel.open.size, open, call)
    }
    for (const call of ['fcntl', 'getsockopt', 'epollCtl'] as const) {
      b.faults.next(call, -E.ENOBUFS)
      await t.rejects(b.provider.listen({ address: LOOPBACK, fd, shared: true }, nobody), { code: 'ENOBUFS' })
      t.equal(b.kernel.open.size, open, call)
    }
    a.dial()
    await until('the shared one still accepts', () => a.socks.length === 1)
  })

  t.test('connect: each step that fails at once is told later, by name', async (t) => {
    const b = bench(t, real)
    const s = await serving(t)
    for (const [call, errno] of [
      ['socket', E.EMFILE],
      ['setsockopt', E.ENOPROTOOPT],
      ['connect', E.ENETUNREACH],
      ['connect', E.EADDRNOTAVAIL],
      ['epollCtl', E.ENOSPC],
    ] as const) {
      b.faults.next(call, -errno)
      const tap = new Tap(b.provider.connect({ to: s.address }))
      t.equal(tap.sock.connecting, true)
      t.equal(tap.calls, 0)
      await until('told', () => tap.calls > 0)
      t.equal(tap.sock.connecting, false)
      t.equal(tap.sock.error, errnoName(errno), call)
      t.same(tap.sock.remote(), s.address)
      tap.sock.close()
    }
    b.faults.next('bind', -E.EADDRINUSE)
    const bound = new Tap(b.provider.connect({ to: s.address, from: LOOPBACK }))
    await until('told', () => bound.calls > 0)
    t.equal(bound.sock.error, 'EADDRINUSE')
    bound.sock.close()
    for (const to of [
      { family: 'none' },
      { family: 'ipv4', host: '1.2.3', port: 1 },
      { family: 'ipv6', host: '1::2::3', port: 1 },
      { family: 'unix', path: 'x'.repeat(200), abstract: false },
    ] as const satisfies readonly Address[]) {
      const tap = new Tap(b.provider.connect({ to }))
      await until('told', () => tap.calls > 0)
      t.equal(tap.sock.error, to.family === 'unix' ? 'ENAMETOOLONG' : 'EINVAL')
      tap.sock.close()
    }
    b.faults.next('connect', -E.EINTR) // and then goes on
    const ok = new Tap(b.provider.connect({ to: s.address }))
    await until('connected', () => ok.calls > 0)
    t.equal(ok.sock.error, '')
    ok.sock.close()
  })

  t.test('without CAP_NET_ADMIN: a foreign source is bound all the same, a dropped connection resets no further than the next hop', async (t) => {
    const b = bench(t, real)
    const s = await serving(t)
    b.faults.next('setsockopt', 0, -E.EPERM) // nodelay, IP_TRANSPARENT
    const bound = b.provider.connect({ to: s.address, from: { family: 'ipv4', host: '192.0.2.77', port: 0 }, transparent: true })
    t.match(bound.local(), { host: '192.0.2.77' })
    bound.close()
    const [ours] = await pair(t, b)
    b.faults.next('setsockopt', -E.EPERM) // TCP_REPAIR
    b.faults.made.length = 0
    if (ours.sock.drop !== undefined) ours.sock.drop()
    t.same(b.faults.made, ['setsockopt', 'setsockopt', 'setsockopt', 'close'])
  })

  t.test('splice: refused falls back; a full pipe; a pipe whose user is gone is not used again', async (t) => {
    const b = bench(t, real)
    const [ours, theirs] = await pair(t, b)
    const splice = 'splice' in ours.sock ? ours.sock.splice : undefined
    const pipe = splice?.pipe()
    if (splice === undefined || !(pipe instanceof LinuxPipe)) throw new Error('no splicing here')
    ours.reading = false
    theirs.say('x'.repeat(1000))
    await until('it came', () => 'dry' in ours.sock && ours.sock.dry === false)
    b.faults.next('splice', -E.EINTR)
    t.equal(splice.toPipe(pipe, 100), 0)
    t.equal(pipe.bytes, 100)
    b.faults.next('splice', -E.EAGAIN)
    t.equal(splice.toPipe(pipe, 100), FULL_OUT, 'with bytes in it, the pipe may be what is full')
    t.equal(splice.toPipe(pipe, 100), 0)
    t.equal(pipe.bytes, 200)
    b.faults.next('splice', -E.EAGAIN)
    t.equal(splice.fromPipe(pipe), FULL_OUT)
    pipe.release()
    pipe.release()
    t.equal(pipe.readEnd, -1, 'discarded: it holds bytes of nobody')
    t.equal(b.provider.thread.pipes.count, 0)
    const next = splice.pipe()
    if (next === undefined) throw new Error('no pipe')
    t.equal(next.bytes, 0)
    next.release()
    const again = splice.pipe()
    t.equal(again, next, 'an empty one is used again')
    b.faults.next('splice', -E.EINVAL)
    t.equal(splice.toPipe(next, 100), REFUSED)
    t.equal(ours.sock.splice, undefined, 'and never asked again')
    next.release()
    const into = new Bytes()
    ours.sock.fill(into)
    t.equal(into.length, 800, 'nothing is lost')
    b.faults.next('pipe2', -E.EMFILE)
    b.provider.thread.pipes.trim()
    t.equal(theirs.sock.splice?.pipe(), undefined)
    const few = linuxProvider(b.kernel, { maxPipes: 1 })
    const one = few.thread.pipes.take()
    t.equal(few.thread.pipes.take(), undefined, 'maxpipes')
    one?.release()
    few.close()
    const none = linuxProvider(b.kernel, { maxPipes: 0 })
    const sock = none.connect({ to: { family: 'none' } })
    t.equal(sock.splice, undefined)
    sock.close()
    none.close()
  })

  /** Bytes that arrive at the far end of this pass through the ring to `out`: read into the slab and flushed in the same turn. */
  const through = async (t: Test, b: Bench, out: Sock): Promise<(text: string) => Promise<Flow>> => {
    const [source, sink] = await pair(t, b)
    const bytes = new Bytes()
    let flow = -1
    sink.sock.owner = {
      ready() {
        sink.sock.fill(bytes)
        flow = out.flush(bytes)
        bytes.keep()
      },
    }
    return async (text) => {
      flow = -1
      source.say(text)
      await until('it was passed on', () => flow !== -1)
      await new Promise((resolve) => setImmediate(resolve))
      return flow
    }
  }

  t.test('ring: what the kernel did not take is kept, goes first, and the end waits for it', async (t) => {
    const b = bench(t, real, 1)
    if (b.provider.thread.ring === undefined) {
      t.comment('no io_uring here')
      return
    }
    const [ours, theirs] = await pair(t, b)
    theirs.reading = false
    const fd = 'fd' in ours.sock ? Number(ours.sock.fd) : -1
    setInt(b.kernel, fd, SOL_SOCKET, 7, 2048) // SO_SNDBUF
    const pass = await through(t, b, ours.sock)
    b.faults.made.length = 0
    let sent = ''
    for (let i = 0; !('full' in ours.sock && ours.sock.full === true); i++) {
      const text = `${i} `.repeat(2500)
      t.equal(await pass(text), 0)
      sent += text
      if (i > 5000) throw new Error('it never fills')
    }
    t.equal(b.faults.count('send') < b.faults.count('ioUringEnter') * 2, true, 'they went through the ring')
    t.equal(ours.sock.flush(bytesOf('x')), FULL_OUT)
    t.equal(ours.sock.shutCtrl(), false, 'not before the rest is out')
    ours.calls = 0
    theirs.reading = true
    theirs.sock.again()
    await until('the end came', () => theirs.ended)
    t.equal(theirs.text === sent, true)
    t.ok(ours.calls > 0, 'the owner was told')
    t.equal(ours.sock.shutCtrl(), true)
    t.equal(ours.sock.error, '')
  })

  t.test('ring: an error is told, a lost ring loses nothing, and without one all works', async (t) => {
    const b = bench(t, real, 1)
    if (b.provider.thread.ring === undefined) return
    const [gone, peer] = await pair(t, b)
    gone.reading = false
    const pass = await through(t, b, gone.sock)
    peer.sock.reset()
    await until('it is known', () => 'hung' in gone.sock && gone.sock.hung === true)
    gone.calls = 0
    await pass('into the void')
    await until('told', () => gone.calls > 0)
    t.match(gone.sock.error, /^(ECONNRESET|EPIPE)$/)
    t.equal(gone.sock.flush(bytesOf('x')), ERR_OUT)

    const [ours, theirs] = await pair(t, b)
    const next = await through(t, b, ours.sock)
    b.faults.next('ioUringEnter', -E.EINTR)
    await next('one ')
    b.faults.next('ioUringEnter', -E.EBUSY)
    await next('two ')
    await until('they came', () => theirs.text === 'one two ')
    b.faults.made.length = 0
    await next('three')
    await until('it came', () => theirs.text === 'one two three')
    t.equal(b.faults.count('ioUringEnter'), 0, 'the ring is not used again')

    for (const call of ['ioUringSetup', 'mapRing'] as const) {
      const table: Kernel = call === 'mapRing' ? { ...real, mapRing: () => undefined } : { ...real, ioUringSetup: () => -E.EPERM }
      const kernel = checkedKernel(table)
      const provider = linuxProvider(kernel, { ringFrom: 1 })
      t.teardown(() => provider.close())
      t.equal(provider.thread.ring, undefined)
      const [left, right] = await pair(t, { faults: b.faults, kernel, provider })
      left.say('plain')
      await until('it came', () => right.text === 'plain')
      left.sock.close()
      right.sock.close()
    }
  })

  t.test('ring: lost halfway through a turn, it sends nothing twice', async (t) => {
    let enters = 0
    const kernel = checkedKernel({
      ...real,
      ioUringEnter(ring, submit, wait, flags) {
        if (submit < 2 && enters === 0) return real.ioUringEnter(ring, submit, wait, flags)
        enters++
        return enters === 1 ? real.ioUringEnter(ring, 1, wait, flags) : -E.EBUSY
      },
    })
    const provider = linuxProvider(kernel, { ringFrom: 1 })
    t.teardown(() => provider.close())
    if (provider.thread.ring === undefined) return
    const b = { faults: new Faults(), kernel, provider }
    const sinks: Tap[] = []
    const sources: Tap[] = []
    for (let i = 0; i < 2; i++) {
      const [out, far] = await pair(t, b)
      const [source, near] = await pair(t, b)
      const bytes = new Bytes()
      near.sock.owner = { ready: () => void (near.sock.fill(bytes), out.sock.flush(bytes)) }
      sources.push(source)
      sinks.push(far)
    }
    for (const [i, source] of sources.entries()) source.say(`bytes of ${i}`)
    await until('they came', () => sinks.every((sink) => sink.text !== ''))
    t.equal(enters, 2, 'the first was taken, the second refused')
    await new Promise((resolve) => setTimeout(resolve, 20))
    t.same(sinks.map((sink) => sink.text), ['bytes of 0', 'bytes of 1'])
  })

  t.test('ring: after a bulk read reads go into the large buffer, and back to the ring once little comes', async (t) => {
    const b = bench(t, real, 1)
    if (b.provider.thread.ring === undefined) return
    const [ours, theirs] = await pair(t, b)
    const heard = async (text: string): Promise<readonly [number, number]> => {
      const before = ours.text.length
      b.faults.made.length = 0
      theirs.say(text)
      await until('it came', () => ours.text.length === before + text.length)
      return [b.faults.count('recv'), b.faults.count('recvAt')]
    }
    await heard('little')
    const [large] = await heard('x'.repeat(100_000))
    t.ok(large > 0, 'the large buffer')
    await heard('little')
    const [recv, recvAt] = await heard('little again')
    t.equal(recv, 0)
    t.ok(recvAt > 0, 'the ring')
  })

  t.test('ring: closing, resetting and dropping a sock whose bytes are in it sends them first', async (t) => {
    const b = bench(t, real, 1)
    if (b.provider.thread.ring === undefined) return
    for (const how of ['close', 'shutCtrl', 'reset', 'flush'] as const) {
      const [ours, theirs] = await pair(t, b)
      const [source, sink] = await pair(t, b)
      const bytes = new Bytes()
      let done = false
      sink.sock.owner = {
        ready() {
          sink.sock.fill(bytes)
          ours.sock.flush(bytes)
          if (how === 'flush') ours.sock.flush(bytesOf(' and more'))
          else ours.sock[how]()
          done = true
        },
      }
      source.say('last words')
      await until('done', () => done)
      if (how === 'reset') await until('the reset came', () => theirs.broken)
      else await until('it came', () => theirs.text === (how === 'flush' ? 'last words and more' : 'last words') && (how === 'flush' || theirs.ended))
      t.pass(how)
    }
  })

  t.test('after a busy turn the poller waits by itself, and after a wait for nothing Node does again', async (t) => {
    const log: string[] = []
    const registered: Int32Array[] = []
    const batches: number[] = []
    let wake = (): void => undefined
    const kernel: Kernel = {
      ...real,
      epollCtl: (_epoll, _operation, _fd, event) => {
        registered.push(new Int32Array(event.slice().buffer))
        return 0
      },
      epollWait: (_epoll, events, _count, ms) => {
        const count = batches.shift() ?? 0
        log.push(`wait ${ms}: ${count}`)
        const out = new Int32Array(events.buffer)
        for (const [i, one] of registered.slice(0, Math.max(count, 0)).entries()) out.set(one, i * EVENT_WORDS)
        return count
      },
      watch: (_fd, readable) => {
        wake = readable
        return { stop: () => log.push('stop'), start: () => log.push('start'), ref: () => undefined, unref: () => undefined, close: () => undefined }
      },
    }
    const poller = new Poller(kernel, 2)
    t.teardown(() => poller.close())
    const worker = { queued: false, behind: null, work: () => void (again && poller.queue(worker), log.push('work')) }
    let again = false
    for (const fd of [50, 51]) {
      poller.add(fd, { generation: 0, events: () => void Promise.resolve().then(() => log.push('promise')) }, EPOLLIN)
    }
    const turn = async (...counts: number[]): Promise<string[]> => {
      batches.push(...counts)
      await until('all are asked for', () => batches.length === 0)
      await new Promise(setImmediate)
      return log.splice(0)
    }
    wake()
    t.same(await turn(1), ['wait 0: 1', 'promise'], 'one event is no busy turn')
    await new Promise(setImmediate)
    t.same(log, [], 'nothing is asked before Node says so')
    wake()
    t.same((await turn(2, 1, 0)).filter((line) => line !== 'promise'), ['wait 0: 2', 'wait 0: 1', 'stop', 'wait 1: 0', 'start'], 'asked again at once, then waited for, in vain')
    wake()
    const told = await turn(2, 0, 1, -4, 1, 0)
    t.same(told, ['wait 0: 2', 'wait 0: 0', 'stop', 'promise', 'promise', 'wait 1: 1', 'promise', 'wait 1: -4', 'wait 1: 1', 'promise', 'wait 1: 0', 'start'], 'promises are settled before it waits; an interruption is no silence')
    wake()
    again = true
    poller.queue(worker)
    batches.push(2, 0, 1)
    await until('it is awake, with work to do', () => batches.length === 0)
    again = false
    await until('all is quiet', () => log.includes('start'))
    t.match(log.join(), /^wait 0: 2,work,wait 0: 0,work,stop,promise,promise,wait 0: 1,work,/, 'with work to do it does not wait')
    t.equal(log.filter((line) => line === 'start').length, 1)
    poller.close()
    wake()
    await new Promise(setImmediate)
    t.equal(log.at(-1), 'start', 'closed, it asks nothing more')
  })

  t.test('an event for a descriptor that was closed and given out again in the same batch reaches nobody', async (t) => {
    const faults = new Faults()
    const script: number[][] = []
    const kernel: Kernel = {
      ...faults.wrap(real),
      epollCtl: (_epoll, _operation, _fd, event) => {
        registered.push(new Int32Array(event.slice().buffer))
        return 0
      },
      epollWait: (_epoll, events) => {
        const out = new Int32Array(events.buffer)
        const batch = script.splice(0)
        for (const [i, one] of batch.entries()) out.set(one, i * EVENT_WORDS)
        return batch.length
      },
      watch: (_fd, readable) => {
        wake = readable
        return { stop: () => undefined, start: () => undefined, ref: () => undefined, unref: () => undefined, close: () => undefined }
      },
    }
    const registered: Int32Array[] = []
    let wake = (): void => undefined
    const poller = new Poller(kernel, 4)
    t.teardown(() => poller.close())
    const log: string[] = []
    const owner = (name: string, then?: () => void): Pollable => ({
      generation: 0,
      events(flags) {
        log.push(`${name} ${flags}`)
        then?.()
      },
    })
    poller.add(
      50,
      owner('first', () => {
        poller.remove(51, false)
        poller.add(51, owner('newcomer'), EPOLLIN)
      }),
      EPOLLIN,
    )
    poller.add(51, owner('second'), EPOLLIN)
    for (const event of registered) script.push([...event])
    t.equal(script[0]?.[EVENT_FD], 50)
    t.not(script[0]?.[EVENT_GENERATION], script[1]?.[EVENT_GENERATION])
    wake()
    await until('the batch is done', () => log.length > 0)
    t.same(log, [`first ${EPOLLIN}`])
    const newest = registered.at(-1)
    if (newest !== undefined) script.push([...newest])
    wake()
    await until('the newcomer is told', () => log.length > 1)
    t.same(log[1], `newcomer ${EPOLLIN}`)
  })

  for (const ringFrom of [0, 1]) t.test(`any call of a whole exchange fails (ring from ${ringFrom}): nobody hangs, nothing leaks, no closed descriptor is used`, async (t) => {
    const b = bench(t, real, ringFrom)
    const clean = await exchange(b)
    t.equal(clean, 'complete')
    const calls = [...b.faults.made]
    t.ok(calls.length > 10)
    const errnos = [E.EINTR, E.ECONNRESET, E.EPIPE, E.EMFILE, E.ENOMEM, E.EINVAL, E.ENOTCONN, E.EBADF]
    const open = b.kernel.open.size
    let tried = 0
    const outcomes = new Set<string>()
    for (let at = 0; at < calls.length + 4; at++) {
      for (const errno of errnos) {
        b.faults.failAt(at, -errno)
        const outcome = await exchange(b)
        outcomes.add(`${b.faults.hit} ${outcome}`)
        tried++
        // ENOTCONN at shutdown means that reads will tell of a reset; here they do not, because it is not true.
        const hung = outcome === 'hung' && !(b.faults.hit === 'shutdown' && errno === E.ENOTCONN)
        if (b.kernel.open.size !== open || hung) {
          t.fail(`${errnoName(errno)} at call ${at} (${b.faults.hit}): ${outcome}, ${b.kernel.open.size - open} descriptors left`)
        }
      }
    }
    b.faults.failAt(-1, 0)
    t.ok(tried > 100, `${tried} faults, ${outcomes.size} outcomes`)
    t.equal(await exchange(b), 'complete')
  })
}

/** One request and its answer over the provider's own two ends. Says how it went; all it opened is closed again. */
async function exchange(b: Bench): Promise<string> {
  const opened: Sock[] = []
  let outcome = ''
  const finished = (how: string): void => {
    if (outcome === '') outcome = how
  }
  let listener: Listener | undefined
  try {
    listener = await b.provider.listen(
      { address: LOOPBACK },
      {
        accepted(sock) {
          opened.push(sock)
          serveOnce(sock, finished)
        },
        failed: (error) => finished(`accept ${error}`),
      },
    )
    const client = b.provider.connect({ to: listener.address })
    opened.push(client)
    askOnce(client, finished)
    for (let i = 0; i < 400 && outcome === ''; i++) await new Promise((resolve) => setTimeout(resolve, 1))
  } catch (error) {
    finished(error instanceof Error && 'code' in error ? `listen ${String(error.code)}` : `thrown ${String(error)}`)
  } finally {
    for (const sock of opened) sock.close()
    listener?.close()
  }
  return outcome === '' ? 'hung' : outcome
}

function serveOnce(sock: Sock, finished: (how: string) => void): void {
  const bytes = new Bytes()
  const owner: Owner = {
    ready() {
      const flow = sock.fill(bytes)
      bytes.keep()
      if ((flow & ERR_IN) !== 0) {
        finished(`server ${sock.error}`)
        sock.reset()
      } else if ((flow & SHUT_IN) !== 0) {
        if ((sock.flush(bytes) & ERR_OUT) !== 0) finished(`server ${sock.error}`)
        sock.shutCtrl()
        if (sock.error !== '') finished(`server ${sock.error}`)
        sock.close()
      } else if (flow === 0) sock.again()
    },
  }
  sock.owner = owner
  sock.again()
}

function askOnce(sock: Sock, finished: (how: string) => void): void {
  const answer = new Bytes()
  const question = bytesOf('question')
  sock.owner = {
    ready() {
      if (sock.error !== '') finished(`client ${sock.error}`)
      if (sock.connecting) return
      if ((sock.flush(question) & ERR_OUT) !== 0) finished(`client ${sock.error}`)
      if (question.length === 0) sock.shutCtrl()
      if (sock.error !== '') finished(`client ${sock.error}`)
      const flow = sock.fill(answer)
      answer.keep()
      if ((flow & ERR_IN) !== 0) finished(`client ${sock.error}`)
      if ((flow & SHUT_IN) !== 0) finished(answer.view().toString() === 'question' ? 'complete' : `wrong answer ${answer.view().toString()}`)
      if (flow === 0) sock.again()
    },
  }
}
