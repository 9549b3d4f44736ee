// Owns the ways out for log lines: descriptors (through pino), UDP, and Unix datagram sockets. Each is opened once per process,
// however many `log` lines name it, and none ever holds a writer up.

import { createSocket } from 'node:dgram'
import type { Socket } from 'node:dgram'
import { fstatSync } from 'node:fs'
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { UnixAddress } from '../core/address.ts'
import type { ProcessLog } from '../core/process-log.ts'
import type { ByteString } from '../core/sample.ts'
import type { LogDestination } from '../config/keywords/log.ts'
import { LineWriter } from './line-writer.ts'
import { unblock } from './unblock.ts'

export interface LogTransport {
  /** One line with its newline: bytes, one character each. Never blocks, never throws. */
  send(line: ByteString): void
  /** Lines that could not be written, from the start. */
  readonly lost: number
  /** Writes what can be written at once, for the last moments. */
  flushSync(): void
  /** Resolves when everything has been handed to the system. */
  drained(): Promise<void>
  close(): void
}

const METADATA = Symbol.for('pino.metadata')

/** pino's destination: takes the message as it was given, so that the line on the descriptor is HAProxy's and not JSON. */
class LineDestination {
  readonly [METADATA] = true
  lastMsg = ''
  readonly #writer: LineWriter

  constructor(writer: LineWriter) {
    this.#writer = writer
  }

  write(): void {
    this.#writer.add(this.lastMsg)
  }
}

/** pino is loaded for those who use it: a start without a descriptor to log to is the faster for it. */
async function openDescriptor(fd: number, log: ProcessLog): Promise<LogTransport> {
  const { pino } = await import('pino')
  try {
    fstatSync(fd)
  } catch {
    log.warning(`log fd@${fd}: no such descriptor is open; these lines are lost`)
  }
  unblock(fd)
  const writer = new LineWriter(fd, {
    lost: (lines, error) => {
      const why = error === 'EAGAIN' ? 'its reader is too slow' : error
      log.warning(`log fd@${fd}: ${lines} line${lines === 1 ? '' : 's'} lost: ${why}`)
    },
  })
  const logger = pino({ base: null, timestamp: false }, new LineDestination(writer))
  return {
    send: (line) => logger.info(line),
    get lost() {
      return writer.lost
    },
    flushSync: () => writer.flushSync(),
    drained: () => writer.drained(),
    close: () => {},
  }
}

/** Datagrams given to the system and not yet taken by it. Beyond, lines are lost: the network is slower than the traffic. */
const DATAGRAMS = 4096

class UdpTransport implements LogTransport {
  lost = 0
  readonly #socket: Socket
  readonly #log: ProcessLog
  readonly #name: string
  #waiting = 0
  #reported = ''
  #idle: (() => void)[] = []

  constructor(socket: Socket, name: string, log: ProcessLog) {
    this.#socket = socket
    this.#name = name
    this.#log = log
    // A refused datagram comes back as an error of a later send, or of the socket: syslog servers may come and go.
    socket.on('error', (error) => this.#failed(error))
  }

  send(line: ByteString): void {
    if (this.#waiting >= DATAGRAMS) {
      this.#failed(new Error('the network is too slow'))
      return
    }
    this.#waiting++
    const datagram = Buffer.from(line, 'latin1')
    this.#socket.send(datagram, (error: NodeJS.ErrnoException | null) => {
      // The refusal is of a datagram before this one, which itself was not sent.
      if (error?.code === 'ECONNREFUSED') {
        this.#failed(error)
        this.#socket.send(datagram, this.#sent)
      } else this.#sent(error)
    })
  }

  flushSync(): void {
    // libuv has tried every datagram when it was sent; there is no synchronous way for those that are left.
  }

  drained(): Promise<void> {
    return this.#waiting === 0 ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve))
  }

  close(): void {
    this.#socket.close()
  }

  readonly #sent = (error: Error | null): void => {
    this.#waiting--
    if (error !== null) this.#failed(error)
    if (this.#waiting > 0) return
    for (const resolve of this.#idle.splice(0)) resolve()
  }

  /** Once per kind of error: a server that does not listen (ECONNREFUSED) is silence, as it is with HAProxy. */
  #failed(error: NodeJS.ErrnoException): void {
    this.lost++
    const why = error.code ?? error.message
    if (why === 'ECONNREFUSED' || why === this.#reported) return
    this.#reported = why
    this.#log.warning(`log ${this.#name}: lines are lost: ${why}`)
  }
}

type UdpDestination = Extract<LogDestination, { kind: 'udp' }>

async function addressOf({ host, family }: UdpDestination): Promise<{ readonly address: string; readonly family: number }> {
  const known = isIP(host)
  return known !== 0 ? { address: host, family: known } : lookup(host, { family: family === 'ipv4' ? 4 : family === 'ipv6' ? 6 : 0 })
}

/** Opens nothing. Rejects as openTransport() would of a name that has no address. */
export async function resolveDestination(to: LogDestination): Promise<void> {
  if (to.kind === 'udp') await addressOf(to)
}

/** Resolves once the address is known. Rejects with an Error when its name has none. */
async function openUdp(to: UdpDestination, log: ProcessLog): Promise<LogTransport> {
  const { host, port } = to
  const found = await addressOf(to)
  const socket = createSocket(found.family === 6 ? 'udp6' : 'udp4')
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.connect(port, found.address, () => {
      socket.off('error', reject)
      resolve()
    })
  })
  socket.unref()
  return new UdpTransport(socket, `${host}:${port}`, log)
}

/** Unix datagrams are the kernel's own call: Node has none. Without it, a transport that loses every line and says so once. */
async function openUnix(address: UnixAddress, log: ProcessLog): Promise<LogTransport> {
  const name = address.abstract ? `abns@${address.path}` : address.path
  const [{ loadKernel }, { openUnixDatagram }] = await Promise.all([import('../net/linux/syscalls.ts'), import('../net/linux/datagram.ts')])
  const kernel = loadKernel()
  let lost = 0
  const rest = { flushSync: () => {}, drained: () => Promise.resolve() }
  if ('reason' in kernel) {
    log.warning(`log ${name}: Unix datagram sockets need the optional package koffi, and ${kernel.reason}; these lines are lost. Send them to UDP instead`)
    return { ...rest, send: () => void lost++, close: () => {}, get lost() { return lost } }
  }
  const socket = openUnixDatagram(kernel, address.path, address.abstract)
  let reported = ''
  return {
    ...rest,
    send(line) {
      const error = socket.send(Buffer.from(line, 'latin1'))
      if (error === '') {
        reported = ''
        return
      }
      lost++
      if (error === reported) return
      reported = error
      log.warning(`log ${name}: lines are lost: ${error === 'EAGAIN' ? 'its reader is too slow' : error}`)
    },
    close: () => socket.close(),
    get lost() {
      return lost
    },
  }
}

/** The same destination gets the same key. */
export function destinationKey(to: LogDestination): string {
  switch (to.kind) {
    case 'fd':
      return `fd ${to.fd}`
    case 'udp':
      return `udp ${to.family} ${to.host} ${to.port}`
    case 'unix':
      return `unix ${to.address.abstract} ${to.address.path}`
  }
}

/** Rejects with an Error when the destination cannot be had at all. */
export async function openTransport(to: LogDestination, log: ProcessLog): Promise<LogTransport> {
  switch (to.kind) {
    case 'fd':
      return openDescriptor(to.fd, log)
    case 'udp':
      return openUdp(to, log)
    case 'unix':
      return openUnix(to.address, log)
  }
}
