// Owns converters of what is said of certificates (manual 7.3.1 since 3.0).

import type { ConverterSpec } from '../../core/sample.ts'
import { str } from '../../core/sample.ts'
import { verifyErrorName } from '../../core/x509-verify-names.ts'

export const x509Converters: readonly ConverterSpec[] = [
  {
    name: 'x509_v_err_str',
    input: 'sint',
    output: 'str',
    doc: "The name of OpenSSL's constant for a number of ssl_c_verify and the like, X509_V_ERR_CERT_HAS_EXPIRED for 10; a number that has none as it is.",
    compile: () => (sample) => (sample.type === 'sint' ? str(verifyErrorName(Number(sample.value)) ?? String(sample.value)) : undefined),
  },
]
