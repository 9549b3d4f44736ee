// Encrypted tokens: the vectors of the RFCs, every algorithm there and back, and all that does not open.

import { constants, createCipheriv, createHmac, createPrivateKey, diffieHellman, generateKeyPairSync, publicEncrypt, type KeyObject } from 'node:crypto'
import t from 'tap'
import { concatKdf, openToken } from '../../src/sample/jwe.ts'
import { Section, subject } from './section.ts'

const b64 = (bytes: Buffer | string): string => Buffer.from(bytes).toString('base64url')
/** The same bytes each time. */
const bytes = (size: number, seed = 1): Buffer => Buffer.from(Array.from({ length: size }, (_, i) => (i * 31 + seed * 7) & 255))

// RFC 7516 appendix A.3
const A3 = 'eyJhbGciOiJBMTI4S1ciLCJlbmMiOiJBMTI4Q0JDLUhTMjU2In0.6KB707dM9YTIgHtLvtgWQ8mKwboJW3of9locizkDTHzBC2IlrT1oOQ.AxY8DCtDaGlsbGljb3RoZQ.KDlTtXchhZTGufMYmOYGS4HffxPSUrfmqCHXaI9wOGY.U0m_YmjN04DJvceFICbCVQ'
const A3_KEY = 'GawgguFyGrWKav7AX4VKUg'

const SIZES: Readonly<Record<string, number>> = { A128GCM: 16, A192GCM: 24, A256GCM: 32, 'A128CBC-HS256': 32, 'A192CBC-HS384': 48, 'A256CBC-HS512': 64 }

const gcm = (key: Buffer) => (key.length === 16 ? 'aes-128-gcm' : key.length === 24 ? 'aes-192-gcm' : 'aes-256-gcm')

function seal(header: object, encryptedKey: Buffer, cek: Buffer, enc: string, text: string): string {
  const head = b64(JSON.stringify(header))
  const iv = bytes(enc.endsWith('GCM') ? 12 : 16, 3)
  let sealed: Buffer
  let tag: Buffer
  if (enc.endsWith('GCM')) {
    const cipher = createCipheriv(gcm(cek), cek, iv)
    cipher.setAAD(Buffer.from(head))
    sealed = Buffer.concat([cipher.update(text), cipher.final()])
    tag = cipher.getAuthTag()
  } else {
    const half = cek.length / 2
    const cipher = createCipheriv(`aes-${half * 8}-cbc`, cek.subarray(half), iv)
    sealed = Buffer.concat([cipher.update(text), cipher.final()])
    const length = Buffer.alloc(8)
    length.writeUInt32BE(head.length * 8, 4)
    tag = createHmac(`sha${half * 16}`, cek.subarray(0, half)).update(head).update(iv).update(sealed).update(length).digest().subarray(0, half)
  }
  return [head, b64(encryptedKey), b64(iv), b64(sealed), b64(tag)].join('.')
}

function wrap(kek: Buffer, cek: Buffer): Buffer {
  const cipher = createCipheriv(`id-aes${kek.length * 8}-wrap`, kek, Buffer.alloc(8, 0xa6))
  return Buffer.concat([cipher.update(cek), cipher.final()])
}

/** A token of this algorithm for this key. */
function token(alg: string, enc: string, key: Buffer | KeyObject, publicKey?: KeyObject): string {
  const cek = alg === 'dir' && Buffer.isBuffer(key) ? key : bytes(SIZES[enc] ?? 0, 5)
  if (Buffer.isBuffer(key)) {
    if (alg === 'dir') return seal({ alg, enc }, Buffer.alloc(0), cek, enc, 'hello')
    if (!alg.endsWith('GCMKW')) return seal({ alg, enc }, wrap(key, cek), cek, enc, 'hello')
    const iv = bytes(12, 9)
    const cipher = createCipheriv(gcm(key), key, iv)
    const encrypted = Buffer.concat([cipher.update(cek), cipher.final()])
    return seal({ alg, enc, iv: b64(iv), tag: b64(cipher.getAuthTag()) }, encrypted, cek, enc, 'hello')
  }
  if (publicKey === undefined) throw new Error('no public key')
  if (alg.startsWith('RSA')) return seal({ alg, enc }, publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: alg.endsWith('256') ? 'sha256' : 'sha1' }, cek), cek, enc, 'hello')
  const namedCurve = key.asymmetricKeyDetails?.namedCurve ?? ''
  const ephemeral = generateKeyPairSync('ec', { namedCurve })
  const secret = diffieHellman({ privateKey: ephemeral.privateKey, publicKey })
  const header = { alg, enc, epk: ephemeral.publicKey.export({ format: 'jwk' }), apu: b64('Alice'), apv: b64('Bob') }
  const size = alg === 'ECDH-ES' ? (SIZES[enc] ?? 0) : Number(/A(\d+)KW/.exec(alg)?.[1]) / 8
  const derived = concatKdf(secret, alg === 'ECDH-ES' ? enc : alg, Buffer.from('Alice'), Buffer.from('Bob'), size)
  return alg === 'ECDH-ES' ? seal(header, Buffer.alloc(0), derived, enc, 'hello') : seal(header, wrap(derived, cek), cek, enc, 'hello')
}

