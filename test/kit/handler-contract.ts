// Owns what every handler has to stand: its input cut anywhere, silence, an early end, a reset, bytes that are not its own.

import type { Handler, Handshake, MakeHandler, Verdict } from 'headgate/plugin'
import { FakeHandshake, PASSED_ON, type FakeOptions } from './fake-handshake.ts'

/** The part of a test library that this needs; tap's and node:test's `t.assert` have it. */
export interface Check {
  same(found: unknown, wanted: unknown, message: string): unknown
}

export interface ContractCase {
  /** For messages. */
  readonly name: string
  readonly make: MakeHandler
  /** What the peer says to this handler, no byte more. Empty for one that waits for nothing. */
  readonly input: Uint8Array | string
  /** Default: every handler said next(), and what it did not take is there for the next. */
  readonly outcome?: 'passed on' | 'served' | 'refused'
  /** Default: nothing, unless an app is served, which may say what it likes. */
  readonly says?: Uint8Array | string
  readonly options?: FakeOptions
  /** Looks at a connection on which all of the input has arrived, whatever its cuts. */
  readonly check?: (t: FakeHandshake) => void
}

const TAIL = 'xTAIL'

/**
 * Runs the handler on its input: at once, cut in two at each byte, byte by byte, with more behind it; then with silence, the peer's end and its
 * reset after each byte. Fails with one list of what went wrong in which of them.
 */
export async function handlerContract(t: Check, contract: ContractCase): Promise<void> {
  const { make, options } = contract
  const input = Buffer.from(contract.input)
  const wanted = contract.outcome ?? 'passed on'
  const problems: string[] = []

  const run = async (what: string, act: (hs: FakeHandshake) => void | Promise<void>): Promise<FakeHandshake> => {
    const lives: Life[] = []
    const problem = (text: string): void => {
      problems.push(`${what}: ${text}`)
    }
    const hs = new FakeHandshake(watched(make, options?.bufferSize ?? 16_384, lives, problem), options)
    await hs.settle()
    await act(hs)
    await hs.settle()
    if (hs.outcome === undefined) hs.connection.reset() // a handler that still waits is ended by whatever ends the connection
    for (const bug of hs.bugs) problem(`threw ${String(bug)}`)
    if (hs.outcome !== undefined && 'refused' in hs.outcome && hs.outcome.why.cause === 'bug') problem(`threw ${hs.outcome.why.detail ?? ''}`)
    if (lives.length !== 1) problem(`made ${lives.length} times`)
    for (const { ends } of lives) if (ends !== 1) problem(`end() called ${ends} times`)
    return hs
  }
  const feed = async (hs: FakeHandshake, pieces: readonly Buffer[]): Promise<void> => {
    for (const piece of pieces) {
      if (piece.length > 0) hs.arrive(piece)
      await hs.settle()
    }
  }

  /** All of the input has arrived: the same must have come of it however it was cut. */
  const whole = async (what: string, pieces: readonly Buffer[], rest: string): Promise<void> => {
    const hs = await run(what, (connection) => feed(connection, pieces))
    const kind = hs.outcome === undefined ? 'waits' : 'refused' in hs.outcome ? 'refused' : hs.outcome.served === PASSED_ON ? 'passed on' : 'served'
    if (kind !== wanted) problems.push(`${what}: ${kind} ${JSON.stringify(hs.outcome)}, wanted ${wanted}`)
    if ((kind !== 'served' || contract.says !== undefined) && !hs.said.equals(Buffer.from(contract.says ?? ''))) problems.push(`${what}: said ${JSON.stringify(hs.said.toString('latin1'))}`)
    if (kind === 'passed on' && hs.rest.toString('latin1') !== rest) problems.push(`${what}: left ${JSON.stringify(hs.rest.toString('latin1'))}, wanted ${JSON.stringify(rest)}`)
    try {
      contract.check?.(hs)
    } catch (error) {
      problems.push(`${what}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  const bytes = [...input].map((byte) => Buffer.of(byte))
  await whole('at once', [input], '')
  for (let cut = 1; cut < input.length; cut++) await whole(`cut at ${cut}`, [input.subarray(0, cut), input.subarray(cut)], '')
  await whole('byte by byte', bytes, '')
  await whole('one byte too many', [Buffer.concat([input, Buffer.from('x')])], 'x')
  await whole('more behind it', [Buffer.concat([input, Buffer.from(TAIL)])], TAIL)
  await whole('byte by byte, more behind it', [...bytes, Buffer.from(TAIL)], TAIL)

  // What is not all of its input: whatever it does, it is over once and has a cause.
  for (let n = 0; n < input.length; n++) {
    const start = [input.subarray(0, n)]
    const silent = await run(`silence after ${n}`, async (hs) => {
      await feed(hs, start)
      hs.elapse((options?.handshakeMs ?? 10_000) + 10)
    })
    if (silent.outcome === undefined) problems.push(`silence after ${n}: waits for ever`)
    let waited = false
    const ended = await run(`end after ${n}`, async (hs) => {
      await feed(hs, start)
      waited = hs.outcome === undefined
      hs.peerEnds()
    })
    if (ended.outcome === undefined) problems.push(`end after ${n}: waits for ever`)
    else if (waited && 'refused' in ended.outcome && (ended.outcome.why.cause === 'empty') !== (n === 0)) problems.push(`end after ${n}: cause '${ended.outcome.why.cause}'`)
    await run(`reset after ${n}`, async (hs) => {
      await feed(hs, start)
      hs.sock.breaks('ECONNRESET')
    })
  }
  t.same(problems, [], contract.name)
}

interface Life {
  ends: number
}

/** The handler, with every verdict looked at and every end() counted. */
function watched(make: MakeHandler, bufferSize: number, lives: Life[], problem: (text: string) => void): MakeHandler {
  return () => {
    const handler = make()
    const life: Life = { ends: 0 }
    lives.push(life)
    const watch: Handler = {
      name: handler.name,
      ...(handler.details === undefined ? {} : { details: handler.details }),
      step(hs: Handshake): Verdict {
        if (life.ends > 0) problem('step() after end()')
        const verdict = handler.step(hs)
        const bad = malformed(verdict, hs.bytes.length, bufferSize)
        if (bad !== undefined) problem(bad)
        return verdict
      },
      end(): void {
        life.ends++
        handler.end?.()
      },
    }
    return watch
  }
}

function malformed(verdict: Verdict, has: number, bufferSize: number): string | undefined {
  switch (verdict.verdict) {
    case 'more':
      if (!Number.isInteger(verdict.total) || verdict.total <= has) return `asks for ${verdict.total} bytes and has ${has}`
      return verdict.total > bufferSize ? `asks for ${verdict.total} bytes, more than the buffer of ${bufferSize}` : undefined
    case 'close':
    case 'reset':
    case 'drop':
      return verdict.why.detail !== undefined && /[\r\n]/.test(verdict.why.detail) ? `its detail is not one line: ${verdict.why.detail}` : undefined
    default:
      return undefined
  }
}
