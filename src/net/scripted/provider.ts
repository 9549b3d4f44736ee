// Owns a provider that opens nothing: listeners that hear only of connections that are told to them, and servers that always answer.

import type { Address } from '../../core/address.ts'
import { NO_ADDRESS } from '../../core/address.ts'
import type { ConnectSpec, ListenEvents, Listener, ListenSpec, Provider } from '../../core/provider.ts'
import type { Sock } from '../../core/sock.ts'
import type { Script } from './sock.ts'
import { ScriptedSock } from './sock.ts'

interface ScriptedListener {
  readonly spec: ListenSpec
  readonly events: ListenEvents
}

const SILENT: Script = { bytes: Buffer.alloc(0), inside: Buffer.alloc(0), ends: false }

export class ScriptedProvider implements Provider {
  /** What the linux provider can do is not asked of the kernel here. */
  readonly name = 'linux'
  readonly listeners: ScriptedListener[] = []
  /** Connections that were asked for, in order. */
  readonly connections: { readonly to: Address; readonly sock: ScriptedSock }[] = []

  listen(spec: ListenSpec, events: ListenEvents): Promise<Listener> {
    const entry = { spec, events }
    this.listeners.push(entry)
    return Promise.resolve({ address: spec.address, pause: () => undefined, resume: () => undefined, close: () => undefined })
  }

  connect(spec: ConnectSpec): Sock {
    const sock = new ScriptedSock(SILENT, spec.from ?? { family: 'ipv4', host: '192.0.2.254', port: 0 }, spec.to ?? NO_ADDRESS)
    this.connections.push({ to: spec.to, sock })
    sock.again()
    return sock
  }
}
