// Owns the contract of where a proxy's log lines go. process/ makes sinks from `log` lines; proxies only write to them.

/** Position in this list is the severity's number in RFC 5424. */
export const LOG_LEVELS = ['emerg', 'alert', 'crit', 'err', 'warning', 'notice', 'info', 'debug'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

export interface LogSink {
  /**
   * One line, without a newline: bytes, one character each, for what is logged need not be text. Never blocks and never throws; what cannot be written is counted and reported by the sink.
   * `structured` is what log-format-sd made of it, for targets of format rfc5424.
   */
  write(level: LogLevel, line: string, structured?: string): void
}
