// Owns -dK: lists of what is registered, for tools that look for additions to the language.

import type { Keyword, Section } from '../core/keyword.ts'
import type { Plugin } from '../core/plugin.ts'

const CLASSES: Readonly<Record<string, string>> = {
  acl: 'ACL keywords',
  cfg: 'configuration keywords',
  cli: 'CLI keywords',
  cnv: 'sample converter keywords',
  flt: 'filter names',
  smp: 'sample fetch functions',
  svc: 'service names',
}

const SECTIONS: readonly Section[] = ['global', 'defaults', 'frontend', 'backend', 'bind', 'server']

function configurationLines(keywords: readonly Keyword<unknown>[]): string[] {
  return SECTIONS.flatMap((section) => [
    section,
    ...keywords.filter((k) => k.sections.includes(section)).map((k) => `\t${k.args === '' ? k.name : `${k.name} ${k.args}`}`).toSorted(),
  ])
}

function names(list: readonly { readonly name: string }[]): string[] {
  return list.map((entry) => entry.name).toSorted()
}

/** What to print for -dK`wanted`. A class without an entry prints its heading only. */
export function keywordLists(wanted: readonly string[], keywords: readonly Keyword<unknown>[], plugins: readonly Plugin[]): string {
  const unknown = wanted.filter((name) => name !== 'all' && name !== 'help' && !Object.hasOwn(CLASSES, name))
  if (wanted.length === 0 || wanted.includes('help') || unknown.length > 0) {
    const head = unknown.length > 0 ? [`ignoring unknown keyword class '${unknown.join(',')}'.`] : []
    const list = Object.entries(CLASSES).map(([name, what]) => `${name}: list ${what}`)
    return [...head, '# List of supported keyword classes:', 'all: list all keywords', ...list, ''].join('\n')
  }
  const entries: Readonly<Record<string, () => string[]>> = {
    cfg: () => configurationLines([...keywords, ...plugins.flatMap((p) => p.keywords ?? [])]),
    cnv: () => names(plugins.flatMap((p) => p.converters ?? [])),
    smp: () => names(plugins.flatMap((p) => p.fetches ?? [])),
    svc: () => plugins.flatMap((p) => Object.keys(p.services ?? {})).toSorted(),
  }
  return Object.entries(CLASSES)
    .filter(([name]) => wanted.includes('all') || wanted.includes(name))
    .flatMap(([name, what]) => [`# List of registered ${what}:`, ...(entries[name]?.() ?? [])])
    .concat('')
    .join('\n')
}
