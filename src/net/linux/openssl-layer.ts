// Owns TLS on the linux provider: a TlsSession on OpenSSL, on the very descriptor of a LinuxSock.
//
//   rest ──► memory BIO ─┐ until it is empty
//                        ├─► SSL ─► fill(): the thread's shared buffer, several records at a time
//   descriptor ──────────┘        ◄─ flush(): one record per SSL_write, until the kernel takes no more
//
// Readiness stays the sock's: it is told when OpenSSL found the descriptor dry or full, and no call is made whose answer is known.
// close_notify and FIN are two steps (shutData, shutCtrl), as the closing state wants them.
//
// OpenSSL's error queue belongs to the thread: what another connection, or Node's own crypto, left there would be taken for this one's
// error. Emptying it costs more than a read does. So reads and writes are made without, and an error is believed only if it is
// still one when tried again on an empty queue; whoever fails leaves it empty.

import type { Bytes } from '../../core/bytes.ts'
import { EMPTY_IN, ERR_IN, ERR_OUT, FULL_OUT, SHUT_IN, SHUT_OUT, type Flow, type HandshakeState } from '../../core/sock.ts'
import { HANDSHAKE_CLOSED, HANDSHAKE_FAILURE, TLS_FATAL, type TlsCertificate, type TlsFacts, type TlsFailure, type TlsLive, type TlsSecrets, type TlsSession } from '../../core/tls.ts'
import type { OpenSsl } from './openssl-calls.ts'
import type { TlsContext } from './openssl-context.ts'
import { errorOf, isAlert, isGone, SYSCALL, takeErrors, WANT_READ, WANT_WRITE, ZERO_RETURN, type Raised } from './openssl-errors.ts'
import { opensslSecrets } from './openssl-secrets.ts'
import { groupOf, peerChain, sessionFacts } from './openssl-facts.ts'
import { forgetKeyLog, keyLogged } from './openssl-keylog.ts'
import { addressOf } from './openssl-lent.ts'
import { OverSock } from './over-sock.ts'
import { makeRoom } from './room.ts'
import type { LinuxSock } from './sock.ts'
import { E } from './syscalls.ts'

const BIO_C_SET_MEM_EOF_RETURN = 130
const BOTH_SHUT = 3
const RECORD = 16384
const WITHIN_RECORD = 'RB'
const NOTHING = Buffer.alloc(1)

export abstract class OpenSslLayer extends OverSock implements TlsSession, TlsLive {
  error = ''
  failure: TlsFailure | undefined
  protected readonly ssl: OpenSsl
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
  /** What OpenSSL has read from the kernel and not given out is known: nothing of the handshake is among it. */
  #counted = false
  /** It held nothing but the beginning of a header as it found the kernel's buffer empty: its next read asks for all that has come by then. */
  #fresh = true
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
    super(lower)
    this.ssl = ssl
    this.#shared = lower.shared
    this.#address = addressOf(ssl, lower.shared)
    this.handle = ssl.sslNew(context.ctx)
    if (this.handle === 0 || ssl.setFd(this.handle, lower.fd) !== 1) {
      this.#state = 'failed'
      this.failure = { detail: HANDSHAKE_FAILURE, reason: takeErrors(ssl, 0).reason }
      return
    }
    if (rest.length > 0) {
      rest.keep()
      this.#rest = rest.view()
      rest.clear()
      const memory = ssl.bioMemBuf(this.#rest, this.#rest.length)
      ssl.bioCtrl(memory, BIO_C_SET_MEM_EOF_RETURN, -1) // empty is "not yet", not the end
      ssl.setRbio(this.handle, memory)
    }
  }

  protected abstract step(): number
  protected abstract readonly own: TlsCertificate | undefined
  protected abstract sni(): string
  protected abstract alpn(): string
  /** The peer's certificate is looked at by OpenSSL. */
  protected abstract readonly verifies: boolean
  /** The peer has a certificate to show, looked at or not. */
  protected abstract readonly shown: boolean
  /** Why a certificate with this fault is refused. */
  protected abstract refused(verifyResult: number): TlsFailure
  protected failed(): void {}
  /** The peer has said something since the handshake; and: the connection is about to be closed in good order. */
  protected settled(): void {}

