// Owns what the process needs of the proxies that it runs. proxy/ makes one from a configuration; a test makes a fake.

export interface Runtime {
  /**
   * Opens every listener. Resolves with one line per listener that could not be opened, for its reader to act on:
   * `Binding [my.cfg:3] for frontend f: cannot bind socket (Address already in use) for [127.0.0.1:80]`; then nothing listens.
   * With nothing: all of them listen. Called once.
   */
  start(): Promise<readonly string[]>
  /** The addresses being listened on, real ports included. */
  listening(): readonly string[]
  /** Accepts nothing while it holds; what comes waits in the kernel's queue (-m). Idempotent. */
  hold(on: boolean): void
  /** Gives the ports back for a while (SIGTTOU), so that another process can have them; sessions go on. Idempotent. What it resolves with comes when they are free. */
  pause(): void | Promise<void>
  /** Listens again on the same addresses (SIGTTIN). Resolves like start(), with what could not be opened again. */
  resume(): Promise<readonly string[]>
  /** Listens no more; sessions go on until they end by themselves. Idempotent. */
  softStop(): void
  /** Ends everything at once. After softStop() it hurries the end. Idempotent. */
  kill(): void
  /** Nothing listens and no session is left, after softStop() or kill(). Never rejects. */
  readonly finished: Promise<void>
  /** One line per proxy and server, for SIGHUP: `Server b/s is UP. Conn: 0 act, 0 pend, 0 tot.` */
  describe(): readonly string[]
  /** Sessions and connections that are still there. */
  remaining(): number
}
