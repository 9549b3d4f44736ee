// Owns the steps of a connection's end: which of the wanted ones can be taken now, in what order, and what each takes.
//
//   write side  data: all output is out, then the layer's own good-bye ──► ctrl: FIN ──► sock
//   read side   data ──► ctrl: input is read and thrown away until the peer's end ──► sock
//
// How far each has come is core/shut.ts's number and nothing else; a step that cannot be completed is taken up again at the next event.

import type { Bytes } from '../core/bytes.ts'
import { CLOSED, complete, completeAll, CTRL, DATA, R, SOCK, start, turn, W, type Shut } from '../core/shut.ts'
import { EMPTY_IN, ERR_IN, ERR_OUT, SHUT_IN, type DataLayer } from '../core/sock.ts'

/** Reads of a drain before others get their turn. */
const ROUNDS = 16

/** What an end is about. */
export interface Ending {
  shut: Shut
  readonly layer: DataLayer
  readonly input: Bytes
  readonly output: Bytes
}

/** Takes the steps that can be taken now. `alone`: it has no user any more to whom the peer's last words would matter. */
export function advance(conn: Ending, alone: boolean): void {
  advanceW(conn, alone)
  advanceR(conn)
}

function advanceW(conn: Ending, alone: boolean): void {
  for (;;) {
    const layer = turn(conn.shut, W)
    if (layer === -1) return
    if (layer === DATA && conn.output.length > 0) {
      const flow = conn.layer.flush(conn.output)
      if (flow & ERR_OUT) {
        // What was said last is lost. So is the peer, but what it said is still its reader's.
        conn.shut = alone ? CLOSED : completeAll(conn.shut, W)
        return
      }
      if (conn.output.length > 0) return
    }
    conn.shut = start(conn.shut, layer, W)
    if (layer === DATA && !conn.layer.shutData()) return
    if (layer === CTRL && !conn.layer.shutCtrl()) return
    conn.shut = complete(conn.shut, layer, W)
  }
}

function advanceR(conn: Ending): void {
  for (;;) {
    const layer = turn(conn.shut, R)
    if (layer === -1) return
    conn.shut = start(conn.shut, layer, R)
    if (layer === CTRL && !drained(conn)) return
    conn.shut = complete(conn.shut, layer, R)
    if (layer === SOCK) return
  }
}

/** Reads and throws away. True when the peer's end was read. */
function drained({ layer, input }: Ending): boolean {
  for (let reads = 0; reads < ROUNDS; reads++) {
    const flow = layer.fill(input)
    input.clear()
    if (flow & (SHUT_IN | ERR_IN)) return true
    if (flow & EMPTY_IN) return false
  }
  layer.again()
  return false
}
