// Owns a sock without a socket: what its peer says is a script, what is said to it is kept. For connections that are only imagined.

import type { Address } from '../../core/address.ts'
import type { Bytes } from '../../core/bytes.ts'
import { EMPTY_IN, SHUT_IN, SHUT_OUT } from '../../core/sock.ts'
import type { Flow, Owner, Sock } from '../../core/sock.ts'

/** What the peer does. */
export interface Script {
  /** Says first, on the wire. */
  readonly bytes: Buffer
  /** Says within TLS, where that is undone here; as if on the wire where it is not. */
  readonly inside: Buffer
  /** Ends when all is said. */
  readonly ends: boolean
  /** Shows this certificate (DER) when asked for one. */
  readonly certificate?: Buffer | undefined
}

const NOBODY: Owner = { ready: () => undefined }

export class ScriptedSock implements Sock {
  readonly provider = 'scripted'
  readonly error = ''
  readonly connecting = false
  owner: Owner = NOBODY
  readonly script: Script
  /** What was done to it, in order: bytes said as `N bytes`, `FIN`, `RST`, `closed`, `dropped`. */
  readonly done: string[] = []
  #said = 0
  #unread: Buffer
  #inside: Buffer
  #shut = false
  readonly #local: Address
  readonly #remote: Address

  constructor(script: Script, local: Address, remote: Address) {
    this.script = script
    this.#unread = script.bytes
    this.#inside = script.inside
    this.#local = local
    this.#remote = remote
  }

  /** The peer says something that was not in the script. */
  adds(bytes: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, bytes])
    this.again()
  }

  /** TLS is undone from here on: what is left of the script's wire is its, and what comes is what was said within. */
  undoTls(): void {
    this.#unread = this.#inside
    this.#inside = Buffer.alloc(0)
  }

  fill(into: Bytes): Flow {
    if (this.#unread.length === 0) {
      this.#unread = this.#inside
      this.#inside = Buffer.alloc(0)
    }
    if (this.#unread.length === 0) return this.script.ends ? SHUT_IN : EMPTY_IN
    into.append(this.#unread)
    this.#unread = Buffer.alloc(0)
    return 0
  }

  flush(from: Bytes): Flow {
    if (this.#shut) return SHUT_OUT
    this.#said += from.length
    from.clear()
    return 0
  }

  shutData(): boolean {
    return true
  }

  shutCtrl(): boolean {
    this.#shut = true
    this.#tell('FIN')
    return true
  }

  close(): void {
    this.#tell('closed')
  }

  reset(): void {
    this.#tell('RST')
  }

  drop(): void {
    this.#tell('dropped')
  }

  #tell(what: string): void {
    if (this.#said > 0) this.done.push(`${this.#said} bytes`)
    this.#said = 0
    this.done.push(what)
  }

  again(): void {
    queueMicrotask(() => this.owner.ready())
  }

  local(): Address {
    return this.#local
  }

  remote(): Address {
    return this.#remote
  }
}
