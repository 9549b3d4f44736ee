// Owns set-mark and set-tos, set-fc-mark, set-fc-tos, set-bc-mark and set-bc-tos: how the kernel marks the packets that it sends to a
// client, and to a server (manual 4.4 of 3.x). The first two take a number, the others also an expression.

import { NEXT_RULE } from '../../core/action.ts'
import type { ActionSpec, RuleSet } from '../../core/action.ts'
import type { Word } from '../../core/keyword.ts'
import type { Fail, Subject } from '../../core/sample.ts'
import type { KernelSock } from '../../core/sock.ts'
import { asInt } from '../cast.ts'
import { checkStage, compileExpression } from '../expression.ts'

const EVERYWHERE: readonly RuleSet[] = ['connection', 'handshake', 'session', 'request', 'response']

/** The number at the front as C writes it (decimal, 0x hexadecimal, 0 octal), and what stands behind it. */
const NUMBER = /^(0[xX][0-9a-fA-F]+|[0-9]+)?(.*)$/s

type Set = (subject: Subject, value: number) => void
type Ask = (kernel: KernelSock, value: number) => string

/** A number as written; undefined: it is none, or none that fits, which was reported. */
function numberOf(name: string, word: Word | undefined, max: number, fail: Fail): number | undefined {
  if (word === undefined) return fail('expects exactly 1 argument (integer/hex value)')
  const [, number = '', rest = ''] = NUMBER.exec(word.text) ?? []
  const octal = /^0[0-9]+$/.test(number)
  if (number === '' || rest !== '' || (octal && /[89]/.test(number))) return fail(`invalid character starting at '${rest || word.text}' (integer/hex value expected)`, undefined, word)
  const value = octal ? Number.parseInt(number, 8) : Number(number)
  return value > max ? fail(`'${name}' : ${word.text} is not within 0 and ${max}.`, undefined, word) : value
}

/** What the kernel says to it is its opinion of one packet option: as in HAProxy the connection goes on. */
function tellClient(name: string, ask: Ask): Set {
  return ({ client, frontend }, value) => {
    const error = client?.kernel === undefined ? '' : ask(client.kernel, value)
    if (error !== '') frontend?.process.warnOnce(`frontend ${frontend.name}: '${name}' has no effect: ${reason(error)}`)
  }
}

/** There is no connection yet: it is made with what is kept here. */
function keepForServer(what: 'mark' | 'tos'): Set {
  return ({ effects, frontend }, value) => {
    if (effects === undefined) return
    const refused = (which: 'mark' | 'tos', error: string): void => frontend?.process.warnOnce(`frontend ${frontend.name}: 'set-bc-${which}' has no effect: ${reason(error)}`)
    effects.serverPackets = { ...effects.serverPackets, [what]: value, refused }
  }
}

/** `expressions`: the value may be one. Without a value, or with one beyond `max`, nothing is set. */
function setter(name: string, arg: string, max: number, doc: string, set: Set, expressions = false, rules = EVERYWHERE): ActionSpec {
  return {
    name,
    rules,
    args: expressions ? `{ <${arg}> | <expr> }` : `<${arg}>`,
    doc: `${doc} Needs the linux provider.`,
    needsKernel: true,
    compile(words, scope, fail) {
      const first = words.peek()
      if (expressions && first !== undefined && !/^[0-9]/.test(first.text)) {
        const expression = compileExpression(words, scope, fail)
        if (expression === undefined || checkStage(expression, scope, fail, name) === undefined) return undefined
        return (subject) => {
          const n = asInt(expression.evaluate(subject))
          if (n !== undefined && n >= 0n && n <= BigInt(max)) set(subject, Number(n))
          return NEXT_RULE
        }
      }
      const value = numberOf(name, words.next(), max, fail)
      if (value === undefined) return undefined
      return (subject) => {
        set(subject, value)
        return NEXT_RULE
      }
    },
  }
}

function reason(error: string): string {
  switch (error) {
    case 'EPERM':
      return 'EPERM, it takes CAP_NET_ADMIN'
    case 'EOPNOTSUPP':
      return 'EOPNOTSUPP, the connection is none of IP'
    case 'EBADF':
      return "EBADF, node:tls has the connection's descriptor: 'tcp-request connection' rules come before it"
    default:
      return error
  }
}

const mark: Ask = (kernel, value) => kernel.setMark(value)
const tos: Ask = (kernel, value) => kernel.setTos(value)
const MARK = 'Sets the mark (SO_MARK) of the packets sent to the client, for routing and filters; takes CAP_NET_ADMIN.'
const TOS = 'Sets the TOS or traffic class byte of the packets sent to the client.'
const REQUEST: readonly RuleSet[] = ['request']

export const packetActions: readonly ActionSpec[] = [
  setter('set-mark', 'mark', 0xffff_ffff, MARK, tellClient('set-mark', mark)),
  setter('set-tos', 'tos', 0xff, TOS, tellClient('set-tos', tos)),
  setter('set-fc-mark', 'mark', 0xffff_ffff, MARK, tellClient('set-fc-mark', mark), true),
  setter('set-fc-tos', 'tos', 0xff, TOS, tellClient('set-fc-tos', tos), true),
  setter('set-bc-mark', 'mark', 0xffff_ffff, 'Sets the mark (SO_MARK) of all packets sent to the server, from the first on; takes CAP_NET_ADMIN.', keepForServer('mark'), true, REQUEST),
  setter('set-bc-tos', 'tos', 0xff, 'Sets the TOS or traffic class byte of all packets sent to the server, from the first on.', keepForServer('tos'), true, REQUEST),
]
