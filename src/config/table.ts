// Owns the look-up of keywords: the longest name that begins a line, and the families that names share.

import type { Keyword, Section, Word } from '../core/keyword.ts'

export interface Found {
  readonly keyword: Keyword<unknown>
  /** How many words its name has. */
  readonly words: number
}

interface Entry {
  readonly keyword: Keyword<unknown>
  readonly words: readonly string[]
}

export interface Family {
  readonly prefix: readonly string[]
  readonly members: Set<string>
}

export class KeywordTable {
  /** By section and first word, longest names first. */
  readonly #sections = new Map<Section, Map<string, Entry[]>>()

  /** Throws when two keywords would answer to the same name in one place; the same keyword may be there twice. */
  constructor(keywords: readonly Keyword<unknown>[]) {
    for (const keyword of keywords) {
      const words = keyword.name.split(' ')
      const first = words[0] ?? ''
      for (const section of keyword.sections) {
        const names = this.#sections.get(section) ?? new Map<string, Entry[]>()
        this.#sections.set(section, names)
        const entries = names.get(first) ?? []
        names.set(first, entries)
        if (entries.some((e) => e.keyword === keyword)) continue
        if (entries.some((e) => e.keyword.name === keyword.name)) throw new Error(`two keywords are named '${keyword.name}' in section '${section}'`)
        entries.push({ keyword, words })
        entries.sort((a, b) => b.words.length - a.words.length)
      }
    }
    for (const [first, entries] of this.#sections.get('frontend') ?? []) {
      const others = this.#sections.get('backend')?.get(first) ?? []
      const clash = entries.find((e) => others.some((o) => o.keyword.name === e.keyword.name && o.keyword !== e.keyword))
      if (clash !== undefined) throw new Error(`keyword '${clash.keyword.name}' of frontends is another than that of backends: 'listen' could not tell them apart`)
    }
  }

  /** The keyword with the longest name that the words from `at` on begin with. */
  find(sections: readonly Section[], words: readonly Word[], at: number): Found | undefined {
    let best: Found | undefined
    for (const section of sections) {
      for (const entry of this.#sections.get(section)?.get(words[at]?.text ?? '') ?? []) {
        if (best !== undefined && best.words >= entry.words.length) break
        if (entry.words.every((w, i) => words[at + i]?.text === w)) best = { keyword: entry.keyword, words: entry.words.length }
      }
    }
    return best
  }

  /** The family that the words begin (`timeout`) and the words that its members go on with (client, server …); undefined: none. */
  family(sections: readonly Section[], words: readonly Word[]): Family | undefined {
    const first = words[0]?.text ?? ''
    let known: Family | undefined
    for (const { words: name } of sections.flatMap((s) => this.#sections.get(s)?.get(first) ?? [])) {
      let same = 1
      while (same < name.length && name[same] === words[same]?.text) same++
      const next = name[same]
      if (next === undefined || same < (known?.prefix.length ?? 1)) continue
      known = same === known?.prefix.length ? known : { prefix: name.slice(0, same), members: new Set() }
      known.members.add(next)
    }
    return known
  }

  /** First words that may stand here. */
  firstWords(sections: readonly Section[]): string[] {
    return [...new Set(sections.flatMap((s) => [...(this.#sections.get(s)?.keys() ?? [])]))]
  }
}
