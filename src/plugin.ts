// The public door of Headgate, `headgate/plugin`: re-exports only. The built-in handlers import nothing else of the project.

export * from './core/address.ts'
export * from './core/bytes.ts'
export * from './core/client-hello.ts'
export * from './core/connection.ts'
export * from './core/handler.ts'
export * from './core/keyword.ts'
export * from './core/plugin.ts'
export * from './core/shut.ts'
export * from './core/sock.ts'
export * from './core/tls.ts'
export * from './core/tls-hosts.ts'
