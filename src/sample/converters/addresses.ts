// Owns converters on addresses (manual 7.3.1).

import type { ConverterSpec } from '../../core/sample.ts'
import { mappedIPv4 } from '../../util/ip.ts'

export const addressConverters: readonly ConverterSpec[] = [
  {
    name: 'ipmask',
    args: [
      { name: 'mask4', type: 'mask4' },
      { name: 'mask6', type: 'mask6', optional: true },
    ],
    input: 'ip',
    output: 'ip',
    doc: 'The address with a mask applied. IPv6 addresses need a mask of their own; ::ffff:a.b.c.d is a.b.c.d.',
    compile(args) {
      const mask4 = args.ipv4(0)
      const mask6 = args.has(1) ? args.ipv6(1) : undefined
      return (sample) => {
        if (sample.type === 'ipv4') return { type: 'ipv4', value: (sample.value & mask4) >>> 0 }
        if (sample.type !== 'ipv6') return undefined
        const mapped = mappedIPv4(sample.value)
        if (mapped !== undefined) return { type: 'ipv4', value: (mapped & mask4) >>> 0 }
        if (mask6 === undefined) return undefined
        return { type: 'ipv6', value: sample.value.map((byte, i) => byte & (mask6[i] ?? 0)) }
      }
    },
  },
]
