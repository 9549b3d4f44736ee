// Owns who the process is once it listens: user, group, and what it cannot do to itself.

import type { ProcessLog } from '../core/process-log.ts'

export interface Identity {
  readonly uid: number | undefined
  readonly gid: number | undefined
  readonly chroot: string | undefined
}

/**
 * Changes group, then user; a privileged process also forgets its supplementary groups. Returns what went wrong for an alert.
 * Listeners must be open before: a port below 1024 cannot be had afterwards.
 */
export function changeIdentity(identity: Identity, log: ProcessLog): string | undefined {
  const { uid, gid, chroot } = identity
  // Modules that are loaded on first use would be out of reach behind a new root.
  if (chroot !== undefined) log.notice(`'chroot ${chroot}' does not act: Node cannot change its root directory. Use the service manager's own (systemd: RootDirectory=)`)
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
