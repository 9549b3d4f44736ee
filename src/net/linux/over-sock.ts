// Owns what a layer that lies on a sock leaves to it: who is told, where the ends are, the end below the layer's own.

import type { Address } from '../../core/address.ts'
import type { Owner } from '../../core/sock.ts'
import type { LinuxSock } from './sock.ts'

export abstract class OverSock {
  protected readonly lower: LinuxSock

  constructor(lower: LinuxSock) {
    this.lower = lower
  }

  get owner(): Owner {
    return this.lower.owner
  }

  set owner(owner: Owner) {
    this.lower.owner = owner
  }

  shutCtrl(): boolean {
    return this.lower.shutCtrl()
  }

  again(): void {
    this.lower.again()
  }

  local(): Address {
    return this.lower.local()
  }

  remote(): Address {
    return this.lower.remote()
  }
}
