// Owns which files are read: the -f arguments, with folders replaced by the *.cfg that they hold. The system is behind core/files.ts.

import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, isAbsolute, join } from 'node:path'
import { getSystemErrorMap } from 'node:util'
import type { Files } from '../core/files.ts'
import type { DefaultPath } from './keywords/environment.ts'
import type { Problems } from './problems.ts'
import { messageOf } from '../util/shown.ts'

const MESSAGES: Readonly<Record<string, string>> = { ENOENT: 'No such file or directory', EACCES: 'Permission denied', EISDIR: 'Is a directory', ENOTDIR: 'Not a directory' }

/** The system's own words for what went wrong. */
function speaking<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') throw error
    const { code } = error
    const known = MESSAGES[code] ?? [...getSystemErrorMap().values()].find(([name]) => name === code)?.[1] ?? code
    throw new Error(known, { cause: error })
  }
}

export const systemFiles: Files = {
  isFolder: (path) => speaking(() => statSync(path).isDirectory()),
  list: (path) => speaking(() => readdirSync(path)),
  read: (path) => speaking(() => readFileSync(path)),
}

/** The files to read, in order: a folder's *.cfg are sorted, hidden ones left out. */
export function listFiles(paths: readonly string[], files: Files, problems: Problems): string[] {
  const found: string[] = []
  for (const path of paths) {
    try {
      if (files.isFolder(path)) {
        const names = files.list(path).filter((name) => name.endsWith('.cfg') && !name.startsWith('.'))
        if (names.length === 0) problems.say('alert', { file: path, line: 0 }, `Configuration directory ${path} holds no file that is named *.cfg`)
        found.push(...names.sort().map((name) => (path.endsWith('/') ? path + name : `${path}/${name}`)))
      } else {
        found.push(path)
      }
    } catch (error) {
      problems.say('alert', { file: path, line: 0 }, `Cannot open configuration file/directory ${path} : ${messageOf(error)}`)
    }
  }
  return found
}

/** Where a file is that `configurationFile` names: relative names begin where `default-path` says, else in the working directory. */
export function locate(path: string, configurationFile: string, from: DefaultPath | undefined): string {
  if (from === undefined || isAbsolute(path)) return path
  switch (from.mode) {
    case 'current':
      return path
    case 'config':
      return join(dirname(configurationFile), path)
    case 'parent':
      return join(dirname(configurationFile), '..', path)
    case 'origin':
      return join(from.path, path)
  }
}
