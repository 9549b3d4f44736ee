// Owns the handler `knock`: the example of handlers/README.md.

import { close, factKey, keyword, more, next } from 'headgate/plugin'
import type { Handler, Plugin } from 'headgate/plugin'

/** `bind :22 knock opensesame`: the keyword is also the typed key of its value. */
const knock = keyword<Buffer>({
  name: 'knock',
  sections: ['bind'],
  args: '<word>',
  doc: 'Connections have to begin with this word and a line feed. They are taken off.',
  parse(args) {
    const word = args.next()
    return word === undefined || word.text === '' ? args.fail("'knock' expects a word.") : Buffer.from(`${word.text}\n`)
  },
})

/** Left on the connection for whoever comes after: handlers, services. */
export const knockFact = factKey<Date>('knocked')

export const knockPlugin: Plugin = {
  name: 'knock',
  keywords: [knock],
  handlers: [
    {
      name: 'knock',
      side: 'accept',
      after: ['accept-proxy'],
      plan(line) {
        const word = line.get(knock)
        if (word === undefined) return null // this bind line has none: its connections never see the handler
        const handler: Handler = {
          name: 'knock',
          details: { timeout: 'Nobody knocked' },
          step(hs) {
            const said = hs.bytes.subarray(0, word.length)
            if (!word.subarray(0, said.length).equals(said)) return close({ cause: 'denied', detail: 'Wrong knock' })
            if (said.length < word.length) return more(said.length + 1)
            hs.take(word.length)
            hs.set(knockFact, new Date())
            return next()
          },
        }
        return () => handler // without state of its own one object serves every connection
      },
    },
  ],
}
