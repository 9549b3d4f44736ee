// Owns the way from a frontend's section to a frontend that can listen: its bind lines with their handlers, and its routes.

import type { Values } from '../core/keyword.ts'
import type { ListenSpec } from '../core/provider.ts'
import type { ListenAddress } from '../config/address.ts'
import { hasBackend, type ProxySection } from '../config/configuration.ts'
import { bindBacklog, bindDeferAccept, bindGid, bindId, bindInterface, bindMaxconn, bindMode, bindMss, bindName, bindNice, bindTcpSs, bindTcpUt, bindTfo, bindTransparent, bindUid, bindV4v6, bindV6only } from '../config/keywords/bind.ts'
import { optionClitcpka, optionDontlogNormal, optionDontlognull, optionLogasap, optionLogSeparateErrors, optionNolinger, optionSpliceAuto, optionSpliceRequest, optionSpliceResponse, optionTcpka, optionTcpSmartAccept } from '../config/keywords/options.ts'
import { backlog, defaultBackend, maxconn } from '../config/keywords/proxy.ts'
import { dispatch } from '../config/keywords/source.ts'
import { timeoutClient, timeoutClientFin, timeoutClientHs } from '../config/keywords/timeouts.ts'
import { bindLines, serverLines } from '../config/lines.ts'
import { FRONTEND } from '../core/view.ts'
import { captureLengths } from '../sample/captures.ts'
import { connectFormat, errorFormat, errorLogFormat, logFormat, logFormatSd } from '../sample/log-keywords.ts'
import { chooseBackend, useBackendRules } from '../sample/switching.ts'
import { GatedListener } from '../net/listener.ts'
import type { Backend } from './backend.ts'
import { inspectionOf, tarpitTimeout, type Build } from './build.ts'
import { Bind } from './bind.ts'
import { Frontend, type FrontendHost, type FrontendLog } from './frontend.ts'
import { resolveName } from './resolve.ts'
import type { Stream } from './stream.ts'
import { messageOf } from '../util/shown.ts'

const DEFAULT_BACKLOG = 1024

function listenSpec(address: ListenAddress, resolved: ListenSpec['address'], line: Values, section: ProxySection, speaks: boolean): ListenSpec {
  const userTimeout = line.get(bindTcpUt)
  const device = line.get(bindInterface)
  const mss = line.get(bindMss)
  const mode = line.get(bindMode)
  const uid = line.get(bindUid)
  const gid = line.get(bindGid)
  const saveSyn = line.get(bindTcpSs)
  return {
    address: resolved,
    backlog: line.get(bindBacklog) ?? section.values.get(backlog) ?? DEFAULT_BACKLOG,
    v6only: line.get(bindV6only) === true && line.get(bindV4v6) !== true,
    keepAlive: section.values.get(optionClitcpka) ?? section.values.get(optionTcpka) ?? false,
    smartAccept: section.values.get(optionTcpSmartAccept) ?? speaks,
    ...(address.kind === 'fd' ? { fd: address.fd } : {}),
    ...(mode === undefined ? {} : { mode }),
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
    ...(device === undefined ? {} : { interface: device }),
    ...(mss === undefined ? {} : { mss }),
    ...(userTimeout === undefined ? {} : { userTimeout }),
    ...(saveSyn === undefined || saveSyn === 0 ? {} : { saveSyn }),
    ...(line.get(bindTransparent) === true ? { transparent: true } : {}),
    ...(line.get(bindTfo) === true ? { tcpFastOpen: true } : {}),
    ...(line.get(bindDeferAccept) === true ? { deferAccept: true } : {}),
  }
}

function logOf(build: Build, values: Values): FrontendLog | undefined {
  const sink = build.sinkFor(values)
  if (sink === undefined) return undefined
  const session = values.get(logFormat) ?? connectFormat
  return { sink, session, structured: values.get(logFormatSd), error: values.get(errorLogFormat) ?? errorFormat }
}

/** Bulk data is spliced unless an option says otherwise; naming one way alone leaves the other in buffers. */
function splicing(values: Values): { spliceRequest: boolean; spliceResponse: boolean } {
  const auto = values.get(optionSpliceAuto)
  const request = values.get(optionSpliceRequest)
  const response = values.get(optionSpliceResponse)
  const rest = auto ?? (request !== true && response !== true)
  return { spliceRequest: request ?? rest, spliceResponse: response ?? rest }
}

