// Owns who the process is once it listens: user and group.

export interface Identity {
  readonly uid: number | undefined
  readonly gid: number | undefined
}

/**
 * Changes group, then user; a privileged process also forgets its supplementary groups. Returns what went wrong for an alert.
 * Listeners must be open before: a port below 1024 cannot be had afterwards.
 */
export function changeIdentity(identity: Identity): string | undefined {
  const { uid, gid } = identity
  const privileged = process.geteuid?.() === 0
  if (gid !== undefined && gid !== 0 && process.setgid !== undefined) {
    try {
      if (privileged) process.setgroups?.([gid])
      process.setgid(gid)
    } catch {
      return `Cannot set gid ${gid}.`
    }
  }
  if (uid !== undefined && uid !== 0 && process.setuid !== undefined) {
    try {
      process.setuid(uid)
    } catch {
      return `Cannot set uid ${uid}.`
    }
  }
  return undefined
}
