// Pattern files and maps, their values taken from HAProxy.

import t from 'tap'
import { acls, compareValues, exprs } from './sample-values.ts'

const files = {
  'nets.lst': '# comment\n10.0.0.0/8\n\n  127.0.0.1\n2001:db8::/32\r\n10.1.0.0/16\n',
  'words.lst': 'abc\nABC\n two words \n#no\n #yes\nabc\n',
  'beg.map': '/ root\n/img  images  and more \t\n/img/big large\n',
  'nets.map': '10.0.0.0/8 ten\n10.1.0.0/16 ten-one\n10.1.1.1 host\n2001:db8::/32 doc\n0.0.0.0/0 any\n',
  'int.map': '1:5 low\n5:9 high\n7 seven\n',
  'str.map': 'a 1\nb -2\na 3\nip 10.0.0.1\nempty\n',
  'num.map': 'a 1\nb -2\n',
  'ip.map': 'a 10.0.0.1\nb ::1\n',
  'reg.map': '^a(.)c$ <\\1>\n^a second\n(x)(y)? \\1-\\2-\\\\\n',
  'one.lst': 'ip\n',
  'sub.map': 'b first\na second\n',
  'end.map': 'com short\nexample.com long\n',
  'dom.map': 'example dom\nexample.com two\n',
  'dir.map': 'img dir\n',
} as const

await compareValues(t, 'pattern files and maps', [
  {
    name: 'pattern files',
    files,
    cases: acls(
      'src -f @nets.lst@', 'ipv4(10.9.9.9) -f @nets.lst@', 'ipv4(11.9.9.9) -f @nets.lst@', 'ipv6(2001:db8::9) -f @nets.lst@', 'ipv4(11.9.9.9) -f @nets.lst@ 11.9.9.9',
      'str(abc) -f @words.lst@', 'str(Abc) -f @words.lst@', 'str(Abc) -i -f @words.lst@', 'str(two\\ words) -f @words.lst@', "str('two words ') -f @words.lst@".replace("str('two words ')", 'bin(74776f20776f72647320)  -m str'), "'str(#yes)' -f @words.lst@", "'str(#no)' -f @words.lst@", 'str(x) -i -f @words.lst@ -- X', 'str(abcd) -m beg -f @words.lst@', 'str(ABC) -f @words.lst@ -i -f @words.lst@',
      'str(a) -M -f @str.map@', 'str(ip) -f @one.lst@', 'str(1) -M -f @str.map@', 'src -f @nets.lst@ -f @nets.lst@',
    ),
  },
  {
    name: 'maps',
    files,
    cases: exprs(
      'str(/img/x),map_beg(@beg.map@)', 'str(/img/big/x),map_beg(@beg.map@)', 'str(/x),map_beg(@beg.map@)', 'str(x),map_beg(@beg.map@)', 'str(x),map_beg(@beg.map@,dflt)',
      'ipv4(10.1.1.1),map_ip(@nets.map@)', 'ipv4(10.1.1.2),map_ip(@nets.map@)', 'ipv4(10.2.1.2),map_ip(@nets.map@)', 'ipv4(11.2.1.2),map_ip(@nets.map@)', 'ipv6(2001:db8::1),map_ip(@nets.map@)', 'ipv6(2001:db9::1),map_ip(@nets.map@)', 'ipv6(::ffff:10.1.1.1),map_ip(@nets.map@)', 'str(10.1.1.1),map_ip(@nets.map@)', 'str(junk),map_ip(@nets.map@,none)', 'src,map_ip(@nets.map@)',
      'int(3),map_int(@int.map@)', 'int(5),map_int(@int.map@)', 'int(7),map_int(@int.map@)', 'int(10),map_int(@int.map@)', 'int(10),map_int(@int.map@,x)', 'str(3),map_int(@int.map@)',
      'str(a),map(@str.map@)', 'str(b),map_str(@str.map@)', 'str(c),map(@str.map@)', 'str(c),map(@str.map@,d)', 'str(empty),map(@str.map@)', 'str(a),map_str_int(@num.map@)', 'str(b),map_str_int(@num.map@),add(1)', 'str(c),map_str_int(@num.map@,7)', 'str(a),map_str_ip(@ip.map@)', 'str(b),map_str_ip(@ip.map@)', 'str(c),map_str_ip(@ip.map@,1.2.3.4)',
      'str(abc),map_reg(@reg.map@)', 'str(abd),map_reg(@reg.map@)', 'str(abc),map_regm(@reg.map@)', 'str(abd),map_regm(@reg.map@)', 'str(xy),map_regm(@reg.map@)', 'str(x),map_regm(@reg.map@)', 'str(zzz),map_regm(@reg.map@)', 'str(ab),map_sub(@sub.map@)', 'str(a),map_sub(@sub.map@)', 'str(www.example.com),map_end(@end.map@)', 'str(www.example.com),map_dom(@dom.map@)', 'str(/a/img/b),map_dir(@dir.map@)', 'int(5),map(@str.map@)', 'always_true,map(@str.map@,x)',
    ),
  },
])
