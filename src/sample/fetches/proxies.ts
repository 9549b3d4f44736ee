// Owns fetches of proxies and servers (manual 7.3.2, 7.3.3): counts, limits, timeouts and names.

import type { ArgSpec, ArgValues, FetchSpec, Fetched, Scope, Source, Subject } from '../../core/sample.ts'
import { bool, sint, str, toText } from '../../core/sample.ts'
import type { ProcessView, ProxyView, ServerView } from '../../core/view.ts'
import { of } from './of.ts'

const BACKEND: readonly ArgSpec[] = [{ name: 'backend', type: 'backend', optional: true }]
const FRONTEND: readonly ArgSpec[] = [{ name: 'frontend', type: 'frontend', optional: true }]
const SERVER: readonly ArgSpec[] = [{ name: '[<backend>/]<server>', type: 'server' }]

function processOf(subject: Subject): ProcessView | undefined {
  return (subject.frontend ?? subject.backend)?.process
}

/** The backend that an argument names, or else the one whose section it stands in; for one in a defaults section, the subject's. */
export function backendNamed(name: string, section: string, subject: Subject): ProxyView | undefined {
  return name === '' ? (processOf(subject)?.backend(section) ?? subject.backend) : processOf(subject)?.backend(name)
}

export function serverNamed(name: string, section: string, subject: Subject): ServerView | undefined {
  const slash = name.indexOf('/')
  return backendNamed(slash < 0 ? '' : name.slice(0, slash), section, subject)?.servers.find((server) => server.name === name.slice(slash + 1))
}

function ofBackend(name: string, doc: string, value: (backend: ProxyView) => number): FetchSpec {
  return {
    name,
    args: BACKEND,
    output: 'sint',
    source: 'internal',
    doc,
    compile(args, scope) {
      const named = toText(args.str(0))
      return (subject) => {
        const backend = backendNamed(named, scope.proxy, subject)
        return backend === undefined ? undefined : sint(value(backend))
      }
    },
  }
}

function ofFrontend(name: string, doc: string, value: (frontend: ProxyView) => number): FetchSpec {
  return {
    name,
    args: FRONTEND,
    output: 'sint',
    source: 'internal',
    doc,
    compile(args) {
      const named = toText(args.str(0))
      return (subject) => {
        const frontend = named === '' ? subject.frontend : processOf(subject)?.frontend(named)
        return frontend === undefined ? undefined : sint(value(frontend))
      }
    },
  }
}

function ofServer(name: string, output: 'sint' | 'bool', doc: string, value: (server: ServerView) => Fetched): FetchSpec {
  return {
    name,
    args: SERVER,
    output,
    source: 'internal',
    doc,
    compile(args: ArgValues, scope: Scope) {
      const named = toText(args.str(0))
      return (subject) => {
        const server = serverNamed(named, scope.proxy, subject)
        return server === undefined ? undefined : value(server)
      }
    },
  }
}

/** As of(): a number, a text or nothing. */
function plain<T>(name: string, source: Source, output: 'sint' | 'str', doc: string, from: (subject: Subject) => T | undefined, value: (from: T) => string | number | undefined): FetchSpec {
  return of(name, source, output, doc, from, (found) => {
    const v = value(found)
    return v === undefined ? undefined : typeof v === 'string' ? str(v) : sint(v)
  })
}

function queuedIn(backend: ProxyView): number {
  return backend.servers.reduce((sum, server) => sum + server.queued, backend.queued)
}

function averageQueue(backend: ProxyView): number {
  const servers = backend.usable().length
  const queued = queuedIn(backend)
  return servers === 0 ? 2 * queued : Math.ceil(queued / servers)
}

function freeConnections(backend: ProxyView): number {
  const servers = backend.usable()
  if (servers.some((server) => server.maxconn === 0)) return -1
  return servers.reduce((sum, server) => sum + Math.max(0, server.maxconn - server.connections), 0)
}

function slots(backend: ProxyView): number {
  const servers = backend.servers.filter((server) => server.up)
  if (servers.some((server) => server.maxconn === 0 || server.maxqueue === 0)) return -1
  return servers.reduce((sum, server) => sum + (server.maxconn - server.connections) + (server.maxqueue - server.queued), 0)
}

/** Of a session that no backend was chosen for it is the frontend, as in HAProxy. */
const backendOf = (subject: Subject): ProxyView | undefined => subject.backend ?? (subject.effects === undefined ? undefined : subject.frontend)
const frontendOf = (subject: Subject): ProxyView | undefined => subject.frontend
const targetOf = (subject: Subject): ServerView | undefined => subject.target

