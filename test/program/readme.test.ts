// Holds what README.md says: every command and configuration in it runs, in a fresh copy of the project; every conf/*.cfg serves; the
// package that npm makes works where it is installed.
//
// Port numbers of examples are replaced by free ones (8443 becomes the port that is named 'file:8443'), and they listen on loopback only.

import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import type tap from 'tap'
import { notYet } from '../../src/config/language.ts'
import { refusedActions } from '../../src/sample/actions/refused.ts'
import { certificates } from '../kit/certificates.ts'
import { boundPorts } from '../kit/command.ts'
import { allKeywords, allPlugins } from '../kit/configuration.ts'
import { configured, handlerContract } from '../kit/index.ts'
import { connect, connectTls, serve } from '../kit/peers.ts'
import type { Server, ServerOptions, Wire } from '../kit/peers.ts'
import { claimPorts } from '../kit/ports.ts'
import { installed, sleep, start, tool } from '../kit/program.ts'
import type { Program } from '../kit/program.ts'
import { readHeader } from '../kit/proxy-header.ts'
import { passwordPlugin } from './example/password.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const README = readFileSync(path.join(ROOT, 'README.md'), 'utf8')
const PARTS = ['package.json', 'package-lock.json', 'tsconfig.json', 'LICENSE', 'README.md', 'src', 'handlers', 'test', 'conf']

const ports = await claimPorts()
t.teardown(() => ports.release())
const home = mkdtempSync(path.join(os.tmpdir(), 'headgate-readme-'))
t.teardown(() => rmSync(home, { recursive: true, force: true }))

/** What `git clone` gives, installed: without dist and without a certificate. */
const clone = path.join(home, 'headgate')
mkdirSync(clone)
for (const part of PARTS) cpSync(path.join(ROOT, part), path.join(clone, part), { recursive: true, filter: (file) => !file.endsWith('.pem') })
symlinkSync(path.join(ROOT, 'node_modules'), path.join(clone, 'node_modules'))

/** The port that stands in `file` for the number that it says. */
const portOf = (file: string, number: number): number => ports.port(`${path.basename(file)}:${number}`)
const ported = (file: string, text: string): string =>
  text.replaceAll(/(?<=^ *bind +):(?=\d)/gm, '127.0.0.1:').replaceAll(/(?<=(?:127\.0\.0\.1|localhost):)\d{4,5}\b/g, (number) => String(portOf(file, Number(number))))
function rewrite(file: string, as = file): void {
  const place = path.join(clone, file)
  writeFileSync(place, ported(as, readFileSync(place, 'utf8')))
}
const EXAMPLES = readdirSync(path.join(ROOT, 'conf')).filter((file) => file.endsWith('.cfg'))
for (const file of EXAMPLES) rewrite(`conf/${file}`)
rewrite('src/quickstart.ts', 'quickstart.cfg')
rewrite('test/program/example/password.cfg')
const certificate = await certificates()
// The quickstart's certificate is no authority's.
const partners = path.join(clone, 'conf/tls-termination.cfg')
writeFileSync(partners, readFileSync(partners, 'utf8').replace(/(?<=ca-file )\S+(?= verify required$)/m, certificate.caFile))

// ── npm start ────────────────────────────────────────────────────────────────────────────────────────────────────

