// Owns the test mode of raw descriptors: a table of kernel calls that knows which descriptors are open and refuses every other.
//
// A descriptor that was closed may be given out again at once, to somebody else; a use after close then talks on his connection.
// Nothing of that is visible in a test, so this table throws instead, and tells afterwards what was never closed.

import { F_DUPFD_CLOEXEC, type Kernel } from './syscalls.ts'

export interface CheckedKernel extends Kernel {
  /** Descriptors that were opened through this table and not closed. */
  readonly open: ReadonlySet<number>
  /** A descriptor that came from elsewhere (inherited) is used from now on. */
  adopt(fd: number): void
  /** A descriptor was handed on: this table's users are done with it. */
  release(fd: number): void
}

/** Throws an Error at any use of a descriptor that is not open. */
export function checkedKernel(kernel: Kernel): CheckedKernel {
  const open = new Set<number>()
  const pair = (result: number, fds: Uint8Array): number => {
    if (result < 0) return result
    const view = new DataView(fds.buffer, fds.byteOffset)
    open.add(view.getInt32(0, true)).add(view.getInt32(4, true))
    return result
  }
  const opened = (fd: number): number => {
    if (fd >= 0) open.add(fd)
    return fd
  }
  const use = (call: string, fd: number): number => {
    if (!open.has(fd)) throw new Error(`${call}: use of descriptor ${fd}, which is not open`)
    return fd
  }
  return {
    open,
    adopt: (fd) => void open.add(fd),
    release: (fd) => void open.delete(use('release', fd)),
    socket: (domain, type, protocol) => opened(kernel.socket(domain, type, protocol)),
    socketpair: (domain, type, protocol, fds) => pair(kernel.socketpair(domain, type, protocol, fds), fds),
    bind: (fd, address, size) => kernel.bind(use('bind', fd), address, size),
    listen: (fd, backlog) => kernel.listen(use('listen', fd), backlog),
    accept4: (fd, address, size, flags) => opened(kernel.accept4(use('accept4', fd), address, size, flags)),
    connect: (fd, address, size) => kernel.connect(use('connect', fd), address, size),
    getsockname: (fd, address, size) => kernel.getsockname(use('getsockname', fd), address, size),
    getpeername: (fd, address, size) => kernel.getpeername(use('getpeername', fd), address, size),
    setsockopt: (fd, level, name, value, size) => kernel.setsockopt(use('setsockopt', fd), level, name, value, size),
    getsockopt: (fd, level, name, value, size) => kernel.getsockopt(use('getsockopt', fd), level, name, value, size),
    recv: (fd, into, size, flags) => kernel.recv(use('recv', fd), into, size, flags),
    recvAt: (fd, address, size, flags) => kernel.recvAt(use('recvAt', fd), address, size, flags),
    ioUringSetup: (entries, params) => opened(kernel.ioUringSetup(entries, params)),
    ioUringEnter: (ring, submit, wait, flags) => kernel.ioUringEnter(use('ioUringEnter', ring), submit, wait, flags),
    mapRing: (ring, offset, size) => kernel.mapRing(use('mapRing', ring), offset, size),
    unmapRing: (mapped) => kernel.unmapRing(mapped),
    address: (buffer) => kernel.address(buffer),
    send: (fd, from, size, flags) => kernel.send(use('send', fd), from, size, flags),
    sendto: (fd, from, size, flags, to, toSize) => kernel.sendto(use('sendto', fd), from, size, flags, to, toSize),
    shutdown: (fd, how) => kernel.shutdown(use('shutdown', fd), how),
    close: (fd) => {
      open.delete(use('close', fd))
      return kernel.close(fd)
    },
    splice: (from, to, size, flags) => kernel.splice(use('splice', from), use('splice', to), size, flags),
    pipe2: (fds, flags) => pair(kernel.pipe2(fds, flags), fds),
    fcntl: (fd, command, value) => {
      const result = kernel.fcntl(use('fcntl', fd), command, value)
      return command === F_DUPFD_CLOEXEC ? opened(result) : result
    },
    exit: (code) => kernel.exit(code),
    epollCreate: (flags) => opened(kernel.epollCreate(flags)),
    epollCtl: (epoll, operation, fd, event) => kernel.epollCtl(use('epollCtl', epoll), operation, use('epollCtl', fd), event),
    epollWait: (epoll, events, count, timeout) => kernel.epollWait(use('epollWait', epoll), events, count, timeout),
    watch: (fd, readable) => kernel.watch(use('watch', fd), readable),
  }
}
