// Owns what a sample is (a typed value taken from a connection), what fetches and converters are, and what they may look at.
// The language built on them is in sample/; plugins contribute fetches and converters of the same shape as the built-in ones.

import type { Address } from './address.ts'
import type { Contents, Peer, ProxyView, ServerView } from './view.ts'
import type { Args, Place, Values, WarningName, Word } from './keyword.ts'
import type { LogLevel } from './log-sink.ts'
import type { Plugin } from './plugin.ts'
import type { OutgoingPackets } from './provider.ts'
import type { SessionRecord } from './record.ts'
import type { Trace } from './trace.ts'

/**
 * Bytes as a string: one character per byte, U+0000 to U+00FF (Node's 'latin1'), so that searching, slicing and hashing are the
 * engine's own. Text from the configuration is UTF-8 bytes in this form.
 */
export type ByteString = string

interface Value {
  /** The value is right now, and can be another one when more bytes arrive (req.len). */
  readonly mayChange?: boolean
  /** Further values of the same kind (req.ssl_alpn): an ACL matches when one of all does. Elsewhere they do not count. */
  readonly others?: readonly Sample[]
}

export type Sample =
  | (Value & { readonly type: 'bool'; readonly value: boolean })
  | (Value & { readonly type: 'sint'; readonly value: bigint }) // 64 bits, signed
  | (Value & { readonly type: 'ipv4'; readonly value: number }) // 32 bits, unsigned
  | (Value & { readonly type: 'ipv6'; readonly value: Uint8Array }) // 16 bytes
  | (Value & { readonly type: 'str'; readonly value: ByteString })
  | (Value & { readonly type: 'bin'; readonly value: ByteString })

export type SampleType = Sample['type']

/** What an expression gives: 'ip' is either family, 'any' is known only when it is evaluated (variables). */
export type OutputType = 'bool' | 'sint' | 'ipv4' | 'ipv6' | 'ip' | 'str' | 'bin' | 'any'

/** There is no value yet and one may come with more bytes. What is absent for good is undefined. */
export const NOT_YET = 'not yet'
export type Fetched = Sample | undefined | typeof NOT_YET

export const bool = (value: boolean): Sample => ({ type: 'bool', value })
/** Wraps to 64 bits. */
export const sint = (value: number | bigint): Sample => ({ type: 'sint', value: typeof value === 'number' ? BigInt(Math.trunc(value)) : BigInt.asIntN(64, value) })
/** Text, encoded in UTF-8. For what are bytes already use { type: 'str', value }. */
export const str = (text: string): Sample => ({ type: 'str', value: toBytes(text) })

/** Text to its UTF-8 bytes, as a ByteString. */
export function toBytes(text: string): ByteString {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return Buffer.from(text, 'utf8').toString('latin1')
  return text
}

/** UTF-8 bytes to text, for messages. */
export function toText(bytes: ByteString): string {
  return Buffer.from(bytes, 'latin1').toString('utf8')
}

/**
 * Where an expression is evaluated. 'config': while the configuration is read; 'connection' and 'session': tcp-request rules of
 * that name ('handshake' is between them); 'request' and 'response': content rules, of a frontend or a backend; 'route':
 * use_backend; 'server': use-server and stick rules; 'connect': a server's sni and source; 'log': at the end; 'check': health checks.
 */
export type SampleStage =
  | 'config'
  | 'connection'
  | 'handshake'
  | 'session'
  | 'request'
  | 'route'
  | 'backend-request'
  | 'server'
  | 'connect'
  | 'response'
  | 'log'
  | 'check'
  | 'runtime'

/** What a fetch reads ('constant': nothing but its arguments, variables and the clock), and so at which stages it can have a value. sample/stage.ts holds the table. */
export type Source =
  | 'constant'
  | 'internal'
  | 'listener'
  | 'frontend'
  | 'client-l4'
  | 'client-l5'
  | 'track'
  | 'request'
  | 'kept-request'
  | 'contents'
  | 'backend'
  | 'server'
  | 'server-l4'
  | 'server-l5'
  | 'response'
  | 'kept-response'
  | 'end'

/** Variables of one connection, its stream, or the process. Names are without scope; the scope is a level of the store. */
export type VariableScope = 'proc' | 'sess' | 'txn' | 'req' | 'res' | 'check'
export interface VariableName {
  readonly scope: VariableScope
  readonly name: string
}
export interface Variables {
  get(variable: VariableName): Sample | undefined
  /** Whether there is a place for it: `res` has none while the request is processed. */
  set(variable: VariableName, value: Sample): boolean
  unset(variable: VariableName): void
  /** Those of a scope that are set, in the order in which they were first set. */
  each(scope: VariableScope, visit: (name: string, value: Sample) => void): void
}