t.test('npm ci finds its lock complete', async (t) => {
  const ran = await tool(['npm', 'ci', '--dry-run', '--offline', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', clone], { ms: 60_000 })
  t.equal(ran.code, 0, ran.stderr)
})

t.test('npm start builds a fresh clone, makes a certificate and serves; the commands that it prints work', { timeout: 120_000 }, async (t) => {
  const program = start('npm', ['npm', 'start', '--silent', '--', '-p', 'headgate.pid'], { cwd: clone })
  t.teardown(() => program.stop())
  await program.says(/^Listening on .*:\d+\nListening on /m, 60_000)
  const curls = [...program.output().matchAll(/^ {2}(curl .*)$/gm)].map(([, line]) => line ?? '')
  t.equal(curls.length, 2)
  t.ok(existsSync(path.join(clone, 'conf/quickstart.pem')))
  t.equal(statSync(path.join(clone, 'dist/src/main.js')).mode & 0o100, 0o100, 'npx headgate can run what was built')
  if (installed('curl')) {
    for (const line of curls) {
      const ran = await tool(['sh', '-c', `cd ${clone} && ${line} -sS --max-time 10`])
      t.match(ran.stdout, /Headgate demonstration service[^]*through {2}PROXY protocol version 2, PROXY/, `${line}: ${ran.stderr}`)
    }
  } else t.comment('curl is not installed: the lines were not tried')
  process.kill(Number(readFileSync(path.join(clone, 'headgate.pid'), 'utf8')), 'SIGINT')
  const { code } = await program.exited
  t.equal(code, 0)
})

const MAIN = path.join(clone, 'dist/src/main.js')

// ── conf/*.cfg ───────────────────────────────────────────────────────────────────────────────────────────────────

/** A running example. Port numbers are those that its file says. */
interface Visit {
  readonly program: Program
  client(number: number): Promise<Wire>
  tls(number: number, options?: Parameters<typeof connectTls>[1]): Promise<Wire>
  server(number: number, options: ServerOptions): Promise<Server>
}

type Check = Pick<typeof tap, 'equal' | 'match' | 'ok' | 'same'>
type Teardown = Pick<typeof tap, 'teardown'>

/** Answers the first bytes with its name and ends. */
const named = (name: string): ServerOptions => ({ on: (wire) => void wire.socket.once('data', () => wire.end(name)) })

/** What a client gets to its end, for what it says. */
async function said(wire: Wire, what: string): Promise<string> {
  wire.send(what)
  await wire.over()
  wire.end()
  return wire.text
}

const pem = (): string => readFileSync(path.join(clone, 'conf/quickstart.pem'), 'latin1')
const overTls = (name: string): ServerOptions => ({ ...named(name), tls: { key: pem(), cert: pem() } })
const header = async (server: Server, index = 0): Promise<ReturnType<typeof readHeader>> => readHeader((await server.wire(index)).bytes, () => 'port')

/** What each example is for, tried once. */
const VISITS: Readonly<Record<string, (t: Check, v: Visit) => Promise<void>>> = {
  async 'first.cfg'(t, v) {
    const [one] = [await v.server(9001, named('one')), await v.server(9002, named('two'))]
    const clients = [await v.tls(8443), await v.tls(8443)]
    t.same((await Promise.all(clients.map((client) => said(client, 'hello')))).toSorted(), ['one', 'two'], 'each server once')
    t.match(await header(one), { version: 2, command: '21', addresses: /^7f000001:port/ })
  },
  async 'tls-termination.cfg'(t, v) {
    await v.server(9443, overTls('encrypted'))
    const plain = await v.server(9001, named('plain'))
    t.equal(await said(await v.tls(8443, { servername: 'localhost' }), 'hello'), 'encrypted')
    t.equal(await said(await v.tls(8444, certificate.client), 'hello'), 'plain')
    t.match(JSON.stringify(await header(plain)), /client\.test/, "the PROXY header has the client certificate's name")
    t.equal(await said(await v.tls(8444), 'hello').catch(String), '', 'without a certificate')
    await v.program.says(/ encrypted\/one .* -- TLSv1\.3 TLS_\S+ localhost$/m)
    await v.program.says(/ plain\/one -- client "client\.test"$/m)
  },
  async 'tcp-balance.cfg'(t, v) {
    await v.server(5433, named('one'))
    await v.server(5434, named('two'))
    const seen = new Set<string>()
    for (let i = 0; i < 6; i++) seen.add(await said(await v.client(6432), 'hello'))
    t.same([...seen].toSorted(), ['one', 'two'], 'and nobody noticed that the third is dead')
    await v.program.says(/ replicas\/(one|two) .* -- .*\/\+1 /)
  },
  async 'proxy-protocol.cfg'(t, v) {
    const one = await v.server(9001, named('one'))
    const from = (source: string): string => `PROXY TCP4 ${source} 198.51.100.1 4000 443\r\nhello`
    t.equal(await said(await v.client(8080), from('203.0.113.9')), 'one')
    t.match(await header(one), { version: 2, addresses: /^cb007109:/ }, 'the announced source is told')
    t.equal(await said(await v.client(8080), from('192.0.2.5')), '', 'the announced source is banned')
    t.equal(await said(await v.client(8081), from('203.0.113.9')), 'one')
    await v.program.says(/^203\.0\.113\.9:4000 next\/one .* proxied 1$/m)
  },
  async 'sni-routing.cfg'(t, v) {
    for (const [port, name] of [[9443, 'web'], [9993, 'mail'], [9444, 'files'], [9445, 'files'], [9446, 'admin']] as const) await v.server(port, overTls(name))
    for (const [servername, name] of [['mail.example.com', 'mail'], ['a.files.example.com', 'files'], ['admin.example.com', 'admin'], ['other.example.com', 'web']] as const) {
      t.equal(await said(await v.tls(8443, { servername }), 'hello'), name, servername)
    }
    t.equal(await said(await v.client(8443), 'GET / HTTP/1.0\r\n\r\n'), '', 'what is no TLS')
  },
  async 'access-rules.cfg'(t, v) {
    await v.server(9022, named('ssh'))
    await v.server(9443, overTls('tls'))
    t.equal(await said(await v.client(2222), 'SSH-2.0-test\r\n'), 'ssh')
    t.equal(await said(await v.tls(2222), 'hello'), 'tls')
    t.equal(await said(await v.client(2222), 'GET / HTTP/1.0\r\n\r\n'), '')
    await v.program.says(/ ssh -- ssh$/m)
  },
  async 'password.cfg'(t, v) {
    await v.server(2324, named('legacy'))
    const right = await v.client(2323)
    await right.got('password: ')
    t.equal(await said(right, 'opensesame\nhello'), 'password: legacy')
    t.equal(await said(await v.client(2323), 'guess\n'), 'password: no\n')
  },
}

/** Starts a file of the clone as `command` and visits it. */
async function visit(t: Check & Teardown, file: string, command: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<void> {
  const name = path.basename(file)
  const look = VISITS[name]
  if (look === undefined) throw new Error(`${file} has no visit`)
  const program = start('headgate', command, { cwd: clone, env })
  t.teardown(() => program.stop())
  await program.listening(boundPorts(readFileSync(path.join(clone, file), 'utf8')))
  t.equal(program.output(), '', 'there is nothing to be said about it')
  const last: (() => unknown)[] = []
  const keep = <W extends Wire>(wire: W): W => {
    last.push(() => wire.destroy())
    return wire
  }
  try {
    await look(t, {
      program,
      client: async (number) => keep(await connect(portOf(name, number))),
      tls: async (number, options) => keep(await connectTls(portOf(name, number), options)),
      async server(number, options) {
        const server = await serve(portOf(name, number), options)
        last.push(() => server.close())
        return server
      },
    })
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${program.output()}`, { cause: error })
  } finally {
    for (const f of last) await f()
  }
}

const EXAMPLE = 'test/program/example/password.cfg'

for (const file of EXAMPLES.filter((name) => name !== 'quickstart.cfg')) {
  t.test(`conf/${file}`, async (t) => {
    if (installed('haproxy')) {
      const theirs = await tool(['haproxy', '-c', '-q', '-C', clone, '-f', path.join('conf', file)], { env: { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` } })
      t.equal(theirs.code, 0, `HAProxy takes it too: ${theirs.stderr}`)
    } else t.comment('haproxy is not installed: not asked')
    await visit(t, `conf/${file}`, [process.execPath, MAIN, '-f', `conf/${file}`])
  })
}

