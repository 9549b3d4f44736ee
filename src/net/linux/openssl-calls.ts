// Owns the table of functions of the OpenSSL that Node itself carries and exports, bound through koffi.
//
// Pointers are numbers (addresses), 0 is NULL: nothing is wrapped, nothing is allocated per call. Bytes go and come as Buffers, or as
// addresses where a buffer's address is known for good (the shared read buffer). Who owns what is OpenSSL's business and said there.

import { createRequire } from 'node:module'
import { messageOf } from '../../util/shown.ts'

type Ptr = number

/** The functions, named as in OpenSSL's manual without prefixes where the sense is plain. */
export interface OpenSsl {
  /** `OpenSSL 3.0.19 27 Jan 2026`. */
  readonly version: string
  addressOf(bytes: Uint8Array): Ptr
  /** errno as the last call left it: to be asked before any other call. */
  errno(): number
  /** Copies n bytes of C's memory. */
  copyOut(into: Uint8Array, from: Ptr, n: number): Ptr
  copyIn(to: Ptr, from: Uint8Array, n: number): Ptr

  readonly serverMethod: Ptr
  readonly clientMethod: Ptr
  ctxNew(method: Ptr): Ptr
  ctxFree(ctx: Ptr): void
  ctxCtrl(ctx: Ptr, command: number, value: number): number
  ctxCtrlPtr(ctx: Ptr, command: number, value: number, pointer: Ptr): number
  ctxCtrlText(ctx: Ptr, command: number, value: number, text: string): number
  ctxCtrlBytes(ctx: Ptr, command: number, size: number, bytes: Uint8Array): number
  ctxSetOptions(ctx: Ptr, options: number): number
  ctxSetCiphers(ctx: Ptr, list: string): number
  ctxSetSuites(ctx: Ptr, list: string): number
  /** `asked`: every fault is put to whom onVerify() named. */
  ctxSetVerify(ctx: Ptr, mode: number, asked: boolean): void
  ctxSetSessionId(ctx: Ptr, id: Uint8Array, size: number): number
  ctxSetTimeout(ctx: Ptr, seconds: number): number
  ctxSetReadBuffer(ctx: Ptr, size: number): void
  ctxSetAlpn(ctx: Ptr, protocols: Uint8Array, size: number): number
  /** The choice among the protocols that a client offers: an index into its list as on the wire, or -1. */
  ctxSetAlpnSelect(ctx: Ptr): void
  /** Its connections tell their secrets to whom onKeyLog() named. */
  ctxSetKeyLog(ctx: Ptr): void
  ctxUseCertificate(ctx: Ptr, x509: Ptr): number
  ctxUseKey(ctx: Ptr, key: Ptr): number
  ctxSetDh(ctx: Ptr, params: Ptr): number
  ctxAddClientCa(ctx: Ptr, x509: Ptr): number
  ctxStore(ctx: Ptr): Ptr
  storeAddCert(store: Ptr, x509: Ptr): number
  storeAddCrl(store: Ptr, crl: Ptr): number
  storeSetFlags(store: Ptr, flags: number): number

  bioMemBuf(bytes: Uint8Array, size: number): Ptr
  bioMem(): Ptr
  bioCtrl(bio: Ptr, command: number, value: number): number
  bioRead(bio: Ptr, into: Uint8Array, size: number): number
  bioFree(bio: Ptr): number
  bioUpRef(bio: Ptr): number
  readX509(bio: Ptr): Ptr
  readKey(bio: Ptr): Ptr
  readCrl(bio: Ptr): Ptr
  readParams(bio: Ptr): Ptr
  x509Free(x509: Ptr): void
  keyFree(key: Ptr): void
  crlFree(crl: Ptr): void
  x509ToBio(bio: Ptr, x509: Ptr): number

