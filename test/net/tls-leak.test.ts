// A leak test of the layer on Node's exported OpenSSL: handshakes by the ten thousand, good and broken at every stage, with the layer on
// both ends of socket pairs; then as much memory is allocated as before.
//
// What is counted is what malloc() has given out and not got back (mallinfo2), to which all of OpenSSL's memory belongs and nothing of
// V8's heap; where libc cannot tell, resident memory. HANDSHAKES=110000 is the full number, SEED repeats the same choices,
// WAYS='not TLS;ALPN' narrows a leak down.

import { createRequire } from 'node:module'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { Bytes } from '../../src/core/bytes.ts'
import type { TlsClientSettings, TlsMaker, TlsServerSettings } from '../../src/core/tls.ts'
import { loadOpenSsl } from '../../src/net/linux/openssl-calls.ts'
import { OpenSslClient, OpenSslSessions } from '../../src/net/linux/openssl-client.ts'
import { clientContext, serverContext } from '../../src/net/linux/openssl-context.ts'
import { OpenSslServer } from '../../src/net/linux/openssl-server.ts'
import { linuxProvider } from '../../src/net/linux/provider.ts'
import { LinuxSock } from '../../src/net/linux/sock.ts'
import { AF_UNIX, loadKernel, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_STREAM } from '../../src/net/linux/syscalls.ts'
import { certificates } from '../kit/certificates.ts'
import { sleep } from '../kit/program.ts'
import { randomFrom } from '../kit/subject.ts'
import { certificate, clientSettings, counted, End, serverSettings } from '../kit/tls-ends.ts'

const HANDSHAKES = Number(process.env['HANDSHAKES'] ?? 22_000)
const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
const random = randomFrom(seed)
/** Pairs at a time. */
const TOGETHER = 16
/** Before counting begins: caches fill, code is compiled. */
const WARM_UP = 3000
/** It is looked at so often: a leak grows each time, what V8 and malloc() keep for themselves comes in a step or two. */
const SLICES = 11
/** Most that may be left over by the median of the slices. */
const SLACK = 24_576

const made = await certificates()
const kernel = loadKernel()
const openssl = loadOpenSsl()
const reason = 'reason' in kernel ? kernel.reason : 'reason' in openssl ? openssl.reason : undefined

/** Bytes that malloc() has given out; undefined where libc cannot tell. */
function allocationCounter(): (() => number) | undefined {
  try {
    const koffi: typeof import('koffi') = createRequire(import.meta.url)('koffi')
    const names = ['arena', 'ordblks', 'smblks', 'hblks', 'hblkhd', 'usmblks', 'fsmblks', 'uordblks', 'fordblks', 'keepcost']
    const type = koffi.struct(Object.fromEntries(names.map((name) => [name, 'size_t'])))
    const mallinfo2: () => { readonly uordblks: number; readonly hblkhd: number } = koffi.load(null).func('mallinfo2', type, [])
    return () => {
      const { uordblks, hblkhd } = mallinfo2()
      return uordblks + hblkhd
    }
  } catch {
    return undefined
  }
}