const opened = (text: string, key: Buffer | KeyObject): string | undefined => openToken(text, key)?.toString()

t.test('the vectors of the RFCs', async (t) => {
  t.equal(opened(A3, Buffer.from(A3_KEY, 'base64url')), 'Live long and prosper.')
  // RFC 7518 appendix C
  const alice = { kty: 'EC', crv: 'P-256', x: 'gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0', y: 'SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps', d: '0_NxaRPUMQoAJt50Gz8YiTr8gRTwyEaCumd-MToTmIo' }
  const bob = { kty: 'EC', crv: 'P-256', x: 'weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ', y: 'e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck', d: 'VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw' }
  const secret = diffieHellman({ privateKey: createPrivateKey({ key: alice, format: 'jwk' }), publicKey: createPrivateKey({ key: bob, format: 'jwk' }) })
  t.equal(b64(concatKdf(secret, 'A128GCM', Buffer.from('Alice'), Buffer.from('Bob'), 16)), 'VqqN6vgjbSBcIijNcacQGg')
})

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const curves = ['P-256', 'P-384', 'P-521'].map((namedCurve) => generateKeyPairSync('ec', { namedCurve }))

t.test('every algorithm', async (t) => {
  for (const enc of Object.keys(SIZES)) {
    const direct = bytes(SIZES[enc] ?? 0, 2)
    t.equal(opened(token('dir', enc, direct), direct), 'hello', `dir ${enc}`)
    for (const size of [128, 192, 256]) {
      const key = bytes(size / 8, 4)
      for (const alg of [`A${size}KW`, `A${size}GCMKW`]) t.equal(opened(token(alg, enc, key), key), 'hello', `${alg} ${enc}`)
      for (const { privateKey, publicKey } of curves) t.equal(opened(token(`ECDH-ES+A${size}KW`, enc, privateKey, publicKey), privateKey), 'hello', `ECDH-ES+A${size}KW ${enc}`)
    }
    for (const { privateKey, publicKey } of curves) t.equal(opened(token('ECDH-ES', enc, privateKey, publicKey), privateKey), 'hello', `ECDH-ES ${enc}`)
    for (const alg of ['RSA-OAEP', 'RSA-OAEP-256']) t.equal(opened(token(alg, enc, rsa.privateKey, rsa.publicKey), rsa.privateKey), 'hello', `${alg} ${enc}`)
  }
})