  handshake(): HandshakeState {
    while (this.#state === 'busy') {
      if (this.#begun && (this.#wantsOut ? this.lower.full : this.#rest === undefined && this.lower.dry)) return 'busy'
      this.#begun = true
      // A peer that has reset the connection gets no more work done for it.
      const gone = this.lower.failed()
      if (gone !== '') {
        this.#fail({ detail: HANDSHAKE_CLOSED, reason: gone })
        break
      }
      this.ssl.errorClear()
      const result = this.step()
      if (result === 1) {
        this.ssl.errorClear() // a chain that verifies may have been tried in vain before
        this.#state = 'done'
        this.#wantsOut = false
        this.#facts = sessionFacts(this.ssl, this.handle, { alpn: this.alpn(), sni: this.sni(), own: this.own, live: this, shown: this.shown, verifies: this.verifies })
        this.#count()
        return 'done'
      }
      const errno = this.ssl.errno()
      const error = this.ssl.getError(this.handle, result)
      this.#wantsOut = error === WANT_WRITE
      if (error === WANT_READ) {
        this.#fresh = this.#betweenRecords()
        if (!this.#onward()) this.lower.waitIn()
      } else if (error === WANT_WRITE) this.lower.waitOut()
      else this.#broken(result, error, errno)
    }
    return this.#state
  }

  /**
   * A client without a certificate ends its handshake with little: OpenSSL, which asks for much, has emptied the kernel's buffer. Others
   * may have filled what it asked for.
   */
  #count(): void {
    const fresh = this.#fresh
    this.#fresh = false
    if (this.shown || this.#rest !== undefined) return
    this.#counted = true
    if (fresh && !this.lower.hung && this.ssl.hasPending(this.handle) !== 1) this.#empty()
  }

  /** Within a record OpenSSL asks the kernel for no more than the rest of it, and what comes behind that stays there. */
  #betweenRecords(): boolean {
    return this.ssl.recordState(this.handle) !== WITHIN_RECORD
  }

  #empty(): void {
    this.#fresh = true
    this.#more = false
    this.lower.waitIn()
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
    const raised = takeErrors(this.ssl, errno)
    const { reason } = raised
    // An end without an alert is the peer's going, not ours.
    if (error === ZERO_RETURN || result === 0 || (error === SYSCALL && reason === '') || isGone(reason)) this.#fail({ detail: HANDSHAKE_CLOSED, reason: reason.startsWith('E') ? reason : '' })
    else {
      const failure = verify === 0 ? { detail: HANDSHAKE_FAILURE, reason } : this.refused(verify)
      const cause = errorOf(this.ssl, raised.number)
      this.#fail({ ...failure, sni: this.sni(), ...(cause === undefined ? {} : { error: cause }) })
    }
  }

