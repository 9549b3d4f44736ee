// Owns the list of the built-in plugins, in the order that decides between handlers with the same slot.

import type { Plugin } from 'headgate/plugin'
import { acceptNetscalerCipPlugin } from './accept-netscaler-cip.ts'
import { acceptProxyPlugin } from './accept-proxy.ts'
import { demo } from './demo.ts'
import { health } from './health.ts'
import { monitor } from './monitor.ts'
import { sendProxy } from './send-proxy.ts'
import { session } from './session.ts'
import { tcpRules } from './tcp-rules.ts'
import { tls } from './tls.ts'
import { uniqueId } from './unique-id.ts'

export const builtinPlugins: readonly Plugin[] = [sendProxy, health, monitor, acceptNetscalerCipPlugin, acceptProxyPlugin, tcpRules, tls, uniqueId, demo, session]
