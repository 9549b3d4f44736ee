// Owns the process's signals: takes them from the first moment on, and keeps what arrives before somebody can act on it.
//
//   SIGUSR1  soft stop         SIGTTOU  pause listening     SIGHUP   say what state everything is in
//   SIGTERM  end at once       SIGTTIN  resume listening    SIGQUIT  say what memory is used, and give back what can be
//   SIGINT   end at once       SIGUSR2  nothing (it is a master's)         SIGPIPE  nothing
//
// SIGTERM and SIGINT keep their default action until the process runs: nothing is there yet that has to be ended in order.

export interface SignalActions {
  softStop(): void
  /** `again`: it is not the first SIGTERM or SIGINT. */
  stop(again: boolean): void
  pause(): void
  resume(): void
  describe(): void
  memory(): void
}

const EARLY = ['SIGUSR1', 'SIGUSR2', 'SIGHUP', 'SIGQUIT', 'SIGTTOU', 'SIGTTIN', 'SIGPIPE'] as const
const LATE = ['SIGTERM', 'SIGINT'] as const
type Signal = (typeof EARLY)[number] | (typeof LATE)[number]

/** What signals are taken from: `process`, or an emitter in a test. */
export interface SignalSource {
  on(signal: Signal, listener: (signal: Signal) => void): unknown
  off(signal: Signal, listener: (signal: Signal) => void): unknown
}

export class Signals {
  readonly #source: SignalSource
  #actions: SignalActions | undefined
  #kept: Signal[] = []
  #stopping = false

  /** From here on Node's own actions (SIGUSR1 opens its debugger) are off. */
  constructor(source: SignalSource) {
    this.#source = source
    for (const signal of EARLY) source.on(signal, this.#arrived)
  }

  /** Signals act from now on; those that came early do so first, in their order. */
  handle(actions: SignalActions): void {
    this.#actions = actions
    for (const signal of LATE) this.#source.on(signal, this.#arrived)
    for (const signal of this.#kept.splice(0)) this.#act(signal, actions)
  }

  close(): void {
    for (const signal of [...EARLY, ...LATE]) this.#source.off(signal, this.#arrived)
  }

  readonly #arrived = (signal: Signal): void => {
    if (this.#actions === undefined) {
      if (this.#kept.length < 64) this.#kept.push(signal)
    } else this.#act(signal, this.#actions)
  }

  #act(signal: Signal, actions: SignalActions): void {
    switch (signal) {
      case 'SIGUSR1':
        return actions.softStop()
      case 'SIGTERM':
      case 'SIGINT': {
        const again = this.#stopping
        this.#stopping = true
        return actions.stop(again)
      }
      case 'SIGTTOU':
        return actions.pause()
      case 'SIGTTIN':
        return actions.resume()
      case 'SIGHUP':
        return actions.describe()
      case 'SIGQUIT':
        return actions.memory()
      case 'SIGUSR2':
      case 'SIGPIPE':
        return
    }
  }
}
