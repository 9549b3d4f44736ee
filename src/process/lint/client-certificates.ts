// Owns the lint rule about client certificates that are asked for here and not there: of a name that is served on both lines, by the
// same backends, the door is open.

import { readdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import type { Place } from '../../core/keyword.ts'
import { readCertificate } from '../../core/certificate.ts'
import type { Plugin } from '../../core/plugin.ts'
import type { Configuration, ProxySection } from '../../config/configuration.ts'
import { hasFrontend } from '../../config/configuration.ts'
import { locate } from '../../config/files.ts'
import { defaultPath } from '../../config/keywords/environment.ts'
import { crtBase } from '../../config/keywords/global.ts'
import { defaultBackend, disabled } from '../../config/keywords/proxy.ts'
import { bindLines } from '../../config/lines.ts'
import { useBackendRules } from '../../sample/switching.ts'
import type { Finding, LintRule } from './lint-rule.ts'
import { keywordNamed } from './plugin-keywords.ts'

/** A name that a bind line serves, and whether clients have to show a certificate for it. */
interface Served {
  readonly name: string
  readonly asks: boolean
  readonly line: string
  readonly place: Place
  /** Names of the backends behind it; undefined: they are computed. */
  readonly backends: ReadonlySet<string> | undefined
}

interface Source {
  readonly kind: 'crt' | 'crt-list'
  readonly path: string
}

function isSource(value: unknown): value is Source {
  return typeof value === 'object' && value !== null && 'kind' in value && 'path' in value && typeof value.path === 'string'
}

/** Names of the certificates in a file or a folder. What cannot be read is start-up's to say. */
function namesIn(file: string): readonly string[] {
  try {
    const files = statSync(file).isDirectory() ? readdirSync(file).map((name) => path.join(file, name)) : [file]
    return files.flatMap((one) => {
      const read = readCertificate(one, readFileSync(one))
      return read.ok ? read.certificate.names : []
    })
  } catch {
    return []
  }
}

function backendsOf({ kind, name, values }: ProxySection): Served['backends'] {
  const names = [values.get(defaultBackend), ...(values.get(useBackendRules) ?? []).map((rule) => rule.name ?? '')].filter((backend) => backend !== undefined)
  return names.includes('') ? undefined : new Set(kind === 'listen' ? [name, ...names] : names)
}

/** A client of either may come to the same servers. */
function share(a: Served, b: Served): boolean {
  return a.backends === undefined || b.backends === undefined || [...a.backends].some((backend) => b.backends?.has(backend))
}

/** `<crtfile> [[<options>]] [<filters>]` */
const LIST_LINE = /^\s*([^\s#[]+)\s*(?:\[([^\]]*)\])?\s*(.*?)\s*$/

function servedOn(configuration: Configuration, plugins: readonly Plugin[]): Served[] {
  const [ssl, crt, verify] = ['ssl', 'crt', 'verify'].map((name) => keywordNamed(plugins, name, 'bind'))
  if (ssl === undefined || crt === undefined || verify === undefined) return []
  const base = configuration.global.get(crtBase)
  const where = (name: string, place: Place): string => locate(base === undefined || path.isAbsolute(name) ? name : path.join(base, name), place.file, configuration.global.get(defaultPath))
  const served: Served[] = []
  let backends: Served['backends']
  const add = (names: readonly string[], asks: boolean, line: string, place: Place): void => void served.push(...names.map((name) => ({ name, asks, line, place, backends })))
  const addList = (file: string, asked: boolean, line: string, place: Place): void => {
    let text: string
    try {
      text = readFileSync(file, 'utf8')
    } catch {
      return
    }
    for (const entry of text.split('\n')) {
      const [, certificate, options = '', filters = ''] = LIST_LINE.exec(entry) ?? []
      if (certificate === undefined) continue
      const own = /(?:^|\s)verify\s+(\S+)/.exec(options)?.[1]
      const names = filters.split(/\s+/).filter((filter) => filter !== '' && !filter.startsWith('!') && !filter.startsWith('#'))
      add(names.length > 0 ? names.map((name) => name.toLowerCase()) : namesIn(where(certificate, place)), own === undefined ? asked : own !== 'none', line, place)
    }
  }
  for (const proxy of configuration.proxies) {
    if (!hasFrontend(proxy.kind) || proxy.values.get(disabled) === true) continue
    backends = backendsOf(proxy)
    for (const { values, text, place } of proxy.values.get(bindLines) ?? []) {
      if (values.get(ssl) !== true) continue
      const asked = asksFor(values.get(verify))
      const sources: unknown = values.get(crt)
      for (const source of Array.isArray(sources) ? sources.filter(isSource) : []) {
        if (source.kind === 'crt') add(namesIn(where(source.path, place)), asked, text, place)
        else addList(where(source.path, place), asked, text, place)
      }
    }
  }
  return served
}

function asksFor(verify: unknown): boolean {
  return verify === 'optional' || verify === 'required'
}

function find(configuration: Configuration, plugins: readonly Plugin[]): readonly Finding[] {
  const served = servedOn(configuration, plugins)
  const findings = new Map<string, Finding>()
  for (const asking of served.filter(({ asks }) => asks)) {
    const { name, line, place } = asking
    const open = served.find((other) => other.name === name && !other.asks && share(asking, other))
    const key = `${place.file}:${place.line}`
    if (open === undefined || findings.has(key)) continue
    findings.set(key, {
      place,
      text: `'bind ${line}' asks for client certificates for '${name}', and 'bind ${open.line}' (${open.place.file}:${open.place.line}) serves that name without, before the same servers: who has none goes there.`,
      instead: "use the same 'verify' wherever the name is served, or another certificate",
    })
  }
  return [...findings.values()]
}

export const clientCertificates: LintRule = {
  name: 'client-certificates-elsewhere-not',
  doc: 'Client certificates are asked for on one bind line, and not on another that serves the same name.',
  find,
}
