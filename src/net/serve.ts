// Owns how a connection is given to an app, whose bugs are told whenever they come.

import type { Connection } from '../core/connection.ts'
import type { App } from '../core/handler.ts'
import { isPromise } from '../util/shown.ts'

/** Opens the app on the connection. `failed` is told what open() throws, or what it is rejected with where it is async. */
export function serve(app: App, conn: Connection, failed: (where: string, error: unknown) => void): void {
  const where = `app ${app.name}`
  try {
    const later: unknown = app.open(conn)
    if (isPromise(later)) later.then(undefined, (error: unknown) => failed(where, error))
  } catch (error) {
    failed(where, error)
  }
}
