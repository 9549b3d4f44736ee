// Owns the plugin that brings the language's own words: its fetches, converters, actions and keywords come through the same door as anyone's.

import type { Plugin } from '../core/plugin.ts'
import { acl } from './acl.ts'
import { addressActions } from './actions/addresses.ts'
import { packetActions } from './actions/packets.ts'
import { refusedActions } from './actions/refused.ts'
import { sessionActions } from './actions/session.ts'
import { globalSetVar, globalSetVarFmt, variableActions } from './actions/variables.ts'
import { verdictActions } from './actions/verdicts.ts'
import { requestInspectDelay, requestRules, responseInspectDelay, responseRules } from './content.ts'
import { addressConverters } from './converters/addresses.ts'
import { dateConverters } from './converters/dates.ts'
import { captureAction, captureConverters, captureFetches, declareCapture } from './captures.ts'
import { lookingConverters } from './converters/debug.ts'
import { encodingConverters } from './converters/encodings.ts'
import { fixConverters } from './converters/fix.ts'
import { hashConverters } from './converters/hashes.ts'
import { integerConverters } from './converters/integers.ts'
import { jsonConverters } from './converters/json.ts'
import { jweConverters } from './converters/jwe.ts'
import { jwtConverters } from './converters/jwt.ts'
import { mapConverters } from './converters/maps.ts'
import { mqttConverters } from './converters/mqtt.ts'
import { protobufConverters } from './converters/protobuf.ts'
import { packetConverters } from './converters/packets.ts'
import { proxyConverters } from './converters/proxies.ts'
import { stringConverters } from './converters/strings.ts'
import { variableConverters } from './converters/variables.ts'
import { wordConverters } from './converters/words.ts'
import { whenConverter } from './converters/when.ts'
import { x509Converters } from './converters/x509.ts'
import { aclFetches } from './fetches/acls.ts'
import { certificateFetches } from './fetches/certificates.ts'
import { helloFetches } from './fetches/hello.ts'
import { internalFetches } from './fetches/internal.ts'
import { layer4Fetches } from './fetches/layer4.ts'
import { layer5Fetches } from './fetches/layer5.ts'
import { tlsErrorFetches } from './fetches/tls-errors.ts'
import { layer6Fetches } from './fetches/layer6.ts'
import { processFetches } from './fetches/process.ts'
import { proxyFetches } from './fetches/proxies.ts'
import { profileFetches } from './fetches/profile.ts'
import { sessionFetches } from './fetches/session.ts'
import { variableFetches } from './fetches/variables.ts'
import { logKeywords } from './log-keywords.ts'
import { useBackendRules, useServerRules } from './switching.ts'

export const samplePlugin: Plugin = {
  name: 'samples',
  keywords: [acl, ...logKeywords, requestRules, responseRules, requestInspectDelay, responseInspectDelay, globalSetVar, globalSetVarFmt, declareCapture, useBackendRules, useServerRules],
  fetches: [...internalFetches, ...processFetches, ...proxyFetches, ...layer4Fetches, ...layer5Fetches, ...tlsErrorFetches, ...certificateFetches, ...layer6Fetches, ...helloFetches, ...captureFetches, ...aclFetches, ...sessionFetches, ...profileFetches, ...variableFetches],
  converters: [
    ...stringConverters,
    ...wordConverters,
    ...integerConverters,
    ...hashConverters,
    ...encodingConverters,
    ...dateConverters,
    ...jsonConverters,
    ...jwtConverters,
    ...jweConverters,
    ...protobufConverters,
    ...mqttConverters,
    ...fixConverters,
    ...addressConverters,
    ...variableConverters,
    ...mapConverters,
    ...lookingConverters,
    ...captureConverters,
    whenConverter,
    ...proxyConverters,
    ...packetConverters,
    ...x509Converters,
  ],
  actions: [...refusedActions, ...verdictActions, ...variableActions, ...addressActions, ...packetActions, ...sessionActions, captureAction],
}
