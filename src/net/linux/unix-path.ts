// Owns how a listening Unix path comes and goes: bound aside and moved into place, and removed only while it is still ours.
//
//   bind path.PID.tmp → owner, mode → listen → rename over path          a client never finds the path missing or unready,
//                                                                        and what an old process left there is replaced

import { chmodSync, chownSync, lstatSync, renameSync, unlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { ListenSpec } from '../../core/provider.ts'

/** Bytes of sun_path without its NUL. */
const LONGEST = 107

/** Where to bind before the move. Shorter than the path's own name where that leaves no room. */
export function temporaryPath(path: string): string {
  const aside = `${path}.${process.pid}.tmp`
  return Buffer.byteLength(aside) <= LONGEST ? aside : join(dirname(path), `.${process.pid}`)
}

/** Only a socket may be replaced. Throws an Error with code EADDRINUSE for anything else that is there. */
export function checkReplaceable(path: string): void {
  const there = lstatSync(path, { throwIfNoEntry: false })
  if (there !== undefined && !there.isSocket()) {
    throw Object.assign(new Error(`listen EADDRINUSE: ${path} exists and is not a socket`), { code: 'EADDRINUSE' })
  }
}

export class UnixPath {
  readonly #path: string
  readonly #inode: number
  readonly #device: number

  /** Gives the bound socket at `aside` its owner and mode, and moves it to `path`. Throws the file system's errors. */
  constructor(aside: string, path: string, spec: ListenSpec) {
    if (spec.uid !== undefined || spec.gid !== undefined) chownSync(aside, spec.uid ?? -1, spec.gid ?? -1)
    if (spec.mode !== undefined) chmodSync(aside, spec.mode)
    const made = lstatSync(aside)
    this.#inode = made.ino
    this.#device = made.dev
    this.#path = path
    renameSync(aside, path)
  }

  /** Removes the path, unless somebody has put another one in its place. */
  remove(): void {
    try {
      const there = lstatSync(this.#path, { throwIfNoEntry: false })
      if (there?.ino === this.#inode && there.dev === this.#device) unlinkSync(this.#path)
    } catch {
      // No longer ours to remove (privileges were dropped, the directory is gone): it stays, and is replaced by the next bind.
    }
  }
}

/** After a failed start. */
export function removeQuietly(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    // It was not made.
  }
}
