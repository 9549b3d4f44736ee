// Owns how TLS settings of a line come from its words, from crt-list options and from the defaults of `global`.

import {
  knownDhParams,
  noFaultsByNumber,
  provider,
  sslDefaultBindCiphers,
  sslDefaultBindCiphersuites,
  sslDefaultBindCurves,
  sslDefaultBindOptions,
  sslDefaultServerCiphers,
  sslDefaultServerCiphersuites,
  sslDefaultServerOptions,
  sslDhParamFile,
  TLS_VERSIONS,
  tuneSslCachesize,
  tuneSslDefaultDhParam,
  tuneSslKeylog,
  tuneSslLifetime,
} from 'headgate/plugin'
import type { PlanLine, TlsDefaults, TlsOffer, TlsServerSettings, TlsVersion } from 'headgate/plugin'
import { authorityPath, loadAuthorities, loadDhParams, type Say } from './tls-files.ts'
import * as words from './tls-keywords.ts'
import { protocols, versionNamed, type Versions } from './tls-keywords.ts'

/** What certificates of a bind line are presented with. */
export type Policy = Omit<TlsServerSettings, 'certificate'>

type Bounds = { readonly minVersion: TlsVersion; readonly maxVersion: TlsVersion }

/** The versions that are left, from the lowest to the highest: the line's words, then the defaults', then TLSv1.2 and up. */
function bounds(line: Versions | undefined, defaults: TlsDefaults | undefined, say: Say): Bounds | undefined {
  const max = line?.max ?? defaults?.maxVersion ?? 'TLSv1.3'
  // A highest version below the default lowest one stands for itself and what is below.
  const min = line?.min ?? defaults?.minVersion ?? (max === 'TLSv1' || max === 'TLSv1.1' ? 'TLSv1' : 'TLSv1.2')
  const without = [...(line?.without ?? []), ...(defaults?.without ?? [])]
  const from = TLS_VERSIONS.indexOf(min)
  const to = max === 'SSLv3' ? -1 : TLS_VERSIONS.indexOf(max)
  const left = TLS_VERSIONS.filter((v, i) => i >= from && i <= to && !without.includes(v))
  const [first] = left
  const last = left.at(-1)
  if (first === undefined || last === undefined) {
    say.alert('all SSL/TLS versions are disabled for this line.')
    return undefined
  }
  const hole = TLS_VERSIONS.slice(TLS_VERSIONS.indexOf(first), TLS_VERSIONS.indexOf(last)).find((v) => !left.includes(v))
  if (hole === undefined) return { minVersion: first, maxVersion: last }
  say.warning(`SSL/TLS versions range not contiguous: ${hole} is left out of the middle. Only ${last} and what follows ${hole} is spoken. Use only 'ssl-min-ver' and 'ssl-max-ver' to fix.`)
  const above = left.filter((v) => TLS_VERSIONS.indexOf(v) > TLS_VERSIONS.indexOf(hole))
  return bounds({ min: above[0] ?? last, max: last, without: [] }, undefined, say)
}

/** Leaves out what is not set: `undefined` is not a value of these settings. */
function given<K extends string, T>(name: K, value: T | undefined): Partial<Record<K, T>> {
  const part: Partial<Record<K, T>> = {}
  if (value !== undefined) part[name] = value
  return part
}

/** What a bind line says, without its certificates. undefined: it was reported why not. */
export function serverOffer(line: PlanLine, say: Say): Policy | undefined {
  const { global } = line
  const defaults = global.get(sslDefaultBindOptions)
  const versions = bounds(line.get(words.versions), defaults, say)
  const verify = line.get(words.bindVerify) ?? 'none'
  const authorities = (name: string | undefined, word: string): ReturnType<typeof loadAuthorities> =>
    name === undefined ? undefined : loadAuthorities(line.files, authorityPath(line, name), word, say)
  const caName = line.get(words.caFile)
  const ca = authorities(caName, 'ca-file')
  const caVerify = authorities(line.get(words.caVerifyFile), 'ca-verify-file')
  const crl = authorities(line.get(words.crlFile), 'crl-file')
  if (verify !== 'none' && caName === undefined && line.get(words.caVerifyFile) === undefined) say.alert('verify is enabled but no CA file specified for this line.')
  const dhFile = global.get(sslDhParamFile)
  const dh = dhFile === undefined ? knownDhParams(global.get(tuneSslDefaultDhParam) ?? 2048) : loadDhParams(line.files, dhFile, say)
  const ignoreCrt = line.get(words.crtIgnoreErr)
  const ignoreCa = line.get(words.caIgnoreErr)
  // The node provider is told of the last fault only, and that may be one that is ignored while another is not.
  if ((ignoreCrt !== undefined || ignoreCa !== undefined) && !(ignoreCrt === 'all' && ignoreCa === 'all')) {
    const why = global.get(provider) === 'node' ? "'provider node' was asked for" : noFaultsByNumber()
    if (why !== '') say.alert(`'crt-ignore-err' and 'ca-ignore-err' need the linux provider, save when both are 'all': ${why}.`)
  }
  if (versions === undefined) return undefined
  const lifetime = global.get(tuneSslLifetime)
  return {
    ...versions,
    verify,
    alpn: line.get(words.alpn) ?? [],
    tickets: line.get(words.tlsTickets) ?? defaults?.tickets ?? true,
    preferClientCiphers: line.get(words.preferClientCiphers) ?? defaults?.preferClientCiphers ?? false,
    ...given('ciphers', line.get(words.ciphers) ?? global.get(sslDefaultBindCiphers)),
    ...given('ciphersuites', line.get(words.ciphersuites) ?? global.get(sslDefaultBindCiphersuites)),
    ...given('curves', line.get(words.curves) ?? line.get(words.ecdhe) ?? global.get(sslDefaultBindCurves)),
    ...given('sigalgs', line.get(words.sigalgs)),
    ...given('keyLog', global.get(tuneSslKeylog)),
    ...given('ca', ca),
    ...given('caVerify', caVerify),
    ...given('crl', crl),
    ...given('dh', dh),
    ...given('ignoreCrt', ignoreCrt),
    ...given('ignoreCa', ignoreCa),
    ...given('cacheSize', global.get(tuneSslCachesize)),
    ...given('lifetime', lifetime === undefined ? undefined : Math.max(1, Math.round(lifetime / 1000))),
  }
}

