// Owns `mode health`: every connection is told that this proxy is alive, before anything is asked of it.

import { mode, optionHttpchk } from 'headgate/plugin'
import type { Plugin } from 'headgate/plugin'
import { sendLastChunk } from './send-last-chunk.ts'

const OK = Buffer.from('OK\n')
const HTTP_OK = Buffer.from('HTTP/1.0 200 OK\r\n\r\n')

export const health: Plugin = {
  name: 'health',
  handlers: [
    {
      name: 'health',
      side: 'accept',
      // no slot: it is the first of all, because a probe sends no PROXY header and speaks no TLS
      plan: (line) => (line.proxy.get(mode) === 'health' ? sendLastChunk('health', line.proxy.get(optionHttpchk) === true ? HTTP_OK : OK) : null),
    },
  ],
}
