// Owns `headgate explain`: one imagined connection goes through the proxies that a configuration makes, the real ones, on socks
// without sockets and a clock without time; what is decided on its way is printed as it happens.

import { setImmediate, setTimeout } from 'node:timers/promises'
import type { ActionResult } from '../core/action.ts'
import { formatAddress, type Address, type InetAddress } from '../core/address.ts'
import { makeClientHello } from '../core/client-hello-write.ts'
import type { Verdict } from '../core/handler.ts'
import type { Place } from '../core/keyword.ts'
import type { Fetched } from '../core/sample.ts'
import type { Trace } from '../core/trace.ts'
import { hasFrontend, type Configuration } from '../config/configuration.ts'
import { didYouMean } from '../config/near.ts'
import { tuneBufsize } from '../config/keywords/tune.ts'
import type { Plugin } from '../core/plugin.ts'
import { ScriptedProvider } from '../net/scripted/provider.ts'
import { ScriptedSock } from '../net/scripted/sock.ts'
import { BUFFER_SIZE } from '../process/proxies.ts'
import { resultText, ruleText, TRUTHS, valueText, verdictText } from '../process/trace-text.ts'
import type { Bind } from '../proxy/bind.ts'
import { GaugeMemory } from '../proxy/gauge.ts'
import { buildRuntime } from '../proxy/runtime.ts'
import { Wheel, type WheelClock } from '../util/wheel.ts'
import type { Imagined } from './explain-arguments.ts'
import { messageOf } from '../util/shown.ts'

/** Less than this is the clock's grain. ms */
const SOON_MS = 10

/** Time that passes when nothing else can happen. */
class ImaginedClock implements WheelClock {
  #now = 1_000_000
  readonly #began = this.#now
  #told = 0
  #due: { readonly at: number; readonly tick: () => void } | undefined

  now(): number {
    return this.#now
  }

  /** ms since the connection was made. */
  get passed(): number {
    return this.#now - this.#began
  }

  /** ms since the connection was made, when time has passed since this was last asked. */
  untold(): number | undefined {
    if (this.passed - this.#told < SOON_MS) return undefined
    this.#told = this.passed
    return this.passed
  }

  wakeIn(ms: number, tick: () => void): void {
    this.#due = { at: this.#now + ms, tick }
  }

  rest(): void {
    this.#due = undefined
  }

  /** Goes on to the next moment at which something is due. false: nothing ever is. */
  jump(): boolean {
    const due = this.#due
    if (due === undefined) return false
    this.#due = undefined
    this.#now = Math.max(this.#now, due.at)
    due.tick()
    return true
  }
}

/** Longer than this nobody waits in one sitting. ms */
const PATIENCE_MS = 3_600_000

/** What a handler of a plugin waits for, a timer of its own or an answer from elsewhere, takes real time; nobody here waits longer for it. ms */
const REAL_MS = 2000

/** What the rest of the program does about what a trace tells. */
interface Listener {
  /** A handler asks for more bytes than there are. */
  starved?(handler: string): void
  /** A handler waits for something of its own, or no longer does. */
  waits?(so: boolean): void
  /** The last handler of a connection is done: what that means, in words. */
  served(app: string): string
  noted?(text: string): void
}

/** Everything as it happens, indented by what it belongs to. */
class ExplainTrace implements Trace {
  readonly #print: (line: string) => void
  readonly #listener: Listener
  readonly #indent: string
  readonly #clock: ImaginedClock
  #depth = 0

  constructor(print: (line: string) => void, clock: ImaginedClock, indent: string, listener: Listener) {
    this.#print = print
    this.#clock = clock
    this.#indent = indent
    this.#listener = listener
  }

  #line(text: string): void {
    const later = this.#clock.untold()
    if (later !== undefined) this.#print(`after ${later} ms`)
    this.#print(this.#indent + '  '.repeat(this.#depth) + text)
  }

