// Owns reading MQTT's first packets, CONNECT and CONNACK of 3.1, 3.1.1 and 5.0 (the OASIS standards, sections 3.1 and 3.2).
//
//   type and flags 1 | remaining length 1-4 | CONNECT: name, version 1, flags 1, keepalive 2, [properties], client id, [will …], [user], [password]
//                                           | CONNACK: flags 1, reason 1, [properties]

import type { ByteString } from '../core/sample.ts'

export type MqttType = 'connect' | 'connack'

/** What a packet says, as text, by the name of the field or the number of the property. */
export type MqttFields = ReadonlyMap<string, ByteString>

/** 'short': the packet has not arrived whole; 'bad': it is none of these, or broken. */
export type MqttPacket = 'short' | 'bad' | { readonly type: MqttType; readonly fields: MqttFields }

type Shape = 'flag' | 'two' | 'four' | 'string' | 'pair'

interface Property {
  readonly shape: Shape
  /** 0 is no value of it. */
  readonly positive?: boolean
}

const CONNECT_PROPERTIES: ReadonlyMap<number, Property> = new Map<number, Property>([
  [17, { shape: 'four' }],
  [33, { shape: 'two', positive: true }],
  [39, { shape: 'four', positive: true }],
  [34, { shape: 'two' }],
  [25, { shape: 'flag' }],
  [23, { shape: 'flag' }],
  [21, { shape: 'string' }],
  [22, { shape: 'string' }],
  [38, { shape: 'pair' }],
])
const WILL_PROPERTIES: ReadonlyMap<number, Property> = new Map<number, Property>([
  [24, { shape: 'four' }],
  [1, { shape: 'flag' }],
  [2, { shape: 'four' }],
  [3, { shape: 'string' }],
  [8, { shape: 'string' }],
  [9, { shape: 'string' }],
  [38, { shape: 'pair' }],
])
const CONNACK_PROPERTIES: ReadonlyMap<number, Property> = new Map<number, Property>([
  [17, { shape: 'four' }],
  [33, { shape: 'two', positive: true }],
  [36, { shape: 'flag' }],
  [37, { shape: 'flag' }],
  [39, { shape: 'four', positive: true }],
  [18, { shape: 'string' }],
  [34, { shape: 'two' }],
  [31, { shape: 'string' }],
  [40, { shape: 'flag' }],
  [41, { shape: 'flag' }],
  [42, { shape: 'flag' }],
  [19, { shape: 'two' }],
  [26, { shape: 'string' }],
  [28, { shape: 'string' }],
  [21, { shape: 'string' }],
  [22, { shape: 'string' }],
  [38, { shape: 'pair' }],
])
const AUTHENTICATION_METHOD = 21
const AUTHENTICATION_DATA = 22
const USER_PROPERTY = 38

const NAMES: Readonly<Record<MqttType, readonly string[]>> = {
  connect: ['flags', 'protocol_name', 'protocol_version', 'client_identifier', 'will_topic', 'will_payload', 'username', 'password', 'keepalive'],
  connack: ['flags', 'protocol_version', 'reason_code'],
}

/** The field that a configuration names, in its usual form; undefined: packets of this type have none such. */
export function mqttField(type: MqttType, text: string): string | undefined {
  const name = text.toLowerCase()
  if (NAMES[type].includes(name)) return name
  if (!/^[1-9][0-9]?$/.test(name)) return undefined
  const properties = type === 'connack' ? [CONNACK_PROPERTIES] : [CONNECT_PROPERTIES, WILL_PROPERTIES]
  return properties.some((known) => known.has(Number(name))) ? name : undefined
}

/** A cursor that refuses to leave its window. */
class Reader {
  readonly #bytes: ByteString
  #at: number
  readonly #end: number
  broken = false

  constructor(bytes: ByteString, at: number, end: number) {
    this.#bytes = bytes
    this.#at = at
    this.#end = end
  }

  get left(): number {
    return this.#end - this.#at
  }

