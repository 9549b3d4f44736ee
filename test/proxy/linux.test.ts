// From lines of a configuration to the kernel: what only the linux provider can do, asked back from the sockets that it made.

import { createServer, connect, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { NEXT_RULE } from '../../src/core/action.ts'
import type { Plugin } from '../../src/core/plugin.ts'
import type { Sample } from '../../src/core/sample.ts'
import { EngineConnection } from '../../src/net/connection.ts'
import { linuxProvider } from '../../src/net/linux/provider.ts'
import { encodeAddress } from '../../src/net/linux/sockaddr.ts'
import { LinuxSock } from '../../src/net/linux/sock.ts'
import * as sys from '../../src/net/linux/syscalls.ts'
import { GaugeMemory } from '../../src/proxy/gauge.ts'
import { buildRuntime, type Runtime } from '../../src/proxy/runtime.ts'
import { Wheel } from '../../src/util/wheel.ts'
import { allPlugins, loadText } from '../kit/configuration.ts'
import { certificates } from '../kit/certificates.ts'
import { claimPorts } from '../kit/ports.ts'
import { until } from '../net/provider-contract.ts'

const ports = await claimPorts()
t.teardown(() => ports.release())
let made = 0

const kernel = sys.loadKernel()
const MAY = 'socket' in kernel && process.getuid?.() === 0
const DEFAULTS = 'defaults\n  mode tcp\n  timeout client 5s\n  timeout server 5s\n  timeout connect 2s\n  retries 0\n'

interface Running {
  readonly runtime: Runtime
  readonly port: number
  /** The first listener's descriptor. */
  readonly fd: number
  /** A socket option of the first listener. */
  listening(level: number, option: number): number
  /** The client's sockets that the action `look` saw. */
  readonly seen: LinuxSock[]
  /** What the variables sess.a to sess.d were then: texts and numbers. */
  readonly kept: (string | undefined)[][]
  /** Warnings, each once. */
  readonly warned: string[]
}

/** PORT in the text is a free one. */
async function running(t: Test, lines: string, table = kernel): Promise<Running> {
  if (!('socket' in kernel) || !('socket' in table)) throw new Error('no kernel')
  const seen: LinuxSock[] = []
  const warned: string[] = []
  const kept: (string | undefined)[][] = []
  const text = (sample: Sample | undefined): string | undefined => (sample === undefined ? undefined : String(sample.value))
  const look: Plugin = {
    name: 'look',
    actions: [
      {
        name: 'look',
        rules: ['session', 'request'],
        args: '',
        doc: 'Keeps the socket of the client.',
        compile: () => ({ client, variables }) => {
          kept.push(['a', 'b', 'c', 'd'].map((name) => text(variables.get({ scope: 'sess', name }))))
          if (client instanceof EngineConnection && client.sock instanceof LinuxSock) seen.push(client.sock)
          return NEXT_RULE
        },
      },
    ],
  }
  const plugins = [...allPlugins, look]
  const { configuration, problems } = loadText(DEFAULTS + lines.replace('PORT', String(ports.port(`listener ${made++}`))), { plugins })
  t.same(problems.filter((p) => p.level === 'alert'), [])
  const provider = linuxProvider(table)
  const runtime = await buildRuntime(configuration, {
    provider,
    wheel: new Wheel(),
    gauges: new GaugeMemory(),
    clock: Date.now,
    random: Math.random,
    plugins,
    global: configuration.global,
    bufferSize: 16_384,
    maxconn: 0,
    sinkFor: () => undefined,
    notice: () => undefined,
    warnOnce: (text) => void (warned.includes(text) ? 0 : warned.push(text)),
    bug: (where, error) => t.fail(`${where}: ${String(error)}`),
  })
  t.same(await runtime.start(), [])
  t.teardown(async () => {
    runtime.kill()
    await runtime.finished
    provider.close()
  })
  const [bind] = runtime.frontends[0]?.binds ?? []
  const address = bind?.listener.address
  return {
    runtime,
    port: address !== undefined && 'port' in address ? address.port : 0,
    fd: bind?.listener.fd ?? -1,
    listening: (level, option) => sys.getInt(kernel, bind?.listener.fd ?? -1, level, option),
    seen,
    kept,
    warned,
  }
}

/** Where a server is, and who came to it: `address:port`. */
async function serving(t: Test): Promise<{ port: number; came: string[] }> {
  const came: string[] = []
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    sockets.push(socket)
    came.push(`${socket.remoteAddress ?? ''}:${socket.remotePort ?? 0}`)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const address = server.address()
  return { port: address !== null && typeof address === 'object' ? address.port : 0, came }
}

/** tcpi_segs_out of struct tcp_info. */
function segmentsOut(table: sys.Kernel, fd: number): number {
  const words = new Uint32Array(36)
  const size = new Uint8Array(new Int32Array([words.byteLength]).buffer)
  return table.getsockopt(fd, sys.SOL_TCP, sys.TCP_INFO, new Uint8Array(words.buffer), size) < 0 ? -1 : (words[34] ?? -1)
}

async function coming(t: Test, port: number, localAddress = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port, localAddress })
  socket.on('error', () => undefined)
  t.teardown(() => socket.destroy())
  await new Promise<void>((resolve) => socket.once('connect', resolve))
  return socket
}