  asked(handler: string): void {
    this.#listener.waits?.(false)
    this.#line(`handler ${handler}`)
    this.#depth = 1
  }

  said(handler: string, verdict: Verdict): void {
    this.#depth = 1
    this.#line(`→ ${verdict.verdict === 'serve' ? this.#listener.served(verdict.app.name) : verdictText(verdict)}`)
    this.#depth = 0
    if (verdict.verdict === 'wait') this.#listener.waits?.(true)
    if (verdict.verdict === 'more') this.#listener.starved?.(handler)
  }

  rule(keyword: string, text: string, place: Place): void {
    this.#line(ruleText(keyword, text, place))
    this.#depth++
  }

  ruled(truth: 'pass' | 'fail' | 'wait', result: ActionResult | undefined): void {
    this.#line(`→ ${result === undefined ? TRUTHS[truth] : resultText(result)}`)
    this.#depth = Math.max(0, this.#depth - 1)
  }

  test(text: string, truth: 'pass' | 'fail' | 'wait'): void {
    this.#line(`{ ${text} } ${TRUTHS[truth]}`)
  }

  value(text: string, value: Fetched): void {
    this.#line(`${text} = ${valueText(value)}`)
  }

  note(text: string): void {
    this.#line(text)
    this.#listener.noted?.(text)
  }
}

/** The bind line that a connection to `dst` comes in by: the exact address, then one of all addresses with that port. */
function chooseBind(binds: readonly { readonly frontend: string; readonly bind: Bind }[], { dst, frontend }: Imagined): { readonly frontend: string; readonly bind: Bind } | undefined {
  const mine = frontend === undefined ? binds : binds.filter((entry) => entry.frontend === frontend)
  if (dst === undefined) return mine[0]
  const at = (entry: { readonly bind: Bind }, host: (address: InetAddress) => boolean): boolean => {
    const { address } = entry.bind.listener
    return (address.family === 'ipv4' || address.family === 'ipv6') && (dst.port === 0 || address.port === dst.port) && host(address)
  }
  return mine.find((entry) => at(entry, ({ host }) => host === dst.host)) ?? mine.find((entry) => at(entry, ({ host }) => host === '0.0.0.0' || host === '::'))
}

/** Where a connection to this listener arrives: `dst` if given, else its own address, one of the test range for all addresses. */
function arrival(bound: Address, dst: InetAddress | undefined): Address {
  if (bound.family !== 'ipv4' && bound.family !== 'ipv6') return bound
  if (dst !== undefined) return { ...dst, port: dst.port === 0 ? bound.port : dst.port }
  if (bound.host === '0.0.0.0') return { ...bound, host: '198.51.100.1' }
  return bound.host === '::' ? { ...bound, host: '2001:db8::1' } : bound
}

/** What the client sees of an end. */
function endText(done: readonly string[]): string {
  const said = done.filter((what) => what !== 'closed')
  if (said.includes('dropped')) return 'nothing, ever: neither FIN nor RST'
  return said.length === 0 ? 'nothing yet' : said.join(', then ')
}

