// Owns the comparison of values that only a running program has: the same configuration on every program that is asked, one session
// each, and what the log line says of expressions at its end or of variables that rules have set.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type tap from 'tap'
import { asked, boundPorts, commandOf } from '../kit/command.ts'
import type { Kind } from '../kit/command.ts'
import { claimPorts } from '../kit/ports.ts'
import type { Ports } from '../kit/ports.ts'
import { start } from '../kit/program.ts'
import { syslog } from '../kit/syslog.ts'

export interface Observation {
  readonly name: string
  /** Sections behind global and defaults. `fields` is the log format that shows the expressions: it goes into the frontend. */
  readonly config: (ports: Ports, fields: string) => string
  readonly expressions: readonly string[]
  /** Lines of `global`. */
  readonly global?: string
  /** One session; the line is awaited when it is done. */
  readonly act: (ports: Ports) => Promise<void>
  /** What Headgate gives on purpose where HAProxy gives something else. */
  readonly differs?: Readonly<Record<string, string>>
}

/** Several sessions with one program, one after the other. */
export interface Sessions extends Omit<Observation, 'act'> {
  /** By name. Each gives one line, and is awaited. */
  readonly acts: Readonly<Record<string, Observation['act']>>
  /** For all of them, before. Returns what undoes it. */
  readonly begin?: (ports: Ports) => Promise<() => void>
}

/** What one program's log line says of each expression; 'absent' for no value. */
export async function observe(kind: Kind, observation: Observation): Promise<Map<string, string>> {
  const found = await observeSessions(kind, { ...observation, acts: { '': observation.act } })
  return found.get('') ?? new Map<string, string>()
}

/** The same for each session, by its name. `fields` stands behind `log-format`: replace that word for `error-log-format`. */
export async function observeSessions(kind: Kind, observation: Sessions): Promise<Map<string, Map<string, string>>> {
  const ports = await claimPorts()
  const log = await syslog()
  const folder = mkdtempSync(path.join(os.tmpdir(), 'headgate-observed-'))
  const fields = observation.expressions.map((expression) => `%[${expression},concat(x),hex]`).join(' ')
  const config = `global
  log 127.0.0.1:${log.port} len 65535 format raw local0
${observation.global ?? ''}
defaults
  mode tcp
  log global
  timeout client 5s
  timeout server 5s
  timeout connect 2s
${observation.config(ports, `log-format "VALUES %ts ${fields}"`)}
`
  const file = path.join(folder, 'values.cfg')
  writeFileSync(file, config)
  let end: (() => void) | undefined
  const program = start(kind === 'haproxy' ? 'haproxy' : 'headgate', commandOf(kind, '-f', file))
  try {
    await program.listening(boundPorts(config), 10_000)
    end = await observation.begin?.(ports)
    const found = new Map<string, Map<string, string>>()
    for (const [name, act] of Object.entries(observation.acts)) {
      await act(ports)
      const line = (await log.lines(found.size + 1, /VALUES/)).at(found.size)
      if (line === undefined) throw new Error(`${kind} logged nothing ${name}:\n${program.output()}`)
      const values = line.slice(line.indexOf('VALUES')).split(' ').slice(2)
      found.set(name, new Map(observation.expressions.map((expression, i) => [expression, shown(values[i] ?? '-')])))
    }
    return found
  } finally {
    end?.()
    await program.stop()
    log.close()
    ports.release()
    rmSync(folder, { recursive: true, force: true })
  }
}

function shown(hex: string): string {
  return hex === '-' ? 'absent' : Buffer.from(hex, 'hex').toString('latin1').slice(0, -1)
}

/** Each expression is compared among the programs; the first that is asked, HAProxy where it is installed, is right. */
export async function compareObserved(t: Pick<typeof tap, 'test'>, observation: Observation): Promise<void> {
  await t.test(observation.name, async (t) => {
    const kinds = asked(true)
    const seen = new Map<Kind, Map<string, string>>()
    for (const kind of kinds) seen.set(kind, await observe(kind, observation))
    const [first] = kinds
    if (first === undefined) return
    for (const kind of kinds.slice(first === 'haproxy' ? 1 : 0)) {
      for (const expression of observation.expressions) {
        const found = seen.get(kind)?.get(expression)
        const differs = observation.differs?.[expression]
        t.equal(found, differs ?? seen.get(first)?.get(expression), `${kind}: ${expression}${differs === undefined ? '' : ', differs'}`)
      }
    }
  })
}
