// Owns what the program says about itself: usage, -v and -vv.

import { release, type as systemType, version as systemVersion, arch } from 'node:os'
import { COMPATIBLE_VERSION, NAME, VERSION } from '../config/version.ts'

/** Tools look for the line `HAProxy version X.Y.Z` to know which language they may write, so -v says that too. */
export function versionText(): string {
  return [
    `Headgate version ${VERSION} - TCP/TLS front proxy for Node`,
    `HAProxy version ${COMPATIBLE_VERSION}-compatible - its configuration language and command line`,
    `Running on: ${systemType()} ${release()} ${systemVersion()} ${arch()}`,
    '',
  ].join('\n')
}

export interface BuildFacts {
  /** One line per sock provider: its name, whether it is usable and why not, and whose TLS it has. */
  readonly providers: readonly string[]
  /** Names for feature() in conditions. */
  readonly features: readonly string[]
  readonly plugins: readonly string[]
}

/** -vv: what it runs on and what it is made of. */
export function detailsText(facts: BuildFacts): string {
  const { node, v8, uv, openssl } = process.versions
  const indent = (lines: readonly string[]): string[] => lines.map((line) => `  ${line}`)
  return [
    'Build options :',
    `  TARGET  = node-${process.platform}`,
    `  CPU     = ${process.arch}`,
    '',
    `Feature list : ${facts.features.map((name) => `+${name}`).join(' ')}`,
    '',
    'Default settings :',
    '  bufsize = 16384',
    '',
    `Running on Node version : ${node} (V8 ${v8}, libuv ${uv})`,
    `Running on OpenSSL version : OpenSSL ${openssl ?? 'none'}`,
    '',
    'Available sock providers :',
    ...indent(facts.providers),
    '',
    'Available plugins :',
    ...indent(facts.plugins),
    '',
    '',
  ].join('\n')
}

export function usageText(): string {
  return `Usage : ${NAME} [-f <cfgfile|cfgdir>]* [ -vdVD ] [ -n <maxconn> ] [ -N <maxpconn> ]
        [ -p <pidfile> ] [ -m <max megs> ] [ -C <dir> ] [-- <cfgfile>*]
        -v displays version ; -vv shows what it is built with.
        -d enters debug mode ; -db only disables background mode.
        -V enters verbose mode (disables quiet mode)
        -D goes daemon ; -C changes to <dir> before loading files.
        -q quiet mode : don't display messages
        -c check mode : only check config files and exit
        -cc check condition : evaluate a condition and exit
        -n sets the maximum total # of connections
        -m limits the usable amount of memory (in MB)
        -N sets the default, per-proxy maximum # of connections
        -L set local peer name (default to hostname)
        -p writes the pid of the process that serves to this file
        -de disables epoll() usage : the node provider is used
        --provider {node|linux} chooses where sockets come from
        -dS disables splice usage
        -dC prints the configuration files after config checks
        -dL dumps loaded object files after config checks
        -dK{class[,...]} dump registered keywords (use 'help' for list)
        -dr ignores server address resolution failures
        -dV disables SSL verify on servers side
        -dW fails if any warning is emitted
        -dD diagnostic mode : warn about suspicious configuration statements
        -dp, -dk, -dG, -dR, -dM, -dI, -dF, -dZ are accepted and change nothing
        -W, -Ws, -S, -sf, -st and -x are not supported yet
        -h prints this
       ${NAME} explain -f <cfgfile> ... tells a connection's way through the configuration
       ${NAME} lint -f <cfgfile> ... tells what is known to go wrong with it

`
}