  sslNew(ctx: Ptr): Ptr
  sslFree(ssl: Ptr): void
  setFd(ssl: Ptr, fd: number): number
  setRbio(ssl: Ptr, bio: Ptr): void
  wbio(ssl: Ptr): Ptr
  accept(ssl: Ptr): number
  connect(ssl: Ptr): number
  read(ssl: Ptr, into: Ptr, size: number): number
  readInto(ssl: Ptr, into: Uint8Array, size: number): number
  peek(ssl: Ptr, into: Uint8Array, size: number): number
  write(ssl: Ptr, from: Ptr, size: number): number
  writeFrom(ssl: Ptr, from: Uint8Array, size: number): number
  hasPending(ssl: Ptr): number
  /** RH: at or in a header; RB: in what follows one. */
  recordState(ssl: Ptr): string
  getError(ssl: Ptr, result: number): number
  shutdown(ssl: Ptr): number
  setShutdown(ssl: Ptr, mode: number): void
  errorGet(): number
  /** The latest entry, left where it is; 0: none. */
  errorLast(): number
  errorReason(error: number): string | null
  errorLibrary(error: number): string | null
  errorClear(): void
  verifyResult(ssl: Ptr): number
  peerCertificate(ssl: Ptr): Ptr
  /** STACK_OF(X509) *, which stays the connection's. */
  peerChain(ssl: Ptr): Ptr
  stackSize(stack: Ptr): number
  stackItem(stack: Ptr, index: number): Ptr
  serverName(ssl: Ptr, type: number): string | null
  protocol(ssl: Ptr): number
  currentCipher(ssl: Ptr): Ptr
  cipherName(cipher: Ptr): string
  cipherBits(cipher: Ptr, algorithm: Uint8Array): number
  reused(ssl: Ptr): number
  /** Its number for groupName(); 0: none. */
  negotiatedGroup(ssl: Ptr): number
  groupName(ssl: Ptr, group: number): string | null
  alpnSelected(ssl: Ptr, pointer: Uint8Array, size: Uint8Array): void
  session(ssl: Ptr): Ptr
  setSession(ssl: Ptr, session: Ptr): number
  sessionFree(session: Ptr): void
  sessionResumable(session: Ptr): number
  /** Where the id is; its length in the 4 bytes. */
  sessionId(session: Ptr, size: Uint8Array): Ptr
  readonly masterKey: (session: Ptr, into: Uint8Array, size: number) => number
  readonly clientRandom: (ssl: Ptr, into: Uint8Array, size: number) => number
  readonly serverRandom: (ssl: Ptr, into: Uint8Array, size: number) => number
  readonly finished: (ssl: Ptr, into: Uint8Array, size: number) => number
  readonly peerFinished: (ssl: Ptr, into: Uint8Array, size: number) => number
  isServer(ssl: Ptr): number
  setHost(ssl: Ptr, name: string): number
  setHostFlags(ssl: Ptr, flags: number): void
  setServerName(ssl: Ptr, name: string): number
  verifyParam(ssl: Ptr): Ptr
  setIp(param: Ptr, ip: string): number
}

export interface NoOpenSsl {
  /** Why the functions cannot be had, for -vv. */
  readonly reason: string
}

/** Chooses among the protocols that a client offers, as on the wire (a length byte before each). Returns where its choice's bytes begin, or -1. */
export type AlpnChoice = (offered: Buffer) => number

/** Whether verification goes on in spite of a fault: its number, and its depth in the chain (0: the certificate itself). */
export type VerifyChoice = (error: number, depth: number) => boolean

/** One line of the key log of a connection, in memory of its own. */
export type KeyLogLine = (ssl: Ptr, line: Buffer) => void

let loaded: OpenSsl | NoOpenSsl | undefined
let choose: AlpnChoice = () => -1
let tolerate: VerifyChoice = () => false
let logKey: KeyLogLine = () => undefined

/** Who chooses the protocol while a handshake runs: called from inside accept(), for the connection that is being accepted. */
export function onAlpn(choice: AlpnChoice): void {
  choose = choice
}

/** Who judges faults found while a handshake runs. */
export function onVerify(choice: VerifyChoice): void {
  tolerate = choice
}

/** Who keeps secrets of the connections that log them. */
export function onKeyLog(keep: KeyLogLine): void {
  logKey = keep
}

/** Binds the functions once per thread. */
export function loadOpenSsl(): OpenSsl | NoOpenSsl {
  loaded ??= load()
  return loaded
}

