// Built-in keywords of proxies: what their arguments come to, what is said of bad ones, what defaults hand on, and log targets.

import t from 'tap'
import { balance, hashBalanceFactor, hashType } from '../../src/config/keywords/balance.ts'
import { log, logTag } from '../../src/config/keywords/log.ts'
import { logFormat, tcplogFormat } from '../../src/sample/log-keywords.ts'
import * as options from '../../src/config/keywords/options.ts'
import * as proxy from '../../src/config/keywords/proxy.ts'
import { backendSource, dispatch } from '../../src/config/keywords/source.ts'
import * as timeouts from '../../src/config/keywords/timeouts.ts'
import { bad, good, IN_LISTEN, loadText, said } from './keyword-cases.ts'

t.test('proxies: values', async (t) => {
  good(t, IN_LISTEN, (l) => l.proxy('p'), [
    ['mode tcp', proxy.mode, 'tcp'],
    ['mode health', proxy.mode, 'health'],
    ['maxconn 10', proxy.maxconn, 10],
    ['fullconn 100', proxy.fullconn, 100],
    ['backlog 64', proxy.backlog, 64],
    ['retries 0', proxy.retries, 0],
    ['disabled', proxy.disabled, true],
    ['disabled\n enabled', proxy.disabled, false],
    ['description a b', proxy.description, 'a b'],
    ['id 7', proxy.proxyId, 7],
    ['balance', balance, { algorithm: 'roundrobin' }],
    ['balance roundrobin', balance, { algorithm: 'roundrobin' }],
    ['balance static-rr', balance, { algorithm: 'static-rr' }],
    ['balance leastconn', balance, { algorithm: 'leastconn' }],
    ['balance first', balance, { algorithm: 'first' }],
    ['balance source', balance, { algorithm: 'source' }],
    ['balance random', balance, { algorithm: 'random', draws: 2 }],
    ['balance random(3)', balance, { algorithm: 'random', draws: 3 }],
    ['hash-type consistent', hashType, { method: 'consistent', function: 'sdbm', avalanche: true }],
    ['hash-type consistent crc32', hashType, { method: 'consistent', function: 'crc32', avalanche: false }],
    ['hash-type map-based', hashType, { method: 'map-based', function: 'sdbm', avalanche: false }],
    ['hash-type map-based wt6 avalanche', hashType, { method: 'map-based', function: 'wt6', avalanche: true }],
    ['hash-balance-factor 150', hashBalanceFactor, 150],
    ['hash-balance-factor 0', hashBalanceFactor, 0],
    ['dispatch 127.0.0.1:80', dispatch, { kind: 'ip', family: 'ipv4', host: '127.0.0.1', port: 80 }],
    ['dispatch [::1]:80', dispatch, { kind: 'ip', family: 'ipv6', host: '::1', port: 80 }],
    ['dispatch example.org:80', dispatch, { kind: 'name', family: 'any', host: 'example.org', port: 80 }],
    ['source 127.0.0.1', backendSource, { from: { kind: 'ip', family: 'ipv4', host: '127.0.0.1', port: 0 }, usesrc: undefined, interface: undefined }],
    ['source 0.0.0.0 usesrc clientip', backendSource, { from: { kind: 'ip', family: 'ipv4', host: '0.0.0.0', port: 0 }, usesrc: 'clientip', interface: undefined }],
    ['source 0.0.0.0:99 interface lo', backendSource, { from: { kind: 'ip', family: 'ipv4', host: '0.0.0.0', port: 99 }, usesrc: undefined, interface: 'lo' }],
    ['timeout client 30s', timeouts.timeoutClient, 30000],
    ['timeout client-fin 1s', timeouts.timeoutClientFin, 1000],
    ['timeout client-hs 2s', timeouts.timeoutClientHs, 2000],
    ['timeout handshake 3s', timeouts.timeoutClientHs, 3000],
    ['timeout tls 4s', timeouts.timeoutClientHs, 4000],
    ['timeout connect 500us', timeouts.timeoutConnect, 1],
    ['timeout server 1m', timeouts.timeoutServer, 60000],
    ['timeout server-fin 10', timeouts.timeoutServerFin, 10],
    ['timeout tunnel 1h', timeouts.timeoutTunnel, 3600000],
    ['timeout queue 1d', timeouts.timeoutQueue, 86400000],
    ['timeout check 0', timeouts.timeoutCheck, 0],
    ['timeout tarpit 7s', timeouts.timeoutTarpit, 7000],
    ['option tcpka', options.optionTcpka, true],
    ['option clitcpka', options.optionClitcpka, true],
    ['option srvtcpka', options.optionSrvtcpka, true],
    ['option nolinger', options.optionNolinger, true],
    ['option nolinger\n no option nolinger', options.optionNolinger, false],
    ['option nolinger\n default option nolinger', options.optionNolinger, undefined],
    ['option abortonclose', options.optionAbortonclose, true],
    ['option dontlognull', options.optionDontlognull, true],
    ['option dontlog-normal', options.optionDontlogNormal, true],
    ['option logasap', options.optionLogasap, true],
    ['option log-separate-errors', options.optionLogSeparateErrors, true],
    ['option splice-auto', options.optionSpliceAuto, true],
    ['option splice-request', options.optionSpliceRequest, true],
    ['option splice-response', options.optionSpliceResponse, true],
    ['option tcplog', logFormat, tcplogFormat],
    ['log-format a\n option tcplog', logFormat, tcplogFormat],
    ['option httpchk', options.optionHttpchk, true],
    ['option httpchk GET / HTTP/1.0', options.optionHttpchk, true],
    ['option redispatch', options.optionRedispatch, -1],
    ['option redispatch 3', options.optionRedispatch, 3],
    ['option redispatch -2', options.optionRedispatch, -2],
    ['no option redispatch', options.optionRedispatch, 0],
    ['option independent-streams', options.optionIndependentStreams, true],
    ['log-tag x', logTag, 'x'],
  ])
})

