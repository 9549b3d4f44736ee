// Matching methods and casts, their values taken from HAProxy.

import t from 'tap'
import { acls, compareValues, exprs } from './sample-values.ts'

const bytes = Buffer.from('GET /images/png/logo/32x32.png HTTP/1.0\r\nHost: www1.dc-eu.example.com:80\r\n\r\n\0\x01\xff', 'latin1')

await compareValues(t, 'matching and casts', [
  {
    name: 'what a backslash frees inside parentheses',
    cases: exprs(
      ...['a\\bc', 'a\\\\b', 'a\\nb', 'a\\rb', 'a\\tb', 'a\\ b', 'a\\#b', 'a\\$b', 'a\\"b', 'a\\x41b', 'a\\(b', 'a\\', '\\a', '\\\\', '\\"'].map((argument) => `'str(${argument})'`),
      ...['a\\,b', 'a\\)b', 'a\\nb', 'a\\\\b', 'a\\"b', 'a\\$b', 'a\\xb', 'a\\ b', 'a\\#b'].map((argument) => `'str("${argument}")'`),
      '"str(a\\\\\'b)"', "'str(a1.b2),regsub(\\d+,N,g)'", "'str(a1.b2),regsub([^\\w],-)'",
    ),
  },
  {
    name: 'integers',
    cases: acls(
      'int(5) 5', 'int(5) 6', 'int(5) 1:5', 'int(5) 6:', 'int(5) :5', 'int(5) :4', 'int(5) 1 2 5', 'int(5) gt 4', 'int(5) gt 5', 'int(5) ge 5', 'int(5) lt 5', 'int(5) le 5', 'int(5) lt 6', 'int(5) eq 5',
      'int(-5) lt 0', 'int(-5) -- -5', 'int(-5) -m found', 'int(0) -m bool', 'int(7) -m bool', 'int(0) -m found', 'always_true -m int 1', 'always_false -m int 0', 'always_true', 'always_false', 'int(5) gt 7 lt 6',
      'int(9223372036854775807) 9223372036854775807', 'int(5) gt 3:9', 'int(5) lt 3:9', 'int(5) le 3:5', 'int(5) ge 5:9', 'str(5) -m int 5', 'str(5x) -m int 5', 'str(x) -m int 0', 'str() -m int 0', 'ipv4(0.0.0.5) -m int 5',
      'str(abc) -m len 3', 'str(abc) -m len 4:', 'int(100) -m len 3', 'bin(0001) -m len 2', 'str() -m len 0', 'str() -m found', 'var(txn.none) -m found', 'str(  5) -m int 5'.replace('(  5)', '(5)'),
    ),
  },
  {
    name: 'addresses',
    cases: acls(
      'src 127.0.0.1', 'src 127.0.0.2', 'src 127.0.0.0/8', 'src 127.1', 'src 127.1/8', 'src 127.0.0.1/255.0.0.255', 'src 127.9.9.1/255.0.0.255', 'src 127.9.9.2/255.0.0.255', 'src ::/0', 'src ::1', 'src ::ffff:127.0.0.1', 'src ::ffff:0:0/96', 'src 0.0.0.0/0',
      'ipv6(::1) ::1', 'ipv6(::1) 0.0.0.1', 'ipv6(::ffff:10.0.0.1) 10.0.0.0/8', 'ipv6(2002:0a00:0001::) 10.0.0.0/8', 'ipv6(2001:db8::1) 2001:db8::/32', 'ipv6(2001:db9::1) 2001:db8::/32', 'ipv6(2001:db8::1) 0.0.0.0/0', 'ipv6(::10.0.0.1) 10.0.0.1',
      'str(127.0.0.1) -m ip 127.0.0.0/8', 'str(::1) -m ip ::1', 'str(junk) -m ip 0.0.0.0/0 ::/0', 'int(2130706433) -m ip 127.0.0.1', 'src 10.0.0.0/8 127.0.0.0/8', 'ipv4(10.1.2.3) 10.1.2.3/32', 'ipv4(10.1.2.3) 10.1.2.2/31', 'ipv4(10.1.2.3) 10.1.2.0/31',
      'src_port 1:65535', 'dst 127.0.0.1', 'src -m str 127.0.0.1', 'src -m beg 127.', 'src -m sub .0.',
    ),
  },
  {
    name: 'strings',
    cases: acls(
      'str(abc) abc', 'str(abc) ABC', 'str(abc) -i ABC', 'str(ABC) -i abc', 'str(abc) ab abc', 'str(abc) -m beg ab', 'str(abc) -m beg abcd', 'str(abc) -m beg -i AB', 'str(abc) -m end bc', 'str(abc) -m end -i BC', 'str(abc) -m sub b', 'str(abc) -m sub -i B', 'str(abc) -m sub x',
      'str(/images/png/logo/32x32.png) -m dir /images', 'str(/images/png/logo/32x32.png) -m dir images/png', 'str(/images/png/logo/32x32.png) -m dir png', 'str(/images/png/logo/32x32.png) -m dir 32x32', 'str(/images/png/logo/32x32.png) -m dir 32x32.png', 'str(/images/png/logo/32x32.png) -m dir logo/', 'str(/images/png/logo/32x32.png) -m dir -i /IMAGES', 'str(/images/png/logo/32x32.png) -m dir ag',
      'str(http://www1.dc-eu.example.com:80/blah) -m dom http', 'str(http://www1.dc-eu.example.com:80/blah) -m dom www1', 'str(http://www1.dc-eu.example.com:80/blah) -m dom .www1', 'str(http://www1.dc-eu.example.com:80/blah) -m dom dc-eu.example', 'str(http://www1.dc-eu.example.com:80/blah) -m dom eu', 'str(http://www1.dc-eu.example.com:80/blah) -m dom dc', 'str(http://www1.dc-eu.example.com:80/blah) -m dom :www1:', 'str(http://www1.dc-eu.example.com:80/blah) -m dom dc-eu.example:80', 'str(http://www1.dc-eu.example.com:80/blah) -m dom blah', 'str(http://www1.dc-eu.example.com:80/blah) -m dom -i EXAMPLE.COM',
      'str(abc) -m reg ^a.c$', 'str(abc) -m reg B', 'str(abc) -m reg -i B', 'str(abc) -m reg (x|b)', 'str(abc) -m reg x', 'str(a1b) -m reg [[:digit:]]', 'str(a1b) -m reg \\\\d', 'str(abc) -m bin 616263', 'bin(00ff) -m bin 00FF', 'bin(00ff) -m str x', 'str(abc) -m found', 'int(12) -m str 12', 'int(12) -m beg 1', 'always_true -m str 1',
      'str(-i) -- -i', 'str(-i) a -i',
    ),
  },
  {
    name: 'regular expressions',
    cases: [
      ...['a.b', 'a\\.b', '^a', 'b$', '^a.b$', '(a|x)', 'A.B', '(?i)A.B', '[[:alpha:]]\\.', '[^[:alpha:]]', 'a{1}', 'a{1,63}', '(a.){1,2}', '[]a]', '[^]a]', '[a-]', 'a\\Q.\\E', '\\x61', '(?:a)', '(?<n>a)', 'a*b*', '\\Aa', 'b\\z', 'b\\Z', '\\w\\W\\w', '\\s', '\\S', 'a{,2}', 'a{x', '()', 'a||b', '[\\w.]+$', '\\ba\\b', '(a)(\\.)(b)', '(?i:A)[.]b', '(?s).+', '[A-Z]', '\\h', '.*?b', '(a|ab)(c|bcd)*$', 'x*'].map((regex) => ({ condition: `{ str(a.b) -m reg '${regex}' }` })),
      ...['A.B', '[A-Z]\\.', '[^A]', 'Ä'].map((regex) => ({ condition: `{ str(a.b) -m reg -i '${regex}' }` })),
      ...['a$', 'a.$', 'a\\n$', '^a$', 'a.b', 'a\\z', 'a\\Z', 'a\\nb?'].map((regex) => ({ condition: `{ bin(610a) -m reg '${regex}' }` })),
      ...['x.y', '(?s)x.y', 'x\\Ry', 'x\\ny', 'x\\sy', 'x\\vy'].map((regex) => ({ condition: `{ bin(780a79) -m reg '${regex}' }` })),
    ],
  },
  {
    name: 'bytes of the client',
    bytes,
    cases: [
      ...acls('req.len gt 0', `req.len ${bytes.length}`, 'req.len 0', 'req.len lt 5', 'req.payload(0,3) -m bin 474554', 'req.payload(0,3) -m str GET', 'req.payload(0,0) -m sub Host', 'req.payload(4,0) -m beg /images', 'req.payload(500,3) -m found', 'req.payload(0,5000) -m found', 'req.payload(0,0) -m reg HTTP/1', `req.payload(${bytes.length - 3},0) -m bin 0001ff`, `req.payload(${bytes.length - 3},3) -m found`, `req.payload(${bytes.length},0) -m found`, 'req.payload(0,3) -m len 3', 'wait_end', 'always_true', 'req.payload(0,0) -m end x', 'payload(0,3) 474554', 'payload(0,3) 474555', 'payload(0,3) -m str GET', 'payload(4,3) 2f696d 2f6d69', 'payload_lv(0,1) ff', 'req.payload(0,3), hex 474554', 'req.payload(0,3), mqtt_is_valid', 'bin(d000), mqtt_is_valid'),
      ...exprs('req.len', 'req.payload(0,3)', 'req.payload(0,3),lower', `req.payload(${bytes.length - 3},0)`, 'req.payload(4,7),upper', 'req.payload(900,1)'),
      { condition: 'REQ_CONTENT' }, { condition: 'WAIT_END' }, { condition: 'LOCALHOST' }, { condition: '!LOCALHOST' }, { condition: 'TRUE !FALSE' }, { condition: 'FALSE or TRUE' },
    ],
  },
  {
    name: 'values, casts, variables',
    before: ['set-var(txn.i) int(5)', 'set-var(txn.s) str(abc)', 'set-var(sess.ip) src', 'set-var-fmt(txn.f) "a  b %[src] %%  %[var(txn.none)] %{+Q}[str(q)]"', 'set-var(req.gone) int(1)', 'unset-var(req.gone)', 'set-var(txn.i,ifgt) int(9)', 'set-var(txn.j) int(5)', 'set-var(txn.j,iflt) int(9)', 'set-var(txn.k,ifexists) int(1)', 'set-var(txn.l,ifnotexists) int(1)', 'set-var(txn.m,ifempty) str(x)', 'set-var(txn.n,ifnotempty) str(x)', 'set-var(txn.o,ifset) int(1)', 'set-var(txn.p,ifnotset) int(1)', 'set-var(txn.q,ifempty) str()'],
    cases: exprs(
      'int(5)', 'int(-5)', 'int(9223372036854775807)', 'int(-9223372036854775808)', 'bool(true)', 'bool(0)', 'str(abc)', 'str(a b)'.replace(' ', '\\ '), "'str(\"a,b)\")'", 'bin(00ff41)', 'bin(414243)', 'bin(4142)', 'ipv4(10.0.0.1)', 'ipv6(2001:db8::1)', 'ipv6(::ffff:1.2.3.4)', 'ipv6(2001:0:0:1:0:0:0:1)', 'ipv6(1:0:2:3:4:5:6:7)', 'src', 'str()', 'str',
      'var(txn.i)', 'var(txn.j)', 'var(txn.s)', 'var(sess.ip)', 'var(txn.f)', 'var(req.gone)', 'var(txn.k)', 'var(txn.l)', 'var(txn.m)', 'var(txn.n)', 'var(txn.o)', 'var(txn.p)', 'var(txn.q)', 'var(txn.none)', 'var(txn.none,dflt)', 'var(txn.none,)',
      'str(5),add(3)', 'str(5x),add(3)', 'str(x),add(3)', 'str(-7),add(3)', 'str(+7),add(3)', 'bin(41),lower', 'bin(4142),lower', 'ipv4(0.0.1.2),add(1)', 'int(1),lower', 'ipv4(1.2.3.4),lower', 'ipv6(2001:DB8::A),upper', 'always_false,lower', 'int(9223372036854775807),add(1)', 'int(-9223372036854775808),add(-1)', 'int(5),add(txn.i)', 'int(5),add(txn.none)', 'int(5),add(txn.s)',
      'ipv6(::10.0.0.1)', 'ipv6(::1:0)', 'ipv6(::ffff)', 'ipv6(::1:1:2)', 'ipv6(::fffe:1:2)', 'ipv6(::ffff:1.2.3.4),ipmask(24)', 'str(::ffff:1.2.3.4),ipmask(24,64)', 'ipv6(::ffff:0.0.0.0),ipmask(8)', 'ipv6(::10.0.0.1),ipmask(24)', 'ipv6(2002:0a00:0001::),ipmask(24)', 'ipv6(::1),ipmask(8,128)',
      'int(8),set-var(txn.i,ifnotexists)', 'int(8),set-var(txn.i,ifexists)', 'int(8),set-var(txn.fresh,ifnotexists)', 'int(8),set-var(txn.never,ifexists)', 'int(800),set-var(txn.i,ifgt)', 'str(),set-var(txn.i,ifnotempty)', 'int(8),set-var(res.x)', 'int(8),set-var(req.x)', 'int(1),set-var(txn.y),unset-var(txn.y),set-var(txn.y,ifexists)', 'bin(0102),set-var(txn.bin),add(2)', 'str(5),set-var(txn.str),add(2)', 'bin(0102),unset-var(txn.bin),not',
      'str(10.1.2.3),ipmask(24)', 'src,ipmask(255.0.0.0)', 'ipv6(2001:db8::1),ipmask(24)', 'ipv6(2001:db8::1),ipmask(24,32)', 'str(::1),ipmask(24,128)', 'str(junk),ipmask(24)', 'int(5),ipmask(32)', 'src ipmask(8) upper', 'str(999999999999999999999),add(0)', 'str(0x10),add(0)', "'str(\" 12\"),add(0)'", 'str(AbÇ),lower', 'str(abÇ),upper', 'src,set-var(txn.z),ipmask(8)', 'int(7),set-var(txn.z,ifnotempty)',
    ),
  },
])
