// Owns what start-up messages look like: HAProxy's text, line by line on stderr, with the program's name before the first that is serious.
//
//   [NOTICE]   (4711) : headgate version is 0.1.0
//   [NOTICE]   (4711) : path to executable is /usr/bin/headgate
//   [ALERT]    (4711) : config : parsing [my.cfg:3] : unknown keyword 'foo' in 'frontend' section

import { writeSync } from 'node:fs'
import type { Problem } from '../core/keyword.ts'
import type { ProcessLog } from '../core/process-log.ts'
import { describe } from '../config/report.ts'
import { NAME, VERSION } from '../config/version.ts'

/** Under -dW or zero-warning. */
export const WARNINGS_REFUSED = "config : Some warnings were found and 'zero-warning' is set. Aborting."

export function saysWarning(problems: readonly Problem[]): boolean {
  return problems.some(({ level }) => level === 'warning')
}

export type MessageLevel = 'alert' | 'warning' | 'notice' | 'diag'

/** The bracketed level, as wide as HAProxy's, the process id behind it. */
function messageLine(level: MessageLevel, text: string, pid: number): string {
  return `${`[${level.toUpperCase()}]`.padEnd(10)} (${pid}) : ${text}\n`
}

export interface MessageOptions {
  /** -q: not a word, whatever happens. */
  quiet?: boolean
  /** The path shown as the program's own. */
  readonly executable: string
  /** Writes one piece of text; stderr unless told. */
  readonly write?: (text: string) => void
}

/** Writes to stderr and gives up silently where there is nobody to read it. */
export function writeStderr(text: string): void {
  try {
    writeSync(2, text)
  } catch {
    // EPIPE, EAGAIN, EBADF: there is no other place to say it.
  }
}

export class Messages implements ProcessLog {
  readonly #write: (text: string) => void
  readonly #executable: string
  #quiet: boolean
  #introduced = false

  constructor(options: MessageOptions) {
    this.#write = options.write ?? writeStderr
    this.#executable = options.executable
    this.#quiet = options.quiet ?? false
  }

  /** -q or `quiet` in global. */
  silence(): void {
    this.#quiet = true
  }

  /** The program is up: messages from now on need no introduction. */
  introduced(): void {
    this.#introduced = true
  }

  alert(text: string): void {
    this.print('alert', text)
  }

  warning(text: string): void {
    this.print('warning', text)
  }

  notice(text: string): void {
    this.print('notice', text)
  }

  problems(problems: readonly Problem[]): void {
    for (const problem of problems) this.print(problem.level, describe(problem))
  }

  print(level: MessageLevel, text: string): void {
    if (this.#quiet) return
    if (level === 'alert' || level === 'warning') this.#introduce()
    this.#write(messageLine(level, text, process.pid))
  }

  /** Lines that are complete but for their ends; `serious` when an alert or a warning is among them. */
  lines(lines: readonly string[], serious: boolean): void {
    if (this.#quiet) return
    if (serious) this.#introduce()
    this.#write(lines.map((line) => `${line}\n`).join(''))
  }

  #introduce(): void {
    if (this.#introduced) return
    this.#introduced = true
    this.#write(messageLine('notice', `${NAME} version is ${VERSION}`, process.pid))
    this.#write(messageLine('notice', `path to executable is ${this.#executable}`, process.pid))
  }
}
