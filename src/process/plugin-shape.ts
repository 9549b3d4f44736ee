// Owns what is checked of a plugin's contributions when its module is loaded: modules are not held to the types, and what is missing
// would show much later, as somebody else's TypeError.

import type { RuleSet } from '../core/action.ts'
import type { Section } from '../core/keyword.ts'
import type { Plugin } from '../core/plugin.ts'
import type { ArgType, MatchMethod, OutputType } from '../core/sample.ts'
import { sources } from '../sample/stage.ts'
import { shown } from '../util/shown.ts'

/** What is wrong with a value, as the end of a sentence that begins with the property's name; undefined: nothing. */
type Shape = (value: unknown) => string | undefined

const wrong = (value: unknown, wanted: string): string => (value === undefined ? `is missing: ${wanted} is needed` : `is ${shown(value)}, where ${wanted} is needed`)

const text: Shape = (value) => (typeof value === 'string' ? undefined : wrong(value, 'a string'))
const name: Shape = (value) => (typeof value === 'string' && /^\S+(?: \S+)*$/.test(value) ? undefined : wrong(value, 'a name'))
const code: Shape = (value) => (typeof value === 'function' ? undefined : wrong(value, 'a function'))
const yesNo: Shape = (value) => (typeof value === 'boolean' ? undefined : wrong(value, 'true or false'))

function oneOf(...words: readonly string[]): Shape {
  return (value) => (typeof value === 'string' && words.includes(value) ? undefined : wrong(value, `one of ${words.join(', ')}`))
}

const maybe = (shape: Shape): Shape => (value) => (value === undefined ? undefined : shape(value))

function list(of: Shape, least = 0): Shape {
  return (value) => {
    if (!Array.isArray(value) || value.length < least) return wrong(value, least > 0 ? 'a list that is not empty' : 'a list')
    for (const [i, one] of value.entries()) {
      const problem = of(one)
      if (problem !== undefined) return `is wrong: its entry ${i + 1} ${problem}`
    }
    return undefined
  }
}

type Properties = Readonly<Record<string, Shape>>

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function object(properties: Properties): Shape {
  return (value) => {
    if (!isObject(value)) return wrong(value, 'an object')
    const found = firstWrong(value, properties)
    return found === undefined ? undefined : `is wrong: its ${found}`
  }
}

function firstWrong(value: object, properties: Properties): string | undefined {
  for (const [key, shape] of Object.entries(properties)) {
    const problem = shape(Reflect.get(value, key))
    if (problem !== undefined) return `'${key}' ${problem}`
  }
  return undefined
}

/** All words of a union: the compiler finds one that is left out. */
const words = <T extends string>(all: Readonly<Record<T, true>>): Shape => oneOf(...Object.keys(all))

const output = { bool: true, sint: true, ipv4: true, ipv6: true, ip: true, str: true, bin: true, any: true } as const satisfies Record<OutputType, true>
const argument = words<ArgType>({ sint: true, str: true, ipv4: true, ipv6: true, mask4: true, mask6: true, delay: true, size: true, frontend: true, backend: true, server: true, table: true, var: true })
const args = maybe(list(object({ name: text, type: argument, optional: maybe(yesNo) })))

interface Kind {
  readonly one: string
  readonly properties: Properties
}

const KINDS: Readonly<Record<'keywords' | 'handlers' | 'fetches' | 'converters' | 'actions', Kind>> = {
  keywords: {
    one: 'keyword',
    properties: {
      name,
      sections: list(words<Section>({ global: true, defaults: true, frontend: true, backend: true, bind: true, server: true }), 1),
      args: text,
      doc: text,
      parse: code,
      negate: maybe(code),
      inherits: maybe(oneOf('last', 'add')),
      writes: maybe(object({ name })),
    },
  },
  handlers: {
    one: 'handler',
    properties: { name, side: oneOf('accept', 'connect'), plan: code, insert: maybe(code), after: maybe(list(name)), before: maybe(list(name)), last: maybe(yesNo), speaks: maybe(yesNo) },
  },
  fetches: {
    one: 'fetch',
    properties: {
      name,
      output: words<OutputType>(output),
      source: oneOf(...sources),
      doc: text,
      compile: code,
      args,
      match: maybe(words<MatchMethod>({ found: true, bool: true, int: true, ip: true, bin: true, len: true, str: true, beg: true, sub: true, dir: true, dom: true, end: true, reg: true })),
      aclOnly: maybe(yesNo),
      numbers: maybe(oneOf('decimal', 'version')),
    },
  },
  converters: { one: 'converter', properties: { name, input: words<OutputType>(output), output: words<OutputType | 'same'>({ ...output, same: true }), doc: text, compile: code, args, tooLong: maybe(oneOf('cut', 'absent')) } },
  actions: {
    one: 'action',
    properties: {
      name,
      rules: list(words<RuleSet>({ connection: true, handshake: true, session: true, request: true, response: true }), 1),
      args: text,
      doc: text,
      compile: code,
      inserts: maybe(list(name)),
      needsKernel: maybe(yesNo),
    },
  },
}

const KIND_NAMES = ['keywords', 'handlers', 'fetches', 'converters', 'actions'] as const

/** Whether an export is meant as a plugin: it has a name and contributes something. */
export function meansPlugin(value: unknown): value is { readonly name: string } {
  return isObject(value) && 'name' in value && typeof value.name === 'string' && [...KIND_NAMES, 'services'].some((kind) => Reflect.get(value, kind) !== undefined)
}

/** What is wrong with it, a sentence for each contribution that is: `fetch 'x' of plugin 'p' : 'source' is missing: …`. Empty: it is a plugin. */
export function malformed(plugin: { readonly name: string }): string[] {
  const problems: string[] = []
  for (const kind of KIND_NAMES) {
    const { one, properties } = KINDS[kind]
    const all: unknown = Reflect.get(plugin, kind)
    if (all === undefined) continue
    if (!Array.isArray(all)) {
      problems.push(`plugin '${plugin.name}' : '${kind}' ${wrong(all, 'a list')}`)
      continue
    }
    for (const [i, spec] of all.entries()) {
      const called: unknown = isObject(spec) ? Reflect.get(spec, 'name') : undefined
      const who = `${one} ${typeof called === 'string' && called !== '' ? `'${called}'` : i + 1} of plugin '${plugin.name}'`
      const problem = isObject(spec) ? firstWrong(spec, properties) : `it ${wrong(spec, 'an object')}`
      if (problem !== undefined) problems.push(`${who} : ${problem}`)
    }
  }
  const services: unknown = Reflect.get(plugin, 'services')
  if (services === undefined) return problems
  if (!isObject(services) || Array.isArray(services)) return [...problems, `plugin '${plugin.name}' : 'services' ${wrong(services, 'an object')}`]
  for (const [called, service] of Object.entries(services)) {
    const problem = isObject(service) ? firstWrong(service, { name: text, open: code }) : `it ${wrong(service, 'an object')}`
    if (problem !== undefined) problems.push(`service '${called}' of plugin '${plugin.name}' : ${problem}`)
  }
  return problems
}

/** Nothing is wrong with it. */
export function isPlugin(value: unknown): value is Plugin {
  return meansPlugin(value) && malformed(value).length === 0
}
