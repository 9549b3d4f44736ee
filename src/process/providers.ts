// Owns the choice of the sock provider, and of what is behind it: the kernel's own calls where they load, Node's sockets everywhere.

import type { Provider } from '../core/provider.ts'
import { BASE_FACTS } from '../config/conditional.ts'
import type { Facts } from '../config/conditional.ts'
import { loadKernel } from '../net/linux/syscalls.ts'
import { linuxTls } from '../net/linux/tls.ts'
import { messageOf } from '../util/shown.ts'

export interface ProviderWishes {
  /** On the command line, or in `global`; undefined: the best there is. */
  readonly wanted: 'node' | 'linux' | undefined
  /** nosplice, -dS, maxpipes. */
  readonly maxPipes: number | undefined
  readonly pipeSize: number | undefined
  readonly maxAccept: number | undefined
  /** Connections that a full listener of the node provider may hold. */
  readonly maxHeld: number
}

/** How a lack of descriptors is told, by Node, by the kernel's name for it, or by the dynamic linker. */
const SHORT = /EMFILE|Too many open files/i

/** Resolves with the provider, or with why the one that was asked for cannot be had. */
export async function chooseProvider(wishes: ProviderWishes): Promise<Provider | string> {
  if (wishes.wanted !== 'node') {
    const reason = await openLinux(wishes)
    if (typeof reason !== 'string') return reason
    // It is there, but not now: to go on without it would only move the shortage.
    if (wishes.wanted === 'linux' || SHORT.test(reason)) return `the linux provider cannot be had: ${reason}`
  }
  return (await import('../net/node/provider.ts')).nodeProviderHolding(wishes.maxHeld)
}

async function openLinux(wishes: ProviderWishes): Promise<Provider | string> {
  const kernel = loadKernel()
  if ('reason' in kernel) return kernel.reason
  const { linuxProvider } = await import('../net/linux/provider.ts')
  try {
    return linuxProvider(kernel, {
      ...(wishes.maxPipes === undefined ? {} : { maxPipes: wishes.maxPipes }),
      ...(wishes.pipeSize === undefined ? {} : { pipeSize: wishes.pipeSize }),
      ...(wishes.maxAccept === undefined ? {} : { maxAccept: wishes.maxAccept }),
    })
  } catch (error) {
    return messageOf(error)
  }
}

/** One line per provider for -vv: which there are, which would be used, and why. */
export function describeProviders(): string[] {
  const kernel = loadKernel()
  const linux = 'reason' in kernel ? `linux : not usable, ${kernel.reason}` : `linux : epoll, splice; TLS by ${linuxTls()} (used by itself)`
  return [linux, `node : node:net; TLS by node:tls${'reason' in kernel ? ' (used by itself)' : ''}`]
}

/** What the kernel's own calls add, under HAProxy's names for them. */
const KERNEL_FEATURES = ['ACCEPT4', 'EPOLL', 'LINUX_SPLICE', 'LINUX_TPROXY', 'TFO', 'TPROXY']

/**
 * What `.if` and -cc can ask about this program, -de and -dS considered. Asked for only when a condition does: finding out loads koffi.
 */
export function conditionFacts(wishes: { readonly wanted: 'node' | 'linux' | undefined; readonly noSplice: boolean }): Facts {
  const kernel = (): boolean => !('reason' in loadKernel())
  return {
    get features() {
      return new Set([...BASE_FACTS.features, ...(kernel() ? KERNEL_FEATURES : [])])
    },
    get enabled() {
      const linux = wishes.wanted !== 'node' && kernel()
      return new Set([...BASE_FACTS.enabled, ...(linux ? ['EPOLL'] : []), ...(linux && !wishes.noSplice ? ['SPLICE'] : [])])
    },
    sslLibrary: BASE_FACTS.sslLibrary,
  }
}
