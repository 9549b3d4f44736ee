// Owns the MQTT converters (manual 7.3.1).

import type { ConverterSpec } from '../../core/sample.ts'
import { toText } from '../../core/sample.ts'
import { mqttField, readMqtt } from '../mqtt.ts'
import type { MqttType } from '../mqtt.ts'
import { converter, textSample } from './convert.ts'

const TYPES: readonly string[] = ['connect', 'connack', 'publish', 'puback', 'pubrec', 'pubrel', 'pubcomp', 'subscribe', 'suback', 'unsubscribe', 'unsuback', 'pingreq', 'pingresp', 'disconnect', 'auth']

/** The packet's type by its name or number. undefined: packets of this type are not read here. */
function readable(name: string): MqttType | undefined {
  return name === 'connect' || name === 'connack' ? name : undefined
}

export const mqttConverters: readonly ConverterSpec[] = [
  converter('mqtt_is_valid', 'bin', 'bool', 'Whether the bytes begin with a good CONNECT or CONNACK packet of MQTT; no value while it is not whole.', [], () => (bytes) => {
    const packet = readMqtt(bytes)
    return packet === 'short' ? undefined : { type: 'bool', value: packet !== 'bad' }
  }),
  converter(
    'mqtt_field_value',
    'bin',
    'str',
    'A field or, by number, a property of an MQTT CONNECT or CONNACK packet.',
    [
      { name: 'packettype', type: 'str' },
      { name: 'fieldname_or_property_ID', type: 'str' },
    ],
    (args, fail) => {
      const [typeText, fieldText] = [toText(args.str(0)), toText(args.str(1))]
      const typeName = /^[0-9]{1,2}$/.test(typeText) ? TYPES[Number(typeText) - 1] : typeText.toLowerCase()
      if (typeName === undefined || !TYPES.includes(typeName)) return fail(`Unknown MQTT type '${typeText}'`, 'connect and connack are read')
      const type = readable(typeName)
      const field = type === undefined ? undefined : mqttField(type, fieldText)
      if (field === undefined) return fail(`Unknown MQTT field name '${fieldText}' for packet type '${typeText}'`)
      return (bytes) => {
        const packet = readMqtt(bytes)
        return typeof packet === 'object' && packet.type === type ? textSample('str', packet.fields.get(field)) : undefined
      }
    },
  ),
]
