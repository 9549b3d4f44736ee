// Owns what a section line begins: which sections there are, their names, and the defaults that they stand on (manual chapter 4).

import type { Place, Section, Word } from '../core/keyword.ts'
import type { Home } from './args.ts'
import type { ProxyKind, ProxySection } from './configuration.ts'
import { hasBackend, hasFrontend } from './configuration.ts'
import { notYet } from './language.ts'
import { badCharacter } from './names.ts'
import type { Problems } from './problems.ts'
import { SectionValues } from './values.ts'

/** Words that begin a section, and the sections of the keyword table that lines in it may be of. */
const KINDS: Readonly<Record<Home['kind'], readonly Section[]>> = {
  global: ['global'],
  defaults: ['defaults'],
  frontend: ['frontend'],
  backend: ['backend'],
  listen: ['frontend', 'backend'],
}

export const SECTION_NAMES: readonly string[] = Object.keys(KINDS)

function kindOf(word: string): Home['kind'] | undefined {
  switch (word) {
    case 'global':
    case 'defaults':
    case 'frontend':
    case 'backend':
    case 'listen':
      return word
    default:
      return undefined
  }
}

/** Sections that only HTTP could make use of; HAProxy takes them beside TCP proxies. */
const FOR_HTTP = new Set(['cache', 'http-errors', 'userlist'])

/** HAProxy calls a listen section a proxy. */
function label(kind: 'defaults' | ProxyKind): string {
  return kind === 'listen' ? 'proxy' : kind
}

interface Defaults {
  readonly name: string
  readonly place: Place
  readonly values: SectionValues
  /** Where a section names it after 'from'. */
  explicit: boolean
  implicit: boolean
}

/** A section whose lines are not read: its problem has been reported. */
export const SKIPPED = 'skipped'

export class Sections {
  readonly global: Home = { kind: 'global', name: '', sections: KINDS.global, values: new SectionValues() }
  readonly proxies: ProxySection[] = []
  readonly #names = new Map<string, ProxySection[]>()
  readonly #defaults: Defaults[] = []
  readonly #problems: Problems

  constructor(problems: Problems) {
    this.#problems = problems
  }

  /** The section that this line begins; undefined when it begins none. */
  begin(words: readonly Word[], place: Place): Home | typeof SKIPPED | undefined {
    const [first, name] = words
    if (first === undefined) return undefined
    const kind = kindOf(first.text)
    if (kind === undefined) {
      if (FOR_HTTP.has(first.text)) {
        this.#problems.say('warning', { ...place, column: first.column }, `section '${first.text}' ignored: it is for HTTP.`, undefined, 'no-effect')
        return SKIPPED
      }
      const later = notYet('section', [first.text])
      if (later === undefined) return undefined
      this.#problems.say('alert', { ...place, column: first.column }, `section ${later.text}`, later.hint)
      return SKIPPED
    }
    if (kind === 'global') {
      if (name !== undefined) this.#unexpected(kind, name, place)
      return this.global
    }
    if (kind === 'defaults') return this.#beginDefaults(words, place)
    if (name === undefined || name.text === '') {
      this.#alert(place, `'${kind}' expects an <id> argument`)
      return SKIPPED
    }
    return this.#beginProxy(kind, name, words, place)
  }

  #alert(place: Place, text: string): void {
    this.#problems.say('alert', place, text)
  }

  #unexpected(kind: string, word: Word, place: Place): void {
    this.#alert({ ...place, column: word.column }, `'${kind}' cannot handle unexpected argument '${word.text}'.`)
  }

  #beginDefaults(words: readonly Word[], place: Place): Home {
    const named = words[1] !== undefined && words[1].text !== 'from'
    const name = named ? (words[1]?.text ?? '') : ''
    const rest = words.slice(named ? 2 : 1)
    const base = this.#from('defaults', name, rest, place)
    const values = new SectionValues(base?.values)
    this.#defaults.push({ name, place, values, explicit: false, implicit: false })
    return { kind: 'defaults', name, sections: KINDS.defaults, values }
  }

  #beginProxy(kind: ProxyKind, word: Word, words: readonly Word[], place: Place): Home {
    const name = word.text
    const bad = badCharacter(name)
    if (bad !== undefined) this.#alert({ ...place, column: word.column }, `character '${bad}' is not permitted in '${kind}' name '${name}'.`)
    const names = this.#names.get(name) ?? []
    this.#names.set(name, names)
    const twin = names.find((p) => (hasFrontend(p.kind) && hasFrontend(kind)) || (hasBackend(p.kind) && hasBackend(kind)))
    if (twin !== undefined) {
      const text = `${label(kind)} '${name}' has the same name as ${label(twin.kind)} '${name}' declared at ${twin.place.file}:${twin.place.line}.`
      this.#alert({ ...place, column: word.column }, text)
    }
    const rest = words.slice(2)
    const named = this.#from(kind, name, rest, place)
    const base = rest[0]?.text === 'from' ? named : this.#latest(place)
    const values = new SectionValues(base?.values)
    const proxy = { name, kind, number: this.proxies.length + 1, from: base?.name, place, values }
    this.proxies.push(proxy)
    names.push(proxy)
    return { kind, name, sections: KINDS[kind], values }
  }

  /** The defaults section that `from NAME` names; reports what else is there. */
  #from(kind: 'defaults' | ProxyKind, name: string, rest: readonly Word[], place: Place): Defaults | undefined {
    const [from, wanted, extra] = rest
    if (from === undefined) return undefined
    const at = { ...place, column: from.column }
    if (from.text !== 'from') {
      if (kind === 'frontend' || kind === 'listen') this.#alert(at, "please use the 'bind' keyword for listening addresses.")
      else this.#unexpected(kind, from, place)
      return undefined
    }
    if (wanted === undefined || wanted.text === '') {
      this.#alert(at, "'from' expects the name of a defaults section.")
      return undefined
    }
    if (extra !== undefined) this.#unexpected(kind, extra, place)
    const found = this.#defaults.filter((d) => d.name === wanted.text)
    const [first, second] = found
    if (first === undefined) {
      this.#alert({ ...place, column: wanted.column }, `defaults section '${wanted.text}' not found for ${label(kind)} '${name}'.`)
      return undefined
    }
    if (second !== undefined) {
      const where = [first, second].map((d) => `${d.place.file}:${d.place.line}`).join(' and ')
      const text = `ambiguous defaults section name '${wanted.text}' referenced by ${label(kind)} '${name}' exists at least at ${where}.`
      this.#alert({ ...place, column: wanted.column }, text)
    }
    const bad = badCharacter(wanted.text)
    if (bad !== undefined) this.#alert({ ...place, column: wanted.column }, `character '${bad}' is not permitted in defaults name '${wanted.text}' when it is referenced.`)
    first.explicit = true
    this.#mixed(first, place)
    return first
  }

  /** The last defaults section so far: what a proxy stands on that names none. */
  #latest(place: Place): Defaults | undefined {
    const last = this.#defaults.at(-1)
    if (last === undefined) return undefined
    last.implicit = true
    this.#mixed(last, place)
    return last
  }

  #mixed(defaults: Defaults, place: Place): void {
    if (!defaults.explicit || !defaults.implicit) return
    const where = `${defaults.place.file}:${defaults.place.line}`
    const text =
      `defaults section '${defaults.name}' (declared at ${where}) is explicitly referenced by another proxy and implicitly used here. ` +
      "To avoid any ambiguity don't mix both usage. Add a last defaults section not explicitly used or always use explicit references."
    this.#problems.say('notice', place, text)
  }
}
