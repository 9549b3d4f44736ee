// Owns telling whether bytes are the head of an HTTP/1 request, or may become one: for rules that keep HTTP apart from what is not.

const METHOD = /^(?:\r?\n)*[A-Za-z0-9!#$%&'*+.^_`|~-]+(?: |$)/
const START = /^(?:\r?\n)*([A-Za-z0-9!#$%&'*+.^_`|~-]+) +[!-~]+ *(?: +([A-Z0-9/.]+))?\r?\n/
const HEADER = /(?:([A-Za-z0-9!#$%&'*+.^_`|~-]+):|[ \t])[ \t]*([^\r\n]*)\r?\n/y
const END = /\r?\n/y

/** 'short': it may become one. */
export function looksLikeHttp(bytes: Buffer): boolean | 'short' {
  const text = bytes.toString('latin1')
  const lineEnd = text.replace(/^(?:\r?\n)+/, (skipped) => ' '.repeat(skipped.length)).indexOf('\n')
  if (lineEnd < 0) return /^[\r\n]*$/.test(text) || METHOD.test(text) ? 'short' : false
  const start = START.exec(text)
  if (start === null) return false
  // a request without a version is one of HTTP/0.9, which has no other method: the line is all of it. `EHLO example.com` is SMTP.
  if (start[2] === undefined) return start[1] === 'GET'
  const framing: Framing = { length: undefined, host: undefined }
  for (let at = start[0].length; ; ) {
    END.lastIndex = at
    if (END.test(text)) return true
    const next = text.indexOf('\n', at)
    if (next < 0) return 'short'
    HEADER.lastIndex = at
    const header = HEADER.exec(text)
    // there is nothing that the first header could go on with
    if (header === null || (header[1] === undefined && at === start[0].length)) return false
    if (!sound(header[1]?.toLowerCase(), header[2]?.trimEnd() ?? '', framing)) return false
    at = next + 1
  }
}

/** What headers may not say twice in different words. */
interface Framing {
  length: string | undefined
  host: string | undefined
}

/** Headers on which the length of a message or its destination depends. */
function sound(name: string | undefined, value: string, framing: Framing): boolean {
  if (name === 'content-length') {
    return value.split(',').every((part) => {
      const digits = part.trim()
      framing.length ??= digits
      return /^[0-9]+$/.test(digits) && digits === framing.length
    })
  }
  if (name === 'transfer-encoding') return /(?:^|,)[ \t]*chunked$/i.test(value)
  if (name !== 'host') return true
  framing.host ??= value
  return value === framing.host
}
