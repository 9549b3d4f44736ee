// Owns the closing state of a connection: three layers × two ways × two bits, one 12-bit number.
//
//            sock         ctrl         data
//          w      r     w      r     w      r
//        11 10   9 8   7 6   5 4   3 2   1 0      two bits each:
//
//   00 not wanted   10 wanted, not started   11 started, not completed   01 completed
//
// so a field that is not 0 is wanted, one with bit 0 is at least started, one with bit 1 is not completed.
// 01 is *done*: the field is not a counter. Whether a connection is half-closed, draining or closed is
// computed from the number and never stored beside it.
//
// Each way is shut data → ctrl → sock: a layer can be started only when the one above it is completed.
//   data  what the bytes mean:            w: the layer's own end is said (close_notify), r: the peer's end was read, or is not waited for
//   ctrl  how an end is announced:        w: FIN sent,                                    r: FIN received, or the drain is over
//   sock  the descriptor:                 w: nothing more goes out,                       r: nothing more is read
// The descriptor is released when both ways are completed at sock.

/** Closing state, 12 bits. 0 is an open connection. */
export type Shut = number

/** Bit offset of a layer's four bits. */
export const DATA = 0
export const CTRL = 4
export const SOCK = 8
export type Layer = typeof DATA | typeof CTRL | typeof SOCK

/** Bit offset of a way within its layer. */
export const R = 0
export const W = 2
export type Way = typeof R | typeof W

export const NOT_WANTED = 0b00
export const WANTED = 0b10
export const STARTED = 0b11
export const DONE = 0b01
export type Stage = 0 | 1 | 2 | 3

const LAYERS: readonly Layer[] = [DATA, CTRL, SOCK]
const ALL_DONE_R = (DONE << (DATA + R)) | (DONE << (CTRL + R)) | (DONE << (SOCK + R))
const ALL_DONE_W = (DONE << (DATA + W)) | (DONE << (CTRL + W)) | (DONE << (SOCK + W))
const MASK_R = 0b0011_0011_0011
const MASK_W = 0b1100_1100_1100

/** Both ways completed in every layer. */
export const CLOSED: Shut = ALL_DONE_R | ALL_DONE_W

export function stage(shut: Shut, layer: Layer, way: Way): Stage {
  const bits = (shut >> (layer + way)) & 0b11
  return bits === 0 ? 0 : bits === 1 ? 1 : bits === 2 ? 2 : 3
}

function put(shut: Shut, layer: Layer, way: Way, value: Stage): Shut {
  const at = layer + way
  return (shut & ~(0b11 << at)) | (value << at)
}

/** Asks for a way to be shut in every layer. What was asked for before is left as it is: an end is idempotent. */
export function want(shut: Shut, way: Way): Shut {
  for (const layer of LAYERS) {
    if (stage(shut, layer, way) === NOT_WANTED) shut = put(shut, layer, way, WANTED)
  }
  return shut
}

/**
 * The layer whose turn it is in this way: wanted and not completed, and everything above it completed.
 * Returns -1 when nothing is wanted or all of it is completed.
 */
export function turn(shut: Shut, way: Way): Layer | -1 {
  for (const layer of LAYERS) {
    const bits = stage(shut, layer, way)
    if (bits === NOT_WANTED) return -1
    if (bits !== DONE) return layer
  }
  return -1
}

/** Marks a layer as started. Throws when it is not that layer's turn: the engine's order is a contract. */
export function start(shut: Shut, layer: Layer, way: Way): Shut {
  if (turn(shut, way) !== layer) throw new Error(`shut: layer ${layer} way ${way} started out of turn in ${format(shut)}`)
  return put(shut, layer, way, STARTED)
}

/** Marks a layer as completed, from wanted or started. Throws when it is not that layer's turn. */
export function complete(shut: Shut, layer: Layer, way: Way): Shut {
  if (turn(shut, way) !== layer) throw new Error(`shut: layer ${layer} way ${way} completed out of turn in ${format(shut)}`)
  return put(shut, layer, way, DONE)
}

/** A way that ended by itself in all layers at once: the peer's reset, or a descriptor that is gone. */
export function completeAll(shut: Shut, way: Way): Shut {
  return way === R ? (shut & ~MASK_R) | ALL_DONE_R : (shut & ~MASK_W) | ALL_DONE_W
}

/** This way is asked for, whether or not it is completed: nothing new is to be sent (W) or delivered (R). */
export function ending(shut: Shut, way: Way): boolean {
  return stage(shut, DATA, way) !== NOT_WANTED
}

/** This way is completed in every layer. */
export function ended(shut: Shut, way: Way): boolean {
  return way === R ? (shut & MASK_R) === ALL_DONE_R : (shut & MASK_W) === ALL_DONE_W
}

export function closed(shut: Shut): boolean {
  return shut === CLOSED
}

/** Exactly one way has been ended by its peer's or our own announcement. */
export function halfClosed(shut: Shut): boolean {
  return (stage(shut, CTRL, R) === DONE) !== (stage(shut, CTRL, W) === DONE)
}

/** Input is read only to be thrown away, so that the descriptor is not closed over unread bytes. */
export function draining(shut: Shut): boolean {
  return ending(shut, R) && stage(shut, CTRL, R) !== DONE
}

const STAGE_NAMES = ['-', 'done', 'wanted', 'started'] as const

/** For traces: `data r=done w=- ctrl r=started w=- sock r=wanted w=-`. */
export function format(shut: Shut): string {
  const name = (layer: Layer): string => `r=${STAGE_NAMES[stage(shut, layer, R)]} w=${STAGE_NAMES[stage(shut, layer, W)]}`
  return `data ${name(DATA)} ctrl ${name(CTRL)} sock ${name(SOCK)}`
}
