// Owns a service that tells the time: the example of handlers/README.md.

import { service } from 'headgate/plugin'
import type { Plugin } from 'headgate/plugin'

/** Tells the time once a second until the client hangs up. */
const clock = service('clock', (peer) => {
  const timer = setInterval(() => peer.write(`${new Date().toISOString()}\n`), 1000)
  return {
    data: () => peer.write('ssh!\n'),
    closed: () => clearInterval(timer),
  }
})

export const clockPlugin: Plugin = { name: 'clock', services: { clock } }