const BALANCE = "balance only supports 'roundrobin', 'static-rr', 'leastconn', 'first', 'source' and 'random' options."
const HASH = "'hash-type' only supports 'sdbm', 'djb2', 'crc32', or 'wt6' hash functions."

t.test('proxies: bad arguments', async (t) => {
  bad(t, IN_LISTEN, '', [
    ['mode', "unknown proxy mode ''."],
    ['mode foo', "unknown proxy mode 'foo'."],
    ['mode http', "'mode http' is not supported: Headgate is a TCP/TLS proxy."],
    ['mode spop', "'mode spop' is not supported yet."],
    ['mode tcp x', "'mode' cannot handle unexpected argument 'x'."],
    ['default_backend', "'default_backend' expects a backend name."],
    ['default_backend a b', "'default_backend' cannot handle unexpected argument 'b'."],
    ['balance foo', BALANCE],
    ['balance rondrobin', BALANCE],
    ['balance roundrobin(3)', BALANCE],
    ['balance constructor', BALANCE],
    ['balance rdp-cookie', "'balance rdp-cookie' is not supported yet."],
    ['balance random(0)', 'balance random : number of draws must be at least 1.'],
    ['balance random(-1)', 'balance random : number of draws must be at least 1.'],
    ['balance random(x)', "balance random : unexpected character 'x' after argument."],
    ['balance random(2,3)', "balance random : unexpected character ',' after argument."],
    ['hash-type', "'hash-type' only supports 'consistent' and 'map-based'."],
    ['hash-type foo', "'hash-type' only supports 'consistent' and 'map-based'."],
    ['hash-type consistent foo', HASH],
    ['hash-type consistent sdbm foo', "'hash-type' only supports 'avalanche' as a modifier for hash functions."],
    ['hash-balance-factor 50', "'hash-balance-factor' must be 0 or greater than 100."],
    ['dispatch', "'dispatch' : '' resolves to an empty address (environment variable missing?)"],
    ['dispatch 127.0.0.1', "'dispatch' : missing port specification in '127.0.0.1'"],
    ['dispatch 127.0.0.1:80 x', "'dispatch' cannot handle unexpected argument 'x'."],
    ['dispatch 127.0.0.1:+5', "'dispatch' : port offset not permitted here in '127.0.0.1:+5'"],
    ['dispatch 127.0.0.1:5-6', "'dispatch' : port range not permitted here in '127.0.0.1:5-6'"],
    ['dispatch /x', "'dispatch' : a Unix socket is not possible here in '/x'"],
    ['source', "'source' expects <addr>[:<port>], and optionally 'usesrc' <addr>, and 'interface' <name>."],
    ['source 127.0.0.1 x', "'source' only supports optional keywords 'interface' and 'usesrc'."],
    ['source 127.0.0.1 usesrc', "'usesrc' expects <addr>[:<port>], 'client', or 'clientip' as argument."],
    ['source 127.0.0.1 usesrc client x', "'source' only supports optional keywords 'interface' and 'usesrc'."],
    ['source 127.0.0.1 usesrc /x', "'usesrc /x' : a Unix socket is not possible here in '/x'"],
    ['source 127.0.0.1 usesrc 127.0.0.1:+5', "'usesrc 127.0.0.1:+5' : port offset not permitted here in '127.0.0.1:+5'"],
    ['source 127.0.0.1 interface', "'source' : missing interface name."],
    ['source 127.0.0.1:1-2', "'source 127.0.0.1:1-2' : port range not permitted here in '127.0.0.1:1-2'"],
    ['maxconn', "'maxconn' expects an integer argument."],
    ['maxconn x', "'maxconn' expects an integer argument, found 'x'."],
    ['maxconn 1 2', "'maxconn' cannot handle unexpected argument '2'."],
    ['fullconn', "'fullconn' expects an integer argument."],
    ['backlog', "'backlog' expects an integer argument."],
    ['retries', "'retries' expects an integer argument (dispatch counts for one)."],
    ['retries -1', "'retries' expects an integer between 0 and 2147483647, found '-1'."],
    ['retries 3 4', "'retries' cannot handle unexpected argument '4'."],
    ['timeout client', "'timeout client' expects an integer value (in milliseconds)"],
    ['timeout client ""', "'timeout client' expects an integer value (in milliseconds)"],
    ['timeout client x', "unexpected character 'x' in 'timeout client'"],
    ['timeout client 1x', "unexpected character 'x' in 'timeout client'"],
    ['timeout client 1.5s', "unexpected character '.' in 'timeout client'"],
    ['timeout client -1', "unexpected character '-' in 'timeout client'"],
    ['timeout client 10s 2s', "'timeout client' : unexpected extra argument '2s' after value '10s'."],
    ['timeout client 30d', "timer overflow in argument '30d' to 'timeout client' (maximum value is 2147483647 ms or ~24.8 days)"],
    ['option tcpka x', "'option tcpka' cannot handle unexpected argument 'x'."],
    ['option tcplog x', "'option tcplog' cannot handle unexpected argument 'x'."],
    ['option httpchk GET / HTTP/1.0 x', "'option httpchk' cannot handle unexpected argument 'x'."],
    ['option redispatch x', "'option redispatch' expects an integer argument, found 'x'."],
    ['option redispatch 1 2', "'option redispatch' cannot handle unexpected argument '2'."],
    ['description', "'description' expects a string argument."],
    ['id', "'id' expects an integer argument."],
    ['id x', 'custom id has to be > 0.'],
    ['id 0', 'custom id has to be > 0.'],
    ['id 5 6', "'id' cannot handle unexpected argument '6'."],
    ['disabled x', "'disabled' cannot handle unexpected argument 'x'."],
    ['log', 'log : expects <address> and <facility> or global as arguments'],
    ['no log x', "log : 'no log' does not expect arguments"],
    ['log-tag', "'log-tag' expects a tag for use in syslog."],
  ])
  t.same(said(IN_LISTEN('timeout client 3\n timeout client 4')), ["3 warning: overwriting 'timeout client' which was already specified"])
})

