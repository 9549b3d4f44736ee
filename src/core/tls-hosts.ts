// Owns the choice of what a bind line presents to a client: the entry for the name that it asked for.
//
// Exact names win over wildcards; `*.example.com` stands for exactly one label. Of several entries for a name, one whose key the
// client can verify comes first ('ec' where the client knows ECDSA), then the one listed first.

import type { TlsHost } from './tls.ts'

/** What a bind line presents, indexed once. */
export class TlsHosts {
  readonly #hosts: readonly TlsHost[]
  readonly #strict: boolean
  readonly #exact = new Map<string, TlsHost[]>()
  readonly #wild = new Map<string, TlsHost[]>()

  /** The first host is the default, unless `strict`: then a client has to ask for a name that is there. */
  constructor(hosts: readonly TlsHost[], strict: boolean) {
    this.#hosts = hosts
    this.#strict = strict
    for (const host of hosts) {
      for (const name of host.names) {
        if (name.startsWith('*')) add(this.#wild, name.slice(1), host)
        else add(this.#exact, name, host)
      }
    }
  }

  /** The host when no name can change the choice: one host, or the same for all. */
  get only(): TlsHost | undefined {
    return this.#hosts.length === 1 && !this.#strict ? this.#hosts[0] : undefined
  }

  get default(): TlsHost | undefined {
    return this.#hosts[0]
  }

  /** undefined: the client asked for a name that is not here, and the line is strict. */
  choose(name: string, ecdsa: boolean): TlsHost | undefined {
    const exact = name === '' ? undefined : this.#exact.get(name)
    if (exact !== undefined) return best(exact, ecdsa)
    const dot = name.indexOf('.')
    const wild = dot < 0 ? undefined : this.#wild.get(name.slice(dot))?.filter((host) => !host.except.includes(name))
    if (wild !== undefined && wild.length > 0) return best(wild, ecdsa)
    if (this.#strict) return undefined
    const first = this.#hosts[0]
    if (first === undefined) return undefined
    // The default certificate may come with two keys as well: entries for the same names as the first one.
    const same = this.#hosts.filter((host) => host === first || (host.names.length === first.names.length && host.names.every((n, i) => n === first.names[i])))
    return best(same, ecdsa)
  }
}

function add(map: Map<string, TlsHost[]>, name: string, host: TlsHost): void {
  const list = map.get(name)
  if (list === undefined) map.set(name, [host])
  else list.push(host)
}

function best(hosts: readonly TlsHost[], ecdsa: boolean): TlsHost | undefined {
  const wanted = ecdsa ? 'ec' : 'rsa'
  return hosts.find((host) => host.settings.certificate.keyType === wanted) ?? hosts[0]
}
