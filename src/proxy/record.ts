// Owns the session record of a stream: what log formats may read, computed from the stream when they read it.

import type { Address } from '../core/address.ts'
import { uniqueIdFact, type SessionRecord } from '../core/record.ts'
import { tlsFact } from '../core/tls.ts'
import type { Frontend } from './frontend.ts'
import { bindFact } from './bind.ts'
import type { Stream } from './stream.ts'

const between = (from: number, to: number): number => (from < 0 || to < 0 ? -1 : to - from)

export class StreamRecord implements SessionRecord {
  readonly #stream: Stream
  readonly #frontend: Frontend
  /** Written before the end. */
  readonly early: boolean
  readonly growing: boolean
  readonly logNumber: number
  readonly error = ''
  readonly serverQueue = 0

  constructor(stream: Stream, frontend: Frontend, early: boolean, logNumber: number) {
    this.#stream = stream
    this.#frontend = frontend
    this.early = early
    this.growing = frontend.settings.logAsap
    this.logNumber = logNumber
  }

  get uniqueId(): string | undefined {
    return this.#stream.client.get(uniqueIdFact)
  }

  get client(): Address {
    return this.#stream.subject.src
  }

  get local(): Address {
    return this.#stream.subject.dst
  }

  get acceptDate(): number {
    return this.#stream.client.since
  }

  get frontend(): string {
    return this.#frontend.name
  }

  get bind(): string {
    return this.#stream.client.get(bindFact)?.name ?? ''
  }

  get tls(): { readonly version: string; readonly cipher: string } | undefined {
    return this.#stream.client.get(tlsFact)
  }

  get backend(): string {
    return this.#stream.backend?.name ?? this.#frontend.name
  }

  get server(): string | undefined {
    return this.#stream.server?.name
  }

  get serverLocal(): Address | undefined {
    return (this.#stream.connection ?? this.#stream.reach?.lost)?.src
  }

  get serverAddress(): Address | undefined {
    return (this.#stream.connection ?? this.#stream.reach?.lost)?.dst
  }

  get handshakeTime(): number {
    return between(this.#stream.client.began, this.#stream.openedAt)
  }

  get queueTime(): number {
    return between(this.#stream.openedAt, this.#stream.reach?.assignedAt ?? -1)
  }

  get connectTime(): number {
    return between(this.#stream.reach?.assignedAt ?? -1, this.#stream.connectedAt)
  }

  get totalTime(): number {
    const { overAt, openedAt } = this.#stream
    return between(openedAt, overAt < 0 ? this.#frontend.wheel.now() : overAt)
  }

  get bytesUp(): number {
    return this.#stream.bytesUp
  }

  get bytesDown(): number {
    return this.#stream.bytesDown
  }

  get receivedUp(): number {
    return this.#stream.received.up
  }

  get receivedDown(): number {
    return this.#stream.received.down
  }

  get termination(): string {
    return this.#stream.by + (this.#stream.by === '-' ? '-' : this.#stream.where)
  }

  get processConnections(): number {
    return this.#frontend.process.connections
  }

  get frontendConnections(): number {
    return this.#frontend.connections
  }

  get backendConnections(): number {
    return this.#stream.backend?.connections ?? 0
  }

  get serverConnections(): number {
    return this.#stream.server?.connections ?? 0
  }

  get retries(): number {
    return this.#stream.reach?.retries ?? 0
  }

  get redispatched(): boolean {
    return this.#stream.reach?.redispatched ?? false
  }

  get backendQueue(): number {
    return this.#stream.reach?.queuedBehind ?? 0
  }

  get requestCaptures(): readonly (string | undefined)[] {
    return this.#slots(this.#frontend.captures.request, this.#stream.subject.effects.requestCaptures)
  }

  get responseCaptures(): readonly (string | undefined)[] {
    return this.#slots(this.#frontend.captures.response, this.#stream.subject.effects.responseCaptures)
  }

  /** Slots are there whether or not anything was put into them. */
  #slots(lengths: readonly number[], kept: readonly (string | undefined)[]): readonly (string | undefined)[] {
    return lengths.map((_, i) => kept[i])
  }

  get sessionNumber(): number {
    return this.#stream.client.id
  }
}
