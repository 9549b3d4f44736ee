// Owns that real clients and servers talk through the program: curl, openssl, redis, iperf3, PostgreSQL.

import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, chownSync } from 'node:fs'
import http from 'node:http'
import http2 from 'node:http2'
import path from 'node:path'
import t from 'tap'
import { installed, sleep, start, tool } from '../kit/program.ts'
import type { Program } from '../kit/program.ts'
import { subject } from '../kit/subject.ts'
import type { Names } from '../kit/subject.ts'

t.setTimeout(120_000)

const config = ({ port, certificates }: Names): string => `
defaults
  mode tcp
  timeout connect 2s
  timeout client 20s
  timeout server 20s
${['web', 'h2', 'redis', 'iperf', 'sql']
  .map((name) => `listen ${name}\n  bind 127.0.0.1:${port(name)}\n  server s 127.0.0.1:${port(`${name}-server`)}`)
  .join('\n')}
listen web-tls
  bind 127.0.0.1:${port('web-tls')} ssl crt ${certificates.server.pem} alpn http/1.1
  server s 127.0.0.1:${port('web-server')}
listen client-cert
  bind 127.0.0.1:${port('client-cert')} ssl crt ${certificates.server.pem} ca-file ${certificates.caFile} verify required
  server s 127.0.0.1:${port('web-server')}
listen redis-tls
  bind 127.0.0.1:${port('redis-tls')} ssl crt ${certificates.server.pem}
  server s 127.0.0.1:${port('redis-server')}
`

const s = await subject(config)
t.teardown(() => s.end())
const { certificates } = s
const needs = (...names: readonly string[]): { skip: string | false } => {
  const missing = names.filter((name) => !installed(name))
  return { skip: missing.length > 0 && `${missing.join(', ')} not installed` }
}

async function listening(program: Program, port: number): Promise<Program> {
  await program.listening([port])
  return program
}

// Before the first test: a file whose tests have a gap between them counts as ended.
const postgres = existsSync('/usr/lib/postgresql') ? readdirSync('/usr/lib/postgresql').map((version) => `/usr/lib/postgresql/${version}/bin`).at(-1) : undefined
const uid = Number((await tool(['id', '-u', 'postgres'])).stdout)
const cannot = postgres === undefined || !installed('psql') ? 'PostgreSQL not installed' : process.getuid?.() !== 0 || !(uid > 0) ? 'needs root to run PostgreSQL as its own user' : false

const BODY = 'z'.repeat(300_000)

await t.test('curl', needs('curl'), async (t) => {
  const web = http.createServer((request, response) => {
    if (request.method === 'POST') {
      let length = 0
      request.on('data', (bytes: Buffer) => (length += bytes.length))
      request.on('end', () => response.end(`${length} bytes`))
    } else response.end(request.url === '/big' ? BODY : 'small')
  })
  await new Promise<void>((resolve) => web.listen(s.port('web-server'), '127.0.0.1', resolve))
  t.teardown(() => {
    web.closeAllConnections()
    web.close()
  })
  const tls = ['--cacert', certificates.caFile, '--resolve', `server.test:${s.port('web-tls')}:127.0.0.1`]
  const curl = (...args: readonly string[]): ReturnType<typeof tool> => tool(['curl', '-sS', '--max-time', '10', ...args])

  t.match(await curl(`http://127.0.0.1:${s.port('web')}/`), { code: 0, stdout: 'small' }, 'over TCP')
  t.equal((await curl(`http://127.0.0.1:${s.port('web')}/big`)).stdout, BODY, 'a large answer')
  t.equal((await curl('-H', 'Connection: close', `http://127.0.0.1:${s.port('web')}/big`)).stdout, BODY, 'an answer that ends with the connection')
  const urls = Array.from({ length: 20 }, (_, i) => `http://127.0.0.1:${s.port('web')}/${i}`)
  t.equal((await curl(...urls)).stdout, 'small'.repeat(20), 'twenty requests on one connection')
  const upload = await tool(['curl', '-sS', '--max-time', '10', '--data-binary', '@-', `http://127.0.0.1:${s.port('web')}/`], { input: BODY })
  t.equal(upload.stdout, `${BODY.length} bytes`, 'an upload')
  t.match(await curl(...tls, `https://server.test:${s.port('web-tls')}/`), { code: 0, stdout: 'small' }, 'over TLS, verified')
  t.equal((await curl(...tls, `https://server.test:${s.port('web-tls')}/big`)).stdout, BODY, 'a large answer over TLS')
  t.equal((await curl(...tls, '--tls-max', '1.2', `https://server.test:${s.port('web-tls')}/`)).stdout, 'small', 'over TLS 1.2')
  t.match((await curl(...tls, '-v', `https://server.test:${s.port('web-tls')}/`)).stderr, /ALPN.*http\/1\.1/, 'ALPN is agreed on')
  const cert = ['-k', '--cert', certificates.client.pem]
  t.equal((await curl(...cert, `https://127.0.0.1:${s.port('client-cert')}/`)).stdout, 'small', 'with a client certificate')
  t.not((await curl('-k', `https://127.0.0.1:${s.port('client-cert')}/`)).code, 0, 'refused without one')
})

