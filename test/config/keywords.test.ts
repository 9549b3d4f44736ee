// Built-in keywords of global, logging, and bind and server lines: what their arguments come to, and what is said of bad ones. Texts
// are HAProxy 2.6's where it has one. Those of proxies are in keywords-proxy.test.ts.

import fc from 'fast-check'
import t from 'tap'
import * as bind from '../../src/config/keywords/bind.ts'
import * as check from '../../src/config/keywords/check.ts'
import { defaultPath, logSendHostname } from '../../src/config/keywords/environment.ts'
import * as global from '../../src/config/keywords/global.ts'
import { logTag } from '../../src/config/keywords/log.ts'
import * as server from '../../src/config/keywords/server.ts'
import { serverSource } from '../../src/config/keywords/source.ts'
import { builtinKeywords, waitingKeywords } from '../../src/config/keywords/table.ts'
import * as tls from '../../src/config/keywords/tls.ts'
import * as tune from '../../src/config/keywords/tune.ts'
import { bindLines, serverLines } from '../../src/config/lines.ts'
import { bad, first, good, IN_GLOBAL, loadText, ON_BIND, ON_SERVER, said } from './keyword-cases.ts'

t.test('global: values', async (t) => {
  good(t, IN_GLOBAL, (l) => l.global, [
    ['maxconn 2000', global.globalMaxconn, 2000],
    ['maxconn 0', global.globalMaxconn, 0],
    ['nbthread 4', global.nbthread, 4],
    ['daemon', global.daemon, true],
    ['quiet', global.quiet, true],
    ['zero-warning', global.zeroWarning, true],
    ['pidfile /run/x.pid', global.pidfile, '/run/x.pid'],
    ['ca-base /etc/ssl', global.caBase, '/etc/ssl'],
    ['crt-base /etc/ssl', global.crtBase, '/etc/ssl'],
    ['uid 33', global.uid, 33],
    ['gid 33', global.gid, 33],
    ['user root', global.uid, 0],
    ['group root', global.gid, 0],
    ['hard-stop-after 30s', global.hardStopAfter, 30000],
    ['description one two', global.globalDescription, 'one two'],
    ['node web-1.x_y', global.node, 'web-1.x_y'],
    ['localpeer a', global.localpeer, 'a'],
    ['strict-limits', global.strictLimits, true],
    ['no strict-limits', global.strictLimits, false],
    ['fd-hard-limit 5000', global.fdHardLimit, 5000],
    ['ulimit-n 1024', global.ulimitN, 1024],
    ['provider node', global.provider, 'node'],
    ['provider linux', global.provider, 'linux'],
    ['nosplice', global.nosplice, true],
    ['maxpipes 10', global.maxpipes, 10],
    ['default-path current', defaultPath, { mode: 'current' }],
    ['default-path config', defaultPath, { mode: 'config' }],
    ['default-path parent', defaultPath, { mode: 'parent' }],
    ['log-send-hostname', logSendHostname, true],
    ['log-send-hostname a b', logSendHostname, 'a b'],
    ['log-tag x', logTag, 'x'],
    ['tune.bufsize 32k', tune.tuneBufsize, 32768],
    ['tune.maxaccept -1', tune.tuneMaxaccept, -1],
    ['tune.pipesize 1m', tune.tunePipesize, 1048576],
    ['ssl-default-bind-ciphers A:B', tls.sslDefaultBindCiphers, 'A:B'],
    ['ssl-default-bind-ciphersuites A:B', tls.sslDefaultBindCiphersuites, 'A:B'],
    ['ssl-default-bind-curves X25519', tls.sslDefaultBindCurves, 'X25519'],
    ['ssl-default-server-ciphers A', tls.sslDefaultServerCiphers, 'A'],
    ['ssl-default-server-ciphersuites A', tls.sslDefaultServerCiphersuites, 'A'],
    ['ssl-server-verify none', tls.sslServerVerify, 'none'],
    ['tune.ssl.cachesize 0', tls.tuneSslCachesize, 0],
    ['tune.ssl.keylog on', tls.tuneSslKeylog, true],
    ['tune.ssl.keylog off', tls.tuneSslKeylog, false],
    ['tune.ssl.lifetime 300', tls.tuneSslLifetime, 300000],
    ['tune.ssl.lifetime 5m', tls.tuneSslLifetime, 300000],
    [
      'ssl-default-bind-options no-sslv3 no-tlsv10 no-tlsv11 no-tls-tickets prefer-client-ciphers',
      tls.sslDefaultBindOptions,
      { without: ['TLSv1', 'TLSv1.1'], tickets: false, preferClientCiphers: true },
    ],
    ['ssl-default-bind-options ssl-min-ver TLSv1.0 ssl-max-ver TLSv1.2', tls.sslDefaultBindOptions, { without: [], minVersion: 'TLSv1', maxVersion: 'TLSv1.2' }],
    ['ssl-default-bind-options no-tlsv10\n ssl-default-bind-options ssl-min-ver SSLv3', tls.sslDefaultBindOptions, { without: ['TLSv1'] }],
    ['ssl-default-server-options force-tlsv13', tls.sslDefaultServerOptions, { without: [], minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' }],
  ])
})

t.test('global: bad arguments', async (t) => {
  bad(t, IN_GLOBAL, '', [
    ['maxconn', "'maxconn' expects an integer argument."],
    ['maxconn abc', "'maxconn' expects an integer argument, found 'abc'."],
    ['maxconn -1', "'maxconn' expects an integer between 0 and 2147483647, found '-1'."],
    ['maxconn 99999999999', "'maxconn' expects an integer between 0 and 2147483647, found '99999999999'."],
    ['maxconn 5 6', "'maxconn' cannot handle unexpected argument '6'."],
    ['nbthread', "'nbthread' passed a missing or unparsable integer value in ''"],
    ['nbthread x', "'nbthread' passed a missing or unparsable integer value in 'x'"],
    ['nbthread 0', "'nbthread' value must be between 1 and 64 (was 0)"],
    ['nbthread 65', "'nbthread' value must be between 1 and 64 (was 65)"],
    ['daemon x', "'daemon' cannot handle unexpected argument 'x'."],
    ['quiet x', "'quiet' cannot handle unexpected argument 'x'."],
    ['pidfile', "'pidfile' expects a file name as an argument."],
    ['pidfile a b', "'pidfile' cannot handle unexpected argument 'b'."],
    ['chroot', "'chroot' expects a directory as an argument."],
    ['ca-base', "global statement 'ca-base' expects a directory path as an argument."],
    ['crt-base', "global statement 'crt-base' expects a directory path as an argument."],
    ['ca-base /x /y', "'ca-base' cannot handle unexpected argument '/y'."],
    ['uid', "'uid' expects an integer argument."],
    ['gid x', "'gid' expects an integer argument, 'x' is not a number. You might want to use the 'group' parameter to use a system group name."],
    ['user no-such-user', "cannot find user id for 'no-such-user'"],
    ['group no-such-group', "cannot find group id for 'no-such-group'"],
    ['user root root', "'user' cannot handle unexpected argument 'root'."],
    ['hard-stop-after', "'hard-stop-after' expects <time> as argument."],
    ['hard-stop-after 1x', "unexpected character 'x' in argument to <hard-stop-after>."],
    ['hard-stop-after 99d', "timer overflow in argument '99d' to 'hard-stop-after' (maximum value is 2147483647 ms or ~24.8 days)"],
    ['node', "'node' requires valid node name - non-empty string with digits(0-9), letters(A-Z, a-z), dot(.), hyphen(-) or underscode(_)."],
    ['node a/b', "'node' requires valid node name - non-empty string with digits(0-9), letters(A-Z, a-z), dot(.), hyphen(-) or underscode(_)."],
    ['localpeer', "'localpeer' expects a name as an argument."],
    ['strict-limits x', "'strict-limits' cannot handle unexpected argument 'x'."],
    ['fd-hard-limit', "'fd-hard-limit' expects an integer argument."],
    ['ulimit-n x', "'ulimit-n' expects an integer argument, found 'x'."],
    ['provider', "'provider' expects 'node' or 'linux' as argument."],
    ['provider bsd', "'provider' expects 'node' or 'linux' as argument, found 'bsd'."],
    ['nosplice x', "'nosplice' cannot handle unexpected argument 'x'."],
    ['setenv A', "'setenv' expects a name and a value."],
    ['presetenv A', "'presetenv' expects a name and a value."],
    ['setenv A B C', "'setenv' cannot handle unexpected argument 'C'."],
    ['setenv A=B C', "'setenv' : 'A=B' is not a name of a variable."],
    ['unsetenv', "'unsetenv' expects at least one variable name."],
    ['default-path', "missing default-path mode '' for 'default-path', supported modes include 'current', 'config', 'parent', and 'origin'."],
    ['default-path x', "unsupported default-path mode 'x' for 'default-path', supported modes include 'current', 'config', 'parent', and 'origin'."],
    ['default-path origin', "'default-path origin' expects a directory as an argument."],
    ['log-tag', "'log-tag' expects a tag for use in syslog."],
    ['tune.bufsize', "'tune.bufsize' expects an integer argument."],
    ['tune.bufsize 0', "'tune.bufsize' expects a positive integer argument."],
    ['tune.bufsize x', "'tune.bufsize' expects a positive integer argument."],
    ['tune.maxaccept -2', "'tune.maxaccept' expects an integer between -1 and 2147483647, found '-2'."],
    ['tune.pipesize x', "'tune.pipesize' expects a size in bytes as argument."],
    ['maxpipes', "'maxpipes' expects an integer argument."],
    ['cpu-map', "cpu-map expects a process number  ('all', 'odd', 'even', a number from 1 to 64 or a range),  followed by a list of CPU ranges with numbers from 0 to 63."],
    ['cpu-map x 0', "cpu-map : 'x' is not a valid number/range."],
    ['ssl-default-bind-ciphers', "global statement 'ssl-default-bind-ciphers' expects a cipher suite as an argument."],
    ['ssl-default-bind-options', "global statement 'ssl-default-bind-options' expects an option as an argument."],
    ['ssl-default-bind-options foo', "unknown option 'foo' on global statement 'ssl-default-bind-options'."],
    ['ssl-default-bind-options tls-tickets', "unknown option 'tls-tickets' on global statement 'ssl-default-bind-options'."],
    ['ssl-default-bind-options no-constructor', "unknown option 'no-constructor' on global statement 'ssl-default-bind-options'."],
    ['ssl-default-server-options prefer-client-ciphers', "unknown option 'prefer-client-ciphers' on global statement 'ssl-default-server-options'."],
    ['ssl-default-bind-options ssl-min-ver', "'ssl-min-ver' : missing the ssl/tls version on global statement 'ssl-default-bind-options'."],
    ['ssl-default-bind-options ssl-min-ver foo', "'foo' : unknown ssl/tls version on global statement 'ssl-default-bind-options'."],
    ['ssl-default-bind-options force-sslv3', "'force-sslv3' : SSLv3 is not supported on global statement 'ssl-default-bind-options'."],
    ['ssl-server-verify foo', "'ssl-server-verify' expects 'none' or 'required' as argument."],
    ['tune.ssl.keylog', "'tune.ssl.keylog' expects either 'on' or 'off' but got ''."],
    ['tune.ssl.keylog maybe', "'tune.ssl.keylog' expects either 'on' or 'off' but got 'maybe'."],
    ['tune.ssl.lifetime x', "unexpected character 'x' in argument to <tune.ssl.lifetime>."],
    ['tune.idle-pool.shared maybe', "'tune.idle-pool.shared' expects 'on' or 'off' as argument, found 'maybe'."],
    ['tune.maxrewrite x', "'tune.maxrewrite' expects an integer argument, found 'x'."],
    ['tune.pool-low-fd-ratio 0', "'tune.pool-low-fd-ratio' expects an integer between 1 and 100, found '0'."],
    ['log global', "log : 'global' is not supported for a global syslog server"],
    ['log', 'log : expects <address> and <facility>  as arguments'],
  ])
  t.same(IN_GLOBAL('uid 1\n user root').lines, ['3 alert: user/uid already specified. Continuing.'], 'one user')
  t.same(IN_GLOBAL('gid 1\n gid 2').lines, ['3 alert: group/gid already specified. Continuing.'], 'one group')
  t.match(IN_GLOBAL('cpu-map 1 0-3').lines, ['2 warning: '], 'CPUs cannot be chosen')
  t.match(IN_GLOBAL('chroot /var/empty').lines, ["2 warning: 'chroot' has no effect"])
  t.match(IN_GLOBAL('set-dumpable').lines, ['2 warning: '], 'no core dumps')
})

t.test('localpeer is a variable of the lines that follow; -L wins, and that is said', async (t) => {
  const text = 'global\n description "$HAPROXY_LOCALPEER"\n localpeer me\n description "$HAPROXY_LOCALPEER"\n'
  const free = loadText(text, { env: { HAPROXY_LOCALPEER: 'host' } })
  t.same([free.lines, free.global.get(global.globalDescription), free.global.get(global.localpeer)], [[], 'me', 'me'])
  const fixed = loadText(text, { env: { HAPROXY_LOCALPEER: 'host' }, localPeer: 'host' })
  t.same(
    [fixed.lines, fixed.global.get(global.globalDescription), fixed.global.get(global.localpeer)],
    [["3 warning: 'localpeer' ignored since it is already set by using the '-L' command line argument."], 'host', undefined],
  )
})

t.test('the environment changes for the lines that follow', async (t) => {
  const load = (lines: string): string | undefined => {
    const loaded = loadText(`global\n${lines}\n description "$A-$B"\n`, { env: { A: 'a', B: 'b' } })
    t.same(loaded.lines, [])
    return loaded.global.get(global.globalDescription)
  }
  t.equal(load(' setenv A x'), 'x-b')
  t.equal(load(' presetenv A x\n presetenv B y'), 'a-b')
  t.equal(load(' unsetenv A\n presetenv A x'), 'x-b')
  t.equal(load(' unsetenv A B'), '-')
  t.equal(load(' resetenv B'), '-b')
  t.equal(load(' resetenv'), '-')
})

t.test('bind options', async (t) => {
  good(t, ON_BIND, (l) => first(l.proxy('p').get(bindLines)), [
    ['backlog 5', bind.bindBacklog, 5],
    ['maxconn 0', bind.bindMaxconn, 0],
    ['name a', bind.bindName, 'a'],
    ['id 3', bind.bindId, 3],
    ['interface lo', bind.bindInterface, 'lo'],
    ['tfo', bind.bindTfo, true],
    ['defer-accept', bind.bindDeferAccept, true],
    ['transparent', bind.bindTransparent, true],
    ['v6only', bind.bindV6only, true],
    ['v4v6', bind.bindV6only, false],
    ['v6only v4v6', bind.bindV6only, false],
    ['mode 660', bind.bindMode, 0o660],
    ['uid 33', bind.bindUid, 33],
    ['gid 33', bind.bindGid, 33],
    ['user root', bind.bindUid, 0],
    ['group root', bind.bindGid, 0],
    ['mss 1400', bind.bindMss, 1400],
    ['mss -40', bind.bindMss, -40],
    ['tcp-ut 10s', bind.bindTcpUt, 10000],
    ['tcp-ss 0', bind.bindTcpSs, 0],
    ['tcp-ss 2', bind.bindTcpSs, 2],
    ['nice 5', bind.bindNice, 5],
    ['name a name b', bind.bindName, 'b'],
  ])
  bad(t, ON_BIND, "'bind :1' in section 'listen' : ", [
    ['backlog', "'backlog' : missing value"],
    ['backlog -1', "'backlog' : invalid value -1, must be > 0"],
    ['backlog x', "'backlog' : expects an integer argument, found 'x'"],
    ['maxconn', "'maxconn' : missing value"],
    ['maxconn -1', "'maxconn' : invalid value -1, must be >= 0"],
    ['name', "'name' : missing name"],
    ['id', "'id' : expects an integer argument."],
    ['id x', "'id' : expects an integer argument, found 'x'"],
    ['id 0', "'id' : custom id has to be > 0."],
    ['interface', "'interface' : missing interface name"],
    ['mode', "'mode' : missing or invalid mode '' (octal integer expected)"],
    ['mode 8', "'mode' : missing or invalid mode '8' (octal integer expected)"],
    ['uid', "'uid' : missing value"],
    ['user', "'user' : missing user name"],
    ['user no-such-user', "'user' : unknown user name 'no-such-user'"],
    ['group no-such-group', "'group' : unknown group name 'no-such-group'"],
    ['mss', "'mss' : missing MSS value"],
    ['mss x', "'mss' : expects an MSS with and absolute value between 1 and 65535"],
    ['mss 0', "'mss' : expects an MSS with and absolute value between 1 and 65535"],
    ['mss 70000', "'mss' : expects an MSS with and absolute value between 1 and 65535"],
    ['tcp-ut', "'tcp-ut' : missing TCP User Timeout value"],
    ['tcp-ut x', "'tcp-ut' : expects a positive delay in milliseconds"],
    ['tcp-ss', "'tcp-ss' : missing mode"],
    ['tcp-ss 3', "'tcp-ss' : expects 0, 1 or 2, found '3'"],
    ['tcp-ss x', "'tcp-ss' : expects 0, 1 or 2, found 'x'"],
    ['nice', "'nice' : missing value"],
    ['nice 5000', "'nice' : invalid value 5000, allowed range is -1024..1024"],
  ])
})

t.test('server options', async (t) => {
  good(t, ON_SERVER, (l) => first(l.proxy('p').get(serverLines)), [
    ['weight 0', server.serverWeight, 0],
    ['weight 256', server.serverWeight, 256],
    ['backup', server.serverBackup, true],
    ['backup no-backup', server.serverBackup, false],
    ['disabled', server.serverDisabled, true],
    ['disabled enabled', server.serverDisabled, false],
    ['maxconn 5', server.serverMaxconn, 5],
    ['minconn 5', server.serverMinconn, 5],
    ['maxqueue 5', server.serverMaxqueue, 5],
    ['id 4', server.serverId, 4],
    ['tfo', server.serverTfo, true],
    ['tfo no-tfo', server.serverTfo, false],
    ['tcp-ut 5s', server.serverTcpUt, 5000],
    ['init-addr last,libc,none', server.serverInitAddr, ['last', 'libc', 'none']],
    ['init-addr none,1.2.3.4', server.serverInitAddr, ['none', { address: '1.2.3.4' }]],
    ['source 1.2.3.4:1-5', serverSource, { from: { kind: 'ip', family: 'ipv4', host: '1.2.3.4', port: 1, lastPort: 5 }, usesrc: undefined, interface: undefined }],
    ['source 1.2.3.4 interface lo weight 3', server.serverWeight, 3],
    ['source 1.2.3.4 weight 3', server.serverWeight, 3],
    ['inter 5s', check.serverInter, 5000],
    ['fastinter 1us', check.serverFastinter, 1],
    ['downinter 10', check.serverDowninter, 10],
    ['rise 1', check.serverRise, 1],
    ['fall 2', check.serverFall, 2],
    ['port 80', check.serverCheckPort, 80],
    ['addr 1.2.3.4', check.serverCheckAddr, { kind: 'ip', family: 'ipv4', host: '1.2.3.4', port: 0 }],
    ['no-check', check.serverCheck, false],
  ])
  bad(t, ON_SERVER, "'server p/s' : ", [
    ['weight', "'weight' expects an integer argument."],
    ['weight x', "'weight' expects an integer argument, found 'x'."],
    ['weight 257', 'weight of server is not within 0 and 256 (257).'],
    ['weight -1', 'weight of server is not within 0 and 256 (-1).'],
    ['maxconn', "'maxconn' expects an integer argument."],
    ['maxqueue x', "'maxqueue' expects an integer argument, found 'x'."],
    ['id', "'id' : expects an integer argument."],
    ['id x', "'id' : custom id has to be > 0."],
    ['id 0', "'id' : custom id has to be > 0."],
    ['init-addr foo', "'init-addr' : unknown init-addr method 'foo', supported methods are 'libc', 'last', 'none'."],
    ['source', "'source' expects <addr>[:<port>[-<port>]], and optionally 'usesrc' <addr>, and 'interface' <name> as argument."],
    ['source 1.2.3.4 usesrc', "'usesrc' expects <addr>[:<port>], 'client', or 'clientip' as argument."],
    ['source 1.2.3.4 usesrc client interface', "'server' : missing interface name."],
    ['source 1.2.3.4 usesrc hdr_ip(x,1)', "'usesrc hdr_ip(x,1)' is for HTTP, not supported: Headgate is a TCP/TLS proxy."],
    ['source 1.2.3.4 usesrc 1.2.3.5:80-90', "'usesrc 1.2.3.5:80-90' : port range not permitted here in '1.2.3.5:80-90'"],
    ['usesrc client', "'usesrc' only allowed after a 'source' statement."],
    ['source 1.2.3.4 interface', "'server' : missing interface name."],
    ['source 1.2.3.4:5-1', "'source 1.2.3.4:5-1' : invalid port range '5-1' in '1.2.3.4:5-1'"],
    ['inter', "'inter' expects a delay as argument."],
    ['inter x', "unexpected character 'x' in 'inter' argument of server."],
    ['inter 0', "invalid value 0 for argument 'inter' of server."],
    ['inter 99999999999', 'timer overflow in argument <99999999999> to <inter> of server, maximum value is 2147483647 ms (~24.8 days).'],
    ['rise', "'rise' expects an integer argument."],
    ['rise 0', "'rise' has to be > 0."],
    ['fall x', "'fall' has to be > 0."],
    ['port', "'port' expects a port number as argument."],
    ['port 70000', "'port' expects a port number as argument, found '70000'."],
    ['addr', "'addr' expects <ipv4|ipv6> as argument."],
    ['tcp-ut', "'tcp-ut' : missing TCP User Timeout value"],
    ['cookie', "'cookie' expects <value> as argument."],
    ['ws h1', "'ws' is an HTTP keyword, not supported: Headgate is a TCP/TLS proxy."],
  ])
  t.match(said(ON_SERVER('check inter 1s')), [/^2 warning: 'server p\/s' : 'check' has no effect yet/])
})

/** Words that parsers have a meaning for, and some that none has. */
const WORDS = [
  '0', '1', '-1', '+5', '99999999999999999999', '1.5', '10s', '1us', '30d', '16k', '4g', 'x', '%', '"a b"', '""', "''", '\\\\', 'é', '127.0.0.1', '127.0.0.1:80', '[::1]:1',
  ':', '*', '[', '::1', 'fd@1', 'fd@x', 'unix@', 'abns@x', '/', 'ring@x', 'local0', 'info', 'len', 'format', 'sample', '1:2', '1-2,2:9', ',', '1-', 'global', 'if', 'unless', 'TRUE',
  'random(', 'random(1', 'random(1)', 'hdr(', 'consistent', 'avalanche', 'sdbm', 'usesrc', 'interface', 'lo', 'root', 'ssl-min-ver', 'TLSv1.2', 'no-tlsv10', 'force-', 'no-', 'all',
  'constructor', '__proto__', 'toString', 'last,libc', 'none,', 'origin', 'on', 'off', 'a=b', '0777', '8',
]

/** The line of each place that begins with the keyword. */
const LINES: Readonly<Record<string, (k: string) => string>> = {
  global: (k) => `global\n ${k}`,
  defaults: (k) => `defaults\n ${k}`,
  frontend: (k) => `listen p\n ${k}`,
  backend: (k) => `listen p\n ${k}`,
  bind: (k) => `listen p\n bind :1 ${k}`,
  server: (k) => `listen p\n server s :1 ${k}`,
}

t.test('no words make a parser throw, and none is passed over in silence', async (t) => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 2147483647)
  t.comment(`SEED=${seed}`)
  for (const keyword of [...builtinKeywords, ...waitingKeywords]) {
    for (const section of keyword.sections) {
      const line = LINES[section]
      if (line === undefined) continue
      fc.assert(
        fc.property(fc.array(fc.constantFrom(...WORDS), { maxLength: 5 }), (words) => {
          const loaded = loadText(line([keyword.name, ...words].join(' ')))
          const said = loaded.lines.join('\n')
          if (said.includes('this is a bug')) return false
          if (loaded.lines.some((l) => l.startsWith('2 '))) return true
          const values = section === 'global' ? loaded.global : section === 'defaults' ? undefined : loaded.proxy('p')
          const of = section === 'bind' ? first(values?.get(bindLines)) : section === 'server' ? first(values?.get(serverLines)) : values
          return of === undefined || of.get(keyword.writes ?? keyword) !== undefined
        }),
        { seed, numRuns: 30 },
      )
    }
  }
  t.pass('no parser threw')
})
