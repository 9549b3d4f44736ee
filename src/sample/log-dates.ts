// Owns the three ways in which log lines write a date. Each keeps its last second, as lines of one second come together.

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const

function two(n: number): string {
  return n < 10 ? `0${n}` : String(n)
}

function perSecond(make: (date: Date) => string): (ms: number) => string {
  let second = NaN
  let text = ''
  return (ms) => {
    const s = Math.floor(ms / 1000)
    if (s !== second) {
      second = s
      text = make(new Date(s * 1000))
    }
    return text
  }
}

const local = perSecond((d) => `${two(d.getDate())}/${MONTHS[d.getMonth()] ?? ''}/${d.getFullYear()}:${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`)

function offset(d: Date): string {
  const minutes = -d.getTimezoneOffset()
  const size = Math.abs(minutes)
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}${two(size % 60)}`
}

const zone = perSecond(offset)

/** `21/Nov/2026:08:16:06.077`, local time. */
export function dateMillis(ms: number): string {
  const part = Math.floor(ms) % 1000
  return `${local(ms)}.${String(part).padStart(3, '0')}`
}

/** `21/Nov/2026:08:16:06 +0100`, local time. */
export function dateLocal(ms: number): string {
  return `${local(ms)} ${zone(ms)}`
}

/** `21/Nov/2026:08:16:06 +0000`. */
export const dateGmt: (ms: number) => string = perSecond(
  (d) => `${two(d.getUTCDate())}/${MONTHS[d.getUTCMonth()] ?? ''}/${d.getUTCFullYear()}:${two(d.getUTCHours())}:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())} +0000`,
)
