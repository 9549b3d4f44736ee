// Holds how log lines look and how they get out: formats beside what HAProxy 2.6.12 was seen to write, levels, samples, limits, and
// targets that are slow, broken or gone.

import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { closeSync, constants, createReadStream, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, createServer } from 'node:net'
import type { Socket } from 'node:net'
import t from 'tap'
import fc from 'fast-check'
import type { LogTarget } from '../../src/config/keywords/log.ts'
import { toBytes, toText } from '../../src/core/sample.ts'
import { loadKernel } from '../../src/net/linux/syscalls.ts'
import { cut, LineFormat, SEVERITY } from '../../src/process/log-format.ts'
import { LineWriter } from '../../src/process/line-writer.ts'
import { processLog } from '../../src/process/log.ts'
import { Messages } from '../../src/process/messages.ts'
import { checkLogTargets, openTrafficLog, TargetSink } from '../../src/process/traffic-log.ts'
import { hasHaproxy, MAIN } from '../kit/command.ts'
import { loadText } from '../kit/configuration.ts'
import { claimPorts } from '../kit/ports.ts'
import { installed, sleep, start } from '../kit/program.ts'
import { syslog } from '../kit/syslog.ts'

const NOW = new Date(2026, 10, 3, 8, 1, 52, 148).getTime()
const SENDER = { tag: 'hg', hostname: undefined, pid: 42 }
const quiet = { alert: () => {}, warning: () => {}, notice: () => {} }

function target(over: Partial<LogTarget> = {}): LogTarget {
  return {
    to: { kind: 'udp', host: '127.0.0.1', port: 514, family: 'ipv4' },
    text: '127.0.0.1',
    place: { file: 'a.cfg', line: 1 },
    length: 1024,
    format: undefined,
    sample: undefined,
    facility: 'local0',
    level: 'debug',
    minLevel: 'emerg',
    ...over,
  }
}

