// Owns the part of the keyword reference that is about rules and expressions: actions, fetches and converters, from their own tables.

import type { ActionSpec, RuleSet } from '../core/action.ts'
import type { Plugin } from '../core/plugin.ts'
import type { ConverterSpec, FetchSpec } from '../core/sample.ts'
import { languageWords } from '../config/language.ts'
import { known, tableRow } from '../config/reference.ts'
import { refusedActions } from './actions/refused.ts'
import { signature } from './arguments.ts'
import { typeText } from './cast.ts'
import { sourceText } from './stage.ts'

/** As the keywords that the rules begin with call them. */
const RULES: Readonly<Record<RuleSet, string>> = { connection: 'connection', handshake: 'handshake', session: 'session', request: 'content', response: 'response' }

const REFUSED: ReadonlySet<string> = new Set(refusedActions.map(({ name }) => name))

function actionRow({ name, args, rules, doc }: ActionSpec): string {
  const written = args === '' ? name : args.startsWith('(') ? name + args : `${name} ${args}`
  return tableRow([`\`${written}\``, rules.map((set) => RULES[set]).join(', '), doc])
}

function fetchRow({ name, args = [], output, source, aclOnly, doc }: FetchSpec): string {
  return tableRow([`\`${name}${signature(args)}\``, typeText(output), sourceText(source), aclOnly === true ? `${doc} In ACLs only.` : doc])
}

function converterRow({ name, args = [], input, output, doc }: ConverterSpec): string {
  return tableRow([`\`${name}${signature(args)}\``, typeText(input), output === 'same' ? 'the same' : typeText(output), doc])
}

function chapter<T extends { readonly name: string }>(title: string, text: string, columns: readonly string[], list: readonly T[], row: (entry: T) => string, place: string): string {
  const sorted = list.toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
  const names = new Set(list.map(({ name }) => name))
  const head = `${tableRow(columns)}\n${tableRow(columns.map(() => '---'))}`
  return `## ${title}\n\n${text}\n\n${head}\n${sorted.map(row).join('\n')}\n${known(languageWords(place).filter((word) => !names.has(word)))}`
}

/** The chapters, in Markdown. */
export function sampleReference(plugins: readonly Plugin[]): string {
  const actions = plugins.flatMap((plugin) => plugin.actions ?? []).filter(({ name }) => !REFUSED.has(name))
  return [
    chapter(
      'actions of rules',
      '"In" names the rules: `tcp-request connection`, `handshake`, `session` and `content`, and `tcp-response content` as response.',
      ['action', 'in', ''],
      actions,
      actionRow,
      'action',
    ),
    chapter(
      'sample fetches',
      'What expressions begin with. "From" is what has to be there: messages about an expression that stands where it can have no value use the same words.',
      ['fetch', 'type', 'from', ''],
      plugins.flatMap((plugin) => plugin.fetches ?? []),
      fetchRow,
      'fetch',
    ),
    chapter(
      'converters',
      'What may follow, each behind a comma. A sample is cast to the type that the converter takes.',
      ['converter', 'takes', 'gives', ''],
      plugins.flatMap((plugin) => plugin.converters ?? []),
      converterRow,
      'converter',
    ),
  ].join('\n')
}
