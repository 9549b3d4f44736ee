// Owns what every sock provider has to do, as tests over the Provider interface: run them on each provider there is.
//
// One end is the provider's, the other a node:net socket of this process, so that what is on the wire is judged by somebody else.

import { createHash, type Hash } from 'node:crypto'
import { existsSync, lstatSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect as netConnect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Address } from '../../src/core/address.ts'
import { Bytes } from '../../src/core/bytes.ts'
import type { Listener, ListenSpec, Provider } from '../../src/core/provider.ts'
import { EMPTY_IN, ERR_IN, ERR_OUT, FULL_OUT, SHUT_IN, type Owner, type Sock } from '../../src/core/sock.ts'

export const LOOPBACK: Address = { family: 'ipv4', host: '127.0.0.1', port: 0 }

/** Resolves when `done()` holds: looked at in every turn of the loop, given up after 20 s. */
export async function until(what: string, done: () => boolean): Promise<void> {
  const end = Date.now() + 20_000
  while (!done()) {
    if (Date.now() > end) throw new Error(`waited in vain until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

/** A sock's owner that reads all that comes while `reading`, and sends what `output` holds. */
export class Tap implements Owner {
  readonly sock: Sock
  readonly input = new Bytes()
  readonly output = new Bytes()
  readonly got: Buffer[] = []
  reading = true
  /** shutCtrl() is called when the output is flushed. */
  ending = false
  ended = false
  broken = false
  unsent = false
  calls = 0
  fullSeen = 0
  #inside = false

  constructor(sock: Sock) {
    this.sock = sock
    sock.owner = this
  }

  get text(): string {
    return Buffer.concat(this.got).toString()
  }

  ready(): void {
    if (this.#inside) throw new Error('ready() was called from within an operation')
    this.calls++
    this.#inside = true
    this.pump()
    this.#inside = false
  }

  pump(): void {
    if (this.sock.connecting) return
    if (this.output.length > 0) {
      const out = this.sock.flush(this.output)
      if ((out & FULL_OUT) !== 0) {
        this.fullSeen++
        this.output.keep()
      }
      if ((out & ERR_OUT) !== 0) {
        this.unsent = true
        this.output.clear()
      }
    }
    if (this.ending && this.output.length === 0) this.sock.shutCtrl()
    for (let i = 0; this.reading && !this.ended && !this.broken; i++) {
      if (i === 16) {
        this.sock.again()
        return
      }
      const flow = this.sock.fill(this.input)
      if (this.input.length > 0) {
        this.got.push(Buffer.from(this.input.view()))
        this.input.clear()
      }
      if ((flow & SHUT_IN) !== 0) this.ended = true
      if ((flow & ERR_IN) !== 0) this.broken = true
      if (flow !== 0) return
    }
  }

  say(text: string | Buffer): void {
    this.output.append(Buffer.from(text))
    this.#inside = true
    this.pump()
    this.#inside = false
  }

  end(): void {
    this.ending = true
    this.#inside = true
    this.pump()
    this.#inside = false
  }
}

/** A node:net socket that remembers what it saw. */
export class Peer {
  readonly socket: Socket
  readonly got: Buffer[] = []
  ended = false
  closed = false
  error = ''

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk: Buffer) => this.got.push(chunk))
    socket.on('end', () => (this.ended = true))
    socket.on('close', () => (this.closed = true))
    socket.on('error', (error: Error) => (this.error = 'code' in error ? String(error.code) : error.message))
  }

  get text(): string {
    return Buffer.concat(this.got).toString()
  }
}

export interface Accepting {
  readonly listener: Listener
  readonly socks: Tap[]
  readonly failures: string[]
  dial(): Peer
}

/** A listener of the provider whose socks are tapped, and peers to dial it. All are closed with the test. */
export async function accepting(t: Test, provider: Provider, spec: Partial<ListenSpec> = {}): Promise<Accepting> {
  const socks: Tap[] = []
  const failures: string[] = []
  const listener = await provider.listen(
    { address: LOOPBACK, ...spec },
    {
      accepted(sock) {
        const tap = new Tap(sock)
        socks.push(tap)
        tap.pump()
      },
      failed: (error) => void failures.push(error),
    },
  )
  const peers: Socket[] = []
  t.teardown(() => {
    listener.close()
    for (const tap of socks) tap.sock.close()
    for (const peer of peers) peer.destroy()
  })
  return {
    listener,
    socks,
    failures,
    dial() {
      const { address } = listener
      const target =
        address.family === 'unix' ? { path: address.path } : address.family === 'none' ? { port: 0 } : { host: address.host, port: address.port }
      const socket = netConnect({ ...target, allowHalfOpen: true })
      peers.push(socket)
      return new Peer(socket)
    },
  }
}

/** A peer that was accepted and has said this, and its sock. */
export async function heard(t: Test, provider: Provider, said: string, spec?: Partial<ListenSpec>): Promise<{ readonly peer: Peer; readonly tap: Tap }> {
  const a = await accepting(t, provider, spec)
  const peer = a.dial()
  peer.socket.write(said)
  await until(`${said} came`, () => a.socks[0]?.text === said)
  const [tap] = a.socks
  if (tap === undefined) throw new Error('accepted nobody')
  return { peer, tap }
}

export interface Serving {
  readonly address: Address
  readonly peers: Peer[]
  readonly server: Server
}

/** A node:net server for the provider to connect to. */
export async function serving(t: Test, pauseOnConnect = false): Promise<Serving> {
  const peers: Peer[] = []
  const server = createServer({ allowHalfOpen: true, pauseOnConnect }, (socket) => void peers.push(new Peer(socket)))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  t.teardown(() => {
    server.close()
    for (const peer of peers) peer.socket.destroy()
  })
  return { address: { family: 'ipv4', host: '127.0.0.1', port: portOf(server) }, peers, server }
}

export function portOf(server: Server): number {
  const bound: AddressInfo | string | null = server.address()
  return bound !== null && typeof bound === 'object' ? bound.port : 0
}

function connected(t: Test, provider: Provider, to: Address): Tap {
  const tap = new Tap(provider.connect({ to }))
  t.teardown(() => tap.sock.close())
  return tap
}

/** Open descriptors of this process that are sockets or pipes. */
function openDescriptors(): number {
  let count = 0
  for (const name of readdirSync('/proc/self/fd')) {
    try {
      const stat = statSync(`/proc/self/fd/${name}`)
      if (stat.isSocket() || stat.isFIFO()) count++
    } catch {
      // The descriptor that reads the directory is gone by now.
    }
  }
  return count
}

/** Predictable bytes, different at every offset of a block. */
export function pattern(size: number, seed: number): Buffer {
  const bytes = Buffer.allocUnsafe(size)
  let x = seed | 1
  for (let i = 0; i < size; i++) {
    x = (Math.imul(x, 1103515245) + 12345) | 0
    bytes[i] = x >> 16
  }
  return bytes
}

/** Sends `blocks` blocks from node:net, as fast as it takes them, then ends. Returns the hash of all. */
export async function pour(socket: Socket, block: Buffer, blocks: number): Promise<string> {
  const hash: Hash = createHash('sha256')
  for (let i = 0; i < blocks; i++) {
    hash.update(block)
    if (!socket.write(block)) await new Promise((resolve) => socket.once('drain', resolve))
  }
  socket.end()
  return hash.digest('hex')
}

export interface ContractSize {
  /** MiB through the integrity test. */
  readonly mib: number
}

/** Every promise of the Provider and Sock interfaces that can be seen from outside. */
export function providerContract(t: Test, provider: Provider, size: ContractSize): void {
  t.test('accept: bytes both ways, the ends, polite end', async (t) => {
    const { peer, tap } = await heard(t, provider, 'ping')
    t.equal(tap.sock.provider, provider.name)
    t.equal(tap.sock.connecting, false)
    t.same(tap.sock.local(), { family: 'ipv4', host: '127.0.0.1', port: peer.socket.remotePort })
    t.same(tap.sock.remote(), { family: 'ipv4', host: '127.0.0.1', port: peer.socket.localPort })
    tap.say('pong')
    await until('the pong came', () => peer.text === 'pong')
    peer.socket.end()
    await until('the end came', () => tap.ended)
    tap.say(' and more') // half-closed: the other way still works
    tap.end()
    await until('the peer saw the end', () => peer.ended)
    t.equal(peer.text, 'pong and more')
    tap.sock.close()
    await until('the peer closed', () => peer.closed)
    t.equal(peer.error, '')
    t.equal(tap.sock.error, '')
  })

  t.test('connect: told when it is over, not before; the ends; we end first', async (t) => {
    const s = await serving(t)
    const sock = provider.connect({ to: s.address })
    t.equal(sock.connecting, true, 'it is returned connecting')
    const tap = new Tap(sock)
    t.teardown(() => sock.close())
    t.equal(tap.calls, 0)
    t.equal(sock.fill(new Bytes()), EMPTY_IN)
    const early = new Bytes()
    early.append(Buffer.from('early'))
    t.equal(sock.flush(early), FULL_OUT)
    t.equal(early.length, 5)
    await until('connected', () => tap.calls > 0)
    t.equal(sock.connecting, false)
    t.equal(sock.error, '')
    t.same(sock.remote(), s.address)
    const local = sock.local()
    await until('it was accepted', () => s.peers.length === 1)
    const peer = s.peers[0]
    if (peer === undefined) return
    t.equal(local.family === 'ipv4' ? local.port : 0, peer.socket.remotePort)
    tap.say('last words')
    tap.end()
    await until('the peer saw the end', () => peer.ended)
    t.equal(peer.text, 'last words')
    peer.socket.end('late answer')
    await until('we saw the end', () => tap.ended)
    t.equal(tap.text, 'late answer')
    const more = new Bytes()
    more.append(Buffer.from('x'))
    t.not(sock.flush(more), 0, 'nothing is sent after the end')
  })

  t.test('connect: refused', async (t) => {
    const s = await serving(t)
    await new Promise((resolve) => s.server.close(resolve))
    const tap = connected(t, provider, s.address)
    t.equal(tap.sock.connecting, true)
    await until('told', () => tap.calls > 0)
    t.equal(tap.sock.connecting, false)
    t.equal(tap.sock.error, 'ECONNREFUSED')
    t.equal(tap.sock.fill(new Bytes()), ERR_IN)
    const out = new Bytes()
    out.append(Buffer.from('x'))
    t.equal(tap.sock.flush(out), ERR_OUT)
  })

  t.test('an end that was asked for while connecting comes after the connection', async (t) => {
    const s = await serving(t)
    const sock = provider.connect({ to: s.address })
    const tap = new Tap(sock)
    t.teardown(() => sock.close())
    t.equal(sock.shutCtrl(), false)
    await until('the peer saw the end', () => s.peers[0]?.ended === true)
    t.equal(sock.error, '')
    s.peers[0]?.socket.end('answer')
    await until('the answer came', () => tap.ended)
    t.equal(tap.text, 'answer')
  })

  t.test('RST from the peer is an error, never an end', async (t) => {
    const { peer, tap } = await heard(t, provider, 'x')
    peer.socket.resetAndDestroy()
    await until('broken', () => tap.broken)
    t.equal(tap.ended, false)
    t.equal(tap.sock.error, 'ECONNRESET')
    t.equal(tap.sock.shutCtrl(), true)
    t.equal(tap.sock.fill(new Bytes()), ERR_IN, 'and stays one')
  })

  t.test('RST behind bytes that nobody has read: they come, and then the error, not an end', async (t) => {
    let sock: Sock | undefined
    const listener = await provider.listen({ address: LOOPBACK }, { accepted: (one) => (sock = one), failed: (error) => t.fail(error) })
    t.teardown(() => listener.close())
    const { address } = listener
    const peer = new Peer(netConnect('port' in address ? address.port : 0, '127.0.0.1'))
    peer.socket.write(pattern(30_000, 3))
    await until('it is with the kernel', () => sock !== undefined && peer.socket.writableLength === 0)
    if (sock === undefined) return
    peer.socket.resetAndDestroy()
    await until('it is reset', () => peer.closed)
    const tap = new Tap(sock)
    t.teardown(() => tap.sock.close())
    tap.say('')
    await until('it is over', () => tap.broken || tap.ended)
    t.same([tap.broken, tap.ended, tap.sock.error], [true, false, 'ECONNRESET'])
    t.equal(Buffer.concat(tap.got).length, 30_000)
  })

  t.test('RST by us', async (t) => {
    const { peer, tap } = await heard(t, provider, 'x')
    tap.sock.reset()
    await until('the peer saw it', () => peer.closed)
    t.equal(peer.error, 'ECONNRESET')
    tap.sock.reset()
    tap.sock.close()
  })

  t.test('back-pressure: who does not fill stops the sender; nothing is lost, and all is told', async (t) => {
    const { peer, tap } = await heard(t, provider, 'go')
    peer.socket.pause()
    const block = pattern(24 << 20, 7)
    tap.say(block)
    await until('full', () => tap.fullSeen > 0)
    t.ok(tap.output.length > 0 || provider.name === 'node')
    tap.end()
    const hash = createHash('sha256')
    let n = 0
    peer.socket.on('data', (chunk: Buffer) => {
      hash.update(chunk)
      n += chunk.length
    })
    peer.socket.resume()
    await until('all came', () => peer.ended)
    t.equal(n, block.length)
    t.equal(hash.digest('hex'), createHash('sha256').update(block).digest('hex'))
  })

  t.test('input waits while nobody fills, and comes with the end behind it', async (t) => {
    const { peer, tap } = await heard(t, provider, 'go')
    tap.reading = false
    const block = pattern(1 << 20, 11)
    const sent = pour(peer.socket, block, 16)
    await new Promise((resolve) => setTimeout(resolve, 50))
    const before = Buffer.concat(tap.got).length
    t.ok(before <= 2 + 65536, `only what was read ahead came: ${before}`)
    tap.reading = true
    tap.got.length = 0
    const hash = createHash('sha256')
    tap.sock.again()
    await until('the end came', () => tap.ended)
    for (const chunk of tap.got) hash.update(chunk)
    t.equal(hash.digest('hex'), await sent)
  })

  t.test('fill() appends to what is unread, lent or owned', async (t) => {
    const { peer, tap } = await heard(t, provider, 'a')
    tap.reading = false
    const into = new Bytes()
    let expected = ''
    for (const word of ['one ', 'two ', 'three ', 'x'.repeat(20000)]) {
      peer.socket.write(word)
      expected += word
      await until('a word came', () => {
        const flow = tap.sock.fill(into)
        if ((flow & (ERR_IN | SHUT_IN)) !== 0) throw new Error(`flow ${flow}`)
        return into.length === expected.length
      })
      t.equal(into.view().toString(), expected)
      if (word === 'two ') into.keep()
    }
  })

  t.test('again(): later, once', async (t) => {
    const a = await accepting(t, provider)
    a.dial()
    await until('accepted', () => a.socks.length === 1)
    const tap = a.socks[0]
    if (tap === undefined) return
    await new Promise((resolve) => setTimeout(resolve, 20))
    tap.calls = 0
    tap.reading = false
    tap.sock.again()
    t.equal(tap.calls, 0)
    await until('called', () => tap.calls === 1)
  })

  t.test('after close nothing is told and nothing works', async (t) => {
    const { peer, tap } = await heard(t, provider, 'x')
    tap.sock.again()
    tap.sock.close()
    tap.calls = 0
    peer.socket.write('more')
    const out = new Bytes()
    out.append(Buffer.from('y'))
    t.equal(tap.sock.flush(out), ERR_OUT)
    t.equal(tap.sock.fill(new Bytes()) & EMPTY_IN, 0)
    t.equal(tap.sock.shutCtrl(), true)
    tap.sock.again()
    tap.sock.close()
    tap.sock.reset()
    await until('the peer knows', () => peer.ended || peer.closed)
    t.equal(tap.calls, 0)
  })

  t.test('a paused listener accepts nothing until it is resumed', async (t) => {
    const a = await accepting(t, provider)
    a.listener.pause()
    const peer = a.dial()
    peer.socket.write('waiting')
    await new Promise((resolve) => setTimeout(resolve, 60))
    t.equal(a.socks.length, 0)
    a.listener.resume()
    await until('it was accepted', () => a.socks[0]?.text === 'waiting')
    a.listener.resume()
    a.listener.close()
    a.socks[0]?.say('lives on')
    await until('accepted socks live on', () => peer.text === 'lives on')
  })

  t.test('listen: the port that was taken, the errors', async (t) => {
    const a = await accepting(t, provider)
    t.ok(a.listener.address.family === 'ipv4' && a.listener.address.port > 0)
    await t.rejects(provider.listen({ address: a.listener.address }, { accepted: () => undefined, failed: () => undefined }), { code: 'EADDRINUSE' })
    const foreign: Address = { family: 'ipv4', host: '192.0.2.77', port: 0 }
    await t.rejects(provider.listen({ address: foreign }, { accepted: () => undefined, failed: () => undefined }), { code: 'EADDRNOTAVAIL' })
  })

  t.test('IPv6', async (t) => {
    let a: Accepting
    try {
      a = await accepting(t, provider, { address: { family: 'ipv6', host: '::1', port: 0 }, v6only: true })
    } catch (error) {
      t.comment(`no IPv6 here: ${String(error)}`)
      return
    }
    const tap = connected(t, provider, a.listener.address)
    await until('connected', () => tap.calls > 0)
    tap.say('six')
    await until('it came', () => a.socks[0]?.text === 'six')
    t.same(a.socks[0]?.sock.remote(), tap.sock.local())
    t.match(tap.sock.local(), { family: 'ipv6', host: '::1' })
  })

  t.test('Unix path: mode, echo, a stale path is replaced, anything else is not, removed at the end', async (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'headgate-'))
    t.teardown(() => rmSync(dir, { recursive: true }))
    const path = join(dir, 's')
    const address: Address = { family: 'unix', path, abstract: false }
    const first = await accepting(t, provider, { address, mode: 0o600 })
    t.same(first.listener.address, address)
    t.equal(lstatSync(path).mode & 0o777, 0o600)
    const tap = connected(t, provider, address)
    await until('connected', () => tap.calls > 0)
    tap.say('over unix')
    tap.end()
    await until('it came', () => first.socks[0]?.ended === true)
    t.equal(first.socks[0]?.text, 'over unix')
    t.match(first.socks[0]?.sock.local(), { family: 'unix', path })
    first.listener.close()
    await until('the path is gone', () => !existsSync(path))
    writeFileSync(path, 'precious')
    await t.rejects(accepting(t, provider, { address }), { code: 'EADDRINUSE' })
    t.ok(existsSync(path))
    const gone: Address = { family: 'unix', path: join(dir, 'nobody'), abstract: false }
    const refused = connected(t, provider, gone)
    await until('told', () => refused.calls > 0)
    t.equal(refused.sock.error, 'ENOENT')
  })

  t.test('a relay: every byte, both ends, paused in between', async (t) => {
    const s = await serving(t)
    const received = createHash('sha256')
    let n = 0
    const listener = await provider.listen(
      { address: LOOPBACK },
      { accepted: (sock) => void new Relay(sock, provider.connect({ to: s.address })), failed: (error) => t.fail(error) },
    )
    t.teardown(() => listener.close())
    const port = listener.address.family === 'ipv4' ? listener.address.port : 0
    const client = new Peer(netConnect({ host: '127.0.0.1', port, allowHalfOpen: true }))
    t.teardown(() => client.socket.destroy())
    client.socket.write('start')
    await until('the server was reached', () => s.peers.length === 1)
    const server = s.peers[0]
    if (server === undefined) return
    server.socket.removeAllListeners('data')
    for (const chunk of server.got.splice(0)) {
      received.update(chunk)
      n += chunk.length
    }
    let pauses = 0
    server.socket.on('data', (chunk: Buffer) => {
      received.update(chunk)
      n += chunk.length
      if (n >> 25 !== (n - chunk.length) >> 25 && pauses++ < 4) {
        server.socket.pause()
        setTimeout(() => server.socket.resume(), 30)
      }
    })
    const block = pattern(1 << 20, 3)
    await pour(client.socket, block, size.mib)
    await until('the server saw the end', () => server.ended)
    const expected = createHash('sha256').update('start')
    for (let i = 0; i < size.mib; i++) expected.update(block)
    t.equal(n, 5 + size.mib * block.length)
    t.equal(received.digest('hex'), expected.digest('hex'))
    server.socket.end('thank you')
    await until('the client saw the end', () => client.ended)
    t.equal(client.text, 'thank you')
  })

  t.test('no descriptor stays open', async (t) => {
    const before = openDescriptors()
    const listener = await provider.listen(
      { address: LOOPBACK },
      {
        accepted(sock) {
          const tap = new Tap(sock)
          tap.pump()
          setTimeout(() => sock.close(), 10)
        },
        failed: () => undefined,
      },
    )
    for (let i = 0; i < 50; i++) {
      const tap = new Tap(provider.connect({ to: listener.address }))
      setTimeout(() => (i % 2 === 0 ? tap.sock.close() : tap.sock.reset()), i)
    }
    await new Promise((resolve) => setTimeout(resolve, 80))
    listener.close()
    await until('all are closed', () => openDescriptors() <= before)
    t.equal(openDescriptors(), before)
  })
}

/** A bare pump both ways: splices where it can, else through one buffer each way. */
export class Relay {
  static left = 0

  constructor(client: Sock, server: Sock) {
    Relay.left++
    const there = new OneWay(client, server)
    const back = new OneWay(server, client)
    const owner: Owner = {
      ready() {
        if (there.done && back.done) return
        there.pump()
        back.pump()
        if ((there.done && back.done) || there.broken || back.broken) {
          there.done = back.done = true
          there.release()
          back.release()
          client.close()
          server.close()
          Relay.left--
        }
      },
    }
    client.owner = owner
    server.owner = owner
    client.again()
  }
}

class OneWay {
  readonly from: Sock
  readonly to: Sock
  readonly bytes = new Bytes()
  done = false
  broken = false
  #ended = false
  #bulk = 0
  #pipe: ReturnType<NonNullable<Sock['splice']>['pipe']>

  constructor(from: Sock, to: Sock) {
    this.from = from
    this.to = to
  }

  release(): void {
    this.#pipe?.release()
    this.#pipe = undefined
  }

  pump(): void {
    if (this.done || this.to.connecting || this.from.connecting) return
    for (let i = 0; i < 8; i++) {
      const pipe = this.#pipe
      if (pipe !== undefined && pipe.bytes > 0) {
        const out = this.to.splice?.fromPipe(pipe) ?? ERR_OUT
        if (out !== 0) {
          if ((out & ERR_OUT) !== 0) this.broken = true
          return
        }
      } else if (this.bytes.length > 0) {
        const out = this.to.flush(this.bytes)
        if (out !== 0) {
          this.bytes.keep()
          if ((out & ERR_OUT) !== 0) this.broken = true
          return
        }
      }
      if (this.#ended) {
        if (this.to.shutCtrl()) this.done = true
        return
      }
      if (this.bytes.length > 0 || (pipe?.bytes ?? 0) > 0) continue
      const flow = this.#read()
      if ((flow & SHUT_IN) !== 0) this.#ended = true
      else if ((flow & ERR_IN) !== 0) {
        this.broken = true
        return
      } else if ((flow & EMPTY_IN) !== 0 && this.bytes.length === 0) return
    }
    this.from.again()
  }

  #read(): number {
    const splice = this.from.splice
    if (this.#bulk >= 3 && splice !== undefined && this.to.splice !== undefined) {
      const pipe = (this.#pipe ??= splice.pipe())
      if (pipe !== undefined) {
        const flow = splice.toPipe(pipe, 1 << 20)
        if ((flow & EMPTY_IN) !== 0) {
          pipe.release()
          this.#pipe = undefined
        }
        return flow
      }
    }
    const flow = this.from.fill(this.bytes)
    this.#bulk = this.bytes.length > 16384 ? this.#bulk + 1 : 0
    return flow
  }
}