/** Which backend a connection goes to: the first rule that holds, then the default. */
function router(section: ProxySection, backends: ReadonlyMap<string, Backend>): (stream: Stream) => Backend | undefined {
  const rules = section.values.get(useBackendRules) ?? []
  const own = hasBackend(section.kind) && ((section.values.get(serverLines) ?? []).length > 0 || section.values.get(dispatch) !== undefined) ? section.name : undefined
  const name = section.values.get(defaultBackend) ?? own
  const fallback = name === undefined ? undefined : backends.get(name)
  if (rules.length === 0) return () => fallback
  return (stream) => {
    const chosen = chooseBackend(rules, stream.subject)
    if (chosen === undefined) return fallback
    const found = backends.get(chosen)
    if (found === undefined) stream.subject.trace?.note(`no backend is named '${chosen}': the default`)
    return found ?? fallback
  }
}

export async function buildFrontend(build: Build, host: FrontendHost, section: ProxySection, id: number, backends: ReadonlyMap<string, Backend>): Promise<Frontend> {
  const { values } = section
  const clientTimeout = values.get(timeoutClient) ?? 0
  const frontend = new Frontend(
    {
      name: section.name,
      id,
      kind: section.kind === 'listen' ? 'listen' : 'frontend',
      maxconn: values.get(maxconn) ?? 0,
      clientTimeout,
      tarpitTimeout: tarpitTimeout(values),
      clientFinTimeout: values.get(timeoutClientFin),
      defaultBackend: values.get(defaultBackend),
      noLinger: values.get(optionNolinger) ?? false,
      dontLogNull: values.get(optionDontlognull) ?? false,
      dontLogNormal: values.get(optionDontlogNormal) ?? false,
      logAsap: values.get(optionLogasap) ?? false,
      logSeparateErrors: values.get(optionLogSeparateErrors) ?? false,
      sessionRate: build.gauges.rate(build.clock),
      bufferSize: build.bufferSize,
      ...splicing(values),
      inspection: inspectionOf(values, 'request'),
      captures: captureLengths(values),
    },
    host,
    build.gauges.gauge(),
    logOf(build, values),
    router(section, backends),
  )

  const binds: Bind[] = []
  for (const bindLine of values.get(bindLines) ?? []) {
    const { handlers, speaks } = build.plan('accept', { line: bindLine.values, place: bindLine.place, section, kind: 'frontend', app: frontend })
    const plan = build.connectionPlan('accept', handlers, values.get(timeoutClientHs) ?? clientTimeout, {
      drainMs: values.get(timeoutClientFin),
      facts: new Map<unknown, unknown>([[FRONTEND, frontend]]),
    })
    build.needsKernel(bindLine.place, 'bind', {
      interface: bindLine.values.get(bindInterface),
      transparent: bindLine.values.get(bindTransparent),
      tfo: bindLine.values.get(bindTfo),
      mss: bindLine.values.get(bindMss),
      'tcp-ut': bindLine.values.get(bindTcpUt),
      'tcp-ss': bindLine.values.get(bindTcpSs),
      'defer-accept': bindLine.values.get(bindDeferAccept),
    })
    for (const address of bindLine.addresses) {
      let resolved: ListenSpec['address'] = { family: 'none' }
      try {
        if (address.kind === 'literal') resolved = address.address
        else if (address.kind === 'name') resolved = (await resolveName(address, address.port))[0] ?? resolved
      } catch (error) {
        build.report({ ...bindLine.place, level: 'alert', text: `'bind' : ${messageOf(error)} in '${address.text}'` })
        continue
      }
      const spec = listenSpec(address, resolved, bindLine.values, section, speaks)
      const number = binds.length
      const descriptor = (): number | 'none' | undefined => build.sharedDescriptor(section.name, number)
      const { place } = bindLine
      const identity = { id: bindLine.values.get(bindId) ?? binds.length + 1, label: bindLine.values.get(bindName), place: `${place.file}:${place.line}`, maxconn: bindLine.values.get(bindMaxconn) ?? 0, nice: bindLine.values.get(bindNice) ?? 0 }
      binds.push(
        new Bind(identity, frontend, plan, build.gauges.gauge(), (accepted) =>
          new GatedListener(build.provider, spec, build.wheel, { accepted, descriptor, notice: (text) => build.notice(`frontend ${section.name}: ${text}`) }),
        ),
      )
    }
  }
  frontend.binds = binds
  return frontend
}
