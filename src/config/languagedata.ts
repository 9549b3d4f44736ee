// Owns the words of HAProxy's language that concern a TCP/TLS proxy, as data: what its versions 2.6 to 3 know, by place. Several words
// belong together where a keyword has several; arguments are left out, and a parenthesis begins an argument. Lists are separated
// by commas. Which of them act here is told by the keyword tables, not by this list.

export const LANGUAGE = {
  global: `
ca-base, chroot, close-spread-time, cluster-secret, cpu-map, crt-base, daemon, default-path, description, dns-accept-family,
expose-deprecated-directives, expose-experimental-directives, external-check, fd-hard-limit, force-cfg-parser-pause, gid, grace,
group, hard-stop-after, harden.reject-privileged-ports.tcp, http-err-codes, http-fail-codes, insecure-fork-wanted,
insecure-setuid-wanted, issuers-chain-path, key-base, localpeer, log, log-send-hostname, log-tag, master-worker,
max-spread-checks, max-threads-per-group, maxconn, maxconnrate, maxpipes, maxsessrate, maxsslconn, maxsslrate,
mworker-max-reloads, nbthread, no-memory-trimming, node, nogetaddrinfo, noktls, noreuseport, nosplice, ocsp-update.disable,
ocsp-update.maxdelay, ocsp-update.mindelay, ocsp-update.mode, pidfile, pp2-never-send-local, prealloc-fd, presetenv, quiet,
resetenv, server-state-base, server-state-file, set-dumpable, set-var, set-var-fmt, setcap, setenv, shm-stats-file,
shm-stats-file-max-objects, spread-checks, ssl-default-bind-ciphers, ssl-default-bind-ciphersuites,
ssl-default-bind-client-sigalgs, ssl-default-bind-curves, ssl-default-bind-options, ssl-default-bind-sigalgs,
ssl-default-server-ciphers, ssl-default-server-ciphersuites, ssl-default-server-client-sigalgs, ssl-default-server-curves,
ssl-default-server-options, ssl-default-server-sigalgs, ssl-dh-param-file, ssl-engine, ssl-load-extra-del-ext,
ssl-load-extra-files, ssl-mode-async, ssl-passphrase-cmd, ssl-propquery, ssl-provider, ssl-provider-path, ssl-security-level,
ssl-server-verify, ssl-skip-self-issued-ca, stats calculate-max-counters, stats maxconn, stats socket, stats timeout, stats-file,
stress-level, strict-limits, thread-group, thread-groups, thread-hard-limit, tune.applet.zero-copy-forwarding, tune.buffers.limit,
tune.buffers.reserve, tune.bufsize, tune.bufsize.large, tune.bufsize.small, tune.cli.max-payload-size, tune.defaults.purge,
tune.disable-fast-forward, tune.disable-zero-copy-forwarding, tune.events.max-events-at-once, tune.fail-alloc,
tune.glitches.kill.cpu-usage, tune.idle-pool.shared, tune.idletimer, tune.listener.default-shards, tune.listener.multi-queue,
tune.max-checks-per-thread, tune.max-rules-at-once, tune.maxaccept, tune.maxpollevents, tune.maxrewrite,
tune.notsent-lowat.client, tune.pattern.cache-size, tune.peers.max-updates-at-once, tune.pipesize, tune.pool-high-fd-ratio,
tune.pool-low-fd-ratio, tune.pt.zero-copy-forwarding, tune.rcvbuf.backend, tune.rcvbuf.client, tune.recv_enough,
tune.sndbuf.backend, tune.sndbuf.client, tune.ssl.cachesize, tune.ssl.capture-buffer-size, tune.ssl.certificate-compression,
tune.ssl.default-dh-param, tune.ssl.force-private-cache, tune.ssl.hard-maxrecord, tune.ssl.keylog, tune.ssl.keyupdate-rate-limit,
tune.ssl.lifetime, tune.ssl.maxrecord, tune.ssl.ssl-ctx-cache-size, tune.stick-counters, tune.streams-elasticity,
tune.vars.global-max-size, uid, ulimit-n, unix-bind, unsetenv, user, warn-blocked-traffic-after, zero-warning
`,
  proxy: `
acl, backlog, balance, bind, clitcpka-cnt, clitcpka-idle, clitcpka-intvl, declare capture, default-server, default_backend,
description, disabled, email-alert from, email-alert level, email-alert mailers, email-alert myhostname, email-alert to, enabled,
error-log-format, external-check command, external-check path, force-persist, fullconn, guid, hash-balance-factor, hash-type,
http-check comment, http-check connect, http-check disable-on-404, http-check expect, http-check send, http-check send-state,
http-check set-var, http-check unset-var, id, ignore-persist, load-server-state-from-file, log, log-format, log-format-sd,
log-steps, log-tag, max-session-srv-conns, maxconn, mode, option abortonclose, option allbackups, option clitcpka, option
contstats, option dontlog-normal, option dontlognull, option external-check, option httpchk, option independent-streams, option
ldap-check, option log-health-checks, option log-separate-errors, option logasap, option mysql-check, option nolinger, option
persist, option pgsql-check, option prefer-last-server, option redis-check, option redispatch, option smtpchk, option
socket-stats, option splice-auto, option splice-request, option splice-response, option spop-check, option srvtcpka, option
ssl-hello-chk, option tcp-check, option tcp-smart-accept, option tcp-smart-connect, option tcpka, option tcplog, option
use-small-buffers, persist rdp-cookie, rate-limit sessions, retries, retry-on, server, server-state-file-name, server-template,
source, srvtcpka-cnt, srvtcpka-idle, srvtcpka-intvl, ssl-f-use, stick match, stick on, stick store-request, stick store-response,
stick-table, tcp-check comment, tcp-check connect, tcp-check expect, tcp-check send, tcp-check send-binary, tcp-check set-var,
tcp-check unset-var, tcp-request connection, tcp-request content, tcp-request inspect-delay, tcp-request session, tcp-response
content, tcp-response inspect-delay, timeout check, timeout client, timeout client-fin, timeout client-hs, timeout connect,
timeout queue, timeout server, timeout server-fin, timeout tunnel, unique-id-format, use-server, use_backend
`,
  action: `
accept, attach-srv, capture, close, do-log, do-resolve, expect-netscaler-cip, expect-proxy, reject, sc-add-gpc, sc-inc-gpc,
sc-inc-gpc0, sc-set-gpt, sc-set-gpt0, send-spoe-group, set-bandwidth-limit, set-bc-mark, set-bc-tos, set-dst, set-dst-port,
set-fc-mark, set-fc-tos, set-log-level, set-mark, set-nice, set-priority-class, set-priority-offset, set-retries, set-src,
set-src-port, set-tos, set-var, silent-drop, switch-mode, track-sc, unset-var, use-service
`,
  bind: `
accept-netscaler-cip, accept-proxy, allow-0rtt, alpn, backlog, ca-file, ca-ignore-err, ca-sign-file, ca-sign-pass, ca-verify-file,
cc, ciphers, ciphersuites, client-sigalgs, crl-file, crt, crt-ignore-err, crt-list, curves, default-crt, defer-accept, ecdhe, ech,
expose-fd, force-sslv3, force-tlsv10, force-tlsv11, force-tlsv12, force-tlsv13, generate-certificates, gid, group, guid-prefix,
id, idle-ping, interface, ktls, label, level, maxconn, mode, mss, name, namespace, nbconn, nice, no-alpn, no-ca-names, no-sslv3,
no-strict-sni, no-tls-tickets, no-tlsv10, no-tlsv11, no-tlsv12, no-tlsv13, npn, prefer-client-ciphers, proto, severity-output,
shards, sigalgs, ssl, ssl-max-ver, ssl-min-ver, strict-sni, tcp-md5sig, tcp-ss, tcp-ut, tfo, thread, tls-ticket-keys, tls-tickets,
transparent, uid, user, v4v6, v6only, verify
`,
  server: `
addr, agent-addr, agent-check, agent-inter, agent-port, agent-send, allow-0rtt, alpn, backup, ca-file, cc, check, check-alpn,
check-pool-conn-name, check-proto, check-reuse-pool, check-send-proxy, check-sni, check-sni-auto, check-ssl, check-via-socks4,
ciphers, ciphersuites, client-sigalgs, cookie, crl-file, crt, curves, disabled, enabled, error-limit, fall, force-sslv3,
force-tlsv10, force-tlsv11, force-tlsv12, force-tlsv13, from, guid, hash-key, healthcheck, id, idle-ping, init-addr, init-state,
inter, ktls, log-bufsize, log-proto, max-reuse, maxconn, maxqueue, minconn, namespace, no-agent-check, no-backup, no-check,
no-check-reuse-pool, no-check-sni-auto, no-check-ssl, no-renegotiate, no-send-proxy, no-send-proxy-v2, no-send-proxy-v2-ssl,
no-send-proxy-v2-ssl-cn, no-sni-auto, no-ssl, no-ssl-reuse, no-sslv3, no-tfo, no-tls-tickets, no-tlsv10, no-tlsv11, no-tlsv12,
no-tlsv13, no-verifyhost, non-stick, npn, observe, on-error, on-marked-down, on-marked-up, pool-conn-name, pool-low-conn,
pool-max-conn, pool-purge-delay, port, proto, proxy-v2-options, quic-cc-algo, redir, renegotiate, resolve-net, resolve-opts,
resolve-prefer, resolvers, rise, send-proxy, send-proxy-v2, send-proxy-v2-ssl, send-proxy-v2-ssl-cn, set-proxy-v2-tlv-fmt, shard,
sigalgs, slowstart, sni, sni-auto, socks4, source, ssl, ssl-max-ver, ssl-min-ver, ssl-reuse, stick, strict-maxconn, tcp-md5sig,
tcp-ut, tfo, tls-tickets, track, verify, verifyhost, weight, ws
`,
  resolvers: `
accepted_payload_size, hold, nameserver, parse-resolv-conf, resolve_retries, resolvers, timeout
`,
  'stick-table': `
stick-table, table
`,
  peers: `
bind, default-bind, default-server, disabled, enabled, log, peer, peers, server, shards, table
`,
  ring: `
backing-file, description, format, maxlen, ring, server, size, timeout connect, timeout server
`,
  'log-forward': `
backlog, bind, dgram-bind, log, log-forward, maxconn, option assume-rfc6587-ntf, option dont-parse-log, option host, timeout
client
`,
  'crt-store': `
acme, alias, bits, crt, crt-base, crt-store, curves, domains, generate-dummy, ips, issuer, jwt, key, key-base, keytype, load,
ocsp, ocsp-update, sctl
`,
  fetch: `
accept_date, acl, act_conn, always_false, always_true, avg_queue, bc.timer.connect, bc_be_queue, bc_dst, bc_dst_port,
bc_err, bc_err_name, bc_err_str, bc_nb_streams, bc_reused, bc_rtt, bc_rttvar, bc_settings_streams_limit, bc_src, bc_src_port,
bc_srv_queue, be_conn, be_conn_free, be_connect_timeout, be_id, be_max_retries, be_name, be_queue_timeout, be_server_timeout,
be_sess_rate, be_tarpit_timeout, be_tunnel_timeout, bin, bool, bs.aborted, bs.debug_str, bs.id, bs.rst_code, bytes_in, bytes_out,
connslots, cpu_calls, cpu_ns_avg, cpu_ns_tot, cpu_usage_grp, cpu_usage_proc, cpu_usage_thr, cur_client_timeout,
cur_connect_timeout, cur_max_retries, cur_queue_timeout, cur_server_timeout, cur_tarpit_timeout, cur_tunnel_timeout, date,
date_us, distcc_body, distcc_param, dst, dst_conn, dst_is_local, dst_port, dump_all_vars, env, fc.timer.handshake, fc.timer.total,
fc_dst, fc_dst_is_local, fc_dst_port, fc_err, fc_err_name, fc_err_str, fc_fackets, fc_lost, fc_nb_streams, fc_pp_authority,
fc_pp_tlv, fc_pp_unique_id, fc_rcvd_proxy, fc_reordering, fc_retrans, fc_rtt, fc_rttvar, fc_sacked, fc_saved_syn,
fc_settings_streams_limit, fc_src, fc_src_is_local, fc_src_port, fc_unacked, fe_client_timeout, fe_conn, fe_defbe, fe_id, fe_name,
fe_req_rate, fe_sess_rate, fe_tarpit_timeout, fs.aborted, fs.debug_str, fs.id, fs.rst_code, hostname, int, ipv4, ipv6,
last_entity, last_rule_file, last_rule_line, lat_ns_avg, lat_ns_tot, nbsrv, payload, payload_lv, pid, prio_class,
prio_offset, proc, queue, rand, req.bytes_in, req.bytes_out, req.len, req.payload, req.payload_lv, req.proto_http, req.rdp_cookie,
req.rdp_cookie_cnt, req.ssl_alpn, req.ssl_ec_ext, req.ssl_hello_type, req.ssl_sni, req.ssl_st_ext, req.ssl_ver, res.bytes_in,
res.bytes_out, res.len, res.payload, res.payload_lv, res.ssl_hello_type, res.timer.data, sc_bytes_in_rate, sc_bytes_out_rate,
sc_clr_gpc, sc_clr_gpc0, sc_clr_gpc1, sc_conn_cnt, sc_conn_cur, sc_conn_rate, sc_get_gpc, sc_get_gpc0, sc_get_gpc1, sc_get_gpt,
sc_get_gpt0, sc_gpc0_rate, sc_gpc1_rate, sc_gpc_rate, sc_inc_gpc, sc_inc_gpc0, sc_inc_gpc1, sc_kbytes_in, sc_kbytes_out, sc_key,
sc_sess_cnt, sc_sess_rate, sc_tracked, sc_trackers, so_id, so_name, src, src_bytes_in_rate, src_bytes_out_rate, src_clr_gpc,
src_clr_gpc0, src_clr_gpc1, src_conn_cnt, src_conn_cur, src_conn_rate, src_get_gpc, src_get_gpc0, src_get_gpc1, src_get_gpt,
src_get_gpt0, src_gpc0_rate, src_gpc1_rate, src_gpc_rate, src_inc_gpc, src_inc_gpc0, src_inc_gpc1, src_is_local, src_kbytes_in,
src_kbytes_out, src_port, src_sess_cnt, src_sess_rate, src_updt_conn_cnt, srv_conn, srv_conn_free, srv_id, srv_is_up, srv_iweight,
srv_name, srv_queue, srv_sess_rate, srv_uweight, srv_weight, ssl_bc, ssl_bc_alg_keysize, ssl_bc_alpn, ssl_bc_cipher,
ssl_bc_client_early_traffic_secret, ssl_bc_client_handshake_traffic_secret, ssl_bc_client_random, ssl_bc_client_traffic_secret_0,
ssl_bc_curve, ssl_bc_early_exporter_secret, ssl_bc_err, ssl_bc_err_str, ssl_bc_exporter_secret, ssl_bc_is_resumed, ssl_bc_npn,
ssl_bc_protocol, ssl_bc_server_handshake_traffic_secret, ssl_bc_server_random, ssl_bc_server_traffic_secret_0, ssl_bc_session_id,
ssl_bc_session_key, ssl_bc_sni, ssl_bc_unique_id, ssl_bc_use_keysize, ssl_c_ca_err, ssl_c_ca_err_depth, ssl_c_chain_der,
ssl_c_der, ssl_c_err, ssl_c_i_dn, ssl_c_key_alg, ssl_c_notafter, ssl_c_notbefore, ssl_c_policies, ssl_c_r_dn, ssl_c_s_dn,
ssl_c_san, ssl_c_serial, ssl_c_sha1, ssl_c_sig_alg, ssl_c_used, ssl_c_verify, ssl_c_version, ssl_f_der, ssl_f_i_dn, ssl_f_key_alg,
ssl_f_notafter, ssl_f_notbefore, ssl_f_s_dn, ssl_f_serial, ssl_f_sha1, ssl_f_sig_alg, ssl_f_version, ssl_fc, ssl_fc_alg_keysize,
ssl_fc_alpn, ssl_fc_cipher, ssl_fc_cipherlist_bin, ssl_fc_cipherlist_hex, ssl_fc_cipherlist_str, ssl_fc_cipherlist_xxh,
ssl_fc_client_early_traffic_secret, ssl_fc_client_handshake_traffic_secret, ssl_fc_client_random, ssl_fc_client_traffic_secret_0,
ssl_fc_crtname, ssl_fc_curve, ssl_fc_early_exporter_secret, ssl_fc_early_rcvd, ssl_fc_ecformats_bin, ssl_fc_eclist_bin,
ssl_fc_err, ssl_fc_err_str, ssl_fc_exporter_secret, ssl_fc_extlist_bin, ssl_fc_has_crt, ssl_fc_has_early, ssl_fc_has_sni,
ssl_fc_is_resumed, ssl_fc_npn, ssl_fc_protocol, ssl_fc_protocol_hello_id, ssl_fc_server_handshake_traffic_secret,
ssl_fc_server_random, ssl_fc_server_traffic_secret_0, ssl_fc_session_id, ssl_fc_session_key, ssl_fc_sigalgs_bin, ssl_fc_sni,
ssl_fc_supported_versions_bin, ssl_fc_unique_id, ssl_fc_use_keysize, ssl_s_chain_der, ssl_s_der, ssl_s_i_dn, ssl_s_key_alg,
ssl_s_notafter, ssl_s_notbefore, ssl_s_s_dn, ssl_s_serial, ssl_s_sha1, ssl_s_sig_alg, ssl_s_version, stopping, str, table_avl,
table_cnt, term_events, tgroup, thread, txn.conn_retries, txn.id32, txn.redispatched, txn.sess_term_state, txn.timer.user, uptime,
uuid, var, wait_end, waiting_entity
`,
  converter: `
add, add_item, aes_cbc_dec, aes_cbc_enc, aes_gcm_dec, aes_gcm_enc, and, b64dec, base2, base64, be2dec, be2hex, bool,
bytes, capture-req, concat, cpl, crc32, crc32c, cut_crlf, date, debug, digest, div, djb2, eth.data,
eth.dst, eth.hdr, eth.proto, eth.src, eth.vlan, even, fe_exists, field, fix_is_valid, fix_tag_value, has_ctl, hex, hex2i, hmac,
host_only, htonl, http_date, iif, in_table, ip.data, ip.df, ip.dst, ip.fp, ip.hdr, ip.proto, ip.src, ip.tos, ip.ttl, ip.ver,
ipmask, json, json_query, jwt_decrypt_cert, jwt_decrypt_jwk, jwt_decrypt_secret, jwt_header_query, jwt_payload_query, jwt_verify,
jwt_verify_cert, le2dec, length, lower, ltime, ltrim, map, mod, mqtt_field_value, mqtt_is_valid, ms_ltime, ms_utime,
mul, nbsrv, neg, not, odd, or, param, port_only, protobuf, regsub, reverse, reverse_dom, rtrim, sdbm, secure_memcmp, set-var, sha1, sha2, srv_is_up, srv_queue, strcmp,
sub, table_bytes_in_rate, table_bytes_out_rate, table_clr_gpc, table_clr_gpc0, table_clr_gpc1, table_conn_cnt, table_conn_cur,
table_conn_rate, table_expire, table_glitch_cnt, table_glitch_rate, table_gpc, table_gpc0, table_gpc0_rate, table_gpc1,
table_gpc1_rate, table_gpc_rate, table_gpt, table_gpt0, table_http_err_cnt, table_http_err_rate, table_http_fail_cnt,
table_http_fail_rate, table_http_req_cnt, table_http_req_rate, table_idle, table_inc_gpc, table_inc_gpc0, table_inc_gpc1,
table_kbytes_in, table_kbytes_out, table_server_id, table_sess_cnt, table_sess_rate, table_trackers, tcp.dst, tcp.flags,
tcp.options.mss, tcp.options.sack, tcp.options.tsopt, tcp.options.tsval, tcp.options.wscale, tcp.options.wsopt, tcp.options_list,
tcp.seq, tcp.src, tcp.win, ub64dec, ub64enc, ungrpc, unset-var, upper, url_dec, url_enc, us_ltime, us_utime, utime, when, word,
wt6, x509_v_err_str, xor, xxh3, xxh32, xxh64
`,
  runtime: `
abort ssl ca-file, abort ssl cert, abort ssl crl-file, acme renew, acme status, add acl, add backend, add map, add server, add
server help, add ssl ca-file, add ssl crt-list, add ssl ech, add ssl jwt, clear acl, clear counters, clear counters all, clear
counters server, clear map, clear table, commit acl, commit map, commit ssl ca-file, commit ssl cert, commit ssl crl-file, debug
counters, debug dev, del acl, del backend, del map, del server, del ssl ca-file, del ssl cert, del ssl crl-file, del ssl crt-list,
del ssl ech, del ssl jwt, disable agent, disable dynamic-cookie backend, disable frontend, disable health, disable server, dump
ssl cert, dump stats-file, echo, enable agent, enable dynamic-cookie backend, enable frontend, enable health, enable server,
experimental-mode, expert-mode, get map, get var, get weight, help, httpclient, new ssl ca-file, new ssl cert, new ssl crl-file,
operator, prepare acl, prepare map, prompt, publish backend, quit, set anon, set anon global-key, set dynamic-cookie-key backend,
set map, set maxconn frontend, set maxconn global, set maxconn server, set profiling memory, set rate-limit connections global,
set rate-limit http-compression global, set rate-limit sessions global, set rate-limit ssl-sessions global, set server, set
severity-output, set ssl ca-file, set ssl cert, set ssl crl-file, set ssl ech, set ssl ocsp-response, set ssl tls-key, set table,
set timeout cli, set var, set weight, show acl, show activity, show anon, show backend, show cache, show cli level, show cli
sockets, show default-server, show defaults, show dev, show env, show errors, show events, show fd, show info, show libs, show
map, show peers, show pools, show profiling, show quic, show resolvers, show schema json, show servers conn, show servers state,
show sess, show ssl ca-file, show ssl cert, show ssl crl-file, show ssl crt-list, show ssl ech, show ssl jwt, show ssl
ocsp-response, show ssl ocsp-updates, show ssl providers, show ssl sni, show startup-logs, show stat, show table, show tasks, show
threads, show tls-keys, show trace, show version, shutdown frontend, shutdown session, shutdown sessions server, trace, trace 0,
unpublish backend, update ssl ocsp-response, user, wait
`,
  'master-cli': `
@, @@, experimental-mode, expert-mode, hard-reload, mcli-debug-mode, prompt, reload, show proc, show startup-logs
`,
} as const
