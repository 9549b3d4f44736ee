// Every converter of the manual, its values taken from HAProxy.

import { createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import t from 'tap'
import { compareValues, exprs } from './sample-values.ts'
import type { ValueCase, ValueGroup } from './sample-values.ts'
import { FIX, fixFields, MQTT, mqttFields, PROTOBUF } from './converter-messages.ts'

const TOKEN = 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJtZSIsImV4cCI6MTIzfQ.x'
const hex = (text: string): string => Buffer.from(text, 'latin1').toString('hex')

const json = Buffer.from(
  '{"a":{"b":[1,2.5,-3,true,false,null,"x\\n\\u00e9\\"",{"c":"d"}]},"my.key":"v","i":4,"big":12345678901234567890,"f":1.50,"e":1e3,"s":"12","o":{},"em":"","neg":-7,"z":0,"sp" : 1 , "a":"second"}',
)

const folder = mkdtempSync(path.join(os.tmpdir(), 'headgate-keys-'))

/** The same bytes each time, of every value. */
function noise(size: number): Buffer {
  return Buffer.from(Array.from({ length: size }, (_, i) => (i * 7 + (i >> 3) * 13) & 255))
}

/** Two numbers below 0 that add up to one within 64 bits: HAProxy 2.6 gives the largest number for them. */
const WRONG: Readonly<Record<string, string>> = { 'add(-3)': '-10', 'add(-1)': '-8', 'sub(3)': '-10', 'sub(1)': '-8', 'sub(txn.i)': '-19' }

function arithmetic(a: string, op: string, b: string): ValueCase {
  const expr = `int(${a}),${op}(${b})`
  const right = a === '-7' ? WRONG[`${op}(${b})`] : undefined
  return right === undefined ? { expr } : { expr, differs: { why: 'nothing overflows', headgate: right } }
}

/** Tokens signed with each algorithm, good and tampered with. */
function tokens(): ValueCase[] {
  const header = Buffer.from('{"alg":"any"}').toString('base64url')
  const payload = Buffer.from('{"iss":"me"}').toString('base64url')
  const signed = `${header}.${payload}`
  const cases: ValueCase[] = []
  for (const bits of ['256', '384', '512']) {
    const sum = createHmac(`sha${bits}`, 'key').update(signed).digest('base64url')
    cases.push(...exprs(`str(${signed}.${sum}),jwt_verify(HS${bits},key)`, `str(${signed}.${sum}),jwt_verify(HS${bits},other)`, `str(${signed}x.${sum}),jwt_verify(HS${bits},key)`))
  }
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const ec = { 256: 'P-256', 384: 'P-384', 512: 'P-521' } as const
  const rsaFile = path.join(folder, 'rsa.pem')
  writeFileSync(rsaFile, rsa.publicKey.export({ type: 'spki', format: 'pem' }))
  for (const bits of [256, 384, 512] as const) {
    const good = sign(`sha${bits}`, Buffer.from(signed), rsa.privateKey).toString('base64url')
    cases.push(...exprs(`str(${signed}.${good}),jwt_verify(RS${bits},${rsaFile})`, `str(${signed}a.${good}),jwt_verify(RS${bits},${rsaFile})`))
    const pair = generateKeyPairSync('ec', { namedCurve: ec[bits] })
    const file = path.join(folder, `ec${bits}.pem`)
    writeFileSync(file, pair.publicKey.export({ type: 'spki', format: 'pem' }))
    const signature = sign(`sha${bits}`, Buffer.from(signed), { key: pair.privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')
    cases.push(...exprs(`str(${signed}.${signature}),jwt_verify(ES${bits},${file})`, `str(${signed}a.${signature}),jwt_verify(ES${bits},${file})`))
  }
  return cases
}

const groups: readonly ValueGroup[] = [
  {
    name: 'arithmetic and bits',
    before: ['set-var(txn.i) int(12)', 'set-var(txn.s) str(abc)'],
    cases: [
      ...['7', '-7', '0', '9223372036854775807', '-9223372036854775808'].flatMap((a) => [
        ...['add', 'sub', 'mul', 'div', 'mod', 'and', 'or', 'xor'].flatMap((op) => ['3', '-3', '0', '1', '-1', '9223372036854775807', '-9223372036854775808', '99999999999999999999', 'txn.i', 'txn.s', 'txn.none'].map((b) => arithmetic(a, op, b))),
        ...['cpl', 'neg', 'bool', 'not', 'even', 'odd', 'htonl', 'hex'].map((op) => ({ expr: `int(${a}),${op}` })),
      ]),
      ...exprs('str(5),and(3)', 'str(abc),and(3)', 'str(5),even', 'ipv4(0.0.0.5),mul(2)', 'var(txn.none),add(1)'),
    ],
  },
  {
    name: 'hashes of every length',
    bytes: noise(2200),
    cases: [1, 2, 3, 4, 5, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 96, 97, 127, 128, 129, 160, 239, 240, 241, 255, 256, 257, 512, 1023, 1024, 1025, 1088, 1089, 2047, 2048, 2049, 2200].flatMap((n) =>
      ['xxh3', 'xxh3(12345)', 'xxh3(-1)', 'xxh64', 'xxh64(99)', 'xxh32', 'xxh32(7)', 'wt6', 'wt6(1)', 'crc32', 'crc32c(1)', 'sdbm', 'djb2(1)'].map((hash) => ({ expr: `req.payload(0,${n}),${hash}` })),
    ),
  },
  {
    name: 'parts and concatenation',
    before: ['set-var(txn.s) str(abc)', 'set-var(txn.e) str()', 'set-var(txn.i) int(12)', 'set-var(txn.b) bin(00414200)'],
    cases: [
      ...exprs(
        'str(abc),add_item(-,txn.s)', 'str(abc),add_item(-,txn.s,x)', 'str(abc),add_item(-,,x)', 'str(abc),add_item(-,txn.none,x)', 'str(abc),add_item(-,txn.none)',
        'str(),add_item(-,txn.s)', 'str(),add_item(-,,x)', 'str(abc),add_item(-,txn.e,)', 'str(abc),add_item(-,txn.i,)', 'str(abc),add_item(,txn.s)', 'int(5),add_item(-,txn.s)',
        'bin(00),add_item(-,txn.s)', 'str(abc),concat(x)', 'str(abc),concat', 'str(abc),concat()', 'str(abc),concat(,txn.s)', 'str(abc),concat(,txn.s,z)', 'str(abc),concat(a,txn.none,z)',
        'str(abc),concat(a,txn.b,z)', 'str(abc),concat(,,z)', 'bin(610062),concat(z)', 'int(5),concat(z)', 'bin(01020304050607),be2dec(:,2)', 'bin(01020304050607),be2dec(-,2,1)',
        'bin(01020304050607),be2dec(,2,1)', 'bin(7f000001),be2dec(.,1)', 'bin(ffffffffffffffff),be2dec(.,8)', 'bin(ffff),be2dec(.,4,0)', 'bin(ffff),be2dec(.,4,1)',
        'bin(ffff),be2dec(..,1,1)', 'str(),be2dec(.,1)', 'str(AB),be2dec(.,1)', 'int(258),be2dec(.,1)', 'bin(01020304050607),be2hex', 'bin(01020304050607),be2hex(:,2)',
        'bin(01020304050607),be2hex(--,2,1)', 'bin(0102030405060708),be2hex(,3,1)', 'bin(0102030405060708),be2hex(,)', 'bin(0102030405060708),be2hex(:,3)',
        'bin(0102030405060708),be2hex(:,300)', 'bin(0102030405060708),be2hex(:,300,1)', 'bin(abcd),be2hex', 'bin(0102030405),bytes(1)', 'bin(0102030405),bytes(1,2)',
        'bin(0102030405),bytes(1,20)', 'bin(0102030405),bytes(5)', 'bin(0102030405),bytes(6)', 'bin(0102030405),bytes(5,1)', 'bin(0102030405),bytes(0)', 'bin(0102030405),bytes(0,0)',
        'bin(0102030405),bytes(-1)', 'bin(0102030405),bytes(0,-1)', 'str(hello),bytes(1,3)', 'int(258),bytes(6)', 'str(f1_f2_f3__f5),field(5,_)', 'str(f1_f2_f3__f5),field(2,_,0)',
        'str(f1_f2_f3__f5),field(2,_,2)', 'str(f1_f2_f3__f5),field(-2,_,3)', 'str(f1_f2_f3__f5),field(-3,_,0)', 'str(f1_f2_f3__f5),field(4,_)', 'str(f1_f2_f3__f5),field(6,_)',
        'str(f1_f2_f3__f5),field(-6,_)', 'str(f1_f2_f3__f5),field(-5,_)', 'str(f1_f2_f3__f5),field(-1,_)', 'str(f1_f2_f3__f5),field(1,_)', 'str(f1_f2_f3__f5),field(1,_,9)',
        'str(f1_f2_f3__f5),field(1,_,-1)', 'str(f1_f2_f3__f5),field(1,_3)', 'str(f1_f2_f3__f5),field(3,_3)', 'str(_a_),field(1,_)', 'str(_a_),field(3,_)', 'str(_a_),field(-1,_)',
        'str(_a_),field(-3,_)', 'str(_a_),field(-4,_)', 'str(_a_),field(2,_,2)', 'str(_a_),field(2,_,3)', 'str(_a_),field(-1,_,2)', 'str(_a_),field(-1,_,3)', 'str(_a_),field(-1,_,4)',
        'str(),field(1,_)', 'str(),field(2,_)', 'str(f1_f2_f3__f5),word(4,_)', 'str(f1_f2_f3__f5),word(2,_,0)', 'str(f1_f2_f3__f5),word(3,_,2)', 'str(f1_f2_f3__f5),word(-2,_,3)',
        'str(f1_f2_f3__f5),word(-3,_,0)', 'str(/f1/f2/f3/f4),word(1,/)', 'str(f1_f2_f3__f5),word(5,_)', 'str(f1_f2_f3__f5),word(-5,_)', 'str(f1_f2_f3__f5),word(-4,_)',
        'str(__f1__f2__),word(1,_)', 'str(__f1__f2__),word(2,_)', 'str(__f1__f2__),word(3,_)', 'str(__f1__f2__),word(-1,_)', 'str(__f1__f2__),word(-2,_)', 'str(__f1__f2__),word(-3,_)',
        'str(__f1__f2__),word(1,_,0)', 'str(__f1__f2__),word(-1,_,0)', 'str(__f1__f2__),word(1,_,2)', 'str(__f1__f2__),word(-1,_,2)', 'str(__f1__f2__),word(1,_,3)',
        'str(__f1__f2__),word(-1,_,3)', 'str(__),word(1,_)', 'str(),word(1,_)', 'str(abc),word(1,_)', 'str(abc),word(1,_,5)', 'str(abc),word(2,_)', 'str(a_b_),word(2,_,0)',
      ),
    ],
  },
  {
    name: 'encodings, hashes, digests',
    before: ['set-var(txn.s) str(abc)', 'set-var(txn.e) str()', 'set-var(txn.i) int(12)', 'set-var(txn.b) bin(00414200)', 'set-var(txn.k) str(a2V5)'],
    cases: [
      ...exprs(
        'str(abc),base64', 'bin(00ff10),base64', 'str(),base64', 'str(YWJj),b64dec', 'str(YWJ),b64dec', 'str(YWI=),b64dec', 'str(YQ==),b64dec', 'str(YQ=),b64dec', 'str(YQ),b64dec',
        'str(YW_-),b64dec', 'str(Y!Jj),b64dec', 'str(),b64dec', 'str(YW\\nJj),b64dec', 'str(=YWJ),b64dec', 'str(YW=j),b64dec', 'str(YR==),b64dec', 'str(YWJj),ub64dec', 'str(YQ),ub64dec',
        'str(YW_-),ub64dec', 'str(YW+/),ub64dec', 'str(Y),ub64dec', 'str(YWJjZ),ub64dec', 'str(Y!Jj),ub64dec', 'bin(fffefd),ub64enc', 'bin(ff),ub64enc', 'bin(fffe),ub64enc',
        'bin(00ff41),hex', 'str(),hex', 'str(00ff),hex2i', 'str(ff),hex2i', 'str(zz),hex2i', 'str(fz),hex2i', 'str(),hex2i', 'str(ffffffffffffffff),hex2i', 'str(1ffffffffffffffff),hex2i',
        'str(0x10),hex2i', 'str(-1),hex2i', 'str(fff),hex2i', 'bin(4142),hex2i', 'int(1),htonl', 'int(-1),htonl', 'int(4294967296),htonl', 'str(abc),crc32', 'str(abc),crc32(1)',
        'str(abc),crc32(0)', 'str(abc),crc32(2)', 'str(abc),crc32c', 'str(abc),crc32c(1)', 'str(abc),sdbm', 'str(abc),sdbm(1)', 'str(abc),djb2', 'str(abc),djb2(1)', 'str(abc),wt6',
        'str(abc),wt6(1)', 'str(),crc32', 'str(),crc32(1)', 'str(),sdbm', 'str(),djb2', 'str(),wt6', 'str(),wt6(1)', 'bin(fffefdfc),sdbm', 'bin(fffefdfc),djb2', 'bin(fffefdfc),wt6',
        'bin(fffefdfc),crc32', 'str(abc),xxh32', 'str(abc),xxh32(7)', 'str(abc),xxh32(-7)', 'str(abc),xxh64', 'str(abc),xxh64(7)', 'str(abc),xxh64(-7)', 'str(abc),xxh3',
        'str(abc),xxh3(7)', 'str(abc),xxh3(-7)', 'str(),xxh32', 'str(),xxh64', 'str(),xxh3', 'str(abc),sha1,hex', 'str(abc),sha2,hex', 'str(abc),sha2(224),hex', 'str(abc),sha2(512),hex',
        'str(abc),sha2(384),hex', 'str(abc),digest(md5),hex', 'str(abc),digest(sha256),hex', 'str(abc),digest(SHA256),hex', 'str(abc),digest(sha512-256),hex',
        'str(abc),digest(ripemd160),hex', 'str(abc),digest(sm3),hex', 'str(abc),digest(shake256),hex', 'str(abc),digest(blake2b512),hex', 'str(abc),digest(sha3-256),hex',
        'str(abc),digest(RSA-SHA256),hex', 'str(abc),hmac(sha256,a2V5),hex', 'str(abc),hmac(md5,a2V5),hex', 'str(abc),hmac(sha256,txn.k),hex', 'str(abc),hmac(sha256,txn.s),hex',
        'str(abc),hmac(sha256,txn.none),hex', 'str(abc),hmac(sha256,),hex', 'bool(1),iif(yes,no)', 'bool(0),iif(yes,no)', 'int(3),iif(yes,no)', 'str(1),iif(yes,no)', 'str(0),iif(yes,no)',
        'str(abc),iif(yes,no)', 'str(true),iif(yes,no)', 'str(abc),length', 'bin(0000),length', 'int(100),length', 'str(),length', 'str(xxabcx),ltrim(x)', 'str(xxabcx),rtrim(x)',
        'str(xxx),ltrim(x)', 'str(xxx),rtrim(x)', 'str(xyabyx),ltrim(xy)', 'str(xyabyx),ltrim()', 'str(xyabyx),ltrim', 'str(),ltrim(x)', 'bin(61620d63),cut_crlf',
        'bin(61620a0d63),cut_crlf', 'str(abc),cut_crlf', 'bin(0d),cut_crlf', 'str(Ex.org:80),host_only', 'str(Ex.org:80),port_only', 'str(Ex.org),port_only', 'str([::1]:80),host_only',
        'str([::1]:80),port_only', 'str([::1]),port_only', 'str([::1]),host_only', 'str(::1),host_only', 'str(::1),port_only', 'str(a:),port_only', 'str(a:),host_only',
        'str(a:99999),port_only', 'str(),host_only', 'str(),port_only', 'str(a:80x),host_only', 'str([::1),host_only', 'str([::1),port_only', 'str([::1]x),port_only',
        'str(:80),host_only', 'str(:80),port_only', 'str(abc),strcmp(txn.s)', 'str(abd),strcmp(txn.s)', 'str(abb),strcmp(txn.s)', 'str(ab),strcmp(txn.s)', 'str(abcde),strcmp(txn.s)',
        'str(zbc),strcmp(txn.s)', 'str(abc),strcmp(txn.none)', 'str(12),strcmp(txn.i)', 'str(abc),secure_memcmp(txn.s)', 'str(abd),secure_memcmp(txn.s)', 'str(ab),secure_memcmp(txn.s)',
        'str(abc),secure_memcmp(txn.none)', 'bin(00414200),secure_memcmp(txn.b)', 'int(12),secure_memcmp(txn.i)',
      ),
      { expr: 'str(YQ==),ub64dec', differs: { why: 'padding is padding', headgate: 'a' } },
      { expr: 'str(a:x),port_only', differs: { why: 'what is no number is no port', headgate: '0' } },
    ],
  },
  {
    name: 'URLs, JSON, dates, substitutions',
    before: ['set-var(txn.s) str(abc)'],
    cases: [
      ...exprs(
        'str(a%20b%2f%zz),url_dec', 'str(a%20b%2f),url_dec', 'str(a+b?c+d),url_dec', 'str(a+b?c+d),url_dec(1)', 'str(a+b?c+d),url_dec(0)', 'str(a%2),url_dec', 'str(a%),url_dec',
        'str(%00a),url_dec', 'str(%ff),url_dec', 'str(a%3fb+c),url_dec', 'str(),url_dec', 'str(%C3%84),url_dec', '"str(\\"a b/?&=%+~-_.!*\'\\"),url_enc"',
        '"str(\\"a b/?&=%+~-_.!*()\\"),url_enc(query)"', 'str(abc),url_enc()', 'bin(00ff41c384),url_enc', 'bin(41c384),url_enc', 'bin(017f41),url_enc',
        '\'str("a:;,@$#[]{}|\\\\^`<>"),url_enc\'', '\'str("a\\"b\\\\/c"),json\'', '\'str("a\\"b\\\\/c"),json(ascii)\'', '\'str("a\\"b\\\\/c"),json()\'',
        '\'str("a\\"b\\\\/c"),json(utf8)\'', 'bin(09080a0d0c0b01),json(utf8s)', 'bin(7f41),json(utf8s)', 'bin(c3a9),json(utf8)', 'bin(c3a9),json(ascii)', 'bin(ff41),json(ascii)',
        'bin(ff41),json(utf8)', 'bin(ff41),json(utf8s)', 'bin(41ff41),json(utf8p)', 'bin(41ff41),json(utf8ps)', 'bin(41c041),json(utf8s)', 'bin(41c180),json(utf8s)',
        'bin(41c180),json(utf8)', 'bin(41c181),json(utf8p)', 'bin(41c181),json(utf8ps)', 'bin(41e2829f),json(utf8s)', 'bin(41e282),json(utf8s)', 'bin(41e282),json(utf8)',
        'bin(41eda080),json(utf8)', 'bin(41eda080),json(utf8s)', 'bin(41f09f9880),json(utf8)', 'bin(41f09f988042),json(utf8s)', 'bin(41f09f988042),json(utf8ps)',
        'bin(41f09f988042),json(utf8p)', 'bin(41efbfbe),json(utf8)', 'bin(41efbfbf),json(utf8)', 'bin(41efb790),json(utf8)', 'bin(41e2),json(utf8s)', 'bin(80),json(utf8s)',
        'bin(4180bf42),json(utf8s)', 'bin(f8888080),json(utf8s)', 'bin(fc8480808080),json(utf8s)', 'bin(41e0808042),json(utf8p)', 'bin(41e0818142),json(utf8p)',
        'bin(41e0818142),json(utf8s)', 'str(abc),json', 'str(),json(utf8)', 'bin(1f20),json(ascii)', '\'str("aab"),regsub(a,x)\'', '\'str("aab"),regsub(a,x,g)\'',
        '\'str("aAb"),regsub(a,x,gi)\'', '\'str("aAb"),regsub(a,x,ig)\'', '\'str("aAb"),regsub(a,)\'', '\'str("aAb"),regsub(a,,g)\'',
        '\'str("foo12"),regsub("(foo|bar)([0-9]+)?","\\2\\1",i)\'', '\'str("foo12"),regsub("(foo|bar)([0-9]+)?","\\\\2\\\\1",i)\'',
        '\'str("foo12"),regsub("(foo|bar)([0-9]+)?","[\\\\0]",i)\'', '\'str("foo12"),regsub("(foo|bar)([0-9]+)?","[\\\\3]",i)\'',
        '\'str("foo12"),regsub("(foo|bar)([0-9]+)?","[\\\\x41]",i)\'', '\'str("foo12"),regsub("(foo|bar)([0-9]+)?","[\\\\.]",i)\'', '\'str("foo12"),regsub("x*","-",g)\'',
        '\'str("foo12"),regsub("x*","-")\'', '\'str("foo12"),regsub("^","-",g)\'', '\'str("foofoo"),regsub("^foo","-",g)\'', '\'str("/////a///b/c/xzxyz/"),regsub(/+,/,g)\'',
        '\'str("aaa"),regsub("a*","<\\\\0>",g)\'', '\'str("baac"),regsub("a*","<\\\\0>",g)\'', 'bin(61620063),regsub(b,x)', 'int(1700000000),utime(%Y%m%d%H%M%S)',
        'int(1700000000),utime(%Y%m%d%H%M%S,3600)', 'int(1700000000),utime(%Y%m%d%H%M%S,-3600)', 'int(1700000000),utime(%s)',
        'int(1700000000),utime("%a %A %b %B %c|%C %d %D %e %F %g %G %h %H %I %j %k %l")', 'int(1700000000),utime("%m %M %n %p %P %r %R %S %t %T %u %U %V %w %W %x %X %y %Y %z %Z %%")',
        'int(1700000000),ltime("%a %A %b %B %c|%C %d %D %e %F %g %G %h %H %I %j %k %l")', 'int(1700000000),ltime("%m %M %n %p %P %r %R %S %t %T %u %U %V %w %W %x %X %y %Y %z %Z %%")',
        '\'int(1700000000),utime("%E %O %Ey %Od %Q %_d %-d %0e %^a %#a %10Y %_5d %+ %f %L %N %i %J %v %1 ")\'', '\'int(0),utime("%a %A %b %B %c %C %d")\'',
        '\'int(99999999999999),utime("%Y%m%d%H%M%S")\'', 'int(1700000000),http_date', 'int(1700000000),http_date(60)', 'int(1700000000123),http_date(0,ms)',
        'int(1700000000123456),http_date(0,us)', 'int(1700000000123),http_date(1000,ms)', 'int(99999999999999),http_date', 'str(abc),capture-req(0)', 'str(abc),capture-req(5)',
      ),
      { expr: '\'str("foo12"),regsub("$","-",g)\'', differs: { why: 'an end is one place', headgate: 'foo12-' } },
      { expr: '\'int(-1),utime("%Y%m%d%H%M%S")\'', differs: { why: 'there was a time before 1970', headgate: '19691231235959' } },
      { expr: '\'int(9223372036854775807),utime("%Y")\'', differs: { why: 'years have no end at 32 bits', headgate: '292277026596' } },
      { expr: 'int(-1),http_date', differs: { why: 'there was a time before 1970', headgate: 'Wed, 31 Dec 1969 23:59:59 GMT' } },
    ],
  },
  {
    name: 'JSON queries and tokens',
    bytes: json,
    cases: [
      ...exprs(
        'req.payload(0,0)', '\'req.payload(0,0),json_query($.i)\'', '\'req.payload(0,0),json_query($.i,int)\'', '\'req.payload(0,0),json_query($.f)\'',
        '\'req.payload(0,0),json_query($.f,int)\'', '\'req.payload(0,0),json_query($.e)\'', '\'req.payload(0,0),json_query($.e,int)\'', '\'req.payload(0,0),json_query($.s)\'',
        '\'req.payload(0,0),json_query($.s,int)\'', '\'req.payload(0,0),json_query($.neg)\'', '\'req.payload(0,0),json_query($.big,int)\'', '\'req.payload(0,0),json_query($.z)\'',
        '\'req.payload(0,0),json_query($.a)\'', '\'req.payload(0,0),json_query($.a.b)\'', '\'req.payload(0,0),json_query($.a.b[0])\'', '\'req.payload(0,0),json_query($.a.b[1])\'',
        '\'req.payload(0,0),json_query($.a.b[2])\'', '\'req.payload(0,0),json_query($.a.b[3])\'', '\'req.payload(0,0),json_query($.a.b[3],int)\'',
        '\'req.payload(0,0),json_query($.a.b[4])\'', '\'req.payload(0,0),json_query($.a.b[5])\'', '\'req.payload(0,0),json_query($.a.b[7].c)\'',
        '\'req.payload(0,0),json_query($.a.b[9])\'', '\'req.payload(0,0),json_query($.o)\'', '\'req.payload(0,0),json_query($.em)\'', '\'req.payload(0,0),json_query($.nope)\'',
        '\'req.payload(0,0),json_query($)\'', '\'req.payload(0,0),json_query($.my\\\\.key)\'', '\'req.payload(0,0),json_query($.*)\'', '\'req.payload(0,0),json_query($.i,)\'',
        'str(junk),json_query($.a)', '\'str("[1,2]"),json_query($[1])\'', '\'str("{\\"a\\":1"),json_query($.a)\'', '\'str("{\\"a\\":1}x"),json_query($.a)\'',
        '\'str("{\\"a\\" : \\"b c\\" }"),json_query($.a)\'', '\'str("{\\"a\\":\\"caf\\\\\\\\u00e9 \\\\\\\\ud83d\\\\\\\\ude00\\"}"),json_query($.a)\'',
        'str(a]b),host_only', 'str([::1]x),host_only', 'str([::1]x:80),host_only', 'str([::1]]),host_only', 'str([]a:80),host_only', 'str(]:80),host_only', 'str([a:80),host_only', 'str([a:80),port_only', 'str([::1]x80),port_only',
        'str(eyJhbGciOiJub25lIn0.e30),jwt_header_query($.alg)', 'str(eyJhbGciOiJub25lIn0),jwt_header_query($.alg)', 'str(eyJhbGciOiJub25lIn0.eyJhIjoiYiJ9.x.y),jwt_payload_query($.a)', 'str(eyJhbGciOiJub25lIn0),jwt_payload_query($.a)',
        'str(eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJtZSIsImV4cCI6MTIzfQ.x),jwt_header_query($.alg)',
        'str(eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJtZSIsImV4cCI6MTIzfQ.x),jwt_payload_query($.exp,int)',
        'str(eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJtZSIsImV4cCI6MTIzfQ.x),jwt_payload_query($.exp)', 'str(abc),jwt_verify(HS256,key)', 'str(a.b.c),jwt_verify(HS256,key)',
        'str(a.b.c),jwt_verify(none,key)', 'str(a.b.),jwt_verify(none,key)', 'str(a.b.),jwt_verify(none,)', 'str(a.b.c),jwt_verify(txn.none,key)', 'str(a.b.c.d),jwt_verify(HS256,key)',
        'str(a.b),jwt_verify(HS256,key)', 'str(a..c),jwt_verify(HS256,key)', 'str(.b.c),jwt_verify(HS256,key)',
      ),
      { expr: '\'req.payload(0,0),json_query($.big)\'', differs: { why: 'all digits', headgate: '12345678901234567890' } },
      { expr: '\'req.payload(0,0),json_query($.a.b[6])\'', differs: { why: 'UTF-8', headgate: 'x\n\xc3\xa9"' } },
      { expr: 'int(13),http_date(0,ms)', differs: { why: '13 ms are .013', headgate: 'Thu, 01 Jan 1970 00:00:00.013 GMT' } },
      { expr: 'int(13),http_date(0,us)', differs: { why: '13 µs are .000013', headgate: 'Thu, 01 Jan 1970 00:00:00.000013 GMT' } },
      { expr: 'bool(true),or(2),base64', differs: { why: 'an integer in its bytes too', headgate: 'AAAAAAAAAAM=' } },
      { condition: '{ int(0) -- -5 }', differs: { why: 'the number -5, not the range :5', headgate: 'absent' } },
      { expr: `str(${TOKEN}),jwt_header_query`, differs: { why: 'as the manual says: all of it', headgate: '{"alg":"HS256","typ":"JWT"}' } },
      { expr: `str(${TOKEN}),jwt_payload_query`, differs: { why: 'as the manual says: all of it', headgate: '{"iss":"me","exp":123}' } },
    ],
  },
  { name: 'signed tokens', cases: tokens() },
  {
    name: 'protocol buffers',
    cases: [
      ...['1', '1,int32', '1,uint32', '1,int64', '1,uint64', '1,bool', '1,enum', '1,sint32', '1,sint64', '1,fixed32', '2', '2,int32', '3', '3.1', '3.1,int32', '3.2,fixed32', '3.2,sfixed32', '4,fixed64', '4,sfixed64', '5,double', '6,float', '7,sint32', '7,sint64', '8,int32', '8,uint32', '8,int64', '8,uint64', '8,bool', '8,sint64', '100', '9.1.1', '9.1', '9', '99', '3.9', '1.1', '2.1'].flatMap((field) => [
        { expr: `bin(${PROTOBUF}),protobuf(${field})` },
        { expr: `bin(00${(PROTOBUF.length / 2).toString(16).padStart(8, '0')}${PROTOBUF}),ungrpc(${field})` },
      ]),
      ...['0896', '089601ff', '08960110', '08ffffffffffffffffff01', '08ffffffffffffffffffff01', '1205616263', '1200', '0d0000', '0900', '0b', '0c', '08960108', 'fa', '00', '0a03610a62'].flatMap((message) =>
        ['1', '1,int32'].map((field) => ({ expr: `bin(${message}),protobuf(${field})` })),
      ),
      { expr: 'bin(08),protobuf(1,int32)', differs: { why: 'a number that is cut off is none', headgate: 'absent' } },
      { expr: 'bin(12),protobuf(2)', differs: { why: 'a field that is cut off is none', headgate: 'absent' } },
      ...exprs('bin(00000000),ungrpc(1)', 'bin(0000000003089601),ungrpc(1,int32)', 'bin(0100000003089601),ungrpc(1,int32)', 'bin(0000000004089601),ungrpc(1,int32)', 'bin(000000000308),ungrpc(1,int32)'),
    ],
  },
  { name: 'MQTT: valid', cases: Object.values(MQTT).map((message) => ({ expr: `bin(${message}),mqtt_is_valid` })) },
  {
    name: 'numbers that are not there',
    cases: [
      { expr: `bin(${MQTT.v5w}),mqtt_field_value(connect,17)`, differs: { why: 'a property that is not there has no value', headgate: 'absent' } },
      { expr: `bin(${hex(FIX.big)}),fix_tag_value(10)`, differs: { why: 'no tag is beyond 32 bits', headgate: 'absent' } },
    ],
  },
  { name: 'MQTT: fields', cases: mqttFields().map(([message, type, field]) => ({ expr: `bin(${message}),mqtt_field_value(${type},${field})` })) },
  {
    name: 'FIX: valid',
    cases: [
      ...Object.values(FIX).map((message) => ({ expr: `bin(${hex(message)}),fix_is_valid` })),
      { expr: `bin(${hex('8=FIX.4.4\x019=9\x0135=A\x0149=\x0110=099\x01')}),fix_is_valid`, differs: { why: 'the manual: values are not empty', headgate: '0' } },
    ],
  },
  { name: 'FIX: values', cases: fixFields().map(([message, tag]) => ({ expr: `bin(${hex(message)}),fix_tag_value(${tag})` })) },
  ...[Buffer.alloc(12_000, 'a'), Buffer.alloc(7000, 1), Buffer.alloc(4095, 1)].map((bytes): ValueGroup => ({
    name: `values that outgrow a buffer: ${bytes.length} of ${String(bytes[0])}`,
    bytes,
    before: ['set-var(txn.long) req.payload(0,0)'],
    cases: [
      'hex', 'hex,hex', 'regsub(a,bbb,g)', 'regsub(a,bbbb,g)', 'concat(x,txn.long,y)', 'concat(,txn.long,),concat(,txn.long,)', 'add_item(;,txn.long),add_item(;,txn.long)',
      'url_enc', 'url_enc,url_enc', 'base64', 'base64,base64', 'base64,base64,base64', 'ub64enc,ub64enc', 'json(ascii)', 'upper', 'sha1,hex,hex',
    ].map((chain) => ({ expr: `req.payload(0,0),${chain},bytes(0,16383),length` })), // some give it one byte more than it keeps
  })),
]

await compareValues(t, 'converters', groups)
rmSync(folder, { recursive: true, force: true })
