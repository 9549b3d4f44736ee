// Owns converters of dates to text (manual 7.3.1).

import type { ConverterSpec, Sample } from '../../core/sample.ts'
import { toBytes, toText } from '../../core/sample.ts'
import { clamp64 } from '../cast.ts'
import { strftime } from '../strftime.ts'

function time(name: string, unit: bigint, local: boolean): ConverterSpec {
  const units = unit === 1n ? 'seconds' : unit === 1000n ? 'milliseconds' : 'microseconds'
  return {
    name,
    args: [
      { name: 'format', type: 'str' },
      { name: 'offset', type: 'sint', optional: true },
    ],
    input: 'sint',
    output: 'str',
    doc: `A date in ${units} since the epoch, as strftime writes it in ${local ? 'local time' : 'UTC'}; <offset> is added before.`,
    compile(args, _scope, fail) {
      if (!args.has(0)) return fail('a format is expected', 'such as %Y-%m-%d')
      const format = toText(args.str(0))
      const offset = args.int(1, 0n)
      return (sample): Sample | undefined => {
        if (sample.type !== 'sint') return undefined
        const at = clamp64(sample.value + offset)
        const seconds = at >= 0n ? at / unit : -((unit - 1n - at) / unit)
        const rest = String(at - seconds * unit).padStart(unit === 1000n ? 3 : 6, '0')
        // %N is no directive of strftime(3): the fraction, where there is one
        const whole = unit === 1n ? format : format.replaceAll(/%(?:%|N)/g, (d) => (d === '%N' ? rest : d))
        return { type: 'str', value: toBytes(strftime(whole, seconds, local)) }
      }
    },
  }
}

const UNITS: ReadonlyMap<string, readonly [bigint, number]> = new Map([
  ['', [1n, 0]],
  ['s', [1n, 0]],
  ['ms', [1000n, 3]],
  ['us', [1_000_000n, 6]],
])

export const dateConverters: readonly ConverterSpec[] = [
  time('ltime', 1n, true),
  time('utime', 1n, false),
  time('ms_ltime', 1000n, true),
  time('ms_utime', 1000n, false),
  time('us_ltime', 1_000_000n, true),
  time('us_utime', 1_000_000n, false),
  {
    name: 'http_date',
    args: [
      { name: 'offset', type: 'sint', optional: true },
      { name: 'unit', type: 'str', optional: true },
    ],
    input: 'sint',
    output: 'str',
    doc: 'A date since the epoch as RFC 9110 writes it, in GMT; with ms or us as <unit> it has a fraction.',
    compile(args, _scope, fail) {
      const [unit, digits] = UNITS.get(args.str(1)) ?? []
      if (unit === undefined || digits === undefined) return fail(`expects 's', 'ms' or 'us', got '${toText(args.str(1))}'`)
      const offset = args.int(0, 0n)
      return (sample) => {
        if (sample.type !== 'sint') return undefined
        const at = clamp64(sample.value + offset)
        const seconds = at >= 0n ? at / unit : -((unit - 1n - at) / unit)
        const fraction = digits === 0 ? '' : `.${String(at - seconds * unit).padStart(digits, '0')}`
        return { type: 'str', value: strftime(`%a, %d %b %Y %H:%M:%S${fraction} GMT`, seconds, false) }
      }
    },
  },
]