/** What V8 collects it frees in the background, a moment later. */
async function collect(): Promise<void> {
  setFlagsFromString('--expose-gc')
  const gc: unknown = runInNewContext('gc')
  for (let i = 0; i < 3; i++) {
    if (typeof gc === 'function') gc()
    await sleep(20)
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

if (reason !== undefined || 'reason' in kernel || 'reason' in openssl) t.pass('no OpenSSL layer here', { skip: reason ?? '' })
else {
  t.setTimeout(60_000 + 5 * HANDSHAKES)
  const provider = linuxProvider(kernel)
  t.teardown(() => provider.close())

  const { calls: counting, alive } = counted(openssl)

  const server = (more: Partial<TlsServerSettings> = {}): TlsMaker => {
    const settings = serverSettings(made.server, more)
    const context = serverContext(counting, settings)
    return (lower, rest) => {
      if (!(lower instanceof LinuxSock)) throw new Error('no LinuxSock')
      return new OpenSslServer(counting, context, settings, lower, rest)
    }
  }
  const client = (more: Partial<TlsClientSettings> = {}): TlsMaker => {
    const settings = clientSettings({ verify: 'required', ca: { file: 'ca', pem: Buffer.from(made.ca) }, ...more })
    const context = clientContext(counting, settings)
    const sessions = settings.reuse ? new OpenSslSessions(counting) : undefined
    return (lower, rest) => {
      if (!(lower instanceof LinuxSock)) throw new Error('no LinuxSock')
      return new OpenSslClient(counting, context, settings, 'server.test', sessions, lower, rest)
    }
  }

  const old = { maxVersion: 'TLSv1.2', minVersion: 'TLSv1.2' } as const
  const ca = { file: 'ca', pem: Buffer.from(made.ca) }
  const servers = {
    plain: server(),
    cached: server({ tickets: false }),
    strict: server({ verify: 'required', ca }),
    new: server({ minVersion: 'TLSv1.3' }),
    alpn: server({ alpn: ['h2', 'echo'] }),
  }
  const clients = {
    plain: client({ reuse: false }),
    again: client(),
    old: client({ ...old, reuse: false }),
    oldAgain: client(old),
    oldCached: client(old),
    distrusting: client({ ca: { file: 'wrong', pem: Buffer.from(made.wrongCa) }, reuse: false }),
    known: client({ certificate: certificate(made.client) }),
    stranger: client({ certificate: certificate(made.stranger), reuse: false }),
    alpn: client({ alpn: ['echo'], reuse: false }),
  }

  const pairs = new Uint8Array(8)
  const ends = new Int32Array(pairs.buffer)
  const socks = (): [LinuxSock, LinuxSock] => {
    const result = kernel.socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pairs)
    if (result < 0) throw new Error(`socketpair: ${result}`)
    const sock = (fd: number): LinuxSock => new LinuxSock(provider.thread, fd, AF_UNIX, { family: 'unix', path: '', abstract: false }, { family: 'unix', path: '', abstract: false })
    return [sock(ends[0] ?? -1), sock(ends[1] ?? -1)]
  }

  const send = (sock: LinuxSock, bytes: Buffer): void => void kernel.send(sock.fd, bytes, bytes.length, 0)
  const flushed = (sock: LinuxSock, text: string): void => {
    const bytes = new Bytes()
    bytes.append(Buffer.from(text))
    sock.flush(bytes)
  }

  /** What a client says first, for those who say it badly. */
  const hello = ((): Buffer => {
    const [near, far] = socks()
    const end = new End(near, clients.plain)
    const into = new Bytes()
    far.fill(into)
    const bytes = Buffer.from(into.view())
    end.close()
    far.close()
    return bytes
  })()

  interface Both {
    readonly a: End
    readonly b: End
  }
  const both = (client: TlsMaker, server: TlsMaker): Both => {
    const [near, far] = socks()
    return { a: new End(near, client), b: new End(far, server) }
  }
  /** Both through their handshakes, a word each way, and a polite end. */
  const whole = async (client: TlsMaker, server: TlsMaker): Promise<Both> => {
    const pair = both(client, server)
    const { a, b } = pair
    await a.over()
    await b.over()
    if (a.state !== 'done' || b.state !== 'done') throw new Error(`${a.error} ${b.error}`)
    a.say('ping')
    await b.until(() => b.text === 'ping')
    b.say('pong')
    await a.until(() => a.text === 'pong')
    return pair
  }
  const politely = async (client: TlsMaker, server: TlsMaker): Promise<Both> => {
    const pair = await whole(client, server)
    await pair.a.end()
    await pair.b.until(() => pair.b.ended)
    await pair.b.end()
    return pair
  }
  /** One of them, or both, fail. */
  const refused = async (client: TlsMaker, server: TlsMaker): Promise<Both> => {
    const pair = both(client, server)
    const { a, b } = pair
    // A client of TLS 1.3 is through before the server has looked at its certificate.
    await b.until(() => b.state === 'failed' || (b.state === 'done' && a.state === 'failed') || b.error !== '')
    if (a.state !== 'failed' && b.state !== 'failed') throw new Error(`${a.state} ${b.state}`)
    return pair
  }
  /** Says this to a server of ours, and ends. */
  const told = async (bytes: Buffer): Promise<Both> => {
    const [near, far] = socks()
    const b = new End(far, servers.plain)
    send(near, bytes)
    await turn()
    near.close()
    await b.over()
    return { a: b, b }
  }

  /** Every way in which a handshake may come out. Both ends are closed behind it. */
  const WAYS: Readonly<Record<string, () => Promise<Both>>> = {
    'full, TLS 1.3': () => politely(clients.plain, servers.plain),
    'full, TLS 1.2': () => politely(clients.old, servers.plain),
    'resumed, TLS 1.3': () => politely(clients.again, servers.plain),
    'resumed, TLS 1.2': () => politely(clients.oldAgain, servers.plain),
    'resumed, from the cache': () => politely(clients.oldCached, servers.cached),
    'client certificate': () => politely(clients.known, servers.strict),
    'ALPN': () => politely(clients.alpn, servers.alpn),
    'the server is not trusted': () => refused(clients.distrusting, servers.plain),
    'the client is not trusted': () => refused(clients.stranger, servers.strict),
    'no client certificate': () => refused(clients.plain, servers.strict),
    'no common version': () => refused(clients.old, servers.new),
    'not TLS': () => told(Buffer.from('GET / HTTP/1.0\r\n\r\n')),
    'a part of a hello': () => told(hello.subarray(0, 1 + random(hello.length - 1))),
    'a hello with a wrong byte': () => {
      const bytes = Buffer.from(hello)
      const at = random(bytes.length)
      bytes[at] = (bytes[at] ?? 0) ^ (1 + random(255))
      return told(bytes)
    },
    async 'the server talks of something else'() {
      const [near, far] = socks()
      const a = new End(near, clients.again)
      flushed(far, '220 mail.example ESMTP\r\n')
      await turn()
      far.close()
      await a.over()
      return { a, b: a }
    },
    async 'left at some stage'() {
      const pair = both(random(2) === 0 ? clients.old : clients.plain, servers.plain)
      for (let turns = random(5); turns > 0; turns--) await turn()
      const [first, second] = random(2) === 0 ? [pair.a, pair.b] : [pair.b, pair.a]
      if (random(2) === 0) first.layer?.reset()
      first.close()
      await second.until(() => second.state === 'failed' || second.error !== '' || second.ended)
      return pair
    },
    async 'ended without close_notify'() {
      const pair = await whole(clients.again, servers.plain)
      pair.a.sock.shutCtrl()
      await pair.b.until(() => pair.b.ended || pair.b.error !== '')
      return pair
    },
    async 'junk within'() {
      const pair = await whole(clients.old, servers.plain)
      flushed(pair.a.sock instanceof LinuxSock ? pair.a.sock : socks()[0], 'neither a record nor the end of one')
      await pair.b.until(() => pair.b.ended || pair.b.error !== '')
      return pair
    },
  }
  const names = process.env['WAYS']?.split(';') ?? Object.keys(WAYS)

  const handshakes = async (count: number): Promise<void> => {
    let left = count
    await Promise.all(
      Array.from({ length: TOGETHER }, async () => {
        while (left-- > 0) {
          const name = names[left % names.length] ?? ''
          const pair = await WAYS[name]?.()
          pair?.a.close()
          pair?.b.close()
        }
      }),
    )
  }

  t.test(`${HANDSHAKES} handshakes, good and broken, leave nothing behind`, async (t) => {
    t.comment(`SEED=${seed}`)
    const counted = allocationCounter()
    const used = async (): Promise<number> => {
      await collect()
      return counted?.() ?? process.memoryUsage().rss
    }
    await handshakes(WARM_UP)
    const grown: number[] = []
    const began = performance.now()
    const cpu = process.cpuUsage()
    let before = await used()
    for (let slice = 0; slice < SLICES; slice++) {
      await handshakes(HANDSHAKES / SLICES)
      const now = await used()
      grown.push(now - before)
      before = now
    }
    const { user, system } = process.cpuUsage(cpu)
    t.equal(alive(), 0, 'every SSL object is freed')
    const median = grown.toSorted((x, y) => x - y)[SLICES >> 1] ?? NaN
    const what = `${median} bytes more ${counted === undefined ? 'resident' : 'allocated'} for every ${HANDSHAKES / SLICES} handshakes (median; each: ${grown.join(', ')})`
    t.comment(`${what}; ${HANDSHAKES} in ${((performance.now() - began) / 1000).toFixed(1)} s, CPU ${((user + system) / 1e6).toFixed(1)} s`)
    // Of resident memory little can be said: where it is all there is, a leak of a session each would be several times this.
    t.ok(median < (counted === undefined ? 300 * (HANDSHAKES / SLICES) : SLACK), what)
  })
}
