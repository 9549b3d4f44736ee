// Owns what to write in place of a word that is not supported yet: said behind the message, so that an existing file can be made to serve.

/** What a word is about, and what its line is worth without it. The first that fits holds. */
const INSTEAD: readonly (readonly [RegExp, string])[] = [
  [/^(?:stats|option (?:socket-stats|contstats)|server-state|load-server-state|level|expose-fd|severity-output)/, 'leave it out: there is no runtime interface yet; SIGHUP prints states and counts'],
  [
    /^(?:option (?:tcp-check|ssl-hello-chk|\w+-check|smtpchk|log-health-checks|lb-agent-chk)|tcp-check|http-check|external-check|(?:max-)?spread-checks|check-|no-check|agent-|observe|on-error|on-marked|error-limit|slowstart|track$|email-alert)/,
    'leave it out: servers are not checked yet, all are taken as up',
  ],
  [/^(?:track-sc|sc[0-9_]|sc-|src_|table_|in_table)/, 'leave it out: nothing is counted per client yet; maxconn holds for all of them together'],
  [/^(?:stick|persist|force-persist|ignore-persist|non-stick|option persist)/, "leave it out: there are no stick tables yet; 'balance source' keeps a client at its server"],
  [/^(?:resolvers|resolve-|resolve_|do-resolve|server-template)/, "leave it out: names of servers are looked up once, at the start"],
  [/^(?:master-worker|mworker|program)/, 'leave it out: a service manager starts the process again, and can hold its listeners (bind fd@N)'],
  [/^(?:minconn|maxqueue|fullconn)$/, "leave it out: 'maxconn' and 'timeout queue' are there"],
  [/^(?:peers|mailers|ring|log-forward)$/, 'leave it out'],
]

/** undefined: nothing but leaving it out, which goes without saying. */
export function instead(keyword: string): string | undefined {
  return INSTEAD.find(([words]) => words.test(keyword))?.[1]
}
