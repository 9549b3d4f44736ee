// Owns the keywords of content inspection: `tcp-request content`, `tcp-response content` and their inspect-delays.

import type { Keyword, Section } from '../core/keyword.ts'
import { keyword } from '../core/keyword.ts'
import { parseTime } from '../config/units.ts'
import { ruleKeyword } from './rules.ts'
import type { Rule } from './rules.ts'

export const requestRules: Keyword<readonly Rule[]> = ruleKeyword('request', "Rules on a client's first bytes, in a frontend and then in the backend.")
export const responseRules: Keyword<readonly Rule[]> = ruleKeyword('response', "Rules on a server's first bytes.")

function inspectDelay(name: string, sections: readonly Section[], doc: string): Keyword<number> {
  return keyword<number>({
    name,
    sections,
    args: '<timeout>',
    doc,
    parse(args) {
      if (args.sectionKind === 'defaults' && args.sectionName === '') {
        return args.fail(`'${name}' not allowed in anonymous 'defaults' section.`, 'give the defaults section a name and use it with `from`')
      }
      const here = `in ${args.sectionKind} '${args.sectionName}'`
      const word = args.next()
      if (word === undefined) return args.fail(`'${name}' expects a positive delay in milliseconds, ${here}`)
      const read = parseTime(word.text)
      if (read.ok) return read.value
      const bad = read.overflow ? 'it is beyond 24 days' : `unexpected character '${read.character}'`
      return args.fail(`'${name}' expects a positive delay in milliseconds, ${here} (${bad})`, undefined, word)
    },
  })
}

/** ms; without it nothing waits. */
export const requestInspectDelay: Keyword<number> = inspectDelay('tcp-request inspect-delay', ['defaults', 'frontend', 'backend'], "How long request rules may wait for the client's bytes.")
export const responseInspectDelay: Keyword<number> = inspectDelay('tcp-response inspect-delay', ['defaults', 'backend'], "How long response rules may wait for the server's bytes.")
