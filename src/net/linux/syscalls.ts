// Owns the table of kernel calls that the linux provider makes, and its implementation over koffi.
//
// Every call answers as the kernel itself does: what it returns, or the negative errno. So nothing is thrown, nothing is looked up
// on the way, and a test injects any error at any call by putting its own function into the table.

import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { getSystemErrorMap } from 'node:util'
import { messageOf } from '../../util/shown.ts'

/** A descriptor watched by the loop of this thread, from the beginning. */
export interface Watch {
  /** Tells nothing until start(). */
  stop(): void
  start(): void
  /** Keeps the process alive, or not. */
  ref(): void
  unref(): void
  close(): void
}

/** Results below zero are -errno. Sizes are bytes; `null` is a null pointer. */
export interface Kernel {
  socket(domain: number, type: number, protocol: number): number
  socketpair(domain: number, type: number, protocol: number, fds: Uint8Array): number
  bind(fd: number, address: Uint8Array, size: number): number
  listen(fd: number, backlog: number): number
  accept4(fd: number, address: Uint8Array, size: Uint8Array, flags: number): number
  connect(fd: number, address: Uint8Array, size: number): number
  getsockname(fd: number, address: Uint8Array, size: Uint8Array): number
  getpeername(fd: number, address: Uint8Array, size: Uint8Array): number
  setsockopt(fd: number, level: number, name: number, value: Uint8Array, size: number): number
  getsockopt(fd: number, level: number, name: number, value: Uint8Array, size: Uint8Array): number
  recv(fd: number, into: Uint8Array, size: number, flags: number): number
  /** As recv, into memory that is given by its address. */
  recvAt(fd: number, address: number, size: number, flags: number): number
  send(fd: number, from: Uint8Array, size: number, flags: number): number
  sendto(fd: number, from: Uint8Array, size: number, flags: number, to: Uint8Array, toSize: number): number
  shutdown(fd: number, how: number): number
  close(fd: number): number
  splice(from: number, to: number, size: number, flags: number): number
  pipe2(fds: Uint8Array, flags: number): number
  fcntl(fd: number, command: number, value: number): number
  epollCreate(flags: number): number
  epollCtl(epoll: number, operation: number, fd: number, event: Uint8Array): number
  epollWait(epoll: number, events: Uint8Array, count: number, timeout: number): number
  ioUringSetup(entries: number, params: Uint8Array): number
  ioUringEnter(ring: number, submit: number, wait: number, flags: number): number
  /** Maps a part of a ring; undefined when that fails. */
  mapRing(ring: number, offset: number, size: number): ArrayBuffer | undefined
  /** What was mapped must not be touched any more. */
  unmapRing(mapped: ArrayBuffer): void
  /** Where a buffer that is held stays in memory. */
  address(buffer: Uint8Array): number
  /**
   * Ends the process at once: no 'exit' event, no thread is unwound. process.exit() and terminate() stop threads wherever they are, and
   * when an event comes to one that serves on this table just then, koffi aborts the process.
   */
  exit(code: number): void
  /** Calls `readable` from this thread's loop while fd has something to read (level-triggered). Nothing may be thrown there. */
  watch(fd: number, readable: () => void): Watch
}

export const E = constants.errno

export const AF_UNIX = 1
export const AF_INET = 2
export const AF_INET6 = 10
export const SOCK_STREAM = 1
export const SOCK_DGRAM = 2
export const SOCK_NONBLOCK = 0x800
export const SOCK_CLOEXEC = 0x80000
export const SHUT_WR = 1
export const MSG_DONTWAIT = 0x40
export const MSG_NOSIGNAL = 0x4000
export const MSG_MORE = 0x8000

export const SOL_SOCKET = 1
export const SO_REUSEADDR = 2
export const SO_ERROR = 4
export const SO_KEEPALIVE = 9
export const SO_LINGER = 13
export const SO_BINDTODEVICE = 25
export const SO_ACCEPTCONN = 30
export const SO_MARK = 36

export const SOL_IP = 0
export const IP_TOS = 1
export const IP_TTL = 2
export const IP_FREEBIND = 15
export const IP_TRANSPARENT = 19
export const IP_BIND_ADDRESS_NO_PORT = 24
export const SO_ORIGINAL_DST = 80

