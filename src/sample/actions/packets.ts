// Owns set-mark and set-tos: how the kernel marks the packets that it sends to a client.

import { NEXT_RULE } from '../../core/action.ts'
import type { ActionSpec, RuleSet } from '../../core/action.ts'
import type { KernelSock } from '../../core/sock.ts'

const EVERYWHERE: readonly RuleSet[] = ['connection', 'handshake', 'session', 'request', 'response']

/** The number at the front as C writes it (decimal, 0x hexadecimal, 0 octal), and what stands behind it. */
const NUMBER = /^(0[xX][0-9a-fA-F]+|[0-9]+)?(.*)$/s

function setter(name: string, arg: string, max: number, doc: string, set: (kernel: KernelSock, value: number) => string): ActionSpec {
  return {
    name,
    rules: EVERYWHERE,
    args: `<${arg}>`,
    doc: `${doc} Needs the linux provider.`,
    needsKernel: true,
    compile(words, _scope, fail) {
      const word = words.next()
      if (word === undefined) return fail('expects exactly 1 argument (integer/hex value)')
      const [, number = '', rest = ''] = NUMBER.exec(word.text) ?? []
      const octal = /^0[0-9]+$/.test(number)
      if (number === '' || rest !== '' || (octal && /[89]/.test(number))) return fail(`invalid character starting at '${rest || word.text}' (integer/hex value expected)`, undefined, word)
      const value = octal ? Number.parseInt(number, 8) : Number(number)
      if (value > max) return fail(`'${name}' : ${word.text} is not within 0 and ${max}.`, undefined, word)
      return ({ client, frontend }) => {
        const error = client?.kernel === undefined ? '' : set(client.kernel, value)
        // The kernel's opinion of one packet option: as in HAProxy the connection goes on.
        if (error !== '') frontend?.process.warnOnce(`frontend ${frontend.name}: '${name}' has no effect: ${reason(error)}`)
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

export const packetActions: readonly ActionSpec[] = [
  setter('set-mark', 'mark', 0xffff_ffff, 'Sets the mark (SO_MARK) of the packets sent to the client, for routing and filters; takes CAP_NET_ADMIN.', (kernel, mark) => kernel.setMark(mark)),
  setter('set-tos', 'tos', 0xff, 'Sets the TOS or traffic class byte of the packets sent to the client.', (kernel, tos) => kernel.setTos(tos)),
]
