// Owns a configuration section for tests of the rule language: lines go to keywords, problems and values are kept.

import { readFileSync } from 'node:fs'
import type { Address } from '../../src/core/address.ts'
import type { FactKey, Handshake } from '../../src/core/handler.ts'
import type { Args, Keyword, Values, Word } from '../../src/core/keyword.ts'
import type { Plugin } from '../../src/core/plugin.ts'
import type { Fetched, Subject } from '../../src/core/sample.ts'
import type { RuleSet } from '../../src/core/action.ts'
import type { ProcessView, ProxyView } from '../../src/core/view.ts'
import { samplePlugin } from '../../src/sample/builtin.ts'
import { compileExpression } from '../../src/sample/expression.ts'
import { parseRule } from '../../src/sample/rules.ts'
import { argsScope } from '../../src/sample/scope.ts'
import { SessionSubject } from '../../src/sample/subject.ts'

/** Blanks part words; quotes and backslashes as in a configuration file, without variables. */
export function words(line: string): Word[] {
  const out: Word[] = []
  const re = /\s*((?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|[^\s\\"'])+)/gsy
  for (let m = re.exec(line); m !== null; m = re.exec(line)) {
    const raw = m[1] ?? ''
    const text = raw.replace(/"((?:\\.|[^"\\])*)"|'([^']*)'|\\(.)/gs, (_, double?: string, single?: string, freed?: string) => double?.replace(/\\(["\\$])/g, '$1') ?? single ?? freed ?? '')
    out.push({ text, column: m.index + m[0].length - raw.length + 1 })
  }
  return out
}

export class Section implements Values {
  readonly problems: string[] = []
  #bare: string[] = []
  readonly #values = new Map<Keyword<unknown>, unknown>()
  readonly kind: Args['sectionKind']
  readonly name: string
  readonly plugins: readonly Plugin[]
  #line = 0

  constructor(kind: Args['sectionKind'] = 'frontend', name = 'f', plugins: readonly Plugin[] = [samplePlugin]) {
    this.kind = kind
    this.name = name
    this.plugins = plugins
  }

  get<T>(keyword: Keyword<T>): T | undefined {
    // the value was put there by this keyword's own parser
    return this.#values.get(keyword) as T | undefined
  }

  placeOf(): undefined {
    return undefined
  }

  set<T>(keyword: Keyword<T>, value: T): void {
    this.#values.set(keyword, value)
  }

  args(keyword: string, list: Word[]): Args {
    const problems = this.problems
    const place = { file: 'test', line: ++this.#line }
    const say = (level: string, text: string, hint?: string): undefined => {
      this.#bare.push(text)
      problems.push(`${level}: ${text}${hint === undefined ? '' : ` (${hint})`}`)
    }
    return {
      plugins: this.plugins,
      localPeer: undefined,
      keyword,
      section: this.kind === 'listen' ? 'frontend' : this.kind,
      sectionKind: this.kind,
      sectionName: this.name,
      place,
      values: this,
      peek: () => list[0],
      next: () => list.shift(),
      rest: () => list.splice(0),
      fail: (text, hint) => say('alert', text, hint),
      warn: (text, hint) => void say('warning', text, hint),
      readFile(path) {
        try {
          return readFileSync(path)
        } catch {
          return say('alert', `cannot read ${path}`)
        }
      },
      env: new Map(Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))),
      options: () => this,
    }
  }

  /** Parses a line with its keyword; the value replaces the one before. */
  line<T>(keyword: Keyword<T>, rest: string): T | undefined {
    const list = words(rest)
    const value = keyword.parse(this.args(keyword.name, list), this.get(keyword))
    if (value !== undefined) this.#values.set(keyword, value)
    return value
  }

  /** The problems since the last call. */
  said(): string[] {
    this.#bare = []
    return this.problems.splice(0)
  }

  /** The same without levels and hints. */
  bare(): string[] {
    this.problems.length = 0
    return this.#bare.splice(0)
  }

  /** Parses a rule of the set and does its action on the subject; throws what is wrong with it. */
  act(rules: RuleSet, line: string, subject: Subject): void {
    const rule = parseRule(this.args('tcp-request content', words(line)), rules)
    if (rule === undefined) throw new Error(this.said().join('; '))
    rule.act(subject, true)
  }

  /** Evaluates an expression; a string is the problem that its compilation had. */
  evaluate(text: string, subject: Subject): Fetched | string {
    const list = words(text)
    const args = this.args('test', list)
    const expression = compileExpression(args, argsScope(args, 'request', 'frontend tcp-request content rule'), (problem) => args.fail(problem))
    return expression === undefined ? this.said().join('; ') : expression.evaluate(subject)
  }
}

export function inet(text: string): Address {
  const m = /^\[?([^\]]*?)\]?:([0-9]+)$/.exec(text)
  const host = m?.[1] ?? ''
  return { family: host.includes(':') ? 'ipv6' : 'ipv4', host, port: Number(m?.[2] ?? 0) }
}

/** A handshake that nothing moves: for rules that only look. */
export class StillHandshake implements Handshake {
  readonly id = 1
  readonly side = 'accept'
  src: Address
  dst: Address
  readonly bytes = Buffer.alloc(0)
  readonly ended = false
  readonly #facts = new Map<FactKey<unknown>, unknown>()

  constructor(src = '192.0.2.1:40000', dst = '198.51.100.2:443') {
    this.src = inet(src)
    this.dst = inet(dst)
  }

  take(): void {}
  write(): void {}
  wake(): void {}
  upgrade(): never {
    throw new Error('no layers here')
  }

  get<T>(key: FactKey<T>): T | undefined {
    return this.#facts.get(key) as T | undefined
  }

  set<T>(key: FactKey<T>, value: T): void {
    this.#facts.set(key, value)
  }
}

/** A session of addresses, and bytes of the client if given. */
export function subject(options: { src?: string; dst?: string; bytes?: Buffer; final?: boolean; now?: number } = {}): SessionSubject {
  const made = new SessionSubject(new StillHandshake(options.src, options.dst), () => options.now ?? 1_700_000_000_123.456)
  if (options.bytes !== undefined) made.request = { bytes: options.bytes, final: options.final ?? true }
  return made
}

/** A proxy of a process that has only it. */
export function proxyView(given: Partial<ProxyView> = {}): ProxyView {
  const process: ProcessView = { connections: 0, stopping: false, thread: 0, frontend: (name) => (name === view.name ? view : undefined), backend: (name) => (name === view.name ? view : undefined), warnOnce: () => undefined }
  const view: ProxyView = { name: 'f', id: 1, kind: 'frontend', connections: 0, process, servers: [], usable: () => [], queued: 0, sessionRate: 0, timeouts: {}, defaultBackend: undefined, ...given }
  return view
}