// ── README.md ────────────────────────────────────────────────────────────────────────────────────────────────────

interface Block {
  readonly language: string
  readonly text: string
  /** The file that it is taken from. */
  readonly file: string | undefined
}

const blocks: readonly Block[] = [...README.matchAll(/(?:^<!-- (\S+) -->\n)?^```(\w*)\n(.*?)^```$/gms)].map(([, file, language = '', text = '']) => ({ language, text, file }))

t.test('snippets are files', async (t) => {
  for (const { language, text, file } of blocks) {
    t.ok(['sh', 'ts', 'haproxy', 'text'].includes(language), `a block of '${language}' is run or compared`)
    if (language !== 'ts' && language !== 'haproxy') continue
    if (file === undefined) t.fail(`a block of ${language} names no file: ${text}`)
    else t.equal(text, readFileSync(path.join(ROOT, file), 'utf8'), file)
  }
  t.same(blocks.flatMap(({ language, file }) => (language === 'haproxy' ? [file] : [])), ['conf/first.cfg', EXAMPLE], 'both are started here')
})

/** `headgate` as a command, for a shell in the clone. */
function shim(): Record<string, string> {
  const bin = path.join(home, 'bin')
  mkdirSync(bin, { recursive: true })
  writeFileSync(path.join(bin, 'headgate'), `#!/bin/sh\nexec ${process.execPath} ${MAIN} "$@"\n`, { mode: 0o755 })
  return { PATH: `${bin}:${process.env['PATH'] ?? ''}` }
}

