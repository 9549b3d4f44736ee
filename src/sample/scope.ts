// Owns the scope that a keyword's words are compiled in: stage, section and plugins, from the parser's Args.

import type { Args } from '../core/keyword.ts'
import type { Scope, SampleStage } from '../core/sample.ts'

/** `rule`: how messages name the place, `frontend tcp-request connection rule`. */
export function argsScope(args: Args, stage: SampleStage, rule: string): Scope {
  return {
    stage,
    rule,
    section: args.sectionKind,
    proxy: args.sectionName,
    values: args.values,
    place: args.place,
    plugins: args.plugins,
    env: args.env,
    warn: (text, hint, at, name) => args.warn(text, hint, at, name),
    readFile: (path, at) => args.readFile(path, at),
  }
}