export const SOL_IPV6 = 41
export const IPV6_UNICAST_HOPS = 16
export const IPV6_V6ONLY = 26
export const IPV6_TCLASS = 67
export const IPV6_TRANSPARENT = 75
export const IPV6_FREEBIND = 78
export const IP6T_SO_ORIGINAL_DST = 80

export const SOL_TCP = 6
export const TCP_NODELAY = 1
export const TCP_MAXSEG = 2
export const TCP_DEFER_ACCEPT = 9
export const TCP_INFO = 11
export const TCP_QUICKACK = 12
export const TCP_USER_TIMEOUT = 18
export const TCP_REPAIR = 19
export const TCP_FASTOPEN = 23
export const TCP_SAVE_SYN = 27
export const TCP_SAVED_SYN = 28
export const TCP_FASTOPEN_CONNECT = 30

export const EPOLL_CLOEXEC = 0x80000
export const EPOLL_CTL_ADD = 1
export const EPOLL_CTL_DEL = 2
export const EPOLLIN = 0x1
export const EPOLLPRI = 0x2
export const EPOLLOUT = 0x4
export const EPOLLERR = 0x8
export const EPOLLHUP = 0x10
export const EPOLLRDHUP = 0x2000
export const EPOLLEXCLUSIVE = 0x10000000
export const EPOLLET = -0x80000000 // the sign bit: flags are 32-bit integers here

/**
 * struct epoll_event in 32-bit words; it is packed on x86-64 only. The first word is the flags; the 64 bits of user data hold the
 * descriptor and, behind it, its generation.
 */
export const EVENT_WORDS = process.arch === 'x64' || process.arch === 'ia32' ? 3 : 4
export const EVENT_FD = EVENT_WORDS - 2
export const EVENT_GENERATION = EVENT_WORDS - 1

const RTLD_LAZY = 1
const RTLD_NODELETE = 0x1000

const SYS_IO_URING_SETUP = 425
const SYS_IO_URING_ENTER = 426
const PROT_READ_WRITE = 3
const MAP_SHARED_POPULATE = 0x8001

export const SPLICE_F_MOVE = 1
export const SPLICE_F_NONBLOCK = 2
export const O_NONBLOCK = 0x800
export const O_CLOEXEC = 0x80000
export const F_SETFD = 2
export const F_DUPFD_CLOEXEC = 1030
export const F_GETFL = 3
export const F_SETFL = 4
export const FD_CLOEXEC = 1
export const F_SETPIPE_SZ = 1031

/** The constants above are those of Linux's generic ABI, which these follow. */
const ARCHES = ['x64', 'arm64', 'arm', 'ia32', 'riscv64', 'loong64']

let errorMap: ReturnType<typeof getSystemErrorMap> | undefined

/** Node makes a new map at each call, for a name that an end of a connection may need. */
function errors(): ReturnType<typeof getSystemErrorMap> {
  return (errorMap ??= getSystemErrorMap())
}

/** The name of an errno, whatever its sign: 'ECONNRESET'. */
export function errnoName(errno: number): string {
  return errors().get(-Math.abs(errno))?.[0] ?? `errno ${Math.abs(errno)}`
}

/** An Error such as node's own: `listen EADDRINUSE: address already in use unix@/run/x`, `code` being the name. */
export function systemError(call: string, errno: number, what: string): Error {
  const text = errors().get(-Math.abs(errno))?.[1] ?? 'unknown error'
  const code = errnoName(errno)
  return Object.assign(new Error(`${call} ${code}: ${text} ${what}`), { code, errno: -Math.abs(errno), syscall: call })
}

const INT = new Uint8Array(4)
const INT_VALUE = new Int32Array(INT.buffer)
const INT_SIZE = new Uint8Array(new Int32Array([4]).buffer)
const INT_SIZE_VALUE = new Int32Array(INT_SIZE.buffer)

/** Sets an option that is an int. Returns 0 or -errno. */
export function setInt(kernel: Kernel, fd: number, level: number, name: number, value: number): number {
  INT_VALUE[0] = value
  return kernel.setsockopt(fd, level, name, INT, 4)
}

/** An option that is an int, never negative, or -errno. */
export function getInt(kernel: Kernel, fd: number, level: number, name: number): number {
  INT_SIZE_VALUE[0] = 4
  const result = kernel.getsockopt(fd, level, name, INT, INT_SIZE)
  return result < 0 ? result : (INT_VALUE[0] ?? 0)
}

