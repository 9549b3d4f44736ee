// Owns TLS on the linux provider: a TlsSession on OpenSSL, on the very descriptor of a LinuxSock.
//
//   rest ──► memory BIO ─┐ until it is empty
//                        ├─► SSL ─► fill(): the thread's shared buffer, several records at a time
//   descriptor ──────────┘        ◄─ flush(): one record per SSL_write, until the kernel takes no more
//
// Readiness stays the sock's: it is told when OpenSSL found the descriptor dry or full, and no call is made whose answer is known.
// close_notify and FIN are two steps (shutData, shutCtrl), as the closing state wants them.
//
// OpenSSL's error queue belongs to the thread, and Node's own crypto leaves things there. So an error is believed only if it is
// still one after the queue was emptied; a failed call leaves the queue empty; a successful one is never asked about.

import { isIP } from 'node:net'
import type { Address } from '../../core/address.ts'
import type { Bytes } from '../../core/bytes.ts'
import { EMPTY_IN, ERR_IN, ERR_OUT, FULL_OUT, SHUT_IN, SHUT_OUT, type Flow, type HandshakeState, type Owner } from '../../core/sock.ts'
import { HANDSHAKE_CLOSED, HANDSHAKE_FAILURE } from '../../core/tls.ts'
import type { TlsCertificate, TlsClientSettings, TlsFacts, TlsFailure, TlsServerSettings, TlsSession } from '../../core/tls.ts'
import { verifyText } from '../x509.ts'
import { onAlpn, type OpenSsl } from './openssl-calls.ts'
import { versionName, type TlsContext } from './openssl-context.ts'
import { makeRoom } from './room.ts'
import type { LinuxSock } from './sock.ts'
import { errnoName } from './syscalls.ts'

const WANT_READ = 2
const WANT_WRITE = 3
const SYSCALL = 5
const ZERO_RETURN = 6
const BIO_CTRL_PENDING = 10
const BIO_C_SET_MEM_EOF_RETURN = 130
const BOTH_SHUT = 3
const RECORD = 16384
const NO_PARTIAL_WILDCARDS = 4

/** The connection whose handshake runs: OpenSSL calls back from inside it. */
let accepting: OpenSslServer | undefined
onAlpn((offered) => accepting?.choose(offered) ?? -1)

/** Where the shared buffer of a thread is. */
const addresses = new WeakMap<Buffer, number>()

function addressOf(ssl: OpenSsl, shared: Buffer): number {
  let address = addresses.get(shared)
  if (address === undefined) {
    address = ssl.addressOf(shared)
    addresses.set(shared, address)
  }
  return address
}

abstract class OpenSslLayer implements TlsSession {
  error = ''
  failure: TlsFailure | undefined
  protected readonly ssl: OpenSsl
  protected readonly lower: LinuxSock
  /** SSL *; 0 once it is freed. */
  protected handle: number
  readonly #shared: Buffer
  readonly #address: number
  #state: HandshakeState = 'busy'
  /** What the memory BIO reads: it must stay where it is. Empty once the descriptor is read. */
  #rest: Buffer | undefined
  #begun = false
  /** Something was read since the handshake. */
  #heard = false
  #ended = false
  /** close_notify is under way, or out. */
  #ending = false
  #notified = false
  /** OpenSSL has to write before it can read on: what comes first is the way out. */
  #wantsOut = false
  /** There may be more in OpenSSL's own buffers than the last fill() had room for. */
  #more = true
  #facts: TlsFacts | undefined