t.test('a slip of an algorithm', async (t) => {
  t.match(IN_LISTEN('balance rondrobin').problems, [{ text: BALANCE, hint: "did you mean 'roundrobin' maybe ?" }])
})

t.test('keywords of the other side of a proxy are warned about and have no value', async (t) => {
  const front = (line: string): readonly string[] => said(loadText(`frontend p\n bind :1\n ${line}`))
  const back = (line: string): readonly string[] => said(loadText(`backend p\n server s :1\n ${line}`))
  t.same(front('timeout connect 1s'), ["3 warning: 'timeout connect' will be ignored because frontend 'p' has no backend capability"])
  t.same(front('balance leastconn'), ["3 warning: 'balance' ignored because frontend 'p' has no backend capability."])
  t.same(front('option redispatch'), ["3 warning: 'redispatch' ignored because frontend 'p' has no backend capability."])
  t.same(front('fullconn 5'), ["3 warning: 'fullconn' ignored because frontend 'p' has no backend capability. Maybe you want 'maxconn' instead ?"])
  t.same(front('dispatch :80'), ["3 warning: 'dispatch' ignored because frontend 'p' has no backend capability."])
  t.same(back('timeout client 1s'), ["3 warning: 'timeout client' will be ignored because backend 'p' has no frontend capability"])
  t.same(back('maxconn 5'), ["3 warning: 'maxconn' ignored because backend 'p' has no frontend capability. Maybe you want 'fullconn' instead ?"])
  t.same(back('use_backend p'), ["3 warning: 'use_backend' ignored because backend 'p' has no frontend capability."])
  t.same(back('option logasap'), ["3 warning: 'logasap' ignored because backend 'p' has no frontend capability."])
  t.equal(loadText('backend p\n server s :1\n maxconn 5').proxy('p').get(proxy.maxconn), undefined)
})

