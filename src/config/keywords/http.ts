// Owns the words for HTTP that HAProxy takes in proxies of `mode tcp`, where they do nothing there either: files that serve both kinds keep
// them in `defaults`. Those that HAProxy warns about are warned about; what they say is not looked into.

import { keyword } from '../../core/keyword.ts'
import type { Args, Keyword } from '../../core/keyword.ts'
import { integer, sided, time, withoutMeaning, word, type Side } from './arguments.ts'

const BOTH = ['defaults', 'frontend', 'backend'] as const

type Where = Side | 'both'

const ONLY = 'it is for HTTP.'

interface Spec<T> {
  readonly name: string
  readonly args: string
  readonly short?: string
  readonly doc: string
  readonly defaults?: boolean
  readonly parse: (args: Args, before: T | undefined) => T | undefined
  readonly negate?: (args: Args, before: T | undefined) => T | undefined
}

function placed<T>(where: Where, spec: Spec<T>): Keyword<T> {
  if (where !== 'both') return sided<T>(where, spec)
  const { short: _, defaults = true, ...rest } = spec
  return keyword<T>({ ...rest, sections: defaults ? BOTH : ['frontend', 'backend'] })
}

/** Taken as HAProxy takes it: without a word. */
function silent(name: string, args: string, where: Where, parse: (args: Args) => unknown): Keyword<unknown> {
  return withoutMeaning(placed<unknown>(where, { name, args, doc: `Accepted, has no meaning here: ${ONLY}`, parse }))
}

function silentOption(name: string, where: Where): Keyword<unknown> {
  const doc = `Accepted, has no meaning here: ${ONLY}`
  return withoutMeaning(placed<boolean>(where, { name: `option ${name}`, short: name, args: '', doc, parse: () => true, negate: () => false }))
}

/** `frontend 'f'`, or '' in `defaults`, where no proxy is known. */
function proxy(args: Args): string {
  if (args.sectionKind === 'defaults') return ''
  return ` for ${args.sectionKind === 'listen' ? 'proxy' : args.sectionKind} '${args.sectionName}'`
}

/** Taken with HAProxy's warning, once per section. */
function warned(name: string, args: string, where: Where, text: (proxy: string) => string, defaults = true): Keyword<unknown> {
  return placed<boolean>(where, {
    name,
    short: name.replace(/^option /, ''),
    args,
    defaults,
    doc: `Read and ignored with a warning: ${ONLY}`,
    parse: (line, before) => {
      line.rest()
      if (before !== true) line.warn(text(proxy(line)), undefined, undefined, 'no-effect')
      return true
    },
    ...(name.startsWith('option ') && args === '' ? { negate: () => false } : {}),
  })
}

function warnedOption(name: string, where: Where, args = ''): Keyword<unknown> {
  return warned(`option ${name}`, args, where, (at) => `'option ${name}' ignored${at} as it requires HTTP mode.`)
}

/** Rules, which stand in no anonymous `defaults`. */
function rules(name: string, args: string): Keyword<unknown> {
  return warned(name, args, 'both', (at) => `'${name}' rules ignored${at} as they require HTTP mode.`, false)
}

function delay(name: string): Keyword<unknown> {
  return silent(name, '<timeout>', 'both', (args) =>
    time(args, {
      missing: `'${args.keyword}' expects an integer value (in milliseconds)`,
      wrong: (c) => `unexpected character '${c}' in '${args.keyword}'`,
    }),
  )
}

/** So many words at least, whatever they say. */
function words(least = 1, missing?: string): (args: Args) => boolean | undefined {
  return (args) => {
    const found = args.rest().filter((w) => w.text !== '')
    return found.length >= least ? true : args.fail(missing ?? `'${args.keyword}' expects an argument.`)
  }
}

function errorPage(name: string, args: string): Keyword<unknown> {
  return silent(name, args, 'both', words(2, `${name} : expects <status_code> and <${name === 'errorfile' ? 'file' : 'url'}> as arguments.`))
}

const capture = (at: string): string => `'capture' statement ignored${at} as it requires HTTP mode.`

