// Owns converters from names to what the running proxies are (manual 7.3.1): for names that are only known per connection.

import type { ConverterSpec, Subject } from '../../core/sample.ts'
import { bool, sint, toText } from '../../core/sample.ts'
import { backendNamed, serverNamed } from '../fetches/proxies.ts'

function look(name: string, doc: string, value: (text: string, section: string, subject: Subject) => number | undefined): ConverterSpec {
  return {
    name,
    input: 'str',
    output: 'sint',
    doc,
    compile: (_args, scope) => (sample, subject) => {
      const n = sample.type === 'str' && sample.value !== '' ? value(toText(sample.value), scope.proxy, subject) : undefined
      return n === undefined ? undefined : sint(n)
    },
  }
}

export const proxyConverters: readonly ConverterSpec[] = [
  {
    name: 'srv_is_up',
    input: 'str',
    output: 'bool',
    doc: 'Whether the server of this name, or of backend/server, is in service; no value when there is none such.',
    compile: (_args, scope) => (sample, subject) => {
      const server = sample.type === 'str' ? serverNamed(toText(sample.value), scope.proxy, subject) : undefined
      return server === undefined ? undefined : bool(server.up)
    },
  },
  {
    name: 'fe_exists',
    input: 'str',
    output: 'bool',
    doc: 'Whether there is a frontend of this name.',
    compile: () => (sample, subject) => bool(sample.type === 'str' && (subject.frontend ?? subject.backend)?.process.frontend(toText(sample.value)) !== undefined),
  },
  look('nbsrv', 'How many servers of the backend of this name may be chosen; no value when there is none such.', (name, section, subject) => {
    const backend = backendNamed(name, section, subject)
    return backend === undefined ? undefined : backend.usable().length
  }),
  look('srv_queue', 'Sessions that wait for the server of this name, or of backend/server; no value when there is none such.', (name, section, subject) => serverNamed(name, section, subject)?.queued),
]
