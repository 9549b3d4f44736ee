// What is printed of problems: HAProxy's lines, hints, closing lines, and bounds.

import t from 'tap'
import type { Problem } from '../../src/core/keyword.ts'
import { describe, formatProblems, printable } from '../../src/config/report.ts'

const alert = (line: number, text: string, hint?: string): Problem => ({ level: 'alert', file: 'a.cfg', line, text, ...(hint === undefined ? {} : { hint }) })
const PID = { pid: 42 }

t.test('one problem', async (t) => {
  t.equal(describe(alert(3, 'text.')), 'config : parsing [a.cfg:3] : text.')
  t.equal(describe(alert(3, 'text.', "did you mean 'x' maybe ?")), "config : parsing [a.cfg:3] : text; did you mean 'x' maybe ?")
  t.equal(describe(alert(3, 'at position 1:\n  x\n  ^', 'a hint')), 'config : parsing [a.cfg:3] : at position 1; a hint\n  x\n  ^')
  t.equal(describe(alert(0, 'Cannot open it')), 'config : Cannot open it')
})

t.test('nothing that a terminal would act on', async (t) => {
  t.equal(printable('a\x1b[31m\x00\x7f\tb\nc\u009b'), 'a\\x1b[31m\\x00\\x7f b\nc\\x9b')
  t.equal(printable('é😀\udcff\ud800'), 'é😀\\xff\ufffd')
})

t.test('levels, closing lines of files, the end', async (t) => {
  const problems: readonly Problem[] = [
    { level: 'warning', file: 'a.cfg', line: 1, text: 'w' },
    alert(2, 'x'),
    { level: 'notice', file: 'b.cfg', line: 1, text: 'n' },
    { ...alert(2, 'y'), file: 'b.cfg' },
    alert(9, 'found by a check'),
  ]
  const faulty = [
    { file: 'a.cfg', after: 2 },
    { file: 'b.cfg', after: 4 },
  ]
  t.strictSame(formatProblems({ problems, faulty, alerts: 3, total: 5 }, PID), [
    '[WARNING]  (42) : config : parsing [a.cfg:1] : w',
    '[ALERT]    (42) : config : parsing [a.cfg:2] : x',
    '[ALERT]    (42) : config : Error(s) found in configuration file : a.cfg',
    '[NOTICE]   (42) : config : parsing [b.cfg:1] : n',
    '[ALERT]    (42) : config : parsing [b.cfg:2] : y',
    '[ALERT]    (42) : config : Error(s) found in configuration file : b.cfg',
    '[ALERT]    (42) : config : parsing [a.cfg:9] : found by a check',
    '[ALERT]    (42) : config : Fatal errors found in configuration.',
  ])
  t.strictSame(formatProblems({ problems: problems.slice(0, 1), faulty: [], alerts: 0, total: 1 }, PID), ['[WARNING]  (42) : config : parsing [a.cfg:1] : w'])
  t.strictSame(formatProblems({ problems: [], faulty: [], alerts: 0, total: 0 }, PID), [])
  const quiet = formatProblems({ problems, faulty, alerts: 3, total: 5 }, { ...PID, levels: ['alert'] })
  t.notOk(quiet.some((line) => line.startsWith('[WARNING]')))
})

t.test('many problems are counted, and the first are printed', async (t) => {
  const problems = Array.from({ length: 500 }, (_, i) => alert(i + 1, 'x'))
  const lines = formatProblems({ problems, faulty: [{ file: 'a.cfg', after: 500 }], alerts: 9000, total: 9000 }, { ...PID, most: 3 })
  t.strictSame(lines.slice(3), [
    '[NOTICE]   (42) : config : 8997 more problems were found and are not printed',
    '[ALERT]    (42) : config : Error(s) found in configuration file : a.cfg',
    '[ALERT]    (42) : config : Fatal errors found in configuration.',
  ])
})
