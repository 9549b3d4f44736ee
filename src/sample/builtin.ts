// Owns the plugin that brings the language's own words: its fetches, converters, actions and keywords come through the same door as anyone's.

import type { Plugin } from '../core/plugin.ts'
import { acl } from './acl.ts'
import { verdictActions } from './actions/verdicts.ts'
import { internalFetches } from './fetches/internal.ts'
import { layer4Fetches } from './fetches/layer4.ts'
import { errorLogFormat, logFormat, logFormatSd } from './log-keywords.ts'

export const samplePlugin: Plugin = {
  name: 'samples',
  keywords: [acl, logFormat, logFormatSd, errorLogFormat],
  fetches: [...internalFetches, ...layer4Fetches],
  converters: [],
  actions: [...verdictActions],
}
