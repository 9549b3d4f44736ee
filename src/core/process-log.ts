// Owns the contract of the process's own messages: what went wrong or changed in the program itself. process/ writes them.

export interface ProcessLog {
  /** Something does not work and somebody has to act. */
  alert(text: string): void
  warning(text: string): void
  notice(text: string): void
}
