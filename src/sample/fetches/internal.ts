// Owns fetches of internal state (manual 7.3.2).

import type { FetchSpec } from '../../core/sample.ts'
import { bool } from '../../core/sample.ts'

const TRUE = bool(true)
const FALSE = bool(false)

export const internalFetches: readonly FetchSpec[] = [
  { name: 'always_true', output: 'bool', source: 'internal', doc: 'Always true.', compile: () => () => TRUE },
  { name: 'always_false', output: 'bool', source: 'internal', doc: 'Always false.', compile: () => () => FALSE },
]
