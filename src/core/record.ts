// Owns the session record: the causes of what a log line says about one session. Whoever runs the session fills it.

/** filled in by the log-format slice */
export interface SessionRecord {
  readonly acceptDate: number
}
