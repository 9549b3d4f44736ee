// headgate lint: every rule on lines that break it and lines that do not, silencing, -c, and wrong arguments.

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import t from 'tap'
import { builtinPlugins } from '../../handlers/builtin.ts'
import { lintCommand } from '../../src/admin/commands.ts'
import { Messages } from '../../src/process/messages.ts'
import { samplePlugin } from '../../src/sample/builtin.ts'
import { certificates } from '../kit/certificates.ts'
import { hasHaproxy, MAIN } from '../kit/command.ts'
import { claimPorts } from '../kit/ports.ts'
import { sleep } from '../kit/program.ts'

const folder = mkdtempSync(path.join(os.tmpdir(), 'headgate-lint-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))
const { server, other, caFile } = await certificates()

let files = 0
function file(text: string): string {
  const at = path.join(folder, `${++files}.cfg`)
  writeFileSync(at, text)
  return at
}

interface Said {
  readonly findings: readonly string[]
  readonly text: string
  readonly status: number | null
}

const plugins = [samplePlugin, ...builtinPlugins]

/** The findings by line and name, `12 sni-without-wait`, as the command has them; it runs in this process. */
async function lint(at: string): Promise<Said> {
  let text = ''
  const status = await lintCommand(['-f', at], plugins, new Messages({ executable: 'headgate', write: (said) => (text += said) }), (line) => (text += `${line}\n`))
  const findings = text.split('\n').flatMap((line) => {
    const m = /parsing \[[^\]]*:(\d+)\] : .*\[([a-z-]+)\]$/.exec(line)
    return m === null ? [] : [`${m[1] ?? ''} ${m[2] ?? ''}`]
  })
  return { findings, text, status }
}

const DEFAULTS = 'defaults\n  mode tcp\n  timeout client 1m\n  timeout server 1m\n  timeout connect 5s\n'
const BACKENDS = 'backend a\n  server s 127.0.0.1:1\nbackend b\n  server s 127.0.0.1:1\n'

/** Lines of the frontend begin at 8, behind its bind line. */
const front = (bind: string, ...lines: readonly string[]): string => file(`${DEFAULTS}frontend f\n  bind ${bind}\n${lines.map((line) => `  ${line}\n`).join('')}${BACKENDS}`)

t.test('rules that ask for a hello that nobody waits for', async (t) => {
  const routed = ['use_backend a if { req.ssl_sni a.example }', 'default_backend b']
  const bare = await lint(front(':443', ...routed))
  t.same(bare.findings, ['8 sni-without-wait'])
  t.match(bare.text, /tcp-request inspect-delay 5s.*tcp-request content accept if \{ req\.ssl_hello_type 1 \}/)
  t.equal(bare.status, 1)
  t.same((await lint(front(':443', 'acl is_a req.ssl_sni a.example', 'use_backend a if is_a', 'default_backend b'))).findings, ['9 sni-without-wait'], 'by way of an ACL')
  t.same((await lint(front(':443', 'tcp-request inspect-delay 5s', ...routed))).findings, ['9 sni-without-wait'], 'use_backend itself does not wait')
  t.same((await lint(front(':443', 'tcp-request content set-var(txn.n) req.ssl_sni', ...routed))).findings, ['8 sni-without-wait'], 'one finding per section')
  const waits = await lint(front(':443', 'tcp-request inspect-delay 5s', 'tcp-request content accept if { req.ssl_hello_type 1 }', ...routed))
  t.same(waits.findings, [])
  t.equal(waits.status, 0)
  t.equal(waits.text, '')
  t.same((await lint(front(':443', 'tcp-request inspect-delay 5s', 'tcp-request content accept if { req_ssl_sni -m found }', ...routed))).findings, [], 'the old name')
})

t.test('PROXY headers from anybody', async (t) => {
  t.same((await lint(front(':443 accept-proxy', 'default_backend b'))).findings, ['7 accept-proxy-open'])
  t.same((await lint(front('127.0.0.1:443 accept-proxy', 'default_backend b'))).findings, [])
  t.same((await lint(front(':443 accept-netscaler-cip 7', 'default_backend b'))).findings, ['7 accept-proxy-open'])
  t.same((await lint(front(':443 accept-netscaler-cip 7', 'tcp-request connection reject unless { src 10.0.0.0/8 }', 'default_backend b'))).findings, [])
  t.same((await lint(front(':443', 'tcp-request connection expect-netscaler-cip layer4', 'default_backend b'))).findings, ['8 accept-proxy-open'])
  t.same((await lint(front('/run/x.sock accept-proxy', 'default_backend b'))).findings, [])
  t.same((await lint(front(':443 accept-proxy', 'tcp-request connection reject unless { src 10.0.0.0/8 }', 'default_backend b'))).findings, [])
  t.same((await lint(front(':443 accept-proxy', 'acl ours src 10.0.0.0/8', 'tcp-request connection reject if !ours', 'default_backend b'))).findings, [])
  t.same((await lint(front(':443 accept-proxy', 'tcp-request connection reject if { dst_port 1 }', 'default_backend b'))).findings, ['7 accept-proxy-open'], 'another rule is no guard')
  t.same((await lint(front(':443', 'tcp-request connection expect-proxy layer4', 'default_backend b'))).findings, ['8 accept-proxy-open'])
  t.same((await lint(front(':443', 'tcp-request connection expect-proxy layer4 if { src 10.0.0.0/8 }', 'default_backend b'))).findings, [])
})

t.test('rules that are never asked', async (t) => {
  const of = async (...lines: readonly string[]): Promise<readonly string[]> => (await lint(front(':80', ...lines))).findings
  t.same(await of('tcp-request connection accept', 'tcp-request connection reject if { src 10.0.0.0/8 }', 'default_backend b'), ['9 unreachable-rule'])
  t.same(await of('tcp-request connection reject if { src 10.0.0.0/8 }', 'tcp-request connection accept', 'default_backend b'), [])
  t.same(await of('tcp-request session accept if TRUE', 'tcp-request session set-var(sess.a) int(1)', 'default_backend b'), ['9 unreachable-rule'])
  t.same(await of('tcp-request content reject if { src 10.0.0.1 }', 'tcp-request content accept if { src 10.0.0.1 }', 'default_backend b'), ['9 unreachable-rule'], 'the same condition')
  t.same(await of('tcp-request content set-var(txn.a) int(1) if { src 10.0.0.1 }', 'tcp-request content accept if { src 10.0.0.1 }', 'default_backend b'), [], 'no end')
  t.same(await of('tcp-request content reject if { rand(2) 1 }', 'tcp-request content reject if { rand(2) 1 }', 'default_backend b'), [], 'another draw')
  t.same(await of('use_backend a', 'use_backend b if { src 10.0.0.1 }'), ['9 unreachable-rule'])
  t.same(await of('use_backend a', 'default_backend b'), ['9 unreachable-rule'])
  t.same(await of('use_backend %[src]', 'default_backend b'), [], 'a computed name may be nobody\'s')
  t.same(await of('use_backend %[src]', 'use_backend a', 'default_backend b'), ['9 unreachable-rule'], 'no other rule is asked then')
  t.same(await of('use_backend a if { src 10.0.0.1 }', 'default_backend b'), [])
  t.same((await lint(file(`${DEFAULTS}listen l\n  bind :80\n  tcp-response content accept\n  tcp-response content close\n  server s 127.0.0.1:1\n`))).findings, ['9 unreachable-rule'])
})

t.test('names with client certificates and without', async (t) => {
  const two = (first: string, second: string, backend = 'b'): string => file(`${DEFAULTS}frontend f\n  bind :443 ssl ${first}\n  default_backend b\nfrontend g\n  bind :444 ssl ${second}\n  default_backend ${backend}\n${BACKENDS}`)
  const asks = `ca-file ${caFile} verify required`
  t.same((await lint(two(`crt ${server.pem} ${asks}`, `crt ${server.pem}`))).findings, ['7 client-certificates-elsewhere-not'])
  t.same((await lint(two(`crt ${server.pem}`, `crt ${server.pem} ${asks}`))).findings, ['10 client-certificates-elsewhere-not'])
  t.same((await lint(two(`crt ${server.pem} ${asks}`, `crt ${server.pem} ${asks}`))).findings, [])
  t.same((await lint(two(`crt ${server.pem} ${asks}`, `crt ${other.pem}`))).findings, [], 'another name')
  t.same((await lint(two(`crt ${server.pem} ${asks}`, `crt ${server.pem}`, 'a'))).findings, [], 'other servers')
  const list = path.join(folder, 'list.txt')
  writeFileSync(list, `${server.pem} [ca-file ${caFile} verify required] in.example\n${server.pem} OUT.example in.example\n# ${server.pem} x\n`)
  t.same((await lint(two(`crt-list ${list}`, `crt ${other.pem}`))).findings, ['7 client-certificates-elsewhere-not'], 'lines of one crt-list')
})

t.test('timeouts that are missing', async (t) => {
  const none = await lint(file(`frontend f\n  bind :80\n  default_backend b\nbackend b\n  server s 127.0.0.1:1\n`))
  t.match(none.text, /missing timeouts for frontend 'f'/, 'as HAProxy warns')
  t.equal(none.status, 1)
  t.same((await lint(file(`defaults\n  timeout client 1m\n  timeout connect 5s\n  timeout server 1m\nbackend b\n  dispatch 127.0.0.1:1\n  timeout server 0\n`))).findings, ['5 missing-timeouts'])
})

t.test('silenced by name', async (t) => {
  const rule = 'use_backend a if { req.ssl_sni a }'
  t.same((await lint(front(':443', `${rule} # lint-ignore: sni-without-wait`, 'default_backend b'))).findings, [])
  t.same((await lint(front(':443', '# lint-ignore: sni-without-wait', rule, 'default_backend b'))).findings, [])
  t.same((await lint(front(':443', '# lint-ignore: unreachable-rule', rule, 'default_backend b'))).findings, ['9 sni-without-wait'])
  t.same((await lint(file(`# lint-ignore: accept-proxy-open, sni-without-wait\n${DEFAULTS}frontend f\n  bind :1 accept-proxy\n  ${rule}\n  default_backend b\n${BACKENDS}`))).findings, [], 'a whole file')
  const bare = '\nfrontend f\n  bind :80\n  default_backend b\nbackend b\n  server s 127.0.0.1:1\n'
  t.match(await lint(file(`# lint-ignore: missing-timeouts${bare}`)), { text: '', status: 0 }, "HAProxy's warning too")
  const one = await lint(file(bare.replace('frontend f', 'frontend f # lint-ignore: missing-timeouts')))
  t.notMatch(one.text, /frontend 'f'/)
  t.match(one.text, /missing timeouts for backend 'b'[^]*'server'\. \[missing-timeouts\]\n$/)
  const order = 'tcp-request connection accept if { src 10.0.0.1 }'
  t.match(await lint(front(':80', 'tcp-request content accept if { src 10.0.0.2 }', order, 'default_backend b')), { findings: ['9 rule-order'], status: 1 })
  t.match(await lint(front(':80', 'tcp-request content accept if { src 10.0.0.2 }', `${order} # lint-ignore: rule-order`, 'default_backend b')), { text: '', status: 0 })
  t.match(await lint(file(`${DEFAULTS}backend b\n  server s 127.0.0.1:1 check # lint-ignore: no-effect\nfrontend f # lint-ignore: no-bind\n  default_backend b\n`)), { text: '', status: 0 })
  const twice = await lint(file(`backend b\n  timeout connect 1s\n  timeout connect 0\n  server s 127.0.0.1:1\n  timeout server 1s\n`))
  t.match(twice.text, /\[overwritten\]\n/)
  t.equal(twice.text.match(/missing-timeouts/g)?.length, 1, 'said once')
  const typo = await lint(front(':443', '# lint-ignore: sni-without-wiat', 'default_backend b'))
  t.match(typo.text, /lint-ignore names 'sni-without-wiat', which is no rule; one of sni-without-wait/)
  t.equal(typo.status, 1)
})

t.test('-c says it as notices, and nothing of a clean file', async (t) => {
  const check = (at: string, ...more: readonly string[]) => spawnSync(process.execPath, [MAIN, '-c', ...more, '-f', at], { encoding: 'utf8' })
  const open = front(':443 accept-proxy', 'default_backend b')
  const said = check(open)
  t.match(said.stderr, /^\[NOTICE\] +\(\d+\) : config : parsing \[.*:7\] : .*can claim any address; allow only .* \[accept-proxy-open\]$/m)
  t.equal(said.status, 0)
  t.equal(check(open, '-dW').status, 0, 'a notice is no warning')
  t.equal(check(open, '-q').stderr, '')
  const clean = check(front(':443', 'default_backend b'))
  t.equal(clean.stderr, '')
  t.equal(clean.status, 0)
  if (hasHaproxy) t.equal(spawnSync('haproxy', ['-c', '-f', front(':443 accept-proxy', '# lint-ignore: accept-proxy-open', 'default_backend b')]).status, 0, 'HAProxy reads a silenced file')
})

t.test('wrong arguments', async (t) => {
  const run = (...args: readonly string[]) => spawnSync(process.execPath, [MAIN, 'lint', ...args], { encoding: 'utf8' })
  t.match(run(), { status: 1, stdout: /Usage : headgate lint[^]*\n    missing-timeouts +timeout client.*\n    rule-order +A / })
  t.match(run('--help'), { status: 0, stdout: /\n    sni-without-wait +\S/ })
  t.match(run('-f'), { status: 1, stderr: /'-f' expects an argument/ })
  t.match(run('-x', 'y'), { status: 1, stderr: /unknown option '-x'/ })
  t.match(run('-f', file('frontend f\n  bind\n')), { status: 1, stderr: /'bind' expects/ })
})

t.test('debug mode tells of live connections', async (t) => {
  const ports = await claimPorts()
  t.teardown(() => ports.release())
  const at = file(`${DEFAULTS}frontend f\n  bind 127.0.0.1:${ports.port('f')}\n  tcp-request connection accept if { src 10.0.0.1 }\n  tcp-request content reject if { dst_port gt 1 }\n`)
  const child = spawn(process.execPath, [MAIN, '-d', '-f', at], { stdio: ['ignore', 'ignore', 'pipe'] })
  t.teardown(() => child.kill('SIGKILL'))
  let stderr = ''
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()))
  const reach = async (): Promise<void> => {
    for (let tries = 0; tries < 200; tries++) {
      const socket = net.connect(ports.port('f'), '127.0.0.1')
      try {
        await once(socket, 'connect')
        socket.end('x')
        socket.resume()
        await once(socket, 'close')
        return
      } catch {
        await sleep(25)
      }
    }
  }
  await reach()
  for (let tries = 0; !stderr.includes('session over') && tries < 100; tries++) await sleep(20)
  t.match(stderr, /\[trace\] 0000000\d .*:8 tcp-request connection accept if \{ src 10\.0\.0\.1 \}: does not hold \(src = 127\.0\.0\.1\)\n/)
  t.match(stderr, /\[trace\] 0000000\d handler tcp-rules connection: done\n/)
  t.match(stderr, /\[trace\] 0000000\d .*:9 tcp-request content reject if \{ dst_port gt 1 \}: reject \(dst_port = \d+\)\n/)
  t.match(stderr, /\[trace\] 0000000\d session over: PR\n/)
  child.kill('SIGTERM')
  await once(child, 'exit')
})

t.test('names that expressions mention have to be there', async (t) => {
  const check = (line: string): string => spawnSync(process.execPath, [MAIN, '-c', '-f', front(':443', line, 'default_backend b')], { encoding: 'utf8' }).stderr
  t.match(check('tcp-request content reject if { be_conn(nope) gt 1 }'), /:8\] : unable to find backend 'nope' referenced in arg 1 of ACL keyword 'be_conn' in proxy 'f'\./)
  t.match(check('tcp-request content reject if { srv_conn(a/nope) gt 1 }'), /unable to find server 'nope' in proxy 'a', referenced in arg 1/)
  t.match(check('tcp-request content set-var(txn.a) queue'), /proxy 'f', referenced in arg 1 of sample fetch keyword 'queue' in proxy 'f', has not backend capability\./)
  t.equal(check('tcp-request content reject if { srv_conn(a/s) gt 1 } { fe_conn gt 5 } { nbsrv(b) 0 }'), '')
})