await t.test('HTTP/2 through TLS passthrough', needs('curl'), async (t) => {
  const server = http2.createSecureServer({ cert: certificates.server.cert, key: certificates.server.key })
  server.on('stream', (stream) => {
    stream.respond({ ':status': 200 })
    stream.end(BODY)
  })
  await new Promise<void>((resolve) => server.listen(s.port('h2-server'), '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const ran = await tool(['curl', '-sS', '-k', '--http2', '-w', '%{http_version}', `https://127.0.0.1:${s.port('h2')}/`])
  t.equal(ran.stdout, `${BODY}2`)
})

await t.test('openssl s_client', needs('openssl'), async (t) => {
  const web = http.createServer((_request, response) => response.end('small'))
  await new Promise<void>((resolve) => web.listen(s.port('web-server'), '127.0.0.1', resolve))
  t.teardown(() => web.close())
  const ran = await tool(
    ['openssl', 's_client', '-connect', `127.0.0.1:${s.port('web-tls')}`, '-servername', 'server.test', '-CAfile', certificates.caFile, '-verify_return_error', '-verify_hostname', 'server.test', '-alpn', 'http/1.1', '-ign_eof'],
    { input: 'GET / HTTP/1.0\r\n\r\n' },
  )
  t.match(ran.stdout, /Verify return code: 0 \(ok\)/)
  t.match(ran.stdout, /ALPN protocol: http\/1\.1/)
  t.match(ran.stdout, /small/)
})

await t.test('redis-cli', needs('redis-cli', 'redis-server'), async (t) => {
  const port = s.port('redis-server')
  const redis = await listening(start('redis', ['redis-server', '--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']), port)
  t.teardown(() => redis.stop())
  const front = String(s.port('redis'))
  t.equal((await tool(['redis-cli', '-p', front, 'PING'])).stdout, 'PONG\n')
  t.equal((await tool(['redis-cli', '--tls', '--insecure', '-p', String(s.port('redis-tls')), 'PING'])).stdout, 'PONG\n', 'over TLS')
  t.equal((await tool(['redis-cli', '-p', front, '-r', '200', 'INCR', 'n'])).stdout.trim().split('\n').at(-1), '200', 'two hundred requests')
  const pipe = Array.from({ length: 20_000 }, (_, i) => `SET key:${i} value:${i}\r\n`).join('')
  t.match((await tool(['redis-cli', '-p', front, '--pipe'], { input: pipe })).stdout, /errors: 0, replies: 20000/, 'a pipeline')
  t.equal((await tool(['redis-cli', '-p', front, 'GET', 'key:19999'])).stdout, 'value:19999\n')

  const subscriber = spawn('redis-cli', ['-p', front, 'SUBSCRIBE', 'news'], { stdio: ['ignore', 'pipe', 'ignore'] })
  let heard = ''
  subscriber.stdout.on('data', (bytes: Buffer) => (heard += bytes.toString()))
  t.teardown(() => void subscriber.kill())
  while (!heard.includes('subscribe')) await sleep(10)
  t.equal((await tool(['redis-cli', '-p', front, 'PUBLISH', 'news', 'hello'])).stdout, '1\n', 'the subscriber is there')
  const deadline = Date.now() + 5000
  while (!heard.includes('hello') && Date.now() < deadline) await sleep(10)
  t.match(heard, /hello/, 'and hears')
})

await t.test('iperf3', needs('iperf3'), async (t) => {
  const port = s.port('iperf-server')
  const server = await listening(start('iperf3', ['iperf3', '-s', '-p', String(port), '-B', '127.0.0.1']), port)
  t.teardown(() => server.stop())
  for (const direction of [[], ['-R'], ['--bidir']]) {
    const ran = await tool(['iperf3', '-c', '127.0.0.1', '-p', String(s.port('iperf')), '-n', '64M', '-P', '3', '-J', ...direction], { ms: 40_000 })
    const report: unknown = JSON.parse(ran.stdout)
    t.match(report, { end: { sum_received: { bytes: Number } } }, `iperf3 ${direction.join(' ')} ended in order`)
    t.notMatch(report, { error: String })
    await sleep(200)
  }
})

await t.test('psql', { skip: cannot }, async (t) => {
  const data = path.join(s.folder, 'sql')
  mkdirSync(data)
  chownSync(s.folder, uid, -1)
  chownSync(data, uid, -1)
  const as = ['runuser', '-u', 'postgres', '--']
  const made = await tool([...as, `${postgres}/initdb`, '-D', data, '-A', 'trust', '-N', '-U', 'postgres'], { ms: 60_000 })
  t.equal(made.code, 0, made.stderr)
  const port = s.port('sql-server')
  const server = start('postgres', [...as, `${postgres}/postgres`, '-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', data, '-F'])
  t.teardown(() => server.stop())
  await server.listening([port], 20_000)
  const psql = (...sql: readonly string[]): ReturnType<typeof tool> =>
    tool(['psql', '-h', '127.0.0.1', '-p', String(s.port('sql')), '-U', 'postgres', '-Atq', ...sql.flatMap((one) => ['-c', one])], { env: { PGSSLMODE: 'prefer' } })
  let ran = await psql('select 1')
  for (let i = 0; i < 50 && /starting up/.test(ran.stderr); i++) {
    await sleep(100)
    ran = await psql('select 1')
  }
  t.equal(ran.stdout, '1\n', ran.stderr)
  t.equal((await psql('create table a as select g from generate_series(1, 50000) g', 'select sum(g) from a')).stdout, '1250025000\n')
  t.equal((await psql('copy a to stdout')).stdout.trim().split('\n').length, 50_000, 'a large result')
})