const COMPILE = 'npx tsc --ignoreConfig --target es2023 --module nodenext --types node password.ts'

/** How each block of commands is tried; '' is one that is tried elsewhere in this file, or is what runs it. */
const COMMANDS: Readonly<Record<string, string | ((t: Check & Teardown) => Promise<void>)>> = {
  'npm ci && npm start': 'npm ci and npm start have tests of their own above',
  'npm ci && npm test': 'this runs in it',
  async 'npm run bench'(t) {
    const ran = await tool([process.execPath, path.join(clone, 'dist/test/bench/bench.js'), '--help'])
    t.match(ran.stdout, /npm run bench -- /)
  },
  async [`${COMPILE}\nHEADGATE_PLUGINS=./password.js headgate -f password.cfg`](t) {
    cpSync(path.join(clone, 'test/program/example/password.ts'), path.join(clone, 'password.ts'))
    const compiled = await tool(['sh', '-c', `cd ${clone} && ${COMPILE}`], { ms: 60_000 })
    t.equal(compiled.code, 0, compiled.stdout)
    cpSync(path.join(clone, EXAMPLE), path.join(clone, 'password.cfg'))
    await visit(t, 'password.cfg', ['sh', '-c', 'exec env HEADGATE_PLUGINS=./password.js headgate -f password.cfg'], shim())
  },
}

