// Owns how the two programs are called in tests, and which of them are asked.

import { fileURLToPath } from 'node:url'
import { installed } from './program.ts'

/** The oracle, the program under test as it starts by itself, and the same on the node provider. */
export type Kind = 'haproxy' | 'headgate' | 'headgate-node'

export const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url))

export const hasHaproxy = installed('haproxy')

const more = (process.env['HEADGATE_ARGS'] ?? '').split(' ').filter((arg) => arg !== '')
/** Whether Headgate would choose another provider than node here, as far as can be told from outside. */
const choosesProvider = process.platform === 'linux' && !more.includes('--provider') && canResolve('koffi')

function canResolve(name: string): boolean {
  try {
    return import.meta.resolve(name) !== ''
  } catch {
    return false
  }
}

/** This kind of Headgate runs on node:net and node:tls whatever else there is. */
export const onNodeProvider = (kind: Kind): boolean => kind === 'headgate-node' || (kind === 'headgate' && more.includes('node'))

/**
 * HEADGATE_ORACLE=haproxy, =headgate or =headgate-node asks only that one (for work on the harness); HEADGATE_ORACLE_SHOW=1 prints what each
 * scenario observed.
 */
export function asked(bothProviders = false): Kind[] {
  const only = process.env['HEADGATE_ORACLE']
  const kinds: Kind[] = ['haproxy', 'headgate', ...(bothProviders && choosesProvider ? (['headgate-node'] as const) : [])]
  return kinds.filter((kind) => (only === undefined || only === kind) && (kind !== 'haproxy' || hasHaproxy))
}

/**
 * The command of one program, in the foreground unless `-D` is among the arguments. HEADGATE_ARGS adds arguments to Headgate's
 * (a provider, say).
 */
export function commandOf(kind: Kind, ...args: readonly string[]): string[] {
  const foreground = args.includes('-D') ? [] : ['-db']
  if (kind === 'haproxy') return ['haproxy', ...foreground, ...args]
  return [process.execPath, MAIN, ...foreground, ...more, ...(kind === 'headgate-node' ? ['--provider', 'node'] : []), ...args]
}

/** Ports that the text binds, without those of inherited descriptors. */
export function boundPorts(text: string): number[] {
  const found: number[] = []
  for (const [, words = ''] of text.matchAll(/^\s*bind\s+(\S+)/gm)) {
    for (const address of words.split(',')) {
      const port = /:(\d+)$/.exec(address)?.[1]
      if (port !== undefined) found.push(Number(port))
    }
  }
  return found
}
