// Owns what tests of TLS on connections share: several sessions on each program compared, clients and servers of all kinds, certificates with chains.

import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import tls from 'node:tls'
import type { ConnectionOptions } from 'node:tls'
import { generate } from 'selfsigned'
import type tap from 'tap'
import { certificates } from '../kit/certificates.ts'
import { asked, onNodeProvider } from '../kit/command.ts'
import type { Kind } from '../kit/command.ts'
import type { Ports } from '../kit/ports.ts'
import { observeSessions } from './observed-values.ts'
import type { Sessions } from './observed-values.ts'

/** What Headgate says on purpose where HAProxy says something else: on both providers, or on the node provider. */
export type Differs = Readonly<Record<string, Readonly<Record<string, string>>>>

export async function compareSessions(t: Pick<typeof tap, 'test'>, name: string, sessions: Sessions, differs: Differs = {}, onNode: Differs = {}): Promise<void> {
  await t.test(name, async (t) => {
    const kinds = asked(true)
    const seen = new Map<Kind, Map<string, Map<string, string>>>()
    for (const kind of kinds) seen.set(kind, await observeSessions(kind, sessions))
    const [first] = kinds
    if (first === undefined) return
    for (const kind of kinds) {
      for (const [session, values] of seen.get(kind) ?? []) {
        for (const [expression, value] of values) {
          const other = kind === 'haproxy' ? undefined : ((onNodeProvider(kind) ? onNode[session]?.[expression] : undefined) ?? differs[session]?.[expression])
          t.equal(value, other ?? seen.get(first)?.get(session)?.get(expression), `${kind}, ${session}: ${expression}${other === undefined ? '' : ', differs'}`)
        }
      }
    }
  })
}

export const folder = mkdtempSync(path.join(os.tmpdir(), 'headgate-connections-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
const file = (name: string, text: string): string => {
  const at = path.join(folder, name)
  writeFileSync(at, text)
  return at
}

export const made = await certificates()
const DAY = 86_400_000
const named = (value: string) => [{ name: 'commonName', value }]
const signing = [{ name: 'basicConstraints' as const, cA: true, critical: true }]
export const root = await generate(named('Root of values'), { keyType: 'ec', algorithm: 'sha256', extensions: signing })
export const middle = await generate(named('Middle of values'), { keyType: 'ec', algorithm: 'sha256', ca: { key: root.private, cert: root.cert }, extensions: signing })
export const deep = await generate(named('deep.test'), { keyType: 'ec', algorithm: 'sha256', ca: { key: middle.private, cert: middle.cert } })
export const flat = await generate(named('flat.test'), { keyType: 'ec', algorithm: 'sha256', ca: { key: root.private, cert: root.cert } })
export const expired = await generate(named('expired.test'), { keyType: 'ec', algorithm: 'sha256', ca: { key: root.private, cert: root.cert }, notBeforeDate: new Date(Date.now() - 3 * DAY), notAfterDate: new Date(Date.now() - DAY) })
export const rootFile = file('root.pem', root.cert)
export const chained = { cert: `${deep.cert}\n${middle.cert}`, key: deep.private }

// ── who comes ────────────────────────────────────────────────────────────────────────────────────────────────────

/** Whether it ends or breaks. */
export const closed = (socket: net.Socket): Promise<void> => new Promise((resolve) => void socket.once('close', () => resolve()))

/** Says it, waits for the answer or a while, and goes. */
export async function says(port: number, bytes: Buffer): Promise<void> {
  const socket = net.connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.resume()
  socket.write(bytes)
  const late = setTimeout(() => socket.end(), 50)
  await closed(socket)
  clearTimeout(late)
}

/** A whole TLS session, or what comes of it. */
export async function speaks(port: number, options: ConnectionOptions = {}, then: (client: tls.TLSSocket) => Promise<void> | void = () => {}): Promise<void> {
  const client = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options })
  client.on('error', () => {})
  client.resume()
  client.once('secureConnect', () => {
    void then(client)
    client.write('x')
  })
  await closed(client)
}

const u16 = (n: number): Buffer => Buffer.from([n >> 8, n & 255])

export function helloOf(suites: readonly number[]): Buffer {
  const list = Buffer.concat(suites.map(u16))
  const body = Buffer.concat([u16(0x0303), Buffer.alloc(32, 7), Buffer.from([0]), u16(list.length), list, Buffer.from([1, 0])])
  return Buffer.concat([Buffer.from([22, 3, 1]), u16(body.length + 4), Buffer.from([1, 0]), u16(body.length), body])
}

export const to = (name: string, bytes: Buffer | string) => (ports: Ports) => says(ports.port(name), Buffer.from(bytes))
export const with_ = (name: string, options: ConnectionOptions) => (ports: Ports) => speaks(ports.port(name), options)

export const older = (version: 'TLSv1.2' | 'TLSv1.3', options: ConnectionOptions): ConnectionOptions => ({ ...options, maxVersion: version })

/** Says it and stays until it is sent away. */
export async function stays(port: number, text: string): Promise<void> {
  const socket = net.connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.resume()
  socket.write(text)
  await closed(socket)
}

/** Stays until the proxy ends it. */
export async function waits(port: number): Promise<void> {
  const socket = net.connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write('x')
  socket.resume()
  await closed(socket)
}

// ── who answers ──────────────────────────────────────────────────────────────────────────────────────────────────

/** Servers of all kinds; closed by what it returns. */
export async function servers(ports: Ports): Promise<() => void> {
  const opened: net.Server[] = []
  const open = async (name: string, server: net.Server): Promise<void> => {
    server.listen(ports.port(name), '127.0.0.1')
    await once(server, 'listening')
    opened.push(server)
  }
  const answering = (options: tls.TlsOptions): tls.Server => {
    const server = tls.createServer(options, (socket) => socket.on('error', () => {}).end('hi'))
    return server.on('tlsClientError', () => {})
  }
  const raw = (then: (socket: net.Socket) => void): net.Server => net.createServer((socket) => void socket.on('error', () => {}).once('data', () => then(socket)))
  await open('http', raw((socket) => socket.end('HTTP/1.0 400 Bad\r\n\r\n')))
  await open('closing', raw((socket) => socket.end()))
  await open('resetting', raw((socket) => socket.resetAndDestroy()))
  await open('silent', raw((socket) => socket.resume()))
  await open('tls', answering(chained))
  await open('asking', answering({ ...chained, ca: made.ca, requestCert: true, rejectUnauthorized: true }))
  return () => {
    for (const server of opened) server.close()
  }
}
