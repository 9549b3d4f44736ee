// A plugin that throws where no handler is asked: in a timer, when a client says so.

import { flag, serve, service, type Plugin } from '../../src/plugin.ts'

const throwsService = flag('throws-service', ['frontend'], 'Echoes; throws outside a handler when a client says throw.')

const app = service('throws', (peer) => ({
  data(bytes) {
    if (bytes.toString() === 'throw') setTimeout(() => { throw new Error('outside a handler') }, 1)
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