/** The local offset as it stands in ISO dates. */
function zone(): string {
  const minutes = -new Date(NOW).getTimezoneOffset()
  const two = (n: number): string => String(n).padStart(2, '0')
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`
}

t.test('every format, byte for byte', async (t) => {
  const iso = `2026-11-03T08:01:52.148000${zone()}`
  const lines: Readonly<Record<string, string>> = {
    local: '<134>Nov  3 08:01:52 hg[42]: text\n',
    rfc3164: '<134>Nov  3 08:01:52 localhost hg[42]: text\n',
    rfc5424: `<134>1 ${iso} - hg 42 - - text\n`,
    priority: '<134>text\n',
    short: '<6>text\n',
    timed: `<6>${iso} text\n`,
    iso: `${iso} text\n`,
    raw: 'text\n',
  }
  for (const format of ['local', 'rfc3164', 'rfc5424', 'priority', 'short', 'timed', 'iso', 'raw'] as const) {
    t.equal(new LineFormat(target({ format }), SENDER).line(SEVERITY.info, 'text', undefined, NOW), lines[format], format)
  }
  const named = { ...SENDER, hostname: 'here' }
  t.equal(new LineFormat(target(), SENDER).line(SEVERITY.info, 'text', undefined, NOW), lines['local'], 'local is the default')
  t.equal(new LineFormat(target(), named).line(SEVERITY.info, 'text', undefined, NOW), '<134>Nov  3 08:01:52 here hg[42]: text\n', 'log-send-hostname makes it rfc3164')
  t.equal(new LineFormat(target({ format: 'local' }), named).line(SEVERITY.info, 'text', undefined, NOW), lines['local'], 'unless it was asked for')
  t.equal(new LineFormat(target({ format: 'rfc5424' }), named).line(SEVERITY.info, 'text', '[a b="c"]', NOW), `<134>1 ${iso} here hg 42 - [a b="c"] text\n`)
  t.equal(new LineFormat(target({ facility: 'kern', format: 'priority' }), SENDER).line(SEVERITY.emerg, 'x', undefined, NOW), '<0>x\n')
  t.equal(new LineFormat(target({ facility: 'local7', format: 'priority' }), SENDER).line(SEVERITY.debug, 'x', undefined, NOW), '<191>x\n')
})

t.test('headers follow the clock', async (t) => {
  const format = new LineFormat(target({ format: 'local' }), SENDER)
  t.match(format.line(6, 'a', undefined, NOW), ' 08:01:52 ')
  t.match(format.line(6, 'a', undefined, NOW + 851), ' 08:01:52 ')
  t.match(format.line(6, 'a', undefined, NOW + 852), ' 08:01:53 ')
  t.match(format.line(6, 'a', undefined, NOW), ' 08:01:52 ', 'also when it is set back')
})

t.test('lines are cut to their length in bytes: a datagram without its newline, a descriptor with it', async (t) => {
  const text = 'x'.repeat(200)
  t.equal(Buffer.byteLength(new LineFormat(target({ length: 80 }), SENDER).line(6, text, undefined, NOW)), 81)
  t.equal(Buffer.byteLength(new LineFormat(target({ length: 80, to: { kind: 'fd', fd: 1 } }), SENDER).line(6, text, undefined, NOW)), 80)
  t.equal(cut(toBytes('aé'), 3), toBytes('aé'))
  t.equal(cut(toBytes('aé'), 2), 'a', 'never inside a character')
  t.equal(cut(toBytes('😀'), 3), '')
  t.equal(cut('\x80'.repeat(9), 8).length, 5, 'whatever is no text is cut all the same')
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.nat(200), (text, bytes) => {
      const line = toBytes(text)
      const short = cut(line, bytes)
      return text.startsWith(toText(short)) && short.length <= bytes && (short === line || line.length > bytes)
    }),
  )
})

t.test('levels filter and cap, samples count', async (t) => {
  const sent: string[] = []
  const transport = { send: (line: string) => void sent.push(line.trimEnd()), lost: 0, flushSync: () => {}, drained: async () => {}, close: () => {} }
  const make = (over: Partial<LogTarget>): TargetSink => {
    const to = target({ format: 'short', ...over })
    return new TargetSink(to, new LineFormat(to, SENDER), transport)
  }
  const capped = make({ level: 'info', minLevel: 'err' })
  for (const level of ['emerg', 'err', 'warning', 'info', 'debug'] as const) capped.write(SEVERITY[level], level, undefined, NOW)
  t.same(sent.splice(0), ['<3>emerg', '<3>err', '<4>warning', '<6>info'])
  const sampled = make({ sample: { ranges: [{ low: 2, high: 3 }, { low: 5, high: 5 }], size: 5 } })
  for (let i = 1; i <= 12; i++) sampled.write(6, String(i), undefined, NOW)
  t.same(sent, ['2', '3', '5', '7', '8', '10', '12'].map((n) => `<6>${n}`))
  sent.length = 0
  const both = make({ level: 'notice', sample: { ranges: [{ low: 1, high: 1 }], size: 2 } })
  for (const level of ['info', 'notice', 'info', 'notice', 'notice'] as const) both.write(SEVERITY[level], level, undefined, NOW)
  t.same(sent, ['<5>notice', '<5>notice'], 'what a level keeps out is not counted')
})

t.test('a proxy logs to its own targets and to those of global, with its own tag', async (t) => {
  const sink = await syslog()
  t.teardown(() => sink.close())
  const to = `127.0.0.1:${sink.port}`
  const { configuration, proxy, lines } = loadText(`global
  log ${to} local0 notice
  log ${to} len 80 format rfc5424 local1
  log-tag everyone
frontend a
  log global
  log-tag mine
frontend b
  log ${to} format short daemon
frontend c
`)
  t.same(lines.filter((line) => line.includes('alert')), [])
  const traffic = await openTrafficLog(configuration, quiet)
  t.teardown(() => traffic.close())
  traffic.sink(proxy('a'))?.write('info', 'one')
  traffic.sink(proxy('a'))?.write('alert', 'two', '[sd]')
  traffic.sink(proxy('b'))?.write('info', 'three')
  t.equal(traffic.sink(proxy('c')), undefined, 'a proxy without log lines logs nowhere')
  traffic.global?.write('warning', 'four')
  await traffic.drained()
  await sink.lines(6)
  const plain = sink.raw.map((line) => line.replace(/\w{3} [ \d]\d \d\d:\d\d:\d\d/, 'DATE').replace(/\d{4}-\S+/, 'ISO').replaceAll(String(process.pid), 'PID'))
  t.same(plain.toSorted(), [
    '<142>1 ISO - mine PID - - one\n',
    '<129>DATE mine[PID]: two\n',
    '<137>1 ISO - mine PID - [sd] two\n',
    '<6>three\n',
    '<132>DATE everyone[PID]: four\n',
    '<140>1 ISO - everyone PID - - four\n',
  ].toSorted())
  t.equal(traffic.lost(), 0)
})

t.test('a syslog server that is not there costs the lines and nothing else', async (t) => {
  const gone = await syslog()
  gone.close()
  const said: string[] = []
  const { configuration, proxy } = loadText(`frontend a\n  log 127.0.0.1:${gone.port} local0\n`)
  const traffic = await openTrafficLog(configuration, { ...quiet, warning: (text) => void said.push(text) })
  t.teardown(() => traffic.close())
  const sink = traffic.sink(proxy('a'))
  for (let i = 0; i < 5; i++) {
    sink?.write('info', 'lost')
    await sleep(10)
  }
  await traffic.drained()
  t.ok(traffic.lost() > 0, 'they are counted')
  t.same(said, [], 'and as with HAProxy nothing is said')
})

t.test('the first line to a syslog server that has come back is not lost to the refusal of one before', async (t) => {
  const gone = await syslog()
  gone.close()
  const { configuration, proxy } = loadText(`frontend a\n  log 127.0.0.1:${gone.port} format raw local0\n`)
  const traffic = await openTrafficLog(configuration, quiet)
  t.teardown(() => traffic.close())
  const sink = traffic.sink(proxy('a'))
  const server = createSocket('udp4')
  t.teardown(() => server.close())
  const arrived = new Promise<string>((resolve) => server.once('message', (bytes) => resolve(bytes.toString())))
  sink?.write('info', 'refused')
  // It listens before the loop has seen the refusal: the next send finds it.
  server.bind(gone.port, '127.0.0.1', () => sink?.write('info', 'after'))
  t.match(await arrived, /after/)
  await traffic.drained()
  t.equal(traffic.lost(), 1, 'the refused one')
})

t.test('targets that cannot be had are named, with their places, where a check is made and where they are opened', async (t) => {
  const { configuration } = loadText('global\n  log stdot local0\nfrontend a\n  log udp4@no-such-host.invalid:55 local0\n  log 127.0.0.1 local0\n  log stdot local1\n')
  const problems = [
    { level: 'alert', line: 2, text: "log : invalid address: 'stdot' in 'stdot'", hint: /^did you mean 'stdout' maybe \? .*write an IP address/ },
    { level: 'alert', line: 4, text: "log : invalid address: 'no-such-host.invalid' in 'udp4@no-such-host.invalid:55'", hint: /^'no-such-host\.invalid' is taken for the name of a host/ },
  ]
  const found = await checkLogTargets(configuration)
  t.match(found, problems)
  t.equal(found.length, 2)
  t.match(await openTrafficLog(configuration, quiet).catch((error: unknown) => error), { problems })
})

t.test('-c refuses them as HAProxy does', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-log-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'a.cfg')
  writeFileSync(file, 'global\n  log stdot local0\ndefaults\n  mode tcp\n  timeout client 1m\nfrontend f\n  bind 127.0.0.1:1\n')
  const said = (program: string, ...args: readonly string[]) => spawnSync(program, [...args, '-c', '-f', file], { encoding: 'utf8' })
  const expected = { status: 1, stderr: /parsing \[[^\]]*a\.cfg:2\] : log : invalid address: 'stdot' in 'stdot'/ }
  t.match(said(process.execPath, MAIN), expected)
  if (hasHaproxy) t.match(said('haproxy'), expected)
})

const unable = 'reason' in loadKernel() ? 'koffi does not load' : installed('socat') ? false : 'socat is not installed'

t.test('Unix datagrams reach a socket that exists, and its absence is reported once', { skip: unable }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-log-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'log')
  const said: string[] = []
  const { configuration, proxy } = loadText(`frontend a\n  log ${path} format short daemon\n`)
  const traffic = await openTrafficLog(configuration, { ...quiet, warning: (text) => void said.push(text) })
  t.teardown(() => traffic.close())
  const sink = traffic.sink(proxy('a'))
  sink?.write('info', 'early')
  sink?.write('info', 'early again')
  t.same(said, [`log ${path}: lines are lost: ENOENT`])
  t.equal(traffic.lost(), 2)
  const reader = start('socat', ['socat', '-u', `UNIX-RECVFROM:${path},fork`, 'STDOUT'])
  t.teardown(() => reader.stop())
  while (!existsSync(path)) await sleep(5)
  sink?.write('err', 'here')
  await reader.says(/<3>here\n/)
})

t.test('lines to a file arrive whole and in order, one write a turn', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-log-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'out')
  const fd = openSync(path, 'w')
  t.teardown(() => closeSync(fd))
  const { configuration, proxy } = loadText(`frontend a\n  log fd@${fd} format raw local0\n`)
  const traffic = await openTrafficLog(configuration, quiet)
  const sink = traffic.sink(proxy('a'))
  const expected: string[] = []
  for (let turn = 0; turn < 20; turn++) {
    for (let i = 0; i < 50; i++) {
      const line = `${turn}.${i} é "quoted" \\ ${'x'.repeat(i)}`
      sink?.write('info', toBytes(line))
      expected.push(line)
    }
    await sleep(0)
  }
  await traffic.drained()
  t.same(readFileSync(path, 'utf8').trimEnd().split('\n'), expected)
  sink?.write('info', 'a\xff\x80')
  await traffic.drained()
  t.ok(readFileSync(path, 'latin1').endsWith('\na\xff\x80\n'), 'what is no text too')
  sink?.write('info', '\xe9')
  traffic.flushSync()
  t.ok(readFileSync(path, 'latin1').endsWith('\n\xe9\n'), 'in the last moments too')
  sink?.write('info', 'last words')
  traffic.flushSync()
  t.ok(readFileSync(path, 'utf8').endsWith('\nlast words\n'), 'flushSync() writes before it returns')
})

t.test('a reader that is too slow costs lines, counted and reported, never memory', async (t) => {
  const lost: [number, string][] = []
  // A pipe that nobody reads: its 64 KiB fill, then the writes of a non-blocking descriptor fail with EAGAIN.
  const { fd, read, close } = await fullPipe()
  t.teardown(close)
  const writer = new LineWriter(fd, { lost: (lines, error) => void lost.push([lines, error]) }, 200_000)
  const line = `${'x'.repeat(999)}\n`
  for (let i = 0; i < 1000; i++) {
    writer.add(line)
    if (i % 100 === 0) await sleep(1)
  }
  t.ok(writer.lost > 300, `${writer.lost} of 1000 lines were dropped at once`)
  let got = 0
  read((n) => (got += n))
  await writer.drained()
  await sleep(50)
  t.equal(got, (1000 - writer.lost) * 1000, 'the others arrived whole')
  t.equal(lost.reduce((sum, [n]) => sum + n, 0), writer.lost, 'every loss was reported')
  t.ok(lost.length <= 10, `in ${lost.length} reports`)
})

t.test('writers that share a pipe never mix their lines, however much waits', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-fifo-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'fifo')
  execFileSync('mkfifo', [path])
  const fd = openSync(path, constants.O_RDWR)
  t.teardown(() => closeSync(fd))
  // As two threads have them: neither knows of the other, and their writes block in the system.
  const writers = ['a', 'b'].map((letter) => ({ letter, writer: new LineWriter(fd, { lost: () => t.fail('lost') }) }))
  const LINES = 400
  for (const { letter, writer } of writers) for (let i = 0; i < LINES; i++) writer.add(`${letter.repeat(700 + ((i * 37) % 600))}\n`)
  writers[0]?.writer.add(`${'c'.repeat(5000)}\n`)
  await sleep(20)
  const reader = createReadStream(path, { highWaterMark: 3000 })
  t.teardown(() => reader.destroy())
  let text = ''
  reader.on('data', (bytes) => (text += bytes.toString()))
  await Promise.all(writers.map(({ writer }) => writer.drained()))
  while ((text.match(/\n/g) ?? []).length < 2 * LINES + 1) await sleep(5)
  const lines = text.split('\n').filter((line) => !line.includes('c'))
  t.equal(lines.filter((line) => !/^(a+|b+|)$/.test(line)).length, 0, 'no line has parts of two')
})

t.test('the last words are written though much is under way', async (t) => {
  const { fd, read, close } = await fullPipe()
  t.teardown(close)
  const writer = new LineWriter(fd, { lost: () => undefined })
  for (let i = 0; i < 40; i++) writer.add(`${'x'.repeat(999)}\n`)
  await new Promise((resolve) => setImmediate(resolve))
  writer.add(`${'y'.repeat(999)}\n`)
  writer.flushSync()
  let got = 0
  read((n) => (got += n))
  while (got < 41_000) await sleep(5)
  await writer.drained()
  await sleep(20)
  t.equal(got, 41_000, 'all of it, each once')
})

t.test('a descriptor that breaks is reported, and is tried again', async (t) => {
  const lost: [number, string][] = []
  const writer = new LineWriter(987654, { lost: (lines, error) => void lost.push([lines, error]) })
  writer.add('a\n')
  writer.add('b\n')
  await writer.drained()
  t.same(lost, [[2, 'EBADF']])
  writer.add('c\n')
  await writer.drained()
  t.equal(writer.lost, 3)
  const [since, reports] = [writer.lost, lost.length]
  for (let i = 0; i < 20; i++) {
    writer.add('x\n')
    await sleep(2)
  }
  t.ok(lost.length - reports <= 1, 'it is not said for every write')
  await writer.drained()
  t.equal(lost.reduce((sum, [n]) => sum + n, 0), since + 20, 'the last words count all')
  writer.add('d\n')
  t.doesNotThrow(() => writer.flushSync())
})

t.test('a log that nobody reads: traffic goes on, and so does the end', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-unread-'))
  const file = join(folder, 'unread.cfg')
  const server = createServer((socket) => void socket.on('error', () => {}).end('x'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const ports = await claimPorts()
  const port = ports.port('front')
  const config = (target: string): string => `global
  log ${target} format raw local0
defaults
  mode tcp
  log global
  log-format "${'unread '.repeat(1000)}"
  timeout client 5s
  timeout server 5s
  timeout connect 5s
listen a
  bind 127.0.0.1:${port}
  server s 127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}
