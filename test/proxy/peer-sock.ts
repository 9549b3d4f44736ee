// Owns a sock of a pretended kernel, as strict as the contract lets it be: ready() is called on edges only, for who was told EMPTY_IN or
// FULL_OUT before; all reads are lent from one buffer that the next read of any sock overwrites; pipes hold bytes as the kernel's do.

import type { Address } from '../../src/core/address.ts'
import type { Bytes } from '../../src/core/bytes.ts'
import { EMPTY_IN, ERR_IN, ERR_OUT, FULL_OUT, REFUSED, SHUT_IN, SHUT_OUT, type Flow, type Owner, type Pipe, type Sock, type Spliceable } from '../../src/core/sock.ts'

const NOBODY: Owner = { ready: () => undefined }
/** As a provider's: all socks of a thread read into it. */
const SHARED = Buffer.alloc(262_144)

/** A pipe of a pretended kernel. */
export class PeerPipe implements Pipe {
  readonly capacity: number
  released = 0
  #held = Buffer.alloc(0)

  constructor(capacity: number) {
    this.capacity = capacity
  }

  get bytes(): number {
    return this.#held.length
  }

  put(chunk: Buffer): void {
    this.#held = Buffer.concat([this.#held, chunk])
  }

  get(n: number): Buffer {
    const out = this.#held.subarray(0, n)
    this.#held = this.#held.subarray(n)
    return out
  }

  drain(into: Bytes): void {
    into.append(this.get(this.bytes))
  }

  release(): void {
    this.released++
  }
}

export class PeerSock implements Sock, Spliceable {
  readonly provider = 'fake'
  owner: Owner = NOBODY
  error = ''
  connecting = false
  /** Bytes that are taken before it is full. */
  capacity = Infinity
  /** Bytes of one read at most. */
  readSize = 65_536
  /** How splice calls are answered. */
  splices: 'no' | 'yes' | 'refuse in' | 'refuse out' = 'no'
  /** Pipes that may be had. */
  pipes = Infinity
  /** All pipes that were given out. */
  readonly given: PeerPipe[] = []
  pipeSize = 65_536
  /** A read that empties the kernel's buffer says so at once, with the peer's end where it is known, as short reads do. */
  together = true
  /** shutData() and shutCtrl() are completed at once. */
  quick = true
  /** In order: 'FIN', 'RST', 'closed'. */
  readonly done: string[] = []
  /** Bytes that passed through a pipe. */
  spliced = 0
  readonly #agains: Set<PeerSock>
  readonly #local: Address
  readonly #remote: Address
  readonly #said: Buffer[] = []
  #arrived: Buffer[] = []
  readonly #shutting = new Set<string>()
  #ended = false
  #dry = false
  #full = false

  /** `agains` collects who asked for another turn. */
  constructor(agains: Set<PeerSock>, local: Address, remote: Address) {
    this.#agains = agains
    this.#local = local
    this.#remote = remote
  }

  // ── the test's side ────────────────────────────────────────────────────────────────────────────────────────────

