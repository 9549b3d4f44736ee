// Owns converters that look at a sample and let it go on (manual 7.3.1): debug.

import type { ConverterSpec, Sample } from '../../core/sample.ts'
import { toText } from '../../core/sample.ts'
import { cast } from '../cast.ts'

const SINKS: Readonly<Record<string, (line: string) => void>> = {
  stderr: (line) => void process.stderr.write(line),
  stdout: (line) => void process.stdout.write(line),
}

function shown(sample: Sample): string {
  if (sample.type === 'bin') return Buffer.from(sample.value, 'latin1').toString('hex')
  const text = cast(sample, 'str')
  return text?.type === 'str' ? JSON.stringify(toText(text.value)).slice(1, -1) : ''
}

export const lookingConverters: readonly ConverterSpec[] = [
  {
    name: 'debug',
    args: [
      { name: 'prefix', type: 'str', optional: true },
      { name: 'destination', type: 'str', optional: true },
    ],
    input: 'any',
    output: 'same',
    doc: 'Writes the value to stdout or stderr, with a prefix; the value goes on.',
    compile(args, _scope, fail) {
      const name = args.has(1) ? toText(args.str(1)) : 'buf0'
      const sink = Object.hasOwn(SINKS, name) ? SINKS[name] : undefined
      if (sink === undefined) return fail(name === 'buf0' ? "the ring 'buf0' is not supported yet" : `No such sink '${name}'`, 'write debug(<prefix>,stderr)')
      const prefix = args.has(0) ? toText(args.str(0)) : 'debug'
      return (sample) => {
        sink(`[debug] ${prefix}: type=${sample.type} <${shown(sample)}>\n`)
        return sample
      }
    },
  },
]