  constructor(ssl: OpenSsl, context: TlsContext, lower: LinuxSock, rest: Bytes) {
    this.ssl = ssl
    this.lower = lower
    this.#shared = lower.shared
    this.#address = addressOf(ssl, lower.shared)
    this.handle = ssl.sslNew(context.ctx)
    if (this.handle === 0 || ssl.setFd(this.handle, lower.fd) !== 1) {
      this.#state = 'failed'
      this.failure = { detail: HANDSHAKE_FAILURE, reason: this.#reason(0) }
      return
    }
    if (rest.length > 0) {
      this.#rest = Buffer.from(rest.view())
      rest.clear()
      const memory = ssl.bioMemBuf(this.#rest, this.#rest.length)
      ssl.bioCtrl(memory, BIO_C_SET_MEM_EOF_RETURN, -1) // empty is "not yet", not the end
      ssl.setRbio(this.handle, memory)
    }
  }

  get owner(): Owner {
    return this.lower.owner
  }

  set owner(owner: Owner) {
    this.lower.owner = owner
  }

  protected abstract step(): number
  protected abstract readonly own: TlsCertificate | undefined
  protected abstract sni(): string
  protected abstract alpn(): string
  /** The peer's certificate is looked at by OpenSSL. */
  protected abstract readonly verifies: boolean
  /** The peer has a certificate to show, looked at or not. */
  protected abstract readonly shown: boolean
  protected failed(): void {}
  /** The peer has said something since the handshake; and: the connection is about to be closed in good order. */
  protected settled(): void {}

  handshake(): HandshakeState {
    while (this.#state === 'busy') {
      if (this.#begun && (this.#wantsOut ? this.lower.full : this.#rest === undefined && this.lower.dry)) return 'busy'
      this.#begun = true
      const result = this.step()
      if (result === 1) {
        this.ssl.errorClear()
        this.#state = 'done'
        this.#wantsOut = false
        this.#facts = this.#read()
        return 'done'
      }
      const errno = this.ssl.errno()
      const error = this.ssl.getError(this.handle, result)
      this.#wantsOut = error === WANT_WRITE
      if (error === WANT_READ) {
        if (!this.#onward()) this.lower.waitIn()
      } else if (error === WANT_WRITE) this.lower.waitOut()
      else this.#broken(result, error, errno)
    }
    return this.#state
  }

  /** The memory is read: on with the descriptor. False when that is what is read already. */
  #onward(): boolean {
    if (this.#rest === undefined) return false
    const { ssl, handle } = this
    this.#rest = undefined
    const out = ssl.wbio(handle)
    ssl.bioUpRef(out)
    ssl.setRbio(handle, out)
    return true
  }

  #broken(result: number, error: number, errno: number): void {
    const verify = this.verifies ? this.ssl.verifyResult(this.handle) : 0
    const reason = this.#reason(errno)
    // An end without an alert is the peer's going, not ours.
    const gone = error === ZERO_RETURN || result === 0 || (error === SYSCALL && reason === '') || reason === 'ECONNRESET' || reason === 'EPIPE' || reason === 'unexpected eof while reading'
    if (gone) this.#fail({ detail: HANDSHAKE_CLOSED, reason: reason.startsWith('E') ? reason : '' })
    else this.#fail({ detail: HANDSHAKE_FAILURE, reason: verify === 0 ? reason : verifyText(verify) })
  }

  #fail(failure: TlsFailure): void {
    this.#state = 'failed'
    this.failure = failure
    this.failed()
  }

  /** Empties the error queue; its first entry in words, or the system error's name, or ''. */
  #reason(errno: number): string {
    const first = this.ssl.errorGet()
    this.ssl.errorClear()
    if (first !== 0) return this.ssl.errorReason(first) ?? `error ${first.toString(16)}`
    return errno > 0 ? errnoName(errno) : ''
  }

  facts(): TlsFacts {
    if (this.#facts === undefined) throw new Error('facts of a TLS session before its handshake was done')
    return this.#facts
  }

  #read(): TlsFacts {
    const { ssl, handle } = this
    const cipher = cipherOf(ssl, ssl.currentCipher(handle))
    const resumed = ssl.reused(handle) === 1
    const peer = this.shown ? peerCertificate(ssl, handle) : undefined
    return {
      version: versionName(ssl.protocol(handle)),
      cipher: cipher.name,
      cipherBits: cipher.bits,
      algorithmBits: cipher.algorithm,
      alpn: this.alpn(),
      sni: this.sni(),
      resumed,
      peer,
      peerShown: peer !== undefined && !resumed,
      verifyResult: peer === undefined || !this.verifies ? 0 : ssl.verifyResult(handle),
      own: this.own,
    }
  }

  fill(into: Bytes): Flow {
    if (this.#state !== 'done') return this.#state === 'failed' ? this.lower.fill(into) : EMPTY_IN
    if (this.error !== '' || this.handle === 0) return ERR_IN
    if (this.#ended) return SHUT_IN
    const { lower } = this
    if (!this.#more && (this.#wantsOut ? lower.full : lower.dry)) return EMPTY_IN
    const had = into.end - into.start
    if (had > 0) return this.#fillBehind(into)
    const room = this.#shared.length
    let filled = 0
    let flow: Flow = 0
    while (room - filled >= RECORD) {
      const n = this.ssl.read(this.handle, this.#address + filled, room - filled)
      if (n <= 0) {
        flow = this.#nothing(n)
        break
      }
      filled += n
      if (this.#drained(filled)) {
        flow = EMPTY_IN
        break
      }
    }
    if (filled === 0) return flow
    into.lend(this.#shared, filled)
    return flow & EMPTY_IN // an end or an error is told when what came before it was taken
  }

  /** Behind bytes that wait: one record. */
  #fillBehind(into: Bytes): Flow {
    const room = makeRoom(into)
    const n = this.ssl.readInto(this.handle, into.buffer.subarray(into.end, into.end + room), room)
    if (n <= 0) return this.#nothing(n)
    into.end += n
    return this.#drained(n) ? EMPTY_IN : 0
  }

  /**
   * All that was in the kernel's buffer has been read, known without a further call: OpenSSL asks for much more than a record, has nothing
   * left over, and what came is less than it asked for. The peer's end would have to be read separately.
   */
  #drained(filled: number): boolean {
    this.#wantsOut = false
    this.#more = true
    if (!this.#heard) {
      this.#heard = true // what came with the end of the handshake was not counted
      this.settled()
      return false
    }
    if (filled >= RECORD || this.#rest !== undefined || this.lower.hung || this.ssl.hasPending(this.handle) === 1) return false
    this.#more = false
    this.lower.waitIn()
    return true
  }

  #nothing(result: number): Flow {
    const errno = this.ssl.errno()
    let error = this.ssl.getError(this.handle, result)
    if (error === WANT_READ) {
      if (this.#onward()) return 0
      this.#more = false
      this.#wantsOut = false
      return this.lower.waitIn()
    }
    if (error === WANT_WRITE) {
      this.#more = false
      this.#wantsOut = true
      this.lower.waitOut()
      return EMPTY_IN
    }
    if (error === ZERO_RETURN) {
      this.#ended = true
      return SHUT_IN
    }
    // Somebody else's error in the queue would look like this one.
    const reason = this.#reason(errno)
    const again = this.ssl.peek(this.handle, NOTHING, 1)
    error = again > 0 ? 0 : this.ssl.getError(this.handle, again)
    this.ssl.errorClear()
    if (error === WANT_READ) return this.lower.waitIn()
    if (again > 0) return 0
    if (error === ZERO_RETURN) {
      this.#ended = true
      return SHUT_IN
    }
    this.#break(reason)
    return ERR_IN
  }

  #break(reason: string): void {
    if (this.error === '') this.error = reason === '' ? 'ECONNRESET' : reason
  }

  flush(from: Bytes): Flow {
    if (this.#state !== 'done' || this.error !== '' || this.handle === 0) return ERR_OUT
    if (this.#ending) return SHUT_OUT
    const { lower, ssl, handle } = this
    if (lower.full) return FULL_OUT
    while (from.end > from.start) {
      const size = from.end - from.start
      let n: number
      if (from.buffer === this.#shared) n = ssl.write(handle, this.#address + from.start, size)
      else n = ssl.writeFrom(handle, from.start === 0 ? from.buffer : from.buffer.subarray(from.start, from.end), size)
      if (n <= 0) return this.#notWritten(n)
      from.take(n)
    }
    return 0
  }

  #notWritten(result: number): Flow {
    const errno = this.ssl.errno()
    const error = this.ssl.getError(this.handle, result)
    if (error === WANT_WRITE) return this.lower.waitOut()
    if (error === WANT_READ) {
      this.lower.waitIn()
      return FULL_OUT
    }
    this.#break(this.#reason(errno))
    return ERR_OUT
  }

  shutData(): boolean {
    if (this.#notified || this.#state !== 'done' || this.error !== '' || this.handle === 0) return true
    const result = this.ssl.shutdown(this.handle) // once more after it succeeded, it would read
    this.#ending = true
    this.#notified = result >= 0
    if (this.#notified) return true
    const error = this.ssl.getError(this.handle, result)
    if (error === WANT_WRITE) {
      this.lower.waitOut()
      return false
    }
    this.ssl.errorClear()
    return true // the peer is gone, or a record was given up half-sent: there is nobody to say good-bye to
  }

  shutCtrl(): boolean {
    return this.lower.shutCtrl()
  }

  close(): void {
    this.#free()
    this.lower.close()
  }

  reset(): void {
    this.#free()
    this.lower.reset()
  }

  /** Before the descriptor: OpenSSL must not meet its number again. */
  #free(): void {
    const { handle, ssl } = this
    if (handle === 0) return
    if (this.#state === 'done' && this.error === '') {
      this.settled()
      ssl.setShutdown(handle, BOTH_SHUT) // a session is not worth less because its connection ended early
    }
    this.handle = 0
    ssl.sslFree(handle)
    this.#rest = undefined
  }

  again(): void {
    this.lower.again()
  }

  local(): Address {
    return this.lower.local()
  }

  remote(): Address {
    return this.lower.remote()
  }
}

const NOTHING = Buffer.alloc(1)

interface Cipher {
  readonly name: string
  readonly bits: number
  readonly algorithm: number
}

/** OpenSSL's ciphers are constants: each is asked about once. */
const ciphers = new Map<number, Cipher>()

function cipherOf(ssl: OpenSsl, pointer: number): Cipher {
  let cipher = ciphers.get(pointer)
  if (cipher === undefined) {
    const algorithm = Buffer.alloc(4)
    const bits = ssl.cipherBits(pointer, algorithm)
    cipher = { name: ssl.cipherName(pointer), bits, algorithm: algorithm.readInt32LE() }
    ciphers.set(pointer, cipher)
  }
  return cipher
}

function peerCertificate(ssl: OpenSsl, handle: number): Buffer | undefined {
  const x509 = ssl.peerCertificate(handle)
  if (x509 === 0) return undefined
  const bio = ssl.bioMem()
  ssl.x509ToBio(bio, x509)
  const der = Buffer.alloc(ssl.bioCtrl(bio, BIO_CTRL_PENDING, 0))
  ssl.bioRead(bio, der, der.length)
  ssl.bioFree(bio)
  ssl.x509Free(x509)
  return der
}

export class OpenSslServer extends OpenSslLayer {
  protected readonly own: TlsCertificate
  protected readonly verifies: boolean
  protected readonly shown: boolean
  readonly #alpn: readonly string[]
  #chosen = ''

  constructor(ssl: OpenSsl, context: TlsContext, settings: TlsServerSettings, lower: LinuxSock, rest: Bytes) {
    super(ssl, context, lower, rest)
    this.own = settings.certificate
    this.verifies = settings.verify !== 'none'
    this.shown = this.verifies
    this.#alpn = settings.alpn
  }

  protected step(): number {
    accepting = this
    try {
      return this.ssl.accept(this.handle)
    } finally {
      accepting = undefined
    }
  }

  /** Our order decides. */
  choose(offered: Buffer): number {
    for (const protocol of this.#alpn) {
      for (let at = 0; at < offered.length; ) {
        const size = offered[at] ?? 0
        if (offered.toString('latin1', at + 1, at + 1 + size) === protocol) {
          this.#chosen = protocol
          return at + 1
        }
        at += 1 + size
      }
    }
    return -1
  }

  protected sni(): string {
    return this.ssl.serverName(this.handle, 0)?.toLowerCase() ?? ''
  }

  protected alpn(): string {
    return this.#chosen
  }
}

/** Sessions to resume with one server, by server name: SSL_SESSION *, each counted once for being here. */
export class OpenSslSessions {
  readonly #ssl: OpenSsl
  readonly #byName = new Map<string, number>()

  constructor(ssl: OpenSsl) {
    this.#ssl = ssl
  }

  get(name: string): number {
    return this.#byName.get(name) ?? 0
  }

  /** Takes over one count of the session; the oldest of too many is forgotten. */
  put(name: string, session: number): void {
    this.drop(name)
    this.#byName.set(name, session)
    if (this.#byName.size <= 1000) return
    const oldest = this.#byName.keys().next()
    if (oldest.done !== true) this.drop(oldest.value)
  }

  drop(name: string): void {
    const had = this.#byName.get(name)
    if (had === undefined) return
    this.#byName.delete(name)
    this.#ssl.sessionFree(had)
  }
}

export class OpenSslClient extends OpenSslLayer {
  protected readonly own: TlsCertificate | undefined
  protected readonly verifies: boolean
  protected readonly shown = true
  readonly #servername: string
  readonly #sessions: OpenSslSessions | undefined
  readonly #alpn: boolean

  constructor(ssl: OpenSsl, context: TlsContext, settings: TlsClientSettings, servername: string, sessions: OpenSslSessions | undefined, lower: LinuxSock, rest: Bytes) {
    super(ssl, context, lower, rest)
    this.own = settings.certificate
    this.verifies = settings.verify === 'required'
    this.#servername = servername
    this.#sessions = sessions
    this.#alpn = settings.alpn.length > 0
    const { handle } = this
    if (handle === 0) return
    if (servername !== '') ssl.setServerName(handle, servername)
    const expected = servername === '' ? (settings.verifyHost ?? '') : servername
    if (this.verifies && expected !== '') {
      ssl.setHostFlags(handle, NO_PARTIAL_WILDCARDS)
      if (isIP(expected) !== 0) ssl.setIp(ssl.verifyParam(handle), expected)
      else ssl.setHost(handle, expected)
    }
    const session = sessions?.get(servername) ?? 0
    if (session !== 0) ssl.setSession(handle, session)
  }

  protected step(): number {
    return this.ssl.connect(this.handle)
  }

  /** The session that was tried may be why. */
  protected override failed(): void {
    this.#sessions?.drop(this.#servername)
  }

  /** By now the server's tickets have come, if any did. */
  protected override settled(): void {
    if (this.#sessions === undefined) return
    const session = this.ssl.session(this.handle)
    if (session === 0) return
    if (this.ssl.sessionResumable(session) === 1) this.#sessions.put(this.#servername, session)
    else this.ssl.sessionFree(session)
  }

  protected sni(): string {
    return this.#servername
  }

  protected alpn(): string {
    if (!this.#alpn) return ''
    const pointer = Buffer.alloc(8)
    const size = Buffer.alloc(4)
    this.ssl.alpnSelected(this.handle, pointer, size)
    const name = Buffer.alloc(size.readUInt32LE())
    if (name.length > 0) this.ssl.copyOut(name, Number(pointer.readBigUInt64LE()), name.length)
    return name.toString('latin1')
  }
}