`
  for (const name of ['stdout', 'fd@3']) {
    writeFileSync(file, config(name))
    const child = spawn(process.execPath, [MAIN, '-f', file], { stdio: ['ignore', 'pipe', 'inherit', 'pipe'] })
    const exited = new Promise((resolve) => child.on('exit', (code, signal) => resolve([code, signal])))
    t.teardown(() => child.kill('SIGKILL'))
    const visit = (): Promise<boolean> =>
      new Promise((resolve) => {
        let answered = false
        const client = connect(port, '127.0.0.1')
        client.on('error', () => {}).on('data', () => (answered = true)).on('close', () => resolve(answered))
      })
    for (let i = 0; i < 200 && !(await visit()); i++) await sleep(50)
    let served = 0
    for (let i = 0; i < 300; i++) if (await visit()) served++
    t.equal(served, 300, `${name}: two megabytes of lines, and everybody is served`)
    child.kill('SIGTERM')
    t.same(await exited, [0, null], `${name}: it ends, and what is not read is lost`)
  }
  ports.release()
  await new Promise((resolve) => server.close(resolve))
  rmSync(folder, { recursive: true })
})

t.test('the process log is HAProxy text with the introduction before what is serious', async (t) => {
  let out = ''
  const messages = new Messages({ executable: '/bin/hg', write: (text) => void (out += text) })
  const log = processLog(messages)
  log.notice('n')
  log.warning('w "quoted"')
  log.alert('a')
  const pid = process.pid
  t.equal(out, `[NOTICE]   (${pid}) : n\n[NOTICE]   (${pid}) : headgate version is 0.1.0\n[NOTICE]   (${pid}) : path to executable is /bin/hg\n[WARNING]  (${pid}) : w "quoted"\n[ALERT]    (${pid}) : a\n`)
  out = ''
  messages.silence()
  log.alert('a')
  messages.lines(['x'], true)
  t.equal(out, '', '-q silences all of it')
})

/** A non-blocking descriptor with a reader that does not read before it is told to. */
async function fullPipe(): Promise<{ fd: number; read(onBytes: (n: number) => void): void; close(): void }> {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-pipe-'))
  const server = createServer({ pauseOnConnect: true })
  await new Promise<void>((resolve) => server.listen(join(folder, 's'), resolve))
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve))
  const client = connect(join(folder, 's'))
  await new Promise<void>((resolve) => client.once('connect', resolve))
  const reader = await accepted
  const handle: unknown = Reflect.get(client, '_handle')
  const fd = typeof handle === 'object' && handle !== null ? Number(Reflect.get(handle, 'fd')) : -1
  return {
    fd,
    read(onBytes) {
      reader.on('data', (bytes: Buffer) => onBytes(bytes.length))
      reader.resume()
    },
    close() {
      client.destroy()
      reader.destroy()
      server.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