/** What rules change of a session besides its addresses and variables. Whoever runs the session keeps it and acts on it. */
export interface SessionEffects {
  /** The level of its log line; 'silent': none. undefined: the usual. */
  logLevel: LogLevel | 'silent' | undefined
  /** -2047 to 2047; lower waits less in queues. */
  priorityClass: number
  /** -524287 to 524287, ms: added to the time by which a queue orders sessions of one class. */
  priorityOffset: number
  /** How often a connect is tried again; undefined: as the backend has it. */
  retries?: number | undefined
  /** How what goes to the server is marked; undefined: nobody said. */
  serverPackets?: OutgoingPackets
  /** By slot; undefined: nothing. */
  readonly requestCaptures: (ByteString | undefined)[]
  readonly responseCaptures: (ByteString | undefined)[]
  /** The service that a rule gave the session to, by its name. */
  service?: string
  /** Where the content rule stands that ended its rule set. */
  lastRule?: Place
  /** Where the content rule stands that waits for something. */
  waitingRule?: Place | undefined
}

/** What an expression is asked about: a connection with all that is known of it at this stage. Parts not there yet are undefined. */
export interface Subject {
  /** Milliseconds since the epoch, with microseconds as its fraction where the clock has them. */
  now(): number
  /** The ends as rules have set them; they begin as the client connection's. */
  src: Address
  dst: Address
  readonly client: Peer | undefined
  readonly server: Peer | undefined
  /** The client's bytes that have not been forwarded, and the server's. */
  readonly request: Contents | undefined
  readonly response: Contents | undefined
  readonly frontend: ProxyView | undefined
  readonly backend: ProxyView | undefined
  /** The server chosen. */
  readonly target: ServerView | undefined
  readonly variables: Variables
  readonly record: SessionRecord | undefined
  readonly effects: SessionEffects | undefined
  /** Who is told how rules and expressions come out. */
  readonly trace?: Trace | undefined
  /** An expression had a value, or none, that more bytes may change. Expressions set it, the rule set that runs clears it. */
  unsettled?: boolean
}

/** Evaluates one fetch. It never throws: what cannot be had is undefined. */
export type Fetch = (subject: Subject) => Fetched
/** Changes one sample into another; undefined: this one cannot be. The sample has the type that the converter asks for. */
export type Convert = (sample: Sample, subject: Subject) => Sample | undefined

/** 'var': a variable's name; 'delay': ms; 'mask4', 'mask6': a netmask or a prefix length. The proxies, servers and tables are names, checked when all is read. */
export type ArgType = 'sint' | 'str' | 'ipv4' | 'ipv6' | 'mask4' | 'mask6' | 'delay' | 'size' | 'frontend' | 'backend' | 'server' | 'table' | 'var'

export interface ArgSpec {
  /** As the manual calls it, for messages and the reference. */
  readonly name: string
  readonly type: ArgType
  readonly optional?: boolean
}

/** Arguments between parentheses, already of their declared types. Asking for one as another type is a bug and throws. */
export interface ArgValues {
  readonly count: number
  /** Given and not empty. */
  has(index: number): boolean
  /** As written, after unquoting; '' when not given. */
  str(index: number): ByteString
  int(index: number): bigint
  int(index: number, otherwise: bigint): bigint
  ipv4(index: number): number
  ipv6(index: number): Uint8Array
  variable(index: number): VariableName
}

/** What a fetch, a converter or an action may know of its place while it is compiled. */
export interface Scope {
  readonly stage: SampleStage
  /** As messages name it: `frontend tcp-request connection rule`. */
  readonly rule: string
  /** The kind of section, its name, and what it has said so far. */
  readonly section: Args['sectionKind']
  readonly proxy: string
  readonly values: Values
  readonly place: Place
  readonly plugins: readonly Plugin[]
  /** The environment as the configuration leaves it, once it is read; undefined: the process's. */
  readonly env?: ReadonlyMap<string, string>
  warn(text: string, hint?: string, at?: Word, name?: WarningName): void
  readFile(path: string, at?: Word): Buffer | undefined
}

/** Reports a problem and returns undefined. */
export type Fail = (text: string, hint?: string, at?: Word) => undefined

/** How a sample is compared with patterns, manual 7.1. */
export type MatchMethod = 'found' | 'bool' | 'int' | 'ip' | 'bin' | 'len' | 'str' | 'beg' | 'sub' | 'dir' | 'dom' | 'end' | 'reg'

export interface FetchSpec {
  readonly name: string
  readonly args?: readonly ArgSpec[]
  readonly output: OutputType
  readonly source: Source
  /** One line. */
  readonly doc: string
  /** In an ACL, and without a converter: this matching method instead of its type's. */
  readonly match?: MatchMethod
  /** A word of ACLs only (`hdr_beg`): it is not a fetch elsewhere. */
  readonly aclOnly?: boolean
  /** How integers are written in its patterns: 'version' reads 3.1 as 3 × 65536 + 1. */
  readonly numbers?: 'decimal' | 'version'
  /** Called once per use, at start-up. undefined: it reported why not. */
  compile(args: ArgValues, scope: Scope, fail: Fail): Fetch | undefined
}

export interface ConverterSpec {
  readonly name: string
  readonly args?: readonly ArgSpec[]
  /** What it asks for; the sample is cast before (7.1). 'any': as it comes. */
  readonly input: OutputType
  /** What it gives; 'same' as its input. */
  readonly output: OutputType | 'same'
  /** What becomes of text or bytes that do not fit into a buffer (tune.bufsize): no value, or, by default, as many as fit. */
  readonly tooLong?: 'cut' | 'absent'
  readonly doc: string
  compile(args: ArgValues, scope: Scope, fail: Fail): Convert | undefined
}
