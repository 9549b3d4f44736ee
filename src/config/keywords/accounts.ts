// Owns the look-up of system users and groups by name, from the files that hold them.

import { readFileSync } from 'node:fs'

/** The third field of the line that begins with `name:`; undefined when there is none, or no file. */
function lookUp(file: string, name: string): number | undefined {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
  for (const line of text.split('\n')) {
    const fields = line.split(':')
    const id = fields[2]
    if (fields[0] === name && id !== undefined && /^[0-9]+$/.test(id)) return Number(id)
  }
  return undefined
}

export function userId(name: string): number | undefined {
  return lookUp('/etc/passwd', name)
}

export function groupId(name: string): number | undefined {
  return lookUp('/etc/group', name)
}
