// Owns how an outgoing connection begins: socket, options, source address, connect.

import type { ConnectSpec, OutgoingPackets } from '../../core/provider.ts'
import type { KernelSock } from '../../core/sock.ts'
import { familyOf, OptionSetter } from './options.ts'
import { encodeAddress } from './sockaddr.ts'
import { LinuxSock } from './sock.ts'
import * as sys from './syscalls.ts'
import type { Thread } from './thread.ts'

const STREAM = sys.SOCK_STREAM | sys.SOCK_NONBLOCK | sys.SOCK_CLOEXEC

/** Never throws: whatever fails is the sock's error, told in the loop's next turn. */
export function connect(thread: Thread, spec: ConnectSpec, speaks = false): LinuxSock {
  const kernel = thread.kernel
  const family = familyOf(spec.to)
  const to = encodeAddress(spec.to)
  const fd = typeof to === 'number' ? to : kernel.socket(family, STREAM, 0)
  const sock = new LinuxSock(thread, Math.max(fd, -1), family, undefined, spec.to)
  if (fd < 0 || typeof to === 'number') {
    sock.startConnecting(fd, false)
    return sock
  }
  let result = prepare(kernel, fd, family, spec, speaks)
  if (result >= 0) {
    if (spec.packets !== undefined) marked(sock.kernel, spec.packets)
    result = kernel.connect(fd, to, to.length)
    while (result === -sys.E.EINTR) result = kernel.connect(fd, to, to.length)
    if (result === -sys.E.EALREADY || result === -sys.E.EISCONN) result = -sys.E.EINPROGRESS // interrupted, and gone on by itself
  }
  sock.startConnecting(result, spec.tcpFastOpen === true && family !== sys.AF_UNIX)
  return sock
}

function marked(kernel: KernelSock, packets: OutgoingPackets): void {
  const { mark, tos } = packets
  const unmarked = mark === undefined ? '' : kernel.setMark(mark)
  if (unmarked !== '') packets.refused('mark', unmarked)
  const error = tos === undefined ? '' : kernel.setTos(tos)
  if (error !== '') packets.refused('tos', error)
}

function prepare(kernel: sys.Kernel, fd: number, family: number, spec: ConnectSpec, speaks: boolean): number {
  if (family !== sys.AF_UNIX) {
    const noDelay = sys.setInt(kernel, fd, sys.SOL_TCP, sys.TCP_NODELAY, 1)
    if (noDelay < 0) return noDelay
    // One packet less, and the server is woken once, with the request there. The kernel leaves this mode when the peer's SYN-ACK comes,
    // and sends the ACK by itself when nothing is said for 200 ms. An optimisation: refused is fine.
    if (speaks) sys.setInt(kernel, fd, sys.SOL_TCP, sys.TCP_QUICKACK, 0)
    if (spec.interface !== undefined || spec.keepAlive === true || spec.userTimeout !== undefined || spec.transparent === true || spec.tcpFastOpen === true) {
      const options = new OptionSetter(kernel, fd, family)
      options.common(spec)
      if (options.outcome.errno < 0) return options.outcome.errno
      if (spec.tcpFastOpen === true) sys.setInt(kernel, fd, sys.SOL_TCP, sys.TCP_FASTOPEN_CONNECT, 1) // an optimisation: refused is fine
    }
  }
  // A Unix socket has no source: a backend's is for its other servers.
  return spec.from === undefined || (family === sys.AF_UNIX && spec.from.family !== 'unix') ? 0 : bindSource(kernel, fd, spec.from)
}

/** Without a port, the kernel chooses one at connect(), when it knows the whole tuple: so one source has ports for every server. */
function bindSource(kernel: sys.Kernel, fd: number, from: NonNullable<ConnectSpec['from']>): number {
  const source = encodeAddress(from)
  if (typeof source === 'number') return source
  if (from.family === 'ipv4' || from.family === 'ipv6') {
    if (from.port === 0) sys.setInt(kernel, fd, sys.SOL_IP, sys.IP_BIND_ADDRESS_NO_PORT, 1)
    else sys.setInt(kernel, fd, sys.SOL_SOCKET, sys.SO_REUSEADDR, 1)
  }
  return kernel.bind(fd, source, source.length)
}
