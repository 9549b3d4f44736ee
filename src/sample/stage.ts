// Owns the table of what can be known when: which sources have a value at which stage, and how messages name them.

import type { Source, SampleStage } from '../core/sample.ts'

const SESSION: readonly SampleStage[] = ['request', 'route', 'backend-request', 'server', 'connect', 'response', 'log']
const FRONT: readonly SampleStage[] = ['connection', 'handshake', 'session', ...SESSION]
const BACK: readonly SampleStage[] = ['response', 'log', 'check']

interface SourceEntry {
  /** As in "extracts information from 'request buffer'". */
  readonly text: string
  readonly stages: readonly SampleStage[]
}

/** Asked of HAProxy, source by source and stage by stage. */
const SOURCES: Readonly<Record<Source, SourceEntry>> = {
  constant: { text: 'constant', stages: ['config', 'runtime', 'check', ...FRONT] },
  internal: { text: 'internal state', stages: ['runtime', 'check', ...FRONT] },
  listener: { text: 'frontend', stages: FRONT },
  frontend: { text: 'frontend', stages: FRONT },
  'client-l4': { text: 'client address', stages: ['check', ...FRONT] },
  'client-l5': { text: 'client-side connection', stages: ['session', ...SESSION] },
  track: { text: 'internal state', stages: ['check', ...FRONT] },
  request: { text: 'request buffer', stages: ['request', 'route', 'backend-request', 'server', 'connect'] },
  'kept-request': { text: 'HTTP request', stages: SESSION },
  contents: { text: 'request or response buffer', stages: ['request', 'route', 'backend-request', 'server', 'connect', 'response', 'check'] },
  backend: { text: 'backend', stages: ['backend-request', 'server', 'connect', ...BACK] },
  server: { text: 'server', stages: ['connect', ...BACK] },
  'server-l4': { text: 'server address', stages: BACK },
  'server-l5': { text: 'server-side connection', stages: BACK },
  response: { text: 'response buffer', stages: ['response', 'check'] },
  'kept-response': { text: 'HTTP response', stages: ['response', 'log'] },
  end: { text: 'end of the session', stages: ['log'] },
}

export const sources: readonly string[] = Object.keys(SOURCES)

export function available(source: Source, stage: SampleStage): boolean {
  return SOURCES[source].stages.includes(stage)
}

export function sourceText(source: Source): string {
  return SOURCES[source].text
}