  take(n: number): ByteString {
    if (n > this.left) {
      this.broken = true
      this.#at = this.#end
      return ''
    }
    this.#at += n
    return this.#bytes.slice(this.#at - n, this.#at)
  }

  uint(size: number): number {
    let value = 0
    for (const c of this.take(size)) value = value * 256 + c.charCodeAt(0)
    return value
  }

  string(): ByteString {
    return this.take(this.uint(2))
  }

  varint(): number {
    let value = 0
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.uint(1)
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
    this.broken = true
    return 0
  }

  /** A window of n bytes, which are skipped. */
  window(n: number): Reader {
    const begin = this.#at
    this.take(n)
    return new Reader(this.#bytes, begin, this.#at)
  }
}

/** Reads the packet at the front of `bytes`; what follows it is not looked at. */
export function readMqtt(bytes: ByteString): MqttPacket {
  if (bytes.length === 0) return 'short'
  const first = bytes.charCodeAt(0)
  const type: MqttType | undefined = first === 0x10 ? 'connect' : first === 0x20 ? 'connack' : undefined
  if (type === undefined) return 'bad'
  let size = 0
  let at = 1
  for (let shift = 0; ; shift += 7) {
    if (shift === 28) return 'bad'
    if (at >= bytes.length) return 'short'
    const byte = bytes.charCodeAt(at++)
    size += (byte & 0x7f) * 2 ** shift
    if (byte < 0x80) break
  }
  if (at + size > bytes.length) return 'short'
  const body = new Reader(bytes, at, at + size)
  const fields = new Map<string, ByteString>()
  const good = type === 'connect' ? readConnect(body, fields) : readConnack(body, fields)
  return good && !body.broken && body.left === 0 ? { type, fields } : 'bad'
}

function readConnect(body: Reader, fields: Map<string, ByteString>): boolean {
  const name = body.string()
  const version = body.uint(1)
  if ((name !== 'MQTT' && name !== 'MQIsdp') || version < 3 || version > 5 || (version === 5 && name !== 'MQTT')) return false
  const flags = body.uint(1)
  if ((flags & 1) !== 0) return false
  fields.set('protocol_name', name).set('protocol_version', String(version)).set('flags', String(flags)).set('keepalive', String(body.uint(2)))
  if (version === 5 && !readProperties(body, CONNECT_PROPERTIES, fields)) return false
  fields.set('client_identifier', body.string())
  if ((flags & 0x04) !== 0) {
    if (version === 5 && !readProperties(body, WILL_PROPERTIES, fields)) return false
    fields.set('will_topic', body.string()).set('will_payload', body.string())
  }
  if ((flags & 0x80) !== 0) fields.set('username', body.string())
  if ((flags & 0x40) !== 0) fields.set('password', body.string())
  return true
}

function readConnack(body: Reader, fields: Map<string, ByteString>): boolean {
  const version = body.left > 2 ? 5 : 4
  const flags = body.uint(1)
  if ((flags & 0xfe) !== 0) return false
  fields.set('flags', String(flags)).set('protocol_version', String(version)).set('reason_code', String(body.uint(1)))
  return version === 4 || readProperties(body, CONNACK_PROPERTIES, fields)
}

function readProperties(body: Reader, known: ReadonlyMap<number, Property>, fields: Map<string, ByteString>): boolean {
  const list = body.window(body.varint())
  const seen = new Set<number>()
  while (list.left > 0 && !list.broken) {
    const id = list.varint()
    const property = known.get(id)
    if (property === undefined || (seen.has(id) && id !== USER_PROPERTY)) return false
    seen.add(id)
    if (property.shape === 'pair') {
      list.string()
      list.string()
      continue
    }
    if (property.shape === 'string') {
      fields.set(String(id), list.string())
      continue
    }
    const value = list.uint(property.shape === 'four' ? 4 : property.shape === 'two' ? 2 : 1)
    if ((property.shape === 'flag' && value > 1) || (property.positive === true && value === 0)) return false
    fields.set(String(id), String(value))
  }
  return !list.broken && (!seen.has(AUTHENTICATION_DATA) || seen.has(AUTHENTICATION_METHOD))
}
