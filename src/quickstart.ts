// Owns what `npm start` needs before the program: the certificate of conf/quickstart.cfg, made at the first start.

import { ensureSelfSigned } from './util/self-signed.ts'

const CERTIFICATE = 'conf/quickstart.pem'

if (ensureSelfSigned(CERTIFICATE)) console.log(`made ${CERTIFICATE}, a self-signed certificate for localhost`)
console.log(`
Headgate starts conf/quickstart.cfg. Try, in another terminal:

  curl http://127.0.0.1:8080/
  curl --cacert ${CERTIFICATE} https://localhost:8443/

Each request is logged here. Ctrl-C ends it.
`)
