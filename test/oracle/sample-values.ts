// Owns the comparison of sample expressions and ACLs with HAProxy: many cases, one start of HAProxy, Headgate's answers in process.
//
//   case ─► tcp-request content set-var(txn.vN) EXPR ─► log-format … ─► one UDP line per frontend ─► value of each case
//
// A value is compared twice: as the string it casts to, and as the bytes. The client's bytes, if any, are sent before the rules run.

import dgram from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import type tap from 'tap'
import type { Fetched } from '../../src/core/sample.ts'
import { NOT_YET } from '../../src/core/sample.ts'
import { argsScope } from '../../src/sample/scope.ts'
import { cast } from '../../src/sample/cast.ts'
import { compileCondition } from '../../src/sample/condition.ts'
import { claimPorts } from '../kit/ports.ts'
import { installed, start } from '../kit/program.ts'
import { Section, subject, words } from '../sample/section.ts'

export interface ValueCase {
  /** A sample expression as the configuration writes it, quotes and all. Or: */
  readonly expr?: string
  /** a condition, `{ src 127.0.0.1 }`: 1 when it passes, absent when not. */
  readonly condition?: string
  /** What both give: for readers, and for runs without HAProxy. 'absent' for no value. */
  readonly expect?: string
  /** Where Headgate gives something else on purpose: that, as text, and why. */
  readonly differs?: { readonly why: string; readonly headgate: string }
}

export interface ValueGroup {
  readonly name: string
  /** What the client says, then it ends. */
  readonly bytes?: Buffer
  /** Files by name; `@NAME@` in a case stands for its path. */
  readonly files?: Readonly<Record<string, string>>
  /** Lines of `set-var` and the like before the cases, the same for both: `set-var(txn.a) int(5)`. */
  readonly before?: readonly string[]
  readonly cases: readonly ValueCase[]
}

/** How a value looks: its string and its bytes in hex. */
interface Shown {
  readonly text: string
  readonly bytes: string
}

const ABSENT: Shown = { text: 'absent', bytes: 'absent' }
const BATCH = 40

function ruleOf(c: ValueCase, i: number, place: (text: string) => string): string {
  return place( c.expr === undefined ? `tcp-request content set-var(txn.v${i}) bool(1) if ${c.condition ?? ''}` : `tcp-request content set-var(txn.v${i}) ${c.expr}`)
}

/** Writes the files of all groups to a folder of this process; each group has names of its own. */
function placer(folder: string, groups: readonly ValueGroup[]): (group: ValueGroup) => (text: string) => string {
  for (const [i, group] of groups.entries()) {
    for (const [name, content] of Object.entries(group.files ?? {})) writeFileSync(path.join(folder, `${i}-${name}`), content, 'latin1')
  }
  return (group) => (text) => text.replace(/@([\w.]+)@/g, (_, name: string) => path.join(folder, `${groups.indexOf(group)}-${name}`))
}

