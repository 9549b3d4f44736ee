// Owns the list of keywords that are built in without being a handler's. A word that is taken out of this list answers
// "not supported yet" by itself, see config/language.ts.

import type { Keyword } from '../../core/keyword.ts'
import { balanceKeywords, hashBalanceFactor, hashType } from './balance.ts'
import { bindKeywords } from './bind.ts'
import { checkKeywords } from './check.ts'
import { environmentKeywords } from './environment.ts'
import { globalKeywords } from './global.ts'
import { httpKeywords } from './http.ts'
import { logKeywords } from './log.ts'
import { optionIndependentStreams, optionKeywords } from './options.ts'
import { placementKeywords } from './placement.ts'
import { fullconn, proxyKeywords } from './proxy.ts'
import { serverKeywords, serverMaxqueue, serverMinconn } from './server.ts'
import { sourceKeywords } from './source.ts'
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
  ...balanceKeywords,
  ...sourceKeywords,
  ...timeoutKeywords,
  ...optionKeywords,
  ...bindKeywords,
  ...serverKeywords,
  ...checkKeywords,
  ...httpKeywords,
]

/**
 * Parsers that are ready before anything acts on their values, so that their words still answer "not supported yet". Whoever makes one
 * act moves it to the list of its family.
 */
export const waitingKeywords: readonly Keyword<unknown>[] = [hashType, hashBalanceFactor, fullconn, serverMinconn, serverMaxqueue, optionIndependentStreams]
