// Owns the keyword reference for readers, conf/KEYWORDS.md: made from the keyword tables, so that it cannot tell anything else. What it
// says of rules and expressions is sample/reference.ts.

import type { Keyword, Section } from '../core/keyword.ts'
import { sideOf } from './keywords/arguments.ts'
import { languageWords } from './language.ts'

interface Chapter {
  readonly title: string
  readonly text: string
  readonly sections: readonly Section[]
  /** The list of words that are known there. */
  readonly place: string
}

const CHAPTERS: readonly Chapter[] = [
  { title: 'global', text: 'For the whole process. Several `global` sections merge.', sections: ['global'], place: 'global' },
  {
    title: 'defaults, frontend, backend, listen',
    text: 'A `listen` section is a frontend and a backend, and takes the keywords of both. Values of a `defaults` section hold where a proxy says nothing itself.',
    sections: ['defaults', 'frontend', 'backend'],
    place: 'proxy',
  },
  { title: 'bind', text: 'Options behind the addresses of a `bind` line.', sections: ['bind'], place: 'bind' },
  { title: 'server', text: 'Options behind the address of a `server` line, and of `default-server`.', sections: ['server'], place: 'server' },
]

/** A bar within a cell would end it. */
export function tableRow(cells: readonly string[]): string {
  return `| ${cells.map((text) => text.replaceAll('|', '\\|')).join(' | ')} |`
}

/** A line about words that have no row; '' when there are none. */
export function known(words: readonly string[]): string {
  return words.length === 0 ? '' : `\nKnown, and answered with "not supported yet" or why not: ${words.map((word) => `\`${word}\``).join(', ')}.\n`
}

/** Where it has a meaning: the other side's sections only warn. */
function where(k: Keyword<unknown>): string {
  const side = sideOf(k)
  return k.sections.filter((s) => s === 'defaults' || side === undefined || s === side).join(', ')
}

function row(k: Keyword<unknown>, proxies: boolean): string {
  const written = k.args === '' ? k.name : `${k.name} ${k.args}`
  return tableRow([`\`${written}\``, ...(proxies ? [where(k)] : []), k.negate === undefined ? '' : 'yes', k.doc])
}

function chapter(c: Chapter, keywords: readonly Keyword<unknown>[]): string {
  const proxies = c.place === 'proxy'
  const here = keywords.filter((k) => k.sections.some((s) => c.sections.includes(s)))
  const sorted = here.toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
  const head = proxies ? '| keyword | in | no | |\n| --- | --- | --- | --- |' : '| keyword | no | |\n| --- | --- | --- |'
  const names = new Set(here.map((k) => k.name))
  const missing = languageWords(c.place).filter((w) => !names.has(w))
  return `## ${c.title}\n\n${c.text}\n\n${head}\n${sorted.map((k) => row(k, proxies)).join('\n')}\n${known(missing)}`
}

/** The page as far as keywords go, in Markdown. */
export function keywordReference(keywords: readonly Keyword<unknown>[]): string {
  const intro = `# Keywords

Made from the keyword tables by \`npm run keywords\`; a test fails when it is out of date. "no" says whether \`no\` and \`default\` may
stand in front. Times are in milliseconds without a unit (us, ms, s, m, h, d), sizes in bytes (k, m, g). Everything else of HAProxy's
language is answered by name: words for HTTP are not supported, other known words are not supported yet. Rules, what they do, and the
expressions in them are at the end.
`
  return [intro, ...CHAPTERS.map((c) => chapter(c, keywords))].join('\n')
}
