// Owns `unique-id-format`: a session's id, made once its handshakes are done. It is logged (%ID), sampled (unique-id) and sent to
// servers (proxy-v2-options unique-id).

import { argsScope, compileLogFormat, HandshakeSubject, keyword, next, uniqueIdFact } from 'headgate/plugin'
import type { Handler, LogFormat, Plugin } from 'headgate/plugin'

/** As in HAProxy, whose PROXY headers carry no more. bytes */
const LIMIT = 127

export const uniqueIdFormat = keyword<LogFormat>({
  name: 'unique-id-format',
  sections: ['defaults', 'frontend'],
  args: '<fmt>',
  doc: 'What the id of a session is made of: a log format.',
  parse(args) {
    const word = args.next()
    if (word === undefined || word.text === '') return args.fail('unique-id-format expects an argument.')
    const more = args.next()
    if (more !== undefined) return args.fail("unique-id-format expects only one argument, don't forget to escape spaces!", undefined, more)
    // As in a log line, runs of blanks are one, and none begins it.
    const single = { ...word, text: word.text.replace(/ +/g, ' ').replace(/^(%\{[^}]*\}o)? /, '$1') }
    return compileLogFormat(single, 'value', argsScope(args, 'session', 'unique-id-format'), (text, hint, at) => args.fail(`failed to parse unique-id : ${text}.`, hint, at ?? word))
  },
})

export const uniqueId: Plugin = {
  name: 'unique-id',
  keywords: [uniqueIdFormat],
  handlers: [
    {
      name: 'unique-id',
      side: 'accept',
      after: ['tcp-rules session'],
      plan({ proxy }) {
        const format = proxy.get(uniqueIdFormat)
        if (format === undefined) return null
        const handler: Handler = {
          name: 'unique-id',
          step(hs) {
            hs.set(uniqueIdFact, format.format(new HandshakeSubject(hs, Date.now, true)).slice(0, LIMIT))
            return next()
          },
        }
        return () => handler
      },
    },
  ],
  fetches: [
    {
      name: 'unique-id',
      output: 'str',
      source: 'client-l5',
      doc: "The session's id, made by unique-id-format.",
      compile: () => (subject) => {
        const value = subject.client?.get(uniqueIdFact)
        return value === undefined ? undefined : { type: 'str', value }
      },
    },
  ],
}
