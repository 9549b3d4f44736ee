// Addresses of bind and server lines, times and sizes: what they come to and what is said of bad ones.

import fc from 'fast-check'
import t from 'tap'
import { parseListenAddresses, parseServerAddress } from '../../src/config/address.ts'
import { badCharacter } from '../../src/config/names.ts'
import { MAX_TIME, parseSize, parseTime } from '../../src/config/units.ts'

const ENV = new Map([
  ['IP', '10.0.0.1'],
  ['PORT', '8000'],
  ['FD', '7'],
])

function listen(text: string): unknown {
  const problems: string[] = []
  const found = parseListenAddresses(text, ENV, (problem) => void problems.push(problem))
  return found === undefined || problems.length > 0 ? problems : found.map((address) => ({ ...address, text: undefined }))
}

function server(text: string): unknown {
  const problems: string[] = []
  const found = parseServerAddress(text, ENV, (problem) => void problems.push(problem))
  if (found === undefined || problems.length > 0) return problems
  const { text: written, ...rest } = found
  t.equal(written, text, 'the text is as written')
  return rest
}

const v4 = (host: string, port: number) => ({ kind: 'literal', address: { family: 'ipv4', host, port }, text: undefined })
const v6 = (host: string, port: number) => ({ kind: 'literal', address: { family: 'ipv6', host, port }, text: undefined })
const unix = (path: string, abstract = false) => ({ kind: 'literal', address: { family: 'unix', path, abstract }, text: undefined })

t.test('bind', async (t) => {
  const cases: readonly (readonly [string, unknown])[] = [
    [':80', [v4('0.0.0.0', 80)]],
    ['*:80', [v4('0.0.0.0', 80)]],
    ['0.0.0.0:080', [v4('0.0.0.0', 80)]],
    ['127.0.0.1:80,:81,', [v4('127.0.0.1', 80), v4('0.0.0.0', 81)]],
    ['::1:80', [v6('::1', 80)]],
    ['[::1]:80', [v6('::1', 80)]],
    [':::80', [v6('::', 80)]],
    ['ipv6@:80', [v6('::', 80)]],
    ['ipv6@*:80', [v6('::', 80)]],
    ['[2001:DB8:0::1]:80', [v6('2001:db8::1', 80)]],
    ['ipv4@127.0.0.1:80', [v4('127.0.0.1', 80)]],
    ['ip@127.0.0.1:80', [v4('127.0.0.1', 80)]],
    ['tcp6@[::1]:80', [v6('::1', 80)]],
    ['stream+ipv4@:80', [v4('0.0.0.0', 80)]],
    [':80-82', [v4('0.0.0.0', 80), v4('0.0.0.0', 81), v4('0.0.0.0', 82)]],
    ['localhost:80', [{ kind: 'name', host: 'localhost', family: 'any', port: 80, text: undefined }]],
    ['ipv6@a.b-c_d.e:80', [{ kind: 'name', host: 'a.b-c_d.e', family: 'ipv6', port: 80, text: undefined }]],
    ['/run/x.sock', [unix('/run/x.sock')]],
    ['unix@x', [unix('x')]],
    ['abns@name', [unix('name', true)]],
    ['fd@3', [{ kind: 'fd', fd: 3, text: undefined }]],
    ['fd@${FD}', [{ kind: 'fd', fd: 7, text: undefined }]],
    ['$IP:${PORT}', [v4('10.0.0.1', 8000)]],
    ['${NOPE}:80', [v4('0.0.0.0', 80)]],
    ['/run/$PORT', [unix('/run/8000')]],
    [':80-70000', ["invalid port '70000'"]],
    ['fd@${NOPE}', ["file descriptor '' is not a valid integer in 'fd@${NOPE}'"]],
    ['fd@99999999999', ["file descriptor '99999999999' is not a valid integer in 'fd@99999999999'"]],
    ['[127.0.0.1]:80', ["invalid address: '[127.0.0.1]' in '[127.0.0.1]:80'"]],
    ['1.2.3:80', ["invalid address: '1.2.3' in '1.2.3:80'"]],
    ['01.2.3.4:80', ["invalid address: '01.2.3.4' in '01.2.3.4:80'"]],
    ['fe80::1%eth0:80', ["invalid address: 'fe80::1%eth0' in 'fe80::1%eth0:80'"]],
    ['-x:80', ["invalid address: '-x' in '-x:80'"]],
    ['ipv6@127.0.0.1:80', ["invalid address: '127.0.0.1' in 'ipv6@127.0.0.1:80' is no IPv6 address"]],
    ['::', ["missing port specification in '::'"]],
    [':', ["missing port specification in ':'"]],
    ['*', ["missing port specification in '*'"]],
    ['[::1]', ["missing port specification in '[::1]'"]],
    ['quic4@:80', ["'quic4@' addresses are not supported yet in 'quic4@:80'"]],
    ['abns@', ["missing name of a socket in 'abns@'"]],
    [`/${'x'.repeat(200)}`, [`socket path '/${'x'.repeat(200)}' too long (max 107)`]],
    ['a:80b,c', ["invalid character 'b' in port number '80b' in 'a:80b'", "missing port specification in 'c'"]],
    ['${NOPE-1}:80', ["'${NOPE-1}' is not an environment variable in '${NOPE-1}:80': write $NAME or ${NAME}, or \"${NAME-default}\" in double quotes"]],
    ['$:80', ["'$' is not an environment variable in '$:80': write $NAME or ${NAME}, or \"${NAME-default}\" in double quotes"]],
  ]
  for (const [text, expected] of cases) t.strictSame(listen(text), expected, text)
})

