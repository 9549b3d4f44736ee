// Owns the way from a backend's section to a running backend: its servers resolved, their handlers planned, its algorithm chosen.

import type { Address } from '../core/address.ts'
import type { MakeHandler } from '../core/handler.ts'
import type { Values } from '../core/keyword.ts'
import type { ProcessView } from '../core/view.ts'
import type { ServerAddress } from '../config/address.ts'
import type { ProxySection } from '../config/configuration.ts'
import { balance as balanceKey, DEFAULT_BALANCE, type Balance as BalanceChoice } from '../config/keywords/balance.ts'
import type { InetEnd } from '../config/keywords/endpoint.ts'
import { optionAbortonclose, optionAllbackups, optionNolinger, optionRedispatch, optionSrvtcpka, optionTcpka, optionTcpSmartConnect } from '../config/keywords/options.ts'
import { retries } from '../config/keywords/proxy.ts'
import { serverBackup, serverDisabled, serverId, serverInitAddr, serverMaxconn, serverTcpUt, serverTfo, serverWeight } from '../config/keywords/server.ts'
import { backendSource, dispatch, serverSource, type Source } from '../config/keywords/source.ts'
import { timeoutConnect, timeoutQueue, timeoutServer, timeoutServerFin, timeoutTunnel } from '../config/keywords/timeouts.ts'
import { serverLines, type ServerLine } from '../config/lines.ts'
import { useServerRules } from '../sample/switching.ts'
import { handOver } from '../net/connect.ts'
import { Backend } from './backend.ts'
import { First, LeastConn, Random, RoundRobin, SourceHash, type Balance } from './balance.ts'
import { inspectionOf, tarpitTimeout, type Build } from './build.ts'
import { TooManyCounters } from './gauge.ts'
import { resolveName } from './resolve.ts'
import { Server, type ServerSettings } from './server.ts'
import { messageOf } from '../util/shown.ts'

/** Default of `retries`, manual 4.2. */
const RETRIES = 3

function chooseBalance(choice: BalanceChoice, random: () => number): Balance {
  switch (choice.algorithm) {
    case 'roundrobin':
    case 'static-rr':
      return new RoundRobin()
    case 'leastconn':
      return new LeastConn()
    case 'first':
      return new First()
    case 'source':
      return new SourceHash()
    case 'random':
      return new Random(choice.draws, random)
  }
}

/** All addresses of a server, by its init-addr methods where it has a name. */
async function addressesOf(address: ServerAddress, line: Values): Promise<readonly Address[]> {
  if (address.kind === 'unix') return [address.address]
  const port = 'fixed' in address.port ? address.port.fixed : 0
  if (address.kind === 'ip') return [{ family: address.family, host: address.host, port }]
  let problem = new Error(`could not resolve address '${address.host}'`)
  for (const method of line.get(serverInitAddr) ?? ['last', 'libc']) {
    if (method === 'none') return []
    if (method === 'last') continue // there is no state file yet
    if (method !== 'libc') return [{ family: method.address.includes(':') ? 'ipv6' : 'ipv4', host: method.address, port }]
    try {
      return await resolveName(address, port)
    } catch (error) {
      if (error instanceof Error) problem = error
    }
  }
  throw problem
}

/** undefined: the kernel chooses. */
async function sourceAddress(from: InetEnd): Promise<Address | undefined> {
  if (from.host === '0.0.0.0' || from.host === '::') return from.port === 0 ? undefined : { family: from.host === '::' ? 'ipv6' : 'ipv4', host: from.host, port: from.port }
  if (from.kind === 'ip' && from.family !== 'any') return { family: from.family, host: from.host, port: from.port }
  return (await resolveName(from, from.port))[0]
}

/** What a `source` line makes of the way to a server. */
async function sourceOf(source: Source | undefined): Promise<Pick<ServerSettings, 'connect' | 'sourcePorts' | 'clientSource'>> {
  if (source === undefined) return { connect: {}, sourcePorts: 1 }
  const { usesrc, interface: device } = source
  const client = typeof usesrc === 'string' ? usesrc : undefined
  const foreign = typeof usesrc === 'string' ? undefined : usesrc
  const from = await sourceAddress(foreign ?? source.from)
  return {
    connect: { ...(from === undefined ? {} : { from }), ...(foreign === undefined ? {} : { transparent: true }), ...(device === undefined ? {} : { interface: device }) },
    sourcePorts: foreign !== undefined || source.from.lastPort === undefined ? 1 : source.from.lastPort - source.from.port + 1,
    clientSource: client,
  }
}

