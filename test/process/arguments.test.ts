// Holds the command line: every option that HAProxy has, what it becomes, and what is refused.

import t from 'tap'
import { parseArguments } from '../../src/process/arguments.ts'
import type { CommandLine } from '../../src/process/arguments.ts'

function line(...args: string[]): CommandLine {
  const parsed = parseArguments(args)
  if (parsed.kind !== 'run') throw new Error(`${args.join(' ')}: ${JSON.stringify(parsed)}`)
  return parsed.line
}

t.test('files come from -f and from behind --, in order', async (t) => {
  t.same(line('-f', 'a', '-c', '-f', 'b').files, ['a', 'b'])
  t.same(line('-f', 'a', '--', 'b', '-c', '-v').files, ['a', 'b', '-c', '-v'], 'behind -- everything is a file')
  t.same(line('--', '-f').files, ['-f'])
  t.equal(line('--', 'b', '-c').check, false)
})

t.test('each option sets its own field', async (t) => {
  const none = line('-f', 'x')
  const cases: readonly (readonly [readonly string[], Partial<CommandLine>])[] = [
    [['-c'], { check: true }],
    [['-d'], { debug: true, foreground: true }],
    [['-db'], { foreground: true }],
    [['-D'], { daemon: true }],
    [['-q'], { quiet: true }],
    [['-V'], { verbose: true }],
    [['-dW'], { zeroWarning: true }],
    [['-dD'], { diag: true }],
    [['-dr'], { ignoreResolution: true }],
    [['-dS'], { noSplice: true }],
    [['-dV'], { noServerVerify: true }],
    [['-dL'], { dumpObjects: true }],
    [['-dC'], { dumpConfiguration: true }],
    [['-de'], { provider: 'node' }],
    [['--provider', 'linux', '-de'], { provider: 'linux' }],
    [['-dKcfg,smp'], { dumpKeywords: ['cfg', 'smp'] }],
    [['-p', 'pid'], { pidFile: 'pid' }],
    [['-n', '7'], { maxconn: 7 }],
    [['-N', '8'], { proxyMaxconn: 8 }],
    [['-m', '9'], { memory: 9 }],
    [['-C', '/etc'], { directory: '/etc' }],
    [['-L', '-c'], { localPeer: '-c' }],
    [['-cc', 'feature(X)'], { condition: 'feature(X)' }],
    [['--provider', 'node'], { provider: 'node' }],
    [['-dp', '-dk', '-dG', '-dR', '-dI', '-dF', '-dZ', '-dM', '-dM0x50,no-merge'], {}],
  ]
  for (const [args, expected] of cases) t.same(line('-f', 'x', ...args), { ...none, ...expected }, args.join(' '))
  t.same(line('-cc', 'true').files, [], 'a condition needs no file')
})

t.test('-v and -vv win over what follows, not over a mistake before', async (t) => {
  t.same(parseArguments(['-v']), { kind: 'version', details: false })
  t.same(parseArguments(['-f', 'x', '-vv', '-nonsense']), { kind: 'version', details: true })
  t.equal(parseArguments(['-nonsense', '-v']).kind, 'usage')
  t.same(parseArguments(['--version']), { kind: 'version', details: false })
  t.same(parseArguments(['-h']), { kind: 'help' })
  t.same(parseArguments(['--help']), { kind: 'help' })
})

t.test('what is wrong is said', async (t) => {
  t.same(parseArguments([]), { kind: 'usage' }, 'nothing to do: usage alone')
  t.same(parseArguments(['-c']), { kind: 'usage' })
  const reasons: readonly (readonly [readonly string[], string])[] = [
    [['-f'], "'-f' expects an argument"],
    [['-f', 'x', '-n', 'abc'], "'-n' expects a number, found 'abc'"],
    [['-f', 'x', '-n', '-1'], "'-n' expects a number, found '-1'"],
    [['-f', 'x', '-m', ''], "'-m' expects a number, found ''"],
    [['-f', 'x', '-N', '99999999999'], "'-N' expects a number, found '99999999999'"],
    [['-f', 'x', '-zz'], "unknown option '-zz'"],
    [['-f', 'x', '-dX'], "unknown option '-dX'"],
    [['-f', 'x', '--provider', 'bsd'], "'--provider' expects 'node' or 'linux', found 'bsd'"],
    [['x'], "unexpected argument 'x': a configuration file is given with -f, or behind '--'"],
    [['explian'], "unexpected argument 'explian': did you mean 'explain' maybe ?"],
    [['-f', 'x', '-'], "unexpected argument '-': a configuration file is given with -f, or behind '--'"],
    [['-f', 'x', 'toString'], "unexpected argument 'toString': a configuration file is given with -f, or behind '--'"],
  ]
  for (const [args, reason] of reasons) t.same(parseArguments(args), { kind: 'usage', reason }, args.join(' '))
})

t.test('what is another day is refused by name', async (t) => {
  for (const option of ['-W', '-Ws', '-S', '-sf', '-st', '-x']) {
    const parsed = parseArguments(['-f', 'x', option, '1'])
    t.equal(parsed.kind, 'refused', option)
    t.match(parsed, { text: new RegExp(`^'${option}' .*not supported yet$`) })
  }
})
