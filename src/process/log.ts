// Owns the process log: pino, whose records become HAProxy's text on stderr.
//
// Its destination asks pino for the message beside the JSON (pino.metadata), so nothing is parsed back.

import { pino } from 'pino'
import type { ProcessLog } from '../core/process-log.ts'
import type { Messages } from './messages.ts'

const METADATA = Symbol.for('pino.metadata')

const LEVELS = { notice: 30, warning: 40, alert: 60 } as const

class MessageDestination {
  readonly [METADATA] = true
  lastLevel = 0
  lastMsg = ''
  readonly #messages: Messages

  constructor(messages: Messages) {
    this.#messages = messages
  }

  write(): void {
    const level = this.lastLevel >= LEVELS.alert ? 'alert' : this.lastLevel >= LEVELS.warning ? 'warning' : 'notice'
    this.#messages.print(level, this.lastMsg)
  }
}

/** The log of a running process. `messages` decides where its lines go and whether they are said at all. */
export function processLog(messages: Messages): ProcessLog {
  const logger = pino(
    { base: null, timestamp: false, customLevels: LEVELS, useOnlyCustomLevels: true, level: 'notice' },
    new MessageDestination(messages),
  )
  return {
    alert: (text) => logger.alert(text),
    warning: (text) => logger.warning(text),
    notice: (text) => logger.notice(text),
  }
}