/** A backend's one destination without server lines. */
async function dispatchAddresses(to: InetEnd): Promise<readonly Address[]> {
  return to.kind === 'ip' && to.family !== 'any' ? [{ family: to.family, host: to.host, port: to.port }] : resolveName(to, to.port)
}

export async function buildBackend(build: Build, section: ProxySection, id: number, process: ProcessView): Promise<Backend> {
  const { values } = section
  const connectTimeout = values.get(timeoutConnect) ?? 0
  const keepAlive = values.get(optionSrvtcpka) ?? values.get(optionTcpka) ?? false
  const plan = (handlers: readonly MakeHandler[]): Server['settings']['plan'] => build.connectionPlan('connect', [...handlers, handOver], connectTimeout)

  const server = async (line: ServerLine, number: number): Promise<Server> => {
    const source = line.values.get(serverSource) ?? values.get(backendSource)
    const way = await sourceOf(source)
    const address = line.address
    const userTimeout = line.values.get(serverTcpUt)
    build.needsKernel(line.place, `server ${section.name}/${line.name}`, { tfo: line.values.get(serverTfo), 'tcp-ut': userTimeout, 'source usesrc': source?.usesrc, 'source interface': source?.interface })
    const planned = build.plan('connect', { line: line.values, place: line.place, section, kind: 'backend', app: undefined })
    return new Server(
      {
        name: line.name,
        id: line.values.get(serverId) ?? number,
        addresses: await addressesOf(address, line.values),
        portOffset: address.kind !== 'unix' && 'offset' in address.port ? address.port.offset : undefined,
        weight: line.values.get(serverWeight) ?? 1,
        backup: line.values.get(serverBackup) ?? false,
        maxconn: line.values.get(serverMaxconn) ?? 0,
        ...way,
        connect: {
          keepAlive,
          ...way.connect,
          ...(line.values.get(serverTfo) === true ? { tcpFastOpen: true } : {}),
          ...(userTimeout === undefined ? {} : { userTimeout }),
        },
        plan: plan(planned.handlers),
        speaks: planned.speaks,
      },
      build.gauges.gauge(build.clock),
      line.values.get(serverDisabled) ?? false,
    )
  }

  const servers: Server[] = []
  for (const line of values.get(serverLines) ?? []) {
    try {
      servers.push(await server(line, servers.length + 1))
    } catch (error) {
      if (error instanceof TooManyCounters) throw error // once is enough
      build.report({ ...line.place, level: 'alert', text: `'server ${section.name}/${line.name}' : ${messageOf(error)}` })
    }
  }
  const direct = values.get(dispatch)
  if (servers.length === 0 && direct !== undefined) {
    const addresses = await dispatchAddresses(direct)
    const source = values.get(backendSource)
    const place = values.placeOf(backendSource)
    if (place !== undefined) build.needsKernel(place, `backend ${section.name}`, { 'source usesrc': source?.usesrc, 'source interface': source?.interface })
    const way = await sourceOf(source)
    const settings = { name: '<NOSRV>', id: 0, addresses, portOffset: undefined, weight: 1, backup: false, maxconn: 0, ...way, connect: { keepAlive, ...way.connect }, plan: plan([]) }
    servers.push(new Server(settings, build.gauges.gauge(build.clock), false))
  }

  return new Backend(
    {
      name: section.name,
      id,
      kind: section.kind === 'listen' ? 'listen' : 'backend',
      connectTimeout,
      serverTimeout: values.get(timeoutServer) ?? 0,
      serverFinTimeout: values.get(timeoutServerFin),
      tunnelTimeout: values.get(timeoutTunnel),
      queueTimeout: values.get(timeoutQueue) ?? connectTimeout,
      tarpitTimeout: tarpitTimeout(values),
      retries: values.get(retries) ?? RETRIES,
      redispatch: values.get(optionRedispatch),
      abortOnClose: values.get(optionAbortonclose) ?? false,
      smartConnect: values.get(optionTcpSmartConnect) ?? true,
      noLinger: values.get(optionNolinger) ?? false,
      allBackups: values.get(optionAllbackups) ?? false,
      inspection: section.kind === 'listen' ? undefined : inspectionOf(values, 'request'),
      useServer: values.get(useServerRules) ?? [],
      responseInspection: inspectionOf(values, 'response'),
    },
    servers,
    chooseBalance(values.get(balanceKey) ?? DEFAULT_BALANCE, build.random),
    build.gauges.gauge(build.clock),
    build.gauges.gauge(),
    build.wheel,
    process,
  )
}
