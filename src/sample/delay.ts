// Owns delays as rules write them: milliseconds, or a number with a unit (manual 2.5).

const UNITS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
/** The manual's limit: a signed 32-bit number of ms. */
const MAX = 2_147_483_647

/** ms, microseconds rounded up. undefined: it is none, or beyond 24 days. */
export function delay(text: string): number | undefined {
  const m = /^([0-9]{1,15})(us|ms|s|m|h|d)?$/.exec(text)
  if (m === null) return undefined
  const ms = Math.ceil(Number(m[1]) * (UNITS[m[2] ?? 'ms'] ?? 1))
  return ms <= MAX ? ms : undefined
}
