// Holds the command line of the built program beside HAProxy's: exit status, what goes to which stream, signals that pause, the
// background, and every syslog format as a sink receives it.

import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import t from 'tap'
import { MAIN, hasHaproxy } from '../kit/command.ts'
import type { Kind } from '../kit/command.ts'
import { connect, echo, serve } from '../kit/peers.ts'
import { runPool } from '../kit/pool.ts'
import { claimPorts } from '../kit/ports.ts'
import { listeningPorts, sleep, start, tool } from '../kit/program.ts'
import type { Program, Ran } from '../kit/program.ts'
import { syslog } from '../kit/syslog.ts'

// Some eighty programs are started, a quarter of a second of CPU each.
t.setTimeout(90_000)

const oracle = hasHaproxy ? false : 'haproxy is not installed'
const command = (kind: Kind): string[] => (kind === 'haproxy' ? ['haproxy'] : [process.execPath, MAIN])

const folder = mkdtempSync(path.join(os.tmpdir(), 'headgate-cli-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))
const ports = await claimPorts()
t.teardown(() => ports.release())

function file(name: string, text: string): string {
  const place = path.join(folder, name)
  writeFileSync(place, text)
  return place
}

const DEFAULTS = 'defaults\n  mode tcp\n  timeout connect 2s\n  timeout client 20s\n  timeout server 20s\n'
const listen = (name: string): string => `listen ${name}\n  bind 127.0.0.1:${ports.port(name)}\n  server s 127.0.0.1:${ports.port('server')}\n`

const good = file('good.cfg', DEFAULTS + listen('good'))
const bad = file('bad.cfg', `global\n  zork\n${DEFAULTS}${listen('bad')}`)
const warned = file('warned.cfg', `listen w\n  mode tcp\n  bind 127.0.0.1:${ports.port('warned')}\n  server s 127.0.0.1:1\n`)
const hushed = file('hushed.cfg', `global\n  quiet\nlisten w\n  mode tcp\n  bind 127.0.0.1:${ports.port('warned')}\n  server s 127.0.0.1:1\n`)
const peer = file('peer.cfg', `global\n  localpeer me\n${DEFAULTS}${listen('peer')}`)
const strict = file('strict.cfg', `global\n  zero-warning\nlisten w\n  mode tcp\n  bind 127.0.0.1:${ports.port('warned')}\n  server s 127.0.0.1:1\n`)
const silent = file('silent.cfg', `${DEFAULTS}backend b\n  server s 127.0.0.1:1\n`)
const missing = path.join(folder, 'missing.cfg')
const greedy = file('greedy.cfg', `global\n  ulimit-n 90000000\n${DEFAULTS}${listen('greedy')}`)
mkdirSync(path.join(folder, 'conf.d'))
file('conf.d/20-b.cfg', listen('folder-b'))
file('conf.d/10-a.cfg', DEFAULTS)
file('conf.d/.hidden.cfg', 'zork\n')
file('conf.d/readme.txt', 'zork\n')

/** Most of the time goes by while programs start: so many at a time. */
const WIDTH = 4

const run = (kind: Kind, args: readonly string[], env: Record<string, string> = {}): Promise<Ran> =>
  tool([...command(kind), ...args], { env: { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`, ...env } })

/** Messages without their introduction, pids and what only one of the two says behind a text. */
function messages(stderr: string): string[] {
  return stderr
    .split('\n')
    .filter((line) => /^\[(ALERT|WARNING|NOTICE|DIAG)\]/.test(line) && !/ (version|executable) is /.test(line))
    .map((line) => line.replace(/\((\d+)\)/, '(PID)').replaceAll('haproxy.main()', 'NAME.main()').replaceAll('headgate.main()', 'NAME.main()'))
}

t.test('few descriptors: it runs, or says what it needs; there is no stack of calls', async (t) => {
  const many = file('many.cfg', `global\n  nbthread 4\n${DEFAULTS}${listen('many')}`)
  // Below 20, Node cannot even read its first module.
  const table = [
    [20, good, /too few file descriptors, the limit is 20 \(ulimit -n\)\. Raise it/],
    [80, good, /too few file descriptors, the limit is 80/],
    [100, many, undefined],
    [200, good, undefined],
  ] as const
  await runPool(table, WIDTH, async ([descriptors, config, says]) => {
    const program = start('headgate', [...command('headgate'), '-V', '-f', config], { descriptors })
    await Promise.race([program.exited, program.says(/Listening on/, 30_000).catch(() => undefined)])
    const runs = program.running()
    t.equal(runs && says !== undefined, false, `${descriptors}: it cannot run`)
    if (!runs) t.same(await program.exited, { code: 1, signal: null }, `${descriptors} descriptors`)
    t.match(program.output(), runs ? /Listening on/ : (says ?? /\[ALERT\].*(too few file descriptors|EMFILE)/), `${descriptors}: ${runs ? 'runs' : 'refuses'}`)
    t.notMatch(program.output(), /^\s+at |node:internal/m)
    await program.stop()
  })
})

t.test('exit status, stdout and messages are those of HAProxy', { skip: oracle }, async (t) => {
  const both = ['status', 'stdout', 'messages'] as const
  const cases: readonly (readonly [readonly string[], readonly (typeof both)[number][]])[] = [
    [['-c', '-f', good], both],
    [['-c', '-q', '-f', good], both],
    [['-c', '-V', '-q', '-f', good], both],
    [['-c', '-f', bad], both],
    [['-f', bad], both],
    [['-q', '-f', bad], both],
    [['-c', '-f', warned], ['status', 'stdout']],
    [['-c', '-q', '-f', warned], both],
    [['-c', '-f', hushed], both],
    [['-c', '-V', '-f', hushed], ['status', 'stdout']],
    [['-c', '-dW', '-f', warned], ['status', 'stdout']],
    [['-c', '-f', strict], ['status', 'stdout']],
    [['-c', '-f', silent], both],
    [['-f', silent], both],
    [['-c', '-f', path.join(folder, 'conf.d')], both],
    [['-c', '-C', folder, '-f', 'good.cfg'], both],
    [['-C', '/nonexistent', '-f', good], both],
    [['-c', '--', good], both],
    [['-f', missing], ['status', 'stdout']],
    [['-c', '-f', good, '--', missing], ['status', 'stdout']],
    [['-D', '-f', bad], both],
    [['-D', '-f', silent], both],
    [['-D', '-f', good, '-p', '/nonexistent/pid'], both],
    [['-f', greedy], ['status', 'stdout']],
    [['-c', '-dr', '-dS', '-dR', '-dG', '-de', '-dp', '-dV', '-dM', '-n', '50', '-N', '5', '-m', '500', '-L', 'me', '-f', good], both],
    [['-c', '-L', 'other', '-f', peer], ['status', 'stdout']],
    [['-c', '-f', peer], both],
    [['-cc', 'streq(a,a)'], both],
    [['-cc', 'streq(a,b)'], both],
    [['-cc', 'version_atleast(2.4) && !version_atleast(9) && !streq(a,b) && defined(PATH) && feature(OPENSSL) && !feature(NONSENSE)'], both],
    [['-cc', 'nonsense'], both],
    [['-q', '-cc', 'nonsense'], both],
  ]
  const ran = await runPool(cases, WIDTH, ([args]) => Promise.all([run('haproxy', args), run('headgate', args)]))
  for (const [i, [args, compared]] of cases.entries()) {
    const [theirs, ours] = ran[i] ?? []
    if (theirs === undefined || ours === undefined) throw new Error('not run')
    const name = args.map((arg) => path.basename(arg)).join(' ')
    if (compared.includes('status')) t.equal(ours.code, theirs.code, `${name}: status`)
    if (compared.includes('stdout')) t.equal(ours.stdout, theirs.stdout, `${name}: stdout`)
    if (compared.includes('messages')) t.same(messages(ours.stderr), messages(theirs.stderr), `${name}: messages`)
  }
})

t.test('a check finds what only a start would find: certificates, names of servers, options that the provider lacks', async (t) => {
  const port = ports.port('checked')
  const tls = file('check-tls.cfg', `${DEFAULTS}listen l\n  bind 127.0.0.1:${port} ssl crt ${missing}\n  server s 127.0.0.1:1 ssl verify required ca-file ${missing}\n`)
  const name = file('check-name.cfg', `${DEFAULTS}listen l\n  bind 127.0.0.1:${port}\n  server s ${'x'.repeat(64)}.test:1\n`)
  let found = ''
  await runPool([tls, name].flatMap((config) => [['-c', '-f', config], ['-db', '-f', config]]), WIDTH, async (args) => {
    const ours = await run('headgate', args)
    t.equal(ours.code, 1, args.join(' '))
    t.equal(ours.stdout, '')
    if (args[0] === '-c' && args[2] === tls) found = ours.stderr
    if (oracle === false) t.equal((await run('haproxy', args)).code, 1, `haproxy ${args.join(' ')}`)
  })
  t.match(found, `parsing [${tls}:7] : unable to stat SSL certificate from file '${missing}'`)
  t.match(found, `parsing [${tls}:8] : 'ca-file' : unable to load ${missing}`)
  t.match(found, 'config : Fatal errors found in configuration.')
  t.equal((await run('headgate', ['-c', '-dr', '-f', name])).code, 0, '-dr starts without the name, and so it is valid')

  const linux = file('check-linux.cfg', `${DEFAULTS}listen l\n  bind 127.0.0.1:${port} tfo defer-accept tcp-ss 1\n  server s 127.0.0.1:1 tcp-ut 5s source 0.0.0.0 interface lo\n`)
  await runPool(['-c', '-db'], WIDTH, async (way) => {
    const { code, stderr } = await run('headgate', [way, '--provider', 'node', '-f', linux])
    t.equal(code, 1)
    for (const word of ['tfo', 'defer-accept', 'tcp-ut', 'tcp-ss', 'source interface']) t.match(stderr, `'${word}' needs the linux provider`, `${way}: ${word}`)
  })
})

t.test('what a start warns about is said, counts for -dW, and in a check too', async (t) => {
  const nameless = file('nameless.cfg', `${DEFAULTS}listen l\n  bind 127.0.0.1:${ports.port('nameless')} ssl strict-sni\n  server s 127.0.0.1:1\n`)
  const checked = await run('headgate', ['-c', '-f', nameless])
  t.equal(checked.code, 0)
  t.match(checked.stderr, /^\[WARNING\] .*no SSL certificate specified for this line, ssl connections will fail/m)
  t.equal(checked.stdout, 'Warnings were found.\nConfiguration file is valid\n')
  await runPool(['-c', '-db'], WIDTH, async (way) => {
    const refused = await run('headgate', [way, '-dW', '-f', nameless])
    t.equal(refused.code, 1, way)
    t.match(refused.stderr, "Some warnings were found and 'zero-warning' is set")
  })
  const program = await up(t, 'headgate', 'nameless', ['-db', '-f', nameless])
  t.match(program.output(), 'ssl connections will fail', 'and it serves')
})

t.test('wrong invocations: usage and exit status 1', async (t) => {
  await runPool([[], ['-c'], ['x'], ['-f'], ['-f', good, '-zz'], ['-n', 'abc', '-f', good], ['-cc']], WIDTH, async (args) => {
    const ran = await run('headgate', args)
    t.equal(ran.code, 1, args.join(' '))
    t.match(ran.stderr, /^Usage : headgate /m)
    if (oracle === false && args[0] !== '-n' && args[0] !== '-f') t.equal((await run('haproxy', args)).code, 1, `haproxy ${args.join(' ')}`)
  })
  await runPool(['-W', '-Ws', '-S', '-sf', '-st', '-x'], WIDTH, async (option) => {
    const ran = await run('headgate', ['-f', good, option, '1'])
    t.equal(ran.code, 1, option)
    t.match(ran.stderr, `'${option}'`)
    t.match(ran.stderr, 'not supported yet')
  })
})

t.test('-v and -vv: what tools look for', async (t) => {
  const short = await run('headgate', ['-v'])
  t.equal(short.code, 0)
  t.match(short.stdout, /^Headgate version \d+\.\d+\.\d+/)
  t.match(short.stdout, /^HAProxy version 2\.6\./m, 'tools that ask which language they may write')
  const long = await run('headgate', ['-vv', '-f', 'ignored'])
  t.equal(long.code, 0)
  t.ok(long.stdout.startsWith(short.stdout))
  for (const word of [`Node version : ${process.versions.node}`, 'OpenSSL version : ', 'sock providers :', 'node : ', 'linux : ', 'plugins :', 'accept-proxy']) t.match(long.stdout, word)
  t.equal(long.stderr, '')
  const features = /^Feature list : (.*)$/m.exec(long.stdout)?.[1]?.split(' ').map((name) => name.slice(1)) ?? []
  t.ok(features.includes('OPENSSL'))
  t.equal((await run('headgate', ['-cc', features.map((name) => `feature(${name})`).join(' && ')])).code, 0, `-cc knows the features that -vv lists: ${features.join(' ')}`)
  t.equal((await run('headgate', ['-de', '-cc', 'enabled(EPOLL)'])).code, 1, '-de turns epoll off')
})

t.test('-dK, -dL and -dC print and go on', async (t) => {
  const ran = await run('headgate', ['-dKcfg', '-dL', '-dC', '-c', '-f', good])
  t.equal(ran.code, 0)
  t.match(ran.stdout, /# List of registered configuration keywords:\nglobal\n/)
  t.match(ran.stdout, 'List of loaded object files:')
  t.match(ran.stdout, readFileSync(good, 'utf8'))
  t.ok(ran.stdout.endsWith('Configuration file is valid\n'))
})

/** Starts until it listens; stopped after the test. */
async function up(t: { teardown(f: () => Promise<unknown>): void }, kind: Kind, name: string, args: readonly string[]): Promise<Program> {
  const program = start(kind, [...command(kind), ...args])
  t.teardown(() => program.stop())
  await program.listening([ports.port(name)])
  return program
}

t.test('SIGTTOU gives the ports back, SIGTTIN takes them again; sessions go on meanwhile', async (t) => {
  const server = await serve(ports.port('server'), { on: echo })
  t.teardown(() => server.close())
  const kinds: readonly Kind[] = oracle === false ? ['haproxy', 'headgate'] : ['headgate']
  await runPool(kinds, WIDTH, async (kind) => {
    const name = `pause-${kind}`
    const program = await up(t, kind, name, ['-db', '-f', file(`${name}.cfg`, DEFAULTS + listen(name))])
    const client = await connect(ports.port(name))
    program.signal('SIGTTOU')
    while (listeningPorts().has(ports.port(name))) await sleep(5)
    client.send('still here')
    await client.got('still here')
    const other = createServer()
    await new Promise<void>((resolve, reject) => other.once('error', reject).listen(ports.port(name), '127.0.0.1', resolve))
    await new Promise((resolve) => other.close(resolve))
    program.signal('SIGTTIN')
    await program.listening([ports.port(name)])
    const late = await connect(ports.port(name))
    late.send('hello again')
    await late.got('hello again')
    t.pass(kind)
    client.destroy()
    late.destroy()
    await program.stop()
  })
})

t.test('paused without a session, the process waits for SIGTTIN', async (t) => {
  await runPool(['linux', 'node'], WIDTH, async (provider) => {
    const name = `idle-${provider}`
    const program = await up(t, 'headgate', name, ['-db', '--provider', provider, '-f', file(`${name}.cfg`, DEFAULTS + listen(name))])
    program.signal('SIGTTOU')
    await program.says(/SIGTTOU: ports are given back/)
    while (listeningPorts().has(ports.port(name))) await sleep(5)
    await sleep(100)
    t.ok(program.running(), provider)
    program.signal('SIGTTIN')
    await program.says(/SIGTTIN: listens again/)
    t.ok(listeningPorts().has(ports.port(name)))
    t.same(await program.stop(), { code: 0, signal: null })
  })
})

t.test('SIGHUP, SIGQUIT, SIGUSR2 and SIGPIPE end nothing', async (t) => {
  const program = await up(t, 'headgate', 'signals', ['-db', '-f', file('signals.cfg', DEFAULTS + listen('signals'))])
  for (const signal of ['SIGHUP', 'SIGQUIT', 'SIGUSR2', 'SIGPIPE'] as const) program.signal(signal)
  await program.says(/SIGHUP: Server signals\/s is UP/)
  await program.says(/SIGQUIT: memory: resident/)
  t.match(program.output(), 'SIGHUP received, dumping servers states.')
  t.ok(program.running())
  t.same(await program.stop(), { code: 0, signal: null })
})

t.test('a bug outside of every connection is reported and ends nothing', async (t) => {
  const plugin = file('buggy.mjs', `
    export const buggy = { name: 'buggy', services: {} }
    process.on('SIGWINCH', () => { setTimeout(() => { throw new Error('thrown') }); Promise.reject(new Error('rejected')) })
  `)
  const server = await serve(ports.port('server'), { on: echo })
  t.teardown(() => server.close())
  const program = start('headgate', [...command('headgate'), '-db', '-f', file('buggy.cfg', DEFAULTS + listen('buggy'))], { env: { HEADGATE_PLUGINS: plugin } })
  t.teardown(() => program.stop())
  await program.listening([ports.port('buggy')])
  const client = await connect(ports.port('buggy'))
  program.signal('SIGWINCH')
  await program.says(/\[ALERT\].*bug: uncaught exception: Error: thrown\n\s+at /)
  await program.says(/\[ALERT\].*bug: unhandled rejection: Error: rejected\n/)
  client.send('still served')
  await client.got('still served')
  client.destroy()
  t.same(await program.stop(), { code: 0, signal: null })
})

t.test('in the background: its problems are printed by the command, which leaves nothing behind', async (t) => {
  const taken = createServer()
  await new Promise<void>((resolve) => taken.listen(ports.port('taken'), '127.0.0.1', resolve))
  t.teardown(() => taken.close())
  const ran = await run('headgate', ['-D', '-f', file('taken.cfg', DEFAULTS + listen('taken')), '-p', path.join(folder, 'taken.pid')])
  t.equal(ran.code, 1)
  t.match(ran.stderr, /\[ALERT\].*cannot bind socket \(Address already in use\) for \[127\.0\.0\.1:\d+\]/)
  t.match(ran.stderr, 'Some protocols failed to start their listeners! Exiting.')
  t.notOk(existsSync(path.join(folder, 'taken.pid')))

  const pidFile = path.join(folder, 'warned.pid')
  const kinds: readonly Kind[] = oracle === false ? ['haproxy', 'headgate'] : ['headgate']
  for (const kind of kinds) {
    const { code, stderr } = await run(kind, ['-D', '-f', warned, '-p', pidFile])
    t.equal(code, 0)
    t.equal(stderr.split('missing timeouts').length - 1, 1, `${kind} warns once, not once more from the background`)
    process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGTERM')
    while (listeningPorts().has(ports.port('warned'))) await sleep(5)
  }
})

t.test('`daemon` in global: stdin, stdout and stderr are let go of, it survives its parent, and ends by its pid', async (t) => {
  const pidFile = path.join(folder, 'daemon.pid')
  const text = `global\n  daemon\n  pidfile ${pidFile}\n${DEFAULTS}${listen('daemon')}`
  // tool() waits for both streams to end: a daemon that kept them would hang it.
  const ran = await run('headgate', ['-f', file('daemon.cfg', text)])
  t.same([ran.code, ran.stdout, ran.stderr], [0, '', ''])
  const pid = Number(readFileSync(pidFile, 'utf8'))
  t.teardown(() => {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It has ended, as it should.
    }
  })
  t.ok(listeningPorts().has(ports.port('daemon')), 'it listens when the command returns')
  t.doesNotThrow(() => process.kill(pid, 0))
  t.notMatch(readFileSync(`/proc/${pid}/environ`, 'latin1'), 'HEADGATE_DAEMON=1\0HEADGATE', 'started once')
  process.kill(pid, 'SIGUSR1')
  const deadline = Date.now() + 5000
  while (listeningPorts().has(ports.port('daemon')) && Date.now() < deadline) await sleep(10)
  t.notOk(listeningPorts().has(ports.port('daemon')), 'and SIGUSR1 ends it')
})

t.test('a listener that was inherited goes on to the process in the background', async (t) => {
  const given = createServer()
  await new Promise<void>((resolve) => given.listen(0, '127.0.0.1', resolve))
  const address = given.address()
  const handle: unknown = Reflect.get(given, '_handle')
  const fd: unknown = typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'fd') : undefined
  if (typeof fd !== 'number' || address === null || typeof address === 'string') throw new Error('this Node tells no descriptor of a listener')
  const server = await serve(ports.port('server'), { on: echo })
  t.teardown(() => server.close())
  const pidFile = path.join(folder, 'inherited.pid')
  const text = `${DEFAULTS}listen inherited\n  bind "fd@\${LISTENER}"\n  server s 127.0.0.1:${ports.port('server')}\n`
  const first = start('headgate', [...command('headgate'), '-D', '-p', pidFile, '-f', file('inherited.cfg', text)], { inherit: ['ignore', 'ignore', fd], env: { LISTENER: '5' } })
  t.same(await first.exited, { code: 0, signal: null }, first.output())
  given.close()
  const pid = Number(readFileSync(pidFile, 'utf8'))
  t.teardown(() => {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It has ended, as it should.
    }
  })
  const client = await connect(address.port)
  client.send('through')
  await client.got('through')
  client.end()
  await client.over()
  process.kill(pid, 'SIGTERM')
})

t.test('user and group: changed once it listens', { skip: process.getuid?.() === 0 ? false : 'not root' }, async (t) => {
  chmodSync(folder, 0o755)
  const program = await up(t, 'headgate', 'user', ['-db', '-f', file('user.cfg', `global\n  uid 65534\n  gid 65533\n${DEFAULTS}${listen('user')}`)])
  await sleep(50)
  const status = readFileSync(`/proc/${program.pid}/status`, 'latin1')
  t.match(status, /Uid:\t65534\t65534/)
  t.match(status, /Gid:\t65533\t65533/)
  t.match(status, /Groups:\t65533 ?\n/)
})

t.test('-V says what is listened on', async (t) => {
  const program = await up(t, 'headgate', 'verbose', ['-V', '-db', '-f', file('verbose.cfg', DEFAULTS + listen('verbose'))])
  await program.says(new RegExp(`^Listening on 127\\.0\\.0\\.1:${ports.port('verbose')}$`, 'm'))
})

t.test('log datagrams of every format have the fields of HAProxy’s', { skip: oracle }, async (t) => {
  const server = await serve(ports.port('server'), { on: echo })
  t.teardown(() => server.close())
  const formats = ['local', 'rfc3164', 'rfc5424', 'priority', 'short', 'timed', 'iso', 'raw']
  const seen = new Map<Kind, string[]>()
  for (const host of ['', '  log-send-hostname\n', '  log-send-hostname elsewhere\n']) {
    await runPool(['haproxy', 'headgate'] as const, WIDTH, async (kind) => {
      const sink = await syslog()
      const name = `log-${kind}`
      const to = `127.0.0.1:${sink.port}`
      const targets = [
        ...formats.map((format) => `${to} format ${format} local0`),
        `${to} local1`,
        `${to} len 80 daemon`,
        `${to} len 80 format rfc5424 user info notice`,
        `${to} format short sample 1:2 local2`,
        `${to} local3 notice`,
      ]
      const text = `global\n${host}${targets.map((target) => `  log ${target}\n`).join('')}${DEFAULTS}  log global\n  option tcplog\n${listen(name).replace('listen', '  log-tag tagged\nlisten')}`
      const program = start(kind, [...command(kind), '-db', '-f', file(`${name}.cfg`, text)])
      t.teardown(() => program.stop())
      await program.listening([ports.port(name)])
      for (let i = 0; i < 2; i++) {
        const client = await connect(ports.port(name))
        client.send('x')
        await client.got('x')
        client.end()
        await client.over()
      }
      await sink.lines(23, /tagged|127\.0\.0\.1/)
      await program.stop()
      sink.close()
      const received = sink.raw.filter((line) => !line.includes(' stopped ('))
      const plain = received.map((line) =>
        line
          .replaceAll(String(program.pid), 'PID')
          .replaceAll(name, 'NAME')
          .replace(/\w{3} [ \d]\d \d\d:\d\d:\d\d/, 'SYSLOGDATE')
          .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}[+-]\d\d:\d\d/, 'ISODATE')
          // What is left of a line that was cut depends on how long its numbers are.
          .replace(/(tagged\[PID\]:|tagged PID - -) .*$/s, (all, tag: string) => (Buffer.byteLength(line, 'latin1') === 81 ? `${tag} CUT\n` : all))
          .replace(/127\.0\.0\.1:\d{5}/, 'CLIENT')
          .replace(/\[\d\d\/\w{3}\/\d{4}:\d\d:\d\d:\d\d\.\d{3}\]/, '[DATE]')
          .replace(/ \d+\/\d+\/\d+ /, ' T/T/T '),
      )
      t.equal(plain.filter((line) => line.endsWith(' CUT\n')).length, 4, `${kind}: two targets of len 80 got 80 bytes and a newline`)
      seen.set(kind, plain.toSorted())
    })
    t.equal(seen.get('headgate')?.length, 23, `all targets, sampled and filtered ones included${host === '' ? '' : `, ${host.trim()}`}`)
    t.same(seen.get('headgate'), seen.get('haproxy'))
  }
})