/** Prints the way of the connection. Returns the exit status: 0, or 1 when there is none to go. Throws a BuildError. */
export async function explain(configuration: Configuration, imagined: Imagined, plugins: readonly Plugin[], print: (line: string) => void): Promise<number> {
  const clock = new ImaginedClock()
  const provider = new ScriptedProvider()
  let client: ScriptedSock | undefined
  let helloGiven = imagined.hello !== undefined
  let server = ''
  let joined = false
  let waiting = false
  const frontends = configuration.proxies.filter((proxy) => hasFrontend(proxy.kind)).map((proxy) => proxy.name)
  if (imagined.frontend !== undefined && !frontends.includes(imagined.frontend)) {
    const hint = didYouMean(imagined.frontend, frontends)
    const known = frontends.length === 0 ? 'there is none' : `there are ${frontends.map((name) => `'${name}'`).join(', ')}`
    print(`no frontend is named '${imagined.frontend}': ${known}${hint === undefined ? '' : `; ${hint}`}`)
    return 1
  }
  const accepted: Listener = {
    starved(handler) {
      if (handler !== 'tls' || helloGiven || client === undefined) return
      helloGiven = true
      print('  (a client hello is made up, without a server name: give one with --sni or --client-hello)')
      client.adds(makeClientHello({ sni: '', alpn: imagined.alpn }))
    },
    served: (app) => (frontends.includes(app) ? `a session of frontend '${app}' begins` : `answered by the service '${app}'`),
    waits(so) {
      waiting = so
    },
    noted(text) {
      if (text.startsWith('server ')) server = text
    },
  }
  const connected: Listener = {
    served() {
      joined = true
      return 'connected: from here on data passes both ways'
    },
  }
  const runtime = await buildRuntime(configuration, {
    provider,
    wheel: new Wheel(clock),
    gauges: new GaugeMemory(),
    clock: Date.now,
    random: () => 0,
    plugins,
    global: configuration.global,
    bufferSize: configuration.global.get(tuneBufsize) ?? BUFFER_SIZE,
    maxconn: 0,
    tracer: (_id, side) => {
      const to = provider.connections.at(-1)?.to
      if (side === 'connect' && to !== undefined) print(`connects to ${formatAddress(to)}`)
      return new ExplainTrace(print, clock, side === 'accept' ? '' : '  ', side === 'accept' ? accepted : connected)
    },
    sinkFor: () => undefined,
    notice: (text) => print(`notice: ${text}`),
    warnOnce: (text) => print(`warning: ${text}`),
    bug: (where, error) => print(`bug: ${where}: ${messageOf(error)}`),
  })
  for (const problem of await runtime.start()) print(problem)
  const binds = runtime.frontends.flatMap((frontend) => frontend.binds.map((bind) => ({ frontend: frontend.name, bind })))
  const chosen = chooseBind(binds, imagined)
  if (chosen === undefined) {
    const there = binds.filter(({ frontend }) => imagined.frontend === undefined || frontend === imagined.frontend)
    const list = there.slice(0, 6).map(({ frontend, bind }) => `${formatAddress(bind.listener.address)} (${frontend})`)
    const known = list.length === 0 ? '' : `; there are ${list.join(', ')}${there.length > list.length ? ` and ${there.length - list.length} more` : ''}`
    print(imagined.dst === undefined ? 'no bind line' : `no bind line listens on ${formatAddress(imagined.dst)}${imagined.frontend === undefined ? '' : ` in frontend '${imagined.frontend}'`}${known}`)
    return 1
  }
  const local = arrival(chosen.bind.listener.address, imagined.dst)
  print(`connection from ${formatAddress(imagined.src)} to ${formatAddress(local)}: frontend ${chosen.frontend}, bind line ${chosen.bind.place}`)
  const script = { bytes: Buffer.concat([imagined.proxyHeader, imagined.hello ?? Buffer.alloc(0)]), inside: imagined.bytes, ends: imagined.ends, certificate: imagined.certificate }
  client = new ScriptedSock(script, local, imagined.src)
  if (!chosen.bind.admit(client)) {
    print('not admitted: there is no room under a maxconn')
    return 1
  }
  // all that can happen at one moment, then on to the next
  do {
    await setImmediate()
    for (const until = Date.now() + REAL_MS; waiting && Date.now() < until; ) await setTimeout(5)
    waiting = false
  } while (!joined && runtime.remaining() > 0 && clock.passed < PATIENCE_MS && clock.jump())

  const reached = provider.connections.at(-1)?.to
  if (joined && reached !== undefined) print(`ends at ${server} (${formatAddress(reached)})`)
  else if (client.done.length > 0) print(`the client gets ${endText(client.done)}`)
  else print('waits for the client: nothing more happens by itself')
  runtime.kill()
  return 0
}
