// Owns `balance` and `hash-type`: how a backend chooses a server (manual 4.2).

import type { Args, Keyword } from '../../core/keyword.ts'
import { didYouMean } from '../near.ts'
import { integer, sided } from './arguments.ts'

export type Balance =
  | { readonly algorithm: 'roundrobin' | 'static-rr' | 'leastconn' | 'first' | 'source' }
  /** The least loaded of so many servers drawn at random, 1 or more. */
  | { readonly algorithm: 'random'; readonly draws: number }

/** What a backend without the keyword has, or with `balance` alone. */
export const DEFAULT_BALANCE: Balance = { algorithm: 'roundrobin' }

const ONLY =
  "balance only supports 'roundrobin', 'static-rr', 'leastconn', 'first', 'source' and 'random' options."

const HTTP = /^(?:uri|url_param|hdr(?:\(.*)?)$/
const LATER = /^(?:rdp-cookie(?:\(.*)?|hash|log-hash|log-sticky|sticky)$/

function random(args: Args, text: string): Balance | undefined {
  const draws = /^random(?:\(([^)]*)\)?)?$/.exec(text)?.[1] ?? ''
  if (draws === '') return { algorithm: 'random', draws: 2 }
  const wrong = /^([+-]?[0-9]*)(.)?/.exec(draws)
  if (wrong?.[2] !== undefined) return args.fail(`balance random : unexpected character '${wrong[2]}' after argument.`)
  const n = Number(draws)
  if (!Number.isInteger(n) || n < 1) return args.fail('balance random : number of draws must be at least 1.')
  return { algorithm: 'random', draws: n }
}

const ALGORITHMS = ['roundrobin', 'static-rr', 'leastconn', 'first', 'source', 'random']

export const balance = sided<Balance>('backend', {
  name: 'balance',
  args: '{ roundrobin | static-rr | leastconn | first | source | random[(<draws>)] }',
  doc: 'How a server is chosen. Default roundrobin, and what the hashes of HTTP (uri, url_param, hdr) are taken for, with a warning.',
  parse: (args) => {
    const w = args.next()
    const text = w?.text ?? ''
    switch (text) {
      case '':
        return DEFAULT_BALANCE
      case 'roundrobin':
      case 'static-rr':
      case 'leastconn':
      case 'first':
      case 'source':
        return { algorithm: text }
      default:
        if (text === 'random' || text.startsWith('random(')) return random(args, text)
        args.rest()
        if (HTTP.test(text)) {
          const where = args.sectionKind === 'defaults' ? '' : ` for ${args.sectionKind === 'listen' ? 'proxy' : args.sectionKind} '${args.sectionName}'`
          args.warn(`Layer 7 hash not possible${where} (needs 'mode http'). Falling back to round robin.`, undefined, w, 'no-effect')
          return DEFAULT_BALANCE
        }
        if (LATER.test(text)) return args.fail(`'balance ${text}' is not supported yet.`, ONLY, w)
        return args.fail(ONLY, didYouMean(text, ALGORITHMS), w)
    }
  },
})

export type HashFunction = 'sdbm' | 'djb2' | 'wt6' | 'crc32'

export interface HashType {
  /** map-based: the hash modulo the weight selects; consistent: a ring, so that few clients move when servers come and go. */
  readonly method: 'map-based' | 'consistent'
  readonly function: HashFunction
  /** The hash is stirred once more. */
  readonly avalanche: boolean
}

/** Default map-based sdbm, without avalanche. Consistent without a function has avalanche, as in HAProxy. */
export const hashType = sided<HashType>('backend', {
  name: 'hash-type',
  args: '{ map-based | consistent } [ sdbm | djb2 | wt6 | crc32 [ avalanche ] ]',
  doc: 'How `balance source` turns a hash into a server. Default map-based sdbm.',
  parse: (args) => {
    const method = args.next()
    if (method?.text !== 'consistent' && method?.text !== 'map-based') {
      args.rest()
      return args.fail("'hash-type' only supports 'consistent' and 'map-based'.", undefined, method)
    }
    const name = args.next()
    if (name === undefined) return { method: method.text, function: 'sdbm', avalanche: method.text === 'consistent' }
    const known = hashFunction(name.text)
    if (known === undefined) {
      args.rest()
      return args.fail("'hash-type' only supports 'sdbm', 'djb2', 'crc32', or 'wt6' hash functions.", undefined, name)
    }
    const modifier = args.next()
    if (modifier !== undefined && modifier.text !== 'avalanche') {
      args.rest()
      return args.fail("'hash-type' only supports 'avalanche' as a modifier for hash functions.", undefined, modifier)
    }
    return { method: method.text, function: known, avalanche: modifier !== undefined }
  },
})

function hashFunction(name: string): HashFunction | undefined {
  switch (name) {
    case 'sdbm':
    case 'djb2':
    case 'wt6':
    case 'crc32':
      return name
    default:
      return undefined
  }
}

/** Percent of the mean load that a server may have before consistent hashing goes to the next; 0: no bound. */
export const hashBalanceFactor = sided<number>('backend', {
  name: 'hash-balance-factor',
  args: '<factor>',
  doc: 'With consistent hashing: the most load that a server may have, in percent of the mean. 0 (default): no bound.',
  parse: (args) => {
    const n = integer(args)
    if (n !== undefined && n !== 0 && n <= 100) return args.fail("'hash-balance-factor' must be 0 or greater than 100.")
    return n
  },
})

export const balanceKeywords: readonly Keyword<unknown>[] = [balance]
