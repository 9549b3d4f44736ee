// Owns the reading of certificate files, folders and crt-lists at start-up. Every message names the file and what is wrong with it.

import path from 'node:path'
import { rootCertificates } from 'node:tls'
import { caBase, crtBase, defaultPath, locate, pemBlocks, readCertificate } from 'headgate/plugin'
import type { Files, PemFile, PlanLine, TlsCertificate } from 'headgate/plugin'

/** Says a problem of the line; the second kind does not stop the start. */
export interface Say {
  alert(text: string): void
  warning(text: string): void
}

/** Where a certificate's file is: relative names begin at crt-base, and that at the default-path. */
export function certificatePath(line: PlanLine, name: string): string {
  return under(line, line.global.get(crtBase), name)
}

/** Where a file of authorities or revocation lists is: relative names begin at ca-base. */
export function authorityPath(line: PlanLine, name: string): string {
  return name === '@system-ca' ? name : under(line, line.global.get(caBase), name)
}

function under(line: PlanLine, base: string | undefined, name: string): string {
  const based = base === undefined || path.isAbsolute(name) ? name : path.join(base, name)
  return locate(based, line.place.file, line.global.get(defaultPath))
}

/** `No such file or directory`, as the C library says it. */
function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** undefined: there is nothing of that name. */
function isFolder(files: Files, file: string): boolean | undefined {
  try {
    return files.isFolder(file)
  } catch {
    return undefined
  }
}

/** Files that lie beside a certificate and are not one. */
const BESIDE = /\.(key|issuer|ocsp|sctl)$/
/** A name that does not exist itself may stand for files of one certificate per kind of key. */
const BUNDLE = ['.rsa', '.ecdsa', '.dsa']

/** The certificates behind one `crt`: a file, a bundle, or what a folder holds, in alphabetic order. */
export function loadCertificates(files: Files, file: string, say: Say): TlsCertificate[] {
  const folder = isFolder(files, file)
  let names: string[]
  if (folder === true) {
    const inside = files.list(file).filter((name) => !name.startsWith('.') && !BESIDE.test(name))
    names = inside.toSorted((a, b) => (a < b ? -1 : 1)).map((name) => path.join(file, name)).filter((name) => isFolder(files, name) === false)
  } else if (folder === undefined) {
    names = BUNDLE.map((suffix) => file + suffix).filter((name) => isFolder(files, name) !== undefined)
    if (names.length === 0) names = [file]
  } else names = [file]
  return names.map((name) => loadCertificate(files, name, say)).filter((certificate) => certificate !== undefined)
}

/** One certificate with its key, in the same file or beside it in `.key`. Loaded twice, it is read once. */
export function loadCertificate(files: Files, file: string, say: Say): TlsCertificate | undefined {
  let pem: Buffer
  try {
    pem = files.read(file)
  } catch (error) {
    say.alert(`unable to stat SSL certificate from file '${file}' : ${reason(error)}.`)
    return undefined
  }
  let read = readCertificate(file, pem)
  if (!read.ok && read.missing === 'key') {
    const keyFile = `${file}.key`
    try {
      read = readCertificate(file, pem, { file: keyFile, pem: files.read(keyFile) })
    } catch {
      // the message says that there is no key
    }
  }
  if (!read.ok) {
    say.alert(read.text)
    return undefined
  }
  if (isFolder(files, `${file}.ocsp`) !== undefined) say.warning(`'${file}.ocsp' is not used: OCSP stapling is not supported yet.`)
  if (isFolder(files, `${file}.sctl`) !== undefined) say.warning(`'${file}.sctl' is not used: Signed Certificate Timestamps are not supported yet.`)
  return read.certificate
}

const CA_FILES = /\.(pem|crt|cer|crl)$/

