// Owns fetches at layer 5 (manual 7.3.4): TLS sessions.

import type { FetchSpec } from '../../core/sample.ts'
import { bool } from '../../core/sample.ts'
import { tlsFact } from '../../core/tls.ts'

export const layer5Fetches: readonly FetchSpec[] = [
  {
    name: 'ssl_fc',
    output: 'bool',
    source: 'client-l5',
    doc: "Whether the client's connection is TLS.",
    compile: () => (s) => bool(s.client?.get(tlsFact) !== undefined),
  },
]
