// Owns words of the rule language: the example of handlers/README.md.

import { NEXT_RULE, sint, str } from 'headgate/plugin'
import type { ActionSpec, ConverterSpec, FetchSpec, Plugin } from 'headgate/plugin'

/** `tcp-request connection reject unless { utc_hour 8:17 }` */
const utcHour: FetchSpec = {
  name: 'utc_hour',
  output: 'sint', // a bigint in the sample: sint() makes one
  source: 'constant', // what it reads, and so at which stages it has a value
  doc: 'The hour of the day, 0 to 23.',
  compile: () => (subject) => sint(new Date(subject.now()).getUTCHours()), // undefined: no value; NOT_YET: wait for more bytes
}

/** `src,masked(4)`: compile() is called once per use, while the configuration is read. */
const masked: ConverterSpec = {
  name: 'masked',
  args: [{ name: 'keep', type: 'sint' }],
  input: 'str',
  output: 'str',
  doc: 'Stars in place of all characters but the last <keep>.',
  compile(args, _scope, fail) {
    const keep = Number(args.int(0))
    if (keep < 0) return fail(`cannot keep ${keep} characters`)
    return (sample) => (sample.type === 'str' ? str('*'.repeat(Math.max(0, sample.value.length - keep)) + sample.value.slice(sample.value.length - keep)) : undefined)
  },
}

/** `tcp-request connection at-most 100 if …` */
const atMost: ActionSpec = {
  name: 'at-most',
  rules: ['connection', 'session'],
  args: '<n>',
  doc: 'Lets so many connections pass, and rejects all that come after.',
  compile(words, _scope, fail) {
    const word = words.next()
    let left = Number(word?.text)
    if (!Number.isSafeInteger(left) || left < 1) return fail("'at-most' expects a number from 1", undefined, word)
    return () => (left-- > 0 ? NEXT_RULE : { result: 'reject' })
  },
}

export const wordsPlugin: Plugin = { name: 'words', fetches: [utcHour], converters: [masked], actions: [atMost] }