async function askHaproxy(groups: readonly ValueGroup[], folder: string, placed: ReturnType<typeof placer>): Promise<Map<ValueCase, Shown>> {
  const ports = await claimPorts()
  const log = dgram.createSocket('udp4')
  log.bind(0, '127.0.0.1')
  await once(log, 'listening')
  const lines = new Map<string, string>()
  log.on('message', (message) => {
    const text = message.toString('latin1').trim()
    const space = text.indexOf(' ')
    lines.set(text.slice(0, space), text.slice(space + 1))
  })
  const batches: { readonly id: string; readonly port: number; readonly group: ValueGroup; readonly cases: readonly ValueCase[] }[] = []
  for (const group of groups) {
    for (let at = 0; at < group.cases.length; at += BATCH) {
      batches.push({ id: `b${batches.length}`, port: ports.port(`b${batches.length}`), group, cases: group.cases.slice(at, at + BATCH) })
    }
  }
  const config = [`global\n  log 127.0.0.1:${log.address().port} len 65535 format raw local0\ndefaults\n  mode tcp\n  log global\n  timeout client 5s\n  timeout server 5s\n  timeout connect 1s`]
  for (const { id, port, group, cases } of batches) {
    const fields = cases.map((_, i) => `%[var(txn.v${i}),concat(x),hex]:%[var(txn.v${i}),hex]`).join(' ')
    config.push(
      `frontend ${id}\n  bind 127.0.0.1:${port}\n  tcp-request inspect-delay 2s`,
      ...(group.bytes === undefined ? [] : [`  tcp-request content set-var(txn.waited) bool(1) if { req.len ge ${group.bytes.length} }`]),
      ...(group.before ?? []).map((line) => `  tcp-request content ${line}`),
      ...cases.map((c, i) => `  ${ruleOf(c, i, placed(group))}`),
      '  tcp-request content reject',
      `  log-format "${id} %ts ${fields}"`,
    )
  }
  const file = path.join(folder, 'values.cfg')
  writeFileSync(file, `${config.join('\n')}\n`)
  const program = start('haproxy', ['haproxy', '-db', '-f', file])
  const shown = new Map<ValueCase, Shown>()
  try {
    await program.listening(
      batches.map((b) => b.port),
      10_000,
    )
    for (const { id, port, group, cases } of batches) {
      const client = net.connect(port, '127.0.0.1')
      client.on('error', () => {})
      client.resume()
      client.end(group.bytes ?? Buffer.from('x'))
      await once(client, 'close')
      for (let tries = 0; !lines.has(id) && tries < 200; tries++) await new Promise((resolve) => setTimeout(resolve, 10))
      const fields = (lines.get(id) ?? '').split(' ').slice(1)
      if (fields.length !== cases.length) throw new Error(`${group.name}: HAProxy logged ${fields.length} of ${cases.length} values: ${lines.get(id) ?? 'no line'}`)
      for (const [i, c] of cases.entries()) {
        const [text = '-', bytes = '-'] = (fields[i] ?? '').split(':')
        shown.set(c, {
          text: text === '-' ? 'absent' : Buffer.from(text, 'hex').toString('latin1').slice(0, -1),
          bytes: text === '-' ? 'absent' : bytes === '-' ? '' : bytes.toLowerCase(),
        })
      }
    }
    return shown
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${program.output()}`, { cause: error })
  } finally {
    await program.stop()
    log.close()
    ports.release()
  }
}

function show(value: Fetched): Shown {
  if (value === undefined || value === NOT_YET) return ABSENT
  const text = cast(value, 'str')
  const bytes = cast(value, 'bin')
  return {
    text: text?.type === 'str' ? text.value : 'absent',
    bytes: bytes?.type === 'bin' ? Buffer.from(bytes.value, 'latin1').toString('hex') : '',
  }
}

function askHeadgate(group: ValueGroup, c: ValueCase, place: (text: string) => string): Shown {
  const section = new Section()
  const session = subject({ src: '127.0.0.1:40000', dst: '127.0.0.1:443', bytes: group.bytes ?? Buffer.from('x'), final: true })
  for (const line of group.before ?? []) section.act('request', line, session)
  if (c.expr !== undefined) {
    const value = section.evaluate(place(c.expr), session)
    return typeof value === 'string' && value !== NOT_YET ? { text: `refused: ${value}`, bytes: 'refused' } : show(value)
  }
  const args = section.args('test', [])
  const condition = compileCondition(words(place(`if ${c.condition ?? ''}`)), argsScope(args, 'request', 'frontend tcp-request content rule'), (text) => args.fail(text))
  if (condition === undefined) return { text: `refused: ${section.said().join('; ')}`, bytes: 'refused' }
  return condition.test(session, true) === 'pass' ? { text: '1', bytes: '0000000000000001' } : ABSENT
}

/** One subtest per group; each case is compared with HAProxy where it is installed, and with `expect` where that is given. */
export async function compareValues(t: Pick<typeof tap, 'test'>, name: string, groups: readonly ValueGroup[]): Promise<void> {
  await t.test(name, async (t) => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'headgate-values-'))
    t.teardown(() => rmSync(folder, { recursive: true, force: true }))
    const placed = placer(folder, groups)
    const theirs = installed('haproxy') ? await askHaproxy(groups, folder, placed) : undefined
    if (theirs === undefined) t.comment('haproxy is not installed: only what is written down is compared')
    for (const group of groups) {
      await t.test(group.name, async (t) => {
        for (const c of group.cases) {
          const label = c.expr ?? c.condition ?? ''
          const ours = askHeadgate(group, c, placed(group))
          const oracle = theirs?.get(c)
          if (c.differs !== undefined) {
            t.equal(ours.text, c.differs.headgate, `${label}: differs, ${c.differs.why}`)
            continue
          }
          if (oracle !== undefined) {
            t.equal(ours.text, oracle.text, label)
            if (ours.bytes !== oracle.bytes) t.equal(ours.bytes, oracle.bytes, `${label}: bytes`)
          }
          if (c.expect !== undefined) t.equal(oracle?.text ?? ours.text, c.expect, `${label}: as written`)
        }
      })
    }
  })
}

/** Cases from expressions. */
export const exprs = (...list: readonly string[]): ValueCase[] => list.map((expr) => ({ expr }))
/** Cases from ACLs in braces. */
export const acls = (...list: readonly string[]): ValueCase[] => list.map((words) => ({ condition: `{ ${words} }` }))
