// Owns the last step of a handshake: the connection goes to the proxied stream, or whatever the engine proposes for its line.

import { serve } from 'headgate/plugin'
import type { Handler, Plugin } from 'headgate/plugin'

export const session: Plugin = {
  name: 'session',
  handlers: [
    {
      name: 'session',
      side: 'accept',
      last: true,
      plan({ app }) {
        if (app === undefined) return null
        const verdict = serve(app)
        const handler: Handler = { name: 'session', step: () => verdict }
        return () => handler
      },
    },
  ],
}
