// Owns that the test kit's own instruments tell the truth: events of peers, ports, log lines, PROXY headers.

import net from 'node:net'
import t from 'tap'
import { about } from './oracle.ts'
import { boundPorts } from './command.ts'
import { deafListener } from './deaf.ts'
import { connect, echo, serve } from './peers.ts'
import { claimPorts } from './ports.ts'
import { installed, listeningPorts, sleep, start } from './program.ts'
import { checksumHolds, ipv4, readHeader, v2, withChecksum } from './proxy-header.ts'
import { halfSeconds, normalLine } from './syslog.ts'

await t.test('ports: two claims never overlap; names keep their ports; a range is consecutive', async (t) => {
  const [one, two] = [await claimPorts(), await claimPorts()]
  t.teardown(() => {
    one.release()
    two.release()
  })
  const first = one.range('r', 5)
  const mine = new Set([0, 1, 2, 3, 4].map((i) => first + i).concat(one.port('a')))
  t.equal(mine.size, 6)
  t.equal(one.port('a'), one.port('a'))
  t.equal(one.nameOf(first + 2), 'r+2')
  for (let i = 0; i < 20; i++) t.notOk(mine.has(two.port(`p${i}`)))
  t.throws(() => one.range('too many', 200), /used up/)
})

await t.test('a wire tells data, FIN, RST and a refusal apart, in order', async (t) => {
  const ports = await claimPorts()
  t.teardown(() => ports.release())
  const refused = await connect(ports.port('nobody'))
  t.strictSame(refused.events, ['ECONNREFUSED'])
  const server = await serve(ports.port('s'))
  t.teardown(() => server.close())
  t.ok(listeningPorts().has(ports.port('s')))
  const client = await connect(ports.port('s'))
  const wire = await server.wire()
  wire.send('one ')
  await client.got('one ')
  wire.end('two')
  t.strictSame(await client.over(), ['got one two', 'FIN'])
  client.send('late')
  await wire.got('late')
  client.reset()
  t.strictSame(await wire.over(), ['got late', 'RST'])
  await t.rejects(client.got('never', 50), /expected "never" within 50 ms, saw \["got one two","FIN"\]/)
})

await t.test('nothing is ended or answered by itself; echo does both', async (t) => {
  const ports = await claimPorts()
  t.teardown(() => ports.release())
  const silent = await serve(ports.port('silent'))
  const loud = await serve(ports.port('loud'), { on: echo })
  t.teardown(async () => {
    await silent.close()
    await loud.close()
  })
  const one = (await connect(ports.port('silent'))).end('x')
  await (await silent.wire()).over()
  t.strictSame(await one.after(50), [])
  const two = (await connect(ports.port('loud'))).end('x')
  t.strictSame(await two.over(), ['got x', 'FIN'])
  one.destroy()
})

await t.test('a deaf listener answers nobody', async (t) => {
  const ports = await claimPorts()
  const deaf = await deafListener(ports.port('deaf'))
  t.teardown(() => {
    deaf.stop()
    ports.release()
  })
  const socket = net.connect(ports.port('deaf'), '127.0.0.1')
  t.teardown(() => socket.destroy())
  await sleep(200)
  t.ok(socket.connecting)
})

await t.test('a program: its output, its end, its pid', async (t) => {
  const program = start('sh', ['sh', '-c', 'echo hello; exec sleep 60'])
  await program.says(/hello/)
  t.ok(program.running())
  t.ok(program.memory().rss > 0)
  t.strictSame(await program.stop(), { code: null, signal: 'SIGTERM' })
  t.match(await start('nothing', ['/nonexistent/program']).exited, { code: 127 })
  await t.rejects(start('sh', ['sh', '-c', 'echo why; exit 3']).says(/never/), /ended \(3\)[^]*why/)
  t.ok(installed('sh'))
  t.notOk(installed('no-such-program-anywhere'))
})

await t.test('log lines in a comparable form', async (t) => {
  const names = (port: number): string | undefined => (port === 12345 ? 'front' : undefined)
  const raw = '<134>Nov 21 07:56:03 haproxy[12]: 127.0.0.1:50000 [21/Nov/2026:07:56:03.123] f b/s 0/503/1210 5 -- 7/1/0/0/+2 0/0\n'
  t.equal(normalLine(raw, names), '<134>tag: 127.0.0.1:port [date] f b/s 0/500/0 5 -- #/1/0/0/+2 0/0')
  t.equal(normalLine(raw, names, false), '<134>tag: 127.0.0.1:port [date] f b/s 0/0/0 5 -- #/1/0/0/+2 0/0')
  t.equal(normalLine('<134>Nov  1 07:56:03 headgate[9]: Connect from 127.0.0.1:50000 to 127.0.0.1:12345 (f/TCP)', names), '<134>tag: Connect from 127.0.0.1:port to 127.0.0.1:front (f/TCP)')
  t.match(normalLine('<134>Nov  1 07:56:03 haproxy[9]: 1.2.3.4:5 [x] f b/<NOSRV> -1/-1/0 0 PR 1/1/0/0/0 0/0', names), / -1\/-1\/0 0 PR #/)
  t.strictSame([-1, 0, 449, 450, 949, 950].map(halfSeconds), [-1, 0, 0, 500, 500, 1000])
  t.equal(about(620, 500), 'about 500 ms')
  t.equal(about(1200, 500), '1200 ms, not 500')
  t.equal(about(20, 500), '20 ms, not 500')
  t.strictSame(boundPorts('  bind 127.0.0.1:1,[::1]:2 ssl\n bind fd@3\n bind :5-7\n# bind\n'), [1, 2])
})

await t.test('PROXY headers', async (t) => {
  const header = { addresses: ipv4('10.1.2.3', 4000, '10.4.5.6', 443), tlvs: [[0x05, 'id']] as const }
  t.strictSame(readHeader(Buffer.concat([v2(header), Buffer.from('rest')]), String), {
    version: 2,
    command: '21',
    family: '11',
    addresses: '0a010203:4000 → 0a040506:443',
    tlvs: ['05 id'],
    rest: 'rest',
  })
  t.equal(checksumHolds(withChecksum(header)), true)
  t.equal(checksumHolds(withChecksum(header, false)), false)
  t.equal(checksumHolds(v2(header)), undefined)
  t.strictSame(readHeader(Buffer.from('PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nrest'), (port) => `p${port}`), { version: 1, line: 'PROXY TCP4 1.2.3.4 5.6.7.8 p1 p2', rest: 'rest' })
})