export const httpKeywords: readonly Keyword<unknown>[] = [
  delay('timeout http-request'),
  delay('timeout http-keep-alive'),
  silentOption('http-server-close', 'both'),
  silentOption('http-keep-alive', 'both'),
  silentOption('httpclose', 'both'),
  silentOption('h1-case-adjust-bogus-client', 'frontend'),
  silentOption('h1-case-adjust-bogus-server', 'backend'),
  silent('option http-restrict-req-hdr-names', '{ preserve | delete | reject }', 'both', words()),
  silent('compression', '{ algo <algorithm> ... | type <mime type> ... | offload }', 'both', words()),
  errorPage('errorfile', '<code> <file>'),
  silent('errorfiles', '<name> [<code> ...]', 'both', words()),
  errorPage('errorloc', '<code> <url>'),
  errorPage('errorloc302', '<code> <url>'),
  errorPage('errorloc303', '<code> <url>'),
  silent('http-error', 'status <code> [...]', 'both', words()),
  silent('http-reuse', '{ never | safe | aggressive | always }', 'backend', words()),
  silent('http-send-name-header', '[<header>]', 'backend', (args) => args.rest().length >= 0),
  silent('max-keep-alive-queue', '<value>', 'backend', (args) => integer(args, { min: -1 })),
  silent('dynamic-cookie-key', '<string>', 'backend', words()),
  silent('unique-id-header', '<name>', 'both', words()),
  warnedOption('forwardfor', 'both', '[except <network>] [header <name>] [if-none]'),
  warnedOption('originalto', 'both', '[except <network>] [header <name>]'),
  warnedOption('accept-invalid-http-request', 'frontend'),
  warnedOption('accept-invalid-http-response', 'backend'),
  warnedOption('checkcache', 'backend'),
  warnedOption('disable-h2-upgrade', 'frontend'),
  warnedOption('http-buffer-request', 'both'),
  warnedOption('http-ignore-probes', 'frontend'),
  warnedOption('http-no-delay', 'both'),
  warnedOption('http-pretend-keepalive', 'backend'),
  warnedOption('http-use-proxy-header', 'frontend'),
  warnedOption('idle-close-on-response', 'frontend'),
  warned('cookie', '<name> [<option> ...]', 'backend', (at) => `cookie will be ignored${at} (needs 'mode http').`),
  warned('monitor-uri', '<uri>', 'frontend', (at) => `monitor-uri will be ignored${at} (needs 'mode http').`),
  warned('capture cookie', '<name> len <length>', 'frontend', capture, false),
  warned('capture request header', '<name> len <length>', 'frontend', capture, false),
  warned('capture response header', '<name> len <length>', 'frontend', capture, false),
  rules('http-request', '<action> [options ...] [ { if | unless } <condition> ]'),
  rules('http-response', '<action> [options ...] [ { if | unless } <condition> ]'),
  rules('http-after-response', '<action> [options ...] [ { if | unless } <condition> ]'),
  rules('redirect', '{ location | prefix | scheme } <to> [code <code>] [<option> ...] [ { if | unless } <condition> ]'),
  ...['max-reuse', 'pool-low-conn', 'pool-max-conn', 'pool-purge-delay'].map((name) =>
    withoutMeaning(
      keyword<string>({
        name,
        sections: ['server'],
        args: name === 'pool-purge-delay' ? '<delay>' : '<number>',
        doc: 'Accepted, has no meaning here: no idle connections to servers are kept.',
        parse: (args) => word(args, `'${name}' expects <value> as argument.`)?.text,
      }),
    ),
  ),
  keyword<string>({
    name: 'cookie',
    sections: ['server'],
    args: '<value>',
    doc: `Read and ignored with a warning: ${ONLY}`,
    parse: (args) => {
      const value = word(args, "'cookie' expects <value> as argument.")
      if (value !== undefined) args.warn('ignoring cookie as HTTP mode is disabled.', undefined, value, 'no-effect')
      return value?.text
    },
  }),
]