t.test('values of defaults hold until the proxy says otherwise', async (t) => {
  const loaded = loadText(`
defaults
  timeout client 1s
  disabled
  option nolinger
  log 127.0.0.1 local0
frontend a
  bind :1
frontend b
  bind :2
  enabled
  timeout client 2s
  no option nolinger
  log global
frontend c
  bind :3
  no log
  log stdout local1
`)
  t.same(said(loaded), [])
  const values = ['a', 'b', 'c'].map((name) => {
    const v = loaded.proxy(name)
    return [v.get(proxy.disabled), v.get(timeouts.timeoutClient), v.get(options.optionNolinger), v.get(log)?.global, v.get(log)?.targets.map((x) => x.text)]
  })
  t.same(values, [
    [true, 1000, true, false, ['127.0.0.1']],
    [false, 2000, false, true, ['127.0.0.1']],
    [true, 1000, true, false, ['stdout']],
  ])
})

const LOG = { place: { file: 't.cfg', line: 2, column: 5 }, length: 1024, format: undefined, sample: undefined, facility: 'local0', level: 'debug', minLevel: 'emerg' } as const

t.test('log targets', async (t) => {
  const target = (line: string): unknown => {
    const loaded = IN_LISTEN(`log ${line}`)
    t.same(said(loaded), [], line)
    const found = loaded.proxy('p').get(log)?.targets[0]
    if (found === undefined) return undefined
    const { text: _, ...rest } = found
    return rest
  }
  const udp = (host: string, port: number, family: 'ipv4' | 'ipv6' | 'any'): object => ({ ...LOG, to: { kind: 'udp', host, port, family } })
  t.same(target('127.0.0.1 local0'), udp('127.0.0.1', 514, 'ipv4'))
  t.same(target('127.0.0.1:5514 local0'), udp('127.0.0.1', 5514, 'ipv4'))
  t.same(target('[::1]:5514 local0'), udp('::1', 5514, 'ipv6'))
  t.same(target('loghost local0'), udp('loghost', 514, 'any'))
  t.same(target('udp@127.0.0.1:1 local0'), udp('127.0.0.1', 1, 'ipv4'))
  t.same(target('udp6@[::1]:1 local0'), udp('::1', 1, 'ipv6'))
  t.same(target('stdout local0'), { ...LOG, to: { kind: 'fd', fd: 1 } })
  t.same(target('stderr local0'), { ...LOG, to: { kind: 'fd', fd: 2 } })
  t.same(target('fd@7 local0'), { ...LOG, to: { kind: 'fd', fd: 7 } })
  t.same(target('/dev/log local0'), { ...LOG, to: { kind: 'unix', address: { family: 'unix', path: '/dev/log', abstract: false } } })
  t.same(target('abns@x local0'), { ...LOG, to: { kind: 'unix', address: { family: 'unix', path: 'x', abstract: true } } })
  t.same(target('stdout len 200 format rfc5424 sample 1,3-4:5 daemon notice err'), {
    place: LOG.place,
    to: { kind: 'fd', fd: 1 },
    length: 200,
    format: 'rfc5424',
    sample: { ranges: [{ low: 1, high: 1 }, { low: 3, high: 4 }], size: 5 },
    facility: 'daemon',
    level: 'notice',
    minLevel: 'err',
  })
  const expanded = loadText('global\n log fd@$N local0\n log $HOST:5 local0\n log $OUT local0', { env: { N: '7', HOST: '127.0.0.1', OUT: 'stdout' } })
  t.same(
    expanded.global.get(log)?.targets.map((x) => x.to),
    [{ kind: 'fd', fd: 7 }, { kind: 'udp', host: '127.0.0.1', port: 5, family: 'ipv4' }, { kind: 'fd', fd: 1 }],
    'variables in targets',
  )
  bad(t, (line) => IN_LISTEN(`log ${line}`), 'log : ', [
    ['127.0.0.1', 'expects <address> and <facility> or global as arguments'],
    ['127.0.0.1 foo', "unknown log facility 'foo'"],
    ['127.0.0.1 LOCAL0', "unknown log facility 'LOCAL0'"],
    ['global x', "unknown log facility 'x'"],
    ['127.0.0.1 local0 foo', "unknown optional log level 'foo'"],
    ['127.0.0.1 local0 info foo', "unknown optional minimum log level 'foo'"],
    ['127.0.0.1 local0 info debug x', "cannot handle unexpected argument 'x'"],
    ['127.0.0.1 len 79 local0', "invalid log length '79', must be between 80 and 65535"],
    ['127.0.0.1 len abc local0', "invalid log length 'abc', must be between 80 and 65535"],
    ['127.0.0.1 len', "invalid log length '', must be between 80 and 65535"],
    ['127.0.0.1 format xx local0', "unknown log format 'xx'"],
    ['127.0.0.1 format', "unknown log format ''"],
    ['127.0.0.1 format raw len 2000 local0', "unknown log facility 'len'"],
    ['127.0.0.1 sample x local0', 'Missing sample size'],
    ['127.0.0.1 sample', 'Missing sample size'],
    ['127.0.0.1 sample 3:2 local0', 'sample size 2 should be greater or equal to 3 the maximum of the high ranges limits'],
    ['127.0.0.1 sample 1-3,2:5 local0', 'ranges are overlapping'],
    ['127.0.0.1 sample 0:5 local0', "wrong sample range '0'"],
    ['127.0.0.1 sample 3-1:5 local0', "wrong sample range '3-1'"],
    ['127.0.0.1 sample 1: local0', "wrong sample size '' for sample range '1'"],
    ['127.0.0.1 sample 1:0 local0', "wrong sample size '0' for sample range '1'"],
    ['fd@x local0', "file descriptor 'x' is not a valid integer in 'fd@x'"],
    ['ring@x local0', "'ring@' is not supported yet in 'ring@x'"],
    ['tcp@127.0.0.1:1 local0', "'tcp@' is not supported yet in 'tcp@127.0.0.1:1'"],
    ['127.0.0.1:10-20 local0', "port range not permitted here in '127.0.0.1:10-20'"],
  ])
})

