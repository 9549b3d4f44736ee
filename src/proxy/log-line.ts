// Owns the parts that every log line has: the client's end and the date.

import type { Address } from '../core/address.ts'
import type { Stream } from './stream.ts'

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const

const two = (n: number): string => (n < 10 ? `0${n}` : String(n))

let second = NaN
let secondText = ''

/** `21/Nov/2026:08:12:23.403`, local time. ms since the epoch. */
export function logDate(ms: number): string {
  const whole = Math.floor(ms / 1000)
  if (whole !== second) {
    const d = new Date(whole * 1000)
    second = whole
    secondText = `${two(d.getDate())}/${MONTHS[d.getMonth()] ?? ''}/${d.getFullYear()}:${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`
  }
  return `${secondText}.${String(Math.floor(ms) % 1000).padStart(3, '0')}`
}

/** `host:port` without brackets, as HAProxy logs it; `unix:1` for Unix sockets. */
export function endpointText(a: Address): string {
  switch (a.family) {
    case 'ipv4':
    case 'ipv6':
      return `${a.host}:${a.port}`
    case 'unix':
      return 'unix:1'
    case 'none':
      return '-:0'
  }
}

const ms = (from: number, to: number): number => (Number.isNaN(from) || Number.isNaN(to) ? -1 : Math.round(to - from))

/** What `option tcplog` writes (manual 8.2.2). */
export function tcplogLine(s: Stream, frontend: string, counts: string, asap: boolean): string {
  const backend = s.backend?.name ?? frontend
  const server = s.server?.name ?? '<NOSRV>'
  const end = Number.isNaN(s.overAt) ? s.connectedAt : s.overAt
  const plus = asap ? '+' : ''
  const times = `${ms(s.acceptedAt, s.assignedAt)}/${ms(s.assignedAt, s.connectedAt)}/${plus}${ms(s.acceptedAt, end)}`
  const retries = `${s.redispatched ? '+' : ''}${s.retries}`
  return `${endpointText(s.client.src)} [${logDate(s.client.since)}] ${frontend} ${backend}/${server} ${times} ${plus}${s.bytesDown} ${s.by}${s.where} ${counts}/${retries} 0/${s.queuedBehind}`
}

/** What a frontend without a log format writes. */
export function connectLine(s: Stream, frontend: string): string {
  return `Connect from ${endpointText(s.client.src)} to ${endpointText(s.client.dst)} (${frontend}/TCP)`
}
