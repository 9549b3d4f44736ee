// Owns the table of what can be known when: which sources have a value at which stage, and how messages name them.

import type { Source, SampleStage } from '../core/sample.ts'

const FRONT: readonly SampleStage[] = ['connection', 'handshake', 'session', 'request', 'route', 'backend-request', 'server', 'connect', 'frontend-response', 'response', 'log']
const AFTER_HANDSHAKE: readonly SampleStage[] = ['session', 'request', 'route', 'backend-request', 'server', 'connect', 'frontend-response', 'response', 'log']
const EVERYWHERE: readonly SampleStage[] = ['config', 'check', 'runtime', ...FRONT]

interface SourceEntry {
  /** As in "extracts information from 'request buffer'". */
  readonly text: string
  readonly stages: readonly SampleStage[]
}

const SOURCES: Readonly<Record<Source, SourceEntry>> = {
  internal: { text: 'internal state', stages: EVERYWHERE },
  listener: { text: 'listener', stages: FRONT },
  frontend: { text: 'frontend', stages: FRONT },
  'client-l4': { text: 'client address', stages: FRONT },
  'client-l5': { text: 'client-side connection', stages: AFTER_HANDSHAKE },
  track: { text: 'track counters', stages: FRONT },
  request: { text: 'request buffer', stages: ['request', 'route', 'backend-request', 'server'] },
  backend: { text: 'backend', stages: ['backend-request', 'server', 'connect', 'response', 'frontend-response', 'log', 'check'] },
  server: { text: 'server', stages: ['connect', 'response', 'frontend-response', 'log', 'check'] },
  'server-l4': { text: 'server-side connection', stages: ['response', 'frontend-response', 'log', 'check'] },
  'server-l5': { text: 'server-side connection', stages: ['response', 'frontend-response', 'log', 'check'] },
  response: { text: 'response buffer', stages: ['response', 'frontend-response', 'check'] },
  end: { text: 'end of the session', stages: ['log'] },
}

export function available(source: Source, stage: SampleStage): boolean {
  return SOURCES[source].stages.includes(stage)
}

export function sourceText(source: Source): string {
  return SOURCES[source].text
}

/** Whether a value of this source may be "not yet" at this stage, so that rules wait for it. */
export function canWait(stage: SampleStage): boolean {
  return stage === 'request' || stage === 'backend-request' || stage === 'response' || stage === 'frontend-response' || stage === 'check'
}
