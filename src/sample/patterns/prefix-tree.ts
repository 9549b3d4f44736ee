// Owns a tree of bit prefixes with longest-match look-up: IPv4 and IPv6 networks, a million of them in flat arrays.
//
// Each node has a prefix (its bits and their number) and two children that begin with it and go on with 0 or 1. Nodes exist only
// where something was inserted or where two prefixes part, so a look-up visits at most one node per differing bit.

/** Keys are 32-bit words, most significant first: one for IPv4, four for IPv6. */
export class PrefixTree<T> {
  readonly #words: number
  #bits = new Uint8Array(16)
  #keys: Uint32Array
  /** Children of node n at 2n and 2n+1; -1: none. */
  #child = new Int32Array(32).fill(-1)
  readonly #values: (T | undefined)[] = []
  #root = -1

  constructor(words: 1 | 4) {
    this.#words = words
    this.#keys = new Uint32Array(16 * words)
  }

  /** The value at exactly this prefix. */
  get(key: Uint32Array, bits: number): T | undefined {
    let node = this.#root
    while (node >= 0) {
      const has = this.#bits[node] ?? 0
      if (has > bits || this.#common(node, key) < has) return undefined
      if (has === bits) return this.#values[node]
      node = this.#child[2 * node + bit(key, has)] ?? -1
    }
    return undefined
  }

  /** Puts a value at a prefix; undefined takes it away. Bits behind the prefix are ignored. */
  set(key: Uint32Array, bits: number, value: T | undefined): void {
    let parent = -1
    let side = 0
    let node = this.#root
    while (node >= 0) {
      const has = this.#bits[node] ?? 0
      const common = Math.min(this.#common(node, key), bits)
      if (common < has) {
        // they part above this node: a new one in between
        const fork = this.#node(key, common, common === bits ? value : undefined)
        this.#child[2 * fork + this.#bitOf(node, common)] = node
        this.#link(parent, side, fork)
        if (common < bits) {
          const leaf = this.#node(key, bits, value) // may move the arrays
          this.#child[2 * fork + bit(key, common)] = leaf
        }
        return
      }
      if (has === bits) {
        this.#values[node] = value
        return
      }
      parent = node
      side = bit(key, has)
      node = this.#child[2 * node + side] ?? -1
    }
    const leaf = this.#node(key, bits, value)
    this.#link(parent, side, leaf)
  }

  /** The value of the longest prefix of `key` that has one. */
  longest(key: Uint32Array): T | undefined {
    let best: T | undefined
    let node = this.#root
    const full = 32 * this.#words
    while (node >= 0) {
      const has = this.#bits[node] ?? 0
      if (this.#common(node, key) < has) break
      const value = this.#values[node]
      if (value !== undefined) best = value
      if (has === full) break
      node = this.#child[2 * node + bit(key, has)] ?? -1
    }
    return best
  }

  #link(parent: number, side: number, node: number): void {
    if (parent < 0) this.#root = node
    else this.#child[2 * parent + side] = node
  }

  /** How many leading bits of a node's key (at most all) are those of `key`. */
  #common(node: number, key: Uint32Array): number {
    const words = this.#words
    for (let w = 0; w < words; w++) {
      const differ = ((this.#keys[node * words + w] ?? 0) ^ (key[w] ?? 0)) >>> 0
      if (differ !== 0) return 32 * w + Math.clz32(differ)
    }
    return 32 * words
  }

  #bitOf(node: number, at: number): 0 | 1 {
    return ((this.#keys[node * this.#words + (at >>> 5)] ?? 0) >>> (31 - (at & 31))) & 1 ? 1 : 0
  }

  #node(key: Uint32Array, bits: number, value: T | undefined): number {
    const node = this.#values.length
    if (node === this.#bits.length) this.#grow()
    this.#values.push(value)
    this.#bits[node] = bits
    for (let w = 0; w < this.#words; w++) {
      const kept = Math.min(32, Math.max(0, bits - 32 * w))
      this.#keys[node * this.#words + w] = kept === 0 ? 0 : ((key[w] ?? 0) & (0xffffffff << (32 - kept))) >>> 0
    }
    this.#child[2 * node] = -1
    this.#child[2 * node + 1] = -1
    return node
  }

  #grow(): void {
    const size = 2 * this.#bits.length
    const bits = new Uint8Array(size)
    bits.set(this.#bits)
    this.#bits = bits
    const keys = new Uint32Array(size * this.#words)
    keys.set(this.#keys)
    this.#keys = keys
    const child = new Int32Array(2 * size)
    child.set(this.#child)
    this.#child = child
  }
}

function bit(key: Uint32Array, at: number): 0 | 1 {
  return ((key[at >>> 5] ?? 0) >>> (31 - (at & 31))) & 1 ? 1 : 0
}
