// A plugin that throws where no handler is asked: in a timer, when a client says so.

import { flag, serve, service, type Plugin } from '../../src/plugin.ts'

const throwsService = flag('throws-service', ['frontend'], 'Echoes; throws outside a handler when a client says throw.')

/** Until there is no memory left. */
function grow(): never {
  for (const all: unknown[] = []; ; ) all.push(Array.from({ length: 10_000 }, () => ({})))
}

const app = service('throws', (peer) => ({
  data(bytes) {
    const said = bytes.toString()
    if (said === 'throw') setTimeout(() => { throw new Error('outside a handler') }, 1)
    else if (said === 'leave') process.exit(3)
    else if (said === 'grow') grow()
    else peer.write(bytes)
  },
  ended: () => peer.end(),
}))

export const throwsPlugin: Plugin = {
  name: 'throws',
  keywords: [throwsService],
  handlers: [
    {
      name: 'throws',
      side: 'accept',
      before: ['session'],
      plan: (line) => (line.proxy.get(throwsService) === true ? () => ({ name: 'throws', step: () => serve(app) }) : null),
    },
  ],
}