t.test('mode http in defaults is refused where a proxy has no other, once', async (t) => {
  const proxies = ['a', 'b', 'c', 'd'].map((name) => `frontend ${name}\n bind :1\n`).join('')
  const all = (text: string): readonly string[] => loadText(text).lines.filter((l) => l.includes('mode'))
  t.same(all(`defaults\n mode http\nlisten p\n mode tcp\n bind :1\n`), [])
  t.same(all('defaults\n mode http\ndefaults\n mode tcp\nlisten p\n bind :1\n'), [])
  t.same(all('defaults\n mode http\nlisten p\n disabled\n bind :1\n'), [])
  t.same(all(`defaults\n mode http\n${proxies}`), ["2 alert: 'mode http' is not supported: Headgate is a TCP/TLS proxy."])
  t.match(
    loadText(`defaults\n mode http\n${proxies}`).problems.find((p) => p.level === 'alert')?.hint,
    /^'mode tcp' passes HTTP .*; no mode of their own: frontend 'a', frontend 'b', frontend 'c' and 1 more$/,
  )
})

t.test('words for HTTP are taken as HAProxy takes them in TCP proxies', async (t) => {
  const quiet = (text: string): readonly string[] => said(loadText(text))
  t.same(quiet('defaults\n option http-server-close\n no option http-server-close\n timeout http-request 10s\n errorfile 503 /no/such/file\n http-send-name-header\nlisten p\n bind :1\n'), [])
  t.same(quiet('\nlisten p\n option forwardfor except 127.0.0.0/8\n option forwardfor\n bind :1\n'), ["3 warning: 'option forwardfor' ignored for proxy 'p' as it requires HTTP mode."])
  t.same(quiet('userlist u\n group g\n user a insecure-password b\nhttp-errors e\n errorfile 400 /x\nlisten p\n bind :1\n'), ["1 warning: section 'userlist' ignored: it is for HTTP.", "4 warning: section 'http-errors' ignored: it is for HTTP."])
  t.same(quiet('backend p\n errorfile 503\n'), ['2 alert: errorfile : expects <status_code> and <file> as arguments.'])
})

