// The public door of the test kit, `headgate/test`: what authors of handlers and services try them with. Re-exports only.

export * from './configured.ts'
export * from './fake-handshake.ts'
export * from './fake-sock.ts'
export * from './handler-contract.ts'
