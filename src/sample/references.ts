// Owns the names of proxies, servers and tables that expressions mention: noted while lines are read, checked when all is known.

import type { Place, Problem } from '../core/keyword.ts'
import type { Plugin } from '../core/plugin.ts'
import type { ArgSpec, Scope } from '../core/sample.ts'

type ReferenceKind = 'frontend' | 'backend' | 'server' | 'table'

/** `server` names are `backend/server`, or `server` of the section itself. */
export interface Reference {
  readonly kind: ReferenceKind
  readonly name: string
  /** The section that mentions it. */
  readonly proxy: string
  readonly place: Place
  /** `arg 1 of ACL keyword 'be_conn'` */
  readonly what: string
}

/** What there is, by name. */
export interface Known {
  frontend(name: string): boolean
  backend(name: string): boolean
  /** undefined: there is no such backend. */
  server(backend: string, server: string): boolean | undefined
  table(name: string): boolean
}

const noted = new WeakMap<readonly Plugin[], Reference[]>()

function isReference(type: ArgSpec['type']): type is ReferenceKind {
  return type === 'frontend' || type === 'backend' || type === 'server' || type === 'table'
}

/** Keeps the arguments that name something. A name that is left out is the section's own, kept as '': it may be of the other kind. */
export function noteReferences(texts: readonly string[], specs: readonly ArgSpec[], what: string, scope: Scope): void {
  for (const [i, { type }] of specs.entries()) {
    const name = texts[i] ?? ''
    if (!isReference(type) || (name === '' && type !== 'frontend' && type !== 'backend')) continue
    let list = noted.get(scope.plugins)
    if (list === undefined) noted.set(scope.plugins, (list = []))
    list.push({ kind: type, name, proxy: scope.proxy, place: scope.place, what: `arg ${i + 1} of ${what}` })
  }
}

/** The references of the configuration that was read with these plugins, for those who look further than their names. */
export function references(plugins: readonly Plugin[]): readonly Reference[] {
  return noted.get(plugins) ?? []
}

/** An alert for each name that is nobody's. */
export function checkReferences(plugins: readonly Plugin[], known: Known): Problem[] {
  const problems: Problem[] = []
  for (const { kind, name, proxy, place, what } of references(plugins)) {
    const alert = (text: string): void => void problems.push({ ...place, level: 'alert', text })
    if (name === '') {
      if ((kind === 'backend' && !known.backend(proxy) && known.frontend(proxy)) || (kind === 'frontend' && !known.frontend(proxy) && known.backend(proxy))) alert(`proxy '${proxy}', referenced in ${what} in proxy '${proxy}', has not ${kind} capability.`)
      continue
    }
    if (kind !== 'server') {
      if (!known[kind](name)) alert(`unable to find ${kind} '${name}' referenced in ${what} in proxy '${proxy}'.`)
      continue
    }
    const slash = name.indexOf('/')
    const backend = slash < 0 ? proxy : name.slice(0, slash)
    const server = name.slice(slash + 1)
    const there = known.server(backend, server)
    if (there === undefined && slash >= 0) alert(`unable to find proxy '${backend}' referenced in ${what} in proxy '${proxy}'.`)
    else if (there !== true) alert(`unable to find server '${server}' in proxy '${backend}', referenced in ${what} in proxy '${proxy}'.`)
  }
  return problems
}
