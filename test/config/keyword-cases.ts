// Owns what the tests of keywords share: where a line stands, and what is expected of good and bad ones.

import type { Test } from 'tap'
import type { Keyword, Values } from '../../src/core/keyword.ts'
import { builtinKeywords, waitingKeywords } from '../../src/config/keywords/table.ts'
import { NO_VALUES } from '../../src/config/values.ts'
import { loadText as load } from '../kit/configuration.ts'
import type { LoadTextOptions, LoadedText } from '../kit/configuration.ts'

/** Those that wait for something to act on them are read like the others. */
export const loadText = (text: string, options: LoadTextOptions = {}): LoadedText => load(text, { keywords: [...builtinKeywords, ...waitingKeywords], ...options })

export type Good = readonly [line: string, key: Keyword<unknown>, value: unknown]
export type Bad = readonly [line: string, text: string]

/** The first line is 2. */
export const IN_GLOBAL = (line: string): LoadedText => loadText(`global\n${line}`)
export const IN_LISTEN = (line: string): LoadedText => loadText(`listen p\n${line}\n bind :1\n server s 127.0.0.1:1`)
export const ON_BIND = (line: string): LoadedText => loadText(`listen p\n bind :1 ${line}\n server s 127.0.0.1:1`)
export const ON_SERVER = (line: string): LoadedText => loadText(`backend p\n server s 127.0.0.1:1 ${line}`)

export function good(t: Test, load: (line: string) => LoadedText, values: (l: LoadedText) => Values, cases: readonly Good[]): void {
  for (const [line, key, value] of cases) {
    const loaded = load(line)
    t.same(said(loaded), [], `${line}: no problem`)
    t.strictSame(values(loaded).get(key), value, line)
  }
}

export function first(lines: readonly { readonly values: Values }[] | undefined): Values {
  return lines?.[0]?.values ?? NO_VALUES
}

/** What was said, but for what the whole proxy lacks. */
export function said(loaded: LoadedText): readonly string[] {
  return loaded.lines.filter((l) => !l.includes('missing timeouts') && !l.includes('has no log address'))
}

/** The text, on line 2, as the only alert. */
export function bad(t: Test, load: (line: string) => LoadedText, prefix: string, cases: readonly Bad[]): void {
  for (const [line, text] of cases) {
    const alerts = load(line).lines.filter((l) => l.includes(' alert: ') && !l.includes('unable to find required'))
    t.same(alerts, [`2 alert: ${prefix}${text}`], line)
  }
}