export interface NoKernel {
  /** Why the linux provider cannot be had, for a message. */
  readonly reason: string
}

let loaded: Kernel | NoKernel | undefined

/** The kernel's calls, or why there are none. koffi is loaded once per thread, on the first call. */
export function loadKernel(): Kernel | NoKernel {
  loaded ??= load()
  return loaded
}

function load(): Kernel | NoKernel {
  if (process.platform !== 'linux') return { reason: `this is ${process.platform}, not Linux` }
  if (!ARCHES.includes(process.arch)) return { reason: `its constants are not known on ${process.arch}` }
  const require = createRequire(import.meta.url)
  let koffi: typeof import('koffi')
  try {
    koffi = require('koffi')
  } catch (error) {
    return { reason: `koffi does not load: ${error instanceof Error ? error.message.split('\n', 1)[0] : String(error)}` }
  }
  try {
    const binary = Object.keys(require.cache).find((file) => file.endsWith('koffi.node'))
    if (binary !== undefined) pin(koffi, binary)
    return bindCalls(koffi)
  } catch (error) {
    return { reason: `libc lacks a call: ${messageOf(error)}` }
  }
}

/**
 * Keeps koffi's code in memory for as long as the process lives. When the last thread that uses an addon ends, Node unloads it, and
 * with terminate() before the poll handle's close has come back to koffi: the process would crash there.
 */
function pin(koffi: typeof import('koffi'), binary: string): void {
  const dlopen: (file: string, flags: number) => unknown = koffi.load(null).func('void *dlopen(const char *, int)')
  dlopen(binary, RTLD_LAZY | RTLD_NODELETE)
}