/** What a server line says, without certificates and verification. */
export function clientOffer(line: PlanLine, say: Say): TlsOffer | undefined {
  const { global } = line
  const defaults = global.get(sslDefaultServerOptions)
  const versions = bounds(line.get(words.versions), defaults, say)
  if (versions === undefined) return undefined
  return {
    ...versions,
    alpn: line.get(words.alpn) ?? [],
    tickets: line.get(words.tlsTickets) ?? defaults?.tickets ?? true,
    ...given('ciphers', line.get(words.ciphers) ?? global.get(sslDefaultServerCiphers)),
    ...given('ciphersuites', line.get(words.ciphersuites) ?? global.get(sslDefaultServerCiphersuites)),
    ...given('curves', line.get(words.curves)),
    ...given('sigalgs', line.get(words.sigalgs)),
    ...given('keyLog', global.get(tuneSslKeylog)),
  }
}

/** What follows each option of a crt-list line; those of HAProxy that are not here are refused by name. */
const LATER = ['allow-0rtt', 'npn', 'no-ca-names', 'ocsp-update', 'generate-certificates']

/** The settings of one crt-list line: those of the bind line, and what stands in its brackets. undefined: a problem was said. */
export function lineOptions(policy: Policy, options: readonly string[], line: PlanLine, say: Say): Policy | undefined {
  let own: Policy = policy
  let versions: Versions = { min: policy.minVersion ?? 'TLSv1.2', max: policy.maxVersion ?? 'TLSv1.3', without: [] }
  for (let i = 0; i < options.length; i++) {
    const name = options[i] ?? ''
    if (LATER.includes(name)) return void say.alert(`'${name}' is not supported yet`)
    const value = options[++i]
    if (!['alpn', 'ca-file', 'ca-verify-file', 'ciphers', 'ciphersuites', 'crl-file', 'curves', 'ecdhe', 'verify', 'ssl-min-ver', 'ssl-max-ver', 'sigalgs'].includes(name)) {
      return void say.alert(`unknown ssl keyword ${name}`)
    }
    if (value === undefined) return void say.alert(`ssl args out of '[]' for ${name}`)
    switch (name) {
      case 'alpn': {
        const alpn = protocols(value)
        if (typeof alpn === 'string') return void say.alert(`'alpn' : ${alpn}`)
        own = { ...own, alpn }
        break
      }
      case 'ca-file':
      case 'ca-verify-file':
      case 'crl-file': {
        const file = loadAuthorities(line.files, authorityPath(line, value), name, say)
        if (file === undefined) return undefined
        own = { ...own, [name === 'ca-file' ? 'ca' : name === 'crl-file' ? 'crl' : 'caVerify']: file }
        break
      }
      case 'verify':
        if (value !== 'none' && value !== 'optional' && value !== 'required') {
          return void say.alert(`'verify' : unknown verify method '${value}', only 'none', 'optional', and 'required' are supported`)
        }
        own = { ...own, verify: value }
        break
      case 'ssl-min-ver':
      case 'ssl-max-ver': {
        const version = versionNamed(value)
        if (version === undefined) return void say.alert(`'${value}' : unknown ssl/tls version`)
        versions = name === 'ssl-max-ver' ? { ...versions, max: version } : { ...versions, min: version === 'SSLv3' ? 'TLSv1' : version }
        break
      }
      case 'ecdhe':
        own = { ...own, curves: value }
        break
      default:
        own = { ...own, [name]: value }
    }
  }
  const range = bounds(versions, undefined, say)
  if (own.verify !== 'none' && own.ca === undefined && own.caVerify === undefined) return void say.alert('verify is enabled but no CA file specified')
  return range === undefined ? undefined : { ...own, ...range }
}
