// Owns OpenSSL's short names of the algorithms of signatures and keys.

/** By the content bytes of the object identifier, in hex. */
export const ALGORITHM_NAMES: ReadonlyMap<string, string> = new Map([
  ['2a864886f70d010104', 'RSA-MD5'],
  ['2a864886f70d010105', 'RSA-SHA1'],
  ['2a864886f70d01010e', 'RSA-SHA224'],
  ['2a864886f70d01010b', 'RSA-SHA256'],
  ['2a864886f70d01010c', 'RSA-SHA384'],
  ['2a864886f70d01010d', 'RSA-SHA512'],
  ['2a864886f70d01010a', 'RSASSA-PSS'],
  ['2a864886f70d010101', 'rsaEncryption'],
  ['2a8648ce3d0201', 'id-ecPublicKey'],
  ['2a8648ce3d0401', 'ecdsa-with-SHA1'],
  ['2a8648ce3d040301', 'ecdsa-with-SHA224'],
  ['2a8648ce3d040302', 'ecdsa-with-SHA256'],
  ['2a8648ce3d040303', 'ecdsa-with-SHA384'],
  ['2a8648ce3d040304', 'ecdsa-with-SHA512'],
  ['2a8648ce380401', 'dsaEncryption'],
  ['2a8648ce380403', 'DSA-SHA1'],
  ['608648016503040301', 'dsa_with_SHA224'],
  ['608648016503040302', 'dsa_with_SHA256'],
  ['2b656e', 'X25519'],
  ['2b656f', 'X448'],
  ['2b6570', 'ED25519'],
  ['2b6571', 'ED448'],
])
