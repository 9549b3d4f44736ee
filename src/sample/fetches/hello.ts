// Owns fetches of a TLS hello that passes through undeciphered (manual 7.3.5). A hello that is cut off is "not yet"; one that is
// broken is no hello at all. Neither is ever one without a name.

import { readClientHello } from '../../core/client-hello.ts'
import type { ClientHello } from '../../core/client-hello.ts'
import type { Fetched, FetchSpec, Sample, Source, Subject } from '../../core/sample.ts'
import { bool, sint } from '../../core/sample.ts'
import type { Contents } from '../../core/view.ts'
import { missing, REQUEST, RESPONSE } from './layer6.ts'
import type { Choose } from './layer6.ts'

const HANDSHAKE = 22
const CLIENT_HELLO = 1
const RECORD_HEADER = 5

/** The request's hello. 'short': it has not arrived whole. Read once for each state of the buffer. */
function helloOf(contents: Contents): ClientHello | 'short' | undefined {
  const { bytes } = contents
  const had = seen.get(contents)
  if (had !== undefined && had.length === bytes.length) return had.hello
  const read = readClientHello(bytes)
  const hello = read.state === 'hello' ? read.hello : read.state === 'more' ? 'short' : undefined
  seen.set(contents, { length: bytes.length, hello })
  return hello
}

/** Rules ask about the same bytes several times in a row. */
const seen = new WeakMap<Contents, { readonly length: number; readonly hello: ClientHello | 'short' | undefined }>()

function ofHello(names: readonly string[], output: FetchSpec['output'], doc: string, value: (hello: ClientHello) => Fetched): readonly FetchSpec[] {
  return names.map((name) => ({
    name,
    output,
    source: 'request',
    doc,
    compile: () => (subject: Subject) => {
      const contents = subject.request
      const hello = contents === undefined ? undefined : helloOf(contents)
      if (hello === 'short') return missing(contents)
      return hello === undefined ? undefined : value(hello)
    },
  }))
}

/** The type of the handshake message that a record begins with, once the first record is there: a client's hello has to be whole. */
function helloType(names: readonly string[], source: Source, choose: Choose): readonly FetchSpec[] {
  return names.map((name) => ({
    name,
    output: 'sint',
    source,
    doc: "The type of the TLS handshake message: 1 for a client's hello, 2 for a server's.",
    compile: () => (subject: Subject) => {
      const contents = choose(subject)
      if (contents === undefined) return undefined
      const { bytes } = contents
      if ((bytes.length > 0 && bytes[0] !== HANDSHAKE) || (bytes.length > 1 && bytes[1] !== 3)) return undefined
      if (bytes.length <= RECORD_HEADER || bytes.length < RECORD_HEADER + bytes.readUInt16BE(3)) return missing(contents)
      const type = bytes[RECORD_HEADER] ?? 0
      if (type !== CLIENT_HELLO) return sint(type)
      const hello = helloOf(contents)
      return hello === 'short' ? missing(contents) : hello === undefined ? undefined : sint(CLIENT_HELLO)
    },
  }))
}

/** SSL version 2's own hello, by which old clients also offered later versions. */
function sslv2Version(bytes: Buffer): number | 'short' | undefined {
  const first = bytes[0] ?? 0x80
  if (first < 0x80 || (bytes.length > 2 && bytes[2] !== CLIENT_HELLO)) return undefined
  if (bytes.length < 5) return 'short'
  const size = 2 + (bytes.readUInt16BE(0) & 0x7fff)
  if (size < 11) return undefined
  return bytes.length < size ? 'short' : versionNumber(bytes.readUInt16BE(3))
}

const versionNumber = (version: number): number => (version >> 8) * 65536 + (version & 0xff)

function version(contents: Contents): number | 'short' | undefined {
  const { bytes } = contents
  if (bytes.length === 0) return 'short'
  if (bytes[0] !== HANDSHAKE) return sslv2Version(bytes)
  if (bytes.length > 1 && bytes[1] !== 3) return undefined
  // the version of the message, not of the record around it
  if (bytes.length < 11 || bytes.length < RECORD_HEADER + bytes.readUInt16BE(3)) return 'short'
  return bytes[9] === 3 ? versionNumber(bytes.readUInt16BE(9)) : undefined
}

/** Every protocol is a value of its own for ACLs; elsewhere it is the first. */
function protocols({ alpn }: ClientHello): Fetched {
  const [first, ...others] = alpn.map((value): Sample => ({ type: 'str', value }))
  if (first === undefined) return undefined
  return others.length === 0 ? first : { ...first, others }
}

export const helloFetches: readonly FetchSpec[] = [
  ...helloType(['req.ssl_hello_type', 'req_ssl_hello_type'], 'request', REQUEST),
  ...helloType(['res.ssl_hello_type', 'rep_ssl_hello_type'], 'response', RESPONSE),
  ...ofHello(['req.ssl_sni', 'req_ssl_sni'], 'str', 'The server name in the client hello of TLS that passes through.', ({ serverName }) => (serverName === '' ? undefined : { type: 'str', value: serverName })),
  ...ofHello(['req.ssl_alpn'], 'str', 'The protocols that the client hello offers; in an ACL each of them is tried.', protocols),
  ...ofHello(['req.ssl_ec_ext'], 'bool', 'True when the client hello has the extension of elliptic curves.', ({ groups }) => (groups === undefined ? undefined : bool(true))),
  ...ofHello(['req.ssl_st_ext'], 'sint', '0: the client hello has no extension for session tickets; 1: it has, 2: with a ticket.', ({ ticket }) => sint(ticket === undefined ? 0 : ticket === 0 ? 1 : 2)),
  ...['req.ssl_ver', 'req_ssl_ver'].map(
    (name): FetchSpec => ({
      name,
      output: 'sint',
      source: 'request',
      numbers: 'version',
      doc: 'The version in a TLS handshake message, 65536 × major + minor; patterns are written 3.1.',
      compile: () => (subject) => {
        const contents = subject.request
        const number = contents === undefined ? undefined : version(contents)
        return number === 'short' ? missing(contents) : number === undefined ? undefined : sint(number)
      },
    }),
  ),
]
