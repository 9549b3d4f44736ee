// Owns telling whether bytes are the head of an HTTP/1 request, or may become one: for rules that keep HTTP apart from what is not.

const METHOD = /^(?:\r?\n)*[A-Za-z0-9!#$%&'*+.^_`|~-]+(?: |$)/
const START = /^(?:\r?\n)*[A-Za-z0-9!#$%&'*+.^_`|~-]+ +[!-~]+(?: +([A-Z0-9/.]+))?\r?\n/
const HEADER = /(?:[A-Za-z0-9!#$%&'*+.^_`|~-]+:|[ \t])[^\r\n]*\r?\n/y
const END = /\r?\n/y

/** 'short': it may become one. */
export function looksLikeHttp(bytes: Buffer): boolean | 'short' {
  const text = bytes.toString('latin1')
  const lineEnd = text.replace(/^(?:\r?\n)+/, (skipped) => ' '.repeat(skipped.length)).indexOf('\n')
  if (lineEnd < 0) return /^[\r\n]*$/.test(text) || METHOD.test(text) ? 'short' : false
  const start = START.exec(text)
  if (start === null) return false
  // a request without a version is one of HTTP/0.9: the line is all of it
  if (start[1] === undefined) return true
  for (let at = start[0].length; ; ) {
    END.lastIndex = at
    if (END.test(text)) return true
    const next = text.indexOf('\n', at)
    if (next < 0) return 'short'
    HEADER.lastIndex = at
    if (!HEADER.test(text)) return false
    at = next + 1
  }
}
