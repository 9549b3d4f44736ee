// Owns the proxies that are measured, the backends behind them, and on which CPU each runs.

import { writeFileSync, mkdtempSync, rmSync, existsSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { certificates } from '../kit/certificates.ts'
import { MAIN } from '../kit/command.ts'
import { claimPorts } from '../kit/ports.ts'
import type { Ports } from '../kit/ports.ts'
import { installed, start } from '../kit/program.ts'
import type { Program } from '../kit/program.ts'

/** What each proxy forwards, by the same names everywhere: in the clear, with TLS ended, and to a server that only holds. */
const FRONTS = [
  { name: 'http', backend: 'web', tls: false },
  { name: 'https', backend: 'web', tls: true },
  { name: 'bulk', backend: 'iperf', tls: false },
  { name: 'hold', backend: 'hold', tls: false },
  { name: 'holdtls', backend: 'hold', tls: true },
] as const

export type Front = (typeof FRONTS)[number]['name']

export interface Subject {
  readonly name: string
  port(front: Front): number
  /** Undefined for the subject 'direct': the backends without a proxy. */
  readonly program: Program | undefined
}

export const cpus = os.availableParallelism()
const PROXY_CPU = cpus > 1 ? 1 : undefined
/** Load generators and backends share what the proxy does not use. */
export const LOAD_CPU = cpus > 1 ? 0 : undefined
const BACKEND_CPU = cpus > 2 ? 2 : LOAD_CPU
const onCpu = (cpu: number | undefined): { cpu?: number } => (cpu === undefined ? {} : { cpu })

export interface Stage {
  readonly folder: string
  readonly ports: Ports
  readonly pem: string
  /** Starts a proxy anew; the caller stops it. */
  start(name: string): Promise<Subject>
  end(): Promise<void>
}

function haproxyText(name: string, ports: Ports, pem: string, hold: number, global: string): string {
  return `global
  maxconn ${hold}
  ${global}
defaults
  mode tcp
  timeout connect 5s
  timeout client 300s
  timeout server 300s
${FRONTS.map(
  (front) => `listen ${front.name}
  bind 127.0.0.1:${ports.port(`${name}/${front.name}`)}${front.tls ? ` ssl crt ${pem}` : ''} backlog 4096
  server s 127.0.0.1:${ports.port(front.backend)}`,
).join('\n')}
`
}

function nginxHead(folder: string, name: string, hold: number): string {
  const module = '/usr/lib/nginx/modules/ngx_stream_module.so'
  return `${existsSync(module) && name === 'nginx' ? `load_module ${module};` : ''}
daemon off; master_process off; worker_processes 1; worker_rlimit_nofile ${2 * hold + 100};
pid ${folder}/${name}.pid; error_log ${folder}/${name}.log crit;
events { worker_connections ${2 * hold + 50}; }
`
}

function nginxText(folder: string, ports: Ports, pem: string, hold: number): string {
  return `${nginxHead(folder, 'nginx', hold)}
stream {
  proxy_timeout 300s;
  ssl_certificate ${pem}; ssl_certificate_key ${pem};
  ssl_session_cache shared:s:4m;
${FRONTS.map(
  (front) => `  server { listen 127.0.0.1:${ports.port(`nginx/${front.name}`)}${front.tls ? ' ssl' : ''} backlog=4096; proxy_pass 127.0.0.1:${ports.port(front.backend)}; }`,
).join('\n')}
}
`
}

/** The fast web server behind the proxies: three bytes on /, 1 MiB on /big, uploads read and dropped. */
function webText(folder: string, ports: Ports): string {
  writeFileSync(path.join(folder, 'big'), Buffer.alloc(1 << 20, 'x'))
  return `${nginxHead(folder, 'web', 1000)}
http {
  access_log off; keepalive_requests 1000000000; keepalive_timeout 300s; client_max_body_size 0;
  sendfile on; tcp_nodelay on; client_body_temp_path ${folder}/body; root ${folder};
  server {
    listen 127.0.0.1:${ports.port('web')} backlog=4096;
    location = / { return 200 "ok\\n"; }
    location = /big { }
  }
}
`
}

/** Which proxies can be measured here, in the order of the report. Headgate by provider when asked. */
export function available(providers: readonly string[]): string[] {
  return [
    ...(installed('haproxy') ? ['haproxy'] : []),
    ...(installed('nginx') && existsSync('/usr/lib/nginx/modules/ngx_stream_module.so') ? ['nginx'] : []),
    ...(providers.length === 0 ? ['headgate'] : providers.map((provider) => `headgate-${provider}`)),
  ]
}

/** Starts the backends, and gives what starts the proxies, for `hold` connections at a time at most. */
export async function stage(hold: number): Promise<Stage> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'headgate-bench-'))
  const ports = await claimPorts()
  const { server } = await certificates()
  const web = path.join(folder, 'web.conf')
  writeFileSync(web, webText(folder, ports))
  const backends: Program[] = []
  const add = async (program: Program, port: number): Promise<void> => {
    backends.push(program)
    await program.listening([port])
  }
  await add(start('web', ['nginx', '-c', web, '-p', folder], onCpu(BACKEND_CPU)), ports.port('web'))
  if (installed('iperf3')) await add(start('iperf3', ['iperf3', '-s', '-p', String(ports.port('iperf')), '-B', '127.0.0.1'], onCpu(BACKEND_CPU)), ports.port('iperf'))

  async function startProxy(name: string): Promise<Subject> {
    const key = name.replace(/\W/g, '')
    const config = path.join(folder, `${name}.cfg`)
    let command: string[]
    if (name === 'nginx') {
      writeFileSync(config, nginxText(folder, ports, server.pem, hold))
      command = ['nginx', '-c', config, '-p', folder]
    } else if (name === 'haproxy') {
      writeFileSync(config, haproxyText(key, ports, server.pem, hold, 'nbthread 1'))
      command = ['haproxy', '-db', '-f', config]
    } else {
      const provider = name.split('-')[1]
      writeFileSync(config, haproxyText(key, ports, server.pem, hold, provider === undefined ? '' : `provider ${provider}`))
      command = [process.execPath, MAIN, '-db', '-f', config]
    }
    const program = start(name, command, onCpu(PROXY_CPU))
    const port = (front: Front): number => ports.port(`${key}/${front}`)
    try {
      await program.listening(FRONTS.map((front) => port(front.name)))
    } catch (error) {
      await program.stop()
      throw error
    }
    return { name, port, program }
  }

  return {
    folder,
    ports,
    pem: server.pem,
    start: startProxy,
    async end() {
      await Promise.all(backends.map((program) => program.stop()))
      ports.release()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** The backends themselves, in the clear: what the load tools can do at most, and the latency without a proxy. */
export function direct(ports: Ports): Subject {
  const backends = new Map<string, string>(FRONTS.filter((front) => !front.tls).map((front) => [front.name, front.backend]))
  return { name: 'direct', program: undefined, port: (front) => ports.port(backends.get(front) ?? 'web') }
}
