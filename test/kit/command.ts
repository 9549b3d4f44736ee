// Owns how the two programs are called in tests, and which of them are asked.

import { fileURLToPath } from 'node:url'
import { installed } from './program.ts'

/** The oracle, and the program under test. */
export type Kind = 'haproxy' | 'headgate'

export const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url))

export const hasHaproxy = installed('haproxy')

/**
 * HEADGATE_ORACLE=haproxy or =headgate asks only that one (for work on the harness); HEADGATE_ORACLE_SHOW=1 prints what each
 * scenario observed.
 */
export function asked(): Kind[] {
  const only = process.env['HEADGATE_ORACLE']
  const kinds: Kind[] = ['haproxy', 'headgate']
  return kinds.filter((kind) => (only === undefined || only === kind) && (kind === 'headgate' || hasHaproxy))
}

/**
 * The command of one program, in the foreground unless `-D` is among the arguments. HEADGATE_ARGS adds arguments to Headgate's
 * (a provider, say).
 */
export function commandOf(kind: Kind, ...args: readonly string[]): string[] {
  const foreground = args.includes('-D') ? [] : ['-db']
  if (kind === 'haproxy') return ['haproxy', ...foreground, ...args]
  const more = (process.env['HEADGATE_ARGS'] ?? '').split(' ').filter((arg) => arg !== '')
  return [process.execPath, MAIN, ...foreground, ...more, ...args]
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
