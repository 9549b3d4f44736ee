// Owns the parts that every log line has: the client's end and the date.

import type { Address } from '../core/address.ts'

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
