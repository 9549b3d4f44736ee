// Owns the command line of `headgate explain`: the configuration, and the connection that is imagined.

import { readFileSync } from 'node:fs'
import type { Address, InetAddress } from '../core/address.ts'
import { makeClientHello } from '../core/client-hello-write.ts'
import { pemBlocks } from '../core/pem.ts'
import { errorText } from '../util/errno.ts'
import { parseIPv4, parseIPv6 } from '../util/ip.ts'

export interface Imagined {
  readonly files: readonly string[]
  readonly src: Address
  /** undefined: the address of the first bind line. */
  readonly dst: InetAddress | undefined
  /** A frontend's name; undefined: any. */
  readonly frontend: string | undefined
  readonly proxyHeader: Buffer
  /** undefined: none was given, and one is made up where TLS is undone here. */
  readonly hello: Buffer | undefined
  readonly alpn: readonly string[]
  readonly certificate: Buffer | undefined
  /** What the client says next, within TLS where that is undone here. */
  readonly bytes: Buffer
  /** The client ends when all is said. */
  readonly ends: boolean
}

export const EXPLAIN_USAGE = `Usage : headgate explain -f <file|folder> [-f …] [options]
  What becomes of a connection: every handler, rule, ACL and value in order, and where it ends. No socket is opened.
    --src <address[:port]>   the client (default 192.0.2.1:40000)
    --dst <address[:port]>   where it connects to (default: the first bind line)
    --frontend <name>        only bind lines of this frontend
    --proxy-header <file>    its first bytes: a PROXY header
    --client-hello <file>    then this TLS record, or one is made up:
    --sni <name>             … with this server name
    --alpn <list>            … with these protocols, separated by commas
    --client-cert <file>     the certificate that it shows when asked (PEM)
    --bytes <file>           what it says next, within TLS where that is undone here
    --end                    the client ends its side when all is said
`

/** `10.0.0.1:80`, `[::1]:80`, or without a port. */
function address(text: string, port: number): InetAddress | undefined {
  const m = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::([0-9]{1,5}))?$/.exec(text)
  const host = m?.[1] ?? m?.[2] ?? text
  const number = m?.[3] === undefined ? port : Number(m[3])
  if (number > 65535) return undefined
  if (parseIPv4(host) !== undefined) return { family: 'ipv4', host, port: number }
  return parseIPv6(host) === undefined ? undefined : { family: 'ipv6', host, port: number }
}

const VALUES = ['-f', '--src', '--dst', '--frontend', '--proxy-header', '--client-hello', '--sni', '--alpn', '--client-cert', '--bytes'] as const
type Option = (typeof VALUES)[number]

function isOption(text: string): text is Option {
  return VALUES.some((option) => option === text)
}

/** A string: what is wrong. */
export function parseExplain(args: readonly string[]): Imagined | string {
  const given = new Map<Option, string[]>()
  let ends = false
  for (let i = 0; i < args.length; i++) {
    const option = args[i] ?? ''
    if (option === '--end') {
      ends = true
      continue
    }
    if (!isOption(option)) return `unknown option '${option}'`
    const value = args[++i]
    if (value === undefined) return `'${option}' expects an argument`
    given.set(option, [...(given.get(option) ?? []), value])
  }
  const last = (option: Option): string | undefined => given.get(option)?.at(-1)
  const files = given.get('-f') ?? []
  if (files.length === 0) return 'a configuration file is given with -f'
  const src = address(last('--src') ?? '192.0.2.1', 40000)
  if (src === undefined) return `'--src' expects an address such as 192.0.2.1:40000, found '${last('--src') ?? ''}'`
  const to = last('--dst')
  const dst = to === undefined ? undefined : address(to, 0)
  if (to !== undefined && dst === undefined) return `'--dst' expects an address such as 192.0.2.1:443, found '${to}'`
  const alpn = last('--alpn')?.split(',') ?? []
  const sni = last('--sni')
  try {
    const read = (option: Option): Buffer | undefined => {
      const file = last(option)
      if (file === undefined) return undefined
      try {
        return readFileSync(file)
      } catch (error) {
        throw new Error(`'${option}' expects a file (<(printf 'some text') makes one in a shell), cannot read '${file}': ${errorText(error)}`)
      }
    }
    const pem = read('--client-cert')
    const certificate = pem === undefined ? undefined : pemBlocks(pem).find((block) => block.label.endsWith('CERTIFICATE'))
    if (pem !== undefined && certificate === undefined) return `'${last('--client-cert') ?? ''}' holds no certificate in PEM`
    return {
      files,
      src,
      dst,
      frontend: last('--frontend'),
      proxyHeader: read('--proxy-header') ?? Buffer.alloc(0),
      hello: read('--client-hello') ?? (sni === undefined && alpn.length === 0 ? undefined : makeClientHello({ sni: sni ?? '', alpn })),
      alpn,
      certificate: certificate === undefined ? undefined : Buffer.from(certificate.pem.toString('latin1').replace(/-----[^-]+-----|\s/g, ''), 'base64'),
      bytes: read('--bytes') ?? Buffer.alloc(0),
      ends,
    }
  } catch (error) {
    return error instanceof Error ? error.message : errorText(error)
  }
}
