// Owns what `npm test` prints: tap's stream made short. One line per passing file, every failing test with its diagnostics in
// full, every skip with its reason, and the plain line `N passed, N failed` at the very end.
//
// tap wants a Transform and takes the module's default export; it is loaded from here, not from dist, so it is JavaScript.

import { Transform } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'

const FILE_RESULT = /^(not )?ok \d+ - (.*)$/
const RESULT = /^( *)(not )?ok \d+/
const TOTALS = /^# \{ (.*) \}$/
/** What tap itself says between results; anything else in a file's stream is that program's own output. */
const TAP_WORDS = /^\s*(TAP version \d+|1\.\.\d+.*|# Subtest: .*|# time=.*|# \{ .*|# No coverage generated|)$/

export default class CiReporter extends Transform {
  #decoder = new StringDecoder('utf8')
  #partial = ''
  /** Lines of the file under way that are worth showing, and those only if it fails. */
  #shown = []
  #stray = []
  /** Indent of the failing result whose diagnostics are being read, -1: none; 'passing' diagnostics are thrown away. */
  #yaml = { indent: -1, show: false, open: false }
  #totals = null

  _transform(chunk, _encoding, done) {
    const lines = (this.#partial + (typeof chunk === 'string' ? chunk : this.#decoder.write(chunk))).split('\n')
    this.#partial = lines.pop() ?? ''
    for (const line of lines) this.#line(line)
    done()
  }

  _flush(done) {
    if (this.#partial !== '') this.#line(this.#partial)
    for (const line of this.#shown) this.push(`${line}\n`)
    this.push(`\n${this.#summary()}\n`)
    done()
  }

  #line(line) {
    if (this.#diagnostics(line)) return
    const file = FILE_RESULT.exec(line)
    if (file !== null) return this.#file(line, file[1] !== undefined)
    const totals = TOTALS.exec(line)
    if (totals !== null) {
      this.#totals = totals[1] ?? ''
      return
    }
    const result = RESULT.exec(line)
    if (result !== null) {
      const failed = result[2] !== undefined
      this.#yaml = { indent: (result[1] ?? '').length, show: failed, open: false }
      if (failed || / # (SKIP|TODO)\b/.test(line)) this.#shown.push(line)
      return
    }
    if (!TAP_WORDS.test(line)) this.#stray.push(line)
  }

  /** True when the line belongs to a result's diagnostics: from `---` to `...`, two columns right of the result. */
  #diagnostics(line) {
    const at = this.#yaml
    if (at.indent < 0) return false
    const margin = ' '.repeat(at.indent + 2)
    if (!at.open) {
      at.open = line === `${margin}---`
      if (!at.open) at.indent = -1
    }
    if (!at.open) return false
    if (at.show) this.#shown.push(line)
    if (line === `${margin}...`) this.#yaml = { indent: -1, show: false, open: false }
    return true
  }

  #file(line, failed) {
    if (failed) {
      for (const stray of this.#stray) this.push(`    ${stray.trimStart()}\n`)
    }
    for (const shown of this.#shown) this.push(`${shown}\n`)
    this.push(`${line}\n`)
    this.#shown = []
    this.#stray = []
    this.#yaml = { indent: 0, show: failed, open: false }
  }

  #summary() {
    // Without totals the runner itself broke off: that is a failure, and nothing is known to have passed.
    if (this.#totals === null) return 'tap ended without its totals\n0 passed, 1 failed'
    const counts = new Map(this.#totals.split(', ').map((part) => [part.split(': ')[0], Number(part.split(': ')[1])]))
    const parts = [`${counts.get('pass') ?? 0} passed`, `${counts.get('fail') ?? 0} failed`]
    // What is to do was not done: it counts as skipped, and its reason stands above.
    const skipped = (counts.get('skip') ?? 0) + (counts.get('todo') ?? 0)
    if (skipped > 0) parts.push(`${skipped} skipped`)
    return parts.join(', ')
  }
}
