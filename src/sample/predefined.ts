// Owns the predefined ACLs (manual 7.4). Those of HTTP are refused by name.

import type { Scope } from '../core/sample.ts'
import { compileTest } from './acl.ts'
import type { Acl } from './acl.ts'

const ACLS: Readonly<Record<string, string>> = {
  TRUE: 'always_true',
  FALSE: 'always_false',
  LOCALHOST: 'src 127.0.0.1/8 ::1',
  WAIT_END: 'wait_end',
  REQ_CONTENT: 'req.len gt 0',
  RDP_COOKIE: 'req.rdp_cookie_cnt gt 0',
  HTTP: 'req.proto_http',
}

const OF_HTTP = /^(HTTP_(1\.0|1\.1|2\.0|CONTENT|URL_ABS|URL_SLASH|URL_STAR)|METH_(CONNECT|DELETE|GET|HEAD|OPTIONS|POST|PUT|TRACE))$/

/** The ACL, a message for one that cannot be, or undefined for no such name. */
export function predefined(name: string, scope: Scope): Acl | string | undefined {
  if (OF_HTTP.test(name)) return `predefined ACL '${name}' looks into HTTP requests, which this proxy does not parse`
  const text = ACLS[name]
  if (text === undefined) return undefined
  const words = text.split(' ').map((word) => ({ text: word, column: 0 }))
  let problem = ''
  const test = compileTest(words, scope, (detail) => {
    problem = detail
    return undefined
  })
  return test === undefined ? `predefined ACL '${name}' (${text}) is not supported yet: ${problem}` : { name, tests: [test] }
}
