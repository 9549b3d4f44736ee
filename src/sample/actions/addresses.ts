// Owns set-src, set-src-port, set-dst and set-dst-port.

import { NEXT_RULE } from '../../core/action.ts'
import type { ActionSpec } from '../../core/action.ts'
import type { Address } from '../../core/address.ts'
import type { Sample, Subject } from '../../core/sample.ts'
import { NOT_YET } from '../../core/sample.ts'
import { formatIPv4, formatIPv6 } from '../../util/ip.ts'
import { cast } from '../cast.ts'
import { checkStage, compileExpression } from '../expression.ts'

type End = 'src' | 'dst'

/** The address of a sample with the port that `before` has, 0 where it has none. */
function withHost(value: Sample, before: Address): Address | undefined {
  const ip = cast(value, 'ip')
  const port = before.family === 'ipv4' || before.family === 'ipv6' ? before.port : 0
  if (ip?.type === 'ipv4') return { family: 'ipv4', host: formatIPv4(ip.value), port }
  return ip?.type === 'ipv6' ? { family: 'ipv6', host: formatIPv6(ip.value), port } : undefined
}

/** `before` with another port; 0.0.0.0 where it has no port. */
function withPort(value: Sample, before: Address): Address | undefined {
  const n = cast(value, 'sint')
  if (n?.type !== 'sint') return undefined
  const port = Number(BigInt.asUintN(16, n.value))
  return before.family === 'ipv4' || before.family === 'ipv6' ? { ...before, port } : { family: 'ipv4', host: '0.0.0.0', port }
}

function setter(name: string, end: End, doc: string, change: (value: Sample, before: Address) => Address | undefined): ActionSpec {
  return {
    name,
    rules: ['connection', 'handshake', 'session', 'request'],
    args: '<expr>',
    doc,
    compile(words, scope, fail) {
      const expression = compileExpression(words, scope, fail)
      if (expression === undefined || checkStage(expression, scope, fail, name) === undefined) return undefined
      return (subject: Subject) => {
        const value = expression.evaluate(subject)
        if (value === undefined || value === NOT_YET) return NEXT_RULE
        const address = change(value, subject[end])
        if (address !== undefined) subject[end] = address
        return NEXT_RULE
      }
    },
  }
}

export const addressActions: readonly ActionSpec[] = [
  setter('set-src', 'src', "Sets the client's address; its port stays.", withHost),
  setter('set-src-port', 'src', "Sets the client's port.", withPort),
  setter('set-dst', 'dst', 'Sets the address that the client came to; its port stays.', withHost),
  setter('set-dst-port', 'dst', 'Sets the port that the client came to.', withPort),
]
