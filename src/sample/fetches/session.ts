// Owns fetches of a session's course (manual 7.3.2 to 7.3.4, most of them since 3.0): its timers, the timeouts and limits that hold for it, its queues.

import type { FetchSpec, Source } from '../../core/sample.ts'
import { bool } from '../../core/sample.ts'
import type { SessionRecord } from '../../core/record.ts'
import type { ProxyView } from '../../core/view.ts'
import { number } from './fetch.ts'

/** Known from the moment at which it is; a time that has not come (-1) is no value. */
function timer(name: string, source: Source, doc: string, of: (record: SessionRecord) => number): FetchSpec {
  return number(name, source, doc, ({ record }) => {
    const ms = record === undefined ? -1 : of(record)
    return ms < 0 ? undefined : ms
  })
}

/** The session as it is: its backend's, or the frontend's while it has none. */
const current = (name: string, source: Source, doc: string, value: (proxy: ProxyView) => number | undefined): FetchSpec =>
  number(name, source, doc, (subject) => {
    const proxy = subject.backend ?? subject.frontend
    return proxy === undefined ? undefined : value(proxy)
  })

export const sessionFetches: readonly FetchSpec[] = [
  timer('fc.timer.handshake', 'client-l4', 'How long the handshake of the client took, ms (%Th).', (record) => record.handshakeTime),
  timer('fc.timer.total', 'end', "How long the client's connection was there, ms (%Tt).", (record) => record.totalTime),
  timer('bc.timer.connect', 'end', 'How long the connect to the server took, ms (%Tc).', (record) => record.connectTime),
  timer('res.timer.data', 'end', 'How long data went to and fro, ms (%Td).', (record) => (record.connectTime < 0 ? -1 : Math.max(0, record.totalTime - Math.max(0, record.handshakeTime) - Math.max(0, record.queueTime) - record.connectTime))),
  timer('txn.timer.user', 'end', 'How long the user waited from the end of the handshake to the end, ms (%Tu).', (record) => record.totalTime - Math.max(0, record.handshakeTime)),
  number('req.bytes_in', 'end', 'Bytes that came from the client, passed on to a server or not.', ({ record }) => record?.receivedUp),
  number('res.bytes_in', 'end', 'Bytes that came from the server, passed on to the client or not.', ({ record }) => record?.receivedDown),
  number('req.bytes_out', 'end', 'Bytes that went from the client to the server.', ({ record }) => record?.bytesUp),
  number('res.bytes_out', 'end', 'Bytes that went from the server to the client.', ({ record }) => record?.bytesDown),
  number('bc_be_queue', 'end', "How many were before it in the backend's queue (%bq).", ({ record }) => record?.backendQueue),
  number('bc_srv_queue', 'end', "How many were before it in the server's queue (%sq).", ({ record }) => record?.serverQueue),
  number('fc_nb_streams', 'client-l4', 'Streams of the client connection: in TCP always 1.', () => 1),
  number('bc_nb_streams', 'server-l4', 'Streams of the server connection: in TCP always 1.', ({ server }) => (server === undefined ? undefined : 1)),
  number('fc_settings_streams_limit', 'client-l4', 'Streams that the client connection may have: in TCP always 1.', () => 1),
  number('bc_settings_streams_limit', 'server-l4', 'Streams that the server connection may have: in TCP always 1.', ({ server }) => (server === undefined ? undefined : 1)),
  { name: 'bc_reused', output: 'bool', source: 'server-l4', doc: 'Whether the server connection had served others before: in TCP never.', compile: () => ({ server }) => (server === undefined ? undefined : bool(false)) },
  number('tgroup', 'internal', 'The number of the thread group: always 1.', () => 1),
  number('cur_client_timeout', 'frontend', 'The client timeout that holds now, ms.', ({ frontend }) => frontend?.timeouts.client),
  current('cur_server_timeout', 'backend', 'The server timeout that holds now, ms.', ({ timeouts }) => timeouts.server),
  current('cur_tunnel_timeout', 'backend', 'The tunnel timeout that holds now, ms.', ({ timeouts }) => timeouts.tunnel),
  current('cur_connect_timeout', 'backend', 'The connect timeout that holds now, ms.', ({ timeouts }) => timeouts.connect),
  current('cur_queue_timeout', 'backend', 'The queue timeout that holds now, ms.', ({ timeouts }) => timeouts.queue),
  current('cur_tarpit_timeout', 'frontend', 'The tarpit timeout that holds now, ms.', ({ timeouts }) => timeouts.tarpit),
  number('cur_max_retries', 'backend', 'The number of retries that holds now.', ({ effects, backend, frontend }) => effects?.retries ?? (backend ?? frontend)?.retries),
]