  /** Nothing comes after an end or an error. */
  arrive(bytes: Uint8Array | string): void {
    if (this.isClosed || this.#ended || this.#deaf) return
    this.#arrived.push(Buffer.from(bytes))
    this.#edgeIn()
  }

  /** The peer's FIN. */
  end(): void {
    if (this.isClosed || this.#deaf) return
    this.#ended = true
    this.#edgeIn()
  }

  /** The peer's RST, or EPIPE: it takes no more, and may still talk. What arrived before it can still be read. */
  break(error = 'ECONNRESET'): void {
    if (this.isClosed || this.error !== '') return
    this.error = error
    this.connecting = false
    this.#dry = false
    this.#full = false
    this.owner.ready()
  }

  /** The peer takes `n` bytes more. */
  takes(n = Infinity): void {
    this.capacity += n
    if (!this.#full || this.isClosed) return
    this.#full = false
    this.owner.ready()
  }

  /** connect() came through. */
  connected(): void {
    this.connecting = false
    this.owner.ready()
  }

  get saidBuffer(): Buffer {
    return Buffer.concat(this.#said)
  }

  get said(): string {
    return Buffer.concat(this.#said).toString('latin1')
  }

  get saidBytes(): number {
    return this.#said.reduce((n, chunk) => n + chunk.length, 0)
  }

  get unread(): number {
    return this.#arrived.reduce((n, chunk) => n + chunk.length, 0)
  }

  get isClosed(): boolean {
    return this.done.includes('closed') || this.done.includes('RST')
  }

  get hasEnded(): boolean {
    return this.done.includes('FIN')
  }

  /** EPIPE: the peer takes no more, and may still talk. */
  get #deaf(): boolean {
    return this.error !== '' && this.error !== 'EPIPE'
  }

  #edgeIn(): void {
    if (!this.#dry) return
    this.#dry = false
    this.owner.ready()
  }

  // ── the engine's side ──────────────────────────────────────────────────────────────────────────────────────────

  #read(most: number): Buffer | Flow {
    if (this.isClosed) return ERR_IN
    const chunk = this.#arrived[0]
    if (chunk === undefined || this.connecting) {
      if (this.#deaf) return ERR_IN
      if (this.#ended) return SHUT_IN
      this.#dry = true
      return EMPTY_IN
    }
    const part = chunk.subarray(0, most)
    if (part.length === chunk.length) this.#arrived.shift()
    else this.#arrived[0] = chunk.subarray(part.length)
    return part
  }

  #write(chunk: Buffer): number | Flow {
    if (this.isClosed || this.error !== '') return -ERR_OUT
    if (this.hasEnded) return -SHUT_OUT
    const n = this.connecting ? 0 : Math.min(chunk.length, this.capacity)
    if (n > 0) {
      this.#said.push(Buffer.from(chunk.subarray(0, n)))
      this.capacity -= n
    }
    if (n < chunk.length) this.#full = true
    return n
  }

  fill(into: Bytes): Flow {
    const part = this.#read(this.readSize)
    if (typeof part === 'number') return part
    if (into.length > 0) into.append(part)
    else {
      SHARED.fill(0x3f, 0, 64)
      part.copy(SHARED)
      into.lend(SHARED, part.length)
    }
    if (!this.together || this.#arrived.length > 0 || this.#deaf) return 0
    if (this.#ended) return SHUT_IN
    this.#dry = true
    return EMPTY_IN
  }

  flush(from: Bytes): Flow {
    const n = this.#write(from.view())
    if (n < 0) return -n
    if (n > 0) from.take(n)
    return from.length > 0 ? FULL_OUT : 0
  }

  get splice(): Spliceable | undefined {
    return this.splices === 'no' ? undefined : this
  }

  pipe(): Pipe | undefined {
    if (this.pipes-- <= 0) return undefined
    const pipe = new PeerPipe(this.pipeSize)
    this.given.push(pipe)
    return pipe
  }

  toPipe(pipe: Pipe, max: number): Flow {
    if (!(pipe instanceof PeerPipe) || this.splices === 'refuse in') return REFUSED
    const room = Math.min(max, pipe.capacity - pipe.bytes)
    if (room <= 0) return FULL_OUT
    const part = this.#read(room)
    if (typeof part === 'number') return part
    pipe.put(part)
    return 0
  }

  fromPipe(pipe: Pipe): Flow {
    if (!(pipe instanceof PeerPipe) || this.splices === 'refuse out') return REFUSED
    const held = pipe.get(pipe.bytes)
    const n = this.#write(Buffer.from(held))
    pipe.put(held.subarray(Math.max(0, n)))
    if (n < 0) return -n
    this.spliced += n
    return pipe.bytes > 0 ? FULL_OUT : 0
  }

  /** Not quick: completed in the next turn. */
  #soon(what: string): boolean {
    if (this.quick || this.#shutting.has(what)) return true
    this.#shutting.add(what)
    this.#agains.add(this)
    return false
  }

  shutData(): boolean {
    return this.#soon('data')
  }

  shutCtrl(): boolean {
    if (!this.hasEnded && !this.isClosed) this.done.push('FIN')
    return this.#soon('ctrl')
  }

  close(): void {
    if (!this.isClosed) this.done.push('closed')
  }

  reset(): void {
    if (!this.isClosed) this.done.push('RST')
  }

  again(): void {
    this.#agains.add(this)
  }

  local(): Address {
    return this.#local
  }

  remote(): Address {
    return this.#remote
  }
}

/** The next turns of the loop, until nobody asks for another. Throws when somebody never stops asking. */
export function turns(agains: Set<PeerSock>): void {
  for (let n = 0; agains.size > 0; n++) {
    if (n > 10_000) throw new Error('again() without end')
    const now = [...agains]
    agains.clear()
    for (const sock of now) if (!sock.isClosed) sock.owner.ready()
  }
}
