// Owns what the command line changes of a configuration that has been read: its options win over the keywords they stand for.

import type { Keyword, Place, Values } from '../core/keyword.ts'
import type { Configuration, ProxySection } from '../config/configuration.ts'
import { localpeer, nosplice, pidfile, zeroWarning } from '../config/keywords/global.ts'
import { maxconn } from '../config/keywords/proxy.ts'
import { serverInitAddr } from '../config/keywords/server.ts'
import { sslServerVerify } from '../config/keywords/tls.ts'
import { serverLines } from '../config/lines.ts'
import { SectionValues } from '../config/values.ts'
import type { CommandLine } from './arguments.ts'

const HERE: Place = { file: 'command line', line: 0 }

function override<T>(values: SectionValues, keyword: Keyword<T>, value: T): void {
  values.set(keyword, value, HERE)
}

/** -N holds where a frontend has no maxconn; -dr lets servers start without an address. */
function proxyValues(section: ProxySection, line: CommandLine): Values {
  const values = new SectionValues(section.values)
  if (line.proxyMaxconn !== undefined && section.values.get(maxconn) === undefined) override(values, maxconn, line.proxyMaxconn)
  const servers = section.values.get(serverLines)
  if (line.ignoreResolution && servers !== undefined) {
    const patient = servers.map((server) => {
      const own = new SectionValues(server.values)
      override(own, serverInitAddr, [...(server.values.get(serverInitAddr) ?? ['last', 'libc']), 'none'])
      return { ...server, values: own }
    })
    override(values, serverLines, patient)
  }
  return values
}

/** The configuration as the command line wants it. -n is not among it: see limits.ts. */
export function applyCommandLine(configuration: Configuration, line: CommandLine): Configuration {
  const global = new SectionValues(configuration.global)
  if (line.pidFile !== undefined) override(global, pidfile, line.pidFile)
  if (line.localPeer !== undefined) override(global, localpeer, line.localPeer)
  if (line.zeroWarning) override(global, zeroWarning, true)
  if (line.noSplice) override(global, nosplice, true)
  if (line.noServerVerify) override(global, sslServerVerify, 'none')
  const proxies = configuration.proxies.map((section) => ({ ...section, values: proxyValues(section, line) }))
  return { ...configuration, global, proxies }
}