export const proxyFetches: readonly FetchSpec[] = [
  ofBackend('be_conn', 'Sessions of a backend now.', (backend) => backend.connections),
  ofBackend('be_conn_free', 'Sessions that its usable servers could still take; -1 when one of them has no maxconn.', freeConnections),
  ofBackend('be_sess_rate', 'Sessions that came to a backend in the last second.', (backend) => backend.sessionRate),
  ofBackend('nbsrv', 'How many servers of a backend may be chosen.', (backend) => backend.usable().length),
  ofBackend('queue', 'Sessions that wait in a backend, those for one server included.', queuedIn),
  ofBackend('avg_queue', 'Sessions that wait in a backend per usable server; twice as many when there is none.', averageQueue),
  ofBackend('connslots', 'Sessions that a backend could still take or queue; -1 when a server has no maxconn or no maxqueue.', slots),
  ofFrontend('fe_conn', 'Connections of a frontend now.', (frontend) => frontend.connections),
  ofFrontend('fe_sess_rate', 'Sessions that began in a frontend in the last second.', (frontend) => frontend.sessionRate),
  ofFrontend('fe_req_rate', 'HTTP requests that came to a frontend in the last second: none, this proxy does not parse HTTP.', () => 0),
  { name: 'act_conn', output: 'sint', source: 'internal', doc: 'Connections of the process now.', compile: () => (subject) => sint(processOf(subject)?.connections ?? 0) },
  ofServer('srv_conn', 'sint', 'Sessions of a server now.', (server) => sint(server.connections)),
  ofServer('srv_conn_free', 'sint', 'Sessions that a server could still take; -1 when it has no maxconn.', (server) => sint(server.maxconn === 0 ? -1 : Math.max(0, server.maxconn - server.connections))),
  ofServer('srv_sess_rate', 'sint', 'Sessions that came to a server in the last second.', (server) => sint(server.sessionRate)),
  ofServer('srv_is_up', 'bool', 'Whether a server is in service.', (server) => bool(server.up)),
  ofServer('srv_queue', 'sint', 'Sessions that wait for this server and no other.', (server) => sint(server.queued)),
  ofServer('srv_iweight', 'sint', "A server's weight as configured.", (server) => sint(server.initialWeight)),
  ofServer('srv_uweight', 'sint', "A server's weight as an operator sees it.", (server) => sint(server.weight)),
  ofServer('srv_weight', 'sint', "A server's weight as it is used.", (server) => sint(server.weight)),

  plain('fe_id', 'frontend', 'sint', "The frontend's id.", frontendOf, (frontend) => frontend.id),
  plain('fe_name', 'frontend', 'str', "The frontend's name.", frontendOf, (frontend) => frontend.name),
  plain('fe_defbe', 'frontend', 'str', "The frontend's default backend.", frontendOf, (frontend) => frontend.defaultBackend),
  plain('fe_client_timeout', 'frontend', 'sint', "The frontend's client timeout, ms.", frontendOf, (frontend) => frontend.timeouts.client),
  plain('fe_tarpit_timeout', 'frontend', 'sint', "The frontend's tarpit timeout, ms.", frontendOf, (frontend) => frontend.timeouts.tarpit),
  plain('be_id', 'backend', 'sint', "The backend's id.", backendOf, (backend) => backend.id),
  plain('be_name', 'backend', 'str', "The backend's name.", backendOf, (backend) => backend.name),
  plain('be_server_timeout', 'backend', 'sint', "The backend's server timeout, ms.", backendOf, (backend) => backend.timeouts.server),
  plain('be_tunnel_timeout', 'backend', 'sint', "The backend's tunnel timeout, ms.", backendOf, (backend) => backend.timeouts.tunnel),
  plain('be_connect_timeout', 'backend', 'sint', "The backend's connect timeout, ms.", backendOf, (backend) => backend.timeouts.connect),
  plain('be_queue_timeout', 'backend', 'sint', "The backend's queue timeout, ms.", backendOf, (backend) => backend.timeouts.queue),
  plain('be_tarpit_timeout', 'backend', 'sint', "The backend's tarpit timeout, ms.", backendOf, (backend) => backend.timeouts.tarpit),
  plain('be_max_retries', 'backend', 'sint', "The backend's number of retries.", backendOf, (backend) => backend.retries),
  plain('srv_id', 'server', 'sint', "The server's id.", targetOf, (server) => server.id),
  plain('srv_name', 'server', 'str', "The server's name.", targetOf, (server) => server.name),
]
