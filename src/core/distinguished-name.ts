// Owns distinguished names as text: OpenSSL's one line, `/C=FR/CN=name`, RFC 2253's, `CN=name,C=FR`, and single entries.

import { dottedOid, type NamePart } from './x509-fields.ts'

/** OpenSSL's short names. */
const NAMES = new Map([
  ['550403', 'CN'],
  ['550404', 'SN'],
  ['550405', 'serialNumber'],
  ['550406', 'C'],
  ['550407', 'L'],
  ['550408', 'ST'],
  ['550409', 'street'],
  ['55040a', 'O'],
  ['55040b', 'OU'],
  ['55040c', 'title'],
  ['55040d', 'description'],
  ['55040f', 'businessCategory'],
  ['550410', 'postalAddress'],
  ['550411', 'postalCode'],
  ['550412', 'postOfficeBox'],
  ['550414', 'telephoneNumber'],
  ['550429', 'name'],
  ['55042a', 'GN'],
  ['55042b', 'initials'],
  ['55042c', 'generationQualifier'],
  ['55042d', 'x500UniqueIdentifier'],
  ['55042e', 'dnQualifier'],
  ['550441', 'pseudonym'],
  ['550448', 'role'],
  ['550461', 'organizationIdentifier'],
  ['2a864886f70d010901', 'emailAddress'],
  ['2a864886f70d010902', 'unstructuredName'],
  ['0992268993f22c640101', 'UID'],
  ['0992268993f22c640119', 'DC'],
  ['2b0601040182373c020101', 'jurisdictionL'],
  ['2b0601040182373c020102', 'jurisdictionST'],
  ['2b0601040182373c020103', 'jurisdictionC'],
])

const nameOf = (part: NamePart): string => NAMES.get(part.oid) ?? dottedOid(part.oid)

const UNIVERSAL_STRING = 0x1c
const BMP_STRING = 0x1e
const UTF8_STRING = 0x0c
/** Tags whose contents are text: UTF8, Numeric, Printable, T61, IA5, Visible, Universal, BMP. */
const TEXT = new Set([UTF8_STRING, 0x12, 0x13, 0x14, 0x16, 0x1a, UNIVERSAL_STRING, BMP_STRING])

/** `/C=FR/CN=name`, values byte for byte (latin1). */
export function oneLine(name: readonly NamePart[]): string {
  return name.map((part) => `/${nameOf(part)}=${part.value}`).join('')
}

/**
 * The nth entry of this kind from the beginning, from the end when `nth` is negative; the kind's letters may be of either case.
 * undefined: there are not so many.
 */
export function nameEntry(name: readonly NamePart[], kind: string, nth: number): string | undefined {
  const wanted = kind.toLowerCase()
  const found = name.filter((part) => nameOf(part).toLowerCase() === wanted)
  return found[nth > 0 ? nth - 1 : found.length + nth]?.value
}

function utf8(part: NamePart): Buffer {
  const bytes = Buffer.from(part.value, 'latin1')
  if (part.tag === UTF8_STRING) return bytes
  if (part.tag !== BMP_STRING && part.tag !== UNIVERSAL_STRING) return Buffer.from(part.value, 'utf8')
  const width = part.tag === BMP_STRING ? 2 : 4
  let text = ''
  for (let at = 0; at + width <= bytes.length; at += width) {
    const code = bytes.readUIntBE(at, width)
    text += code > 0x10ffff ? '\ufffd' : String.fromCodePoint(code)
  }
  return Buffer.from(text, 'utf8')
}

/** A value as RFC 2253 section 2.4 writes it, bytes that are no ASCII as \XX; what is no text, or of no known kind, as its DER in hex. */
function escaped(part: NamePart): string {
  if (!TEXT.has(part.tag) || !NAMES.has(part.oid)) return `#${part.der.toString('hex').toUpperCase()}`
  const bytes = utf8(part)
  let out = ''
  for (const [i, byte] of bytes.entries()) {
    const c = String.fromCharCode(byte)
    if (byte < 0x20 || byte >= 0x7f) out += `\\${byte.toString(16).toUpperCase().padStart(2, '0')}`
    else if (',+"\\<>;'.includes(c) || (i === 0 && (c === '#' || c === ' ')) || (i === bytes.length - 1 && c === ' ')) out += `\\${c}`
    else out += c
  }
  return out
}

/** RFC 2253: the last relative name first, parts of one joined by `+`. */
export function rfc2253(name: readonly NamePart[]): string {
  let out = ''
  for (let i = name.length - 1; i >= 0; i--) {
    const part = name[i]
    if (part !== undefined) out += `${i === name.length - 1 ? '' : name[i + 1]?.joined === true ? '+' : ','}${nameOf(part)}=${escaped(part)}`
  }
  return out
}