t.test('what bind lines say is what the listening socket has', { skip: !MAY && 'needs koffi and root' }, async (t) => {
  const cases: readonly (readonly [string, number, number, (value: number) => boolean])[] = [
    ['tcp-ut 5s', sys.SOL_TCP, sys.TCP_USER_TIMEOUT, (n) => n === 5000],
    ['mss 1200', sys.SOL_TCP, sys.TCP_MAXSEG, (n) => n === 1200],
    ['tfo', sys.SOL_TCP, sys.TCP_FASTOPEN, (n) => n > 0],
    ['defer-accept', sys.SOL_TCP, sys.TCP_DEFER_ACCEPT, (n) => n > 0],
    ['transparent', sys.SOL_IP, sys.IP_TRANSPARENT, (n) => n === 1],
  ]
  const plain = await running(t, 'frontend f\n  bind 127.0.0.1:PORT\n')
  for (const [words, level, option, right] of cases) {
    const r = await running(t, `frontend f\n  bind 127.0.0.1:PORT ${words}\n`)
    t.ok(right(r.listening(level, option)), `${words}: ${r.listening(level, option)}`)
    t.notOk(right(plain.listening(level, option)), `without ${words}: ${plain.listening(level, option)}`)
  }
  const device = (r: Running): string => {
    const name = Buffer.alloc(16)
    const size = new Uint8Array(new Int32Array([name.length]).buffer)
    if (!('socket' in kernel) || kernel.getsockopt(r.fd, sys.SOL_SOCKET, sys.SO_BINDTODEVICE, name, size) < 0) return 'not asked'
    return name.toString('latin1').replaceAll('\0', '')
  }
  t.equal(device(await running(t, 'frontend f\n  bind 127.0.0.1:PORT interface lo\n')), 'lo')
  t.equal(device(plain), '')
})

t.test('the SYN of a connection is kept where the line says so, and told once', { skip: !MAY && 'needs koffi and root' }, async (t) => {
  const rules = (ip: string): string =>
    ['set-var(sess.syn) fc_saved_syn', `set-var(sess.a) var(sess.syn),${ip}ip.src`, `set-var(sess.b) var(sess.syn),${ip}ip.data,tcp.src`, `set-var(sess.c) var(sess.syn),${ip}ip.data,tcp.options.wsopt`, 'set-var(sess.d) fc_saved_syn,hex']
      .map((rule) => `  tcp-request connection ${rule}\n`)
      .join('') + '  tcp-request session look\n'
  for (const [mode, ip] of [['tcp-ss 1', ''], ['tcp-ss 2', 'eth.data,']] as const) {
    const r = await running(t, `frontend f\n  bind 127.0.0.1:PORT ${mode}\n${rules(ip)}`)
    const { localPort } = await coming(t, r.port, '127.0.0.77')
    await until('seen', () => r.kept.length > 0)
    t.same(r.kept[0], [String(0x7f00004d), String(localPort), '1', undefined], mode)
  }
  for (const mode of ['', 'tcp-ss 0']) {
    const r = await running(t, `frontend f\n  bind 127.0.0.1:PORT ${mode}\n${rules('')}`)
    await coming(t, r.port)
    await until('seen', () => r.kept.length > 0)
    t.same(r.kept[0], [undefined, undefined, undefined, undefined], mode === '' ? 'no tcp-ss' : mode)
  }
})

t.test('set-mark and set-tos mark what goes to the client', { skip: !MAY && 'needs koffi and root' }, async (t) => {
  const server = await serving(t)
  for (const rules of ['connection', 'handshake', 'session', 'content']) {
    const r = await running(t, `listen l\n  bind 127.0.0.1:PORT\n  tcp-request ${rules} set-mark 0x2a\n  tcp-request ${rules} set-tos 16\n  tcp-request content look\n  server s 127.0.0.1:${server.port}\n`)
    await coming(t, r.port)
    await until('seen', () => r.seen.length > 0)
    const fd = r.seen[0]?.fd ?? -1
    if ('socket' in kernel) t.same([sys.getInt(kernel, fd, sys.SOL_SOCKET, sys.SO_MARK), sys.getInt(kernel, fd, sys.SOL_IP, sys.IP_TOS)], [42, 16], rules)
  }
})

