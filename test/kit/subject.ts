// Owns one running Headgate for tests that ask nobody else: its configuration, ports, folder and end.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { certificates } from './certificates.ts'
import type { Certificates } from './certificates.ts'
import { boundPorts, commandOf } from './command.ts'
import { claimPorts } from './ports.ts'
import type { Ports } from './ports.ts'
import { start } from './program.ts'
import type { Program, StartOptions } from './program.ts'

export interface Subject extends Ports {
  readonly program: Program
  readonly folder: string
  readonly certificates: Certificates
  end(): Promise<void>
}

export type Names = Ports & { readonly folder: string; readonly certificates: Certificates }

/** Starts Headgate (HAProxy with HEADGATE_ORACLE=haproxy, to try a test itself) and waits until it listens. */
export async function subject(config: (names: Names) => string, options: StartOptions = {}): Promise<Subject> {
  const kind = process.env['HEADGATE_ORACLE'] === 'haproxy' ? 'haproxy' : 'headgate'
  const ports = await claimPorts()
  const folder = mkdtempSync(path.join(os.tmpdir(), 'headgate-subject-'))
  const names = { ...ports, folder, certificates: await certificates() }
  const text = `${config(names)}\n`
  const file = path.join(folder, 'a.cfg')
  writeFileSync(file, text)
  const program = start(kind, commandOf(kind, '-f', file), options)
  const end = async (): Promise<void> => {
    await program.stop()
    ports.release()
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await program.listening(boundPorts(text), 15_000)
  } catch (error) {
    await end()
    throw error
  }
  return { ...names, program, end }
}

/** The same numbers each time, told with the seed. */
export function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}
