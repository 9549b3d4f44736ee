// Conditions: and, or, !, named and anonymous ACLs, and what is said of wrong ones.

import t from 'tap'
import { argsScope } from '../../src/sample/scope.ts'
import { acl } from '../../src/sample/acl.ts'
import { compileCondition } from '../../src/sample/condition.ts'
import { Section, subject, words } from './section.ts'

function ask(section: Section, condition: string, from = subject()): string {
  const args = section.args('test', [])
  const compiled = compileCondition(words(condition), argsScope(args, 'connection', 'frontend tcp-request connection rule'), (text, hint) => args.fail(text, hint))
  return compiled === undefined ? section.said().join('; ') : compiled.test(from, true)
}

t.test('and, or, !, named and anonymous ACLs', async (t) => {
  const s = new Section()
  s.line(acl, 'near src 192.0.2.0/24')
  s.line(acl, 'web dst_port 80 443')
  s.line(acl, 'far src 10.0.0.0/8')
  const table: Record<string, 'pass' | 'fail'> = {
    'if near': 'pass',
    'unless near': 'fail',
    'if far': 'fail',
    'if !far': 'pass',
    'if ! far': 'pass',
    'if !!near': 'pass',
    'if near web': 'pass',
    'if far web': 'fail',
    'if far or web': 'pass',
    'if far || web': 'pass',
    'if far OR near !web': 'fail',
    'if near !web or far or web': 'pass',
    'if { src 192.0.2.1 }': 'pass',
    'if !{ src 192.0.2.1 }': 'fail',
    'if { src_port 1:1023 } or { dst_port gt 442 }': 'pass',
    'if TRUE': 'pass',
    'if FALSE': 'fail',
    'if !LOCALHOST': 'pass',
    'unless { always_false }': 'pass',
  }
  for (const [condition, expected] of Object.entries(table)) t.equal(ask(s, condition), expected, condition)
})

t.test('tests of one name add up, also behind a rule that uses it', async (t) => {
  const s = new Section()
  s.line(acl, 'a src 10.0.0.1')
  const args = s.args('test', [])
  const condition = compileCondition(words('if a'), argsScope(args, 'connection', 'frontend tcp-request connection rule'), (text) => args.fail(text))
  t.equal(condition?.test(subject(), true), 'fail')
  s.line(acl, 'a src 192.0.2.1')
  t.equal(condition?.test(subject(), true), 'pass')
})

t.test('what is wrong is said in the words of the oracle', async (t) => {
  const s = new Section()
  const where = "error detected in frontend 'f' while parsing 'if' condition : "
  for (const [condition, expected] of [
    ['if', 'no ACL given'],
    ['if bla', `${where}no such ACL : 'bla'`],
    ['if { src 1.1.1.1', `${where}missing closing '}' in condition`],
    ['if TRUE or', `${where}'or' has no ACL behind it`],
    ['if or TRUE', `${where}'or' has no ACL before it`],
    ['if !', `${where}'!' has no ACL behind it`],
    ['if { srcc 1.1.1.1 }', `${where}unknown fetch method 'srcc' in ACL expression 'srcc' (did you mean 'src' maybe ?)`],
    ['if METH_GET', `${where}predefined ACL 'METH_GET' looks into HTTP requests`],
    ['when TRUE', "only accepts 'if' or 'unless'"],
  ] as const) {
    const said = ask(s, condition)
    t.ok(said.includes(expected), `${condition}: ${said}`)
  }
})

