// A soak: sessions of all kinds come and go for a while, many of them broken; then the descriptors, the memory and the counts are what
// they were at the beginning. On each provider. SOAK_SECONDS=600 makes it long,
// SOAK_ONLY='TLS reset,echo' narrows a leak down; SEED repeats the same choices.

import { readdirSync, readlinkSync } from 'node:fs'
import t from 'tap'
import { loadKernel } from '../../src/net/linux/syscalls.ts'
import { connect, connectTls, serve, type Wire } from '../kit/peers.ts'
import { sleep, type Program } from '../kit/program.ts'
import { randomFrom, subject, type Names, type Subject } from '../kit/subject.ts'

const SECONDS = Number(process.env['SOAK_SECONDS'] ?? 20)
const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
const random = randomFrom(seed)
/** Sessions at a time. */
const TOGETHER = 30
const MEGABYTE = 1 << 20
const PATIENCE = 20_000

const config =
  (provider: 'node' | 'linux') =>
  ({ port, certificates }: Names): string => `
global
  provider ${provider}
  log stdout format raw local0
defaults
  mode tcp
  log global
  timeout connect 2s
  timeout client 10s
  timeout server 10s
  timeout client-fin 5s
  timeout server-fin 5s
  log-format "%f ended %ts counts %ac %fc %bc %sc %bq"
listen plain
  bind 127.0.0.1:${port('plain')}
  server s 127.0.0.1:${port('server')}
listen limited
  bind 127.0.0.1:${port('limited')}
  timeout queue 20s
  server s 127.0.0.1:${port('server')} maxconn 2
listen tls
  bind 127.0.0.1:${port('tls')} ssl crt ${certificates.server.pem}
  server s 127.0.0.1:${port('server')}
listen refused
  bind 127.0.0.1:${port('refused')}
  retries 0
  server s 127.0.0.1:${port('nobody')}
`

/** What is sent and expected back: each byte tells its place. */
const SPEECH = Buffer.alloc(MEGABYTE)
for (let i = 0; i < SPEECH.length; i++) SPEECH[i] = (i ^ (i >> 8) ^ (i >> 16)) & 0xff

/** The server does what the first byte of a session asks for. */
function obey(wire: Wire): void {
  let orders = ''
  wire.socket.on('data', (bytes: Buffer) => {
    if (orders !== '') {
      if (orders === 'e' || orders === 's') wire.send(bytes)
      return
    }
    orders = String.fromCharCode(bytes[0] ?? 0)
    if (orders === 'r') return void wire.reset()
    if (orders === 'g') return void wire.end('bye')
    if (orders === 'b') return void wire.end(SPEECH)
    if (orders === 's') {
      wire.pause()
      setTimeout(() => wire.resume(), random(40))
    }
    wire.send(bytes)
  })
  wire.socket.on('end', () => wire.end())
}

function same(what: string, got: Buffer, expected: Buffer): void {
  if (!got.equals(expected)) throw new Error(`${what}: ${got.length} of ${expected.length} bytes, or others`)
}

/** Sends `order` and speech, ends, and wants all of it back, with an end. */
async function echoed(client: Wire, order: 'e' | 's'): Promise<void> {
  const speech = SPEECH.subarray(0, random(3) === 0 ? 200_000 + random(300_000) : 1 + random(2000))
  client.send(order)
  client.end(speech)
  await client.until('an end', () => client.ended, PATIENCE)
  same('echo', client.bytes, Buffer.concat([Buffer.from(order), speech]))
}

/** Everything that a session may be. Each throws when it is not what it should be. */
const KINDS: Readonly<Record<string, (s: Subject) => Promise<void>>> = {
  async echo(s) {
    const client = await connect(s.port('plain'))
    await echoed(client, 'e')
  },
  async queued(s) {
    await echoed(await connect(s.port('limited')), 's')
  },
  async 'slow reader of bulk'(s) {
    const client = await connect(s.port('plain'))
    client.send('b').pause()
    await sleep(random(60))
    client.resume()
    await client.until('an end', () => client.ended, PATIENCE)
    same('bulk', client.bytes, SPEECH)
    client.end()
  },
  async 'the server ends first'(s) {
    const client = await connect(s.port('plain'))
    client.send('g')
    await client.until('an end', () => client.ended, PATIENCE)
    same('bye', client.bytes, Buffer.from('bye'))
    client.end(SPEECH.subarray(0, random(5000)))
  },
  async 'the server resets'(s) {
    const client = await connect(s.port(random(2) === 0 ? 'plain' : 'limited'))
    client.send('r')
    await client.until('an end', () => client.has('FIN'), PATIENCE)
    client.end()
  },
  async 'the client resets'(s) {
    // One who waits with a full buffer is not read, so its reset is not seen before its turn: here as in HAProxy.
    const queued = random(2) === 0
    const client = await connect(s.port(queued ? 'limited' : 'plain'))
    client.send(random(2) === 0 ? 'e' : 'b').send(SPEECH.subarray(0, random(queued ? 5000 : 300_000)))
    await sleep(random(20))
    client.reset()
  },
  async 'resets at once'(s) {
    ;(await connect(s.port('plain'))).reset()
  },
  async 'ends at once'(s) {
    const client = await connect(s.port('plain'))
    client.end()
    await client.until('an end', () => client.ended, PATIENCE)
  },
  async 'nobody serves'(s) {
    const client = await connect(s.port('refused'))
    client.send('x')
    await client.until('an end', () => client.has('FIN'), PATIENCE)
    client.end()
  },
  async 'TLS echo'(s) {
    const client = await connectTls(s.port('tls'))
    await echoed(client, 'e')
  },
  async 'TLS reset'(s) {
    const client = await connectTls(s.port('tls'))
    client.send('b')
    await sleep(random(20))
    client.reset()
  },
  async 'junk for TLS'(s) {
    const client = await connect(s.port('tls'))
    client.send(SPEECH.subarray(random(1000), 2000)).end()
    await client.until('an end', () => client.ended, PATIENCE)
  },
}