  #fail(failure: TlsFailure): void {
    this.#state = 'failed'
    this.failure = failure
    this.failed()
  }

  facts(): TlsFacts {
    if (this.#facts === undefined) throw new Error('facts of a TLS session before its handshake was done')
    return this.#facts
  }

  secrets(): TlsSecrets | undefined {
    return this.handle === 0 ? undefined : opensslSecrets(this.ssl, this.handle)
  }

  chain(): Buffer | undefined {
    return this.handle === 0 || !this.shown ? undefined : peerChain(this.ssl, this.handle)
  }

  group(): string | undefined {
    return this.handle === 0 ? undefined : groupOf(this.ssl, this.handle)
  }

  keyLogged(label: string): string | undefined {
    return keyLogged(this.handle, label)
  }

  fill(into: Bytes): Flow {
    if (this.#state !== 'done') return this.#state === 'failed' ? this.lower.fill(into) : EMPTY_IN
    if (this.error !== '' || this.handle === 0) return ERR_IN
    if (this.#ended) return SHUT_IN
    const { lower } = this
    if (!this.#more && (this.#wantsOut ? lower.full : lower.dry)) return EMPTY_IN
    let fresh = this.#fresh
    this.#fresh = false
    if (into.end > into.start) return this.#fillBehind(into, fresh)
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
      if (this.#drained(filled, fresh)) {
        flow = EMPTY_IN
        break
      }
      fresh = false
    }
    if (filled === 0) return flow
    into.lend(this.#shared, filled)
    return flow & EMPTY_IN // an end or an error is told when what came before it was taken
  }

  /** Behind bytes that wait: one record. */
  #fillBehind(into: Bytes, fresh: boolean): Flow {
    const room = makeRoom(into)
    const n = this.ssl.readInto(this.handle, into.buffer.subarray(into.end, into.end + room), room)
    if (n <= 0) return this.#nothing(n)
    into.end += n
    return this.#drained(n, fresh) ? EMPTY_IN : 0
  }

  /**
   * All that was in the kernel's buffer has been read, known without a further call: OpenSSL had nothing, asked for much more than a record,
   * has nothing left over, and the first record is less than it asked for. The peer's end would have to be read separately.
   */
  #drained(filled: number, fresh: boolean): boolean {
    this.#wantsOut = false
    this.#more = true
    if (!this.#heard) {
      this.#heard = true
      this.settled()
    }
    if (!fresh || !this.#counted || filled >= RECORD || this.#rest !== undefined || this.lower.hung || this.ssl.hasPending(this.handle) === 1) return false
    this.#empty()
    return true
  }

  #nothing(result: number): Flow {
    const errno = this.ssl.errno()
    let error = this.ssl.getError(this.handle, result)
    if (error === WANT_READ) {
      if (this.#onward()) return 0
      this.#more = false
      this.#wantsOut = false
      this.#counted = true
      this.#fresh = this.#betweenRecords()
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
    // The kernel tells of a reset once: asked again, it would say end.
    if (error === SYSCALL && errno === E.ECONNRESET) {
      this.ssl.errorClear()
      this.#break('ECONNRESET')
      return ERR_IN
    }
    // Somebody else's error in the queue would look like this one. A fatal alert is the peer's own, and read once only.
    const alert = isAlert(this.ssl.errorLast())
    const raised = takeErrors(this.ssl, errno)
    if (alert) {
      this.#breakTls(raised)
      return ERR_IN
    }
    const again = this.ssl.peek(this.handle, NOTHING, 1)
    error = again > 0 ? 0 : this.ssl.getError(this.handle, again)
    this.ssl.errorClear()
    if (error === WANT_READ) return this.lower.waitIn()
    if (again > 0) return 0
    if (error === ZERO_RETURN) {
      this.#ended = true
      return SHUT_IN
    }
    this.#breakTls(raised)
    return ERR_IN
  }

  #breakTls({ number, reason }: Raised): void {
    const error = errorOf(this.ssl, number)
    if (error !== undefined) this.failure ??= { detail: TLS_FATAL, reason, error }
    this.#break(reason)
  }

  #break(reason: string): void {
    if (this.error === '') this.error = reason === '' ? 'ECONNRESET' : reason
  }

  flush(from: Bytes): Flow {
    if (this.#state !== 'done' || this.error !== '' || this.handle === 0) return ERR_OUT
    if (this.#ending) return SHUT_OUT
    if (this.lower.full) return FULL_OUT
    while (from.end > from.start) {
      const n = this.#write(from)
      if (n <= 0) return this.#notWritten(n, from)
      from.take(n)
    }
    return 0
  }

  #write(from: Bytes): number {
    const size = from.end - from.start
    if (from.lent) return this.ssl.write(this.handle, addressOf(this.ssl, from.buffer) + from.start, size)
    return this.ssl.writeFrom(this.handle, from.start === 0 ? from.buffer : from.buffer.subarray(from.start, from.end), size)
  }

  #notWritten(result: number, from: Bytes): Flow {
    let errno = this.ssl.errno()
    let error = this.ssl.getError(this.handle, result)
    if (error !== WANT_WRITE && error !== WANT_READ) {
      const raised = takeErrors(this.ssl, errno)
      const again = this.#write(from)
      if (again > 0) {
        from.take(again)
        return 0
      }
      errno = this.ssl.errno()
      error = this.ssl.getError(this.handle, again)
      this.ssl.errorClear()
      if (error !== WANT_WRITE && error !== WANT_READ) {
        this.#breakTls(raised)
        return ERR_OUT
      }
    }
    if (error === WANT_WRITE) return this.lower.waitOut()
    this.lower.waitIn()
    return FULL_OUT
  }

  shutData(): boolean {
    if (this.#notified || this.#state !== 'done' || this.error !== '' || this.handle === 0) return true
    this.ssl.errorClear()
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
    forgetKeyLog(handle)
    ssl.sslFree(handle)
    this.#rest = undefined
  }
}