t.test('a log format that nobody gets is warned about', async (t) => {
  const lines = (text: string): readonly string[] => loadText(text).lines.filter((l) => l.includes('log '))
  t.same(lines('defaults\n option tcplog\nlisten p\n bind :1\n'), ["2 warning: log format ignored for proxy 'p' since it has no log address."])
  t.same(lines('defaults\n option tcplog\n log global\nlisten p\n bind :1\n'), ["2 warning: log format ignored for proxy 'p' since it has no log address."])
  t.same(lines('global\n log stdout local0\ndefaults\n option tcplog\n log global\nlisten p\n bind :1\n'), [])
  t.same(lines('defaults\n log stdout local0\nlisten p\n bind :1\n log-format x\n'), [])
  t.same(lines('defaults\n option tcplog\nlisten p\n bind :1\n no log\n'), [])
})

t.test('a log format for HTTP in defaults is refused where a frontend has no other', async (t) => {
  const own = 'defaults\n mode http\n log stdout local0\n log-format "%r %ST"\nlisten p\n mode tcp\n bind :1\n'
  t.same(loadText(`${own} option tcplog\n`).lines.filter((l) => l.includes('alert')), [])
  t.same(loadText(`${own}listen q\n mode tcp\n bind :2\n`).lines.filter((l) => l.includes('alert')), ["4 alert: failed to parse log-format : format variable 'r' is reserved for HTTP mode."])
  t.same(loadText('defaults\n log-format "%[hdr(a)]"\n').lines, [])
  t.match(loadText('defaults\n log-format "%zz"\n').lines, [/no such format variable 'zz'/])
  t.match(loadText('listen p\n bind :1\n log-format "%r"\n').lines.filter((l) => l.includes('alert')), [/^3 alert: .*reserved for HTTP mode/])
})

t.test('words that are too old to act are warned about', async (t) => {
  const warned = (text: string): readonly string[] => said(loadText(text))
  t.same(warned('listen p\n bind :1 process 1\n'), ["2 warning: 'bind :1' in section 'listen' : 'process 1' on 'bind' lines is deprecated and will be removed in 2.7."])
  t.same(warned('listen p\n bind :1\n server s 127.0.0.1:1 npn h2\n'), ["3 warning: 'server p/s' : 'npn' has no effect: nobody uses NPN any more."])
})
