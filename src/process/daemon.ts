// Owns -D: Node cannot fork, so the background process is a copy started detached, and this one waits until it serves.
//
//   shell ── headgate -D ──spawn──▶ copy (new session; stdin, stdout closed; stderr read by the first)
//                │                    reads the configuration again, opens its listeners, writes the pid file
//                ◀── 'listening' ─────┤
//             exit 0                  closes stderr, serves
//   or the copy ends: its messages have been printed, exit with its status

import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { writeStderr } from './messages.ts'

const MARK = 'HEADGATE_DAEMON'

/** Whether this process is the copy. The mark is removed: the configuration must not see it. */
export function takeDaemonMark(env: NodeJS.ProcessEnv): boolean {
  const marked = env[MARK] === '1' && process.send !== undefined
  delete env[MARK]
  return marked
}

/** Descriptors that a configuration names (`fd@7`, `fd@${NAME}`), so that the copy inherits them. */
export function namedDescriptors(text: string, env: Readonly<Record<string, string | undefined>>): number[] {
  const found = new Set<number>()
  for (const match of text.matchAll(/\bfd@["']?(?:([0-9]{1,6})|\$\{?([A-Za-z_][A-Za-z0-9_]*))/g)) {
    const number = match[1] ?? env[match[2] ?? '']
    if (number !== undefined && /^[0-9]{1,6}$/.test(number) && Number(number) > 2) found.add(Number(number))
  }
  return [...found].sort((a, b) => a - b)
}

/** Starts the copy and resolves with the exit status of this process: 0 once the copy listens. */
export function startDaemon(descriptors: readonly number[]): Promise<number> {
  const stdio: ('ignore' | 'pipe' | 'ipc' | number)[] = ['ignore', 'ignore', 'pipe']
  for (let fd = 3; fd <= (descriptors.at(-1) ?? 2); fd++) stdio.push(descriptors.includes(fd) ? fd : 'ignore')
  stdio.push('ipc')
  const copy = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    detached: true,
    env: { ...process.env, [MARK]: '1' },
    stdio,
  })
  copy.stderr?.on('data', (text: Buffer) => writeStderr(text.toString()))
  return new Promise((resolve) => {
    copy.on('message', (message) => {
      if (message === 'listening') resolve(0)
    })
    copy.on('error', (error) => {
      writeStderr(`headgate: cannot start in the background: ${error.message}\n`)
      resolve(1)
    })
    // 'close' and not 'exit': what the copy said last has been read by then.
    copy.on('close', (status, signal) => {
      if (signal !== null) writeStderr(`headgate: the background process was ended by ${signal} before it served\n`)
      resolve(status ?? 1)
    })
  })
}

/** In the copy: it serves. Lets go of the first process and of the last tie to the terminal. */
export function daemonListens(): void {
  if (process.send === undefined) return
  process.send('listening', () => {
    process.disconnect()
    // The lowest free number is 2, so whatever is still said to stderr goes nowhere.
    closeSync(2)
    openSync('/dev/null', 'w')
  })
}
