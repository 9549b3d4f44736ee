// Owns the list of keywords that are built in without being a handler's. A word that is taken out of this list answers
// "not supported yet" by itself, see config/language.ts.

import type { Keyword } from '../../core/keyword.ts'
import { balanceKeywords } from './balance.ts'
import { bindKeywords } from './bind.ts'
import { checkKeywords } from './check.ts'
import { environmentKeywords } from './environment.ts'
import { globalKeywords } from './global.ts'
import { logKeywords } from './log.ts'
import { optionKeywords } from './options.ts'
import { placementKeywords } from './placement.ts'
import { proxyKeywords } from './proxy.ts'
import { serverKeywords } from './server.ts'
import { sourceKeywords } from './source.ts'
import { switchingKeywords } from './switching.ts'
import { timeoutKeywords } from './timeouts.ts'
import { tlsKeywords } from './tls.ts'
import { tuneKeywords } from './tune.ts'

export const builtinKeywords: readonly Keyword<unknown>[] = [
  ...globalKeywords,
  ...environmentKeywords,
  ...placementKeywords,
  ...tlsKeywords,
  ...tuneKeywords,
  ...logKeywords,
  ...proxyKeywords,
  ...switchingKeywords,
  ...balanceKeywords,
  ...sourceKeywords,
  ...timeoutKeywords,
  ...optionKeywords,
  ...bindKeywords,
  ...serverKeywords,
  ...checkKeywords,
]