t.test('a range of all ports is one for each', async (t) => {
  const found = parseListenAddresses(':1-65535', ENV, () => undefined)
  t.equal(found?.length, 65535)
  t.match(found?.at(-1)?.kind === 'literal' ? found.at(-1) : undefined, { address: { port: 65535 } })
})

t.test('server', async (t) => {
  const ip = (family: string, host: string, port: unknown) => ({ kind: 'ip', family, host, port })
  const cases: readonly (readonly [string, unknown])[] = [
    ['127.0.0.1', ip('ipv4', '127.0.0.1', { offset: 0 })],
    ['127.0.0.1:', ip('ipv4', '127.0.0.1', { offset: 0 })],
    ['127.0.0.1:0', ip('ipv4', '127.0.0.1', { offset: 0 })],
    ['127.0.0.1:80', ip('ipv4', '127.0.0.1', { fixed: 80 })],
    ['127.0.0.1:+10', ip('ipv4', '127.0.0.1', { offset: 10 })],
    ['127.0.0.1:-10', ip('ipv4', '127.0.0.1', { offset: -10 })],
    ['127.0.0.1:-0', ip('ipv4', '127.0.0.1', { offset: 0 })],
    ['*:80', ip('ipv4', '0.0.0.0', { fixed: 80 })],
    [':80', ip('ipv4', '0.0.0.0', { fixed: 80 })],
    ['[::1]', ip('ipv6', '::1', { offset: 0 })],
    ['::1:80', ip('ipv6', '::1', { fixed: 80 })],
    ['[::1]:+1', ip('ipv6', '::1', { offset: 1 })],
    ['db.example.org:5432', { kind: 'name', host: 'db.example.org', family: 'any', port: { fixed: 5432 } }],
    ['ipv4@db:5432', { kind: 'name', host: 'db', family: 'ipv4', port: { fixed: 5432 } }],
    ['$IP:$PORT', ip('ipv4', '10.0.0.1', { fixed: 8000 })],
    ['/run/x:80', { kind: 'unix', address: { family: 'unix', path: '/run/x:80', abstract: false } }],
    ['abns@x', { kind: 'unix', address: { family: 'unix', path: 'x', abstract: true } }],
    ['127.0.0.1:+', ["invalid port offset '+' in '127.0.0.1:+'"]],
    ['127.0.0.1:1-2', ["port range not permitted here in '127.0.0.1:1-2'"]],
    ['::1', ["invalid address: ':' in '::1'; write an IPv6 address without a port in brackets"]],
    ['sockpair@3', ["'sockpair@' addresses are not supported yet in 'sockpair@3'"]],
  ]
  for (const [text, expected] of cases) t.strictSame(server(text), expected, text)
})

t.test('whatever the text: an address or a reason, never both, never neither', async (t) => {
  const texts = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 30 }),
    fc.array(fc.constantFrom(':', '::', '[', ']', '@', '/', '$IP', '${', '}', '80', '1.2.3.4', 'unix@', 'ipv6@', 'fd@', '-', '+', ',', 'a', '*'), { maxLength: 7 }).map((p) => p.join('')),
  )
  fc.assert(
    fc.property(texts, (text) => {
      const problems: string[] = []
      const fail = (problem: string): undefined => void problems.push(problem)
      const bind = parseListenAddresses(text, ENV, fail)
      const count = problems.length
      const one = parseServerAddress(text, ENV, fail)
      return (bind === undefined) === count > 0 && (one === undefined) === problems.length > count
    }),
    { numRuns: 2000 },
  )
  t.pass()
})

t.test('times', async (t) => {
  const ms = (text: string, unit?: 'us' | 'ms' | 's'): unknown => {
    const read = parseTime(text, unit)
    return read.ok ? read.value : read.overflow ? 'overflow' : read.character
  }
  const cases: readonly (readonly [string, unknown])[] = [
    ['0', 0], ['5', 5], ['5ms', 5], ['1us', 1], ['1500us', 2], ['3s', 3000], ['2m', 120_000], ['1h', 3_600_000], ['24d', 2_073_600_000], [String(MAX_TIME), MAX_TIME],
    ['2147483648', 'overflow'], ['25d', 'overflow'], ['9'.repeat(400), 'overflow'], ['', ''], ['x', 'x'], ['-1', '-'], ['1.5s', '.'], ['5S', 'S'], ['3sx', 'x'], ['3min', 'i'], ['3u', 'u'], ['3k', 'k'],
    ['3toString', 't'],
  ]
  for (const [text, expected] of cases) t.equal(ms(text), expected, text)
  t.equal(ms('5', 's'), 5000)
  t.equal(ms('5000', 'us'), 5)
})

t.test('sizes', async (t) => {
  const bytes = (text: string): unknown => {
    const read = parseSize(text)
    return read.ok ? read.value : read.overflow ? 'overflow' : read.character
  }
  const cases: readonly (readonly [string, unknown])[] = [
    ['0', 0], ['17', 17], ['1k', 1024], ['1K', 1024], ['2m', 2 ** 21], ['1g', 2 ** 30], ['3G', 3 * 2 ** 30], ['4g', 'overflow'], ['1kb', 'b'], ['1.5k', '.'], ['abc', 'a'], ['1X', 'X'], ['', ''], ['-1', '-'],
  ]
  for (const [text, expected] of cases) t.equal(bytes(text), expected, text)
})

t.test('names', async (t) => {
  t.equal(badCharacter('aZ09-_.:'), undefined)
  t.equal(badCharacter('a$b'), '$')
  t.equal(badCharacter('a😀'), '😀')
})
