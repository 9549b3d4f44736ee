// Owns the contract of where a proxy's log lines go. process/ makes sinks from `log` lines; proxies only write to them.

export type LogLevel = 'emerg' | 'alert' | 'crit' | 'err' | 'warning' | 'notice' | 'info' | 'debug'

export interface LogSink {
  /**
   * One line, without a newline. Never blocks and never throws; what cannot be written is counted and reported by the sink.
   * `structured` is what log-format-sd made of it, for targets of format rfc5424.
   */
  write(level: LogLevel, line: string, structured?: string): void
}
