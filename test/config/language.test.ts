// The whole language: every word is read by a keyword or answered by name; and the reference tells what the tables tell.

import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import type { Section } from '../../src/core/keyword.ts'
import { foreignWords } from '../../src/config/foreign.ts'
import { meaningless } from '../../src/config/keywords/arguments.ts'
import { languagePlaces, languageWords, notYet } from '../../src/config/language.ts'
import { keywordReference } from '../../src/config/reference.ts'
import { sampleReference } from '../../src/sample/reference.ts'
import { allKeywords, allPlugins, loadText } from '../kit/configuration.ts'

/** A configuration whose line 3 says `words` in that place. */
const PLACES: Readonly<Record<string, { sections: readonly Section[]; text: (words: string) => string }>> = {
  global: { sections: ['global'], text: (w) => `\nglobal\n ${w}\n` },
  proxy: { sections: ['defaults', 'frontend', 'backend'], text: (w) => `\nlisten p\n ${w}\n` },
  bind: { sections: ['bind'], text: (w) => `\nlisten p\n bind :1 ${w}\n` },
  server: { sections: ['server'], text: (w) => `\nlisten p\n server s :1 ${w}\n` },
}

const ANSWER = /not supported yet|is an HTTP keyword, not supported(: | \()Headgate is a TCP\/TLS proxy/

/** What is said of line 3, the checks of the whole configuration aside. */
function onLine3(text: string): readonly string[] {
  return loadText(text).lines.filter((l) => l.startsWith('3 '))
}

t.test('every word of the language is read by a keyword or answered by name', async (t) => {
  let answered = 0
  let read = 0
  for (const place of languagePlaces()) {
    const here = PLACES[place]
    if (here === undefined) continue
    const names = new Set(allKeywords.filter((k) => k.sections.some((s) => here.sections.includes(s))).map((k) => k.name))
    for (const word of languageWords(place)) {
      const lines = onLine3(here.text(word))
      t.notMatch(lines.join('\n'), /unknown keyword|unknown option|not allowed/, `${place} ${word}: known`)
      if (names.has(word)) {
        read++
        if (word !== 'check') t.notMatch(lines.join('\n'), ANSWER, `${place} ${word}: read by its keyword`)
      } else {
        answered++
        t.match(lines.join('\n'), ANSWER, `${place} ${word}: answered`)
        t.equal(lines.filter((l) => l.includes(' alert: ')).length, 1, `${place} ${word}: one alert`)
      }
    }
  }
  t.ok(read > 100 && answered > 100, `${read} words are read, ${answered} answered`)
})

t.test('words of the rule language and of other sections are known too', async (t) => {
  for (const place of ['action', 'fetch', 'converter', 'runtime', 'master-cli', 'peers', 'ring', 'resolvers']) {
    t.ok(languageWords(place).length > 0, place)
    for (const word of languageWords(place)) t.match(notYet(place, word.split(' '))?.text, /not supported yet/, `${place} ${word}`)
  }
  t.match(notYet('action', ['set-var(txn.a)', 'int(1)'])?.keyword, 'set-var')
  t.equal(notYet('fetch', ['no_such_fetch']), undefined)
  t.equal(notYet('nowhere', ['maxconn']), undefined)
  t.equal(notYet('constructor', ['prototype']), undefined)
  t.equal(notYet('global', []), undefined)
})

t.test('foreign words are answered by what they are', async (t) => {
  for (const { place, name } of foreignWords()) {
    const here = PLACES[place]
    const text = notYet(place, [...name.split(' '), 'x'])?.text
    t.ok(text !== undefined, `${place} ${name} is known`)
    if (here === undefined || allKeywords.some((k) => k.name === name && k.sections.some((s) => here.sections.includes(s)))) continue
    t.match(onLine3(here.text(name)).join('\n'), / alert: .*(?:not supported|doesn't exist|only allowed after)/, `${place} ${name}`)
  }
  t.match(onLine3('\nbackend p\n use-fcgi-app x\n'), ["3 alert: 'use-fcgi-app' is an HTTP keyword, not supported: Headgate is a TCP/TLS proxy."])
  t.match(onLine3('\nglobal\n lua-load x\n'), ["3 alert: 'lua-load' is for Lua, not supported: plugins are written in JavaScript or TypeScript."])
  t.match(onLine3('\nlisten p\n clitimeout 5\n'), ["3 alert: the 'clitimeout' directive is not supported anymore since HAProxy 2.1. Use 'timeout client'."])
  t.match(onLine3('\nglobal\n nbproc 2\n'), [/^3 alert: nbproc is not supported any more since HAProxy 2.5/])
})

t.test('unknown words are unknown', async (t) => {
  for (const [place, text] of Object.entries(PLACES).map(([place, { text }]) => [place, text('zork 1')] as const)) {
    t.match(onLine3(text), [/^3 alert: .*unknown keyword 'zork'/], place)
  }
  t.match(onLine3('\nlisten p\n option zork\n'), [/unknown option 'zork'/])
})

t.test('a word without a meaning is accepted without a word, and says so in the reference', async (t) => {
  const idle = allKeywords.filter((k) => meaningless(k))
  t.ok(idle.length > 10)
  for (const k of idle) t.match(k.doc, /^Accepted, has no meaning here: /, k.name)
  t.same(onLine3('\nglobal\n noepoll\n'), [])
})

t.test('conf/KEYWORDS.md is what the tables say', async (t) => {
  const path = fileURLToPath(new URL('../../../conf/KEYWORDS.md', import.meta.url))
  const made = `${keywordReference(allKeywords)}\n${sampleReference(allPlugins)}`
  if (process.argv.includes('--write')) writeFileSync(path, made)
  t.ok(readFileSync(path, 'utf8') === made, 'up to date: if not, run `npm run keywords` and commit the file')
  for (const k of allKeywords) t.ok(made.includes(k.name), `${k.name} is in it`)
  const rules = allPlugins.flatMap(({ actions = [], fetches = [], converters = [] }) => [...actions, ...fetches, ...converters])
  for (const { name } of rules) t.ok(made.includes(`\`${name}`), `${name} is in it`)
  for (const { name, doc } of [...allKeywords, ...rules]) t.match(doc, /^[^\n]{8,240}$/, `${name} has one line of documentation`)
})

t.test('what is not supported yet is told with what to write instead, where that is not obvious', async (t) => {
  const hints = (text: string): readonly (string | undefined)[] => loadText(text).problems.filter((p) => p.level === 'alert').map((p) => p.hint)
  t.match(hints('global\n stats socket /x\n stats timeout 5s\n'), [/no runtime interface yet/, /no runtime interface yet/])
  t.match(hints('listen p\n bind :1\n option ssl-hello-chk\n tcp-check connect\n option mysql-check\n server s 127.0.0.1:1 check-ssl on-marked-down shutdown-sessions\n'), [/taken as up/, /taken as up/, /taken as up/, /taken as up/, /taken as up/])
  t.match(hints('backend p\n stick-table type ip size 1\n stick on src\n'), [/'balance source'/, /'balance source'/])
  t.match(hints('listen p\n bind :1\n tcp-request session track-sc0 src\n tcp-request session reject if { src_conn_cur gt 5 }\n'), [/counted per client/, /counted per client/])
  t.match(hints('resolvers r\n'), [/once, at the start/])
  t.match(hints('listen p\n bind :1\n tcp-request content lua.x\n'), [/JavaScript/])
})
