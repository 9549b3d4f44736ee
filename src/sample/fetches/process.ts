// Owns fetches of the process and the machine (manual 7.3.2): dates, environment, numbers that differ each time.

import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { Place } from '../../core/keyword.ts'
import type { FetchSpec, Sample, SessionEffects, Subject } from '../../core/sample.ts'
import { bool, sint, str, toText } from '../../core/sample.ts'
import { number } from './fetch.ts'

const started = Date.now()

/** Where a rule stands, as `file:line`. */
function entity(name: string, doc: string, of: (effects: SessionEffects) => Place | undefined): FetchSpec {
  return {
    name,
    output: 'str',
    source: 'internal',
    doc,
    compile: () => ({ effects }) => {
      const place = effects === undefined ? undefined : of(effects)
      return place === undefined ? undefined : str(`${place.file}:${place.line}`)
    },
  }
}

/** Microseconds since the epoch. */
function micros(subject: Subject): bigint {
  return BigInt(Math.round(subject.now() * 1000))
}

const UNITS: ReadonlyMap<string, bigint> = new Map([
  ['', 1_000_000n],
  ['s', 1_000_000n],
  ['ms', 1000n],
  ['us', 1n],
])

export const processFetches: readonly FetchSpec[] = [
  {
    name: 'date',
    args: [
      { name: 'offset', type: 'sint', optional: true },
      { name: 'unit', type: 'str', optional: true },
    ],
    output: 'sint',
    source: 'constant',
    doc: 'The date in seconds since the epoch, or in ms or us with <unit>; <offset> is added.',
    compile(args, _scope, fail) {
      const unit = UNITS.get(args.str(1))
      if (unit === undefined) return fail(`expects 's', 'ms' or 'us', got '${toText(args.str(1))}'`)
      const offset = args.int(0, 0n)
      return (subject) => sint(micros(subject) / unit + offset)
    },
  },
  number('date_us', 'constant', 'The microseconds of the date: what `date` leaves out.', (subject) => micros(subject) % 1_000_000n),
  {
    name: 'env',
    args: [{ name: 'name', type: 'str' }],
    output: 'str',
    source: 'constant',
    doc: 'An environment variable as it was at start-up, or as the configuration has set it.',
    compile(args, scope, fail) {
      const name = toText(args.str(0))
      if (name === '') return fail('a name is expected')
      // Lines behind this one may still set it.
      let sample: Sample | undefined
      let asked = false
      return () => {
        if (!asked) {
          const value = scope.env === undefined ? process.env[name] : scope.env.get(name)
          sample = value === undefined ? undefined : str(value)
          asked = true
        }
        return sample
      }
    },
  },
  { name: 'hostname', output: 'str', source: 'constant', doc: "The system's host name.", compile: () => () => str(hostname()) },
  number('pid', 'constant', "The process's id.", () => process.pid),
  number('proc', 'constant', 'Always 1.', () => 1),
  number('nbproc', 'constant', 'Always 1.', () => 1),
  number('thread', 'internal', 'The number of the data thread, from 0.', (subject) => subject.frontend?.process.thread ?? 0),
  number('uptime', 'internal', 'Seconds since the process started.', (subject) => Math.floor((subject.now() - started) / 1000)),
  {
    name: 'stopping',
    output: 'bool',
    source: 'internal',
    doc: 'Whether the process accepts no more and waits for its last sessions.',
    compile: () => (subject) => bool(subject.frontend?.process.stopping ?? false),
  },
  {
    name: 'rand',
    args: [{ name: 'range', type: 'sint', optional: true }],
    output: 'sint',
    source: 'internal',
    doc: 'A random number from 0 to <range> - 1; 32 bits without it. Not for secrets.',
    compile(args, _scope, fail) {
      const range = args.int(0, 0x1_0000_0000n)
      if (range < 0n) return fail('a range cannot be negative')
      return () => sint(Math.floor(Math.random() * Number(range)))
    },
  },
  {
    name: 'uuid',
    args: [{ name: 'version', type: 'sint', optional: true }],
    output: 'str',
    source: 'internal',
    doc: 'A random UUID, version 4.',
    compile(args, _scope, fail) {
      const version = args.int(0, 4n)
      return version === 4n ? () => str(randomUUID()) : fail(`Unsupported UUID version: '${version}'`)
    },
  },
  number('prio_class', 'internal', 'The priority class that rules have set.', (subject) => subject.effects?.priorityClass ?? 0),
  number('prio_offset', 'internal', 'The priority offset that rules have set, ms.', (subject) => subject.effects?.priorityOffset ?? 0),
  {
    name: 'last_rule_file',
    output: 'str',
    source: 'internal',
    doc: 'The file of the content rule that gave the verdict.',
    compile: () => (subject) => (subject.effects?.lastRule === undefined ? undefined : str(subject.effects.lastRule.file)),
  },
  entity('last_entity', 'The content rule that gave the verdict, file:line.', ({ lastRule }) => lastRule),
  entity('waiting_entity', 'The content rule that was waiting when the session ended, file:line; no value where none was.', ({ waitingRule }) => waitingRule),
  number('txn.id32', 'internal', 'The number of the connection in the process, 32 bits.', ({ client }) => (client?.id === undefined ? undefined : client.id % 2 ** 32)),
  number('last_rule_line', 'internal', 'The line of the content rule that gave the verdict.', (subject) => subject.effects?.lastRule?.line),
]