t.test('what does not open', async (t) => {
  const key = Buffer.from(A3_KEY, 'base64url')
  for (let n = 0; n < A3.length; n++) t.equal(opened(A3.slice(0, n), key), undefined, `cut at ${n}`)
  const changed: string[] = []
  for (let n = 0; n < A3.length; n++) {
    if (A3[n] === '.') continue
    const other = `${A3.slice(0, n)}${A3[n] === 'A' ? 'g' : 'A'}${A3.slice(n + 1)}`
    // the last character of a part has bits that mean nothing, in all but the header
    const same = other.split('.').every((text, i) => Buffer.from(text, 'base64url').equals(Buffer.from(A3.split('.')[i] ?? '', 'base64url')))
    if (opened(other, key) !== undefined && !(same && n > A3.indexOf('.'))) changed.push(String(n))
  }
  t.same(changed, [], 'one character changed')
  t.equal(opened(A3, bytes(16)), undefined, 'another key')
  t.equal(opened(A3, bytes(32)), undefined, 'a longer key')
  t.equal(opened(A3, rsa.privateKey), undefined, 'a key of another kind')
  t.equal(opened(`${A3}.x`, key), undefined)
  const direct = bytes(16)
  const head = (header: object): string => seal(header, Buffer.alloc(0), direct, 'A128GCM', 'hello')
  t.equal(opened(head({ alg: 'dir', enc: 'A128GCM' }), direct), 'hello')
  for (const header of [{ alg: 'dir', enc: 'A128GCM', zip: 'DEF' }, { alg: 'dir', enc: 'A128GCM', crit: ['x'] }, { alg: 'dir', enc: 'A256GCM' }, { alg: 'none', enc: 'A128GCM' }, { enc: 'A128GCM' }, { alg: 'dir' }, { alg: 1, enc: 2 }, ['dir'], { alg: 'RSA1_5', enc: 'A128GCM' }, { alg: 'constructor', enc: 'toString' }]) {
    t.equal(opened(head(header), direct), undefined, JSON.stringify(header))
    t.equal(opened(head(header), rsa.privateKey), undefined, `${JSON.stringify(header)}, RSA`)
  }
  const [p256, p384] = curves
  if (p256 === undefined || p384 === undefined) return
  t.equal(opened(token('ECDH-ES', 'A128GCM', p256.privateKey, p256.publicKey), p384.privateKey), undefined, 'another curve')
  for (const epk of [undefined, null, 'x', {}, { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' }, { kty: 'RSA', n: 'AQ', e: 'AQAB' }]) t.equal(opened(head({ alg: 'ECDH-ES', enc: 'A128GCM', epk }), p256.privateKey), undefined, JSON.stringify(epk))
})

t.test('as converters: secrets and keys, written or in variables', async (t) => {
  const section = new Section()
  const session = subject()
  const found = (converter: string, text = A3): string => {
    const value = section.evaluate(`str(${text}),${converter}`, session)
    return typeof value === 'object' ? `${value.type} ${String(value.value)}` : String(value)
  }
  const set = (name: string, value: string): boolean => session.variables.set({ scope: 'txn', name }, { type: 'str', value })
  t.equal(found(`jwt_decrypt_secret(${A3_KEY})`), 'bin Live long and prosper.')
  t.equal(found(`jwt_decrypt_secret(${A3_KEY}==)`), 'bin Live long and prosper.')
  t.equal(found('jwt_decrypt_secret(AAAA)'), 'bin ', 'empty: it does not open')
  t.equal(found(`jwt_decrypt_secret(${A3_KEY})`, 'junk'), 'bin ')
  t.match(found('jwt_decrypt_secret(*)'), /the secret is not base64, nor the name of a variable/)
  t.equal(found('jwt_decrypt_secret(txn.key)'), 'bin ', 'no such variable')
  set('key', A3_KEY)
  for (let again = 0; again < 2; again++) t.equal(found('jwt_decrypt_secret(txn.key)'), 'bin Live long and prosper.')
  set('key', 'AAAA')
  t.equal(found('jwt_decrypt_secret(txn.key)'), 'bin ')
  set('jwk', `{"kty":"oct","k":"${A3_KEY}"}`)
  t.equal(found('jwt_decrypt_jwk(txn.jwk)'), 'bin Live long and prosper.')
  t.equal(found(`"jwt_decrypt_jwk('{\\"kty\\":\\"oct\\",\\"k\\":\\"${A3_KEY}\\"}')"`), 'bin Live long and prosper.')
  const [ec] = curves
  if (ec === undefined) return
  for (const [alg, { privateKey, publicKey }] of [['RSA-OAEP-256', rsa], ['ECDH-ES+A128KW', ec]] as const) {
    set('jwk', JSON.stringify(privateKey.export({ format: 'jwk' })))
    t.equal(found('jwt_decrypt_jwk(txn.jwk)', token(alg, 'A256GCM', privateKey, publicKey)), 'bin hello', alg)
    set('jwk', JSON.stringify(publicKey.export({ format: 'jwk' })))
    t.equal(found('jwt_decrypt_jwk(txn.jwk)', token(alg, 'A256GCM', privateKey, publicKey)), 'bin ', `${alg}: no private key`)
  }
  for (const text of ['', 'x', '[]', 'null', '{}', '{"kty":"oct"}', '{"kty":"oct","k":1}', '{"kty":"EC"}', '{"kty":"OKP","crv":"X25519","d":"AA","x":"AA"}']) {
    set('jwk', text)
    t.equal(found('jwt_decrypt_jwk(txn.jwk)'), 'bin ', text)
  }
  t.match(found('jwt_decrypt_jwk(x)'), /this is no JSON Web Key/)
})
