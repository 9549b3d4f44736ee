// Owns the tests of what only the linux provider can do, on real sockets, and of its life in Node's loop.

import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import fc from 'fast-check'
import type { Address, InetAddress } from '../../src/core/address.ts'
import { Bytes } from '../../src/core/bytes.ts'
import { canonicalIP } from '../../src/core/ip.ts'
import { EMPTY_IN, ERR_OUT } from '../../src/core/sock.ts'
import { checkedKernel } from '../../src/net/linux/checked.ts'
import { openUnixDatagram } from '../../src/net/linux/datagram.ts'
import { linuxProvider, type LinuxProvider } from '../../src/net/linux/provider.ts'
import { decodeSockaddr, encodeAddress, prepareSockaddr, SOCKADDR } from '../../src/net/linux/sockaddr.ts'
import { LinuxSock } from '../../src/net/linux/sock.ts'
import * as sys from '../../src/net/linux/syscalls.ts'
import { accepting, LOOPBACK, Peer, Relay, serving, Tap, until } from './provider-contract.ts'

const here = fileURLToPath(new URL('.', import.meta.url))
const ROOT = process.getuid?.() === 0
/** How long connections are churned; a soak sets minutes. */
const SOAK_SECONDS = Number(process.env['SOAK_SECONDS'] ?? '2')
const NOBODY = { accepted: () => undefined, failed: () => undefined }

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Runs a module's text in a process of its own, with `kernel` and `provider` in scope. */
async function program(t: Test, text: string, wrap: readonly string[] = []): Promise<Ended> {
  const source = (name: string): string => JSON.stringify(join(here, '../../src', name))
  const prelude = `
    import { loadKernel } from ${source('net/linux/syscalls.js')}
    import { linuxProvider } from ${source('net/linux/provider.js')}
    import { Bytes } from ${source('core/bytes.js')}
    const kernel = loadKernel()
    const provider = linuxProvider(kernel)
    const LOOPBACK = { family: 'ipv4', host: '127.0.0.1', port: 0 }
  `
  const [command = process.execPath, ...args] = [...wrap, process.execPath, '--input-type=module', '-e', prelude + text]
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  t.teardown(() => child.kill('SIGKILL'))
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  const timer = setTimeout(() => child.kill('SIGKILL'), 20_000)
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  clearTimeout(timer)
  return { code, out, err }
}

