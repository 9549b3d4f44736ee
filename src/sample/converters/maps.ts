// Owns map* (manual 7.3.1): a value looked up in a file of patterns with values.

import type { ByteString, Convert, ConverterSpec, MatchMethod, OutputType, Sample } from '../../core/sample.ts'
import { toText } from '../../core/sample.ts'
import { cast, INT64_MAX, INT64_MIN } from '../cast.ts'
import { patternFile } from '../patterns/file.ts'
import { makeIndex } from '../patterns/match.ts'
import { compileRegex } from '../patterns/regexes.ts'
import { parseIPv4, parseIPv6 } from '../../util/ip.ts'

type Output = 'str' | 'int' | 'ip'

const INPUTS: Readonly<Record<string, OutputType>> = { str: 'str', beg: 'str', sub: 'str', dir: 'str', dom: 'str', end: 'str', reg: 'str', int: 'sint', ip: 'ip' }

/** A map's value as the sample that the map gives. undefined: it is not of that kind. */
function parseValue(text: ByteString, output: Output): Sample | undefined {
  switch (output) {
    case 'str':
      return { type: 'str', value: text }
    case 'int': {
      if (!/^[+-]?[0-9]{1,19}$/.test(text)) return undefined
      const value = BigInt(text.startsWith('+') ? text.slice(1) : text)
      return value > INT64_MAX || value < INT64_MIN ? undefined : { type: 'sint', value }
    }
    case 'ip': {
      const v4 = parseIPv4(text)
      if (v4 !== undefined) return { type: 'ipv4', value: v4 }
      const v6 = parseIPv6(text)
      return v6 === undefined ? undefined : { type: 'ipv6', value: v6 }
    }
  }
}

const OUTPUT_TYPES: Readonly<Record<Output, OutputType>> = { str: 'str', int: 'sint', ip: 'ip' }
const KINDS: Readonly<Record<Output, string>> = { str: 'a string', int: 'an integer', ip: 'an IP address' }

function map(name: string, method: MatchMethod, output: Output, groups = false): ConverterSpec {
  return {
    name,
    args: [
      { name: 'map_file', type: 'str' },
      { name: 'default_value', type: 'str', optional: true },
    ],
    input: INPUTS[method] ?? 'str',
    output: OUTPUT_TYPES[output],
    doc: `The value beside the pattern that matches (${method}) in a file, as ${KINDS[output]}.`,
    compile(args, scope, fail): Convert | undefined {
      const file = toText(args.str(0))
      let otherwise: Sample | undefined
      if (args.count > 1) {
        otherwise = parseValue(args.str(1), output)
        if (otherwise === undefined) return fail(`the default value '${toText(args.str(1))}' is not ${KINDS[output]}`)
      }
      const set = patternFile({ text: file, column: scope.place.column ?? 0 }, 2, scope, (text) => fail(text))
      if (set === undefined) return undefined
      const slot = set.attach(
        () => makeIndex(method, false, 'decimal'),
        (value) => (parseValue(value, output) === undefined ? `'${value}' is not ${KINDS[output]}` : undefined),
      )
      if ('problem' in slot) return fail(`${slot.problem}, pattern '${toText(slot.pattern.text)}' of file '${file}'`)
      set.usedBy.push(`map '${file}' file '${scope.place.file}' line ${scope.place.line}`)
      return (sample) => {
        const found = slot.index.find(sample)
        if (found === undefined) return otherwise
        const value = found.value ?? ''
        return groups ? { type: 'str', value: fillGroups(value, found.text, sample) } : parseValue(value, output)
      }
    },
  }
}

const compiled = new Map<ByteString, RegExp>()

/** Back-references `\1` of a value replaced by what the pattern's groups matched. */
function fillGroups(value: ByteString, pattern: ByteString, sample: Sample): ByteString {
  let regex = compiled.get(pattern)
  if (regex === undefined) {
    const made = compileRegex(pattern, false, 'groups')
    if (typeof made === 'string') return value
    compiled.set(pattern, (regex = made))
  }
  const text = cast(sample, 'str')
  const found = text?.type === 'str' ? regex.exec(text.value) : null
  return value.replace(/\\([0-9])|\\(.)/gs, (_, group?: string, freed?: string) => (group === undefined ? (freed ?? '') : (found?.[Number(group)] ?? '')))
}

const METHODS: readonly MatchMethod[] = ['str', 'beg', 'sub', 'dir', 'dom', 'end', 'reg', 'int', 'ip']

export const mapConverters: readonly ConverterSpec[] = [
  map('map', 'str', 'str'),
  ...METHODS.flatMap((method) => [map(`map_${method}`, method, 'str'), map(`map_${method}_int`, method, 'int'), map(`map_${method}_ip`, method, 'ip')]),
  map('map_regm', 'reg', 'str', true),
]

