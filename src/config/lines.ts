// Owns bind, server and default-server lines: their addresses, and their options as values.

import type { Keyword, Place, Values } from '../core/keyword.ts'
import type { ListenAddress, ServerAddress } from './address.ts'

export interface BindLine {
  /** One for each listener: comma lists and port ranges are taken apart. */
  readonly addresses: readonly ListenAddress[]
  /** As written, for messages and logs. */
  readonly text: string
  /** The options behind the addresses. */
  readonly values: Values
  readonly place: Place
}

export interface ServerLine {
  readonly name: string
  readonly address: ServerAddress
  /** The options: the line's own, then those of the default-server lines above it, then the defaults section's default-server. */
  readonly values: Values
  readonly place: Place
}

export declare const bindLines: Keyword<readonly BindLine[]>
export declare const serverLines: Keyword<readonly ServerLine[]>
/** The options of default-server lines so far. */
export declare const defaultServer: Keyword<Values>