function load(): OpenSsl | NoOpenSsl {
  const [major = '', minor = ''] = process.versions.openssl.split('.')
  if (major !== '3') return { reason: `Node carries OpenSSL ${major}.${minor}, and its functions are known for OpenSSL 3` }
  let koffi: typeof import('koffi')
  try {
    koffi = createRequire(import.meta.url)('koffi')
  } catch (error) {
    return { reason: `koffi does not load: ${error instanceof Error ? error.message.split('\n', 1)[0] : String(error)}` }
  }
  try {
    return bindFunctions(koffi)
  } catch (error) {
    return { reason: `Node does not export what is needed of OpenSSL: ${messageOf(error)}` }
  }
}

/** Every name that is missing in this Node throws here. */
function bindFunctions(koffi: typeof import('koffi')): OpenSsl {
  const lib = koffi.load(null)
  const f = (definition: string) => lib.func(definition)
  const version: string = f('const char *OpenSSL_version(int)')(0)
  // SSL, BIO and the rest belong to one library only if Node's own is the one that is found.
  if (!version.startsWith(`OpenSSL ${process.versions.openssl.replace(/[+].*$/, '')}`)) throw new Error(`found is ${version}, Node's own is ${process.versions.openssl}`)
  const serverMethod: Ptr = f('intptr_t TLS_server_method()')()
  const clientMethod: Ptr = f('intptr_t TLS_client_method()')()
  const memBuf: (bytes: Uint8Array, n: number) => Ptr = f('intptr_t BIO_new_mem_buf(void *, int)')
  const bioNew: (method: Ptr) => Ptr = f('intptr_t BIO_new(intptr_t)')
  const memMethod: Ptr = f('intptr_t BIO_s_mem()')()
  const pem = (type: string): ((bio: Ptr) => Ptr) => {
    const read: (bio: Ptr, out: Ptr, callback: Ptr, user: Ptr) => Ptr = f(`intptr_t PEM_read_bio_${type}(intptr_t, intptr_t, intptr_t, intptr_t)`)
    return (bio) => read(bio, 0, 0, 0)
  }
  const readParams: (bio: Ptr, out: Ptr) => Ptr = f('intptr_t PEM_read_bio_Parameters(intptr_t, intptr_t)')
  const ctxCtrlPtr: OpenSsl['ctxCtrlPtr'] = f('long SSL_CTX_ctrl(intptr_t, int, long, intptr_t)')
  const bioCtrl: (bio: Ptr, command: number, value: number, pointer: Ptr) => number = f('long BIO_ctrl(intptr_t, int, long, intptr_t)')
  const sslCtrl: (ssl: Ptr, command: number, value: number, pointer: Ptr) => number = f('long SSL_ctrl(intptr_t, int, long, intptr_t)')
  const sslCtrlText: (ssl: Ptr, command: number, value: number, text: string) => number = f('long SSL_ctrl(intptr_t, int, long, const char *)')
  const setAlpnSelect: (ctx: Ptr, callback: bigint, user: Ptr) => void = f('void SSL_CTX_set_alpn_select_cb(intptr_t, void *, intptr_t)')
  const copyOut: OpenSsl['copyOut'] = f('intptr_t memcpy(void *, intptr_t, size_t)')
  const copyIn: OpenSsl['copyIn'] = f('intptr_t memcpy(intptr_t, void *, size_t)')

  const pointer = Buffer.alloc(8)
  const length = Buffer.alloc(1)
  const alpnSelect = koffi.register(
    (_ssl: Ptr, out: Ptr, outSize: Ptr, list: Ptr, size: number): number => {
      const offered = Buffer.alloc(size)
      copyOut(offered, list, size)
      const at = choose(offered)
      if (at < 1) return 3 // SSL_TLSEXT_ERR_NOACK: goes on without a protocol
      pointer.writeBigUInt64LE(BigInt(list + at))
      copyIn(out, pointer, 8)
      length[0] = offered[at - 1] ?? 0
      copyIn(outSize, length, 1)
      return 0
    },
    koffi.pointer(koffi.proto('int headgate_alpn_select(intptr_t, intptr_t, intptr_t, intptr_t, uint, intptr_t)')),
  )

  const setVerify: (ctx: Ptr, mode: number, callback: bigint | null) => void = f('void SSL_CTX_set_verify(intptr_t, int, void *)')
  const storeError: (store: Ptr) => number = f('int X509_STORE_CTX_get_error(intptr_t)')
  const storeDepth: (store: Ptr) => number = f('int X509_STORE_CTX_get_error_depth(intptr_t)')
  const verify = koffi.register(
    (ok: number, store: Ptr): number => (ok === 1 || tolerate(storeError(store), storeDepth(store)) ? 1 : 0),
    koffi.pointer(koffi.proto('int headgate_verify(int, intptr_t)')),
  )

  const setKeyLog: (ctx: Ptr, callback: bigint) => void = f('void SSL_CTX_set_keylog_callback(intptr_t, void *)')
  const strlen: (text: Ptr) => number = f('size_t strlen(intptr_t)')
  let keyLog: bigint | undefined
  const registerKeyLog = (): bigint =>
    koffi.register(
      (ssl: Ptr, text: Ptr): void => {
        const line = Buffer.alloc(strlen(text))
        copyOut(line, text, line.length)
        logKey(ssl, line)
      },
      koffi.pointer(koffi.proto('void headgate_keylog(intptr_t, intptr_t)')),
    )

  return {
    version,
    addressOf: (bytes) => Number(koffi.address(bytes)),
    errno: () => koffi.errno(),
    copyOut,
    copyIn,
    serverMethod,
    clientMethod,
    ctxNew: f('intptr_t SSL_CTX_new(intptr_t)'),
    ctxFree: f('void SSL_CTX_free(intptr_t)'),
    ctxCtrl: (ctx, command, value) => ctxCtrlPtr(ctx, command, value, 0),
    ctxCtrlPtr,
    ctxCtrlText: f('long SSL_CTX_ctrl(intptr_t, int, long, const char *)'),
    ctxCtrlBytes: f('long SSL_CTX_ctrl(intptr_t, int, long, void *)'),
    ctxSetOptions: f('uint64_t SSL_CTX_set_options(intptr_t, uint64_t)'),
    ctxSetCiphers: f('int SSL_CTX_set_cipher_list(intptr_t, const char *)'),
    ctxSetSuites: f('int SSL_CTX_set_ciphersuites(intptr_t, const char *)'),
    ctxSetVerify: (ctx, mode, asked) => setVerify(ctx, mode, asked ? verify : null),
    ctxSetSessionId: f('int SSL_CTX_set_session_id_context(intptr_t, void *, uint)'),
    ctxSetTimeout: f('long SSL_CTX_set_timeout(intptr_t, long)'),
    ctxSetReadBuffer: f('void SSL_CTX_set_default_read_buffer_len(intptr_t, size_t)'),
    ctxSetAlpn: f('int SSL_CTX_set_alpn_protos(intptr_t, void *, uint)'),
    ctxSetAlpnSelect: (ctx) => setAlpnSelect(ctx, alpnSelect, 0),
    ctxSetKeyLog: (ctx) => setKeyLog(ctx, (keyLog ??= registerKeyLog())),
    ctxUseCertificate: f('int SSL_CTX_use_certificate(intptr_t, intptr_t)'),
    ctxUseKey: f('int SSL_CTX_use_PrivateKey(intptr_t, intptr_t)'),
    ctxSetDh: f('int SSL_CTX_set0_tmp_dh_pkey(intptr_t, intptr_t)'),
    ctxAddClientCa: f('int SSL_CTX_add_client_CA(intptr_t, intptr_t)'),
    ctxStore: f('intptr_t SSL_CTX_get_cert_store(intptr_t)'),
    storeAddCert: f('int X509_STORE_add_cert(intptr_t, intptr_t)'),
    storeAddCrl: f('int X509_STORE_add_crl(intptr_t, intptr_t)'),
    storeSetFlags: f('int X509_STORE_set_flags(intptr_t, ulong)'),
    bioMemBuf: memBuf,
    bioMem: () => bioNew(memMethod),
    bioCtrl: (bio, command, value) => bioCtrl(bio, command, value, 0),
    bioRead: f('int BIO_read(intptr_t, void *, int)'),
    bioFree: f('int BIO_free(intptr_t)'),
    bioUpRef: f('int BIO_up_ref(intptr_t)'),
    readX509: pem('X509'),
    readKey: pem('PrivateKey'),
    readCrl: pem('X509_CRL'),
    readParams: (bio) => readParams(bio, 0),
    x509Free: f('void X509_free(intptr_t)'),
    keyFree: f('void EVP_PKEY_free(intptr_t)'),
    crlFree: f('void X509_CRL_free(intptr_t)'),
    x509ToBio: f('int i2d_X509_bio(intptr_t, intptr_t)'),
    sslNew: f('intptr_t SSL_new(intptr_t)'),
    sslFree: f('void SSL_free(intptr_t)'),
    setFd: f('int SSL_set_fd(intptr_t, int)'),
    setRbio: f('void SSL_set0_rbio(intptr_t, intptr_t)'),
    wbio: f('intptr_t SSL_get_wbio(intptr_t)'),
    accept: f('int SSL_accept(intptr_t)'),
    connect: f('int SSL_connect(intptr_t)'),
    read: f('int SSL_read(intptr_t, intptr_t, int)'),
    readInto: f('int SSL_read(intptr_t, void *, int)'),
    peek: f('int SSL_peek(intptr_t, void *, int)'),
    write: f('int SSL_write(intptr_t, intptr_t, int)'),
    writeFrom: f('int SSL_write(intptr_t, void *, int)'),
    hasPending: f('int SSL_has_pending(intptr_t)'),
    recordState: f('const char *SSL_rstate_string(intptr_t)'),
    getError: f('int SSL_get_error(intptr_t, int)'),
    shutdown: f('int SSL_shutdown(intptr_t)'),
    setShutdown: f('void SSL_set_shutdown(intptr_t, int)'),
    errorLast: f('ulong ERR_peek_last_error()'),
    errorGet: f('ulong ERR_get_error()'),
    errorReason: f('const char *ERR_reason_error_string(ulong)'),
    errorLibrary: f('const char *ERR_lib_error_string(ulong)'),
    errorClear: f('void ERR_clear_error()'),
    verifyResult: f('long SSL_get_verify_result(intptr_t)'),
    peerCertificate: f('intptr_t SSL_get1_peer_certificate(intptr_t)'),
    peerChain: f('intptr_t SSL_get_peer_cert_chain(intptr_t)'),
    stackSize: f('int OPENSSL_sk_num(intptr_t)'),
    stackItem: f('intptr_t OPENSSL_sk_value(intptr_t, int)'),
    serverName: f('const char *SSL_get_servername(intptr_t, int)'),
    protocol: f('int SSL_version(intptr_t)'),
    currentCipher: f('intptr_t SSL_get_current_cipher(intptr_t)'),
    cipherName: f('const char *SSL_CIPHER_get_name(intptr_t)'),
    cipherBits: f('int SSL_CIPHER_get_bits(intptr_t, void *)'),
    reused: f('int SSL_session_reused(intptr_t)'),
    negotiatedGroup: (ssl) => sslCtrl(ssl, 134, 0, 0), // SSL_CTRL_GET_NEGOTIATED_GROUP
    groupName: f('const char *SSL_group_to_name(intptr_t, int)'),
    alpnSelected: f('void SSL_get0_alpn_selected(intptr_t, void *, void *)'),
    session: f('intptr_t SSL_get1_session(intptr_t)'),
    setSession: f('int SSL_set_session(intptr_t, intptr_t)'),
    sessionFree: f('void SSL_SESSION_free(intptr_t)'),
    sessionResumable: f('int SSL_SESSION_is_resumable(intptr_t)'),
    sessionId: f('intptr_t SSL_SESSION_get_id(intptr_t, void *)'),
    masterKey: f('size_t SSL_SESSION_get_master_key(intptr_t, void *, size_t)'),
    clientRandom: f('size_t SSL_get_client_random(intptr_t, void *, size_t)'),
    serverRandom: f('size_t SSL_get_server_random(intptr_t, void *, size_t)'),
    finished: f('size_t SSL_get_finished(intptr_t, void *, size_t)'),
    peerFinished: f('size_t SSL_get_peer_finished(intptr_t, void *, size_t)'),
    isServer: f('int SSL_is_server(intptr_t)'),
    setHost: f('int SSL_set1_host(intptr_t, const char *)'),
    setHostFlags: f('void SSL_set_hostflags(intptr_t, uint)'),
    setServerName: (ssl, name) => sslCtrlText(ssl, 55, 0, name), // SSL_CTRL_SET_TLSEXT_HOSTNAME, host_name
    verifyParam: f('intptr_t SSL_get0_param(intptr_t)'),
    setIp: f('int X509_VERIFY_PARAM_set1_ip_asc(intptr_t, const char *)'),
  }
}
