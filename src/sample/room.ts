// Owns how long a value may become: a client's bytes must not grow beyond its buffer, however many converters there are.

import type { ConverterSpec, Sample, Subject } from '../core/sample.ts'

const BUFFER_SIZE = 16384
/** No tune.bufsize is smaller: what is shorter than this needs no look. */
const SHORT = 1024

/** Bytes that a converter may give, one less than tune.bufsize as in HAProxy. */
export function roomOf(subject: Subject): number {
  return (subject.frontend?.process.bufferSize ?? BUFFER_SIZE) - 1
}

/** What a converter gave, as far as there is room for it; undefined where a part of it would be of no use. */
export function fitted(sample: Sample, tooLong: ConverterSpec['tooLong'], subject: Subject): Sample | undefined {
  if ((sample.type !== 'str' && sample.type !== 'bin') || sample.value.length < SHORT) return sample
  const room = roomOf(subject)
  if (sample.value.length <= room) return sample
  return tooLong === 'absent' ? undefined : { ...sample, value: sample.value.slice(0, room) }
}