t.test('what set-mark and set-tos cannot do is said once per cause, by name; the session goes on', { skip: !MAY && 'needs koffi and root' }, async (t) => {
  if (!('socket' in kernel)) return
  const server = await serving(t)
  let answer = -sys.E.EPERM
  const strict: sys.Kernel = {
    ...kernel,
    setsockopt: (fd, level, option, value, size) => (option === sys.SO_MARK || (level === sys.SOL_IP && option === sys.IP_TOS) ? answer : kernel.setsockopt(fd, level, option, value, size)),
  }
  const r = await running(t, `listen l\n  bind 127.0.0.1:PORT\n  tcp-request connection set-mark 7\n  tcp-request content set-tos 16\n  server s 127.0.0.1:${server.port}\n`, strict)
  for (const n of [1, 2]) {
    await coming(t, r.port)
    await until('there', () => server.came.length === n)
  }
  t.same(r.warned, ["frontend l: 'set-mark' has no effect: EPERM, it takes CAP_NET_ADMIN", "frontend l: 'set-tos' has no effect: EPERM, it takes CAP_NET_ADMIN"])
  answer = -sys.E.EBADF
  await coming(t, r.port)
  await until('there', () => server.came.length === 3)
  t.match(r.warned[3], /'set-tos' has no effect: EBADF, node:tls has the connection's descriptor/)
  t.equal(r.warned.length, 4)
})

t.test('set-bc-mark and set-bc-tos mark what goes to the server, from the SYN on; what is refused is said', { skip: !MAY && 'needs koffi and root' }, async (t) => {
  if (!('socket' in kernel)) return
  const server = await serving(t)
  const seen: number[][] = []
  let strict = false
  const table: sys.Kernel = {
    ...kernel,
    setsockopt: (fd, level, option, value, size) => (strict && option === sys.SO_MARK ? -sys.E.EPERM : kernel.setsockopt(fd, level, option, value, size)),
    connect: (fd, address, size) => {
      seen.push([sys.getInt(kernel, fd, sys.SOL_SOCKET, sys.SO_MARK), sys.getInt(kernel, fd, sys.SOL_IP, sys.IP_TOS)])
      return kernel.connect(fd, address, size)
    },
  }
  const lines = (rules: string): string => `listen l\n  bind 127.0.0.1:PORT\n${rules}  server s 127.0.0.1:${server.port}\n`
  const rules = '  tcp-request content set-bc-mark 0x2a\n  tcp-request content set-bc-tos int(16)\n'
  const one = async (text: string): Promise<Running> => {
    const came = server.came.length
    const r = await running(t, lines(text), table)
    await coming(t, r.port)
    await until('there', () => server.came.length > came)
    return r
  }
  await one('')
  await one(rules)
  strict = true
  const { warned } = await one(rules)
  t.same(seen, [[0, 0], [42, 16], [0, 16]])
  t.same(warned, ["frontend l: 'set-bc-mark' has no effect: EPERM, it takes CAP_NET_ADMIN"])
})

t.test('ACKs that wait for bytes: with tcp-smart-accept, and towards servers unless they are told not to', { skip: !MAY && 'needs koffi and root' }, async (t) => {
  if (!('socket' in kernel)) return
  const server = await serving(t)
  /** Whether the ACKs of the accepted connection go out at once, and the segments that had been sent to the server when the first bytes were. */
  const seen = async (words: string, speaks: boolean, more = ''): Promise<{ quick: number; sent: number[] }> => {
    const sent: number[] = []
    // It looks at an outgoing connection whenever something was sent on it: setup, bytes.
    const table = {
      ...kernel,
      send: (fd: number, from: Uint8Array, size: number, flags: number): number => {
        const result = kernel.send(fd, from, size, flags)
        if (connecting.has(fd)) sent.push(segmentsOut(kernel, fd))
        return result
      },
      connect: (fd: number, address: Uint8Array, size: number): number => {
        connecting.add(fd)
        return kernel.connect(fd, address, size)
      },
    }
    const connecting = new Set<number>()
    const r = await running(t, `listen l\n  bind 127.0.0.1:PORT defer-accept\n  ${words}\n  tcp-request session look\n  server s 127.0.0.1:${server.port} ${more}\n`, table)
    const client = await coming(t, r.port)
    if (speaks) client.write('x')
    const came = server.came.length
    await until('there', () => server.came.length > came && r.seen.length > 0)
    if (!speaks) client.write('x')
    await until('said', () => sent.length > 0)
    const quick = sys.getInt(kernel, r.seen[0]?.fd ?? -1, sys.SOL_TCP, sys.TCP_QUICKACK)
    return { quick, sent }
  }
  t.same(await seen('', true), { quick: 1, sent: [2] }, 'SYN, then bytes and ACK in one')
  t.same(await seen('option tcp-smart-connect', true), { quick: 1, sent: [2] })
  t.same(await seen('no option tcp-smart-connect', true), { quick: 1, sent: [3] }, 'SYN, ACK, bytes')
  t.same(await seen('', false), { quick: 1, sent: [3] }, 'a client that says nothing makes no server wait')
  t.same((await seen('', false, 'send-proxy')).sent[0], 2, 'Headgate itself speaks first')
  t.same(await seen('option tcp-smart-accept', true), { quick: 0, sent: [2] })
  const quick = (r: Running): number => r.listening(sys.SOL_TCP, sys.TCP_QUICKACK)
  const { server: { pem } } = await certificates()
  t.equal(quick(await running(t, 'frontend f\n  bind 127.0.0.1:PORT\n')), 1)
  t.equal(quick(await running(t, `frontend f\n  bind 127.0.0.1:PORT ssl crt ${pem}\n`)), 0, 'TLS answers a hello at once')
  t.equal(quick(await running(t, `frontend f\n  no option tcp-smart-accept\n  bind 127.0.0.1:PORT ssl crt ${pem}\n`)), 1)
})

t.test('servers and their options: who a server sees', { skip: !MAY && 'needs koffi and root' }, async (t) => {
  const server = await serving(t)
  for (const [words, expected] of [
    ['source 127.0.0.5', /^127\.0\.0\.5:\d+$/],
    ['source 127.0.0.5 usesrc clientip', /^127\.0\.0\.77:\d+$/],
    ['source 127.0.0.5 interface lo usesrc 127.0.0.9', /^127\.0\.0\.9:\d+$/],
    ['tfo tcp-ut 5s', /^127\.0\.0\.1:\d+$/],
  ] as const) {
    server.came.length = 0
    const r = await running(t, `listen l\n  bind 127.0.0.1:PORT\n  server s 127.0.0.1:${server.port} ${words}\n`)
    const client = await coming(t, r.port, '127.0.0.77')
    client.write('x') // fast open connects with data
    await until('there', () => server.came.length > 0)
    t.match(server.came[0], expected, words)
  }
  server.came.length = 0
  const r = await running(t, `listen l\n  bind 127.0.0.1:PORT\n  source 0.0.0.0 usesrc client\n  server s 127.0.0.1:${server.port}\n`)
  const client = await coming(t, r.port, '127.0.0.78')
  await until('there', () => server.came.length > 0)
  t.equal(server.came[0], `127.0.0.78:${client.localPort ?? 0}`, 'its address and its port')
})

t.test('a redirected client came to where it meant to go; a session that does not ask pays nothing', { skip: !MAY && 'needs koffi and root' }, async (t) => {
  if (!('socket' in kernel)) return
  let asked = 0
  const netfilter: sys.Kernel = {
    ...kernel,
    getsockopt(fd, level, option, into, size) {
      if (level !== sys.SOL_IP || option !== sys.SO_ORIGINAL_DST) return kernel.getsockopt(fd, level, option, into, size)
      asked++
      const meant = encodeAddress({ family: 'ipv4', host: '127.0.0.1', port: meantPort })
      if (typeof meant !== 'number') into.set(meant)
      return 0
    },
  }
  const server = await serving(t)
  const meantPort = server.port
  const plain = await running(t, `listen l\n  bind 127.0.0.1:PORT\n  server s 127.0.0.1:${server.port}\n`, netfilter)
  await coming(t, plain.port)
  await until('there', () => server.came.length === 1)
  t.equal(asked, 0)
  for (const way of ['tcp-request content reject unless { dst_port ' + String(server.port) + ' }\n  server s 127.0.0.1:' + String(server.port), 'server s 0.0.0.0']) {
    server.came.length = 0
    asked = 0
    const r = await running(t, `listen l\n  bind 127.0.0.1:PORT\n  ${way}\n`, netfilter)
    await coming(t, r.port)
    await until('there', () => server.came.length === 1)
    t.equal(asked, 1, way)
  }
})