/** libc as Node itself was linked to it, so that glibc and musl are alike. A ssize_t is read as int: no call here asks for 2 GiB. */
function bindCalls(koffi: typeof import('koffi')): Kernel {
  const libc = koffi.load(null)
  const errno = koffi.errno
  const socket: (d: number, t: number, p: number) => number = libc.func('int socket(int, int, int)')
  const socketpair: (d: number, t: number, p: number, fds: Uint8Array) => number = libc.func('int socketpair(int, int, int, void *)')
  const bind: (fd: number, a: Uint8Array, n: number) => number = libc.func('int bind(int, void *, uint)')
  const listen: (fd: number, n: number) => number = libc.func('int listen(int, int)')
  const accept4: (fd: number, a: Uint8Array, n: Uint8Array, f: number) => number = libc.func('int accept4(int, void *, void *, int)')
  const connect: (fd: number, a: Uint8Array, n: number) => number = libc.func('int connect(int, void *, uint)')
  const getsockname: (fd: number, a: Uint8Array, n: Uint8Array) => number = libc.func('int getsockname(int, void *, void *)')
  const getpeername: (fd: number, a: Uint8Array, n: Uint8Array) => number = libc.func('int getpeername(int, void *, void *)')
  const setsockopt: (fd: number, l: number, o: number, v: Uint8Array, n: number) => number = libc.func('int setsockopt(int, int, int, void *, uint)')
  const getsockopt: (fd: number, l: number, o: number, v: Uint8Array, n: Uint8Array) => number = libc.func('int getsockopt(int, int, int, void *, void *)')
  const recv: (fd: number, b: Uint8Array, n: number, f: number) => number = libc.func('int recv(int, void *, size_t, int)')
  const recvAt: (fd: number, a: number, n: number, f: number) => number = libc.func('int recv(int, size_t, size_t, int)')
  const ioUringSetup: (call: number, n: number, p: Uint8Array) => number = libc.func('int syscall(long, uint, void *)')
  const ioUringEnter: (call: number, fd: number, n: number, w: number, f: number, m: null, s: number) => number = libc.func('int syscall(long, uint, uint, uint, uint, void *, size_t)')
  const mmap: (a: null, n: number, p: number, f: number, fd: number, o: number) => number | bigint = libc.func('intptr_t mmap(void *, size_t, int, int, int, long)')
  const munmap: (a: bigint, n: number) => number = libc.func('int munmap(void *, size_t)')
  const send: (fd: number, b: Uint8Array, n: number, f: number) => number = libc.func('int send(int, void *, size_t, int)')
  const sendto: (fd: number, b: Uint8Array, n: number, f: number, a: Uint8Array, an: number) => number = libc.func('int sendto(int, void *, size_t, int, void *, uint)')
  const shutdown: (fd: number, how: number) => number = libc.func('int shutdown(int, int)')
  const close: (fd: number) => number = libc.func('int close(int)')
  const splice: (a: number, ao: null, b: number, bo: null, n: number, f: number) => number = libc.func('int splice(int, void *, int, void *, size_t, uint)')
  const pipe2: (fds: Uint8Array, f: number) => number = libc.func('int pipe2(void *, int)')
  const fcntl: (fd: number, c: number, type: 'int', v: number) => number = libc.func('int fcntl(int, int, ...)')
  const exit: (code: number) => void = libc.func('void _exit(int)')
  const epollCreate: (f: number) => number = libc.func('int epoll_create1(int)')
  const epollCtl: (ep: number, op: number, fd: number, ev: Uint8Array) => number = libc.func('int epoll_ctl(int, int, int, void *)')
  const epollWait: (ep: number, ev: Uint8Array, n: number, t: number) => number = libc.func('int epoll_wait(int, void *, int, int)')
  const answer = (result: number): number => (result < 0 ? -errno() : result)
  return {
    socket: (domain, type, protocol) => answer(socket(domain, type, protocol)),
    socketpair: (domain, type, protocol, fds) => answer(socketpair(domain, type, protocol, fds)),
    bind: (fd, address, size) => answer(bind(fd, address, size)),
    listen: (fd, backlog) => answer(listen(fd, backlog)),
    accept4: (fd, address, size, flags) => answer(accept4(fd, address, size, flags)),
    connect: (fd, address, size) => answer(connect(fd, address, size)),
    getsockname: (fd, address, size) => answer(getsockname(fd, address, size)),
    getpeername: (fd, address, size) => answer(getpeername(fd, address, size)),
    setsockopt: (fd, level, name, value, size) => answer(setsockopt(fd, level, name, value, size)),
    getsockopt: (fd, level, name, value, size) => answer(getsockopt(fd, level, name, value, size)),
    recv: (fd, into, size, flags) => answer(recv(fd, into, size, flags)),
    recvAt: (fd, address, size, flags) => answer(recvAt(fd, address, size, flags)),
    ioUringSetup: (entries, params) => answer(ioUringSetup(SYS_IO_URING_SETUP, entries, params)),
    ioUringEnter: (ring, submit, wait, flags) => answer(ioUringEnter(SYS_IO_URING_ENTER, ring, submit, wait, flags, null, 0)),
    mapRing: (ring, offset, size) => {
      const at = mmap(null, size, PROT_READ_WRITE, MAP_SHARED_POPULATE, ring, offset)
      return at === -1 ? undefined : koffi.view(BigInt(at), size)
    },
    unmapRing: (mapped) => void munmap(koffi.address(mapped), mapped.byteLength),
    address: (buffer) => Number(koffi.address(buffer)),
    send: (fd, from, size, flags) => answer(send(fd, from, size, flags)),
    sendto: (fd, from, size, flags, to, toSize) => answer(sendto(fd, from, size, flags, to, toSize)),
    shutdown: (fd, how) => answer(shutdown(fd, how)),
    close: (fd) => answer(close(fd)),
    splice: (from, to, size, flags) => answer(splice(from, null, to, null, size, flags)),
    pipe2: (fds, flags) => answer(pipe2(fds, flags)),
    fcntl: (fd, command, value) => answer(fcntl(fd, command, 'int', value)),
    exit,
    epollCreate: (flags) => answer(epollCreate(flags)),
    epollCtl: (epoll, operation, fd, event) => answer(epollCtl(epoll, operation, fd, event)),
    epollWait: (epoll, events, count, timeout) => answer(epollWait(epoll, events, count, timeout)),
    watch: (fd, readable) => {
      const handle = koffi.node.poll(fd, { readable: true }, readable)
      return {
        stop: () => handle.stop(),
        start: () => handle.start({ readable: true }, readable),
        ref: () => handle.ref(),
        unref: () => handle.unref(),
        close: () => handle.close(),
      }
    },
  }
}