t.test('acl lines', async (t) => {
  const s = new Section()
  for (const [line, expected] of [
    ['bar srcc 1.2.3.4', "alert: error detected while parsing ACL 'bar' : unknown fetch method 'srcc' in ACL expression 'srcc'. (did you mean 'src' maybe ?)"],
    ['ba/r src 1.2.3.4', "alert: character '/' is not permitted in acl name 'ba/r'."],
    ['bar src 1.2.3.400', "alert: error detected while parsing ACL 'bar' : '1.2.3.400' is not a valid IPv4 or IPv6 address."],
    ['bar src_port abc', "alert: error detected while parsing ACL 'bar' : 'abc' is not a number."],
    ['bar src_port 7:5', "alert: error detected while parsing ACL 'bar' : '7:5' is not a valid number range."],
    ['bar src_port 80-70', "alert: error detected while parsing ACL 'bar' : '80-70' is not a valid number range."],
    ['bar src_port :', "alert: error detected while parsing ACL 'bar' : ':' is not a valid number range."],
    ['bar src(4)', "alert: error detected while parsing ACL 'bar' : fetch method 'src' : expected ')' before '4)' in ACL expression 'src(4)'."],
    ['bar', "alert: error detected while parsing ACL 'bar' : missing fetch method in ACL expression ''."],
    ['a src -m foo x', "alert: error detected while parsing ACL 'a' : unknown matching method 'foo' when parsing ACL expression."],
    ['a src -q 1.2.3.4', "alert: error detected while parsing ACL 'a' : '-q' is not a valid ACL option. Please use '--' before any pattern beginning with a '-'."],
    ['or src 1.1.1.1', "alert: acl name 'or' will never match. 'or' is used to express a logical disjunction within a condition."],
    ['a src', "warning: acl keyword 'src' : no pattern to match against were provided, so this ACL will never match"],
    ['a src --', ''],
    ['a src -m found', ''],
    ['a always_true', ''],
    ['a src_port gt 5 lt 7', ''],
    ['a src 127.1/8 10.12 1.2.3.4/255.255.0.255 ::1 ::/0', ''],
    ['a src fe80::/129', "alert: error detected while parsing ACL 'a' : 'fe80::/129' is not a valid IPv4 or IPv6 address."],
  ] as const) {
    s.line(acl, line)
    const said = s.said().join('; ')
    t.ok(expected === '' ? said === '' : said.startsWith(expected), `${line}: ${said}`)
  }
  s.line(acl, 'mistaken srcc 1.1.1.1')
  s.said()
  t.equal(ask(s, 'if mistaken'), 'fail', 'one mistake gives one message')
  const anonymous = new Section('defaults', '')
  anonymous.line(acl, 'a src 1.1.1.1')
  t.match(anonymous.said()[0], /'acl' not allowed in anonymous 'defaults' section/)
  const defaults = new Section('defaults', 'd')
  defaults.line(acl, 'inner src 192.0.2.1')
  const user = new Section()
  user.set(acl, defaults.get(acl))
  t.match(ask(user, 'if inner'), /no such ACL : 'inner'/, "a defaults section's ACLs are its own")
})

t.test('a comma at the end of a fetch: the next word is its converter, if it is one', async (t) => {
  const s = new Section()
  t.equal(ask(s, 'if { dst_port, add(1) 444 }'), 'pass')
  t.equal(ask(s, 'if { dst_port, add(1),add(1) 444 }'), 'fail')
  t.equal(ask(s, 'if { dst_port, 443 }'), 'pass')
  t.equal(ask(s, 'if { bin(30), mqtt_is_valid }'), 'fail')
  t.same(s.said(), [])
})

t.test('words of HTTP, Lua and later work are named, without a guess at what they could be', async (t) => {
  for (const [condition, expected] of [
    ['if { hdr(Host) a }', "'hdr' is an HTTP keyword, not supported (Headgate is a TCP/TLS proxy) in ACL expression 'hdr(Host)'"],
    ['if { lua.x 1 }', "'lua.x' is for Lua, not supported in ACL expression 'lua.x'"],
    ['if { sc0_conn_cur gt 5 }', "'sc_conn_cur' is not supported yet in ACL expression 'sc0_conn_cur'"],
  ] as const) {
    const s = new Section()
    const hints: string[] = []
    const args = s.args('test', [])
    compileCondition(words(condition), argsScope(args, 'connection', 'frontend tcp-request connection rule'), (text, more) => {
      hints.push(more ?? '')
      return args.fail(text)
    })
    t.match(s.said().join(), expected, condition)
    t.notMatch(hints.join(), /did you mean/, condition)
  }
})

t.test('a name where an address is needed: what to write instead', async (t) => {
  const hints: string[] = []
  const args = new Section().args('test', [])
  compileCondition(words('if { src gate.example }'), argsScope(args, 'connection', 'frontend tcp-request connection rule'), (text, hint) => {
    hints.push(`${text}; ${hint ?? ''}`)
    return args.fail(text)
  })
  t.match(hints, [/'gate.example' is not a valid IPv4 or IPv6 address; names are not looked up here: write the address/])
})
