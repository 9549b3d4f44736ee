// Owns fetches at layer 4 (manual 7.3.3): ends of the connections, the listener, what the kernel knows.

import { networkInterfaces } from 'node:os'
import type { Address } from '../../core/address.ts'
import type { ArgSpec, Fetched, FetchSpec, Sample, Source, Subject } from '../../core/sample.ts'
import { bool, sint, str } from '../../core/sample.ts'
import type { SessionRecord } from '../../core/record.ts'
import type { TcpInfo } from '../../core/sock.ts'
import type { Peer } from '../../core/view.ts'
import { CONNECTED_ENDS, LISTENER } from '../../core/view.ts'
import { parseIPv4, parseIPv6 } from '../../util/ip.ts'
import { clientErrorNumber, connectionErrorName, connectionErrorText, serverErrorNumber } from './connection-errors.ts'

/** An address as a sample; Unix sockets have none. */
function addressSample(address: Address | undefined): Fetched {
  if (address?.family === 'ipv4') {
    const value = parseIPv4(address.host)
    return value === undefined ? undefined : { type: 'ipv4', value }
  }
  if (address?.family === 'ipv6') {
    const value = parseIPv6(address.host)
    return value === undefined ? undefined : { type: 'ipv6', value }
  }
  return undefined
}

function portSample(address: Address | undefined): Fetched {
  return address?.family === 'ipv4' || address?.family === 'ipv6' ? sint(address.port) : undefined
}

/** Whether this machine has the address. Unix sockets are always local. */
function localSample(address: Address | undefined): Fetched {
  if (address?.family === 'unix') return bool(true)
  if (address?.family !== 'ipv4' && address?.family !== 'ipv6') return undefined
  const host = address.host.replace(/^::ffff:(?=[0-9.]+$)/, '')
  return bool(host.startsWith('127.') || ownAddresses().has(host))
}

/** Asked of the system each time: addresses come and go. */
function ownAddresses(): Set<string> {
  return new Set(Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map((entry) => entry.address)))
}

type End = (subject: Subject) => Address | undefined

/** The address, the port and the locality of one end. */
function end(name: string, source: Source, what: string, of: End): readonly FetchSpec[] {
  return [
    { name, output: 'ip', source, doc: `The address of ${what}.`, compile: () => (subject) => addressSample(of(subject)) },
    { name: `${name}_port`, output: 'sint', source, doc: `The port of ${what}.`, compile: () => (subject) => portSample(of(subject)) },
  ]
}

function isLocal(name: string, what: string, of: End): FetchSpec {
  return { name: `${name}_is_local`, output: 'bool', source: 'client-l4', doc: `Whether the address of ${what} is one of this machine.`, compile: () => (subject) => localSample(of(subject)) }
}

const UNIT: readonly ArgSpec[] = [{ name: 'unit', type: 'str', optional: true }]

/** A time that the kernel measures, ms or us. */
function time(name: string, source: Source, what: string, peer: (subject: Subject) => Peer | undefined, of: (info: TcpInfo) => number): FetchSpec {
  return {
    name,
    args: UNIT,
    output: 'sint',
    source,
    doc: `${what}, in ms or with <unit> in us, on the linux provider.`,
    compile(args, _scope, fail) {
      const unit = args.str(0)
      if (unit !== '' && unit !== 'ms' && unit !== 'us') return fail(`expects 'us' or 'ms', got '${unit}'`)
      const divisor = unit === 'us' ? 1 : 1000
      return (subject) => {
        const info = peer(subject)?.kernel?.tcpInfo()
        return info === undefined ? undefined : sint(Math.floor(of(info) / divisor))
      }
    },
  }
}

function count(name: string, what: string, of: (info: TcpInfo) => number): FetchSpec {
  return {
    name,
    args: UNIT,
    output: 'sint',
    source: 'client-l4',
    doc: `${what} of the client's connection, on the linux provider.`,
    compile: () => (subject) => {
      const info = subject.client?.kernel?.tcpInfo()
      return info === undefined ? undefined : sint(of(info))
    },
  }
}

function ofRecord(name: string, source: Source, doc: string, of: (record: SessionRecord) => number): FetchSpec {
  return {
    name,
    output: 'sint',
    source,
    doc,
    compile: () => (subject) => (subject.record === undefined ? undefined : sint(of(subject.record))),
  }
}

function serverError(name: string, output: 'sint' | 'str', what: string, show: (number: number) => Sample): FetchSpec {
  return {
    name,
    output,
    source: 'server-l4',
    doc: `${what} why the server's connection failed, ${output === 'sint' ? 0 : name.endsWith('name') ? 'empty' : 'Success'} for none; no value where the server did not answer, or refused.`,
    compile: () => (subject) => {
      const number = subject.server === undefined ? undefined : serverErrorNumber(subject.server)
      return number === undefined ? undefined : show(number)
    },
  }
}

const connected = (peer: Peer | undefined): Pick<Peer, 'src' | 'dst'> | undefined => peer?.get(CONNECTED_ENDS) ?? peer
const client = (subject: Subject): Peer | undefined => subject.client
const server = (subject: Subject): Peer | undefined => subject.server

