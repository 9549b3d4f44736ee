// Owns the words of HAProxy's manual that Headgate has no use for and answers by name: those of HTTP, of Lua, of device detection, and
// those that HAProxy itself has retired.

/** Words for HTTP (manual 3 and 4.1). `capture`, `stats` and the like stand for all that begin with them. */
const HTTP: Readonly<Record<string, readonly string[]>> = {
  global: [
    'h1-accept-payload-with-any-method', 'h1-case-adjust', 'h1-case-adjust-file', 'h1-do-not-close-on-insecure-transfer-encoding',
    'h2-workaround-bogus-websocket-clients', 'httpclient.resolvers.id', 'httpclient.resolvers.prefer', 'httpclient.ssl.ca-file',
    'httpclient.ssl.verify', 'httpclient.retries', 'httpclient.timeout.connect', 'tune.h1.zero-copy-fwd-recv', 'tune.h1.zero-copy-fwd-send',
    'tune.quic.frontend.conn-tx-buffers.limit',
    'tune.quic.frontend.max-idle-timeout', 'tune.quic.frontend.max-streams-bidi', 'tune.quic.retry-threshold',
    '51degrees-cache-size', '51degrees-data-file', '51degrees-property-name-list', '51degrees-property-separator',
    'deviceatlas-json-file', 'deviceatlas-log-level', 'deviceatlas-properties-cookie', 'deviceatlas-separator',
    'wurfl-cache-size', 'wurfl-data-file', 'wurfl-information-list', 'wurfl-information-list-separator',
  ],
  proxy: [
    'option accept-unsafe-violations-in-http-request', 'option accept-unsafe-violations-in-http-response', 'option forwarded',
    'option http-drop-request-trailers', 'option http-drop-response-trailers', 'option http-use-htx', 'use-fcgi-app',
  ],
  server: ['redir', 'ws'],
  fetch: [
    'base', 'base32', 'base32+src', 'base_beg', 'base_dir', 'base_dom', 'base_end', 'base_len', 'base_reg', 'base_sub', 'baseq',
    'bc_http_major', 'capture.req.method', 'capture.req.uri', 'capture.req.ver', 'capture.res.ver',
    'cook', 'cook_beg', 'cook_cnt', 'cook_dir', 'cook_dom', 'cook_end', 'cook_len', 'cook_reg', 'cook_sub', 'cook_val', 'cookie',
    'fc_http_major', 'fcgi.docroot', 'fcgi.index', 'hdr', 'hdr_beg', 'hdr_cnt', 'hdr_dir', 'hdr_dom', 'hdr_end', 'hdr_ip', 'hdr_len',
    'hdr_reg', 'hdr_sub', 'hdr_val', 'http_auth', 'http_auth_bearer', 'http_auth_group', 'http_auth_pass', 'http_auth_type',
    'http_auth_user', 'http_first_req', 'internal.htx.data', 'internal.htx.free', 'internal.htx.free_data', 'internal.htx.has_eom',
    'internal.htx.nbblks', 'internal.htx.size', 'internal.htx.used', 'internal.htx_blk.data', 'internal.htx_blk.hdrname',
    'internal.htx_blk.hdrval', 'internal.htx_blk.size', 'internal.htx_blk.start_line', 'internal.htx_blk.type', 'internal.strm.is_htx', 'meth', 'method', 'path', 'path_beg', 'path_dir', 'path_dom', 'path_end', 'path_len', 'path_reg',
    'path_sub', 'pathq', 'query', 'req.body', 'req.body_len', 'req.body_param', 'req.body_size', 'req.cook', 'req.cook_cnt', 'req.cook_val',
    'req.fhdr', 'req.fhdr_cnt', 'req.hdr', 'req.hdr_cnt', 'req.hdr_ip', 'req.hdr_names', 'req.hdr_val', 'req.hdrs', 'req.hdrs_bin',
    'req.ver', 'req_ver', 'res.body', 'res.body_len', 'res.body_size', 'res.cache_hit', 'res.cache_name', 'res.comp', 'res.comp_algo',
    'res.cook', 'res.cook_cnt', 'res.cook_val', 'res.fhdr', 'res.fhdr_cnt', 'res.hdr', 'res.hdr_cnt', 'res.hdr_ip', 'res.hdr_names',
    'res.hdr_val', 'res.hdrs', 'res.hdrs_bin', 'res.ver', 'resp_ver', 'scook', 'scook_beg', 'scook_cnt', 'scook_dir', 'scook_dom',
    'scook_end', 'scook_len', 'scook_reg', 'scook_sub', 'scook_val', 'shdr', 'shdr_beg', 'shdr_cnt', 'shdr_dir', 'shdr_dom', 'shdr_end',
    'shdr_ip', 'shdr_len', 'shdr_reg', 'shdr_sub', 'shdr_val', 'status', 'url', 'url32', 'url32+src', 'url_beg', 'url_dir', 'url_dom',
    'url_end', 'url_ip', 'url_len', 'url_param', 'url_port', 'url_reg', 'url_sub', 'urlp', 'urlp_beg', 'urlp_dir', 'urlp_dom', 'urlp_end',
    'urlp_len', 'urlp_reg', 'urlp_sub', 'urlp_val',
  ],
  converter: ['language', 'rfc7239_field', 'rfc7239_is_valid', 'rfc7239_n2nn', 'rfc7239_n2np', 'rfc7239_nn', 'rfc7239_np'],
  section: ['fcgi-app'],
}

