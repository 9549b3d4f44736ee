// Owns the plain keywords of proxies: mode, limits, names, whether they run at all (manual 4.2).

import { keyword } from '../../core/keyword.ts'
import type { Args, Keyword } from '../../core/keyword.ts'
import { integer, sentence, sided, withoutMeaning, word } from './arguments.ts'

const BOTH = ['defaults', 'frontend', 'backend'] as const
const NOT_DEFAULTS = ['frontend', 'backend'] as const

/** http: in a `defaults` section, where each proxy below may say better; checks.ts refuses those that do not. */
export type Mode = 'tcp' | 'health' | 'http'

export const NO_HTTP = "'mode http' is not supported: Headgate is a TCP/TLS proxy."

/** Default tcp. */
export const mode = keyword<Mode>({
  name: 'mode',
  sections: BOTH,
  args: '{ tcp | health }',
  doc: 'tcp: bytes are proxied. health: the frontend answers OK and proxies nothing. Default tcp; http is refused, save in `defaults` where every proxy says its own.',
  parse: (args) => {
    const w = args.next()
    const text = w?.text ?? ''
    switch (text) {
      case 'tcp':
      case 'health':
        return text
      case 'http':
        return args.sectionKind === 'defaults' ? 'http' : args.fail(NO_HTTP, "'mode tcp' passes HTTP through as it is", w)
      case 'log':
      case 'spop':
      case 'syslog':
      case 'haterm':
        args.rest()
        return args.fail(`'mode ${text}' is not supported yet.`, undefined, w)
      default:
        return args.fail(`unknown proxy mode '${text}'.`, "it is 'tcp' or 'health' here", w)
    }
  },
})

export const defaultBackend = sided<string>('frontend', {
  name: 'default_backend',
  args: '<backend>',
  doc: 'Where connections go that no use_backend rule sends elsewhere.',
  parse: (args) => word(args, "'default_backend' expects a backend name.")?.text,
})

/** Connections that a frontend holds at a time. Default: the global maxconn. */
export const maxconn = sided<number>('frontend', {
  name: 'maxconn',
  args: '<conns>',
  doc: 'How many connections this frontend holds at a time; more wait in the kernel. Default: what `global` allows.',
  ignored: (kind, name) => `'maxconn' ignored because ${kind} '${name}' has no frontend capability. Maybe you want 'fullconn' instead ?`,
  parse: (args) => integer(args),
})

/** Connections in the backend at which servers with minconn get their whole maxconn. Default: a tenth of the frontends' maxconn. */
export const fullconn = sided<number>('backend', {
  name: 'fullconn',
  args: '<conns>',
  doc: 'How many connections in this backend make servers with a `minconn` use all of their `maxconn`.',
  ignored: (kind, name) => `'fullconn' ignored because ${kind} '${name}' has no backend capability. Maybe you want 'maxconn' instead ?`,
  parse: (args) => integer(args),
})

export const backlog = sided<number>('frontend', {
  name: 'backlog',
  args: '<conns>',
  doc: "How many connections the kernel may queue before they are accepted. Default: the frontend's maxconn.",
  parse: (args) => integer(args),
})

/** Default 3. */
export const retries = sided<number>('backend', {
  name: 'retries',
  args: '<value>',
  doc: 'How often a failed connect is tried again. Default 3.',
  parse: (args) => integer(args, { missing: "'retries' expects an integer argument (dispatch counts for one)." }),
})

/** Whether this proxy is left out. Default false. */
export const disabled = keyword<boolean>({
  name: 'disabled',
  sections: BOTH,
  args: '',
  doc: 'This proxy is read and not started.',
  parse: () => true,
})

export const enabled = keyword<boolean>({
  name: 'enabled',
  sections: BOTH,
  args: '',
  doc: 'This proxy is started though its defaults section says `disabled`.',
  writes: disabled,
  parse: () => false,
})

export const description = keyword<string>({
  name: 'description',
  sections: NOT_DEFAULTS,
  args: '<string>',
  doc: 'Accepted, has no meaning here: describes this proxy in its statistics, which are not supported yet.',
  parse: (args) => {
    const text = sentence(args)
    return text === '' ? args.fail("'description' expects a string argument.") : text
  },
})

/** Reads an id of a proxy, bind or server line: an integer above 0. */
export function positiveId(args: Args, prefix: string): number | undefined {
  const zero = `${prefix}custom id has to be > 0.`
  return integer(args, { min: 1, missing: `${prefix}expects an integer argument.`, wrong: () => zero, outside: () => zero })
}

/** Unique among the proxies: the check of that is proxy ids in config/checks. */
export const proxyId = keyword<number>({
  name: 'id',
  sections: NOT_DEFAULTS,
  args: '<value>',
  doc: 'A number of its own for this proxy, above 0. Default: the next free one.',
  parse: (args) => {
    if (args.peek() === undefined) return args.fail("'id' expects an integer argument.")
    return positiveId(args, '')
  },
})

/** As HAProxy 2.6 takes it. */
const bindProcess = keyword<boolean>({
  name: 'bind-process',
  sections: BOTH,
  args: '{ all | odd | even | <processes> } ...',
  doc: 'Read and warned about: there is one process. HAProxy has no use for it either since 2.5.',
  parse: (args) => {
    args.rest()
    args.warn("'bind-process' has no effect, is deprecated, and will be removed in version 2.7.", undefined, undefined, 'no-effect')
    return true
  },
})

export const proxyKeywords: readonly Keyword<unknown>[] = [
  mode,
  bindProcess,
  defaultBackend,
  maxconn,
  backlog,
  retries,
  disabled,
  enabled,
  withoutMeaning(description),
  proxyId,
]
