// Owns variables: their names, and the stores that hold them per process, connection and stream.

import type { Sample, VariableName, VariableScope, Variables } from '../core/sample.ts'
import { factKey } from '../core/handler.ts'
import type { FactKey } from '../core/handler.ts'

const SCOPES: readonly VariableScope[] = ['proc', 'sess', 'txn', 'req', 'res', 'check']

function isScope(text: string): text is VariableScope {
  return SCOPES.some((scope) => scope === text)
}

/** `txn.name`. A string: what is wrong with it. */
export function parseVariable(text: string): VariableName | string {
  const dot = text.indexOf('.')
  const scope = dot < 0 ? text : text.slice(0, dot)
  if (dot < 0 || !isScope(scope)) {
    return `invalid variable name '${text}'. A variable name must be start by its scope. The scope can be 'proc', 'sess', 'txn', 'req', 'res' or 'check'`
  }
  const name = text.slice(dot + 1)
  const bad = /[^A-Za-z0-9_.]/.exec(name)
  if (bad !== null) return `invalid syntax at char '${name.slice(bad.index)}'`
  if (name === '') return `invalid variable name '${text}': nothing behind its scope`
  return { scope, name }
}

/** The process's variables, the level above all others. */
class ProcessVariables implements Variables {
  readonly #values = new Map<string, Sample>()

  get(variable: VariableName): Sample | undefined {
    return variable.scope === 'proc' ? this.#values.get(variable.name) : undefined
  }

  set(variable: VariableName, value: Sample): boolean {
    if (variable.scope !== 'proc') return false
    this.#values.set(variable.name, strip(value))
    return true
  }

  unset(variable: VariableName): void {
    if (variable.scope === 'proc') this.#values.delete(variable.name)
  }

  each(scope: VariableScope, visit: (name: string, value: Sample) => void): void {
    if (scope === 'proc') for (const [name, value] of this.#values) visit(name, value)
  }
}

/** One connection's or session's variables; those of another level are its parent's. Memory is taken with the first variable. */
class LevelVariables implements Variables {
  readonly #scopes: readonly VariableScope[]
  readonly #parent: Variables | undefined
  #values: Map<string, Sample> | undefined

  /** @param scopes the levels held here; every other is asked of `parent`, and absent without one */
  constructor(scopes: readonly VariableScope[], parent?: Variables) {
    this.#scopes = scopes
    this.#parent = parent
  }

  get(variable: VariableName): Sample | undefined {
    return this.#scopes.includes(variable.scope) ? this.#values?.get(`${variable.scope}.${variable.name}`) : this.#parent?.get(variable)
  }

  set(variable: VariableName, value: Sample): boolean {
    if (!this.#scopes.includes(variable.scope)) return this.#parent?.set(variable, value) ?? false
    this.#values ??= new Map()
    this.#values.set(`${variable.scope}.${variable.name}`, strip(value))
    return true
  }

  unset(variable: VariableName): void {
    if (this.#scopes.includes(variable.scope)) this.#values?.delete(`${variable.scope}.${variable.name}`)
    else this.#parent?.unset(variable)
  }

  each(scope: VariableScope, visit: (name: string, value: Sample) => void): void {
    if (!this.#scopes.includes(scope)) return this.#parent?.each(scope, visit)
    const prefix = `${scope}.`
    for (const [name, value] of this.#values ?? []) if (name.startsWith(prefix)) visit(name.slice(prefix.length), value)
  }
}

/** A variable's value is as it was when it was set: it does not change with more bytes. */
function strip(value: Sample): Sample {
  if (value.mayChange !== true) return value
  return { ...value, mayChange: false }
}

/** A session's variables: `req` lives while the request is processed, `res` from then on. What is not there takes no value. */
export class SessionVariables implements Variables {
  readonly #own: LevelVariables
  readonly #responding: () => boolean

  constructor(connection: Variables, responding: () => boolean) {
    this.#own = new LevelVariables(['txn', 'req', 'res'], connection)
    this.#responding = responding
  }

  #there({ scope }: { readonly scope: VariableScope }): boolean {
    return scope === 'req' ? !this.#responding() : scope !== 'res' || this.#responding()
  }

  get(variable: VariableName): Sample | undefined {
    return this.#there(variable) ? this.#own.get(variable) : undefined
  }

  set(variable: VariableName, value: Sample): boolean {
    return this.#there(variable) && this.#own.set(variable, value)
  }

  unset(variable: VariableName): void {
    if (this.#there(variable)) this.#own.unset(variable)
  }

  each(scope: VariableScope, visit: (name: string, value: Sample) => void): void {
    if (this.#there({ scope })) this.#own.each(scope, visit)
  }
}

/** The connection's variables, shared by its handlers and its session. */
export const VARIABLES: FactKey<Variables> = factKey<Variables>('variables')

/** The process's variables. One store: `proc.` is the same everywhere in this process. */
export const processVariables = new ProcessVariables()

/** A connection's variables (`sess`, and `proc` above it), made at their first use. Those of a session are nowhere before there is one. */
export function connectionVariables(peer: { get<T>(key: FactKey<T>): T | undefined; set<T>(key: FactKey<T>, value: T): void }): Variables {
  const had = peer.get(VARIABLES)
  if (had !== undefined) return had
  const made = new LevelVariables(['sess'], processVariables)
  peer.set(VARIABLES, made)
  return made
}
