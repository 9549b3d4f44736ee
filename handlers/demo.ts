// Owns the demonstration service: tells whoever asks over HTTP who they are and through what they came, and echoes anything else.
// So a configuration does something before there is a server behind it.

import { flag, formatAddress, proxyHeaderFact, serve, service, tlsFact } from 'headgate/plugin'
import type { Handler, Plugin, ServiceEvents, ServicePeer } from 'headgate/plugin'

export const demoService = flag('demo-service', ['frontend'], 'Connections are answered by the demonstration service: a page about the connection over HTTP, an echo of anything else.')

/** Longest request head that is read, bytes. */
const HEAD_LIMIT = 8192
const METHODS = ['GET ', 'HEAD ', 'POST ', 'PUT ', 'DELETE ', 'OPTIONS ', 'PATCH ', 'TRACE ', 'CONNECT ']

/** One connection: undecided until its first line tells HTTP from the rest. */
class Demo implements ServiceEvents {
  readonly #peer: ServicePeer
  #speaks: 'unknown' | 'http' | 'else' = 'unknown'
  /** The part of a request head that has arrived. */
  #head = ''
  /** Bytes of a request's body that are still to come, to be thrown away. */
  #body = 0
  #requests = 0

  constructor(peer: ServicePeer) {
    this.#peer = peer
  }

  data(bytes: Buffer): void {
    if (this.#speaks === 'else') {
      this.#peer.write(bytes)
      return
    }
    const skipped = Math.min(this.#body, bytes.length)
    this.#body -= skipped
    this.#head += bytes.toString('latin1', skipped)
    if (this.#speaks === 'unknown') this.#speaks = firstLine(this.#head)
    if (this.#speaks === 'http') this.#answerAll()
    else if (this.#speaks === 'else') {
      this.#peer.write(Buffer.from(this.#head, 'latin1'))
      this.#head = ''
    }
  }

  ended(): void {
    if (this.#speaks === 'unknown') this.#peer.write(Buffer.from(this.#head, 'latin1'))
    this.#peer.end()
  }

  #answerAll(): void {
    for (;;) {
      const end = this.#head.indexOf('\r\n\r\n')
      if (end === -1) {
        if (this.#head.length > HEAD_LIMIT) this.#refuse('431 Request Header Fields Too Large')
        return
      }
      const request = readRequest(this.#head.slice(0, end))
      if (request === undefined) {
        this.#refuse('400 Bad Request')
        return
      }
      const rest = this.#head.length - (end + 4)
      this.#head = this.#head.slice(end + 4 + Math.min(rest, request.length))
      this.#body = Math.max(0, request.length - rest)
      this.#requests++
      this.#answer(request)
      if (!request.keepAlive) {
        this.#peer.end()
        return
      }
    }
  }

  #answer({ version, method, target, keepAlive }: Request): void {
    const page = about(this.#peer, `${method} ${target}`, this.#requests)
    const head = [
      `HTTP/${version} 200 OK`,
      'Content-Type: text/plain; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(page)}`,
      `Connection: ${keepAlive ? 'keep-alive' : 'close'}`,
    ]
    this.#peer.write(`${head.join('\r\n')}\r\n\r\n${method === 'HEAD' ? '' : page}`)
  }

  #refuse(status: string): void {
    this.#peer.write(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`)
    this.#peer.end()
  }
}

/** Whether a connection that began so speaks HTTP/1. */
function firstLine(head: string): 'unknown' | 'http' | 'else' {
  if (!METHODS.some((method) => (head.length < method.length ? method.startsWith(head) : head.startsWith(method)))) return 'else'
  const end = head.indexOf('\n')
  if (end === -1) return head.length > HEAD_LIMIT ? 'else' : 'unknown'
  return /^[A-Z]+ \S+ HTTP\/1\.[01]\r\n$/.test(head.slice(0, end + 1)) ? 'http' : 'else'
}

interface Request {
  readonly version: string
  readonly method: string
  readonly target: string
  /** Of the body, bytes. */
  readonly length: number
  readonly keepAlive: boolean
}

/** undefined: not a request that this service can find the end of. */
function readRequest(head: string): Request | undefined {
  const [line = '', ...fields] = head.split('\r\n')
  const [, method, target, version] = /^([A-Z]+) (\S+) HTTP\/(1\.[01])$/.exec(line) ?? []
  if (method === undefined || target === undefined || version === undefined) return undefined
  const values = (name: string): string[] =>
    fields.filter((field) => field.slice(0, name.length + 1).toLowerCase() === `${name}:`).map((field) => field.slice(name.length + 1).trim().toLowerCase())
  const [length = '0', ...more] = values('content-length')
  if (!/^[0-9]{1,15}$/.test(length) || more.length > 0) return undefined
  // A chunked body has an end that only a parser of chunks finds: it is drained when the connection ends.
  const chunked = values('transfer-encoding').length > 0
  const connection = values('connection').flatMap((value) => value.split(/ *, */))
  const keepAlive = !chunked && !connection.includes('close') && (version === '1.1' || connection.includes('keep-alive'))
  return { version, method, target, length: chunked ? 0 : Number(length), keepAlive }
}

/** The page: one fact per line. */
function about(peer: ServicePeer, request: string, nth: number): string {
  const lines = ['Headgate demonstration service', '', `you      ${formatAddress(peer.src)}`, `came to  ${formatAddress(peer.dst)}`]
  const header = peer.get(proxyHeaderFact)
  if (header !== undefined) {
    lines.push(`through  PROXY protocol version ${header.version}, ${header.command}`)
    if (header.authority !== undefined) lines.push(`         authority ${clean(header.authority)}`)
    if (header.uniqueId !== undefined) lines.push(`         unique id ${Buffer.from(header.uniqueId).toString('hex')}`)
    if (header.ssl?.version !== undefined) lines.push(`         ${clean(header.ssl.version)} before the proxy${header.ssl.cn === undefined ? '' : `, client certificate of ${clean(header.ssl.cn)}`}`)
  }
  const tls = peer.get(tlsFact)
  if (tls !== undefined) {
    lines.push(`through  ${tls.version}, ${tls.cipher}${tls.resumed ? ', resumed' : ''}`)
    if (tls.sni !== '') lines.push(`         server name ${clean(tls.sni)}`)
    if (tls.alpn !== '') lines.push(`         ALPN ${clean(tls.alpn)}`)
  }
  lines.push(`request  ${clean(request)} (number ${nth} of this connection)`, '')
  return lines.join('\n')
}

/** What a peer said is shown without its control characters. */
function clean(text: string): string {
  return text.replace(/[^ -~\u00a0-\uffff]/gu, '?')
}

const app = service('demo', (peer) => new Demo(peer))

export const demo: Plugin = {
  name: 'demo',
  keywords: [demoService],
  handlers: [
    {
      name: 'demo-service',
      side: 'accept',
      before: ['session'],
      plan({ proxy }) {
        if (proxy.get(demoService) !== true) return null
        const verdict = serve(app)
        const handler: Handler = { name: 'demo-service', step: () => verdict }
        return () => handler
      },
    },
  ],
  services: { demo: app },
}
