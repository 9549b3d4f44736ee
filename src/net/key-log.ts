// Owns the secrets of one TLS session, as its key log tells them (NSS Key Log Format): kept while the connection is open, then wiped.
//
//   CLIENT_TRAFFIC_SECRET_0 <the client's random bytes> <the secret>          both hexadecimal

const SPACE = 0x20
const LF = 0x0a
/** The labels of TLS 1.3. What TLS 1.2 logs is the master key, which the session has anyway. */
const LABELS = new Set([
  'CLIENT_EARLY_TRAFFIC_SECRET',
  'CLIENT_HANDSHAKE_TRAFFIC_SECRET',
  'SERVER_HANDSHAKE_TRAFFIC_SECRET',
  'CLIENT_TRAFFIC_SECRET_0',
  'SERVER_TRAFFIC_SECRET_0',
  'EXPORTER_SECRET',
  'EARLY_EXPORTER_SECRET',
])

export class KeyLog {
  readonly #lines = new Map<string, Buffer>()
  #random: Buffer | undefined

  /** Takes over one line: nobody else keeps its bytes. */
  take(line: Buffer): void {
    const first = line.indexOf(SPACE)
    const second = line.indexOf(SPACE, first + 1)
    if (first < 0 || second < 0) return
    this.#random ??= Buffer.from(line.toString('latin1', first + 1, second), 'hex')
    const label = line.toString('latin1', 0, first)
    const end = line.at(-1) === LF ? line.length - 1 : line.length
    if (LABELS.has(label)) this.#lines.set(label, line.subarray(second + 1, end))
    else line.fill(0)
  }

  /** Hexadecimal. */
  secret(label: string): string | undefined {
    return this.#lines.get(label)?.toString('latin1')
  }

  get clientRandom(): Buffer | undefined {
    return this.#random
  }

  wipe(): void {
    for (const secret of this.#lines.values()) secret.fill(0)
    this.#lines.clear()
  }
}