/** Authorities or revocation lists: a file, a folder, or @system-ca. `word`: the keyword, for messages. */
export function loadAuthorities(files: Files, file: string, word: string, say: Say): PemFile | undefined {
  if (file === '@system-ca') return systemAuthorities(files)
  try {
    if (isFolder(files, file) === true) {
      const names = files.list(file).filter((name) => !name.startsWith('.') && CA_FILES.test(name))
      const pem = Buffer.concat(names.toSorted().flatMap((name) => [files.read(path.join(file, name)), Buffer.from('\n')]))
      if (!holds(pem, 'CERTIFICATE')) say.warning(`${word}: 0 CA were loaded from '${file}'`)
      return { file, pem }
    }
    const pem = files.read(file)
    if (holds(pem, word === 'crl-file' ? 'CRL' : 'CERTIFICATE') || holds(pem, 'CRL')) return { file, pem }
    say.alert(`'${word}' : unable to load ${file} (no certificate or crl found).`)
  } catch (error) {
    say.alert(`'${word}' : unable to load ${file} (${reason(error)}).`)
  }
  return undefined
}

function holds(pem: Buffer, label: string): boolean {
  return pemBlocks(pem).some((block) => block.label.endsWith(label))
}

/** Parameters for DHE key exchange. */
export function loadDhParams(files: Files, file: string, say: Say): PemFile | undefined {
  try {
    const pem = files.read(file)
    if (holds(pem, 'DH PARAMETERS')) return { file, pem }
    say.alert(`'ssl-dh-param-file' : unable to load DH parameters from file '${file}' (it has no DH PARAMETERS block).`)
  } catch (error) {
    say.alert(`'ssl-dh-param-file' : unable to load DH parameters from file '${file}' (${reason(error)}).`)
  }
  return undefined
}

/** What a certificate's own file has of them. */
export function dhParamsOf(certificate: TlsCertificate): PemFile | undefined {
  return holds(certificate.pem, 'DH PARAMETERS') ? certificate : undefined
}

/** Where systems keep the authorities that they trust. */
const SYSTEM = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt', '/etc/ssl/ca-bundle.pem', '/etc/ssl/cert.pem']

/** SSL_CERT_FILE or SSL_CERT_DIR when they are set, else the system's file, else those that come with Node. */
function systemAuthorities(files: Files): PemFile {
  const folder = process.env['SSL_CERT_DIR']
  if (folder !== undefined && isFolder(files, folder) === true) {
    const names = files.list(folder).filter((name) => CA_FILES.test(name))
    return { file: folder, pem: Buffer.concat(names.flatMap((name) => [files.read(path.join(folder, name)), Buffer.from('\n')])) }
  }
  const file = [process.env['SSL_CERT_FILE'] ?? '', ...SYSTEM].find((name) => name !== '' && isFolder(files, name) === false)
  return file === undefined ? { file: '@system-ca', pem: Buffer.from(rootCertificates.join('\n')) } : { file, pem: files.read(file) }
}

/** A line of a crt-list. */
export interface CrtListLine {
  readonly line: number
  readonly file: string
  /** Options between the brackets: words. */
  readonly options: readonly string[]
  /** Names; with `!` in front for those that are left out. */
  readonly filters: readonly string[]
}

/** Reads a crt-list. Problems are said; the lines that could be read are returned. */
export function readCrtList(files: Files, file: string, say: Say): CrtListLine[] {
  let text: string
  try {
    text = files.read(file).toString()
  } catch (error) {
    say.alert(`'crt-list' : cannot open file '${file}' : ${reason(error)}`)
    return []
  }
  const lines: CrtListLine[] = []
  for (const [i, row] of text.split('\n').entries()) {
    const words = row.trim().split(/\s+/)
    const name = words[0] ?? ''
    if (name === '' || name.startsWith('#')) continue
    const rest = row.trim().slice(name.length).trim()
    const at = `parsing [${file}:${i + 1}]`
    if (rest.includes('[') && !rest.startsWith('[')) {
      say.alert(`'crt-list' : ${at}: malformated line, filters can't be between filename and options!`)
      continue
    }
    const close = rest.indexOf(']')
    if (rest.startsWith('[') && close < 0) {
      say.alert(`'crt-list' : ${at}: the options' '[' is not closed`)
      continue
    }
    const split = (s: string): string[] => s.split(/\s+/).filter((w) => w !== '')
    lines.push({
      line: i + 1,
      file: name,
      options: rest.startsWith('[') ? split(rest.slice(1, close)) : [],
      filters: split(rest.startsWith('[') ? rest.slice(close + 1) : rest),
    })
  }
  return lines
}