const names = process.env['SOAK_ONLY']?.split(',') ?? Object.keys(KINDS)

/** Sessions of all kinds, many at a time, for so long. What went wrong, and how many there were. */
async function churn(s: Subject, ms: number): Promise<{ failures: string[]; sessions: number }> {
  const until = performance.now() + ms
  const failures: string[] = []
  let sessions = 0
  await Promise.all(
    Array.from({ length: TOGETHER }, async () => {
      while (performance.now() < until && failures.length < 10) {
        const name = names[random(names.length)] ?? ''
        sessions++
        try {
          await KINDS[name]?.(s)
        } catch (error) {
          failures.push(`${name}: ${error instanceof Error ? error.message.slice(0, 300) : String(error)}`)
        }
      }
    }),
  )
  return { failures, sessions }
}

/** What the program's descriptors are: sockets, pipes, the rest. */
function descriptors(program: Program): { sockets: number; pipes: number; rest: number } {
  const found = { sockets: 0, pipes: 0, rest: 0 }
  for (const fd of readdirSync(`/proc/${program.pid}/fd`)) {
    let what = ''
    try {
      what = readlinkSync(`/proc/${program.pid}/fd/${fd}`)
    } catch {
      continue // closed meanwhile
    }
    if (what.startsWith('socket:')) found.sockets++
    else if (what.startsWith('pipe:')) found.pipes++
    else found.rest++
  }
  return found
}

async function soak(t: Pick<typeof import('tap').default, 'ok' | 'same' | 'equal' | 'comment' | 'teardown' | 'notMatch'>, provider: 'node' | 'linux'): Promise<void> {
  const s = await subject(config(provider))
  t.teardown(() => s.end())
  const server = await serve(s.port('server'), { on: obey, countOnly: true })
  t.teardown(() => server.close())
  const forget = setInterval(() => (server.wires.length = 0), 1000)
  t.teardown(() => clearInterval(forget))
  const { program } = s

  const rest = async (sockets: number): Promise<ReturnType<typeof descriptors>> => {
    for (let waited = 0; waited < 45_000 && descriptors(program).sockets > sockets; waited += 100) await sleep(100)
    return descriptors(program)
  }
  const listening = descriptors(program).sockets
  const warm = await churn(s, SECONDS * 125)
  const before = descriptors(program)
  const { rss } = program.memory()
  const { failures, sessions } = await churn(s, SECONDS * 375)
  t.comment(`${provider}: ${warm.sessions} and ${sessions} sessions`)
  t.same([...warm.failures, ...failures], [], 'every session was what it should be')

  const after = await rest(listening)
  t.equal(after.sockets, listening, 'no socket is left')
  t.equal(after.rest, before.rest, 'nor another descriptor')
  t.ok(after.pipes <= before.pipes + 4 * TOGETHER, `pipes for splicing are used again: ${before.pipes} before, ${after.pipes} after`)
  const grown = (program.memory().rss - rss) / MEGABYTE
  t.ok(grown < 128, `memory grew by ${grown.toFixed(1)} MiB`)

  const cpu = program.cpu()
  await sleep(1000)
  t.ok(program.cpu() - cpu < 400, 'at rest it costs no CPU')
  for (const name of ['plain', 'limited', 'tls']) {
    const said = program.output().length
    const port = s.port(name)
    const client = await (name === 'tls' ? connectTls(port) : connect(port))
    await echoed(client, 'e')
    await program.says(new RegExp(`^[\\s\\S]{${said}}[\\s\\S]*${name}~? ended`))
    t.equal(program.output().trimEnd().split('\n').at(-1)?.split('counts ')[1], '1 1 0 0 0', `${name}: only this last session is counted`)
  }
  t.ok(program.running(), 'still running')
  t.notMatch(program.output(), /unhandled|uncaught|bug:|TypeError|RangeError|ReferenceError/i, 'no error of its own printed')
}

const kernel = loadKernel()
t.setTimeout(60_000 + SECONDS * 2000)
t.comment(`SEED=${seed}`)
t.jobs = 2
void t.test('linux', { skip: 'reason' in kernel && kernel.reason, buffered: true }, (t) => soak(t, 'linux'))
void t.test('node', { buffered: true }, (t) => soak(t, 'node'))