/** Words of databases that tell devices apart by HTTP headers. */
const DEVICES: Readonly<Record<string, readonly string[]>> = {
  fetch: ['51d.all'],
  converter: ['51d.single', 'da-csv-conv'],
}

const LUA: Readonly<Record<string, readonly string[]>> = {
  global: [
    'lua-load', 'lua-load-per-thread', 'lua-prepend-path', 'tune.lua.forced-yield', 'tune.lua.log.loggers', 'tune.lua.log.stderr',
    'tune.lua.maxmem', 'tune.lua.burst-timeout', 'tune.lua.service-timeout', 'tune.lua.session-timeout', 'tune.lua.task-timeout',
  ],
}

/** Known to HAProxy's manual, of use here, and missing from the data of LANGUAGE. */
const LATER: Readonly<Record<string, readonly string[]>> = {
  global: [
    'stats', 'profiling.memory', 'master-worker', 'tune.rcvbuf.server', 'tune.sndbuf.server', 'tune.memory.hot-size',
    'tune.ssl.capture-cipherlist-size', 'tune.vars.check-max-size', 'tune.vars.proc-max-size', 'tune.vars.reqres-max-size',
    'tune.vars.sess-max-size', 'tune.vars.txn-max-size', 'anonkey',
  ],
  proxy: [
    'dispatch', 'filter', 'monitor fail', 'monitor-net', 'option transparent', 'stats', 'tcp-check send-lf',
    'tcp-check send-binary-lf', 'tcp-check set-var-fmt', 'http-check set-var-fmt', 'http-check', 'tcp-check', 'stick', 'email-alert',
    'transparent',
  ],
  bind: ['quic-force-retry', 'quic-socket', 'quic-cc-algo'],
  server: ['downinter', 'fastinter', 'no-check-send-proxy', 'error-limit'],
  section: [
    'acme', 'crt-store', 'log-forward', 'log-profile', 'mailers', 'peers', 'program', 'resolvers', 'ring', 'traces', 'dynamic-update', 'healthcheck',
  ],
}

/** What HAProxy 2.1 took the place of the rules before `http-request` with. */
const REWRITTEN: Readonly<Record<string, string>> = {
  reqadd: 'http-request add-header', reqallow: 'http-request allow', reqdel: 'http-request del-header', reqdeny: 'http-request deny',
  reqiallow: 'http-request allow', reqidel: 'http-request del-header', reqideny: 'http-request deny', reqirep: 'http-request replace-header',
  reqitarpit: 'http-request tarpit', reqtarpit: 'http-request tarpit',
  reqrep: "http-request replace-path', 'http-request replace-uri' or 'http-request replace-header", rspadd: 'http-response add-header',
  rspdel: 'http-response del-header', rspdeny: 'http-response deny', rspidel: 'http-response del-header', rspideny: 'http-response deny',
  rspirep: 'http-response replace-header', rsprep: 'http-response replace-header',
}

