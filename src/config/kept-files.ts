// Owns what was read of the file system, so that it can be read again when it is no longer there or no longer ours: a data thread that
// is made late reads what the first ones read, whoever the process has become since.

import type { Files } from '../core/files.ts'
import { messageOf } from '../util/shown.ts'

/** An answer of the file system; an Error is its message. */
type Kept<T> = { readonly value: T } | { readonly error: string }

/** Answers by path. It can be passed to another thread. */
export interface KeptAnswers {
  readonly folders: Map<string, Kept<boolean>>
  readonly lists: Map<string, Kept<string[]>>
  readonly reads: Map<string, Kept<Uint8Array>>
}

/** Asks `files` what it has not been asked before, and gives the same answer ever after, also when that is an error. */
export class KeptFiles implements Files {
  readonly kept: KeptAnswers
  readonly #files: Files

  /** `kept`: what another thread has read. */
  constructor(files: Files, kept: KeptAnswers = { folders: new Map(), lists: new Map(), reads: new Map() }) {
    this.#files = files
    this.kept = kept
  }

  isFolder(path: string): boolean {
    return answer(this.kept.folders, path, () => this.#files.isFolder(path))
  }

  list(path: string): string[] {
    return [...answer(this.kept.lists, path, () => this.#files.list(path))]
  }

  read(path: string): Buffer {
    const bytes = answer<Uint8Array>(this.kept.reads, path, () => this.#files.read(path))
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }
}

function answer<T>(kept: Map<string, Kept<T>>, path: string, ask: () => T): T {
  let known = kept.get(path)
  if (known === undefined) {
    try {
      known = { value: ask() }
    } catch (error) {
      known = { error: messageOf(error) }
    }
    kept.set(path, known)
  }
  if ('error' in known) throw new Error(known.error)
  return known.value
}