t.test('addresses: text to the kernel and back', (t) => {
  for (const [text, canonical] of [
    ['::1', '::1'],
    ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['::ffff:10.1.2.3', '::ffff:10.1.2.3'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
    ['200.1.2.3', '200.1.2.3'],
  ] as const) {
    t.same(roundTrip(text), { family: text.includes(':') ? 'ipv6' : 'ipv4', host: canonical, port: 0x1234 }, text)
  }
  fc.assert(fc.property(fc.ipV6(), (text) => roundTrip(text)?.host === canonicalIP(text)?.host))
  fc.assert(fc.property(fc.ipV4(), (text) => roundTrip(text)?.host === text))
  for (const host of ['', '1.2.3', '01.2.3.4', 'a.b.c.d']) t.equal(encodeAddress({ family: 'ipv4', host, port: 1 }), -sys.E.EINVAL, host)
  for (const host of ['', '1:2', '::1.2.3', 'fe80::1%lo', '1.2.3.4']) t.equal(encodeAddress({ family: 'ipv6', host, port: 1 }), -sys.E.EINVAL, host)
  t.equal(encodeAddress({ family: 'ipv4', host: '1.2.3.4', port: 65536 }), -sys.E.EINVAL)
  t.equal(encodeAddress({ family: 'unix', path: '', abstract: false }), -sys.E.EINVAL)
  t.end()
})

/** What the kernel would say of an address that it was told. */
function roundTrip(host: string): InetAddress | undefined {
  const encoded = encodeAddress({ family: host.includes(':') ? 'ipv6' : 'ipv4', host, port: 0x1234 })
  if (typeof encoded === 'number') return undefined
  SOCKADDR.set(encoded)
  prepareSockaddr()
  const address = decodeSockaddr()
  return address.family === 'ipv4' || address.family === 'ipv6' ? address : undefined
}

const found = sys.loadKernel()
if ('reason' in found) {
  t.test('the linux provider', { skip: found.reason }, () => undefined)
} else {
  const real = found
  const make = (t: Test): { provider: LinuxProvider; kernel: ReturnType<typeof checkedKernel> } => {
    const kernel = checkedKernel(real)
    const provider = linuxProvider(kernel)
    t.teardown(() => {
      provider.close()
      if (kernel.open.size > 0) throw new Error(`left open: ${[...kernel.open].join(' ')}`)
    })
    return { provider, kernel }
  }
  /** Dialled and accepted, both the provider's own. */
  const pair = async (t: Test, provider: LinuxProvider, address: Address = LOOPBACK): Promise<[Tap, Tap]> => {
    const a = await accepting(t, provider, { address })
    const tap = new Tap(provider.connect({ to: a.listener.address }))
    t.teardown(() => tap.sock.close())
    await until('connected', () => tap.calls > 0 && a.socks.length === 1)
    const other = a.socks[0]
    if (other === undefined) throw new Error('nothing was accepted')
    return [tap, other]
  }
  const descriptor = (tap: Tap): LinuxSock => {
    if (!(tap.sock instanceof LinuxSock)) throw new Error('not a linux sock')
    return tap.sock
  }

  t.test('the checked table refuses what is not open', async (t) => {
    const kernel = checkedKernel(real)
    const fd = kernel.socket(sys.AF_INET, sys.SOCK_STREAM, 0)
    t.equal(kernel.close(fd), 0)
    t.throws(() => kernel.shutdown(fd, sys.SHUT_WR), /use of descriptor \d+, which is not open/)
    t.throws(() => kernel.close(fd))
    t.equal(real.close(-1), -sys.E.EBADF)
  })

  t.test('the peer is known after its reset, though nobody asked before', async (t) => {
    const { provider } = make(t)
    for (const address of [LOOPBACK, { family: 'ipv6', host: '::1', port: 0 }] as const satisfies readonly Address[]) {
      const a = await accepting(t, provider, { address })
      const peer = a.dial()
      peer.socket.write('x')
      await until('accepted', () => a.socks[0]?.text === 'x')
      const port = peer.socket.localPort
      peer.socket.resetAndDestroy()
      await until('broken', () => a.socks[0]?.broken === true)
      t.same(a.socks[0]?.sock.remote(), { ...address, port })
    }
  })

  t.test('a socket for every address tells accepted ones apart', async (t) => {
    const { provider, kernel } = make(t)
    const a = await accepting(t, provider, { address: { family: 'ipv4', host: '0.0.0.0', port: 0 } })
    const port = a.listener.address.family === 'ipv4' ? a.listener.address.port : 0
    const tap = new Tap(provider.connect({ to: { family: 'ipv4', host: '127.0.0.9', port }, from: { family: 'ipv4', host: '127.0.0.8', port: 0 } }))
    t.teardown(() => tap.sock.close())
    await until('accepted', () => a.socks.length === 1)
    t.same(a.socks[0]?.sock.local(), { family: 'ipv4', host: '127.0.0.9', port })
    t.match(a.socks[0]?.sock.remote(), { family: 'ipv4', host: '127.0.0.8' })
    t.equal(sys.getInt(kernel, descriptor(tap).fd, sys.SOL_IP, sys.IP_BIND_ADDRESS_NO_PORT), 1, 'its port is taken when the whole tuple is known')
    t.same(a.socks[0]?.sock.remote(), tap.sock.local())
  })

  t.test('a source address with its port', async (t) => {
    const { provider } = make(t)
    const s = await serving(t)
    const free = await provider.listen({ address: LOOPBACK }, NOBODY)
    const from = free.address
    free.close()
    const tap = new Tap(provider.connect({ to: s.address, from }))
    t.teardown(() => tap.sock.reset())
    await until('connected', () => tap.calls > 0)
    t.equal(tap.sock.error, '')
    t.same(tap.sock.local(), from)
    tap.sock.reset()
  })

  t.test('a source address is nothing to a Unix socket', async (t) => {
    const { provider } = make(t)
    const a = await accepting(t, provider, { address: { family: 'unix', path: `headgate-source-${process.pid}`, abstract: true } })
    const tap = new Tap(provider.connect({ to: a.listener.address, from: LOOPBACK }))
    t.teardown(() => tap.sock.close())
    await until('connected', () => tap.calls > 0)
    t.equal(tap.sock.error, '')
  })

  t.test('options reach the kernel; inherited ones need no call', async (t) => {
    const { provider, kernel } = make(t)
    const a = await accepting(t, provider, { mss: 600, userTimeout: 4321, keepAlive: true, tcpFastOpen: true, backlog: 7, interface: 'lo' })
    const tap = new Tap(provider.connect({ to: a.listener.address, userTimeout: 1234, keepAlive: true, tcpFastOpen: true, interface: 'lo' }))
    t.teardown(() => tap.sock.close())
    await until('connected', () => tap.calls > 0)
    tap.say('hello')
    await until('accepted', () => a.socks[0]?.text === 'hello')
    const other = a.socks[0]
    if (other === undefined) return
    const get = (of: Tap, level: number, name: number): number => sys.getInt(kernel, descriptor(of).fd, level, name)
    t.equal(get(tap, sys.SOL_TCP, sys.TCP_USER_TIMEOUT), 1234)
    t.equal(get(other, sys.SOL_TCP, sys.TCP_USER_TIMEOUT), 4321)
    for (const one of [tap, other]) {
      t.equal(get(one, sys.SOL_SOCKET, sys.SO_KEEPALIVE), 1)
      t.equal(get(one, sys.SOL_TCP, sys.TCP_NODELAY), 1)
    }
    t.ok(get(other, sys.SOL_TCP, sys.TCP_MAXSEG) <= 600)
    other.say('back')
    await until('answered', () => tap.text === 'back')
    t.equal(descriptor(tap).kernel.setTos(0x10), '')
    t.equal(get(tap, sys.SOL_IP, sys.IP_TOS), 0x10)
    const info = descriptor(tap).kernel.tcpInfo()
    t.ok(info !== undefined && info.rtt > 0 && info.rtt < 5_000_000, `rtt ${info?.rtt} µs`)
    t.ok(info !== undefined && info.reordering > 0 && info.lost === 0 && info.retrans === 0)
    if (ROOT) {
      t.equal(descriptor(tap).kernel.setMark(7), '')
      t.equal(get(tap, sys.SOL_SOCKET, sys.SO_MARK), 7)
    }
    tap.sock.close()
    t.equal(descriptor(tap).kernel.setTos(1), 'EBADF')
    t.equal(descriptor(tap).kernel.tcpInfo(), undefined)
  })

  t.test('an option that is refused is named', async (t) => {
    const { provider } = make(t)
    await t.rejects(provider.listen({ address: LOOPBACK, interface: 'nosuchdev0' }, NOBODY), { code: 'ENODEV', message: /interface nosuchdev0/ })
    await t.rejects(provider.listen({ address: LOOPBACK, mss: 1 }, NOBODY), { code: 'EINVAL', message: /"mss"/ })
    const tap = new Tap(provider.connect({ to: LOOPBACK, interface: 'nosuchdev0' }))
    await until('told', () => tap.calls > 0)
    t.equal(tap.sock.error, 'ENODEV')
    tap.sock.close()
  })

  t.test('transparent: an address that is not ours', async (t) => {
    const { provider } = make(t)
    const foreign: Address = { family: 'ipv4', host: '192.0.2.77', port: 0 }
    const listener = await provider.listen({ address: foreign, transparent: true }, NOBODY)
    t.match(listener.address, { host: '192.0.2.77' })
    listener.close()
    const s = await serving(t)
    const tap = new Tap(provider.connect({ to: s.address, from: foreign, transparent: true }))
    t.match(tap.sock.local(), { host: '192.0.2.77' })
    t.equal(tap.calls, 0)
    tap.sock.close()
  })

  t.test('fast open: data goes with the connection, and who only listens is connected, too', async (t) => {
    const { provider } = make(t)
    const a = await accepting(t, provider, { tcpFastOpen: true })
    for (let i = 0; i < 3; i++) {
      const tap = new Tap(provider.connect({ to: a.listener.address, tcpFastOpen: true }))
      t.teardown(() => tap.sock.close())
      await until('taken on', () => tap.calls > 0)
      if (i === 1) tap.end()
      else if (i === 2) tap.say('early')
      await until('accepted', () => a.socks.length === i + 1)
      a.socks[i]?.say('server first')
      await until('it came', () => tap.text === 'server first')
      if (i === 1) await until('the end came', () => a.socks[i]?.ended === true)
      if (i === 2) t.equal(a.socks[i]?.text, 'early')
    }
  })

  t.test('abstract sockets, padded as HAProxy pads them', async (t) => {
    const { provider, kernel } = make(t)
    const name = `headgate-test-${process.pid}`
    const [tap, other] = await pair(t, provider, { family: 'unix', path: name, abstract: true })
    tap.say('hidden')
    await until('it came', () => other.text === 'hidden')
    t.same(other.sock.local(), { family: 'unix', path: name, abstract: true })
    t.same(other.sock.remote(), { family: 'unix', path: '', abstract: false })
    const room = new Uint8Array(128)
    const size = new Uint8Array(new Int32Array([128]).buffer)
    t.equal(kernel.getsockname(descriptor(other).fd, room, size), 0)
    t.equal(new Int32Array(size.buffer)[0], 110)
  })

  t.test('a Unix path is replaced without a gap, and only its maker removes it', async (t) => {
    const { provider } = make(t)
    const dir = mkdtempSync(join(tmpdir(), 'headgate-'))
    t.teardown(() => rmSync(dir, { recursive: true }))
    const address: Address = { family: 'unix', path: join(dir, 'x'.repeat(100 - dir.length)), abstract: false }
    const old = await accepting(t, provider, { address })
    const inode = statSync(address.path).ino
    const fresh = await accepting(t, provider, { address, mode: 0o640, ...(ROOT ? { uid: 1, gid: 2 } : {}) })
    t.not(statSync(address.path).ino, inode)
    if (ROOT) t.match(statSync(address.path), { uid: 1, gid: 2 })
    old.listener.close()
    t.ok(existsSync(address.path), 'it is the new one’s')
    const peer = fresh.dial()
    peer.socket.write('x')
    await until('accepted by the new one', () => fresh.socks[0]?.text === 'x')
    fresh.listener.close()
    t.notOk(existsSync(address.path))
    symlinkSync('/nowhere', address.path)
    await t.rejects(provider.listen({ address }, NOBODY), { code: 'EADDRINUSE' })
    const long: Address = { family: 'unix', path: `/${'y'.repeat(120)}`, abstract: false }
    await t.rejects(provider.listen({ address: long }, NOBODY), { code: 'ENAMETOOLONG' })
    await t.rejects(provider.listen({ address: { family: 'unix', path: '/nonexistent/dir/s', abstract: false } }, NOBODY), { code: 'ENOENT' })
  })

  t.test('an inherited descriptor', async (t) => {
    const { provider, kernel } = make(t)
    const fd = kernel.socket(sys.AF_INET, sys.SOCK_STREAM, 0)
    await t.rejects(provider.listen({ address: LOOPBACK, fd }, NOBODY), { code: 'EINVAL', message: /not a listening socket/ })
    const address = encodeAddress(LOOPBACK)
    if (typeof address === 'number') return
    kernel.bind(fd, address, address.length)
    kernel.listen(fd, 5)
    const a = await accepting(t, provider, { fd, address: { family: 'none' } })
    t.match(a.listener.address, { family: 'ipv4', host: '127.0.0.1' })
    const peer = a.dial()
    peer.socket.write('x')
    await until('accepted', () => a.socks[0]?.text === 'x')
  })

  t.test('who waits in the queue of a listener that closes is taken in, unless it is paused', async (t) => {
    const { provider } = make(t)
    for (const paused of [false, true]) {
      const came: Tap[] = []
      const listener = await provider.listen({ address: LOOPBACK }, { accepted: (sock) => void came.push(new Tap(sock)), failed: (error) => t.fail(error) })
      if (paused) listener.pause()
      // On loopback connect() is through when it returns, and the loop has not turned since.
      const clients = Array.from({ length: 100 }, () => new Tap(provider.connect({ to: listener.address })))
      listener.close()
      t.equal(came.length, paused ? 0 : 100)
      for (const tap of came) tap.say('served')
      await until('each has its answer', () => clients.every((tap) => (paused ? tap.broken : tap.text === 'served')))
      for (const { sock } of [...clients, ...came]) sock.close()
    }
  })

  t.test('two threads’ worth of epoll on one listening descriptor: each connection is accepted once', async (t) => {
    const { provider, kernel } = make(t)
    const second = linuxProvider(kernel)
    t.teardown(() => second.close())
    const a = await accepting(t, provider)
    const events: string[] = []
    const fd = a.listener.fd
    if (fd === undefined) throw new Error('no descriptor to share')
    const other = await second.listen({ address: LOOPBACK, fd, shared: true }, { accepted: (sock) => (events.push('second'), sock.close()), failed: (error) => events.push(error) })
    for (let i = 0; i < 20; i++) a.dial()
    await until('all were accepted', () => a.socks.length + events.length === 20)
    a.listener.pause()
    a.dial()
    await until('the other one goes on', () => a.socks.length + events.length === 21)
    other.close()
    a.listener.resume()
    a.dial()
    await until('and after it closed, the first', () => a.socks.length + events.length === 22)
  })

  t.test('deferred accept waits for data', async (t) => {
    const { provider } = make(t)
    const a = await accepting(t, provider, { deferAccept: true })
    const peer = a.dial()
    await new Promise((resolve) => setTimeout(resolve, 80))
    t.equal(a.socks.length, 0)
    peer.socket.write('now')
    await until('accepted', () => a.socks[0]?.text === 'now')
  })

  t.test('drop: neither FIN nor RST', { skip: ROOT ? false : 'needs CAP_NET_ADMIN' }, async (t) => {
    const { provider } = make(t)
    const a = await accepting(t, provider)
    const peer = a.dial()
    peer.socket.write('x')
    await until('accepted', () => a.socks[0]?.text === 'x')
    descriptor(a.socks[0] ?? fail()).drop()
    await new Promise((resolve) => setTimeout(resolve, 100))
    t.equal(peer.ended, false)
    t.equal(peer.closed, false)
    t.equal(peer.error, '')
  })

  t.test('a descriptor that is handed on lives with its new owner', async (t) => {
    const { provider, kernel } = make(t)
    const [tap, other] = await pair(t, provider)
    await until('registered', () => descriptor(tap).dry)
    const fd = descriptor(tap).handOver()
    t.equal(descriptor(tap).handOver(), -1)
    t.equal(tap.sock.flush(new Bytes()), ERR_OUT)
    tap.sock.close()
    const socket = new Socket({ fd, allowHalfOpen: true })
    kernel.release(fd)
    const peer = new Peer(socket)
    t.teardown(() => socket.destroy())
    socket.write('from node')
    await until('it came', () => other.text === 'from node')
    other.say('to node')
    await until('it came back', () => peer.text === 'to node')
    for (const heard of [false, true]) {
      const [ending, far] = await pair(t, provider)
      if (heard) far.end()
      await until('it has read what there is', () => ending.ended === heard && descriptor(ending).dry === !heard)
      t.equal(ending.sock.shutCtrl(), true)
      const handed = descriptor(ending).handOver()
      await until('the end that was said came, though the descriptor is open', () => far.ended)
      kernel.close(handed)
    }
  })

  for (const ends of [false, true]) {
    t.test(`urgent data does not hide what is behind it, ${ends ? 'the end included' : 'though no event follows'}`, async (t) => {
      const { provider, kernel } = make(t)
      const [tap, other] = await pair(t, provider)
      const fd = descriptor(tap).fd
      const send = (text: string, flags: number): number => kernel.send(fd, Buffer.from(text), text.length, flags)
      // All of it is there before the other end reads, and its first read ends at the mark.
      send('before', 0)
      send('!', 1)
      send('behind', 0)
      if (ends) kernel.shutdown(fd, sys.SHUT_WR)
      await until('all came', () => other.text === 'beforebehind' && other.ended === ends)
    })
  }

  t.test('datagrams to a Unix socket, as syslog takes them', async (t) => {
    const kernel = checkedKernel(real)
    const dir = mkdtempSync(join(tmpdir(), 'headgate-'))
    t.teardown(() => rmSync(dir, { recursive: true }))
    const path = join(dir, 'log')
    const sender = openUnixDatagram(kernel, path)
    t.equal(sender.send(Buffer.from('too early')), 'ENOENT')
    const reader = kernel.socket(sys.AF_UNIX, sys.SOCK_DGRAM | sys.SOCK_NONBLOCK, 0)
    const address = encodeAddress({ family: 'unix', path, abstract: false })
    if (typeof address === 'number') return
    t.equal(kernel.bind(reader, address, address.length), 0)
    t.equal(sender.send(Buffer.from('<30>one')), '')
    t.equal(sender.send(Buffer.from('<30>two')), '')
    const room = Buffer.alloc(100)
    t.equal(room.toString('utf8', 0, kernel.recv(reader, room, 100, 0)), '<30>one')
    t.equal(room.toString('utf8', 0, kernel.recv(reader, room, 100, 0)), '<30>two')
    let last = ''
    for (let i = 0; i < 5000 && last === ''; i++) last = sender.send(Buffer.alloc(200))
    t.equal(last, 'EAGAIN', 'a reader that is behind blocks nobody')
    sender.close()
    sender.close()
    t.equal(sender.send(Buffer.from('x')), 'EBADF')
    kernel.close(reader)
    t.same([...kernel.open], [])
    t.throws(() => openUnixDatagram(kernel, 'x'.repeat(200)), { code: 'ENAMETOOLONG' })
  })

  t.test('out of descriptors: told, paused, and it goes on', async (t) => {
    const ended = await program(
      t,
      `
      import net from 'node:net'
      const socks = []
      const listener = await provider.listen({ address: LOOPBACK }, {
        accepted(sock) { socks.push(sock) },
        failed(error) {
          console.log(error)
          for (const sock of socks.splice(0)) sock.close()
          for (const p of peers.splice(0)) p.destroy()
          setTimeout(() => {
            listener.resume()
            const last = net.connect(listener.address.port, '127.0.0.1')
            last.on('end', () => { console.log('served'); last.destroy(); listener.close() })
            setTimeout(() => { for (const sock of socks.splice(0)) sock.close() }, 100)
          }, 50)
        },
      })
      const peers = []
      for (let i = 0; i < 40; i++) { const p = net.connect(listener.address.port, '127.0.0.1'); p.on('error', () => {}); peers.push(p) }
      `,
      ['prlimit', '--nofile=70:70', '--'],
    )
    t.equal(ended.err, '')
    t.equal(ended.out, 'EMFILE\nserved\n')
    t.equal(ended.code, 0)
  })

  t.test('the process lives while something is open, and ends by itself', async (t) => {
    const ended = await program(
      t,
      `
      const listener = await provider.listen({ address: LOOPBACK }, {
        accepted(sock) {
          const bytes = new Bytes()
          sock.owner = { ready() {
            const flow = sock.fill(bytes)
            sock.flush(bytes)
            if (flow & 4) { sock.close(); listener.close(); console.log('closed') }
            else if (flow === 0) sock.again()
          } }
          sock.again()
        },
        failed: console.log,
      })
      const { spawn } = await import('node:child_process')
      spawn(process.execPath, ['-e', 'setTimeout(() => require("net").connect(' + listener.address.port + ', "127.0.0.1").end("x"), 150)'], { stdio: 'ignore', detached: true }).unref()
      `,
    )
    t.equal(ended.err, '')
    t.equal(ended.out, 'closed\n')
    t.equal(ended.code, 0)
  })

  t.test('promises settle, and a throw costs its own connection only', async (t) => {
    const ended = await program(
      t,
      `
      import net from 'node:net'
      process.on('uncaughtException', (error) => console.log('uncaught', error.message))
      let left = 3
      const listener = await provider.listen({ address: LOOPBACK }, {
        accepted(sock) {
          const bytes = new Bytes()
          let woken
          const arrived = new Promise((resolve) => { woken = resolve })
          sock.owner = { ready() {
            sock.fill(bytes)
            const text = bytes.view().toString()
            bytes.clear()
            if (text === 'throw') { sock.close(); done(); throw new Error('bug') }
            if (text !== '') woken(text)
          } }
          sock.fill(bytes)
          arrived.then(async (text) => {
            await null
            process.nextTick(() => { console.log(text); sock.close(); done() })
          })
        },
        failed: console.log,
      })
      const done = () => { if (--left === 0) { for (const p of peers) p.destroy(); listener.close() } }
      const peers = []
      for (const text of ['one', 'throw', 'two']) {
        const p = net.connect(listener.address.port, '127.0.0.1')
        peers.push(p)
        await new Promise((resolve) => p.once('connect', resolve))
      }
      await new Promise((resolve) => setTimeout(resolve, 50))
      ;['one', 'throw', 'two'].forEach((text, i) => peers[i].write(text))
      const until = Date.now() + 30
      while (Date.now() < until); // all events in one batch
      `,
    )
    t.equal(ended.err, '')
    t.same(ended.out.split('\n').sort(), ['', 'one', 'two', 'uncaught bug'])
    t.equal(ended.code, 0)
  })

  t.test('a throw of who accepts resets the connection, and one in the work list costs the others nothing', async (t) => {
    const ended = await program(
      t,
      `
      import net from 'node:net'
      process.on('uncaughtException', (error) => console.log('uncaught', error.message))
      const socks = []
      const listener = await provider.listen({ address: LOOPBACK }, {
        accepted(sock) {
          if (socks.length === 3) throw new Error('accepting')
          socks.push(sock)
        },
        failed: console.log,
      })
      const dial = (then) => new Promise((resolve) => net.connect(listener.address.port, '127.0.0.1').on(then, resolve).on('error', () => undefined))
      for (let i = 0; i < 3; i++) await dial('connect')
      while (socks.length < 3) await new Promise((resolve) => setTimeout(resolve, 2))
      const error = await dial('error')
      console.log(error.code)
      const told = []
      for (const [i, sock] of socks.entries()) sock.owner = { ready() { told.push(i); if (i === 1) throw new Error('working') } }
      for (const sock of socks) sock.again()
      await new Promise((resolve) => setTimeout(resolve, 50))
      console.log('told', told.join(' '))
      process.exit(0)
      `,
    )
    t.equal(ended.err, '')
    const [first, second, ...rest] = ended.out.trim().split('\n')
    t.same([first, second].sort(), ['ECONNRESET', 'uncaught accepting'])
    t.same(rest, ['uncaught working', 'told 0 1 2'])
  })

  t.test('a pipe is made as large as was asked for', async (t) => {
    const kernel = checkedKernel(real)
    const provider = linuxProvider(kernel, { pipeSize: 131072 })
    const pipe = provider.thread.pipes.take()
    t.equal(kernel.fcntl(pipe?.writeEnd ?? -1, 1032, 0), 131072) // F_GETPIPE_SZ
    pipe?.release()
    provider.close()
    t.equal(kernel.open.size, 0)
  })

  t.test('the last bytes and the end travel together', async (t) => {
    const { provider, kernel } = make(t)
    const [tap, other] = await pair(t, provider)
    const segments = (): number => {
      const words = new Uint32Array(64)
      const size = new Uint8Array(new Int32Array([256]).buffer)
      kernel.getsockopt(descriptor(other).fd, sys.SOL_TCP, sys.TCP_INFO, new Uint8Array(words.buffer), size)
      return words[35] ?? 0 // tcpi_segs_in
    }
    other.reading = false
    await new Promise((resolve) => setTimeout(resolve, 20))
    const before = segments()
    const out = new Bytes()
    out.append(Buffer.from('goodbye'))
    t.equal(tap.sock.flush(out, true), 0)
    t.equal(tap.sock.shutCtrl(), true)
    await until('the end came', () => {
      other.reading = true
      other.pump()
      return other.ended
    })
    t.equal(other.text, 'goodbye')
    t.equal(segments() - before, 1)
  })

  t.test('churn: resets, half-closes and closes in any state leave nothing behind', { timeout: (SOAK_SECONDS + 60) * 1000 }, async (t) => {
    const kernel = checkedKernel(real)
    const provider = linuxProvider(kernel)
    const own = kernel.open.size
    const seconds = SOAK_SECONDS
    const seed = Number(process.env['SOAK_SEED'] ?? Date.now() % 1_000_000)
    t.comment(`seed ${seed}, ${seconds} s`)
    let x = seed | 1
    const dice = (sides: number): number => {
      x = Math.imul(x, 1664525) + 1013904223
      return (x >>> 8) % sides
    }
    const s = await provider.listen(
      { address: LOOPBACK },
      {
        accepted(sock) {
          const tap = new Tap(sock)
          tap.say('x'.repeat(dice(200_000)))
          if (dice(2) === 0) tap.end()
          setTimeout(() => (dice(3) === 0 ? sock.reset() : sock.close()), dice(30))
        },
        failed: (error) => t.fail(error),
      },
    )
    const relay = await provider.listen(
      { address: LOOPBACK },
      { accepted: (sock) => void new Relay(sock, provider.connect({ to: s.address })), failed: (error) => t.fail(error) },
    )
    const open = kernel.open.size
    let made = 0
    const round = async (until: number): Promise<void> => {
      while (Date.now() < until) {
        const batch: Promise<void>[] = []
        for (let i = 0; i < 20; i++) {
          made++
          const tap = new Tap(provider.connect({ to: relay.address }))
          tap.say('y'.repeat(dice(100_000)))
          if (dice(2) === 0) tap.end()
          batch.push(
            new Promise((resolve) =>
              setTimeout(() => {
                if (dice(3) === 0) tap.sock.reset()
                else tap.sock.close()
                resolve()
              }, dice(20)),
            ),
          )
        }
        await Promise.all(batch)
      }
    }
    await round(Date.now() + 200)
    const began = process.memoryUsage().rss
    await round(Date.now() + seconds * 1000)
    await until('every relay is done', () => Relay.left === 0 && kernel.open.size <= open + 2 * provider.thread.pipes.count)
    const grown = (process.memoryUsage().rss - began) / (1 << 20)
    t.comment(`${made} connections, ${grown.toFixed(1)} MiB grown`)
    if (seconds > 30) t.ok(grown < 64, `${grown} MiB grown`)
    s.close()
    relay.close()
    await until('all is closed', () => kernel.open.size === own + 2 * provider.thread.pipes.count)
    provider.close()
    t.same([...kernel.open], [])
  })

  t.test('threads: each with a provider of its own, and its end under traffic costs nobody else', async (t) => {
    const ended = await program(
      t,
      `
      import { Worker } from 'node:worker_threads'
      import net from 'node:net'
      provider.close()
      const thread = \`
        import { parentPort } from 'node:worker_threads'
        Promise.all(MODULES.map((m) => import(m))).then(async ([{ loadKernel }, { linuxProvider }, { Bytes }]) => {
          const provider = linuxProvider(loadKernel())
          const socks = new Set()
          let mode = ''
          const listener = await provider.listen({ address: { family: 'ipv4', host: '127.0.0.1', port: 0 } }, {
            accepted(sock) {
              socks.add(sock)
              const bytes = new Bytes()
              sock.owner = { ready() {
                if (mode === 'bug') throw new Error('bug')
                const flow = sock.fill(bytes)
                sock.flush(bytes)
                bytes.keep()
                if (flow === 0) sock.again()
              } }
              sock.again()
            },
            failed() {},
          })
          parentPort.postMessage(listener.address.port)
          parentPort.on('message', (m) => {
            mode = m
            if (m === 'exit') process.exit(2)
            if (m === 'throw') throw new Error('thrown')
            if (m === 'close') {
              listener.close()
              for (const sock of socks) sock.close()
              provider.close()
              parentPort.close()
            }
          })
        })
      \`.replace('MODULES', MODULES)
      const log = []
      for (const mode of ['close', 'exit', 'throw', 'bug', 'exit', 'throw', 'close']) {
        const worker = new Worker(thread, { eval: true })
        worker.on('error', (error) => log.push(error.message))
        const port = await new Promise((resolve) => worker.once('message', resolve))
        const peers = []
        for (let i = 0; i < 10; i++) {
          const peer = net.connect(port, '127.0.0.1')
          peer.on('error', () => {})
          peer.on('data', (chunk) => peer.write(chunk))
          peer.write('ping')
          peers.push(peer)
        }
        await new Promise((resolve) => setTimeout(resolve, 30))
        const exited = new Promise((resolve) => worker.once('exit', resolve))
        worker.postMessage(mode)
        log.push(mode + ' ' + (await exited))
        for (const peer of peers) peer.destroy()
      }
      console.log(log.join(', '))
      kernel.exit(7)
      `.replace('MODULES)', `${JSON.stringify(JSON.stringify(['net/linux/syscalls.js', 'net/linux/provider.js', 'core/bytes.js'].map((name) => join(here, '../../src', name))))})`),
    )
    t.equal(ended.err, '')
    t.equal(ended.out, 'close 0, exit 2, thrown, throw 1, bug, bug 1, exit 2, thrown, throw 1, close 0\n')
    t.equal(ended.code, 7)
  })

  t.test('idle: a registered sock makes no call', async (t) => {
    const calls: string[] = []
    const counting: sys.Kernel = { ...real, epollWait: (...args) => (calls.push('epollWait'), real.epollWait(...args)), recv: (...args) => (calls.push('recv'), real.recv(...args)) }
    const provider = linuxProvider(counting)
    t.teardown(() => provider.close())
    const [tap] = await pair(t, provider)
    await new Promise((resolve) => setTimeout(resolve, 30))
    calls.length = 0
    await new Promise((resolve) => setTimeout(resolve, 100))
    t.same(calls, [])
    t.equal(tap.sock.fill(new Bytes()), EMPTY_IN)
    t.same(calls, [])
  })
}

function fail(): never {
  throw new Error('nothing was accepted')
}
