// Owns the handler `password`: the example of README.md.

import { close, keyword, more, next } from 'headgate/plugin'
import type { Handler, Plugin } from 'headgate/plugin'

function ask(word: string): Handler {
  let asked = false
  return {
    name: 'password',
    step(hs) {
      if (!asked) hs.write(Buffer.from('password: '))
      asked = true
      const end = hs.bytes.indexOf('\n')
      if (end === -1) return more(hs.bytes.length + 1)
      const said = hs.bytes.toString('utf8', 0, end).trimEnd()
      hs.take(end + 1)
      return said === word ? next() : close({ cause: 'denied', detail: 'Wrong password' }, Buffer.from('no\n'))
    },
  }
}

const password = keyword<string>({
  name: 'password',
  sections: ['bind'],
  args: '<word>',
  doc: 'Clients are asked for this word first, over TLS where the line has it.',
  parse: (args) => args.next()?.text ?? args.fail("'password' expects a word."),
})

export const passwordPlugin: Plugin = {
  name: 'password',
  keywords: [password],
  handlers: [{ name: 'password', side: 'accept', after: ['tls'], plan: (line) => makerOf(line.get(password)) }],
}

const makerOf = (word: string | undefined) => (word === undefined ? null : () => ask(word))