export const layer4Fetches: readonly FetchSpec[] = [
  ...end('src', 'client-l4', "the client's end, as rules have set it", (subject) => subject.src),
  ...end('dst', 'client-l4', "our end of the client's connection, as rules have set it", (subject) => subject.dst),
  ...end('fc_src', 'client-l4', "the client's end of the connection (not as announced)", (subject) => connected(subject.client)?.src),
  ...end('fc_dst', 'client-l4', "our end of the client's connection (not as announced)", (subject) => connected(subject.client)?.dst),
  ...end('bc_src', 'server-l4', "our end of the server's connection", (subject) => subject.server?.src),
  ...end('bc_dst', 'server-l4', "the server's end of the connection", (subject) => subject.server?.dst),
  isLocal('src', "the client's end", (subject) => subject.src),
  isLocal('dst', "our end of the client's connection", (subject) => subject.dst),
  isLocal('fc_src', "the client's end of the connection (not as announced)", (subject) => connected(subject.client)?.src),
  isLocal('fc_dst', "our end of the client's connection (not as announced)", (subject) => connected(subject.client)?.dst),
  {
    name: 'so_id',
    output: 'sint',
    source: 'listener',
    doc: 'The id of the bind line, or its number in the frontend.',
    compile: () => (subject) => {
      const listener = subject.client?.get(LISTENER)
      return listener === undefined ? undefined : sint(listener.id)
    },
  },
  {
    name: 'so_name',
    output: 'str',
    source: 'listener',
    doc: 'The name of the bind line; no value when it was given none.',
    compile: () => (subject) => {
      const label = subject.client?.get(LISTENER)?.label
      return label === undefined ? undefined : str(label)
    },
  },
  {
    name: 'dst_conn',
    output: 'sint',
    source: 'listener',
    doc: 'Connections of the listener now.',
    compile: () => (subject) => {
      const listener = subject.client?.get(LISTENER)
      return listener === undefined ? undefined : sint(listener.connections)
    },
  },
  time('fc_rtt', 'client-l4', "The round-trip time of the client's connection", client, (info) => info.rtt),
  time('fc_rttvar', 'client-l4', "How much the round-trip time of the client's connection varies", client, (info) => info.rttvar),
  time('bc_rtt', 'server-l4', "The round-trip time of the server's connection", server, (info) => info.rtt),
  time('bc_rttvar', 'server-l4', "How much the round-trip time of the server's connection varies", server, (info) => info.rttvar),
  {
    name: 'fc_saved_syn',
    output: 'bin',
    source: 'client-l4',
    doc: 'The SYN that the connection began with, where its bind line has `tcp-ss`. The kernel tells it once: keep it in a variable. On the linux provider.',
    compile: () => (subject) => {
      const syn = subject.client?.kernel?.savedSyn()
      return syn === undefined ? undefined : { type: 'bin', value: syn.toString('latin1') }
    },
  },
  count('fc_unacked', 'Packets that were not acknowledged', (info) => info.unacked),
  count('fc_sacked', 'Packets that were acknowledged selectively', (info) => info.sacked),
  count('fc_retrans', 'Packets being sent again', (info) => info.retrans),
  count('fc_fackets', 'The forward acknowledgements', (info) => info.fackets),
  count('fc_lost', 'Packets taken for lost', (info) => info.lost),
  count('fc_reordering', 'The reordering metric', (info) => info.reordering),
  {
    name: 'fc_err_str',
    output: 'str',
    source: 'client-l4',
    doc: "Why the client's connection failed, Success for no reason.",
    compile: () => (subject) => {
      const error = subject.record?.error ?? ''
      return subject.client === undefined ? undefined : str(error === '' ? connectionErrorText(clientErrorNumber(subject.client, error)) : error)
    },
  },
  {
    name: 'fc_err',
    output: 'sint',
    source: 'client-l4',
    doc: "The number of the reason why the client's connection failed, 0 for none.",
    compile: () => (subject) => (subject.client === undefined ? undefined : sint(clientErrorNumber(subject.client, subject.record?.error ?? ''))),
  },
  serverError('bc_err', 'sint', 'The number of the reason', (number) => sint(number)),
  serverError('bc_err_str', 'str', 'The reason', (number) => str(connectionErrorText(number))),
  serverError('bc_err_name', 'str', 'The name (SSL_HANDSHAKE) of the reason', (number) => str(connectionErrorName(number))),
  {
    name: 'fc_err_name',
    output: 'str',
    source: 'client-l4',
    doc: "The name (PRX_NOT_HDR) of the reason why the client's connection failed, empty for none.",
    compile: () => (subject) => (subject.client === undefined ? undefined : str(connectionErrorName(clientErrorNumber(subject.client, subject.record?.error ?? '')))),
  },
  ofRecord('bytes_in', 'end', 'Bytes from the client.', (record) => (record.early ? 0 : record.receivedUp)),
  ofRecord('bytes_out', 'end', 'Bytes to the client.', (record) => (record.early ? 0 : record.receivedDown)),
  ofRecord('txn.conn_retries', 'end', 'How often the connection to the server was tried again.', (record) => record.retries),
  {
    name: 'txn.redispatched',
    output: 'bool',
    source: 'end',
    doc: 'Whether another server was tried.',
    compile: () => (subject) => (subject.record === undefined ? undefined : bool(subject.record.redispatched)),
  },
  {
    name: 'txn.sess_term_state',
    output: 'str',
    source: 'end',
    doc: 'How the session ended, two letters (manual 8.5).',
    compile: () => (subject) => (subject.record === undefined ? undefined : str(subject.record.termination)),
  },
  {
    name: 'accept_date',
    args: UNIT,
    output: 'sint',
    source: 'end',
    doc: 'When the connection was accepted, in seconds since the epoch, or with <unit> in ms or us.',
    compile(args, _scope, fail) {
      const unit = args.str(0)
      if (!['', 's', 'ms', 'us'].includes(unit)) return fail(`expects 's', 'ms' or 'us', got '${unit}'`)
      const factor = unit === 'us' ? 1000 : unit === 'ms' ? 1 : 0.001
      return (subject) => (subject.record === undefined ? undefined : sint(Math.floor(subject.record.acceptDate * factor)))
    },
  },
]
