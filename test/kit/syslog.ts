// Owns a UDP syslog sink for tests, and the form in which log lines of two programs can be compared.

import dgram from 'node:dgram'
import { sleep } from './program.ts'

export interface Syslog {
  readonly port: number
  /** Datagrams as they came. */
  readonly raw: readonly string[]
  /** Waits for `n` lines that match, and gives the normalised text of all of them. */
  lines(n: number, pattern?: RegExp, ms?: number): Promise<string[]>
  /** All lines after a pause in which more could have come. */
  quiet(ms?: number): Promise<string[]>
  close(): void
}

/** Times rounded down to half seconds, so that a slow machine (up to 0.45 s late) says the same as a fast one. */
export function halfSeconds(ms: number): number {
  return ms < 0 ? ms : Math.floor((ms + 50) / 500) * 500
}

/** Only whether there is a time at all, for those who do not look at it. */
function anyTime(ms: number): number {
  return ms < 0 ? ms : 0
}

/**
 * `<134>Nov 21 07:56:03 haproxy[12]: text` → `<134>tag: text`; dates → [date]; of the three times of a tcplog line the waits for a
 * turn and for the server → half seconds if they matter, else like the total: 0, or -1 when there was none; the process-wide connection count → #; ports of the test → their names, others → `port`.
 */
export function normalLine(line: string, nameOf: (port: number) => string | undefined, timesMatter = true): string {
  const time = timesMatter ? halfSeconds : anyTime
  return line
    .replace(/^<(\d+)>\w{3} [ \d]\d \d\d:\d\d:\d\d (?:haproxy|headgate)\[\d+\]: /, '<$1>tag: ')
    .replace(/\[\d\d\/\w{3}\/\d{4}:\d\d:\d\d:\d\d\.\d{3}\]/g, '[date]')
    .replace(/ (-?\d+)\/(-?\d+)\/(\+?)(-?\d+) (\+?\d+) (\S\S) \d+\/(\d+\/\d+\/\d+\/\+?\d+) /, (_all, w: string, c: string, early: string, total: string, bytes: string, state: string, counts: string) =>
      ` ${time(Number(w))}/${time(Number(c))}/${early}${anyTime(Number(total))} ${bytes} ${state} #/${counts} `)
    .replace(/((?:\d{1,3}\.){3}\d{1,3}|::1|::ffff:127\.0\.0\.1|unix):(\d+)/g, (_all, address: string, port: string) => `${address}:${nameOf(Number(port)) ?? 'port'}`)
    .trimEnd()
}

export async function syslog(nameOf: (port: number) => string | undefined = () => undefined, timesMatter = true): Promise<Syslog> {
  const socket = dgram.createSocket('udp4')
  const raw: string[] = []
  socket.on('message', (message) => raw.push(message.toString('latin1')))
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  const all = (pattern = /^/): string[] => raw.map((line) => normalLine(line, nameOf, timesMatter)).filter((line) => pattern.test(line))
  return {
    port: socket.address().port,
    raw,
    async lines(n, pattern, ms = 8000) {
      const deadline = Date.now() + ms
      while (all(pattern).length < n && Date.now() < deadline) await sleep(10)
      return all(pattern)
    },
    async quiet(ms = 300) {
      await sleep(ms)
      return all()
    },
    close: () => socket.close(),
  }
}
