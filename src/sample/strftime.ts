// Owns dates as strftime(3) writes them, in the C locale, for any number of seconds that 64 bits hold.

/** A moment taken apart. */
interface Broken {
  readonly seconds: bigint
  readonly year: bigint
  /** 0 to 11. */
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
  /** 0 is Sunday. */
  readonly weekday: number
  /** 0 to 365. */
  readonly yearDay: number
  /** Minutes east of Greenwich. */
  readonly offset: number
  readonly zone: string
}

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December']

const floor = (a: bigint, b: bigint): bigint => (a >= 0n ? a / b : -((b - 1n - a) / b))

function leap(year: bigint): boolean {
  return year % 4n === 0n && (year % 100n !== 0n || year % 400n === 0n)
}

/** Days since 1970-01-01 to a date of the proleptic Gregorian calendar (years that begin in March make the leap day the last). */
function civil(days: bigint): { year: bigint; month: number; day: number } {
  const shifted = days + 719468n
  const era = floor(shifted, 146097n)
  const dayOfEra = Number(shifted - era * 146097n)
  const yearOfEra = Math.floor((dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36524) - Math.floor(dayOfEra / 146096)) / 365)
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const fromMarch = Math.floor((5 * dayOfYear + 2) / 153)
  const month = fromMarch < 10 ? fromMarch + 2 : fromMarch - 10
  return { year: era * 400n + BigInt(yearOfEra) + (month <= 1 ? 1n : 0n), month, day: dayOfYear - Math.floor((153 * fromMarch + 2) / 5) + 1 }
}

const BEFORE = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334]

function breakDown(seconds: bigint, local: boolean): Broken {
  const { offset, zone } = local ? localZone(seconds) : { offset: 0, zone: 'GMT' }
  const there = seconds + BigInt(offset * 60)
  const days = floor(there, 86400n)
  const { year, month, day } = civil(days)
  const inDay = Number(there - days * 86400n)
  return {
    seconds,
    year,
    month,
    day,
    hour: Math.floor(inDay / 3600),
    minute: Math.floor(inDay / 60) % 60,
    second: inDay % 60,
    weekday: Number((((days + 4n) % 7n) + 7n) % 7n),
    yearDay: (BEFORE[month] ?? 0) + day - 1 + (month > 1 && leap(year) ? 1 : 0),
    offset,
    zone,
  }
}

let zoneNames: Intl.DateTimeFormat | undefined

/** What the system's time zone is at a moment; beyond what Date can tell, as of now. */
function localZone(seconds: bigint): { readonly offset: number; readonly zone: string } {
  const known = seconds < 8_640_000_000_000n && seconds > -8_640_000_000_000n
  const date = known ? new Date(Number(seconds) * 1000) : new Date()
  zoneNames ??= new Intl.DateTimeFormat('en-GB', { timeZoneName: 'short' })
  return { offset: -date.getTimezoneOffset(), zone: zoneNames.formatToParts(date).find((part) => part.type === 'timeZoneName')?.value ?? 'UTC' }
}

/** ISO 8601 week: its year and number. */
function isoWeek(b: Broken): { readonly year: bigint; readonly week: number } {
  const monday = (b.weekday + 6) % 7
  let week = Math.floor((b.yearDay - monday + 10) / 7)
  if (week < 1) {
    const before = b.year - 1n
    const last = b.yearDay + (leap(before) ? 366 : 365)
    return { year: before, week: Math.floor((last - monday + 10) / 7) }
  }
  if (week === 53 && b.yearDay - monday + 3 >= (leap(b.year) ? 366 : 365)) week = 1
  return { year: week === 1 && b.month === 11 ? b.year + 1n : b.year, week }
}

/** A directive's value, and how wide and with what it is filled up when the format says nothing. */
type Field = readonly [value: string | number | bigint, width?: number, fill?: '0' | ' ']

function field(c: string, b: Broken): Field | undefined {
  const hour12 = b.hour % 12 === 0 ? 12 : b.hour % 12
  switch (c) {
    case 'a': return [(DAYS[b.weekday] ?? '').slice(0, 3)]
    case 'A': return [DAYS[b.weekday] ?? '']
    case 'b': case 'h': return [(MONTHS[b.month] ?? '').slice(0, 3)]
    case 'B': return [MONTHS[b.month] ?? '']
    case 'c': return [write('%a %b %e %H:%M:%S %Y', b)]
    case 'C': return [floor(b.year, 100n), 2, '0']
    case 'd': return [b.day, 2, '0']
    case 'D': case 'x': return [write('%m/%d/%y', b)]
    case 'e': return [b.day, 2, ' ']
    case 'F': return [write('%Y-%m-%d', b)]
    case 'g': return [((isoWeek(b).year % 100n) + 100n) % 100n, 2, '0']
    case 'G': return [isoWeek(b).year]
    case 'H': return [b.hour, 2, '0']
    case 'I': return [hour12, 2, '0']
    case 'j': return [b.yearDay + 1, 3, '0']
    case 'k': return [b.hour, 2, ' ']
    case 'l': return [hour12, 2, ' ']
    case 'm': return [b.month + 1, 2, '0']
    case 'M': return [b.minute, 2, '0']
    case 'n': return ['\n']
    case 'p': return [b.hour < 12 ? 'AM' : 'PM']
    case 'P': return [b.hour < 12 ? 'am' : 'pm']
    case 'r': return [write('%I:%M:%S %p', b)]
    case 'R': return [write('%H:%M', b)]
    case 's': return [b.seconds]
    case 'S': return [b.second, 2, '0']
    case 't': return ['\t']
    case 'T': case 'X': return [write('%H:%M:%S', b)]
    case 'u': return [b.weekday === 0 ? 7 : b.weekday]
    case 'U': return [Math.floor((b.yearDay + 7 - b.weekday) / 7), 2, '0']
    case 'V': return [isoWeek(b).week, 2, '0']
    case 'w': return [b.weekday]
    case 'W': return [Math.floor((b.yearDay + 7 - ((b.weekday + 6) % 7)) / 7), 2, '0']
    case 'y': return [((b.year % 100n) + 100n) % 100n, 2, '0']
    case 'Y': return [b.year]
    case 'z': return [`${b.offset < 0 ? '-' : '+'}${String(Math.floor(Math.abs(b.offset) / 60)).padStart(2, '0')}${String(Math.abs(b.offset) % 60).padStart(2, '0')}`]
    case 'Z': return [b.zone]
    case '%': return ['%']
    default: return undefined
  }
}

function write(format: string, b: Broken): string {
  return format.replace(/%([_\-0^#]*)([0-9]{0,3})[EO]?([A-Za-z%])/g, (whole: string, flags: string, digits: string, c: string) => {
    const found = field(c, b)
    if (found === undefined) return whole
    const [value, width = 0, fill] = found
    let text = String(value)
    const number = typeof value !== 'string'
    if (flags.includes('^') || flags.includes('#')) text = flags.includes('#') && 'pZ'.includes(c) ? text.toLowerCase() : text.toUpperCase()
    const wide = digits === '' ? (flags.includes('-') ? 0 : width) : Number(digits)
    const filler = flags.includes('_') ? ' ' : flags.includes('0') ? '0' : (fill ?? (number ? '0' : ' '))
    return text.startsWith('-') && number && filler === '0' ? `-${text.slice(1).padStart(wide - 1, filler)}` : text.padStart(wide, filler)
  })
}

/** @param seconds since the epoch. Directives that are not known stay as they are. */
export function strftime(format: string, seconds: bigint, local: boolean): string {
  return write(format, breakDown(seconds, local))
}
