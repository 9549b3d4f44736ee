// Owns the node provider: listeners and outgoing sockets on node:net. Works everywhere Node does.

import { chmodSync, chownSync, lstatSync, unlinkSync } from 'node:fs'
import { connect, createServer, type ListenOptions, type NetConnectOpts, type Server } from 'node:net'
import type { Address, UnixAddress } from '../../core/address.ts'
import type { ConnectSpec, ListenEvents, Listener, ListenSpec, Provider } from '../../core/provider.ts'
import type { Sock } from '../../core/sock.ts'
import { errorName, HIGH_WATER, NodeSock } from './sock.ts'

const LINUX_ONLY = ['interface', 'transparent', 'tcpFastOpen', 'mss', 'userTimeout'] as const

/** Refuses what node:net cannot do, by name. */
function refuse(spec: ListenSpec | ConnectSpec): void {
  for (const name of LINUX_ONLY) {
    if (name in spec && Reflect.get(spec, name)) throw Object.assign(new Error(`${name} needs the linux provider`), { code: 'ENOTSUP' })
  }
}

/** An abstract name fills all of sun_path, padded with NULs, as HAProxy's abns@ does: shorter is another name. */
function unixPath(address: UnixAddress): string {
  return address.abstract ? `\0${address.path}`.padEnd(108, '\0') : address.path
}

/** A path that a process left behind may be taken over; anything that is not a socket may not. */
function removeStale(path: string): void {
  try {
    if (lstatSync(path).isSocket()) unlinkSync(path)
  } catch (error) {
    if (errorName(error) !== 'ENOENT') throw error
  }
}

function listenOptions(spec: ListenSpec): ListenOptions | { fd: number } {
  if (spec.fd !== undefined) return { fd: spec.fd }
  const backlog = spec.backlog === undefined ? {} : { backlog: spec.backlog }
  const a = spec.address
  if (a.family === 'unix') return { path: unixPath(a), ...backlog }
  if (a.family === 'none') throw Object.assign(new Error('no address to listen on'), { code: 'EINVAL' })
  return { host: a.host, port: a.port, ...backlog, ...(a.family === 'ipv6' ? { ipv6Only: spec.v6only ?? false } : {}) }
}

function boundAddress(server: Server, spec: ListenSpec): Address {
  const a = server.address()
  if (a === null) return spec.address
  if (typeof a === 'string') return { family: 'unix', path: a.replaceAll('\0', ''), abstract: a.startsWith('\0') }
  return { family: a.family === 'IPv6' ? 'ipv6' : 'ipv4', host: a.address, port: a.port }
}

async function listen(spec: ListenSpec, events: ListenEvents, maxHeld: number): Promise<Listener> {
  refuse(spec)
  const path = spec.address.family === 'unix' && spec.fd === undefined && !spec.address.abstract ? spec.address.path : ''
  if (path !== '') removeStale(path)
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true, keepAlive: spec.keepAlive ?? false, highWaterMark: HIGH_WATER })
  const options = listenOptions(spec)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options, () => {
      server.off('error', reject)
      resolve()
    })
  })
  if (path !== '') {
    if (spec.mode !== undefined) chmodSync(path, spec.mode)
    if (spec.uid !== undefined || spec.gid !== undefined) chownSync(path, spec.uid ?? -1, spec.gid ?? -1)
  }
  const address = boundAddress(server, spec)
  const unix = address.family === 'unix' ? address : undefined
  return new NodeListener(server, address, unix, events, Math.min(spec.backlog ?? maxHeld, maxHeld))
}

/**
 * node:net cannot stop accepting without closing, which would reset what is in the kernel's queue: while paused, what is accepted waits
 * here untouched and unread, as many as `backlog` allows and descriptors were kept for. More are reset: out of descriptors, libuv would
 * end them all, and sessions would get no server.
 */
class NodeListener implements Listener {
  readonly address: Address
  readonly #server: Server
  readonly #events: ListenEvents
  readonly #held: Sock[] = []
  #paused = false
  #overflowed = false

  constructor(server: Server, address: Address, unix: Address | undefined, events: ListenEvents, backlog: number) {
    this.#server = server
    this.address = address
    this.#events = events
    server.on('connection', (socket) => {
      if (this.#paused && this.#held.length >= backlog) {
        socket.resetAndDestroy()
        if (!this.#overflowed) events.overflowed?.(backlog)
        this.#overflowed = true
        return
      }
      const sock = new NodeSock(socket, unix)
      if (this.#paused) this.#held.push(sock)
      else events.accepted(sock)
    })
    server.on('error', (error) => events.failed(errorName(error)))
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#overflowed = false
    while (!this.#paused) {
      const sock = this.#held.shift()
      if (sock === undefined) break
      this.#events.accepted(sock)
    }
  }

  close(): void {
    for (const sock of this.#held.splice(0)) sock.reset()
    this.#server.close()
  }
}

/** net.connect() hands its options on to the Socket; the types do not say so. */
type SocketConnectOpts = NetConnectOpts & { readonly highWaterMark: number }

function connectOptions(spec: ConnectSpec): SocketConnectOpts {
  const to = spec.to
  if (to.family === 'unix') return { path: unixPath(to), allowHalfOpen: true, highWaterMark: HIGH_WATER }
  if (to.family === 'none') return { host: '', port: 0, highWaterMark: HIGH_WATER }
  const from = spec.from !== undefined && (spec.from.family === 'ipv4' || spec.from.family === 'ipv6') ? { localAddress: spec.from.host, localPort: spec.from.port } : {}
  return { host: to.host, port: to.port, ...from, allowHalfOpen: true, noDelay: true, keepAlive: spec.keepAlive ?? false, autoSelectFamily: false, highWaterMark: HIGH_WATER }
}

/** `maxHeld`: connections that a paused listener lets wait; each has a descriptor, which one in the kernel's queue has not. */
export function nodeProviderHolding(maxHeld: number): Provider {
  return {
    name: 'node',
    listen: (spec, events) => listen(spec, events, maxHeld),
    connect(spec) {
      refuse(spec)
      return new NodeSock(connect(connectOptions(spec)), spec.to.family === 'unix' ? spec.to : undefined)
    },
  }
}