/** Words that HAProxy 2.6 itself refuses, with its answer. */
const RETIRED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  global: {
    nbproc:
      'nbproc is not supported any more since HAProxy 2.5. Threads will automatically be used on multi-processor machines if available.',
  },
  proxy: {
    ...Object.fromEntries(
      Object.entries(REWRITTEN).map(([name, now]) => [name, `The '${name}' directive is not supported anymore since HAProxy 2.1. Use '${now}' instead.`]),
    ),
    reqpass: "The 'reqpass' not supported anymore since HAProxy 2.1.",
    reqipass: "The 'reqipass' directive is not supported anymore since HAProxy 2.1.",
    'timeout clitimeout': "the 'clitimeout' directive is not supported anymore since HAProxy 2.1. Use 'timeout client'.",
    'timeout contimeout': "the 'contimeout' directive is not supported anymore since HAProxy 2.1. Use 'timeout connect'.",
    'timeout srvtimeout': "the 'srvtimeout' directive is not supported anymore since HAProxy 2.1. Use 'timeout server'.",
    'option http_proxy':
      "option 'http_proxy' is not supported any more since HAProxy 2.5. This option stopped working in HAProxy 1.9 and usually had nasty side effects. It can be more reliably implemented with combinations of 'http-request set-dst' and 'http-request set-uri', and even 'http-request do-resolve' if DNS resolution is desired.",
    clitimeout: "the 'clitimeout' directive is not supported anymore since HAProxy 2.1. Use 'timeout client'.",
    contimeout: "the 'contimeout' directive is not supported anymore since HAProxy 2.1. Use 'timeout connect'.",
    srvtimeout: "the 'srvtimeout' directive is not supported anymore since HAProxy 2.1. Use 'timeout server'.",
    redispatch: "keyword 'redispatch' directive is not supported anymore since HAProxy 2.1. Use 'option redispatch'.",
    grace: "the 'grace' keyword is not supported any more since HAProxy version 2.5.",
    appsession: "'appsession' is not supported anymore since HAProxy 1.6.",
    'option forceclose': "option 'forceclose' is not supported any more since HAProxy 2.0, please just remove it, or use 'option httpclose' if absolutely needed.",
    'option http-tunnel': "option 'http-tunnel' is not supported any more since HAProxy 2.1, please just remove it, it shouldn't be needed.",
    block: "The 'block' directive is not supported anymore since HAProxy 2.1. Use 'http-request deny' which uses the exact same syntax.",
  },
  server: { usesrc: "'usesrc' only allowed after a 'source' statement." },
}

function holds(lists: Readonly<Record<string, readonly string[]>>, place: string, name: string): boolean {
  return Object.hasOwn(lists, place) && (lists[place]?.includes(name) ?? false)
}

/** What to say of a foreign word, or undefined. `name` is one word or several with a space between. */
export function foreign(place: string, name: string): string | undefined {
  // What is said of an expression's words goes on behind it: `… in ACL expression 'path_beg'`.
  if (holds(HTTP, place, name) && (place === 'fetch' || place === 'converter')) return `'${name}' is an HTTP keyword, not supported (Headgate is a TCP/TLS proxy).`
  if (holds(HTTP, place, name)) return `'${name}' is an HTTP keyword, not supported: Headgate is a TCP/TLS proxy.`
  if (holds(DEVICES, place, name)) return `'${name}' asks a database of devices about HTTP headers, not supported: Headgate is a TCP/TLS proxy.`
  if (holds(LUA, place, name)) return `'${name}' is for Lua, not supported: plugins are written in JavaScript or TypeScript.`
  if (holds(LATER, place, name)) return `'${name}' is not supported yet.`
  const retired = Object.hasOwn(RETIRED, place) ? RETIRED[place] : undefined
  return retired !== undefined && Object.hasOwn(retired, name) ? retired[name] : undefined
}

/** For tests: every foreign word. */
export function* foreignWords(): Generator<{ place: string; name: string }> {
  for (const lists of [HTTP, DEVICES, LUA, LATER]) {
    for (const [place, names] of Object.entries(lists)) for (const name of names) yield { place, name }
  }
  for (const [place, texts] of Object.entries(RETIRED)) for (const name of Object.keys(texts)) yield { place, name }
}
