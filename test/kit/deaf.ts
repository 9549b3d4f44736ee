// Owns a listener whose accept queue is full: connections to it stay unanswered, as to a host that dropped off the network.

import { spawn } from 'node:child_process'
import net from 'node:net'
import { sleep } from './program.ts'

const CHILD = `
const port = Number(process.argv[1])
require('node:net').createServer().listen({ port, host: '127.0.0.1', backlog: 1 }, () => {
  require('node:fs').writeSync(1, 'listening')
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
})`

export interface Deaf {
  stop(): void
}

/** Listens on `port` of 127.0.0.1 and never accepts; returns when a further connection is no longer answered. */
export async function deafListener(port: number): Promise<Deaf> {
  const child = spawn(process.execPath, ['-e', CHILD, String(port)], { stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise((resolve) => child.stdout.once('data', resolve))
  const fillers: net.Socket[] = []
  for (let unanswered = 0; unanswered < 2; ) {
    const socket = net.connect(port, '127.0.0.1')
    socket.on('error', () => {})
    fillers.push(socket)
    const connected = await Promise.race([new Promise<boolean>((resolve) => socket.once('connect', () => resolve(true))), sleep(100).then(() => false)])
    if (!connected) unanswered++
  }
  return {
    stop() {
      for (const socket of fillers) socket.destroy()
      child.kill('SIGKILL')
    },
  }
}
