// Owns `sample` of a log line: which of every so many log lines a target gets (manual 4.2, "log").

import type { Args, Word } from '../../core/keyword.ts'

/** Of every `size` lines, those whose number (from 1) is in a range. */
export interface LogSample {
  readonly ranges: readonly { readonly low: number; readonly high: number }[]
  readonly size: number
}

/** Reads `1-2,4:5`. Ranges come back sorted; overlaps, zeros and a size below the highest number are refused. */
export function sample(args: Args, w: Word | undefined): LogSample | undefined {
  const text = w?.text ?? ''
  const colon = text.indexOf(':')
  if (colon < 0) return args.fail('log : Missing sample size', 'write <ranges>:<sample_size>, such as 1:10', w)
  const sizeText = text.slice(colon + 1)
  const rangeText = text.slice(0, colon)
  const size = /^[0-9]+$/.test(sizeText) ? Number(sizeText) : 0
  if (size === 0) return args.fail(`log : wrong sample size '${sizeText}' for sample range '${rangeText}'`, undefined, w)
  const ranges: { low: number; high: number }[] = []
  for (const part of rangeText.split(',')) {
    const match = /^([0-9]+)(?:-([0-9]+))?$/.exec(part)
    const low = Number(match?.[1] ?? 0)
    const high = Number(match?.[2] ?? low)
    if (low === 0 || high < low) return args.fail(`log : wrong sample range '${part}'`, undefined, w)
    ranges.push({ low, high })
  }
  ranges.sort((a, b) => a.low - b.low)
  for (const [i, range] of ranges.entries()) {
    const following = ranges[i + 1]
    if (following !== undefined && following.low <= range.high) return args.fail('log : ranges are overlapping', undefined, w)
  }
  const highest = ranges.at(-1)?.high ?? 0
  if (size < highest) {
    return args.fail(`log : sample size ${size} should be greater or equal to ${highest} the maximum of the high ranges limits`, undefined, w)
  }
  return { ranges, size }
}
