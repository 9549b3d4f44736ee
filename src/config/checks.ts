// Owns what no single line can know: names that must exist, what a proxy lacks, numbers that must be unique.

import type { Place, Problem } from '../core/keyword.ts'
import { hasBackend, hasFrontend, type Check, type Configuration, type ProxySection, type Report } from './configuration.ts'
import { bindId } from './keywords/bind.ts'
import { defaultBackend, disabled, mode, NO_HTTP, proxyId } from './keywords/proxy.ts'
import { serverId } from './keywords/server.ts'
import { timeoutClient, timeoutConnect, timeoutServer } from './keywords/timeouts.ts'
import { bindLines, serverLines } from './lines.ts'
import { didYouMean } from './near.ts'

/** HAProxy calls a listen section a proxy. */
export function label(proxy: ProxySection): string {
  return proxy.kind === 'listen' ? 'proxy' : proxy.kind
}

function problem(level: Problem['level'], place: Place, text: string, hint?: string): Problem {
  return { level, ...place, text, ...(hint === undefined ? {} : { hint }) }
}

/** Proxies that are not `disabled`. */
function running(configuration: Configuration): ProxySection[] {
  return configuration.proxies.filter((proxy) => proxy.values.get(disabled) !== true)
}

/** Whether anything would listen; when not, -c exits with 2. A `stats socket` is not known here. */
export function wouldListen(configuration: Configuration): boolean {
  return running(configuration).some((proxy) => hasFrontend(proxy.kind) && (proxy.values.get(bindLines)?.length ?? 0) > 0)
}

/** Backends that default_backend names; those of rules are proxy/check-names.ts's. Sound even where lines elsewhere could not be read. */
export function checkReferences(configuration: Configuration, report: Report): void {
  const backends = new Map(configuration.proxies.filter((p) => hasBackend(p.kind)).map((p) => [p.name, p]))
  for (const proxy of running(configuration)) {
    if (!hasFrontend(proxy.kind)) continue
    const name = proxy.values.get(defaultBackend)
    if (name === undefined) continue
    const place = proxy.values.placeOf(defaultBackend) ?? proxy.place
    const found = backends.get(name)
    if (found === undefined) {
      report(problem('alert', place, `Proxy '${proxy.name}': unable to find required default_backend: '${name}'.`, didYouMean(name, backends.keys())))
    } else if (found === proxy) {
      report(problem('alert', place, `Proxy '${proxy.name}': loop detected for default_backend: '${name}'.`))
    }
  }
}

/** `mode http` of a `defaults` section is refused when a proxy has no other; once, whatever the number of these. */
export function checkModes(configuration: Configuration, report: Report): void {
  const places = new Map<Place, string[]>()
  for (const proxy of running(configuration)) {
    const place = proxy.values.placeOf(mode)
    if (proxy.values.get(mode) !== 'http' || place === undefined) continue
    const names = places.get(place) ?? []
    places.set(place, names)
    names.push(`${label(proxy)} '${proxy.name}'`)
  }
  for (const [place, names] of places) {
    const more = names.length > 3 ? ` and ${names.length - 3} more` : ''
    report(problem('alert', place, NO_HTTP, `'mode tcp' passes HTTP through as it is; no mode of their own: ${names.slice(0, 3).join(', ')}${more}`))
  }
}

const MISSING_TIMEOUTS =
  '\n   | While not properly invalid, you will certainly encounter various problems' +
  '\n   | with such a configuration. To fix this, please ensure that all following' +
  "\n   | timeouts are set to a non-zero value: 'client', 'connect', 'server'."

/** Warned about as in HAProxy: -dW refuses to start over it. */
const checkLacks: Check = (configuration, report) => {
  for (const proxy of running(configuration)) {
    const { values } = proxy
    const unset = (ms: number | undefined): boolean => ms === undefined || ms === 0
    if (hasFrontend(proxy.kind) && (values.get(bindLines)?.length ?? 0) === 0) {
      const text = `${label(proxy)} '${proxy.name}' has no 'bind' directive. Please declare it as a backend if this was intended.`
      report({ ...problem('warning', proxy.place, text), name: 'no-bind' })
    }
    const client = hasFrontend(proxy.kind) && unset(values.get(timeoutClient))
    const serves = hasBackend(proxy.kind) && (values.get(serverLines)?.length ?? 0) > 0
    if (client || (serves && (unset(values.get(timeoutConnect)) || unset(values.get(timeoutServer))))) {
      report({ ...problem('warning', proxy.place, `missing timeouts for ${label(proxy)} '${proxy.name}'.${MISSING_TIMEOUTS}`), name: 'missing-timeouts' })
    }
  }
}

/** Ids: of proxies among all, of bind and server lines within their proxy. */
const checkIds: Check = (configuration, report) => {
  const proxies = new Map<number, ProxySection>()
  for (const proxy of configuration.proxies) {
    const { values, name } = proxy
    const id = values.get(proxyId)
    const twin = id === undefined ? undefined : proxies.get(id)
    if (twin !== undefined) {
      const text = `${label(proxy)} ${name} reuses same custom id as ${label(twin)} ${twin.name} (declared at ${twin.place.file}:${twin.place.line}).`
      report(problem('alert', values.placeOf(proxyId) ?? proxy.place, text))
    } else if (id !== undefined) {
      proxies.set(id, proxy)
    }
    const binds = (values.get(bindLines) ?? []).map((line) => ({ id: line.values.get(bindId), place: line.place, name: `bind ${line.text}` }))
    unique(binds, (line) => `'${line.name}' in section '${proxy.kind}' : `, report)
    const servers = (values.get(serverLines) ?? []).map((line) => ({ id: line.values.get(serverId), place: line.place, name: `server ${line.name}` }))
    unique(servers, (line) => `'server ${name}/${line.name.slice('server '.length)}' : `, report)
  }
}

interface Numbered {
  readonly id: number | undefined
  readonly place: Place
  readonly name: string
}

function unique(lines: readonly Numbered[], prefix: (line: Numbered) => string, report: Report): void {
  const seen = new Map<number, Numbered>()
  for (const line of lines) {
    const twin = line.id === undefined ? undefined : seen.get(line.id)
    if (twin !== undefined) {
      const where = `${twin.place.file}:${twin.place.line} ('${twin.name}')`
      report(problem('alert', line.place, `${prefix(line)}'id' : custom id ${line.id} already used at ${where}.`))
    } else if (line.id !== undefined) {
      seen.set(line.id, line)
    }
  }
}

export const standardChecks: readonly Check[] = [checkLacks, checkIds]
