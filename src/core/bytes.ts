// Owns one direction's bytes: a window [start, end) of one buffer. There is never a second buffer for the same bytes.
//
//   buffer  |.......|taken by the reader ... start|####### unread #######|end ... room |
//
// Three kinds of buffer stand behind it, and the one who fills decides:
//   empty    no memory is held (an idle connection costs nothing)
//   owned    this window is the only user of the buffer
//   lent     a provider's shared read buffer, valid until keep() or the end of the current pump; keep() copies what is left

const NONE = Buffer.alloc(0)

export class Bytes {
  buffer: Buffer = NONE
  start = 0
  end = 0
  /** The buffer is a provider's and will be overwritten by its next read. */
  lent = false

  get length(): number {
    return this.end - this.start
  }

  /** What is unread, as a view; valid until the next change. */
  view(): Buffer {
    return this.start === 0 && this.end === this.buffer.length ? this.buffer : this.buffer.subarray(this.start, this.end)
  }

  /** Takes n bytes from the front. Taking all lets go of the buffer. */
  take(n: number): void {
    if (!(n >= 0 && n <= this.end - this.start)) throw new RangeError(`take(${n}) of ${this.end - this.start} bytes`)
    this.start += n
    if (this.start === this.end) this.clear()
  }

  /** Room behind the window of an owned buffer. */
  get room(): number {
    return this.lent ? 0 : this.buffer.length - this.end
  }

  /** Lets go of the buffer. */
  clear(): void {
    this.buffer = NONE
    this.start = 0
    this.end = 0
    this.lent = false
  }

  /** Becomes the only user of `buffer`; the window is all of it. Only when nothing is unread. */
  adopt(buffer: Buffer): void {
    this.buffer = buffer
    this.start = 0
    this.end = buffer.length
    this.lent = false
  }

  /** Looks at n bytes of a provider's shared buffer. Only when nothing is unread. */
  lend(shared: Buffer, n: number, start = 0): void {
    this.buffer = shared
    this.start = start
    this.end = start + n
    this.lent = true
  }

  /** Copies what is left of a lent buffer, so that the provider may read again. */
  keep(): void {
    if (!this.lent) return
    const n = this.end - this.start
    if (n === 0) {
      this.clear()
      return
    }
    const own = Buffer.allocUnsafe(n) // little ones share Node's pool: what waits here for a server is mostly a first message
    own.set(this.buffer.subarray(this.start, this.end))
    this.adopt(own)
  }

  /** Copies chunk behind what is unread: for handshakes and what is said by handlers, never on the data path. */
  append(chunk: Uint8Array): void {
    const had = this.end - this.start
    if (had === 0) {
      this.adopt(Buffer.from(chunk))
      return
    }
    if (this.room >= chunk.length) {
      this.buffer.set(chunk, this.end)
      this.end += chunk.length
      return
    }
    const grown = Buffer.allocUnsafeSlow(Math.max(had + chunk.length, 2 * had))
    this.buffer.copy(grown, 0, this.start, this.end)
    grown.set(chunk, had)
    this.buffer = grown
    this.start = 0
    this.end = had + chunk.length
    this.lent = false
  }
}
