// Owns cutting a PEM file into its blocks, without copying or decoding what is in them.

const BEGIN = Buffer.from('-----BEGIN ')
const END = Buffer.from('-----END ')

export interface PemBlock {
  /** `CERTIFICATE`, `PRIVATE KEY`, `EC PRIVATE KEY`, `X509 CRL` … */
  readonly label: string
  /** From BEGIN to END, a view. */
  readonly pem: Buffer
}

/** The blocks in order. A block without its end is not one. */
export function pemBlocks(file: Buffer): PemBlock[] {
  const blocks: PemBlock[] = []
  for (let at = file.indexOf(BEGIN); at >= 0; ) {
    const close = file.indexOf('-----', at + BEGIN.length)
    const end = close < 0 ? -1 : file.indexOf(END, close)
    const done = end < 0 ? -1 : file.indexOf('-----', end + END.length)
    if (done < 0) break
    blocks.push({ label: file.toString('latin1', at + BEGIN.length, close), pem: file.subarray(at, done + 5) })
    at = file.indexOf(BEGIN, done + 5)
  }
  return blocks
}