t.test('commands', async (t) => {
  const pidFile = path.join(clone, 'headgate.pid')
  for (const { language, text } of blocks) {
    if (language !== 'sh') continue
    const how = COMMANDS[text.trim()]
    if (typeof how === 'string') t.comment(`${text.trim()}: ${how}`)
    else if (how !== undefined) await t.test(text.trim(), async (t) => how(t))
    else {
      rmSync(pidFile, { force: true })
      const ran = await tool(['sh', '-e', '-c', `cd ${clone}\n${text}`], { env: shim(), ms: 30_000 })
      t.equal(ran.code, 0, `${text}${ran.stderr}`)
      t.match(ran.stdout, /^Configuration file is valid\n/)
      t.match(ran.stdout, /^ends at server mail\/one /m)
      t.match(ran.stdout, /Available plugins :/)
      t.match(ran.stdout, /# List of registered sample fetch functions:\n/)
      const pid = Number(readFileSync(pidFile, 'utf8'))
      const until = Date.now() + 10_000
      while (alive(pid) && Date.now() < until) await sleep(20)
      t.notOk(alive(pid), 'and SIGUSR1 ended it')
    }
  }
})

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

t.test('the handler stands what every handler has to stand', async (t) => {
  const read = configured('frontend f\n timeout client 10s\n bind :23 password sesame', [passwordPlugin])
  t.same(read.problems, [])
  const [make] = read.handlers(read.bind())
  if (make !== undefined) await handlerContract(t, { name: 'password', make, input: 'sesame\n', says: 'password: ' })
})

/** What there is to read about the program, for people who have the package alone. */
const PAGES = ['README.md', 'src/README.md', 'src/sample/README.md', 'src/net/linux/README.md', 'handlers/README.md']

/** Paths, from the folder of the file. */
function linksOf(file: string): readonly string[] {
  return [...readFileSync(path.join(ROOT, file), 'utf8').matchAll(/\]\(([^)#:]+)\)/g)].map(([, target = '']) => target)
}

t.test('links and files that are named are there', async (t) => {
  for (const file of PAGES) for (const target of linksOf(file)) t.ok(existsSync(path.join(ROOT, path.dirname(file), target)), `${file}: ${target}`)
  const map = readFileSync(path.join(ROOT, 'src/README.md'), 'utf8')
  for (const [, name = ''] of map.matchAll(/`((?:\.\.\/)?(?:[\w.-]+\/)*[\w-]+\.ts)`/g)) t.ok(existsSync(path.join(ROOT, 'src', name)), `src/README.md: ${name}`)
})

t.test('what is "not supported yet" in the README is so', async (t) => {
  const table = /<!-- not yet: begin -->(.*?)<!-- not yet: end -->/s.exec(README)?.[1] ?? ''
  const cells = table.split('\n').map((row) => row.split('|')[2] ?? '').join('\n')
  const words = [...cells.matchAll(/`([^`]+)`(\*?)/g)].flatMap(([, word = '', note]) => (note === '*' || word.endsWith('@') ? [] : [word]))
  t.ok(words.length > 30, `${words.length} words`)
  const there = new Set([allKeywords, ...allPlugins.map((plugin) => [...(plugin.fetches ?? []), ...(plugin.converters ?? [])])].flatMap((list) => list.map((entry) => entry.name)))
  const refused = new Set(refusedActions.map((action) => action.name))
  const actions = new Set(allPlugins.flatMap((plugin) => plugin.actions ?? []).map((action) => action.name))
  for (const word of words) {
    if (refused.has(word)) continue
    const known = ['global', 'frontend', 'bind', 'server', 'action', 'section', 'fetch', 'converter'].some((place) => notYet(place, word.replace(/^track-sc\d+/, 'track-sc').split(' ')) !== undefined)
    t.ok(known && !there.has(word) && !actions.has(word), `'${word}' is known and not supported yet: else take it out of the table`)
  }
})

// ── the package ──────────────────────────────────────────────────────────────────────────────────────────────────

t.test('the package that npm makes works where it is installed', { timeout: 120_000 }, async (t) => {
  const inClone = (...words: readonly string[]): ReturnType<typeof tool> => tool(['npm', '--prefix', clone, ...words], { ms: 60_000 })
  const packed = await inClone('pack', clone, '--ignore-scripts', '--json', '--pack-destination', home)
  t.equal(packed.code, 0, packed.stderr)
  const tarball = readdirSync(home).find((file) => file.endsWith('.tgz')) ?? ''
  const held = packed.stdout
  t.notMatch(held, /\.pem"|"dist\/test\/(?!kit)|tsbuildinfo/, 'no keys, no tests, nothing of the build')
  for (const file of PAGES) {
    t.ok(held.includes(`"${file}"`), file)
    for (const target of linksOf(file)) t.ok(held.includes(`"${path.join(path.dirname(file), target)}"`), `${file} links to ${target}, which is in the package`)
  }

  const place = path.join(home, 'place')
  mkdirSync(place)
  writeFileSync(path.join(place, 'package.json'), '{ "private": true, "type": "module" }')
  const run = (line: string): ReturnType<typeof tool> => tool(['sh', '-c', `cd ${place} && ${line}`], { ms: 60_000 })
  const installedIt = await run(`npm install --offline --no-audit --no-fund ${path.join(home, tarball)}`)
  if (installedIt.code !== 0) {
    t.comment(`its dependencies are not in npm's cache: they are linked instead of installed (${installedIt.stderr.split('\n')[0] ?? ''})`)
    const there = path.join(place, 'node_modules/headgate')
    mkdirSync(path.join(place, 'node_modules/.bin'), { recursive: true })
    mkdirSync(there)
    await run(`tar xzf ${path.join(home, tarball)} -C ${there} --strip-components=1 && chmod +x ${there}/dist/src/main.js`)
    symlinkSync(path.join(ROOT, 'node_modules'), path.join(there, 'node_modules'))
    symlinkSync('../headgate/dist/src/main.js', path.join(place, 'node_modules/.bin/headgate'))
  }
  t.match(await run('npx --offline headgate -v'), { code: 0, stdout: /^Headgate version \d/ })
  cpSync(path.join(clone, 'dist/test/program/example/password.js'), path.join(place, 'password.js'))
  cpSync(path.join(clone, EXAMPLE), path.join(place, 'my.cfg'))
  t.match(await run('HEADGATE_PLUGINS=./password.js npx --offline headgate -c -V -f my.cfg'), { code: 0, stdout: 'Configuration file is valid\n' })
  const doors = await run(`node -e "Promise.all([import('headgate/plugin'), import('headgate/test')]).then(([p, t]) => console.log(typeof p.next, typeof t.configured))"`)
  t.equal(doors.stdout, 'function function\n', doors.stderr)
})
