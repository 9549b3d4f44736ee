// Owns the check of what frontends log: a line that only HTTP could fill, one that nobody gets.

import { label } from '../config/checks.ts'
import type { Check } from '../config/configuration.ts'
import { hasFrontend } from '../config/configuration.ts'
import { log } from '../config/keywords/log.ts'
import { disabled } from '../config/keywords/proxy.ts'
import { errorLogFormat, fallbackOption, logFormat, logFormatSd, webProblem } from '../sample/log-keywords.ts'

/** Warned about as in HAProxy. What a `defaults` section has for HTTP is an error where it comes to it, once. */
export const checkLogs: Check = ({ global, proxies }, report) => {
  const told = new Set<string>()
  const globalTargets = global.get(log)?.targets.length ?? 0
  for (const proxy of proxies) {
    const { values } = proxy
    if (!hasFrontend(proxy.kind) || values.get(disabled) === true) continue
    for (const kind of [logFormat, logFormatSd, errorLogFormat]) {
      const found = values.get(kind)
      const problem = found === undefined ? undefined : webProblem(found)
      if (problem === undefined || told.has(problem)) continue
      told.add(problem)
      report({ ...(values.placeOf(kind) ?? proxy.place), level: 'alert', text: problem, hint: `it is that of ${label(proxy)} '${proxy.name}', which has no other` })
    }
    const format = values.get(logFormat)
    if (format === undefined) continue
    const place = values.placeOf(logFormat) ?? proxy.place
    const name = `${label(proxy)} '${proxy.name}'`
    const warn = (text: string): void => report({ ...place, level: 'warning', name: 'no-effect', text })
    const option = fallbackOption(format)
    if (option !== undefined) warn(`'${option}' not usable with ${name} (needs 'mode http'). Falling back to 'option tcplog'.`)
    const settings = values.get(log)
    // `no log` means it: HAProxy warns there, too
    const meant = settings !== undefined && !settings.global
    if (!meant && (settings === undefined || globalTargets + settings.targets.length === 0)) warn(`log format ignored for ${name} since it has no log address.`)
  }
}
